"""The ledger for threads: values, errors, lists, own transactions, closing."""
import asyncio
import datetime
import decimal
import gc
import json
import pathlib
import re
import sqlite3
import threading
import time
import typing
import unittest
import unittest.mock
import uuid

import asyncpg
import psycopg
import sqlalchemy
import sqlalchemy.ext.asyncio

import cala
from cala import _library, raw, settings
from cala._library import encode

from .support import POSTGRES, Books, needs_postgres, new_file, new_schema, suffix


class ValueTest(unittest.TestCase):
    def test_decimals_ids_dates_and_instants_become_text(self):
        noon = datetime.datetime(2026, 1, 31, 13, tzinfo=datetime.timezone(datetime.timedelta(hours=1)))
        id = uuid.uuid4()
        document = encode({"a": decimal.Decimal("1E+2"), "b": decimal.Decimal("10.00"), "id": id, "on": noon.date(),
                           "at": noon})
        self.assertEqual({"a": "100", "b": "10.00", "id": str(id), "on": "2026-01-31",
                          "at": "2026-01-31T12:00:00.000000Z"},
                         json.loads(document))

    def test_an_instant_without_a_time_zone_is_refused(self):
        with self.assertRaises(ValueError):
            encode({"at": datetime.datetime(2026, 1, 31)})

    def test_what_is_no_value_is_refused(self):
        for value in (object(), {1, 2}, b"bytes", float("nan")):
            with self.assertRaises((TypeError, ValueError)):
                encode({"value": value})


class ConfigurationTest(unittest.TestCase):
    def test_a_key_that_is_none_is_no_default(self):
        for config in ({"store": None}, {"store": "sqlite::memory:", "migrate": None},
                       {"store": "sqlite::memory:", "clock": {"manual": None}}):
            with self.assertRaises(cala.InvalidError) as caught:
                cala.Ledger.open(**config)
            self.assertEqual("request.malformed", caught.exception.code)
        with self.assertRaises(cala.InvalidError):
            cala.Ledger.open(None)
        with self.assertRaises(cala.InvalidError):
            cala.Ledger("")

    def test_the_store_may_come_first_and_be_a_path(self):
        file = new_file(self)
        with cala.Ledger(f"sqlite:{file}") as ledger:
            ledger.accounts.create(code="A", name="a")
        with cala.Ledger(pathlib.Path(file), lazy=False) as ledger:
            self.assertEqual("A", ledger.accounts.find(code="A")["code"])

    def test_the_package_is_typed(self):
        self.assertTrue(pathlib.Path(cala.__file__).with_name("py.typed").exists())
        for method in (cala.Ledger.open, cala.Ledger.post, cala.Ledger.within, cala.Ledger.begin, cala.retrying):
            self.assertIn("return", method.__annotations__)


class MetricsTest(unittest.TestCase):
    def test_what_a_scraper_reads_is_whole(self):
        with cala.Ledger.open("sqlite::memory:") as ledger:
            ledger.journals.create(code="MAIN", name="Main")
            with self.assertRaises(cala.NotFoundError):
                ledger.accounts.find(code="NOBODY")
            lines = ledger.metrics(format="openmetrics")["text"].splitlines()
            told = [metric["name"] for metric in ledger.metrics()["metrics"]]
        self.assertEqual("# EOF", lines.pop())
        families = [line.split()[2] for line in lines if line.startswith("# TYPE ")]
        self.assertEqual([f"cala_{name}" for name in told], [family.removesuffix("_seconds") for family in families])
        family = None
        for line in lines:
            if line.startswith("#"):
                family = line.split()[2]
            else:
                self.assertRegex(line, rf'^{family}(_[a-z]+)?(\{{[a-z]+="[^"]+"(,le="[^"]+")?\}})? [0-9]+(\.[0-9]+)?$')
        self.assertIn('cala_refusals_total{code="account.not_found"} 1', lines)
        made = [line for line in lines if 'operation="journal_create"' in line]
        counts = [int(line.split()[-1]) for line in made if "_bucket{" in line]
        self.assertEqual(sorted(counts), counts)
        self.assertIn('le="+Inf"} 1', made[len(counts) - 1])
        self.assertIn('cala_operation_duration_seconds_count{operation="journal_create"} 1', made)


