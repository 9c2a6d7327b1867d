"""The documents: what requests may have and what answers have, with the keys of cala.h."""
from __future__ import annotations

import datetime
import decimal
import uuid
from typing import TYPE_CHECKING, Any, Literal, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Generic

    from typing_extensions import TypedDict
else:
    from typing import TypedDict

T = TypeVar("T")

Id = str | uuid.UUID
Date = str | datetime.date
Instant = str | datetime.datetime
Amount = str | decimal.Decimal
#: Any JSON value; amounts in it as text or Decimal.
Json = Any

Balancing = Literal["debit", "credit"]
Status = Literal["active", "locked"]
Layer = Literal["settled", "pending", "encumbrance"]
Order = Literal["asc", "desc"]
Rollup = Literal["synchronous", "eventually_consistent"]
ParamType = Literal["string", "integer", "decimal", "boolean", "uuid", "date", "timestamp", "json"]
#: Requests take either case.
AskedBalancing = Literal["debit", "credit", "DEBIT", "CREDIT"]
AskedStatus = Literal["active", "locked", "ACTIVE", "LOCKED"]
AskedOrder = Literal["asc", "desc", "ASC", "DESC"]


class Clock(TypedDict):
    """A clock that stands still until it is set or advanced."""

    manual: Instant


class Pool(TypedDict, total=False):
    """Connections at most, and how long to wait for one that is free, or for SQLite's one writer."""

    max: int
    timeout_ms: int


class Commit(TypedDict):
    """Whether a commit waits for the disk."""

    durable: bool


class Settings(TypedDict, total=False):
    """The configuration of a ledger, without its store."""

    migrate: bool
    schema: str
    pool: Pool
    clock: Clock
    commit: Commit
    queue_max: int
    failover_wait_ms: int
    lazy: bool


class PageRequest(TypedDict, total=False):
    """Which page of a list: first is 1 to 1000 (100 unless given), after an end_cursor."""

    first: int
    after: str | None
    order: AskedOrder


if TYPE_CHECKING:
    class _Page(TypedDict, Generic[T]):
        items: list[T]
        has_next_page: bool

    class Page(_Page[T], total=False):
        """One page of a list; end_cursor is absent from an empty one."""

        end_cursor: str
else:
    Page = dict


class Key(TypedDict, total=False):
    """One of them."""

    id: Id
    code: str


class AccountKey(Key, total=False):
    """One of them."""

    external_id: str


class TransactionKey(TypedDict, total=False):
    """One of them."""

    id: Id
    external_id: str


class _NewAccount(TypedDict):
    code: str
    name: str


class NewAccount(_NewAccount, total=False):
    """An account to be created."""

    id: Id
    external_id: str | None
    normal_balance_type: AskedBalancing
    status: AskedStatus
    description: str | None
    metadata: Json
    balance_rollup: Rollup


class AccountChanges(TypedDict, total=False):
    """What changes in an account; None clears external_id, description and metadata."""

    code: str
    name: str
    external_id: str | None
    normal_balance_type: AskedBalancing
    description: str | None
    metadata: Json


class AccountFilter(PageRequest, total=False):
    """Which accounts."""

    code_prefix: str
    status: AskedStatus


class _Account(TypedDict):
    id: str
    version: int
    code: str
    name: str
    normal_balance_type: Balancing
    status: Status
    balance_rollup: Rollup
    created_at: str
    modified_at: str


class Account(_Account, total=False):
    """An account."""

    external_id: str
    description: str
    metadata: Json


class _NewJournal(TypedDict):
    name: str


class NewJournal(_NewJournal, total=False):
    """A journal to be created. max_scale: digits after the point, or by currency {"default": 18, "USD": 2}."""

    id: Id
    code: str
    description: str | None
    status: AskedStatus
    effective_balances: bool
    max_scale: int | Mapping[str, int]


class JournalChanges(TypedDict, total=False):
    """What changes in a journal; None clears description."""

    name: str
    description: str | None
    max_scale: int | Mapping[str, int]


class JournalFilter(PageRequest, total=False):
    """Which journals."""

    status: AskedStatus


class _Journal(TypedDict):
    id: str
    version: int
    name: str
    status: Status
    effective_balances: bool
    max_scale: int | dict[str, int]
    created_at: str
    modified_at: str


class Journal(_Journal, total=False):
    """A journal."""

    code: str
    description: str


class _Param(TypedDict):
    name: str
    type: ParamType


class Param(_Param, total=False):
    """A param that a tx template declares; default is a CEL expression, min and max are constants in CEL."""

    default: str
    min: str
    max: str
    description: str


class _TemplateTransaction(TypedDict):
    effective: str
    journal_id: str


