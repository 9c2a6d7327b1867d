-- The posting, in two statements. Rows cross as arrays of composite types: between the ledger's own connections and the
-- *_rows_v1 functions in binary, which PostgreSQL takes in ten times faster than text; in one JSON text as array
-- literals, one value each, for whoever speaks through a driver of his own. Both ways end in the same function.
CREATE TYPE @schema@.balance_key_v1 AS (account_id uuid, currency text, journal_id uuid)
-- @break
-- place: which transaction, entry's transaction or balance of the request, from 1.
CREATE TYPE @schema@.posting_transaction_v1 AS (
  place integer, id uuid, journal_id uuid, tx_template_id uuid, effective date, correlation_id text, external_id text,
  description text, metadata json, void_of uuid, hold_id uuid, version integer, created_at timestamptz,
    modified_at timestamptz)
-- @break
CREATE TYPE @schema@.posting_entry_v1 AS (
  place integer, id uuid, transaction_id uuid, account_id uuid, journal_id uuid, sequence integer, effective date,
  layer @schema@.layer, direction @schema@.direction, units numeric, currency text, account_version bigint,
  created_at timestamptz, entry_type text, description text, metadata json)
-- @break
-- A balance after an entry that was not its last of the request. number: as the balance's.
CREATE TYPE @schema@.posting_history_v1 AS (
  place integer, number bigint, version bigint, entry_id uuid, modified_at timestamptz,
  settled_debit numeric, settled_credit numeric, settled_entry_id uuid, settled_modified_at timestamptz,
  pending_debit numeric, pending_credit numeric, pending_entry_id uuid, pending_modified_at timestamptz,
  encumbrance_debit numeric, encumbrance_credit numeric, encumbrance_entry_id uuid, encumbrance_modified_at timestamptz)
-- @break
-- A balance at the end, which is also the last row of its history. number and old_version as the read gave them, or 0
-- and 0 for a balance that did not exist.
CREATE TYPE @schema@.posting_balance_v1 AS (
  place integer, number bigint, old_version bigint, account_id uuid, currency text, journal_id uuid,
    created_at timestamptz,
  version bigint, entry_id uuid, modified_at timestamptz,
  settled_debit numeric, settled_credit numeric, settled_entry_id uuid, settled_modified_at timestamptz,
  pending_debit numeric, pending_credit numeric, pending_entry_id uuid, pending_modified_at timestamptz,
  encumbrance_debit numeric, encumbrance_credit numeric, encumbrance_entry_id uuid, encumbrance_modified_at timestamptz)
-- @break
-- What a balance's entries of a day, a month or a year add up to.
CREATE TYPE @schema@.posting_bucket_v1 AS (
  place integer, level smallint, start date, modified_on date, modified_at timestamptz, sums json)
-- @break
CREATE FUNCTION @schema@.posted_v1(ids uuid[], external_ids text[]) RETURNS json
LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
  rows json;
BEGIN
  SELECT json_agg(json_build_object('transaction', @schema@.transaction_row(t,
        (SELECT c.code FROM @schema@.tx_templates c WHERE c.id = t.tx_template_id),
        (SELECT json_agg(e.id ORDER BY e.sequence) FROM @schema@.entries e WHERE e.ordinal = t.ordinal),
        (SELECT v.id FROM @schema@.transactions v WHERE v.void_of = t.id), NULL),
      'entries', (SELECT coalesce(json_agg(@schema@.entry_row(e, NULL) ORDER BY e.sequence), '[]')
        FROM @schema@.entries e WHERE e.ordinal = t.ordinal)))
    INTO rows FROM @schema@.transactions t WHERE t.ordinal IN
      (SELECT i.ordinal FROM @schema@.transactions i WHERE i.id = ANY (ids)
       UNION ALL SELECT x.ordinal FROM @schema@.transactions x WHERE x.external_id = ANY (external_ids));
  RETURN coalesce(rows, '[]');
