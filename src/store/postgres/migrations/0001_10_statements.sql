-- Statements of account and trial balances. Stable, so that all that one of them reads is of one moment.
--
-- A balance's versions in a range, with the entry behind each: of a set's balance, an entry of a member.
-- Only of one layer.
CREATE FUNCTION @schema@.statement_read_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  side text := (doc ->> 'layer')::@schema@.layer::text;
  rows json;
BEGIN
  EXECUTE concat('SELECT json_agg(p.r) FROM (SELECT json_build_object(''version'', h.version, ''debit'', h.', side,
    '_debit::text,
      ''credit'', h.', side, '_credit::text, ''entry'', @schema@.entry_row(e, NULL)) AS r
    FROM @schema@.balance_history h JOIN @schema@.entries e ON e.id = h.entry_id
    WHERE h.balance_number = (SELECT b.number FROM @schema@.balances b
      WHERE b.account_id = ($1 ->> ''account_id'')::uuid
        AND b.currency = $1 ->> ''currency'' AND b.journal_id = ($1 ->> ''journal_id'')::uuid)
      AND h.version >= ($1 ->> ''low'')::bigint AND h.version <= ($1 ->> ''high'')::bigint
      AND e.layer = ($1 ->> ''layer'')::@schema@.layer
    ORDER BY h.version', way, ' LIMIT ($1 ->> ''first'')::bigint) p')
    INTO rows USING doc;
  RETURN json_build_object('rows', coalesce(rows, '[]'));
END
$body$
-- @break
-- By effective date and version; a cursor is day/version.
CREATE FUNCTION @schema@.statement_dated_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql STABLE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  beyond text := CASE WHEN @schema@.is_backwards(doc) THEN '<' ELSE '>' END;
  rows json;
BEGIN
  IF doc ->> 'after' !~ '^-{0,1}[0-9]{1,7}/[0-9]{1,18}$' THEN
    RETURN json_build_object('invalid', 'after');
  END IF;
  EXECUTE concat('SELECT json_agg(p.r) FROM (SELECT json_build_object(''entry'', @schema@.entry_row(e, NULL),
      ''cursor'', concat(d.effective - date ''1970-01-01'', ''/'', d.version)) AS r
    FROM @schema@.effective_entries d
    JOIN @schema@.balance_history h ON h.balance_number = d.balance_number AND h.version = d.version
    JOIN @schema@.entries e ON e.id = h.entry_id
    WHERE d.balance_number = (SELECT b.number FROM @schema@.balances b
      WHERE b.account_id = ($1 ->> ''account_id'')::uuid
        AND b.currency = $1 ->> ''currency'' AND b.journal_id = ($1 ->> ''journal_id'')::uuid)
      AND d.effective >= @schema@.day_of($1 ->> ''from'') AND d.effective <= @schema@.day_of($1 ->> ''until'')
      AND e.layer = ($1 ->> ''layer'')::@schema@.layer',
    @schema@.if_given(doc, 'after', concat(' AND (d.effective, d.version) ', beyond,
      ' (@schema@.day_of(split_part($1 ->> ''after'', ''/'', 1)), split_part($1 ->> ''after'', ''/'', 2)::bigint)')),
    ' ORDER BY d.effective', way, ', d.version', way, ' LIMIT ($1 ->> ''first'')::bigint) p')
    INTO rows USING doc;
  RETURN json_build_object('rows', coalesce(rows, '[]'));
