"""The program's rows and the ledger's in one transaction of the ledger's own."""
import cala

from . import code, deposit, store, suffix

orders = f"orders{suffix.replace('-', '_')}"
placeholder = "?" if store.startswith("sqlite") else "$1"

with cala.Ledger.open(store=store, migrate=True) as ledger:
    journal = ledger.journals.create(code=code("MAIN"), name="Main")["id"]
    alice, carol, cash = (ledger.accounts.create(code=code(name), name=name.title())["id"]
                          for name in ("ALICE", "CAROL", "CASH"))
    deposit(ledger)
    with ledger.begin() as tx:
        tx.exec(f"create table {orders} (note text)")

    def order_and_post(tx: cala.Transaction, account: str) -> None:
        tx.exec(f"insert into {orders} values ({placeholder})", ["an order"])
        tx.transactions.post(code("DEPOSIT"), {"journal": journal, "cash": cash, "account": account, "amount": "30.00",
                                               "effective": "2026-01-31"})

    def show(what: str) -> None:
        with ledger.begin() as tx:
            count = int(tx.exec(f"select count(*) from {orders}")["rows"][0][0] or 0)
            try:
                balance = tx.balances.find(journal, alice, "USD")
                has = f"{balance['settled']['net']} USD"
            except cala.NotFoundError:
                has = "no balance"
        print(f"{what}: {count} order{'' if count == 1 else 's'}, ALICE has {has}")

    tx = ledger.begin()
    order_and_post(tx, alice)
    tx.rollback()
    show("rolled back")

    with ledger.begin() as tx:  # commits at the end, rolls back when an exception leaves it
        order_and_post(tx, alice)
    show("committed")

    with ledger.begin() as tx:
        tx.accounts.lock(carol)
    with ledger.begin() as tx:
        try:
            order_and_post(tx, carol)
        except cala.RejectedError as error:
            print(f"rejected inside: {error.code}, the transaction goes on")
    show("committed")
