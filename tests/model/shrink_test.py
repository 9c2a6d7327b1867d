#!/usr/bin/env python3
"""A failing seed is cut down to the steps that make it fail."""
import tempfile
import unittest

from make_traces import Play
from shrink import Shrink

FAILS_WHERE_A_JOURNAL_IS_LOCKED = ["sh", "-c", '! grep -q journal.locked "$CALA_MODEL_TRACES"/*.jsonl']


class ShrinkTest(unittest.TestCase):
    def test_few_steps_are_left_of_three_hundred(self):
        with tempfile.TemporaryDirectory() as folder:
            steps = Shrink(3, folder, FAILS_WHERE_A_JOURNAL_IS_LOCKED).fewest()
        self.assertIn(len(steps), range(2, 11))  # it takes two, and some may be there for what the others then choose
        self.assertIn("journal_lock", [line.get("op") for line in Play(3, steps).play()])

    def test_a_seed_that_does_not_fail_is_said_so(self):
        with tempfile.TemporaryDirectory() as folder:
            self.assertIsNone(Shrink(3, folder, ["true"]).fewest())

    def test_a_step_is_the_same_without_the_others(self):
        whole, alone = Play(5).play(), Play(5, range(1)).play()
        first = len(alone) - 4  # a wait for what follows and the balances of three journals end it
        self.assertEqual(alone[:first], whole[:first])


if __name__ == "__main__":
    unittest.main()
