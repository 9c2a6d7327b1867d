-- The ledger's tables, in the application's own file. Every table has small row numbers (n); text ids are kept once, on
-- the things that people name. Instants are microseconds since 1970 UTC, dates are days since 1970-01-01, amounts are
-- text. Nothing is ever deleted from accounts, journals, tx_templates, transactions, entries and balances: the next
-- number is max(n) + 1.
CREATE TABLE main.cala_migrations (
  version INTEGER PRIMARY KEY,
  applied_at INTEGER NOT NULL
)
-- @break
-- One row. salt: the last eight digits of every entry's id. change: counts the updates of accounts, journals and
-- templates, so that a posting can tell that none came between its read and its write, and that what it remembers of
-- them is still so.
CREATE TABLE main.cala_ledger (
  n INTEGER PRIMARY KEY CHECK (n = 1),
  salt INTEGER NOT NULL,
  change INTEGER NOT NULL
)
-- @break
INSERT INTO main.cala_ledger (n, salt, change) VALUES (1, random() & 4294967295, 0)
-- @break
-- Accounts, and account sets, which have balances as accounts do: is_set, with a journal, and their id as code.
CREATE TABLE main.cala_accounts (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL,
  code TEXT NOT NULL UNIQUE,
  name TEXT NOT NULL,
  external_id TEXT,
  normal_balance_type TEXT NOT NULL,
  status TEXT NOT NULL,
  description TEXT,
  metadata TEXT,
  balance_rollup TEXT NOT NULL,
  is_set INTEGER NOT NULL,
  floors TEXT,
  journal_n INTEGER,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL
)
-- @break
CREATE UNIQUE INDEX main.cala_accounts_external_id ON cala_accounts (external_id) WHERE external_id IS NOT NULL
  AND NOT is_set
-- @break
CREATE UNIQUE INDEX main.cala_account_sets_external_id ON cala_accounts (external_id) WHERE external_id IS NOT NULL
  AND is_set
-- @break
CREATE INDEX main.cala_account_sets_created ON cala_accounts (created_at, id) WHERE is_set
-- @break
CREATE INDEX main.cala_account_sets_journal ON cala_accounts (journal_n, created_at, id) WHERE is_set
-- @break
CREATE TABLE main.cala_journals (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL,
  name TEXT NOT NULL,
  code TEXT UNIQUE,
  description TEXT,
  status TEXT NOT NULL,
  effective_balances INTEGER NOT NULL,
  max_scale TEXT NOT NULL,
  closed_until INTEGER,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL
)
-- @break
-- params, transaction_exprs and entries: JSON text, as the API takes them.
CREATE TABLE main.cala_tx_templates (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  version INTEGER NOT NULL,
  code TEXT NOT NULL UNIQUE,
  params TEXT NOT NULL,
  transaction_exprs TEXT NOT NULL,
  entries TEXT NOT NULL,
  description TEXT,
  metadata TEXT,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL
)
-- @break
-- A transaction's entries are first_entry_n and the entry_count - 1 numbers after it. correlation_id: NULL where it is
-- the transaction's own id.
CREATE TABLE main.cala_transactions (
  n INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE,
  journal_n INTEGER NOT NULL,
  tx_template_n INTEGER NOT NULL,
  effective INTEGER NOT NULL,
  first_entry_n INTEGER NOT NULL,
  entry_count INTEGER NOT NULL,
  correlation_id TEXT,
  external_id TEXT,
  description TEXT,
  metadata TEXT,
  void_of TEXT,
  hold_id TEXT,
  version INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL
)
-- @break
CREATE UNIQUE INDEX main.cala_transactions_external_id ON cala_transactions (external_id) WHERE external_id IS NOT NULL
-- @break
-- A transaction is voided once, and by which one is found here.
CREATE UNIQUE INDEX main.cala_transactions_void_of ON cala_transactions (void_of) WHERE void_of IS NOT NULL
-- @break
CREATE INDEX main.cala_transactions_correlation_id ON cala_transactions (correlation_id)
  WHERE correlation_id IS NOT NULL
-- @break
-- A balance as its last entry left it. head_entry_n: the newest row of cala_entries that moved it. entry_n: of a set's
-- balance, the entry behind that row. trail: a JSON array of row numbers, the head's skip path (the versions got by
-- clearing the lowest set bit of version again and again), oldest first, the head last. state: see cala_entries.
CREATE TABLE main.cala_balances (
  n INTEGER PRIMARY KEY,
  account_n INTEGER NOT NULL,
  journal_n INTEGER NOT NULL,
  currency TEXT NOT NULL,
  version INTEGER NOT NULL,
  head_entry_n INTEGER NOT NULL,
  created_at INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  trail TEXT NOT NULL,
  state TEXT NOT NULL,
  entry_n INTEGER,
  UNIQUE (account_n, journal_n, currency)
)
-- @break
-- What moved a balance: entries, each with the balance of its account, and after the entries of a posting a row for
-- each set above those accounts, which has the set's balance and names the entry (entry_n, else null; entry_type and
-- units are then empty). Rows are only ever appended, with no index but their number. version: of the balance, after
-- this entry. prev_n: the entry of the version before; skip_n: of the version got by clearing this version's lowest set
-- bit; 0 where there is none. The two make every walk along a balance's entries O(log n). layer: 0 settled, 1 pending,
-- 2 encumbrance. direction: 0 debit, 1 credit. state: the balance's layers right after this entry, a JSON array, empty
-- layers at its end left out; a layer is 0 (empty), or [debit, credit] when this entry moved it, or [debit, credit,
-- entry number, modified_at].
CREATE TABLE main.cala_entries (
  n INTEGER PRIMARY KEY,
  transaction_n INTEGER NOT NULL,
  balance_n INTEGER NOT NULL,
  version INTEGER NOT NULL,
  prev_n INTEGER NOT NULL,
  skip_n INTEGER NOT NULL,
  entry_type TEXT NOT NULL,
  layer INTEGER NOT NULL,
  direction INTEGER NOT NULL,
  units TEXT NOT NULL,
  description TEXT,
  metadata TEXT,
  created_at INTEGER NOT NULL,
  state TEXT NOT NULL,
  entry_n INTEGER
)
-- @break
-- What happened, in order. subject_n: the transaction, of transaction_created (its rows never change, so it needs no
-- payload); otherwise subject_id and payload. Whoever clears old events must keep the newest: the next sequence is
-- max(sequence) + 1.
CREATE TABLE main.cala_outbox_events (
  sequence INTEGER PRIMARY KEY,
  type TEXT NOT NULL,
  subject_n INTEGER,
  subject_id TEXT,
  payload TEXT,
  recorded_at INTEGER NOT NULL
)
