"""What every adapter is held to: ../README.md has the list. One class a driver; each behaviour is one test."""
import asyncio
import contextlib
import sqlite3
import unittest
import uuid

import cala

from . import drivers
from .support import PGBOUNCER, POSTGRES, Books, needs_pgbouncer, needs_postgres, new_file, new_schema, suffix


class Shared:
    """The behaviours that PostgreSQL and SQLite share."""

    @classmethod
    def setUpClass(cls):
        cls.ledger = cls.open_ledger()
        cls.addClassCleanup(cls.ledger.close)
        cls.books = Books(cls.ledger)
        with cls.ledger.begin() as tx:
            tx.exec(f"create table {cls.orders} (note text)")

    async def connect(self, address=None):
        driver = await self.driver(address or self.address).connect()
        self.addAsyncCleanup(driver.close)
        return driver

    async def asyncSetUp(self):
        self.account = self.books.account()
        self.note = f"note {uuid.uuid4()}"
        self.host = await self.connect()

    def post(self, host, account=None, amount="10.00", id=None, **options):
        params = self.books.params(account or self.account, amount)
        return host.place(self.ledger, **options).transactions.post("DEPOSIT", params, id)

    async def order(self, host):
        await host.execute(f"insert into {self.orders} values ('{self.note}')")

    async def assert_left(self, orders, net):
        seen = await self.connect()
        await seen.begin()
        found = await seen.value(f"select count(*) from {self.orders} where note = '{self.note}'")
        self.assertEqual(orders, int(found))
        await seen.rollback()
        self.assertEqual(net, self.books.net(self.account))

    async def test_commit_leaves_both(self):
        await self.host.begin()
        await self.order(self.host)
        await self.post(self.host)
        await self.host.commit()
        await self.assert_left(1, "10.00")

    async def test_rollback_leaves_neither(self):
        await self.host.begin()
        await self.order(self.host)
        await self.post(self.host)
        await self.host.rollback()
        await self.assert_left(0, None)

    async def test_rejection_leaves_the_transaction_usable(self):
        locked = self.books.account()
        self.ledger.accounts.lock(locked)
        await self.host.begin()
        await self.order(self.host)
        with self.assertRaises(cala.RejectedError) as caught:
            await self.post(self.host, locked)
        self.assertEqual(("account.locked", "usable"), (caught.exception.code, caught.exception.tx_state))
        await self.post(self.host)
        await self.host.commit()
        await self.assert_left(1, "10.00")

    async def create_taken(self, **options):
        """Creates an account with a code that is taken, and gives the error."""
        taken = self.ledger.accounts.find(id=self.account)["code"]
        with self.assertRaises(cala.ConflictError) as caught:
            await self.host.place(self.ledger, **options).accounts.create(code=taken, name="again")
        self.assertEqual("account.exists", caught.exception.code)
        return caught.exception

    async def test_sql_error_behind_a_savepoint_leaves_it_usable(self):
        await self.host.begin()
        await self.order(self.host)
        error = await self.create_taken(savepoint=True)
        self.assertEqual("usable", error.tx_state)
        await self.post(self.host, savepoint=True)
        await self.host.commit()
        await self.assert_left(1, "10.00")

    async def test_duplicate_returns_the_first_result(self):
        id = uuid.uuid4()
        await self.host.begin()
        first = await self.post(self.host, id=id)
        again = await self.post(self.host, id=id)
        await self.host.commit()
        self.assertEqual((False, True), (first["replayed"], again["replayed"]))
        self.assertEqual(first["transaction"], again["transaction"])
        await self.assert_left(0, "10.00")

    async def test_interleaved_operations_take_turns(self):
        await self.host.begin()
        await asyncio.gather(*(self.post(self.host) for _ in range(4)))
        await self.host.commit()
        await self.assert_left(0, "40.00")

    async def test_reading_inside_sees_it_outside_does_not(self):
        await self.host.begin()
        await self.post(self.host)
        inside = await self.host.place(self.ledger).balances.find(**self.books.key(self.account))
        self.assertEqual("10.00", inside["settled"]["net"])
        self.assertIsNone(self.books.net(self.account))
        await self.host.commit()

    async def test_read_only_is_refused(self):
        await self.host.begin(read_only=True)
        with self.assertRaises(cala.PermissionError) as caught:
            await self.post(self.host)
        self.assertEqual("store.read_only", caught.exception.code)
        await self.host.rollback()
        self.assertIsNone(self.books.net(self.account))

    async def assert_no_transaction(self, handle):
        code = f"NONE{suffix()}"
        for write in (lambda place: place.transactions.post("DEPOSIT", self.books.params(self.account)),
                      lambda place: place.accounts.create(code=code, name="of no transaction")):
            with self.assertRaises(cala.MisuseError) as caught:
                place = self.ledger.within(handle, adopt=self.host.adopt)
                place = drivers.InThreads(place) if self.host.waits else place
                await write(place)
            self.assertEqual("transaction.none", caught.exception.code)
        with self.assertRaises(cala.NotFoundError):
            self.ledger.accounts.find(code=code)
        self.assertIsNone(self.books.net(self.account))

    async def test_without_begin_nothing_is_written(self):
        if hasattr(self.host, "autocommitting"):
            await self.host.autocommitting()
        await self.assert_no_transaction(self.host.autocommit())


