"""The operations, by noun: `ledger.accounts.create(...)`, `tx.transactions.post(...)`.

Fields are those of the requests in cala.h, answers are dicts with its keys. Amounts go in as str or Decimal and come
out as str; ids are str or uuid.UUID, dates str or datetime.date, instants str or an aware datetime; None is JSON's
null. On an AsyncLedger and in its transactions every answer is to be awaited and lists are asynchronous iterators.
Every method raises cala.Error; help() of a method names the codes that its operation adds, documents.py its keys.
"""
from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Concatenate, Generic, ParamSpec, TypeVar, cast, overload

from .documents import (RAISES, Account, AccountChanges, AccountFilter, AccountKey, AccountSet, AccountSetChanges,
                        AccountSetFilter, AccountSetKey, Added, Member, Membership, MemberFilter, NewAccountSet,
                        ParentFilter, Removed, Balance, BalanceKey, BalanceRange, CelContext, Date,
                        DatedBalance, DateRange, Entry, EntryFilter, EventFilter, EventPage, KeptPlace, Listener,
                        ListenerBegin, Id, Info, Instant, Journal, JournalChanges,
                        JournalFilter, Json, Key, LockedKey,
                        Migrated, Moment, NewAccount, NewJournal, NewTxTemplate, PageRequest, Posted, Posting, Rows,
                        Statement, StatementPart, Transaction, TransactionFilter, TransactionKey, TrialBalance,
                        TrialBalancePart, TxTemplate)
from .documents import (AttachmentFilter, AttachVelocity, Attached, Detached, DetachVelocity, EnsureAttached,
                        EnsuredAttached, EnsuredLimit,
                        EnsuredVelocityControl, EnsuredVelocityLimit, EnsureVelocityControl, EnsureVelocityLimit,
                        Headroom, HeadroomKey, NewVelocityControl, NewVelocityLimit, VelocityAttachment,
                        VelocityControl, VelocityLimit, VelocityLimitFilter)
from .documents import (EnsureAccount, EnsureAccountSet, Ensured, EnsuredAccount, EnsuredAccountSet, EnsuredJournal,
                        EnsuredTxTemplate, EnsureJournal, EnsureTxTemplate, Rollup)
from .documents import CaptureHold, ExpiredHolds, HeldAmounts, Hold, HoldFilter, ReleaseHold
from .documents import Finished, PreparedOutcome, PreparedTransaction
from .documents import (Health, HealthLimits, Metrics, MetricsFormat, PreviewedTransaction, PruneEvents, Pruned,
                        VoidTransaction)
from .errors import InvalidError
from .listing import AsyncListing, Listing

if TYPE_CHECKING:
    from typing_extensions import TypedDict, Unpack
else:
    from typing import TypedDict


class CelValue(TypedDict):
    """A value of CEL; docs/cel.md has the types."""

    type: str
    value: Json


class Waiting:
    """Where operations wait for their answers."""


class Awaited:
    """Where answers are to be awaited."""


P = ParamSpec("P")
R = TypeVar("R")
M = TypeVar("M", Waiting, Awaited)


class _Base(Generic[M]):
    """What operations are called on: a place, or a noun of it."""

    @property
    def _place(self) -> Place[M]:
        raise NotImplementedError


class Operation(Generic[P, R]):
    """What a method of an operation is: it gives the answer, or what is to be awaited for it. For type checkers."""

    @overload
    def __get__(self, base: _Base[Waiting], owner: object) -> Callable[P, R]: ...
    @overload
    def __get__(self, base: _Base[Awaited], owner: object) -> Callable[P, Coroutine[Any, Any, R]]: ...
    @overload
    def __get__(self, base: None, owner: object) -> Callable[..., Any]: ...
    def __get__(self, base: Any, owner: object) -> Any:
        raise NotImplementedError


class ListOperation(Generic[P, R]):
    """What a method of a list is. For type checkers."""

    @overload
    def __get__(self, base: _Base[Waiting], owner: object) -> Callable[P, Listing[R]]: ...
    @overload
    def __get__(self, base: _Base[Awaited], owner: object) -> Callable[P, AsyncListing[R]]: ...
    @overload
    def __get__(self, base: None, owner: object) -> Callable[..., Any]: ...
    def __get__(self, base: Any, owner: object) -> Any:
        raise NotImplementedError


