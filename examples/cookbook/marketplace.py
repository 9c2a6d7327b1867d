"""A marketplace: buyers pay, the house keeps a fee, sellers are paid out."""
import cala
from book import account, credit, debit, template

with cala.Ledger.open("sqlite::memory:") as ledger:
    main = ledger.journals.create(code="MAIN", name="Main")["id"]
    ids = {code: account(ledger, code, "debit") for code in ("PROVIDER", "BANK", "COSTS")}
    ids |= {code: account(ledger, code) for code in ("FEES", "BAKER", "POTTER")}
    provider, bank, costs, fees = (f"uuid('{ids[code]}')" for code in ("PROVIDER", "BANK", "COSTS", "FEES"))

    # The card provider owes us what the buyer paid; we owe the seller the price without our fee of 10 %, at least 0.50.
    fee = "max(decimal.Round(params.amount * decimal('0.10'), 2, 'HALF_UP'), decimal('0.50'))"
    template(ledger, main, "PURCHASE", {"seller": "uuid", "amount": "decimal", "order": "string"}, [
        debit(provider, "params.amount"), credit("params.seller", f"params.amount - {fee}"), credit(fees, fee)],
        external_id="params.order")
    # The provider pays, less what it takes.
    template(ledger, main, "SETTLEMENT", {"amount": "decimal", "cost": "decimal"}, [
        credit(provider, "params.amount"), debit(bank, "params.amount - params.cost"), debit(costs, "params.cost")])
    template(ledger, main, "PAYOUT", {"seller": "uuid", "amount": "decimal", "payout": "string"}, [
        debit("params.seller"), credit(bank)], external_id="params.payout")

    orders = (("order-1", "BAKER", "40.00"), ("order-2", "POTTER", "99.99"), ("order-3", "BAKER", "3.00"))
    for order, seller, amount in orders:
        posted = ledger.post("PURCHASE", {"seller": ids[seller], "amount": amount, "order": order})
        _, to_seller, to_house = (entry["units"] for entry in posted["entries"])
        print(f"{order}  {amount:>6}  {seller:6} {to_seller:>6}  fee {to_house:>5}")
    ledger.post("SETTLEMENT", {"amount": "142.99", "cost": "4.29"})

    # All sellers are paid, or none. Sent twice, it pays once: each payout has a name of its own.
    owed = ledger.balances.find_many([
        {"journal_id": main, "account_id": ids[seller], "currency": "USD"} for seller in ("BAKER", "POTTER")])
    ledger.transactions.post_many([
        {"tx_template_code": "PAYOUT", "params": {"seller": balance["account_id"], "amount": balance["settled"]["net"],
                                                  "payout": f"2026-01-31 {balance['account_id']}"}}
        for balance in owed])

    trial = ledger.balances.trial(main)
    for line in trial["items"]:
        print(f"{line['code']:8} {line['net']:>7}")
    for total in trial["totals"]:
        print(f"debits {total['debit']}, credits {total['credit']}")
