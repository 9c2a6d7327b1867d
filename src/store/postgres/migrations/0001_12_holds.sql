-- Holds: one row for each transaction that set amounts aside, under its ordinal, so that lists are in the order of
-- posting. The amounts themselves are entries like any others. status: as it was written last; that an open one has
-- expired is for whoever reads it to see, by the ledger's clock. amount: where all entries have the same, else null,
-- and currency with it.
CREATE TABLE @schema@.holds (
  ordinal bigint NOT NULL,
  version bigint NOT NULL,
  modified_at timestamptz NOT NULL,
  expires_at timestamptz,
  id uuid NOT NULL,
  closed_by uuid,
  status text COLLATE "C" NOT NULL,
  currency text COLLATE "C",
  amount numeric,
  captured numeric NOT NULL,
  CONSTRAINT holds_pkey PRIMARY KEY (ordinal),
  CONSTRAINT holds_id_key UNIQUE (id)
)
-- @break
CREATE INDEX holds_status_idx ON @schema@.holds (status, ordinal)
-- @break
CREATE INDEX holds_expiry_idx ON @schema@.holds (status, expires_at, ordinal) WHERE expires_at IS NOT NULL
-- @break
-- Of which accounts a hold has entries, and of which sets above them. expires_at: the hold's.
CREATE TABLE @schema@.hold_accounts (
  account_id uuid NOT NULL,
  ordinal bigint NOT NULL,
  expires_at timestamptz,
  is_open boolean NOT NULL,
  CONSTRAINT hold_accounts_pkey PRIMARY KEY (account_id, ordinal)
)
-- @break
CREATE INDEX hold_accounts_open_idx ON @schema@.hold_accounts (account_id, ordinal) WHERE is_open
-- @break
CREATE INDEX hold_accounts_expiry_idx ON @schema@.hold_accounts (account_id, is_open, expires_at, ordinal)
  WHERE expires_at IS NOT NULL
-- @break
CREATE FUNCTION @schema@.hold_row(h @schema@.holds, t @schema@.transactions, at text) RETURNS json
LANGUAGE sql STABLE AS $body$
  SELECT json_build_object('id', h.id, 'journal_id', t.journal_id, 'status', h.status,
    'expires_at', @schema@.micros(h.expires_at), 'amount', h.amount::text, 'currency', h.currency,
    'captured', h.captured::text, 'closed_by', h.closed_by, 'version', h.version,
    'created_at', @schema@.micros(t.created_at), 'modified_at', @schema@.micros(h.modified_at), 'cursor', at)
$body$
-- @break
-- lock: so that they stay as they are until the transaction ends. The rows are read after a wait, in a statement of
-- their own.
CREATE FUNCTION @schema@.hold_find_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  ids uuid[] := ARRAY(SELECT k::uuid FROM jsonb_array_elements_text(doc -> 'keys') k);
  rows json;
BEGIN
  IF (doc ->> 'lock')::boolean THEN
    PERFORM 1 FROM @schema@.holds h WHERE h.id = ANY (ids) ORDER BY h.ordinal FOR UPDATE;
  END IF;
  SELECT json_agg(@schema@.hold_row(h, t, NULL)) INTO rows
    FROM @schema@.holds h JOIN @schema@.transactions t ON t.ordinal = h.ordinal WHERE h.id = ANY (ids);
  RETURN json_build_object('rows', coalesce(rows, '[]'));
