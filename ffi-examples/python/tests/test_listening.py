"""Events as they happen, for threads and for asyncio."""
import asyncio
import gc
import itertools
import os
import threading
import time
import unittest

import cala

from .support import POSTGRES, Books, new_file, new_schema, needs_postgres


class Listening:
    """On each store."""

    def setUp(self):
        self.ledger = self.open_ledger()
        self.addCleanup(self.ledger.close)
        self.books = Books(self.ledger)
        self.account = self.books.account()

    def post(self, times=1):
        return [self.ledger.post("DEPOSIT", self.books.params(self.account, "1.00"))["transaction"]["id"]
                for _ in range(times)]

    def test_what_is_posted_is_heard_in_order(self):
        with self.ledger.listen(types=["transaction_created"], entries=True) as heard:
            posted = self.post(3)
            events = list(itertools.islice(heard, 3))
            self.assertEqual(posted, [event["transaction"]["id"] for event in events])
            self.assertEqual(2, len(events[0]["entries"]))
            self.assertGreaterEqual(heard.reached, events[-1]["place"])
        with self.ledger.listen(from_=events[0]["place"], buffer=1) as later:
            self.assertEqual(posted[1], next(later)["subject_id"])
            self.assertTrue(events[1]["place"] <= later.reached < events[2]["place"])
            self.assertEqual(posted[2], next(later)["subject_id"])

    def test_a_name_goes_on_where_it_was_done(self):
        with self.ledger.listen(name="mailer") as heard:
            posted = self.post(3)
            events = list(itertools.islice(heard, 3))
        with self.ledger.begin() as tx:
            self.assertEqual({"place": events[0]["place"]}, tx.listeners.ack("mailer", events[0]["place"]))
        with self.ledger.listen(name="mailer") as again:
            self.assertEqual(posted[1:], [event["subject_id"] for event in itertools.islice(again, 2)])
        self.assertEqual(["mailer"], [one["name"] for one in self.ledger.listeners.list()])
        self.ledger.listeners.remove("mailer")

    def test_closing_ends_the_iteration(self):
        heard, ended = self.ledger.listen(), []
        thread = threading.Thread(target=lambda: ended.append(list(heard)))
        thread.start()
        time.sleep(0.05)
        heard.close()
        thread.join(10)
        self.assertEqual([[]], ended)
        self.assertEqual([], list(heard))
        of_a_closed_ledger = self.ledger.listen()
        self.ledger.close()
        self.assertEqual([], list(of_a_closed_ledger))

    def test_wrong_options_are_refused(self):
        with self.assertRaises(cala.InvalidError) as caught:
            self.ledger.listen(from_="yesterday")
        self.assertEqual({"pointer": "/from"}, caught.exception.details)

    def test_async(self):
        async def run():
            async with await self.open_async() as ledger:
                async with await ledger.listen(types=["account_created"]) as heard:
                    first = await ledger.accounts.create(code="HEARD", name="Heard")
                    event = await asyncio.wait_for(anext(heard), 30)
                    self.assertEqual(first["id"], event["account"]["id"])
                    with self.assertRaises(asyncio.TimeoutError):
                        await asyncio.wait_for(anext(heard), 0.3)
                    second = await ledger.accounts.create(code="AGAIN", name="Again")
                    self.assertEqual(second["id"], (await asyncio.wait_for(anext(heard), 30))["subject_id"])
                self.assertEqual([], [event async for event in heard])
        asyncio.run(run())


    def test_an_async_listener_that_nobody_closed_leaves_nothing_behind(self):
        async def run():
            async with await self.open_async() as ledger:
                descriptor = await hear_and_drop(ledger)
                gc.collect()
                await asyncio.sleep(0)
                with self.assertRaises(OSError):
                    os.fstat(descriptor)

        async def hear_and_drop(ledger):
            heard = await ledger.listen()
            await ledger.accounts.create(code="DROPPED", name="Dropped")
            await asyncio.wait_for(anext(heard), 30)
            return heard._descriptor
        asyncio.run(run())


class SqliteListening(Listening, unittest.TestCase):
    def open_ledger(self):
        self.file = new_file(self)
        return cala.Ledger(f"sqlite:{self.file}")

    def open_async(self):
        return cala.AsyncLedger.open(f"sqlite:{self.file}")


@needs_postgres
class PostgresListening(Listening, unittest.TestCase):
    def open_ledger(self):
        self.schema = new_schema()
        return cala.Ledger(POSTGRES, migrate=True, schema=self.schema)

    def open_async(self):
        return cala.AsyncLedger.open(POSTGRES, schema=self.schema)
