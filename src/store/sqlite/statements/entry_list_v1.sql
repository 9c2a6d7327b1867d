-- By entry number. An account set stands for the accounts below it, in its journal. Without an account, or of one
-- transaction (whose entries are a range): along the table. With an account, newest first: down the account's chains,
-- merged by the queue's order as they are read. With an account, oldest first: a window above the cursor, found by the
-- skip links; only where too few of its entries pass the filters, everything above.
WITH RECURSIVE
q AS MATERIALIZED (
  SELECT json_extract(d, '$.first') AS first,
    CASE WHEN json_extract(d, '$.after') NOT GLOB '*[^0-9]*' THEN CAST(json_extract(d, '$.after') AS INTEGER)
      WHEN json_extract(d, '$.after') IS NOT NULL THEN json_extract(d, 'cala:request.malformed') END AS after,
    coalesce(json_extract(d, '$.desc'), 0) AS newest_first,
    coalesce(json_extract(d, '$.account_id'), json_extract(d, '$.account_set_id')) AS account_id,
    json_extract(d, '$.journal_id') AS journal_id,
    (SELECT j.n FROM main.cala_journals j WHERE j.id = json_extract(d, '$.journal_id')) AS journal_n,
    json_extract(d, '$.transaction_id') AS transaction_id,
    (SELECT a.n FROM main.cala_accounts a
      WHERE a.id = coalesce(json_extract(d, '$.account_id'), json_extract(d, '$.account_set_id'))) AS account_n,
    CASE WHEN json_extract(d, '$.transaction_id') IS NULL THEN 0
      ELSE coalesce((SELECT t.first_entry_n FROM main.cala_transactions t
        WHERE t.id = json_extract(d, '$.transaction_id')),
        9223372036854775807) END AS low,
    CASE WHEN json_extract(d, '$.transaction_id') IS NULL THEN 9223372036854775807
      ELSE coalesce((
        SELECT t.first_entry_n + t.entry_count - 1 FROM main.cala_transactions t
          WHERE t.id = json_extract(d, '$.transaction_id')),
        0) END AS high,
    json_extract(d, '$.transaction_id') AS transaction_id,
    coalesce(json_extract(d, '$.created_from'), -9223372036854775808) AS created_from,
    coalesce(json_extract(d, '$.created_to'), 9223372036854775807) AS created_to,
    coalesce(json_extract(d, '$.effective_from'), -9223372036854775808) AS effective_from,
    coalesce(json_extract(d, '$.effective_to'), 9223372036854775807) AS effective_to
  FROM (SELECT ? AS d)
),
-- The table's part that may be shown where no account is asked for: between both ends, without them.
part AS MATERIALIZED (
  SELECT max(iif(q.newest_first, 0, coalesce(q.after, 0)),
      iif(q.transaction_id IS NULL, 0, coalesce(t.first_entry_n - 1, 9223372036854775807))) AS low,
    min(iif(q.newest_first, coalesce(q.after, 9223372036854775807), 9223372036854775807),
      coalesce(t.first_entry_n + t.entry_count, 9223372036854775807)) AS high
  FROM q LEFT JOIN main.cala_transactions t ON t.id = q.transaction_id
),
heads AS MATERIALIZED (
  SELECT b.n AS balance_n, b.version, b.head_entry_n
  FROM q CROSS JOIN main.cala_balances b ON b.account_n = q.account_n
  WHERE q.transaction_id IS NULL AND (q.journal_id IS NULL OR b.journal_n = q.journal_n)
    AND NOT EXISTS (SELECT 1 FROM main.cala_accounts a WHERE a.n = b.account_n AND a.is_set)
  UNION ALL
  SELECT b.n, b.version, b.head_entry_n
  FROM q CROSS JOIN main.cala_accounts s ON s.n = q.account_n AND s.is_set
  CROSS JOIN main.cala_account_set_ancestors x ON x.set_n = s.n
  CROSS JOIN main.cala_accounts a ON a.n = x.member_n AND NOT a.is_set
  CROSS JOIN main.cala_balances b ON b.account_n = a.n AND b.journal_n = s.journal_n
  WHERE q.transaction_id IS NULL
),
-- Down each chain to its newest entry below `edge`.
above (balance_n, n, version, prev_n, skip_n, edge) AS (
  SELECT h.balance_n, e.n, e.version, e.prev_n, e.skip_n,
    CASE WHEN q.newest_first THEN coalesce(q.after, 9223372036854775807) ELSE coalesce(q.after, 0) + 1 END
  FROM heads h CROSS JOIN q CROSS JOIN main.cala_entries e ON e.n = h.head_entry_n
  UNION ALL
  SELECT w.balance_n, e.n, e.version, e.prev_n, e.skip_n, w.edge
  FROM above w CROSS JOIN main.cala_entries e ON e.n = CASE WHEN w.skip_n >= w.edge THEN w.skip_n ELSE w.prev_n END
  WHERE w.n >= w.edge
),
starts AS MATERIALIZED (SELECT balance_n, n, version, prev_n FROM above WHERE n < edge),
-- Merged by the queue: the limit keeps SQLite from dropping the order.
down (n, prev_n) AS (
  SELECT s.n, s.prev_n FROM starts s CROSS JOIN q WHERE q.newest_first
  UNION ALL
  SELECT e.n, e.prev_n FROM down w CROSS JOIN main.cala_entries e ON e.n = w.prev_n
  ORDER BY 1 DESC LIMIT -1
),
-- Entries of the versions past `floor` come after the cursor; the window ends at `target`.
floors AS MATERIALIZED (
  SELECT h.version, h.head_entry_n, s.floor, min(h.version, s.floor + 2 * q.first + 16) AS target
  FROM q CROSS JOIN (
    SELECT h.balance_n, coalesce((SELECT s.version FROM starts s WHERE s.balance_n = h.balance_n), 0) AS floor
    FROM heads h) s
  CROSS JOIN heads h ON h.balance_n = s.balance_n
  WHERE NOT q.newest_first AND h.version > s.floor
),
toward (n, version, prev_n, skip_n, floor, target, head_version) AS (
  SELECT e.n, e.version, e.prev_n, e.skip_n, f.floor, f.target, f.version
  FROM floors f CROSS JOIN main.cala_entries e ON e.n = f.head_entry_n
  UNION ALL
  SELECT e.n, e.version, e.prev_n, e.skip_n, w.floor, w.target, w.head_version
  FROM toward w CROSS JOIN main.cala_entries e
    ON e.n = CASE WHEN w.version - (w.version & -w.version) >= w.target THEN w.skip_n ELSE w.prev_n END
  WHERE w.version > w.target
),
tops AS MATERIALIZED (
  SELECT n, version, prev_n, floor, head_version > target AS cut FROM toward WHERE version = target
),
near (n, version, prev_n, floor) AS (
  SELECT n, version, prev_n, floor FROM tops
  UNION ALL
  SELECT e.n, e.version, e.prev_n, w.floor FROM near w CROSS JOIN main.cala_entries e ON e.n = w.prev_n
  WHERE w.version > w.floor + 1
),
-- Up to the lowest end of a window that was cut, nothing is missing.
picked AS MATERIALIZED (
  SELECT e.n FROM near w CROSS JOIN q CROSS JOIN main.cala_entries e ON e.n = w.n
    CROSS JOIN main.cala_transactions t ON t.n = e.transaction_n
  WHERE w.n <= (SELECT coalesce(min(n), 9223372036854775807) FROM tops WHERE cut)
    AND e.created_at >= q.created_from AND e.created_at <= q.created_to
    AND t.effective >= q.effective_from AND t.effective <= q.effective_to
  ORDER BY e.n LIMIT (SELECT first FROM q)
),
enough AS MATERIALIZED (
  SELECT (SELECT count(*) FROM picked) >= q.first OR NOT EXISTS (SELECT 1 FROM tops WHERE cut) AS yes FROM q
),
far (n, version, prev_n, floor) AS (
  SELECT e.n, e.version, e.prev_n, f.floor
  FROM enough CROSS JOIN floors f CROSS JOIN main.cala_entries e ON e.n = f.head_entry_n WHERE NOT enough.yes
  UNION ALL
  SELECT e.n, e.version, e.prev_n, w.floor FROM far w CROSS JOIN main.cala_entries e ON e.n = w.prev_n
  WHERE w.version > w.floor + 1
),
chosen AS (
  SELECT n FROM (
    SELECT e.n FROM down w CROSS JOIN q CROSS JOIN main.cala_entries e ON e.n = w.n
    CROSS JOIN main.cala_transactions t ON t.n = e.transaction_n
    WHERE e.created_at >= q.created_from AND e.created_at <= q.created_to
      AND t.effective >= q.effective_from AND t.effective <= q.effective_to
    LIMIT (SELECT first FROM q))
  UNION ALL
  SELECT p.n FROM enough CROSS JOIN picked p WHERE enough.yes
  UNION ALL
  SELECT n FROM (
    SELECT e.n FROM far w CROSS JOIN q CROSS JOIN main.cala_entries e ON e.n = w.n
    CROSS JOIN main.cala_transactions t ON t.n = e.transaction_n
    WHERE e.created_at >= q.created_from AND e.created_at <= q.created_to
      AND t.effective >= q.effective_from AND t.effective <= q.effective_to
    ORDER BY e.n LIMIT (SELECT first FROM q))
  UNION ALL
  SELECT n FROM (
    SELECT e.n FROM main.cala_entries e CROSS JOIN main.cala_transactions t ON t.n = e.transaction_n
    WHERE e.n > (SELECT low FROM part) AND e.n < (SELECT high FROM part) AND e.entry_n IS NULL
      AND ((SELECT journal_id FROM q) IS NULL OR t.journal_n = (SELECT journal_n FROM q))
      AND e.created_at >= (SELECT created_from FROM q) AND e.created_at <= (SELECT created_to FROM q)
      AND t.effective >= (SELECT effective_from FROM q) AND t.effective <= (SELECT effective_to FROM q)
    ORDER BY e.n LIMIT (
      SELECT CASE WHEN account_id IS NOT NULL AND transaction_id IS NULL OR newest_first THEN 0 ELSE first END FROM q))
  UNION ALL
  SELECT n FROM (
    SELECT e.n FROM main.cala_entries e CROSS JOIN main.cala_transactions t ON t.n = e.transaction_n
    WHERE e.n > (SELECT low FROM part) AND e.n < (SELECT high FROM part) AND e.entry_n IS NULL
      AND ((SELECT journal_id FROM q) IS NULL OR t.journal_n = (SELECT journal_n FROM q))
      AND e.created_at >= (SELECT created_from FROM q) AND e.created_at <= (SELECT created_to FROM q)
      AND t.effective >= (SELECT effective_from FROM q) AND t.effective <= (SELECT effective_to FROM q)
    ORDER BY e.n DESC LIMIT (
      SELECT CASE WHEN (account_id IS NULL OR transaction_id IS NOT NULL) AND newest_first THEN first ELSE 0 END
        FROM q))
)
SELECT '{"rows":[' || coalesce(group_concat(row, ','), '') || ']}' FROM (
  SELECT substr(r.row, 1, length(r.row) - 1) || ',"cursor":"' || c.n || '"}' AS row
  FROM (SELECT n FROM chosen ORDER BY CASE WHEN (SELECT newest_first FROM q) THEN -n ELSE n END LIMIT -1) c
  CROSS JOIN main.cala_entry_rows_v1 r ON r.n = c.n
)
