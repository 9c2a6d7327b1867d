"""A thread that reads the log of a ledger for threads."""
from __future__ import annotations

import ctypes
import struct
import threading
import weakref
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from . import raw
from ._library import Handle
from .log import hear, hear_dropped

if TYPE_CHECKING:
    from .settings import LogOptions

_RECORD = struct.Struct("=IHHQiI")  # record_len, header_len, type, tag, status, data_len


def _free(mine: Callable[[], bool], ended: threading.Event, free: Callable[[Any], object], queue: int | None) -> None:
    """Nobody has the reader any more, so its thread has ended; or the process ends,
    and the thread still tells what is left."""
    if mine():
        ended.wait()
    free(queue)


class LogReader:
    """Hands the records to the logger until end(). The thread keeps it alive,
    so the queue is freed behind the thread."""

    def __init__(self, handle: Handle, options: LogOptions) -> None:
        self._mine = handle.mine
        self._library = handle.libcala
        self._queue = handle.made(self._library.cala_queue_new)
        self._ends = False
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="cala-log", daemon=True)
        try:
            handle.hear(options, self._queue)
            self._thread.start()
        except BaseException:
            self._library.cala_queue_free(self._queue)
            raise
        weakref.finalize(self, _free, self._mine, self._ended, self._library.cala_queue_free, self._queue)

    def end(self) -> None:
        """After the ledger: has the thread read what is left and end. Waits for nothing, so a finalizer may call it,
        which runs in any thread, in the midst of a logger too, and in the one that reads."""
        self._ends = True
        if self._mine():
            self._library.cala_queue_wake(self._queue)

    def close(self) -> None:
        """As end, and waits until all is told, unless a logger calls it in the thread that tells."""
        self.end()
        if self._mine() and self._thread is not threading.current_thread():
            self._ended.wait()

    def _run(self) -> None:
        try:
            self._read()
        finally:
            self._ended.set()

    def _read(self) -> None:
        buffer = ctypes.create_string_buffer(1 << 16)
        used = ctypes.c_size_t()
        while True:
            ends = self._ends
            status = self._library.cala_queue_read(self._queue, buffer, len(buffer), ctypes.byref(used))
            if status == raw.CALA_INVALID:
                buffer = ctypes.create_string_buffer(used.value)
            elif status == raw.CALA_OK and used.value > 0:
                self._tell(memoryview(buffer)[:used.value])
            elif ends or status != raw.CALA_OK:
                return
            else:
                self._library.cala_queue_wait(self._queue, -1)

    def _tell(self, records: memoryview) -> None:
        while records:
            record_len, header_len, kind, _tag, _status, data_len = _RECORD.unpack_from(records)
            data = str(records[header_len:header_len + data_len], "utf-8")
            records = records[record_len:]
            if kind == raw.CALA_RECORD_LOG:
                hear(data)
            elif kind == raw.CALA_RECORD_DROPPED:
                hear_dropped(data)
