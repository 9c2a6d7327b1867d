import { type Caller, type Listing, listed } from "./listing.js";
import type { CallOptions } from "./operation.js";
import type * as t from "./types.js";

// One part of an answer, which is a promise or, where the caller answers at once, the answer.
function part<T, Key extends keyof T>(answer: Promise<T>, key: Key): Promise<T[Key]> {
  return typeof answer?.then === "function" ? answer.then((all) => all[key]) : (answer as any)[key];
}

class Noun {
  protected readonly caller: Caller;

  constructor(caller: Caller) {
    this.caller = caller;
  }
}

export class Accounts extends Noun {
  /** Creates an account. {@link t.AccountCreateError} */
  create(account: t.AccountCreateRequest, options?: CallOptions): Promise<t.Account> {
    return this.caller.call("account_create", account, options);
  }
  /** Creates accounts, all or none; 10,000 at most. {@link t.AccountCreateManyError} (`details.index`) */
  createMany(accounts: t.AccountCreateRequest[], options?: CallOptions): Promise<t.Account[]> {
    return part(this.caller.call("account_create_many", { accounts }, options), "accounts");
  }
  /** Creates an account, or finds it by any of its keys; says which. {@link t.AccountEnsureError} (`details.field`) */
  ensure(account: t.AccountEnsureRequest, options?: CallOptions): Promise<t.AccountEnsureResult> {
    return this.caller.call("account_ensure", account, options);
  }
  /** Finds an account. {@link t.AccountFindError} */
  find(by: t.AccountFindRequest, options?: CallOptions): Promise<t.Account> {
    return this.caller.call("account_find", by, options);
  }
  /** Finds accounts in the order asked, missing ones left out; 10,000 at most. */
  findMany(ids: t.Id[], options?: CallOptions): Promise<t.Account[]> {
    return part(this.caller.call("account_find_many", { ids }, options), "accounts");
  }
  /** Accounts by code. */
  list(request: t.AccountListRequest = {}, options?: CallOptions): Listing<t.Account> {
    return listed(this.caller, "account_list", request, options);
  }
  /** Changes an account: only what is given changes; null clears. {@link t.AccountUpdateError} */
  update(change: t.AccountUpdateRequest, options?: CallOptions): Promise<t.Account> {
    return this.caller.call("account_update", change, options);
  }
  /** Locks an account: postings to it are rejected. Locking twice is fine. {@link t.AccountLockError} */
  lock(account: t.AccountLockRequest, options?: CallOptions): Promise<t.Account> {
    return this.caller.call("account_lock", { id: account.id }, options);
  }
  /** Unlocks an account. {@link t.AccountUnlockError} */
  unlock(account: t.AccountUnlockRequest, options?: CallOptions): Promise<t.Account> {
    return this.caller.call("account_unlock", { id: account.id }, options);
  }
}

export class AccountSets extends Noun {
  /** Creates an account set. {@link t.AccountSetCreateError} */
  create(set: t.AccountSetCreateRequest, options?: CallOptions): Promise<t.AccountSet> {
    return this.caller.call("account_set_create", set, options);
  }
  /** Creates an account set, or finds it by id or external id; says which. {@link t.AccountSetEnsureError} */
  ensure(set: t.AccountSetEnsureRequest, options?: CallOptions): Promise<t.AccountSetEnsureResult> {
    return this.caller.call("account_set_ensure", set, options);
  }
  /** Finds an account set. {@link t.AccountSetFindError} */
  find(by: t.AccountSetFindRequest, options?: CallOptions): Promise<t.AccountSet> {
    return this.caller.call("account_set_find", by, options);
  }
  /** Finds account sets in the order asked, missing ones left out; 10,000 at most. */
  findMany(ids: t.Id[], options?: CallOptions): Promise<t.AccountSet[]> {
    return part(this.caller.call("account_set_find_many", { ids }, options), "accountSets");
  }
  /** Account sets in the order in which they were created. */
  list(request: t.AccountSetListRequest = {}, options?: CallOptions): Listing<t.AccountSet> {
    return listed(this.caller, "account_set_list", request, options);
  }
  /** Changes an account set: only what is given changes; null clears. {@link t.AccountSetUpdateError} */
  update(change: t.AccountSetUpdateRequest, options?: CallOptions): Promise<t.AccountSet> {
    return this.caller.call("account_set_update", change, options);
  }
  /** Puts accounts and sets into sets, all or none. {@link t.AccountSetAddMembersError} (`details.index`) */
  addMembers(members: t.Membership[], options?: CallOptions): Promise<t.AccountSetAddMembersResult> {
    return this.caller.call("account_set_add_members", { members }, options);
  }
  /** Puts those into sets that are not there yet, all or none. {@link t.AccountSetEnsureMembersError} */
  ensureMembers(members: t.Membership[], options?: CallOptions): Promise<t.AccountSetEnsureMembersResult> {
    return this.caller.call("account_set_ensure_members", { members }, options);
  }
  /** Takes a member out of a set. {@link t.AccountSetRemoveMemberError} */
  removeMember(member: t.Membership, options?: CallOptions): Promise<t.AccountSetRemoveMemberResult> {
    return this.caller.call("account_set_remove_member", member, options);
  }
  /** What is in a set itself. */
  listMembers(request: t.AccountSetListMembersRequest, options?: CallOptions): Listing<t.Member> {
    return listed(this.caller, "account_set_list_members", request, options);
  }
  /** The sets that an account or a set is in itself. */
  listParents(request: t.AccountSetListParentsRequest, options?: CallOptions): Listing<t.AccountSet> {
    return listed(this.caller, "account_set_list_parents", request, options);
  }
}

