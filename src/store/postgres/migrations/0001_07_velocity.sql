-- Velocity: limits, controls (lists of limits), attachments of controls to accounts and account sets, and what has been
-- counted. number: by age. Which limit a refusal names follows it.
CREATE TABLE @schema@.velocity_limits (
  number bigint GENERATED ALWAYS AS IDENTITY,
  version bigint NOT NULL,
  created_at timestamptz NOT NULL,
  modified_at timestamptz NOT NULL,
  id uuid NOT NULL,
  name text NOT NULL,
  description text,
  condition text,
  currency text COLLATE "C",
  window_keys json NOT NULL,
  params json NOT NULL,
  limits json NOT NULL,
  CONSTRAINT velocity_limits_pkey PRIMARY KEY (id),
  CONSTRAINT velocity_limits_number_key UNIQUE (number)
)
-- @break
CREATE TABLE @schema@.velocity_controls (
  number bigint GENERATED ALWAYS AS IDENTITY,
  version bigint NOT NULL,
  created_at timestamptz NOT NULL,
  modified_at timestamptz NOT NULL,
  id uuid NOT NULL,
  action text NOT NULL,
  name text NOT NULL,
  description text,
  condition text,
  CONSTRAINT velocity_controls_pkey PRIMARY KEY (id),
  CONSTRAINT velocity_controls_number_key UNIQUE (number)
)
-- @break
CREATE TABLE @schema@.velocity_control_limits (
  control_id uuid NOT NULL,
  limit_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  CONSTRAINT velocity_control_limits_pkey PRIMARY KEY (control_id, limit_id)
)
-- @break
-- frozen: the control's limits with the params worked out, as the posting reads them.
-- Changed only by replacing the params.
CREATE TABLE @schema@.velocity_attachments (
  number bigint GENERATED ALWAYS AS IDENTITY,
  version bigint NOT NULL,
  created_at timestamptz NOT NULL,
  modified_at timestamptz NOT NULL,
  account_id uuid NOT NULL,
  control_id uuid NOT NULL,
  params json NOT NULL,
  frozen json NOT NULL,
  CONSTRAINT velocity_attachments_pkey PRIMARY KEY (account_id, control_id),
  CONSTRAINT velocity_attachments_number_key UNIQUE (number)
)
-- @break
CREATE INDEX velocity_attachments_control_idx ON @schema@.velocity_attachments (control_id, number)
-- @break
-- What has been counted at an account or set under one limit of one control in one window. version counts the entries.
CREATE TABLE @schema@.velocity_balances (
  version bigint NOT NULL,
  account_id uuid NOT NULL,
  journal_id uuid NOT NULL,
  control_id uuid NOT NULL,
  limit_id uuid NOT NULL,
  currency text COLLATE "C" NOT NULL,
  window_key text COLLATE "C" NOT NULL,
  settled_debit numeric NOT NULL,
  settled_credit numeric NOT NULL,
  pending_debit numeric NOT NULL,
  pending_credit numeric NOT NULL,
  encumbrance_debit numeric NOT NULL,
  encumbrance_credit numeric NOT NULL,
  CONSTRAINT velocity_balances_pkey PRIMARY KEY (account_id, currency, journal_id, control_id, limit_id, window_key)
) WITH (fillfactor = 70)
-- @break
CREATE FUNCTION @schema@.velocity_limit_row(l @schema@.velocity_limits, at text) RETURNS json
LANGUAGE sql STABLE AS $body$
  SELECT json_build_object('id', l.id, 'version', l.version, 'number', l.number, 'name', l.name,
    'description', l.description,
    'condition', l.condition, 'currency', l.currency, 'window', l.window_keys, 'params', l.params, 'limit', l.limits,
    'created_at', @schema@.micros(l.created_at), 'modified_at', @schema@.micros(l.modified_at), 'cursor', at)
$body$
-- @break
CREATE FUNCTION @schema@.velocity_control_row(c @schema@.velocity_controls, at text) RETURNS json
LANGUAGE sql STABLE AS $body$
  SELECT json_build_object('id', c.id, 'version', c.version, 'number', c.number, 'name', c.name,
    'description', c.description,
    'condition', c.condition, 'action', c.action,
    'limits', (SELECT coalesce(json_agg(@schema@.velocity_limit_row(l, NULL) ORDER BY l.number), '[]')
       FROM @schema@.velocity_control_limits m JOIN @schema@.velocity_limits l ON l.id = m.limit_id
         WHERE m.control_id = c.id),
    'created_at', @schema@.micros(c.created_at), 'modified_at', @schema@.micros(c.modified_at), 'cursor', at)
