"""A thread that reads the log of a ledger for threads."""
from __future__ import annotations

import ctypes
import struct
import threading
from typing import TYPE_CHECKING

from . import raw
from ._library import Handle
from .log import hear, hear_dropped

if TYPE_CHECKING:
    from .settings import LogOptions

_RECORD = struct.Struct("=IHHQiI")  # record_len, header_len, type, tag, status, data_len


class LogReader:
    """Hands the records to the logger until close()."""

    def __init__(self, handle: Handle, options: LogOptions) -> None:
        self._handle = handle
        self._library = handle.libcala
        self._queue = handle.made(self._library.cala_queue_new)
        self._ends = False
        try:
            handle.hear(options, self._queue)
        except BaseException:
            self._library.cala_queue_free(self._queue)
            raise
        self._thread = threading.Thread(target=self._run, name="cala-log", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """After the ledger: reads what is left, and frees the queue. In a child process only that."""
        self._ends = True
        if self._handle.mine():
            self._library.cala_queue_wake(self._queue)
            if self._thread is not threading.current_thread():
                self._thread.join()
        self._library.cala_queue_free(self._queue)

    def _run(self) -> None:
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
            data = bytes(records[header_len:header_len + data_len])
            records = records[record_len:]
            if kind == raw.CALA_RECORD_LOG:
                hear(data)
            elif kind == raw.CALA_RECORD_DROPPED:
                hear_dropped(data)
