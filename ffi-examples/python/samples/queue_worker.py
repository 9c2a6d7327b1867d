"""The program first, a queue worker: the program queues postings in a table of its own, in the transaction that they
belong to. Workers take them from there; each posts and marks its row in one transaction, so whatever is killed when, it
happened once.

The program is its own worker: `python -m samples.queue_worker STORE worker TABLE`."""
import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import uuid
from typing import Any

import cala

from . import code, entry, params, suffix

is_worker = sys.argv[2:3] == ["worker"]
folder = "" if is_worker else tempfile.mkdtemp()
store = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:{os.path.join(folder, 'ledger.db')}"
is_sqlite = store.startswith("sqlite:")
# SQLite has one writer: whoever begins immediately is alone. On PostgreSQL workers pass over each other's rows.
begin, skip = ("BEGIN IMMEDIATE", "") if is_sqlite else ("BEGIN", " FOR UPDATE SKIP LOCKED")
place = "?" if is_sqlite else "%s"


def connect(file: str) -> Any:
    """The program's own connection, which begins and commits where it is told to."""
    if is_sqlite:
        return sqlite3.connect(file, isolation_level=None, timeout=30)
    import psycopg
    return psycopg.connect(store, autocommit=True)


def work_one(ledger: cala.Ledger, connection: Any, table: str, one_database: bool = True,
             before_commit: Any = None) -> Any:
    """Posts what is first in the queue, and marks it. Gives what became of it, None when there is nothing to do."""
    connection.execute(begin)
    try:
        row = connection.execute(f"SELECT id, transaction_id, template, params FROM {table} WHERE status = 'queued'"
                                 f" ORDER BY id LIMIT 1{skip}").fetchone()
        if row is None:
            connection.execute("ROLLBACK")
            return None
        where = ledger.within(connection) if one_database else ledger
        outcome, error, posted = "posted", None, None
        try:
            posted = where.post(row[2], json.loads(row[3]), row[1])
        except json.JSONDecodeError:
            outcome, error = "failed", "params are no JSON"
        except (cala.InvalidError, cala.NotFoundError, cala.ConflictError, cala.RejectedError) as refused:
            if refused.retryable or refused.tx_state != "usable":  # the row stays queued, as after any other error
                raise
            outcome, error = "failed", refused.code
        connection.execute(f"UPDATE {table} SET status = {place}, error = {place} WHERE id = {place}",
                           (outcome, error, row[0]))
        if before_commit:
            before_commit()
        connection.execute("COMMIT")
        return posted or error
    except BaseException:
        connection.execute("ROLLBACK")
        raise


def queued(connection: Any, table: str, status: str = "queued") -> int:
    """How many rows have that status."""
    count: int = connection.execute(f"SELECT count(*) FROM {table} WHERE status = '{status}'").fetchone()[0]
    return count


def work(table: str, doomed: bool) -> None:
    """The worker: until the queue is empty."""
    def stop() -> None:
        print("posted", flush=True)
        time.sleep(60)

    connection = connect(store.removeprefix("sqlite:"))
    with cala.Ledger.open(store=store) as ledger:
        while queued(connection, table):
            if cala.retrying(lambda: work_one(ledger, connection, table, before_commit=stop if doomed
                                              else None)) is None:
                time.sleep(0.02)  # the others' rows may yet come back
    connection.close()


def main() -> None:
    """The program."""
    table = f"due{suffix.replace('-', '_')}"
    connection = connect(store.removeprefix("sqlite:"))
    with cala.Ledger.open(store=store, migrate=True) as ledger:
        journal = ledger.journals.create(code=code("MAIN"), name="Main")["id"]
        alice, closed, cash = (ledger.accounts.create(code=code(name), name=name.title())["id"]
                               for name in ("ALICE", "CLOSED", "CASH"))
        ledger.accounts.lock(closed)
        ledger.tx_templates.create(
            code=code("PAYMENT"), params=params(account="uuid", amount="decimal"),
            transaction={"journal_id": f"uuid('{journal}')", "effective": "date()"},
            entries=[entry(f"uuid('{cash}')", "SETTLED", "DEBIT", "params.amount"),
                     entry("params.account", "SETTLED", "CREDIT", "params.amount")])

        def make_queue(connection: Any) -> None:
            connection.execute(f"CREATE TABLE {table} (id integer PRIMARY KEY, transaction_id text NOT NULL UNIQUE,"
                               " template text NOT NULL, params text NOT NULL, status text NOT NULL DEFAULT "
                               "'queued', error text)")

        def queue(connection: Any, id: int, account: str) -> None:
            connection.execute(f"INSERT INTO {table} (id, transaction_id, template, params) VALUES ({place}, "
                               f"{place}, {place}, {place})",
                               (id, str(uuid.uuid4()), code("PAYMENT"),
                                json.dumps({"account": account, "amount": "5.00"})))

        def balance() -> str:
            found = ledger.balances.find_many([{"journal_id": journal, "account_id": alice, "currency": "USD"}])
            return f"ALICE has {found[0]['settled']['net'] + ' USD' if found else 'no balance'}"

        def start(*more: str) -> "subprocess.Popen[str]":
            return subprocess.Popen([sys.executable, "-m", "samples.queue_worker", store, "worker", table, *more],
                                    stdout=subprocess.PIPE, text=True)

        make_queue(connection)
        for number in range(1, 11):
            queue(connection, number, closed if number == 4 else alice)
        connection.execute(f"UPDATE {table} SET params = 'no JSON' WHERE id = 7")
        print(f"{queued(connection, table)} payments are queued")

        with start("doomed") as doomed:
            assert doomed.stdout and doomed.stdout.readline() == "posted\n"
            print(f"a worker posted one, and before its commit: {queued(connection, table)} queued, {balance()}")
            with start() as other:
                doomed.send_signal(signal.SIGKILL)
            assert other.returncode == 0
        print(f"it was killed, and another went on: {queued(connection, table, 'posted')} posted, "
              f"{queued(connection, table)} queued")
        for row in connection.execute(f"SELECT id, error FROM {table} WHERE status = 'failed' ORDER BY id").fetchall():
            print(f"  {row[0]} failed: {row[1]}")
        print(f"{balance()} by {len(list(ledger.transactions.list(journal_id=journal)))} transactions")

        # Two databases: the posting commits by itself, before the mark.
        elsewhere = connect(f"{folder}/queue.db")
        table = f"far{table}"
        make_queue(elsewhere)
        queue(elsewhere, 1, alice)

        def die() -> None:
            raise KeyboardInterrupt

        try:
            work_one(ledger, elsewhere, table, False, die)
        except KeyboardInterrupt:
            print(f"with the queue in another database, killed between the two: {queued(elsewhere, table)} "
                  f"queued, {balance()}")
        again = work_one(ledger, elsewhere, table, False)
        print(f"again: {'replayed' if again['replayed'] else 'posted'}, {queued(elsewhere, table)} queued, {balance()}")
        elsewhere.close()
    connection.close()


if is_worker:
    work(sys.argv[3], "doomed" in sys.argv)
else:
    main()
    shutil.rmtree(folder)
