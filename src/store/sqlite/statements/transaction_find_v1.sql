WITH q AS MATERIALIZED (
  SELECT json_extract(d, '$.by') AS by, json_extract(d, '$.keys') AS keys FROM (SELECT ? AS d)
)
SELECT '{"rows":[' || coalesce(group_concat(row, ','), '') || ']}' FROM (
  SELECT r.row FROM q CROSS JOIN json_each(q.keys) k CROSS JOIN main.cala_transaction_rows_v1 r ON r.id = k.value
  WHERE q.by = 'id'
  UNION ALL
  SELECT r.row FROM q CROSS JOIN json_each(q.keys) k CROSS JOIN main.cala_transaction_rows_v1 r
    ON r.external_id = k.value
  WHERE q.by = 'external_id'
)
