"""What the tests share: stores, a ledger with a journal and a tx template, an accounts' way to be new."""
import os
import tempfile
import unittest
import uuid

import cala

POSTGRES = os.environ.get("CALA_TEST_POSTGRES")
PGBOUNCER = os.environ.get("CALA_TEST_PGBOUNCER")
needs_postgres = unittest.skipUnless(POSTGRES, "CALA_TEST_POSTGRES is not set")
needs_pgbouncer = unittest.skipUnless(PGBOUNCER, "CALA_TEST_PGBOUNCER is not set")

DEPOSIT = {
    "code": "DEPOSIT",
    "params": [*({"name": name, "type": "uuid"} for name in ("journal", "cash", "account")),
               {"name": "amount", "type": "decimal"}],
    "transaction": {"effective": "date()", "journal_id": "params.journal"},
    "entries": [
        {"entry_type": "'CASH'", "account_id": "params.cash", "layer": "SETTLED", "direction": "DEBIT",
         "units": "params.amount", "currency": "'USD'"},
        {"entry_type": "'DEPOSIT'", "account_id": "params.account", "layer": "SETTLED", "direction": "CREDIT",
         "units": "params.amount", "currency": "'USD'"}],
}


def suffix():
    return uuid.uuid4().hex[:12]


def new_schema():
    return f"cala_{suffix()}"


def new_file(case):
    """A path in a folder that is removed after the test or test class."""
    folder = tempfile.TemporaryDirectory()
    (case.addClassCleanup if isinstance(case, type) else case.addCleanup)(folder.cleanup)
    return os.path.join(folder.name, "ledger.db")


class Books:
    """A journal, a tx template and a cash account in a ledger, and postings to new accounts."""

    def __init__(self, ledger):
        self.ledger = ledger
        self.journal = ledger.journals.create(name="main")["id"]
        ledger.tx_templates.create(**DEPOSIT)
        self.cash = self.account()

    def account(self):
        return self.ledger.accounts.create(code=f"A{suffix()}", name="an account")["id"]

    def params(self, account, amount="10.00"):
        return {"journal": self.journal, "cash": self.cash, "account": account, "amount": amount}

    def key(self, account):
        return {"journal_id": self.journal, "account_id": account, "currency": "USD"}

    def net(self, account, place=None):
        """What the ledger's own connection sees, as text; None when there is no balance."""
        found = (place or self.ledger).balances.find_many([self.key(account)])
        return found[0]["settled"]["net"] if found else None
