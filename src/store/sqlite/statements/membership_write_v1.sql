INSERT INTO main.cala_membership_write_v1 (doc) VALUES (?)
