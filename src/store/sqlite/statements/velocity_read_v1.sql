SELECT '{"rows":[' || coalesce(group_concat(r.row, ','), '') || ']}'
FROM (SELECT ? AS d) q
CROSS JOIN json_each(q.d, '$.keys') k
CROSS JOIN main.cala_accounts a ON a.id = json_extract(k.value, '$[0]')
CROSS JOIN main.cala_journals j ON j.id = json_extract(k.value, '$[2]')
CROSS JOIN main.cala_velocity_controls c ON c.id = json_extract(k.value, '$[3]')
CROSS JOIN main.cala_velocity_limits l ON l.id = json_extract(k.value, '$[4]')
CROSS JOIN main.cala_velocity_balance_rows_v1 r
  ON r.account_n = a.n AND r.currency = json_extract(k.value, '$[1]') AND r.journal_n = j.n AND r.control_n = c.n
    AND r.limit_n = l.n AND r.window = json_extract(k.value, '$[5]')