class RetryTest(unittest.TestCase):
    def wrapped(self, error, **how):
        """Raised while another was handled, or from it."""
        try:
            try:
                raise error
            except Exception as inner:
                if how.get("cause"):
                    raise RuntimeError("around it") from inner
                raise RuntimeError("after it")
        except RuntimeError as outer:
            return outer

    def test_a_lost_race_is_told_by_the_state_or_the_driver_and_through_causes(self):
        lost = cala.ConflictError("lost", "store.serialization", tx_state="retry")
        full = cala.BusyError("full", "queue.full", retryable=True)
        busy = sqlite3.OperationalError("database is locked")
        for cause in (False, True):
            self.assertTrue(cala.lost_a_race(self.wrapped(lost, cause=cause)))
            self.assertTrue(cala.lost_a_race(self.wrapped(busy, cause=cause)))
            self.assertTrue(cala.lost_a_race(self.wrapped(psycopg.errors.DeadlockDetected("dead"), cause=cause)))
            self.assertTrue(cala.lost_a_race(self.wrapped(sqlite3.OperationalError("database table is locked"),
                                                          cause=cause)))
            self.assertFalse(cala.lost_a_race(self.wrapped(full, cause=cause)))
            self.assertFalse(cala.lost_a_race(self.wrapped(psycopg.errors.UniqueViolation("taken"), cause=cause)))
            self.assertFalse(cala.lost_a_race(self.wrapped(ValueError("40001"), cause=cause)))
            self.assertFalse(cala.lost_a_race(self.wrapped(sqlite3.OperationalError("no such table: t"), cause=cause)))

    def test_ten_attempts_are_made(self):
        attempts = []

        def lose():
            attempts.append(1)
            raise cala.BusyError("lost", "store.busy", tx_state="retry")
        with self.assertRaises(cala.BusyError):
            cala.retrying(lose)
        self.assertEqual(10, len(attempts))

    def assert_pauses(self, pauses):
        """2 to 4 ms before the second attempt, then twice as much each time, 256 ms at most; not the same each time."""
        self.assertEqual({9}, {len(each) for each in pauses})
        for each in pauses:
            for attempt, pause in enumerate(each, 1):
                most = min(0.002 * 2 ** attempt, 0.256)
                self.assertTrue(most / 2 <= pause <= most, f"{pause} s before attempt {attempt + 1}")
        self.assertGreater(len({each[0] for each in pauses}), 1)

    def test_pauses_grow_are_random_and_end_at_256_ms(self):
        def lose():
            raise psycopg.errors.SerializationFailure("lost")

        pauses = []
        for _ in range(10):
            with unittest.mock.patch("time.sleep") as sleep, self.assertRaises(psycopg.errors.SerializationFailure):
                cala.retrying(lose)
            pauses.append([call.args[0] for call in sleep.call_args_list])
        self.assert_pauses(pauses)

    def test_pauses_of_asyncio_are_the_same(self):
        async def lose():
            raise psycopg.errors.SerializationFailure("lost")

        pauses = []
        for _ in range(10):
            with unittest.mock.patch("asyncio.sleep") as sleep, self.assertRaises(psycopg.errors.SerializationFailure):
                asyncio.run(cala.retrying_async(lose))
            pauses.append([call.args[0] for call in sleep.call_args_list])
        self.assert_pauses(pauses)

    def test_pauses_are_waited_for(self):
        begun = []

        def lose():
            begun.append(time.monotonic())
            raise psycopg.errors.SerializationFailure("lost")
        with self.assertRaises(psycopg.errors.SerializationFailure):
            cala.retrying(lose, attempts=4)
        self.assertEqual([True] * 3, [later - before >= least for before, later,
                                      least in zip(begun, begun[1:], (0.002, 0.004, 0.008))])


