-- By age. A cursor is a row number.
WITH q AS MATERIALIZED (
  SELECT json_extract(d, '$.first') AS first,
    CASE WHEN json_extract(d, '$.after') GLOB '*[^0-9]*' OR json_extract(d, '$.after') = ''
      THEN json_extract(d, 'cala:request.malformed')
      ELSE CAST(json_extract(d, '$.after') AS INTEGER) END AS after,
    coalesce(json_extract(d, '$.desc'), 0) AS backward, json_extract(d, '$.control_id') AS control
  FROM (SELECT ? AS d)
),
chosen AS (
  SELECT n FROM (
    SELECT t.n FROM main.cala_velocity_limits t WHERE t.n > (SELECT coalesce(after, 0) FROM q)
      AND ((SELECT control FROM q) IS NULL OR t.n IN (
        SELECT m.limit_n FROM main.cala_velocity_controls c CROSS JOIN main.cala_velocity_control_limits m
          ON m.control_n = c.n
        WHERE c.id = (SELECT control FROM q)))
    ORDER BY t.n LIMIT (SELECT CASE WHEN backward THEN 0 ELSE first END FROM q))
  UNION ALL
  SELECT n FROM (
    SELECT t.n FROM main.cala_velocity_limits t WHERE t.n < (SELECT coalesce(after, 9223372036854775807) FROM q)
      AND ((SELECT control FROM q) IS NULL OR t.n IN (
        SELECT m.limit_n FROM main.cala_velocity_controls c CROSS JOIN main.cala_velocity_control_limits m
          ON m.control_n = c.n
        WHERE c.id = (SELECT control FROM q)))
    ORDER BY t.n DESC LIMIT (SELECT CASE WHEN backward THEN first ELSE 0 END FROM q))
)
SELECT '{"rows":[' || coalesce(group_concat(row, ','), '') || ']}' FROM (
  SELECT substr(r.row, 1, length(r.row) - 1) || ',"cursor":"' || c.n || '"}' AS row
  FROM (SELECT n FROM chosen ORDER BY CASE WHEN (SELECT backward FROM q) THEN -n ELSE n END LIMIT -1) c
  CROSS JOIN main.cala_velocity_limit_rows_v1 r ON r.n = c.n
)
