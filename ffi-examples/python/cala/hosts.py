"""The drivers whose transaction a ledger can take part in: one small class each.

A host runs one statement with text parameters and gives the text of the one row's one column, or None. Drivers are
never imported
here: that of a connection is loaded already.
"""
from __future__ import annotations

import contextlib
import sqlite3
import sys
from collections.abc import Iterator
from typing import Any, NoReturn, Protocol

from .errors import MisuseError, UnsupportedError


def none_open() -> MisuseError:
    """The error for a pool, or for a connection whose driver knows that no transaction is open."""
    return MisuseError("no transaction is open on this connection: begin one first", "transaction.none")


def error_facts(error: BaseException) -> tuple[Any, str]:
    """SQLSTATE (or SQLite's name; None when unknown) and message of a driver's exception."""
    error = _of_driver(error)
    state = getattr(error, "sqlstate", None) or getattr(error, "sqlite_errorname", None)
    if state is None and _is(error, "psycopg", "OperationalError"):  # libpq's own: it lost the connection
        state = "08006"
    if state is None and isinstance(error, sqlite3.OperationalError):  # sqlite3 tells names since Python 3.11
        state = {"database is locked": "SQLITE_BUSY", "database table is locked": "SQLITE_LOCKED"}.get(str(error))
    return state, str(error)


def misuse(error: BaseException) -> MisuseError | None:
    """The MisuseError for what a driver itself refuses: a connection that is closed, given back to its pool, busy, or
    another thread's. None when a database said no, or is lost."""
    error = _of_driver(error)
    if isinstance(error, sqlite3.ProgrammingError):
        own = "thread" in str(error) or "closed" in str(error)
    elif _is(error, "psycopg", "OperationalError"):
        own = str(error) == "the connection is closed"
    else:
        own = _is(error, "psycopg", "Error") or _is(error, "asyncpg", "InterfaceError")
    return MisuseError(str(error), "call.misuse") if own and not getattr(error, "sqlstate", None) else None


def _of_driver(error: BaseException) -> BaseException:
    """The driver's exception in SQLAlchemy's, which puts one of its own around those of asyncpg."""
    error = getattr(error, "orig", None) or error
    return error.__cause__ if type(error).__module__.startswith("sqlalchemy.") and error.__cause__ else error


def _is(error: BaseException, module: str, name: str) -> bool:
    driver = sys.modules.get(module)
    return driver is not None and isinstance(error, getattr(driver, name))


class Host(Protocol):
    """What is known of a driver's connection. key: the connection, whatever stands before it."""

    store: str
    dialect: str
    asynchronous: bool
    key: Any
    errors: tuple[type[BaseException], ...]

    def run(self, sql: str, parameters: tuple[str | None, ...]) -> Any:
        """Runs a statement; what an asynchronous one gives is to be awaited."""
        ...


class Sqlite:
    """sqlite3.Connection."""

    store, dialect, asynchronous = "sqlite", "qmark", False

    def __init__(self, connection: Any) -> None:
        if sqlite3.sqlite_version_info < (3, 35):
            raise UnsupportedError(f"Python's SQLite is {sqlite3.sqlite_version}; the ledger needs 3.35 or newer",
                                   "store.too_old")
        self.connection = self.key = connection
        self.errors = (sqlite3.Error,)

    def run(self, sql: str, parameters: tuple[str | None, ...]) -> Any:
        self.begin()
        cursor = self.connection.cursor()
        cursor.row_factory = None
        with self.texts():
            rows = cursor.execute(sql, parameters).fetchall()
        return rows[0][0] if rows else None

    @contextlib.contextmanager
    def texts(self) -> Iterator[None]:
        """Has texts read as UTF-8, whatever the program has its own read as."""
        factory = self.connection.text_factory
        self.connection.text_factory = str
        try:
            yield
        finally:
            self.connection.text_factory = factory

    def begin(self) -> None:
        """As the driver does before an INSERT, unless it is told to leave that to the program."""
        if not self.connection.in_transaction:
            manual = self.connection.isolation_level is None or getattr(self.connection, "autocommit", -1) is True
            if manual:
                raise none_open()
            self.connection.execute("BEGIN")


class Psycopg:
    """psycopg.Connection (version 3)."""

    store, dialect, asynchronous = "postgres", "percent", False

    def __init__(self, connection: Any) -> None:
        self._driver = sys.modules["psycopg"]
        self.connection = self.key = connection
        self.errors = (self._driver.Error,)

    def check(self) -> None:
        """In a pipeline a statement's answer comes later than the next one needs it."""
        if self.connection.pgconn.pipeline_status:
            raise MisuseError("the connection is in pipeline mode", "tx.connection")

    def run(self, sql: str, parameters: tuple[str | None, ...]) -> Any:
        self.check()
        with self._driver.Cursor(self.connection, row_factory=self._driver.rows.tuple_row) as cursor:
            cursor.execute(sql, parameters, prepare=False)  # a name may not be there behind a pooler
            row = cursor.fetchone() if cursor.description else None
        return row and row[0]

    def begin(self) -> Any:
        """Makes the driver begin, which it does before the first statement, unless the program turned that off."""
        idle = self.connection.info.transaction_status == self._driver.pq.TransactionStatus.IDLE
        if idle and not self.connection.autocommit:
            return self.connection.execute("SELECT 1")
        return None

    def pgconn(self) -> tuple[int, Any]:
        """The PGconn *, and the file that holds psycopg's libpq or is linked to it."""
        implementation = sys.modules[type(self.connection.pgconn).__module__]
        in_python = getattr(implementation, "impl", None)
        return self.connection.pgconn.pgconn_ptr, in_python.pq._name if in_python else implementation.__file__


