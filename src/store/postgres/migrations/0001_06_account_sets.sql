-- Account sets: who is in which. A set is a row of accounts.
--
-- The direct members, as they were added.
CREATE TABLE @schema@.account_set_members (
  account_set_id uuid NOT NULL,
  member_id uuid NOT NULL,
  created_at timestamptz NOT NULL,
  member_is_set boolean NOT NULL,
  CONSTRAINT account_set_members_pkey PRIMARY KEY (account_set_id, member_id)
)
-- @break
CREATE INDEX account_set_members_member_idx ON @schema@.account_set_members (member_id, account_set_id)
-- @break
CREATE INDEX account_set_members_created_idx ON @schema@.account_set_members (account_set_id, created_at, member_id)
-- @break
-- Every set above every member, account or set, with the number of memberships between them: what a posting reads. Kept
-- by whoever writes memberships, alone in the journal (its fence). A member reaches a set by one path only, so the key
-- is unique.
CREATE TABLE @schema@.account_set_ancestors (
  member_id uuid NOT NULL,
  account_set_id uuid NOT NULL,
  depth integer NOT NULL,
  CONSTRAINT account_set_ancestors_pkey PRIMARY KEY (member_id, account_set_id) INCLUDE (depth)
)
-- @break
CREATE INDEX account_set_ancestors_set_idx ON @schema@.account_set_ancestors (account_set_id, member_id) INCLUDE (depth)
-- @break
-- One membership more, or less: every member at or below the member reaches every set at or above the set.
CREATE FUNCTION @schema@.account_set_member_paths(set_id uuid, member uuid)
RETURNS TABLE (member_id uuid, account_set_id uuid, depth integer)
LANGUAGE sql STABLE AS $body$
  SELECT below.id, above.id, below.depth + 1 + above.depth
    FROM (SELECT member AS id, 0 AS depth
      UNION ALL SELECT a.member_id, a.depth FROM @schema@.account_set_ancestors a WHERE a.account_set_id = member)
        AS below
    CROSS JOIN (SELECT set_id AS id, 0 AS depth
      UNION ALL SELECT a.account_set_id, a.depth FROM @schema@.account_set_ancestors a WHERE a.member_id = set_id)
        AS above
