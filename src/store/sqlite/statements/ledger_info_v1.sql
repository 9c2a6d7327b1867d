-- Rows are never deleted, so the greatest number is the count.
SELECT json_object(
  'accounts', (SELECT coalesce(max(n), 0) FROM cala_accounts),
  'journals', (SELECT coalesce(max(n), 0) FROM cala_journals),
  'tx_templates', (SELECT coalesce(max(n), 0) FROM cala_tx_templates),
  'transactions', (SELECT coalesce(max(n), 0) FROM cala_transactions),
  'entries', (SELECT coalesce(max(n), 0) FROM cala_entries),
  'balances', (SELECT coalesce(max(n), 0) FROM cala_balances))
WHERE ? IS NOT NULL
