import { CalaError, InvalidError } from "./errors.js";
import type { Scope } from "./scope.js";
import type * as t from "./types.js";

/** A transaction that the program expects in the ledger, by its external id. What is given besides is compared. */
export interface Expected<Row = unknown> {
  externalId: string;
  txTemplateCode?: string;
  journalId?: t.Id;
  effective?: string;
  correlationId?: string;
  /** Null: the transaction has none. */
  description?: string | null;
  /** What is debited in it, in all layers, by currency: `{ USD: "10.00" }`. */
  amounts?: Record<string, string>;
  /** The program's own; it is handed on and not looked at. */
  row?: Row;
}

/** How far reconciling has come: JSON, to be kept by the program. */
export interface ReconcilePlace {
  /** The external id of the last row that was compared. */
  row?: string;
  /** The cursor behind the last transaction of the ledger that was looked up. */
  transaction?: string;
}

/** What `reconcile` walks. */
export interface ReconcileOptions<Row = unknown> {
  /**
   * What the program expects, in an order of its own: those behind the one with the external id `after`, or all. Each
   * is looked up in the ledger.
   */
  rows(after: string | undefined): Iterable<Expected<Row>> | AsyncIterable<Expected<Row>>;
  /**
   * Which of these the program knows. With it the ledger's transactions are looked up in the program in turn; those
   * without an external id, and those that were taken back, are not.
   */
  known?(externalIds: string[]): Iterable<string> | Promise<Iterable<string>>;
  /** The posting of one that is missing, which is then posted; undefined leaves it. */
  replay?(
    expected: Expected<Row>,
  ): t.TransactionPostRequest | undefined | Promise<t.TransactionPostRequest | undefined>;
  /** That of an earlier page, to go on behind it. */
  place?: ReconcilePlace;
  /** How many rows, or transactions, are looked up at once, 1 to 1000. Default 500. */
  pageSize?: number;
  /** Only transactions that were recorded by then must be known: younger ones may be under way. */
  recordedBy?: t.Instant | Date;
  /** Only these transactions must be known. */
  journalId?: t.Id;
  txTemplateId?: t.Id;
  accountId?: t.Id;
  correlationId?: string;
}

/** A transaction that is not as the program expects it. */
export interface Differing<Row = unknown> {
  expected: Expected<Row>;
  transaction: t.Transaction;
  /** The keys of `expected` that differ; "voidedBy" where it was taken back. */
  fields: string[];
}

/** A missing transaction that the ledger did not take. */
export interface Refused<Row = unknown> {
  expected: Expected<Row>;
  error: CalaError;
}

/** What came of one page. */
export interface Reconciled<Row = unknown> {
  /** How many rows, or transactions, it had. */
  checked: number;
  /** What the ledger has not; with `replay`: had not. */
  missing: Expected<Row>[];
  differing: Differing<Row>[];
  /** What the ledger has and the program does not know. */
  extra: t.Transaction[];
  /** What was posted of the missing. */
  replayed: t.Posted[];
  refused: Refused<Row>[];
  /** Where to go on behind this page. */
  place: ReconcilePlace;
}

const compared = ["txTemplateCode", "journalId", "effective", "correlationId", "description"] as const;
const keys = new Set<string>([...compared, "externalId", "amounts", "row"]);
const filterKeys = ["journalId", "txTemplateId", "accountId", "correlationId"] as const;
const optionKeys = new Set<string>(["rows", "known", "replay", "place", "pageSize", "recordedBy", ...filterKeys]);
const placeKeys = new Set(["row", "transaction"]);
const entriesAtOnce = 10_000;
const refusals = new Set(["INVALID", "NOT_FOUND", "CONFLICT", "REJECTED"]);

function malformed(message: string): InvalidError {
  return new InvalidError({ status: "INVALID", code: "request.malformed", message });
}

function checkKeys(given: object, known: Set<string>, what: string): void {
  const unknown = Object.keys(given).find((key) => !known.has(key));
  if (unknown !== undefined) throw malformed(`${what} has no key ${unknown}`);
}

function kindOf(value: unknown): string {
  if (value === null) return "null";
  return Array.isArray(value) ? "array" : typeof value;
}

function checkPlace(place: unknown): void {
  if (place === undefined || place === null) return;
  if (kindOf(place) !== "object") throw malformed(`the place of reconcile is ${kindOf(place)}, and must be that ` +
    `of an earlier page`);
  checkKeys(place as object, placeKeys, "the place of reconcile");
  for (const [key, value] of Object.entries(place)) {
    if (value === undefined || value === null || typeof value === "string") continue;
    throw malformed(`${key} of the place of reconcile is ${kindOf(value)}, and must be a string`);
  }
}