def operation(name: str, answer: type[R],
              gives: str | None = None) -> Callable[[Callable[Concatenate[Any, P], object]], Operation[P, R]]:
    """Marks a method as the way to the operation `name`: the method makes the request, this sends it.

    answer: what it gives; gives: the one key of the answer that this is. From the marks and the methods' parameters
    tools/make_ffi writes documents.py and coverage.json, and refuses what is not as in cala.h.
    """
    def decorate(method: Callable[Concatenate[Any, P], object]) -> Operation[P, R]:
        @functools.wraps(method)
        def send(self: Any, *arguments: P.args, **fields: P.kwargs) -> Any:
            return self._place.call(name, method(self, *arguments, **fields), gives)
        send.__doc__ = _with_codes(method, name)
        return cast("Operation[P, R]", send)
    return decorate


def many(name: str, item: type[R],
         gives: str) -> Callable[[Callable[Concatenate[Any, P], object]], Operation[P, list[R]]]:
    """As operation, for an answer whose one key holds a list of such items."""
    return operation(name, list[item], gives)  # type: ignore[valid-type]


def listing(name: str, item: type[R]) -> Callable[[Callable[Concatenate[Any, P], object]], ListOperation[P, R]]:
    """As operation, for a list of such items, which is fetched page after page."""
    def decorate(method: Callable[Concatenate[Any, P], object]) -> ListOperation[P, R]:
        @functools.wraps(method)
        def send(self: Any, *arguments: P.args, **fields: P.kwargs) -> Any:
            return self._place._listing(self._place, name, method(self, *arguments, **fields))
        send.__doc__ = _with_codes(method, name)
        return cast("ListOperation[P, R]", send)
    return decorate


def _with_codes(method: Callable[..., object], name: str) -> str:
    """The method's documentation, with what the operation raises."""
    return inspect.cleandoc(method.__doc__ or "") + (f"\n\nRaises {RAISES[name]}" if RAISES[name] else "")


def _posting(tx_template_code: str, params: Mapping[str, Json] | None, id: Id | None) -> Posting:
    posting: Posting = {"tx_template_code": tx_template_code, "params": params or {}}
    if id is not None:
        posting["id"] = id
    return posting


def _texts(params: Any) -> list[str | None]:
    """The parameters of a statement, each a text or None."""
    if isinstance(params, (str, bytes)) or not isinstance(params, Sequence):
        raise InvalidError(f"params is of type {type(params).__name__}, and must be a list or a tuple",
                           "request.malformed", details={"pointer": "/params"})
    for index, value in enumerate(params):
        if value is not None and not isinstance(value, str):
            raise InvalidError(f"parameter {index + 1} is of type {type(value).__name__}, and must be a str or None",
                               "request.malformed", details={"pointer": f"/params/{index}"})
    return [*params]


def _given(**fields: object) -> dict[str, object]:
    return {name: value for name, value in fields.items() if value is not None}


class _Noun(_Base[M]):
    def __init__(self, place: Place[M]) -> None:
        self._on: Place[M] = place

    @property
    def _place(self) -> Place[M]:
        return self._on


