-- Velocity: limits, controls (lists of limits), attachments of controls to accounts and account sets, and what has been
-- counted. n is also the age: which limit a refusal names follows it. window_keys, params, limits: JSON text, as the
-- API takes them.
CREATE TABLE main.cala_velocity_limits (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  condition TEXT,
  currency TEXT,
  window_keys TEXT NOT NULL,
  params TEXT NOT NULL,
  limits TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL
)
-- @break
CREATE TABLE main.cala_velocity_controls (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL,
  name TEXT NOT NULL,
  description TEXT,
  condition TEXT,
  action TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL
)
-- @break
CREATE TABLE main.cala_velocity_control_limits (
  control_n INTEGER NOT NULL,
  limit_n INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (control_n, limit_n)
) WITHOUT ROWID
-- @break
-- frozen: the control's limits with the params worked out, as the posting reads them.
CREATE TABLE main.cala_velocity_attachments (
  n INTEGER PRIMARY KEY AUTOINCREMENT,
  account_n INTEGER NOT NULL,
  control_n INTEGER NOT NULL,
  version INTEGER NOT NULL,
  params TEXT NOT NULL,
  frozen TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  UNIQUE (account_n, control_n)
)
-- @break
CREATE INDEX main.cala_velocity_attachments_control ON cala_velocity_attachments (control_n, n)
-- @break
-- What has been counted at an account or set under one limit of one control in one window. version counts the entries;
-- state: a JSON array, debit and credit of each layer.
CREATE TABLE main.cala_velocity_balances (
  account_n INTEGER NOT NULL,
  currency TEXT NOT NULL,
  journal_n INTEGER NOT NULL,
  control_n INTEGER NOT NULL,
  limit_n INTEGER NOT NULL,
  window TEXT NOT NULL,
  version INTEGER NOT NULL,
  state TEXT NOT NULL,
  PRIMARY KEY (account_n, currency, journal_n, control_n, limit_n, window)
) WITHOUT ROWID
-- @break
-- What postings remember of accounts includes what is attached to them.
CREATE TRIGGER main.cala_velocity_attachments_insert AFTER INSERT ON cala_velocity_attachments
BEGIN UPDATE cala_ledger SET change = change + 1; END
-- @break
CREATE TRIGGER main.cala_velocity_attachments_update AFTER UPDATE ON cala_velocity_attachments
BEGIN UPDATE cala_ledger SET change = change + 1; END
-- @break
CREATE TRIGGER main.cala_velocity_attachments_delete AFTER DELETE ON cala_velocity_attachments
BEGIN UPDATE cala_ledger SET change = change + 1; END
-- @break
CREATE VIEW main.cala_velocity_limit_rows_v1 AS
SELECT
  n, id,
  json_object(
    'id', id, 'version', version, 'number', n, 'name', name, 'description', description, 'condition', condition,
    'currency', currency, 'window', json(window_keys), 'params', json(params), 'limit', json(limits),
    'created_at', created_at, 'modified_at', modified_at
  ) AS row
FROM cala_velocity_limits
-- @break
CREATE VIEW main.cala_velocity_control_rows_v1 AS
SELECT
  c.n AS n, c.id AS id,
  json_object(
    'id', c.id, 'version', c.version, 'number', c.n, 'name', c.name, 'description', c.description,
    'condition', c.condition, 'action', c.action,
    'limits', json('[' || coalesce((
      SELECT group_concat(o.row, ',') FROM (
        SELECT l.row FROM cala_velocity_control_limits m CROSS JOIN cala_velocity_limit_rows_v1 l ON l.n = m.limit_n
        WHERE m.control_n = c.n ORDER BY m.limit_n LIMIT -1) o), '') || ']'),
    'created_at', c.created_at, 'modified_at', c.modified_at
  ) AS row
FROM cala_velocity_controls c
-- @break
CREATE VIEW main.cala_velocity_attachment_rows_v1 AS
SELECT
  v.n AS n, v.account_n AS account_n,
  json_object(
    'account_id', a.id, 'control_id', c.id, 'version', v.version,
    'is_set', json(CASE WHEN a.is_set THEN 'true' ELSE 'false' END), 'params', v.params, 'frozen', v.frozen,
    'created_at', v.created_at, 'modified_at', v.modified_at
  ) AS row
FROM cala_velocity_attachments v
CROSS JOIN cala_accounts a ON a.n = v.account_n
CROSS JOIN cala_velocity_controls c ON c.n = v.control_n
-- @break
-- What a posting reads of each account or set that anything is attached to.
CREATE VIEW main.cala_attached_controls_v1 AS
SELECT
  a.n AS account_n,
  json_object('id', a.id, 'name', a.name, 'external_id', a.external_id, 'normal_balance_type', a.normal_balance_type,
    'metadata', a.metadata, 'controls', json((
      SELECT json_group_array(v.frozen) FROM cala_velocity_attachments v WHERE v.account_n = a.n))) AS row
