"""The operations, by noun: `ledger.accounts.create(...)`, `tx.transactions.post(...)`.

Fields are those of the requests in cala.h, answers are dicts with its keys. Amounts go in as str or Decimal and come
out as str; ids are str or uuid.UUID, dates str or datetime.date, instants str or an aware datetime; None is JSON's
null. On an AsyncLedger and in its transactions every answer is to be awaited and lists are asynchronous iterators.
Every method raises cala.Error; the codes named are those that the operation adds.
"""
import datetime
import functools
import uuid
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ParamSpec

from .errors import InvalidError, ParamTypeError

Id = str | uuid.UUID
Instant = str | datetime.datetime
Fields = Mapping[str, Any]
P = ParamSpec("P")


def operation(name: str, gives: str | None = None,
              paged: bool = False) -> Callable[[Callable[P, Any]], Callable[P, Any]]:
    """Marks a method as the way to the operation `name`: the method makes the request, this sends it.

    gives: the one key of the answer that is returned. paged: the answer is a list, fetched page after page.
    These marks are the table that tools/make_ffi writes coverage.json from.
    """
    def decorate(method: Callable[P, Any]) -> Callable[P, Any]:
        @functools.wraps(method)
        def send(self: Any, *arguments: Any, **fields: Any) -> Any:
            request = method(self, *arguments, **fields)
            if paged:
                return self._place._listing(self._place, name, request)
            return self._place.call(name, request, gives)
        return send  # type: ignore[return-value]
    return decorate


def _without_floats(posting: Fields, index: int = -1) -> Fields:
    """The library refuses only those with a fraction: 10.0 would pass, and 10.1 not."""
    place = _float_in(posting.get("params"), "/params")
    if place:
        raise ParamTypeError(f"{place} is a float; amounts are str or decimal.Decimal", "param.type",
                             details={"pointer": place if index < 0 else f"/postings/{index}{place}"}, posting_index=index)
    return posting


def _float_in(value: Any, pointer: str) -> str | None:
    """Where in a value a float is, as a JSON pointer."""
    if isinstance(value, float):
        return pointer
    inner: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        inner = value.items()
    elif isinstance(value, (list, tuple)):
        inner = enumerate(value)
    return next((place for key, item in inner if (place := _float_in(item, f"{pointer}/{key}"))), None)


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


class _Noun:
    def __init__(self, place: Any) -> None:
        self._place = place


class Accounts(_Noun):
    """Accounts: `accounts`."""

    @operation("account_create")
    def create(self, **fields: Any) -> Any:
        """Creates an account: code, name; id, external_id, normal_balance_type ("credit" unless given), status,
        description, metadata, balance_rollup. Gives the account. ConflictError account.exists."""
        return fields

    @operation("account_create_many", gives="accounts")
    def create_many(self, accounts: Sequence[Fields]) -> Any:
        """Creates accounts, dicts as for create, all or none; 10,000 at most. Gives a list of them in the same
        order."""
        return {"accounts": accounts}

    @operation("account_find")
    def find(self, **key: Any) -> Any:
        """Gives the account that has this id, code or external_id. NotFoundError account.not_found."""
        return key

    @operation("account_find_many", gives="accounts")
    def find_many(self, ids: Sequence[Id]) -> Any:
        """Gives a list of accounts in the order asked, missing ones left out."""
        return {"ids": ids}

    @operation("account_list", paged=True)
    def list(self, **filters: Any) -> Any:
        """Accounts by code: code_prefix, status, first (the size of a page), after, order ("asc", "desc"). Gives a
        Listing."""
        return filters

    @operation("account_update")
    def update(self, id: Id, **changes: Any) -> Any:
        """Changes only what is given; None clears external_id, description, metadata. Gives the account, its version
        one higher when anything changed. NotFoundError account.not_found; ConflictError account.exists,
        account.changed."""
        return {"id": id, **changes}

    @operation("account_lock")
    def lock(self, id: Id) -> Any:
        """Locks the account: postings to it are rejected until it is unlocked. Gives the account. NotFoundError,
        ConflictError."""
        return {"id": id}

    @operation("account_unlock")
    def unlock(self, id: Id) -> Any:
        """Unlocks the account. Gives the account. NotFoundError, ConflictError."""
        return {"id": id}


