"""Accounts, a tx template, a posting, balances."""
import uuid
from decimal import Decimal

import cala

from . import code, deposit, name_of, store, suffix

with cala.Ledger.open(store=store, migrate=True) as ledger:
    alice = ledger.accounts.create(code=code("ALICE"), name="Alice")
    cash = ledger.accounts.create(code=code("CASH"), name="Cash", normal_balance_type="debit")
    print("accounts")
    names = {}
    for account in ledger.accounts.list():
        if account["code"].endswith(suffix):
            names[account["id"]] = name_of(account["code"])
            print(f"  {names[account['id']]:5}  {account['name']:5}  {account['normal_balance_type']}")

    journal = ledger.journals.create(code=code("MAIN"), name="Main")
    deposit(ledger)
    posting: cala.Posting = {
        "tx_template_code": code("DEPOSIT"),
        "id": uuid.uuid4(),
        "params": {"journal": journal["id"], "cash": cash["id"], "account": alice["id"], "amount": Decimal("100.00"),
                   "effective": "2026-01-31"},
    }
    posted = ledger.transactions.post(**posting)
    print("posted DEPOSIT")
    for e in posted["entries"]:
        print(f"  {e['sequence']}  {names[e['account_id']]:5}  {e['direction']:6}  {e['units']} {e['currency']}  "
              f"{e['layer']}")

    print("balances")
    for account in (alice, cash):
        balance = ledger.balances.find(journal["id"], account["id"], "USD")
        print(f"  {names[account['id']]:5}  {balance['settled']['net']} {balance['currency']}")

    if ledger.transactions.post(**posting)["replayed"]:
        print("posted again: replayed")
    try:
        ledger.accounts.find(code=code("NOBODY"))
    except cala.NotFoundError as error:
        print("not found:", error.code)
print("closed")
