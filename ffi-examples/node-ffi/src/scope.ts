import type { Caller } from "./listing.js";
import { Accounts, Balances, Cel, Entries, Journals, Transactions, TxTemplates } from "./nouns.js";
import type { CallOptions } from "./operation.js";
import type { OperationName } from "./raw/types.js";
import type { LedgerInfo } from "./types.js";

/** Where operations run: a ledger on its own, or a transaction. The same operations everywhere. */
export abstract class Scope implements Caller {
  /**
   * Runs any operation of cala.h by its name there, without the prefix: `call("account_find", { code: "ALICE" })`.
   * Requests and answers are in camelCase.
   */
  abstract call(name: OperationName, request?: object, options?: CallOptions): Promise<any>;

  accounts(): Accounts {
    return new Accounts(this);
  }
  journals(): Journals {
    return new Journals(this);
  }
  txTemplates(): TxTemplates {
    return new TxTemplates(this);
  }
  transactions(): Transactions {
    return new Transactions(this);
  }
  entries(): Entries {
    return new Entries(this);
  }
  balances(): Balances {
    return new Balances(this);
  }
  cel(): Cel {
    return new Cel(this);
  }
  /** What this ledger is: version, store, counts, clock. */
  info(options?: CallOptions): Promise<LedgerInfo> {
    return this.call("ledger_info", {}, options);
  }
  /**
   * Brings the tables to this library's version; safe when several processes do it at once. UnsupportedError
   * store.newer.
   */
  migrate(options?: CallOptions): Promise<{ fromVersion: number; toVersion: number }> {
    return this.call("ledger_migrate", {}, options);
  }
}
