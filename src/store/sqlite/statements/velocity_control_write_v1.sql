INSERT INTO main.cala_velocity_control_write_v1 (doc) VALUES (?)
