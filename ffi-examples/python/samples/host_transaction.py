"""The program's rows and the ledger's in one transaction of the program's own driver:
sqlite3, or psycopg on PostgreSQL."""
import os
import sqlite3
import sys
import tempfile
import uuid
from typing import Any

import cala

from . import code, deposit, suffix

folder = tempfile.TemporaryDirectory()
file = os.path.join(folder.name, "ledger.db")
store = sys.argv[1] if len(sys.argv) > 1 else f"sqlite:{file}"
orders = f"orders{suffix.replace('-', '_')}"


def connect() -> Any:
    """The program's own connection."""
    if store.startswith("sqlite:"):
        return sqlite3.connect(store.removeprefix("sqlite:"))
    import psycopg
    return psycopg.connect(store)


with cala.Ledger.open(store=store, migrate=True) as ledger:
    journal = ledger.journals.create(code=code("MAIN"), name="Main")["id"]
    alice, cash = (ledger.accounts.create(code=code(name), name=name.title())["id"] for name in ("ALICE", "CASH"))
    deposit(ledger)
    connection = connect()
    connection.execute(f"create table {orders} (note text)")
    connection.commit()

    def order_and_post(id: uuid.UUID) -> cala.Posted:
        connection.execute(f"insert into {orders} values ('an order')")
        posted: cala.Posted = ledger.within(connection).transactions.post(
            code("DEPOSIT"),
            {"journal": journal, "cash": cash, "account": alice, "amount": "30.00", "effective": "2026-01-31"}, id)
        return posted

    def show(what: str) -> None:
        count = connection.execute(f"select count(*) from {orders}").fetchone()[0]
        balance = ledger.balances.find_many([{"journal_id": journal, "account_id": alice, "currency": "USD"}])
        has = f"{balance[0]['settled']['net']} USD" if balance else "no balance"
        print(f"{what}: {count} order{'' if count == 1 else 's'}, ALICE has {has}")

    id = uuid.uuid4()
    order_and_post(id)
    connection.rollback()
    show("rolled back")

    order_and_post(id)
    connection.commit()
    show("committed")

    if order_and_post(id)["replayed"]:
        print("posted again inside: replayed")
    connection.commit()
    show("committed")
    connection.close()
folder.cleanup()
