"""A card: an authorisation holds money in the pending layer, captures take parts of it, the rest is released."""
import cala
from book import account, credit, debit, template

with cala.Ledger.open("sqlite::memory:") as ledger:
    main = ledger.journals.create(code="MAIN", name="Main")["id"]
    bank = f"uuid('{account(ledger, 'BANK', 'debit')}')"
    # What is authorised counts: settled and pending together are never below zero.
    alice = account(ledger, "ALICE", min_available="0", available_layer="pending")

    params = {"card": "uuid", "amount": "decimal"}
    held = {**params, "authorisation": "string"}
    template(ledger, main, "DEPOSIT", params, [debit(bank), credit("params.card")])
    template(ledger, main, "AUTHORISE", held, [debit("params.card", layer="PENDING"), credit(bank, layer="PENDING")],
             correlation_id="params.authorisation")
    # A capture undoes its part of the authorisation and moves the money, in one transaction.
    template(ledger, main, "CAPTURE", held, [
        credit("params.card", layer="PENDING"), debit(bank, layer="PENDING"), debit("params.card"), credit(bank)],
        correlation_id="params.authorisation")
    template(ledger, main, "RELEASE", held, [credit("params.card", layer="PENDING"), debit(bank, layer="PENDING")],
             correlation_id="params.authorisation")

    def post(code, amount, **more):
        try:
            ledger.post(code, {"card": alice, "amount": amount, **more})
        except cala.RejectedError as error:
            print(f"{code:9} {amount:>6}  refused: {error.code}")
            return
        balance = ledger.balances.find(main, alice, "USD")
        settled, pending = balance["settled"]["net"], balance["pending"]["net"]
        available = balance["available"]["pending"]
        print(f"{code:9} {amount:>6}  settled {settled:>6}  pending {pending:>6}  available {available:>6}")

    post("DEPOSIT", "100.00")
    post("AUTHORISE", "60.00", authorisation="hotel")
    post("AUTHORISE", "50.00", authorisation="shop")
    post("CAPTURE", "45.00", authorisation="hotel")
    post("RELEASE", "15.00", authorisation="hotel")
    hotel = ledger.transactions.list(correlation_id="hotel")
    print("hotel:", ", ".join(transaction["tx_template_code"] for transaction in hotel))
