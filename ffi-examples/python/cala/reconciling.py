"""What the program says it has, walked against the ledger in pages:
what Ledger.reconcile and AsyncLedger.reconcile do."""
from __future__ import annotations

import datetime
import inspect
import itertools
import re
import uuid
from collections.abc import (AsyncIterable, AsyncIterator, Awaitable, Callable, Collection, Generator, Iterable,
                             Iterator,
                             Mapping, Sequence)
from decimal import Context, Decimal
from typing import TYPE_CHECKING, Any, cast

from .documents import Entry, Id, Instant, Json, Posted, Posting, Transaction
from .errors import ConflictError, Error, InvalidError, NotFoundError, RejectedError

if TYPE_CHECKING:
    from typing_extensions import TypedDict
else:
    from typing import TypedDict

_COMPARED = ("tx_template_code", "journal_id", "effective", "correlation_id", "description")
_TEXT = (str, type(None))  # None: the transaction has none
_TYPES: dict[str, Any] = {"external_id": str, "tx_template_code": _TEXT, "journal_id": (*_TEXT, uuid.UUID),
                          "effective": (*_TEXT, datetime.date), "correlation_id": _TEXT, "description": _TEXT,
                          "amounts": Mapping,
                          "row": object}
_SAID = {"journal_id": "a str or a UUID", "effective": "a str or a date", "amounts": "a dict: {\"USD\": \"10.00\"}"}
_AMOUNT = re.compile(r"-?[0-9]+(\.[0-9]+)?")
_ENTRIES_AT_ONCE = 10_000
_EXACT = Context(prec=100)
_REFUSALS = (InvalidError, NotFoundError, ConflictError, RejectedError)


class _Expected(TypedDict):
    external_id: str


class Expected(_Expected, total=False):
    """A transaction that the program expects in the ledger, by its external id. What is given besides is compared."""

    tx_template_code: str
    journal_id: Id
    effective: str | datetime.date
    correlation_id: str
    description: str
    amounts: Mapping[str, str | Decimal]
    """What is debited in it, in all layers, by currency: {"USD": "10.00"}."""
    row: Any
    """The program's own; it is handed on and not looked at."""


class ReconcilePlace(TypedDict):
    """How far reconciling has come. JSON, to be kept by the program."""

    row: str | None
    """The external id of the last row that was compared."""
    transaction: str | None
    """The cursor behind the last transaction of the ledger that was looked up."""


class Differing(TypedDict):
    """A transaction that is not as the program expects it."""

    expected: Expected
    transaction: Transaction
    fields: list[str]


class Refused(TypedDict):
    """A missing transaction that the ledger did not take."""

    expected: Expected
    error: Error


class ReconcileFilter(TypedDict, total=False):
    """Which transactions of the ledger the program must know of."""

    journal_id: Id
    tx_template_id: Id
    account_id: Id
    correlation_id: str


class Reconciled(TypedDict):
    """What came of one page."""

    checked: int
    """How many rows, or transactions, it had."""
    missing: list[Expected]
    """What the ledger has not. With replay: had not."""
    differing: list[Differing]
    extra: list[Transaction]
    """What the ledger has and the program does not know."""
    replayed: list[Posted]
    """What was posted of the missing."""
    refused: list[Refused]
    place: ReconcilePlace
    """Where to go on behind this page."""


Rows = Callable[[str | None], Iterable[Expected]]
Known = Callable[[Sequence[str]], Collection[str]]
Replay = Callable[[Expected], Posting | None]
AsyncRows = Callable[[str | None], Iterable[Expected] | AsyncIterable[Expected]]
AsyncKnown = Callable[[Sequence[str]], Collection[str] | Awaitable[Collection[str]]]
AsyncReplay = Callable[[Expected], Posting | None | Awaitable[Posting | None]]

# What the walk asks for: ("rows", after), ("known", external ids), ("replay", expected), ("call", operation, request)
# or, with a page to give, ("page", page).
_Walk = Generator[tuple[Any, ...], Any, None]


def walk_of(place: ReconcilePlace | None, size: int, recorded_by: Instant | None, asks_known: bool, replays: bool,
            filters: Mapping[str, Json]) -> _Walk:
    """The walk, which asks for what it needs and gives pages; InvalidError for what is given wrongly."""
    if type(size) is not int or not 1 <= size <= 1000:
        raise _malformed(f"page_size is {size!r}, and must be 1 to 1000")
    for key in filters:
        if key not in ReconcileFilter.__annotations__:
            raise _malformed(f"reconcile has no option {key}")
    return _walk(_place(place), size, None if recorded_by is None else _last(recorded_by), asks_known, replays, filters)


def _malformed(message: str) -> InvalidError:
    return InvalidError(message, "request.malformed")


