-- The buckets that make a balance at the end of two days: years before the first of a cut's three days, months from it
-- on before the second, days from that on to the third.
WITH q AS MATERIALIZED (
  SELECT json_extract(d, '$.account_id') AS account_id, json_extract(d, '$.journal_id') AS journal_id,
    json_extract(d, '$.currency') AS currency,
    json_extract(d, '$.open[0]') AS open_year, json_extract(d, '$.open[1]') AS open_month, json_extract(d, '$.open[2]')
      AS open_day,
    json_extract(d, '$.close[0]') AS close_year, json_extract(d, '$.close[1]') AS close_month,
    json_extract(d, '$.close[2]') AS close_day
  FROM (SELECT ? AS d)
)
SELECT '{"kept":' || coalesce((
    SELECT CASE WHEN j.effective_balances THEN 'true' ELSE 'false' END FROM main.cala_journals j
      WHERE j.id = q.journal_id),
      'null')
  || ',"rows":[' || coalesce((
    SELECT json_object('account_id', a.id, 'journal_id', j.id, 'currency', b.currency, 'created_at', b.created_at,
      'normal_balance_type', a.normal_balance_type,
      'open', json((SELECT json_group_array(json(s.sums)) FROM (
        SELECT y.sums FROM main.cala_effective_balances y WHERE y.balance_n = b.n AND y.level = 2
          AND y.start < q.open_year
        UNION ALL
        SELECT m.sums FROM main.cala_effective_balances m
        WHERE m.balance_n = b.n AND m.level = 1 AND m.start >= q.open_year AND m.start < q.open_month
        UNION ALL
        SELECT d.sums FROM main.cala_effective_balances d
        WHERE d.balance_n = b.n AND d.level = 0 AND d.start >= q.open_month AND d.start <= q.open_day) s)),
      'close', json((SELECT json_group_array(json(s.sums)) FROM (
        SELECT y.sums FROM main.cala_effective_balances y WHERE y.balance_n = b.n AND y.level = 2
          AND y.start < q.close_year
        UNION ALL
        SELECT m.sums FROM main.cala_effective_balances m
        WHERE m.balance_n = b.n AND m.level = 1 AND m.start >= q.close_year AND m.start < q.close_month
        UNION ALL
        SELECT d.sums FROM main.cala_effective_balances d
        WHERE d.balance_n = b.n AND d.level = 0 AND d.start >= q.close_month AND d.start <= q.close_day) s)))
    FROM main.cala_accounts a CROSS JOIN main.cala_journals j ON j.id = q.journal_id
    CROSS JOIN main.cala_balances b ON b.account_n = a.n AND b.journal_n = j.n AND b.currency = q.currency
    WHERE a.id = q.account_id), '') || ']}'
FROM q
