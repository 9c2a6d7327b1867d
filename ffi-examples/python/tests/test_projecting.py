"""What samples/projection.py does not show of projections: the ledger's own transactions, two at once, pruning."""
import threading
import unittest

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
