-- By created_at and id, along an index for all sets or for those of a journal. A cursor is created_at/id.
WITH q AS MATERIALIZED (
  SELECT first, backward, after IS NULL AS whole, CAST(after AS INTEGER) AS after_at,
    substr(after, instr(after, '/') + 1) AS after_id, journal_id, journal_n
  FROM (
    SELECT json_extract(d, '$.first') AS first,
      CASE WHEN json_extract(d, '$.after') NOT GLOB '[-0-9]*/*-*-*-*-*' THEN json_extract(d, 'cala:request.malformed')
        ELSE json_extract(d, '$.after') END AS after,
      coalesce(json_extract(d, '$.desc'), 0) AS backward, json_extract(d, '$.journal_id') AS journal_id,
        (SELECT j.n FROM main.cala_journals j WHERE j.id = json_extract(d, '$.journal_id')) AS journal_n
    FROM (SELECT ? AS d))
),
chosen AS (
  SELECT n, created_at, id FROM (
    SELECT a.n, a.created_at, a.id FROM main.cala_accounts a
    WHERE a.is_set AND a.created_at >= (SELECT CASE WHEN whole THEN -9223372036854775807 ELSE after_at END FROM q)
      AND (SELECT whole OR (a.created_at, a.id) > (after_at, after_id) FROM q)
    ORDER BY a.created_at, a.id LIMIT (SELECT CASE WHEN NOT backward AND journal_id IS NULL THEN first ELSE 0 END
      FROM q))
  UNION ALL
  SELECT n, created_at, id FROM (
    SELECT a.n, a.created_at, a.id FROM main.cala_accounts a
    WHERE a.is_set AND a.created_at <= (SELECT CASE WHEN whole THEN 9223372036854775807 ELSE after_at END FROM q)
      AND (SELECT whole OR (a.created_at, a.id) < (after_at, after_id) FROM q)
    ORDER BY a.created_at DESC, a.id DESC LIMIT (SELECT CASE WHEN backward AND journal_id IS NULL THEN first ELSE 0 END
      FROM q))
  UNION ALL
  SELECT n, created_at, id FROM (
    SELECT a.n, a.created_at, a.id FROM main.cala_accounts a
    WHERE a.is_set AND a.journal_n = (SELECT journal_n FROM q)
      AND a.created_at >= (SELECT CASE WHEN whole THEN -9223372036854775807 ELSE after_at END FROM q)
      AND (SELECT whole OR (a.created_at, a.id) > (after_at, after_id) FROM q)
    ORDER BY a.created_at, a.id LIMIT (SELECT CASE WHEN NOT backward AND journal_id IS NOT NULL THEN first ELSE 0 END
      FROM q))
  UNION ALL
  SELECT n, created_at, id FROM (
    SELECT a.n, a.created_at, a.id FROM main.cala_accounts a
    WHERE a.is_set AND a.journal_n = (SELECT journal_n FROM q)
      AND a.created_at <= (SELECT CASE WHEN whole THEN 9223372036854775807 ELSE after_at END FROM q)
      AND (SELECT whole OR (a.created_at, a.id) < (after_at, after_id) FROM q)
    ORDER BY a.created_at DESC, a.id DESC LIMIT (SELECT CASE WHEN backward AND journal_id IS NOT NULL THEN first
      ELSE 0 END FROM q))
)
SELECT '{"rows":[' || coalesce(group_concat(row, ','), '') || ']}' FROM (
  SELECT substr(r.row, 1, length(r.row) - 1) || ',"cursor":"' || c.created_at || '/' || c.id || '"}' AS row
  FROM (
    SELECT n, created_at, id FROM chosen
    ORDER BY CASE WHEN (SELECT backward FROM q) THEN -created_at ELSE created_at END,
      CASE WHEN (SELECT backward FROM q) THEN NULL ELSE id END, id DESC LIMIT -1) c
  CROSS JOIN main.cala_account_rows_v1 r ON r.n = c.n
)
