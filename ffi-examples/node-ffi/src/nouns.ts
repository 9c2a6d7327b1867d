import { type Caller, type Listing, listed } from "./listing.js";
import type { CallOptions } from "./operation.js";
import type * as t from "./types.js";

type ById = { id: t.Id };
type ByIdOrCode = ById | { code: string };

// One part of an answer, which is a promise or, where the caller answers at once, the answer.
function part(answer: Promise<any>, key: string): Promise<any> {
  return typeof answer?.then === "function" ? answer.then((all) => all[key]) : (answer as any)[key];
}

class Noun {
  protected readonly caller: Caller;

  constructor(caller: Caller) {
    this.caller = caller;
  }
}

export class Accounts extends Noun {
  /** Creates an account. ConflictError account.exists (`details.column`). */
  create(account: t.NewAccount, options?: CallOptions): Promise<t.Account> {
    return this.caller.call("account_create", account, options);
  }
  /**
   * Creates accounts, all or none; 10,000 at most. ConflictError account.exists (`details.column`, `details.index`).
   */
  createMany(accounts: t.NewAccount[], options?: CallOptions): Promise<t.Account[]> {
    return part(this.caller.call("account_create_many", { accounts }, options), "accounts");
  }
  /** Finds an account. NotFoundError account.not_found. */
  find(by: ByIdOrCode | { externalId: string }, options?: CallOptions): Promise<t.Account> {
    return this.caller.call("account_find", by, options);
  }
  /** Finds accounts in the order asked, missing ones left out; 10,000 at most. */
  findMany(ids: t.Id[], options?: CallOptions): Promise<t.Account[]> {
    return part(this.caller.call("account_find_many", { ids }, options), "accounts");
  }
  /** Accounts by code. */
  list(
    request: t.PageRequest & { codePrefix?: string; status?: t.Status } = {},
    options?: CallOptions,
  ): Listing<t.Account> {
    return listed(this.caller, "account_list", request, options);
  }
  /** Changes an account. NotFoundError account.not_found; ConflictError account.exists, account.changed. */
  update(change: t.AccountChange, options?: CallOptions): Promise<t.Account> {
    return this.caller.call("account_update", change, options);
  }
  /** Locks an account: postings to it are rejected. Locking twice is fine. NotFoundError account.not_found. */
  lock(account: ById, options?: CallOptions): Promise<t.Account> {
    return this.caller.call("account_lock", { id: account.id }, options);
  }
  /** Unlocks an account. NotFoundError account.not_found. */
  unlock(account: ById, options?: CallOptions): Promise<t.Account> {
    return this.caller.call("account_unlock", { id: account.id }, options);
  }
}

export class Journals extends Noun {
  /** Creates a journal. ConflictError journal.exists (`details.column`). */
  create(journal: t.NewJournal, options?: CallOptions): Promise<t.Journal> {
    return this.caller.call("journal_create", journal, options);
  }
  /** Finds a journal. NotFoundError journal.not_found. */
  find(by: ByIdOrCode, options?: CallOptions): Promise<t.Journal> {
    return this.caller.call("journal_find", by, options);
  }
  /** Journals by time of creation. */
  list(request: t.PageRequest & { status?: t.Status } = {}, options?: CallOptions): Listing<t.Journal> {
    return listed(this.caller, "journal_list", request, options);
  }
  /** Changes a journal. NotFoundError journal.not_found; ConflictError journal.changed. */
  update(change: t.JournalChange, options?: CallOptions): Promise<t.Journal> {
    return this.caller.call("journal_update", change, options);
  }
  /** Locks a journal: postings to it are rejected. */
  lock(journal: ById, options?: CallOptions): Promise<t.Journal> {
    return this.caller.call("journal_lock", { id: journal.id }, options);
  }
  /** Unlocks a journal. */
  unlock(journal: ById, options?: CallOptions): Promise<t.Journal> {
    return this.caller.call("journal_unlock", { id: journal.id }, options);
  }
}