END
$body$
-- @break
-- By account code and currency; a cursor is currency/code. Each balance as one sum of debits and one of credits of the
-- layer, as it is, as it was recorded at an instant, or at the end of an effective date; one that had no entry then is
-- left out. The totals are of all balances, and asked for once, with the first page: they may read a table from end to
-- end, a page may not.
CREATE FUNCTION @schema@.trial_balance_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp
SET enable_seqscan = on SET enable_hashjoin = on SET enable_mergejoin = on AS $body$
DECLARE
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  beyond text := CASE WHEN @schema@.is_backwards(doc) THEN '<' ELSE '>' END;
  side text := (doc ->> 'layer')::@schema@.layer::text;
  at text := CASE side WHEN 'settled' THEN '4' WHEN 'pending' THEN '5' ELSE '6' END;
  summed text := concat('SELECT (v.sums -> ', at, ' ->> 0)::numeric AS debit, (v.sums -> ', at,
    ' ->> 1)::numeric AS credit
    FROM @schema@.effective_balances v WHERE v.balance_number = b.number AND v.level = ');
  source text;
  joined text;
  within text;
  scans text[] := ARRAY['enable_seqscan', 'enable_hashjoin', 'enable_mergejoin'];
  kept boolean;
  known boolean;
  rows json;
  totals json;
BEGIN
  IF doc ->> 'after' !~ '^[^/]+/' THEN
    RETURN json_build_object('invalid', 'after');
  END IF;
  SELECT j.effective_balances INTO kept FROM @schema@.journals j WHERE j.id = (doc ->> 'journal_id')::uuid;
  known := doc ->> 'account_set_id' IS NULL
    OR EXISTS (SELECT FROM @schema@.accounts a WHERE a.id = (doc ->> 'account_set_id')::uuid AND a.is_set);
  source := CASE
    WHEN doc ->> 'recorded_at' IS NOT NULL THEN concat('SELECT h.', side, '_debit AS debit, h.', side,
      '_credit AS credit
      FROM @schema@.balance_history h WHERE h.balance_number = b.number
        AND h.modified_at <= @schema@.instant(($1 ->> ''recorded_at'')::bigint) ORDER BY h.version DESC LIMIT 1')
    WHEN doc ->> 'cut' IS NOT NULL THEN concat(
      summed, '2 AND v.start < @schema@.day_of($1 -> ''cut'' ->> 0) UNION ALL ',
      summed, '1 AND v.start >= @schema@.day_of($1 -> ''cut'' ->> 0)
        AND v.start < @schema@.day_of($1 -> ''cut'' ->> 1) UNION ALL ',
      summed, '0 AND v.start >= @schema@.day_of($1 -> ''cut'' ->> 1)
        AND v.start <= @schema@.day_of($1 -> ''cut'' ->> 2)')
    ELSE concat('SELECT b.', side, '_debit AS debit, b.', side, '_credit AS credit') END;
  joined := concat(' FROM @schema@.accounts a
      JOIN @schema@.balances b ON b.account_id = a.id AND b.journal_id = ($1 ->> ''journal_id'')::uuid',
    @schema@.if_given(doc, 'currency', ' AND b.currency = $1 ->> ''currency'''),
    ' JOIN LATERAL (SELECT coalesce(sum(p.debit), 0) AS debit, coalesce(sum(p.credit), 0) AS credit, count(*) AS parts
        FROM (', source, ') p) s ON s.parts > 0');
  within := concat(' WHERE NOT a.is_set',
    @schema@.if_given(doc, 'account_set_id', ' AND a.id IN (SELECT m.member_id FROM @schema@.account_set_ancestors m
        WHERE m.account_set_id = ($1 ->> ''account_set_id'')::uuid)'));
  PERFORM set_config(s, 'off', true) FROM unnest(scans) s;
  EXECUTE concat('SELECT json_agg(json_build_object(''account_id'', p.id, ''code'', p.code, ''name'', p.name,
        ''normal_balance_type'', p.normal_balance_type, ''currency'', p.currency, ''scale'', 0,
        ''parts'', json_build_array(json_build_array(p.debit::text, p.credit::text)), ''cursor'',
          concat(p.currency, ''/'', p.code)))
      FROM (SELECT a.id, a.code, a.name, a.normal_balance_type, b.currency, s.debit, s.credit', joined, CASE
      WHEN NOT coalesce((doc ->> 'by_set')::boolean, false) THEN within
      WHEN doc ->> 'account_set_id' IS NULL THEN
        ' WHERE a.is_set AND NOT EXISTS (SELECT FROM @schema@.account_set_members m WHERE m.member_id = a.id)'
      ELSE ' WHERE a.is_set AND a.id IN (SELECT m.member_id FROM @schema@.account_set_members m
        WHERE m.account_set_id = ($1 ->> ''account_set_id'')::uuid)' END,
    @schema@.if_given(doc, 'after', concat(' AND (a.code, b.currency) ', beyond,
      ' (substr($1 ->> ''after'', strpos($1 ->> ''after'', ''/'') + 1) COLLATE "C",
        split_part($1 ->> ''after'', ''/'', 1) COLLATE "C")')),
    ' ORDER BY a.code', way, ', b.currency', way, ' LIMIT ($1 ->> ''first'')::bigint) p')
    INTO rows USING doc;
  PERFORM set_config(s, 'on', true) FROM unnest(scans) s;
  IF (doc ->> 'totals')::boolean THEN
    EXECUTE concat('SELECT json_agg(json_build_object(''currency'', t.currency, ''scale'', t.scale,
          ''parts'', json_build_array(json_build_array(t.debit::text, t.credit::text))) ORDER BY t.currency)
        FROM (SELECT b.currency, sum(s.debit) AS debit, sum(s.credit) AS credit,
          greatest(scale(sum(s.debit)), scale(sum(s.credit))) AS scale', joined, within, ' GROUP BY b.currency) t')
      INTO totals USING doc;
  END IF;
  RETURN json_build_object('kept', kept, 'known', known, 'rows', coalesce(rows, '[]'),
    'totals', coalesce(totals, '[]'));
END
$body$
