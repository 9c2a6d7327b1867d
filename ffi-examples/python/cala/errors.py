"""One class a status, all below Error."""
from __future__ import annotations

import builtins
import json
from typing import Any, Literal, cast

from . import raw


TxState = Literal["usable", "aborted", "retry"]


class Error(Exception):
    """Why a call failed. Its class tells the status; see docs/errors.md for the codes."""

    #: The status, as cala.h numbers it.
    status: int = raw.CALA_INTERNAL

    def __init__(self, message: str, code: str = "", *, details: dict[str, Any] | None = None, retryable: bool = False,
                 sqlstate: str = "", tx_state: int | TxState = raw.CALA_TX_USABLE, posting_index: int = -1) -> None:
        super().__init__(message)
        #: One sentence for people.
        self.message: str = message
        #: A stable dotted word for programs: "account.locked".
        self.code: str = code
        #: More: {"pointer": "/params/amount"}.
        self.details: dict[str, Any] = details or {}
        #: Whether the same call may succeed when it is repeated, in a transaction after a rollback.
        self.retryable: bool = retryable
        #: The database's SQLSTATE, or SQLite's name of its code; "" when no database said no.
        self.sqlstate: str = sqlstate
        #: What it means for the transaction it happened in: "usable", "aborted" (roll back), "retry" (roll back and run
        #: it all again).
        self.tx_state: TxState = cast("TxState", _TX_STATES.get(cast(int, tx_state), tx_state))
        #: Which posting of a batch was refused, counted from 0; None when the error is about none.
        self.posting_index: int | None = None if posting_index < 0 else posting_index

    def __str__(self) -> str:
        return f"{self.message} ({self.code})" if self.code else self.message


_TX_STATES = {raw.CALA_TX_USABLE: "usable", raw.CALA_TX_ABORTED: "aborted", raw.CALA_TX_RETRY: "retry"}


class MisuseError(Error):
    """The call itself is wrong: fix the program."""

    status = raw.CALA_MISUSE


class InvalidError(Error):
    """The request is not right; details name the place."""

    status = raw.CALA_INVALID


class ParamTypeError(InvalidError, TypeError):
    """A float in params, which cannot hold every amount."""


class NotFoundError(Error):
    """What it names does not exist."""

    status = raw.CALA_NOT_FOUND


class ConflictError(Error):
    """An id, code or external id is taken, or something changed meanwhile."""

    status = raw.CALA_CONFLICT


class RejectedError(Error):
    """The ledger refuses: unbalanced, locked. Nothing was written."""

    status = raw.CALA_REJECTED


class BusyError(Error):
    """Too much at once; try again later."""

    status = raw.CALA_BUSY


class TimeoutError(Error, builtins.TimeoutError):
    """Not finished within the time given."""

    status = raw.CALA_TIMEOUT


class CancelledError(Error):
    """Cancelled by the ledger, for example because it closes; nothing was written. Not asyncio's."""

    status = raw.CALA_CANCELLED


class ClosedError(Error):
    """The ledger is closed or shutting down."""

    status = raw.CALA_CLOSED


class UnavailableError(Error):
    """The store cannot be reached or cannot work."""

    status = raw.CALA_UNAVAILABLE


class PermissionError(Error, builtins.PermissionError):
    """The store does not let us."""

    status = raw.CALA_PERMISSION


class UnsupportedError(Error):
    """Not with this store, schema version or build."""

    status = raw.CALA_UNSUPPORTED


class NoMemoryError(Error, MemoryError):
    """Out of memory; nothing was written."""

    status = raw.CALA_NO_MEMORY


class InternalError(Error):
    """A defect of the library."""

    status = raw.CALA_INTERNAL


class ForkedError(Error):
    """The ledger belongs to the parent process: open another one after the fork."""

    status = raw.CALA_FORKED


class OutcomeUnknownError(Error):
    """The connection was lost during commit: post the same id again, or look it up."""

    status = raw.CALA_OUTCOME_UNKNOWN


_CLASSES = {cls.status: cls for cls in Error.__subclasses__()}


def from_document(document: dict[str, Any]) -> Error:
    """The error that a record of the queue tells of: its data, decoded."""
    known = ("message", "code", "details", "retryable", "sqlstate", "tx_state", "posting_index")
    return _class_of(document["status"])(**{name: document[name] for name in known if name in document})


def from_handle(library: Any, handle: Any, status: int) -> Error:
    """The error of a cala_error; the caller keeps the handle.
    status: what the call returned, in case there is no handle."""
    if not handle:
        return _class_of(status)(f"the call returned {library.cala_status_name(status).decode()}")
    return _class_of(library.cala_error_status(handle))(
        library.cala_error_message(handle).decode(), library.cala_error_code(handle).decode(),
        details=json.loads(library.cala_error_details(handle)), retryable=bool(library.cala_error_retryable(handle)),
        sqlstate=library.cala_error_sqlstate(handle).decode(), tx_state=library.cala_error_tx_state(handle),
        posting_index=library.cala_error_posting_index(handle))


def _class_of(status: int) -> type[Error]:
    return _CLASSES.get(status, InternalError)
