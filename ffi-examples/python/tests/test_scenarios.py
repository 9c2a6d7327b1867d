"""The scenario files that every binding runs, through call; ../../../tests/scenarios/README.md describes them."""
import json
import pathlib
import re
import unittest

import cala
from cala import raw
from cala._library import load

from .support import POSTGRES, needs_postgres, new_schema

FOLDER = pathlib.Path(__file__).resolve().parents[3] / "tests" / "scenarios"
FEWEST = 103
ABSENT = object()
STATES = {"usable": raw.CALA_TX_USABLE, "aborted": raw.CALA_TX_ABORTED, "retry": raw.CALA_TX_RETRY}


def lines_of(name):
    """A file's lines (place, text) without comments, continuations joined, includes in place."""
    lines = []
    for number, text in enumerate(FOLDER.joinpath(name).read_text(encoding="utf-8").split("\n"), 1):
        if not text or text.startswith("#"):
            continue
        if text.startswith(" ") and lines:
            lines[-1][1] += " " + text.lstrip(" ")
        else:
            lines.append([f"{name}:{number}", text])
    for line in lines:
        yield from lines_of(line[1][8:]) if line[1].startswith("include ") else [line]


def scenarios():
    """(title, lines) of every scenario but those that except this wrapper, which are given apart."""
    found = []
    for path in sorted(FOLDER.glob("*.txt")):
        lines = None  # of the scenario that is being read; a file without one is there to be included
        for place, text in lines_of(path.name):
            if text.startswith("scenario "):
                found.append((text[9:], lines := []))
            elif lines is not None:
                lines.append((place, text))
    told, left_out = [], []
    for title, lines in found:
        word, _, rest = lines[0][1].partition(" ")
        hosts, _, reason = rest.partition(": ")
        excepted = word == "except" and "python" in hosts.split()
        (left_out if excepted else told).append((title, lines[1:] if word == "except" else lines))
    return told, left_out


def mismatch(wanted, found, at=""):
    """Where an answer is not as it should be; None when it is."""
    if wanted is None:
        return None if found is None or found is ABSENT else f"{at} should be absent"
    if wanted == "*":
        return f"{at} is not there" if found is ABSENT else None
    if isinstance(wanted, dict) and isinstance(found, dict):
        return next((wrong for key, value in wanted.items()
                     if (wrong := mismatch(value, found.get(key, ABSENT), f"{at}/{key}"))), None)
    if isinstance(wanted, list) and isinstance(found, list):
        if len(wanted) != len(found):
            return f"{at} has {len(found)} items"
        return next((wrong for index, pair in enumerate(zip(wanted, found))
                     if (wrong := mismatch(*pair, f"{at}/{index}"))), None)
    same = wanted == found and isinstance(wanted, bool) == isinstance(found, bool)
    return None if same else f"{at} should be {wanted!r}, not {found!r}"


class Story:
    """One scenario's run."""

    def __init__(self, ledger):
        self.ledger = ledger
        self.tx = None
        self.names = {}
        self.result = self.refusal = self.counts = None
        self.checked = True

    def place(self):
        return self.tx or self.ledger

    def count(self):
        return {key: value for key, value in self.place().info().items() if key != "now"}

    def name(self, match):
        return self.names[match[1]]

    def read(self, line):
        """Does what a line says, and gives what is wrong, if anything."""
        word, _, rest = re.sub(r"\$\{([^}]*)\}", self.name, line).partition(" ")
        first, _, more = rest.partition(" ")
        more = more.lstrip(" ")
        if word == "ok":
            self.checked = True
            return f"refused: {self.refusal}" if self.refusal else self.compare(rest, self.result)
        if word == "error":
            self.checked = True
            if self.refusal is None or self.refusal["code"] != first:
                return f"not refused with {first}: {self.refusal or self.result}"
            return "refused and yet written" if self.count() != self.counts else self.compare(more, self.refusal)
        if not self.checked:
            return "the answer before this line is not checked"
        if word == "do":
            self.keep(lambda: self.place().call(first, json.loads(more)))
        elif word == "clock":
            self.keep(lambda: {"set": self.ledger.clock_set,
                               "advance": lambda by: self.ledger.clock_advance(int(by))}[first](more) or {})
        elif word == "set":
            self.names[first] = more
        elif word == "take":
            value = self.result
            for key in more.split("/")[1:]:
                value = value[int(key) if isinstance(value, list) else key]
            self.names[first] = str(value)
        elif word == "begin":
            self.tx = self.ledger.begin()
        elif word in ("commit", "rollback"):
            getattr(self.tx, word)()
            self.tx = None
        else:
            return f"no line begins with {word}"
        return None

    def keep(self, work):
        self.counts, self.checked = self.count(), False
        self.result = self.refusal = None
        try:
            self.result = work()
        except cala.Error as error:
            self.refusal = {"status": load().cala_status_name(error.status).decode(), "code": error.code,
                            "message": error.message,
                            "retryable": error.retryable, "sqlstate": error.sqlstate,
                            "tx_state": STATES[error.tx_state],
                            "posting_index": -1 if error.posting_index is None else error.posting_index,
                            "details": error.details}

    @staticmethod
    def compare(expected, document):
        wrong = mismatch(json.loads(expected), document) if expected else None
        return wrong and f"{wrong}\nin {document}"


class ScenarioTest(unittest.TestCase):
    def check(self, config):
        told, left_out = scenarios()
        self.assertGreaterEqual(len(told), FEWEST)
        self.assertEqual(["Fractions in a param of type json are kept exactly"], [title for title, _ in left_out])
        for title, lines in told:
            with self.subTest(title), cala.Ledger(**config(), migrate=True,
                                                  clock={"manual": "2026-01-01T00:00:00Z"}) as ledger:
                story = Story(ledger)
                for place, text in lines:
                    wrong = story.read(text)
                    self.assertFalse(wrong, f"{place}: {text}\n{wrong}")
                self.assertTrue(story.checked, "the last answer is not checked")

    def test_the_scenarios_hold_on_sqlite(self):
        self.check(lambda: {"store": "sqlite::memory:"})

    @needs_postgres
    def test_the_scenarios_hold_on_postgres(self):
        self.check(lambda: {"store": POSTGRES, "schema": new_schema(), "pool": {"max": 2}})
