-- By created_at and id, along the index, a cursor being created_at/id; or by external id and id, those without one
-- last, a cursor being id/x and the external id, or id/ where there is none.
WITH q AS MATERIALIZED (
  SELECT first, backward, by_external_id, set_n, after IS NULL AS whole, CAST(after AS INTEGER) AS after_at,
    substr(after, instr(after, '/') + 1) AS after_id,
    substr(after, 38) = '' AS place_none, substr(after, 39) AS place, substr(after, 1, 36) AS place_id
  FROM (
    SELECT json_extract(d, '$.first') AS first, coalesce(json_extract(d, '$.by_external_id'), 0) AS by_external_id,
      CASE WHEN json_extract(d, '$.after') NOT GLOB CASE WHEN json_extract(d, '$.by_external_id')
          THEN '*-*-*-*-*/*' ELSE '[-0-9]*/*-*-*-*-*' END
        THEN json_extract(d, 'cala:request.malformed') ELSE json_extract(d, '$.after') END AS after,
      coalesce(json_extract(d, '$.desc'), 0) AS backward,
      (SELECT s.n FROM main.cala_accounts s WHERE s.id = json_extract(d, '$.account_set_id')) AS set_n
    FROM (SELECT ? AS d))
),
chosen AS (
  SELECT created_at, id, is_set, none, external_id FROM (
    SELECT m.created_at, a.id, a.is_set, a.created_at IS NULL AS none, NULL AS external_id
    FROM main.cala_account_set_members m CROSS JOIN main.cala_accounts a ON a.n = m.member_n
    WHERE m.set_n = (SELECT set_n FROM q) AND m.created_at >= (
        SELECT CASE WHEN whole THEN -9223372036854775807 ELSE after_at END FROM q)
      AND (SELECT whole OR (m.created_at, a.id) > (after_at, after_id) FROM q)
    ORDER BY m.created_at, a.id
    LIMIT (SELECT CASE WHEN NOT backward AND NOT by_external_id THEN first ELSE 0 END FROM q))
  UNION ALL
  SELECT created_at, id, is_set, none, external_id FROM (
    SELECT m.created_at, a.id, a.is_set, a.created_at IS NULL AS none, NULL AS external_id
    FROM main.cala_account_set_members m CROSS JOIN main.cala_accounts a ON a.n = m.member_n
    WHERE m.set_n = (SELECT set_n FROM q) AND m.created_at <= (
        SELECT CASE WHEN whole THEN 9223372036854775807 ELSE after_at END FROM q)
      AND (SELECT whole OR (m.created_at, a.id) < (after_at, after_id) FROM q)
    ORDER BY m.created_at DESC, a.id DESC
    LIMIT (SELECT CASE WHEN backward AND NOT by_external_id THEN first ELSE 0 END FROM q))
  UNION ALL
  SELECT created_at, id, is_set, none, external_id FROM (
    SELECT m.created_at, a.id, a.is_set, a.external_id IS NULL AS none, coalesce(a.external_id, '') AS external_id
    FROM main.cala_account_set_members m CROSS JOIN main.cala_accounts a ON a.n = m.member_n
    WHERE m.set_n = (SELECT set_n FROM q)
      AND (SELECT whole OR (a.external_id IS NULL, coalesce(a.external_id, ''), a.id) > (place_none, place, place_id)
        FROM q)
    ORDER BY a.external_id IS NULL, coalesce(a.external_id, ''), a.id
    LIMIT (SELECT CASE WHEN NOT backward AND by_external_id THEN first ELSE 0 END FROM q))
  UNION ALL
  SELECT created_at, id, is_set, none, external_id FROM (
    SELECT m.created_at, a.id, a.is_set, a.external_id IS NULL AS none, coalesce(a.external_id, '') AS external_id
    FROM main.cala_account_set_members m CROSS JOIN main.cala_accounts a ON a.n = m.member_n
    WHERE m.set_n = (SELECT set_n FROM q)
      AND (SELECT whole OR (a.external_id IS NULL, coalesce(a.external_id, ''), a.id) < (place_none, place, place_id)
        FROM q)
    ORDER BY a.external_id IS NULL DESC, coalesce(a.external_id, '') DESC, a.id DESC
    LIMIT (SELECT CASE WHEN backward AND by_external_id THEN first ELSE 0 END FROM q))
)
SELECT '{"rows":[' || coalesce(group_concat(row, ','), '') || ']}' FROM (
  SELECT json_object('member_id', c.id, 'is_set', json(CASE WHEN c.is_set THEN 'true' ELSE 'false' END),
    'created_at', c.created_at, 'cursor', CASE WHEN c.external_id IS NULL THEN c.created_at || '/' || c.id
      WHEN c.none THEN c.id || '/' ELSE c.id || '/x' || c.external_id END) AS row
  FROM (SELECT c.created_at, c.id, c.is_set, c.none, c.external_id, row_number() OVER (ORDER BY c.none, c.external_id,
    CASE WHEN c.external_id IS NULL THEN c.created_at END, c.id) AS place
    FROM chosen c) c
  ORDER BY CASE WHEN (SELECT backward FROM q) THEN -c.place ELSE c.place END LIMIT -1
)
