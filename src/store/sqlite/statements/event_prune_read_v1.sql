-- The oldest events, limit of them at most, up to a place or recorded before an instant; never the newest.
WITH q AS MATERIALIZED (
  SELECT json_extract(d, '$.limit') AS most, json_extract(d, '$.before') AS before,
    min((SELECT coalesce(max(o.sequence), 0) FROM main.cala_outbox_events o) - 1,
      coalesce(json_extract(d, '$.place'), 9223372036854775807)) AS bound
  FROM (SELECT ? AS d)
),
oldest AS MATERIALIZED (
  SELECT w.sequence, w.number FROM (
    SELECT e.sequence, row_number() OVER (ORDER BY e.sequence) AS number,
      max(e.recorded_at) OVER (ORDER BY e.sequence) AS latest
    FROM (SELECT o.sequence, o.recorded_at FROM main.cala_outbox_events o WHERE o.sequence <= (SELECT bound FROM q)
      ORDER BY o.sequence LIMIT (SELECT most + 1 FROM q)) e) w
  WHERE (SELECT before FROM q) IS NULL OR w.latest < (SELECT before FROM q)
),
chosen AS MATERIALIZED (
  SELECT max(o.sequence) AS place, count(*) AS events FROM oldest o WHERE o.number <= (SELECT most FROM q)
)
SELECT json_object('place', c.place, 'events', c.events,
  'more', json(CASE WHEN (SELECT count(*) FROM oldest) > q.most THEN 'true' ELSE 'false' END),
  'pruned', (SELECT s.pruned FROM main.cala_outbox_state s),
  'behind', json((SELECT json_object('name', l.name, 'place', l.place) FROM main.cala_listeners l
    WHERE l.place < c.place
    ORDER BY l.place, l.name LIMIT 1)))
FROM q CROSS JOIN chosen c
