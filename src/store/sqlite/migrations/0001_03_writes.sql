-- Every change of an account, journal or template counts, by whatever hand:
-- what was read before is then known to be old.
CREATE TRIGGER main.cala_accounts_update AFTER UPDATE ON cala_accounts
  BEGIN UPDATE cala_ledger SET change = change + 1; END
-- @break
CREATE TRIGGER main.cala_accounts_delete AFTER DELETE ON cala_accounts
  BEGIN UPDATE cala_ledger SET change = change + 1; END
-- @break
CREATE TRIGGER main.cala_journals_update AFTER UPDATE ON cala_journals
  BEGIN UPDATE cala_ledger SET change = change + 1; END
-- @break
CREATE TRIGGER main.cala_journals_delete AFTER DELETE ON cala_journals
  BEGIN UPDATE cala_ledger SET change = change + 1; END
-- @break
CREATE TRIGGER main.cala_tx_templates_update AFTER UPDATE ON cala_tx_templates BEGIN
  UPDATE cala_ledger SET change = change + 1;
END
-- @break
CREATE TRIGGER main.cala_tx_templates_delete AFTER DELETE ON cala_tx_templates BEGIN
  UPDATE cala_ledger SET change = change + 1;
END
-- @break
-- Writing: each of these views takes one JSON document, INSERT INTO <view> (doc) VALUES (?), and unpacks it into the
-- tables. A refusal (RAISE ABORT, a taken id) undoes that statement alone
-- and leaves the transaction around it as it was.
CREATE VIEW main.cala_account_write_v1 (doc) AS SELECT '{}' WHERE 0
-- @break
CREATE TRIGGER main.cala_account_write_v1_insert INSTEAD OF INSERT ON cala_account_write_v1
BEGIN
  SELECT RAISE(ABORT, 'cala:account.changed')
  FROM json_each(NEW.doc, '$.update') u
  WHERE u.type = 'object' AND NOT EXISTS (
    SELECT 1 FROM cala_accounts a
    WHERE a.id = json_extract(u.value, '$.id') AND a.version = json_extract(u.value, '$.version') - 1);
  UPDATE cala_accounts SET
    version = json_extract(u.value, '$.version'), code = json_extract(u.value, '$.code'),
    name = json_extract(u.value, '$.name'), external_id = json_extract(u.value, '$.external_id'),
    normal_balance_type = json_extract(u.value, '$.normal_balance_type'), status = json_extract(u.value, '$.status'),
    description = json_extract(u.value, '$.description'), metadata = json_extract(u.value, '$.metadata'),
    balance_rollup = json_extract(u.value, '$.balance_rollup'), floors = json_extract(u.value, '$.floors'),
    modified_at = json_extract(u.value, '$.modified_at')
  FROM json_each(NEW.doc, '$.update') u
  WHERE u.type = 'object' AND cala_accounts.id = json_extract(u.value, '$.id');
  INSERT INTO cala_accounts (id, version, code, name, external_id, normal_balance_type, status, description, metadata,
    balance_rollup, is_set, floors, journal_n, created_at, modified_at)
  SELECT json_extract(i.value, '$.id'), json_extract(i.value, '$.version'), json_extract(i.value, '$.code'),
    json_extract(i.value, '$.name'), json_extract(i.value, '$.external_id'),
    json_extract(i.value, '$.normal_balance_type'), json_extract(i.value, '$.status'),
    json_extract(i.value, '$.description'), json_extract(i.value, '$.metadata'),
    json_extract(i.value, '$.balance_rollup'), json_extract(i.value, '$.is_set'),
    json_extract(i.value, '$.floors'),
    (SELECT j.n FROM cala_journals j WHERE j.id = json_extract(i.value, '$.journal_id')),
    json_extract(i.value, '$.created_at'), json_extract(i.value, '$.modified_at')
  FROM json_each(NEW.doc, '$.insert') i WHERE i.type = 'object';
  INSERT INTO cala_account_set_members (set_n, member_n, created_at)
  SELECT s.n, m.n, json_extract(NEW.doc, '$.now') FROM json_each(NEW.doc, '$.members') r
  CROSS JOIN cala_accounts s ON s.id = json_extract(r.value, '$[0]')
  CROSS JOIN cala_accounts m ON m.id = json_extract(r.value, '$[1]')
  WHERE r.type = 'array';
  INSERT INTO cala_outbox_events (type, subject_id, payload, recorded_at)
  SELECT json_extract(v.value, '$.type'), json_extract(v.value, '$.subject_id'), json_extract(v.value, '$.payload'),
    json_extract(NEW.doc, '$.now')
  FROM json_each(NEW.doc, '$.events') v WHERE v.type = 'object';