class Accounts(_Noun[M]):
    """Accounts: `accounts`."""

    @operation("account_create", Account)
    def create(self, **fields: Unpack[NewAccount]) -> object:
        """Creates an account. Gives the account."""
        return fields

    @many("account_create_many", Account, gives="accounts")
    def create_many(self, accounts: Sequence[NewAccount]) -> object:
        """Creates accounts, dicts as for create, all or none; 10,000 at most.
        Gives a list of them in the same order."""
        return {"accounts": accounts}

    @operation("account_ensure", EnsuredAccount)
    def ensure(self, **fields: Unpack[EnsureAccount]) -> object:
        """Creates the account, or finds the one that has its id, code or external_id. Gives {"created": bool,
        "account": {...}}. A found one that differs in a field that was given is refused,
        or kept where on_difference is "keep"."""
        return fields

    @operation("account_find", Account)
    def find(self, **key: Unpack[AccountKey]) -> object:
        """Gives the account that has this id, code or external_id."""
        return key

    @many("account_find_many", Account, gives="accounts")
    def find_many(self, ids: Sequence[Id]) -> object:
        """Gives a list of accounts in the order asked, missing ones left out."""
        return {"ids": ids}

    @listing("account_list", Account)
    def list(self, **filters: Unpack[AccountFilter]) -> object:
        """Accounts by code. Gives a Listing."""
        return filters

    @operation("account_update", Account)
    def update(self, id: Id, **changes: Unpack[AccountChanges]) -> object:
        """Changes only what is given; None clears what may be absent. Gives the account, its version one higher when
        anything changed."""
        return {"id": id, **changes}

    @operation("account_lock", Account)
    def lock(self, id: Id) -> object:
        """Locks the account: postings to it are rejected until it is unlocked. Gives the account."""
        return {"id": id}

    @operation("account_unlock", Account)
    def unlock(self, id: Id) -> object:
        """Unlocks the account. Gives the account."""
        return {"id": id}


class AccountSets(_Noun[M]):
    """Account sets: `account_sets`."""

    @operation("account_set_create", AccountSet)
    def create(self, **fields: Unpack[NewAccountSet]) -> object:
        """Creates an account set. Gives the account set."""
        return fields

    @operation("account_set_ensure", EnsuredAccountSet)
    def ensure(self, **fields: Unpack[EnsureAccountSet]) -> object:
        """Creates the account set, or finds the one that has its id or external_id. Gives {"created": bool,
        "account_set": {...}}. A found one that differs in a field that was given is refused, or kept where
        on_difference is "keep"."""
        return fields

    @operation("account_set_find", AccountSet)
    def find(self, **key: Unpack[AccountSetKey]) -> object:
        """Gives the account set that has this id or external_id."""
        return key

    @many("account_set_find_many", AccountSet, gives="account_sets")
    def find_many(self, ids: Sequence[Id]) -> object:
        """Gives a list of account sets in the order asked, missing ones left out."""
        return {"ids": ids}

    @listing("account_set_list", AccountSet)
    def list(self, **filters: Unpack[AccountSetFilter]) -> object:
        """Account sets by time of creation. Gives a Listing."""
        return filters

    @operation("account_set_update", AccountSet)
    def update(self, id: Id, **changes: Unpack[AccountSetChanges]) -> object:
        """Changes only what is given; None clears what may be absent. Gives the account set."""
        return {"id": id, **changes}

    @operation("account_set_add_members", Added)
    def add_members(self, members: Sequence[Membership]) -> object:
        """Puts accounts and sets into sets, all or none; 10,000 at most. Gives how many."""
        return {"members": members}

    @operation("account_set_ensure_members", Ensured)
    def ensure_members(self, members: Sequence[Membership]) -> object:
        """Puts those into sets that are not there yet, all or none. Gives how many were created and found."""
        return {"members": members}

    @operation("account_set_remove_member", Removed)
    def remove_member(self, **member: Unpack[Membership]) -> object:
        """Takes a member, account_id or member_account_set_id, out of account_set_id."""
        return member

    @listing("account_set_list_members", Member)
    def list_members(self, **filters: Unpack[MemberFilter]) -> object:
        """What is in an account set itself. Gives a Listing."""
        return filters

    @listing("account_set_list_parents", AccountSet)
    def list_parents(self, **filters: Unpack[ParentFilter]) -> object:
        """The sets that an account or a set is in itself. Gives a Listing."""
        return filters


