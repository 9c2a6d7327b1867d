"""How a ledger is opened: the configuration of cala_ledger_open."""
from __future__ import annotations

from typing import TYPE_CHECKING

from .documents import Instant

if TYPE_CHECKING:
    from typing_extensions import TypedDict
else:
    from typing import TypedDict


class Clock(TypedDict):
    """A clock that stands still until it is set or advanced."""

    manual: Instant


class Pool(TypedDict, total=False):
    """Connections at most, and how long to wait for one that is free, or for SQLite's one writer."""

    max: int
    timeout_ms: int


class Commit(TypedDict, total=False):
    """Whether a commit waits for the disk, and how many postings that wait are committed together at most."""

    durable: bool
    group_max: int


class LogOptions(TypedDict, total=False):
    """What the logger "cala" is told of the library's work: "error", "warn" (the default), "info" or "debug", each with
    those before it; operations that take slow_ms or longer; and how many records may wait to be read."""

    level: str
    slow_ms: int
    buffer: int


class Settings(TypedDict, total=False):
    """The configuration of a ledger, without its store."""

    migrate: bool
    schema: str
    pool: Pool
    clock: Clock
    commit: Commit
    queue_max: int
    failover_wait_ms: int
    lazy: bool


class Options(Settings, total=False):
    """What a ledger is opened with: the configuration, and what the package does with the log."""

    log: LogOptions
