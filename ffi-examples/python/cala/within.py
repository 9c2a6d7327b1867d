"""Operations in the program's own transaction: each statement is run by the program's driver, or its libpq connection
is adopted."""
from __future__ import annotations

import asyncio
import os
import threading
import weakref
from collections.abc import Callable, Coroutine, Generator
from typing import Any, ClassVar, Protocol, TypeVar

from . import raw
from ._library import Handle
from .errors import MisuseError, UnsupportedError, from_handle
from .hosts import Host, Psycopg, error_facts, host_of, misuse
from .listing import AsyncListing, Listing
from .log import told
from .operations import Awaited, TransactionPlace, Waiting
from .waiting import in_thread, settle

M = TypeVar("M", Waiting, Awaited)

_NO_RESOLVER = raw.cala_resolve_fn()


class Connection(Protocol):
    """A connection of a driver that waits."""

    @property
    def execute(self) -> Callable[..., object]:
        """Runs a statement."""
        ...


class AsyncConnection(Protocol):
    """A connection of a driver for asyncio."""

    @property
    def execute(self) -> Callable[..., Coroutine[Any, Any, Any]]:
        """Runs a statement."""
        ...


def within(handle: Handle, connection: object, savepoint: bool, adopt: bool) -> Any:
    """The transaction place for a connection: see BaseLedger.within."""
    handle.check_process()
    host = host_of(connection)
    if host.store != handle.store:
        kind = type(connection)
        raise MisuseError(f"this ledger is on {handle.store}; it cannot take part in a transaction of "
                          f"{kind.__module__}.{kind.__qualname__} on {host.store}", "call.misuse")
    if adopt and not isinstance(host, Psycopg):
        raise UnsupportedError("only a connection of psycopg can be adopted", "tx.not_psycopg")
    if adopt:
        return (AsyncAdoptedTransaction if host.asynchronous else AdoptedTransaction)(handle, host, savepoint)
    return (AsyncHostTransaction if host.asynchronous else HostTransaction)(handle, host, savepoint)


class _Turn:
    """Whose turn it is on a connection, however many places were made for it."""

    _all: ClassVar[weakref.WeakValueDictionary[tuple[int, bool], _Turn]] = weakref.WeakValueDictionary()
    _making = threading.Lock()

    def __init__(self, host: Host) -> None:
        self.connection = host.key  # while this lives, nothing else can have its id
        self.lock: Any = asyncio.Lock() if host.asynchronous else threading.Lock()

    @classmethod
    def of(cls, host: Host) -> _Turn:
        with cls._making:
            return cls._all.setdefault((id(host.key), host.asynchronous), cls(host))


if hasattr(os, "register_at_fork"):  # another thread may hold it while a process forks
    os.register_at_fork(after_in_child=lambda: setattr(_Turn, "_making", threading.Lock()))


class _HostPlace(TransactionPlace[M]):
    _host: Any
    _ledger: Any

    def __init__(self, handle: Handle, host: Host, savepoint: bool) -> None:
        self._handle = handle
        self._host = host
        self._options = {"savepoint": savepoint}
        self._turn = _Turn.of(host)
        self._pointer: int | None = None

    def _keep(self, pointer: int | None) -> None:
        self._pointer = pointer
        weakref.finalize(self, self._handle.libcala.cala_tx_free, pointer)


def _data(text: object) -> bytes | None:
    """What is fed for the text that the driver gave."""
    if text is None or isinstance(text, bytes):
        return text
    if isinstance(text, str):
        return text.encode()
    kind = type(text).__name__
    raise MisuseError(f"the connection gives {kind} for a text: it must read texts as str", "call.misuse")