class TemplateTransaction(_TemplateTransaction, total=False):
    """How a tx template makes a transaction: CEL expressions."""

    correlation_id: str
    external_id: str
    description: str
    metadata: str


class _TemplateEntry(TypedDict):
    entry_type: str
    account_id: str
    layer: str
    direction: str
    units: str
    currency: str


class TemplateEntry(_TemplateEntry, total=False):
    """How a tx template makes an entry: CEL expressions."""

    description: str
    metadata: str


class _NewTxTemplate(TypedDict):
    code: str
    transaction: TemplateTransaction
    entries: Sequence[TemplateEntry]


class NewTxTemplate(_NewTxTemplate, total=False):
    """A tx template to be created."""

    id: Id
    params: Sequence[Param]
    description: str | None
    metadata: Json


class _TxTemplate(TypedDict):
    id: str
    version: int
    code: str
    params: list[Param]
    transaction: TemplateTransaction
    entries: list[TemplateEntry]
    created_at: str
    modified_at: str


class TxTemplate(_TxTemplate, total=False):
    """A tx template."""

    description: str
    metadata: Json


class _Posting(TypedDict):
    tx_template_code: str


class Posting(_Posting, total=False):
    """A posting, as post_many and post(**posting) take it."""

    params: Mapping[str, Json]
    id: Id


class _Transaction(TypedDict):
    id: str
    version: int
    journal_id: str
    tx_template_id: str
    tx_template_code: str
    entry_ids: list[str]
    effective: str
    correlation_id: str
    created_at: str
    modified_at: str


class Transaction(_Transaction, total=False):
    """A transaction."""

    external_id: str
    description: str
    metadata: Json


class _Entry(TypedDict):
    id: str
    transaction_id: str
    journal_id: str
    account_id: str
    entry_type: str
    sequence: int
    layer: Layer
    direction: Balancing
    units: str
    currency: str
    account_version: int
    created_at: str


class Entry(_Entry, total=False):
    """An entry."""

    description: str
    metadata: Json


class Posted(TypedDict):
    """What a posting gives."""

    transaction: Transaction
    entries: list[Entry]
    replayed: bool


class TransactionFilter(PageRequest, total=False):
    """Which transactions; dates inclusive."""

    tx_template_id: Id
    journal_id: Id
    account_id: Id
    correlation_id: str
    effective_from: Date
    effective_to: Date
    stable: bool


class EntryFilter(PageRequest, total=False):
    """Which entries: one of the ids; instants and dates inclusive."""

    account_id: Id
    journal_id: Id
    transaction_id: Id
    created_from: Instant
    created_to: Instant
    effective_from: Date
    effective_to: Date
    stable: bool


class BalanceKey(TypedDict):
    """Whose balance."""

    journal_id: Id
    account_id: Id
    currency: str


class LockedKey(TypedDict):
    """Whose balance was locked."""

    journal_id: str
    account_id: str
    currency: str


class Moment(TypedDict, total=False):
    """One of them."""

    version: int
    recorded_at: Instant


class _LayerBalance(TypedDict):
    debit: str
    credit: str
    net: str
    modified_at: str


class LayerBalance(_LayerBalance, total=False):
    """A layer's part of a balance."""

    entry_id: str


class Available(TypedDict):
    """What is there when the layers up to this one are counted."""

    settled: str
    pending: str
    encumbrance: str


class Balance(TypedDict):
    """A balance."""

    journal_id: str
    account_id: str
    currency: str
    version: int
    created_at: str
    modified_at: str
    entry_id: str
    normal_balance_type: Balancing
    settled: LayerBalance
    pending: LayerBalance
    encumbrance: LayerBalance
    available: Available


class CelContext(TypedDict, total=False):
    """What an expression is evaluated with: as_ is the request's `as`."""

    as_: str
    clock: Instant
    params: Sequence[Mapping[str, Json]]
    vars: Mapping[str, Mapping[str, Json]]
    bindings: Mapping[str, Mapping[str, Json]]
    container: str


class CelValue(TypedDict):
    """A value of CEL."""

    type: str
    value: Json


class Info(TypedDict):
    """What a ledger is, with its counts."""

    version: str
    store: Literal["sqlite", "postgres"]
    schema_version: int
    library_schema_version: int
    accounts: int
    journals: int
    tx_templates: int
    transactions: int
    entries: int
    balances: int
    clock: Literal["system", "manual"]
    now: str


class Migrated(TypedDict):
    """What a migration did."""

    from_version: int
    to_version: int


class Rows(TypedDict):
    """What a statement of the program's own gave: values as text."""

    columns: list[str]
    rows: list[list[str | None]]
    affected: int