class Journals(_Noun):
    """Journals: `journals`."""

    @operation("journal_create")
    def create(self, **fields: Any) -> Any:
        """Creates a journal: name; id, code, description, status, effective_balances, max_scale. Gives the journal. ConflictError
        journal.exists."""
        return fields

    @operation("journal_find")
    def find(self, **key: Any) -> Any:
        """Gives the journal that has this id or code. NotFoundError journal.not_found."""
        return key

    @operation("journal_list", paged=True)
    def list(self, **filters: Any) -> Any:
        """Journals by time of creation: status, first, after, order. Gives a Listing."""
        return filters

    @operation("journal_update")
    def update(self, id: Id, **changes: Any) -> Any:
        """Changes name and description; None clears description. Gives the journal. NotFoundError journal.not_found;
        ConflictError journal.changed."""
        return {"id": id, **changes}

    @operation("journal_lock")
    def lock(self, id: Id) -> Any:
        """Locks the journal: postings to it are rejected. Gives the journal. NotFoundError, ConflictError."""
        return {"id": id}

    @operation("journal_unlock")
    def unlock(self, id: Id) -> Any:
        """Unlocks the journal. Gives the journal. NotFoundError, ConflictError."""
        return {"id": id}


class TxTemplates(_Noun):
    """Tx templates, which never change: `tx_templates`."""

    @operation("tx_template_create")
    def create(self, **fields: Any) -> Any:
        """Creates a tx template: code, transaction, entries; id, params, description, metadata. Every value under
        transaction and entries is a CEL expression. Gives the tx template. InvalidError cel.compile (details: pointer,
        line, column), param.duplicate, param.type; RejectedError tx_template.unbalanced; ConflictError
        tx_template.exists."""
        return fields

    @operation("tx_template_find")
    def find(self, **key: Any) -> Any:
        """Gives the tx template that has this id or code. NotFoundError tx_template.not_found."""
        return key

    @operation("tx_template_list", paged=True)
    def list(self, **filters: Any) -> Any:
        """Tx templates by code: first, after, order. Gives a Listing."""
        return filters


class Transactions(_Noun):
    """Transactions: `transactions`."""

    @operation("transaction_post")
    def post(self, tx_template_code: str, params: Fields | None = None, id: Id | None = None) -> Any:
        """Posts a transaction. Gives {"transaction": {...}, "entries": [...], "replayed": bool}; the same id or
        external id again with the same content writes nothing and gives the first result, replayed True: so a post
        whose answer was lost is simply repeated. NotFoundError tx_template.not_found, journal.not_found,
        account.not_found; InvalidError cel.eval, cel.coerce, param.missing, param.unknown, param.type,
        currency.unknown, amount.range; RejectedError posting.unbalanced, journal.locked, account.locked,
        account.is_set; ConflictError transaction.replay_differs; MisuseError transaction.none."""
        request = {"tx_template_code": tx_template_code, "params": params or {}}
        return _without_floats(request if id is None else {"id": id, **request})

    @operation("transaction_post_many", gives="results")
    def post_many(self, postings: Iterable[Fields]) -> Any:
        """Posts transactions, dicts {tx_template_code, params, id}, all or none, as if one after the other; 10,000 at
        most. Gives a list of what post gives. Errors as for post, with posting_index; ConflictError
        transaction.exists."""
        return {"postings": [_without_floats(posting, index) for index, posting in enumerate(postings)]}

    @operation("transaction_find")
    def find(self, **key: Any) -> Any:
        """Gives the transaction that has this id or external_id. NotFoundError transaction.not_found."""
        return key

    @operation("transaction_find_many", gives="transactions")
    def find_many(self, ids: Sequence[Id]) -> Any:
        """Gives a list of transactions in the order asked, missing ones left out."""
        return {"ids": ids}

    @operation("transaction_list", paged=True)
    def list(self, **filters: Any) -> Any:
        """Transactions in the order in which they were posted: tx_template_id, journal_id, account_id, correlation_id,
        effective_from and effective_to (both inclusive), stable (ends before what is still being posted), first, after,
        order. Gives a Listing."""
        return filters


