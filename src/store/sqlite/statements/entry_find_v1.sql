-- An id holds its entry's number: three hex digits at 16, three and two bits at 20, four at 25. What else it holds is
-- compared. To SQLite << and | bind alike.
WITH q AS MATERIALIZED (
  SELECT json_extract(d, '$.by') AS by, json_extract(d, '$.keys') AS keys FROM (SELECT ? AS d)
),
named AS MATERIALIZED (
  SELECT k.value AS id,
    ((instr('0123456789abcdef', substr(k.value, 16, 1)) - 1) << 38)
    | ((instr('0123456789abcdef', substr(k.value, 17, 1)) - 1) << 34)
    | ((instr('0123456789abcdef', substr(k.value, 18, 1)) - 1) << 30)
    | (((instr('0123456789abcdef', substr(k.value, 20, 1)) - 1) & 3) << 28)
    | ((instr('0123456789abcdef', substr(k.value, 21, 1)) - 1) << 24)
    | ((instr('0123456789abcdef', substr(k.value, 22, 1)) - 1) << 20)
    | ((instr('0123456789abcdef', substr(k.value, 23, 1)) - 1) << 16)
    | ((instr('0123456789abcdef', substr(k.value, 25, 1)) - 1) << 12)
    | ((instr('0123456789abcdef', substr(k.value, 26, 1)) - 1) << 8)
    | ((instr('0123456789abcdef', substr(k.value, 27, 1)) - 1) << 4)
    | (instr('0123456789abcdef', substr(k.value, 28, 1)) - 1) AS n
  FROM q CROSS JOIN json_each(q.keys) k WHERE q.by = 'id'
)
SELECT '{"rows":[' || coalesce(group_concat(row, ','), '') || ']}' FROM (SELECT row FROM (
  SELECT r.n, r.row FROM named CROSS JOIN main.cala_entry_rows_v1 r ON r.n = named.n WHERE r.id = named.id
  UNION ALL
  SELECT r.n, r.row FROM q CROSS JOIN json_each(q.keys) k CROSS JOIN main.cala_transactions t ON t.id = k.value
  CROSS JOIN main.cala_entry_rows_v1 r ON r.n >= t.first_entry_n AND r.n < t.first_entry_n + t.entry_count
  WHERE q.by = 'transaction_id'
) ORDER BY n LIMIT -1)
