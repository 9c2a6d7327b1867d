-- Journals are few: no index by created_at. A cursor is created_at/id.
WITH q AS MATERIALIZED (
  SELECT first, backward, status, after, CAST(after AS INTEGER) AS after_at, substr(after, instr(after, '/') + 1)
    AS after_id
  FROM (
    SELECT json_extract(d, '$.first') AS first,
      CASE WHEN json_extract(d, '$.after') NOT GLOB '[-0-9]*/*-*-*-*-*' THEN json_extract(d, 'cala:request.malformed')
        ELSE json_extract(d, '$.after') END AS after,
      coalesce(json_extract(d, '$.desc'), 0) AS backward, json_extract(d, '$.status') AS status
    FROM (SELECT ? AS d))
),
chosen AS (
  SELECT n, created_at, id FROM (
    SELECT j.n, j.created_at, j.id FROM main.cala_journals j
    WHERE (SELECT after IS NULL OR (j.created_at, j.id) > (after_at, after_id) FROM q)
      AND ((SELECT status FROM q) IS NULL OR j.status = (SELECT status FROM q))
    ORDER BY j.created_at, j.id LIMIT (SELECT CASE WHEN backward THEN 0 ELSE first END FROM q))
  UNION ALL
  SELECT n, created_at, id FROM (
    SELECT j.n, j.created_at, j.id FROM main.cala_journals j
    WHERE (SELECT after IS NULL OR (j.created_at, j.id) < (after_at, after_id) FROM q)
      AND ((SELECT status FROM q) IS NULL OR j.status = (SELECT status FROM q))
    ORDER BY j.created_at DESC, j.id DESC LIMIT (SELECT CASE WHEN backward THEN first ELSE 0 END FROM q))
)
SELECT '{"rows":[' || coalesce(group_concat(row, ','), '') || ']}' FROM (
  SELECT substr(r.row, 1, length(r.row) - 1) || ',"cursor":"' || c.created_at || '/' || c.id || '"}' AS row
  FROM (
    SELECT n, created_at, id FROM chosen
    ORDER BY CASE WHEN (SELECT backward FROM q) THEN -created_at ELSE created_at END,
      CASE WHEN (SELECT backward FROM q) THEN NULL ELSE id END, id DESC LIMIT -1) c
  CROSS JOIN main.cala_journal_rows_v1 r ON r.n = c.n
)
