"""The refusals that everybody meets first: what leads to each, its status and code, and where its details point."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cookbook"))

import cala
from book import account, credit, debit, template


def meet(what, call):
    try:
        call()
        print(f"{what}: nothing")
    except cala.Error as error:
        kept = ("pointer", "param", "column", "limit", "currency")
        shown = ", ".join(f"{key} {error.details[key]}" for key in kept if key in error.details)
        print(f"{what}\n  {type(error).__name__} {error.code}" + (f"  ({shown})" if shown else ""))


with cala.Ledger.open("sqlite::memory:") as ledger:
    main = ledger.journals.create(code="MAIN", name="Main", max_scale=2)["id"]
    bank, alice = account(ledger, "BANK", "debit"), account(ledger, "ALICE", min_available="0")
    moved = {"from": "uuid", "to": "uuid", "amount": "decimal"}
    template(ledger, main, "MOVE", moved, [debit("params.from"), credit("params.to")])
    template(ledger, main, "SPLIT", {**moved, "half": "decimal"},
             [debit("params.from"), credit("params.to", "params.half")])
    paid = {"from": bank, "to": alice, "amount": "10.00"}
    id = ledger.post("MOVE", paid)["transaction"]["id"]

    meet("A key that is misspelt", lambda: ledger.accounts.create(code="BOB", nmae="Bob"))
    meet("A code that is taken", lambda: ledger.accounts.create(code="ALICE", name="Alice"))
    meet("An account that is not there", lambda: ledger.accounts.find(code="NOBODY"))
    meet("A param that is left out", lambda: ledger.post("MOVE", {"from": bank, "to": alice}))
    meet("An amount as a float", lambda: ledger.post("MOVE", {**paid, "amount": 10.5}))
    meet("An amount below the param's min", lambda: ledger.post("MOVE", {**paid, "amount": "-1"}))
    meet("More digits than the journal takes", lambda: ledger.post("MOVE", {**paid, "amount": "0.001"}))
    meet("A template whose sides differ", lambda: template(ledger, main, "LOSE", moved, [
        debit("params.from"), credit("params.to", "params.amount - decimal('1')")]))
    meet("An expression that names no param", lambda: template(ledger, main, "TYPO", moved, [
        debit("params.from", "params.amuont"), credit("params.to")]))
    meet("Sides that differ with these params", lambda: ledger.post("SPLIT", {**paid, "half": "5.00"}))
    meet("More than there is", lambda: ledger.post("MOVE", {"from": alice, "to": bank, "amount": "10.01"}))
    meet("An id that was posted, with another amount", lambda: ledger.post("MOVE", {**paid, "amount": "11.00"}, id=id))
    ledger.accounts.lock(alice)
    meet("An account that is locked", lambda: ledger.post("MOVE", paid))
meet("A ledger that is closed", lambda: ledger.accounts.find(code="ALICE"))
