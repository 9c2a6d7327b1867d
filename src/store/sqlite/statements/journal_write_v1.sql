INSERT INTO main.cala_journal_write_v1 (doc) VALUES (?)
