-- The lists: pages in a fixed order, in either direction, from a cursor that says where the page before ended. Each
-- builds its statement from the conditions that were asked, because one plan for every combination of optional filters
-- would serve none of them. Only text of this file enters a statement; what callers gave stays inside the parameter $1.
CREATE FUNCTION @schema@.if_given(doc jsonb, name text, clause text) RETURNS text
LANGUAGE sql IMMUTABLE AS $body$
  SELECT CASE WHEN doc ->> name IS NOT NULL THEN clause END
$body$
-- @break
CREATE FUNCTION @schema@.is_backwards(doc jsonb) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $body$
  SELECT coalesce((doc ->> 'desc')::boolean, false)
$body$
-- @break
-- A page as the lists give it: r is a row's JSON, in order.
CREATE FUNCTION @schema@.page(doc jsonb, rows_in_order text) RETURNS json
LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
  rows json;
BEGIN
  EXECUTE concat('SELECT json_agg(p.r) FROM (', rows_in_order, ' LIMIT ($1 ->> ''first'')::bigint) AS p')
    INTO rows USING doc;
  RETURN json_build_object('rows', coalesce(rows, '[]'));
END
$body$
-- @break
CREATE FUNCTION @schema@.account_list_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  beyond text := CASE WHEN @schema@.is_backwards(doc) THEN '<' ELSE '>' END;
  prefix text := doc ->> 'code_prefix';
BEGIN
  -- chr(92) is the backslash, chr(37) the percent sign: a pattern that matches the prefix and nothing else.
  prefix := replace(replace(replace(prefix, chr(92), chr(92) || chr(92)), chr(37), chr(92) || chr(37)), '_', chr(92)
    || '_');
  RETURN @schema@.page(doc || jsonb_build_object('pattern', prefix || chr(37)), concat(
    'SELECT @schema@.account_row(a, a.code) AS r FROM @schema@.accounts a WHERE NOT a.is_set',
    @schema@.if_given(doc, 'status', ' AND a.status = ($1 ->> ''status'')::@schema@.lock_status'),
    @schema@.if_given(doc, 'code_prefix', ' AND a.code LIKE ($1 ->> ''pattern'')'),
    @schema@.if_given(doc, 'after', concat(' AND a.code ', beyond, ' ($1 ->> ''after'')')),
    ' ORDER BY a.code', way));
