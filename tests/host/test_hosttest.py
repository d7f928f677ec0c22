#!/usr/bin/env python3
"""The runner of the tests on the host side: each planned case has a result, and none that ended early is ok."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

import paths  # noqa: F401
from strata import hosttest, ktap

HEAD = f"""
import os, sys, unittest
sys.dont_write_bytecode = True
sys.path[:0] = {[str(path) for path in (pathlib.Path(hosttest.__file__).parents[1], pathlib.Path(__file__).parent)]!r}
from strata import hosttest
"""
TAIL = "\nhosttest.main()\n"
# The first class passes: what becomes of the second must not be hidden by it.
CASES = """
class First(unittest.TestCase):
    def test_a(self): pass
class Second(unittest.TestCase):
{extra}
    def test_b(self): {body}
    def test_c(self): pass
"""
SET_UP = "    @classmethod\n    def setUpClass(cls): {}"


class Hosttest(unittest.TestCase):
    def run_script(self, body="pass", extra="", arguments=()):
        """(exit status, report) of a script with three cases."""
        with tempfile.TemporaryDirectory() as scratch:
            path = pathlib.Path(scratch) / "test_example.py"
            path.write_text(HEAD + CASES.format(body=body, extra=extra) + TAIL, encoding="utf-8")
            done = subprocess.run([sys.executable, path, *arguments], capture_output=True, text=True, timeout=60, check=False)
        self.output = done.stdout + done.stderr
        return done.returncode, ktap.parse(done.stdout)

    def verdicts(self, report):
        return {name.split(".")[-1]: "skip" if case.skipped else "ok" if case.ok else "not ok" for name, case in report.cases()}

    def assert_verdicts(self, status, errors=(), **expected):
        got, report = self.result
        self.assertEqual((got, report.errors, self.verdicts(report)), (status, list(errors), expected), self.output)

    def test_good_cases_are_ok(self):
        self.result = self.run_script()
        self.assert_verdicts(0, a="ok", b="ok", c="ok")

    def test_failing_case_is_not_ok(self):
        self.result = self.run_script("self.fail('x')")
        self.assert_verdicts(1, a="ok", b="not ok", c="ok")

    def test_words_select_cases(self):
        self.result = self.run_script("self.fail('x')", arguments=["test_c"])
        self.assert_verdicts(0, c="ok")

    def test_case_that_leaves_is_not_ok(self):
        self.result = self.run_script("sys.exit(0)")
        self.assert_verdicts(1, a="ok", b="not ok", c="ok")

    def test_skipped_case_says_why(self):
        self.result = self.run_script("self.skipTest('no moon')")
        self.assert_verdicts(0, a="ok", b="skip", c="ok")
        self.assertIn("# SKIP no moon", self.output)

    def test_every_case_of_a_skipped_class_is_skipped(self):
        self.result = self.run_script(extra=SET_UP.format("raise unittest.SkipTest('no sun')"))
        self.assert_verdicts(0, a="ok", b="skip", c="skip")
        self.assertEqual(self.output.count("# SKIP no sun"), 2)

    def test_every_case_of_a_class_that_fails_to_start_fails(self):
        self.result = self.run_script(extra=SET_UP.format("raise OSError('no stars')"))
        self.assert_verdicts(1, a="ok", b="not ok", c="not ok")
        self.assertIn("OSError: no stars", self.output)

    def test_class_that_fails_to_end_fails_the_suite(self):
        self.result = self.run_script(extra=SET_UP.replace("setUp", "tearDown").format("raise OSError('no end')"))
        status, report = self.result
        self.assertEqual(status, 1, self.output)
        self.assertIn("OSError: no end", self.output)
        self.assertTrue(report.errors, "a suite that fails without a failed case")

    def test_process_that_ends_in_the_middle_is_no_success(self):
        status, report = self.run_script("os._exit(0)")
        self.assertEqual(status, 0)
        self.assertIn("ends inside a subtest, after 1 of 3", " ".join(report.errors))

    def test_interrupt_in_the_middle_is_no_success(self):
        status, report = self.run_script("raise KeyboardInterrupt")
        self.assertNotEqual(status, 0)
        self.assertTrue(report.errors, self.output)


if __name__ == "__main__":
    hosttest.main()