class HostTest(unittest.TestCase):
    def test_a_ledger_on_another_kind_of_store_takes_no_part(self):
        connection = sqlite3.connect(":memory:")
        self.addCleanup(connection.close)
        engine = sqlalchemy.create_engine("sqlite://")
        self.addCleanup(engine.dispose)
        with cala.Ledger("host:postgres") as ledger, engine.connect() as alchemy:
            for mine in (connection, alchemy):
                with self.assertRaises(cala.MisuseError) as caught:
                    ledger.within(mine)
                self.assertEqual(("call.misuse", "usable"), (caught.exception.code, caught.exception.tx_state))

    def test_how_the_program_reads_its_own_rows_does_not_matter(self):
        for factory in (bytes, bytearray, lambda text: text.decode("latin-1"), lambda text: text.upper()):
            connection = sqlite3.connect(":memory:", detect_types=sqlite3.PARSE_DECLTYPES | sqlite3.PARSE_COLNAMES)
            self.addCleanup(connection.close)
            connection.text_factory, connection.row_factory = factory, sqlite3.Row
            with cala.Ledger("host:sqlite") as ledger:
                within = ledger.within(connection)
                within.migrate()
                account = within.accounts.create(code="A", name="Café", description="déjà")["id"]
                self.assertEqual("déjà", within.accounts.update(account, name="Bar")["description"])
                account = within.accounts.find(code="A")
                self.assertEqual(("Bar", "déjà"), (account["name"], account["description"]))
            self.assertIs(factory, connection.text_factory)
            self.assertEqual(factory("Café".encode()), connection.execute("SELECT 'Café'").fetchone()[0])

    def test_a_write_may_answer_a_count(self):
        connection = sqlite3.connect(":memory:")
        self.addCleanup(connection.close)
        connection.execute("PRAGMA count_changes = ON")
        with cala.Ledger("host:sqlite") as ledger:
            within = ledger.within(connection)
            within.migrate()
            within.accounts.create(code="A", name="A")
            self.assertEqual("A", within.accounts.find(code="A")["name"])

    @needs_postgres
    def test_a_ledger_on_sqlite_takes_no_part_in_postgres(self):
        with cala.Ledger("host:sqlite") as ledger, psycopg.connect(POSTGRES) as connection:
            with self.assertRaises(cala.MisuseError) as caught:
                ledger.within(connection)
            self.assertEqual("call.misuse", caught.exception.code)
            self.assertEqual((1,), connection.execute("select 1").fetchone())

    @needs_postgres
    def test_a_ledger_on_sqlite_takes_no_part_in_drivers_for_asyncio(self):
        async def refused(handle):
            async with await cala.AsyncLedger.open("host:sqlite") as ledger:
                for within in (ledger.within, synchronous.within):
                    with self.assertRaises(cala.MisuseError) as caught:
                        within(handle)
                    self.assertEqual(("call.misuse", "usable"), (caught.exception.code, caught.exception.tx_state))
                    self.assertRegex(str(caught.exception),
                                     "this ledger is on sqlite; .* of (asyncpg|psycopg|sqlalchemy).* on postgres")

        async def transactions():
            async with asyncpg.create_pool(POSTGRES, min_size=1, max_size=2) as pool, pool.acquire() as connection:
                for handle in (connection, await asyncpg.connect(POSTGRES)):
                    async with handle.transaction():
                        await refused(handle)
                        self.assertEqual(1, await handle.fetchval("select 1"))
                    await refused(handle)
                await handle.close()
            async with await psycopg.AsyncConnection.connect(POSTGRES) as connection:
                await connection.execute("select 1")
                await refused(connection)
                self.assertEqual((1,), await (await connection.execute("select 1")).fetchone())
            engine = sqlalchemy.ext.asyncio.create_async_engine(
                sqlalchemy.make_url(POSTGRES).set(drivername="postgresql+asyncpg"), poolclass=sqlalchemy.pool.NullPool)
            async with engine.begin() as connection:
                await connection.execute(sqlalchemy.text("select 1"))
                await refused(connection)
                self.assertEqual(1, (await connection.execute(sqlalchemy.text("select 1"))).scalar())

        with cala.Ledger("host:sqlite") as synchronous:
            asyncio.run(transactions())

    @needs_postgres
    def test_only_a_connection_of_psycopg_can_be_adopted(self):
        async def refused():
            connection = await asyncpg.connect(POSTGRES)
            try:
                with self.assertRaises(cala.UnsupportedError) as caught:
                    ledger.within(connection, adopt=True)
                self.assertEqual("tx.not_psycopg", caught.exception.code)
            finally:
                await connection.close()
        with cala.Ledger("host:postgres") as ledger:
            asyncio.run(refused())

    def test_the_drivers_own_refusals_are_misuse(self):
        connection = sqlite3.connect(":memory:")
        caught = []

        def elsewhere():
            try:
                ledger.within(connection).info()
            except cala.Error as error:
                caught.append(error)
        with cala.Ledger("host:sqlite") as ledger:
            thread = threading.Thread(target=elsewhere)
            thread.start()
            thread.join()
            connection.close()
            elsewhere()
        self.assertEqual([(cala.MisuseError, "call.misuse")] * 2, [(type(error), error.code) for error in caught])
        self.assertIsInstance(caught[0].__cause__, sqlite3.ProgrammingError)

    def assert_misuse(self, said, call):
        with self.assertRaises(cala.MisuseError) as caught:
            call()
        self.assertEqual("call.misuse", caught.exception.code)
        self.assertIn(said, str(caught.exception))
        self.assertIsNotNone(caught.exception.__cause__)

    @needs_postgres
    def test_a_connection_that_psycopg_itself_refuses_is_misuse_and_a_lost_one_is_unavailable(self):
        with cala.Ledger("host:postgres") as ledger, psycopg.connect(POSTGRES, autocommit=True) as other:
            connection = psycopg.connect(POSTGRES)
            place = ledger.within(connection)
            connection.close()
            self.assert_misuse("closed", place.info)
            self.assert_misuse("closed", lambda: place.journals.create(name="J"))
            connection = psycopg.connect(POSTGRES)
            self.addCleanup(connection.close)
            other.execute("select pg_terminate_backend(%s)", (connection.info.backend_pid,))
            for _ in range(2):
                with self.assertRaises(cala.UnavailableError) as caught:
                    ledger.within(connection).info()
                self.assertEqual("store.connection_lost", caught.exception.code)

    @needs_postgres
    def test_a_connection_that_asyncpg_itself_refuses_is_misuse(self):
        async def refused(said, within):
            with self.assertRaises(cala.MisuseError) as caught:
                await within.info()
            self.assertEqual("call.misuse", caught.exception.code)
            self.assertIn(said, str(caught.exception))

        async def all_ways():
            connection = await asyncpg.connect(POSTGRES)
            within = ledger.within(connection)
            await connection.close()
            await refused("closed", within)
            async with asyncpg.create_pool(POSTGRES, min_size=1, max_size=1) as pool:
                async with pool.acquire() as connection:
                    within = ledger.within(connection)
                    sleeping = asyncio.ensure_future(connection.execute("select pg_sleep(0.2)"))
                    await asyncio.sleep(0)
                    await refused("another operation is in progress", within)
                    await sleeping
                await refused("released back to the pool", within)

        with cala.Ledger("host:postgres") as ledger:
            asyncio.run(all_ways())

    @unittest.skipUnless(hasattr(sqlite3, "LEGACY_TRANSACTION_CONTROL"), "Python 3.12 has the attribute autocommit")
    def test_autocommit_is_no_transaction(self):
        connection = sqlite3.connect(":memory:", autocommit=True)
        self.addCleanup(connection.close)
        with cala.Ledger("host:sqlite") as ledger, self.assertRaises(cala.MisuseError) as caught:
            ledger.within(connection).migrate()
        self.assertEqual("transaction.none", caught.exception.code)
        self.assertFalse(connection.in_transaction)


