"""The samples print what ../samples/ has, in memory and on PostgreSQL, there twice."""
import pathlib
import subprocess
import sys
import unittest

from .support import POSTGRES, needs_postgres

HERE = pathlib.Path(__file__).resolve().parents[1]
EXPECTED = HERE.parent / "samples"
ON_POSTGRES_ONLY = {"two_phase"}


class SampleTest(unittest.TestCase):
    maxDiff = None

    def check(self, *arguments):
        samples = {path.stem.replace("-", "_"): path for path in sorted(EXPECTED.glob("*.txt"))}
        for name, expected in {**samples, "basic_asyncio": samples["basic"]}.items():
            if name in ON_POSTGRES_ONLY and not arguments:
                continue
            with self.subTest(name):
                ran = subprocess.run([sys.executable, "-m", f"samples.{name}", *arguments], cwd=HERE,
                                     capture_output=True,
                                     text=True, timeout=120)
                self.assertEqual((0, expected.read_text(encoding="utf-8")), (ran.returncode, ran.stdout), ran.stderr)

    def test_without_a_server(self):
        self.check()

    def test_quick_start(self):
        ran = subprocess.run([sys.executable, "-m", "samples.quick_start"], cwd=HERE, capture_output=True, text=True,
                             timeout=120)
        self.assertEqual((0, "Alice has 100.00 USD\n"), (ran.returncode, ran.stdout), ran.stderr)

    @needs_postgres
    def test_on_postgres_again_and_again(self):
        self.check(POSTGRES)
        self.check(POSTGRES)
