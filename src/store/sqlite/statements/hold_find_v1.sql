SELECT '{"rows":[' || coalesce(group_concat(r.row, ','), '') || ']}'
FROM (SELECT ? AS d) q
CROSS JOIN json_each(q.d, '$.keys') k
CROSS JOIN main.cala_transactions t ON t.id = k.value
CROSS JOIN main.cala_hold_rows_v1 r ON r.n = t.n
