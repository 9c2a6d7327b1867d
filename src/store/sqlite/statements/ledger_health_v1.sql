-- Balances move with the posting, so nothing is behind but listeners: the one that is furthest, with what it has before it.
SELECT json_object('rollup_behind', 0, 'listeners', (SELECT count(*) FROM cala_listeners),
  'listener', json((SELECT json_object('name', l.name,
      'behind', max((SELECT coalesce(max(e.sequence), 0) FROM cala_outbox_events e) - l.place, 0),
      'waiting_since', (SELECT e.recorded_at FROM cala_outbox_events e WHERE e.sequence > l.place ORDER BY e.sequence LIMIT 1))
    FROM cala_listeners l ORDER BY l.place, l.name LIMIT 1)))
WHERE ? IS NOT NULL
