INSERT INTO main.cala_velocity_limit_write_v1 (doc) VALUES (?)