export class Journals extends Noun {
  /** Creates a journal. {@link t.JournalCreateError} */
  create(journal: t.JournalCreateRequest, options?: CallOptions): Promise<t.Journal> {
    return this.caller.call("journal_create", journal, options);
  }
  /** Creates a journal, or finds it by any of its keys; says which. {@link t.JournalEnsureError} (`details.field`) */
  ensure(journal: t.JournalEnsureRequest, options?: CallOptions): Promise<t.JournalEnsureResult> {
    return this.caller.call("journal_ensure", journal, options);
  }
  /** Finds a journal. {@link t.JournalFindError} */
  find(by: t.JournalFindRequest, options?: CallOptions): Promise<t.Journal> {
    return this.caller.call("journal_find", by, options);
  }
  /** Journals by time of creation. */
  list(request: t.JournalListRequest = {}, options?: CallOptions): Listing<t.Journal> {
    return listed(this.caller, "journal_list", request, options);
  }
  /** Changes a journal: only what is given changes; null clears. {@link t.JournalUpdateError} */
  update(change: t.JournalUpdateRequest, options?: CallOptions): Promise<t.Journal> {
    return this.caller.call("journal_update", change, options);
  }
  /** Locks a journal: postings to it are rejected. {@link t.JournalLockError} */
  lock(journal: t.JournalLockRequest, options?: CallOptions): Promise<t.Journal> {
    return this.caller.call("journal_lock", { id: journal.id }, options);
  }
  /** Unlocks a journal. {@link t.JournalUnlockError} */
  unlock(journal: t.JournalUnlockRequest, options?: CallOptions): Promise<t.Journal> {
    return this.caller.call("journal_unlock", { id: journal.id }, options);
  }
  /**
   * Closes a journal's books up to a date: nothing is posted any more that is effective then.
   * {@link t.JournalCloseError}
   */
  close(request: t.JournalCloseRequest, options?: CallOptions): Promise<t.Journal> {
    return this.caller.call("journal_close", request, options);
  }
  /** Reopens a journal's books after a date, or with null altogether. {@link t.JournalReopenError} */
  reopen(request: t.JournalReopenRequest, options?: CallOptions): Promise<t.Journal> {
    return this.caller.call("journal_reopen", request, options);
  }
}

export class TxTemplates extends Noun {
  /** Creates a tx template; it never changes. {@link t.TxTemplateCreateError} (`details`: pointer, line, column) */
  create(template: t.TxTemplateCreateRequest, options?: CallOptions): Promise<t.TxTemplate> {
    return this.caller.call("tx_template_create", template, options);
  }
  /**
   * Creates a tx template, or finds it by any of its keys; says which.
   * {@link t.TxTemplateEnsureError} (`details.field`)
   */
  ensure(template: t.TxTemplateEnsureRequest, options?: CallOptions): Promise<t.TxTemplateEnsureResult> {
    return this.caller.call("tx_template_ensure", template, options);
  }
  /** Finds a tx template. {@link t.TxTemplateFindError} */
  find(by: t.TxTemplateFindRequest, options?: CallOptions): Promise<t.TxTemplate> {
    return this.caller.call("tx_template_find", by, options);
  }
  /** Tx templates by code. */
  list(request: t.TxTemplateListRequest = {}, options?: CallOptions): Listing<t.TxTemplate> {
    return listed(this.caller, "tx_template_list", request, options);
  }
}

