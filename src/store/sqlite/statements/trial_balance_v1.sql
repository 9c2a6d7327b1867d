-- By account code and currency; a cursor is currency/code. Each balance as parts that add up to it: pairs of debits and
-- credits of the layer, as it is, as it was recorded at an instant, or at the end of an effective date; one that had no
-- entry then has none and is left out. The totals are of all balances, and asked for once, with the first page: amounts
-- are texts, so they are added in eight groups of eight digits, each a part by itself with its exponent. With subtotals
-- the lines are the sets directly in the set that is asked for, or those in no other; the totals are the accounts' all
-- the same.
WITH RECURSIVE
q AS MATERIALIZED (
  SELECT d.first, d.backward, d.journal_id, d.account_set_id, d.currency, d.by_set, d.totals, d.recorded_at, d.year,
    d.month, d.day, d.layer, (SELECT j.n FROM main.cala_journals j WHERE j.id = d.journal_id) AS journal_n,
    (SELECT a.n FROM main.cala_accounts a WHERE a.id = d.account_set_id AND a.is_set) AS set_n,
    substr(d.after, 1, instr(d.after, '/') - 1) AS after_currency,
    CASE WHEN d.after IS NOT NULL THEN substr(d.after, instr(d.after, '/') + 1) WHEN d.backward THEN x'' ELSE '' END
      AS after_code
  FROM (
    SELECT json_extract(d, '$.first') AS first, coalesce(json_extract(d, '$.desc'), 0) AS backward,
      CASE WHEN json_extract(d, '$.after') NOT GLOB '*/*' THEN json_extract(d, 'cala:request.malformed')
        ELSE json_extract(d, '$.after') END AS after,
      json_extract(d, '$.journal_id') AS journal_id, json_extract(d, '$.account_set_id') AS account_set_id,
      json_extract(d, '$.currency') AS currency, coalesce(json_extract(d, '$.by_set'), 0) AS by_set,
        coalesce(json_extract(d, '$.totals'), 0) AS totals,
      json_extract(d, '$.recorded_at') AS recorded_at, json_extract(d, '$.cut[0]') AS year, json_extract(d, '$.cut[1]')
        AS month,
      json_extract(d, '$.cut[2]') AS day,
      CASE json_extract(d, '$.layer') WHEN 'settled' THEN 0 WHEN 'pending' THEN 1 ELSE 2 END AS layer
    FROM (SELECT ? AS d)) d
),
given AS NOT MATERIALIZED (
  SELECT a.id, a.code, a.name, a.normal_balance_type, a.is_set, b.currency,
    CASE
    WHEN (SELECT recorded_at FROM q) IS NOT NULL THEN (
      WITH RECURSIVE walk (state, created_at, prev_n, skip_n) AS (
        SELECT e.state, e.created_at, e.prev_n, e.skip_n FROM main.cala_entries e WHERE e.n = b.head_entry_n
        UNION ALL
        SELECT e.state, e.created_at, e.prev_n, e.skip_n FROM walk w CROSS JOIN main.cala_entries e ON e.n =
          CASE WHEN (SELECT s.created_at FROM main.cala_entries s WHERE s.n = w.skip_n) > (SELECT recorded_at FROM q)
            THEN w.skip_n ELSE w.prev_n END
        WHERE w.created_at > (SELECT recorded_at FROM q))
      SELECT json_array(json_array(coalesce(json_extract(w.state, '$[' || (SELECT layer FROM q) || '][0]'), '0'),
        coalesce(json_extract(w.state, '$[' || (SELECT layer FROM q) || '][1]'), '0')))
      FROM walk w WHERE w.created_at <= (SELECT recorded_at FROM q))
    WHEN (SELECT day FROM q) IS NOT NULL THEN (
      SELECT CASE WHEN count(*) > 0 THEN json_group_array(json_array(
        coalesce(json_extract(s.sums, '$[' || (4 + (SELECT layer FROM q)) || '][0]'), '0'),
        coalesce(json_extract(s.sums, '$[' || (4 + (SELECT layer FROM q)) || '][1]'), '0'))) END
      FROM (
        SELECT y.sums FROM main.cala_effective_balances y WHERE y.balance_n = b.n AND y.level = 2
          AND y.start < (SELECT year FROM q)
        UNION ALL
        SELECT m.sums FROM main.cala_effective_balances m
        WHERE m.balance_n = b.n AND m.level = 1 AND m.start >= (SELECT year FROM q) AND m.start < (SELECT month FROM q)
        UNION ALL
        SELECT d.sums FROM main.cala_effective_balances d
        WHERE d.balance_n = b.n AND d.level = 0 AND d.start >= (SELECT month FROM q)
          AND d.start <= (SELECT day FROM q)) s)
    ELSE json_array(json_array(coalesce(json_extract(b.state, '$[' || (SELECT layer FROM q) || '][0]'), '0'),
      coalesce(json_extract(b.state, '$[' || (SELECT layer FROM q) || '][1]'), '0'))) END AS parts
  FROM main.cala_accounts a CROSS JOIN main.cala_balances b ON b.account_n = a.n
    AND b.journal_n = (SELECT journal_n FROM q)
  WHERE ((SELECT currency FROM q) IS NULL OR b.currency = (SELECT currency FROM q))
    AND CASE
      WHEN a.is_set AND (SELECT account_set_id FROM q) IS NULL THEN
        NOT EXISTS (SELECT 1 FROM main.cala_account_set_members x WHERE x.member_n = a.n)
      WHEN a.is_set THEN EXISTS (SELECT 1 FROM main.cala_account_set_members x WHERE x.set_n = (SELECT set_n FROM q)
        AND x.member_n = a.n)
      ELSE (SELECT account_set_id FROM q) IS NULL
        OR EXISTS (SELECT 1 FROM main.cala_account_set_ancestors x WHERE x.member_n = a.n
          AND x.set_n = (SELECT set_n FROM q)) END
),
page AS MATERIALIZED (
  SELECT id, code, name, normal_balance_type, currency, parts FROM (
    SELECT g.id, g.code, g.name, g.normal_balance_type, g.currency, g.parts FROM given g
    WHERE g.code >= (SELECT after_code FROM q) AND g.parts IS NOT NULL AND g.is_set = (SELECT by_set FROM q)
      AND (g.code > (SELECT after_code FROM q) OR g.currency > (SELECT after_currency FROM q))
    ORDER BY g.code, g.currency LIMIT (SELECT CASE WHEN backward THEN 0 ELSE first END FROM q))
  UNION ALL
  SELECT id, code, name, normal_balance_type, currency, parts FROM (
    SELECT g.id, g.code, g.name, g.normal_balance_type, g.currency, g.parts FROM given g
    WHERE g.code <= (SELECT after_code FROM q) AND g.parts IS NOT NULL AND g.is_set = (SELECT by_set FROM q)
      AND (g.code < (SELECT after_code FROM q) OR g.currency < (SELECT after_currency FROM q))
    ORDER BY g.code DESC, g.currency DESC LIMIT (SELECT CASE WHEN backward THEN first ELSE 0 END FROM q))
),
amounts AS MATERIALIZED (
  SELECT g.currency, json_extract(p.value, '$[0]') AS debit, json_extract(p.value, '$[1]') AS credit
  FROM given g CROSS JOIN json_each(g.parts) p WHERE (SELECT totals FROM q) AND NOT g.is_set AND g.parts IS NOT NULL
),
sides AS (
  SELECT currency, 0 AS side, substr(debit, 1, 1) = '-' AS minus, ltrim(debit, '-') || '.' AS text FROM amounts
  UNION ALL
  SELECT currency, 1, substr(credit, 1, 1) = '-', ltrim(credit, '-') || '.' FROM amounts
),
digits AS (
  SELECT currency, side, 1 - 2 * minus AS sign, length(rtrim(substr(text, instr(text, '.') + 1), '.')) AS scale,
    substr('0000000000000000000000000000000000000000' || substr(text, 1, instr(text, '.') - 1), -40)
    || substr(rtrim(substr(text, instr(text, '.') + 1), '.') || '000000000000000000000000', 1, 24) AS text
  FROM sides
),
added AS (
  SELECT currency, side, max(scale) AS scale,
    sum(sign * CAST(substr(text, 1, 8) AS INTEGER)) AS g0, sum(sign * CAST(substr(text, 9, 8) AS INTEGER)) AS g1,
    sum(sign * CAST(substr(text, 17, 8) AS INTEGER)) AS g2, sum(sign * CAST(substr(text, 25, 8) AS INTEGER)) AS g3,
    sum(sign * CAST(substr(text, 33, 8) AS INTEGER)) AS g4, sum(sign * CAST(substr(text, 41, 8) AS INTEGER)) AS g5,
    sum(sign * CAST(substr(text, 49, 8) AS INTEGER)) AS g6, sum(sign * CAST(substr(text, 57, 8) AS INTEGER)) AS g7
  FROM digits GROUP BY currency, side
)
SELECT '{"kept":' || coalesce((
    SELECT CASE WHEN j.effective_balances THEN 'true' ELSE 'false' END FROM main.cala_journals j
      WHERE j.n = q.journal_n),
      'null')
  || ',"known":' || CASE WHEN q.account_set_id IS NULL OR q.set_n IS NOT NULL THEN 'true' ELSE 'false' END
  || ',"rows":[' || coalesce((SELECT group_concat(r.row, ',') FROM (
    SELECT json_object('account_id', p.id, 'code', p.code, 'name', p.name, 'normal_balance_type', p.normal_balance_type,
      'currency', p.currency, 'scale', 0, 'parts', json(p.parts), 'cursor', p.currency || '/' || p.code) AS row
    FROM page p CROSS JOIN q
    ORDER BY CASE WHEN q.backward THEN NULL ELSE p.code END, CASE WHEN q.backward THEN NULL ELSE p.currency END,
      p.code DESC, p.currency DESC LIMIT -1) r), '')
  || '],"totals":[' || coalesce((SELECT group_concat(r.row, ',') FROM (
    SELECT json_object('currency', d.currency, 'scale', max(d.scale, c.scale), 'parts', json_array(
      json_array(d.g0 || 'e32', c.g0 || 'e32'), json_array(d.g1 || 'e24', c.g1 || 'e24'),
      json_array(d.g2 || 'e16', c.g2 || 'e16'), json_array(d.g3 || 'e8', c.g3 || 'e8'),
      json_array(d.g4 || 'e0', c.g4 || 'e0'), json_array(d.g5 || 'e-8', c.g5 || 'e-8'),
      json_array(d.g6 || 'e-16', c.g6 || 'e-16'), json_array(d.g7 || 'e-24', c.g7 || 'e-24'))) AS row
    FROM added d CROSS JOIN added c ON c.currency = d.currency AND c.side = 1 WHERE d.side = 0
    ORDER BY d.currency LIMIT -1) r), '') || ']}'
FROM q