def _kind(value: object) -> str:
    return "None" if value is None else f"of type {type(value).__name__}"


def _place(given: Any) -> ReconcilePlace:
    at: ReconcilePlace = {"row": None, "transaction": None}
    if given is None:
        return at
    if not isinstance(given, Mapping):
        raise _malformed(f"place is {_kind(given)}, and must be a dict, that of an earlier page")
    for key, value in given.items():
        if key not in at:
            raise _malformed(f"place has no key {key}")
        if value is not None and not isinstance(value, str):
            raise _malformed(f"{key} of place is {_kind(value)}, and must be a str or None")
    return cast(ReconcilePlace, {**at, **given})


def _last(given: Any) -> datetime.datetime:
    try:
        last = _instant(given)
        if last.tzinfo is not None:
            return last
    except (AttributeError, TypeError, ValueError):
        pass
    raise _malformed(f"recorded_by is {given!r}, and must be an instant, \"2026-01-31T12:00:00Z\", or an aware "
                     f"datetime")


def _walk(at: ReconcilePlace, size: int, last: datetime.datetime | None, asks_known: bool, replays: bool,
          filters: Mapping[str, Json]) -> _Walk:
    while rows := (yield "rows", at["row"], size):
        page = _page(len(rows), at)
        yield from _compare(rows, page)
        for expected in page["missing"] if replays else ():
            yield from _replay(expected, page)
        at = page["place"] = {**at, "row": rows[-1]["external_id"]}
        yield "page", page
        if len(rows) < size:
            break
    more = asks_known
    while more:
        listed = yield "call", "transaction_list", {**filters, "first": size, "stable": True,
                                                    "after": at["transaction"]}
        items = listed["items"]
        if last is not None and any(_instant(item["created_at"]) > last for item in items):
            # The list ends before the first that is younger; its cursor has to be asked for.
            count = next(index for index, item in enumerate(items) if _instant(item["created_at"]) > last)
            listed = {"items": [], "has_next_page": False}
            if count:
                asked = {**filters, "first": count, "stable": True, "after": at["transaction"]}
                listed = {**(yield "call", "transaction_list", asked), "has_next_page": False}
            items = listed["items"]
        page = _page(len(items), at)
        # What was taken back is nobody's to have, nor what took it back.
        named = [item for item in items if "external_id" in item and "voided_by" not in item and "void_of" not in item]
        if named:
            known = _known((yield "known", [item["external_id"] for item in named]))
            page["extra"] = [item for item in named if item["external_id"] not in known]
        at = page["place"] = {**at, "transaction": listed.get("end_cursor", at["transaction"])}
        more = listed["has_next_page"]
        if items:
            yield "page", page


def _known(given: Any) -> set[str]:
    if not isinstance(given, Iterable) or isinstance(given, (str, bytes)):
        raise _malformed(f"known gave what is {_kind(given)}, and must give the external ids that the program knows")
    known = list(given)
    for one in known:
        if not isinstance(one, str):
            raise _malformed(f"known gave an external id that is {_kind(one)}, and must be a str")
    return set(known)


def _page(checked: int, place: ReconcilePlace) -> Reconciled:
    return {"checked": checked, "missing": [], "differing": [], "extra": [], "replayed": [], "refused": [],
            "place": place}


def _compare(rows: list[Expected], page: Reconciled) -> _Walk:
    found = yield "call", "transaction_find_many", {"external_ids": [_checked(row)["external_id"] for row in rows]}
    there: dict[str, Transaction] = {item["external_id"]: item for item in found["transactions"]}
    wanted = list(dict.fromkeys(id for row in rows if "amounts" in row and row["external_id"] in there
                                for id in there[row["external_id"]]["entry_ids"]))
    debited: dict[str, dict[str, Decimal]] = {}
    for begin in range(0, len(wanted), _ENTRIES_AT_ONCE):
        answer = yield "call", "entry_find_many", {"ids": wanted[begin:begin + _ENTRIES_AT_ONCE]}
        for entry in answer["entries"]:
            _add(debited, entry)
    for row in rows:
        transaction = there.get(row["external_id"])
        if transaction is None:
            page["missing"].append(row)
            continue
        fields = [key for key in _COMPARED if key in row and _text(row.get(key)) != transaction.get(key)]
        if "amounts" in row and _amounts(row["amounts"]) != debited.get(transaction["id"], {}):
            fields.append("amounts")
        if "voided_by" in transaction:
            fields.append("voided_by")
        if fields:
            page["differing"].append({"expected": row, "transaction": transaction, "fields": fields})


