import type { Adapter } from "./adapters/adapter.js";
import { type HostHandle, type PostgresHandle, type SqliteHandle, adapterOf } from "./adapters/detect.js";
import { Completions, type Logger } from "./completions.js";
import { ClosedError, InvalidError, calledHere, recordError, taken, toldFrom } from "./errors.js";
import { library } from "./library.js";
import { type ListenOptions, Listening } from "./listening.js";
import { type CallOptions, encoded, runOwn } from "./operation.js";
import { type Handle, type Raw, Status } from "./raw/types.js";
import { type HostProjectionOptions, Projection, type ProjectionOptions } from "./projecting.js";
import { type ReconcileOptions, type Reconciled, reconcile } from "./reconciling.js";
import { type RecoverOptions, type Recovered, recover } from "./recovering.js";
import { type RetryOptions, retrying } from "./retrying.js";
import { Scope } from "./scope.js";
import {
  type Ground,
  type HostTransaction,
  OwnTransaction,
  SqliteTransaction,
  type TransactionOptions,
} from "./transactions.js";
import { Places } from "./turns.js";
import type { Instant, OperationName } from "./types.js";

/** What a ledger is opened with. The library refuses keys that it does not know. */
export interface LedgerConfig {
  /**
   * "sqlite:PATH" (made when absent), "sqlite::memory:", a libpq connection string or URI, or "host:sqlite" /
   * "host:postgres": no connection of its own, everything runs through `in()`. Default "sqlite:cala.db".
   */
  store?: string;
  /** Create or upgrade the ledger's tables. Default true for SQLite, false for PostgreSQL. */
  migrate?: boolean;
  /** PostgreSQL only: the schema of all tables and functions. Default "cala". */
  schema?: string;
  /** max: connections to PostgreSQL at most, 1 to 1000 (default 10). timeoutMs: how long to wait for a free one, or for
   *  SQLite's one writer (default 30000); then BusyError store.pool_timeout, store.busy. */
  pool?: { max?: number; timeoutMs?: number };
  /** Time stands still at an instant until `clock.set` or `clock.advance`. Default: the system's clock. */
  clock?: { manual: Instant | Date };
  /**
   * durable: wait for the disk. Default true. groupMax: postings that wait while a commit is under way are committed
   * together, so many at most, each with its own outcome: 1 to 10000, default 500.
   */
  commit?: { durable?: boolean; groupMax?: number };
  /** Operations in flight at most; one more gives a BusyError. Default 65536. */
  queueMax?: number;
  /** Connect at the first operation. Default false. */
  lazy?: boolean;
  /**
   * How long operations wait for a store that was there before and is away, as in a failover: 0 to 3,600,000 ms.
   * Default 30,000.
   */
  failoverWaitMs?: number;
}

/** What this wrapper takes besides. */
export interface OpenOptions {
  /** Told of what goes wrong, what the library does about it, and what takes long. */
  logger?: Logger;
  /**
   * What the logger is told: the level, each with those before it (default "warn"), and operations that take `slowMs`
   * or longer.
   */
  log?: LogOptions;
  /** Integers beyond 2^53 in answers become BigInts. Default false: JavaScript rounds them. */
  bigint?: boolean;
}

/** What a logger is told. */
export interface LogOptions {
  level?: "error" | "warn" | "info" | "debug";
  /** Operations that take so long are told of, as warnings. Default: none. */
  slowMs?: number;
  /** How many records may wait to be read, 1 to 100000; more are lost. Default 1024. */
  buffer?: number;
}

/** Moves a manual clock. UnsupportedError clock.not_manual. */
export interface Clock {
  /** Sets the clock; earlier than now is allowed. */
  set(instant: Instant | Date): void;
  /** Moves it forward. InvalidError clock.range. */
  advance(milliseconds: number): void;
}

const defaultConnections = 10;
const forgotten = new FinalizationRegistry<() => void>((free) => free());

// One writer on SQLite, one a connection on PostgreSQL.
function writersOf(config: LedgerConfig): number {
  return (config.store ?? "sqlite:").startsWith("sqlite:") ? 1 : (config.pool?.max ?? defaultConnections);
}

// An unset variable must not open another ledger than the one that was meant.
function checkGiven(config: object, path = ""): void {
  for (const [key, value] of Object.entries(config)) {
    const pointer = `${path}/${key}`;
    if (value === undefined || value === null) {
      throw new InvalidError({
        status: "INVALID",
        code: "request.malformed",
        message: `${pointer.slice(1).replaceAll("/", ".")} is ${value}; leave the key out for its default`,
        details: { pointer },
      });
    }
    if (typeof value === "object" && !(value instanceof Date)) checkGiven(value, pointer);
  }
}

