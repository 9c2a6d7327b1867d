"""What samples/reconcile.py does not show of reconciling: refusals, mistakes, the clock, asyncio, many entries."""
import datetime
import unittest
from decimal import Decimal

import cala

from .support import DEPOSIT, POSTGRES, Books, needs_postgres, new_schema, suffix

CLOCK = {"manual": "2026-01-01T00:00:00Z"}


class Reconciling:
    """On each store."""

    def setUp(self):
        self.ledger = self.open_ledger()
        self.addCleanup(self.ledger.close)
        self.books = Books(self.ledger)
        self.account, self.closed = self.books.account(), self.books.account()
        self.ledger.accounts.lock(self.closed)
        transaction = {**DEPOSIT["transaction"], "external_id": "params.external_id"}
        params = [*DEPOSIT["params"], {"name": "external_id", "type": "string"}]
        self.ledger.tx_templates.create(**{**DEPOSIT, "code": "NAMED", "params": params, "transaction": transaction})

    def posting(self, external_id, amount="10.00", account=None):
        params = {**self.books.params(account or self.account, amount), "external_id": external_id}
        return {"tx_template_code": "NAMED", "params": params}

    def post(self, external_id, amount="10.00"):
        return self.ledger.transactions.post(**self.posting(external_id, amount))["transaction"]

    def pages(self, rows, **options):
        return list(self.ledger.reconcile(lambda after: rows, **options))

    def test_every_field_that_is_given_is_compared(self):
        posted = self.post("one")
        same = {"external_id": "one", "tx_template_code": "NAMED", "journal_id": self.books.journal,
                "effective": posted["effective"],
                "correlation_id": posted["correlation_id"], "amounts": {"USD": "10.0000"}, "row": object()}
        self.assertEqual([], self.pages([same])[0]["differing"])
        for change in ({"tx_template_code": "OTHER"}, {"journal_id": posted["id"]}, {"effective": "2020-01-01"},
                       {"correlation_id": "c"},
                       {"description": "d"}, {"amounts": {"USD": "10.01"}}, {"amounts": {}}, {"amounts": {"USD": "10",
                           "EUR": "1"}}):
            page, = self.pages([{**same, **change}])
            self.assertEqual([list(change)], [one["fields"] for one in page["differing"]], change)

    def test_mistakes_in_what_is_expected_are_refused(self):
        for row in ({}, {"external_id": None}, {"external_id": "one", "amount": "10.00"}):
            with self.assertRaises(cala.InvalidError):
                self.pages([row])
        self.post("one")
        same = {"external_id": "one"}
        for row, says in ((None, "is None"), ("one", "of type str"), ({**same, "amounts": None}, "amounts .* is None"),
                          ({**same, "amounts": 10}, "amounts .* is of type int"), ({**same, "amounts": {"USD": 10.0}},
                              "'USD': 10.0"),
                          ({**same, "amounts": {"USD": None}}, "'USD': None"), ({**same, "amounts": {"USD": "ten"}},
                              "'USD': 'ten'"),
                          ({**same, "amounts": {"USD": Decimal("NaN")}}, "NaN"), ({**same, "amounts": {1: "10.00"}},
                              "1: '10.00'"),
                          ({**same, "effective": datetime.datetime.now()}, "effective .* is of type datetime"),
                          ({**same, "description": 5}, "description .* is of type int")):
            with self.subTest(row), self.assertRaisesRegex(cala.InvalidError, says):
                self.pages([row])

    def test_mistakes_in_the_options_are_refused(self):
        self.post("one")
        for options, says in (({"page_size": 0}, "page_size is 0"), ({"page_size": 1001}, "page_size is 1001"),
                              ({"page_size": "5"}, "page_size is '5'"), ({"page_size": 1.5}, "page_size is 1.5"),
                              ({"page_size": None}, "page_size is None"), ({"page_size": True}, "page_size is True"),
                              ({"journal": self.books.journal}, "no option journal"),
                              ({"place": "one"}, "place is of type str"), ({"place": []}, "place is of type list"),
                              ({"place": {"rows": "one"}}, "no key rows"), ({"place": {"row": 1}},
                                  "row of place is of type int"),
                              ({"place": {"transaction": b""}}, "transaction of place is of type bytes"),
                              ({"recorded_by": datetime.datetime(2026, 1, 1)}, "recorded_by is datetime"),
                              ({"recorded_by": datetime.date(2026, 1, 1)}, "recorded_by is datetime.date"),
                              ({"recorded_by": "2026-01-01T00:00:00"},
                               "recorded_by is '2026"), ({"recorded_by": "soon"}, "recorded_by is 'soon'"),
                              ({"recorded_by": 0}, "recorded_by is 0")):
            with self.subTest(options), self.assertRaisesRegex(cala.InvalidError, says):
                self.ledger.reconcile(lambda after: [], **options)
        for known, says in ((None, "is None"), ("one", "of type str"), ([("one",)], "of type tuple"),
                            ([["one"]], "of type list")):
            with self.subTest(known), self.assertRaisesRegex(cala.InvalidError, f"known gave .*{says}"):
                self.pages([], known=lambda external_ids, known=known: known)
        for rows in (None, 5):
            with self.subTest(rows), self.assertRaisesRegex(cala.InvalidError, "rows gave"):
                self.pages(rows)

    def test_what_the_ledger_refuses_is_told_and_the_rest_is_posted(self):
        postings = {"a": self.posting("a", account=self.closed), "b": self.posting("b"), "c": None}
        page, = self.pages([{"external_id": key} for key in postings],
                           replay=lambda expected: postings[expected["external_id"]])
        self.assertEqual([("a", "account.locked")], [(one["expected"]["external_id"], one["error"].code)
                                                     for one in page["refused"]])
        self.assertEqual(["b"], [one["transaction"]["external_id"] for one in page["replayed"]])
        self.assertEqual(["a", "b", "c"], [one["external_id"] for one in page["missing"]])
        again, = self.pages([{"external_id": "b"}], replay=lambda expected: self.fail("it is there"))
        self.assertEqual([], again["missing"])

    def test_a_posting_with_another_external_id_is_not_made(self):
        for posting in (self.posting("other"), {"tx_template_code": "DEPOSIT",
                                                "params": self.books.params(self.account)}):
            with self.assertRaises(ValueError):
                self.pages([{"external_id": "one"}], replay=lambda expected: posting)
        page, = self.pages([{"external_id": "one"}], replay=lambda expected: self.posting("one", 10.0))
        self.assertEqual(["param.type"], [one["error"].code for one in page["refused"]])
        self.assertEqual(0, self.ledger.info()["transactions"])

    def test_what_is_younger_waits_for_the_next_time(self):
        self.post("one")
        self.ledger.post("DEPOSIT", self.books.params(self.account))  # has no external id
        self.ledger.clock_advance(1000)
        self.post("two")
        walk = {"known": lambda external_ids: [], "page_size": 2}
        page, = self.pages([], recorded_by=CLOCK["manual"], **walk)
        self.assertEqual((2, ["one"]), (page["checked"], [one["external_id"] for one in page["extra"]]))
        self.assertEqual([], self.pages([], recorded_by=CLOCK["manual"], place=page["place"], **walk))
        page, = self.pages([], place=page["place"], **walk)
        self.assertEqual(["two"], [one["external_id"] for one in page["extra"]])

    def test_two_come_at_once_and_one_posts(self):
        rows = [{"external_id": "one"}]

        def replay(expected):
            if rows.pop():
                self.post("one")
            return self.posting("one")
        page, = self.pages([{"external_id": "one"}], replay=replay)
        self.assertEqual([True], [one["replayed"] for one in page["replayed"]])
        self.assertEqual("10.00", self.books.net(self.account))


