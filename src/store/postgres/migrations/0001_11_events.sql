-- Reading the outbox, in order. A transaction's event has its number as the transaction has.
--
-- pruned: events at or below this place were deleted, and nobody can begin before it. One row: whoever prunes holds it
-- from where the listeners are looked at, and a listener that begins writes to it. So one waits for the other, and
-- where a snapshot is fixed and does not show what the other did, it is a serialization failure.
CREATE TABLE @schema@.outbox_state (
  pruned bigint NOT NULL,
  one boolean NOT NULL DEFAULT true,
  CONSTRAINT outbox_state_pkey PRIMARY KEY (one),
  CONSTRAINT outbox_state_one CHECK (one)
)
-- @break
INSERT INTO @schema@.outbox_state (pruned) VALUES (0)
-- @break
-- Filters look at so many events at most, so that a page costs no more than that where they leave out nearly all.
--
-- The newest place is behind all that was committed when it was asked. Writers that began before may hold the mark up:
-- it waits for them, for wait_ms at most, and then has no place to give. Where this transaction has written, or sees
-- what it saw when it began, waiting would be in vain.
--
-- A transaction's balances are as it left them, in the order of the entries that moved them last.
--
-- Whether somebody pruned what was asked for is looked at last, so that what was deleted meanwhile is seen, too.
CREATE FUNCTION @schema@.event_list_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  ends timestamptz := clock_timestamp() + (doc ->> 'wait_ms')::bigint * interval '1 millisecond';
  may_wait boolean := pg_current_xact_id_if_assigned() IS NULL
    AND current_setting('transaction_isolation') NOT IN ('repeatable read', 'serializable');
  committed bigint := CASE WHEN (doc ->> 'newest')::boolean
    THEN coalesce((SELECT max(e.sequence) FROM @schema@.outbox_events e), 0) END;
  mark bigint := @schema@.order_mark();
  place bigint := (doc ->> 'after')::bigint;
  most bigint := (doc ->> 'first')::bigint;
  looked_at bigint := most;
  seen bigint;
  last_seen bigint;
  shown bigint;
  last_shown bigint;
  rows json;
