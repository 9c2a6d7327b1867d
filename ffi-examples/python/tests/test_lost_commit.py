"""What is told when the answer of a commit is lost, and that posting the ids again
that the error names posts nothing twice."""
import asyncio
import pathlib
import subprocess
import time
import unittest
import urllib.parse
import uuid

import cala

from .support import POSTGRES, Books, needs_postgres, new_schema

PROXY = pathlib.Path(__file__).resolve().parents[2] / "cutting_proxy"


class Line:
    """A PostgreSQL behind ../cutting_proxy."""

    def __init__(self, case):
        url = urllib.parse.urlsplit(POSTGRES)
        options = dict(urllib.parse.parse_qsl(url.query))
        self._proxy = subprocess.Popen([PROXY, options["host"], options.get("port", "5432")], text=True,
                                       stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE)
        case.addCleanup(self._end)
        port = self._proxy.stdout.readline().strip()
        self.store = f"host=127.0.0.1 port={port} user={url.username} dbname={url.path[1:]} sslmode=disable"

    def _end(self):
        self._proxy.communicate()

    def say(self, word):
        print(word, file=self._proxy.stdin, flush=True)
        assert self._proxy.stdout.readline() == "ok\n"


@needs_postgres
class LostCommitTest(unittest.TestCase):
    def config(self, line):
        return {"store": line.store, "schema": new_schema(), "migrate": True, "failover_wait_ms": 200}

    def test_an_unknown_outcome_names_every_transaction_of_the_batch(self):
        line = Line(self)
        with cala.Ledger(**self.config(line)) as ledger:
            books = Books(ledger)
            account, mine = books.account(), str(uuid.uuid4())
            postings = [{"tx_template_code": "DEPOSIT", "params": books.params(account)} for _ in range(3)]
            postings[1]["id"] = mine
            line.say("cut")
            with self.assertRaises(cala.OutcomeUnknownError) as caught:
                ledger.transactions.post_many(postings)
            ids = caught.exception.details["transaction_ids"]
            self.assertEqual(("store.outcome_unknown", False, 3, mine),
                             (caught.exception.code, caught.exception.retryable, len(set(ids)), ids[1]))
            line.say("accept")
            again = ledger.transactions.post_many([{**posting, "id": id} for posting, id in zip(postings, ids)])
            self.assertEqual([True] * 3, [result["replayed"] for result in again])
            self.assertEqual("30.00", books.net(account))

    def test_postings_that_were_committed_together_are_each_told_of_their_own(self):
        line, config = Line(self), None
        config = self.config(line)

        async def post_all():
            async with await cala.AsyncLedger.open(**config) as ledger:
                def post(id=None):
                    return ledger.transactions.post("DEPOSIT", params, id)

                line.say("cut")
                outcomes = await asyncio.gather(*(post() for _ in range(20)), return_exceptions=True)
                line.say("accept")
                lost = [error for error in outcomes if isinstance(error, cala.OutcomeUnknownError)]
                ids = [error.details["transaction_ids"] for error in lost]
                self.assertEqual([1] * len(lost), [len(each) for each in ids])
                self.assertEqual(len(lost), len({id for each in ids for id in each}))
                for outcome in outcomes:
                    if isinstance(outcome, cala.OutcomeUnknownError):
                        await post(outcome.details["transaction_ids"][0])
                    elif isinstance(outcome, Exception):  # nothing was written
                        self.assertIsInstance(outcome, cala.UnavailableError)
                        await post()
                return len(lost)

        with cala.Ledger(store=POSTGRES, schema=config["schema"], migrate=True) as direct:
            books = Books(direct)
            account = books.account()
            params = books.params(account)
            self.assertGreater(asyncio.run(post_all()), 0)
            self.assertEqual("200.00", books.net(account))

    def test_a_wrong_address_fails_at_once_whatever_the_wait_for_a_failover_is(self):
        begun = time.monotonic()
        with self.assertRaises(cala.UnavailableError) as caught:
            cala.Ledger(store="postgres://nobody@127.0.0.1:1/nothing", failover_wait_ms=60_000)
        self.assertEqual("store.unreachable", caught.exception.code)
        self.assertLess(time.monotonic() - begun, 10)
