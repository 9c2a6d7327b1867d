import { checkSignal } from "./aborts.js";
import { type Adapter, type Store, notAtOnce, ofAnother, overAlready } from "./adapters/adapter.js";
import { saidOver, sqlstateOf } from "./adapters/sqlstate.js";
import type { Completions } from "./completions.js";
import { CalaError, ClosedError, MisuseError, calledHere, failed, placed, taken, toldFrom } from "./errors.js";
import { type CallOptions, encoded, runHosted, runHostedAtOnce, runOwn, runStarted, startable } from "./operation.js";
import { type Handle, type Raw, Status } from "./raw/types.js";
import { Scope } from "./scope.js";
import { shared } from "./shared.js";
import { SyncTransaction } from "./sync.js";
import { Places, Turns } from "./turns.js";
import type * as t from "./types.js";

/** How a transaction is opened. */
export interface TransactionOptions extends CallOptions {
  /**
   * Every operation runs behind a SAVEPOINT, so that one that the database refuses leaves the transaction usable.
   * Default false.
   */
  savepoint?: boolean;
}

/** A transaction: its operations take turns by themselves, and land together or not at all. */
export abstract class TransactionScope extends Scope {
  /**
   * Locks the balances of accounts in the library's own order: first, when several postings share a transaction, so
   * that two such transactions wait for each other instead of deadlocking. Answers with the keys, as locked.
   * {@link t.TxLockAccountsError}
   */
  async lockAccounts(keys: t.BalanceKey[], options?: CallOptions): Promise<t.BalanceKey[]> {
    return (await this.call("tx_lock_accounts", { keys }, options)).keys;
  }
}

/** What the two kinds of transaction need of their ledger. */
export interface Ground {
  raw: Raw;
  completions: Completions;
  bigint: boolean;
  /** Transactions of the ledger's own that may be open at once; more would wait inside the library. */
  places: Places;
  /** Which database the ledger is kept in. */
  database: Store;
  /** The ledger's handle; throws ClosedError. */
  handle(): Handle;
}

const forgotten = new FinalizationRegistry<() => void>((free) => free());

/** A transaction of the ledger's own, made by `begin()`. Left without a commit it is rolled back (`await using`). */
export class OwnTransaction extends TransactionScope {
  readonly #ground: Ground;
  readonly #turns = new Turns();
  readonly #signal: AbortSignal | undefined;
  readonly #free: () => void;
  #tx: Handle | null;

  /** @internal */
  constructor(ground: Ground, tx: Handle, free: () => void, signal: AbortSignal | undefined) {
    super();
    this.#ground = ground;
    this.#tx = tx;
    this.#free = free;
    this.#signal = signal;
    forgotten.register(this, free, this);
  }

  /** @internal */
  static async begin(ground: Ground, { savepoint, signal }: TransactionOptions): Promise<OwnTransaction> {
    const { raw, places, completions } = ground;
    checkSignal(signal);
    await places.enter();
    try {
      const ledger = ground.handle();
      const options = encoded({ savepoint: savepoint || undefined });
      const cell = new BigUint64Array(1);
      const op = startable(raw, (out, error) =>
        raw.cala_tx_begin_op(ledger, options, options.length, cell, out, error),
      );
      const tx = raw.handle(cell) as Handle;
      try {
        await runStarted({ raw, signal }, op, completions, ground);
      } catch (error) {
        raw.cala_tx_free(tx);
        throw error;
      }
      const free = (): void => {
        raw.cala_tx_free(tx);
        places.leave();
      };
      return new OwnTransaction(ground, tx, free, signal);
    } catch (error) {
      places.leave();
      throw error;
    }
  }

  #open(): Handle {
    if (this.#tx !== null) return this.#tx;
    throw new MisuseError({
      status: "MISUSE",
      code: "tx.over",
      message: "the transaction has been committed, rolled back or prepared already",
    });
  }

