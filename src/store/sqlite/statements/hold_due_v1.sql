-- Holds that have expired, those first that expired first; but for those that nothing can be posted of while an account
-- or the journal is locked, or the journal's books are closed for today.
WITH q AS MATERIALIZED (
  SELECT json_extract(d, '$.first') AS first, json_extract(d, '$.now') AS now, a.expires_at AS after_at, a.n AS after_n
  FROM (SELECT ? AS d) LEFT JOIN main.cala_transactions t ON t.id = json_extract(d, '$.after') LEFT
    JOIN main.cala_holds a ON a.n = t.n
),
chosen AS (
  SELECT h.n, h.expires_at FROM main.cala_holds h CROSS JOIN main.cala_transactions t ON t.n = h.n
  CROSS JOIN main.cala_journals j ON j.n = t.journal_n
  WHERE h.status = 'open' AND h.expires_at IS NOT NULL AND h.expires_at <= (SELECT now FROM q) AND j.status <> 'locked'
    AND (j.closed_until IS NULL OR (j.closed_until + 1) * 86400000000 <= (SELECT now FROM q))
    AND (h.expires_at, h.n) > (SELECT coalesce(after_at, -9223372036854775808), coalesce(after_n, 0) FROM q)
    AND NOT EXISTS (
      SELECT 1 FROM main.cala_entries e CROSS JOIN main.cala_balances b ON b.n = e.balance_n
      CROSS JOIN main.cala_accounts a ON a.n = b.account_n
      WHERE e.n >= t.first_entry_n AND e.n < t.first_entry_n + t.entry_count AND a.status = 'locked')
  ORDER BY h.expires_at, h.n LIMIT (SELECT first FROM q)
)
SELECT '{"rows":[' || coalesce(group_concat(row, ','), '') || ']}' FROM (
  SELECT r.row FROM (SELECT n, expires_at FROM chosen ORDER BY expires_at, n LIMIT -1) c
  CROSS JOIN main.cala_hold_rows_v1 r ON r.n = c.n
)
