WITH
q AS MATERIALIZED (SELECT ? AS d),
pairs AS MATERIALIZED (
  SELECT json_extract(k.value, '$[0]') AS set_id, json_extract(k.value, '$[1]') AS member_id
  FROM q CROSS JOIN json_each(q.d, '$.members') k
),
holders AS MATERIALIZED (
  SELECT a.n, a.id, a.is_set, a.journal_n FROM main.cala_accounts a
  WHERE a.id IN (SELECT set_id FROM pairs UNION SELECT member_id FROM pairs)
),
-- At or below the members, and then whatever is above those and the sets.
below AS MATERIALIZED (
  SELECT h.n FROM holders h WHERE h.id IN (SELECT member_id FROM pairs)
  UNION
  SELECT x.member_n FROM holders h CROSS JOIN main.cala_account_set_ancestors x ON x.set_n = h.n
  WHERE h.id IN (SELECT member_id FROM pairs)
),
near AS MATERIALIZED (
  SELECT n FROM below
  UNION
  SELECT n FROM holders
  UNION
  SELECT x.set_n FROM below b CROSS JOIN main.cala_account_set_ancestors x ON x.member_n = b.n
  UNION
  SELECT x.set_n FROM holders h CROSS JOIN main.cala_account_set_ancestors x ON x.member_n = h.n
),
-- The journals in which each member has, or an account below it, entries.
wanted AS MATERIALIZED (
  SELECT DISTINCT m.n AS member_n, m.id AS member_id, s.journal_n AS journal_n
  FROM pairs p CROSS JOIN holders s ON s.id = p.set_id AND s.is_set CROSS JOIN holders m ON m.id = p.member_id
)
SELECT '{"guard":"' || l.change || ':' || (SELECT coalesce(max(n), 0) + 1 FROM main.cala_entries)
  || ':' || (SELECT coalesce(max(n), 0) + 1 FROM main.cala_transactions)
  || '","holders":[' || coalesce((
    SELECT group_concat(json_array(h.id, json(CASE WHEN h.is_set THEN 'true' ELSE 'false' END),
      (SELECT j.id FROM main.cala_journals j WHERE j.n = h.journal_n)), ',') FROM holders h), '')
  || '],"history":[' || coalesce((
    SELECT group_concat(json_array(w.member_id, j.id), ',')
    FROM wanted w CROSS JOIN main.cala_journals j ON j.n = w.journal_n
    WHERE EXISTS (SELECT 1 FROM main.cala_balances b WHERE b.account_n = w.member_n AND b.journal_n = w.journal_n)
      OR EXISTS (
        SELECT 1 FROM main.cala_account_set_ancestors x CROSS JOIN main.cala_balances b ON b.account_n = x.member_n
          AND b.journal_n = w.journal_n
        WHERE x.set_n = w.member_n)), '')
  || '],"memberships":[' || coalesce((
    SELECT group_concat(json_array(s.id, a.id, json(CASE WHEN a.is_set THEN 'true' ELSE 'false' END)), ',')
    FROM near e CROSS JOIN main.cala_account_set_members m ON m.member_n = e.n
    CROSS JOIN main.cala_accounts s ON s.n = m.set_n CROSS JOIN main.cala_accounts a ON a.n = m.member_n), '')
  || ']}'
FROM main.cala_ledger l
