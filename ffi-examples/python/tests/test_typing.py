"""The types: mypy, strict, and pyright find nothing in the package, in the samples and in typed.py; and they have the keys that the
library says."""
import json
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

from cala import documents as d
from cala._library import load

HERE = pathlib.Path(__file__).resolve().parents[1]
HOME = HERE.parents[1] / "build" / "ffi" / "python"


class TypingTest(unittest.TestCase):
    def check(self, *command, says, **environment):
        ran = subprocess.run([sys.executable, "-m", *command], cwd=HERE, env={**os.environ, **environment}, capture_output=True,
                             text=True, timeout=300)
        self.assertEqual(0, ran.returncode, ran.stdout + ran.stderr)
        self.assertIn(says, ran.stdout)

    def test_mypy_strict(self):
        self.check("mypy", "--cache-dir", str(HOME / "mypy"), says="no issues found in 2")

    @unittest.skipUnless(shutil.which("node"), "pyright needs node, which is not there")
    def test_pyright(self):
        self.check("pyright", "--pythonpath", sys.executable, says="0 errors, 0 warnings",
                   PYRIGHT_PYTHON_GLOBAL_NODE="1", PYRIGHT_PYTHON_CACHE_DIR=str(HOME / "pyright"), PYRIGHT_PYTHON_IGNORE_WARNINGS="1")


# The types of the contract, and the requests of operations less what the method's own parameters are.
TYPES = {"page": d.PageRequest, "account": d.Account, "journal": d.Journal, "param": d.Param, "template_transaction": d.TemplateTransaction,
         "template_entry": d.TemplateEntry, "tx_template": d.TxTemplate, "transaction": d.Transaction, "entry": d.Entry, "posted": d.Posted,
         "balance_key": d.BalanceKey, "layer_balance": d.LayerBalance, "balance": d.Balance, "available": d.Available}
KEY = {"journal_id", "account_id", "currency"}
REQUESTS = {"account_create": (d.NewAccount, set()), "account_find": (d.AccountKey, set()), "account_list": (d.AccountFilter, set()),
            "account_update": (d.AccountChanges, {"id"}), "journal_create": (d.NewJournal, set()), "journal_find": (d.Key, set()),
            "journal_list": (d.JournalFilter, set()), "journal_update": (d.JournalChanges, {"id"}),
            "tx_template_create": (d.NewTxTemplate, set()), "tx_template_find": (d.Key, set()), "tx_template_list": (d.PageRequest, set()),
            "transaction_post": (d.Posting, set()), "transaction_find": (d.TransactionKey, set()),
            "transaction_list": (d.TransactionFilter, set()), "entry_list": (d.EntryFilter, set()), "balance_find": (d.BalanceKey, set()),
            "balance_list": (d.PageRequest, {"journal_id", "account_ids"}), "balance_history": (d.PageRequest, KEY),
            "balance_at": (d.Moment, KEY), "cel_evaluate": (d.CelContext, {"expr"})}
ANSWERS = {"ledger_info": d.Info, "ledger_migrate": d.Migrated, "tx_exec": d.Rows}
NAMED = set("account_create_many account_find_many account_lock account_unlock journal_lock journal_unlock transaction_post_many "
            "transaction_find_many entry_find_many balance_find_many tx_lock_accounts tx_exec ledger_info ledger_migrate".split())


class ContractTest(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        cls.contract = json.loads(load().cala_api())

    def keys(self, type):
        """{key: whether it may be absent} of a type of the contract."""
        if type["kind"] == "name":
            known = self.contract["types"].get(type["name"])
            return self.keys(known["type"]) if known else {}
        if type["kind"] == "object":
            return {field["key"]: field["optional"] for field in type["fields"]}
        found = [self.keys(part) for part in type["of"]] if type["kind"] in ("all", "union") else []
        return {key: optional or type["kind"] == "union" for part in found for key, optional in part.items()}

    def test_every_type_has_the_keys_of_the_contract(self):
        named = {name for name, type in self.contract["types"].items() if self.keys(type["type"])}
        self.assertEqual(named - {"page_end"}, set(TYPES))
        for name, typed in TYPES.items():
            wanted = self.keys({"kind": "name", "name": name})
            with self.subTest(name):
                self.assertEqual(wanted, {key: key in typed.__optional_keys__ for key in typed.__annotations__})

    def test_every_request_has_the_keys_of_the_contract(self):
        operations = self.contract["operations"]
        self.assertEqual(set(operations), set(REQUESTS) | NAMED)
        for name, (typed, parameters) in REQUESTS.items():
            wanted = self.keys(operations[name]["request"])
            with self.subTest(name):
                self.assertLessEqual(parameters, set(wanted))
                self.assertEqual({key: optional for key, optional in wanted.items() if key not in parameters},
                                 {key.removesuffix("_"): key in typed.__optional_keys__ for key in typed.__annotations__})

    def test_every_answer_has_the_keys_of_the_contract(self):
        for name, typed in ANSWERS.items():
            with self.subTest(name):
                self.assertEqual(set(self.keys(self.contract["operations"][name]["result"])), set(typed.__annotations__))
