"""Following the ledger: a second program is told of everything once, in order, and goes on where it stopped."""
import cala
from book import account, credit, debit, template

with cala.Ledger.open("sqlite::memory:") as ledger:
    main = ledger.journals.create(code="MAIN", name="Main")["id"]
    bank, alice = account(ledger, "BANK", "debit"), account(ledger, "ALICE")
    template(ledger, main, "DEPOSIT", {"amount": "decimal"}, [debit(f"uuid('{bank}')"), credit(f"uuid('{alice}')")])
    ledger.post("DEPOSIT", {"amount": "10.00"})

    def follow(place):
        """Reads what is new; gives the place to keep, in the same transaction as what was made of the events."""
        while True:
            page = ledger.events.list(after=place, limit=2, balances=True)
            for event in page["items"]:
                print(" ", event["type"])
                for balance in event.get("balances", []):
                    name = {bank: "BANK", alice: "ALICE"}[balance["account_id"]]
                    print(f"    {name:5} has {balance['settled']['net']}")
            place = page["place"]
            if not page["has_next_page"]:
                return place

    print("from the beginning")
    kept = follow(0)
    ledger.accounts.lock(alice)
    ledger.accounts.unlock(alice)
    ledger.post("DEPOSIT", {"amount": "5.00"})
    print("and what came since")
    kept = follow(kept)
    print("nothing is left:", "yes" if follow(kept) == kept else "no")
