-- Along the table. Filters look at 10,000 events at most, so that a page costs no more than that where they leave out
-- nearly all. Writers come one after the other: everything that can be seen is in order,
-- and the mark is the newest number.
WITH q AS MATERIALIZED (
  SELECT json_extract(d, '$.after') AS after, json_extract(d, '$.first') AS first,
    json_extract(d, '$.types') AS types, json_extract(d, '$.journal_id') AS journal_id,
    coalesce(json_extract(d, '$.entries'), 0) AS entries, coalesce(json_extract(d, '$.balances'), 0) AS balances,
    coalesce(json_extract(d, '$.newest'), 0) AS newest,
    coalesce((SELECT max(o.sequence) FROM main.cala_outbox_events o), 0) AS mark,
    (SELECT s.pruned FROM main.cala_outbox_state s) AS pruned
  FROM (SELECT ? AS d)
),
bound AS MATERIALIZED (
  SELECT CASE WHEN q.newest THEN 0 WHEN q.types IS NULL AND q.journal_id IS NULL THEN q.first ELSE 10000 END
    AS looked_at FROM q
),
seen AS MATERIALIZED (
  SELECT count(*) AS number, max(w.sequence) AS last FROM (
    SELECT e.sequence FROM main.cala_outbox_events e WHERE e.sequence > (SELECT after FROM q)
    ORDER BY e.sequence LIMIT (SELECT looked_at FROM bound)) w
),
shown AS MATERIALIZED (
  SELECT e.sequence, e.type, e.subject_n, e.subject_id, e.payload, e.recorded_at FROM main.cala_outbox_events e
  WHERE e.sequence > (SELECT after FROM q) AND e.sequence <= (SELECT last FROM seen)
    AND ((SELECT types FROM q) IS NULL OR e.type IN (SELECT t.value FROM json_each((SELECT types FROM q)) t))
    AND ((SELECT journal_id FROM q) IS NULL OR (SELECT journal_id FROM q) = CASE
      WHEN e.subject_n IS NOT NULL THEN (
        SELECT j.id FROM main.cala_transactions t CROSS JOIN main.cala_journals j ON j.n = t.journal_n
          WHERE t.n = e.subject_n)
      ELSE coalesce((SELECT j.id FROM main.cala_accounts s CROSS JOIN main.cala_journals j ON j.n = s.journal_n
        WHERE s.id = e.subject_id AND s.is_set), e.subject_id) END)
  ORDER BY e.sequence LIMIT (SELECT first FROM q)
),
reached AS MATERIALIZED (
  SELECT CASE
      WHEN q.newest THEN q.mark
      WHEN (SELECT count(*) FROM shown) = q.first THEN (SELECT max(sequence) FROM shown)
      WHEN s.number = b.looked_at THEN s.last
      ELSE max(q.after, q.mark) END AS place
  FROM q CROSS JOIN bound b CROSS JOIN seen s
)
SELECT CASE WHEN q.after < q.pruned AND NOT q.newest THEN '{"pruned":' || q.pruned || '}' ELSE '{"rows":['
  || coalesce((SELECT group_concat(row, ',') FROM (
  SELECT CASE WHEN o.subject_n IS NULL THEN json_object('sequence', o.sequence, 'type', o.type,
    'recorded_at', o.recorded_at,
      'subject_id', o.subject_id, 'payload', o.payload)
    ELSE json_object('sequence', o.sequence, 'type', o.type, 'recorded_at', o.recorded_at,
      'subject_id', t.id, 'payload', o.payload,
      'transaction', json((SELECT r.row FROM main.cala_transaction_rows_v1 r WHERE r.n = o.subject_n)),
      'entries', CASE WHEN q.entries THEN json((SELECT json_group_array(json(p.row)) FROM (
        SELECT r.row FROM main.cala_entry_rows_v1 r WHERE r.n >= t.first_entry_n
          AND r.n < t.first_entry_n + t.entry_count
        ORDER BY r.n LIMIT -1) p)) END,
      'balances', CASE WHEN q.balances THEN json((SELECT json_group_array(json(p.row)) FROM (
        SELECT r.row FROM main.cala_balance_rows_v1 r WHERE r.n IN (
          SELECT max(e.n) FROM main.cala_entries e WHERE e.n >= t.first_entry_n
            AND e.n < t.first_entry_n + t.entry_count
          GROUP BY e.balance_n)
        ORDER BY r.n LIMIT -1) p)) END) END AS row
  FROM q CROSS JOIN shown o LEFT JOIN main.cala_transactions t ON t.n = o.subject_n
  ORDER BY o.sequence LIMIT -1)), '') ||
  '],"place":' || x.place || ',"mark":' || max(x.place, q.mark) || '}' END
FROM q CROSS JOIN reached x
