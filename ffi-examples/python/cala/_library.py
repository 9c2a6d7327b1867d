"""Finding libcala, and what every kind of ledger and transaction does with it."""
from __future__ import annotations

import ctypes
import datetime
import decimal
import functools
import json
import os
import pathlib
import re
import sys
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from . import raw
from .errors import (ClosedError, ForkedError, InvalidError, ParamTypeError, UnavailableError, UnsupportedError,
                     from_handle)
from .log import traceparent_now

NO_CALLBACK = raw.cala_completion_fn()
_NO_LOG_CALLBACK = raw.cala_log_fn()
UNSET: Any = object()
_ABI_MAJOR = 1
_FILE_NAMES = {"darwin": ["libcala.1.dylib", "libcala.dylib"], "win32": ["cala.dll"]}
_SIGNALS_WAIT_MS = 200  # Python handles a Ctrl-C when a call into C has returned


@functools.lru_cache(maxsize=None)
def load() -> raw.Library:
    """The library: the file that CALA_LIBRARY names, or the first of the usual places. UnavailableError
    library.missing; UnsupportedError library.version when it has another major version of the interface, or is too
    old."""
    named = os.environ.get("CALA_LIBRARY")
    names = _FILE_NAMES.get(sys.platform, ["libcala.so.1", "libcala.so"])
    beside = str(pathlib.Path(__file__).with_name(names[0]))
    tried = []
    for path in [named] if named else [beside, *names]:
        try:
            interface, version = _versions(path)
        except (OSError, AttributeError) as error:
            tried.append(f"{path}: {error}")
            continue
        if interface >> 16 != _ABI_MAJOR:
            raise UnsupportedError(f"this package is for version {_ABI_MAJOR} of the library's interface, and "
                                   f"{path} has "
                                   f"{interface >> 16}.{interface & 0xffff}", "library.version")
        try:
            return raw.load(path)
        except OSError as error:
            raise UnsupportedError(f"libcala {version} is too old for this package: {error}",
                                   "library.version") from None
    raise UnavailableError("libcala was not found; the environment variable CALA_LIBRARY names the file. Tried:\n  "
                           + "\n  ".join(tried), "library.missing", details={"tried": tried})


def _versions(path: str) -> tuple[int, str]:
    """What a library says that it is, which may lack other functions."""
    library = ctypes.CDLL(path)
    library.cala_version.restype = ctypes.c_char_p
    return library.cala_abi_version(), library.cala_version().decode()


def _plain(value: object) -> str:
    """What json does not know, as the documents have it."""
    if isinstance(value, decimal.Decimal):
        return format(value, "f")
    if isinstance(value, uuid.UUID):
        return str(value)
    if isinstance(value, datetime.datetime):
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone, so it is no instant")
        return value.astimezone(datetime.timezone.utc).replace(tzinfo=None).isoformat(timespec="microseconds") + "Z"
    if isinstance(value, datetime.date):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be part of a request")


_encode = json.JSONEncoder(default=_plain, ensure_ascii=False, allow_nan=False).encode
_decode = json.JSONDecoder().raw_decode


def encode(request: object) -> bytes:
    """The request as a document."""
    return _encode(request).encode()


def decode(document: str) -> Any:
    """What a document of the library's says."""
    return _decode(document)[0]


def refuse_floats(request: object) -> None:
    """No amount in the params of a posting, or of what is attached, is a float. The library refuses only those with a
    fraction: 10.0 would pass, and 10.1 not."""
    if not isinstance(request, dict):
        return
    _refuse_floats(request.get("params"), "/params", -1)
    postings = request.get("postings")
    for index, posting in enumerate(postings if isinstance(postings, (list, tuple)) else ()):
        if isinstance(posting, dict):
            _refuse_floats(posting.get("params"), f"/postings/{index}/params", index)


def _refuse_floats(params: object, pointer: str, index: int) -> None:
    if not isinstance(params, dict) or all(type(value) is str for value in params.values()):
        return
    place = _float_in(params, pointer)
    if place:
        raise ParamTypeError(f"{place} is a float; amounts are str or decimal.Decimal", "param.type",
                             details={"pointer": place}, posting_index=index)


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


def _trace() -> bytes | None:
    """What traced() said here, as the library takes it."""
    given: object = traceparent_now()
    if given is None:
        return None
    try:
        if isinstance(given, str):
            return given.encode()
    except UnicodeEncodeError:
        pass
    raise _no_trace(given)


def _no_trace(given: object) -> InvalidError:
    return InvalidError(f"{given!r} is no traceparent of the W3C's Trace Context", "request.malformed")


def configuration(store: str | os.PathLike[str], config: Mapping[str, Any]) -> dict[str, Any]:
    """The config with its store, which may be a path. A key that is there and None is most likely a variable that is
    not set: InvalidError request.malformed, never the default."""
    known = dict(config) if store is UNSET else {"store": store, **config}
    if isinstance(known.get("store"), os.PathLike):
        known["store"] = f"sqlite:{os.fsdecode(known['store'])}"
    _refuse_none(known)
    return known


def _refuse_none(config: Mapping[str, Any], pointer: str = "") -> None:
    for key, value in config.items():
        place = f"{pointer}/{key}"
        if value is None:
            raise InvalidError(f"{place} is None: leave the key out to have its default", "request.malformed",
                               details={"pointer": place})
        if isinstance(value, dict):
            _refuse_none(value, place)


