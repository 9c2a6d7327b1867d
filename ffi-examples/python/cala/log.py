"""The package's logger, "cala": what the library reports, what the package does by itself, each operation at level DEBUG."""
from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator

from .errors import Error

log = logging.getLogger("cala")


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