class Entries(_Noun):
    """Entries: `entries`."""

    @operation("entry_list", paged=True)
    def list(self, **filters: Any) -> Any:
        """Entries in the order in which they were posted: one of account_id, journal_id, transaction_id; created_from,
        created_to, effective_from, effective_to (all inclusive), stable (ends before what is still being posted), first,
        after, order. Gives a Listing."""
        return filters

    @operation("entry_find_many", gives="entries")
    def find_many(self, ids: Sequence[Id]) -> Any:
        """Gives a list of entries in the order asked, missing ones left out."""
        return {"ids": ids}


class Balances(_Noun):
    """Balances: `balances`."""

    @operation("balance_find")
    def find(self, journal_id: Id, account_id: Id, currency: str) -> Any:
        """Gives the balance. NotFoundError balance.not_found, also when the account has no entry yet."""
        return {"journal_id": journal_id, "account_id": account_id, "currency": currency}

    @operation("balance_find_many", gives="balances")
    def find_many(self, keys: Sequence[Fields]) -> Any:
        """keys: dicts {journal_id, account_id, currency}. Gives a list of balances in the order asked, missing ones
        left out."""
        return {"keys": keys}

    @operation("balance_list", paged=True)
    def list(self, journal_id: Id, account_ids: Sequence[Id], **page: Any) -> Any:
        """Balances by account id and currency: first, after, order. Gives a Listing."""
        return {"journal_id": journal_id, "account_ids": account_ids, **page}

    @operation("balance_history", paged=True)
    def history(self, journal_id: Id, account_id: Id, currency: str, **page: Any) -> Any:
        """Every version of a balance: first, after, order. Gives a Listing."""
        return {"journal_id": journal_id, "account_id": account_id, "currency": currency, **page}

    @operation("balance_at")
    def at(self, journal_id: Id, account_id: Id, currency: str, **moment: Any) -> Any:
        """Gives the balance as it was: version, or recorded_at (what had been written at that instant). NotFoundError
        balance.not_found."""
        return {"journal_id": journal_id, "account_id": account_id, "currency": currency, **moment}


class Place:
    """Where operations run: a ledger or one of its transactions."""

    accounts = property(Accounts)
    journals = property(Journals)
    tx_templates = property(TxTemplates)
    transactions = property(Transactions)
    entries = property(Entries)
    balances = property(Balances)

    @property
    def _place(self) -> "Place":
        return self

    def post(self, tx_template_code: str, params: Fields | None = None, id: Id | None = None) -> Any:
        """The same as transactions.post."""
        return self.transactions.post(tx_template_code, params, id)

    @operation("cel_evaluate", gives="value")
    def cel_evaluate(self, expr: str, **context: Any) -> Any:
        """Evaluates a CEL expression, for authors of tx templates: as_ (the request's `as`), clock, params, vars,
        bindings, container. Gives {"type", "value"}. InvalidError cel.compile, cel.params, cel.eval, cel.coerce."""
        if "as_" in context:  # as is a keyword of Python
            context["as"] = context.pop("as_")
        return {"expr": expr, **context}

    @operation("ledger_info")
    def info(self) -> Any:
        """Gives what this ledger is: version, store, schema_version, counts, clock, now."""
        return {}

    @operation("ledger_migrate")
    def migrate(self) -> Any:
        """Brings the tables to this library's version; safe when several processes do it at once. Gives
        {"from_version", "to_version"}. UnsupportedError store.newer."""
        return {}


class TransactionPlace(Place):
    """A transaction, the ledger's own or the program's."""

    @operation("tx_lock_accounts", gives="keys")
    def lock_accounts(self, keys: Sequence[Fields]) -> Any:
        """Locks the balances of accounts, dicts {journal_id, account_id, currency}, in the order that the library
        always locks in. First of all, when several postings share one transaction: two such transactions then wait for
        each other instead of deadlocking. Gives the distinct keys. NotFoundError account.not_found,
        journal.not_found."""
        return {"keys": keys}


class OwnTransactionPlace(TransactionPlace):
    """A transaction of the ledger's own."""

    @operation("tx_exec")
    def exec(self, sql, params=()):
        """Runs one statement of the program's own, with the store's placeholders ($1 on PostgreSQL, ? on SQLite);
        params: each a str or None; cast in the SQL where the database wants another type. Gives {"columns", "rows",
        "affected"}, values as text. InvalidError tx.control_statement, tx.statement, tx.too_many_rows; ConflictError
        tx.constraint."""
        return {"sql": sql, "params": _texts(params)}