def _checked(row: Any) -> Expected:
    if not isinstance(row, Mapping):
        raise _malformed(f"what is expected of a transaction is {_kind(row)}, and must be a dict")
    for key, value in row.items():
        if key not in _TYPES:
            raise _malformed(f"what is expected of a transaction has no key {key}")
        if not isinstance(value, _TYPES[key]) or isinstance(value, datetime.datetime) and key == "effective":
            raise _malformed(f"{key} of what is expected of a transaction is {_kind(value)}, and must be "
                             f"{_SAID.get(key, 'a str')}")
    if "external_id" not in row:
        raise _malformed("what is expected of a transaction needs a str as external_id")
    for currency, amount in row.get("amounts", {}).items():
        exact = (amount.is_finite() if isinstance(amount, Decimal) else
                 type(amount) is int or isinstance(amount, str) and _AMOUNT.fullmatch(amount))
        if not isinstance(currency, str) or not exact:
            raise _malformed(f"amounts of what is expected of a transaction has {currency!r}: {amount!r}, and "
                             f"must be as {{\"USD\": \"10.00\"}},"
                             " each amount a str or a Decimal")
    return cast(Expected, row)


def _add(debited: dict[str, dict[str, Decimal]], entry: Entry) -> None:
    if entry["direction"] == "debit":
        sums = debited.setdefault(entry["transaction_id"], {})
        sums[entry["currency"]] = _EXACT.add(sums.get(entry["currency"], Decimal()), Decimal(entry["units"]))


def _amounts(amounts: Mapping[str, str | Decimal]) -> dict[str, Decimal]:
    return {currency: Decimal(amount) for currency, amount in amounts.items()}


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _instant(value: Instant) -> datetime.datetime:
    return value if isinstance(value, datetime.datetime) else datetime.datetime.fromisoformat(value.replace("Z",
        "+00:00"))


def _replay(expected: Expected, page: Reconciled) -> _Walk:
    """Posts what is missing, after a look at whether it would have its external id: else it were missing for ever."""
    posting = yield "replay", expected
    if posting is None:
        return
    try:
        seen = yield "call", "transaction_preview", posting
        if seen["would_post"] and seen["transaction"].get("external_id") != expected["external_id"]:
            raise ValueError(f"the posting of {expected['external_id']} has the external id "
                             f"{seen['transaction'].get('external_id')}")
        page["replayed"].append((yield "call", "transaction_post", posting))
    except _REFUSALS as error:
        if error.retryable:
            raise
        page["refused"].append({"expected": expected, "error": error})


def reconcile(call: Callable[[str, Any], Any], rows: Rows, known: Known | None, replay: Replay | None,
              walk: _Walk) -> Iterator[Reconciled]:
    """Goes through the pages of a walk."""
    source: Iterator[Expected] | None = None
    answer: Any = None
    failed: BaseException | None = None
    while True:
        try:
            what, *given = walk.throw(failed) if failed else walk.send(answer)
        except StopIteration:
            return
        answer = failed = None
        if what == "page":
            yield given[0]
        elif what == "rows":
            source = _each(rows(given[0])) if source is None else source
            answer = list(itertools.islice(source, given[1]))
        elif what == "known" and known:
            answer = known(given[0])
        elif what == "replay" and replay:
            answer = replay(given[0])
        else:
            try:
                answer = call(given[0], given[1])
            except Error as error:
                failed = error


async def reconcile_async(call: Callable[[str, Any], Awaitable[Any]], rows: AsyncRows, known: AsyncKnown | None,
                          replay: AsyncReplay | None, walk: _Walk) -> AsyncIterator[Reconciled]:
    """The same where answers are to be awaited; rows, known and replay may be asynchronous."""
    source: AsyncIterator[Expected] | None = None
    answer: Any = None
    failed: BaseException | None = None
    while True:
        try:
            what, *given = walk.throw(failed) if failed else walk.send(answer)
        except StopIteration:
            return
        answer = failed = None
        if what == "page":
            yield given[0]
        elif what == "rows":
            source = _each_async(rows(given[0])) if source is None else source
            answer = []
            async for row in source:
                answer.append(row)
                if len(answer) == given[1]:
                    break
        elif what == "known" and known:
            answer = known(given[0])
            answer = await answer if inspect.isawaitable(answer) else answer
        elif what == "replay" and replay:
            answer = replay(given[0])
            answer = await answer if inspect.isawaitable(answer) else answer
        else:
            try:
                answer = await call(given[0], given[1])
            except Error as error:
                failed = error


def _each(rows: Any) -> Iterator[Expected]:
    try:
        return iter(rows)
    except TypeError:
        raise _malformed(f"rows gave what is {_kind(rows)}, and must give what is expected, one by one") from None


async def _each_async(rows: Iterable[Expected] | AsyncIterable[Expected]) -> AsyncIterator[Expected]:
    if isinstance(rows, AsyncIterable):
        async for row in rows:
            yield row
    else:
        for row in _each(rows):
            yield row