class ErrorTest(unittest.TestCase):
    def test_each_code_of_the_package_is_produced_by_a_test(self):
        """Of those that docs/errors.md has of it."""
        here = pathlib.Path(__file__).parent
        section = here.parents[2].joinpath("docs/errors.md").read_text(encoding="utf-8").split("## Of the wrappers")[1]
        listed = {code: status for code, status, where in re.findall("^- `([a-z_.]+)`, ([A-Z_]+), ([A-Za-z, ]+)",
                                                                     section, re.M)
                  if "Python" in where or where.strip() == "everywhere"}
        self.assertEqual(["ledger.loop", "library.missing", "library.version", "tx.not_psycopg"], sorted(listed))
        produced = {"library.missing": ("life.py", "cala.UnavailableError", "UNAVAILABLE"),
                    "library.version": ("life.py", "cala.UnsupportedError", "UNSUPPORTED"),
                    "ledger.loop": ("test_aio.py", "cala.MisuseError", "MISUSE"),
                    "tx.not_psycopg": ("test_ledger.py", "cala.UnsupportedError", "UNSUPPORTED")}
        for code, (file, error, status) in produced.items():
            with self.subTest(code):
                self.assertEqual(status, listed[code])
                self.assertRegex(here.joinpath(file).read_text(encoding="utf-8"), f'(?s){error}\\b.{{0,200}}"{code}"')

    def test_those_that_hide_a_built_in_are_one(self):
        for mine, built_in in ((cala.TimeoutError, TimeoutError), (cala.PermissionError, PermissionError),
                               (cala.NoMemoryError, MemoryError)):
            with self.assertRaises(built_in) as caught:
                raise mine("said", "code", details={"a": 1})
            self.assertEqual(("said (code)", "code", {"a": 1}), (str(caught.exception), caught.exception.code,
                                                                 caught.exception.details))

    def test_each_status_of_the_header_has_a_class(self):
        other = ("CALA_OK", "CALA_TX_", "CALA_STEP_", "CALA_RECORD_")
        statuses = {value for name, value in vars(raw).items() if name.startswith("CALA_")
                    and not name.startswith(other)}
        self.assertEqual(statuses, {cls.status for cls in cala.Error.__subclasses__()})


class WaitingTest(unittest.TestCase):
    """An operation is waited for in pieces, so that a Ctrl-C is heard."""

    def answer(self, waits, states):
        """What Handle.run makes of a library whose waits and states are these."""
        handle = _library.Handle.__new__(_library.Handle)
        handle.libcala = library = unittest.mock.Mock()
        library.cala_op_run.side_effect = waits
        library.cala_op_status.side_effect = states
        library.cala_op_result.return_value = b'{"answered": true}'
        library.cala_status_name.return_value = b"CALA_TIMEOUT"
        return handle.run(None)

    def test_one_that_ends_between_two_waits_has_its_answer(self):
        timeout, ok, busy = raw.CALA_TIMEOUT, raw.CALA_OK, raw.CALA_BUSY
        for waits, states in (([ok], []), ([timeout, ok], [busy]), ([timeout, ok], [ok]),
                              ([timeout, timeout, ok], [busy, ok])):
            with self.subTest(waits=waits, states=states):
                self.assertEqual({"answered": True}, self.answer(waits, states))

    def test_one_that_ends_in_a_failure_meanwhile_raises_it(self):
        with self.assertRaises(cala.TimeoutError):
            self.answer([raw.CALA_TIMEOUT, raw.CALA_TIMEOUT], [raw.CALA_TIMEOUT])
        with self.assertRaises(cala.BusyError):
            self.answer([raw.CALA_TIMEOUT, raw.CALA_BUSY], [raw.CALA_BUSY])


