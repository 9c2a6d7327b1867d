INSERT INTO cala_velocity_control_write_v1 (doc) VALUES (?)