function checkExpected(row: unknown): void {
  const what = "what is expected of a transaction";
  if (kindOf(row) !== "object") throw malformed(`${what} is ${kindOf(row)}, and must be an object`);
  const expected = row as Record<string, unknown>;
  checkKeys(expected, keys, what);
  if (typeof expected["externalId"] !== "string") throw malformed(`${what} needs an externalId`);
  for (const key of compared) {
    const value = expected[key];
    if (value === undefined || value === null || typeof value === "string") continue;
    throw malformed(`${key} of ${what} is ${kindOf(value)}, and must be a string`);
  }
  const { amounts } = expected;
  if (amounts === undefined) return;
  if (kindOf(amounts) !== "object") throw malformed(`amounts of ${what} is ${kindOf(amounts)}, and must be as ` +
    `{ USD: "10.00" }`);
  for (const text of Object.values(amounts as object)) amount(text);
}

function checked(options: ReconcileOptions<any>): number {
  checkKeys(options, optionKeys, "reconcile");
  checkPlace(options.place);
  const { pageSize = 500, recordedBy } = options;
  if (!Number.isInteger(pageSize) || pageSize < 1 || pageSize > 1000) {
    throw malformed(`pageSize is ${pageSize}, and must be 1 to 1000`);
  }
  const dated = typeof recordedBy === "string" || recordedBy instanceof Date;
  if (recordedBy !== undefined && !(dated && Number.isFinite(new Date(recordedBy).getTime()))) {
    throw malformed(`recordedBy is ${recordedBy}, and must be an instant, "2026-01-31T12:00:00Z", or a Date`);
  }
  return pageSize;
}

// Those of these that the program knows.
async function knownOf(known: NonNullable<ReconcileOptions["known"]>, listed: t.Transaction[]): Promise<Set<string>> {
  if (listed.length === 0) return new Set();
  const there: unknown = await known(listed.map((item) => item.externalId as string));
  if (typeof there === "object" && there !== null && Symbol.iterator in there) {
    const all = new Set(there as Iterable<string>);
    for (const one of all) {
      if (typeof one !== "string") throw malformed(`known gave an external id that is ${kindOf(one)}, and must be ` +
        `a string`);
    }
    return all;
  }
  throw malformed(`known gave ${there === null ? "null" : typeof there}, and must give the external ids that the ` +
    `program knows`);
}

/** Goes through both sides, a page in memory at a time. */
export async function* reconcile<Row>(
  ledger: Scope,
  options: ReconcileOptions<Row>,
): AsyncGenerator<Reconciled<Row>, void, undefined> {
  const pageSize = checked(options);
  const { known } = options;
  let place: ReconcilePlace = { ...options.place };
  for await (const rows of chunks(options.rows(place.row), pageSize)) {
    const page = await compare(ledger, rows, place);
    for (const expected of options.replay ? page.missing : []) await replay(ledger, options, expected, page);
    place = page.place = { ...place, row: (rows[rows.length - 1] as Expected).externalId };
    yield page;
  }
  if (!known) return;
  for (let more = true; more; ) {
    const listed = await recorded(ledger, options, pageSize, place.transaction);
    // One that was taken back counts for nothing, nor does what took it back.
    const named = listed.items.filter((item) => item.externalId !== undefined && !item.voidedBy && !item.voidOf);
    const there = await knownOf(known, named);
    const page = empty<Row>(listed.items.length, place);
    page.extra = named.filter((item) => !there.has(item.externalId as string));
    if (listed.endCursor !== undefined) place = page.place = { ...place, transaction: listed.endCursor };
    more = listed.hasNextPage;
    if (page.checked > 0) yield page;
  }
}

function empty<Row>(checked: number, place: ReconcilePlace): Reconciled<Row> {
  return { checked, missing: [], differing: [], extra: [], replayed: [], refused: [], place };
}

