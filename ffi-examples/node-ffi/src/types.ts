// The documents of cala.h's operations, in camelCase. Amounts are decimal strings, ids UUID text, dates "2026-01-31",
// instants RFC 3339 text in UTC with six decimals.

/** An exact decimal with its scale kept: "10.00". Never a number. */
export type Amount = string;
/** UUID text. One that a create leaves out is made by the library. */
export type Id = string;
/** A day: "2026-01-31". */
export type DateText = string;
/** "2026-01-31T12:00:00.000000Z". Requests take a Date as well. */
export type Instant = string;
/** Any JSON value; passed through untouched. */
export type Json = any;

export type Direction = "debit" | "credit";
export type Layer = "settled" | "pending" | "encumbrance";
export type Status = "active" | "locked";
export type BalanceRollup = "synchronous";
export type ParamType = "string" | "integer" | "decimal" | "boolean" | "uuid" | "date" | "timestamp" | "json";

/** Which page of a list: its size (1 to 1000, default 100), the endCursor of the page before it, the order. */
export interface PageRequest {
  first?: number;
  after?: string | undefined;
  order?: "asc" | "desc";
}

/** A page of a list. endCursor is absent when the page is empty. */
export interface Page<T> {
  items: T[];
  hasNextPage: boolean;
  endCursor?: string;
}

export interface NewAccount {
  id?: Id;
  code: string;
  name: string;
  externalId?: string;
  /** Default "credit". */
  normalBalanceType?: Direction;
  /** Default "active". */
  status?: Status;
  description?: string;
  metadata?: Json;
  /** Default "synchronous". */
  balanceRollup?: BalanceRollup;
}

export interface Account {
  id: Id;
  version: number;
  code: string;
  name: string;
  externalId?: string;
  normalBalanceType: Direction;
  status: Status;
  description?: string;
  metadata?: Json;
  balanceRollup: BalanceRollup;
  createdAt: Instant;
  modifiedAt: Instant;
}

/** Only what is given changes; null clears. */
export interface AccountChange {
  id: Id;
  code?: string;
  name?: string;
  externalId?: string | null;
  normalBalanceType?: Direction;
  description?: string | null;
  metadata?: Json;
}

export interface NewJournal {
  id?: Id;
  name: string;
  code?: string;
  description?: string;
  status?: Status;
  /** Default false; true is refused until a later version. */
  effectiveBalances?: boolean;
  /** Digits after the decimal point that an entry may have; default 18. */
  maxScale?: MaxScale;
}

/** One number from 0 to 18, or one for each currency: { default: 18, USD: 2 }. */
export type MaxScale = number | { [currencyOrDefault: string]: number };

export interface Journal {
  id: Id;
  version: number;
  name: string;
  code?: string;
  description?: string;
  status: Status;
  effectiveBalances: boolean;
  maxScale: MaxScale;
  createdAt: Instant;
  modifiedAt: Instant;
}

/** Only what is given changes; null clears. */
export interface JournalChange {
  id: Id;
  name?: string;
  description?: string | null;
  maxScale?: MaxScale;
}

export interface TxTemplateParam {
  name: string;
  type: ParamType;
  /** A CEL expression. */
  default?: string;
  /** Constants in CEL, of an integer, decimal, date or timestamp param: a value outside is refused. */
  min?: string;
  max?: string;
  description?: string;
}

/** Every value is a CEL expression. */
export interface TxTemplateTransaction {
  effective: string;
  journalId: string;
  correlationId?: string;
  externalId?: string;
  description?: string;
  metadata?: string;
}

/** Every value is a CEL expression. */
export interface TxTemplateEntry {
  entryType: string;
  accountId: string;
  layer: string;
  direction: string;
  units: string;
  currency: string;
  description?: string;
  metadata?: string;
}

export interface NewTxTemplate {
  id?: Id;
  code: string;
  params?: TxTemplateParam[];
  transaction: TxTemplateTransaction;
  entries: TxTemplateEntry[];
  description?: string;
  metadata?: Json;
}

