-- The reading statements. Each takes one JSON text and gives back one. They run with the rights of the schema's owner
-- and a fixed search path, so a role that may only EXECUTE them (and has USAGE on the schema) can keep the ledger and
-- nothing else; nobody may execute them unless granted.
--
-- What a caller could get wrong is answered as a value, not raised, so that the program's transaction stays usable.
-- The eight bytes that a timestamptz is, microseconds since 2000: exact in every year, and half the time of what
-- extract gives.
CREATE FUNCTION @schema@.micros(at timestamptz) RETURNS bigint
LANGUAGE sql STABLE AS $body$
  SELECT ('x' || encode(timestamptz_send(at), 'hex'))::bit(64)::bigint + 946684800000000
$body$
-- @break
-- An interval is multiplied as a double, which holds whole seconds of every year but not their microseconds. Reckoned
-- without a time zone, so that no setting of the session can matter.
CREATE FUNCTION @schema@.instant(micros bigint) RETURNS timestamptz
LANGUAGE sql IMMUTABLE AS $body$
  SELECT timezone(interval '0', timestamp 'epoch' + micros / 1000000 * interval '1 second'
    + mod(micros, 1000000) * interval '1 microsecond')
$body$
-- @break
-- Rows as JSON. What is not in the row itself its caller looks up: a function that reads nothing becomes a part of the
-- statement that calls it, and one that reads starts a statement of its own for each row.
CREATE FUNCTION @schema@.account_row(a @schema@.accounts, at text) RETURNS json
LANGUAGE sql STABLE AS $body$
  SELECT json_build_object('id', a.id, 'version', a.version, 'code', a.code, 'name', a.name,
    'external_id', a.external_id,
    'normal_balance_type', a.normal_balance_type, 'status', a.status, 'description', a.description,
    'metadata', a.metadata::text, 'balance_rollup', a.balance_rollup, 'is_set', a.is_set, 'floors', a.floors,
      'journal_id', a.journal_id,
    'created_at', @schema@.micros(a.created_at), 'modified_at', @schema@.micros(a.modified_at), 'cursor', at)
$body$
-- @break
CREATE FUNCTION @schema@.journal_row(j @schema@.journals, at text) RETURNS json
LANGUAGE sql STABLE AS $body$
  SELECT json_build_object('id', j.id, 'version', j.version, 'name', j.name, 'code', j.code,
    'description', j.description, 'status', j.status, 'effective_balances', j.effective_balances,
      'max_scale', j.max_scale,
    'closed_until', j.closed_until - date '1970-01-01', 'created_at', @schema@.micros(j.created_at),
      'modified_at', @schema@.micros(j.modified_at), 'cursor', at)
$body$
-- @break
CREATE FUNCTION @schema@.tx_template_row(t @schema@.tx_templates, at text) RETURNS json
LANGUAGE sql STABLE AS $body$
  SELECT json_build_object('id', t.id, 'version', t.version, 'code', t.code, 'params', t.params,
    'transaction', t.transaction, 'entries', t.entries, 'description', t.description, 'metadata', t.metadata::text,
    'created_at', @schema@.micros(t.created_at), 'modified_at', @schema@.micros(t.modified_at), 'cursor', at)
$body$
-- @break
CREATE FUNCTION @schema@.transaction_row(t @schema@.transactions, tx_template_code text, entry_ids json,
  voided_by uuid, at text) RETURNS json
LANGUAGE sql STABLE AS $body$
  SELECT json_build_object('id', t.id, 'journal_id', t.journal_id, 'tx_template_id', t.tx_template_id,
    'tx_template_code', tx_template_code, 'effective', t.effective - date '1970-01-01',
    'correlation_id', coalesce(t.correlation_id, t.id::text), 'external_id', t.external_id,
    'description', t.description, 'metadata', t.metadata::text, 'void_of', t.void_of,
    'voided_by', voided_by,
    'hold_id', t.hold_id, 'version', t.version, 'created_at', @schema@.micros(t.created_at),
    'modified_at', @schema@.micros(t.modified_at), 'entry_ids', entry_ids, 'cursor', at)
$body$
-- @break
CREATE FUNCTION @schema@.entry_row(e @schema@.entries, at text) RETURNS json
LANGUAGE sql STABLE AS $body$
  SELECT json_build_object('id', e.id, 'transaction_id', e.transaction_id, 'journal_id', e.journal_id,
    'account_id', e.account_id, 'entry_type', e.entry_type, 'sequence', e.sequence, 'layer', e.layer,
    'direction', e.direction, 'units', e.units::text, 'currency', e.currency, 'description', e.description,
    'metadata', e.metadata::text, 'account_version', e.account_version, 'created_at', @schema@.micros(e.created_at),
    'cursor', at)