function checkOptions(options: OpenOptions): void {
  const malformed = (key: string, message: string): InvalidError =>
    new InvalidError({ status: "INVALID", code: "request.malformed", message, details: { pointer: `/${key}` } });
  const { logger, log, bigint, ...others } = options;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw malformed(unknown, `the options of Ledger.open have no key ${unknown}`);
  if (logger !== undefined && typeof logger !== "function") {
    const given = logger === null ? "null" : `of type ${typeof logger}`;
    throw malformed("logger", `logger is ${given}, and must be a function`);
  }
  if (log === null || (log !== undefined && typeof log !== "object")) {
    throw malformed("log", `log is ${log === null ? "null" : `of type ${typeof log}`}, and must be an object: { ` +
      `level: "info" }`);
  }
}

/** An open ledger. Close it with `close()` or `await using`. */
export class Ledger extends Scope {
  readonly #raw: Raw;
  readonly #completions: Completions;
  readonly #free: () => void;
  readonly #ground: Ground;
  #handle: Handle | null;
  #closing: Promise<void> | undefined;
  readonly #listening = new Set<Listening>();

  private constructor(raw: Raw, completions: Completions, handle: Handle, config: LedgerConfig, bigint: boolean,
    free: () => void) {
    super();
    this.#raw = raw;
    this.#completions = completions;
    this.#handle = handle;
    this.#free = free;
    const places = new Places(writersOf(config));
    const database = /^(host:)?sqlite(:|$)/.test(config.store ?? "sqlite:") ? "sqlite" : "postgres";
    this.#ground = { raw, completions, bigint, places, database, handle: () => this.#open() };
    forgotten.register(this, free, this);
  }

  /**
   * Opens a ledger: connects and, where asked, migrates. A key that is there but undefined or null is an InvalidError.
   * InvalidError, UnavailableError (store.*), PermissionError, UnsupportedError (store.migrations_missing: open with
   * `migrate: true`), BusyError, LibraryMissingError.
   */
  static open(config: LedgerConfig = {}, options: OpenOptions = {}): Promise<Ledger> {
    return toldFrom(calledHere(Ledger.open), Ledger.#opened(config, options));
  }

  static async #opened(config: LedgerConfig, options: OpenOptions): Promise<Ledger> {
    checkGiven(config);
    checkOptions(options);
    const { logger, log = {}, bigint = false } = options;
    checkGiven(log, "/log");
    const text = encoded(config);
    const raw = await library();
    const completions = await Completions.acquire();
    const cell = new BigUint64Array(1);
    const error = new BigUint64Array(1);
    if ((await raw.waiting.cala_ledger_open(text, text.length, cell, error)) !== Status.OK) {
      completions.release();
      throw taken(raw, error);
    }
    const handle = raw.handle(cell) as Handle;
    let deaf: (() => void) | undefined;
    const free = (): void => {
      raw.cala_ledger_free(handle);
      deaf?.();
      completions.release();
    };
    if (logger) {
      const text = encoded(log);
      let told = true;
      deaf = completions.hear(logger, (queue, tag) => {
        told = raw.cala_ledger_log(handle, text, text.length, queue, null, tag, error) === Status.OK;
        return told;
      });
      if (!told) {
        const failure = taken(raw, error);
        free();
        throw failure;
      }
    }
    return new Ledger(raw, completions, handle, config, bigint, free);
  }

  #open(): Handle {
    if (this.#handle !== null) return this.#handle;
    throw new ClosedError({ status: "CLOSED", code: "ledger.closed", message: "the ledger has been closed" });
  }

