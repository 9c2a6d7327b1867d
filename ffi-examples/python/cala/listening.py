"""Events as they happen: what Ledger.listen and AsyncLedger.listen give. Each listener reads a queue of its own, and
only what is asked for next: what the program does not take waits in the ledger."""
from __future__ import annotations

import asyncio
import collections
import ctypes
import os
import struct
import threading
import weakref
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from . import raw
from ._library import Handle, decode, encode
from .errors import Error, from_document
from .waiting import make

if TYPE_CHECKING:
    from typing_extensions import TypedDict

    from .documents import Event, EventType, Id
else:
    from typing import TypedDict

_RECORD = struct.Struct("=IHHQiI")  # record_len, header_len, type, tag, status, data_len
_NO_CALLBACK = raw.cala_event_fn()
_SIGNALS_WAIT_MS = 200  # Python handles a Ctrl-C when a call into C has returned


class ListenOptions(TypedDict, total=False):
    """What listen takes, as cala.h has it for cala_listener_open."""

    from_: str | int
    """"start", "now" or the place of an event. Default "now"."""
    name: str
    """Its place is kept in the ledger, where listeners.ack moves it."""
    types: Sequence[EventType]
    journal_id: Id
    entries: bool
    balances: bool
    buffer: int
    poll_ms: int


class _Reader:
    """A cala_listener with its queue. One thread at a time, but for close."""

    def __init__(self, handle: Handle, options: ListenOptions) -> None:
        self.libcala = libcala = handle.libcala
        self.mine = handle.mine
        # from is a keyword of Python
        document = encode({key.removesuffix("_"): value for key, value in options.items()})
        self.queue = handle.made(libcala.cala_queue_new)
        try:
            with handle as pointer:
                self.listener = handle.made(libcala.cala_listener_open, pointer, document, len(document), self.queue,
                                            _NO_CALLBACK, None)
        except BaseException:
            libcala.cala_queue_free(self.queue)
            raise
        self.ready: collections.deque[Event] = collections.deque()
        self.failure: Error | None = None
        self._done = 0  # the place of the last event that was given out, while others are ready
        self._buffer = ctypes.create_string_buffer(1 << 16)

    def read(self) -> None:
        """Takes a batch of what is there."""
        self._done = self.reached()
        used = ctypes.c_size_t()
        status = self.libcala.cala_queue_read(self.queue, self._buffer, len(self._buffer), ctypes.byref(used))
        if status == raw.CALA_INVALID:
            self._buffer = ctypes.create_string_buffer(used.value)
            status = self.libcala.cala_queue_read(self.queue, self._buffer, len(self._buffer), ctypes.byref(used))
        records = memoryview(self._buffer)[:used.value] if status == raw.CALA_OK else memoryview(b"")
        while records:
            record_len, header_len, kind, _, status, data_len = _RECORD.unpack_from(records)
            document = decode(str(records[header_len:header_len + data_len], "utf-8"))
            records = records[record_len:]
            if kind != raw.CALA_RECORD_EVENT:
                continue
            if status == raw.CALA_OK:
                self.ready.append(document)
            else:
                self.failure = from_document(document)

    def next(self) -> Event | None:
        """An event, if there is one; raises why there will be none any more."""
        if not self.ready:
            self.read()
        if self.ready:
            event = self.ready.popleft()
            self._done = event["place"]
            return event
        if self.failure:
            raise self.failure
        return None

    def reached(self) -> int:
        """Events that are ready were not given out."""
        return self._done if self.ready else self.libcala.cala_listener_reached(self.listener)

    def free(self) -> None:
        if not self.mine():
            return
        self.libcala.cala_listener_free(self.listener)
        self.libcala.cala_queue_free(self.queue)


def _unwatch(loop: asyncio.AbstractEventLoop, descriptor: int) -> None:
    loop.remove_reader(descriptor)
    os.close(descriptor)


def _abandon(loop: asyncio.AbstractEventLoop, descriptor: int, reader: _Reader) -> None:
    """For one that nobody closed: collected, in whatever thread that happens, or there when the process ends."""
    if not reader.mine():
        return  # the event loop is the parent's
    reader.free()
    try:
        loop.call_soon_threadsafe(_unwatch, loop, descriptor)
    except RuntimeError:  # the loop has ended and with it the watching
        os.close(descriptor)


class Listening:
    """An iterator over events as they happen, in order, each at least once, none missed. It waits for the next one, and
    ends when it is closed or its ledger is. Use it with `with`, or close it."""

    def __init__(self, ledger: Any, handle: Handle, options: ListenOptions) -> None:
        self._ledger = ledger  # keeps it open
        self._handle = handle
        self._reader = _Reader(handle, options)
        self._turn = threading.Lock()
        self._closing = False
        self._free = weakref.finalize(self, self._reader.free)

    @property
    def reached(self) -> int:
        """The place up to which this gave out all there is: to be acknowledged as soon
        as what it gave is dealt with."""
        with self._turn:
            return self._reader.reached() if self._free.alive else -1

    def __iter__(self) -> Listening:
        return self

    def __next__(self) -> Event:
        self._handle.check_process()
        while True:
            with self._turn:
                if self._closing or not self._free.alive:
                    raise StopIteration
                event = self._reader.next()
                if event is not None:
                    return event
                if self._handle.closed():
                    raise StopIteration
                self._reader.libcala.cala_queue_wait(self._reader.queue, _SIGNALS_WAIT_MS)

    def close(self) -> None:
        """Ends it: whoever waits for the next event gets none. Closing again does nothing."""
        if self._closing or not self._handle.mine():
            return
        self._closing = True
        self._reader.libcala.cala_queue_wake(self._reader.queue)
        with self._turn:
            self._free()

    def __enter__(self) -> Listening:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class AsyncListening:
    """As Listening, for `async for`: an asynchronous iterator in the event loop of its ledger."""

    def __init__(self, ledger: Any, handle: Handle, reader: _Reader) -> None:
        self._ledger = ledger  # keeps it open
        self._handle = handle
        self._reader = reader
        self._loop = asyncio.get_running_loop()
        self._more = asyncio.Event()
        self._descriptor = reader.libcala.cala_queue_fd(reader.queue)
        self._free = weakref.finalize(self, _abandon, self._loop, self._descriptor, reader)
        self._loop.add_reader(self._descriptor, self._more.set)

    @classmethod
    async def open(cls, ledger: Any, handle: Handle, options: ListenOptions) -> AsyncListening:
        """Opening may ask the store, so a thread does it."""
        reader = await make(lambda: _Reader(ledger._handle, options), _Reader.free)  # the thread keeps the ledger open
        return cls(ledger, handle, reader)

    @property
    def reached(self) -> int:
        """As Listening.reached."""
        return self._reader.reached() if self._free.alive else -1

    def __aiter__(self) -> AsyncListening:
        return self

    async def __anext__(self) -> Event:
        while self._free.alive:
            self._more.clear()
            event = self._reader.next()
            if event is not None:
                return event
            if self._handle.closed():
                break
            try:  # a ledger that closes says nothing here
                await asyncio.wait_for(self._more.wait(), _SIGNALS_WAIT_MS / 1000)
            except asyncio.TimeoutError:
                pass
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """As Listening.close."""
        if not self._free.detach():
            return
        if self._reader.mine():
            _unwatch(self._loop, self._descriptor)
            self._reader.free()
        self._more.set()

    async def __aenter__(self) -> AsyncListening:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