$body$
-- @break
-- b gives the key and the time of birth, h everything that changes.
CREATE FUNCTION @schema@.balance_row(b @schema@.balances, h @schema@.balance_history,
  normal_balance_type @schema@.direction, at text) RETURNS json
LANGUAGE sql STABLE AS $body$
  SELECT json_build_object('account_id', b.account_id, 'journal_id', b.journal_id, 'currency', b.currency,
    'version', h.version, 'entry_id', h.entry_id, 'created_at', @schema@.micros(b.created_at),
    'modified_at', @schema@.micros(h.modified_at), 'normal_balance_type', normal_balance_type,
    'layers', json_build_array(
      json_build_array(h.settled_debit::text, h.settled_credit::text, h.settled_entry_id,
        @schema@.micros(h.settled_modified_at)),
      json_build_array(h.pending_debit::text, h.pending_credit::text, h.pending_entry_id,
        @schema@.micros(h.pending_modified_at)),
      json_build_array(h.encumbrance_debit::text, h.encumbrance_credit::text, h.encumbrance_entry_id,
        @schema@.micros(h.encumbrance_modified_at))),
    'cursor', at)
$body$
-- @break
CREATE FUNCTION @schema@.balance_now(b @schema@.balances) RETURNS @schema@.balance_history
LANGUAGE sql STABLE AS $body$
  SELECT ROW(b.number, b.version, b.modified_at, b.settled_modified_at, b.pending_modified_at,
    b.encumbrance_modified_at,
    b.entry_id, b.settled_entry_id, b.pending_entry_id, b.encumbrance_entry_id, b.settled_debit, b.settled_credit,
    b.pending_debit, b.pending_credit, b.encumbrance_debit, b.encumbrance_credit)::@schema@.balance_history
$body$
-- @break
CREATE FUNCTION @schema@.keys_of(doc jsonb) RETURNS text[]
LANGUAGE sql STABLE AS $body$
  SELECT ARRAY(SELECT jsonb_array_elements_text(doc -> 'keys'))
$body$
-- @break
CREATE FUNCTION @schema@.schema_read_v1(doc jsonb) RETURNS json
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
  SELECT json_build_object('version', (SELECT coalesce(max(m.version), 0) FROM @schema@.migrations m))
$body$
-- @break
CREATE FUNCTION @schema@.ledger_info_v1(doc jsonb) RETURNS json
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
  SELECT json_build_object(
    'accounts', (SELECT count(*) FROM @schema@.accounts WHERE NOT is_set),
    'journals', (SELECT count(*) FROM @schema@.journals),
    'tx_templates', (SELECT count(*) FROM @schema@.tx_templates),
    'transactions', (SELECT count(*) FROM @schema@.transactions),
    'entries', (SELECT count(*) FROM @schema@.entries),
    'balances', (SELECT count(*) FROM @schema@.balances))
$body$
-- @break
CREATE FUNCTION @schema@.account_find_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  keys text[] := @schema@.keys_of(doc);
  rows json;
BEGIN
  IF doc ->> 'by' = 'id' THEN
    SELECT json_agg(@schema@.account_row(a, NULL)) INTO rows FROM @schema@.accounts a WHERE a.id = ANY (keys::uuid[]);
  ELSIF doc ->> 'by' = 'code' THEN
    SELECT json_agg(@schema@.account_row(a, NULL)) INTO rows FROM @schema@.accounts a WHERE a.code = ANY (keys);
  ELSE
    SELECT json_agg(@schema@.account_row(a, NULL)) INTO rows FROM @schema@.accounts a
      WHERE a.external_id = ANY (keys) AND NOT a.is_set;
  END IF;
  RETURN json_build_object('rows', coalesce(rows, '[]'));
END
$body$
-- @break
CREATE FUNCTION @schema@.journal_find_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  keys text[] := @schema@.keys_of(doc);
  rows json;
BEGIN
  IF doc ->> 'by' = 'id' THEN
    SELECT json_agg(@schema@.journal_row(j, NULL)) INTO rows FROM @schema@.journals j WHERE j.id = ANY (keys::uuid[]);
  ELSE
    SELECT json_agg(@schema@.journal_row(j, NULL)) INTO rows FROM @schema@.journals j WHERE j.code = ANY (keys);
  END IF;
  RETURN json_build_object('rows', coalesce(rows, '[]'));
