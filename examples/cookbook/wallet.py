"""A wallet: money comes in, money goes out, never more than there is."""
import cala
from book import account, credit, debit, template

with cala.Ledger.open("sqlite::memory:") as ledger:
    main = ledger.journals.create(code="MAIN", name="Main")["id"]
    bank = account(ledger, "BANK", "debit")
    alice = account(ledger, "ALICE", min_available="0")

    params = {"wallet": "uuid", "amount": "decimal", "payment": "string"}
    for code, debited, credited in (("DEPOSIT", f"uuid('{bank}')", "params.wallet"),
                                    ("WITHDRAWAL", "params.wallet", f"uuid('{bank}')")):
        template(ledger, main, code, params, [debit(debited), credit(credited)], external_id="params.payment")

    def wallet():
        return ledger.balances.find(main, alice, "USD")["settled"]["net"]

    def pay(code, payment, amount):
        try:
            posted = ledger.post(code, {"wallet": alice, "amount": amount, "payment": payment})
            print(f"{code:10} {amount:>6}  {'replayed' if posted['replayed'] else 'posted':8}  wallet {wallet()}")
        except cala.RejectedError as error:
            print(f"{code:10} {amount:>6}  refused   wallet {wallet()}, {error.code}")

    pay("DEPOSIT", "payment-1", "100.00")
    pay("WITHDRAWAL", "payment-2", "30.00")
    pay("WITHDRAWAL", "payment-3", "80.00")
    pay("DEPOSIT", "payment-1", "100.00")  # its answer was lost, so it is sent again

    # What would become of it, before anybody is asked to confirm.
    for amount in ("70.00", "70.01"):
        preview = ledger.transactions.preview("WITHDRAWAL", {"wallet": alice, "amount": amount, "payment": "payment-4"})
        if preview["would_post"]:
            print(f"{amount} would be paid")
        else:
            print(f"{amount} would be refused: {preview['error']['details']['available']} is there")