class Journals(_Noun[M]):
    """Journals: `journals`."""

    @operation("journal_create", Journal)
    def create(self, **fields: Unpack[NewJournal]) -> object:
        """Creates a journal. Gives the journal."""
        return fields

    @operation("journal_ensure", EnsuredJournal)
    def ensure(self, **fields: Unpack[EnsureJournal]) -> object:
        """Creates the journal, or finds the one that has its id or code. Gives {"created": bool,
        "journal": {...}}. A found one that differs in a field that was given is refused,
        or kept where on_difference is "keep"."""
        return fields

    @operation("journal_find", Journal)
    def find(self, **key: Unpack[Key]) -> object:
        """Gives the journal that has this id or code."""
        return key

    @listing("journal_list", Journal)
    def list(self, **filters: Unpack[JournalFilter]) -> object:
        """Journals by time of creation. Gives a Listing."""
        return filters

    @operation("journal_update", Journal)
    def update(self, id: Id, **changes: Unpack[JournalChanges]) -> object:
        """Changes only what is given; None clears what may be absent. Gives the journal."""
        return {"id": id, **changes}

    @operation("journal_lock", Journal)
    def lock(self, id: Id) -> object:
        """Locks the journal: postings to it are rejected until it is unlocked. Gives the journal."""
        return {"id": id}

    @operation("journal_unlock", Journal)
    def unlock(self, id: Id) -> object:
        """Unlocks the journal. Gives the journal."""
        return {"id": id}

    @operation("journal_close", Journal)
    def close(self, id: Id, until: Date) -> object:
        """Closes the journal's books up to a date: nothing is posted any more that is effective then.
        Gives the journal."""
        return {"id": id, "until": until}

    @operation("journal_reopen", Journal)
    def reopen(self, id: Id, until: Date | None) -> object:
        """Reopens the journal's books after a date, or with None altogether. Gives the journal."""
        return {"id": id, "until": until}


class TxTemplates(_Noun[M]):
    """Tx templates, which never change: `tx_templates`."""

    @operation("tx_template_create", TxTemplate)
    def create(self, **fields: Unpack[NewTxTemplate]) -> object:
        """Creates a tx template. Every value under transaction and entries is a CEL expression; the details of a
        cel.compile have pointer, line, column. Gives the tx template."""
        return fields

    @operation("tx_template_ensure", EnsuredTxTemplate)
    def ensure(self, **fields: Unpack[EnsureTxTemplate]) -> object:
        """Creates the tx template, or finds the one that has its id or code. Gives {"created": bool, "tx_template":
        {...}}. A found one that differs in a field that was given is refused, or kept where on_difference is "keep"."""
        return fields

    @operation("tx_template_find", TxTemplate)
    def find(self, **key: Unpack[Key]) -> object:
        """Gives the tx template that has this id or code."""
        return key

    @listing("tx_template_list", TxTemplate)
    def list(self, **filters: Unpack[PageRequest]) -> object:
        """Tx templates by code. Gives a Listing."""
        return filters


class VelocityLimits(_Noun[M]):
    """Velocity limits, which never change: `velocity_limits`."""

    @operation("velocity_limit_create", VelocityLimit)
    def create(self, **fields: Unpack[NewVelocityLimit]) -> object:
        """Creates a velocity limit: how much may pass within a window. Gives the limit."""
        return fields

    @operation("velocity_limit_ensure", EnsuredVelocityLimit)
    def ensure(self, **fields: Unpack[EnsureVelocityLimit]) -> object:
        """Creates the velocity limit, or finds the one that has its id. Gives {"created": bool, "velocity_limit":
        {...}}."""
        return fields

    @listing("velocity_limit_list", VelocityLimit)
    def list(self, **filters: Unpack[VelocityLimitFilter]) -> object:
        """Velocity limits, oldest first. Gives a Listing."""
        return filters


