WITH
q AS MATERIALIZED (SELECT ? AS d),
existing AS MATERIALIZED (
  SELECT t.n FROM q CROSS JOIN json_each(q.d, '$.transaction_ids') k CROSS JOIN cala_transactions t ON t.id = k.value
  UNION
  SELECT t.n FROM q CROSS JOIN json_each(q.d, '$.external_ids') k
    CROSS JOIN cala_transactions t ON t.external_id = k.value
),
-- The balances that the entries move: of their accounts, and of the sets above those in the same journal.
own AS MATERIALIZED (
  SELECT k.key AS place, a.n AS account_n, j.n AS journal_n, json_extract(k.value, '$[2]') AS currency
  FROM q CROSS JOIN json_each(q.d, '$.keys') k
  CROSS JOIN cala_accounts a ON a.id = json_extract(k.value, '$[0]')
  CROSS JOIN cala_journals j ON j.id = json_extract(k.value, '$[1]')
),
moved AS (
  SELECT account_n, journal_n, currency FROM own
  UNION
  SELECT s.n, o.journal_n, o.currency
  FROM own o CROSS JOIN cala_account_set_ancestors x ON x.member_n = o.account_n
  CROSS JOIN cala_accounts s ON s.n = x.set_n AND s.journal_n = o.journal_n
),
-- Of journals that keep balances by effective date: the same, each with the day, month and year
-- that its entries fall into.
dated AS (
  SELECT DISTINCT b.n, b.account_n, b.journal_n, b.currency, json_extract(d.value, '$[1]') AS day,
    json_extract(d.value, '$[2]') AS month, json_extract(d.value, '$[3]') AS year
  FROM q CROSS JOIN json_each(q.d, '$.dated') d CROSS JOIN own o ON o.place = json_extract(d.value, '$[0]')
  CROSS JOIN cala_journals j ON j.n = o.journal_n AND j.effective_balances
  CROSS JOIN cala_balances b ON b.journal_n = o.journal_n AND b.currency = o.currency AND b.account_n IN (
    SELECT o.account_n UNION ALL SELECT x.set_n FROM cala_account_set_ancestors x WHERE x.member_n = o.account_n)
)
SELECT '{"salt":' || l.salt || ',"change":' || l.change
  || ',"next_entry":' || (SELECT coalesce(max(n), 0) + 1 FROM cala_entries)
  || ',"next_transaction":' || (SELECT coalesce(max(n), 0) + 1 FROM cala_transactions)
  || ',"next_balance":' || (SELECT coalesce(max(n), 0) + 1 FROM cala_balances)
  || ',"journals":[' || coalesce((
    SELECT group_concat(json_array(j.n, j.id, j.status, json(j.max_scale), j.effective_balances, j.closed_until), ',')
    FROM q CROSS JOIN json_each(q.d, '$.journal_ids') k CROSS JOIN cala_journals j ON j.id = k.value), '')
  || '],"accounts":[' || coalesce((
    SELECT group_concat(json_array(a.n, a.id, a.status, a.is_set, a.normal_balance_type, a.floors), ',')
    FROM q CROSS JOIN json_each(q.d, '$.account_ids') k CROSS JOIN cala_accounts a ON a.id = k.value), '')
  || '],"sets":[' || coalesce((
    SELECT group_concat(json_array(a.id, s.n, s.id, s.status, j.id, s.normal_balance_type, s.floors), ',')
    FROM q CROSS JOIN json_each(q.d, '$.account_ids') k CROSS JOIN cala_accounts a ON a.id = k.value
    CROSS JOIN cala_account_set_ancestors x ON x.member_n = a.n
    CROSS JOIN cala_accounts s ON s.n = x.set_n CROSS JOIN cala_journals j ON j.n = s.journal_n), '')
  || '],"velocity":[' || coalesce((
    SELECT group_concat(r.row, ',') FROM cala_attached_controls_v1 r
    WHERE r.account_n IN (
      SELECT o.account_n FROM own o
      UNION
      SELECT x.set_n FROM own o CROSS JOIN cala_account_set_ancestors x ON x.member_n = o.account_n)), '')
  || '],"balances":[' || coalesce((
    SELECT group_concat(json_array(a.id, j.id, b.currency, b.n, b.version, b.head_entry_n,
      coalesce(b.entry_n, b.head_entry_n),
      b.created_at, b.modified_at, b.trail, b.state), ',')
    FROM moved m CROSS JOIN cala_balances b
      ON b.account_n = m.account_n AND b.journal_n = m.journal_n AND b.currency = m.currency
    CROSS JOIN cala_accounts a ON a.n = m.account_n CROSS JOIN cala_journals j ON j.n = m.journal_n), '')
  || '],"buckets":[' || coalesce((
    SELECT group_concat(json_array(a.id, j.id, t.currency, e.level, e.start, json(e.sums)), ',')
    FROM dated t CROSS JOIN cala_accounts a ON a.n = t.account_n CROSS JOIN cala_journals j ON j.n = t.journal_n
    CROSS JOIN cala_effective_balances e ON e.balance_n = t.n
      AND (e.level, e.start) IN (VALUES (0, t.day), (1, t.month), (2, t.year))), '')
  || '],"tx_template_ids":[' || coalesce((
    SELECT group_concat(json_quote(p.id), ',')
    FROM q CROSS JOIN json_each(q.d, '$.tx_template_ids') k CROSS JOIN cala_tx_templates p ON p.id = k.value), '')
  || '],"existing":[' || coalesce((
    SELECT group_concat('{"transaction":' || r.row || ',"entries":[' || coalesce((
        SELECT group_concat(e.row, ',') FROM (
          SELECT o.row FROM cala_entry_rows_v1 o
          WHERE o.n >= r.first_entry_n AND o.n < r.first_entry_n + r.entry_count ORDER BY o.n LIMIT -1) e), '') || ']}',
            ',')
    FROM existing x CROSS JOIN cala_transaction_rows_v1 r ON r.n = x.n), '')
  || ']}'
FROM cala_ledger l