FROM cala_accounts a
WHERE EXISTS (SELECT 1 FROM cala_velocity_attachments v WHERE v.account_n = a.n)
-- @break
CREATE VIEW main.cala_velocity_balance_rows_v1 AS
SELECT
  b.account_n AS account_n, b.currency AS currency, b.journal_n AS journal_n, b.control_n AS control_n,
    b.limit_n AS limit_n,
  b.window AS window, j.id AS journal_id,
  json_object(
    'account_id', a.id, 'currency', b.currency, 'journal_id', j.id, 'control_id', c.id, 'limit_id', l.id,
    'window', b.window, 'version', b.version, 'layers', json(b.state)
  ) AS row
FROM cala_velocity_balances b
CROSS JOIN cala_accounts a ON a.n = b.account_n
CROSS JOIN cala_journals j ON j.n = b.journal_n
CROSS JOIN cala_velocity_controls c ON c.n = b.control_n
CROSS JOIN cala_velocity_limits l ON l.n = b.limit_n
-- @break
CREATE VIEW main.cala_velocity_limit_write_v1 (doc) AS SELECT '{}' WHERE 0
-- @break
CREATE TRIGGER main.cala_velocity_limit_write_v1_insert INSTEAD OF INSERT ON cala_velocity_limit_write_v1
BEGIN
  INSERT INTO cala_velocity_limits (id, version, name, description, condition, currency, window_keys, params, limits,
    created_at, modified_at)
  SELECT json_extract(i.value, '$.id'), json_extract(i.value, '$.version'), json_extract(i.value, '$.name'),
    json_extract(i.value, '$.description'), json_extract(i.value, '$.condition'), json_extract(i.value, '$.currency'),
    json_extract(i.value, '$.window'), json_extract(i.value, '$.params'), json_extract(i.value, '$.limit'),
    json_extract(i.value, '$.created_at'), json_extract(i.value, '$.modified_at')
  FROM json_each(NEW.doc, '$.insert') i WHERE i.type = 'object';
  INSERT INTO cala_outbox_events (type, subject_id, payload, recorded_at)
  SELECT json_extract(v.value, '$.type'), json_extract(v.value, '$.subject_id'), json_extract(v.value, '$.payload'),
    json_extract(NEW.doc, '$.now')
  FROM json_each(NEW.doc, '$.events') v WHERE v.type = 'object';
END
-- @break
CREATE VIEW main.cala_velocity_control_write_v1 (doc) AS SELECT '{}' WHERE 0
-- @break
CREATE TRIGGER main.cala_velocity_control_write_v1_insert INSTEAD OF INSERT ON cala_velocity_control_write_v1
BEGIN
  INSERT INTO cala_velocity_controls (id, version, name, description, condition, action, created_at, modified_at)
  SELECT json_extract(i.value, '$.id'), json_extract(i.value, '$.version'), json_extract(i.value, '$.name'),
    json_extract(i.value, '$.description'), json_extract(i.value, '$.condition'), json_extract(i.value, '$.action'),
    json_extract(i.value, '$.created_at'), json_extract(i.value, '$.modified_at')
  FROM json_each(NEW.doc, '$.insert') i WHERE i.type = 'object';
  INSERT INTO cala_outbox_events (type, subject_id, payload, recorded_at)
  SELECT json_extract(v.value, '$.type'), json_extract(v.value, '$.subject_id'), json_extract(v.value, '$.payload'),
    json_extract(NEW.doc, '$.now')
  FROM json_each(NEW.doc, '$.events') v WHERE v.type = 'object';
