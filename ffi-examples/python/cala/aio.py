"""A ledger for asyncio: answers come through a queue whose descriptor the event loop watches."""
from __future__ import annotations

import asyncio
import contextlib
import ctypes
import functools
import os
import struct
import weakref
from collections.abc import AsyncIterator, Callable, Mapping
from typing import TYPE_CHECKING, Any

from . import raw
from ._library import NO_CALLBACK, UNSET, Handle, configuration, decode
from .errors import Error, MisuseError, from_document, from_handle
from .ledger import BaseLedger
from .listening import AsyncListening, ListenOptions
from .listing import AsyncListing
from .log import hear, hear_dropped, log, told
from .operations import Awaited, OwnTransactionPlace
from .reconciling import (AsyncKnown, AsyncReplay, AsyncRows, Reconciled, ReconcileFilter, ReconcilePlace,
                          reconcile_async, walk_of)
from .recovering import AsyncDecided, Recovered, checked_age, recover_async
from .waiting import in_thread, make, settle

if TYPE_CHECKING:
    from typing_extensions import Unpack

    from .documents import Instant
    from .settings import LogOptions, Options

_RECORD = struct.Struct("=IHHQiI")  # record_len, header_len, type, tag, status, data_len


class Completions:
    """The queue of one ledger in one event loop."""

    def __init__(self, handle: Handle) -> None:
        self.loop = asyncio.get_running_loop()
        self._library = handle.libcala
        self._queue = handle.made(self._library.cala_queue_new)
        self._descriptor = self._library.cala_queue_fd(self._queue)
        self._waiting: dict[int, asyncio.Future[tuple[int, str]]] = {}
        self._last_tag = 0
        self._buffer = ctypes.create_string_buffer(1 << 16)
        self.loop.add_reader(self._descriptor, self._read)

    async def answer(self, start: Callable[[int | None, int], object],
                     on_cancel: Callable[[], object] | None = None) -> tuple[int, str]:
        """Calls start(queue, tag) and gives what the record with that tag says: (status, data). Waits for it also when
        the task is cancelled meanwhile: what it is about is in use until then."""
        self._last_tag = tag = self._last_tag + 1
        future: asyncio.Future[tuple[int, str]] = self.loop.create_future()
        self._waiting[tag] = future
        try:
            start(self._queue, tag)
        except BaseException:
            del self._waiting[tag]
            raise
        try:
            return await future
        except asyncio.CancelledError:
            if on_cancel:
                on_cancel()
            while tag in self._waiting:  # cancelling the task has cancelled the future
                self._waiting[tag] = future = self.loop.create_future()
                with contextlib.suppress(asyncio.CancelledError):
                    await future
            raise

    def _read(self) -> None:
        used = ctypes.c_size_t()
        while True:
            status = self._library.cala_queue_read(self._queue, self._buffer, len(self._buffer), ctypes.byref(used))
            if status == raw.CALA_INVALID:
                self._buffer = ctypes.create_string_buffer(used.value)
            elif status != raw.CALA_OK or used.value == 0:
                return
            else:
                self._deliver(memoryview(self._buffer)[:used.value])

    def _deliver(self, records: memoryview) -> None:
        place, end = 0, len(records)
        while place < end:
            record_len, header_len, kind, tag, status, data_len = _RECORD.unpack_from(records, place)
            data = str(records[place + header_len:place + header_len + data_len], "utf-8")
            place += record_len
            if kind in (raw.CALA_RECORD_COMPLETION, raw.CALA_RECORD_SHUTDOWN):
                future = self._waiting.pop(tag, None)
                if future and not future.done():
                    future.set_result((status, data))
            elif kind == raw.CALA_RECORD_LOG:
                hear(data)
            elif kind == raw.CALA_RECORD_DROPPED:
                hear_dropped(data)

    def hear(self, handle: Handle, options: LogOptions) -> None:
        """Has the ledger's log come here; closes both when it is refused."""
        try:
            handle.hear(options, self._queue)
        except BaseException:
            self.close()
            handle.close()
            raise

    def close(self) -> None:
        """Stops watching. In the event loop's thread, or after its end."""
        self.loop.remove_reader(self._descriptor)
        os.close(self._descriptor)
        self._library.cala_queue_free(self._queue)


def _abandon(handle: Handle, completions: Completions) -> None:
    """For a ledger that nobody closed: collected, or there when the process ends."""
    handle.close()
    if not handle.mine():
        return  # the event loop is the parent's
    try:
        completions.loop.call_soon_threadsafe(completions.close)
    except RuntimeError:
        pass  # the loop has ended and with it the watching; the process keeps a descriptor


