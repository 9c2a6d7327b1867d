-- overridden: which of SQLite's functions does something else on this connection, that is, is the program's own there.
-- Every write of a program's transaction has this read before it, so nothing is written where one is.
WITH
q AS MATERIALIZED (SELECT ? AS d),
existing AS MATERIALIZED (
  SELECT t.n FROM q CROSS JOIN json_each(q.d, '$.transaction_ids') k CROSS JOIN main.cala_transactions t
    ON t.id = k.value
  UNION
  SELECT t.n FROM q CROSS JOIN json_each(q.d, '$.external_ids') k
    CROSS JOIN main.cala_transactions t ON t.external_id = k.value
),
-- The balances that the entries move: of their accounts, and of the sets above those in the same journal.
own AS MATERIALIZED (
  SELECT k.key AS place, a.n AS account_n, j.n AS journal_n, json_extract(k.value, '$[2]') AS currency
  FROM q CROSS JOIN json_each(q.d, '$.keys') k
  CROSS JOIN main.cala_accounts a ON a.id = json_extract(k.value, '$[0]')
  CROSS JOIN main.cala_journals j ON j.id = json_extract(k.value, '$[1]')
),
moved AS (
  SELECT account_n, journal_n, currency FROM own
  UNION
  SELECT s.n, o.journal_n, o.currency
  FROM own o CROSS JOIN main.cala_account_set_ancestors x ON x.member_n = o.account_n
  CROSS JOIN main.cala_accounts s ON s.n = x.set_n AND s.journal_n = o.journal_n
),
-- Of journals that keep balances by effective date: the same, each with the day, month and year
-- that its entries fall into.
dated AS (
  SELECT DISTINCT b.n, b.account_n, b.journal_n, b.currency, json_extract(d.value, '$[1]') AS day,
    json_extract(d.value, '$[2]') AS month, json_extract(d.value, '$[3]') AS year
  FROM q CROSS JOIN json_each(q.d, '$.dated') d CROSS JOIN own o ON o.place = json_extract(d.value, '$[0]')
  CROSS JOIN main.cala_journals j ON j.n = o.journal_n AND j.effective_balances
  CROSS JOIN main.cala_balances b ON b.journal_n = o.journal_n AND b.currency = o.currency AND b.account_n IN (
    SELECT o.account_n UNION ALL SELECT x.set_n FROM main.cala_account_set_ancestors x WHERE x.member_n = o.account_n)
)
SELECT '{"overridden":"' || CASE
    WHEN json_extract('{"a":["b",7]}', '$.a[0]') IS NOT 'b' OR json_extract('{"a":["b",7]}', '$.a[1]') IS NOT 7
      OR json_extract('{}', '$.a') IS NOT NULL THEN 'json_extract'
    WHEN coalesce(NULL, 'a') IS NOT 'a' OR coalesce(1, 2) IS NOT 1 THEN 'coalesce'
    WHEN substr('abc', 2) IS NOT 'bc' OR substr('abc', 2, 1) IS NOT 'b' THEN 'substr'
    WHEN instr('abc', 'c') IS NOT 3 THEN 'instr'
    WHEN length('abc') IS NOT 3 THEN 'length'
    WHEN ltrim('0010', '0') IS NOT '10' THEN 'ltrim'
    WHEN rtrim('0010', '0') IS NOT '001' THEN 'rtrim'
    WHEN replace('aba', 'a', 'c') IS NOT 'cbc' THEN 'replace'
    WHEN max(1, 2) IS NOT 2 THEN 'max'
    WHEN min(1, 2) IS NOT 1 THEN 'min'
    WHEN iif(1, 'a', 'b') IS NOT 'a' OR iif(0, 'a', 'b') IS NOT 'b' THEN 'iif'
    WHEN printf('%d|%02d|%x|%d|%d|%d', 1, 2, 10, 3, 4, 5) IS NOT '1|02|a|3|4|5' THEN 'printf'
    WHEN char(97) IS NOT 'a' THEN 'char'
    WHEN julianday('2000-01-01', '+1 month', '-1 day') IS NOT 2451574.5 THEN 'julianday'
    WHEN 'abc' NOT GLOB 'a*' OR 'abc' GLOB 'b*' THEN 'glob'
    WHEN json('[ 1 ]') IS NOT '[1]' THEN 'json'
    WHEN json_array(1, 'a') IS NOT '[1,"a"]' THEN 'json_array'
    WHEN json_object('a', 1) IS NOT '{"a":1}' THEN 'json_object'
    WHEN json_quote('a') IS NOT '"a"' THEN 'json_quote'
    WHEN json_array_length('{"a":[1,2]}', '$.a') IS NOT 2 THEN 'json_array_length'
    WHEN (SELECT group_concat(k.key, '') FROM json_each('["a","b"]') k) IS NOT '01'
      OR (SELECT group_concat(k.value, ',') FROM json_each('{"a":["b","c"]}', '$.a') k) IS NOT 'b,c'
      THEN 'group_concat or json_each'
    WHEN (SELECT json_group_array(k.value) FROM json_each('["a","b"]') k) IS NOT '["a","b"]' THEN 'json_group_array'
    WHEN (SELECT count(*) || sum(k.value) || max(k.value) || min(k.value) FROM json_each('[3,5]') k) IS NOT '2853'
      THEN 'count, sum, max or min'
    ELSE '' END || '","salt":' || l.salt || ',"change":' || l.change
  || ',"next_entry":' || (SELECT coalesce(max(n), 0) + 1 FROM main.cala_entries)
  || ',"next_transaction":' || (SELECT coalesce(max(n), 0) + 1 FROM main.cala_transactions)
  || ',"next_balance":' || (SELECT coalesce(max(n), 0) + 1 FROM main.cala_balances)
  || ',"journals":[' || coalesce((
    SELECT group_concat(json_array(j.n, j.id, j.status, json(j.max_scale), j.effective_balances, j.closed_until), ',')
    FROM q CROSS JOIN json_each(q.d, '$.journal_ids') k CROSS JOIN main.cala_journals j ON j.id = k.value), '')
  || '],"accounts":[' || coalesce((
    SELECT group_concat(json_array(a.n, a.id, a.status, a.is_set, a.normal_balance_type, a.floors), ',')
    FROM q CROSS JOIN json_each(q.d, '$.account_ids') k CROSS JOIN main.cala_accounts a ON a.id = k.value), '')
  || '],"sets":[' || coalesce((
    SELECT group_concat(json_array(a.id, s.n, s.id, s.status, j.id, s.normal_balance_type, s.floors), ',')
    FROM q CROSS JOIN json_each(q.d, '$.account_ids') k CROSS JOIN main.cala_accounts a ON a.id = k.value
    CROSS JOIN main.cala_account_set_ancestors x ON x.member_n = a.n
    CROSS JOIN main.cala_accounts s ON s.n = x.set_n CROSS JOIN main.cala_journals j ON j.n = s.journal_n), '')
  || '],"velocity":[' || coalesce((
    SELECT group_concat(r.row, ',') FROM main.cala_attached_controls_v1 r
    WHERE r.account_n IN (
      SELECT o.account_n FROM own o
      UNION
      SELECT x.set_n FROM own o CROSS JOIN main.cala_account_set_ancestors x ON x.member_n = o.account_n)), '')
  || '],"balances":[' || coalesce((
    SELECT group_concat(json_array(a.id, j.id, b.currency, b.n, b.version, b.head_entry_n,
      coalesce(b.entry_n, b.head_entry_n),
      b.created_at, b.modified_at, b.trail, b.state), ',')
    FROM moved m CROSS JOIN main.cala_balances b
      ON b.account_n = m.account_n AND b.journal_n = m.journal_n AND b.currency = m.currency
    CROSS JOIN main.cala_accounts a ON a.n = m.account_n CROSS JOIN main.cala_journals j ON j.n = m.journal_n), '')
  || '],"buckets":[' || coalesce((
    SELECT group_concat(json_array(a.id, j.id, t.currency, e.level, e.start, json(e.sums)), ',')
    FROM dated t CROSS JOIN main.cala_accounts a ON a.n = t.account_n CROSS JOIN main.cala_journals j
      ON j.n = t.journal_n
    CROSS JOIN main.cala_effective_balances e ON e.balance_n = t.n
      AND (e.level, e.start) IN (VALUES (0, t.day), (1, t.month), (2, t.year))), '')
  || '],"tx_template_ids":[' || coalesce((
    SELECT group_concat(json_quote(p.id), ',')
    FROM q CROSS JOIN json_each(q.d, '$.tx_template_ids') k CROSS JOIN main.cala_tx_templates p ON p.id = k.value), '')
  || '],"existing":[' || coalesce((
    SELECT group_concat('{"transaction":' || r.row || ',"entries":[' || coalesce((
        SELECT group_concat(e.row, ',') FROM (
          SELECT o.row FROM main.cala_entry_rows_v1 o
          WHERE o.n >= r.first_entry_n AND o.n < r.first_entry_n + r.entry_count ORDER BY o.n LIMIT -1) e), '') || ']}',
            ',')
    FROM existing x CROSS JOIN main.cala_transaction_rows_v1 r ON r.n = x.n), '')
  || ']}'
FROM main.cala_ledger l
