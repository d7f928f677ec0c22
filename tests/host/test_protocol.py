#!/usr/bin/env python3
"""The shootdown protocol under the model checker Spin: no stale translation, no deadlock, in any interleaving.

Then the model without one step of the protocol, for each step in turn: Spin must find what goes wrong, and of which kind it
is. A model in which nothing can go wrong would prove nothing.
"""

import pathlib
import re
import subprocess
import tempfile
import unittest

import paths  # noqa: F401
from strata import hosttest

MODEL = pathlib.Path(__file__).resolve().parents[1] / "model" / "tlb.pml"
SECONDS = 600
# Only safety is asked for, so no cycles are looked for; `provided` needs every order of steps to be tried.
CHECKER = ["gcc", "-w", "-DSAFETY", "-DNOREDUCE", "-DCOLLAPSE", "-o", "pan", "pan.c"]
WHOLE = ["-O2"]
MISTAKES_FIRST = ["-O0", "-DT_REVERSE", "-DP_REVERSE"]  # a mistake is met sooner from the other end

STALE, DEADLOCK = "assertion violated", "invalid end state"
BROKEN = {
    "SKIP_SLEEPERS": STALE,
    "NO_FLUSH_ON_WAKE": STALE,
    "NO_WAKE_IN_INTERRUPT": STALE,
    "WAKE_AFTER_HANDLER": STALE,
    "FLUSH_BEFORE_STATE": STALE,
    "LOOK_BEFORE_CLEAR": STALE,
    "FREE_BEFORE_FLUSH": STALE,
    "NO_WAIT": STALE,
    "ANSWER_BEFORE_FLUSH": STALE,
    "WAIT_WITH_IRQS_OFF": DEADLOCK,
    "HOLD_IRQS_OFF_LOCK": DEADLOCK,
    "SPIN_WITH_IRQS_OFF": DEADLOCK,
}


def check(*macros, search=MISTAKES_FIRST):
    """What the checker prints about the model with these macros."""
    with tempfile.TemporaryDirectory() as where:
        def run(*command):
            done = subprocess.run(command, cwd=where, capture_output=True, text=True, timeout=SECONDS, check=False)
            if done.returncode:
                raise AssertionError(f"{' '.join(map(str, command))}: status {done.returncode}\n{done.stdout}{done.stderr}")
            return done.stdout

        run("spin", *(f"-D{macro}" for macro in macros), "-a", MODEL)
        run(*CHECKER, *search)
        return run("./pan", "-m1000000")


class Protocol(unittest.TestCase):
    def test_shootdown_leaves_no_stale_translation_and_no_deadlock(self):
        out = check(search=WHOLE)
        self.assertIn("errors: 0", out)
        self.assertNotIn("max search depth too small", out)
        self.assertGreater(int(re.search(r"(\d+) states, stored", out)[1]), 1000000, "the model does next to nothing")
        self.assertEqual(set(re.findall(r'state \d+, "(.*)"', out)), {"-end-"}, "a step is never taken")

    def test_each_step_is_needed(self):
        for macro, error in BROKEN.items():
            with self.subTest(macro):
                self.assertIn(macro, MODEL.read_text(encoding="utf-8"))
                out = check(macro)
                self.assertIn("errors: 1", out)
                self.assertIn(error, out)


if __name__ == "__main__":
    hosttest.main()
