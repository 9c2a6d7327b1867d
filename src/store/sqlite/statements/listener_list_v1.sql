WITH q AS MATERIALIZED (
  SELECT json_extract(d, '$.first') AS first, json_extract(d, '$.after') AS after, json_extract(d, '$.name') AS name,
    coalesce(json_extract(d, '$.desc'), 0) AS backward
  FROM (SELECT ? AS d)
),
chosen AS (
  SELECT name, place, modified_at FROM (
    SELECT l.name, l.place, l.modified_at FROM main.cala_listeners l WHERE l.name > (SELECT coalesce(after, '') FROM q)
      AND ((SELECT name FROM q) IS NULL OR l.name = (SELECT name FROM q))
    ORDER BY l.name LIMIT (SELECT CASE WHEN backward THEN 0 ELSE first END FROM q))
  UNION ALL
  SELECT name, place, modified_at FROM (
    SELECT l.name, l.place, l.modified_at FROM main.cala_listeners l WHERE l.name < (SELECT coalesce(after, x'') FROM q)
      AND ((SELECT name FROM q) IS NULL OR l.name = (SELECT name FROM q))
    ORDER BY l.name DESC LIMIT (SELECT CASE WHEN backward THEN first ELSE 0 END FROM q))
)
SELECT '{"newest":' || (SELECT coalesce(max(o.sequence), 0) FROM main.cala_outbox_events o) ||
  ',"pruned":' || (SELECT s.pruned FROM main.cala_outbox_state s) || ',"rows":[' ||
  coalesce(group_concat(row, ','), '') || ']}' FROM (
  SELECT json_object('name', name, 'place', place, 'modified_at', modified_at, 'cursor', name) AS row FROM chosen
  ORDER BY CASE WHEN (SELECT backward FROM q) THEN NULL ELSE name END, name DESC LIMIT -1)