END
-- @break
-- {add: [{control_id, limit_id}], attach, replace: [attachment row], detach: [{account_id, control_id}], events, now}.
CREATE VIEW main.cala_velocity_attachment_write_v1 (doc) AS SELECT '{}' WHERE 0
-- @break
CREATE TRIGGER main.cala_velocity_attachment_write_v1_insert INSTEAD OF INSERT ON cala_velocity_attachment_write_v1
BEGIN
  SELECT RAISE(ABORT, 'cala:velocity_control.changed')
  FROM json_each(NEW.doc, '$.add') r
  WHERE EXISTS (
    SELECT 1 FROM cala_velocity_control_limits m
    WHERE m.control_n = (SELECT c.n FROM cala_velocity_controls c WHERE c.id = json_extract(r.value, '$.control_id'))
      AND m.limit_n = (SELECT l.n FROM cala_velocity_limits l WHERE l.id = json_extract(r.value, '$.limit_id')));
  SELECT RAISE(ABORT, 'cala:velocity_control.changed')
  FROM json_each(NEW.doc, '$.attach') r
  WHERE EXISTS (
    SELECT 1 FROM cala_velocity_attachments v
    WHERE v.account_n = (SELECT a.n FROM cala_accounts a WHERE a.id = json_extract(r.value, '$.account_id'))
      AND v.control_n = (SELECT c.n FROM cala_velocity_controls c WHERE c.id = json_extract(r.value, '$.control_id')));
  SELECT RAISE(ABORT, 'cala:velocity_control.changed')
  FROM json_each(NEW.doc, '$.replace') r
  WHERE NOT EXISTS (
    SELECT 1 FROM cala_velocity_attachments v
    WHERE v.account_n = (SELECT a.n FROM cala_accounts a WHERE a.id = json_extract(r.value, '$.account_id'))
      AND v.control_n = (SELECT c.n FROM cala_velocity_controls c WHERE c.id = json_extract(r.value, '$.control_id'))
      AND v.version = json_extract(r.value, '$.version') - 1);
  SELECT RAISE(ABORT, 'cala:velocity_control.changed')
  FROM json_each(NEW.doc, '$.detach') r
  WHERE NOT EXISTS (
    SELECT 1 FROM cala_velocity_attachments v
    WHERE v.account_n = (SELECT a.n FROM cala_accounts a WHERE a.id = json_extract(r.value, '$.account_id'))
      AND v.control_n = (SELECT c.n FROM cala_velocity_controls c WHERE c.id = json_extract(r.value, '$.control_id')));
  INSERT INTO cala_velocity_control_limits (control_n, limit_n, created_at)
  SELECT (SELECT c.n FROM cala_velocity_controls c WHERE c.id = json_extract(r.value, '$.control_id')),
    (SELECT l.n FROM cala_velocity_limits l WHERE l.id = json_extract(r.value, '$.limit_id')),
      json_extract(NEW.doc, '$.now')
  FROM json_each(NEW.doc, '$.add') r WHERE r.type = 'object';
  INSERT INTO cala_velocity_attachments (account_n, control_n, version, params, frozen, created_at, modified_at)
  SELECT (SELECT a.n FROM cala_accounts a WHERE a.id = json_extract(r.value, '$.account_id')),
    (SELECT c.n FROM cala_velocity_controls c WHERE c.id = json_extract(r.value, '$.control_id')),
    json_extract(r.value, '$.version'), json_extract(r.value, '$.params'), json_extract(r.value, '$.frozen'),
    json_extract(r.value, '$.created_at'), json_extract(r.value, '$.modified_at')
  FROM json_each(NEW.doc, '$.attach') r WHERE r.type = 'object';
  UPDATE cala_velocity_attachments SET
    version = json_extract(r.value, '$.version'), params = json_extract(r.value, '$.params'),
    frozen = json_extract(r.value, '$.frozen'), modified_at = json_extract(r.value, '$.modified_at')
  FROM json_each(NEW.doc, '$.replace') r
  WHERE r.type = 'object'
    AND cala_velocity_attachments.account_n = (SELECT a.n FROM cala_accounts a
      WHERE a.id = json_extract(r.value, '$.account_id'))
    AND cala_velocity_attachments.control_n =
      (SELECT c.n FROM cala_velocity_controls c WHERE c.id = json_extract(r.value, '$.control_id'));
  DELETE FROM cala_velocity_attachments WHERE n IN (
    SELECT v.n FROM json_each(NEW.doc, '$.detach') r
    CROSS JOIN cala_accounts a ON a.id = json_extract(r.value, '$.account_id')
    CROSS JOIN cala_velocity_controls c ON c.id = json_extract(r.value, '$.control_id')
    CROSS JOIN cala_velocity_attachments v ON v.account_n = a.n AND v.control_n = c.n);
  INSERT INTO cala_outbox_events (type, subject_id, payload, recorded_at)
  SELECT json_extract(v.value, '$.type'), json_extract(v.value, '$.subject_id'), json_extract(v.value, '$.payload'),
    json_extract(NEW.doc, '$.now')
  FROM json_each(NEW.doc, '$.events') v WHERE v.type = 'object';
END
-- @break
-- Part of a posting's write: an array of rows with old_version, 0 for a new one.
CREATE VIEW main.cala_velocity_move_v1 (doc) AS SELECT '[]' WHERE 0
-- @break
CREATE TRIGGER main.cala_velocity_move_v1_insert INSTEAD OF INSERT ON cala_velocity_move_v1
BEGIN
  INSERT INTO cala_velocity_balances (account_n, currency, journal_n, control_n, limit_n, window, version, state)
  SELECT (SELECT a.n FROM cala_accounts a WHERE a.id = json_extract(r.row, '$.account_id')),
    json_extract(r.row, '$.currency'),
    (SELECT j.n FROM cala_journals j WHERE j.id = json_extract(r.row, '$.journal_id')),
    (SELECT c.n FROM cala_velocity_controls c WHERE c.id = json_extract(r.row, '$.control_id')),
    (SELECT l.n FROM cala_velocity_limits l WHERE l.id = json_extract(r.row, '$.limit_id')),
    json_extract(r.row, '$.window'), json_extract(r.row, '$.version'), json_extract(r.row, '$.layers')
  FROM (SELECT value AS row FROM json_each(NEW.doc) LIMIT -1) r
  WHERE true
  ON CONFLICT (account_n, currency, journal_n, control_n, limit_n, window)
    DO UPDATE SET version = excluded.version, state = excluded.state;
END
