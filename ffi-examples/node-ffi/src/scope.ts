import { calledHere, toldFrom } from "./errors.js";
import type { Caller } from "./listing.js";
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
import type * as t from "./types.js";

/** The operations that may be called without a request. */
export type Unasked = { [Name in t.OperationName]: {} extends t.RequestOf<Name> ? Name : never }[t.OperationName];

/** Where operations run: a ledger on its own, or a transaction. The same operations everywhere. */
export abstract class Scope implements Caller {
  /**
   * Runs any operation of cala.h by its name there, without the prefix: `call("account_find", { code: "ALICE" })`.
   * Requests and answers are in camelCase.
   */
  call<Name extends Unasked>(name: Name): Promise<t.ResultOf<Name>>;
  call<Name extends t.OperationName>(
    name: Name,
    request: t.RequestOf<Name>,
    options?: CallOptions,
  ): Promise<t.ResultOf<Name>>;
  call(name: t.OperationName, request: object = {}, options: CallOptions = {}): Promise<any> {
    return toldFrom(calledHere(this.call), this.run(name, request, options));
  }

  /** @internal */
  protected abstract run(name: t.OperationName, request: object, options: CallOptions): Promise<any>;

  accounts(): Accounts {
    return new Accounts(this);
  }
  accountSets(): AccountSets {
    return new AccountSets(this);
  }
  journals(): Journals {
    return new Journals(this);
  }
  txTemplates(): TxTemplates {
    return new TxTemplates(this);
  }
  velocityLimits(): VelocityLimits {
    return new VelocityLimits(this);
  }
  velocityControls(): VelocityControls {
    return new VelocityControls(this);
  }
  transactions(): Transactions {
    return new Transactions(this);
  }
  holds(): Holds {
    return new Holds(this);
  }
  entries(): Entries {
    return new Entries(this);
  }
  balances(): Balances {
    return new Balances(this);
  }
  events(): Events {
    return new Events(this);
  }
  listeners(): Listeners {
    return new Listeners(this);
  }
  prepared(): Prepared {
    return new Prepared(this);
  }
  cel(): Cel {
    return new Cel(this);
  }
  /** How far the balances of eventually consistent account sets have come. */
  rollupStatus(options?: CallOptions): Promise<t.Rollup> {
    return this.call("rollup_status", {}, options);
  }
  /** Waits until those balances have all that was posted until now. {@link t.RollupAwaitError} */
  rollupAwait(request: t.RollupAwaitRequest = {}, options?: CallOptions): Promise<t.Rollup> {
    return this.call("rollup_await", request, options);
  }
  /** What this ledger is: version, store, counts, clock. */
  info(options?: CallOptions): Promise<t.LedgerInfoResult> {
    return this.call("ledger_info", {}, options);
  }
  /** Whether the ledger can work: an answer also where the store is away, within `timeoutMs`. */
  health(request: t.LedgerHealthRequest = {}, options?: CallOptions): Promise<t.LedgerHealthResult> {
    return this.call("ledger_health", request, options);
  }
  /** What this ledger has counted and timed: `metrics`, or with `format: "openmetrics"` `text` for a scraper. */
  metrics(request: t.LedgerMetricsRequest = {}, options?: CallOptions): Promise<t.LedgerMetricsResult> {
    return this.call("ledger_metrics", request, options);
  }
  /**
   * Brings the tables to this library's version; safe when several processes do it at once.
   * {@link t.LedgerMigrateError}
   */
  migrate(options?: CallOptions): Promise<t.LedgerMigrateResult> {
    return this.call("ledger_migrate", {}, options);
  }
}