  protected override async run(name: OperationName, request: object,
    { signal, traceparent }: CallOptions): Promise<any> {
    const { raw, bigint } = this.#ground;
    const call = { raw, bigint, ledger: this.#open(), tx: null, name, request, signal, traceparent };
    return runOwn(call, this.#completions, this);
  }

  /**
   * Begins a transaction on a connection of the ledger's. On SQLite there is one at a time; the others wait their turn.
   */
  begin(options: TransactionOptions = {}): Promise<OwnTransaction> {
    return toldFrom(calledHere(this.begin), OwnTransaction.begin(this.#ground, options));
  }

  /**
   * Takes part in the transaction that the program has open on its own driver: a handle of pg, pg-promise, knex,
   * postgres.js, Drizzle, Kysely, TypeORM, Prisma, Sequelize, MikroORM, Objection, Bun.sql, better-sqlite3,
   * node:sqlite, bun:sqlite, or what `adapter()` makes. Without an open transaction operations fail
   * with MisuseError transaction.none and write nothing.
   */
  in(handle: SqliteHandle | Adapter, options?: TransactionOptions): SqliteTransaction;
  in(handle: PostgresHandle, options?: TransactionOptions): HostTransaction;
  in(handle: HostHandle, options?: TransactionOptions): HostTransaction;
  in(handle: HostHandle, options: TransactionOptions = {}): SqliteTransaction {
    this.#open();
    return new SqliteTransaction(this.#ground, adapterOf(handle), options);
  }

  /**
   * Runs a whole transaction, begin to commit, again when it lost a race:
   * 10 times at most, unless `attempts` says otherwise.
   */
  retrying<T>(work: (attempt: number) => Promise<T>, options?: RetryOptions): Promise<T> {
    return retrying(work, options);
  }

  /**
   * Opens a listener: an iterator over events as they happen, which is to be closed, or left by its loop. InvalidError,
   * BusyError listener.too_many.
   */
  listen(options: ListenOptions = {}): Promise<Listening> {
    return toldFrom(calledHere(this.listen), this.#listen(options));
  }

  async #listen(options: ListenOptions): Promise<Listening> {
    const left = (listening: Listening): unknown => this.#listening.delete(listening);
    const listening = await Listening.open(this.#raw, this.#open(), encoded(options), this.#ground.bigint, left);
    if (this.#closing) listening.close();
    else this.#listening.add(listening);
    return listening;
  }

  /**
   * A projection: what follows from events is written into tables of the program's, in one transaction with the place,
   * which the ledger keeps under the name. With `transaction` the transactions are the program's, else the ledger's.
   */
  projection<Connection extends HostHandle>(options: HostProjectionOptions<Connection>): Projection<Connection>;
  projection(options: ProjectionOptions<OwnTransaction>): Projection<OwnTransaction>;
  projection(options: ProjectionOptions<any>): Projection<any> {
    return new Projection(this, options);
  }

  /**
   * Walks what the program has against the ledger, page by page: what is missing, differing or extra.
   * See `docs/reconcile.md`.
   */
  reconcile<Row = unknown>(options: ReconcileOptions<Row>): AsyncGenerator<Reconciled<Row>, void, undefined> {
    return reconcile(this, options);
  }

  /**
   * Ends what is prepared (`prepare` of a transaction) as the program decided, and guesses nothing. An error that is
   * not one of `failed` ends it, too: what is finished by then stays so, the rest is for the next time.
   * See `docs/two-phase.md`.
   */
  recover(options: RecoverOptions): Promise<Recovered> {
    return recover(this, options);
  }

  /** The clock of a ledger that was opened with a manual one. */
  get clock(): Clock {
    const checked = (move: (error: BigUint64Array) => number): void => {
      const error = new BigUint64Array(1);
      if (move(error) !== Status.OK) throw taken(this.#raw, error);
    };
    return {
      set: (instant) => {
        const text = Buffer.from(instant instanceof Date ? instant.toISOString() : instant);
        checked((error) => this.#raw.cala_clock_set(this.#open(), text, text.length, error));
      },
      advance: (milliseconds) => {
        if (!Number.isSafeInteger(milliseconds)) {
          throw new InvalidError({
            status: "INVALID",
            code: "clock.range",
            message: `milliseconds is ${milliseconds}: it has to be a whole number from 0 to 2^53`,
          });
        }
        checked((error) => this.#raw.cala_clock_advance(this.#open(), milliseconds, error));
      },
    };
  }

  /** The library's version. */
  get version(): string {
    return this.#raw.cala_version() ?? "";
  }

  /**
   * Refuses new operations, cancels those that have not begun, waits for the others, and frees the ledger. Closing
   * twice is fine.
   */
  close(): Promise<void> {
    return (this.#closing ??= toldFrom(calledHere(this.close), this.#close()));
  }

  async #close(): Promise<void> {
    const handle = this.#open();
    for (const listening of this.#listening) listening.close();
    const error = new BigUint64Array(1);
    forgotten.unregister(this);
    await new Promise<void>((resolve, reject) => {
      const start = (queue: Handle, tag: number): number =>
        this.#raw.cala_ledger_shutdown(handle, queue, null, tag, error);
      const finish = (status: number, text: string): void =>
        status === Status.OK ? resolve() : reject(recordError(status, text));
      if (this.#completions.start(this, start, finish) !== Status.OK) throw taken(this.#raw, error);
    });
    this.#handle = null;
    this.#ground.places.open();
    this.#free();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }
}