END
$body$
-- @break
-- Ledgers have few journals: no index carries this order.
CREATE FUNCTION @schema@.journal_list_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  beyond text := CASE WHEN @schema@.is_backwards(doc) THEN '<' ELSE '>' END;
BEGIN
  IF doc ->> 'after' !~ '^-{0,1}[0-9]{1,18}/[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' THEN
    RETURN json_build_object('invalid', 'after');
  END IF;
  RETURN @schema@.page(doc, concat(
    'SELECT @schema@.journal_row(j, concat(@schema@.micros(j.created_at), ''/'', j.id)) AS r
       FROM @schema@.journals j WHERE true',
    @schema@.if_given(doc, 'status', ' AND j.status = ($1 ->> ''status'')::@schema@.lock_status'),
    @schema@.if_given(doc, 'after', concat(' AND (j.created_at, j.id) ', beyond,
      ' (@schema@.instant(split_part($1 ->> ''after'', ''/'', 1)::bigint),
        split_part($1 ->> ''after'', ''/'', 2)::uuid)')),
    ' ORDER BY j.created_at', way, ', j.id', way));
END
$body$
-- @break
CREATE FUNCTION @schema@.tx_template_list_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  beyond text := CASE WHEN @schema@.is_backwards(doc) THEN '<' ELSE '>' END;
BEGIN
  RETURN @schema@.page(doc, concat(
    'SELECT @schema@.tx_template_row(t, t.code) AS r FROM @schema@.tx_templates t WHERE true',
    @schema@.if_given(doc, 'after', concat(' AND t.code ', beyond, ' ($1 ->> ''after'')')),
    ' ORDER BY t.code', way));
END
$body$
-- @break
-- Seen before its transaction can have been: restored from another server's dump. It would wait in vain.
CREATE FUNCTION @schema@.is_foreign(m @schema@.order_marks) RETURNS boolean
LANGUAGE sql STABLE AS $body$
  SELECT m.xid >= pg_snapshot_xmax(pg_current_snapshot()) AND m.xid IS DISTINCT FROM pg_current_xact_id_if_assigned()
$body$
-- @break
-- How far the order of posting may be followed: nothing at or below this ordinal is still to come, or to be seen. Null
-- where no mark is known and none can be noted. The statement after it sees all that it speaks of.
--
-- Noted by who asks, without waiting for anybody, and at once reached where no writer is in flight. Not in a
-- transaction that has written before (its id is older than the number read here), nor where nothing can be written:
-- there, what others noted counts. Few at a time wait to be reached. Under a fixed snapshot another's tidying up is a
-- serialization failure, and then there is nothing to do.
CREATE FUNCTION @schema@.order_mark() RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $body$
DECLARE
  read_only boolean := current_setting('transaction_read_only')::boolean;
  may_note boolean := NOT read_only AND pg_current_xact_id_if_assigned() IS NULL;
  drawn bigint;
  newest bigint;
  waiting bigint;
  mark bigint;
BEGIN
  IF may_note THEN
    SELECT CASE WHEN e.is_called THEN e.last_value ELSE 0 END INTO drawn FROM @schema@.event_sequence e;
    SELECT max(m.ordinal), count(*) FILTER (WHERE m.xid > pg_snapshot_xmin(s)) INTO newest, waiting
      FROM @schema@.order_marks m CROSS JOIN pg_current_snapshot() s WHERE m.xid < pg_snapshot_xmax(s);
    IF drawn > coalesce(newest, -1) AND waiting < 16 THEN
      INSERT INTO @schema@.order_marks (ordinal, xid) VALUES (drawn, pg_current_xact_id());
    END IF;
  END IF;
  SELECT max(m.ordinal) INTO mark
    FROM @schema@.order_marks m CROSS JOIN pg_current_snapshot() s WHERE m.xid <= pg_snapshot_xmin(s);
  IF may_note AND EXISTS (SELECT FROM @schema@.order_marks m WHERE m.ordinal < mark OR @schema@.is_foreign(m)) THEN
    BEGIN
      DELETE FROM @schema@.order_marks d USING (SELECT m.ctid FROM @schema@.order_marks m
        WHERE m.ordinal < mark OR @schema@.is_foreign(m) FOR UPDATE SKIP LOCKED) o WHERE d.ctid = o.ctid;
    EXCEPTION WHEN serialization_failure THEN
      NULL;
    END;
  END IF;
  RETURN CASE WHEN read_only THEN mark ELSE coalesce(mark, 0) END;
END
$body$
-- @break
-- What a list in order of posting is asked, and with "stable" the mark at which it ends.
CREATE FUNCTION @schema@.with_mark(doc jsonb) RETURNS jsonb
LANGUAGE plpgsql VOLATILE AS $body$
BEGIN
  RETURN CASE WHEN (doc ->> 'stable')::boolean THEN doc || jsonb_build_object('mark', @schema@.order_mark())
    ELSE doc END;
END
$body$
-- @break
-- By account: the account's entries already come in order of posting, so a page costs no more than its rows.
-- Of an account set: of each account below it the first ones, and of all those the first.
CREATE FUNCTION @schema@.transaction_list_v1(request jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  doc jsonb := @schema@.with_mark(request);
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  beyond text := CASE WHEN @schema@.is_backwards(doc) THEN '<' ELSE '>' END;
  within text := concat(@schema@.if_given(doc,
    'after', concat(' AND t.ordinal ', beyond, ' ($1 ->> ''after'')::bigint')),
    @schema@.if_given(doc, 'mark', ' AND t.ordinal <= ($1 ->> ''mark'')::bigint'));
  filters text := concat(within,
    @schema@.if_given(doc, 'tx_template_id', ' AND t.tx_template_id = ($1 ->> ''tx_template_id'')::uuid'),
    @schema@.if_given(doc, 'journal_id', ' AND t.journal_id = ($1 ->> ''journal_id'')::uuid'),
    @schema@.if_given(doc, 'correlation_id', CASE
      WHEN doc ->> 'correlation_id' ~ '^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$' THEN
        ' AND (t.correlation_id = $1 ->> ''correlation_id''
            OR t.correlation_id IS NULL AND t.id = ($1 ->> ''correlation_id'')::uuid)'
      ELSE ' AND t.correlation_id = $1 ->> ''correlation_id''' END),
    @schema@.if_given(doc, 'effective_from',
      ' AND t.effective >= date ''1970-01-01'' + ($1 ->> ''effective_from'')::integer'),
    @schema@.if_given(doc, 'effective_to',
      ' AND t.effective <= date ''1970-01-01'' + ($1 ->> ''effective_to'')::integer'));
  of_set boolean := EXISTS (SELECT FROM @schema@.accounts a WHERE a.id = (doc ->> 'account_id')::uuid AND a.is_set);
BEGIN
  IF doc ->> 'after' !~ '^[0-9]{1,18}$' THEN
    RETURN json_build_object('invalid', 'after');
  END IF;
  IF (doc ->> 'stable')::boolean AND doc ->> 'mark' IS NULL THEN
    RETURN json_build_object('unmarked', true);
  END IF;
  RETURN @schema@.page(doc, concat(
    'SELECT @schema@.transaction_row(t,
        (SELECT c.code FROM @schema@.tx_templates c WHERE c.id = t.tx_template_id),
        (SELECT json_agg(e.id ORDER BY e.sequence) FROM @schema@.entries e WHERE e.ordinal = t.ordinal),
        (SELECT v.id FROM @schema@.transactions v WHERE v.void_of = t.id), t.ordinal::text) AS r FROM ',
    CASE WHEN doc ->> 'account_id' IS NULL THEN '@schema@.transactions t WHERE true'
      WHEN of_set THEN concat('(SELECT DISTINCT l.ordinal FROM @schema@.accounts s
          JOIN @schema@.account_set_ancestors a ON a.account_set_id = s.id
          CROSS JOIN LATERAL (SELECT DISTINCT t.ordinal FROM @schema@.entries e
            JOIN @schema@.transactions t ON t.ordinal = e.ordinal
            WHERE e.account_id = a.member_id AND e.journal_id = s.journal_id', filters, ' ORDER BY t.ordinal', way,
          ' LIMIT ($1 ->> ''first'')::bigint) AS l WHERE s.id = ($1 ->> ''account_id'')::uuid) AS o
        JOIN @schema@.transactions t ON t.ordinal = o.ordinal WHERE true')
      ELSE concat('(SELECT DISTINCT t.ordinal FROM @schema@.entries t
          WHERE t.account_id = ($1 ->> ''account_id'')::uuid', within, ' ORDER BY t.ordinal', way, ') AS o
        JOIN @schema@.transactions t ON t.ordinal = o.ordinal WHERE true') END, filters,
    ' ORDER BY t.ordinal', way));
END
$body$
-- @break
-- By account set: of each account below it the first ones, by the account's index, and of all those the first. By
-- journal alone: along its transactions, of which each has few entries.
CREATE FUNCTION @schema@.entry_list_v1(request jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  doc jsonb := @schema@.with_mark(request);
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  beyond text := CASE WHEN @schema@.is_backwards(doc) THEN '<' ELSE '>' END;
  within text := concat(
    @schema@.if_given(doc, 'created_from', ' AND e.created_at >= @schema@.instant(($1 ->> ''created_from'')::bigint)'),
    @schema@.if_given(doc, 'created_to', ' AND e.created_at <= @schema@.instant(($1 ->> ''created_to'')::bigint)'),
    @schema@.if_given(doc, 'effective_from',
      ' AND e.effective >= date ''1970-01-01'' + ($1 ->> ''effective_from'')::integer'),
    @schema@.if_given(doc, 'effective_to',
      ' AND e.effective <= date ''1970-01-01'' + ($1 ->> ''effective_to'')::integer'),
    @schema@.if_given(doc, 'after', concat(' AND (e.ordinal, e.sequence) ', beyond,
      ' (split_part($1 ->> ''after'', ''/'', 1)::bigint, split_part($1 ->> ''after'', ''/'', 2)::integer)')),
    @schema@.if_given(doc, 'mark', ' AND e.ordinal <= ($1 ->> ''mark'')::bigint'));
  by_journal boolean := doc ->> 'journal_id' IS NOT NULL AND doc ->> 'account_id' IS NULL
    AND doc ->> 'account_set_id' IS NULL AND doc ->> 'transaction_id' IS NULL;
BEGIN
  IF doc ->> 'after' !~ '^[0-9]{1,18}/[0-9]{1,9}$' THEN
    RETURN json_build_object('invalid', 'after');
  END IF;
  IF (doc ->> 'stable')::boolean AND doc ->> 'mark' IS NULL THEN
    RETURN json_build_object('unmarked', true);
  END IF;
  IF EXISTS (SELECT FROM @schema@.accounts a WHERE a.id = (doc ->> 'account_id')::uuid AND a.is_set) THEN
    doc := doc - 'account_id' || jsonb_build_object('account_set_id', doc ->> 'account_id');
  END IF;
  RETURN @schema@.page(doc, concat(
    'SELECT @schema@.entry_row(e.entry, concat(e.ordinal, ''/'', e.sequence)) AS r FROM ',
    CASE WHEN by_journal THEN concat('@schema@.transactions t
        JOIN (SELECT e AS entry, e.* FROM @schema@.entries e) AS e ON e.ordinal = t.ordinal
        WHERE t.journal_id = ($1 ->> ''journal_id'')::uuid',
        @schema@.if_given(doc, 'after', concat(' AND t.ordinal ', beyond,
          '= split_part($1 ->> ''after'', ''/'', 1)::bigint')),
        @schema@.if_given(doc, 'mark', ' AND t.ordinal <= ($1 ->> ''mark'')::bigint'))
      WHEN doc ->> 'account_set_id' IS NULL THEN '(SELECT e AS entry, e.* FROM @schema@.entries e) AS e WHERE true'
      ELSE concat('@schema@.accounts s JOIN @schema@.account_set_ancestors a ON a.account_set_id = s.id
          CROSS JOIN LATERAL (SELECT e AS entry, e.* FROM @schema@.entries e
            WHERE e.account_id = a.member_id AND e.journal_id = s.journal_id', within, ' ORDER BY e.ordinal', way,
          ', e.sequence', way, ' LIMIT ($1 ->> ''first'')::bigint) AS e
        WHERE s.id = ($1 ->> ''account_set_id'')::uuid') END,
    @schema@.if_given(doc, 'account_id', ' AND e.account_id = ($1 ->> ''account_id'')::uuid'),
    CASE WHEN NOT by_journal THEN
      @schema@.if_given(doc, 'journal_id', ' AND e.journal_id = ($1 ->> ''journal_id'')::uuid') END,
    @schema@.if_given(doc, 'transaction_id', ' AND e.ordinal =
      (SELECT t.ordinal FROM @schema@.transactions t WHERE t.id = ($1 ->> ''transaction_id'')::uuid)'),
    within, ' ORDER BY e.ordinal', way, ', e.sequence', way));
END
$body$
-- @break
CREATE FUNCTION @schema@.balance_list_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  beyond text := CASE WHEN @schema@.is_backwards(doc) THEN '<' ELSE '>' END;
BEGIN
  IF doc ->> 'after' !~ concat('^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}/[^/]+/',
      '[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$') THEN
    RETURN json_build_object('invalid', 'after');
  END IF;
  RETURN @schema@.page(doc, concat(
    'SELECT @schema@.balance_row(b, h,
        (SELECT a.normal_balance_type FROM @schema@.accounts a WHERE a.id = b.account_id),
        concat(b.account_id, ''/'', b.currency, ''/'', b.journal_id)) AS r
       FROM @schema@.balances b CROSS JOIN LATERAL @schema@.balance_now(b) AS h WHERE true',
    @schema@.if_given(doc, 'journal_id', ' AND b.journal_id = ($1 ->> ''journal_id'')::uuid'),
    @schema@.if_given(doc, 'account_ids',
      ' AND b.account_id = ANY (ARRAY(SELECT i::uuid FROM jsonb_array_elements_text($1 -> ''account_ids'') AS i))'),
    @schema@.if_given(doc, 'after', concat(' AND (b.account_id, b.currency, b.journal_id) ', beyond,
      ' (split_part($1 ->> ''after'', ''/'', 1)::uuid, split_part($1 ->> ''after'', ''/'', 2) COLLATE "C",
         split_part($1 ->> ''after'', ''/'', 3)::uuid)')),
    ' ORDER BY b.account_id', way, ', b.currency', way, ', b.journal_id', way));
END
$body$
-- @break
-- The balance's number is looked up apart: only then does its history come sorted from the index.
CREATE FUNCTION @schema@.balance_history_v1(doc jsonb) RETURNS json
LANGUAGE plpgsql VOLATILE SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $body$
DECLARE
  way text := CASE WHEN @schema@.is_backwards(doc) THEN ' DESC' END;
  beyond text := CASE WHEN @schema@.is_backwards(doc) THEN '<' ELSE '>' END;
BEGIN
  IF doc ->> 'after' !~ '^[0-9]{1,18}$' THEN
    RETURN json_build_object('invalid', 'after');
  END IF;
  RETURN @schema@.page(doc, concat(
    'SELECT @schema@.balance_row(b, h,
        (SELECT a.normal_balance_type FROM @schema@.accounts a WHERE a.id = b.account_id), h.version::text) AS r
       FROM @schema@.balance_history h JOIN @schema@.balances b ON b.number = h.balance_number
       WHERE h.balance_number = (SELECT k.number FROM @schema@.balances k
         WHERE k.account_id = ($1 ->> ''account_id'')::uuid
         AND k.currency = $1 ->> ''currency'' AND k.journal_id = ($1 ->> ''journal_id'')::uuid)',
    @schema@.if_given(doc, 'after', concat(' AND h.version ', beyond, ' ($1 ->> ''after'')::bigint')),
    ' ORDER BY h.version', way));
END
$body$