export class VelocityLimits extends Noun {
  /**
   * Creates a velocity limit: how much may pass within a window. It never changes. {@link t.VelocityLimitCreateError}
   */
  create(limit: t.VelocityLimitCreateRequest, options?: CallOptions): Promise<t.VelocityLimit> {
    return this.caller.call("velocity_limit_create", limit, options);
  }
  /** Creates a velocity limit, or finds the one that has its id; says which. {@link t.VelocityLimitEnsureError} */
  ensure(limit: t.VelocityLimitEnsureRequest, options?: CallOptions): Promise<t.VelocityLimitEnsureResult> {
    return this.caller.call("velocity_limit_ensure", limit, options);
  }
  /** Velocity limits, oldest first. */
  list(request: t.VelocityLimitListRequest = {}, options?: CallOptions): Listing<t.VelocityLimit> {
    return listed(this.caller, "velocity_limit_list", request, options);
  }
}

export class VelocityControls extends Noun {
  /** Creates a velocity control, without limits at first. {@link t.VelocityControlCreateError} */
  create(control: t.VelocityControlCreateRequest, options?: CallOptions): Promise<t.VelocityControl> {
    return this.caller.call("velocity_control_create", control, options);
  }
  /** Creates a velocity control, or finds the one that has its id; says which. {@link t.VelocityControlEnsureError} */
  ensure(control: t.VelocityControlEnsureRequest, options?: CallOptions): Promise<t.VelocityControlEnsureResult> {
    return this.caller.call("velocity_control_ensure", control, options);
  }
  /** Velocity controls, oldest first. */
  list(request: t.VelocityControlListRequest = {}, options?: CallOptions): Listing<t.VelocityControl> {
    return listed(this.caller, "velocity_control_list", request, options);
  }
  /**
   * Adds a limit; where the control is attached already, its limits stay frozen. {@link t.VelocityControlAddLimitError}
   */
  addLimit(pair: t.VelocityControlAddLimitRequest, options?: CallOptions): Promise<t.VelocityControl> {
    return this.caller.call("velocity_control_add_limit", pair, options);
  }
  /** Adds a limit, or finds it there. {@link t.VelocityControlEnsureLimitError} */
  ensureLimit(
    pair: t.VelocityControlEnsureLimitRequest,
    options?: CallOptions,
  ): Promise<t.VelocityControlEnsureLimitResult> {
    return this.caller.call("velocity_control_ensure_limit", pair, options);
  }
  /** Attaches a control to accounts or to an account set, with params. {@link t.VelocityControlAttachError} */
  attach(to: t.VelocityControlAttachRequest, options?: CallOptions): Promise<t.VelocityControlAttachResult> {
    return this.caller.call("velocity_control_attach", to, options);
  }
  /** Attaches a control where it is not attached yet. {@link t.VelocityControlEnsureAttachedError} */
  ensureAttached(
    to: t.VelocityControlEnsureAttachedRequest,
    options?: CallOptions,
  ): Promise<t.VelocityControlEnsureAttachedResult> {
    return this.caller.call("velocity_control_ensure_attached", to, options);
  }
  /** Detaches a control. {@link t.VelocityControlDetachError} */
  detach(from: t.VelocityControlDetachRequest, options?: CallOptions): Promise<t.VelocityControlDetachResult> {
    return this.caller.call("velocity_control_detach", from, options);
  }
  /** Where controls are attached, oldest first. */
  attachments(request: t.VelocityAttachmentListRequest = {}, options?: CallOptions): Listing<t.VelocityAttachment> {
    return listed(this.caller, "velocity_attachment_list", request, options);
  }
  /** What is left of each limit at an account and the sets above it. {@link t.VelocityHeadroomError} */
  headroom(of: t.VelocityHeadroomRequest, options?: CallOptions): Promise<t.VelocityHeadroom[]> {
    return part(this.caller.call("velocity_headroom", of, options), "items");
  }
}

