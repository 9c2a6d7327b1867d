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
-- Every set above every member, account or set, with the number of memberships between them: what a posting reads. Kept by
-- whoever writes memberships, alone in the journal (its fence). A member reaches a set by one path only, so the key is unique.
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
      UNION ALL SELECT a.member_id, a.depth FROM @schema@.account_set_ancestors a WHERE a.account_set_id = member) AS below
    CROSS JOIN (SELECT set_id AS id, 0 AS depth
      UNION ALL SELECT a.account_set_id, a.depth FROM @schema@.account_set_ancestors a WHERE a.member_id = set_id) AS above
$body$
-- @break
-- Accounts that were just created and so have nothing below them: [[account_set_id, member_id], ...]. The sets' fences are held,
-- shared with postings, so that no set moves meanwhile.
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
      ' (@schema@.instant(split_part($1 ->> ''after'', ''/'', 1)::bigint), split_part($1 ->> ''after'', ''/'', 2)::uuid)')),
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
      ' (@schema@.instant(split_part($1 ->> ''after'', ''/'', 1)::bigint), split_part($1 ->> ''after'', ''/'', 2)::uuid)')),
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
      ' ORDER BY a.external_id IS NULL', way, ', coalesce(a.external_id, '''') COLLATE "C"', way, ', m.member_id', way));
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
      ' (@schema@.instant(split_part($1 ->> ''after'', ''/'', 1)::bigint), split_part($1 ->> ''after'', ''/'', 2)::uuid)')),
    ' ORDER BY m.created_at', way, ', m.member_id', way));
END
$body$
-- @break
-- Has it entries in the journal? Whoever has entries has a balance; an eventually consistent one gets it later.
CREATE FUNCTION @schema@.has_history(holder uuid, in_journal uuid) RETURNS boolean
LANGUAGE sql STABLE AS $body$
  SELECT EXISTS (SELECT FROM @schema@.balances b WHERE b.account_id = holder AND b.journal_id = in_journal)
    OR EXISTS (SELECT FROM @schema@.accounts a WHERE a.id = holder AND a.balance_rollup = 'eventually_consistent'
      AND EXISTS (SELECT FROM @schema@.entries e WHERE e.account_id = holder AND e.journal_id = in_journal))
$body$
-- @break
-- Alone in the sets' journals, to the end of the transaction: postings there have ended and others wait, so that what is read here
-- of history stays so. Under a fixed snapshot the journals are locked as rows too, which fails where a membership was written
-- since; a posting of such a snapshot does the same.
CREATE FUNCTION @schema@.membership_read_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  in_sets uuid[] := ARRAY(SELECT DISTINCT (m ->> 0)::uuid FROM jsonb_array_elements(doc -> 'members') m);
  members uuid[] := ARRAY(SELECT DISTINCT (m ->> 1)::uuid FROM jsonb_array_elements(doc -> 'members') m);
  near uuid[];
BEGIN
  PERFORM pg_advisory_xact_lock(f.fence) FROM (SELECT DISTINCT @schema@.journal_fence(a.journal_id) AS fence
      FROM @schema@.accounts a WHERE a.id = ANY (in_sets) AND a.is_set ORDER BY 1) f;
  IF current_setting('transaction_isolation') IN ('repeatable read', 'serializable') THEN
    PERFORM 1 FROM @schema@.journals j WHERE j.id IN (SELECT a.journal_id FROM @schema@.accounts a
      WHERE a.id = ANY (in_sets) AND a.is_set) ORDER BY j.id FOR UPDATE;
  END IF;
  -- At or below the members, and then whatever is above those and the sets.
  near := members || in_sets
    || ARRAY(SELECT a.member_id FROM @schema@.account_set_ancestors a WHERE a.account_set_id = ANY (members));
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