END
$body$
-- @break
-- Locks, each in its own statement so that what is read after a wait is read afresh: journal fences, of journals that
-- are not there too (the planner drops the join: it only says which table they guard); the accounts that have a balance
-- still to be born, because a row that is not there cannot be locked; balances. Then reads what may have changed
-- meanwhile. Under REPEATABLE READ and SERIALIZABLE a wait refreshes nothing, so journals and accounts are locked as
-- rows too: if they changed since the snapshot, that is a serialization failure and not a stale posting.
--
-- Planning costs more than the work, so a session plans once, perhaps while the ledger is empty: the settings leave
-- only the plan that a full one needs, a look into an index for each key. Of a posting alone the cost is statements,
-- not rows, each with its start and its end: so as many as the locks need, and one for all that is read after them;
-- what a ledger does not use (sets, limits, effective dates) is asked within that one. An expression without a query in
-- it is no statement.
--
-- Balances and accounts are answered as plain text, a space between fields and a semicolon between rows: no value there
-- needs escaping, and json_build_object costs three times more.
--
-- What moves_at_once() says is written out here: a function with a query in it is called for each row.
--
-- own: the accounts of the keys, each once. patience: the longest wait for a row, null for the connection's own.
CREATE FUNCTION @schema@.posting_read_rows_v1(keys @schema@.balance_key_v1[], own uuid[], in_journals uuid[],
  by_ids uuid[],
  by_external_ids text[], template_ids uuid[], dated integer[], host boolean, patience text, trace text)
  RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $body$
DECLARE
  snapshot_is_fixed boolean := current_setting('transaction_isolation') IN ('repeatable read', 'serializable');
  above uuid[];
  sets text;
  unborn uuid[];
  held text;
  journals text;
  accounts text;
  templates uuid[];
  is_limited boolean;
  is_there boolean;
  existing text := '[]';
  attached json;
  buckets text;
