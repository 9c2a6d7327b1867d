"""The ledger for asyncio."""
import asyncio
import os
import threading
import time
import unittest

import cala

from .support import DEPOSIT, POSTGRES, needs_postgres, new_file, new_schema, suffix


class OnAStore:
    """What holds on every store."""

    async def asyncSetUp(self):
        self.ledger = await cala.AsyncLedger.open(**self.config())
        self.addAsyncCleanup(self.ledger.close)
        self.journal, self.cash, _ = await asyncio.gather(
            self.ledger.journals.create(name="main"), self.ledger.accounts.create(code=f"C{suffix()}", name="cash"),
            self.ledger.tx_templates.create(**DEPOSIT))
        self.account = (await self.ledger.accounts.create(code=f"A{suffix()}", name="a"))["id"]

    def post(self, place=None, amount="1.00"):
        return (place or self.ledger).transactions.post("DEPOSIT", {
            "journal": self.journal["id"], "cash": self.cash["id"], "account": self.account, "amount": amount})

    async def net(self, place=None):
        found = await (place or self.ledger).balances.find_many(
            [{"journal_id": self.journal["id"], "account_id": self.account, "currency": "USD"}])
        return found[0]["settled"]["net"] if found else None

    async def test_many_at_once_are_each_answered(self):
        results = await asyncio.gather(*(self.post() for _ in range(100)))
        self.assertEqual(100, len({result["transaction"]["id"] for result in results}))
        self.assertEqual("100.00", await self.net())

    async def test_an_answer_larger_than_the_buffer_arrives(self):
        made = await self.ledger.accounts.create_many([{"code": f"B{suffix()}", "name": "x" * 200}
                                                       for _ in range(1000)])
        self.assertEqual(1000, len(made))

    async def test_an_error_is_raised_where_it_is_awaited(self):
        found, error = await asyncio.gather(self.ledger.accounts.find(id=self.account),
                                            self.ledger.accounts.find(code="nobody"),
                                            return_exceptions=True)
        self.assertEqual(self.account, found["id"])
        self.assertIsInstance(error, cala.NotFoundError)
        self.assertEqual("account.not_found", error.code)

    async def test_a_list_is_an_asynchronous_iterator(self):
        prefix = f"P{suffix()}"
        await self.ledger.accounts.create_many([{"code": f"{prefix}{n}", "name": "p"} for n in range(5)])
        listed = self.ledger.accounts.list(code_prefix=prefix, first=2)
        self.assertEqual([f"{prefix}{n}" for n in range(5)], [account["code"] async for account in listed])
        self.assertEqual(2, len((await listed.page())["items"]))
        with self.assertRaises(TypeError):
            iter(listed)

    async def test_a_transaction_commits_at_the_end_and_rolls_back_on_an_exception(self):
        async with await self.ledger.begin() as tx:
            await asyncio.gather(*(self.post(tx) for _ in range(4)))
            self.assertEqual((await self.net(tx), await self.net()), ("4.00", None))
        with self.assertRaises(ZeroDivisionError):
            async with await self.ledger.begin() as tx:
                await self.post(tx)
                raise ZeroDivisionError
        self.assertEqual("4.00", await self.net())
        with self.assertRaises(cala.MisuseError):
            await tx.rollback()

    async def test_a_transaction_is_prepared_and_finished_by_whoever_decides(self):
        if (await self.ledger.info())["store"] == "sqlite":
            async with await self.ledger.begin() as tx:
                await self.post(tx)
                with self.assertRaises(cala.UnsupportedError):
                    await tx.prepare("order")
            self.assertEqual("1.00", await self.net())
            return
        async with await self.ledger.begin() as tx:
            await self.post(tx)
            await tx.prepare("order")
        self.assertEqual((None, ["order"]), (await self.net(),
                                             [one["gid"] async for one in self.ledger.prepared.list()]))
        await self.ledger.prepared.finish("order", "commit")
        self.assertEqual("1.00", await self.net())
        with self.assertRaises(cala.NotFoundError):
            await self.ledger.prepared.finish("order", "commit")

    async def test_many_transactions_wait_for_their_turn(self):
        async def transaction():
            async with await self.ledger.begin() as tx:
                await self.post(tx)

        await asyncio.gather(*(transaction() for _ in range(30)))
        self.assertEqual("30.00", await self.net())

    async def test_a_cancelled_begin_gives_its_connection_back(self):
        async with await self.ledger.begin() as tx:
            beginning = [asyncio.ensure_future(self.ledger.begin()) for _ in range(20)]
            await asyncio.sleep(0)
            for begin in beginning:
                begin.cancel()
            for begin in beginning:
                with self.assertRaises(asyncio.CancelledError):
                    await begin
            await self.post(tx)
        async with await self.ledger.begin() as tx:
            await self.post(tx)
        self.assertEqual("2.00", await self.net())

    async def test_a_cancelled_task_leaves_a_transaction_of_its_own_usable(self):
        async with await self.ledger.begin() as tx:
            posting = asyncio.ensure_future(self.post(tx))
            await asyncio.sleep(0)
            posting.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await posting
            before = await self.net(tx) or "0.00"  # it may have been on its way
            await self.post(tx)
        self.assertEqual({"0.00": "1.00", "1.00": "2.00"}[before], await self.net())

    async def test_a_task_waits_for_its_answer_however_often_it_is_cancelled(self):
        completions = self.ledger._completions
        completions.loop.remove_reader(completions._descriptor)  # no answer arrives meanwhile
        posting = asyncio.ensure_future(self.post())
        for _ in range(3):
            await asyncio.sleep(0)
            posting.cancel()
        await asyncio.sleep(0)
        self.assertFalse(posting.done())
        completions.loop.add_reader(completions._descriptor, completions._read)
        with self.assertRaises(asyncio.CancelledError):
            await posting
        await self.post()

    async def test_closing_answers_everything_that_is_in_flight(self):
        posting = [asyncio.ensure_future(self.post()) for _ in range(50)]
        await asyncio.sleep(0)
        await self.ledger.close()
        results = await asyncio.gather(*posting, return_exceptions=True)
        refused = [result for result in results if isinstance(result, Exception)]
        self.assertEqual([], [error for error in refused
                              if not isinstance(error, (cala.CancelledError, cala.ClosedError))])
        await self.ledger.close()
        for use in (self.ledger.info, self.ledger.begin):
            with self.assertRaises(cala.ClosedError):
                await use()

    async def test_another_event_loop_is_refused(self):
        def elsewhere():
            asyncio.run(self.ledger.info())

        with self.assertRaises(cala.MisuseError) as caught:
            await asyncio.to_thread(elsewhere)
        self.assertEqual("ledger.loop", caught.exception.code)


