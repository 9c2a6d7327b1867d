-- (A limit beside ORDER BY keeps SQLite from dropping the order of what an aggregate reads.)
-- The ledger's rows as JSON texts (column row), the way every reading statement answers them. An entry's id is computed
-- from its instant (milliseconds), its number and the ledger's salt: tttttttt-tttt-7nnn-[8-b]nnn-nnnnssssssss.
CREATE VIEW main.cala_account_rows_v1 AS
SELECT
  n, id, code, external_id, status, is_set, journal_n, created_at,
  json_object(
    'id', id, 'version', version, 'code', code, 'name', name, 'external_id', external_id,
    'normal_balance_type', normal_balance_type, 'status', status, 'description', description, 'metadata', metadata,
    'balance_rollup', balance_rollup, 'is_set', json(CASE WHEN is_set THEN 'true' ELSE 'false' END), 'floors', floors,
    'journal_id', (SELECT j.id FROM cala_journals j WHERE j.n = journal_n),
    'created_at', created_at, 'modified_at', modified_at
  ) AS row
FROM cala_accounts
-- @break
CREATE VIEW main.cala_journal_rows_v1 AS
SELECT
  n, id, code, status, created_at,
  json_object(
    'id', id, 'version', version, 'name', name, 'code', code, 'description', description, 'status', status,
    'effective_balances', json(CASE WHEN effective_balances THEN 'true' ELSE 'false' END),
    'max_scale', json(max_scale), 'closed_until', closed_until, 'created_at', created_at, 'modified_at', modified_at
  ) AS row
FROM cala_journals
-- @break
CREATE VIEW main.cala_tx_template_rows_v1 AS
SELECT
  n, id, code,
  json_object(
    'id', id, 'version', version, 'code', code, 'params', json(params), 'transaction', json(transaction_exprs),
    'entries', json(entries), 'description', description, 'metadata', metadata,
    'created_at', created_at, 'modified_at', modified_at
  ) AS row
FROM cala_tx_templates
-- @break
CREATE VIEW main.cala_transaction_rows_v1 AS
SELECT
  t.n AS n, t.id AS id, t.external_id AS external_id, t.correlation_id AS correlation_id, t.effective AS effective,
  j.id AS journal_id, p.id AS tx_template_id, t.first_entry_n AS first_entry_n, t.entry_count AS entry_count,
  json_object(
    'id', t.id, 'journal_id', j.id, 'tx_template_id', p.id, 'tx_template_code', p.code, 'effective', t.effective,
    'correlation_id', coalesce(t.correlation_id, t.id), 'external_id', t.external_id, 'description', t.description,
    'metadata', t.metadata, 'void_of', t.void_of,
    'voided_by', (SELECT v.id FROM cala_transactions v WHERE v.void_of = t.id), 'hold_id', t.hold_id,
    'version', t.version,
    'created_at', t.created_at, 'modified_at', t.modified_at,
    'entry_ids', json((
      SELECT json_group_array(printf('%08x-%04x-7%03x-%04x-%04x%08x',
        ((e.created_at / 1000) >> 16) & 4294967295, (e.created_at / 1000) & 65535,
        e.n >> 30, 32768 | ((e.n >> 16) & 16383), e.n & 65535, l.salt))
      FROM (
        SELECT o.n, o.created_at FROM cala_entries o
        WHERE o.n >= t.first_entry_n AND o.n < t.first_entry_n + t.entry_count ORDER BY o.n LIMIT -1) e
      CROSS JOIN cala_ledger l))
  ) AS row
