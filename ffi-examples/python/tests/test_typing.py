"""The types: mypy, strict, and pyright find nothing in the package, in the samples and in typed.py."""
import os
import pathlib
import shutil
import subprocess
import sys
import unittest

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