END
-- @break
CREATE VIEW main.cala_journal_write_v1 (doc) AS SELECT '{}' WHERE 0
-- @break
CREATE TRIGGER main.cala_journal_write_v1_insert INSTEAD OF INSERT ON cala_journal_write_v1
BEGIN
  SELECT RAISE(ABORT, 'cala:journal.changed')
  FROM json_each(NEW.doc, '$.update') u
  WHERE u.type = 'object' AND NOT EXISTS (
    SELECT 1 FROM cala_journals j
    WHERE j.id = json_extract(u.value, '$.id') AND j.version = json_extract(u.value, '$.version') - 1);
  UPDATE cala_journals SET
    version = json_extract(u.value, '$.version'), name = json_extract(u.value, '$.name'),
    code = json_extract(u.value, '$.code'), description = json_extract(u.value, '$.description'),
    status = json_extract(u.value, '$.status'), effective_balances = json_extract(u.value, '$.effective_balances'),
    max_scale = json_extract(u.value, '$.max_scale'), closed_until = json_extract(u.value, '$.closed_until'),
    modified_at = json_extract(u.value, '$.modified_at')
  FROM json_each(NEW.doc, '$.update') u
  WHERE u.type = 'object' AND cala_journals.id = json_extract(u.value, '$.id');
  INSERT INTO cala_journals (id, version, name, code, description, status, effective_balances, max_scale,
    closed_until, created_at, modified_at)
  SELECT json_extract(i.value, '$.id'), json_extract(i.value, '$.version'), json_extract(i.value, '$.name'),
    json_extract(i.value, '$.code'), json_extract(i.value, '$.description'), json_extract(i.value, '$.status'),
    json_extract(i.value, '$.effective_balances'), json_extract(i.value, '$.max_scale'),
      json_extract(i.value, '$.closed_until'),
    json_extract(i.value, '$.created_at'),
    json_extract(i.value, '$.modified_at')
  FROM json_each(NEW.doc, '$.insert') i WHERE i.type = 'object';
  INSERT INTO cala_outbox_events (type, subject_id, payload, recorded_at)
  SELECT json_extract(v.value, '$.type'), json_extract(v.value, '$.subject_id'), json_extract(v.value, '$.payload'),
    json_extract(NEW.doc, '$.now')
  FROM json_each(NEW.doc, '$.events') v WHERE v.type = 'object';
