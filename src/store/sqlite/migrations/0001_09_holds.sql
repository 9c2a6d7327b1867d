-- Holds: one row for each transaction that set amounts aside, under its number, so that lists are in the order of
-- posting. status: as it was written last; that an open one has expired is for whoever reads it to see. amount: where
-- all entries have the same.
CREATE TABLE main.cala_holds (
  n INTEGER PRIMARY KEY,
  version INTEGER NOT NULL,
  status TEXT NOT NULL,
  expires_at INTEGER,
  amount TEXT,
  currency TEXT,
  captured TEXT NOT NULL,
  closed_by TEXT,
  modified_at INTEGER NOT NULL
)
-- @break
CREATE INDEX main.cala_holds_status ON cala_holds (status, n)
-- @break
CREATE INDEX main.cala_holds_expiry ON cala_holds (status, expires_at, n) WHERE expires_at IS NOT NULL
-- @break
-- Of which accounts a hold has entries, and of which sets above them. expires_at: the hold's.
CREATE TABLE main.cala_hold_accounts (
  account_n INTEGER NOT NULL,
  hold_n INTEGER NOT NULL,
  is_open INTEGER NOT NULL,
  expires_at INTEGER,
  PRIMARY KEY (account_n, hold_n)
) WITHOUT ROWID
-- @break
CREATE INDEX main.cala_hold_accounts_open ON cala_hold_accounts (account_n, hold_n) WHERE is_open
-- @break
CREATE INDEX main.cala_hold_accounts_expiry ON cala_hold_accounts (account_n, is_open, expires_at, hold_n)
  WHERE expires_at IS NOT NULL
-- @break
CREATE VIEW main.cala_hold_rows_v1 AS
SELECT
  h.n AS n, t.id AS id,
  json_object(
    'id', t.id, 'journal_id', j.id, 'status', h.status, 'expires_at', h.expires_at, 'amount', h.amount,
    'currency', h.currency, 'captured', h.captured, 'closed_by', h.closed_by, 'version', h.version,
    'created_at', t.created_at, 'modified_at', h.modified_at
  ) AS row
FROM cala_holds h
CROSS JOIN cala_transactions t ON t.n = h.n
CROSS JOIN cala_journals j ON j.n = t.journal_n
-- @break
-- Part of a posting's write: an array of rows with old_version, 0 for a new one.
CREATE VIEW main.cala_hold_move_v1 (doc) AS SELECT '[]' WHERE 0
-- @break
CREATE TRIGGER main.cala_hold_move_v1_insert INSTEAD OF INSERT ON cala_hold_move_v1
BEGIN
  SELECT RAISE(ABORT, 'cala:balance.changed')
  FROM json_each(NEW.doc) r
  WHERE json_extract(r.value, '$.old_version') > 0 AND NOT EXISTS (
    SELECT 1 FROM cala_transactions t CROSS JOIN cala_holds h ON h.n = t.n
    WHERE t.id = json_extract(r.value, '$.id') AND h.version = json_extract(r.value, '$.old_version'));
  INSERT INTO cala_holds (n, version, status, expires_at, amount, currency, captured, closed_by, modified_at)
  SELECT t.n, json_extract(r.value, '$.version'), json_extract(r.value, '$.status'),
    json_extract(r.value, '$.expires_at'),
    json_extract(r.value, '$.amount'), json_extract(r.value, '$.currency'), json_extract(r.value, '$.captured'),
    json_extract(r.value, '$.closed_by'), json_extract(r.value, '$.modified_at')
  FROM json_each(NEW.doc) r CROSS JOIN cala_transactions t ON t.id = json_extract(r.value, '$.id')
  WHERE true
  ON CONFLICT (n) DO UPDATE SET version = excluded.version, status = excluded.status, captured = excluded.captured,
    closed_by = excluded.closed_by, modified_at = excluded.modified_at;
  INSERT INTO cala_hold_accounts (account_n, hold_n, is_open, expires_at)
  SELECT a.n, t.n, json_extract(r.value, '$.status') = 'open', json_extract(r.value, '$.expires_at')
  FROM json_each(NEW.doc) r CROSS JOIN cala_transactions t ON t.id = json_extract(r.value, '$.id')
  CROSS JOIN json_each(r.value, '$.accounts') o CROSS JOIN cala_accounts a ON a.id = o.value
  WHERE true
  ON CONFLICT (account_n, hold_n) DO UPDATE SET is_open = excluded.is_open;
END
