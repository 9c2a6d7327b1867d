SELECT '{"rows":[' || coalesce(group_concat(r.row, ','), '') || ']}'
FROM (SELECT ? AS d) q CROSS JOIN json_each(q.d, '$.keys') k CROSS JOIN main.cala_velocity_limit_rows_v1 r
  ON r.id = k.value
