-- The versions from low to high, after the cursor: down the skip links to high, then one by one.
WITH RECURSIVE
q AS MATERIALIZED (
  SELECT newest_first, head_entry_n, CASE WHEN newest_first THEN max(1, last - first + 1) ELSE after + 1 END AS low,
    CASE WHEN newest_first THEN last ELSE min(version, after + first) END AS high
  FROM (
    SELECT first, newest_first, b.version, b.head_entry_n, coalesce(after, 0) AS after,
      min(b.version, coalesce(after - 1, b.version)) AS last
    FROM (
      SELECT json_extract(d, '$.first') AS first,
        CASE WHEN json_extract(d, '$.after') NOT GLOB '*[^0-9]*' THEN CAST(json_extract(d, '$.after') AS INTEGER)
          WHEN json_extract(d, '$.after') IS NOT NULL THEN json_extract(d, 'cala:request.malformed') END AS after,
        coalesce(json_extract(d, '$.desc'), 0) AS newest_first, json_extract(d, '$.account_id') AS account_id,
        json_extract(d, '$.journal_id') AS journal_id, json_extract(d, '$.currency') AS currency
      FROM (SELECT ? AS d)) d
    CROSS JOIN main.cala_accounts a ON a.id = d.account_id CROSS JOIN main.cala_journals j ON j.id = d.journal_id
    CROSS JOIN main.cala_balances b ON b.account_n = a.n AND b.journal_n = j.n AND b.currency = d.currency)
),
toward (n, version, prev_n, skip_n) AS (
  SELECT e.n, e.version, e.prev_n, e.skip_n FROM q CROSS JOIN main.cala_entries e ON e.n = q.head_entry_n
    WHERE q.high >= q.low
  UNION ALL
  SELECT e.n, e.version, e.prev_n, e.skip_n
  FROM toward w CROSS JOIN q CROSS JOIN main.cala_entries e
    ON e.n = CASE WHEN w.version - (w.version & -w.version) >= q.high THEN w.skip_n ELSE w.prev_n END
  WHERE w.version > q.high
),
page (n, version, prev_n) AS (
  SELECT w.n, w.version, w.prev_n FROM toward w CROSS JOIN q WHERE w.version = q.high
  UNION ALL
  SELECT e.n, e.version, e.prev_n FROM page w CROSS JOIN q CROSS JOIN main.cala_entries e ON e.n = w.prev_n
  WHERE w.version > q.low
)
SELECT '{"rows":[' || coalesce(group_concat(row, ','), '') || ']}' FROM (
  SELECT substr(r.row, 1, length(r.row) - 1) || ',"cursor":"' || c.version || '"}' AS row
  FROM (
    SELECT p.n, p.version FROM page p CROSS JOIN q
    ORDER BY CASE WHEN q.newest_first THEN -p.version ELSE p.version END LIMIT -1) c
  CROSS JOIN main.cala_balance_rows_v1 r ON r.n = c.n
)
