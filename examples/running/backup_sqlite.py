"""Backing up a SQLite ledger that is in use, and opening the copy."""
import pathlib
import sqlite3
import sys
import tempfile
import threading

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cookbook"))

import cala
from book import account, credit, debit, template


def back_up(ledger_file, copy):
    """As `sqlite3 ledger.db ".backup copy.db"` does: a whole copy as of one moment, while others post."""
    source, target = sqlite3.connect(ledger_file), sqlite3.connect(copy)
    source.backup(target)
    source.close()
    target.close()


with tempfile.TemporaryDirectory() as folder:
    file, copy = f"{folder}/ledger.db", f"{folder}/copy.db"
    with cala.Ledger.open(f"sqlite:{file}") as ledger:
        main = ledger.journals.create(code="MAIN", name="Main")["id"]
        bank, alice = account(ledger, "BANK", "debit"), account(ledger, "ALICE")
        template(ledger, main, "DEPOSIT", {}, [debit(f"uuid('{bank}')", "decimal('1')"),
                                               credit(f"uuid('{alice}')", "decimal('1')")])
        for _ in range(50):
            ledger.post("DEPOSIT")
        stop = threading.Event()

        def go_on():
            while not stop.is_set():
                ledger.post("DEPOSIT")

        posting = threading.Thread(target=go_on)
        posting.start()
        back_up(file, copy)
        stop.set()
        posting.join()
        posted = ledger.info()["transactions"]

    with cala.Ledger.open(f"sqlite:{copy}") as restored:
        kept = restored.info()["transactions"]
        total = restored.balances.trial(main)["totals"][0]
        print("the copy has what was posted before it:", 50 <= kept <= posted)
        print("its debits are its credits:", total["debit"] == total["credit"] == str(kept))
        restored.post("DEPOSIT")
        print("and it goes on:", restored.info()["transactions"] == kept + 1)
    with sqlite3.connect(copy) as connection:
        print("integrity:", connection.execute("PRAGMA integrity_check").fetchone()[0])
    connection.close()
