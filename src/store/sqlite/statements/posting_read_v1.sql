WITH
q AS MATERIALIZED (SELECT ? AS d),
existing AS MATERIALIZED (
  SELECT t.n FROM q CROSS JOIN json_each(q.d, '$.transaction_ids') k CROSS JOIN cala_transactions t ON t.id = k.value
  UNION
  SELECT t.n FROM q CROSS JOIN json_each(q.d, '$.external_ids') k CROSS JOIN cala_transactions t ON t.external_id = k.value
),
-- The balances that the entries move: of their accounts, and of the sets above those in the same journal.
own AS MATERIALIZED (
  SELECT a.n AS account_n, j.n AS journal_n, json_extract(k.value, '$[2]') AS currency
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
)
SELECT '{"salt":' || l.salt || ',"change":' || l.change
  || ',"next_entry":' || (SELECT coalesce(max(n), 0) + 1 FROM cala_entries)
  || ',"next_transaction":' || (SELECT coalesce(max(n), 0) + 1 FROM cala_transactions)
  || ',"next_balance":' || (SELECT coalesce(max(n), 0) + 1 FROM cala_balances)
  || ',"journals":[' || coalesce((
    SELECT group_concat(json_array(j.n, j.id, j.status, json(j.max_scale)), ',')
    FROM q CROSS JOIN json_each(q.d, '$.journal_ids') k CROSS JOIN cala_journals j ON j.id = k.value), '')
  || '],"accounts":[' || coalesce((
    SELECT group_concat(json_array(a.n, a.id, a.status, a.is_set), ',')
    FROM q CROSS JOIN json_each(q.d, '$.account_ids') k CROSS JOIN cala_accounts a ON a.id = k.value), '')
  || '],"sets":[' || coalesce((
    SELECT group_concat(json_array(a.id, s.n, s.id, s.status, j.id), ',')
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
    SELECT group_concat(json_array(a.id, j.id, b.currency, b.n, b.version, b.head_entry_n, coalesce(b.entry_n, b.head_entry_n),
      b.created_at, b.modified_at, b.trail, b.state), ',')
    FROM moved m CROSS JOIN cala_balances b
      ON b.account_n = m.account_n AND b.journal_n = m.journal_n AND b.currency = m.currency
    CROSS JOIN cala_accounts a ON a.n = m.account_n CROSS JOIN cala_journals j ON j.n = m.journal_n), '')
  || '],"tx_template_ids":[' || coalesce((
    SELECT group_concat(json_quote(p.id), ',')
    FROM q CROSS JOIN json_each(q.d, '$.tx_template_ids') k CROSS JOIN cala_tx_templates p ON p.id = k.value), '')
  || '],"existing":[' || coalesce((
    SELECT group_concat('{"transaction":' || r.row || ',"entries":[' || coalesce((
        SELECT group_concat(e.row, ',') FROM (
          SELECT o.row FROM cala_entry_rows_v1 o
          WHERE o.n >= r.first_entry_n AND o.n < r.first_entry_n + r.entry_count ORDER BY o.n LIMIT -1) e), '') || ']}', ',')
    FROM existing x CROSS JOIN cala_transaction_rows_v1 r ON r.n = x.n), '')
  || ']}'
FROM cala_ledger l
