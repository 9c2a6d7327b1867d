WITH q AS MATERIALIZED (
  SELECT json_extract(d, '$.first') AS first, json_extract(d, '$.after') AS after,
    coalesce(json_extract(d, '$.desc'), 0) AS backward, json_extract(d, '$.status') AS status,
    coalesce(json_extract(d, '$.code_prefix'), '') AS prefix
  FROM (SELECT ? AS d)
),
chosen AS (
  SELECT n, code FROM (
    SELECT a.n, a.code FROM main.cala_accounts a
    WHERE a.code > (SELECT coalesce(after, '') FROM q) AND a.code >= (SELECT prefix FROM q)
      AND a.code <= (SELECT CASE prefix WHEN '' THEN x'' ELSE prefix || char(1114111) END FROM q)
      AND substr(a.code, 1, (SELECT length(prefix) FROM q)) = (SELECT prefix FROM q)
      AND NOT a.is_set AND ((SELECT status FROM q) IS NULL OR a.status = (SELECT status FROM q))
    ORDER BY a.code LIMIT (SELECT CASE WHEN backward THEN 0 ELSE first END FROM q))
  UNION ALL
  SELECT n, code FROM (
    SELECT a.n, a.code FROM main.cala_accounts a
    WHERE a.code < (SELECT coalesce(after, x'') FROM q) AND a.code >= (SELECT prefix FROM q)
      AND a.code <= (SELECT CASE prefix WHEN '' THEN x'' ELSE prefix || char(1114111) END FROM q)
      AND substr(a.code, 1, (SELECT length(prefix) FROM q)) = (SELECT prefix FROM q)
      AND NOT a.is_set AND ((SELECT status FROM q) IS NULL OR a.status = (SELECT status FROM q))
    ORDER BY a.code DESC LIMIT (SELECT CASE WHEN backward THEN first ELSE 0 END FROM q))
)
SELECT '{"rows":[' || coalesce(group_concat(row, ','), '') || ']}' FROM (
  SELECT substr(r.row, 1, length(r.row) - 1) || ',"cursor":' || json_quote(c.code) || '}' AS row
  FROM (
    SELECT n, code FROM chosen ORDER BY CASE WHEN (SELECT backward FROM q) THEN NULL ELSE code END,
      code DESC LIMIT -1) c
  CROSS JOIN main.cala_account_rows_v1 r ON r.n = c.n
)