class AsyncLedger(BaseLedger[Awaited]):
    """An open ledger for one event loop. Made by AsyncLedger.open, to be closed or used with `async with`."""

    _listing = AsyncListing

    def __init__(self, handle: Handle, log_options: LogOptions | None = None) -> None:
        super().__init__(handle)
        self._completions = Completions(handle)
        if log_options is not None:
            self._completions.hear(handle, log_options)
        self._beginning = asyncio.Lock()  # one thread is enough to wait for connections
        self._close = weakref.finalize(self, _abandon, handle, self._completions)

    @classmethod
    async def open(cls, store: str | os.PathLike[str] = UNSET, **config: Unpack[Options]) -> AsyncLedger:
        """As Ledger.open, in the event loop that runs."""
        known = configuration(store, {**config})
        log_options = known.pop("log", None)
        return cls(await make(lambda: Handle(known), Handle.close), log_options)

    async def call(self, operation: str, request: Any, gives: str | None = None) -> Any:
        """As Ledger.call. Cancelling the task cancels the operation; what is already on its way is finished first."""
        return await self._run(None, operation, request, gives)

    async def _run(self, tx: int | None, operation: str, request: Any, gives: str | None) -> Any:
        self._check_loop()
        library = self._handle.libcala
        with told(operation):
            op = self._handle.operation(operation, request, tx)
            try:
                status, data = await self._completions.answer(functools.partial(self._start, op),
                                                              functools.partial(library.cala_op_cancel, op))
            finally:
                library.cala_op_free(op)
            document = decode(data)
            if status != raw.CALA_OK:
                raise from_document(document)
        return document if gives is None else document[gives]

    def _start(self, op: int | None, queue: int | None, tag: int) -> None:
        status = self._handle.libcala.cala_op_start(op, queue, NO_CALLBACK, tag)
        if status != raw.CALA_OK:
            raise from_handle(self._handle.libcala, None, status)

    def _check_loop(self) -> None:
        self._handle.check_process()
        if asyncio.get_running_loop() is not self._completions.loop:
            raise MisuseError("the ledger was opened in another event loop", "ledger.loop")

    async def begin(self, *, savepoint: bool = False) -> AsyncTransaction:
        """As Ledger.begin; gives an AsyncTransaction: `async with await ledger.begin() as tx`."""
        self._check_loop()
        await self._beginning.acquire()
        begun = await make(lambda: self._begin({"savepoint": savepoint}), self._handle.libcala.cala_tx_free,
                           self._beginning.release)
        return AsyncTransaction(self, begun)

    async def listen(self, **options: Unpack[ListenOptions]) -> AsyncListening:
        """As Ledger.listen, for `async for event in await ledger.listen()`."""
        self._check_loop()
        return await AsyncListening.open(self, self._handle, options)

    def reconcile(self, rows: AsyncRows, *, known: AsyncKnown | None = None, replay: AsyncReplay | None = None,
                  place: ReconcilePlace | None = None, page_size: int = 500, recorded_by: Instant | None = None,
                  **filters: Unpack[ReconcileFilter]) -> AsyncIterator[Reconciled]:
        """As Ledger.reconcile, for `async for`; rows may be an asynchronous iterable, known and replay asynchronous."""
        walk = walk_of(place, page_size, recorded_by, known is not None, replay is not None, {**filters})
        return reconcile_async(self.call, rows, known, replay, walk)

    async def recover(self, decided: AsyncDecided, *, min_age_ms: int = 0) -> Recovered:
        """As Ledger.recover; decided may be asynchronous."""
        return await recover_async(self, decided, checked_age(min_age_ms))

    def _begin(self, options: Mapping[str, bool]) -> int | None:
        return self._handle.transaction(self._handle.libcala.cala_tx_begin, options)

    async def close(self) -> None:
        """As Ledger.close."""
        if not self._close.alive:
            return
        if not self._handle.mine():
            self._close()
            return
        self._check_loop()
        self._close.detach()
        await self._completions.answer(self._handle.shut_down)
        await settle(in_thread(self._handle.close))
        self._completions.close()

    async def __aenter__(self) -> AsyncLedger:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()


class AsyncTransaction(OwnTransactionPlace[Awaited]):
    """A transaction of the ledger's own, made by AsyncLedger.begin. Tasks that share it take turns."""

    _listing = AsyncListing

    def __init__(self, ledger: AsyncLedger, pointer: int | None) -> None:
        self._ledger = ledger
        self._turn = asyncio.Lock()
        self._over = False
        self._pointer = pointer
        weakref.finalize(self, ledger._handle.libcala.cala_tx_free, pointer)

    async def call(self, operation: str, request: Any, gives: str | None = None) -> Any:
        """As Ledger.call, in this transaction."""
        async with self._turn:
            return await self._ledger._run(self._pointer, operation, request, gives)

    async def commit(self) -> None:
        """As Transaction.commit."""
        await self._end(self._ledger._handle.libcala.cala_tx_commit)

    async def rollback(self) -> None:
        """As Transaction.rollback."""
        await self._end(self._ledger._handle.libcala.cala_tx_rollback)

    async def prepare(self, gid: str) -> None:
        """As Transaction.prepare."""
        ledger = self._ledger
        ledger._check_loop()
        async with self._turn:
            try:
                await settle(in_thread(ledger._handle.prepare, self._pointer, gid))
            except Error as error:
                self._over = self._over or error.tx_state != "usable"
                raise
            self._over = True

    async def _end(self, function: Callable[..., int]) -> None:
        ledger = self._ledger
        ledger._check_loop()
        async with self._turn:
            self._over = True
            await settle(in_thread(ledger._handle.end, function, self._pointer))

    async def __aenter__(self) -> AsyncTransaction:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if self._over:
            return
        if kind is None:
            await self.commit()
            return
        try:
            await self.rollback()
        except Error as error:  # the exception that is on its way says more
            log.debug("rollback: %s", error)
