"""Reversing a mistake: what was posted stays, its opposite is posted beside it, once."""
import cala
from book import account, credit, debit, template

with cala.Ledger.open("sqlite::memory:") as ledger:
    main = ledger.journals.create(code="MAIN", name="Main")["id"]
    bank, alice, alan = account(ledger, "BANK", "debit"), account(ledger, "ALICE"), account(ledger, "ALAN")
    names = {bank: "BANK", alice: "ALICE", alan: "ALAN"}

    template(ledger, main, "DEPOSIT", {"wallet": "uuid", "amount": "decimal"},
             [debit(f"uuid('{bank}')"), credit("params.wallet")], description="'Paid in'")
    # One reversal a transaction: a second one has the same external id.
    template(ledger, main, "REVERSAL",
             {"debit": "uuid", "credit": "uuid", "amount": "decimal", "of": "string", "reason": "string"},
             [debit("params.debit"), credit("params.credit")],
             external_id="'reversal of ' + params.of", correlation_id="params.of", description="params.reason")

    def reverse(transaction, reason):
        debited, credited = ledger.entries.list(transaction_id=transaction)
        return ledger.post("REVERSAL", {"debit": credited["account_id"], "credit": debited["account_id"],
                                        "amount": debited["units"], "of": transaction, "reason": reason})

    wrong = ledger.post("DEPOSIT", {"wallet": alan, "amount": "100.00"})["transaction"]["id"]
    reversal = reverse(wrong, "Meant for Alice")
    ledger.post("DEPOSIT", {"wallet": alice, "amount": "100.00"})
    print("reversed again:", "replayed" if reverse(wrong, "Meant for Alice")["replayed"] else "twice!")

    for transaction in ledger.transactions.list(journal_id=main):
        print(transaction["tx_template_code"], transaction["description"])
        for entry in ledger.entries.list(transaction_id=transaction["id"]):
            print(f"  {entry['direction']:6} {names[entry['account_id']]:5} {entry['units']}")
    for id in (alan, alice):
        print(f"{names[id]:5} has {ledger.balances.find(main, id, 'USD')['settled']['net']}")
