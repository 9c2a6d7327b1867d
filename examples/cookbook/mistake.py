"""Taking back a mistake: what was posted stays, and its void is posted beside it, once."""
import uuid

import cala
from book import account, credit, debit, template

with cala.Ledger.open("sqlite::memory:") as ledger:
    main = ledger.journals.create(code="MAIN", name="Main")["id"]
    bank, alice, alan = account(ledger, "BANK", "debit"), account(ledger, "ALICE"), account(ledger, "ALAN")
    names = {bank: "BANK", alice: "ALICE", alan: "ALAN"}
    template(ledger, main, "DEPOSIT", {"wallet": "uuid", "amount": "decimal"},
             [debit(f"uuid('{bank}')"), credit("params.wallet")], description="'Paid in'")

    wrong = ledger.post("DEPOSIT", {"wallet": alan, "amount": "100.00"})["transaction"]["id"]
    void = {"id": wrong, "void_id": uuid.uuid4(), "description": "Meant for Alice"}
    ledger.transactions.void(**void)
    print("sent again:", "replayed" if ledger.transactions.void(**void)["replayed"] else "twice!")
    try:
        ledger.transactions.void(id=wrong)
    except cala.RejectedError as error:
        print("another void:", error.code)
    ledger.post("DEPOSIT", {"wallet": alice, "amount": "100.00"})

    for transaction in ledger.transactions.list(journal_id=main):
        state = "voided" if "voided_by" in transaction else "void" if "void_of" in transaction else "stands"
        print(f"{transaction['description']}: {state}")
        for entry in ledger.entries.list(transaction_id=transaction["id"]):
            print(f"  {entry['direction']:6} {names[entry['account_id']]:5} {entry['units']:>7}  {entry['entry_type']}")
    for id in (alan, alice):
        print(f"{names[id]:5} has {ledger.balances.find(main, id, 'USD')['settled']['net']}")
