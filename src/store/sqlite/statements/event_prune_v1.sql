INSERT INTO cala_event_prune_v1 (doc) VALUES (?)
