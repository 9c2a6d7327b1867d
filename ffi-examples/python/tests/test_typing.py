"""The types: mypy, strict, and pyright find nothing in the package, in the samples and in typed.py; and the methods are
as the library says."""
import json
import keyword
import os
import pathlib
import re
import shutil
import subprocess
import sys
import typing
import unittest

from cala import documents, operations
from cala._library import load

HERE = pathlib.Path(__file__).resolve().parents[1]
HOME = HERE.parents[1] / "build" / "ffi" / "python"


class TypingTest(unittest.TestCase):
    def check(self, *command, says, **environment):
        ran = subprocess.run([sys.executable, "-m", *command], cwd=HERE, env={**os.environ, **environment},
                             capture_output=True,
                             text=True, timeout=300)
        self.assertEqual(0, ran.returncode, ran.stdout + ran.stderr)
        self.assertIn(says, ran.stdout)

    def test_mypy_strict(self):
        self.check("mypy", "--cache-dir", str(HOME / "mypy"), says="no issues found in ")

    @unittest.skipUnless(shutil.which("node"), "pyright needs node, which is not there")
    def test_pyright(self):
        self.check("pyright", "--pythonpath", sys.executable, says="0 errors, 0 warnings",
                   PYRIGHT_PYTHON_GLOBAL_NODE="1", PYRIGHT_PYTHON_CACHE_DIR=str(HOME / "pyright"),
                   PYRIGHT_PYTHON_IGNORE_WARNINGS="1")


class Recorder(operations.OwnTransactionPlace):
    """A place where nothing runs: it gives the request, and which key of the answer is wanted."""

    _listing = staticmethod(lambda place, name, request: place.call(name, request, "items"))

    def call(self, operation, request, gives=None):
        return operation, request, gives


class ContractTest(unittest.TestCase):
    """What methods do, against what the loaded library says of its operations."""

    @classmethod
    def setUpClass(cls):
        cls.contract = json.loads(load().cala_api())
        cls.methods = json.loads((HERE / "coverage.json").read_text(encoding="utf-8"))

    def test_every_noun_is_reached_from_a_place(self):
        for noun in {method.partition(".")[0] for method in self.methods.values()}:
            made = getattr(operations, noun, None)
            if made is None or not issubclass(made, operations._Noun):
                continue
            name = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", noun).lower()
            self.assertIs(made, type(getattr(Recorder(), name)), name)

    def keys(self, type):
        """{key: type} of a type of the contract."""
        if type["kind"] == "name":
            operation, dot, part = type["name"].partition(".")
            of = self.contract["operations"][operation][part] if dot else self.contract["types"][type["name"]]["type"]
            return self.keys(of)
        if type["kind"] == "object":
            return {field["key"]: field["type"] for field in type["fields"]}
        return {key: of for part in type["of"] for key, of in self.keys(part).items()}

    def test_every_method_sends_each_key_of_its_operation_and_reads_one_of_its_answer(self):
        for name, operation in self.contract["operations"].items():
            noun, method = self.methods[name].split(".")
            place = Recorder() if "Place" in noun else getattr(operations, noun)(Recorder())
            given = {key: {"list": [], "map": {}}.get(type["kind"], "x") for key,
                     type in self.keys(operation["request"]).items()}
            with self.subTest(name):
                sent, request, gives = getattr(place, method)(**{key + "_" * keyword.iskeyword(key): value for key,
                                                                 value in given.items()})
                self.assertEqual((name, given), (sent, request))
                self.assertTrue(gives is None or gives in self.keys(operation["result"]))

    def test_every_method_names_the_codes_of_its_operation(self):
        for name, operation in self.contract["operations"].items():
            noun, method = self.methods[name].split(".")
            told = re.findall(r"\b[a-z_]+\.[a-z_]+\b", documents.RAISES[name])
            with self.subTest(name):
                self.assertEqual(sorted(operation["errors"]), sorted(told))
                self.assertTrue(getattr(getattr(operations, noun), method).__doc__.endswith(documents.RAISES[name]))

    def test_the_codes_are_those_of_the_library_and_the_package_s_own(self):
        own = {"library.missing", "library.version", "ledger.loop", "tx.not_psycopg"}
        self.assertEqual({*self.contract["codes"], *own}, set(typing.get_args(documents.Code)))