export class TxTemplates extends Noun {
  /**
   * Creates a tx template; it never changes. InvalidError cel.compile (`details`: pointer, line, column),
   * param.duplicate, param.type; RejectedError tx_template.unbalanced; ConflictError tx_template.exists.
   */
  create(template: t.NewTxTemplate, options?: CallOptions): Promise<t.TxTemplate> {
    return this.caller.call("tx_template_create", template, options);
  }
  /** Finds a tx template. NotFoundError tx_template.not_found. */
  find(by: ByIdOrCode, options?: CallOptions): Promise<t.TxTemplate> {
    return this.caller.call("tx_template_find", by, options);
  }
  /** Tx templates by code. */
  list(request: t.PageRequest = {}, options?: CallOptions): Listing<t.TxTemplate> {
    return listed(this.caller, "tx_template_list", request, options);
  }
}

export class Transactions extends Noun {
  /**
   * Posts a transaction. RejectedError posting.unbalanced, account.locked, journal.locked; InvalidError param.*, cel.*,
   * currency.unknown, amount.range; NotFoundError tx_template.not_found, journal.not_found, account.not_found;
   * ConflictError transaction.replay_differs.
   */
  post(transaction: t.NewTransaction, options?: CallOptions): Promise<t.Posted> {
    return this.caller.call("transaction_post", transaction, options);
  }
  /** Posts several, all or none, in their order; 10,000 at most. An error names the `postingIndex`. */
  postMany(postings: t.NewTransaction[], options?: CallOptions): Promise<t.Posted[]> {
    return part(this.caller.call("transaction_post_many", { postings }, options), "results");
  }
  /** Finds a transaction. NotFoundError transaction.not_found. */
  find(by: ById | { externalId: string }, options?: CallOptions): Promise<t.Transaction> {
    return this.caller.call("transaction_find", by, options);
  }
  /** Finds transactions in the order asked, missing ones left out; 10,000 at most. */
  findMany(ids: t.Id[], options?: CallOptions): Promise<t.Transaction[]> {
    return part(this.caller.call("transaction_find_many", { ids }, options), "transactions");
  }
  /** Transactions in the order in which they were posted. */
  list(request: t.TransactionFilter = {}, options?: CallOptions): Listing<t.Transaction> {
    return listed(this.caller, "transaction_list", request, options);
  }
}

export class Entries extends Noun {
  /** Entries in the order in which they were posted. */
  list(request: t.EntryFilter, options?: CallOptions): Listing<t.Entry> {
    return listed(this.caller, "entry_list", request, options);
  }
  /** Finds entries in the order asked, missing ones left out; 10,000 at most. */
  findMany(ids: t.Id[], options?: CallOptions): Promise<t.Entry[]> {
    return part(this.caller.call("entry_find_many", { ids }, options), "entries");
  }
}

export class Balances extends Noun {
  /** Finds a balance. NotFoundError balance.not_found, also when the account has no entry yet. */
  find(key: t.BalanceKey, options?: CallOptions): Promise<t.Balance> {
    return this.caller.call("balance_find", key, options);
  }
  /** Finds balances in the order asked, missing ones left out; 10,000 at most. */
  findMany(keys: t.BalanceKey[], options?: CallOptions): Promise<t.Balance[]> {
    return part(this.caller.call("balance_find_many", { keys }, options), "balances");
  }
  /** Balances by account id and currency. */
  list(request: t.PageRequest & { journalId: t.Id; accountIds: t.Id[] }, options?: CallOptions): Listing<t.Balance> {
    return listed(this.caller, "balance_list", request, options);
  }
  /** Every version of a balance. */
  history(request: t.PageRequest & t.BalanceKey, options?: CallOptions): Listing<t.Balance> {
    return listed(this.caller, "balance_history", request, options);
  }
  /** The balance as it was: at a version, or as recorded at an instant. NotFoundError balance.not_found. */
  at(
    request: t.BalanceKey & ({ version: number } | { recordedAt: t.Instant | Date }),
    options?: CallOptions,
  ): Promise<t.Balance> {
    return this.caller.call("balance_at", request, options);
  }
}

export class Cel extends Noun {
  /** Evaluates an expression; no store is asked. InvalidError cel.compile, cel.params, cel.eval, cel.coerce. */
  evaluate(request: t.CelRequest, options?: CallOptions): Promise<{ type: string; value: t.Json }> {
    return part(this.caller.call("cel_evaluate", request, options), "value");
  }
}