class InMemory(Reconciling, unittest.TestCase):
    def open_ledger(self):
        return cala.Ledger("sqlite::memory:", clock=CLOCK)


@needs_postgres
class OnPostgres(Reconciling, unittest.TestCase):
    def open_ledger(self):
        return cala.Ledger(POSTGRES, schema=new_schema(), migrate=True, clock=CLOCK)


class Asynchronous(unittest.IsolatedAsyncioTestCase):
    async def test_rows_known_and_replay_may_be_asynchronous(self):
        async with await cala.AsyncLedger.open("sqlite::memory:") as ledger:
            journal = (await ledger.journals.create(name="Main"))["id"]
            cash, account = [(await ledger.accounts.create(code=f"A{suffix()}", name="A"))["id"] for _ in range(2)]
            params = [*DEPOSIT["params"], {"name": "external_id", "type": "string"}]
            transaction = {**DEPOSIT["transaction"], "external_id": "params.external_id"}
            await ledger.tx_templates.create(**{**DEPOSIT, "params": params, "transaction": transaction})

            def posting(external_id):
                return {"tx_template_code": "DEPOSIT", "params": {"journal": journal, "cash": cash, "account": account,
                                                                   "amount": "1.00", "external_id": external_id}}

            async def rows(after):
                for number in range(after is None, 5):
                    yield {"external_id": f"p{number}", "amounts": {"USD": "1"}}

            async def known(external_ids):
                return [one for one in external_ids if one != "x"]

            async def replay(expected):
                return posting(expected["external_id"])

            await ledger.transactions.post(**posting("x"))
            pages = [page async for page in ledger.reconcile(rows, known=known, replay=replay, page_size=3)]
            self.assertEqual([3, 1, 3, 2], [page["checked"] for page in pages])
            self.assertEqual(["p1", "p2", "p3", "p4"], [one["transaction"]["external_id"] for page in pages
                                                        for one in page["replayed"]])
            self.assertEqual(["x"], [one["external_id"] for page in pages for one in page["extra"]])
            for rows_, options in ((lambda after: None, {}), (lambda after: [], {"known": lambda external_ids: None})):
                with self.assertRaises(cala.InvalidError):
                    [page async for page in ledger.reconcile(rows_, **options)]
            for plain in (lambda after: [{"external_id": "p1"}, {"external_id": "p9"}],):
                page, = [page async for page in ledger.reconcile(plain, replay=lambda expected: None)]
                self.assertEqual(["p9"], [one["external_id"] for one in page["missing"]])
