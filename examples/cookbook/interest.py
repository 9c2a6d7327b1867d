"""Interest by day on a loan, which is right again after a repayment that was booked late."""
from datetime import date, timedelta
from decimal import ROUND_HALF_EVEN, Decimal

import cala
from book import account, credit, debit, template

with cala.Ledger.open("sqlite::memory:") as ledger:
    main = ledger.journals.create(code="MAIN", name="Main", effective_balances=True)["id"]
    bank, earned = account(ledger, "BANK", "debit"), account(ledger, "INTEREST")
    loan, due = account(ledger, "LOAN_7", "debit"), account(ledger, "INTEREST_7", "debit")

    params = {"debit": "uuid", "credit": "uuid", "amount": "decimal", "day": "date"}
    for code in ("PAYMENT", "INTEREST"):
        template(ledger, main, code, params, [debit("params.debit"), credit("params.credit")], effective="params.day")

    def post(code, debited, credited, amount, day):
        ledger.post(code, {"debit": debited, "credit": credited, "amount": str(amount), "day": day})

    def net_of(id, day):
        """What the account had at the end of that day, as it is known now."""
        try:
            return Decimal(ledger.balances.at(main, id, "USD", effective=day)["settled"]["net"])
        except cala.NotFoundError:
            return Decimal(0)

    def accrue(day):
        """Books what the day's interest should be, less what is booked of it already: running it again does no harm."""
        should = (net_of(loan, day) * Decimal("0.05") / 365).quantize(Decimal("0.01"), ROUND_HALF_EVEN)
        missing = should - (net_of(due, day) - net_of(due, day - timedelta(days=1)))
        if missing > 0:
            post("INTEREST", due, earned, missing, day)
        elif missing < 0:
            post("INTEREST", earned, due, -missing, day)
        print(f"{day}  principal {net_of(loan, day):>9}  interest {should}  booked {missing:>5}")

    days = [date(2026, 2, day) for day in (1, 2, 3)]
    post("PAYMENT", loan, bank, "10000.00", days[0])
    for day in days:
        accrue(day)
    print("4000.00 came in on 2026-02-02, and is booked only now")
    post("PAYMENT", bank, loan, "4000.00", days[1])
    for day in days:
        accrue(day)
    print("interest due:", net_of(due, days[2]))
