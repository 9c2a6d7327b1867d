"""The library's log, in the logger "cala"."""
import collections
import logging
import threading
import unittest

import cala

TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
EVERYTHING = {"level": "debug", "slow_ms": 0}


class Heard(logging.Handler):
    """Keeps what the library told."""

    def __init__(self):
        super().__init__(logging.DEBUG)
        self.records = []

    def emit(self, record):
        if hasattr(record, "cala"):
            self.records.append((record.levelno, record.cala, record.getMessage()))


class Counted(collections.Counter):
    """The library, with how often each function was called."""

    def __init__(self, library):
        super().__init__()
        self._library = library

    def __getattr__(self, name):
        self[name] += 1
        return getattr(self._library, name)


class LogCase(unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        self.heard = Heard()
        logger = logging.getLogger("cala")
        level, propagate = logger.level, logger.propagate
        logger.setLevel(logging.DEBUG)
        logger.propagate = False
        logger.addHandler(self.heard)
        self.addCleanup(logger.removeHandler, self.heard)
        self.addCleanup(logger.setLevel, level)
        self.addCleanup(setattr, logger, "propagate", propagate)

    def check(self):
        self.assertEqual([record["event"] for _, record, _ in self.heard.records],
                         ["operation.refused", "operation.slow"])
        (debug, refused, _), (warning, slow, message) = self.heard.records
        self.assertEqual((debug, warning), (logging.DEBUG, logging.WARNING))
        self.assertEqual((refused["code"], refused["traceparent"]), ("account.not_found", TRACE))
        self.assertEqual((slow["operation"], slow["traceparent"]), ("account_find", TRACE))
        self.assertIn("operation=account_find", message)

    def test_a_ledger_for_threads_has_a_thread_that_tells(self):
        with cala.Ledger.open("sqlite::memory:", log=EVERYTHING) as ledger:
            with cala.traced(TRACE), self.assertRaises(cala.NotFoundError):
                ledger.accounts.find(code="NOBODY")
        self.check()  # closing has waited for all of it
        self.assertNotIn("cala-log", [thread.name for thread in threading.enumerate()])

    async def test_a_ledger_for_asyncio_tells_in_its_loop(self):
        async with await cala.AsyncLedger.open("sqlite::memory:", log=EVERYTHING) as ledger:
            with cala.traced(TRACE):
                with self.assertRaises(cala.NotFoundError):
                    await ledger.accounts.find(code="NOBODY")
        self.check()

    def test_nothing_is_told_that_was_not_asked_for(self):
        with cala.Ledger.open("sqlite::memory:") as ledger, self.assertRaises(cala.NotFoundError):
            ledger.accounts.find(code="NOBODY")
        with cala.Ledger.open("sqlite::memory:", log={}) as ledger, self.assertRaises(cala.NotFoundError):
            ledger.accounts.find(code="NOBODY")  # a refusal is no warning
        self.assertEqual([], self.heard.records)

    async def test_options_and_traces_are_strict(self):
        for options in ({"level": "loud"}, {"slow_ms": -1}, {"slow_ms": None}, {"other": 1}):
            with self.assertRaises(cala.InvalidError):
                cala.Ledger.open("sqlite::memory:", log=options)
            with self.assertRaises(cala.InvalidError):
                await cala.AsyncLedger.open("sqlite::memory:", log=options)
        with cala.Ledger.open("sqlite::memory:") as ledger:
            ledger._handle.libcala = counted = Counted(ledger._handle.libcala)
            for trace in ("none", "", b"none", TRACE.encode(), 5, "\ud800", "\0"):
                with cala.traced(trace), self.assertRaises(cala.InvalidError) as refused:
                    ledger.info()
                self.assertEqual("request.malformed", refused.exception.code)
                self.assertEqual(counted["cala_ledger_info"], counted["cala_op_free"], trace)  # nothing is left behind
            self.assertGreater(counted["cala_op_free"], 0)
            with cala.traced(TRACE), cala.traced(None):
                self.assertEqual(0, ledger.info()["accounts"])