END
$body$
-- @break
-- In order of posting, or, of those that expire before an instant, in order of expiry. Those that have expired are of
-- two kinds, and each kind has its place in an index.
CREATE FUNCTION @schema@.hold_list_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  beyond text := CASE WHEN @schema@.is_backwards(doc) THEN '<' ELSE '>' END;
  of_account boolean := doc ->> 'account_id' IS NOT NULL;
  by_expiry boolean := doc ->> 'expires_before' IS NOT NULL;
  expiry text := CASE WHEN of_account THEN 'a.expires_at' ELSE 'h.expires_at' END;
  place text := CASE WHEN of_account THEN 'a.ordinal' ELSE 'h.ordinal' END;
  is_over text := concat(expiry, ' <= @schema@.instant(($1 ->> ''now'')::bigint)');
  is_ahead text := concat('(', CASE WHEN NOT by_expiry THEN concat(expiry, ' IS NULL OR ') END, expiry,
    ' > @schema@.instant(($1 ->> ''now'')::bigint))');
  kinds text[] := CASE doc ->> 'status'
    WHEN 'open' THEN ARRAY['h.status = ''open'' AND ' || is_ahead]
    WHEN 'expired' THEN ARRAY['h.status = ''expired''', 'h.status = ''open'' AND ' || is_over]
    WHEN 'captured' THEN ARRAY['h.status = ''captured''']
    WHEN 'released' THEN ARRAY['h.status = ''released''']
    ELSE CASE WHEN NOT by_expiry THEN ARRAY['true'] WHEN of_account THEN ARRAY['a.is_open', 'NOT a.is_open']
      ELSE ARRAY['h.status = ''open''', 'h.status = ''captured''', 'h.status = ''released''', 'h.status = ''expired''']
      END END;
  statement text;
BEGIN
  IF doc ->> 'after' !~ (CASE WHEN by_expiry THEN '^-{0,1}[0-9]{1,18}/[0-9]{1,18}$' ELSE '^[0-9]{1,18}$' END) THEN
    RETURN json_build_object('invalid', 'after');
  END IF;
  SELECT string_agg(concat('(SELECT h.ordinal FROM @schema@.holds h',
      CASE WHEN of_account THEN ' JOIN @schema@.hold_accounts a ON a.ordinal = h.ordinal' END,
      ' WHERE ', kind,
      @schema@.if_given(doc, 'account_id', concat(' AND a.account_id = ($1 ->> ''account_id'')::uuid',
        CASE WHEN strpos(kind, '''open''') > 0 THEN ' AND a.is_open'
          WHEN by_expiry AND strpos(kind, 'is_open') = 0 THEN ' AND NOT a.is_open' END)),
      @schema@.if_given(doc,
        'expires_before', concat(' AND ', expiry, ' < @schema@.instant(($1 ->> ''expires_before'')::bigint)')),
      @schema@.if_given(doc, 'after', CASE WHEN by_expiry THEN concat(' AND (', expiry, ', ', place, ') ', beyond,
        ' (@schema@.instant(split_part($1 ->> ''after'', ''/'', 1)::bigint),
          split_part($1 ->> ''after'', ''/'', 2)::bigint)')
        ELSE concat(' AND ', place, ' ', beyond, ' ($1 ->> ''after'')::bigint') END),
      ' ORDER BY ', CASE WHEN by_expiry THEN concat(expiry, way, ', ') END, place, way,
      ' LIMIT ($1 ->> ''first'')::bigint)'), ' UNION ALL ')
    INTO statement FROM unnest(kinds) kind;
  RETURN @schema@.page(doc, concat('SELECT @schema@.hold_row(h, t, ',
    CASE WHEN by_expiry THEN 'concat(@schema@.micros(h.expires_at), ''/'', h.ordinal)' ELSE 'h.ordinal::text' END,
    ') AS r FROM (', statement, ') AS c JOIN @schema@.holds h ON h.ordinal = c.ordinal
      JOIN @schema@.transactions t ON t.ordinal = c.ordinal ORDER BY ',
    CASE WHEN by_expiry THEN concat('h.expires_at', way, ', ') END, 'h.ordinal', way));
END
$body$
-- @break
-- Holds that have expired, those first that expired first, locked; but for those that nothing can be posted of while an
-- account or the journal is locked or the journal's books are closed for today, and those that another transaction is
-- just at.
CREATE FUNCTION @schema@.hold_due_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  ordinals bigint[];
  rows json;
  behind_at timestamptz := '-infinity';
  behind bigint := 0;
