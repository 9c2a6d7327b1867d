INSERT INTO main.cala_posting_write_v1 (doc) VALUES (?)