BEGIN
  WHILE may_wait AND coalesce(mark, 0) < committed AND clock_timestamp() < ends LOOP
    PERFORM pg_sleep(0.005);
    mark := @schema@.order_mark();
  END LOOP;
  IF mark IS NULL THEN
    RETURN json_build_object('unmarked', true);
  END IF;
  IF mark < committed THEN
    RETURN json_build_object('unsettled', may_wait);
  END IF;
  IF (doc ->> 'newest')::boolean THEN
    RETURN json_build_object('rows', '[]'::json, 'place', mark, 'mark', mark);
  END IF;
  IF doc ->> 'types' IS NOT NULL OR doc ->> 'journal_id' IS NOT NULL THEN
    looked_at := 10000;
  END IF;
  SELECT count(*), max(w.sequence) INTO seen, last_seen FROM (SELECT e.sequence FROM @schema@.outbox_events e
    WHERE e.sequence > place AND e.sequence <= mark ORDER BY e.sequence LIMIT looked_at) AS w;
  EXECUTE concat('SELECT count(*), max(e.sequence), json_agg(json_build_object(''sequence'', e.sequence,
        ''type'', e.type, ''recorded_at'', @schema@.micros(e.recorded_at), ''subject_id'', e.subject_id,
        ''payload'', e.payload::text, ''transaction'', CASE WHEN t.ordinal IS NOT NULL THEN @schema@.transaction_row(t,
            (SELECT c.code FROM @schema@.tx_templates c WHERE c.id = t.tx_template_id),
            (SELECT json_agg(x.id ORDER BY x.sequence) FROM @schema@.entries x WHERE x.ordinal = t.ordinal),
            (SELECT v.id FROM @schema@.transactions v WHERE v.void_of = t.id), NULL) END',
    CASE WHEN (doc ->> 'entries')::boolean THEN ', ''entries'', CASE WHEN t.ordinal IS NOT NULL THEN
          (SELECT coalesce(json_agg(@schema@.entry_row(x, NULL) ORDER BY x.sequence), ''[]'')
          FROM @schema@.entries x WHERE x.ordinal = t.ordinal) END' END,
    CASE WHEN (doc ->> 'balances')::boolean THEN ', ''balances'', CASE WHEN t.ordinal IS NOT NULL THEN
          (SELECT coalesce(json_agg(@schema@.balance_row(b, h, a.normal_balance_type, NULL) ORDER BY m.place), ''[]'')
          FROM (SELECT x.account_id, x.currency, x.journal_id, max(x.account_version) AS version,
              max(x.sequence) AS place
            FROM @schema@.entries x WHERE x.ordinal = t.ordinal GROUP BY x.account_id, x.currency, x.journal_id) AS m
          JOIN @schema@.balances b
            ON b.account_id = m.account_id AND b.currency = m.currency AND b.journal_id = m.journal_id
          JOIN @schema@.balance_history h ON h.balance_number = b.number AND h.version = m.version
          JOIN @schema@.accounts a ON a.id = b.account_id) END' END,
    ') ORDER BY e.sequence)
      FROM (SELECT e.* FROM @schema@.outbox_events e WHERE e.sequence > $2 AND e.sequence <= $3',
    @schema@.if_given(doc, 'types', ' AND e.type = ANY (ARRAY(SELECT jsonb_array_elements_text($1 -> ''types'')))'),
    @schema@.if_given(doc, 'journal_id', ' AND CASE e.type
      WHEN ''transaction_created'' THEN (SELECT t.journal_id FROM @schema@.transactions t WHERE t.ordinal = e.sequence)
        = ($1 ->> ''journal_id'')::uuid
      ELSE e.subject_id = ($1 ->> ''journal_id'')::uuid OR EXISTS (SELECT FROM @schema@.accounts s
        WHERE s.id = e.subject_id AND s.is_set AND s.journal_id = ($1 ->> ''journal_id'')::uuid) END'),
    ' ORDER BY e.sequence LIMIT $4) AS e
      LEFT JOIN @schema@.transactions t ON t.ordinal = e.sequence AND t.ordinal > $2 AND t.ordinal <= $3
        AND e.type = ''transaction_created''')
    INTO shown, last_shown, rows USING doc, place, last_seen, most;
  IF (SELECT s.pruned > place FROM @schema@.outbox_state s) THEN
    RETURN json_build_object('pruned', (SELECT s.pruned FROM @schema@.outbox_state s));
  END IF;
  place := CASE WHEN shown = most THEN last_shown WHEN seen = looked_at THEN last_seen ELSE greatest(place, mark) END;
  RETURN json_build_object('rows', coalesce(rows, '[]'), 'place', place, 'mark', greatest(place, mark));
END
$body$
-- @break
-- Named listeners: up to where each says that it is done.
CREATE TABLE @schema@.listeners (
  name text COLLATE "C" NOT NULL,
  place bigint NOT NULL,
  modified_at timestamptz NOT NULL,
  CONSTRAINT listeners_pkey PRIMARY KEY (name)
)
-- @break
CREATE FUNCTION @schema@.listener_list_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  beyond text := CASE WHEN @schema@.is_backwards(doc) THEN '<' ELSE '>' END;
BEGIN
  RETURN json_build_object('newest', @schema@.last_ordinal(),
    'pruned', (SELECT s.pruned FROM @schema@.outbox_state s), 'rows', @schema@.page(doc, concat(
    'SELECT json_build_object(''name'', l.name, ''place'', l.place, ''modified_at'', @schema@.micros(l.modified_at),
        ''cursor'', l.name) AS r FROM @schema@.listeners l WHERE true',
    @schema@.if_given(doc, 'name', ' AND l.name = $1 ->> ''name'''),
    @schema@.if_given(doc, 'after', concat(' AND l.name ', beyond, ' ($1 ->> ''after'')')),
    ' ORDER BY l.name', way)) -> 'rows');
END
$body$
-- @break
CREATE FUNCTION @schema@.listener_write_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF @schema@.is_elsewhere(doc ->> 'guard') THEN
    RETURN json_build_object('elsewhere', true);
  END IF;
  IF doc ->> 'change' = 'insert' THEN
    UPDATE @schema@.outbox_state s SET pruned = s.pruned;
    IF (SELECT s.pruned > (doc ->> 'place')::bigint FROM @schema@.outbox_state s) THEN
      RETURN json_build_object('changed', json_build_array(doc ->> 'name'));
    END IF;
    INSERT INTO @schema@.listeners (name, place, modified_at)
      VALUES (doc ->> 'name', (doc ->> 'place')::bigint,
        @schema@.instant((doc ->> 'now')::bigint)) ON CONFLICT DO NOTHING;
  ELSIF doc ->> 'change' = 'move' THEN
    UPDATE @schema@.listeners l SET place = greatest(l.place, (doc ->> 'place')::bigint),
        modified_at = @schema@.instant((doc ->> 'now')::bigint)
      WHERE l.name = doc ->> 'name' AND (doc ->> 'expected' IS NULL OR l.place = (doc ->> 'expected')::bigint);
  ELSE
    DELETE FROM @schema@.listeners l WHERE l.name = doc ->> 'name';
  END IF;
  IF NOT FOUND THEN
    RETURN json_build_object('changed', json_build_array(doc ->> 'name'));
  END IF;
  RETURN json_build_object('changed', '[]'::json);
END
$body$
-- @break
-- What can be pruned: the oldest events, limit of them at most, up to a place or recorded before an instant; never the
-- newest, and none that something may still come before. No listener begins until the transaction ends; one that moves
-- meanwhile moves up.
CREATE FUNCTION @schema@.event_prune_read_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  mark bigint := @schema@.order_mark();
  most bigint := (doc ->> 'limit')::bigint;
  bound bigint;
  upto bigint;
  found_events bigint;
  more boolean;
