-- By account id, currency, journal id. A cursor is account_id/journal_id/currency.
WITH
q AS MATERIALIZED (
  SELECT first, backward, account_ids, journal_id,
    (SELECT j.n FROM main.cala_journals j WHERE j.id = journal_id) AS journal_n,
    CASE WHEN after IS NOT NULL THEN substr(after, 1, 36) WHEN backward THEN x'' ELSE '' END AS after_account,
    substr(after, 38, 36) AS after_journal, substr(after, 75) AS after_currency
  FROM (
    SELECT json_extract(d, '$.first') AS first,
      CASE WHEN json_extract(d, '$.after') NOT GLOB '*-*-*-*-*/*-*-*-*-*/*'
        THEN json_extract(d, 'cala:request.malformed')
        ELSE json_extract(d, '$.after') END AS after,
      coalesce(json_extract(d, '$.desc'), 0) AS backward, json_extract(d, '$.journal_id') AS journal_id,
      json_extract(d, '$.account_ids') AS account_ids
    FROM (SELECT ? AS d))
),
named AS MATERIALIZED (
  SELECT DISTINCT a.n, a.id FROM q CROSS JOIN json_each(q.account_ids) k CROSS JOIN main.cala_accounts a
    ON a.id = k.value
  WHERE q.account_ids IS NOT NULL
),
chosen AS (
  SELECT head_entry_n, account_id, currency, journal_id FROM (
    SELECT b.head_entry_n, a.id AS account_id, b.currency, j.id AS journal_id
    FROM named a CROSS JOIN main.cala_balances b ON b.account_n = a.n CROSS JOIN main.cala_journals j
      ON j.n = b.journal_n
      CROSS JOIN q
    WHERE (q.journal_id IS NULL OR b.journal_n = q.journal_n)
      AND (a.id > q.after_account OR a.id = q.after_account
        AND (b.currency, j.id) > (q.after_currency, q.after_journal))
    ORDER BY 2, 3, 4 LIMIT (SELECT CASE WHEN backward THEN 0 ELSE first END FROM q))
  UNION ALL
  SELECT head_entry_n, account_id, currency, journal_id FROM (
    SELECT b.head_entry_n, a.id AS account_id, b.currency, j.id AS journal_id
    FROM named a CROSS JOIN main.cala_balances b ON b.account_n = a.n CROSS JOIN main.cala_journals j
      ON j.n = b.journal_n
      CROSS JOIN q
    WHERE (q.journal_id IS NULL OR b.journal_n = q.journal_n)
      AND (a.id < q.after_account OR a.id = q.after_account
        AND (b.currency, j.id) < (q.after_currency, q.after_journal))
    ORDER BY 2 DESC, 3 DESC, 4 DESC LIMIT (SELECT CASE WHEN backward THEN first ELSE 0 END FROM q))
  UNION ALL
  SELECT head_entry_n, account_id, currency, journal_id FROM (
    SELECT b.head_entry_n, a.id AS account_id, b.currency, j.id AS journal_id
    FROM main.cala_accounts a CROSS JOIN main.cala_balances b ON b.account_n = a.n CROSS JOIN main.cala_journals j
      ON j.n = b.journal_n
    WHERE a.id >= (SELECT after_account FROM q)
      AND ((SELECT journal_id FROM q) IS NULL OR b.journal_n = (SELECT journal_n FROM q))
      AND (a.id > (SELECT after_account FROM q)
        OR (b.currency, j.id) > ((SELECT after_currency FROM q), (SELECT after_journal FROM q)))
    ORDER BY 2, 3, 4 LIMIT (SELECT CASE WHEN backward OR account_ids IS NOT NULL THEN 0 ELSE first END FROM q))
  UNION ALL
  SELECT head_entry_n, account_id, currency, journal_id FROM (
    SELECT b.head_entry_n, a.id AS account_id, b.currency, j.id AS journal_id
    FROM main.cala_accounts a CROSS JOIN main.cala_balances b ON b.account_n = a.n CROSS JOIN main.cala_journals j
      ON j.n = b.journal_n
    WHERE a.id <= (SELECT after_account FROM q)
      AND ((SELECT journal_id FROM q) IS NULL OR b.journal_n = (SELECT journal_n FROM q))
      AND (a.id < (SELECT after_account FROM q)
        OR (b.currency, j.id) < ((SELECT after_currency FROM q), (SELECT after_journal FROM q)))
    ORDER BY 2 DESC, 3 DESC, 4 DESC
    LIMIT (SELECT CASE WHEN backward AND account_ids IS NULL THEN first ELSE 0 END FROM q))
)
SELECT '{"rows":[' || coalesce(group_concat(row, ','), '') || ']}' FROM (
  SELECT substr(r.row, 1, length(r.row) - 1) || ',"cursor":"' || c.account_id || '/' || c.journal_id || '/'
    || c.currency
    || '"}' AS row
  FROM (
    SELECT head_entry_n, account_id, currency, journal_id FROM chosen
    ORDER BY CASE WHEN (SELECT backward FROM q) THEN NULL ELSE account_id END,
      CASE WHEN (SELECT backward FROM q) THEN NULL ELSE currency END,
      CASE WHEN (SELECT backward FROM q) THEN NULL ELSE journal_id END, account_id DESC, currency DESC,
        journal_id DESC LIMIT -1) c
  CROSS JOIN main.cala_balance_rows_v1 r ON r.n = c.head_entry_n
)
