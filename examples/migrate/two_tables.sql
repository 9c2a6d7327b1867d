-- A ledger as many programs have one: accounts with a balance that the program keeps, and signed entries in cents.
CREATE TABLE accounts (id INTEGER PRIMARY KEY, name TEXT NOT NULL, currency TEXT NOT NULL,
  balance_cents INTEGER NOT NULL);
CREATE TABLE entries (id INTEGER PRIMARY KEY, transaction_id TEXT NOT NULL,
  account_id INTEGER NOT NULL REFERENCES accounts, amount_cents INTEGER NOT NULL, created_at TEXT NOT NULL, note TEXT);
INSERT INTO accounts VALUES
  (1, 'Bank', 'EUR', -12500), (2, 'Alice', 'EUR', 10050), (3, 'Bob', 'EUR', 2700), (4, 'Fees', 'EUR', 0);
INSERT INTO entries (transaction_id, account_id, amount_cents, created_at, note) VALUES
  ('t-1', 1, -12500, '2025-03-01T10:00:00Z', 'Deposit'), ('t-1', 2, 12500, '2025-03-01T10:00:00Z', 'Deposit'),
  ('t-2', 2, -2500, '2025-03-02T11:00:00Z', 'Transfer'), ('t-2', 3, 2500, '2025-03-02T11:00:00Z', 'Transfer'),
  ('t-3', 3, 200, '2025-03-03T12:00:00Z', 'Bonus, whose other side nobody wrote');