export class Transactions extends Noun {
  /**
   * Posts a transaction. Posting the same id or external id again with the same content writes nothing and answers as
   * before. Amounts in `params` are text. {@link t.TransactionPostError}
   */
  post(transaction: t.TransactionPostRequest, options?: CallOptions): Promise<t.Posted> {
    return this.caller.call("transaction_post", transaction, options);
  }
  /**
   * Posts several, all or none, in their order; 10,000 at most. An error names the `postingIndex`.
   * {@link t.TransactionPostManyError}
   */
  postMany(postings: t.TransactionPostRequest[], options?: CallOptions): Promise<t.Posted[]> {
    return part(this.caller.call("transaction_post_many", { postings }, options), "results");
  }
  /** Says what would become of a posting, and writes nothing: what the ledger would refuse it with is in `error`. */
  preview(transaction: t.TransactionPreviewRequest, options?: CallOptions): Promise<t.TransactionPreviewResult> {
    return this.caller.call("transaction_preview", transaction, options);
  }
  /** Voids a transaction: posts another one that takes it back; once. {@link t.TransactionVoidError} */
  void(transaction: t.TransactionVoidRequest, options?: CallOptions): Promise<t.Posted> {
    return this.caller.call("transaction_void", transaction, options);
  }
  /** Finds a transaction. {@link t.TransactionFindError} */
  find(by: t.TransactionFindRequest, options?: CallOptions): Promise<t.Transaction> {
    return this.caller.call("transaction_find", by, options);
  }
  /** Finds transactions in the order asked, by ids or `{ externalIds }`, missing ones left out; 10,000 at most. */
  findMany(by: t.Id[] | t.TransactionFindManyRequest, options?: CallOptions): Promise<t.Transaction[]> {
    const asked = Array.isArray(by) ? { ids: by } : by;
    return part(this.caller.call("transaction_find_many", asked, options), "transactions");
  }
  /** Transactions in the order in which they were posted. {@link t.TransactionListError} */
  list(request: t.TransactionListRequest = {}, options?: CallOptions): Listing<t.Transaction> {
    return listed(this.caller, "transaction_list", request, options);
  }
}

export class Holds extends Noun {
  /** Makes a hold: posts a transaction whose entries are all pending. {@link t.HoldCreateError} */
  create(hold: t.HoldCreateRequest, options?: CallOptions): Promise<t.HoldPosted> {
    return this.caller.call("hold_create", hold, options);
  }
  /** Captures a hold, or with an `amount` a part of it; `final: false` leaves it open. {@link t.HoldCaptureError} */
  capture(capture: t.HoldCaptureRequest, options?: CallOptions): Promise<t.HoldPosted> {
    return this.caller.call("hold_capture", capture, options);
  }
  /** Releases what is left of a hold. {@link t.HoldReleaseError} */
  release(release: t.HoldReleaseRequest, options?: CallOptions): Promise<t.HoldPosted> {
    return this.caller.call("hold_release", release, options);
  }
  /** Finds a hold. {@link t.HoldFindError} */
  find(by: t.HoldFindRequest, options?: CallOptions): Promise<t.Hold> {
    return this.caller.call("hold_find", by, options);
  }
  /** Holds in the order in which they were posted. */
  list(request: t.HoldListRequest = {}, options?: CallOptions): Listing<t.Hold> {
    return listed(this.caller, "hold_list", request, options);
  }
  /** Releases holds that have expired; to be called again until it has expired none. {@link t.HoldExpireError} */
  expire(request: t.HoldExpireRequest = {}, options?: CallOptions): Promise<t.HoldExpireResult> {
    return this.caller.call("hold_expire", request, options);
  }
}

export class Entries extends Noun {
  /** Entries in the order in which they were posted. {@link t.EntryListError} */
  list(request: t.EntryListRequest, options?: CallOptions): Listing<t.Entry> {
    return listed(this.caller, "entry_list", request, options);
  }
  /** Finds entries in the order asked, missing ones left out; 10,000 at most. */
  findMany(ids: t.Id[], options?: CallOptions): Promise<t.Entry[]> {
    return part(this.caller.call("entry_find_many", { ids }, options), "entries");
  }
}