class SqliteTest(OnAStore, unittest.IsolatedAsyncioTestCase):
    def config(self):
        return {"store": f"sqlite:{new_file(self)}"}


class CancelledOpening(unittest.TestCase):
    """Nobody takes the ledger that a thread has opened meanwhile."""

    def assert_left_closed(self, path):
        def is_open():
            descriptors = os.listdir("/proc/self/fd")
            return path in (os.path.realpath(f"/proc/self/fd/{descriptor}") for descriptor in descriptors)

        def opening():
            return any(thread.name == "cala" for thread in threading.enumerate())

        for _ in range(1000):
            if os.path.exists(path) and not opening() and not is_open():
                return
            time.sleep(0.005)
        self.fail("it was left open" if os.path.exists(path) else "it was never opened")

    def test_a_cancelled_opening_leaves_nothing_open(self):
        path = os.path.realpath(new_file(self))

        async def cancelled():
            opening = asyncio.ensure_future(cala.AsyncLedger.open(f"sqlite:{path}"))
            await asyncio.sleep(0)
            opening.cancel()
            with self.assertRaises(asyncio.CancelledError):
                await opening
            await asyncio.to_thread(self.assert_left_closed, path)

        asyncio.run(cancelled())

    def test_nor_does_one_that_outlives_its_loop(self):
        path = os.path.realpath(new_file(self))

        async def left():
            opening.append(asyncio.ensure_future(cala.AsyncLedger.open(f"sqlite:{path}")))
            await asyncio.sleep(0)

        opening = []
        asyncio.run(left())
        self.assertTrue(opening[0].cancelled())
        self.assert_left_closed(path)


@needs_postgres
class PostgresTest(OnAStore, unittest.IsolatedAsyncioTestCase):
    def config(self):
        return {"store": POSTGRES, "schema": new_schema(), "migrate": True}