END
-- @break
CREATE VIEW main.cala_tx_template_write_v1 (doc) AS SELECT '{}' WHERE 0
-- @break
CREATE TRIGGER main.cala_tx_template_write_v1_insert INSTEAD OF INSERT ON cala_tx_template_write_v1
BEGIN
  SELECT RAISE(ABORT, 'cala:tx_template.changed')
  FROM json_each(NEW.doc, '$.update') u
  WHERE u.type = 'object' AND NOT EXISTS (
    SELECT 1 FROM cala_tx_templates p
    WHERE p.id = json_extract(u.value, '$.id') AND p.version = json_extract(u.value, '$.version') - 1);
  UPDATE cala_tx_templates SET
    version = json_extract(u.value, '$.version'), code = json_extract(u.value, '$.code'),
    params = json_extract(u.value, '$.params'), transaction_exprs = json_extract(u.value, '$.transaction'),
    entries = json_extract(u.value, '$.entries'), description = json_extract(u.value, '$.description'),
    metadata = json_extract(u.value, '$.metadata'), modified_at = json_extract(u.value, '$.modified_at')
  FROM json_each(NEW.doc, '$.update') u
  WHERE u.type = 'object' AND cala_tx_templates.id = json_extract(u.value, '$.id');
  INSERT INTO cala_tx_templates (id, version, code, params, transaction_exprs, entries, description, metadata,
    created_at,
    modified_at)
  SELECT json_extract(i.value, '$.id'), json_extract(i.value, '$.version'), json_extract(i.value, '$.code'),
    json_extract(i.value, '$.params'), json_extract(i.value, '$.transaction'), json_extract(i.value, '$.entries'),
    json_extract(i.value, '$.description'), json_extract(i.value, '$.metadata'), json_extract(i.value, '$.created_at'),
    json_extract(i.value, '$.modified_at')
  FROM json_each(NEW.doc, '$.insert') i WHERE i.type = 'object';
  INSERT INTO cala_outbox_events (type, subject_id, payload, recorded_at)
  SELECT json_extract(v.value, '$.type'), json_extract(v.value, '$.subject_id'), json_extract(v.value, '$.payload'),
    json_extract(NEW.doc, '$.now')
  FROM json_each(NEW.doc, '$.events') v WHERE v.type = 'object';
