"""Collapse the boundary: what follows from the ledger's events is written into the program's tables in the transaction
that keeps the place. Each event counts once, whatever is killed when,
and the tables can be made anew from the start."""
import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable
from typing import Any

import cala

from . import code, entry, params, suffix

folder = tempfile.TemporaryDirectory()
store = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:{os.path.join(folder.name, 'ledger.db')}"
is_sqlite = store.startswith("sqlite:")
totals = f"totals{suffix.replace('-', '_')}"


def connect() -> Any:
    """The program's own connection, which begins and commits where it is told to."""
    if is_sqlite:
        return sqlite3.connect(store.removeprefix("sqlite:"), isolation_level=None, timeout=30)
    import psycopg
    return psycopg.connect(store, autocommit=True)


def transactions(connection: Any) -> Callable[[Callable[[Any], Any]], Any]:
    """What runs work in a transaction on the connection."""
    def transaction(work: Callable[[Any], Any]) -> Any:
        connection.execute("BEGIN")
        try:
            done = work(connection)
            connection.execute("COMMIT")
            return done
        except BaseException:
            connection.execute("ROLLBACK")
            raise
    return transaction


with cala.Ledger.open(store=store, migrate=True) as ledger:
    journal = ledger.journals.create(code=code("MAIN"), name="Main")["id"]
    alice, bob, cash = (ledger.accounts.create(code=code(name), name=name.title())["id"]
                        for name in ("ALICE", "BOB", "CASH"))
    ledger.tx_templates.create(
        code=code("PAYMENT"), params=params(account="uuid"), transaction={"journal_id": f"uuid('{journal}')",
                                                                          "effective": "date()"},
        entries=[entry(f"uuid('{cash}')", "SETTLED", "DEBIT", "decimal('1')"),
                 entry("params.account", "SETTLED", "CREDIT", "decimal('1')")])
    names = {alice: "ALICE", bob: "BOB"}
    mine, another = connect(), connect()
    mine.execute(f"CREATE TABLE {totals} (account text PRIMARY KEY, payments integer NOT NULL)")

    def pay(*accounts: str) -> None:
        for account in accounts:
            ledger.post(code("PAYMENT"), {"account": account})

    def count(connection: Any, event: Any) -> None:
        """What follows from an event: applied twice, it would be wrong."""
        for one in event["entries"]:
            if one["account_id"] in names:
                connection.execute(f"INSERT INTO {totals} VALUES ('{names[one['account_id']]}', 1)"
                                   f" ON CONFLICT (account) DO UPDATE SET payments = {totals}.payments + 1")

    def clear(connection: Any) -> None:
        connection.execute(f"DELETE FROM {totals}")

    def projection(connection: Any, apply: Callable[[Any, Any], None] = count) -> cala.Projection[Any]:
        return ledger.projection(totals, apply, transaction=transactions(connection), clear=clear, page_size=2,
                                 types=["transaction_created"], journal_id=journal, entries=True)

    def show(what: str) -> None:
        rows = mine.execute(f"SELECT account, payments FROM {totals} ORDER BY account").fetchall()
        print(f"{what}: {', '.join(f'{account} {payments} payments' for account, payments in rows)}")

    pay(alice, bob, alice, bob)
    show(f"caught up with {projection(mine).catch_up()} events")

    pay(alice, bob, alice)
    seen: list[Any] = []

    def dies(connection: Any, event: Any) -> None:
        count(connection, event)
        seen.append(event)
        if len(seen) == 2:
            raise KeyboardInterrupt

    try:
        projection(mine, dies).catch_up()
    except KeyboardInterrupt:
        show("killed in the middle")
    show(f"and again, {projection(mine).catch_up()} events")

    pay(alice)

    def late(connection: Any, event: Any) -> None:
        projection(another).catch_up()
        count(connection, event)

    projection(mine, late).catch_up()
    show("another process at the same time")
    show(f"rebuilt from the start with {projection(mine).rebuild()} events")
    ledger.listeners.remove(totals)
    mine.close()
    another.close()
folder.cleanup()
