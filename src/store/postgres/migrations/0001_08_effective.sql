-- Balances by effective date, of journals that keep them: what a balance's entries add up to in each day, month and
-- year that has any (core/balance/effective.h). A posting writes three rows a balance and date, whatever the history.
--
-- level 0 is a day, 1 a month, 2 a year, and start is its first day. sums is the store port's row: amounts are texts in
-- it and exact. modified_on is the day of modified_at, and is what is indexed: it stays the same for all postings of a
-- day, which so touch no index.
CREATE TABLE @schema@.effective_balances (
  balance_number bigint NOT NULL,
  modified_at timestamptz NOT NULL,
  start date NOT NULL,
  modified_on date NOT NULL,
  level smallint NOT NULL,
  sums json NOT NULL,
  CONSTRAINT effective_balances_pkey PRIMARY KEY (balance_number, level, start)
) WITH (fillfactor = 70)
-- @break
CREATE INDEX effective_balances_modified_idx ON @schema@.effective_balances (modified_on) WHERE level = 0
-- @break
-- Which entries a balance has by effective date, of such journals:
-- the version that each made, whose history names the entry.
CREATE TABLE @schema@.effective_entries (
  balance_number bigint NOT NULL,
  version bigint NOT NULL,
  effective date NOT NULL,
  CONSTRAINT effective_entries_pkey PRIMARY KEY (balance_number, effective, version)
)
-- @break
CREATE FUNCTION @schema@.day_of(days text) RETURNS date
LANGUAGE sql IMMUTABLE AS $body$
  SELECT date '1970-01-01' + days::integer
$body$
-- @break
-- What makes a balance at the end of a day: the years that begin before in_year, the months from it on that begin
-- before in_month, the days from that on to upto. Nothing where that is null.
CREATE FUNCTION @schema@.effective_sums(number bigint, in_year date, in_month date, upto date) RETURNS json
LANGUAGE sql STABLE AS $body$
  SELECT coalesce(json_agg(s.sums), '[]') FROM (
    SELECT y.sums FROM @schema@.effective_balances y
      WHERE y.balance_number = number AND y.level = 2 AND y.start < in_year
    UNION ALL
    SELECT m.sums FROM @schema@.effective_balances m
      WHERE m.balance_number = number AND m.level = 1 AND m.start >= in_year AND m.start < in_month
    UNION ALL
    SELECT d.sums FROM @schema@.effective_balances d
      WHERE d.balance_number = number AND d.level = 0 AND d.start >= in_month AND d.start <= upto) s
$body$
-- @break
CREATE FUNCTION @schema@.effective_at(number bigint, cut jsonb) RETURNS json
LANGUAGE sql STABLE AS $body$
  SELECT @schema@.effective_sums(number, @schema@.day_of(cut ->> 0), @schema@.day_of(cut ->> 1),
    @schema@.day_of(cut ->> 2))
$body$
-- @break
CREATE FUNCTION @schema@.effective_read_v1(doc jsonb) RETURNS json
LANGUAGE sql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
  SELECT json_build_object(
    'kept', (SELECT j.effective_balances FROM @schema@.journals j WHERE j.id = (doc ->> 'journal_id')::uuid),
    'rows', (SELECT coalesce(json_agg(json_build_object('account_id', b.account_id, 'journal_id', b.journal_id,
        'currency', b.currency, 'created_at', @schema@.micros(b.created_at),
          'normal_balance_type', a.normal_balance_type,
        'open', @schema@.effective_at(b.number, doc -> 'open'),
          'close', @schema@.effective_at(b.number, doc -> 'close'))), '[]')
      FROM @schema@.balances b JOIN @schema@.accounts a ON a.id = b.account_id
      WHERE b.account_id = (doc ->> 'account_id')::uuid AND b.currency = doc ->> 'currency'
        AND b.journal_id = (doc ->> 'journal_id')::uuid))
$body$
-- @break
-- An entry of a day changes the balance at every later day that has one: from each balance's first changed day on. The
-- first of a balance on the page carries what makes the balance before it.
CREATE FUNCTION @schema@.effective_changes_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  beyond text := CASE WHEN @schema@.is_backwards(doc) THEN '<' ELSE '>' END;
  kept boolean;
  rows json;
BEGIN
  IF doc ->> 'after' !~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}/[^/]+/-{0,1}[0-9]{1,7}$' THEN
    RETURN json_build_object('invalid', 'after');
  END IF;
  SELECT j.effective_balances INTO kept FROM @schema@.journals j WHERE j.id = (doc ->> 'journal_id')::uuid;
  EXECUTE concat(
    'SELECT json_agg(json_build_object(''account_id'', p.account_id, ''journal_id'', p.journal_id,
      ''currency'', p.currency,
        ''created_at'', @schema@.micros(p.created_at), ''normal_balance_type'', p.normal_balance_type,
        ''effective'', p.start - date ''1970-01-01'', ''sums'', p.sums,
        ''before'', CASE WHEN p.place = 1 THEN @schema@.effective_sums(p.number,
          date_trunc(''year'', p.start::timestamp)::date,
          date_trunc(''month'', p.start::timestamp)::date, p.start - 1) END,
        ''cursor'', concat(p.account_id, ''/'', p.currency, ''/'', p.start - date ''1970-01-01''))
      ORDER BY p.account_id', way, ', p.currency', way, ', p.start', way, ') FROM (
        SELECT o.*, a.normal_balance_type, row_number() OVER (PARTITION BY o.number ORDER BY o.start) AS place FROM (
          WITH changed AS MATERIALIZED (
            SELECT e.balance_number, min(e.start) AS start FROM @schema@.effective_balances e
              WHERE e.level = 0 AND e.modified_on >= @schema@.day_of($1 ->> ''since_day'')
                AND e.modified_at >= @schema@.instant(($1 ->> ''modified_since'')::bigint)
              GROUP BY e.balance_number)
          SELECT b.number, b.account_id, b.journal_id, b.currency, b.created_at, d.start, d.sums
            FROM changed c JOIN @schema@.balances b ON b.number = c.balance_number
            JOIN @schema@.effective_balances d ON d.balance_number = b.number AND d.level = 0 AND d.start >= c.start
            WHERE b.journal_id = ($1 ->> ''journal_id'')::uuid',
    @schema@.if_given(doc, 'after', concat(' AND (b.account_id, b.currency, d.start) ', beyond,
      ' (split_part($1 ->> ''after'', ''/'', 1)::uuid, split_part($1 ->> ''after'', ''/'', 2) COLLATE "C",
         @schema@.day_of(split_part($1 ->> ''after'', ''/'', 3)))')),
    ' ORDER BY b.account_id', way, ', b.currency', way, ', d.start', way, ' LIMIT ($1 ->> ''first'')::bigint) o
        JOIN @schema@.accounts a ON a.id = o.account_id) p')
    INTO rows USING doc;
  RETURN json_build_object('kept', kept, 'rows', coalesce(rows, '[]'));
END
$body$
