"""A wallet: money comes in, money goes out, never more than there is."""
import cala
from book import account, credit, debit, template

with cala.Ledger.open("sqlite::memory:") as ledger:
    main = ledger.journals.create(code="MAIN", name="Main")["id"]
    bank = account(ledger, "BANK", "debit")
    alice = account(ledger, "ALICE")

    params = {"wallet": "uuid", "amount": "decimal", "payment": "string"}
    for code, debited, credited in (("DEPOSIT", f"uuid('{bank}')", "params.wallet"),
                                    ("WITHDRAWAL", "params.wallet", f"uuid('{bank}')")):
        template(ledger, main, code, params, [debit(debited), credit(credited)], external_id="params.payment")

    # Debits less credits come to 0 at most: a wallet is never below zero. Attach it to each wallet that is created.
    limit = ledger.velocity_limits.create(name="Not below zero", limit={"balance": [
        {"layer": "SETTLED", "amount": "decimal('0')", "enforcement_direction": "DEBIT"}]})
    control = ledger.velocity_controls.create(name="Wallets")
    ledger.velocity_controls.add_limit(control["id"], limit["id"])
    ledger.velocity_controls.attach(control_id=control["id"], account_ids=[alice])

    def wallet():
        return ledger.balances.find(main, alice, "USD")["settled"]["net"]

    def pay(code, payment, amount):
        try:
            posted = ledger.post(code, {"wallet": alice, "amount": amount, "payment": payment})
            print(f"{code:10} {amount:>6}  {'replayed' if posted['replayed'] else 'posted':8}  wallet {wallet()}")
        except cala.RejectedError as error:
            over = error.details["requested"]
            print(f"{code:10} {amount:>6}  refused   wallet {wallet()}, {over} more than there is ({error.code})")

    pay("DEPOSIT", "payment-1", "100.00")
    pay("WITHDRAWAL", "payment-2", "30.00")
    pay("WITHDRAWAL", "payment-3", "80.00")
    pay("DEPOSIT", "payment-1", "100.00")  # its answer was lost, so it is sent again
