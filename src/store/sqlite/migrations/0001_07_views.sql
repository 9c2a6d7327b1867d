-- What people with sqlite3 in hand read: docs/views.md promises the views cala_*_view and their columns. Amounts are
-- exact: SQLite has no decimals, so sums are taken ten digits at a time. The first view does that for the others: of a
-- balance and of an entry the sums of each layer, and the net that is positive on the account's side. plus and minus
-- are 60 digits, 20 of them behind the point; x is a group of digits with its carry, lifted so that division rounds
-- down; y is that of the negated net, which is the one to show where the net is negative.
CREATE VIEW main.cala_sums_v1 AS
SELECT s.source AS source, s.n AS n, s.layer AS layer, s.debit AS debit, s.credit AS credit, (
  WITH RECURSIVE w (k, x, text, y, negated) AS (
    SELECT 7, 4000000000000000000, '', 4000000000000000000, ''
    UNION ALL
    SELECT k - 1,
      4000000000000000000 + (x / 10000000000 - 400000000) + CASE WHEN k > 1 THEN
        s.plus_sign * CAST(substr(s.plus, k * 10 - 19, 10) AS INTEGER) - s.minus_sign * CAST(substr(s.minus,
          k * 10 - 19, 10) AS INTEGER)
        ELSE 0 END,
      CASE WHEN k < 7 THEN substr('0000000000' || (x - x / 10000000000 * 10000000000), -10) ELSE '' END || text,
      4000000000000000000 + (y / 10000000000 - 400000000) - CASE WHEN k > 1 THEN
        s.plus_sign * CAST(substr(s.plus, k * 10 - 19, 10) AS INTEGER) - s.minus_sign * CAST(substr(s.minus,
          k * 10 - 19, 10) AS INTEGER)
        ELSE 0 END,
      CASE WHEN k < 7 THEN substr('0000000000' || (y - y / 10000000000 * 10000000000), -10) ELSE '' END || negated
    FROM w WHERE k > 0)
  SELECT CASE WHEN x < 4000000000000000000 THEN '-' ELSE '' END
    || coalesce(nullif(ltrim(substr(CASE WHEN x < 4000000000000000000 THEN negated ELSE text END, 1, 40), '0'), ''),
      '0')
    || CASE WHEN s.scale > 0 THEN '.' || substr(CASE WHEN x < 4000000000000000000 THEN negated ELSE text END, 41,
      s.scale) ELSE '' END
  FROM w WHERE k = 0) AS net
FROM (
  SELECT source, n, layer, debit, credit,
    CASE WHEN substr(p, 1, 1) = '-' THEN -1 ELSE 1 END AS plus_sign, CASE WHEN substr(m, 1, 1) = '-'
      THEN -1 ELSE 1 END AS minus_sign,
    substr('0000000000000000000000000000000000000000' || substr(ltrim(p, '-'), 1, instr(ltrim(p, '-') || '.',
      '.') - 1), -40)
      || substr(substr(p, instr(p || '.', '.') + 1) || '00000000000000000000', 1, 20) AS plus,
    substr('0000000000000000000000000000000000000000' || substr(ltrim(m, '-'), 1, instr(ltrim(m, '-') || '.',
      '.') - 1), -40)
      || substr(substr(m, instr(m || '.', '.') + 1) || '00000000000000000000', 1, 20) AS minus,
    max(length(substr(p, instr(p || '.', '.') + 1)), length(substr(m, instr(m || '.', '.') + 1))) AS scale
  FROM (
    SELECT source, n, layer, debit, credit,
      CASE side WHEN 'debit' THEN debit ELSE credit END AS p, CASE side WHEN 'debit' THEN credit ELSE debit END AS m
    FROM (
      SELECT 'balance' AS source, b.n AS n, l.layer AS layer, a.normal_balance_type AS side,
        coalesce(json_extract(b.state, '$[' || l.layer || '][0]'), '0') AS debit,
        coalesce(json_extract(b.state, '$[' || l.layer || '][1]'), '0') AS credit
      FROM cala_balances b
      CROSS JOIN cala_accounts a ON a.n = b.account_n
      CROSS JOIN (SELECT 0 AS layer UNION ALL SELECT 1 UNION ALL SELECT 2) l
      UNION ALL
      SELECT 'entry', e.n, l.layer, a.normal_balance_type,
        coalesce(json_extract(e.state, '$[' || l.layer || '][0]'), '0'),
        coalesce(json_extract(e.state, '$[' || l.layer || '][1]'), '0')
      FROM cala_entries e CROSS JOIN cala_balances b ON b.n = e.balance_n
      CROSS JOIN cala_accounts a ON a.n = b.account_n
      CROSS JOIN (SELECT 0 AS layer UNION ALL SELECT 1 UNION ALL SELECT 2) l))) s
