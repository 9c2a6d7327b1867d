"""Running a transaction again that lost a race."""
import asyncio
import random
import time

from .errors import BusyError, Error
from .hosts import error_facts
from .log import log

_RACES = ("40001", "40P01", "SQLITE_BUSY", "SQLITE_BUSY_SNAPSHOT", "SQLITE_LOCKED")


def lost_a_race(error):
    """Whether the transaction that this exception, the ledger's or a driver's, has ended may succeed when it is run
    again."""
    if isinstance(error, Error):
        return error.tx_state == "retry" or error.code == "store.serialization" or isinstance(error, BusyError)
    return error_facts(error)[0] in _RACES


def retrying(transaction, attempts=10):
    """Calls transaction(), which begins, works and commits, and gives what it gives; calls it again when it lost a
    race, with a growing pause, attempts times at most. The last error is raised."""
    for attempt in range(1, attempts + 1):
        try:
            return transaction()
        except Exception as error:
            _again(error, attempt, attempts)
        time.sleep(_pause(attempt))


async def retrying_async(transaction, attempts=10):
    """As retrying, for `async def` functions."""
    for attempt in range(1, attempts + 1):
        try:
            return await transaction()
        except Exception as error:
            _again(error, attempt, attempts)
        await asyncio.sleep(_pause(attempt))


def _again(error, attempt, attempts):
    if attempt == attempts or not lost_a_race(error):
        raise error
    log.info("attempt %d of %d lost a race: %s", attempt, attempts, error)


def _pause(attempt):
    return random.uniform(0, 0.01 * 2 ** min(attempt, 6))
