"""Cala, a double-entry ledger in your process: Ledger for threads, AsyncLedger for asyncio."""
from .aio import AsyncLedger, AsyncTransaction
from .documents import (Account, AccountChanges, Amount, Available, Balance, BalanceKey, Code, Date, Entry, Id, Info,
                        Instant, Journal, JournalChanges, Json, LayerBalance, NewAccount, NewJournal, NewTxTemplate,
                        Page, PageRequest, Param, ParamType, Posted, Posting, PreparedTransaction, Rows, TemplateEntry,
                        TemplateTransaction, TxTemplate)
from .documents import Transaction as PostedTransaction
from .errors import (BusyError, CancelledError, ClosedError, ConflictError, Error, ForkedError, InternalError,
                     InvalidError, MisuseError, NoMemoryError, NotFoundError, OutcomeUnknownError, ParamTypeError,
                     PermissionError, RejectedError, TimeoutError, UnavailableError, UnsupportedError)
from .ledger import Ledger, Transaction, version
from .listening import AsyncListening, Listening
from .listing import AsyncListing, Listing
from .log import traced
from .operations import Awaited, CelValue, Place, TransactionPlace, Waiting
from .projecting import Projection
from .reconciling import Differing, Expected, Reconciled, ReconcilePlace, Refused
from .recovering import NotFinished, Recovered
from .retry import lost_a_race, retrying, retrying_async

__all__ = ["Account", "AccountChanges", "Amount", "AsyncLedger", "AsyncListening", "AsyncListing", "AsyncTransaction",
           "Available", "Awaited", "Balance", "BalanceKey", "BusyError", "CancelledError", "CelValue", "ClosedError",
           "Code", "ConflictError", "Date", "Differing", "Entry", "Error", "Expected", "ForkedError", "Id", "Info",
           "Instant", "InternalError", "InvalidError", "Journal", "JournalChanges", "Json", "LayerBalance", "Ledger",
           "Listening", "Listing", "MisuseError", "NewAccount", "NewJournal", "NewTxTemplate", "NoMemoryError",
           "NotFinished", "NotFoundError", "OutcomeUnknownError", "Page", "PageRequest", "Param", "ParamType",
           "ParamTypeError", "PermissionError", "Place", "Posted", "PostedTransaction", "Posting",
           "PreparedTransaction", "Projection", "Reconciled", "ReconcilePlace", "Recovered", "Refused",
           "RejectedError", "Rows", "TemplateEntry", "TemplateTransaction", "TimeoutError", "Transaction",
           "TransactionPlace", "TxTemplate", "UnavailableError", "UnsupportedError", "Waiting", "lost_a_race",
           "retrying", "retrying_async", "traced", "version"]
