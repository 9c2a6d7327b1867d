"""The pattern of docs/two-phase.md: what the program's database decided is what becomes of what is prepared, and nobody
guesses."""
import threading
import time
import unittest

import cala
import psycopg

from .support import POSTGRES, Books, needs_postgres, new_schema, suffix


@needs_postgres
class TwoPhaseTest(unittest.TestCase):
    def setUp(self):
        self.ledger = cala.Ledger.open(store=POSTGRES, schema=new_schema(), migrate=True)
        self.addCleanup(self.ledger.close)
        self.books = Books(self.ledger)
        self.account = self.books.account()
        self.decisions = f"decisions_{suffix()}"
        self.own = self.connect()
        self.own.execute(f"CREATE TABLE {self.decisions} (gid text PRIMARY KEY, outcome text NOT NULL)")

    def tearDown(self):
        self.own.execute(f"DROP TABLE {self.decisions}")

    def connect(self):
        connection = psycopg.connect(POSTGRES, autocommit=True)
        self.addCleanup(connection.close)
        return connection

    def prepare(self, gid):
        with self.ledger.begin() as tx:
            tx.transactions.post("DEPOSIT", self.books.params(self.account))
            tx.prepare(gid)

    def decide(self, connection, gid):
        connection.execute(f"INSERT INTO {self.decisions} VALUES (%s, 'commit')", [gid])

    def recover(self):
        connection = self.connect()
        for one in list(self.ledger.prepared.list()):
            connection.execute(f"INSERT INTO {self.decisions} VALUES (%s, 'rollback') ON CONFLICT DO NOTHING",
                               [one["gid"]])
            outcome, = connection.execute(f"SELECT outcome FROM {self.decisions} WHERE gid = %s",
                                          [one["gid"]]).fetchone()
            self.ledger.prepared.finish(one["gid"], outcome)

    def expect(self, net):
        self.assertEqual((net, []), (self.books.net(self.account), list(self.ledger.prepared.list())))

    def test_what_was_decided_is_committed(self):
        self.prepare("order")
        self.decide(self.own, "order")
        self.recover()
        self.expect("10.00")
        self.recover()
        self.expect("10.00")

    def test_what_was_not_decided_is_rolled_back_and_whoever_decides_later_is_refused(self):
        self.prepare("order")
        self.recover()
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