class _Stepped(_HostPlace[M]):
    def __init__(self, handle: Handle, host: Host, savepoint: bool) -> None:
        super().__init__(handle, host, savepoint)
        self._keep(handle.transaction(handle.libcala.cala_tx_host, {"dialect": host.dialect, **self._options}))

    def _statements(self, operation: str, request: Any, gives: str | None) -> Generator[tuple[str, tuple[str, ...]],
        Any, Any]:
        """Yields each statement (sql, parameters), is sent its text or thrown the driver's refusal,
        and returns the answer."""
        library = self._handle.libcala
        cause = None
        op = self._handle.operation(operation, request, self._pointer)
        try:
            step = library.cala_op_step(op)
            while step == raw.CALA_STEP_NEED_QUERY:
                count = library.cala_op_param_count(op)
                parameters = tuple((library.cala_op_param(op, index, None) or b"").decode() for index in range(count))
                try:
                    text = yield (library.cala_op_sql(op, None) or b"").decode(), parameters
                except self._host.errors as error:
                    if own := misuse(error):
                        raise own from error
                    cause = error
                    state, message = error_facts(error)
                    step = library.cala_op_feed_error(op, state and state.encode(), message.encode())
                else:
                    data = _data(text) if library.cala_op_sql_returns_row(op) else None
                    step = library.cala_op_feed(op, data, len(data or b""))
            if step != raw.CALA_STEP_DONE:
                raise from_handle(library, library.cala_op_error(op), -step) from cause
            answer = self._handle.answer(op)
        finally:
            library.cala_op_free(op)
        return answer if gives is None else answer[gives]


class HostTransaction(_Stepped[Waiting]):
    """The program's transaction; made by Ledger.within. Threads that share it take turns."""

    _listing = Listing

    def call(self, operation: str, request: Any, gives: str | None = None) -> Any:
        """As Ledger.call, in the program's transaction."""
        self._handle.check_process()
        with self._turn.lock, told(operation):
            statements = self._statements(operation, request, gives)
            try:
                statement = next(statements)
                while True:
                    try:
                        text = self._host.run(*statement)
                    except self._host.errors as error:
                        statement = statements.throw(error)
                    else:
                        statement = statements.send(text)
            except StopIteration as end:
                return end.value
            finally:
                statements.close()


class AsyncHostTransaction(_Stepped[Awaited]):
    """The program's transaction on an asynchronous driver; made by within. Tasks that share it take turns."""

    _listing = AsyncListing

    async def call(self, operation: str, request: Any, gives: str | None = None) -> Any:
        """As Ledger.call, in the program's transaction."""
        async with self._turn.lock:
            with told(operation):
                return await self._drive(operation, request, gives)

    async def _drive(self, operation: str, request: Any, gives: str | None) -> Any:
        statements = self._statements(operation, request, gives)
        try:
            statement = next(statements)
            while True:
                try:
                    text = await self._host.run(*statement)
                except self._host.errors as error:
                    statement = statements.throw(error)
                else:
                    statement = statements.send(text)
        except StopIteration as end:
            return end.value
        finally:
            statements.close()


class _Adopted(_HostPlace[M]):
    def _run(self, op: int | None) -> Any:
        try:
            return self._handle.run(op)
        finally:
            self._handle.libcala.cala_op_free(op)

    def _operation(self, operation: str, request: Any) -> int | None:
        if self._pointer is None:
            pgconn, library = self._host.pgconn()
            self._keep(self._handle.transaction(self._handle.libcala.cala_tx_adopt,
                                                {"library": library, **self._options},
                                                pgconn, _NO_RESOLVER, None))
        return self._handle.operation(operation, request, self._pointer)


class AdoptedTransaction(_Adopted[Waiting]):
    """The program's transaction, run by the library on psycopg's connection; made by within with adopt."""

    _listing = Listing

    def call(self, operation: str, request: Any, gives: str | None = None) -> Any:
        """As Ledger.call, in the program's transaction."""
        self._handle.check_process()
        with self._turn.lock, told(operation):
            self._host.begin()
            with self._host.connection.lock:
                answer = self._run(self._operation(operation, request))
        return answer if gives is None else answer[gives]


class AsyncAdoptedTransaction(_Adopted[Awaited]):
    """As AdoptedTransaction, for psycopg's AsyncConnection. The library waits in a thread,
    so the event loop goes on."""

    _listing = AsyncListing

    async def call(self, operation: str, request: Any, gives: str | None = None) -> Any:
        """As Ledger.call, in the program's transaction."""
        async with self._turn.lock:
            with told(operation):
                answer = await self._work(operation, request)
        return answer if gives is None else answer[gives]

    async def _work(self, operation: str, request: Any) -> Any:
        if begun := self._host.begin():
            await begun
        async with self._host.connection.lock:
            op = self._operation(operation, request)
            return await settle(in_thread(self._run, op))
