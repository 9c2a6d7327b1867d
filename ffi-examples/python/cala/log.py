"""The package's logger, "cala": what the library reports, what the package does by itself,
each operation at level DEBUG."""
from __future__ import annotations

import contextlib
import contextvars
import json
import logging
from collections.abc import Iterator

from .errors import Error

log = logging.getLogger("cala")
_LEVELS = {"error": logging.ERROR, "warn": logging.WARNING, "info": logging.INFO, "debug": logging.DEBUG}
_trace: contextvars.ContextVar[str | None] = contextvars.ContextVar("cala_traceparent", default=None)


@contextlib.contextmanager
def traced(traceparent: str | None) -> Iterator[None]:
    """Which trace the operations inside are part of: a W3C traceparent, which their log records then have. It holds for
    this context (contextvars), so for this thread or task.
    One that is malformed makes each operation an InvalidError."""
    before = _trace.set(traceparent)
    try:
        yield
    finally:
        _trace.reset(before)


def traceparent_now() -> str | None:
    """What traced() said here."""
    return _trace.get()


def hear(data: bytes) -> None:
    """A record of the library's log: the logger gets its words, and all of it as `record.cala`."""
    # A handler that raises must not stop the answers of everybody else.
    with contextlib.suppress(Exception):
        record = json.loads(data)
        fields = " ".join(f"{key}={value}" for key, value in record.items() if key not in ("at", "level", "message"))
        log.log(_LEVELS[record["level"]], "%s: %s", record["message"], fields, extra={"cala": record})


def hear_dropped(data: bytes) -> None:
    """How many records were lost."""
    with contextlib.suppress(Exception):
        log.warning("%s log records were lost, because nobody read them in time", data.decode())


@contextlib.contextmanager
def told(operation: str) -> Iterator[None]:
    """Tells, at level DEBUG, what became of an operation."""
    try:
        yield
    except Error as error:
        _tell(operation, error.code)
        raise
    _tell(operation, "ok")


def _tell(operation: str, outcome: str) -> None:
    # A handler that raises must not hide what the operation answered.
    with contextlib.suppress(Exception):
        log.debug("%s: %s", operation, outcome)