class AsyncPsycopg(Psycopg):
    """psycopg.AsyncConnection."""

    asynchronous = True

    async def run(self, sql: str, parameters: tuple[str | None, ...]) -> Any:
        self.check()
        async with self._driver.AsyncCursor(self.connection, row_factory=self._driver.rows.tuple_row) as cursor:
            await cursor.execute(sql, parameters, prepare=False)
            row = await cursor.fetchone() if cursor.description else None
        return row and row[0]


class Asyncpg:
    """asyncpg's Connection, one acquired from a pool, or the pool itself: the ledger then answers that no transaction
    is open."""

    store, dialect, asynchronous = "postgres", "dollar", True

    def __init__(self, connection: Any) -> None:
        driver = sys.modules["asyncpg"]
        self.connection = self.key = connection
        self.errors = (driver.PostgresError, driver.InterfaceError)

    async def run(self, sql: str, parameters: tuple[str | None, ...]) -> Any:
        rows = await self.connection.fetch(sql, *parameters)
        return rows[0][0] if rows else None


class SqlAlchemy:
    """SQLAlchemy's Connection and Session."""

    asynchronous = False
    dialects = {"pyformat": "percent", "format": "percent", "qmark": "qmark", "numeric_dollar": "dollar"}

    def __init__(self, connection: Any) -> None:
        self.connection = connection if hasattr(connection, "exec_driver_sql") else connection.connection()
        self.key = self.connection.connection.dbapi_connection
        self.errors = (sys.modules["sqlalchemy.exc"].DBAPIError,)
        self.dialect = self.dialects[self.connection.dialect.paramstyle]
        self.store = _store(self.connection)
        self._sqlite = Sqlite(self.key) if isinstance(self.key, sqlite3.Connection) else None

    def run(self, sql: str, parameters: tuple[str | None, ...]) -> Any:
        if self._sqlite:
            self._sqlite.begin()
        with self._sqlite.texts() if self._sqlite else contextlib.nullcontext():
            return _text(self.connection.exec_driver_sql(sql, parameters))


class AsyncSqlAlchemy:
    """SQLAlchemy's AsyncConnection and AsyncSession, on PostgreSQL."""

    asynchronous = True

    def __init__(self, connection: Any) -> None:
        self.key = connection
        self.errors = (sys.modules["sqlalchemy.exc"].DBAPIError,)
        bind = connection if hasattr(connection, "dialect") else connection.get_bind()
        self.dialect = SqlAlchemy.dialects[bind.dialect.paramstyle]
        self.store = _store(bind)

    async def run(self, sql: str, parameters: tuple[str | None, ...]) -> Any:
        connection = self.key if hasattr(self.key, "exec_driver_sql") else await self.key.connection()
        return _text(await connection.exec_driver_sql(sql, parameters))


def _store(connection: Any) -> str:
    name = str(connection.dialect.name)
    return {"postgresql": "postgres"}.get(name, name)


def _text(result: Any) -> Any:
    row = result.fetchone() if result.returns_rows else None
    result.close()
    return row and row[0]


def _pool(_: object) -> NoReturn:
    raise none_open()


# module, its types, what they are for the ledger
_HOSTS: tuple[tuple[str, tuple[str, ...], Any], ...] = (
    ("sqlite3", ("Connection",), Sqlite),
    ("psycopg", ("Connection",), Psycopg),
    ("psycopg", ("AsyncConnection",), AsyncPsycopg),
    ("psycopg_pool", ("ConnectionPool", "AsyncConnectionPool"), _pool),
    ("asyncpg", ("Connection", "Pool"), Asyncpg),
    ("asyncpg.pool", ("PoolConnectionProxy",), Asyncpg),
    ("sqlalchemy", ("Connection",), SqlAlchemy),
    ("sqlalchemy.orm", ("Session", "scoped_session"), SqlAlchemy),
    ("sqlalchemy.ext.asyncio", ("AsyncConnection", "AsyncSession"), AsyncSqlAlchemy),
    ("sqlalchemy", ("Engine",), _pool),
    ("sqlalchemy.ext.asyncio", ("AsyncEngine",), _pool),
)


def host_of(connection: object) -> Host:
    """The host for a connection of the program's."""
    for module, names, host in _HOSTS:
        driver = sys.modules.get(module)
        if driver and isinstance(connection, tuple(getattr(driver, name) for name in names)):
            found: Host = host(connection)
            return found
    kind = type(connection)
    raise TypeError(f"{kind.__module__}.{kind.__qualname__} is no connection that a ledger can work within")
