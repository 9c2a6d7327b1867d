-- By transaction number. With a correlation id: by its index. With an account: along the account's chains of entries,
-- as entry_list_v1 does; an account set stands for the accounts below it, in its journal. Otherwise along the table.
WITH RECURSIVE
q AS MATERIALIZED (
  SELECT json_extract(d, '$.first') AS first,
    CASE WHEN json_extract(d, '$.after') NOT GLOB '*[^0-9]*' THEN CAST(json_extract(d, '$.after') AS INTEGER)
      WHEN json_extract(d, '$.after') IS NOT NULL THEN json_extract(d, 'cala:request.malformed') END AS after,
    coalesce(json_extract(d, '$.desc'), 0) AS newest_first,
    json_extract(d, '$.account_id') AS account_id, json_extract(d, '$.correlation_id') AS correlation_id,
    (SELECT a.n FROM main.cala_accounts a WHERE a.id = json_extract(d, '$.account_id')) AS account_n,
    json_extract(d, '$.journal_id') AS journal_id,
    (SELECT j.n FROM main.cala_journals j WHERE j.id = json_extract(d, '$.journal_id')) AS journal_n,
    json_extract(d, '$.tx_template_id') AS tx_template_id,
    (SELECT p.n FROM main.cala_tx_templates p WHERE p.id = json_extract(d, '$.tx_template_id')) AS tx_template_n,
    coalesce(json_extract(d, '$.effective_from'), -9223372036854775808) AS effective_from,
    coalesce(json_extract(d, '$.effective_to'), 9223372036854775807) AS effective_to
  FROM (SELECT ? AS d)
),
heads AS MATERIALIZED (
  SELECT b.n AS balance_n, b.version, b.head_entry_n
  FROM q CROSS JOIN main.cala_balances b ON b.account_n = q.account_n
  WHERE q.correlation_id IS NULL AND (q.journal_id IS NULL OR b.journal_n = q.journal_n)
    AND NOT EXISTS (SELECT 1 FROM main.cala_accounts a WHERE a.n = b.account_n AND a.is_set)
  UNION ALL
  SELECT b.n, b.version, b.head_entry_n
  FROM q CROSS JOIN main.cala_accounts s ON s.n = q.account_n AND s.is_set
  CROSS JOIN main.cala_account_set_ancestors x ON x.set_n = s.n
  CROSS JOIN main.cala_accounts a ON a.n = x.member_n AND NOT a.is_set
  CROSS JOIN main.cala_balances b ON b.account_n = a.n AND b.journal_n = s.journal_n
  WHERE q.correlation_id IS NULL AND (q.journal_id IS NULL OR b.journal_n = q.journal_n)
),
-- Down each chain to its newest entry below `edge`, the first that does not belong to what the cursor has left behind.
above (balance_n, n, version, prev_n, skip_n, edge) AS (
  SELECT h.balance_n, e.n, e.version, e.prev_n, e.skip_n,
    CASE WHEN q.newest_first
      THEN coalesce((SELECT t.first_entry_n FROM main.cala_transactions t WHERE t.n = q.after), 9223372036854775807)
      ELSE coalesce((SELECT t.first_entry_n + t.entry_count FROM main.cala_transactions t WHERE t.n = q.after), 1) END
  FROM heads h CROSS JOIN q CROSS JOIN main.cala_entries e ON e.n = h.head_entry_n
  UNION ALL
  SELECT w.balance_n, e.n, e.version, e.prev_n, e.skip_n, w.edge
  FROM above w CROSS JOIN main.cala_entries e ON e.n = CASE WHEN w.skip_n >= w.edge THEN w.skip_n ELSE w.prev_n END
  WHERE w.n >= w.edge
),
starts AS MATERIALIZED (SELECT balance_n, n, version, prev_n FROM above WHERE n < edge),
down (n, prev_n, transaction_n) AS (
  SELECT s.n, s.prev_n, e.transaction_n FROM starts s CROSS JOIN q CROSS JOIN main.cala_entries e ON e.n = s.n
    WHERE q.newest_first
  UNION ALL
  SELECT e.n, e.prev_n, e.transaction_n FROM down w CROSS JOIN main.cala_entries e ON e.n = w.prev_n
  ORDER BY 1 DESC LIMIT -1
),
floors AS MATERIALIZED (
  SELECT h.version, h.head_entry_n, s.floor, min(h.version, s.floor + 2 * q.first + 16) AS target
  FROM q CROSS JOIN (
    SELECT h.balance_n, coalesce((SELECT s.version FROM starts s WHERE s.balance_n = h.balance_n), 0) AS floor
    FROM heads h) s
  CROSS JOIN heads h ON h.balance_n = s.balance_n
  WHERE NOT q.newest_first AND h.version > s.floor
),
toward (n, version, prev_n, skip_n, transaction_n, floor, target, head_version) AS (
  SELECT e.n, e.version, e.prev_n, e.skip_n, e.transaction_n, f.floor, f.target, f.version
  FROM floors f CROSS JOIN main.cala_entries e ON e.n = f.head_entry_n
  UNION ALL
  SELECT e.n, e.version, e.prev_n, e.skip_n, e.transaction_n, w.floor, w.target, w.head_version
  FROM toward w CROSS JOIN main.cala_entries e
    ON e.n = CASE WHEN w.version - (w.version & -w.version) >= w.target THEN w.skip_n ELSE w.prev_n END
  WHERE w.version > w.target
),
tops AS MATERIALIZED (
  SELECT n, version, prev_n, transaction_n, floor, head_version > target AS cut FROM toward WHERE version = target
),
near (n, version, prev_n, transaction_n, floor) AS (
  SELECT n, version, prev_n, transaction_n, floor FROM tops
  UNION ALL
  SELECT e.n, e.version, e.prev_n, e.transaction_n, w.floor FROM near w CROSS JOIN main.cala_entries e ON e.n = w.prev_n
  WHERE w.version > w.floor + 1
),
picked AS MATERIALIZED (
  SELECT DISTINCT t.n FROM near w CROSS JOIN q CROSS JOIN main.cala_transactions t ON t.n = w.transaction_n
  WHERE w.n <= (SELECT coalesce(min(n), 9223372036854775807) FROM tops WHERE cut)
    AND (q.tx_template_id IS NULL OR t.tx_template_n = q.tx_template_n)
    AND t.effective >= q.effective_from AND t.effective <= q.effective_to
  ORDER BY t.n LIMIT (SELECT first FROM q)
),
enough AS MATERIALIZED (
  SELECT (SELECT count(*) FROM picked) >= q.first OR NOT EXISTS (SELECT 1 FROM tops WHERE cut) AS yes FROM q
),
far (n, version, prev_n, transaction_n, floor) AS (
  SELECT e.n, e.version, e.prev_n, e.transaction_n, f.floor
  FROM enough CROSS JOIN floors f CROSS JOIN main.cala_entries e ON e.n = f.head_entry_n WHERE NOT enough.yes
  UNION ALL
  SELECT e.n, e.version, e.prev_n, e.transaction_n, w.floor FROM far w CROSS JOIN main.cala_entries e ON e.n = w.prev_n
  WHERE w.version > w.floor + 1
),
correlated AS MATERIALIZED (
  SELECT t.n FROM q CROSS JOIN (
    SELECT x.n FROM main.cala_transactions x WHERE x.correlation_id = (SELECT correlation_id FROM q)
    UNION ALL
    SELECT x.n FROM main.cala_transactions x WHERE x.id = (SELECT correlation_id FROM q) AND x.correlation_id IS NULL) c
  CROSS JOIN main.cala_transactions t ON t.n = c.n
  WHERE (q.journal_id IS NULL OR t.journal_n = q.journal_n)
    AND (q.tx_template_id IS NULL OR t.tx_template_n = q.tx_template_n)
    AND t.effective >= q.effective_from AND t.effective <= q.effective_to
    AND (q.after IS NULL OR CASE WHEN q.newest_first THEN t.n < q.after ELSE t.n > q.after END)
    AND (q.account_id IS NULL OR EXISTS (
      SELECT 1 FROM main.cala_entries e CROSS JOIN main.cala_balances b ON b.n = e.balance_n
      WHERE e.n >= t.first_entry_n AND e.n < t.first_entry_n + t.entry_count AND (b.account_n = q.account_n
        OR EXISTS (SELECT 1 FROM main.cala_account_set_ancestors x CROSS JOIN main.cala_accounts s ON s.n = x.set_n
          WHERE x.member_n = b.account_n AND x.set_n = q.account_n AND s.journal_n = b.journal_n))))
),
chosen AS (
  SELECT n FROM (
    SELECT DISTINCT t.n FROM down w CROSS JOIN q CROSS JOIN main.cala_transactions t ON t.n = w.transaction_n
    WHERE (q.tx_template_id IS NULL OR t.tx_template_n = q.tx_template_n)
      AND t.effective >= q.effective_from AND t.effective <= q.effective_to
    LIMIT (SELECT first FROM q))
  UNION ALL
  SELECT p.n FROM enough CROSS JOIN picked p WHERE enough.yes
  UNION ALL
  SELECT n FROM (
    SELECT DISTINCT t.n FROM far w CROSS JOIN q CROSS JOIN main.cala_transactions t ON t.n = w.transaction_n
    WHERE (q.tx_template_id IS NULL OR t.tx_template_n = q.tx_template_n)
      AND t.effective >= q.effective_from AND t.effective <= q.effective_to
    ORDER BY t.n LIMIT (SELECT first FROM q))
  UNION ALL
  SELECT n FROM (SELECT n FROM correlated ORDER BY n LIMIT (SELECT CASE WHEN newest_first THEN 0 ELSE first END FROM q))
  UNION ALL
  SELECT n FROM (SELECT n FROM correlated ORDER BY n DESC LIMIT (SELECT CASE WHEN newest_first THEN first ELSE 0 END
    FROM q))
  UNION ALL
  SELECT n FROM (
    SELECT t.n FROM main.cala_transactions t
    WHERE t.n > (SELECT coalesce(after, 0) FROM q)
      AND ((SELECT journal_id FROM q) IS NULL OR t.journal_n = (SELECT journal_n FROM q))
      AND ((SELECT tx_template_id FROM q) IS NULL OR t.tx_template_n = (SELECT tx_template_n FROM q))
      AND t.effective >= (SELECT effective_from FROM q) AND t.effective <= (SELECT effective_to FROM q)
    ORDER BY t.n LIMIT (
      SELECT CASE WHEN account_id IS NOT NULL OR correlation_id IS NOT NULL OR newest_first THEN 0 ELSE first END
        FROM q))
  UNION ALL
  SELECT n FROM (
    SELECT t.n FROM main.cala_transactions t
    WHERE t.n < (SELECT coalesce(after, 9223372036854775807) FROM q)
      AND ((SELECT journal_id FROM q) IS NULL OR t.journal_n = (SELECT journal_n FROM q))
      AND ((SELECT tx_template_id FROM q) IS NULL OR t.tx_template_n = (SELECT tx_template_n FROM q))
      AND t.effective >= (SELECT effective_from FROM q) AND t.effective <= (SELECT effective_to FROM q)
    ORDER BY t.n DESC LIMIT (
      SELECT CASE WHEN account_id IS NULL AND correlation_id IS NULL AND newest_first THEN first ELSE 0 END FROM q))
)
SELECT '{"rows":[' || coalesce(group_concat(row, ','), '') || ']}' FROM (
  SELECT substr(r.row, 1, length(r.row) - 1) || ',"cursor":"' || c.n || '"}' AS row
  FROM (SELECT n FROM chosen ORDER BY CASE WHEN (SELECT newest_first FROM q) THEN -n ELSE n END LIMIT -1) c
  CROSS JOIN main.cala_transaction_rows_v1 r ON r.n = c.n
)