export interface TxTemplate extends NewTxTemplate {
  id: Id;
  version: number;
  createdAt: Instant;
  modifiedAt: Instant;
}

/**
 * A transaction to be posted. Posting the same id or external id again with the same content writes nothing and answers
 * as before.
 */
export interface NewTransaction {
  id?: Id;
  txTemplateCode: string;
  /** Passed through untouched. Amounts as text. */
  params?: Record<string, Json>;
}

export interface Transaction {
  id: Id;
  version: number;
  journalId: Id;
  txTemplateId: Id;
  txTemplateCode: string;
  entryIds: Id[];
  effective: DateText;
  correlationId: string;
  externalId?: string;
  description?: string;
  metadata?: Json;
  createdAt: Instant;
  modifiedAt: Instant;
}

export interface Entry {
  id: Id;
  transactionId: Id;
  journalId: Id;
  accountId: Id;
  entryType: string;
  sequence: number;
  layer: Layer;
  direction: Direction;
  units: Amount;
  currency: string;
  description?: string;
  metadata?: Json;
  accountVersion: number;
  createdAt: Instant;
}

/** replayed: the transaction had been posted before, and nothing was written now. */
export interface Posted {
  transaction: Transaction;
  entries: Entry[];
  replayed: boolean;
}

export interface TransactionFilter extends PageRequest {
  txTemplateId?: Id;
  journalId?: Id;
  accountId?: Id;
  correlationId?: string;
  /** Inclusive. */
  effectiveFrom?: DateText;
  /** Inclusive. */
  effectiveTo?: DateText;
  /** Ends before what is still being posted, so that following the list misses nothing. */
  stable?: boolean;
}

/** One of accountId, journalId, transactionId is needed. Bounds are inclusive. */
export interface EntryFilter extends PageRequest {
  accountId?: Id;
  journalId?: Id;
  transactionId?: Id;
  createdFrom?: Instant | Date;
  createdTo?: Instant | Date;
  effectiveFrom?: DateText;
  effectiveTo?: DateText;
  /** Ends before what is still being posted, so that following the list misses nothing. */
  stable?: boolean;
}

export interface BalanceKey {
  journalId: Id;
  accountId: Id;
  currency: string;
}

/** debit and credit are sums, never netted; net is signed by the account's normal balance type. */
export interface LayerBalance {
  debit: Amount;
  credit: Amount;
  net: Amount;
  entryId?: Id;
  modifiedAt: Instant;
}

/** version counts the entries that moved it. */
export interface Balance extends BalanceKey {
  version: number;
  createdAt: Instant;
  modifiedAt: Instant;
  entryId: Id;
  normalBalanceType: Direction;
  settled: LayerBalance;
  pending: LayerBalance;
  encumbrance: LayerBalance;
  /** pending = settled + pending; encumbrance = settled + pending + encumbrance. */
  available: { settled: Amount; pending: Amount; encumbrance: Amount };
}

export interface LedgerInfo {
  version: string;
  store: string;
  schemaVersion: number;
  librarySchemaVersion: number;
  accounts: number;
  journals: number;
  txTemplates: number;
  transactions: number;
  entries: number;
  balances: number;
  clock: "system" | "manual";
  now: Instant;
}

/** params, vars and bindings have the typed values of docs/cel.md and pass through untouched. */
export interface CelRequest {
  expr: string;
  /** The type to coerce the result to. */
  as?:
    "string" | "decimal" | "uuid" | "date" | "timestamp" | "bool" | "layer" | "direction" | "currency" | "json" | "any";
  /** The instant of date(). Default: the ledger's clock. */
  clock?: Instant | Date;
  params?: Json;
  vars?: Json;
  bindings?: Json;
  container?: string;
}

/** What a statement of the program's own answered: values as the database writes them as text. */
export interface Rows {
  columns: string[];
  rows: (string | null)[][];
  /** Rows written; 0 for a query. */
  affected: number;
}
