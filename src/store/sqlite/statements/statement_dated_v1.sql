-- By effective date, then as posted; a cursor is day/row number.
WITH
q AS MATERIALIZED (
  SELECT d.first, d.backward, d.since, d.until, d.layer, b.n AS balance_n, CASE WHEN d.after IS NOT NULL
    THEN CAST(substr(d.after, 1, instr(d.after, '/') - 1) AS INTEGER)
      WHEN d.backward THEN d.until ELSE d.since END AS after_day,
    CASE WHEN d.after IS NOT NULL THEN CAST(substr(d.after, instr(d.after, '/') + 1) AS INTEGER)
      WHEN d.backward THEN 9223372036854775807 ELSE 0 END AS after_n
  FROM (
    SELECT json_extract(d, '$.first') AS first, coalesce(json_extract(d, '$.desc'), 0) AS backward,
      CASE WHEN json_extract(d, '$.after') NOT GLOB '*/*' OR json_extract(d, '$.after') GLOB '*[^0-9/-]*'
        THEN json_extract(d, 'cala:request.malformed') ELSE json_extract(d, '$.after') END AS after,
      json_extract(d, '$.account_id') AS account_id, json_extract(d, '$.journal_id') AS journal_id,
      json_extract(d, '$.currency') AS currency, json_extract(d, '$.from') AS since, json_extract(d, '$.until')
        AS until,
      CASE json_extract(d, '$.layer') WHEN 'settled' THEN 0 WHEN 'pending' THEN 1 ELSE 2 END AS layer
    FROM (SELECT ? AS d)) d
  CROSS JOIN main.cala_accounts a ON a.id = d.account_id CROSS JOIN main.cala_journals j ON j.id = d.journal_id
  CROSS JOIN main.cala_balances b ON b.account_n = a.n AND b.journal_n = j.n AND b.currency = d.currency
),
chosen AS (
  SELECT effective, n, entry_n FROM (
    SELECT d.effective, d.n, coalesce(e.entry_n, e.n) AS entry_n
    FROM main.cala_effective_entries d CROSS JOIN main.cala_entries e ON e.n = d.n AND e.layer = (SELECT layer FROM q)
    WHERE d.balance_n = (SELECT balance_n FROM q)
      AND (d.effective, d.n) > ((SELECT after_day FROM q), (SELECT after_n FROM q))
      AND d.effective <= (SELECT until FROM q)
    ORDER BY d.effective, d.n LIMIT (SELECT CASE WHEN backward THEN 0 ELSE first END FROM q))
  UNION ALL
  SELECT effective, n, entry_n FROM (
    SELECT d.effective, d.n, coalesce(e.entry_n, e.n) AS entry_n
    FROM main.cala_effective_entries d CROSS JOIN main.cala_entries e ON e.n = d.n AND e.layer = (SELECT layer FROM q)
    WHERE d.balance_n = (SELECT balance_n FROM q)
      AND (d.effective, d.n) < ((SELECT after_day FROM q), (SELECT after_n FROM q))
      AND d.effective >= (SELECT since FROM q)
    ORDER BY d.effective DESC, d.n DESC LIMIT (SELECT CASE WHEN backward THEN first ELSE 0 END FROM q))
)
SELECT '{"rows":[' || coalesce(group_concat(row, ','), '') || ']}' FROM (
  SELECT json_object('entry', json(r.row), 'cursor', c.effective || '/' || c.n) AS row
  FROM (
    SELECT effective, n, entry_n FROM chosen
    ORDER BY CASE WHEN (SELECT backward FROM q) THEN NULL ELSE effective END,
      CASE WHEN (SELECT backward FROM q) THEN NULL ELSE n END, effective DESC, n DESC LIMIT -1) c
  CROSS JOIN main.cala_entry_rows_v1 r ON r.n = c.entry_n
)