FROM cala_transactions t
CROSS JOIN cala_journals j ON j.n = t.journal_n
CROSS JOIN cala_tx_templates p ON p.n = t.tx_template_n
-- @break
CREATE VIEW main.cala_entry_rows_v1 AS
SELECT
  e.n AS n, e.created_at AS created_at, t.n AS transaction_n, t.effective AS effective, j.id AS journal_id,
  printf('%08x-%04x-7%03x-%04x-%04x%08x',
    ((e.created_at / 1000) >> 16) & 4294967295, (e.created_at / 1000) & 65535,
    e.n >> 30, 32768 | ((e.n >> 16) & 16383), e.n & 65535, l.salt) AS id,
  json_object(
    'id', printf('%08x-%04x-7%03x-%04x-%04x%08x',
      ((e.created_at / 1000) >> 16) & 4294967295, (e.created_at / 1000) & 65535,
      e.n >> 30, 32768 | ((e.n >> 16) & 16383), e.n & 65535, l.salt),
    'transaction_id', t.id, 'journal_id', j.id, 'account_id', a.id, 'entry_type', e.entry_type,
    'sequence', e.n - t.first_entry_n + 1,
    'layer', CASE e.layer WHEN 0 THEN 'settled' WHEN 1 THEN 'pending' ELSE 'encumbrance' END,
    'direction', CASE e.direction WHEN 0 THEN 'debit' ELSE 'credit' END,
    'units', e.units, 'currency', b.currency, 'description', e.description, 'metadata', e.metadata,
    'account_version', e.version, 'created_at', e.created_at
  ) AS row
FROM cala_entries e
CROSS JOIN cala_transactions t ON t.n = e.transaction_n
CROSS JOIN cala_balances b ON b.n = e.balance_n
CROSS JOIN cala_accounts a ON a.n = b.account_n
CROSS JOIN cala_journals j ON j.n = b.journal_n
CROSS JOIN cala_ledger l
WHERE e.entry_n IS NULL
-- @break
-- A balance right after row n; after its newest row, that is the balance as it stands.
CREATE VIEW main.cala_balance_rows_v1 AS
SELECT
  e.n AS n, e.version AS version,
  json_object(
    'account_id', a.id, 'journal_id', j.id, 'currency', b.currency, 'version', e.version,
    'entry_id', printf('%08x-%04x-7%03x-%04x-%04x%08x',
      ((e.created_at / 1000) >> 16) & 4294967295, (e.created_at / 1000) & 65535,
      coalesce(e.entry_n, e.n) >> 30, 32768 | ((coalesce(e.entry_n, e.n) >> 16) & 16383),
            coalesce(e.entry_n, e.n) & 65535, l.salt),
    'created_at', b.created_at, 'modified_at', e.created_at, 'normal_balance_type', a.normal_balance_type,
    'layers', json((
      SELECT json_group_array(json(
        CASE coalesce(json_array_length(e.state, layer.path), 0)
        WHEN 2 THEN json_array(
          json_extract(e.state, layer.path || '[0]'), json_extract(e.state, layer.path || '[1]'),
          printf('%08x-%04x-7%03x-%04x-%04x%08x',
            ((e.created_at / 1000) >> 16) & 4294967295, (e.created_at / 1000) & 65535,
            coalesce(e.entry_n, e.n) >> 30, 32768 | ((coalesce(e.entry_n, e.n) >> 16) & 16383),
            coalesce(e.entry_n, e.n) & 65535, l.salt),
          e.created_at)
        WHEN 4 THEN json_array(
          json_extract(e.state, layer.path || '[0]'), json_extract(e.state, layer.path || '[1]'),
          CASE WHEN json_extract(e.state, layer.path || '[2]') IS NOT NULL THEN
            printf('%08x-%04x-7%03x-%04x-%04x%08x',
              ((json_extract(e.state, layer.path || '[3]') / 1000) >> 16) & 4294967295,
              (json_extract(e.state, layer.path || '[3]') / 1000) & 65535,
              json_extract(e.state, layer.path || '[2]') >> 30,
              32768 | ((json_extract(e.state, layer.path || '[2]') >> 16) & 16383),
              json_extract(e.state, layer.path || '[2]') & 65535, l.salt) END,
          json_extract(e.state, layer.path || '[3]'))
        ELSE json_array('0', '0', NULL, b.created_at) END))
      FROM (SELECT path FROM (SELECT '$[0]' AS path UNION ALL SELECT '$[1]' UNION ALL SELECT '$[2]')
        ORDER BY path LIMIT -1) layer))
  ) AS row
FROM cala_entries e
CROSS JOIN cala_balances b ON b.n = e.balance_n
CROSS JOIN cala_accounts a ON a.n = b.account_n
CROSS JOIN cala_journals j ON j.n = b.journal_n
CROSS JOIN cala_ledger l
