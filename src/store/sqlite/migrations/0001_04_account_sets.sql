-- Account sets: who is in which, by row numbers of cala_accounts. The direct members, as they were added.
CREATE TABLE main.cala_account_set_members (
  set_n INTEGER NOT NULL,
  member_n INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  PRIMARY KEY (set_n, member_n)
) WITHOUT ROWID
-- @break
CREATE INDEX main.cala_account_set_members_member ON cala_account_set_members (member_n, set_n)
-- @break
CREATE INDEX main.cala_account_set_members_created ON cala_account_set_members (set_n, created_at, member_n)
-- @break
-- Every set above every member, account or set, with the number of memberships between them: what a posting reads. A
-- member reaches a set by one path only, so the key is unique.
CREATE TABLE main.cala_account_set_ancestors (
  member_n INTEGER NOT NULL,
  set_n INTEGER NOT NULL,
  depth INTEGER NOT NULL,
  PRIMARY KEY (member_n, set_n)
) WITHOUT ROWID
-- @break
CREATE INDEX main.cala_account_set_ancestors_set ON cala_account_set_ancestors (set_n, member_n, depth)
-- @break
-- One membership more: every member at or below the member reaches every set at or above the set.
CREATE TRIGGER main.cala_account_set_members_insert AFTER INSERT ON cala_account_set_members
BEGIN
  INSERT INTO cala_account_set_ancestors (member_n, set_n, depth)
  SELECT below.n, above.n, below.depth + 1 + above.depth
  FROM (
    SELECT NEW.member_n AS n, 0 AS depth
    UNION ALL SELECT a.member_n, a.depth FROM cala_account_set_ancestors a WHERE a.set_n = NEW.member_n) below
  CROSS JOIN (
    SELECT NEW.set_n AS n, 0 AS depth
    UNION ALL SELECT a.set_n, a.depth FROM cala_account_set_ancestors a WHERE a.member_n = NEW.set_n) above;
  UPDATE cala_ledger SET change = change + 1;
END
-- @break
CREATE TRIGGER main.cala_account_set_members_delete AFTER DELETE ON cala_account_set_members
BEGIN
  DELETE FROM cala_account_set_ancestors
  WHERE member_n IN (
      SELECT OLD.member_n UNION ALL SELECT a.member_n FROM cala_account_set_ancestors a WHERE a.set_n = OLD.member_n)
    AND set_n IN (
      SELECT OLD.set_n UNION ALL SELECT a.set_n FROM cala_account_set_ancestors a WHERE a.member_n = OLD.set_n);
  UPDATE cala_ledger SET change = change + 1;
END
-- @break
-- {add, remove: [[account_set_id, member_id, member_is_set], ...], events, now, guard}. guard: as the read that allowed
-- it saw the ledger, so that nothing was posted or joined in between.
CREATE VIEW main.cala_membership_write_v1 (doc) AS SELECT '{}' WHERE 0
-- @break
CREATE TRIGGER main.cala_membership_write_v1_insert INSTEAD OF INSERT ON cala_membership_write_v1
BEGIN
  SELECT RAISE(ABORT, 'cala:transaction.none')
  FROM cala_ledger l
  WHERE json_extract(NEW.doc, '$.guard') <> l.change || ':' || (SELECT coalesce(max(n), 0) + 1 FROM cala_entries)
    || ':' || (SELECT coalesce(max(n), 0) + 1 FROM cala_transactions);
  DELETE FROM cala_account_set_members
  WHERE (set_n, member_n) IN (
    SELECT s.n, m.n FROM json_each(NEW.doc, '$.remove') r
    CROSS JOIN cala_accounts s ON s.id = json_extract(r.value, '$[0]')
    CROSS JOIN cala_accounts m ON m.id = json_extract(r.value, '$[1]')
    WHERE r.type = 'array');
  INSERT INTO cala_account_set_members (set_n, member_n, created_at)
  SELECT s.n, m.n, json_extract(NEW.doc, '$.now') FROM json_each(NEW.doc, '$.add') r
  CROSS JOIN cala_accounts s ON s.id = json_extract(r.value, '$[0]')
  CROSS JOIN cala_accounts m ON m.id = json_extract(r.value, '$[1]')
  WHERE r.type = 'array';
  INSERT INTO cala_outbox_events (type, subject_id, payload, recorded_at)
  SELECT json_extract(v.value, '$.type'), json_extract(v.value, '$.subject_id'), json_extract(v.value, '$.payload'),
    json_extract(NEW.doc, '$.now')
  FROM json_each(NEW.doc, '$.events') v WHERE v.type = 'object';
END
