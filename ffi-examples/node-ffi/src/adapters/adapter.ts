import { type Failure, MisuseError } from "../errors.js";
import { shared } from "../shared.js";

/** Where a ledger is kept. */
export type Store = "sqlite" | "postgres";

/** How the ledger reaches the transaction that the program has open on its own driver. */
export interface Adapter {
  /**
   * Runs one statement with its parameters, all of them text, inside the open transaction; answers with the text of its
   * one row's one column, null for SQL NULL and for no row. What the driver throws is passed on to the ledger.
   */
  exec(sql: string, params: string[], returnsRow: boolean): Promise<string | null> | string | null;
  /** What stands for the transaction's connection: operations on the same one take turns. */
  connection: object;
  /** How parameters are written: "dollar" ($1), "qmark" (?). Default: dollar for PostgreSQL, qmark for SQLite. */
  dialect?: "dollar" | "qmark";
  /**
   * Runs work behind a savepoint of the driver's, and rolls back to it when the work fails. Only for drivers that must
   * know of savepoints; without it the ledger sends SAVEPOINT and its kin through `exec`.
   */
  savepoint?<T>(work: (inner: Adapter) => Promise<T>): Promise<T>;
  /** Whether a transaction is open; asked before each operation that writes. undefined: not known. */
  inTransaction?(): boolean | undefined;
  /** Whether `exec` answers at once, so that `sync` can be used. Without it the first answer tells. */
  synchronous?: boolean;
  /** The database that the handle is of; a ledger that is kept in another refuses it. */
  store?: Store;
  /** How errors call the handle: "a knex transaction". */
  what?: string;
  /** What errors ask for when no transaction is open: "pass the trx of knex.transaction()". */
  pass?: string;
}

/** A handle that cannot be taken, and why. */
export function wrongHandle(message: string, more: Pick<Failure, "txState" | "cause"> = {}): MisuseError {
  return new MisuseError({ status: "MISUSE", code: "adapter.unknown", message, ...more });
}

const named = { sqlite: "SQLite", postgres: "PostgreSQL" };

/** A handle of the database in which the ledger is not kept. */
export function ofAnother(adapter: Adapter, database: Store, more?: Pick<Failure, "txState" | "cause">): MisuseError {
  const other = database === "sqlite" ? "postgres" : "sqlite";
  return wrongHandle(
    `${adapter.what ?? "the handle"} is of ${named[other]}, and the ledger is kept in ` +
      `${named[database]}: pass a handle that is connected to the ledger's database`,
    more,
  );
}

/** `sync` on a driver that answers with promises. */
export function notAtOnce(): MisuseError {
  return new MisuseError({
    status: "MISUSE",
    code: "adapter.sync",
    message: "the driver answers with promises: use the methods of in(handle) themselves; sync is for SQLite's drivers",
  });
}

/** A transaction that is over, as its driver says. */
export function overAlready(what: string, pass: string, cause: unknown): MisuseError {
  return new MisuseError({
    status: "MISUSE",
    code: "transaction.none",
    message: `${what.replace(/^(a|the) (?!finished)/, "a finished ")} has no open transaction: ${pass}`,
    txState: "aborted",
    cause,
  });
}

/** What `exec` answered, which has to be text or null; a statement without a row may answer with nothing. */
export function answered(value: unknown): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === "string") return value;
  const kind = Array.isArray(value) ? "an array" : `a ${typeof value}`;
  throw new MisuseError({
    status: "MISUSE",
    code: "adapter.text",
    message: `the adapter's exec answered with ${kind}: it has to be the text of the first row's first column, or null`,
    txState: "aborted",
  });
}

const made = shared("adapters", () => new WeakSet<object>());

/** An adapter of the program's own, to be passed to `in()` in place of a driver's handle. */
export function adapter(parts: Adapter): Adapter {
  const own = { ...parts };
  made.add(own);
  return own;
}

/** Whether `adapter()` made it. */
export function isAdapter(handle: unknown): handle is Adapter {
  return typeof handle === "object" && handle !== null && made.has(handle);
}

/** The first column of the first row, in whichever form the driver hands rows over. */
export function firstText(result: any): string | null {
  const rows = Array.isArray(result) ? result : result?.rows;
  const row = rows?.[0];
  return row ? textOf(Object.values(row)[0]) : null;
}

/** A column's value, which has to be text. */
export function textOf(value: unknown): string | null {
  if (value === null || value === undefined) return null;
  if (typeof value === "string") return value;
  throw new MisuseError({
    status: "MISUSE",
    code: "adapter.text",
    message: `the driver answered with a ${typeof value} where text was asked for: is a type parser for text set?`,
  });
}
