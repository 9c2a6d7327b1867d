import type { Caller, Listing, SyncListing } from "./listing.js";
import {
  AccountSets,
  Accounts,
  Balances,
  Cel,
  Entries,
  Events,
  Holds,
  Journals,
  Listeners,
  Prepared,
  Transactions,
  TxTemplates,
  VelocityControls,
  VelocityLimits,
} from "./nouns.js";
import type { CallOptions } from "./operation.js";
import type { Unasked } from "./scope.js";
import type {
  BalanceKey,
  LedgerHealthRequest,
  LedgerHealthResult,
  LedgerInfoResult,
  LedgerMetricsRequest,
  LedgerMetricsResult,
  LedgerMigrateResult,
  OperationName,
  RequestOf,
  ResultOf,
  Rollup,
  RollupAwaitRequest,
} from "./types.js";

type AtOnce<T> = T extends Promise<infer Value> ? Value : T extends Listing<infer Item> ? SyncListing<Item> : T;

/** The methods of a noun, answering at once. */
export type Synchronous<Noun> = {
  [Name in keyof Noun]: Noun[Name] extends (...values: infer Values) => infer Answer
    ? (...values: Values) => AtOnce<Answer>
    : Noun[Name];
};

type Run = (name: OperationName, request: object, options: CallOptions, method: Function) => any;

/** The operations in the transaction of a SQLite driver's, answering at once; made by `in(database).sync`. */
export class SyncTransaction {
  readonly #run: Run;
  /** @internal */
  readonly atOnce = true;

  /** @internal */
  constructor(run: Run) {
    this.#run = run;
  }

  // The nouns give what call gives, with or without a promise.
  get #caller(): Caller {
    return this as unknown as Caller;
  }

  /** Runs any operation of cala.h by its name there, without the prefix. */
  call<Name extends Unasked>(name: Name): ResultOf<Name>;
  call<Name extends OperationName>(name: Name, request: RequestOf<Name>, options?: CallOptions): ResultOf<Name>;
  call(name: OperationName, request: object = {}, options: CallOptions = {}): any {
    return this.#run(name, request, options, this.call);
  }

  accounts(): Synchronous<Accounts> {
    return new Accounts(this.#caller) as unknown as Synchronous<Accounts>;
  }
  accountSets(): Synchronous<AccountSets> {
    return new AccountSets(this.#caller) as unknown as Synchronous<AccountSets>;
  }
  journals(): Synchronous<Journals> {
    return new Journals(this.#caller) as unknown as Synchronous<Journals>;
  }
  txTemplates(): Synchronous<TxTemplates> {
    return new TxTemplates(this.#caller) as unknown as Synchronous<TxTemplates>;
  }
  velocityLimits(): Synchronous<VelocityLimits> {
    return new VelocityLimits(this.#caller) as unknown as Synchronous<VelocityLimits>;
  }
  velocityControls(): Synchronous<VelocityControls> {
    return new VelocityControls(this.#caller) as unknown as Synchronous<VelocityControls>;
  }
  transactions(): Synchronous<Transactions> {
    return new Transactions(this.#caller) as unknown as Synchronous<Transactions>;
  }
  holds(): Synchronous<Holds> {
    return new Holds(this.#caller) as unknown as Synchronous<Holds>;
  }
  entries(): Synchronous<Entries> {
    return new Entries(this.#caller) as unknown as Synchronous<Entries>;
  }
  balances(): Synchronous<Balances> {
    return new Balances(this.#caller) as unknown as Synchronous<Balances>;
  }
  events(): Synchronous<Events> {
    return new Events(this.#caller) as unknown as Synchronous<Events>;
  }
  listeners(): Synchronous<Listeners> {
    return new Listeners(this.#caller) as unknown as Synchronous<Listeners>;
  }
  prepared(): Synchronous<Prepared> {
    return new Prepared(this.#caller) as unknown as Synchronous<Prepared>;
  }
  cel(): Synchronous<Cel> {
    return new Cel(this.#caller) as unknown as Synchronous<Cel>;
  }
  /** How far the balances of eventually consistent account sets have come. */
  rollupStatus(): Rollup {
    return this.call("rollup_status");
  }
  /** Waits until those balances have all that was posted until now. */
  rollupAwait(request: RollupAwaitRequest = {}): Rollup {
    return this.call("rollup_await", request);
  }
  /** What this ledger is: version, store, counts, clock. */
  info(): LedgerInfoResult {
    return this.call("ledger_info");
  }
  /** Whether the ledger can work. */
  health(request: LedgerHealthRequest = {}): LedgerHealthResult {
    return this.call("ledger_health", request);
  }
  /** What this ledger has counted and timed. */
  metrics(request: LedgerMetricsRequest = {}): LedgerMetricsResult {
    return this.call("ledger_metrics", request);
  }
  /** Brings the tables to this library's version. */
  migrate(): LedgerMigrateResult {
    return this.call("ledger_migrate");
  }
  /** Locks the balances of accounts in the library's own order. Answers with the keys, as locked. */
  lockAccounts(keys: BalanceKey[]): BalanceKey[] {
    return this.call("tx_lock_accounts", { keys }).keys;
  }
}
