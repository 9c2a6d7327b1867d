SELECT '{"rows":[' || coalesce(group_concat(r.row, ','), '') || ']}'
FROM (SELECT ? AS d) q
CROSS JOIN json_each(q.d, '$.keys') k
CROSS JOIN main.cala_accounts a ON a.id = json_extract(k.value, '$.account_id')
CROSS JOIN main.cala_journals j ON j.id = json_extract(k.value, '$.journal_id')
CROSS JOIN main.cala_balances b
  ON b.account_n = a.n AND b.journal_n = j.n AND b.currency = json_extract(k.value, '$.currency')
CROSS JOIN main.cala_balance_rows_v1 r ON r.n = b.head_entry_n