class Handle:
    """An open cala_ledger, which is not freed while another thread is in a call with it."""

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.libcala = load()
        self._pid = os.getpid()
        self._lock = threading.RLock()  # a handler of a signal may call the ledger in the midst of a call
        self._unused = threading.Condition(self._lock)
        self._users = 0
        #: The kind of store: "sqlite" or "postgres".
        self.store = "sqlite" if re.match(r"(host:)?sqlite(:|$)", config.get("store", "sqlite:")) else "postgres"
        document = encode(config)
        self._pointer: int | None = self.made(self.libcala.cala_ledger_open, document, len(document))

    def made(self, function: Callable[..., int], *arguments: Any) -> int | None:
        """Calls a function that ends in (out, out_error) and gives what it made."""
        out, error = ctypes.c_void_p(), ctypes.c_void_p()
        status = function(*arguments, ctypes.byref(out), ctypes.byref(error))
        if status != raw.CALA_OK:
            self.check(status, error)
        return out.value

    def check(self, status: int, error: ctypes.c_void_p) -> None:
        """Raises what a call refused; frees the error."""
        if status == raw.CALA_OK:
            return
        try:
            raise from_handle(self.libcala, error, status)
        finally:
            self.libcala.cala_error_free(error)

    def __enter__(self) -> int:
        """The pointer, for the time of a call."""
        self.check_process()
        with self._lock:
            if self._pointer is None:
                raise ClosedError("the ledger is closed", "ledger.closed")
            self._users += 1
            return self._pointer

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._users -= 1
            if not self._users:
                self._unused.notify_all()

    def mine(self) -> bool:
        """Whether this process opened it."""
        return os.getpid() == self._pid

    def closed(self) -> bool:
        """Whether it was closed."""
        return self._pointer is None

    def check_process(self) -> None:
        """Refuses a child process: the locks here may be held by threads that it does not have."""
        if not self.mine():
            raise ForkedError("the ledger was opened by the parent process; open another one after the fork",
                              "process.forked")

    def operation(self, name: str, request: object, tx: int | None = None) -> int | None:
        """A new cala_op; the caller frees it."""
        refuse_floats(request)
        document, trace = encode(request), _trace()  # what they raise, they raise before there is anything to free
        with self as pointer:
            op = self.made(getattr(self.libcala, f"cala_{name}"), pointer, tx, document, len(document))
        if trace is not None and self.libcala.cala_op_trace(op, trace, len(trace)) != raw.CALA_OK:
            self.libcala.cala_op_free(op)
            raise _no_trace(trace.decode())
        return op

    def hear(self, options: Mapping[str, Any], queue: int | None) -> None:
        """Has the ledger's log come to a queue."""
        document, error = encode(options), ctypes.c_void_p()
        with self as pointer:
            self.check(self.libcala.cala_ledger_log(pointer, document, len(document), queue, _NO_LOG_CALLBACK, None,
                                                    ctypes.byref(error)), error)

    def transaction(self, function: Callable[..., int], options: object, *arguments: Any) -> int | None:
        """A new cala_tx of begin, host or adopt; the caller frees it."""
        document = encode(options)
        with self as pointer:
            return self.made(function, pointer, *arguments, document, len(document))

    def prepare(self, tx: int | None, gid: str) -> None:
        """Prepares a transaction for the second half of a two-phase commit."""
        text = gid.encode()
        self.end(lambda tx, error: self.libcala.cala_tx_prepare(tx, text, len(text), error), tx)

    def end(self, function: Callable[..., int], tx: int | None) -> None:
        """Commits or rolls back."""
        self.check_process()
        error = ctypes.c_void_p()
        self.check(function(tx, ctypes.byref(error)), error)

    def run(self, op: int | None) -> Any:
        """Runs an operation, waits and gives its answer."""
        error = ctypes.c_void_p()
        status = self.libcala.cala_op_run(op, _SIGNALS_WAIT_MS, ctypes.byref(error))
        while status == raw.CALA_TIMEOUT:
            # it may have ended since; the next wait then tells how
            over = self.libcala.cala_op_status(op) != raw.CALA_BUSY
            self.libcala.cala_error_free(error)
            status = self.libcala.cala_op_run(op, _SIGNALS_WAIT_MS, ctypes.byref(error))
            if over:
                break
        self.check(status, error)
        return self.answer(op)

    def answer(self, op: int | None) -> Any:
        """The answer of an operation that succeeded."""
        return decode((self.libcala.cala_op_result(op, None) or b"null").decode())

    def set_clock(self, instant: str | datetime.datetime) -> None:
        """Sets a manual clock."""
        text = encode(instant)[1:-1]
        with self as pointer:
            error = ctypes.c_void_p()
            self.check(self.libcala.cala_clock_set(pointer, text, len(text), ctypes.byref(error)), error)

    def advance_clock(self, milliseconds: int) -> None:
        """Moves a manual clock forward."""
        with self as pointer:
            error = ctypes.c_void_p()
            self.check(self.libcala.cala_clock_advance(pointer, milliseconds, ctypes.byref(error)), error)

    def shut_down(self, queue: int | None = None, tag: int | None = None) -> None:
        """Begins to close; the completion goes to queue, if any."""
        with self as pointer:
            self.libcala.cala_ledger_shutdown(pointer, queue, NO_CALLBACK, tag, None)

    def close(self) -> None:
        """Shuts down, waits for what is in flight and frees. In a child process it only lets go of the handle."""
        if self.mine():
            self.shut_down()
            with self._unused:
                pointer, self._pointer = self._pointer, None
                while self._users:
                    self._unused.wait()
        else:
            pointer, self._pointer = self._pointer, None
        self.libcala.cala_ledger_free(pointer)
