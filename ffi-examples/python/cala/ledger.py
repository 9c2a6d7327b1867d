"""A ledger for threads: every call waits for its answer."""
from __future__ import annotations

import os
import threading
import weakref
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, TypeVar, overload

from ._library import UNSET, Handle, configuration, load
from .errors import Error
from .listening import Listening, ListenOptions
from .listing import Listing
from .log import log, told
from .log_reader import LogReader
from .operations import Awaited, OwnTransactionPlace, Place, Waiting
from .projecting import Projection, ProjectionFilter
from .reconciling import Known, Reconciled, ReconcileFilter, ReconcilePlace, Replay, Rows, reconcile, walk_of
from .recovering import Decided, Recovered, checked_age, recover
from .within import (AdoptedTransaction, AsyncAdoptedTransaction, AsyncConnection, AsyncHostTransaction, Connection,
                     HostTransaction, within)

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .documents import Event, Instant
    from .settings import LogOptions, Options

M = TypeVar("M", Waiting, Awaited)
C = TypeVar("C")


class BaseLedger(Place[M]):
    """What Ledger and AsyncLedger have in common."""

    def __init__(self, handle: Handle) -> None:
        self._handle = handle

    @overload
    def within(self, connection: AsyncConnection, *, savepoint: bool = False,  # type: ignore[overload-overlap]
               adopt: bool = False) -> AsyncHostTransaction | AsyncAdoptedTransaction: ...
    @overload
    def within(self, connection: Connection, *, savepoint: bool = False,
               adopt: bool = False) -> HostTransaction | AdoptedTransaction: ...
    @overload
    def within(self, connection: object, *, savepoint: bool = False, adopt: bool = False) -> Any: ...
    def within(self, connection: object, *, savepoint: bool = False, adopt: bool = False) -> Any:
        """Takes part in the transaction that the program has open on its own driver; committing and rolling back stays
        the program's.

        connection: of psycopg (Connection, AsyncConnection), asyncpg (Connection, or one acquired from a pool),
        SQLAlchemy (Connection, Session, AsyncConnection, AsyncSession) or sqlite3. Gives a place with all operations
        and lock_accounts; with an asynchronous connection they are to be awaited, whichever kind of ledger this is.
        savepoint: every operation runs behind a savepoint, so that one that the database refuses leaves the transaction
        usable.
        adopt: for psycopg only: the library itself uses the connection, through psycopg's copy of libpq. TypeError for
        another kind of connection, MisuseError call.misuse for one on another kind of store; operations answer
        MisuseError transaction.none without an open transaction.
        """
        place = within(self._handle, connection, savepoint, adopt)
        place._ledger = self  # keeps it open
        return place

    def clock_set(self, instant: Instant) -> None:
        """Sets a manual clock: an RFC 3339 text or an aware datetime.
        InvalidError, UnsupportedError clock.not_manual."""
        self._handle.set_clock(instant)

    def clock_advance(self, milliseconds: int) -> None:
        """Moves a manual clock forward. InvalidError clock.range, UnsupportedError clock.not_manual."""
        self._handle.advance_clock(milliseconds)


def _reader(handle: Handle, log_options: LogOptions | None) -> LogReader | None:
    if log_options is None:
        return None
    try:
        return LogReader(handle, log_options)
    except BaseException:
        handle.close()
        raise


def _abandon(handle: Handle, reader: LogReader | None) -> None:
    """For a ledger that nobody closed: collected, in whatever thread that happens, or there when the process ends."""
    handle.close()
    if reader is not None:
        reader.end()