class Postgres(Shared):
    """The behaviours on PostgreSQL."""

    address = POSTGRES

    @classmethod
    def open_ledger(cls):
        cls.schema = new_schema()
        cls.orders = f"orders_{cls.schema}"
        return cala.Ledger.open(store=POSTGRES, schema=cls.schema, migrate=True)

    async def create_taken(self, **options):
        """The code is taken by a transaction that commits only when ours waits for it:
        so the database itself refuses."""
        code = f"T{suffix()}"
        with self.ledger.begin() as holder:
            holder.accounts.create(code=code, name="first")
            changing = self.host.place(self.ledger, **options).accounts.update(self.account, code=code)
            creating = asyncio.ensure_future(changing)
            await self.until_waiting(creating)
        with self.assertRaises(cala.ConflictError) as caught:
            await creating
        self.assertEqual("account.exists", caught.exception.code)
        return caught.exception

    async def test_a_taken_code_that_can_be_seen_leaves_the_transaction_usable(self):
        await self.host.begin()
        await self.order(self.host)
        self.assertEqual("usable", (await super().create_taken()).tx_state)
        await self.host.commit()
        await self.assert_left(1, None)

    async def test_sql_error_aborts_the_transaction(self):
        await self.host.begin()
        await self.order(self.host)
        error = await self.create_taken()
        self.assertEqual(("aborted", "23505"), (error.tx_state, error.sqlstate))
        with self.assertRaises(Exception):
            await self.order(self.host)
        await self.host.rollback()
        await self.assert_left(0, None)

    async def test_cancelled_midway_leaves_nothing(self):
        holder = self.ledger.begin()
        self.addCleanup(holder.rollback)
        holder.lock_accounts([self.books.key(self.account)])
        await self.host.begin()
        await self.order(self.host)
        posting = asyncio.ensure_future(self.post(self.host))
        await self.until_waiting(posting)
        await self.host.cancel(posting)
        with self.assertRaises((cala.Error, asyncio.CancelledError)):
            await posting
        await self.host.rollback()
        await self.assert_left(0, None)

    async def until_waiting(self, task):
        while not task.done() and not int(self.watch.exec("select count(*) from pg_stat_activity where "
                                                          "wait_event_type = 'Lock'"
                                      " and datname = current_database()")["rows"][0][0]):
            await asyncio.sleep(0.01)

    async def asyncSetUp(self):
        await super().asyncSetUp()
        self.watch = self.ledger.begin()
        self.addCleanup(self.watch.rollback)

    async def again_after_another(self, isolation):
        """Runs a transaction that another posting comes into, until it lands; gives how often it ran."""
        attempts = 0

        async def transaction():
            nonlocal attempts
            attempts += 1
            await self.host.begin(isolation)
            try:
                await self.order(self.host)
                await self.host.place(self.ledger).balances.find_many([self.books.key(self.account)])
                if attempts == 1:
                    self.ledger.transactions.post("DEPOSIT", self.books.params(self.account, "5.00"))
                await self.post(self.host)
                await self.host.commit()
            except BaseException:
                await self.host.rollback()
                raise

        await cala.retrying_async(transaction)
        return attempts

    async def test_retry_runs_the_whole_transaction_again(self):
        self.post_first()
        self.assertEqual(2, await self.again_after_another("REPEATABLE READ"))
        await self.assert_left(1, "16.00")

    def post_first(self):
        self.ledger.transactions.post("DEPOSIT", self.books.params(self.account, "1.00"))

    async def test_older_snapshots_are_never_silently_stale(self):
        for isolation in ("REPEATABLE READ", "SERIALIZABLE"):
            with self.subTest(isolation):
                self.account = self.books.account()
                await self.again_after_another(isolation)
                nets = [balance["settled"]["net"]
                        for balance in self.ledger.balances.history(**self.books.key(self.account))]
                self.assertEqual(["5.00", "15.00"], nets)

    async def test_locking_first_prevents_deadlocks(self):
        accounts = [self.books.account(), self.books.account()]
        keys = [self.books.key(account) for account in [*accounts, self.books.cash]]

        async def transaction(host, order):
            await host.begin()
            await host.place(self.ledger).lock_accounts(keys[::order])
            for account in accounts[::order]:
                await self.post(host, account)
            await host.commit()

        other = await self.connect()
        for _ in range(5):
            await asyncio.gather(transaction(self.host, 1), transaction(other, -1))
        self.assertEqual(["100.00", "100.00"], [self.books.net(account) for account in accounts])

    @needs_pgbouncer
    async def test_pgbouncer_in_transaction_mode(self):
        host = await self.connect_pooled()
        for end, net in ((host.rollback, None), (host.commit, "10.00")):
            await host.begin()
            await self.order(host)
            await self.post(host)
            await end()
            self.assertEqual(net, self.books.net(self.account))
        await self.assert_left(1, "10.00")

    async def connect_pooled(self):
        return await self.connect(PGBOUNCER)

    async def test_host_only_in_memory(self):
        schema = new_schema()
        with cala.Ledger.open(store="host:postgres", schema=schema) as ledger:
            with self.assertRaises(cala.MisuseError):
                ledger.info()
            await self.host.begin()
            place = self.host.place(ledger)
            await place.migrate()
            account = await place.accounts.create(code="ALICE", name="Alice")
            self.assertEqual(account, await place.accounts.find(code="ALICE"))
            await self.host.rollback()


