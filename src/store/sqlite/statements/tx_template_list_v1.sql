WITH q AS MATERIALIZED (
  SELECT json_extract(d, '$.first') AS first, json_extract(d, '$.after') AS after,
    coalesce(json_extract(d, '$.desc'), 0) AS backward
  FROM (SELECT ? AS d)
),
chosen AS (
  SELECT n, code FROM (
    SELECT p.n, p.code FROM main.cala_tx_templates p WHERE p.code > (SELECT coalesce(after, '') FROM q)
    ORDER BY p.code LIMIT (SELECT CASE WHEN backward THEN 0 ELSE first END FROM q))
  UNION ALL
  SELECT n, code FROM (
    SELECT p.n, p.code FROM main.cala_tx_templates p WHERE p.code < (SELECT coalesce(after, x'') FROM q)
    ORDER BY p.code DESC LIMIT (SELECT CASE WHEN backward THEN first ELSE 0 END FROM q))
)
SELECT '{"rows":[' || coalesce(group_concat(row, ','), '') || ']}' FROM (
  SELECT substr(r.row, 1, length(r.row) - 1) || ',"cursor":' || json_quote(c.code) || '}' AS row
  FROM (
    SELECT n, code FROM chosen ORDER BY CASE WHEN (SELECT backward FROM q) THEN NULL ELSE code END,
      code DESC LIMIT -1) c
  CROSS JOIN main.cala_tx_template_rows_v1 r ON r.n = c.n
)
