-- The versions of a balance from low to high whose entries are of one layer, with those entries: down the skip links to
-- high, then one by one.
WITH RECURSIVE
q AS MATERIALIZED (
  SELECT d.first, d.newest_first, d.low, d.layer, b.head_entry_n, min(b.version, d.asked_high) AS high
  FROM (
    SELECT json_extract(d, '$.first') AS first, coalesce(json_extract(d, '$.desc'), 0) AS newest_first,
      json_extract(d, '$.account_id') AS account_id, json_extract(d, '$.journal_id') AS journal_id,
      json_extract(d, '$.currency') AS currency, json_extract(d, '$.low') AS low, json_extract(d, '$.high')
        AS asked_high,
      CASE json_extract(d, '$.layer') WHEN 'settled' THEN 0 WHEN 'pending' THEN 1 ELSE 2 END AS layer
    FROM (SELECT ? AS d)) d
  CROSS JOIN main.cala_accounts a ON a.id = d.account_id CROSS JOIN main.cala_journals j ON j.id = d.journal_id
  CROSS JOIN main.cala_balances b ON b.account_n = a.n AND b.journal_n = j.n AND b.currency = d.currency
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
span (n, version, prev_n) AS (
  SELECT w.n, w.version, w.prev_n FROM toward w CROSS JOIN q WHERE w.version = q.high
  UNION ALL
  SELECT e.n, e.version, e.prev_n FROM span w CROSS JOIN q CROSS JOIN main.cala_entries e ON e.n = w.prev_n
  WHERE w.version > q.low
)
SELECT '{"rows":[' || coalesce(group_concat(row, ','), '') || ']}' FROM (
  SELECT json_object('version', c.version,
    'debit', coalesce(json_extract(c.state, '$[' || c.layer || '][0]'), '0'),
    'credit', coalesce(json_extract(c.state, '$[' || c.layer || '][1]'), '0'), 'entry', json(r.row)) AS row
  FROM (
    SELECT s.version, e.state, e.layer, coalesce(e.entry_n, e.n) AS entry_n
    FROM span s CROSS JOIN q CROSS JOIN main.cala_entries e ON e.n = s.n AND e.layer = q.layer
    ORDER BY CASE WHEN q.newest_first THEN -s.version ELSE s.version END LIMIT (SELECT first FROM q)) c
  CROSS JOIN main.cala_entry_rows_v1 r ON r.n = c.entry_n
)
