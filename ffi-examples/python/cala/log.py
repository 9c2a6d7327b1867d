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


def hear(data: str) -> None:
    """A record of the library's log: the logger gets its words, and all of it as `record.cala`."""
    # A handler that raises must not stop the answers of everybody else.
    with contextlib.suppress(Exception):
        record = json.loads(data)
        fields = " ".join(f"{key}={value}" for key, value in record.items() if key not in ("at", "level", "message"))
        log.log(_LEVELS[record["level"]], "%s: %s", record["message"], fields, extra={"cala": record})


def hear_dropped(data: str) -> None:
    """How many records were lost."""
    with contextlib.suppress(Exception):
        log.warning("%s log records were lost, because nobody read them in time", data)


class told:  # around every operation, so no generator, which costs more
    """Tells, at level DEBUG, what became of an operation: `with told(operation)`."""

    __slots__ = ("_operation",)

    def __init__(self, operation: str) -> None:
        self._operation = operation

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, *_: object) -> None:
        if log.isEnabledFor(logging.DEBUG) and (error is None or isinstance(error, Error)):
            _tell(self._operation, "ok" if error is None else error.code)


def _tell(operation: str, outcome: str) -> None:
    # A handler that raises must not hide what the operation answered.
    with contextlib.suppress(Exception):
        log.debug("%s: %s", operation, outcome)