BEGIN
  IF mark IS NULL THEN
    RETURN json_build_object('unmarked', true);
  END IF;
  PERFORM 1 FROM @schema@.outbox_state FOR UPDATE;
  bound := least(mark, coalesce((SELECT max(e.sequence) FROM @schema@.outbox_events e), 0) - 1,
    (doc ->> 'place')::bigint);
  SELECT max(w.sequence) FILTER (WHERE w.number <= most), count(*) FILTER (WHERE w.number <= most), count(*) > most
    INTO upto, found_events, more
    FROM (SELECT e.sequence, row_number() OVER (ORDER BY e.sequence) AS number,
        max(e.recorded_at) OVER (ORDER BY e.sequence) AS latest
      FROM (SELECT o.sequence, o.recorded_at FROM @schema@.outbox_events o WHERE o.sequence <= bound
        ORDER BY o.sequence LIMIT most + 1) e) w
    WHERE doc ->> 'before' IS NULL OR w.latest < @schema@.instant((doc ->> 'before')::bigint);
  RETURN json_build_object('place', upto, 'events', found_events, 'more', more,
    'pruned', (SELECT s.pruned FROM @schema@.outbox_state s),
    'behind', (SELECT json_build_object('name', l.name, 'place', l.place) FROM @schema@.listeners l WHERE l.place < upto
      ORDER BY l.place, l.name LIMIT 1));
END
$body$
-- @break
CREATE FUNCTION @schema@.event_prune_write_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
BEGIN
  IF @schema@.is_elsewhere(doc ->> 'guard') THEN
    RETURN json_build_object('elsewhere', true);
  END IF;
  UPDATE @schema@.outbox_state s SET pruned = (doc ->> 'place')::bigint WHERE s.pruned = (doc ->> 'pruned')::bigint
    AND NOT EXISTS (SELECT FROM @schema@.listeners l WHERE l.place < (doc ->> 'place')::bigint);
  IF NOT FOUND THEN
    RETURN json_build_object('changed', json_build_array('outbox'));
  END IF;
  DELETE FROM @schema@.outbox_events e WHERE e.sequence <= (doc ->> 'place')::bigint;
  RETURN json_build_object('changed', '[]'::json);
END
$body$
-- @break
-- How the ledger is. Whether what is asked here could be written is known without writing: a standby takes none, nor
-- does a transaction or a role that is set to read only. Listeners: the one that is furthest behind, with what it has
-- before it.
CREATE FUNCTION @schema@.ledger_health_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  newest bigint := (SELECT max(e.sequence) FROM @schema@.outbox_events e);
  last record;
BEGIN
  SELECT l.name, l.place INTO last FROM @schema@.listeners l ORDER BY l.place, l.name LIMIT 1;
  RETURN json_build_object(
    'recovery', pg_is_in_recovery(), 'read_only', current_setting('transaction_read_only')::boolean,
    'missing', (SELECT string_agg(t, ', ' ORDER BY t) FROM unnest(ARRAY[
      'account_set_ancestors', 'account_set_marks', 'account_set_members', 'accounts', 'balance_history', 'balances',
      'effective_balances', 'effective_entries', 'entries', 'hold_accounts', 'holds', 'journals', 'listeners',
      'migrations', 'order_marks', 'outbox_events', 'outbox_state', 'rollup_state', 'transactions', 'tx_templates',
      'velocity_attachments', 'velocity_balances', 'velocity_control_limits', 'velocity_controls', 'velocity_limits']) t
      WHERE NOT EXISTS (SELECT FROM pg_class c WHERE c.relname = t AND c.relnamespace = '@schema@'::regnamespace)),
    'rollup_behind', CASE WHEN @schema@.has_followers() THEN
      greatest(@schema@.last_ordinal() - (SELECT r.applied FROM @schema@.rollup_state r), 0) ELSE 0 END,
    'listeners', (SELECT count(*) FROM @schema@.listeners),
    'listener', CASE WHEN last.name IS NOT NULL THEN json_build_object('name', last.name,
      'behind', greatest(newest - last.place, 0), 'waiting_since', (SELECT @schema@.micros(e.recorded_at)
        FROM @schema@.outbox_events e WHERE e.sequence > last.place ORDER BY e.sequence LIMIT 1)) END,
    'prepared', CASE WHEN NOT pg_is_in_recovery() THEN (
      SELECT json_build_object('count', count(*), 'oldest_age_ms',
        max(greatest(@schema@.micros(clock_timestamp()) - @schema@.micros(x.prepared), 0)) / 1000)
      FROM pg_prepared_xacts x
      WHERE x.database = current_database() AND starts_with(x.gid, @schema@.prepared_prefix())) END,
    'file_bytes', pg_database_size(current_database()));
END
$body$
