-- The writes of accounts, journals and tx templates. An update applies only where the version before it is stored; a
-- taken id, code or external id is answered as a value, so that the transaction stays usable: where it can be seen
-- beforehand, and of a row that is created alone also where the race for it is lost. Several that race still meet the
-- unique index, and then the statement fails.
--
-- Lock order, here and in the postings: holds by number; journal fences by key; journals by id; marks of account sets;
-- accounts by id; balances by (account, currency, journal); what limits have counted. The row of outbox_state is taken
-- by who prunes and by a listener that begins, and these take none of the others.
--
-- The transaction that read is another than the one that writes:
-- answered as a value too, because this one may be somebody's.
CREATE FUNCTION @schema@.is_elsewhere(guard text) RETURNS boolean
LANGUAGE sql VOLATILE AS $body$
  SELECT guard <> '' AND guard <> pg_current_xact_id()::text
$body$
-- @break
-- Postings hold a journal's fence in shared mode to their end; whoever changes the journal's status, or closes it,
-- takes it alone. An advisory lock, because a row lock would make every posting write
-- to the one row they all have in common.
CREATE FUNCTION @schema@.journal_fence(id uuid) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $body$
  SELECT uuid_hash_extended(id, hashtextextended('journal of @schema@', 0))
$body$
-- @break
-- Nobody draws a number without a transaction id (order_marks).
CREATE FUNCTION @schema@.add_events(doc jsonb) RETURNS void
LANGUAGE plpgsql VOLATILE AS $body$
BEGIN
  PERFORM pg_current_xact_id();
  INSERT INTO @schema@.outbox_events (recorded_at, type, subject_id, payload)
  SELECT @schema@.instant((doc ->> 'now')::bigint), e.type, e.subject_id, e.payload::json
    FROM ROWS FROM (jsonb_to_recordset(doc -> 'events') AS (type text, subject_id uuid, payload text))
      WITH ORDINALITY AS e (type, subject_id, payload, place)
    ORDER BY e.place;
END
$body$
-- @break
CREATE FUNCTION @schema@.accounts_taken(created @schema@.accounts[], updated @schema@.accounts[]) RETURNS text
LANGUAGE sql VOLATILE AS $body$
  SELECT CASE
      WHEN EXISTS (SELECT FROM unnest(created) c JOIN @schema@.accounts a ON a.id = c.id) THEN 'id'
      WHEN EXISTS (SELECT FROM unnest(created || updated) c JOIN @schema@.accounts a ON a.code = c.code
        WHERE a.id <> c.id) THEN 'code'
      WHEN EXISTS (SELECT FROM unnest(created || updated) c JOIN @schema@.accounts a ON a.external_id = c.external_id
        AND a.is_set = c.is_set WHERE a.id <> c.id) THEN 'external_id'
    END
$body$
-- @break
CREATE FUNCTION @schema@.account_write_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  created @schema@.accounts[];
  updated @schema@.accounts[];
  changed uuid[];
  taken text;
