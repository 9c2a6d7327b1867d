"""A card: an authorisation is a hold; captures take parts of it, and the rest is released, by a call or when its time
is over."""
import cala
from book import account, credit, debit, template

with cala.Ledger.open("sqlite::memory:") as ledger:
    main = ledger.journals.create(code="MAIN", name="Main")["id"]
    bank = f"uuid('{account(ledger, 'BANK', 'debit')}')"
    # What is authorised counts: settled and pending together are never below zero.
    alice = account(ledger, "ALICE", min_available="0", available_layer="pending")

    params = {"card": "uuid", "amount": "decimal"}
    template(ledger, main, "DEPOSIT", params, [debit(bank), credit("params.card")])
    template(ledger, main, "AUTHORISE", params, [debit("params.card", layer="PENDING"), credit(bank, layer="PENDING")])

    def show(what, amount):
        balance = ledger.balances.find(main, alice, "USD")
        settled, pending = balance["settled"]["net"], balance["pending"]["net"]
        available = balance["available"]["pending"]
        print(f"{what:9} {amount:>6}  settled {settled:>6}  pending {pending:>6}  available {available:>6}")

    def authorise(amount, until):
        hold = ledger.holds.create("AUTHORISE", {"card": alice, "amount": amount}, expires_at=until)["hold"]
        show("AUTHORISE", amount)
        return hold["id"]

    ledger.post("DEPOSIT", {"card": alice, "amount": "100.00"})
    show("DEPOSIT", "100.00")
    hotel = authorise("60.00", "2999-01-01T00:00:00Z")
    try:
        authorise("50.00", "2999-01-01T00:00:00Z")
    except cala.RejectedError as error:
        print(f"AUTHORISE  50.00  refused: {error.code}")

    # A part, and more is to come. The last part gives back what is left.
    hold = ledger.holds.capture(hold_id=hotel, amount="20.00", final=False)["hold"]
    show("CAPTURE", "20.00")
    print(f"hotel: {hold['status']}, {hold['left']} left")
    hold = ledger.holds.capture(hold_id=hotel, amount="25.00")["hold"]
    show("CAPTURE", "25.00")
    print(f"hotel: {hold['status']}, {hold['captured']} of {hold['amount']}")

    ledger.holds.release(hold_id=authorise("30.00", "2999-01-01T00:00:00Z"))
    show("RELEASE", "30.00")

    # What has expired cannot be captured. Whoever runs the ledger calls this now and then, until it answers 0.
    authorise("10.00", "2020-01-01T00:00:00Z")
    expired = ledger.holds.expire()["expired"]
    show("EXPIRE", "10.00")
    print(f"open: {len(list(ledger.holds.list(status='open')))}, expired: {expired}")
