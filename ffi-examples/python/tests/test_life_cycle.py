"""What happens to processes around a ledger: each case in a process of its own, CALA_RUNS times (20)."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

RUNS = int(os.environ.get("CALA_RUNS", "20"))
HERE = pathlib.Path(__file__).resolve().parents[1]


class LifeCycleTest(unittest.TestCase):
    def check(self, name, says=""):
        for _ in range(RUNS):
            with tempfile.TemporaryDirectory() as folder:
                ran = subprocess.run([sys.executable, "-m", "tests.life", name, folder], cwd=HERE, capture_output=True,
                                     text=True,
                                     timeout=120)
                self.assertEqual((0, says), (ran.returncode, ran.stdout), ran.stderr)

    def test_exit_with_work_in_flight(self):
        self.check("exit_with_work_in_flight")

    def test_exit_without_close(self):
        self.check("exit_without_close")

    def test_close_while_busy(self):
        self.check("close_while_busy")

    def test_collection_under_stress(self):
        self.check("collection_under_stress")

    def test_collection_with_a_logger_at_work(self):
        self.check("collection_in_a_logger")
        self.check("collection_by_the_reader")
        self.check("close_by_the_reader")

    def test_collection_of_a_place_in_use(self):
        self.check("collection_of_a_place_in_use")

    def test_exit_tells_the_log(self):
        self.check("exit_tells_the_log", "operation.slow\n")

    def test_finalizer_after_close(self):
        self.check("finalizer_after_close")

    def test_fork_with_an_open_ledger(self):
        self.check("fork_with_an_open_ledger")
        self.check("fork_with_an_open_async_ledger")

    def test_threads_share_a_ledger(self):
        self.check("threads_share_a_ledger")

    def test_a_throwing_handler(self):
        self.check("a_throwing_handler")

    def test_library_missing(self):
        self.check("library_missing")

    def test_another_library(self):
        self.check("another_library")
        self.check("older_library")
