INSERT INTO cala_posting_write_v1 (doc) VALUES (?)
