INSERT INTO main.cala_listener_write_v1 (doc) VALUES (?)