class LogTest(unittest.TestCase):
    def test_each_operation_is_told_at_level_debug(self):
        with cala.Ledger("sqlite::memory:") as ledger, self.assertLogs("cala", "DEBUG") as told:
            ledger.accounts.create(code="A", name="a")
            with self.assertRaises(cala.NotFoundError):
                ledger.accounts.find(code="B")
            with ledger.begin() as tx:
                tx.info()
        self.assertEqual(["account_create: ok", "account_find: account.not_found", "ledger_info: ok"],
                         [record.getMessage() for record in told.records])


class CoverageTest(unittest.TestCase):
    def test_every_operation_of_the_header_has_a_method(self):
        methods = json.loads(pathlib.Path(__file__).parents[1].joinpath("coverage.json").read_text(encoding="utf-8"))
        self.assertEqual(list(raw.OPERATIONS), list(methods))
        for place in methods.values():
            noun, method = place.split(".")
            self.assertTrue(getattr(getattr(cala.operations, noun), method).__doc__, place)


class OnAStore:
    """What holds on every store."""

    @classmethod
    def setUpClass(cls):
        cls.ledger = cala.Ledger.open(**cls.config())
        cls.addClassCleanup(cls.ledger.close)
        cls.books = Books(cls.ledger)

    def test_every_method_reaches_its_operation(self):
        """Each is called once; what is not there is NotFound, and no request is malformed."""
        id, key = str(uuid.uuid4()), self.books.key(self.books.account())
        account = self.books.account()
        ledger = self.ledger
        template = {"code": f"T{suffix()}", "transaction": {"effective": "date()", "journal_id": f"uuid('{id}')"},
                    "entries": [
            {"entry_type": "'E'", "account_id": f"uuid('{account}')", "layer": "SETTLED", "direction": way,
             "units": "decimal('1')",
             "currency": "'USD'"} for way in ("DEBIT", "CREDIT")]}
        self.assertEqual([], ledger.accounts.find_many([id]))
        self.assertEqual(2, len(ledger.accounts.create_many([{"code": f"M{suffix()}", "name": "m"} for _ in range(2)])))
        self.assertEqual("new", ledger.accounts.update(account, name="new")["name"])
        self.assertEqual("locked", ledger.accounts.lock(account)["status"])
        self.assertEqual("active", ledger.accounts.unlock(account)["status"])
        self.assertEqual("main", ledger.journals.find(id=self.books.journal)["name"])
        journal = ledger.journals.create(name="other")["id"]
        self.assertEqual("renamed", ledger.journals.update(journal, name="renamed")["name"])
        self.assertEqual("locked", ledger.journals.lock(journal)["status"])
        self.assertEqual("active", ledger.journals.unlock(journal)["status"])
        self.assertEqual("2020-12-31", ledger.journals.close(journal, datetime.date(2020, 12, 31))["closed_until"])
        self.assertNotIn("closed_until", ledger.journals.reopen(journal, None))
        self.assertIn(journal, [item["id"] for item in ledger.journals.list()])
        self.assertEqual(template["code"], ledger.tx_templates.create(**template)["code"])
        self.assertEqual(template["code"], ledger.tx_templates.find(code=template["code"])["code"])
        self.assertIn("DEPOSIT", [item["code"] for item in ledger.tx_templates.list()])
        results = ledger.transactions.post_many([{"tx_template_code": "DEPOSIT",
                                                  "params": self.books.params(account)}] * 2)
        posted = [result["transaction"]["id"] for result in results]
        self.assertEqual(posted[0], ledger.transactions.find(id=posted[0])["id"])
        self.assertEqual(posted, [item["id"] for item in ledger.transactions.find_many(posted)])
        self.assertEqual(posted, [item["id"] for item in ledger.transactions.list(account_id=account)])
        entries = [item["id"] for item in ledger.entries.list(account_id=account)]
        self.assertEqual(entries, [item["id"] for item in ledger.entries.find_many(entries)])
        key = self.books.key(account)
        self.assertEqual("20.00", ledger.balances.find_many([key])[0]["settled"]["net"])
        self.assertEqual([account], [item["account_id"] for item in ledger.balances.list(key["journal_id"], [account])])
        self.assertEqual(["10.00", "20.00"], [item["settled"]["net"] for item in ledger.balances.history(**key)])
        self.assertEqual("10.00", ledger.balances.at(**key, version=1)["settled"]["net"])
        self.assertEqual("3", ledger.cel_evaluate("1 + 2", as_="decimal")["value"])
        self.assertEqual(cala.version(), ledger.info()["version"])
        self.assertEqual(ledger.info()["schema_version"], ledger.migrate()["to_version"])

    def test_floats_are_refused(self):
        good = {"tx_template_code": "DEPOSIT", "params": self.books.params(self.books.cash)}
        for amount in (10.5, 10.0, {"deep": ["1", 10.0]}):
            with self.assertRaises(TypeError):
                self.ledger.post("DEPOSIT", self.books.params(self.books.cash, amount))
            with self.assertRaises(cala.InvalidError) as caught:
                self.ledger.transactions.post_many([good,
                                                    {"tx_template_code": "DEPOSIT", "params": {"amount": amount}}])
            self.assertEqual(("param.type", 1), (caught.exception.code, caught.exception.posting_index))
            self.assertTrue(caught.exception.details["pointer"].startswith("/postings/1/params/amount"))
            # And of everything else that has params.
            bad = {"tx_template_code": "DEPOSIT", "params": {"amount": amount}}
            attached = {"control_id": str(uuid.uuid4()), "account_ids": [self.books.cash], "params": {"amount": amount}}
            for refused in (lambda: self.ledger.transactions.preview("DEPOSIT", {"amount": amount}),
                            lambda: self.ledger.holds.create("DEPOSIT", {"amount": amount}),
                            lambda: self.ledger.call("transaction_post", bad),
                            lambda: self.ledger.velocity_controls.attach(**attached),
                            lambda: self.ledger.velocity_controls.ensure_attached(**attached)):
                with self.assertRaises(cala.InvalidError) as caught:
                    refused()
                self.assertEqual("param.type", caught.exception.code)
                self.assertTrue(caught.exception.details["pointer"].startswith("/params/amount"))

    def test_parameters_of_statements_are_texts_or_none(self):
        with self.ledger.begin() as tx:
            for params, pointer in (("ab", "/params"), (iter("a"), "/params"), ([None, 1], "/params/1"),
                                    ([["a"]], "/params/0")):
                with self.assertRaises(cala.InvalidError) as caught:
                    tx.exec("select 1", params)
                self.assertEqual(("request.malformed", pointer),
                                 (caught.exception.code, caught.exception.details["pointer"]))
            self.assertEqual([["1"]], tx.exec("select 1")["rows"])

    def test_metadata_passes_through_untouched(self):
        metadata = {"camelCase": [1, 1.5, None, True, "ü"], "snake_case": {"A": {}}}
        account = self.ledger.accounts.create(code=f"M{suffix()}", name="m", metadata=metadata)
        self.assertEqual(metadata, self.ledger.accounts.find(id=account["id"])["metadata"])
        self.assertNotIn("metadata", self.ledger.accounts.update(account["id"], metadata=None))

    def test_an_error_says_all(self):
        postings = [{"tx_template_code": "DEPOSIT", "params": self.books.params(self.books.cash, amount)}
                    for amount in ("1", "x")]
        with self.assertRaises(cala.InvalidError) as caught:
            self.ledger.transactions.post_many(postings)
        error = caught.exception
        self.assertEqual(("param.type", 1, False, "", "usable"),
                         (error.code, error.posting_index, error.retryable, error.sqlstate, error.tx_state))
        self.assertEqual("amount", error.details["param"])
        self.assertIn("param.type", str(error))

    def test_names_and_codes_are_not_empty(self):
        account = self.books.account()
        before = self.ledger.info()["accounts"]
        for refused, pointer in (
                (lambda: self.ledger.accounts.create(code="", name="A"), "/code"),
                (lambda: self.ledger.accounts.create(code="A", name=""), "/name"),
                (lambda: self.ledger.accounts.create_many([{"code": f"E{suffix()}", "name": "e"},
                                                           {"code": "E", "name": ""}]),
                 "/accounts/1/name"),
                (lambda: self.ledger.accounts.create_many([{"code": "", "name": "e"}]), "/accounts/0/code"),
                (lambda: self.ledger.accounts.update(account, name=""), "/name"),
                (lambda: self.ledger.accounts.update(account, code=""), "/code"),
                (lambda: self.ledger.journals.create(name=""), "/name"),
                (lambda: self.ledger.journals.update(self.books.journal, name=""), "/name")):
            with self.subTest(pointer), self.assertRaises(cala.InvalidError) as caught:
                refused()
            self.assertEqual(("request.malformed", pointer),
                             (caught.exception.code, caught.exception.details["pointer"]))
        self.assertEqual(before, self.ledger.info()["accounts"])

    def test_an_unknown_key_is_refused(self):
        with self.assertRaises(cala.InvalidError) as caught:
            self.ledger.accounts.create(code="X", name="X", nmae="X")
        self.assertEqual("/nmae", caught.exception.details["pointer"])

    def test_a_list_is_fetched_page_after_page(self):
        prefix = f"P{suffix()}"
        self.ledger.accounts.create_many([{"code": f"{prefix}{n}", "name": "p"} for n in range(5)])
        listed = self.ledger.accounts.list(code_prefix=prefix, first=2)
        for _ in range(2):
            self.assertEqual([f"{prefix}{n}" for n in range(5)], [account["code"] for account in listed])
        page = listed.page(first=3)
        self.assertEqual((3, True), (len(page["items"]), page["has_next_page"]))
        self.assertEqual([f"{prefix}3", f"{prefix}4"], [item["code"]
                                                        for item in listed.page(after=page["end_cursor"])["items"]])
        self.assertEqual([], list(self.ledger.accounts.list(code_prefix=f"none{suffix()}")))

    def test_a_transaction_commits_at_the_end_and_rolls_back_on_an_exception(self):
        kept, lost = self.books.account(), self.books.account()
        with self.ledger.begin() as tx:
            tx.transactions.post("DEPOSIT", self.books.params(kept))
            self.assertEqual("10.00", self.books.net(kept, tx))
        with self.assertRaises(ZeroDivisionError), self.ledger.begin() as tx:
            tx.transactions.post("DEPOSIT", self.books.params(lost))
            raise ZeroDivisionError
        self.assertEqual(("10.00", None), (self.books.net(kept), self.books.net(lost)))
        with self.assertRaises(cala.MisuseError):
            tx.commit()

    def test_a_transaction_is_prepared_and_finished_by_whoever_decides(self):
        kept, lost = self.books.account(), self.books.account()
        if self.ledger.info()["store"] == "sqlite":
            with self.ledger.begin() as tx:
                tx.transactions.post("DEPOSIT", self.books.params(kept))
                with self.assertRaises(cala.UnsupportedError) as refused:
                    tx.prepare("order")
                self.assertEqual(("tx.not_postgres", "usable"), (refused.exception.code, refused.exception.tx_state))
            self.assertEqual(("10.00", []), (self.books.net(kept), list(self.ledger.prepared.list())))
            return
        for account, outcome, net in (kept, "commit", "10.00"), (lost, "rollback", None):
            gid = f"o'rder\n{suffix()}"
            with self.ledger.begin() as tx:
                tx.transactions.post("DEPOSIT", self.books.params(account))
                tx.prepare(gid)
                with self.assertRaises(cala.MisuseError):
                    tx.prepare(gid)
            self.assertIsNone(self.books.net(account))
            one, = self.ledger.prepared.list()
            self.assertEqual(gid, one["gid"])
            with self.ledger.begin() as tx:
                with self.assertRaises(cala.ConflictError) as refused:
                    tx.prepare(gid)
                self.assertEqual(("prepared.exists", {"gid": gid}), (refused.exception.code, refused.exception.details))
                self.assertEqual("other", tx.accounts.create(code=f"B{suffix()}", name="other")["name"])
            self.assertEqual({"gid": gid, "outcome": outcome}, self.ledger.prepared.finish(gid, outcome))
            self.assertEqual(net, self.books.net(account))
            with self.assertRaises(cala.NotFoundError) as refused:
                self.ledger.prepared.finish(gid, outcome)
            self.assertEqual("prepared.not_found", refused.exception.code)

    def test_exec_gives_columns_rows_and_what_it_wrote(self):
        table = f"t_{suffix()}"
        one = "?" if self.ledger.info()["store"] == "sqlite" else "$1"
        with self.ledger.begin() as tx:
            tx.exec(f"create table {table} (note text)")
            self.assertEqual(1, tx.exec(f"insert into {table} values ({one})", ["a"])["affected"])
            tx.exec(f"insert into {table} values ({one})", [None])
            self.assertEqual({"columns": ["note"], "rows": [["a"], [None]], "affected": 0},
                             tx.exec(f"select note from {table}"))
            with self.assertRaises(cala.InvalidError) as caught:
                tx.exec("commit")
            self.assertEqual("tx.control_statement", caught.exception.code)
            tx.rollback()

    def test_a_savepoint_keeps_a_transaction_of_the_ledgers_own_usable(self):
        account = self.books.account()
        with self.ledger.begin(savepoint=True) as tx:
            with self.assertRaises(cala.InvalidError) as caught:
                tx.exec("select nonsense from nowhere")
            self.assertEqual("usable", caught.exception.tx_state)
            self.assertEqual([self.books.key(account)], tx.lock_accounts([self.books.key(account)] * 2))
            tx.transactions.post("DEPOSIT", self.books.params(account))
        self.assertEqual("10.00", self.books.net(account))

    def test_a_forgotten_transaction_is_rolled_back(self):
        account = self.books.account()
        tx = self.ledger.begin()
        tx.transactions.post("DEPOSIT", self.books.params(account))
        del tx
        gc.collect()
        self.ledger.transactions.post("DEPOSIT", self.books.params(account, "1.00"))
        self.assertEqual("1.00", self.books.net(account))

    def test_threads_that_share_a_transaction_take_turns(self):
        account = self.books.account()
        with self.ledger.begin() as tx:
            posting = ("DEPOSIT", self.books.params(account))
            threads = [threading.Thread(target=tx.transactions.post, args=posting) for _ in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        self.assertEqual("40.00", self.books.net(account))

    def test_retrying_gives_up_on_what_is_no_race(self):
        attempts = []

        def transaction():
            attempts.append(1)
            with self.ledger.begin() as tx:
                tx.accounts.find(code="nobody")

        with self.assertRaises(cala.NotFoundError):
            cala.retrying(transaction)
        self.assertEqual(1, len(attempts))

    def test_a_handle_that_is_no_connection_is_a_type_error(self):
        with self.assertRaises(TypeError):
            self.ledger.within(object())


class SqliteTest(OnAStore, unittest.TestCase):
    @classmethod
    def config(cls):
        return {"store": f"sqlite:{new_file(cls)}"}


class MemoryTest(OnAStore, unittest.TestCase):
    @classmethod
    def config(cls):
        return {"store": "sqlite::memory:"}


@needs_postgres
class PostgresTest(OnAStore, unittest.TestCase):
    @classmethod
    def config(cls):
        return {"store": POSTGRES, "schema": new_schema(), "migrate": True}

    def test_retrying_lands_a_transaction_that_lost_a_race_once(self):
        account, attempts = self.books.account(), []
        self.ledger.transactions.post("DEPOSIT", self.books.params(account, "1.00"))

        def transaction():
            attempts.append(1)
            with psycopg.connect(POSTGRES) as connection:
                connection.isolation_level = psycopg.IsolationLevel.REPEATABLE_READ
                within = self.ledger.within(connection)
                self.books.net(account, within)
                if len(attempts) == 1:
                    self.ledger.transactions.post("DEPOSIT", self.books.params(account, "5.00"))
                within.transactions.post("DEPOSIT", self.books.params(account))

        cala.retrying(transaction)
        self.assertEqual((2, "16.00"), (len(attempts), self.books.net(account)))


class ClosingTest(unittest.TestCase):
    def test_closing_twice_is_fine_and_using_it_is_a_closed_error(self):
        ledger = cala.Ledger.open(store="sqlite::memory:")
        tx = ledger.begin()
        ledger.close()
        ledger.close()
        for use in (ledger.info, ledger.begin, tx.info, lambda: ledger.clock_advance(1)):
            with self.assertRaises(cala.ClosedError):
                use()

    def test_an_unknown_key_of_the_configuration_is_refused(self):
        with self.assertRaises(cala.InvalidError) as caught:
            cala.Ledger.open(stoer="sqlite::memory:")
        self.assertEqual("request.unknown_key", caught.exception.code)

    def test_each_key_of_the_configuration_in_the_header_has_its_type(self):
        header = (pathlib.Path(__file__).parents[3] / "include" / "cala.h").read_text("utf-8")
        _, _, said = header.partition("Every key is optional:\n")
        said, _, _ = said.partition("\n * out: ")
        keys = {}
        for key, rest in re.findall(r"^ \*   (\w+)  +(.*(?:\n \* {6}.*)*)", said, re.MULTILINE):
            if not rest.startswith("of a later version"):
                keys[key] = set(re.findall(r'"(\w+)":', rest)) if rest.startswith("{") else set()
        self.assertEqual({"durable", "group_max"}, keys["commit"])
        typed = typing.get_type_hints(settings.Settings)
        self.assertEqual(keys.keys(), {"store", *typed})
        for key, kind in typed.items():
            inner = typing.get_type_hints(kind) if typing.is_typeddict(kind) else {}
            self.assertEqual(keys[key], {*inner}, key)
        self.assertFalse({*settings.Commit.__required_keys__, *settings.Pool.__required_keys__})

    def test_a_manual_clock_is_set_and_moved(self):
        with cala.Ledger.open(store="sqlite::memory:", clock={"manual": "2026-01-01T00:00:00Z"}) as ledger:
            ledger.clock_advance(1500)
            self.assertEqual("2026-01-01T00:00:01.500000Z", ledger.info()["now"])
            ledger.clock_set(datetime.datetime(2026, 2, 1, tzinfo=datetime.timezone.utc))
            self.assertEqual("2026-02-01T00:00:00.000000Z", ledger.info()["now"])
        with cala.Ledger.open(store="sqlite::memory:") as ledger, self.assertRaises(cala.UnsupportedError):
            ledger.clock_advance(1)
