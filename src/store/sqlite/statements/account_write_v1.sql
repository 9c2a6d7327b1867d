INSERT INTO main.cala_account_write_v1 (doc) VALUES (?)