BEGIN
  IF @schema@.is_elsewhere(doc ->> 'guard') THEN
    RETURN json_build_object('elsewhere', true);
  END IF;
  IF doc -> 'members' IS NOT NULL THEN
    PERFORM pg_advisory_xact_lock_shared(f.fence) FROM (SELECT DISTINCT @schema@.journal_fence(s.journal_id) AS fence
        FROM jsonb_array_elements(doc -> 'members') m JOIN @schema@.accounts s ON s.id = (m ->> 0)::uuid ORDER BY 1) f;
    IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
      PERFORM 1 FROM @schema@.journals j WHERE j.id IN (SELECT s.journal_id
        FROM jsonb_array_elements(doc -> 'members') m
        JOIN @schema@.accounts s ON s.id = (m ->> 0)::uuid) ORDER BY j.id FOR SHARE;
    END IF;
    PERFORM @schema@.touch_account_set_marks(ARRAY(SELECT (m ->> 0)::uuid
      FROM jsonb_array_elements(doc -> 'members') m));
  END IF;
  created := @schema@.accounts_of(doc -> 'insert');
  updated := @schema@.accounts_of(doc -> 'update');
  PERFORM 1 FROM @schema@.accounts a WHERE a.id IN (SELECT u.id FROM unnest(updated) u) ORDER BY a.id FOR UPDATE;
  changed := ARRAY(SELECT u.id FROM unnest(updated) u WHERE NOT EXISTS
    (SELECT FROM @schema@.accounts a WHERE a.id = u.id AND a.version = u.version - 1));
  IF cardinality(changed) > 0 THEN
    RETURN json_build_object('changed', changed);
  END IF;
  taken := @schema@.accounts_taken(created, updated);
  IF taken IS NOT NULL THEN
    RETURN json_build_object('exists', json_build_object('column', taken, 'noun',
      CASE WHEN (SELECT bool_or(c.is_set) FROM unnest(created || updated) c) THEN 'account_set' ELSE 'account' END));
  END IF;
  -- Postings in flight hold these balances and have read the status, or the floors and their side,
  -- that are about to change.
  PERFORM 1 FROM @schema@.balances b WHERE b.account_id IN
      (SELECT u.id FROM unnest(updated) u JOIN @schema@.accounts a ON a.id = u.id WHERE a.status <> u.status
        OR a.floors IS DISTINCT FROM u.floors OR u.floors IS NOT NULL
          AND a.normal_balance_type <> u.normal_balance_type)
    ORDER BY b.account_id, b.currency, b.journal_id FOR UPDATE;
  UPDATE @schema@.accounts a SET version = u.version, code = u.code, name = u.name, external_id = u.external_id,
      normal_balance_type = u.normal_balance_type, status = u.status, description = u.description,
        metadata = u.metadata,
      balance_rollup = u.balance_rollup, floors = u.floors, modified_at = u.modified_at
    FROM unnest(updated) u WHERE a.id = u.id;
  IF EXISTS (SELECT FROM unnest(created) c WHERE c.is_set AND c.balance_rollup = 'eventually_consistent') THEN
    PERFORM @schema@.start_rollup();
  END IF;
  IF cardinality(created) = 1 AND cardinality(updated) = 0 THEN
    INSERT INTO @schema@.accounts SELECT c.* FROM unnest(created) c ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      RETURN json_build_object('exists', json_build_object('column',
        coalesce(@schema@.accounts_taken(created, updated), 'id'),
        'noun', CASE WHEN created[1].is_set THEN 'account_set' ELSE 'account' END));
    END IF;
  ELSE
    INSERT INTO @schema@.accounts SELECT c.* FROM unnest(created) c;
  END IF;
  PERFORM @schema@.make_account_set_marks(ARRAY(SELECT c.id FROM unnest(created) c WHERE c.is_set));
  IF doc -> 'members' IS NOT NULL THEN
    PERFORM @schema@.join_account_sets(doc -> 'members', @schema@.instant((doc ->> 'now')::bigint));
  END IF;
  PERFORM @schema@.add_events(doc);
  RETURN json_build_object('changed', '[]'::json);
END
$body$
-- @break
CREATE FUNCTION @schema@.accounts_of(rows jsonb) RETURNS @schema@.accounts[]
LANGUAGE sql STABLE AS $body$
  SELECT ARRAY(SELECT ROW(r.id, r.version, @schema@.instant(r.created_at), @schema@.instant(r.modified_at),
      r.normal_balance_type, r.status, r.balance_rollup, r.is_set, r.journal_id, r.code, r.name, r.external_id,
      r.description, r.metadata::json, r.floors)::@schema@.accounts
    FROM jsonb_to_recordset(rows) AS r(id uuid, version bigint, code text, name text, external_id text,
      normal_balance_type @schema@.direction, status @schema@.lock_status, description text, metadata text,
      balance_rollup @schema@.balance_rollup, is_set boolean, floors text, journal_id uuid, created_at bigint,
        modified_at bigint))
$body$
-- @break
CREATE FUNCTION @schema@.journals_of(rows jsonb) RETURNS @schema@.journals[]
LANGUAGE sql STABLE AS $body$
  SELECT ARRAY(SELECT ROW(r.id, r.version, @schema@.instant(r.created_at), @schema@.instant(r.modified_at), r.status,
      r.effective_balances, r.max_scale, r.name, r.code, r.description,
      date '1970-01-01' + r.closed_until)::@schema@.journals
    FROM jsonb_to_recordset(rows) AS r(id uuid, version bigint, name text, code text, description text,
      status @schema@.lock_status, effective_balances boolean, max_scale json, closed_until integer, created_at bigint,
      modified_at bigint))
$body$
-- @break
CREATE FUNCTION @schema@.journals_taken(created @schema@.journals[], updated @schema@.journals[]) RETURNS text
LANGUAGE sql VOLATILE AS $body$
  SELECT CASE
      WHEN EXISTS (SELECT FROM unnest(created) c JOIN @schema@.journals j ON j.id = c.id) THEN 'id'
      WHEN EXISTS (SELECT FROM unnest(created || updated) c JOIN @schema@.journals j ON j.code = c.code
        WHERE j.id <> c.id) THEN 'code'
    END
$body$
-- @break
CREATE FUNCTION @schema@.journal_write_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  created @schema@.journals[];
  updated @schema@.journals[];
  changed uuid[];
  taken text;
