-- Two-phase commit: transactions that were prepared and have not ended.
--
-- All databases of a server, and all programs in them, share the names of prepared transactions.
-- A ledger's begin with this.
CREATE FUNCTION @schema@.prepared_prefix() RETURNS text
LANGUAGE sql STABLE AS $body$
  SELECT concat('cala:', d.oid, ':', btrim('@schema@', '"'), ':') FROM pg_database d
    WHERE d.datname = current_database()
$body$
-- @break
-- A transaction's number and the server's timeline, by which it is looked up: another server, promoted, may give the
-- same number to another transaction.
CREATE FUNCTION @schema@.transaction_name(number text) RETURNS text
LANGUAGE sql STABLE AS $body$
  SELECT concat(number, '/', substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8))
$body$
-- @break
-- A standby shows none of them, so it is not asked.
CREATE FUNCTION @schema@.refuse_standby() RETURNS void
LANGUAGE plpgsql STABLE AS $body$
BEGIN
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION USING ERRCODE = 'read_only_sql_transaction',
      MESSAGE = 'a standby knows of no prepared transactions';
  END IF;
END
$body$
-- @break
-- What the transaction that asks is to be prepared as, as a literal, which one it is, and why it cannot be prepared.
CREATE FUNCTION @schema@.tx_prepare_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  name text := @schema@.prepared_prefix() || (doc ->> 'gid');
  most integer := current_setting('max_prepared_transactions')::integer;
BEGIN
  PERFORM @schema@.refuse_standby();
  RETURN json_build_object('name', quote_literal(name),
    'transaction', @schema@.transaction_name(pg_current_xact_id()::text),
    'refusal', CASE WHEN most = 0 THEN 'disabled'
      WHEN EXISTS (SELECT FROM pg_prepared_xacts x WHERE x.gid = name) THEN 'exists'
      WHEN (SELECT count(*) FROM pg_prepared_xacts) >= most THEN 'full' END);
END
$body$
-- @break
-- The server shows of a transaction the lower half of its number; the upper one follows from the newest that was given
-- out. Names that others chose may be no text in this database's encoding: ours are taken out before anything but bytes
-- is looked at.
CREATE FUNCTION @schema@.prepared_list_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  beyond text := CASE WHEN @schema@.is_backwards(doc) THEN '<' ELSE '>' END;
BEGIN
  PERFORM @schema@.refuse_standby();
  RETURN @schema@.page(doc, concat(
    'WITH ours AS MATERIALIZED (SELECT x.gid AS name, x.owner, x.prepared, x.transaction::text::bigint AS low,
      @schema@.prepared_prefix() AS prefix
        FROM pg_prepared_xacts x WHERE x.database = current_database()
          AND starts_with(x.gid, @schema@.prepared_prefix())),
      prepared AS (SELECT o.*, substr(o.name, length(o.prefix) + 1) COLLATE "C" AS gid,
        pg_snapshot_xmax(pg_current_snapshot())::text::bigint AS newest FROM ours o)
      SELECT json_build_object(''gid'', p.gid, ''owner'', p.owner, ''prepared_at'', @schema@.micros(p.prepared),
        ''age_ms'', greatest(@schema@.micros(clock_timestamp()) - @schema@.micros(p.prepared), 0) / 1000, ''name'',
          quote_literal(p.name),
        ''transaction'', @schema@.transaction_name((p.newest - ((p.newest - p.low) & 4294967295))::text), ''cursor'',
          p.gid) AS r
      FROM prepared p WHERE true',
    @schema@.if_given(doc, 'gid', ' AND p.gid = $1 ->> ''gid'''),
    @schema@.if_given(doc, 'after', concat(' AND p.gid ', beyond, ' ($1 ->> ''after'')')),
    ' ORDER BY p.gid', way));
END
$body$
