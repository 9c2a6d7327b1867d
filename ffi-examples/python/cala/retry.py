"""Running a transaction again that lost a race."""
from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from ._library import load
from .errors import Error
from .hosts import error_facts
from .log import log

T = TypeVar("T")


def lost_a_race(error: BaseException | None) -> bool:
    """Whether the transaction that this exception has ended may succeed when it is run again. The library says so: of
    the ledger's with tx_state "retry", of the driver's by its SQLSTATE (40001, 40P01) or SQLite's name of its code
    (SQLITE_BUSY). Also when one of them is the cause or the context of the exception."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, Error):
            return error.tx_state == "retry"
        state = error_facts(error)[0]
        if isinstance(state, str) and load().cala_lost_race(state.encode()):
            return True
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return False


def retrying(transaction: Callable[[], T], attempts: int = 10) -> T:
    """Calls transaction(), which begins, works and commits, and gives what it gives; calls it again when it lost a
    race, with a growing pause, attempts times at most. The last error is raised."""
    attempt = 0
    while True:
        attempt += 1
        try:
            return transaction()
        except Exception as error:
            _again(error, attempt, attempts)
        time.sleep(_pause(attempt))


async def retrying_async(transaction: Callable[[], Awaitable[T]], attempts: int = 10) -> T:
    """As retrying, for `async def` functions."""
    attempt = 0
    while True:
        attempt += 1
        try:
            return await transaction()
        except Exception as error:
            _again(error, attempt, attempts)
        await asyncio.sleep(_pause(attempt))


def _again(error: Exception, attempt: int, attempts: int) -> None:
    if attempt >= attempts or not lost_a_race(error):
        raise error
    log.info("attempt %d of %d lost a race: %s", attempt, attempts, error)


def _pause(attempt: int) -> float:
    """Random, so that two that met do not meet again: 2 to 4 ms, then twice as much each time, 256 ms at most."""
    most = 0.002 * 2 ** min(attempt, 7)
    return random.uniform(most / 2, most)
