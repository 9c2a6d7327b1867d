INSERT INTO main.cala_velocity_attachment_write_v1 (doc) VALUES (?)
