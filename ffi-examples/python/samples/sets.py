"""Account sets: accounts under one name, with balances and entries of their own."""
import cala
from cala.documents import Membership

from . import code, deposit, store

with cala.Ledger.open(store=store, migrate=True) as ledger:
    journal = ledger.journals.create(code=code("MAIN"), name="Main")["id"]
    liabilities, customers = (
        ledger.account_sets.create(journal_id=journal, name=name)["id"] for name in ("LIABILITIES", "CUSTOMERS"))
    cash = ledger.accounts.create(code=code("CASH"), name="Cash", normal_balance_type="debit")["id"]
    alice = ledger.accounts.create(code=code("ALICE"), name="Alice", account_set_id=customers)["id"]
    bob = ledger.accounts.create(code=code("BOB"), name="Bob")["id"]
    names = {liabilities: "LIABILITIES", customers: "CUSTOMERS", alice: "ALICE", bob: "BOB"}
    ledger.account_sets.add_members([
        {"account_set_id": customers, "account_id": bob},
        {"account_set_id": liabilities, "member_account_set_id": customers}])
    members = ledger.account_sets.list_members(account_set_id=customers)
    print("CUSTOMERS has", ", ".join(names[member.get("account_id", "")] for member in members))
    parents = ledger.account_sets.list_parents(account_set_id=customers)
    print("CUSTOMERS is in", ", ".join(parent["name"] for parent in parents))

    def refused(title: str, membership: Membership) -> None:
        try:
            ledger.account_sets.add_members([membership])
        except cala.RejectedError as error:
            print(f"refused  {title}: {error.code}")

    refused("a set in itself", {"account_set_id": customers, "member_account_set_id": liabilities})
    deposit(ledger)
    for account, amount in ((alice, "100.00"), (bob, "50.00")):
        ledger.post(code("DEPOSIT"), {"journal": journal, "cash": cash, "account": account, "amount": amount,
                                      "effective": "2026-01-31"})
    print("balances")
    for id in (alice, bob, customers, liabilities):
        print(f"  {names[id]:11}  {ledger.balances.find(journal, id, 'USD')['settled']['net']:>6} USD")
    print("entries of LIABILITIES")
    for e in ledger.entries.list(account_set_id=liabilities):
        print(f"  {names[e['account_id']]:5}  {e['direction']}  {e['units']:>6}")

    refused("an account with entries", {"account_set_id": liabilities, "account_id": cash})