class Ledger(BaseLedger[Waiting]):
    """An open ledger; any number of threads may use it. To be closed, or used with `with`.

    Ledger("sqlite:ledger.db") and Ledger.open(store="sqlite:ledger.db") are the same. store: also a pathlib.Path, of a
    SQLite file. config: as cala.h has it for cala_ledger_open: migrate, schema, pool, clock, commit, queue_max, lazy.
    log: {"level", "slow_ms", "buffer"}: the logger "cala" is told of the library's work, by a thread of its own.
    InvalidError for an unknown key, and for one that is None: a variable that is not set opens no file;
    UnavailableError, PermissionError, UnsupportedError, BusyError when the store cannot be used.
    """

    _listing = Listing

    def __init__(self, store: str | os.PathLike[str] = UNSET, **config: Unpack[Options]) -> None:
        known = configuration(store, {**config})
        log_options = known.pop("log", None)
        handle = Handle(known)
        super().__init__(handle)
        self._reader = _reader(handle, log_options)
        self._abandoned = weakref.finalize(self, _abandon, handle, self._reader)

    @classmethod
    def open(cls, store: str | os.PathLike[str] = UNSET, **config: Unpack[Options]) -> Ledger:
        """Opens a ledger: the same as Ledger(...)."""
        return cls(store, **config)

    def call(self, operation: str, request: Any, gives: str | None = None) -> Any:
        """Runs an operation by its name in cala.h without the prefix, and gives its answer,
        or only the key `gives` of it."""
        return run(self._handle, None, operation, request, gives)

    def begin(self, *, savepoint: bool = False) -> Transaction:
        """Begins a transaction of the ledger's own; waits for a connection. Use it with `with`: it commits at the end
        and rolls back when an exception leaves it. savepoint: as for within. Gives a Transaction.
        BusyError, UnavailableError."""
        return Transaction(self, savepoint)

    def listen(self, **options: Unpack[ListenOptions]) -> Listening:
        """Gives an iterator over events as they happen: from_ "now", "start" or the place of an event; name: a listener
        whose place the ledger keeps (listeners.ack). Waits for a statement where the place has to be asked for.
        InvalidError, BusyError listener.too_many."""
        return Listening(self, self._handle, options)

    def reconcile(self, rows: Rows, *, known: Known | None = None, replay: Replay | None = None,
                  place: ReconcilePlace | None = None, page_size: int = 500, recorded_by: Instant | None = None,
                  **filters: Unpack[ReconcileFilter]) -> Iterator[Reconciled]:
        """Walks what the program has against the ledger, page by page, and gives what came of each page.

        rows(after): what the program expects, dicts as Expected, in an order of its own, those behind the one with the
        external id `after` (None: all). Each is looked up: missing, or differing in what it says.
        known(external_ids): which of these the program knows. With it the ledger's transactions, those of the filters
        recorded by recorded_by, are looked up in the program in turn: those that it does not know are extra,
        but for those without an external id.
        replay(expected): the posting of one that is missing, which is then posted, or None to leave it.
        place: that of an earlier page, to go on behind it. Nothing is kept in memory but a page.
        InvalidError request.malformed where one of these, what is expected or what known gives is not as said here."""
        walk = walk_of(place, page_size, recorded_by, known is not None, replay is not None, {**filters})
        return reconcile(self.call, rows, known, replay, walk)

    def recover(self, decided: Decided, *, min_age_ms: int = 0) -> Recovered:
        """Ends what is prepared (Transaction.prepare) and at least so old as the program decided;
        see docs/two-phase.md.

        decided(prepared): "commit", "rollback", or None: nothing is decided, it is left as it is. Nothing is guessed.
        Gives which were committed and rolled back, which were left, which somebody else has ended meanwhile, and which
        failed because another session is at it or they are another user's. Any other error, and what decided raises,
        ends it: what is finished by then stays so, the rest is for the next time. InvalidError request.malformed."""
        return recover(self, decided, checked_age(min_age_ms))

    @overload
    def projection(self, name: str, apply: Callable[[Transaction, Event], object], *,
                   clear: Callable[[Transaction], object] | None = None, page_size: int = 100,
                   **filters: Unpack[ProjectionFilter]) -> Projection[Transaction]: ...
    @overload
    def projection(self, name: str, apply: Callable[[C, Event], object], *,
                   transaction: Callable[[Callable[[C], Any]], Any], clear: Callable[[C], object] | None = None,
                   page_size: int = 100, **filters: Unpack[ProjectionFilter]) -> Projection[C]: ...
    def projection(self, name: str, apply: Callable[[Any, Event], object], *,
                   transaction: Callable[[Callable[[Any], Any]], Any] | None = None,
                   clear: Callable[[Any], object] | None = None, page_size: int = 100,
                   **filters: Unpack[ProjectionFilter]) -> Projection[Any]:
        """Gives a projection: apply(connection, event) writes what follows from an event into tables of the program's,
        in one transaction with the place, which the ledger keeps under the name: each event takes effect exactly once.

        transaction(work): begins a transaction on the program's own connection, gives work(connection), and commits, or
        rolls back when work raises; left out, it is one of the ledger's, and the connection a Transaction (exec).
        clear(connection): empties the tables, for rebuild. page_size: how many events a transaction has, 1 to 1000."""
        return Projection(self, name, apply, clear, transaction, page_size, filters)

    def close(self) -> None:
        """Refuses new work, waits for what is in flight and closes. Closing again does nothing."""
        if not self._abandoned.detach():
            return
        self._handle.close()
        if self._reader is not None:
            self._reader.close()

    def __enter__(self) -> Ledger:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def run(handle: Handle, tx: int | None, operation: str, request: Any, gives: str | None) -> Any:
    """Makes an operation, runs it, frees it."""
    with told(operation):
        op = handle.operation(operation, request, tx)
        try:
            answer = handle.run(op)
        finally:
            handle.libcala.cala_op_free(op)
    return answer if gives is None else answer[gives]


