-- There is never anything left to do: see rollup_status_v1.
UPDATE main.cala_ledger SET change = change WHERE ? IS NULL
