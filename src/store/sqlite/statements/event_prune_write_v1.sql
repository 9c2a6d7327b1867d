INSERT INTO main.cala_event_prune_write_v1 (doc) VALUES (?)
