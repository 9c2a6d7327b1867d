-- The ledger's tables. One schema holds everything; @schema@ stands for its quoted name. A line that holds nothing but
-- the break marker ends a statement, and each statement can be run alone. No percent sign, question mark or single
-- colon appears in these files, because some drivers take them for placeholders even in a statement without parameters.
--
-- Keys. A transaction has an ordinal, drawn when it is written and while its balances are locked: it is the order of
-- posting and also the sequence of its outbox event. Entries carry the ordinal of their transaction, so "by order of
-- posting" is (ordinal, sequence) everywhere. A balance has a number, by which its history refers to it: 8 bytes in
-- place of 36 in every row and index entry of the largest table.
--
-- No foreign keys: they cost a fifth of the posting rate. What they would check the ledger decides before it writes.
DO $do$
BEGIN
  IF pg_catalog.to_regnamespace('@schema@') IS NULL THEN
    CREATE SCHEMA @schema@;
  END IF;
END
$do$
-- @break
CREATE TABLE @schema@.migrations (
  version bigint PRIMARY KEY,
  applied_at timestamptz NOT NULL DEFAULT pg_catalog.now()
)
-- @break
CREATE TYPE @schema@.direction AS ENUM ('debit', 'credit')
-- @break
CREATE TYPE @schema@.layer AS ENUM ('settled', 'pending', 'encumbrance')
-- @break
CREATE TYPE @schema@.lock_status AS ENUM ('active', 'locked')
-- @break
CREATE TYPE @schema@.balance_rollup AS ENUM ('synchronous', 'eventually_consistent')
-- @break
-- Numbers transactions and every other outbox event.
CREATE SEQUENCE @schema@.event_sequence AS bigint
-- @break
CREATE SEQUENCE @schema@.balance_numbers AS bigint
-- @break
-- Accounts, and account sets, which have balances as accounts do: is_set, with a journal, and their id's text as code.
-- floors: what must stay available, in the library's notation; null where nothing must.
CREATE TABLE @schema@.accounts (
  id uuid NOT NULL,
  version bigint NOT NULL,
  created_at timestamptz NOT NULL,
  modified_at timestamptz NOT NULL,
  normal_balance_type @schema@.direction NOT NULL,
  status @schema@.lock_status NOT NULL,
  balance_rollup @schema@.balance_rollup NOT NULL,
  is_set boolean NOT NULL,
  journal_id uuid,
  code text COLLATE "C" NOT NULL,
  name text NOT NULL,
  external_id text COLLATE "C",
  description text,
  metadata json,
  floors text,
  CONSTRAINT accounts_pkey PRIMARY KEY (id),
  CONSTRAINT accounts_code_key UNIQUE (code)
)
-- @break
CREATE UNIQUE INDEX accounts_external_id_key ON @schema@.accounts (external_id) WHERE external_id IS NOT NULL
  AND NOT is_set
-- @break
-- For account_list of the few that are locked.
CREATE INDEX accounts_status_idx ON @schema@.accounts (status, code)
-- @break
CREATE UNIQUE INDEX account_sets_external_id_key ON @schema@.accounts (external_id) WHERE external_id IS NOT NULL
  AND is_set
-- @break
CREATE INDEX account_sets_created_idx ON @schema@.accounts (created_at, id) WHERE is_set
-- @break
CREATE INDEX account_sets_journal_idx ON @schema@.accounts (journal_id, created_at, id) WHERE is_set
-- @break
-- For trial balances by set.
CREATE INDEX account_sets_code_idx ON @schema@.accounts (code) WHERE is_set
-- @break
CREATE TABLE @schema@.journals (
  id uuid NOT NULL,
  version bigint NOT NULL,
  created_at timestamptz NOT NULL,
  modified_at timestamptz NOT NULL,
  status @schema@.lock_status NOT NULL,
  effective_balances boolean NOT NULL,
  max_scale json NOT NULL,
  name text NOT NULL,
  code text COLLATE "C",
  description text,
  closed_until date,
  CONSTRAINT journals_pkey PRIMARY KEY (id),
  CONSTRAINT journals_code_key UNIQUE (code)
)
-- @break
CREATE TABLE @schema@.tx_templates (
  id uuid NOT NULL,
  version bigint NOT NULL,
  created_at timestamptz NOT NULL,
  modified_at timestamptz NOT NULL,
  code text COLLATE "C" NOT NULL,
  params json NOT NULL,
  transaction json NOT NULL,
  entries json NOT NULL,
  description text,
  metadata json,
  CONSTRAINT tx_templates_pkey PRIMARY KEY (id),
  CONSTRAINT tx_templates_code_key UNIQUE (code)
)
-- @break
-- correlation_id is null where it is the transaction's own id, which is what it is when nobody gave one.
CREATE TABLE @schema@.transactions (
  ordinal bigint NOT NULL,
  created_at timestamptz NOT NULL,
  modified_at timestamptz NOT NULL,
  version integer NOT NULL,
  effective date NOT NULL,
  id uuid NOT NULL,
  journal_id uuid NOT NULL,
  tx_template_id uuid NOT NULL,
  void_of uuid,
  hold_id uuid,
  correlation_id text COLLATE "C",
  external_id text COLLATE "C",
  description text,
  metadata json,
  CONSTRAINT transactions_pkey PRIMARY KEY (id),
  CONSTRAINT transactions_ordinal_key UNIQUE (ordinal)
)
-- @break
CREATE UNIQUE INDEX transactions_external_id_key ON @schema@.transactions (external_id) WHERE external_id IS NOT NULL
-- @break
-- A transaction is voided once, and by which one is found here.
CREATE UNIQUE INDEX transactions_void_of_key ON @schema@.transactions (void_of) WHERE void_of IS NOT NULL
-- @break
-- The indexes below serve transaction_list, in order of posting within each filter. The date has a block range index:
-- rows arrive nearly in order of date, and it costs next to nothing to keep.
CREATE INDEX transactions_journal_idx ON @schema@.transactions (journal_id, ordinal)
-- @break
CREATE INDEX transactions_tx_template_idx ON @schema@.transactions (tx_template_id, ordinal)
-- @break
CREATE INDEX transactions_correlation_idx ON @schema@.transactions (correlation_id, ordinal)
  WHERE correlation_id IS NOT NULL
