INSERT INTO cala_listener_write_v1 (doc) VALUES (?)