class Pipelined:
    """psycopg's own: what a pipeline has not answered yet cannot be built on."""

    async def test_a_pipeline_is_refused(self):
        await self.host.begin()
        async with contextlib.AsyncExitStack() as stack:
            pipeline = self.host.within.pipeline()
            if hasattr(pipeline, "__aenter__"):
                await stack.enter_async_context(pipeline)
            else:
                stack.enter_context(pipeline)
            await self.order(self.host)
            with self.assertRaises(cala.MisuseError) as caught:
                await self.post(self.host)
        self.assertEqual("tx.connection", caught.exception.code)
        await self.post(self.host)
        await self.host.commit()
        await self.assert_left(1, "10.00")


@needs_postgres
class PsycopgTest(Pipelined, Postgres, unittest.IsolatedAsyncioTestCase):
    driver = drivers.Psycopg


@needs_postgres
class PsycopgAdoptedTest(Pipelined, Postgres, unittest.IsolatedAsyncioTestCase):
    driver = drivers.PsycopgAdopted


@needs_postgres
class AsyncPsycopgTest(Pipelined, Postgres, unittest.IsolatedAsyncioTestCase):
    driver = drivers.AsyncPsycopg


@needs_postgres
class AsyncPsycopgAdoptedTest(Pipelined, Postgres, unittest.IsolatedAsyncioTestCase):
    driver = drivers.AsyncPsycopgAdopted


@needs_postgres
class AsyncpgTest(Postgres, unittest.IsolatedAsyncioTestCase):
    driver = drivers.Asyncpg

    async def test_without_begin_nothing_is_written_through_a_pool(self):
        async with drivers.asyncpg.create_pool(POSTGRES, min_size=1, max_size=2) as pool:
            await self.assert_no_transaction(pool)

    async def test_a_connection_from_a_pool_works(self):
        async with drivers.asyncpg.create_pool(POSTGRES, min_size=1, max_size=2) as pool, pool.acquire() as connection:
            async with connection.transaction():
                await self.ledger.within(connection).transactions.post("DEPOSIT", self.books.params(self.account))
        self.assertEqual("10.00", self.books.net(self.account))

    async def connect_pooled(self):
        host = self.driver(PGBOUNCER)
        host.within = await drivers.asyncpg.connect(PGBOUNCER, statement_cache_size=0)
        self.addAsyncCleanup(host.close)
        return host