class VelocityControls(_Noun[M]):
    """Velocity controls, lists of limits, and where they are attached: `velocity_controls`."""

    @operation("velocity_control_create", VelocityControl)
    def create(self, **fields: Unpack[NewVelocityControl]) -> object:
        """Creates a velocity control, without limits at first. Gives the control."""
        return fields

    @operation("velocity_control_ensure", EnsuredVelocityControl)
    def ensure(self, **fields: Unpack[EnsureVelocityControl]) -> object:
        """Creates the velocity control, or finds the one that has its id. Gives {"created": bool, "velocity_control":
        {...}}."""
        return fields

    @listing("velocity_control_list", VelocityControl)
    def list(self, **filters: Unpack[PageRequest]) -> object:
        """Velocity controls, oldest first. Gives a Listing."""
        return filters

    @operation("velocity_control_add_limit", VelocityControl)
    def add_limit(self, control_id: Id, limit_id: Id) -> object:
        """Adds a limit to a control. Where that is attached already, its limits stay as they were frozen.
        Gives the control."""
        return {"control_id": control_id, "limit_id": limit_id}

    @operation("velocity_control_ensure_limit", EnsuredLimit)
    def ensure_limit(self, control_id: Id, limit_id: Id) -> object:
        """Adds a limit to a control, or finds it there. Gives {"created": int, "found": int}."""
        return {"control_id": control_id, "limit_id": limit_id}

    @operation("velocity_control_attach", Attached)
    def attach(self, **fields: Unpack[AttachVelocity]) -> object:
        """Attaches a control to accounts or to an account set, with params; its limits are frozen with them. Gives
        {"attached": int, "replaced": int}."""
        return fields

    @operation("velocity_control_ensure_attached", EnsuredAttached)
    def ensure_attached(self, **fields: Unpack[EnsureAttached]) -> object:
        """Attaches a control where it is not attached yet. Gives {"created": int, "found": int}."""
        return fields

    @operation("velocity_control_detach", Detached)
    def detach(self, **fields: Unpack[DetachVelocity]) -> object:
        """Detaches a control. Gives {"detached": int}."""
        return fields

    @listing("velocity_attachment_list", VelocityAttachment)
    def attachments(self, **filters: Unpack[AttachmentFilter]) -> object:
        """Where controls are attached, oldest first. Gives a Listing."""
        return filters

    @operation("velocity_headroom", Headroom)
    def headroom(self, **key: Unpack[HeadroomKey]) -> object:
        """What is left of each limit at an account and the sets above it. Gives {"items": [...]}."""
        return key


class Transactions(_Noun[M]):
    """Transactions: `transactions`."""

    @operation("transaction_post", Posted)
    def post(self, tx_template_code: str, params: Mapping[str, Json] | None = None, id: Id | None = None) -> object:
        """Posts a transaction. Gives {"transaction": {...}, "entries": [...], "replayed": bool}; the same id or
        external id again with the same content writes nothing and gives the first result, replayed True: so a post
        whose answer was lost is simply repeated."""
        return _posting(tx_template_code, params, id)

    @many("transaction_post_many", Posted, gives="results")
    def post_many(self, postings: Iterable[Posting]) -> object:
        """Posts transactions, dicts {tx_template_code, params, id}, all or none, as if one after the other; 10,000 at
        most. Gives a list of what post gives. An error's posting_index says which."""
        return {"postings": list(postings)}

    @operation("transaction_preview", PreviewedTransaction)
    def preview(self, tx_template_code: str, params: Mapping[str, Json] | None = None, id: Id | None = None) -> object:
        """Says what would become of a posting, as for post, and writes nothing. Gives {"would_post": True,
        "transaction": {...}, "entries": [...], "balances_after": [...], "limits": [...]}, or {"would_post": False,
        "error": {...}}."""
        return _posting(tx_template_code, params, id)

    @operation("transaction_void", Posted)
    def void(self, **void: Unpack[VoidTransaction]) -> object:
        """Takes a transaction back by posting another one, once. Gives {"transaction": {...}, "entries": [...],
        "replayed": bool} of the voiding one; with a void_id it is simply repeated where the answer was lost."""
        return void

    @operation("transaction_find", Transaction)
    def find(self, **key: Unpack[TransactionKey]) -> object:
        """Gives the transaction that has this id or external_id."""
        return key

    @many("transaction_find_many", Transaction, gives="transactions")
    def find_many(self, ids: Sequence[Id] | None = None, external_ids: Sequence[str] | None = None) -> object:
        """Gives a list of transactions in the order asked, by their ids or by their external_ids,
        missing ones left out."""
        return _given(ids=ids, external_ids=external_ids)

    @listing("transaction_list", Transaction)
    def list(self, **filters: Unpack[TransactionFilter]) -> object:
        """Transactions in the order in which they were posted; dates are inclusive, stable ends before what is still
        being posted. Gives a Listing."""
        return filters


