-- What people with psql in hand read: docs/views.md promises these views and their columns (*_view). They read with the
-- rights of the schema's owner, so a role that may SELECT them (and has USAGE on the schema) can read them and nothing
-- else. Plain SQL, so that nobody needs to execute a function for them.
CREATE VIEW @schema@.accounts_view AS
SELECT a.id AS account_id, a.code, a.name, a.external_id, a.normal_balance_type::text AS normal_balance_type,
  a.status::text AS status,
  a.description, a.metadata, a.version, a.created_at, a.modified_at
FROM @schema@.accounts a WHERE NOT a.is_set
-- @break
CREATE VIEW @schema@.balances_view AS
SELECT b.account_id, a.code AS account_code, a.name AS account_name, b.journal_id, j.name AS journal_name, b.currency,
  CASE a.normal_balance_type WHEN 'debit'
    THEN b.settled_debit - b.settled_credit ELSE b.settled_credit - b.settled_debit END AS settled,
  CASE a.normal_balance_type WHEN 'debit'
    THEN b.pending_debit - b.pending_credit ELSE b.pending_credit - b.pending_debit END AS pending,
  CASE a.normal_balance_type WHEN 'debit' THEN b.encumbrance_debit - b.encumbrance_credit
    ELSE b.encumbrance_credit - b.encumbrance_debit END AS encumbrance,
  b.settled_debit, b.settled_credit, b.pending_debit, b.pending_credit, b.encumbrance_debit, b.encumbrance_credit,
  b.version, b.created_at, b.modified_at
FROM @schema@.balances b
JOIN @schema@.accounts a ON a.id = b.account_id
JOIN @schema@.journals j ON j.id = b.journal_id
-- @break
CREATE VIEW @schema@.transactions_view AS
SELECT t.ordinal AS posting, t.id AS transaction_id, t.journal_id, j.name AS journal_name, c.code AS tx_template_code,
  t.effective,
  coalesce(t.correlation_id, t.id::text) AS correlation_id, t.external_id, t.description, t.metadata,
  (SELECT count(*) FROM @schema@.entries e WHERE e.ordinal = t.ordinal) AS entries, t.void_of,
  (SELECT v.id FROM @schema@.transactions v WHERE v.void_of = t.id) AS voided_by, t.hold_id, t.created_at
FROM @schema@.transactions t
JOIN @schema@.journals j ON j.id = t.journal_id
JOIN @schema@.tx_templates c ON c.id = t.tx_template_id
-- @break
CREATE VIEW @schema@.entries_view AS
SELECT e.ordinal AS posting, e.sequence, e.id AS entry_id, e.transaction_id, e.journal_id, j.name AS journal_name,
  e.account_id,
  a.code AS account_code, a.name AS account_name, e.entry_type, e.layer::text AS layer,
    e.direction::text AS direction, e.units, e.currency,
  CASE a.normal_balance_type WHEN 'debit' THEN 1 ELSE -1 END * CASE e.layer
    WHEN 'settled' THEN h.settled_debit - h.settled_credit
    WHEN 'pending' THEN h.pending_debit - h.pending_credit
    ELSE h.encumbrance_debit - h.encumbrance_credit END AS balance,
  e.effective, e.description, e.metadata,
  (SELECT t.hold_id FROM @schema@.transactions t WHERE t.ordinal = e.ordinal) AS hold_id, e.account_version,
    e.created_at
FROM @schema@.entries e
JOIN @schema@.accounts a ON a.id = e.account_id
JOIN @schema@.journals j ON j.id = e.journal_id
JOIN @schema@.balances b ON b.account_id = e.account_id AND b.currency = e.currency AND b.journal_id = e.journal_id
JOIN @schema@.balance_history h ON h.balance_number = b.number AND h.version = e.account_version
-- @break
CREATE VIEW @schema@.trial_balance_view AS
SELECT b.journal_id, j.name AS journal_name, b.account_id, a.code AS account_code, a.name AS account_name, b.currency,
  l.layer, l.debit, l.credit,
  CASE a.normal_balance_type WHEN 'debit' THEN l.debit - l.credit ELSE l.credit - l.debit END AS balance
FROM @schema@.balances b
JOIN @schema@.accounts a ON a.id = b.account_id
JOIN @schema@.journals j ON j.id = b.journal_id
CROSS JOIN LATERAL (VALUES ('settled'::text, b.settled_debit, b.settled_credit, b.settled_entry_id),
  ('pending', b.pending_debit, b.pending_credit, b.pending_entry_id),
  ('encumbrance', b.encumbrance_debit, b.encumbrance_credit, b.encumbrance_entry_id)) AS l (layer, debit, credit,
    entry_id)
WHERE NOT a.is_set AND l.entry_id IS NOT NULL
-- @break
CREATE VIEW @schema@.trial_balance_totals_view AS
SELECT v.journal_id, v.journal_name, v.currency, v.layer, sum(v.debit) AS debit, sum(v.credit) AS credit
FROM @schema@.trial_balance_view v GROUP BY v.journal_id, v.journal_name, v.currency, v.layer