BEGIN
  IF doc ->> 'after' IS NOT NULL THEN
    SELECT h.expires_at, h.ordinal INTO STRICT behind_at, behind FROM @schema@.holds h
      WHERE h.id = (doc ->> 'after')::uuid;
  END IF;
  ordinals := ARRAY(SELECT h.ordinal FROM @schema@.holds h
    WHERE h.status = 'open' AND h.expires_at <= @schema@.instant((doc ->> 'now')::bigint)
      AND (h.expires_at, h.ordinal) > (behind_at, behind)
      AND NOT EXISTS (SELECT FROM @schema@.entries e JOIN @schema@.accounts a ON a.id = e.account_id
        AND a.status = 'locked'
        WHERE e.ordinal = h.ordinal)
      AND NOT EXISTS (SELECT FROM @schema@.transactions t JOIN @schema@.journals j ON j.id = t.journal_id
        AND (j.status = 'locked'
          OR j.closed_until >= (@schema@.instant((doc ->> 'now')::bigint) AT TIME ZONE 'UTC')::date)
        WHERE t.ordinal = h.ordinal)
    ORDER BY h.expires_at, h.ordinal LIMIT (doc ->> 'first')::bigint FOR UPDATE OF h SKIP LOCKED);
  SELECT json_agg(@schema@.hold_row(h, t, NULL) ORDER BY h.expires_at, h.ordinal) INTO rows
    FROM @schema@.holds h JOIN @schema@.transactions t ON t.ordinal = h.ordinal WHERE h.ordinal = ANY (ordinals);
  RETURN json_build_object('rows', coalesce(rows, '[]'));
END
$body$
-- @break
-- Part of a posting's write: rows with old_version, 0 for a new one. False when one is not at the version that was
-- read.
CREATE FUNCTION @schema@.hold_move_v1(rows jsonb) RETURNS boolean
LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
  moved bigint;
  added bigint;
BEGIN
  UPDATE @schema@.holds h SET version = (r ->> 'version')::bigint,
    modified_at = @schema@.instant((r ->> 'modified_at')::bigint),
      status = r ->> 'status', captured = (r ->> 'captured')::numeric, closed_by = (r ->> 'closed_by')::uuid
    FROM jsonb_array_elements(rows) r
    WHERE h.id = (r ->> 'id')::uuid AND h.version = (r ->> 'old_version')::bigint;
  GET DIAGNOSTICS moved = ROW_COUNT;
  UPDATE @schema@.hold_accounts a SET is_open = false
    FROM jsonb_array_elements(rows) r CROSS JOIN jsonb_array_elements_text(r -> 'accounts') o
      JOIN @schema@.holds h ON h.id = (r ->> 'id')::uuid
    WHERE r ->> 'status' <> 'open' AND a.account_id = o::uuid AND a.ordinal = h.ordinal;
  INSERT INTO @schema@.holds (ordinal, version, modified_at, expires_at, id, status, currency, amount, captured)
    SELECT t.ordinal, (r ->> 'version')::bigint, @schema@.instant((r ->> 'modified_at')::bigint),
      @schema@.instant((r ->> 'expires_at')::bigint), t.id, r ->> 'status', r ->> 'currency', (r ->> 'amount')::numeric,
      (r ->> 'captured')::numeric
    FROM jsonb_array_elements(rows) r JOIN @schema@.transactions t ON t.id = (r ->> 'id')::uuid
    WHERE (r ->> 'old_version')::bigint = 0;
  GET DIAGNOSTICS added = ROW_COUNT;
  INSERT INTO @schema@.hold_accounts (account_id, ordinal, expires_at, is_open)
    SELECT o::uuid, t.ordinal, @schema@.instant((r ->> 'expires_at')::bigint), true
    FROM jsonb_array_elements(rows) r CROSS JOIN jsonb_array_elements_text(r -> 'accounts') o
      JOIN @schema@.transactions t ON t.id = (r ->> 'id')::uuid
    WHERE (r ->> 'old_version')::bigint = 0;
  RETURN moved + added = jsonb_array_length(rows);
END
$body$
