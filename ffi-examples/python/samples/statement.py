"""Statements of account by effective date, a balance over a range, and the trial balance."""
import cala

from . import code, deposit, name_of, store

with cala.Ledger.open(store=store, migrate=True) as ledger:
    journal = ledger.journals.create(code=code("MAIN"), name="Main", effective_balances=True)["id"]
    cash = ledger.accounts.create(code=code("CASH"), name="Cash", normal_balance_type="debit")["id"]
    alice, bob = (ledger.accounts.create(code=code(name), name=name.title())["id"] for name in ("ALICE", "BOB"))
    deposit(ledger)
    for account, amount, day in ((alice, "100.00", "2026-01-10"), (alice, "30.00", "2026-02-02"),
                                 (bob, "50.00", "2026-01-20"), (alice, "7.00", "2026-01-31")):
        ledger.post(code("DEPOSIT"), {"journal": journal, "cash": cash, "account": account, "amount": amount,
                                      "effective": day})

    statement = ledger.balances.statement(journal, alice, "USD", by="effective", from_="2026-01-15", until="2026-02-28")
    print("ALICE, 2026-01-15 to 2026-02-28")
    print(f"  {'opening':7}  {'':6}  {statement['opening']['net']:>6}")
    for line in statement["items"]:
        print(f"  {line['entry']['direction']:7}  {line['entry']['units']:>6}  {line['running']['net']:>6}")
    print(f"  {'closing':7}  {'':6}  {statement['closing']['net']:>6}")

    print("page by page, newest first")
    page = ledger.balances.statement(journal, alice, "USD", first=2, order="desc")
    while True:
        print(" ", " ".join(line["entry"]["units"] for line in page["items"]))
        if not page["has_next_page"]:
            break
        page = ledger.balances.statement(journal, alice, "USD", first=2, order="desc", after=page.get("end_cursor"))

    january = ledger.balances.range(journal, alice, "USD", from_="2026-01-01", until="2026-01-31")
    parts = (january["open"], january["period"], january["close"])
    print("ALICE in January:", ", ".join(part["settled"]["net"] for part in parts))

    trial = ledger.balances.trial(journal, at={"effective": "2026-01-31"})
    print("trial balance, 2026-01-31")
    for row in trial["items"]:
        print(f"  {name_of(row['code']):5}  {row['debit']:>6}  {row['credit']:>6}")
    for total in trial.get("totals", []):
        print(f"  {'':5}  {total['debit']:>6}  {total['credit']:>6}")