BEGIN
  IF patience IS NOT NULL AND NOT current_setting('lock_timeout')::interval
      BETWEEN interval '1 millisecond' AND patience::interval THEN
    PERFORM set_config('lock_timeout', patience, true);
  END IF;
  IF trace IS NOT NULL THEN
    trace := set_config('application_name', trace, true);
  END IF;
  PERFORM pg_advisory_xact_lock_shared(f.fence)
    FROM (SELECT DISTINCT @schema@.journal_fence(i) AS fence
      FROM unnest(in_journals) i LEFT JOIN @schema@.journals j ON j.id = i ORDER BY 1) f;
  SELECT a.rows, a.ids, ARRAY(SELECT k.account_id FROM unnest(keys) k WHERE NOT EXISTS (SELECT FROM @schema@.balances b
      WHERE b.account_id = k.account_id AND b.currency = k.currency AND b.journal_id = k.journal_id))
    INTO sets, above, unborn
    FROM (SELECT string_agg(concat_ws(' ', m.member_id, s.id, s.journal_id, (s.balance_rollup = 'synchronous'
        OR (SELECT j.effective_balances FROM @schema@.journals j WHERE j.id = s.journal_id))::integer), ';'
        ORDER BY s.id) AS rows, array_agg(DISTINCT s.id) AS ids
      FROM unnest(own) o JOIN @schema@.account_set_ancestors m ON m.member_id = o
      JOIN @schema@.accounts s ON s.id = m.account_set_id) a;
  IF sets IS NOT NULL THEN
    keys := keys || ARRAY(SELECT DISTINCT (s.id, k.currency, k.journal_id)::@schema@.balance_key_v1
      FROM unnest(keys) k JOIN @schema@.account_set_ancestors m ON m.member_id = k.account_id
      JOIN @schema@.accounts s ON s.id = m.account_set_id AND s.journal_id = k.journal_id
      WHERE s.balance_rollup = 'synchronous'
        OR (SELECT j.effective_balances FROM @schema@.journals j WHERE j.id = s.journal_id));
    unborn := ARRAY(SELECT k.account_id FROM unnest(keys) k WHERE NOT EXISTS (SELECT FROM @schema@.balances b
      WHERE b.account_id = k.account_id AND b.currency = k.currency AND b.journal_id = k.journal_id));
    own := own || above;
  END IF;
  -- What is consumed of a set's limits is kept by the posting, also where its balance follows and so is not locked.
  IF above IS NOT NULL THEN
    unborn := unborn || ARRAY(SELECT v.account_id FROM @schema@.velocity_attachments v
      JOIN @schema@.accounts s ON s.id = v.account_id WHERE v.account_id = ANY (above)
        AND NOT @schema@.moves_at_once(s));
  END IF;
  -- One strength of lock for all, since two that share a row and then want it alone wait for each other.
  IF snapshot_is_fixed THEN
    PERFORM 1 FROM @schema@.journals j WHERE j.id = ANY (in_journals) ORDER BY j.id FOR SHARE;
    IF cardinality(unborn) = 0 THEN
      PERFORM 1 FROM @schema@.accounts a WHERE a.id = ANY (own) ORDER BY a.id FOR SHARE;
    ELSE
      unborn := own;
    END IF;
  END IF;
  IF cardinality(unborn) > 0 THEN
    PERFORM 1 FROM @schema@.accounts a WHERE a.id = ANY (unborn) ORDER BY a.id FOR UPDATE;
  END IF;
  SELECT string_agg(concat_ws(' ', l.number, l.version, l.account_id, l.currency, l.journal_id, l.entry_id,
      @schema@.micros(l.created_at), @schema@.micros(l.modified_at),
      l.settled_debit, l.settled_credit, coalesce(l.settled_entry_id::text, '-'),
        @schema@.micros(l.settled_modified_at),
      l.pending_debit, l.pending_credit, coalesce(l.pending_entry_id::text, '-'),
        @schema@.micros(l.pending_modified_at),
      l.encumbrance_debit, l.encumbrance_credit, coalesce(l.encumbrance_entry_id::text, '-'),
      @schema@.micros(l.encumbrance_modified_at)), ';')
    INTO held
    FROM (SELECT b.* FROM unnest(keys) k JOIN @schema@.balances b
        ON b.account_id = k.account_id AND b.currency = k.currency AND b.journal_id = k.journal_id
      ORDER BY b.account_id, b.currency, b.journal_id FOR UPDATE OF b) l;
  SELECT (SELECT string_agg(concat('["', j.id, '","', j.status, '",', j.max_scale, ',',
        coalesce((j.closed_until - date '1970-01-01')::text, 'null'), ',', j.effective_balances::integer, ']'), ',')
      FROM @schema@.journals j WHERE j.id = ANY (in_journals)),
    (SELECT string_agg(concat_ws(' ', a.id, a.status,
      a.is_set::integer + 2 * (a.normal_balance_type = 'debit')::integer,
        a.floors), ';') FROM @schema@.accounts a WHERE a.id = ANY (own)),
    ARRAY(SELECT t.id FROM @schema@.tx_templates t WHERE t.id = ANY (template_ids)),
    EXISTS (SELECT FROM @schema@.velocity_attachments v WHERE v.account_id = ANY (own)),
    EXISTS (SELECT FROM @schema@.transactions t WHERE t.id = ANY (by_ids))
    INTO journals, accounts, templates, is_limited, is_there;
  IF NOT is_there AND cardinality(by_external_ids) > 0 THEN
    is_there := EXISTS (SELECT FROM @schema@.transactions t WHERE t.external_id = ANY (by_external_ids));
  END IF;
  IF is_there THEN
    existing := @schema@.posted_v1(by_ids, by_external_ids);
  END IF;
  IF strpos(journals, ',1]') > 0 THEN  -- one of them keeps balances by effective date
    -- From the keys to their sets, to the balances, to the rows of a day: no other order, however empty the tables were
    -- when this was planned. Each set is asked for once, however many accounts of it there are.
    WITH asked AS MATERIALIZED (
      SELECT DISTINCT keys[dated[g]] AS key, date '1970-01-01' + dated[g + 1] AS day
        FROM generate_series(1, cardinality(dated), 2) g
    ), moved AS MATERIALIZED (
      SELECT (a.key).account_id, (a.key).currency, (a.key).journal_id, a.day FROM asked a
      UNION SELECT m.account_set_id, (a.key).currency, (a.key).journal_id, a.day
        FROM asked a CROSS JOIN LATERAL (SELECT s.account_set_id FROM @schema@.account_set_ancestors s
          WHERE s.member_id = (a.key).account_id OFFSET 0) m
    )
    SELECT string_agg(json_build_array(d.account_id, d.journal_id, d.currency, e.level, e.start - date '1970-01-01',
      e.sums)::text,
        ',')
      INTO buckets
      FROM moved d
      CROSS JOIN LATERAL (SELECT o.number FROM @schema@.balances o WHERE o.account_id = d.account_id
        AND o.currency = d.currency AND o.journal_id = d.journal_id
        AND (SELECT j.effective_balances FROM @schema@.journals j WHERE j.id = d.journal_id) OFFSET 0) b
      CROSS JOIN LATERAL (
        SELECT y.level, y.start, y.sums FROM @schema@.effective_balances y
          WHERE y.balance_number = b.number AND y.level = 0 AND y.start = d.day
        UNION ALL SELECT y.level, y.start, y.sums FROM @schema@.effective_balances y
          WHERE y.balance_number = b.number AND y.level = 1 AND y.start = date_trunc('month', d.day::timestamp)::date
        UNION ALL SELECT y.level, y.start, y.sums FROM @schema@.effective_balances y
          WHERE y.balance_number = b.number AND y.level = 2 AND y.start = date_trunc('year', d.day::timestamp)::date) e;
  END IF;
  IF is_limited THEN
    SELECT json_agg(json_build_object('id', a.id, 'name', a.name, 'external_id', a.external_id,
        'normal_balance_type', a.normal_balance_type, 'metadata', a.metadata::text,
        'controls', (SELECT json_agg(v.frozen::text) FROM @schema@.velocity_attachments v WHERE v.account_id = a.id)))
      INTO attached FROM @schema@.accounts a WHERE a.id = ANY (own)
        AND EXISTS (SELECT FROM @schema@.velocity_attachments v WHERE v.account_id = a.id);
  END IF;
  RETURN concat('{"guard":"', CASE WHEN host THEN pg_current_xact_id()::text END,
    '","balances":"', held, '","journals":[', journals, '],"accounts":"', accounts, '","sets":"', sets,
    '","tx_template_ids":', to_json(templates), ',"velocity":', coalesce(attached, '[]'), ',"existing":', existing,
    ',"buckets":[', buckets, ']}');
