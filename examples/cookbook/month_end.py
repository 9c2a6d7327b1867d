"""A month's end: a late invoice, the trial balance of the month, a statement, and the books closed into the capital."""
import cala
from book import account, credit, debit, template

with cala.Ledger.open("sqlite::memory:") as ledger:
    main = ledger.journals.create(code="MAIN", name="Main", effective_balances=True)["id"]
    sides = {"BANK": "debit", "RENT": "debit", "WAGES": "debit", "CAPITAL": "credit", "SALES": "credit",
             "SUPPLIERS": "credit"}
    ids = {code: account(ledger, code, side) for code, side in sides.items()}
    params = {"debit": "uuid", "credit": "uuid", "amount": "decimal", "day": "date", "text": "string"}
    template(ledger, main, "BOOK", params, [debit("params.debit"), credit("params.credit")],
             effective="params.day", description="params.text")

    def book(day, debited, credited, amount, text):
        ledger.post("BOOK", {"debit": ids[debited], "credit": ids[credited], "amount": amount, "day": day,
                             "text": text})

    def show_trial_balance(title):
        print(title)
        trial = ledger.balances.trial(main, at={"effective": "2026-01-31"})
        for line in trial["items"]:
            print(f"  {line['code']:9} {line['debit']:>8} {line['credit']:>8}")
        for total in trial["totals"]:
            print(f"  {'':9} {total['debit']:>8} {total['credit']:>8}")

    book("2026-01-02", "BANK", "CAPITAL", "5000.00", "Begin")
    book("2026-01-15", "BANK", "SALES", "1200.00", "Sales")
    book("2026-01-31", "WAGES", "BANK", "700.00", "Wages")
    book("2026-02-02", "BANK", "SALES", "300.00", "Sales")
    book("2026-01-20", "RENT", "SUPPLIERS", "400.00", "Rent, an invoice that came in February")
    show_trial_balance("2026-01-31, before closing")

    statement = ledger.balances.statement(main, ids["BANK"], "USD", by="effective", from_="2026-01-15",
                                          until="2026-01-31")
    print("BANK since the 15th: had", statement["opening"]["net"])
    for line in statement["items"]:
        print(f"  {line['entry']['direction']:6} {line['entry']['units']:>8} {line['running']['net']:>8}")
    print("  and has", statement["closing"]["net"])

    # What was earned and spent in the month goes to the capital; its accounts begin the next month at zero.
    for code in ("SALES", "RENT", "WAGES"):
        month = ledger.balances.range(main, ids[code], "USD", from_="2026-01-01", until="2026-01-31")
        pair = (code, "CAPITAL") if sides[code] == "credit" else ("CAPITAL", code)
        book("2026-01-31", *pair, month["close"]["settled"]["net"], "Closing January")
    show_trial_balance("2026-01-31, closed")
    print("SALES in February:", ledger.balances.find(main, ids["SALES"], "USD")["settled"]["net"])

    ledger.journals.close(main, "2026-01-31")
    try:
        book("2026-01-31", "BANK", "SALES", "50.00", "Too late")
    except cala.RejectedError as refused:
        print(f"refused: {refused.code}, until {refused.details['closed_until']}")