export class Balances extends Noun {
  /** Finds a balance. An account without an entry has none. {@link t.BalanceFindError} */
  find(key: t.BalanceFindRequest, options?: CallOptions): Promise<t.Balance> {
    return this.caller.call("balance_find", key, options);
  }
  /** Finds balances in the order asked, missing ones left out; 10,000 at most. {@link t.BalanceFindManyError} */
  findMany(keys: t.BalanceKey[], options?: CallOptions): Promise<t.Balance[]> {
    return part(this.caller.call("balance_find_many", { keys }, options), "balances");
  }
  /** Balances by account id and currency. */
  list(request: t.BalanceListRequest, options?: CallOptions): Listing<t.Balance> {
    return listed(this.caller, "balance_list", request, options);
  }
  /** Every version of a balance. {@link t.BalanceHistoryError} */
  history(request: t.BalanceHistoryRequest, options?: CallOptions): Listing<t.Balance> {
    return listed(this.caller, "balance_history", request, options);
  }
  /** The balance as it was: at a version, as recorded at an instant, or by effective date. {@link t.BalanceAtError} */
  at(request: t.BalanceAtRequest, options?: CallOptions): Promise<t.Balance> {
    return this.caller.call("balance_at", request, options);
  }
  /** A balance over a range of effective dates. {@link t.BalanceRangeError} */
  range(request: t.BalanceRangeRequest, options?: CallOptions): Promise<t.BalanceRange> {
    return this.caller.call("balance_range", request, options);
  }
  /** A page of the statement of an account or an account set. {@link t.AccountStatementError} */
  statement(request: t.AccountStatementRequest, options?: CallOptions): Promise<t.Statement> {
    return this.caller.call("account_statement", request, options);
  }
  /** A page of what the accounts of a journal have. {@link t.TrialBalanceError} */
  trial(request: t.TrialBalanceRequest, options?: CallOptions): Promise<t.TrialBalance> {
    return this.caller.call("trial_balance", request, options);
  }
  /** The balances by effective date that changed since an instant. {@link t.BalanceChangesError} */
  changes(request: t.BalanceChangesRequest, options?: CallOptions): Listing<t.DatedBalance> {
    return listed(this.caller, "balance_changes", request, options);
  }
}

export class Events extends Noun {
  /** A page of what happened, in order; read on from its `place`. {@link t.EventListError} */
  list(request: t.EventListRequest = {}, options?: CallOptions): Promise<t.EventPage> {
    return this.caller.call("event_list", request, options);
  }
  /** Deletes the oldest events, which every named listener is done with. {@link t.EventPruneError} */
  prune(request: t.EventPruneRequest, options?: CallOptions): Promise<t.EventPruneResult> {
    return this.caller.call("event_prune", request, options);
  }
}

/** Named listeners: places in the order of events that the ledger keeps. */
export class Listeners extends Noun {
  /** Where a listener begins; a named one is kept. {@link t.ListenerPlaceError} */
  place(request: t.ListenerPlaceRequest = {}, options?: CallOptions): Promise<t.KeptPlace> {
    return this.caller.call("listener_place", request, options);
  }
  /** Keeps the place up to which a named listener is done. {@link t.ListenerAckError} */
  ack(request: t.ListenerAckRequest, options?: CallOptions): Promise<t.KeptPlace> {
    return this.caller.call("listener_ack", request, options);
  }
  /** Named listeners by name. */
  list(request: t.ListenerListRequest = {}, options?: CallOptions): Listing<t.Listener> {
    return listed(this.caller, "listener_list", request, options);
  }
  /** Forgets a named listener. {@link t.ListenerRemoveError} */
  remove(request: t.ListenerRemoveRequest, options?: CallOptions): Promise<t.Listener> {
    return this.caller.call("listener_remove", request, options);
  }
}

/** Transactions of the ledger's own that `prepare` left in the database. */
export class Prepared extends Noun {
  /** Those that have not ended, by gid. */
  list(request: t.PreparedListRequest = {}, options?: CallOptions): Listing<t.Prepared> {
    return listed(this.caller, "prepared_list", request, options);
  }
  /** Commits one, or rolls it back. {@link t.TxFinishError} */
  finish(request: t.TxFinishRequest, options?: CallOptions): Promise<t.TxFinishResult> {
    return this.caller.call("tx_finish", request, options);
  }
}

export class Cel extends Noun {
  /** Evaluates an expression; no store is asked. {@link t.CelEvaluateError} */
  evaluate(request: t.CelEvaluateRequest, options?: CallOptions): Promise<{ type: string; value: t.Json }> {
    return part(this.caller.call("cel_evaluate", request, options), "value");
  }
}
