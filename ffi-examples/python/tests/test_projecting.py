"""What samples/projection.py does not show of projections: the ledger's own transactions, two at once, pruning."""
import threading
import time
import unittest
from concurrent.futures import ThreadPoolExecutor

import psycopg

import cala

from .support import POSTGRES, Books, needs_postgres, new_file, new_schema


class Projecting:
    """On each store."""

    def setUp(self):
        self.ledger = self.open_ledger()
        self.addCleanup(self.ledger.close)
        self.books = Books(self.ledger)
        self.account = self.books.account()
        with self.ledger.begin() as tx:
            tx.exec(f"CREATE TABLE {self.table} (id text NOT NULL)")

    def post(self, times):
        return [self.ledger.post("DEPOSIT", self.books.params(self.account))["transaction"]["id"] for _ in range(times)]

    def note(self, tx, event):
        tx.exec(f"INSERT INTO {self.table} VALUES ({self.placeholder})", [event["subject_id"]])

    def projection(self, apply=None, **more):
        return self.ledger.projection("notes", apply or self.note, types=["transaction_created"], page_size=3,
                                      clear=lambda tx: tx.exec(f"DELETE FROM {self.table}"), **more)

    def noted(self):
        with self.ledger.begin() as tx:
            return [row[0] for row in tx.exec(f"SELECT id FROM {self.table}")["rows"]]

    def test_the_ledger_s_own_transactions_will_do(self):
        posted = self.post(7)
        self.assertEqual([7, 0], [self.projection().catch_up() for _ in range(2)])
        posted += self.post(1)
        self.assertEqual(8, self.projection().rebuild())
        self.assertEqual(posted, self.noted())
        with self.assertRaises(ValueError):
            self.ledger.projection("notes", self.note).rebuild()

    def test_what_fails_leaves_nothing_of_its_page(self):
        posted = self.post(5)

        def fails(tx, event):
            self.note(tx, event)
            if event["subject_id"] == posted[4]:
                raise KeyError(event["place"])
        with self.assertRaises(KeyError):
            self.projection(fails).catch_up()
        self.assertEqual(posted[:3], self.noted())
        self.assertEqual(2, self.projection().catch_up())
        self.assertEqual(posted, self.noted())

    def test_many_at_once_apply_each_event_once(self):
        posted = self.post(20)
        failures = []

        def run():
            try:
                self.projection().catch_up()
            except BaseException as error:
                failures.append(error)
        threads = [threading.Thread(target=run) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual([], failures)
        self.projection().catch_up()
        self.assertEqual(posted, self.noted())

    def test_what_was_pruned_cannot_be_rebuilt_and_nothing_is_emptied(self):
        posted = self.post(3)
        self.projection().catch_up()
        self.ledger.events.prune(place=self.ledger.events.list(limit=2)["place"])
        with self.assertRaises(cala.NotFoundError) as caught:
            self.projection().rebuild()
        self.assertEqual("event.pruned", caught.exception.code)
        self.assertEqual(posted, self.noted())
        self.assertEqual(0, self.projection().catch_up())


class InFile(Projecting, unittest.TestCase):
    table, placeholder = "notes", "?"

    def open_ledger(self):
        return cala.Ledger(f"sqlite:{new_file(self)}")


class Program:
    """One of several that make the same tables, on a connection of its own."""

    def __init__(self, case):
        self.case = case
        self.connection = psycopg.connect(POSTGRES, autocommit=True)
        case.addCleanup(self.connection.close)
        self.connection.execute("SET lock_timeout = '30s'")  # a deadlock of the test's is no hang
        self.before_commit = lambda: None
        self.rolled_back = []

    def transaction(self, work):
        self.connection.execute("BEGIN")
        try:
            work(self.connection)
            self.before_commit()
            self.connection.execute("COMMIT")
        except Exception as error:
            self.connection.execute("ROLLBACK")
            self.rolled_back.append(getattr(error, "code", error))
            raise

    def note(self, connection, event):
        connection.execute(f"INSERT INTO {self.case.table} VALUES (%s)", [event["subject_id"]])

    def clear(self, connection):
        connection.execute(f"DELETE FROM {self.case.table}")

    def projection(self, apply=None, clear=None):
        return self.case.ledger.projection("notes", apply or self.note, clear=clear or self.clear,
                                           transaction=self.transaction,
                                           types=["transaction_created"], page_size=3)

    def is_held_up_by(self, working):
        """Waits until a statement of this one's waits for a lock; that is expected before `working` is done."""
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND pid = $1::int"
        while True:
            with self.case.ledger.begin() as tx:
                if tx.exec(waiting, [str(self.connection.info.backend_pid)])["rows"] == [["1"]]:
                    return
            if working.done():
                raise AssertionError(f"nobody was held up: {working.result()}")
            time.sleep(0.002)


@needs_postgres
class OnPostgres(Projecting, unittest.TestCase):
    placeholder = "$1"

    def open_ledger(self):
        self.table = f"notes_{new_schema()}"
        return cala.Ledger(POSTGRES, schema=new_schema(), migrate=True)

    def test_whoever_is_overtaken_rolls_back_and_goes_on_behind_the_other(self):
        kept, calls = self.ledger.listeners.place(name="notes", from_="start")["place"], []
        posted = self.post(1)

        def overtaken(tx, event):
            calls.append(event["subject_id"])
            if len(calls) == 1:
                with self.ledger.begin() as other:
                    self.note(other, event)
                    other.listeners.ack("notes", event["place"], kept)
            self.note(tx, event)
        self.assertEqual(0, self.projection(overtaken).catch_up())
        self.assertEqual((posted, posted), (calls, self.noted()))

    def test_of_two_that_keep_a_place_at_once_one_is_told(self):
        kept = self.ledger.listeners.place(name="notes", from_="start")["place"]
        self.post(1)
        newest = self.ledger.events.list(limit=1000)["place"]
        told = []
        with self.ledger.begin() as first, self.ledger.begin() as second:
            first.listeners.ack("notes", newest, kept)

            def waits():
                try:
                    second.listeners.ack("notes", newest, kept)
                except cala.ConflictError as error:
                    told.append(error.code)
            thread = threading.Thread(target=waits)
            thread.start()
            thread.join(0.1)
            self.assertTrue(thread.is_alive())
            first.commit()
            thread.join()
            second.rollback()
        self.assertEqual(["listener.changed"], told)

    def programs(self):
        """Two, of which the first has all but the last of what was posted."""
        one, other = Program(self), Program(self)
        posted = self.post(1)
        self.assertEqual(1, one.projection().catch_up())
        posted += self.post(1)
        self.ledger.events.list()  # what was listed is seen by others while a writer is under way
        return one, other, posted

    def test_a_rebuild_waits_for_who_has_written_and_clears_that_too(self):
        one, other, posted = self.programs()
        transactions, rebuilding = [], []

        def before_commit():
            transactions.append(len(transactions))
            if len(transactions) == 2:  # the first is that of the place
                rebuilding.append(pool.submit(other.projection().rebuild))
                other.is_held_up_by(rebuilding[0])
        one.before_commit = before_commit
        with ThreadPoolExecutor(1) as pool:
            self.assertEqual((1, 2), (one.projection().catch_up(), rebuilding[0].result()))
        self.assertEqual(posted, self.noted())

    def test_who_is_overtaken_by_a_rebuild_rolls_back_and_goes_on_behind_it(self):
        one, other, posted = self.programs()
        calls = []

        def overtaken(connection, event):
            calls.append(event["subject_id"])
            if len(calls) == 1:
                self.assertEqual(2, other.projection().rebuild())
            one.note(connection, event)
        self.assertEqual(0, one.projection(overtaken).catch_up())
        self.assertEqual((["listener.changed"], []), (one.rolled_back, other.rolled_back))
        self.assertEqual((posted[1:], posted), (calls, self.noted()))

    def test_where_the_name_was_forgotten_meanwhile_it_begins_again(self):
        one, other, posted = self.programs()
        calls = []

        def forget(connection):
            self.ledger.within(connection).listeners.remove("notes")
            other.clear(connection)

        def apply(connection, event):
            calls.append(event["subject_id"])
            if len(calls) == 1:
                other.transaction(forget)
            one.note(connection, event)
        self.assertEqual(2, one.projection(apply).catch_up())
        self.assertEqual((["listener.not_found"], []), (one.rolled_back, other.rolled_back))
        self.assertEqual((posted[1:] + posted, posted), (calls, self.noted()))

    def test_who_meets_a_rebuild_under_way_waits_for_it_and_begins_again(self):
        one, other, posted = self.programs()
        forgotten, calls, rebuilding = threading.Event(), [], []

        def clear(connection):
            other.clear(connection)
            forgotten.set()
            one.is_held_up_by(catching_up)

        def apply(connection, event):
            one.note(connection, event)
            calls.append(event["subject_id"])
            if len(calls) == 1:
                rebuilding.append(pool.submit(other.projection(clear=clear).rebuild))
                self.assertTrue(forgotten.wait(30))
        with ThreadPoolExecutor(2) as pool:
            catching_up = pool.submit(one.projection(apply).catch_up)
            applied = catching_up.result()
            self.assertEqual(2, applied + rebuilding[0].result())
        self.assertEqual("listener.changed", one.rolled_back[0])
        self.assertEqual(sorted(posted), sorted(self.noted()))

    def test_two_that_rebuild_at_once_apply_each_event_once(self):
        one, other, posted = self.programs()
        with ThreadPoolExecutor(2) as pool:
            for rebuilding in [pool.submit(program.projection().rebuild) for program in (one, other)]:
                rebuilding.result()
        self.assertEqual(sorted(posted), sorted(self.noted()))
