INSERT INTO main.cala_tx_template_write_v1 (doc) VALUES (?)
