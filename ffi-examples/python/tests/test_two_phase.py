"""The pattern of docs/two-phase.md: what the program's database decided is what becomes of what is prepared,
and nobody guesses."""
import asyncio
import threading
import time
import unittest

import cala
import psycopg

from .support import POSTGRES, Books, needs_postgres, new_schema, suffix


def gids(prepared):
    return [one["gid"] for one in prepared]


@needs_postgres
class TwoPhaseTest(unittest.TestCase):
    def setUp(self):
        self.schema = new_schema()
        self.ledger = cala.Ledger.open(store=POSTGRES, schema=self.schema, migrate=True)
        self.addCleanup(self.ledger.close)
        self.books = Books(self.ledger)
        self.account = self.books.account()
        self.decisions = f"decisions_{suffix()}"
        self.own = self.connect()
        self.own.execute(f"CREATE TABLE {self.decisions} (gid text PRIMARY KEY, outcome text NOT NULL)")

    def tearDown(self):
        self.own.execute(f"DROP TABLE {self.decisions}")
        for one in list(self.ledger.prepared.list()):
            self.ledger.prepared.finish(one["gid"], "rollback")

    def connect(self):
        connection = psycopg.connect(POSTGRES, autocommit=True)
        self.addCleanup(connection.close)
        return connection

    def prepare(self, gid):
        with self.ledger.begin() as tx:
            tx.transactions.post("DEPOSIT", self.books.params(self.account))
            tx.prepare(gid)

    def prepare_account(self, gid):
        """One that is in nobody's way."""
        with self.ledger.begin() as tx:
            tx.accounts.create(code=f"A{suffix()}", name="an account")
            tx.prepare(gid)

    def decide(self, connection, gid):
        connection.execute(f"INSERT INTO {self.decisions} VALUES (%s, 'commit')", [gid])

    def recover(self):
        connection = self.connect()

        def decided(prepared):
            gid = prepared["gid"]
            connection.execute(f"INSERT INTO {self.decisions} VALUES (%s, 'rollback') ON CONFLICT DO NOTHING", [gid])
            return connection.execute(f"SELECT outcome FROM {self.decisions} WHERE gid = %s", [gid]).fetchone()[0]

        return self.ledger.recover(decided)

    def expect(self, net):
        self.assertEqual((net, []), (self.books.net(self.account), list(self.ledger.prepared.list())))

    def test_what_was_decided_is_committed(self):
        self.prepare("order")
        self.decide(self.own, "order")
        done = self.recover()
        self.assertEqual(["order"], gids(done["committed"]))
        self.expect("10.00")
        self.assertEqual([], self.recover()["committed"])
        self.expect("10.00")

    def test_what_was_not_decided_is_rolled_back_and_whoever_decides_later_is_refused(self):
        self.prepare("order")
        done = self.recover()
        self.assertEqual(["order"], gids(done["rolled_back"]))
        self.expect(None)
        with self.assertRaises(psycopg.errors.UniqueViolation):
            self.decide(self.own, "order")

    def test_a_program_that_is_deciding_is_waited_for(self):
        for commits, net in (False, None), (True, "10.00"):
            gid = f"order {commits}"
            self.prepare(gid)
            program = self.connect()
            program.execute("BEGIN")
            self.decide(program, gid)
            recovery = threading.Thread(target=self.recover)
            recovery.start()
            waiting = ("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND "
                       f"query LIKE '%INTO {self.decisions} %'")
            while self.own.execute(waiting).fetchone()[0] == 0:
                time.sleep(0.01)
            program.execute("COMMIT" if commits else "ROLLBACK")
            recovery.join()
            self.expect(net)

    def test_what_is_not_decided_or_too_young_is_left_as_it_is(self):
        for gid in ("a", "b", "c"):
            self.prepare_account(gid)
        asked = []

        def decided(prepared):
            asked.append(prepared["gid"])
            return {"a": "commit", "c": "ROLLBACK"}.get(prepared["gid"])

        self.assertEqual([[]] * 5, list(self.ledger.recover(decided, min_age_ms=3_600_000).values()))
        self.assertEqual([], asked)
        done = self.ledger.recover(decided)
        self.assertEqual({"committed": ["a"], "rolled_back": ["c"], "ended": [], "left": ["b"], "failed": []},
                         {what: gids(those) for what, those in done.items()})
        self.assertEqual(["b"], gids(self.ledger.prepared.list()))
        self.assertEqual({"gid", "owner", "prepared_at", "age_ms"}, set(done["left"][0]))

    def test_whatever_is_no_decision_ends_nothing(self):
        self.prepare_account("order")
        for answer in ("", "maybe", False, True, 0, ["commit"]):
            with self.subTest(answer), self.assertRaises(cala.InvalidError):
                self.ledger.recover(lambda prepared: answer)
        for age in (-1, 1.5, "1", None, True):
            with self.subTest(age), self.assertRaisesRegex(cala.InvalidError, "min_age_ms"):
                self.ledger.recover(lambda prepared: "commit", min_age_ms=age)
        self.assertEqual(["order"], gids(self.ledger.prepared.list()))

    def test_what_ended_or_is_anothers_is_told_and_the_rest_is_finished(self):
        for gid in ("a", "b", "c"):
            self.prepare_account(gid)
        clerk = f"clerk_{suffix()}"
        self.own.execute(f"CREATE ROLE {clerk} LOGIN; GRANT USAGE ON SCHEMA {self.schema} TO {clerk}; "
                         f"GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {self.schema} TO {clerk}")
        self.addCleanup(lambda: self.own.execute(f"DROP OWNED BY {clerk}; DROP ROLE {clerk}"))
        theirs = cala.Ledger.open(store=POSTGRES.replace("//cala@", f"//{clerk}@"), schema=self.schema)
        self.addCleanup(theirs.close)
        done = theirs.recover(lambda prepared: "commit" if prepared["gid"] == "b" else None)
        failed = [(one["prepared"]["gid"], one["error"].code) for one in done["failed"]]
        self.assertEqual([("b", "store.permission")], failed)
        self.assertEqual(["a", "c"], gids(done["left"]))

        def decided(prepared):
            if prepared["gid"] == "b":  # by another recovery, meanwhile
                self.ledger.prepared.finish("b", "rollback")
            return "commit"

        done = self.ledger.recover(decided)
        self.assertEqual((["a", "c"], ["b"]), (gids(done["committed"]), gids(done["ended"])))

    def test_what_decided_raises_ends_it_and_the_next_recovery_goes_on(self):
        for gid in ("a", "b"):
            self.prepare_account(gid)

        def decided(prepared):
            if prepared["gid"] == "b":
                raise ConnectionError("the program's database is away")
            return "commit"

        with self.assertRaises(ConnectionError):
            self.ledger.recover(decided)
        self.assertEqual(["b"], gids(self.ledger.recover(lambda prepared: "rollback")["rolled_back"]))

    def test_asynchronously(self):
        for gid in ("a", "b", "c"):
            self.prepare_account(gid)

        async def decided(prepared):
            await asyncio.sleep(0)
            return {"a": "commit", "b": "rollback"}.get(prepared["gid"])

        async def run():
            async with await cala.AsyncLedger.open(store=POSTGRES, schema=self.schema) as ledger:
                with self.assertRaises(cala.InvalidError):
                    await ledger.recover(decided, min_age_ms=-1)
                plain = await ledger.recover(lambda prepared: None)
                return plain, await ledger.recover(decided)

        plain, done = asyncio.run(run())
        self.assertEqual(["a", "b", "c"], gids(plain["left"]))
        self.assertEqual((["a"], ["b"], ["c"]),
                         tuple(gids(done[what]) for what in ("committed", "rolled_back", "left")))


class NothingPreparedTest(unittest.TestCase):
    def test_where_nothing_can_be_prepared_there_is_nothing_to_do(self):
        with cala.Ledger.open("sqlite::memory:") as ledger:
            self.assertEqual([[]] * 5, list(ledger.recover(lambda prepared: "commit").values()))