  protected override run(
    name: t.OperationName,
    request: object,
    { signal = this.#signal, traceparent }: CallOptions,
  ): Promise<any> {
    const { raw, completions, bigint } = this.#ground;
    return this.#turns.take(async () => {
      const ledger = this.#ground.handle();
      return runOwn({ raw, bigint, ledger, tx: this.#open(), name, request, signal, traceparent }, completions, this);
    });
  }

  /**
   * Runs a statement of the program's own, with the store's placeholders ($1 on PostgreSQL, ? on SQLite); parameters
   * and values are text. {@link t.TxExecError}
   */
  exec(sql: string, params: (string | null)[] = [], options?: CallOptions): Promise<t.TxExecResult> {
    return this.call("tx_exec", { sql, params }, options);
  }

  /** Commits. ConflictError store.serialization, OutcomeUnknownError; MisuseError tx.over when it is over already. */
  commit(): Promise<void> {
    return toldFrom(calledHere(this.commit), this.#finish("cala_tx_commit_op"));
  }

  /** Rolls back. MisuseError tx.over when it is over already. */
  rollback(): Promise<void> {
    return toldFrom(calledHere(this.rollback), this.#finish("cala_tx_rollback_op"));
  }

  /**
   * The first half of a two-phase commit, on PostgreSQL: what the transaction did goes on in the database under the
   * gid, until `prepared().finish` commits it or rolls it back, from any process; see `docs/two-phase.md`. It is over
   * then, and after an error whose `txState` is not "usable". ConflictError prepared.exists, BusyError
   * prepared.too_many, UnsupportedError prepared.disabled, tx.not_postgres, OutcomeUnknownError; MisuseError tx.over.
   */
  prepare(gid: string): Promise<void> {
    const prepared = this.#turns.take(async () => {
      const { raw, completions } = this.#ground;
      const tx = this.#open();
      const text = Buffer.from(gid);
      try {
        const op = startable(raw, (out, error) => raw.cala_tx_prepare_op(tx, text, text.length, out, error));
        await runStarted({ raw }, op, completions, this);
      } catch (error) {
        if (!(error instanceof CalaError) || error.txState !== "usable") this.#end();
        throw error;
      }
      this.#end();
    });
    return toldFrom(calledHere(this.prepare), prepared);
  }

  #end(): void {
    this.#tx = null;
    forgotten.unregister(this);
    this.#free();
  }

  #finish(how: "cala_tx_commit_op" | "cala_tx_rollback_op"): Promise<void> {
    return this.#turns.take(async () => {
      const { raw, completions } = this.#ground;
      const tx = this.#open();
      this.#tx = null;
      forgotten.unregister(this);
      try {
        const op = startable(raw, (out, error) => raw[how](tx, out, error));
        await runStarted({ raw }, op, completions, this);
      } finally {
        this.#free();
      }
    });
  }

  /** Rolls back what was neither committed nor rolled back. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#turns.take(async () => undefined);
    if (this.#tx === null) return;
    await this.rollback().catch((error: unknown) => {
      // Closing the ledger has rolled it back.
      if (!(error instanceof ClosedError)) throw error;
    });
  }
}

// The driver rolls back to its savepoint, which the library knows nothing of.
function behindSavepoint(error: unknown): never {
  if (!(error instanceof CalaError) || error.txState !== "aborted") throw error;
  throw failed({ ...error, message: error.message, cause: error.cause, txState: "usable" });
}

// Where the driver makes the savepoint, the library does not hear that there was no transaction to make it in.
function withoutSavepoint({ what = "the transaction", pass = "pass it while it is open" }: Adapter,
  error: unknown): never {
  if (error instanceof CalaError) throw error;
  const state = sqlstateOf(error);
  if (state === "25P01" || saidOver(error)) throw overAlready(what, pass, error);
  if (state !== "25P02") throw error;
  const message = "the transaction was aborted by an earlier statement: roll it back";
  throw failed({ status: "MISUSE", code: "transaction.aborted", message, sqlstate: state, txState: "aborted",
    cause: error });
}

// To SQLite a text is no number; neither database refuses it.
const askStore = "SELECT CASE WHEN '1' = 1 THEN 'another' ELSE 'sqlite' END";

const reads = /(_find|_find_many|_list|_history|_at|_info|_evaluate)$/;

// Where the driver knows: without a transaction each statement would be kept or lost by itself.
function checkBegun(adapter: Adapter, name: t.OperationName): void {
  if (reads.test(name) || adapter.inTransaction?.() !== false) return;
  const what = adapter.what ?? "the connection";
  throw new MisuseError({
    status: "MISUSE",
    code: "transaction.none",
    message: `${what} has no open transaction: ${adapter.pass ?? "begin one before and commit it after"}`,
  });
}

const turnsOf = shared("turns", () => new WeakMap<object, Turns>());

/**
 * The transaction that the program has open on its own driver, made by `in()`.
 * Committing and rolling back is the program's.
 */
