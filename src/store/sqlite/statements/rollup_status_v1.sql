-- Where writers take turns anyway every balance moves with the posting: the roll-up is always as far as it can be.
SELECT json_object('applied', frontier, 'reached', frontier, 'frontier', frontier,
  'target', coalesce(json_extract(d, '$.sequence'), frontier))
FROM (SELECT ? AS d, (SELECT coalesce(max(sequence), 0) FROM main.cala_outbox_events) AS frontier)
