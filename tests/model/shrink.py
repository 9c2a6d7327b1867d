#!/usr/bin/env python3
"""shrink.py SEED FOLDER COMMAND...: the fewest steps of a seed with which COMMAND still fails.

COMMAND finds the trace in FOLDER, which is CALA_MODEL_TRACES to it. What is left stands in FOLDER at the end."""
import os
import subprocess
import sys

from make_traces import STEPS, Play, empty_folder, write


class Shrink:
    def __init__(self, seed, folder, command):
        self.seed, self.folder, self.command = seed, folder, command

    def fails(self, steps):
        try:
            lines = Play(self.seed, steps).play()
        except (IndexError, KeyError):  # the model itself needs a step that was left out
            return False
        empty_folder(self.folder)
        write(self.folder, self.seed, lines)
        environment = {**os.environ, "CALA_MODEL_TRACES": os.path.abspath(self.folder)}
        return subprocess.run(self.command, env=environment, stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode != 0

    def without_parts(self, steps, size):
        """Leaves out whatever can be left out in parts of this size."""
        at = 0
        while at < len(steps):
            fewer = steps[:at] + steps[at + size:]
            if self.fails(fewer):
                steps = fewer
            else:
                at += size
        return steps

    def fewest(self):
        steps, size = list(range(STEPS)), STEPS // 2
        if not self.fails(steps):
            return None
        while size > 0:
            before, steps = steps, self.without_parts(steps, size)
            print(f"{len(steps)} steps still fail", file=sys.stderr)
            size = size if len(steps) < len(before) else size // 2
        self.fails(steps)  # so that the folder has it
        return steps


def main():
    seed, folder, command = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
    steps = Shrink(seed, folder, command).fewest()
    if steps is None:
        sys.exit(f"seed {seed} does not fail")
    print(f"seed {seed} fails with the steps {steps}; see {folder}/model-{seed}.jsonl")


if __name__ == "__main__":
    main()
