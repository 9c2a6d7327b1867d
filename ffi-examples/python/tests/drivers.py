"""The drivers, made alike for the tests: connect, begin, execute, value, commit, rollback, close are awaited.

Those that wait do it in threads, so that two of them can be in the middle of something at once.
"""
import asyncio
import sqlite3

import asyncpg
import psycopg
import sqlalchemy
import sqlalchemy.ext.asyncio
import sqlalchemy.orm

in_thread = asyncio.to_thread


class Driver:
    """within: the handle that is given to the ledger. adopt: whether the library uses the connection itself."""

    adopt = False
    waits = True

    def __init__(self, address):
        self.address = address

    def place(self, ledger, **options):
        place = ledger.within(self.within, adopt=self.adopt, **options)
        return InThreads(place) if self.waits else place

    async def count(self, table):
        return int(await self.value(f"select count(*) from {table}"))


class InThreads:
    """A place whose operations are awaited: each in a thread."""

    def __init__(self, place, path=()):
        self._place, self._path = place, path

    def __getattr__(self, name):
        found = getattr(self._place, name)
        if callable(found):
            return lambda *arguments, **fields: in_thread(found, *arguments, **fields)
        return InThreads(found)


class Sqlite(Driver):
    async def connect(self):
        self.within = await in_thread(sqlite3.connect, self.address, 0, check_same_thread=False, isolation_level=None)
        return self

    async def begin(self, isolation=None, read_only=False):
        if read_only:
            await self.execute("pragma query_only = on")
        await self.execute("begin")

    async def execute(self, sql):
        await in_thread(self.within.execute, sql)

    async def value(self, sql):
        return (await in_thread(lambda: self.within.execute(sql).fetchone()))[0]

    async def commit(self):
        await self.execute("commit")

    async def rollback(self):
        await self.execute("rollback")

    async def close(self):
        await in_thread(self.within.close)

    def autocommit(self):
        return self.within


class Psycopg(Driver):
    connection_class = psycopg.Connection

    async def connect(self):
        self.within = await in_thread(psycopg.connect, self.address)
        return self

    async def begin(self, isolation="READ COMMITTED", read_only=False):
        self.within.isolation_level = psycopg.IsolationLevel[isolation.replace(" ", "_")]
        self.within.read_only = read_only

    async def execute(self, sql):
        await in_thread(self.within.execute, sql)

    async def value(self, sql):
        return (await in_thread(lambda: self.within.execute(sql).fetchone()))[0]

    async def commit(self):
        await in_thread(self.within.commit)

    async def rollback(self):
        await in_thread(self.within.rollback)

    async def close(self):
        await in_thread(self.within.close)

    def autocommit(self):
        self.within.autocommit = True
        return self.within

    async def cancel(self, task):
        while not task.done():  # the statement may not have begun
            await in_thread(self.within.cancel_safe)
            await asyncio.wait([task], timeout=0.05)


class PsycopgAdopted(Psycopg):
    adopt = True


class AsyncPsycopg(Psycopg):
    waits = False

    async def connect(self):
        self.within = await psycopg.AsyncConnection.connect(self.address)
        return self

    async def begin(self, isolation="READ COMMITTED", read_only=False):
        await self.within.set_isolation_level(psycopg.IsolationLevel[isolation.replace(" ", "_")])
        await self.within.set_read_only(read_only)

    async def execute(self, sql):
        await self.within.execute(sql)

    async def value(self, sql):
        return (await (await self.within.execute(sql)).fetchone())[0]

    async def commit(self):
        await self.within.commit()

    async def rollback(self):
        await self.within.rollback()

    async def close(self):
        await self.within.close()

    async def autocommitting(self):
        await self.within.set_autocommit(True)

    def autocommit(self):
        return self.within

    async def cancel(self, task):
        task.cancel()


class AsyncPsycopgAdopted(AsyncPsycopg):
    adopt = True

    async def cancel(self, task):  # a task waits for what the library has begun; the connection's own way ends it
        while not task.done():
            await self.within.cancel_safe()
            await asyncio.wait([task], timeout=0.05)