-- @break
CREATE VIEW main.cala_accounts_view AS
SELECT id AS account_id, code, name, external_id, normal_balance_type, status, description, metadata, version,
  replace(datetime((created_at + 62135596800000000) / 1000000 - 62135596800, 'unixepoch'), ' ', 'T')
    || '.' || substr(1000000 + (created_at + 62135596800000000) - (created_at + 62135596800000000) / 1000000 *
      1000000, -6) || 'Z' AS created_at,
  replace(datetime((modified_at + 62135596800000000) / 1000000 - 62135596800, 'unixepoch'), ' ', 'T')
    || '.' || substr(1000000 + (modified_at + 62135596800000000) - (modified_at + 62135596800000000) / 1000000 *
      1000000, -6) || 'Z' AS modified_at
FROM cala_accounts WHERE NOT is_set
-- @break
CREATE VIEW main.cala_balances_view AS
SELECT a.id AS account_id, a.code AS account_code, a.name AS account_name, j.id AS journal_id, j.name AS journal_name,
  b.currency AS currency,
  (SELECT s.net FROM cala_sums_v1 s WHERE s.source = 'balance' AND s.n = b.n AND s.layer = 0) AS settled,
  (SELECT s.net FROM cala_sums_v1 s WHERE s.source = 'balance' AND s.n = b.n AND s.layer = 1) AS pending,
  (SELECT s.net FROM cala_sums_v1 s WHERE s.source = 'balance' AND s.n = b.n AND s.layer = 2) AS encumbrance,
  (SELECT s.debit FROM cala_sums_v1 s WHERE s.source = 'balance' AND s.n = b.n AND s.layer = 0) AS settled_debit,
  (SELECT s.credit FROM cala_sums_v1 s WHERE s.source = 'balance' AND s.n = b.n AND s.layer = 0) AS settled_credit,
  (SELECT s.debit FROM cala_sums_v1 s WHERE s.source = 'balance' AND s.n = b.n AND s.layer = 1) AS pending_debit,
  (SELECT s.credit FROM cala_sums_v1 s WHERE s.source = 'balance' AND s.n = b.n AND s.layer = 1) AS pending_credit,
  (SELECT s.debit FROM cala_sums_v1 s WHERE s.source = 'balance' AND s.n = b.n AND s.layer = 2) AS encumbrance_debit,
  (SELECT s.credit FROM cala_sums_v1 s WHERE s.source = 'balance' AND s.n = b.n AND s.layer = 2) AS encumbrance_credit,
  b.version AS version,
  replace(datetime((b.created_at + 62135596800000000) / 1000000 - 62135596800, 'unixepoch'), ' ', 'T')
    || '.' || substr(1000000 + (b.created_at + 62135596800000000) - (b.created_at + 62135596800000000) / 1000000 *
      1000000, -6) || 'Z' AS created_at,
  replace(datetime((b.modified_at + 62135596800000000) / 1000000 - 62135596800, 'unixepoch'), ' ', 'T')
    || '.' || substr(1000000 + (b.modified_at + 62135596800000000) - (b.modified_at + 62135596800000000) / 1000000 *
      1000000, -6) || 'Z' AS modified_at
FROM cala_balances b
JOIN cala_accounts a ON a.n = b.account_n
JOIN cala_journals j ON j.n = b.journal_n
-- @break
CREATE VIEW main.cala_transactions_view AS
SELECT t.n AS posting, t.id AS transaction_id, j.id AS journal_id, j.name AS journal_name, p.code AS tx_template_code,
  date(t.effective * 86400, 'unixepoch') AS effective, coalesce(t.correlation_id, t.id) AS correlation_id,
    t.external_id AS external_id,
  t.description AS description, t.metadata AS metadata, t.entry_count AS entries, t.void_of AS void_of,
    (SELECT v.id FROM cala_transactions v WHERE v.void_of = t.id) AS voided_by, t.hold_id AS hold_id,
  replace(datetime((t.created_at + 62135596800000000) / 1000000 - 62135596800, 'unixepoch'), ' ', 'T')
    || '.' || substr(1000000 + (t.created_at + 62135596800000000) - (t.created_at + 62135596800000000) / 1000000 *
      1000000, -6) || 'Z' AS created_at