-- @break
CREATE INDEX transactions_effective_idx ON @schema@.transactions USING brin (effective)
  WITH (pages_per_range = 32, autosummarize = on)
-- @break
-- effective is the transaction's, repeated so that a statement of account by date needs no join.
CREATE TABLE @schema@.entries (
  ordinal bigint NOT NULL,
  account_version bigint NOT NULL,
  created_at timestamptz NOT NULL,
  sequence integer NOT NULL,
  effective date NOT NULL,
  layer @schema@.layer NOT NULL,
  direction @schema@.direction NOT NULL,
  id uuid NOT NULL,
  transaction_id uuid NOT NULL,
  account_id uuid NOT NULL,
  journal_id uuid NOT NULL,
  units numeric NOT NULL,
  currency text COLLATE "C" NOT NULL,
  entry_type text NOT NULL,
  description text,
  metadata json,
  CONSTRAINT entries_pkey PRIMARY KEY (id),
  CONSTRAINT entries_ordinal_key UNIQUE (ordinal, sequence)
)
-- @break
-- entries_ordinal_key finds a transaction's entries, and along them the list without a filter or by journal, for which
-- the transactions' index leads; this one the lists by account (also transactions by account), the next the four limits
-- of time within a journal.
CREATE INDEX entries_account_idx ON @schema@.entries (account_id, ordinal, sequence)
-- @break
CREATE INDEX entries_time_idx ON @schema@.entries USING brin (effective, created_at)
  WITH (pages_per_range = 16, autosummarize = on)
-- @break
-- Every posting updates its balances, so no index may cover what changes and pages keep room: the new row version stays
-- on its page and touches no index.
CREATE TABLE @schema@.balances (
  number bigint NOT NULL DEFAULT nextval('@schema@.balance_numbers'),
  version bigint NOT NULL,
  created_at timestamptz NOT NULL,
  modified_at timestamptz NOT NULL,
  settled_modified_at timestamptz NOT NULL,
  pending_modified_at timestamptz NOT NULL,
  encumbrance_modified_at timestamptz NOT NULL,
  account_id uuid NOT NULL,
  journal_id uuid NOT NULL,
  entry_id uuid NOT NULL,
  settled_entry_id uuid,
  pending_entry_id uuid,
  encumbrance_entry_id uuid,
  currency text COLLATE "C" NOT NULL,
  settled_debit numeric NOT NULL,
  settled_credit numeric NOT NULL,
  pending_debit numeric NOT NULL,
  pending_credit numeric NOT NULL,
  encumbrance_debit numeric NOT NULL,
  encumbrance_credit numeric NOT NULL,
  CONSTRAINT balances_pkey PRIMARY KEY (number),
  CONSTRAINT balances_account_id_key UNIQUE (account_id, currency, journal_id)
) WITH (fillfactor = 70)
-- @break
-- One row an entry: the balance right after it. modified_at rides in the key's index so that a balance as recorded at a
-- time is found without visiting the table.
CREATE TABLE @schema@.balance_history (
  balance_number bigint NOT NULL,
  version bigint NOT NULL,
  modified_at timestamptz NOT NULL,
  settled_modified_at timestamptz NOT NULL,
  pending_modified_at timestamptz NOT NULL,
  encumbrance_modified_at timestamptz NOT NULL,
  entry_id uuid NOT NULL,
  settled_entry_id uuid,
  pending_entry_id uuid,
  encumbrance_entry_id uuid,
  settled_debit numeric NOT NULL,
  settled_credit numeric NOT NULL,
  pending_debit numeric NOT NULL,
  pending_credit numeric NOT NULL,
  encumbrance_debit numeric NOT NULL,
  encumbrance_credit numeric NOT NULL,
  CONSTRAINT balance_history_pkey PRIMARY KEY (balance_number, version) INCLUDE (modified_at)
)
-- @break
-- payload is null where the event only names a row that never changes.
CREATE TABLE @schema@.outbox_events (
  sequence bigint NOT NULL DEFAULT nextval('@schema@.event_sequence'),
  recorded_at timestamptz NOT NULL,
  subject_id uuid NOT NULL,
  type text NOT NULL,
  payload json,
  CONSTRAINT outbox_events_pkey PRIMARY KEY (sequence)
)
-- @break
-- Transactions commit out of order, so who follows event_sequence alone loses what is committed late. A mark says how
-- far it may be followed: it has the sequence's newest number, and a transaction id that was taken after that had been
-- read. Whoever draws a number has its id before, so once every transaction below the mark's has ended, nothing at or
-- below its ordinal is to come. @schema@.order_mark() notes marks and says which is reached. A handful of rows.
CREATE TABLE @schema@.order_marks (
  ordinal bigint NOT NULL,
  xid xid8 NOT NULL
)