class Holds(_Noun[M]):
    """Holds: `holds`."""

    @operation("hold_create", HeldAmounts)
    def create(self, tx_template_code: str, params: Mapping[str, Json] | None = None, id: Id | None = None,
               expires_at: Instant | None = None) -> object:
        """Makes a hold: posts a transaction whose entries are all pending. Gives {"hold": {...}, "transaction": {...},
        "entries": [...], "replayed": bool}; the same id again with the same content is a replay."""
        return {**_posting(tx_template_code, params, id), **({} if expires_at is None else {"expires_at": expires_at})}

    @operation("hold_capture", HeldAmounts)
    def capture(self, **capture: Unpack[CaptureHold]) -> object:
        """Captures a hold, or with an amount a part of it; what is left after it is released, unless final is False.
        Gives {"hold": {...}, "transaction": {...}, "entries": [...], "replayed": bool}."""
        return capture

    @operation("hold_release", HeldAmounts)
    def release(self, **release: Unpack[ReleaseHold]) -> object:
        """Releases what is left of a hold. Gives {"hold": {...}, "transaction": {...}, "entries": [...], "replayed":
        bool}."""
        return release

    @operation("hold_find", Hold)
    def find(self, id: Id) -> object:
        """Gives the hold that has this id."""
        return {"id": id}

    @listing("hold_list", Hold)
    def list(self, **filters: Unpack[HoldFilter]) -> object:
        """Holds in the order in which they were posted; with expires_before in that in which they expire.
        Gives a Listing."""
        return filters

    @operation("hold_expire", ExpiredHolds)
    def expire(self, limit: int | None = None) -> object:
        """Releases holds that have expired; to be called again until it has expired none. Gives {"expired": n,
        "refused": n, "refusals": [{"hold_id": ..., "error": ...}]}."""
        return {"limit": limit}


class Entries(_Noun[M]):
    """Entries: `entries`."""

    @listing("entry_list", Entry)
    def list(self, **filters: Unpack[EntryFilter]) -> object:
        """Entries in the order in which they were posted: of one account, journal or transaction; dates and instants
        are inclusive, stable ends before what is still being posted. Gives a Listing."""
        return filters

    @many("entry_find_many", Entry, gives="entries")
    def find_many(self, ids: Sequence[Id]) -> object:
        """Gives a list of entries in the order asked, missing ones left out."""
        return {"ids": ids}


class Balances(_Noun[M]):
    """Balances: `balances`."""

    @operation("balance_find", Balance)
    def find(self, journal_id: Id, account_id: Id, currency: str) -> object:
        """Gives the balance. An account without an entry has none."""
        return {"journal_id": journal_id, "account_id": account_id, "currency": currency}

    @many("balance_find_many", Balance, gives="balances")
    def find_many(self, keys: Sequence[BalanceKey]) -> object:
        """keys: dicts {journal_id, account_id, currency}. Gives a list of balances in the order asked, missing ones
        left out."""
        return {"keys": keys}

    @listing("balance_list", Balance)
    def list(self, journal_id: Id, account_ids: Sequence[Id], **page: Unpack[PageRequest]) -> object:
        """Balances by account id and currency. Gives a Listing."""
        return {"journal_id": journal_id, "account_ids": account_ids, **page}

    @listing("balance_history", Balance)
    def history(self, journal_id: Id, account_id: Id, currency: str, **page: Unpack[PageRequest]) -> object:
        """Every version of a balance. Gives a Listing."""
        return {"journal_id": journal_id, "account_id": account_id, "currency": currency, **page}

    @operation("balance_at", Balance)
    def at(self, journal_id: Id, account_id: Id, currency: str, **moment: Unpack[Moment]) -> object:
        """Gives the balance as it was: that version of it, what had been written at the instant recorded_at, or what
        its entries up to the date effective add up to, in a journal with effective_balances."""
        return {"journal_id": journal_id, "account_id": account_id, "currency": currency, **moment}

    @operation("balance_range", BalanceRange)
    def range(self, journal_id: Id, account_id: Id, currency: str, **dates: Unpack[DateRange]) -> object:
        """Gives a balance over a range of effective dates, from_ and until, both inclusive,
        in a journal with effective_balances."""
        asked = {"from" if key == "from_" else key: value for key, value in dates.items()}
        return {"journal_id": journal_id, "account_id": account_id, "currency": currency, **asked}

    @operation("account_statement", Statement)
    def statement(self, journal_id: Id, account_id: Id, currency: str, **part: Unpack[StatementPart]) -> object:
        """Gives a page of the statement of an account or an account set in one layer: from_ and until are instants, or
        with by="effective" dates."""
        asked = {"from" if key == "from_" else key: value for key, value in part.items()}
        return {"journal_id": journal_id, "account_id": account_id, "currency": currency, **asked}

    @operation("trial_balance", TrialBalance)
    def trial(self, journal_id: Id, **part: Unpack[TrialBalancePart]) -> object:
        """Gives a page of what the accounts of a journal, or those below an account set, have in one layer."""
        return {"journal_id": journal_id, **part}

    @listing("balance_changes", DatedBalance)
    def changes(self, journal_id: Id, modified_since: Instant, **page: Unpack[PageRequest]) -> object:
        """Balances by effective date that changed at or after an instant, by account id, currency and date.
        Gives a Listing."""
        return {"journal_id": journal_id, "modified_since": modified_since, **page}


