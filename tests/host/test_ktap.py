#!/usr/bin/env python3
"""The KTAP parser: what it must count, and what it must refuse."""

import unittest

import paths  # noqa: F401
from strata import hosttest, ktap

GOOD = """\
[    0.001000] strata: booting
KTAP version 1
1..2
  KTAP version 1
  # Subtest: buddy
  1..3
  ok 1 split
  # tests/mm/test_buddy.c:12: a == b: 0x1, 0x2
  not ok 2 merge
  ok 3 numa # SKIP one node
not ok 1 buddy
[    0.200000] mm: a log line between results
  KTAP version 1
  1..1
  ok 1 - colour
ok 2 slab
"""


def suite(*lines, plan=None):
    """A document of one suite that consists of these result lines."""
    planned = len(lines) if plan is None else plan
    inner = "".join(f"  {line}\n" for line in lines)
    word = "not ok" if any(line.startswith("not ok") for line in lines) else "ok"
    return f"KTAP version 1\n1..1\n  KTAP version 1\n  1..{planned}\n{inner}{word} 1 s\n"


class Ktap(unittest.TestCase):
    def errors(self, text):
        return " / ".join(ktap.parse(text).errors)

    def test_nested_log_is_counted_by_its_leaves(self):
        report = ktap.parse(GOOD)
        self.assertEqual(report.errors, [])
        self.assertEqual((report.passed, report.failed, report.skipped), (2, 1, 1))
        self.assertEqual([name for name, _ in report.cases()], ["buddy.split", "buddy.merge", "buddy.numa", "slab.colour"])

    def test_crlf_makes_no_difference(self):
        self.assertEqual(ktap.parse(GOOD.replace("\n", "\r\n")), ktap.parse(GOOD))

    def test_failure_keeps_the_lines_before_it(self):
        text = "\n".join(ktap.describe(ktap.parse(GOOD)))
        self.assertIn("FAILED buddy.merge", text)
        self.assertIn("test_buddy.c:12: a == b", text)
        self.assertIn("skipped buddy.numa: one node", text)

    def test_prefix_of_the_version_line_is_cut_everywhere(self):
        lines = [f"<6>: {line}" for line in "KTAP version 1\n1..1\nok 1 a".split("\n")]
        report = ktap.parse("\n".join(lines))
        self.assertEqual((report.passed, report.errors), (1, []))

    def test_no_ktap_is_an_error(self):
        self.assertIn("no KTAP", self.errors("hello\n"))

    def test_unknown_version_is_an_error(self):
        self.assertIn("version 2", self.errors("KTAP version 2\n1..1\nok 1 a\n"))

    def test_missing_plan_is_an_error(self):
        self.assertIn("plan", self.errors("KTAP version 1\nok 1 a\n"))
        self.assertIn("no plan", self.errors("KTAP version 1\n1..1\n  KTAP version 1\nok 1 s\n"))

    def test_late_and_second_plans_are_errors(self):
        self.assertIn("after results", self.errors("KTAP version 1\nok 1 a\n1..1\n"))
        self.assertIn("second plan", self.errors("KTAP version 1\n1..1\n1..1\nok 1 a\n"))

    def test_fewer_or_more_results_than_planned_are_errors(self):
        self.assertIn("2 results planned, 1 seen", self.errors("KTAP version 1\n1..2\nok 1 a\n"))
        self.assertIn("3 results planned, 1 seen", self.errors(suite("ok 1 a", plan=3)))
        self.assertIn("1 results planned, 2 seen", self.errors(suite("ok 1 a", "ok 2 b", plan=1)))

    def test_numbers_must_count_up_from_one(self):
        self.assertIn("number 2 where 1", self.errors(suite("ok 2 a")))
        self.assertIn("number 1 where 2", self.errors(suite("ok 1 a", "ok 1 b")))

    def test_output_that_ends_inside_a_subtest_is_an_error_and_counts_what_ran(self):
        report = ktap.parse("KTAP version 1\n1..1\n  KTAP version 1\n  1..3\n  ok 1 a\n  not ok 2 b\n")
        self.assertIn("ends inside a subtest, after 2 of 3", " ".join(report.errors))
        self.assertEqual((report.passed, report.failed), (1, 1))

    def test_parent_must_agree_with_its_children(self):
        good = suite("not ok 1 a")
        self.assertEqual(self.errors(good), "")
        self.assertIn("passes with a failed case", self.errors(good.replace("not ok 1 s", "ok 1 s")))
        self.assertIn("fails without", self.errors(suite("ok 1 a").replace("\nok 1 s", "\nnot ok 1 s")))

    def test_wrong_indentation_is_an_error(self):
        self.assertIn("wrong depth", self.errors("KTAP version 1\n1..1\n   ok 1 a\nok 1 a\n"))
        self.assertIn("wrong depth", self.errors("KTAP version 1\n1..1\n    KTAP version 1\nok 1 a\n"))

    def test_directives(self):
        report = ktap.parse(suite("ok 1 a # SKIP no node", "ok 2 b # TODO later"))
        self.assertEqual((report.passed, report.skipped, report.errors), (1, 1, []))
        report = ktap.parse("KTAP version 1\n1..2\nnot ok 1 a # TIMEOUT 5 s\nnot ok 2 b # XFAIL known\n")
        self.assertEqual((report.failed, report.passed, report.errors), (1, 1, []))
        self.assertIn("TIMEOUT with ok", self.errors("KTAP version 1\n1..1\nok 1 a # TIMEOUT\n"))

    def test_result_after_the_end_is_an_error(self):
        self.assertIn("1 results planned, 2 seen", self.errors("KTAP version 1\n1..1\nok 1 a\nok 2 b\n"))


if __name__ == "__main__":
    hosttest.main()
