-- pruned: events at or below this place were deleted, and nobody can begin before it. One row.
CREATE TABLE main.cala_outbox_state (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  pruned INTEGER NOT NULL
)
-- @break
INSERT INTO main.cala_outbox_state (one, pruned) VALUES (1, 0)
-- @break
-- Named listeners: up to where each says that it is done.
CREATE TABLE main.cala_listeners (
  name TEXT PRIMARY KEY NOT NULL,
  place INTEGER NOT NULL,
  modified_at INTEGER NOT NULL
)
-- @break
CREATE VIEW main.cala_listener_write_v1 (doc) AS SELECT '{}' WHERE 0
-- @break
CREATE TRIGGER main.cala_listener_write_v1_insert INSTEAD OF INSERT ON cala_listener_write_v1
BEGIN
  SELECT RAISE(ABORT, 'cala:listener.changed')
  WHERE (json_extract(NEW.doc, '$.change') = 'insert') = EXISTS (
    SELECT 1 FROM cala_listeners l WHERE l.name = json_extract(NEW.doc, '$.name')
      AND l.place = coalesce(json_extract(NEW.doc, '$.expected'), l.place))
    OR json_extract(NEW.doc, '$.change') = 'insert' AND json_extract(NEW.doc, '$.place') < (SELECT s.pruned
      FROM cala_outbox_state s);
  INSERT INTO cala_listeners (name, place, modified_at)
  SELECT json_extract(NEW.doc, '$.name'), json_extract(NEW.doc, '$.place'), json_extract(NEW.doc, '$.now')
  WHERE json_extract(NEW.doc, '$.change') = 'insert';
  UPDATE cala_listeners SET place = max(place, json_extract(NEW.doc, '$.place')),
    modified_at = json_extract(NEW.doc, '$.now')
  WHERE json_extract(NEW.doc, '$.change') = 'move' AND name = json_extract(NEW.doc, '$.name');
  DELETE FROM cala_listeners WHERE json_extract(NEW.doc, '$.change') = 'remove'
    AND name = json_extract(NEW.doc, '$.name');
END
-- @break
CREATE VIEW main.cala_event_prune_write_v1 (doc) AS SELECT '{}' WHERE 0
-- @break
CREATE TRIGGER main.cala_event_prune_write_v1_insert INSTEAD OF INSERT ON cala_event_prune_write_v1
BEGIN
  SELECT RAISE(ABORT, 'cala:event.changed')
  WHERE json_extract(NEW.doc, '$.pruned') <> (SELECT s.pruned FROM cala_outbox_state s)
    OR EXISTS (SELECT 1 FROM cala_listeners l WHERE l.place < json_extract(NEW.doc, '$.place'));
  UPDATE cala_outbox_state SET pruned = json_extract(NEW.doc, '$.place');
  DELETE FROM cala_outbox_events WHERE sequence <= json_extract(NEW.doc, '$.place');
END