class Events(_Noun[M]):
    """What happened: `events`."""

    @operation("event_list", EventPage)
    def list(self, **part: Unpack[EventFilter]) -> object:
        """Gives a page of what happened, in order, from after its place `after`; read on from the page's place. types:
        only these, journal_id: only of this journal; entries, balances: give those of transactions too."""
        return part

    @operation("event_prune", Pruned)
    def prune(self, **which: Unpack[PruneEvents]) -> object:
        """Deletes the oldest events, up to a place or recorded before an instant, at most limit of them; refused while
        a named listener is not done with one. Gives {"pruned", "place", "more"}."""
        return which


class Listeners(_Noun[M]):
    """Named listeners: `listeners`."""

    @operation("listener_place", KeptPlace)
    def place(self, **begin: Unpack[ListenerBegin]) -> object:
        """Gives {"place"}, where a listener begins: a name at its kept place, where it has one, else where from_ says
        ("start", "now", a place), which is kept under the name."""
        return {"from" if key == "from_" else key: value for key, value in begin.items()}

    @operation("listener_ack", KeptPlace)
    def ack(self, name: str, place: int, expected_place: int | None = None) -> object:
        """Keeps the place up to which a named listener is done: in the transaction in which the program writes what
        follows from the events, each takes effect exactly once. expected_place: refuse it where another place is kept,
        since somebody else has dealt with them. Gives {"place"}."""
        return {"name": name, "place": place, **_given(expected_place=expected_place)}

    @listing("listener_list", Listener)
    def list(self, **page: Unpack[PageRequest]) -> object:
        """Named listeners by name. Gives a Listing."""
        return page

    @operation("listener_remove", Listener)
    def remove(self, name: str) -> object:
        """Forgets a named listener, and gives what it was."""
        return {"name": name}


class Prepared(_Noun[M]):
    """Transactions of the ledger's own that Transaction.prepare left in the database: `prepared`."""

    @listing("prepared_list", PreparedTransaction)
    def list(self, **page: Unpack[PageRequest]) -> object:
        """Those that have not ended, by gid. Gives a Listing."""
        return page

    @operation("tx_finish", Finished)
    def finish(self, gid: str, outcome: PreparedOutcome) -> object:
        """Commits one ("commit"), or rolls it back ("rollback"). Gives {"gid", "outcome"}."""
        return {"gid": gid, "outcome": outcome}