END
$body$
-- @break
CREATE FUNCTION @schema@.posting_read_v1(doc jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  keys @schema@.balance_key_v1[] := doc ->> 'keys';
  own uuid[] := doc ->> 'account_ids';
  in_journals uuid[] := doc ->> 'journal_ids';
  by_ids uuid[] := doc ->> 'transaction_ids';
  by_external_ids text[] := doc ->> 'external_ids';
  template_ids uuid[] := doc ->> 'tx_template_ids';
  dated integer[] := doc ->> 'dated';
BEGIN
  RETURN @schema@.posting_read_rows_v1(keys, own, in_journals, by_ids, by_external_ids, template_ids, dated,
    (doc ->> 'host')::boolean, doc ->> 'lock_timeout', NULL);
END
$body$
-- @break
-- Writes what the read made possible. Ordinals are drawn here, while the balances are locked, so that the order of
-- posting and of outbox events agrees with the order of every balance's versions. A transaction that another session
-- wrote in the meantime under the same id or external id is answered as a value with nothing written: the caller reads
-- again. velocity, warnings, holds, buckets, dated: null where there are none. dated: of moves that buckets count, by
-- turns the place of the balance, its version and the day, as days since 1970.
CREATE FUNCTION @schema@.posting_write_rows_v1(guard text, transactions @schema@.posting_transaction_v1[],
  entries @schema@.posting_entry_v1[], history @schema@.posting_history_v1[], balances @schema@.posting_balance_v1[],
  born integer, velocity jsonb, warnings jsonb, holds jsonb, buckets @schema@.posting_bucket_v1[],
    dated bigint[]) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_generic_plan
SET enable_seqscan = off SET enable_hashjoin = off SET enable_mergejoin = off AS $body$
DECLARE
  xid xid8 := pg_current_xact_id();  -- nobody draws an ordinal without one (order_marks)
  ordinals bigint[] := '{}';
  numbers bigint[];
  written bigint;
  added bigint := 0;
BEGIN
  IF guard <> '' AND guard <> xid::text THEN
    RETURN '{"elsewhere":true}';
  END IF;
  FOR place IN 1 .. cardinality(transactions) LOOP
    ordinals[place] := nextval('@schema@.event_sequence');
  END LOOP;
  INSERT INTO @schema@.transactions (ordinal, created_at, modified_at, version, effective, id, journal_id,
    tx_template_id,
      void_of, hold_id, correlation_id, external_id, description, metadata)
    SELECT ordinals[t.place], t.created_at, t.modified_at, t.version, t.effective, t.id, t.journal_id, t.tx_template_id,
      t.void_of,
      t.hold_id, t.correlation_id, t.external_id, t.description, t.metadata
    FROM unnest(transactions) t
    ON CONFLICT DO NOTHING;
  GET DIAGNOSTICS written = ROW_COUNT;
  IF written < cardinality(transactions) THEN
    DELETE FROM @schema@.transactions t WHERE t.ordinal = ANY (ordinals);
    RETURN '{"duplicate":true}';
  END IF;
  IF born > 0 OR buckets IS NOT NULL THEN
    numbers := ARRAY(SELECT CASE WHEN d.number = 0 THEN nextval('@schema@.balance_numbers') ELSE d.number END
      FROM unnest(balances) d);
  END IF;
  IF born > 0 THEN
    INSERT INTO @schema@.balances (number, version, created_at, modified_at, settled_modified_at, pending_modified_at,
        encumbrance_modified_at, account_id, journal_id, entry_id, settled_entry_id, pending_entry_id,
        encumbrance_entry_id, currency, settled_debit, settled_credit, pending_debit, pending_credit, encumbrance_debit,
        encumbrance_credit)
      SELECT numbers[d.place], d.version, d.created_at, d.modified_at, d.settled_modified_at, d.pending_modified_at,
        d.encumbrance_modified_at, d.account_id, d.journal_id, d.entry_id, d.settled_entry_id, d.pending_entry_id,
        d.encumbrance_entry_id, d.currency, d.settled_debit, d.settled_credit, d.pending_debit, d.pending_credit,
        d.encumbrance_debit, d.encumbrance_credit
      FROM unnest(balances) d WHERE d.number = 0
      ON CONFLICT DO NOTHING;
    GET DIAGNOSTICS added = ROW_COUNT;
    -- Read and locked with the balances. A membership of these accounts whose snapshot is older, and fixed, fails by
    -- it.
    UPDATE @schema@.accounts a SET version = a.version FROM unnest(balances) d
      WHERE d.number = 0 AND a.id = d.account_id AND NOT a.is_set;
  END IF;
  UPDATE @schema@.balances b SET version = d.version, entry_id = d.entry_id, modified_at = d.modified_at,
      settled_debit = d.settled_debit, settled_credit = d.settled_credit, settled_entry_id = d.settled_entry_id,
      settled_modified_at = d.settled_modified_at, pending_debit = d.pending_debit, pending_credit = d.pending_credit,
      pending_entry_id = d.pending_entry_id, pending_modified_at = d.pending_modified_at,
      encumbrance_debit = d.encumbrance_debit, encumbrance_credit = d.encumbrance_credit,
      encumbrance_entry_id = d.encumbrance_entry_id, encumbrance_modified_at = d.encumbrance_modified_at
    FROM unnest(balances) d WHERE b.number = d.number AND b.version = d.old_version;
  GET DIAGNOSTICS written = ROW_COUNT;
  IF written + added < cardinality(balances) THEN
    RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'a balance is not at the version that was read';
  END IF;
  IF velocity IS NOT NULL AND NOT @schema@.velocity_move_v1(velocity) THEN
    RAISE EXCEPTION USING ERRCODE = 'serialization_failure',
      MESSAGE = 'what a limit counts is not at the version that was read';
  END IF;
  IF holds IS NOT NULL AND NOT @schema@.hold_move_v1(holds) THEN
    RAISE EXCEPTION USING ERRCODE = 'serialization_failure', MESSAGE = 'a hold is not at the version that was read';
  END IF;
  INSERT INTO @schema@.entries (ordinal, account_version, created_at, sequence, effective, layer, direction, id,
      transaction_id, account_id, journal_id, units, currency, entry_type, description, metadata)
    SELECT ordinals[e.place], e.account_version, e.created_at, e.sequence, e.effective, e.layer, e.direction, e.id,
      e.transaction_id, e.account_id, e.journal_id, e.units, e.currency, e.entry_type, e.description, e.metadata
    FROM unnest(entries) e;
  INSERT INTO @schema@.balance_history (balance_number, version, modified_at, settled_modified_at, pending_modified_at,
      encumbrance_modified_at, entry_id, settled_entry_id, pending_entry_id, encumbrance_entry_id, settled_debit,
      settled_credit, pending_debit, pending_credit, encumbrance_debit, encumbrance_credit)
    SELECT CASE WHEN d.number > 0 THEN d.number ELSE numbers[d.place] END, d.version, d.modified_at,
      d.settled_modified_at,
      d.pending_modified_at, d.encumbrance_modified_at, d.entry_id, d.settled_entry_id, d.pending_entry_id,
      d.encumbrance_entry_id, d.settled_debit, d.settled_credit, d.pending_debit, d.pending_credit, d.encumbrance_debit,
      d.encumbrance_credit
    FROM unnest(balances) d;
  INSERT INTO @schema@.outbox_events (sequence, recorded_at, subject_id, type, payload)
    SELECT ordinals[t.place], t.created_at, t.id, 'transaction_created', (warnings ->> (t.place - 1))::json
    FROM unnest(transactions) t;
  IF cardinality(history) > 0 THEN
    INSERT INTO @schema@.balance_history (balance_number, version, modified_at, settled_modified_at,
      pending_modified_at,
        encumbrance_modified_at, entry_id, settled_entry_id, pending_entry_id, encumbrance_entry_id, settled_debit,
        settled_credit, pending_debit, pending_credit, encumbrance_debit, encumbrance_credit)
      SELECT CASE WHEN h.number > 0 THEN h.number ELSE numbers[h.place] END, h.version, h.modified_at,
        h.settled_modified_at,
        h.pending_modified_at, h.encumbrance_modified_at, h.entry_id, h.settled_entry_id, h.pending_entry_id,
        h.encumbrance_entry_id, h.settled_debit, h.settled_credit, h.pending_debit, h.pending_credit,
          h.encumbrance_debit,
        h.encumbrance_credit
      FROM unnest(history) h;
  END IF;
  IF buckets IS NOT NULL THEN
    INSERT INTO @schema@.effective_entries (balance_number, version, effective)
      SELECT numbers[dated[g]], dated[g + 1], @schema@.day_of(dated[g + 2]::text)
        FROM generate_series(1, cardinality(dated), 3) g;
    INSERT INTO @schema@.effective_balances (balance_number, modified_at, start, modified_on, level, sums)
      SELECT numbers[u.place], u.modified_at, u.start, u.modified_on, u.level, u.sums
      FROM unnest(buckets) u
      ON CONFLICT (balance_number, level, start) DO UPDATE SET
        modified_at = EXCLUDED.modified_at, modified_on = EXCLUDED.modified_on, sums = EXCLUDED.sums;
  END IF;
  RETURN '{}';
END
$body$
-- @break
CREATE FUNCTION @schema@.posting_write_v1(doc jsonb) RETURNS text
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  transactions @schema@.posting_transaction_v1[] := doc ->> 'transactions';
  entries @schema@.posting_entry_v1[] := doc ->> 'entries';
  history @schema@.posting_history_v1[] := doc ->> 'history';
  balances @schema@.posting_balance_v1[] := doc ->> 'balances';
  buckets @schema@.posting_bucket_v1[] := doc ->> 'buckets';
  dated bigint[] := doc ->> 'dated';
BEGIN
  RETURN @schema@.posting_write_rows_v1(doc ->> 'guard', transactions, entries, history, balances,
    (doc ->> 'born')::integer,
    doc -> 'velocity', doc -> 'warnings', doc -> 'holds', buckets, dated);
END
$body$
