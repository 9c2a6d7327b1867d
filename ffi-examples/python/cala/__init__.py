"""Cala, a double-entry ledger in your process: Ledger for threads, AsyncLedger for asyncio."""
from .aio import AsyncLedger, AsyncTransaction
from .errors import (BusyError, CancelledError, ClosedError, ConflictError, Error, ForkedError, InternalError, InvalidError,
                     MisuseError, NoMemoryError, NotFoundError, OutcomeUnknownError, ParamTypeError, PermissionError,
                     RejectedError, TimeoutError, UnavailableError, UnsupportedError)
from .ledger import Ledger, Transaction, version
from .listing import AsyncListing, Listing
from .retry import lost_a_race, retrying, retrying_async

__all__ = ["AsyncLedger", "AsyncListing", "AsyncTransaction", "BusyError", "CancelledError", "ClosedError", "ConflictError",
           "Error", "ForkedError", "InternalError", "InvalidError", "Ledger", "Listing", "MisuseError", "NoMemoryError", "NotFoundError",
           "OutcomeUnknownError", "ParamTypeError", "PermissionError", "RejectedError", "TimeoutError", "Transaction", "UnavailableError",
           "UnsupportedError", "lost_a_race", "retrying", "retrying_async", "version"]
