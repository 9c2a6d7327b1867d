INSERT INTO cala_journal_write_v1 (doc) VALUES (?)