END
-- @break
-- {seen, guard, transactions, entries, opened, moved, buckets, dates}: rows as arrays, numbered and linked by the
-- writer, who read the next numbers and says what it saw in `seen`. Had anybody else posted, or changed an account,
-- since then, it would differ: so two postings cannot lose each other's work even where there is no transaction around
-- read and write. (Naming json_each's value makes a row's text anew each time; the LIMITs keep it to once.)
CREATE VIEW main.cala_posting_write_v1 (doc) AS SELECT '{}' WHERE 0
-- @break
CREATE TRIGGER main.cala_posting_write_v1_insert INSTEAD OF INSERT ON cala_posting_write_v1
BEGIN
  SELECT CASE WHEN now.seen <> json_extract(NEW.doc, '$.guard') THEN RAISE(ABORT, 'cala:transaction.none')
    WHEN now.seen <> json_extract(NEW.doc, '$.seen') THEN RAISE(ABORT, 'cala:balance.changed') END
  FROM (
    SELECT l.change || ':' || (SELECT coalesce(max(n), 0) + 1 FROM cala_entries)
      || ':' || (SELECT coalesce(max(n), 0) + 1 FROM cala_transactions) AS seen
    FROM cala_ledger l) now;
  SELECT RAISE(ABORT, 'cala:balance.changed')
  FROM (SELECT value AS row FROM json_each(NEW.doc, '$.moved') LIMIT -1) m
  WHERE NOT EXISTS (
    SELECT 1 FROM cala_balances b
    WHERE b.n = json_extract(m.row, '$[0]') AND b.version = json_extract(m.row, '$[1]'));
  INSERT INTO cala_transactions (n, id, journal_n, tx_template_n, effective, first_entry_n, entry_count, correlation_id,
    external_id, description, metadata, void_of, version, created_at, modified_at, hold_id)
  SELECT json_extract(x.row, '$[0]'), json_extract(x.row, '$[1]'),
    (SELECT j.n FROM cala_journals j WHERE j.id = json_extract(x.row, '$[2]')),
    (SELECT p.n FROM cala_tx_templates p WHERE p.id = json_extract(x.row, '$[3]')),
    json_extract(x.row, '$[4]'), json_extract(x.row, '$[5]'), json_extract(x.row, '$[6]'),
    json_extract(x.row, '$[7]'), json_extract(x.row, '$[8]'), json_extract(x.row, '$[9]'),
    json_extract(x.row, '$[10]'), json_extract(x.row, '$[11]'), json_extract(x.row, '$[12]'),
    json_extract(x.row, '$[13]'), json_extract(x.row, '$[14]'), json_extract(x.row, '$[16]')
  FROM (SELECT value AS row FROM json_each(NEW.doc, '$.transactions') LIMIT -1) x;
  INSERT INTO cala_entries (n, transaction_n, balance_n, version, prev_n, skip_n, entry_type, layer, direction, units,
    description, metadata, created_at, state, entry_n)
  SELECT json_extract(x.row, '$[0]'), json_extract(x.row, '$[1]'), json_extract(x.row, '$[2]'),
    json_extract(x.row, '$[3]'), json_extract(x.row, '$[4]'), json_extract(x.row, '$[5]'),
    json_extract(x.row, '$[6]'), json_extract(x.row, '$[7]'), json_extract(x.row, '$[8]'),
    json_extract(x.row, '$[9]'), json_extract(x.row, '$[10]'), json_extract(x.row, '$[11]'),
    json_extract(x.row, '$[12]'), json_extract(x.row, '$[13]'), json_extract(x.row, '$[14]')
  FROM (SELECT value AS row FROM json_each(NEW.doc, '$.entries') LIMIT -1) x;
  INSERT INTO cala_balances (n, account_n, journal_n, currency, version, head_entry_n, created_at, modified_at, trail,
    state,
    entry_n)
  SELECT json_extract(x.row, '$[0]'), json_extract(x.row, '$[1]'), json_extract(x.row, '$[2]'),
    json_extract(x.row, '$[3]'), json_extract(x.row, '$[4]'), json_extract(x.row, '$[5]'),
    json_extract(x.row, '$[6]'), json_extract(x.row, '$[7]'), json_extract(x.row, '$[8]'),
    json_extract(x.row, '$[9]'), json_extract(x.row, '$[10]')
  FROM (SELECT value AS row FROM json_each(NEW.doc, '$.opened') LIMIT -1) x;
  UPDATE cala_balances SET
    version = json_extract(m.row, '$[2]'), head_entry_n = json_extract(m.row, '$[3]'),
    modified_at = json_extract(m.row, '$[4]'), trail = json_extract(m.row, '$[5]'), state = json_extract(m.row, '$[6]'),
    entry_n = json_extract(m.row, '$[7]')
  FROM (SELECT value AS row FROM json_each(NEW.doc, '$.moved') LIMIT -1) m
  WHERE cala_balances.n = json_extract(m.row, '$[0]');
  INSERT INTO cala_velocity_move_v1 (doc)
  SELECT json_extract(NEW.doc, '$.velocity') WHERE json_extract(NEW.doc, '$.velocity') IS NOT NULL;
  INSERT INTO cala_hold_move_v1 (doc)
  SELECT json_extract(NEW.doc, '$.holds') WHERE json_extract(NEW.doc, '$.holds') IS NOT NULL;
  INSERT INTO cala_effective_balances (balance_n, level, start, modified_on, modified_at, sums)
  SELECT json_extract(x.row, '$[0]'), json_extract(x.row, '$[1]'), json_extract(x.row, '$[2]'),
    json_extract(x.row, '$[3]'), json_extract(x.row, '$[4]'), json_extract(x.row, '$[5]')
  FROM (SELECT value AS row FROM json_each(NEW.doc, '$.buckets') LIMIT -1) x WHERE true
  ON CONFLICT (balance_n, level, start) DO UPDATE SET
    modified_on = excluded.modified_on, modified_at = excluded.modified_at, sums = excluded.sums;
  INSERT INTO cala_effective_entries (balance_n, effective, n)
  SELECT json_extract(x.row, '$[0]'), json_extract(x.row, '$[1]'), json_extract(x.row, '$[2]')
  FROM (SELECT value AS row FROM json_each(NEW.doc, '$.dates') LIMIT -1) x;
  INSERT INTO cala_outbox_events (type, subject_n, payload, recorded_at)
  SELECT 'transaction_created', json_extract(x.row, '$[0]'), json_extract(x.row, '$[15]'), json_extract(x.row, '$[13]')
  FROM (SELECT value AS row FROM json_each(NEW.doc, '$.transactions') LIMIT -1) x;
END
