"""Two-phase commit: the order in the program's database and the payment in the ledger's, both or neither, whenever it
is killed. On PostgreSQL."""
from typing import Any, Literal

import cala
import psycopg

from . import code, deposit, name_of, store, suffix

orders, decisions = (name + suffix.replace("-", "_") for name in ("orders", "decisions"))
# The program's own database. Here it is that of the ledger, and could be any.
own: Any = psycopg.connect(store, autocommit=True)


def sql(text: str, *values: str) -> Any:
    return own.execute(text, values)


sql(f"CREATE TABLE {orders} (gid text PRIMARY KEY)")
sql(f"CREATE TABLE {decisions} (gid text PRIMARY KEY, outcome text NOT NULL CHECK (outcome IN ('commit', 'rollback')))")

with cala.Ledger.open(store=store, migrate=True) as ledger:
    journal = ledger.journals.create(code=code("MAIN"), name="Main")["id"]
    alice, cash = (ledger.accounts.create(code=code(name), name=name.title())["id"] for name in ("ALICE", "CASH"))
    deposit(ledger)
    params = {"journal": journal, "cash": cash, "account": alice, "amount": "30.00", "effective": "2026-01-31"}

    def order(gid: str, killed: str = "") -> None:
        with ledger.begin() as tx:
            tx.post(code("DEPOSIT"), params)
            tx.prepare(gid)
        if killed == "before the decision":
            return
        with own.transaction():
            sql(f"INSERT INTO {orders} VALUES (%s)", gid)
            sql(f"INSERT INTO {decisions} VALUES (%s, 'commit')", gid)
        if killed == "after the decision":
            return
        ledger.prepared.finish(gid, "commit")
        sql(f"DELETE FROM {decisions} WHERE gid = %s", gid)

    def decided(prepared: cala.PreparedTransaction) -> Literal["commit", "rollback"] | None:
        """What the program decided: before anybody else can, that it is rolled back."""
        gid = prepared["gid"]
        if not gid.startswith("order") or not gid.endswith(suffix):
            return None  # another program's
        sql(f"INSERT INTO {decisions} VALUES (%s, 'rollback') ON CONFLICT DO NOTHING", gid)
        outcome: Literal["commit", "rollback"]
        outcome, = sql(f"SELECT outcome FROM {decisions} WHERE gid = %s", gid).fetchone()
        return outcome

    def recover() -> None:
        done = ledger.recover(decided)
        said = [f"{name_of(one['gid'])} committed" for one in done["committed"]]
        said += [f"{name_of(one['gid'])} rolled back" for one in done["rolled_back"]]
        said += [f"{name_of(one['gid'])} left" for one in done["left"] if one["gid"].endswith(suffix)]
        print(f"  recovery: {', '.join(said)}")

    def show(what: str) -> None:
        count, = sql(f"SELECT count(*) FROM {orders}").fetchone()
        net = ledger.balances.find(journal, alice, "USD")["settled"]["net"]
        print(f"{what}: {count} order{'s' * (count != 1)}, ALICE has {net} USD")

    with ledger.begin() as tx:
        tx.accounts.create(code=code("THEIRS"), name="An account of another program's")
        tx.prepare(code("theirs"))
    order(code("order1"))
    show("nobody is killed")
    recover()
    for number, killed in enumerate(("before the decision", "after the decision"), 2):
        order(code(f"order{number}"), killed)
        show(f"killed {killed}")
        recover()
        show("and then")
    ledger.prepared.finish(code("theirs"), "rollback")
sql(f"DROP TABLE {orders}, {decisions}")
own.close()
