"""Holds: amounts set aside, captured in parts, released, expired."""
import uuid

import cala

from . import code, entry, params, store

with cala.Ledger.open(store=store, migrate=True) as ledger:
    journal = ledger.journals.create(code=code("MAIN"), name="Main")["id"]
    alice, shop = (ledger.accounts.create(code=code(name), name=name)["id"] for name in ("ALICE", "SHOP"))
    bank = ledger.accounts.create(code=code("BANK"), name="Bank", normal_balance_type="debit")["id"]
    for name, layer in (("DEPOSIT", "SETTLED"), ("AUTHORISE", "PENDING")):
        ledger.tx_templates.create(
            code=code(name), params=params(debit="uuid", credit="uuid", amount="decimal"),
            transaction={"journal_id": f"uuid('{journal}')", "effective": "date()"},
            entries=[entry("params.debit", layer, "DEBIT", "params.amount"),
                     entry("params.credit", layer, "CREDIT", "params.amount")])

    def show() -> None:
        balance = ledger.balances.find(journal, alice, "USD")
        print(f"  ALICE  settled {balance['settled']['net']}  pending {balance['pending']['net']}"
              f"  available {balance['available']['pending']}")

    def hold(amount: str, expires_at: str | None = None) -> cala.Id:
        made = ledger.holds.create(code("AUTHORISE"), {"debit": alice, "credit": shop, "amount": amount},
                                   expires_at=expires_at)
        return made["hold"]["id"]

    ledger.post(code("DEPOSIT"), {"debit": bank, "credit": alice, "amount": "100.00"})
    hotel = hold("60.00", "2999-01-01T00:00:00Z")
    print("held 60.00 of 100.00")
    show()
    part = ledger.holds.capture(hold_id=hotel, amount="20.00", final=False)["hold"]
    print(f"captured 20.00, {part.get('left')} left")
    show()
    try:
        ledger.holds.capture(hold_id=hotel, amount="50.00")
    except cala.RejectedError as error:
        print(f"{error.code}: {error.details['requested']} of {error.details['left']}")

    last = uuid.uuid4()  # with an id of its own it can be repeated
    captured = ledger.holds.capture(hold_id=hotel, id=last, amount="25.00")["hold"]
    print(f"captured {captured.get('captured')} of {captured.get('amount')}, and the rest is released")
    show()
    again = ledger.holds.capture(hold_id=hotel, id=last, amount="25.00")
    print("the same again: replayed", str(again["replayed"]).lower())
    try:
        ledger.holds.release(hold_id=hotel)
    except cala.RejectedError as error:
        print(f"{error.code}: {error.details['status']}")

    ledger.holds.release(hold_id=hold("30.00"))
    print("released 30.00")
    show()
    hold("10.00", "2020-01-01T00:00:00Z")
    ledger.holds.expire()
    expired, still = (len(list(ledger.holds.list(account_id=alice, status=status))) for status in ("expired", "open"))
    print(f"expired 10.00, holds that have expired: {expired}, open ones: {still}")
    show()
