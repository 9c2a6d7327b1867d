"""Moves a home-made ledger of two tables to libcala: two_tables.py [database [store]].

What does not balance in the old tables gets its difference on the account SUSPENSE, to be looked into; balances that
the program kept and that are not what its entries add up to are listed.
"""
import pathlib
import sqlite3
import sys
from decimal import Decimal
from itertools import groupby

import cala
from importing import Importer, new_id

STORE = sys.argv[2] if len(sys.argv) > 2 else "sqlite::memory:"


def old_tables():
    if len(sys.argv) > 1:
        return sqlite3.connect(sys.argv[1])
    example = sqlite3.connect(":memory:")
    example.executescript(pathlib.Path(__file__).with_name("two_tables.sql").read_text(encoding="utf-8"))
    return example


def side_of(cents):
    """In these tables a balance that is owed to somebody is positive: it grows by credits."""
    return "CREDIT" if cents >= 0 else "DEBIT"


def units_of(cents):
    return Decimal(abs(cents)).scaleb(-2)


def move(old, ledger):
    main = ledger.journals.ensure(id=new_id("journal"), code="MAIN", name="Main")["journal"]["id"]
    suspense = ledger.accounts.ensure(id=new_id("suspense"), code="SUSPENSE", name="Does not balance")["account"]["id"]
    accounts = list(old.execute("SELECT id, name, currency, balance_cents FROM accounts ORDER BY id"))
    currency_of = {id: currency for id, _, currency, _ in accounts}
    for id, name, _, _ in accounts:
        ledger.accounts.ensure(id=new_id("account", id), code=f"OLD_{id}", name=name)

    importer = Importer(ledger)
    rows = old.execute("SELECT transaction_id, account_id, amount_cents, created_at, note FROM entries"
                       " ORDER BY transaction_id, id")
    for key, group in groupby(rows, key=lambda row: row[0]):
        group = list(group)
        entries = [(new_id("account", account), side_of(cents), units_of(cents), currency_of[account], {})
                   for _, account, cents, _, _ in group]
        missing = {}
        for _, account, cents, _, _ in group:
            missing[currency_of[account]] = missing.get(currency_of[account], 0) - cents
        for currency, cents in missing.items():
            if cents != 0:
                entries.append((suspense, side_of(cents), units_of(cents), currency, {}))
                print(f"{key} does not balance: {units_of(cents)} {currency} on SUSPENSE")
        importer.transaction(journal=main, key=key, day=group[0][3][:10], text=group[0][4] or "", entries=entries,
                             metadata={"created_at": group[0][3]})
    importer.flush()
    print(f"{importer.written} transactions written, {importer.replayed} were there")

    for id, name, currency, cents in accounts:
        net, kept = Decimal(importer.net(main, new_id("account", id), currency)), Decimal(cents).scaleb(-2)
        print(f"{name:6} {net:>8} {currency}" + ("" if net == kept else f", but the old table said {kept}"))


if __name__ == "__main__":
    database = old_tables()
    with cala.Ledger.open(STORE, migrate=True) as book:
        move(database, book)
    database.close()