$body$
-- @break
CREATE FUNCTION @schema@.velocity_attachment_row(v @schema@.velocity_attachments, at text) RETURNS json
LANGUAGE sql STABLE AS $body$
  SELECT json_build_object('account_id', v.account_id, 'control_id', v.control_id, 'version', v.version,
    'is_set', (SELECT a.is_set FROM @schema@.accounts a WHERE a.id = v.account_id),
    'params', v.params::text, 'frozen', v.frozen::text,
    'created_at', @schema@.micros(v.created_at), 'modified_at', @schema@.micros(v.modified_at), 'cursor', at)
$body$
-- @break
CREATE FUNCTION @schema@.velocity_balance_row(b @schema@.velocity_balances) RETURNS json
LANGUAGE sql STABLE AS $body$
  SELECT json_build_object('account_id', b.account_id, 'currency', b.currency, 'journal_id', b.journal_id,
    'control_id', b.control_id, 'limit_id', b.limit_id, 'window', b.window_key, 'version', b.version,
    'layers', json_build_array(json_build_array(b.settled_debit::text, b.settled_credit::text),
      json_build_array(b.pending_debit::text, b.pending_credit::text),
      json_build_array(b.encumbrance_debit::text, b.encumbrance_credit::text)))
$body$
-- @break
CREATE FUNCTION @schema@.velocity_limit_find_v1(doc jsonb) RETURNS json
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
  SELECT json_build_object('rows', coalesce(json_agg(@schema@.velocity_limit_row(l, NULL)), '[]'))
    FROM @schema@.velocity_limits l WHERE l.id = ANY (@schema@.keys_of(doc)::uuid[])
$body$
-- @break
CREATE FUNCTION @schema@.velocity_control_find_v1(doc jsonb) RETURNS json
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
  SELECT json_build_object('rows', coalesce(json_agg(@schema@.velocity_control_row(c, NULL)), '[]'))
    FROM @schema@.velocity_controls c WHERE c.id = ANY (@schema@.keys_of(doc)::uuid[])
$body$
-- @break
CREATE FUNCTION @schema@.velocity_limit_list_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  beyond text := CASE WHEN @schema@.is_backwards(doc) THEN '<' ELSE '>' END;
BEGIN
  IF doc ->> 'after' !~ '^[0-9]{1,18}$' THEN
    RETURN json_build_object('invalid', 'after');
  END IF;
  RETURN @schema@.page(doc, concat(
    'SELECT @schema@.velocity_limit_row(l, l.number::text) AS r FROM @schema@.velocity_limits l WHERE true',
    @schema@.if_given(doc, 'control_id', ' AND l.id IN (SELECT m.limit_id FROM @schema@.velocity_control_limits m
      WHERE m.control_id = ($1 ->> ''control_id'')::uuid)'),
    @schema@.if_given(doc, 'after', concat(' AND l.number ', beyond, ' ($1 ->> ''after'')::bigint')),
    ' ORDER BY l.number', way));
END
$body$
-- @break
CREATE FUNCTION @schema@.velocity_control_list_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  beyond text := CASE WHEN @schema@.is_backwards(doc) THEN '<' ELSE '>' END;
BEGIN
  IF doc ->> 'after' !~ '^[0-9]{1,18}$' THEN
    RETURN json_build_object('invalid', 'after');
  END IF;
  RETURN @schema@.page(doc, concat(
    'SELECT @schema@.velocity_control_row(c, c.number::text) AS r FROM @schema@.velocity_controls c WHERE true',
    @schema@.if_given(doc, 'after', concat(' AND c.number ', beyond, ' ($1 ->> ''after'')::bigint')),
    ' ORDER BY c.number', way));
END
$body$
-- @break
-- account_ids: any of these. with_sets: those of every set above them, too.
CREATE FUNCTION @schema@.velocity_attachment_list_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  beyond text := CASE WHEN @schema@.is_backwards(doc) THEN '<' ELSE '>' END;
  asked text := 'SELECT i::uuid FROM jsonb_array_elements_text($1 -> ''account_ids'') AS i';