class Place(_Base[M]):
    """Where operations run: a ledger or one of its transactions."""

    _listing: ClassVar[type[Listing[Any]] | type[AsyncListing[Any]]]

    def call(self, operation: str, request: Any, gives: str | None = None) -> Any:
        """Runs an operation by its name in cala.h without the prefix, and gives its answer,
        or only the key `gives` of it."""
        raise NotImplementedError

    @property
    def _place(self) -> Place[M]:
        return self

    @property
    def accounts(self) -> Accounts[M]:
        """The operations on accounts."""
        return Accounts(self)

    @property
    def account_sets(self) -> AccountSets[M]:
        """The operations on accounts."""
        return AccountSets(self)

    @property
    def journals(self) -> Journals[M]:
        """The operations on journals."""
        return Journals(self)

    @property
    def tx_templates(self) -> TxTemplates[M]:
        """The operations on tx templates."""
        return TxTemplates(self)

    @property
    def velocity_limits(self) -> VelocityLimits[M]:
        """The operations on velocity limits."""
        return VelocityLimits(self)

    @property
    def velocity_controls(self) -> VelocityControls[M]:
        """The operations on velocity controls."""
        return VelocityControls(self)

    @property
    def transactions(self) -> Transactions[M]:
        """The operations on transactions."""
        return Transactions(self)

    @property
    def holds(self) -> Holds[M]:
        """The operations on holds."""
        return Holds(self)

    @property
    def entries(self) -> Entries[M]:
        """The operations on entries."""
        return Entries(self)

    @property
    def listeners(self) -> Listeners[M]:
        """The operations on named listeners."""
        return Listeners(self)

    @property
    def prepared(self) -> Prepared[M]:
        """The operations on prepared transactions."""
        return Prepared(self)

    @property
    def balances(self) -> Balances[M]:
        """The operations on balances."""
        return Balances(self)

    @property
    def events(self) -> Events[M]:
        """The operations on events."""
        return Events(self)

    @operation("transaction_post", Posted)
    def post(self, tx_template_code: str, params: Mapping[str, Json] | None = None, id: Id | None = None) -> object:
        """The same as transactions.post."""
        return _posting(tx_template_code, params, id)

    @operation("cel_evaluate", CelValue, gives="value")
    def cel_evaluate(self, expr: str, **context: Unpack[CelContext]) -> object:
        """Evaluates a CEL expression, for authors of tx templates; as_ is the request's `as`. Gives {"type",
        "value"}."""
        # as is a keyword of Python
        return {"expr": expr, **{key.removesuffix("_"): value for key, value in context.items()}}

    @operation("rollup_status", Rollup)
    def rollup_status(self) -> object:
        """Gives how far the balances of eventually consistent account sets have come: applied, frontier."""
        return {}

    @operation("rollup_await", Rollup)
    def rollup_await(self, sequence: int | None = None, timeout_ms: int = 30_000) -> object:
        """Waits until those balances have everything up to the sequence, by default all that was posted until now."""
        return {"timeout_ms": timeout_ms, **({} if sequence is None else {"sequence": sequence})}

    @operation("ledger_info", Info)
    def info(self) -> object:
        """Gives what this ledger is: version, store, schema_version, counts, clock, now."""
        return {}

    @operation("ledger_health", Health)
    def health(self, **limits: Unpack[HealthLimits]) -> object:
        """Gives whether the ledger can work: status ("healthy", "degraded", "unhealthy") and checks, also where the
        store is away; within timeout_ms."""
        return limits

    @operation("ledger_metrics", Metrics)
    def metrics(self, **how: Unpack[MetricsFormat]) -> object:
        """Gives what this ledger has counted and timed: {"metrics"},
        or with format="openmetrics" {"text"} for a scraper."""
        return how

    @operation("ledger_migrate", Migrated)
    def migrate(self) -> object:
        """Brings the tables to this library's version; safe when several processes do it at once. Gives
        {"from_version", "to_version"}."""
        return {}


class TransactionPlace(Place[M]):
    """A transaction, the ledger's own or the program's."""

    @many("tx_lock_accounts", LockedKey, gives="keys")
    def lock_accounts(self, keys: Sequence[BalanceKey]) -> object:
        """Locks the balances of accounts, dicts {journal_id, account_id, currency}, in the order that the library
        always locks in. First of all, when several postings share one transaction: two such transactions then wait for
        each other instead of deadlocking. Gives the distinct keys."""
        return {"keys": keys}


class OwnTransactionPlace(TransactionPlace[M]):
    """A transaction of the ledger's own."""

    @operation("tx_exec", Rows)
    def exec(self, sql: str, params: Sequence[str | None] = ()) -> object:
        """Runs one statement of the program's own, with the store's placeholders ($1 on PostgreSQL, ? on SQLite);
        params: each a str or None; cast in the SQL where the database wants another type. Gives {"columns", "rows",
        "affected"}, values as text."""
        return {"sql": sql, "params": _texts(params)}
