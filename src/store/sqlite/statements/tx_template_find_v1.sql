WITH q AS MATERIALIZED (
  SELECT json_extract(d, '$.by') AS by, json_extract(d, '$.keys') AS keys FROM (SELECT ? AS d)
)
SELECT '{"rows":[' || coalesce(group_concat(row, ','), '') || ']}' FROM (
  SELECT r.row FROM q CROSS JOIN json_each(q.keys) k CROSS JOIN main.cala_tx_template_rows_v1 r ON r.id = k.value
  WHERE q.by = 'id'
  UNION ALL
  SELECT r.row FROM q CROSS JOIN json_each(q.keys) k CROSS JOIN main.cala_tx_template_rows_v1 r ON r.code = k.value
  WHERE q.by = 'code'
)