BEGIN
  IF doc ->> 'after' !~ '^[0-9]{1,18}$' THEN
    RETURN json_build_object('invalid', 'after');
  END IF;
  IF (doc ->> 'with_sets')::boolean THEN
    asked := concat(asked, ' UNION SELECT s.account_set_id FROM @schema@.account_set_ancestors s
      WHERE s.member_id = ANY (ARRAY(', asked, '))');
  END IF;
  RETURN @schema@.page(doc, concat(
    'SELECT @schema@.velocity_attachment_row(v, v.number::text) AS r FROM @schema@.velocity_attachments v WHERE true',
    @schema@.if_given(doc, 'account_ids', concat(' AND v.account_id = ANY (ARRAY(', asked, '))')),
    @schema@.if_given(doc, 'control_id', ' AND v.control_id = ($1 ->> ''control_id'')::uuid'),
    @schema@.if_given(doc, 'after', concat(' AND v.number ', beyond, ' ($1 ->> ''after'')::bigint')),
    ' ORDER BY v.number', way));
END
$body$
-- @break
CREATE FUNCTION @schema@.velocity_balance_list_v1(doc jsonb) RETURNS json
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
  SELECT json_build_object('rows', coalesce(json_agg(@schema@.velocity_balance_row(b)
      ORDER BY b.account_id, b.currency, b.journal_id, b.control_id, b.limit_id, b.window_key), '[]'))
    FROM @schema@.velocity_balances b
    WHERE b.account_id = ANY (ARRAY(SELECT i::uuid FROM jsonb_array_elements_text(doc -> 'account_ids') AS i))
      AND (doc ->> 'currency' IS NULL OR b.currency = doc ->> 'currency')
      AND (doc ->> 'journal_id' IS NULL OR b.journal_id = (doc ->> 'journal_id')::uuid)
$body$
-- @break
-- Of a posting, whose balances are locked already: those of these keys, locked.
CREATE FUNCTION @schema@.velocity_read_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $body$
DECLARE
  ready json;
BEGIN
  SELECT json_agg(@schema@.velocity_balance_row(l.one)) INTO ready
    FROM (SELECT b AS one FROM (SELECT (k ->> 0)::uuid AS account_id, k ->> 1 AS currency,
      (k ->> 2)::uuid AS journal_id,
          (k ->> 3)::uuid AS control_id, (k ->> 4)::uuid AS limit_id, k ->> 5 AS window_key
        FROM jsonb_array_elements(doc -> 'keys') k) q
      JOIN @schema@.velocity_balances b
        ON b.account_id = q.account_id AND b.currency = q.currency AND b.journal_id = q.journal_id
          AND b.control_id = q.control_id AND b.limit_id = q.limit_id AND b.window_key = q.window_key
      ORDER BY b.account_id, b.currency, b.journal_id, b.control_id, b.limit_id, b.window_key FOR UPDATE OF b) l;
  RETURN json_build_object('rows', coalesce(ready, '[]'));
END
$body$
-- @break
-- Part of a posting's write: rows with old_version, 0 for a new one.
-- False when one is not at the version that was read.
CREATE FUNCTION @schema@.velocity_move_v1(rows jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
  moved bigint;
  added bigint;
BEGIN
  UPDATE @schema@.velocity_balances b SET version = (r ->> 'version')::bigint,
      settled_debit = (r #>> '{layers,0,0}')::numeric, settled_credit = (r #>> '{layers,0,1}')::numeric,
      pending_debit = (r #>> '{layers,1,0}')::numeric, pending_credit = (r #>> '{layers,1,1}')::numeric,
      encumbrance_debit = (r #>> '{layers,2,0}')::numeric, encumbrance_credit = (r #>> '{layers,2,1}')::numeric
    FROM jsonb_array_elements(rows) r
    WHERE b.account_id = (r ->> 'account_id')::uuid AND b.currency = r ->> 'currency'
      AND b.journal_id = (r ->> 'journal_id')::uuid AND b.control_id = (r ->> 'control_id')::uuid
      AND b.limit_id = (r ->> 'limit_id')::uuid AND b.window_key = r ->> 'window'
      AND b.version = (r ->> 'old_version')::bigint;
  GET DIAGNOSTICS moved = ROW_COUNT;
  INSERT INTO @schema@.velocity_balances (version, account_id, journal_id, control_id, limit_id, currency, window_key,
      settled_debit, settled_credit, pending_debit, pending_credit, encumbrance_debit, encumbrance_credit)
    SELECT (r ->> 'version')::bigint, (r ->> 'account_id')::uuid, (r ->> 'journal_id')::uuid,
      (r ->> 'control_id')::uuid,
      (r ->> 'limit_id')::uuid, r ->> 'currency', r ->> 'window',
      (r #>> '{layers,0,0}')::numeric, (r #>> '{layers,0,1}')::numeric, (r #>> '{layers,1,0}')::numeric,
      (r #>> '{layers,1,1}')::numeric, (r #>> '{layers,2,0}')::numeric, (r #>> '{layers,2,1}')::numeric
    FROM jsonb_array_elements(rows) r WHERE (r ->> 'old_version')::bigint = 0
    ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS added = ROW_COUNT;
  RETURN moved + added = jsonb_array_length(rows);
END
$body$
-- @break
-- json, not jsonb: what was given is kept as it was written.
CREATE FUNCTION @schema@.velocity_limit_write_v1(doc json) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF @schema@.is_elsewhere(doc ->> 'guard') THEN
    RETURN json_build_object('elsewhere', true);
  END IF;
  IF EXISTS (SELECT FROM json_array_elements(doc -> 'insert') i
    JOIN @schema@.velocity_limits l ON l.id = (i ->> 'id')::uuid) THEN
    RETURN json_build_object('exists', json_build_object('noun', 'velocity_limit', 'column', 'id'));
  END IF;
  INSERT INTO @schema@.velocity_limits (version, created_at, modified_at, id, name, description, condition, currency,
      window_keys, params, limits)
    SELECT (i ->> 'version')::bigint, @schema@.instant((i ->> 'created_at')::bigint),
      @schema@.instant((i ->> 'modified_at')::bigint), (i ->> 'id')::uuid, i ->> 'name', i ->> 'description',
      i ->> 'condition', i ->> 'currency', i -> 'window', i -> 'params', i -> 'limit'
    FROM json_array_elements(doc -> 'insert') i;
  PERFORM @schema@.add_events(doc::jsonb);
  RETURN json_build_object('changed', '[]'::json);
END
$body$
-- @break
CREATE FUNCTION @schema@.velocity_control_write_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF @schema@.is_elsewhere(doc ->> 'guard') THEN
    RETURN json_build_object('elsewhere', true);
  END IF;
  IF EXISTS (SELECT FROM jsonb_array_elements(doc -> 'insert') i
      JOIN @schema@.velocity_controls c ON c.id = (i ->> 'id')::uuid) THEN
    RETURN json_build_object('exists', json_build_object('noun', 'velocity_control', 'column', 'id'));
  END IF;
  INSERT INTO @schema@.velocity_controls (version, created_at, modified_at, id, action, name, description, condition)
    SELECT (i ->> 'version')::bigint, @schema@.instant((i ->> 'created_at')::bigint),
      @schema@.instant((i ->> 'modified_at')::bigint), (i ->> 'id')::uuid, i ->> 'action', i ->> 'name',
        i ->> 'description',
      i ->> 'condition'
    FROM jsonb_array_elements(doc -> 'insert') i;
  PERFORM @schema@.add_events(doc);
  RETURN json_build_object('changed', '[]'::json);
END
$body$
-- @break
-- {add: [{control_id, limit_id}], attach, replace: [attachment row],
-- detach: [{account_id, control_id}], events, now, guard}.
--
-- Postings in flight have read what is attached: this waits for them, and they wait for this. They hold the balances of
-- their accounts, the accounts whose balances they bring to life, and their journal's fence. Accounts are touched as
-- rows, and a set's journal, so that a posting whose snapshot is older fails instead of not seeing what is attached.
CREATE FUNCTION @schema@.velocity_attachment_write_v1(doc json) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  ids uuid[];
  in_journals uuid[];
  wanted bigint;
  done bigint;
  part bigint;
BEGIN
  IF @schema@.is_elsewhere(doc ->> 'guard') THEN
    RETURN json_build_object('elsewhere', true);
  END IF;
  ids := ARRAY(SELECT DISTINCT (r ->> 'account_id')::uuid FROM (SELECT json_array_elements(doc -> 'attach') AS r
    UNION ALL SELECT json_array_elements(doc -> 'replace')
    UNION ALL SELECT json_array_elements(doc -> 'detach')) all_rows
    ORDER BY 1);
  in_journals := ARRAY(SELECT DISTINCT a.journal_id FROM @schema@.accounts a
    WHERE a.id = ANY (ids) AND a.journal_id IS NOT NULL);
  PERFORM pg_advisory_xact_lock(f.fence)
    FROM (SELECT DISTINCT @schema@.journal_fence(i) AS fence
      FROM unnest(in_journals) i LEFT JOIN @schema@.journals j ON j.id = i ORDER BY 1) f;
  UPDATE @schema@.journals j SET modified_at = j.modified_at
    WHERE j.id IN (SELECT o.id FROM @schema@.journals o WHERE o.id = ANY (in_journals) ORDER BY o.id FOR UPDATE);
  UPDATE @schema@.accounts a SET modified_at = a.modified_at
    WHERE a.id IN (SELECT o.id FROM @schema@.accounts o WHERE o.id = ANY (ids) ORDER BY o.id FOR UPDATE);
  PERFORM 1 FROM @schema@.balances b WHERE b.account_id = ANY (ids)
    ORDER BY b.account_id, b.currency, b.journal_id FOR UPDATE;
  wanted := json_array_length(doc -> 'add') + json_array_length(doc -> 'attach') + json_array_length(doc -> 'replace')
    + json_array_length(doc -> 'detach');
  -- Whether all can be done is looked at first, as a refusal writes nothing.
  SELECT count(*) INTO done FROM json_array_elements(doc -> 'add') r WHERE NOT EXISTS (SELECT
    FROM @schema@.velocity_control_limits m WHERE m.control_id = (r ->> 'control_id')::uuid
      AND m.limit_id = (r ->> 'limit_id')::uuid);
  SELECT count(*) INTO part FROM json_array_elements(doc -> 'attach') r WHERE NOT EXISTS (SELECT
    FROM @schema@.velocity_attachments v WHERE v.account_id = (r ->> 'account_id')::uuid
      AND v.control_id = (r ->> 'control_id')::uuid);
  done := done + part;
  SELECT count(*) INTO part FROM json_array_elements(doc -> 'replace') r JOIN @schema@.velocity_attachments v
    ON v.account_id = (r ->> 'account_id')::uuid AND v.control_id = (r ->> 'control_id')::uuid
      AND v.version = (r ->> 'version')::bigint - 1;
  done := done + part;
  SELECT count(*) INTO part FROM json_array_elements(doc -> 'detach') r JOIN @schema@.velocity_attachments v
    ON v.account_id = (r ->> 'account_id')::uuid AND v.control_id = (r ->> 'control_id')::uuid;
  IF done + part < wanted THEN
    RETURN json_build_object('changed', json_build_array(coalesce(ids[1]::text, 'limit')));
  END IF;
  INSERT INTO @schema@.velocity_control_limits (control_id, limit_id, created_at)
    SELECT (r ->> 'control_id')::uuid, (r ->> 'limit_id')::uuid, @schema@.instant((doc ->> 'now')::bigint)
    FROM json_array_elements(doc -> 'add') r;
  INSERT INTO @schema@.velocity_attachments (version, created_at, modified_at, account_id, control_id, params, frozen)
    SELECT (r ->> 'version')::bigint, @schema@.instant((r ->> 'created_at')::bigint),
      @schema@.instant((r ->> 'modified_at')::bigint), (r ->> 'account_id')::uuid, (r ->> 'control_id')::uuid,
      (r ->> 'params')::json, (r ->> 'frozen')::json
    FROM json_array_elements(doc -> 'attach') r;
  UPDATE @schema@.velocity_attachments v SET version = (r ->> 'version')::bigint,
      modified_at = @schema@.instant((r ->> 'modified_at')::bigint), params = (r ->> 'params')::json,
      frozen = (r ->> 'frozen')::json
    FROM json_array_elements(doc -> 'replace') r
    WHERE v.account_id = (r ->> 'account_id')::uuid AND v.control_id = (r ->> 'control_id')::uuid;
  DELETE FROM @schema@.velocity_attachments v USING json_array_elements(doc -> 'detach') r
    WHERE v.account_id = (r ->> 'account_id')::uuid AND v.control_id = (r ->> 'control_id')::uuid;
  PERFORM @schema@.add_events(doc::jsonb);
  RETURN json_build_object('changed', '[]'::json);
END
$body$
