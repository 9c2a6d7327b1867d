"""What is prepared ends as the program decided: what Ledger.recover and AsyncLedger.recover do."""
from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Literal

from .documents import Finished, PreparedOutcome, PreparedTransaction
from .errors import Error, InvalidError

if TYPE_CHECKING:
    from typing_extensions import TypedDict

    from .operations import Awaited, Place, Waiting
else:
    from typing import TypedDict


class NotFinished(TypedDict):
    """A prepared transaction that could not be finished now."""

    prepared: PreparedTransaction
    error: Error


class Recovered(TypedDict):
    """What a recovery did. Each prepared transaction that was old enough is in one of these."""

    committed: list[PreparedTransaction]
    rolled_back: list[PreparedTransaction]
    ended: list[PreparedTransaction]
    """Somebody else has ended these meanwhile."""
    left: list[PreparedTransaction]
    """Of these the program decided nothing: they are as they were."""
    failed: list[NotFinished]
    """Another session is at these (prepared.busy), or they are another user's (store.permission)."""


Decided = Callable[[PreparedTransaction], PreparedOutcome | None]
AsyncDecided = Callable[[PreparedTransaction], PreparedOutcome | None | Awaitable[PreparedOutcome | None]]

_KINDS: dict[str, Literal["committed", "rolled_back"]] = {"commit": "committed", "rollback": "rolled_back"}


def checked_age(min_age_ms: Any) -> int:
    """Refuses what is no age."""
    if type(min_age_ms) is int and min_age_ms >= 0:
        return min_age_ms
    raise InvalidError(f"min_age_ms is {min_age_ms!r}, and must be a whole number of milliseconds", "request.malformed")


def _nothing() -> Recovered:
    return {"committed": [], "rolled_back": [], "ended": [], "left": [], "failed": []}


def _finished(done: Recovered, one: PreparedTransaction, answer: Finished) -> None:
    done[_KINDS[answer["outcome"]]].append(one)


def _not_finished(done: Recovered, one: PreparedTransaction, error: Error) -> None:
    if error.code == "prepared.not_found":
        done["ended"].append(one)
    elif error.code in ("prepared.busy", "store.permission"):
        done["failed"].append({"prepared": one, "error": error})
    else:
        raise error


def recover(ledger: Place[Waiting], decided: Decided, min_age_ms: int) -> Recovered:
    """Goes through what is prepared."""
    done = _nothing()
    for one in list(ledger.prepared.list()):
        if one["age_ms"] < min_age_ms:
            continue
        outcome = decided(one)
        if outcome is None:
            done["left"].append(one)
            continue
        try:
            _finished(done, one, ledger.prepared.finish(one["gid"], outcome))
        except Error as error:
            _not_finished(done, one, error)
    return done


async def recover_async(ledger: Place[Awaited], decided: AsyncDecided, min_age_ms: int) -> Recovered:
    """The same where answers are to be awaited; decided may be asynchronous."""
    done = _nothing()
    for one in [one async for one in ledger.prepared.list()]:
        if one["age_ms"] < min_age_ms:
            continue
        outcome = decided(one)
        if isinstance(outcome, Awaitable):
            outcome = await outcome
        if outcome is None:
            done["left"].append(one)
            continue
        try:
            _finished(done, one, await ledger.prepared.finish(one["gid"], outcome))
        except Error as error:
            _not_finished(done, one, error)
    return done
