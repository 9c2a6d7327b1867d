-- By account id, currency, day. A cursor is account_id/currency/day. An entry of a day changes the balance at every
-- later day that has one: from each balance's first changed day on. The first of a balance on the page carries what
-- makes the balance before it.
WITH
q AS MATERIALIZED (
  SELECT first, backward, journal_id, since, since_day, after,
    (SELECT j.n FROM main.cala_journals j WHERE j.id = journal_id) AS journal_n, substr(after, 1, 36) AS after_account,
    substr(after, 38, instr(substr(after, 38), '/') - 1) AS after_currency,
    CAST(substr(after, 38 + instr(substr(after, 38), '/')) AS INTEGER) AS after_start
  FROM (
    SELECT json_extract(d, '$.first') AS first, coalesce(json_extract(d, '$.desc'), 0) AS backward,
      CASE WHEN json_extract(d, '$.after') NOT GLOB '*-*-*-*-*/*/*' THEN json_extract(d, 'cala:request.malformed')
        ELSE json_extract(d, '$.after') END AS after,
      json_extract(d, '$.journal_id') AS journal_id, json_extract(d, '$.modified_since') AS since,
      json_extract(d, '$.since_day') AS since_day
    FROM (SELECT ? AS d))
),
changed AS MATERIALIZED (
  SELECT e.balance_n, min(e.start) AS start
  FROM q CROSS JOIN main.cala_effective_balances e INDEXED BY cala_effective_balances_modified_on
  WHERE e.level = 0 AND e.modified_on >= q.since_day AND e.modified_at >= q.since GROUP BY e.balance_n
),
chosen AS MATERIALIZED (
  SELECT b.n, a.id AS account_id, a.normal_balance_type, b.currency, b.created_at, d.start, d.sums
  FROM changed c CROSS JOIN q CROSS JOIN main.cala_balances b ON b.n = c.balance_n AND b.journal_n = q.journal_n
  CROSS JOIN main.cala_accounts a ON a.n = b.account_n
  CROSS JOIN main.cala_effective_balances d ON d.balance_n = b.n AND d.level = 0 AND d.start >= c.start
  WHERE q.after IS NULL OR CASE WHEN q.backward
    THEN (a.id, b.currency, d.start) < (q.after_account, q.after_currency, q.after_start)
    ELSE (a.id, b.currency, d.start) > (q.after_account, q.after_currency, q.after_start) END
  ORDER BY CASE WHEN q.backward THEN NULL ELSE a.id END, CASE WHEN q.backward THEN NULL ELSE b.currency END,
    CASE WHEN q.backward THEN NULL ELSE d.start END, a.id DESC, b.currency DESC, d.start DESC
  LIMIT (SELECT first FROM q)
)
SELECT '{"kept":' || coalesce((
    SELECT CASE WHEN j.effective_balances THEN 'true' ELSE 'false' END FROM main.cala_journals j
      WHERE j.id = q.journal_id),
      'null')
  || ',"rows":[' || coalesce((SELECT group_concat(r.row, ',') FROM (
    SELECT json_object('account_id', c.account_id, 'journal_id', q.journal_id, 'currency', c.currency,
      'created_at', c.created_at,
      'normal_balance_type', c.normal_balance_type, 'effective', c.start, 'sums', json(c.sums),
      'before', CASE WHEN c.place = 1 THEN json((
        SELECT json_group_array(json(s.sums)) FROM (
          SELECT y.sums FROM main.cala_effective_balances y
          WHERE y.balance_n = c.n AND y.level = 2
            AND y.start < CAST(julianday(c.start * 86400, 'unixepoch', 'start of year') - 2440587.5 AS INTEGER)
          UNION ALL
          SELECT m.sums FROM main.cala_effective_balances m
          WHERE m.balance_n = c.n AND m.level = 1
            AND m.start >= CAST(julianday(c.start * 86400, 'unixepoch', 'start of year') - 2440587.5 AS INTEGER)
            AND m.start < CAST(julianday(c.start * 86400, 'unixepoch', 'start of month') - 2440587.5 AS INTEGER)
          UNION ALL
          SELECT d.sums FROM main.cala_effective_balances d
          WHERE d.balance_n = c.n AND d.level = 0 AND d.start < c.start
            AND d.start >= CAST(julianday(c.start * 86400, 'unixepoch', 'start of month') - 2440587.5
              AS INTEGER)) s)) END,
      'cursor', c.account_id || '/' || c.currency || '/' || c.start) AS row
    FROM (SELECT n, account_id, normal_balance_type, currency, created_at, start, sums,
      row_number() OVER (PARTITION BY n ORDER BY start) AS place FROM chosen) c CROSS JOIN q
    ORDER BY CASE WHEN q.backward THEN NULL ELSE c.account_id END, CASE WHEN q.backward THEN NULL ELSE c.currency END,
      CASE WHEN q.backward THEN NULL ELSE c.start END, c.account_id DESC, c.currency DESC, c.start DESC LIMIT -1) r),
        '') || ']}'
FROM q
