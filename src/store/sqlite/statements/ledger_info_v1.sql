-- Rows are never deleted, so the greatest number is the count;
-- but rows of sets' balances are numbered with the entries.
SELECT json_object(
  'accounts', (SELECT coalesce(max(n), 0) FROM main.cala_accounts) - (SELECT count(*) FROM main.cala_accounts
    WHERE is_set),
  'journals', (SELECT coalesce(max(n), 0) FROM main.cala_journals),
  'tx_templates', (SELECT coalesce(max(n), 0) FROM main.cala_tx_templates),
  'transactions', (SELECT coalesce(max(n), 0) FROM main.cala_transactions),
  'entries', (SELECT count(*) FROM main.cala_entries WHERE entry_n IS NULL),
  'balances', (SELECT coalesce(max(n), 0) FROM main.cala_balances))
WHERE ? IS NOT NULL
