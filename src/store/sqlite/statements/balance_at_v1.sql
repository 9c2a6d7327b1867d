-- From the head down the skip links to the newest version not past what is asked for.
WITH RECURSIVE
q AS MATERIALIZED (
  SELECT json_extract(d, '$.account_id') AS account_id, json_extract(d, '$.journal_id') AS journal_id,
    json_extract(d, '$.currency') AS currency, json_extract(d, '$.version') AS version,
    json_extract(d, '$.recorded_at') AS recorded_at
  FROM (SELECT ? AS d)
),
walk (n, version, prev_n, skip_n, created_at) AS (
  SELECT e.n, e.version, e.prev_n, e.skip_n, e.created_at
  FROM q CROSS JOIN main.cala_accounts a ON a.id = q.account_id CROSS JOIN main.cala_journals j ON j.id = q.journal_id
  CROSS JOIN main.cala_balances b ON b.account_n = a.n AND b.journal_n = j.n AND b.currency = q.currency
  CROSS JOIN main.cala_entries e ON e.n = b.head_entry_n
  UNION ALL
  SELECT e.n, e.version, e.prev_n, e.skip_n, e.created_at
  FROM walk w CROSS JOIN q CROSS JOIN main.cala_entries e ON e.n =
    CASE WHEN
      CASE WHEN q.version IS NOT NULL THEN w.version - (w.version & -w.version) >= q.version
        ELSE (SELECT s.created_at FROM main.cala_entries s WHERE s.n = w.skip_n) > q.recorded_at END
    THEN w.skip_n ELSE w.prev_n END
  WHERE CASE WHEN q.version IS NOT NULL THEN w.version > q.version ELSE w.created_at > q.recorded_at END
)
SELECT '{"rows":[' || coalesce(group_concat(r.row, ','), '') || ']}'
FROM walk w CROSS JOIN q CROSS JOIN main.cala_balance_rows_v1 r ON r.n = w.n
WHERE (q.version IS NULL OR w.version = q.version) AND (q.recorded_at IS NULL OR w.created_at <= q.recorded_at)