BEGIN
  IF @schema@.is_elsewhere(doc ->> 'guard') THEN
    RETURN json_build_object('elsewhere', true);
  END IF;
  created := @schema@.journals_of(doc -> 'insert');
  updated := @schema@.journals_of(doc -> 'update');
  PERFORM pg_advisory_xact_lock(f.fence) FROM (SELECT DISTINCT @schema@.journal_fence(j.id) AS fence
      FROM unnest(updated) u JOIN @schema@.journals j ON j.id = u.id
      WHERE j.status <> u.status OR j.closed_until IS DISTINCT FROM u.closed_until ORDER BY 1) f;
  PERFORM 1 FROM @schema@.journals j WHERE j.id IN (SELECT u.id FROM unnest(updated) u) ORDER BY j.id FOR UPDATE;
  changed := ARRAY(SELECT u.id FROM unnest(updated) u WHERE NOT EXISTS
    (SELECT FROM @schema@.journals j WHERE j.id = u.id AND j.version = u.version - 1));
  IF cardinality(changed) > 0 THEN
    RETURN json_build_object('changed', changed);
  END IF;
  taken := @schema@.journals_taken(created, updated);
  IF taken IS NOT NULL THEN
    RETURN json_build_object('exists', json_build_object('noun', 'journal', 'column', taken));
  END IF;
  UPDATE @schema@.journals j SET version = u.version, name = u.name, code = u.code, description = u.description,
      status = u.status, effective_balances = u.effective_balances,
      max_scale = u.max_scale, closed_until = u.closed_until, modified_at = u.modified_at
    FROM unnest(updated) u WHERE j.id = u.id;
  IF cardinality(created) = 1 AND cardinality(updated) = 0 THEN
    INSERT INTO @schema@.journals SELECT c.* FROM unnest(created) c ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      RETURN json_build_object('exists', json_build_object('noun', 'journal',
        'column', coalesce(@schema@.journals_taken(created, updated), 'id')));
    END IF;
  ELSE
    INSERT INTO @schema@.journals SELECT c.* FROM unnest(created) c;
  END IF;
  PERFORM @schema@.add_events(doc);
  RETURN json_build_object('changed', '[]'::json);
END
$body$
-- @break
-- json, not jsonb: what a template holds is kept as it was written.
CREATE FUNCTION @schema@.tx_templates_of(rows json) RETURNS @schema@.tx_templates[]
LANGUAGE sql STABLE AS $body$
  SELECT ARRAY(SELECT ROW(r.id, r.version, @schema@.instant(r.created_at), @schema@.instant(r.modified_at), r.code,
      coalesce(r.params, '[]'), r.transaction, coalesce(r.entries, '[]'), r.description,
      r.metadata::json)::@schema@.tx_templates
    FROM json_to_recordset(rows) AS r(id uuid, version bigint, code text, params json, transaction json, entries json,
      description text, metadata text, created_at bigint, modified_at bigint))
$body$
-- @break
CREATE FUNCTION @schema@.tx_templates_taken(created @schema@.tx_templates[],
  updated @schema@.tx_templates[]) RETURNS text
LANGUAGE sql VOLATILE AS $body$
  SELECT CASE
      WHEN EXISTS (SELECT FROM unnest(created) c JOIN @schema@.tx_templates t ON t.id = c.id) THEN 'id'
      WHEN EXISTS (SELECT FROM unnest(created || updated) c JOIN @schema@.tx_templates t ON t.code = c.code
        WHERE t.id <> c.id) THEN 'code'
    END
$body$
-- @break
CREATE FUNCTION @schema@.tx_template_write_v1(doc json) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  created @schema@.tx_templates[];
  updated @schema@.tx_templates[];
  changed uuid[];
  taken text;
BEGIN
  IF @schema@.is_elsewhere(doc ->> 'guard') THEN
    RETURN json_build_object('elsewhere', true);
  END IF;
  created := @schema@.tx_templates_of(doc -> 'insert');
  updated := @schema@.tx_templates_of(doc -> 'update');
  PERFORM 1 FROM @schema@.tx_templates t WHERE t.id IN (SELECT u.id FROM unnest(updated) u) ORDER BY t.id FOR UPDATE;
  changed := ARRAY(SELECT u.id FROM unnest(updated) u WHERE NOT EXISTS
    (SELECT FROM @schema@.tx_templates t WHERE t.id = u.id AND t.version = u.version - 1));
  IF cardinality(changed) > 0 THEN
    RETURN json_build_object('changed', changed);
  END IF;
  taken := @schema@.tx_templates_taken(created, updated);
  IF taken IS NOT NULL THEN
    RETURN json_build_object('exists', json_build_object('noun', 'tx_template', 'column', taken));
  END IF;
  UPDATE @schema@.tx_templates t SET version = u.version, code = u.code, params = u.params, transaction = u.transaction,
      entries = u.entries, description = u.description, metadata = u.metadata, modified_at = u.modified_at
    FROM unnest(updated) u WHERE t.id = u.id;
  IF cardinality(created) = 1 AND cardinality(updated) = 0 THEN
    INSERT INTO @schema@.tx_templates SELECT c.* FROM unnest(created) c ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
      RETURN json_build_object('exists', json_build_object('noun', 'tx_template',
        'column', coalesce(@schema@.tx_templates_taken(created, updated), 'id')));
    END IF;
  ELSE
    INSERT INTO @schema@.tx_templates SELECT c.* FROM unnest(created) c;
  END IF;
  PERFORM @schema@.add_events(doc::jsonb);
  RETURN json_build_object('changed', '[]'::json);
END
$body$
