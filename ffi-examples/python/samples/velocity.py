"""Velocity: how much may pass in a day, what is left, other params, warnings, detaching."""
import cala
from cala.documents import VelocityWindowKey

from . import code, entry, params, store

with cala.Ledger.open(store=store, migrate=True) as ledger:
    journal = ledger.journals.create(code=code("MAIN"), name="Main")["id"]
    alice, shop = (ledger.accounts.create(code=code(name), name=name)["id"] for name in ("ALICE", "SHOP"))
    ledger.tx_templates.create(
        code=code("PAY"),
        params=params(journal="uuid", payer="uuid", payee="uuid", amount="decimal", day="date"),
        transaction={"journal_id": "params.journal", "effective": "params.day"},
        entries=[entry("params.payer", "SETTLED", "DEBIT", "params.amount"),
                 entry("params.payee", "SETTLED", "CREDIT", "params.amount")])

    def limit(amount: str, limit_params: list[cala.Param]) -> str:
        """Creates a limit on what is debited within a day, and a control that has it."""
        window: list[VelocityWindowKey] = [
            {"alias": "day", "value": "context.vars.transaction.effective.format('%Y-%m-%d')"}]
        return ledger.velocity_limits.create(
            name="Daily", window=window, currency="USD", params=limit_params,
            limit={"balance": [{"layer": "SETTLED", "amount": amount, "enforcement_direction": "DEBIT"}]})["id"]

    def pay(amount: str, day: str) -> None:
        pair = {"journal": journal, "payer": alice, "payee": shop}
        try:
            posted = ledger.post(code("PAY"), {**pair, "amount": amount, "day": day})
        except cala.RejectedError as error:
            details = error.details
            print(f"{day}  {amount:>6}  {error.code}: {details['requested']} of {details['allowed']}")
            return
        warned = "".join(f", warned: {w['requested']} of {w['allowed']}" for w in posted.get("warnings", []))
        print(f"{day}  {amount:>6}  posted{warned}")

    daily = ledger.velocity_controls.create(name="Cards")["id"]
    ledger.velocity_controls.add_limit(daily, limit("params.most", params(most="decimal")))
    ledger.velocity_controls.attach(control_id=daily, account_ids=[alice], params={"most": "100"})
    print("at most 100 a day")
    pay("60.00", "2026-01-30")
    pay("50.00", "2026-01-30")
    pay("50.00", "2026-01-31")
    rooms = ledger.velocity_controls.headroom(account_id=alice)["items"]
    print("left of the days:", ", ".join(f"{room['left']} of {room['limit']}" for room in rooms))

    ledger.velocity_controls.attach(control_id=daily, account_ids=[alice], params={"most": "200"}, replace=True)
    watched = ledger.velocity_controls.create(name="Watched", enforcement={"action": "warn"})["id"]
    ledger.velocity_controls.add_limit(watched, limit("decimal('30')", []))
    ledger.velocity_controls.attach(control_id=watched, account_ids=[alice])
    print("at most 200 a day, and a warning above 30")
    pay("50.00", "2026-01-30")
    pay("20.00", "2026-02-01")

    ledger.velocity_controls.detach(control_id=daily, account_ids=[alice])
    print("without the limit:", len(list(ledger.velocity_controls.attachments(account_id=alice))), "control attached")
    pay("500.00", "2026-02-01")
