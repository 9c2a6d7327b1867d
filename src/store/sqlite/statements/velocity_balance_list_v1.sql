SELECT '{"rows":[' || coalesce(group_concat(row, ','), '') || ']}' FROM (
  SELECT r.row
  FROM (SELECT ? AS d) q
  CROSS JOIN json_each(q.d, '$.account_ids') k
  CROSS JOIN main.cala_accounts a ON a.id = k.value
  CROSS JOIN main.cala_velocity_balance_rows_v1 r ON r.account_n = a.n
  WHERE (json_extract(q.d, '$.currency') IS NULL OR r.currency = json_extract(q.d, '$.currency'))
    AND (json_extract(q.d, '$.journal_id') IS NULL OR r.journal_id = json_extract(q.d, '$.journal_id'))
  ORDER BY a.id, r.currency, r.journal_id, r.control_n, r.limit_n, r.window LIMIT -1
)