class Transaction(OwnTransactionPlace[Waiting]):
    """A transaction of the ledger's own, made by Ledger.begin. Threads that share it take turns."""

    _listing = Listing

    def __init__(self, ledger: Ledger, savepoint: bool) -> None:
        self._ledger = ledger  # keeps it open
        self._handle = handle = ledger._handle
        self._turn = threading.Lock()
        self._over = False
        self._pointer = handle.transaction(handle.libcala.cala_tx_begin, {"savepoint": savepoint})
        weakref.finalize(self, handle.libcala.cala_tx_free, self._pointer)

    def call(self, operation: str, request: Any, gives: str | None = None) -> Any:
        """As Ledger.call, in this transaction."""
        self._handle.check_process()
        with self._turn:
            return run(self._handle, self._pointer, operation, request, gives)

    def commit(self) -> None:
        """Commits. ConflictError store.serialization, UnavailableError, OutcomeUnknownError;
        MisuseError when it is over."""
        self._end(self._handle.libcala.cala_tx_commit)

    def rollback(self) -> None:
        """Rolls back. MisuseError when it is over."""
        self._end(self._handle.libcala.cala_tx_rollback)

    def prepare(self, gid: str) -> None:
        """The first half of a two-phase commit, on PostgreSQL: what the transaction did goes on in the database under
        the gid, until ledger.prepared.finish commits it or rolls it back, from any process; see docs/two-phase.md. It
        is over then, and after an error whose tx_state is not "usable". ConflictError prepared.exists, BusyError
        prepared.too_many, UnsupportedError prepared.disabled, tx.not_postgres, OutcomeUnknownError."""
        self._handle.check_process()
        with self._turn:
            try:
                self._handle.prepare(self._pointer, gid)
            except Error as error:
                self._over = self._over or error.tx_state != "usable"
                raise
            self._over = True

    def _end(self, function: Callable[..., int]) -> None:
        self._handle.check_process()
        with self._turn:
            self._over = True
            self._handle.end(function, self._pointer)

    def __enter__(self) -> Transaction:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._over:
            return
        if kind is None:
            self.commit()
            return
        try:
            self.rollback()
        except Error as error:  # the exception that is on its way says more
            log.debug("rollback: %s", error)


def version() -> str:
    """The library's version."""
    return str(load().cala_version().decode())