$body$
-- @break
-- Accounts are created into a set side by side, and a membership of that set whose snapshot is older, and fixed, cannot
-- see them. So each creation touches one of the set's marks that nobody else is touching, and such a membership fails
-- where a mark was touched since, instead of missing an account. As many marks as transactions may create accounts in
-- one set at the same time.
CREATE TABLE @schema@.account_set_marks (
  account_set_id uuid NOT NULL,
  place integer NOT NULL,
  CONSTRAINT account_set_marks_pkey PRIMARY KEY (account_set_id, place)
) WITH (fillfactor = 50)
-- @break
CREATE FUNCTION @schema@.make_account_set_marks(sets uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE AS $body$
BEGIN
  INSERT INTO @schema@.account_set_marks (account_set_id, place) SELECT s, p FROM unnest(sets) s
    CROSS JOIN generate_series(1, 8) p;
END
$body$
-- @break
-- Under a fixed snapshot a mark that was touched since is of no use: the next one. Where all were, it is a
-- serialization failure.
CREATE FUNCTION @schema@.touch_account_set_marks(sets uuid[]) RETURNS void
LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
  snapshot_is_fixed boolean := current_setting('transaction_isolation') IN ('repeatable read', 'serializable');
  one uuid;
  free integer;
BEGIN
  FOR one IN SELECT DISTINCT s FROM unnest(sets) s ORDER BY s LOOP
    free := NULL;
    IF NOT snapshot_is_fixed THEN
      SELECT m.place INTO free FROM @schema@.account_set_marks m WHERE m.account_set_id = one
        ORDER BY m.place LIMIT 1 FOR UPDATE SKIP LOCKED;
    ELSE
      FOR tried IN REVERSE 8 .. 2 LOOP
        BEGIN
          SELECT m.place INTO free FROM @schema@.account_set_marks m WHERE m.account_set_id = one AND m.place = tried
            FOR UPDATE SKIP LOCKED;
        EXCEPTION WHEN serialization_failure THEN
          free := NULL;
        END;
        EXIT WHEN free IS NOT NULL;
      END LOOP;
    END IF;
    UPDATE @schema@.account_set_marks m SET place = m.place WHERE m.account_set_id = one
      AND m.place = coalesce(free, 1);
  END LOOP;
END
$body$
-- @break
-- Accounts that were just created and so have nothing below them: [[account_set_id, member_id], ...]. The sets' fences
-- are held, shared with postings, so that no set moves meanwhile, and a mark of each was touched.
CREATE FUNCTION @schema@.join_account_sets(rows jsonb, at timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE AS $body$
BEGIN
  INSERT INTO @schema@.account_set_members (account_set_id, member_id, created_at, member_is_set)
    SELECT (m ->> 0)::uuid, (m ->> 1)::uuid, at, false FROM jsonb_array_elements(rows) m;
  INSERT INTO @schema@.account_set_ancestors (member_id, account_set_id, depth)
    SELECT (m ->> 1)::uuid, p.account_set_id, p.depth
      FROM jsonb_array_elements(rows) m CROSS JOIN LATERAL (SELECT (m ->> 0)::uuid AS account_set_id, 1 AS depth
        UNION ALL SELECT a.account_set_id, a.depth + 1 FROM @schema@.account_set_ancestors a
          WHERE a.member_id = (m ->> 0)::uuid) AS p;
END
$body$
-- @break
CREATE FUNCTION @schema@.account_set_find_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  keys text[] := @schema@.keys_of(doc);
  rows json;
BEGIN
  IF doc ->> 'by' = 'id' THEN
    SELECT json_agg(@schema@.account_row(a, NULL)) INTO rows FROM @schema@.accounts a
      WHERE a.id = ANY (keys::uuid[]) AND a.is_set;
  ELSE
    SELECT json_agg(@schema@.account_row(a, NULL)) INTO rows FROM @schema@.accounts a
      WHERE a.external_id = ANY (keys) AND a.is_set;
  END IF;
  RETURN json_build_object('rows', coalesce(rows, '[]'));
END
$body$
-- @break
-- What a cursor looks like that is made of an instant and an id.
CREATE FUNCTION @schema@.is_place_in_time(place text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $body$
  SELECT place IS NULL OR place ~ '^-{0,1}[0-9]{1,18}/[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$'
$body$
-- @break
CREATE FUNCTION @schema@.account_set_list_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  beyond text := CASE WHEN @schema@.is_backwards(doc) THEN '<' ELSE '>' END;
BEGIN
  IF NOT @schema@.is_place_in_time(doc ->> 'after') THEN
    RETURN json_build_object('invalid', 'after');
  END IF;
  RETURN @schema@.page(doc, concat(
    'SELECT @schema@.account_row(a, concat(@schema@.micros(a.created_at), ''/'', a.id)) AS r
       FROM @schema@.accounts a WHERE a.is_set',
    @schema@.if_given(doc, 'journal_id', ' AND a.journal_id = ($1 ->> ''journal_id'')::uuid'),
    @schema@.if_given(doc, 'after', concat(' AND (a.created_at, a.id) ', beyond,
      ' (@schema@.instant(split_part($1 ->> ''after'', ''/'', 1)::bigint),
        split_part($1 ->> ''after'', ''/'', 2)::uuid)')),
    ' ORDER BY a.created_at', way, ', a.id', way));
END
$body$
-- @break
-- The sets that a member is in itself.
CREATE FUNCTION @schema@.account_set_parents_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  beyond text := CASE WHEN @schema@.is_backwards(doc) THEN '<' ELSE '>' END;
BEGIN
  IF NOT @schema@.is_place_in_time(doc ->> 'after') THEN
    RETURN json_build_object('invalid', 'after');
  END IF;
  RETURN @schema@.page(doc, concat(
    'SELECT @schema@.account_row(a, concat(@schema@.micros(a.created_at), ''/'', a.id)) AS r
       FROM @schema@.account_set_members m JOIN @schema@.accounts a ON a.id = m.account_set_id
       WHERE m.member_id = ($1 ->> ''member_id'')::uuid',
    @schema@.if_given(doc, 'after', concat(' AND (a.created_at, a.id) ', beyond,
      ' (@schema@.instant(split_part($1 ->> ''after'', ''/'', 1)::bigint),
        split_part($1 ->> ''after'', ''/'', 2)::uuid)')),
    ' ORDER BY a.created_at', way, ', a.id', way));
END
$body$
-- @break
-- By external id a cursor is the member's id, a slash and, where it has an external id, an x and that.
CREATE FUNCTION @schema@.account_set_members_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  beyond text := CASE WHEN @schema@.is_backwards(doc) THEN '<' ELSE '>' END;
  place text := doc ->> 'after';
BEGIN
  IF (doc ->> 'by_external_id')::boolean THEN
    IF place !~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}/' THEN
      RETURN json_build_object('invalid', 'after');
    END IF;
    RETURN @schema@.page(doc || jsonb_build_object('place_id', left(place, 36), 'place', substr(place, 39)), concat(
      'SELECT json_build_object(''member_id'', m.member_id, ''is_set'', m.member_is_set,
          ''created_at'', @schema@.micros(m.created_at),
          ''cursor'', concat(m.member_id, ''/'', ''x'' || a.external_id)) AS r
         FROM @schema@.account_set_members m JOIN @schema@.accounts a ON a.id = m.member_id
         WHERE m.account_set_id = ($1 ->> ''account_set_id'')::uuid',
      CASE WHEN place IS NOT NULL THEN concat(
        ' AND (a.external_id IS NULL, coalesce(a.external_id, '''') COLLATE "C", m.member_id) ', beyond, ' (',
        (substr(place, 38) = '')::text, ', $1 ->> ''place'', ($1 ->> ''place_id'')::uuid)') END,
      ' ORDER BY a.external_id IS NULL', way, ', coalesce(a.external_id, '''') COLLATE "C"', way, ', m.member_id',
        way));
  END IF;
  IF NOT @schema@.is_place_in_time(place) THEN
    RETURN json_build_object('invalid', 'after');
  END IF;
  RETURN @schema@.page(doc, concat(
    'SELECT json_build_object(''member_id'', m.member_id, ''is_set'', m.member_is_set,
        ''created_at'', @schema@.micros(m.created_at),
        ''cursor'', concat(@schema@.micros(m.created_at), ''/'', m.member_id)) AS r
       FROM @schema@.account_set_members m WHERE m.account_set_id = ($1 ->> ''account_set_id'')::uuid',
    @schema@.if_given(doc, 'after', concat(' AND (m.created_at, m.member_id) ', beyond,
      ' (@schema@.instant(split_part($1 ->> ''after'', ''/'', 1)::bigint),
        split_part($1 ->> ''after'', ''/'', 2)::uuid)')),
    ' ORDER BY m.created_at', way, ', m.member_id', way));
END
$body$
-- @break
-- Has it entries in the journal? Every account that has entries has a balance.
CREATE FUNCTION @schema@.has_history(holder uuid, in_journal uuid) RETURNS boolean
LANGUAGE sql STABLE AS $body$
  SELECT EXISTS (SELECT FROM @schema@.balances b WHERE b.account_id = holder AND b.journal_id = in_journal)
$body$
-- @break
-- Alone in the sets' journals, to the end of the transaction: postings there have ended and others wait, so that what
-- is read here of history stays so. Under a fixed snapshot the journals are locked as rows too, which fails where a
-- membership was written since (a posting of such a snapshot does the same), the accounts concerned, which fails where
-- one had its first entry since, and the marks of the sets at or below the members, which fails where an account was
-- created into one since.
CREATE FUNCTION @schema@.membership_read_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  in_sets uuid[] := ARRAY(SELECT DISTINCT (m ->> 0)::uuid FROM jsonb_array_elements(doc -> 'members') m);
  members uuid[] := ARRAY(SELECT DISTINCT (m ->> 1)::uuid FROM jsonb_array_elements(doc -> 'members') m);
  below uuid[];
  near uuid[];
BEGIN
  PERFORM pg_advisory_xact_lock(f.fence) FROM (SELECT DISTINCT @schema@.journal_fence(a.journal_id) AS fence
      FROM @schema@.accounts a WHERE a.id = ANY (in_sets) AND a.is_set ORDER BY 1) f;
  IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    PERFORM 1 FROM @schema@.journals j WHERE j.id IN (SELECT a.journal_id FROM @schema@.accounts a
      WHERE a.id = ANY (in_sets) AND a.is_set) ORDER BY j.id FOR UPDATE;
  END IF;
  below := ARRAY(SELECT a.member_id FROM @schema@.account_set_ancestors a WHERE a.account_set_id = ANY (members));
  IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    PERFORM 1 FROM @schema@.account_set_marks m WHERE m.account_set_id = ANY (members || below)
      ORDER BY m.account_set_id, m.place FOR SHARE;
    PERFORM 1 FROM @schema@.accounts a WHERE a.id = ANY (members || below) AND NOT a.is_set ORDER BY a.id FOR SHARE;
  END IF;
  -- At or below the members, and then whatever is above those and the sets.
  near := members || in_sets || below;
  near := near
    || ARRAY(SELECT DISTINCT a.account_set_id FROM @schema@.account_set_ancestors a WHERE a.member_id = ANY (near));
  RETURN json_build_object(
    'guard', CASE WHEN (doc ->> 'host')::boolean THEN pg_current_xact_id()::text END,
    'holders', (SELECT coalesce(json_agg(json_build_array(a.id, a.is_set, a.journal_id)), '[]')
      FROM @schema@.accounts a WHERE a.id = ANY (in_sets || members)),
    'history', (SELECT coalesce(json_agg(json_build_array(h.member_id, h.journal_id)), '[]') FROM (
      SELECT DISTINCT (m ->> 1)::uuid AS member_id, s.journal_id
        FROM jsonb_array_elements(doc -> 'members') m
        JOIN @schema@.accounts s ON s.id = (m ->> 0)::uuid AND s.is_set) AS h
      WHERE @schema@.has_history(h.member_id, h.journal_id)
        OR EXISTS (SELECT FROM @schema@.account_set_ancestors a
          WHERE a.account_set_id = h.member_id AND @schema@.has_history(a.member_id, h.journal_id))),
    'memberships', (SELECT coalesce(json_agg(json_build_array(m.account_set_id, m.member_id, m.member_is_set)), '[]')
      FROM @schema@.account_set_members m WHERE m.member_id = ANY (near)));
END
$body$
-- @break
CREATE FUNCTION @schema@.membership_write_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  at timestamptz := @schema@.instant((doc ->> 'now')::bigint);
  one record;
BEGIN
  IF @schema@.is_elsewhere(doc ->> 'guard') THEN
    RETURN json_build_object('elsewhere', true);
  END IF;
  FOR one IN SELECT (m ->> 0)::uuid AS set_id, (m ->> 1)::uuid AS member_id
      FROM jsonb_array_elements(doc -> 'remove') m LOOP
    DELETE FROM @schema@.account_set_members m WHERE m.account_set_id = one.set_id AND m.member_id = one.member_id;
    DELETE FROM @schema@.account_set_ancestors a USING @schema@.account_set_member_paths(one.set_id, one.member_id) p
      WHERE a.member_id = p.member_id AND a.account_set_id = p.account_set_id;
  END LOOP;
  FOR one IN SELECT (m ->> 0)::uuid AS set_id, (m ->> 1)::uuid AS member_id, (m ->> 2)::boolean AS is_set
      FROM jsonb_array_elements(doc -> 'add') m LOOP
    INSERT INTO @schema@.account_set_members (account_set_id, member_id, created_at, member_is_set)
      VALUES (one.set_id, one.member_id, at, one.is_set);
    INSERT INTO @schema@.account_set_ancestors (member_id, account_set_id, depth)
      SELECT p.member_id, p.account_set_id, p.depth
        FROM @schema@.account_set_member_paths(one.set_id, one.member_id) p;
  END LOOP;
  -- So that a posting whose snapshot is older than this, and fixed, fails instead of missing a set.
  UPDATE @schema@.journals j SET version = j.version WHERE j.id IN (SELECT s.journal_id FROM @schema@.accounts s
    WHERE s.id IN (SELECT (m ->> 0)::uuid FROM jsonb_array_elements((doc -> 'add') || (doc -> 'remove')) m));
  PERFORM @schema@.add_events(doc);
  RETURN json_build_object('changed', '[]'::json);
END
$body$
-- @break
-- Whether a set's balances move with each posting. Otherwise they follow by the roll-up; not where balances are kept by
-- date, since those are kept by the posting.
CREATE FUNCTION @schema@.moves_at_once(s @schema@.accounts) RETURNS boolean
LANGUAGE sql STABLE AS $body$
  SELECT s.balance_rollup = 'synchronous'
    OR (SELECT j.effective_balances FROM @schema@.journals j WHERE j.id = s.journal_id)
$body$
-- @break
CREATE INDEX account_sets_later_idx ON @schema@.accounts (id) WHERE is_set AND balance_rollup = 'eventually_consistent'
-- @break
-- How far the roll-up has come: every entry up to this ordinal is in the balances that follow. One row.
CREATE TABLE @schema@.rollup_state (
  one boolean PRIMARY KEY DEFAULT true,
  applied bigint NOT NULL,
  CONSTRAINT rollup_state_one CHECK (one)
)
-- @break
INSERT INTO @schema@.rollup_state (applied) VALUES (0)
-- @break
CREATE FUNCTION @schema@.last_ordinal() RETURNS bigint
LANGUAGE sql VOLATILE AS $body$
  SELECT CASE WHEN e.is_called THEN e.last_value ELSE 0 END FROM @schema@.event_sequence e
$body$
-- @break
-- Whether there is a set whose balances may follow.
CREATE FUNCTION @schema@.has_followers() RETURNS boolean
LANGUAGE sql VOLATILE AS $body$
  SELECT EXISTS (SELECT FROM @schema@.accounts a WHERE a.is_set AND a.balance_rollup = 'eventually_consistent')
$body$
-- @break
-- Before the first set whose balances follow: nothing that was posted until now will ever be in it, because its members
-- have no history when they join. Only the first takes the row, so that a transaction that makes a later one holds up
-- no roll-up.
CREATE FUNCTION @schema@.start_rollup() RETURNS void
LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
  drawn bigint;
BEGIN
  IF @schema@.has_followers() THEN
    RETURN;
  END IF;
  PERFORM 1 FROM @schema@.rollup_state FOR UPDATE;
  IF NOT @schema@.has_followers() THEN
    drawn := @schema@.last_ordinal();
    UPDATE @schema@.rollup_state r SET applied = greatest(r.applied, drawn);
  END IF;
END
$body$
-- @break
-- How far it has come (applied) and could come now (reached), after waiting for what is being committed at or below the
-- sequence, for timeout_ms at most. Where this transaction has written, or sees what it saw when it began, waiting
-- would be in vain.
--
-- While it waits for a sequence that nobody has drawn yet it notes no mark: that takes a transaction id, and whoever
-- has one holds the marks of all others up. Looked for after the mark, a set that follows is found when what is reached
-- may move it.
CREATE FUNCTION @schema@.rollup_status_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  ends timestamptz := clock_timestamp() + (doc ->> 'timeout_ms')::bigint * interval '1 millisecond';
  may_wait boolean := pg_current_xact_id_if_assigned() IS NULL
    AND current_setting('transaction_isolation') NOT IN ('repeatable read', 'serializable');
  drawn bigint := @schema@.last_ordinal();
  target bigint := coalesce((doc ->> 'sequence')::bigint, drawn);
  reached bigint;
BEGIN
  WHILE may_wait AND drawn < target AND clock_timestamp() < ends LOOP
    PERFORM pg_sleep(0.005);
    drawn := @schema@.last_ordinal();
  END LOOP;
  reached := coalesce(@schema@.order_mark(), 0);
  IF NOT @schema@.has_followers() THEN
    RETURN json_build_object('applied', drawn, 'reached', reached, 'frontier', drawn, 'target', target);
  END IF;
  WHILE may_wait AND reached < target AND clock_timestamp() < ends LOOP
    PERFORM pg_sleep(0.005);
    reached := coalesce(@schema@.order_mark(), 0);
  END LOOP;
  RETURN json_build_object('applied', (SELECT r.applied FROM @schema@.rollup_state r), 'reached', reached,
    'frontier', drawn, 'target', target);
END
$body$
-- @break
-- Adds up what was posted between two ordinals for every balance that follows: one change of a balance and one row of
-- history, however many entries moved it. Locks of accounts do not matter here: what was posted counts.
CREATE FUNCTION @schema@.roll_up(after bigint, upto bigint) RETURNS void
LANGUAGE plpgsql VOLATILE AS $body$
BEGIN
  WITH moved AS (
    SELECT x.account_set_id, e.* FROM @schema@.entries e
      JOIN @schema@.account_set_ancestors x ON x.member_id = e.account_id
      JOIN @schema@.accounts s ON s.id = x.account_set_id AND s.journal_id = e.journal_id
      WHERE e.ordinal > after AND e.ordinal <= upto AND NOT @schema@.moves_at_once(s)
  ), sums AS (
    SELECT account_set_id, currency, journal_id, count(*) AS entries, min(created_at) AS born,
      max(created_at) AS latest,
        (array_agg(id ORDER BY ordinal DESC, sequence DESC))[1] AS entry_id,
        coalesce(sum(units) FILTER (WHERE layer = 'settled' AND direction = 'debit'), 0) AS settled_debit,
        coalesce(sum(units) FILTER (WHERE layer = 'settled' AND direction = 'credit'), 0) AS settled_credit,
        (array_agg(id ORDER BY ordinal DESC, sequence DESC) FILTER (WHERE layer = 'settled'))[1] AS settled_entry_id,
        max(created_at) FILTER (WHERE layer = 'settled') AS settled_modified_at,
        coalesce(sum(units) FILTER (WHERE layer = 'pending' AND direction = 'debit'), 0) AS pending_debit,
        coalesce(sum(units) FILTER (WHERE layer = 'pending' AND direction = 'credit'), 0) AS pending_credit,
        (array_agg(id ORDER BY ordinal DESC, sequence DESC) FILTER (WHERE layer = 'pending'))[1] AS pending_entry_id,
        max(created_at) FILTER (WHERE layer = 'pending') AS pending_modified_at,
        coalesce(sum(units) FILTER (WHERE layer = 'encumbrance' AND direction = 'debit'), 0) AS encumbrance_debit,
        coalesce(sum(units) FILTER (WHERE layer = 'encumbrance' AND direction = 'credit'), 0) AS encumbrance_credit,
        (array_agg(id ORDER BY ordinal DESC, sequence DESC) FILTER (WHERE layer = 'encumbrance'))[1]
          AS encumbrance_entry_id,
        max(created_at) FILTER (WHERE layer = 'encumbrance') AS encumbrance_modified_at
      FROM moved GROUP BY account_set_id, currency, journal_id
  ), changed AS (
    INSERT INTO @schema@.balances AS b (version, created_at, modified_at, settled_modified_at, pending_modified_at,
        encumbrance_modified_at, account_id, journal_id, entry_id, settled_entry_id, pending_entry_id,
          encumbrance_entry_id,
        currency, settled_debit, settled_credit, pending_debit, pending_credit, encumbrance_debit, encumbrance_credit)
      SELECT s.entries, s.born, s.latest, coalesce(s.settled_modified_at, s.born),
          coalesce(s.pending_modified_at, s.born), coalesce(s.encumbrance_modified_at, s.born), s.account_set_id,
          s.journal_id, s.entry_id, s.settled_entry_id, s.pending_entry_id, s.encumbrance_entry_id, s.currency,
          s.settled_debit, s.settled_credit, s.pending_debit, s.pending_credit, s.encumbrance_debit,
            s.encumbrance_credit
        FROM sums s
      ON CONFLICT (account_id, currency, journal_id) DO UPDATE SET version = b.version + excluded.version,
        modified_at = greatest(b.modified_at, excluded.modified_at), entry_id = excluded.entry_id,
        settled_debit = b.settled_debit + excluded.settled_debit,
          settled_credit = b.settled_credit + excluded.settled_credit,
        settled_entry_id = coalesce(excluded.settled_entry_id, b.settled_entry_id),
        settled_modified_at = CASE WHEN excluded.settled_entry_id IS NULL THEN b.settled_modified_at
          ELSE greatest(b.settled_modified_at, excluded.settled_modified_at) END,
        pending_debit = b.pending_debit + excluded.pending_debit,
          pending_credit = b.pending_credit + excluded.pending_credit,
        pending_entry_id = coalesce(excluded.pending_entry_id, b.pending_entry_id),
        pending_modified_at = CASE WHEN excluded.pending_entry_id IS NULL THEN b.pending_modified_at
          ELSE greatest(b.pending_modified_at, excluded.pending_modified_at) END,
        encumbrance_debit = b.encumbrance_debit + excluded.encumbrance_debit,
        encumbrance_credit = b.encumbrance_credit + excluded.encumbrance_credit,
        encumbrance_entry_id = coalesce(excluded.encumbrance_entry_id, b.encumbrance_entry_id),
        encumbrance_modified_at = CASE WHEN excluded.encumbrance_entry_id IS NULL THEN b.encumbrance_modified_at
          ELSE greatest(b.encumbrance_modified_at, excluded.encumbrance_modified_at) END
      RETURNING b.*
  )
  INSERT INTO @schema@.balance_history (balance_number, version, modified_at, settled_modified_at, pending_modified_at,
      encumbrance_modified_at, entry_id, settled_entry_id, pending_entry_id, encumbrance_entry_id, settled_debit,
      settled_credit, pending_debit, pending_credit, encumbrance_debit, encumbrance_credit)
    SELECT c.number, c.version, c.modified_at, c.settled_modified_at, c.pending_modified_at, c.encumbrance_modified_at,
      c.entry_id, c.settled_entry_id, c.pending_entry_id, c.encumbrance_entry_id, c.settled_debit, c.settled_credit,
      c.pending_debit, c.pending_credit, c.encumbrance_debit, c.encumbrance_credit
    FROM changed c;
END
$body$
-- @break
-- One at a time, in whatever process; where it stopped is written with what it wrote, so that nothing is lost or
-- counted twice. Who comes for some steps only does not wait for another one that is at it.
CREATE FUNCTION @schema@.rollup_apply_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  reached bigint := coalesce(@schema@.order_mark(), 0);
  steps bigint := (doc ->> 'steps')::bigint;
  done bigint;
  upto bigint;
BEGIN
  IF steps IS NULL THEN
    SELECT r.applied INTO done FROM @schema@.rollup_state r FOR UPDATE;
  ELSE
    SELECT r.applied INTO done FROM @schema@.rollup_state r FOR UPDATE SKIP LOCKED;
    IF NOT FOUND THEN
      RETURN json_build_object('changed', '[]'::json, 'applied', (SELECT r.applied FROM @schema@.rollup_state r));
    END IF;
  END IF;
  WHILE done < reached AND steps IS DISTINCT FROM 0 LOOP
    upto := least(reached, done + 10000);
    PERFORM @schema@.roll_up(done, upto);
    done := upto;
    steps := steps - 1;
  END LOOP;
  UPDATE @schema@.rollup_state SET applied = done WHERE applied < done;
  RETURN json_build_object('changed', '[]'::json, 'applied', done);
END
$body$