FROM cala_transactions t
JOIN cala_journals j ON j.n = t.journal_n
JOIN cala_tx_templates p ON p.n = t.tx_template_n
-- @break
CREATE VIEW main.cala_entries_view AS
SELECT t.n AS posting, e.n - t.first_entry_n + 1 AS sequence, r.id AS entry_id, t.id AS transaction_id,
  j.id AS journal_id, j.name AS journal_name,
  a.id AS account_id, a.code AS account_code, a.name AS account_name, e.entry_type AS entry_type,
  CASE e.layer WHEN 0 THEN 'settled' WHEN 1 THEN 'pending' ELSE 'encumbrance' END AS layer,
  CASE e.direction WHEN 0 THEN 'debit' ELSE 'credit' END AS direction, e.units AS units, b.currency AS currency,
  (SELECT s.net FROM cala_sums_v1 s WHERE s.source = 'entry' AND s.n = e.n AND s.layer = e.layer) AS balance,
  date(t.effective * 86400, 'unixepoch') AS effective, e.description AS description, e.metadata AS metadata,
    t.hold_id AS hold_id, e.version AS account_version,
  replace(datetime((e.created_at + 62135596800000000) / 1000000 - 62135596800, 'unixepoch'), ' ', 'T')
    || '.' || substr(1000000 + (e.created_at + 62135596800000000) - (e.created_at + 62135596800000000) / 1000000 *
      1000000, -6) || 'Z' AS created_at
FROM cala_entries e
JOIN cala_transactions t ON t.n = e.transaction_n AND e.n >= t.first_entry_n AND e.n < t.first_entry_n + t.entry_count
JOIN cala_balances b ON b.n = e.balance_n
JOIN cala_accounts a ON a.n = b.account_n
JOIN cala_journals j ON j.n = b.journal_n
JOIN cala_entry_rows_v1 r ON r.n = e.n
-- @break
CREATE VIEW main.cala_trial_balance_view AS
SELECT j.id AS journal_id, j.name AS journal_name, a.id AS account_id, a.code AS account_code, a.name AS account_name,
  b.currency AS currency, CASE s.layer WHEN 0 THEN 'settled' WHEN 1 THEN 'pending' ELSE 'encumbrance' END AS layer,
  s.debit AS debit, s.credit AS credit, s.net AS balance
FROM cala_balances b
JOIN cala_accounts a ON a.n = b.account_n
JOIN cala_journals j ON j.n = b.journal_n
JOIN cala_sums_v1 s ON s.source = 'balance' AND s.n = b.n
WHERE NOT a.is_set AND json_array_length(b.state, '$[' || s.layer || ']') > 0
-- @break
CREATE VIEW main.cala_trial_balance_totals_view AS
SELECT t.journal_id AS journal_id, t.journal_name AS journal_name, t.currency AS currency, t.layer AS layer,
  (
  WITH RECURSIVE w (k, x, text, y, negated) AS (
    SELECT 7, 4000000000000000000, '', 4000000000000000000, ''
    UNION ALL
    SELECT k - 1,
      4000000000000000000 + (x / 10000000000 - 400000000) + CASE k WHEN 2 THEN t.debit1 WHEN 3 THEN t.debit2 WHEN 4
        THEN t.debit3 WHEN 5 THEN t.debit4 WHEN 6 THEN t.debit5 WHEN 7 THEN t.debit6 ELSE 0 END,
      CASE WHEN k < 7 THEN substr('0000000000' || (x - x / 10000000000 * 10000000000), -10) ELSE '' END || text,
      4000000000000000000 + (y / 10000000000 - 400000000) - CASE k WHEN 2 THEN t.debit1 WHEN 3 THEN t.debit2 WHEN 4
        THEN t.debit3 WHEN 5 THEN t.debit4 WHEN 6 THEN t.debit5 WHEN 7 THEN t.debit6 ELSE 0 END,
      CASE WHEN k < 7 THEN substr('0000000000' || (y - y / 10000000000 * 10000000000), -10) ELSE '' END || negated
    FROM w WHERE k > 0)
  SELECT CASE WHEN x < 4000000000000000000 THEN '-' ELSE '' END
    || coalesce(nullif(ltrim(substr(CASE WHEN x < 4000000000000000000 THEN negated ELSE text END, 1, 40), '0'), ''),
      '0')
    || CASE WHEN t.scale > 0 THEN '.' || substr(CASE WHEN x < 4000000000000000000 THEN negated ELSE text END, 41,
      t.scale) ELSE '' END
  FROM w WHERE k = 0) AS debit,
  (
  WITH RECURSIVE w (k, x, text, y, negated) AS (
    SELECT 7, 4000000000000000000, '', 4000000000000000000, ''
    UNION ALL
    SELECT k - 1,
      4000000000000000000 + (x / 10000000000 - 400000000) + CASE k WHEN 2 THEN t.credit1 WHEN 3 THEN t.credit2 WHEN 4
        THEN t.credit3 WHEN 5 THEN t.credit4 WHEN 6 THEN t.credit5 WHEN 7 THEN t.credit6 ELSE 0 END,
      CASE WHEN k < 7 THEN substr('0000000000' || (x - x / 10000000000 * 10000000000), -10) ELSE '' END || text,
      4000000000000000000 + (y / 10000000000 - 400000000) - CASE k WHEN 2 THEN t.credit1 WHEN 3 THEN t.credit2 WHEN 4
        THEN t.credit3 WHEN 5 THEN t.credit4 WHEN 6 THEN t.credit5 WHEN 7 THEN t.credit6 ELSE 0 END,
      CASE WHEN k < 7 THEN substr('0000000000' || (y - y / 10000000000 * 10000000000), -10) ELSE '' END || negated
    FROM w WHERE k > 0)
  SELECT CASE WHEN x < 4000000000000000000 THEN '-' ELSE '' END
    || coalesce(nullif(ltrim(substr(CASE WHEN x < 4000000000000000000 THEN negated ELSE text END, 1, 40), '0'), ''),
      '0')
    || CASE WHEN t.scale > 0 THEN '.' || substr(CASE WHEN x < 4000000000000000000 THEN negated ELSE text END, 41,
      t.scale) ELSE '' END
  FROM w WHERE k = 0) AS credit
