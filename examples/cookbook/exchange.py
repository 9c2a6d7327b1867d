"""Currency exchange: euros for dollars, at a rate, each currency balanced by itself."""
import cala
from book import account, credit, debit, template

with cala.Ledger.open("sqlite::memory:") as ledger:
    main = ledger.journals.create(code="MAIN", name="Main")["id"]
    bank, desk, alice = account(ledger, "BANK", "debit"), account(ledger, "DESK"), account(ledger, "ALICE")

    template(ledger, main, "DEPOSIT", {"wallet": "uuid", "amount": "decimal", "currency": "string"}, [
        debit(f"uuid('{bank}')", currency="params.currency"), credit("params.wallet", currency="params.currency")])
    # DESK takes what is sold and gives what is bought: its two balances are the house's position.
    bought = "decimal.Round(params.amount * params.rate, 2, 'HALF_EVEN')"
    template(ledger, main, "EXCHANGE",
             {"wallet": "uuid", "amount": "decimal", "sold": "string", "bought": "string", "rate": "decimal"}, [
                 debit("params.wallet", "params.amount", currency="params.sold"),
                 credit(f"uuid('{desk}')", "params.amount", currency="params.sold"),
                 debit(f"uuid('{desk}')", bought, currency="params.bought"),
                 credit("params.wallet", bought, currency="params.bought")],
             metadata="{'rate': params.rate}")

    ledger.post("DEPOSIT", {"wallet": alice, "amount": "250.00", "currency": "EUR"})
    exchange = {"wallet": alice, "amount": "100.00", "sold": "EUR", "bought": "USD", "rate": "1.08335"}
    posted = ledger.post("EXCHANGE", exchange)
    print("at", posted["transaction"]["metadata"]["rate"])
    for entry in posted["entries"]:
        name = "ALICE" if entry["account_id"] == alice else "DESK"
        print(f"{entry['direction']:6} {name:5} {entry['units']:>6} {entry['currency']}")
    for code, id in (("ALICE", alice), ("DESK", desk)):
        for balance in ledger.balances.list(main, [id]):
            print(f"{code:5} {balance['settled']['net']:>7} {balance['currency']}")
    for total in ledger.balances.trial(main)["totals"]:
        print(f"{total['currency']}: debits {total['debit']}, credits {total['credit']}")