async function* chunks<T>(items: Iterable<T> | AsyncIterable<T>, size: number): AsyncGenerator<T[], void, undefined> {
  let chunk: T[] = [];
  for await (const item of items) {
    chunk.push(item);
    if (chunk.length < size) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

// A page of the ledger's transactions, which ends before the first that is younger than asked.
async function recorded<Row>(
  ledger: Scope,
  options: ReconcileOptions<Row>,
  first: number,
  after: string | undefined,
): Promise<t.Page<t.Transaction>> {
  const filters = Object.fromEntries(
    filterKeys
      .filter((key) => options[key] !== undefined)
      .map((key) => [key, options[key]]),
  );
  const asked = { ...filters, first, stable: true, ...(after === undefined ? {} : { after }) };
  const listed = await ledger.transactions().list(asked).page();
  const last = options.recordedBy === undefined ? undefined : new Date(options.recordedBy).getTime();
  const count = listed.items.findIndex((item) => last !== undefined && Date.parse(item.createdAt) > last);
  if (count < 0) return listed;
  if (count === 0) return { items: [], hasNextPage: false };
  return { ...(await ledger.transactions().list({ ...asked, first: count }).page()), hasNextPage: false };
}

async function compare<Row>(ledger: Scope, rows: Expected<Row>[], place: ReconcilePlace): Promise<Reconciled<Row>> {
  rows.forEach(checkExpected);
  const found = await ledger.transactions().findMany({ externalIds: rows.map((row) => row.externalId) });
  const there = new Map(found.map((item) => [item.externalId, item]));
  const debited = await debits(ledger, rows, there);
  const page = empty<Row>(rows.length, place);
  for (const expected of rows) {
    const transaction = there.get(expected.externalId);
    if (!transaction) {
      page.missing.push(expected);
      continue;
    }
    const fields: string[] = compared.filter(
      (key) => expected[key] !== undefined && (expected[key] ?? undefined) !== transaction[key],
    );
    if (transaction.voidedBy !== undefined) fields.push("voidedBy");
    if (expected.amounts && !same(expected.amounts, debited.get(transaction.id) ?? new Map())) fields.push("amounts");
    if (fields.length > 0) page.differing.push({ expected, transaction, fields });
  }
  return page;
}

// What is debited by currency, of the transactions whose amounts are compared.
async function debits(
  ledger: Scope,
  rows: Expected[],
  there: Map<string | undefined, t.Transaction>,
): Promise<Map<string, Map<string, Amount>>> {
  const ids = rows.flatMap((row) => (row.amounts ? (there.get(row.externalId)?.entryIds ?? []) : []));
  const distinct = [...new Set(ids)];
  const debited = new Map<string, Map<string, Amount>>();
  for (let begin = 0; begin < distinct.length; begin += entriesAtOnce) {
    for (const entry of await ledger.entries().findMany(distinct.slice(begin, begin + entriesAtOnce))) {
      if (entry.direction !== "debit") continue;
      const sums = debited.get(entry.transactionId) ?? new Map<string, Amount>();
      debited.set(entry.transactionId, sums);
      sums.set(entry.currency, sum(sums.get(entry.currency), amount(entry.units)));
    }
  }
  return debited;
}

/** units / 10 ** scale. */
interface Amount {
  units: bigint;
  scale: number;
}

function amount(text: unknown): Amount {
  const [, sign, whole, fraction = ""] = (typeof text === "string" && /^(-?)(\d+)(?:\.(\d+))?$/.exec(text)) || [];
  if (whole === undefined) throw malformed(`${text} is no amount, which is a string: "10.00"`);
  return { units: BigInt(`${sign}${whole}${fraction}`), scale: fraction.length };
}

function sum(one: Amount = { units: 0n, scale: 0 }, other: Amount): Amount {
  const scale = Math.max(one.scale, other.scale);
  const at = ({ units, scale: from }: Amount): bigint => units * 10n ** BigInt(scale - from);
  return { units: at(one) + at(other), scale };
}

function same(expected: Record<string, string>, debited: Map<string, Amount>): boolean {
  const wanted = Object.entries(expected);
  return (
    wanted.length === debited.size &&
    wanted.every(([currency, text]) => {
      const { units, scale } = amount(text);
      return sum(debited.get(currency), { units: -units, scale }).units === 0n && debited.has(currency);
    })
  );
}

// Posts what is missing, after a look at whether it would have its external id: else it were missing for ever.
async function replay<Row>(
  ledger: Scope,
  options: ReconcileOptions<Row>,
  expected: Expected<Row>,
  page: Reconciled<Row>,
): Promise<void> {
  const posting = await options.replay?.(expected);
  if (!posting) return;
  try {
    const seen = await ledger.transactions().preview(posting);
    if (seen.wouldPost && seen.transaction?.externalId !== expected.externalId) {
      throw new TypeError(
        `the posting of ${expected.externalId} has the external id ${seen.transaction?.externalId}`,
      );
    }
    page.replayed.push(await ledger.transactions().post(posting));
  } catch (error) {
    if (!(error instanceof CalaError) || error.retryable || !refusals.has(error.status)) throw error;
    page.refused.push({ expected, error });
  }
}