class Asyncpg(Driver):
    waits = False

    async def connect(self):
        self.within = await asyncpg.connect(self.address)
        return self

    async def begin(self, isolation="READ COMMITTED", read_only=False):
        self.transaction = self.within.transaction(isolation=isolation.lower().replace(" ", "_"), readonly=read_only)
        await self.transaction.start()

    async def execute(self, sql):
        await self.within.execute(sql)

    async def value(self, sql):
        return await self.within.fetchval(sql)

    async def commit(self):
        await self.transaction.commit()

    async def rollback(self):
        await self.transaction.rollback()

    async def close(self):
        await self.within.close()

    def autocommit(self):
        return self.within

    async def cancel(self, task):
        task.cancel()


class SqlAlchemyConnection(Driver):
    def engine(self):
        address = sqlalchemy.make_url(self.address)
        if address.get_backend_name() == "postgres":
            address = address.set(drivername="postgresql+psycopg")
        return sqlalchemy.create_engine(address, poolclass=sqlalchemy.pool.NullPool)

    async def connect(self):
        self.within = await in_thread(self.engine().connect)
        return self

    async def begin(self, isolation="READ COMMITTED", read_only=False):
        options = {"isolation_level": isolation, "postgresql_readonly": read_only}
        await in_thread(self.within.execution_options, **options)

    async def execute(self, sql):
        await in_thread(self.within.execute, sqlalchemy.text(sql))

    async def value(self, sql):
        return await in_thread(lambda: self.within.execute(sqlalchemy.text(sql)).scalar())

    async def commit(self):
        await in_thread(self.within.commit)

    async def rollback(self):
        await in_thread(self.within.rollback)

    async def close(self):
        await in_thread(self.within.close)

    def autocommit(self):
        return self.within.execution_options(isolation_level="AUTOCOMMIT")

    async def cancel(self, task):
        while not task.done():
            await in_thread(self.dbapi().cancel_safe)
            await asyncio.wait([task], timeout=0.05)

    def dbapi(self):
        return self.within.connection.dbapi_connection


class SqlAlchemySession(SqlAlchemyConnection):
    async def connect(self):
        self.within = sqlalchemy.orm.Session(self.engine())
        return self

    async def begin(self, isolation="READ COMMITTED", read_only=False):
        options = {"isolation_level": isolation, "postgresql_readonly": read_only}
        await in_thread(lambda: self.within.connection(execution_options=options))

    def autocommit(self):
        self.within.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
        return self.within

    def dbapi(self):
        return self.within.connection().connection.dbapi_connection


class SqlAlchemySqlite(SqlAlchemyConnection):
    def engine(self):
        return sqlalchemy.create_engine(f"sqlite:///{self.address}", poolclass=sqlalchemy.pool.NullPool,
                                        connect_args={"timeout": 0, "check_same_thread": False})

    async def begin(self, isolation=None, read_only=False):
        if read_only:
            await self.execute("pragma query_only = on")


class SqlAlchemyAsync(Driver):
    waits = False

    async def connect(self, **arguments):
        address = sqlalchemy.make_url(self.address).set(drivername="postgresql+asyncpg")
        engine = sqlalchemy.ext.asyncio.create_async_engine(address, poolclass=sqlalchemy.pool.NullPool,
                                                            connect_args=arguments)
        self.within = await engine.connect()
        return self

    async def begin(self, isolation="READ COMMITTED", read_only=False):
        await self.within.execution_options(isolation_level=isolation, postgresql_readonly=read_only)

    async def execute(self, sql):
        await self.within.execute(sqlalchemy.text(sql))

    async def value(self, sql):
        return (await self.within.execute(sqlalchemy.text(sql))).scalar()

    async def commit(self):
        await self.within.commit()

    async def rollback(self):
        await self.within.rollback()

    async def close(self):
        await self.within.close()

    async def autocommitting(self):
        await self.within.execution_options(isolation_level="AUTOCOMMIT")

    def autocommit(self):
        return self.within

    async def cancel(self, task):
        task.cancel()