@needs_postgres
class SqlAlchemyConnectionTest(Postgres, unittest.IsolatedAsyncioTestCase):
    driver = drivers.SqlAlchemyConnection

    async def test_without_begin_nothing_is_written_through_an_engine(self):
        await self.assert_no_transaction(self.host.engine())


@needs_postgres
class SqlAlchemySessionTest(Postgres, unittest.IsolatedAsyncioTestCase):
    driver = drivers.SqlAlchemySession


@needs_postgres
class SqlAlchemyAsyncTest(Postgres, unittest.IsolatedAsyncioTestCase):
    driver = drivers.SqlAlchemyAsync

    async def connect_pooled(self):
        host = self.driver(PGBOUNCER)
        await host.connect(statement_cache_size=0, prepared_statement_name_func=lambda: f"s{uuid.uuid4()}")
        self.addAsyncCleanup(host.close)
        return host


class OnSqlite(Shared):
    """The behaviours on SQLite: the ledger is open on the file that the host posts to."""

    @classmethod
    def open_ledger(cls):
        cls.address = new_file(cls)
        cls.orders = "orders"
        return cala.Ledger.open(store=f"sqlite:{cls.address}")

    async def test_sql_error_aborts_the_transaction(self):
        """Not on SQLite: it stays usable."""
        await self.host.begin()
        await self.order(self.host)
        self.assertEqual("usable", (await self.create_taken()).tx_state)
        await self.post(self.host)
        await self.host.commit()
        await self.assert_left(1, "10.00")

    def connection(self):
        pooled = getattr(self.host.within, "connection", None)  # SQLAlchemy's
        return pooled.dbapi_connection if pooled else self.host.within

    async def test_cancelled_midway_leaves_nothing(self):
        await self.host.begin()
        await self.order(self.host)
        self.connection().set_progress_handler(lambda: 1, 1)
        with self.assertRaises(cala.Error):
            await self.post(self.host)
        self.connection().set_progress_handler(None, 1)
        await self.host.rollback()
        await self.assert_left(0, None)

    async def test_retry_runs_the_whole_transaction_again(self):
        attempts = 0
        other = sqlite3.connect(self.address, isolation_level=None)
        self.addCleanup(other.close)
        other.execute("begin immediate")

        async def transaction():
            nonlocal attempts
            attempts += 1
            if attempts == 2:
                other.execute("rollback")
            await self.host.begin()
            try:
                await self.post(self.host)
                await self.host.commit()
            except BaseException:
                await self.host.rollback()
                raise

        await cala.retrying_async(transaction)
        self.assertEqual(2, attempts)
        await self.assert_left(0, "10.00")

    async def test_beside_an_open_ledger_on_the_same_file(self):
        for _ in range(5):
            await self.host.begin()
            await self.post(self.host)
            await self.host.commit()
            self.ledger.transactions.post("DEPOSIT", self.books.params(self.account))
        await self.host.begin()
        inside = await self.host.place(self.ledger).balances.find(**self.books.key(self.account))
        self.assertEqual(("100.00", "100.00"), (inside["settled"]["net"], self.books.net(self.account)))
        self.assertEqual("ok", await self.host.value("pragma integrity_check"))
        await self.host.rollback()

    async def test_host_only_in_memory(self):
        host = await self.connect(":memory:")
        with cala.Ledger.open(store="host:sqlite") as ledger:
            await host.begin()
            place = host.place(ledger)
            await place.migrate()
            account = await place.accounts.create(code="ALICE", name="Alice")
            await host.commit()
            await host.begin()
            self.assertEqual(account, await place.accounts.find(code="ALICE"))
            await host.rollback()


class SqliteTest(OnSqlite, unittest.IsolatedAsyncioTestCase):
    driver = drivers.Sqlite

    async def test_the_driver_begins_unless_told_not_to(self):
        connection = sqlite3.connect(self.address)
        self.addCleanup(connection.close)
        self.ledger.within(connection).transactions.post("DEPOSIT", self.books.params(self.account))
        self.assertIsNone(self.books.net(self.account))
        connection.commit()
        self.assertEqual("10.00", self.books.net(self.account))


class SqlAlchemySqliteTest(OnSqlite, unittest.IsolatedAsyncioTestCase):
    driver = drivers.SqlAlchemySqlite