FROM (
  SELECT journal_id, journal_name, currency, layer,
    max(max(length(substr(debit, instr(debit || '.', '.') + 1)), length(substr(credit, instr(credit || '.',
      '.') + 1)))) AS scale,
    sum(CASE WHEN substr(debit, 1, 1) = '-' THEN -1 ELSE 1 END * CAST(substr(debit_digits, 1,
      10) AS INTEGER)) AS debit1,
    sum(CASE WHEN substr(debit, 1, 1) = '-' THEN -1 ELSE 1 END * CAST(substr(debit_digits, 11,
      10) AS INTEGER)) AS debit2,
    sum(CASE WHEN substr(debit, 1, 1) = '-' THEN -1 ELSE 1 END * CAST(substr(debit_digits, 21,
      10) AS INTEGER)) AS debit3,
    sum(CASE WHEN substr(debit, 1, 1) = '-' THEN -1 ELSE 1 END * CAST(substr(debit_digits, 31,
      10) AS INTEGER)) AS debit4,
    sum(CASE WHEN substr(debit, 1, 1) = '-' THEN -1 ELSE 1 END * CAST(substr(debit_digits, 41,
      10) AS INTEGER)) AS debit5,
    sum(CASE WHEN substr(debit, 1, 1) = '-' THEN -1 ELSE 1 END * CAST(substr(debit_digits, 51,
      10) AS INTEGER)) AS debit6,
    sum(CASE WHEN substr(credit, 1, 1) = '-' THEN -1 ELSE 1 END * CAST(substr(credit_digits, 1,
      10) AS INTEGER)) AS credit1,
    sum(CASE WHEN substr(credit, 1, 1) = '-' THEN -1 ELSE 1 END * CAST(substr(credit_digits, 11,
      10) AS INTEGER)) AS credit2,
    sum(CASE WHEN substr(credit, 1, 1) = '-' THEN -1 ELSE 1 END * CAST(substr(credit_digits, 21,
      10) AS INTEGER)) AS credit3,
    sum(CASE WHEN substr(credit, 1, 1) = '-' THEN -1 ELSE 1 END * CAST(substr(credit_digits, 31,
      10) AS INTEGER)) AS credit4,
    sum(CASE WHEN substr(credit, 1, 1) = '-' THEN -1 ELSE 1 END * CAST(substr(credit_digits, 41,
      10) AS INTEGER)) AS credit5,
    sum(CASE WHEN substr(credit, 1, 1) = '-' THEN -1 ELSE 1 END * CAST(substr(credit_digits, 51,
      10) AS INTEGER)) AS credit6
  FROM (
    SELECT journal_id, journal_name, currency, layer, debit, credit,
      substr('0000000000000000000000000000000000000000' || substr(ltrim(debit, '-'), 1, instr(ltrim(debit, '-')
        || '.', '.') - 1), -40)
      || substr(substr(debit, instr(debit || '.', '.') + 1) || '00000000000000000000', 1, 20) AS debit_digits,
      substr('0000000000000000000000000000000000000000' || substr(ltrim(credit, '-'), 1, instr(ltrim(credit, '-')
        || '.', '.') - 1), -40)
      || substr(substr(credit, instr(credit || '.', '.') + 1) || '00000000000000000000', 1, 20) AS credit_digits
    FROM cala_trial_balance_view)
  GROUP BY journal_id, currency, layer) t
