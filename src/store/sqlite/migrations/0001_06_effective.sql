-- Balances by effective date, of journals that keep them: what a balance's entries add up to in each day (level 0),
-- month (1) and year (2) that has any, and start is its first day (core/balance/effective.h). sums is the store port's
-- row. modified_on is the day of modified_at and is what is indexed: all postings of a day leave it as it is.
CREATE TABLE main.cala_effective_balances (
  balance_n INTEGER NOT NULL,
  level INTEGER NOT NULL,
  start INTEGER NOT NULL,
  modified_on INTEGER NOT NULL,
  modified_at INTEGER NOT NULL,
  sums TEXT NOT NULL,
  PRIMARY KEY (balance_n, level, start)
) WITHOUT ROWID
-- @break
CREATE INDEX main.cala_effective_balances_modified_on ON cala_effective_balances (modified_on) WHERE level = 0
-- @break
-- Which rows of cala_entries a balance has by effective date, of such journals.
CREATE TABLE main.cala_effective_entries (
  balance_n INTEGER NOT NULL,
  effective INTEGER NOT NULL,
  n INTEGER NOT NULL,
  PRIMARY KEY (balance_n, effective, n)
) WITHOUT ROWID