END
$body$
-- @break
CREATE FUNCTION @schema@.tx_template_find_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  keys text[] := @schema@.keys_of(doc);
  rows json;
BEGIN
  IF doc ->> 'by' = 'id' THEN
    SELECT json_agg(@schema@.tx_template_row(t, NULL)) INTO rows
      FROM @schema@.tx_templates t WHERE t.id = ANY (keys::uuid[]);
  ELSE
    SELECT json_agg(@schema@.tx_template_row(t, NULL)) INTO rows FROM @schema@.tx_templates t WHERE t.code = ANY (keys);
  END IF;
  RETURN json_build_object('rows', coalesce(rows, '[]'));
END
$body$
-- @break
CREATE FUNCTION @schema@.transaction_find_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  keys text[] := @schema@.keys_of(doc);
  ordinals bigint[];
  rows json;
BEGIN
  IF doc ->> 'by' = 'id' THEN
    ordinals := ARRAY(SELECT t.ordinal FROM @schema@.transactions t WHERE t.id = ANY (keys::uuid[]));
  ELSE
    ordinals := ARRAY(SELECT t.ordinal FROM @schema@.transactions t WHERE t.external_id = ANY (keys));
  END IF;
  SELECT json_agg(@schema@.transaction_row(t,
      (SELECT c.code FROM @schema@.tx_templates c WHERE c.id = t.tx_template_id),
      (SELECT json_agg(e.id ORDER BY e.sequence) FROM @schema@.entries e WHERE e.ordinal = t.ordinal),
      (SELECT v.id FROM @schema@.transactions v WHERE v.void_of = t.id), NULL))
    INTO rows FROM @schema@.transactions t WHERE t.ordinal = ANY (ordinals);
  RETURN json_build_object('rows', coalesce(rows, '[]'));
END
$body$
-- @break
CREATE FUNCTION @schema@.entry_find_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  keys uuid[] := @schema@.keys_of(doc)::uuid[];
  rows json;
BEGIN
  IF doc ->> 'by' = 'id' THEN
    SELECT json_agg(@schema@.entry_row(e, NULL)) INTO rows FROM @schema@.entries e WHERE e.id = ANY (keys);
  ELSE
    SELECT json_agg(@schema@.entry_row(e, NULL) ORDER BY e.ordinal, e.sequence) INTO rows
      FROM @schema@.transactions t JOIN @schema@.entries e ON e.ordinal = t.ordinal WHERE t.id = ANY (keys);
  END IF;
  RETURN json_build_object('rows', coalesce(rows, '[]'));
END
$body$
-- @break
CREATE FUNCTION @schema@.balance_find_v1(doc jsonb) RETURNS json
LANGUAGE sql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
  SELECT json_build_object('rows', coalesce(json_agg(@schema@.balance_row(b, h, a.normal_balance_type, NULL)), '[]'))
    FROM jsonb_to_recordset(doc -> 'keys') AS k(account_id uuid, journal_id uuid, currency text)
    JOIN @schema@.balances b
      ON b.account_id = k.account_id AND b.currency = k.currency AND b.journal_id = k.journal_id
    JOIN @schema@.accounts a ON a.id = b.account_id
    CROSS JOIN LATERAL @schema@.balance_now(b) AS h
$body$
-- @break
CREATE FUNCTION @schema@.balance_at_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  wanted bigint;
  recorded timestamptz := @schema@.instant((doc ->> 'recorded_at')::bigint);
  held @schema@.balances;
  rows json;
BEGIN
  SELECT b.* INTO held FROM @schema@.balances b
    WHERE b.account_id = (doc ->> 'account_id')::uuid AND b.currency = doc ->> 'currency'
      AND b.journal_id = (doc ->> 'journal_id')::uuid;
  wanted := coalesce((doc ->> 'version')::bigint, (SELECT h.version FROM @schema@.balance_history h
    WHERE h.balance_number = held.number AND h.modified_at <= recorded ORDER BY h.version DESC LIMIT 1));
  SELECT json_agg(@schema@.balance_row(held, h, a.normal_balance_type, NULL)) INTO rows
    FROM @schema@.balance_history h JOIN @schema@.accounts a ON a.id = held.account_id
    WHERE h.balance_number = held.number AND h.version = wanted;
  RETURN json_build_object('rows', coalesce(rows, '[]'));
END
$body$