export class HostTransaction extends TransactionScope {
  readonly #ground: Ground;
  readonly #adapter: Adapter;
  readonly #turns: Turns;
  readonly #options: TransactionOptions;
  #sync: SyncTransaction | undefined;
  #asked = false;

  /** @internal */
  constructor(ground: Ground, adapter: Adapter, options: TransactionOptions) {
    super();
    if (adapter.store !== undefined && adapter.store !== ground.database) {
      throw ofAnother(adapter, ground.database);
    }
    this.#ground = ground;
    this.#adapter = adapter;
    this.#options = options;
    this.#turns = turnsOf.get(adapter.connection) ?? new Turns();
    turnsOf.set(adapter.connection, this.#turns);
  }

  /** @internal */
  protected atOnce(): SyncTransaction {
    if (this.#adapter.synchronous === false || this.#adapter.store === "postgres") throw notAtOnce();
    return (this.#sync ??= new SyncTransaction((name, request, options, method) =>
      this.#runAtOnce(name, request, options, method),
    ));
  }

  protected override run(
    name: t.OperationName,
    request: object,
    options: CallOptions,
  ): Promise<any> {
    const { savepoint = false } = this.#options;
    const adapter = this.#adapter;
    return this.#turns.take(async () => {
      await this.#askStore();
      checkBegun(adapter, name);
      if (!savepoint || !adapter.savepoint) return this.#run(adapter, savepoint, name, request, options);
      return adapter
        .savepoint((inner) => this.#run(inner, false, name, request, options).catch(behindSavepoint))
        .catch((error: unknown) => withoutSavepoint(adapter, error));
    });
  }

  // An adapter that does not say of which database it is would be sent what PostgreSQL does not understand, which
  // aborts its transaction. SQLite's survives that, so nothing is asked where the ledger is in PostgreSQL.
  async #askStore(): Promise<void> {
    const adapter = this.#adapter;
    if (this.#asked || adapter.store !== undefined || this.#ground.database !== "sqlite") return;
    const answer = await Promise.resolve()
      .then(() => adapter.exec(askStore, [], true))
      .catch(() => undefined); // the ledger's own statement meets it again
    if (answer === "another") throw ofAnother(adapter, "sqlite");
    this.#asked = answer === "sqlite";
  }

  #runAtOnce(name: t.OperationName, request: object, options: CallOptions, method: Function): any {
    const { signal = this.#options.signal, traceparent } = options;
    const { raw, bigint, database } = this.#ground;
    try {
      checkBegun(this.#adapter, name);
      const ledger = this.#ground.handle();
      const tx = this.#stand(ledger, this.#adapter, this.#options.savepoint ?? false);
      try {
        return runHostedAtOnce({ raw, bigint, database, ledger, tx, name, request, signal, traceparent },
          this.#adapter);
      } finally {
        raw.cala_tx_free(tx);
      }
    } catch (error) {
      throw placed(error, calledHere(method));
    }
  }

  async #run(
    adapter: Adapter,
    savepoint: boolean,
    name: t.OperationName,
    request: object,
    { signal = this.#options.signal, traceparent }: CallOptions,
  ): Promise<any> {
    const { raw, bigint, database } = this.#ground;
    const ledger = this.#ground.handle();
    const tx = this.#stand(ledger, adapter, savepoint);
    try {
      return await runHosted({ raw, bigint, database, ledger, tx, name, request, signal, traceparent }, adapter);
    } finally {
      raw.cala_tx_free(tx);
    }
  }

  // A handle for each operation: the program's connection outlives its transactions,
  // and nothing tells us when one ends.
  #stand(ledger: Handle, adapter: Adapter, savepoint: boolean): Handle {
    const { raw } = this.#ground;
    const options = encoded({ dialect: adapter.dialect, savepoint: savepoint || undefined });
    const cell = new BigUint64Array(1);
    const error = new BigUint64Array(1);
    if (raw.cala_tx_host(ledger, options, options.length, cell, error) !== Status.OK) throw taken(raw, error);
    return raw.handle(cell) as Handle;
  }
}

/** The same on a driver of SQLite's, which answers at once. */
export class SqliteTransaction extends HostTransaction {
  /**
   * The same operations, answering at once instead of with promises: inside the driver's `transaction(() => …)` too.
   * MisuseError adapter.sync for drivers that answer with promises.
   */
  get sync(): SyncTransaction {
    return this.atOnce();
  }
}
