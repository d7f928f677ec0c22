#!/usr/bin/env python3
"""Fault injection on a whole system: booted with failslab= and its kin, or told by `fault`, the shell stays sound."""

import json
import pathlib
import re
import subprocess
import unittest

import paths  # noqa: F401
from strata import hosttest

IMAGE = pathlib.Path(__file__).resolve().parents[2] / "build" / "host" / "strata"
ENOMEM, EINVAL, ENOENT = 12, 22, 2
OPTIONS = {"failslab": "97", "fail_page_alloc": "97,100,0,-1", "fail_vmalloc": "7"}


def boot(lines, options, mem="256M"):
    """Asks each line in a tagged request; returns [(status, answer)], the exit status and all that was printed."""
    text = "".join(f"@q{i} {line}\n" for i, line in enumerate(lines))
    done = subprocess.run(
        [IMAGE, "--mem", mem, "--", "seed=1", *options], input=text, capture_output=True, text=True, timeout=120, check=False
    )
    answers = []
    for i in range(len(lines)):
        found = re.search(rf"^@q{i} begin\n(.*?)^@q{i} end (\d+)$", done.stdout, re.DOTALL | re.MULTILINE)
        answers.append((int(found[2]), found[1]) if found else (None, done.stdout[-500:]))
    return answers, done.returncode, done.stdout + done.stderr


def attributes(answer):
    return {entry["name"]: entry for entry in json.loads(answer)["attributes"]}


class Fault(unittest.TestCase):
    def test_each_attribute_and_all_together_leave_a_sound_system(self):
        cases = [[f"{name}={value}"] for name, value in OPTIONS.items()]
        cases.append([f"{name}={value}" for name, value in OPTIONS.items()])
        cases.append(["failslab=3", "fail_page_alloc=5", "fail_vmalloc=2", "slab_debug=FZPU", "page_poison=on"])
        work = ["alloc 0 -j", "alloc 4 -j", *["kmalloc 100 -j"] * 10, "kmalloc 20K -j", "vmalloc 64K -j", "vmalloc 5M huge -j",
                "mark", "diff -j", "slabinfo -j", "meminfo -j"] * 10
        for number in range(8):
            work += [f"cache create c{number} {100 * number + 8}", f"cache alloc c{number} 50 -j"]
        for options in cases:
            with self.subTest(options=options):
                answers, status, log = boot([*work, "verify", "fault -j"], options)
                self.assertEqual(status, 0, log[-2000:])
                for line, (line_status, answer) in zip(work, answers):
                    # What a refused `mark` or `cache create` should have made is not there.
                    allowed = (0, ENOMEM, ENOENT) if line.startswith(("diff", "cache alloc")) else (0, ENOMEM)
                    self.assertIn(line_status, allowed, f"{line}: {answer}")
                    self.assertEqual("error" in answer, bool(line_status), f"{line}: {answer}")
                self.assertIn(" 0 failed", answers[-2][1])
                for name, counts in attributes(answers[-1][1]).items():
                    self.assertEqual(counts["failed"] > 0, any(word.startswith(name + "=") for word in options), name)

    def test_stress_comes_through_with_refused_allocations(self):
        intervals = {"failslab": 13, "fail_page_alloc": 17, "fail_vmalloc": 7}
        options = [f"{name}={interval}" for name, interval in intervals.items()]
        answers, status, log = boot(["stress 2 seed=7", "verify", "fault -j"], options)
        self.assertEqual(status, 0, log[-2000:])
        self.assertEqual(answers[0][0], 0, answers[0][1])
        self.assertIn(" 0 failed", answers[1][1])
        for name, counts in attributes(answers[2][1]).items():
            self.assertGreater(counts["failed"], 10, name)
            self.assertEqual(counts["failed"], counts["calls"] // intervals[name], name)

    def test_with_every_allocation_failing_the_shell_still_answers(self):
        options = [f"{name}=1" for name in OPTIONS]
        lines = ["kmalloc 8", "alloc 0 -j", "vmalloc 4K", "cache create x 64 -j", "mark", "meminfo", "buddyinfo", "help",
                 "verify", "fault failslab 0", "fault fail_page_alloc 0", "fault fail_vmalloc 0", "kmalloc 8", "alloc 0",
                 "vmalloc 4K", "verify"]
        answers, status, _ = boot(lines, options)
        self.assertEqual(status, 0)
        self.assertEqual([answer[0] for answer in answers], [ENOMEM] * 5 + [0] * 11, answers)
        self.assertEqual(json.loads(answers[1][1]).keys(), {"error"})

    def test_failures_come_as_often_as_asked_and_stop(self):
        lines = ["fault failslab 3", *["kmalloc 64"] * 7, "fault -j",
                 "fault fail_page_alloc 2,100,0,2", *["alloc 0"] * 6, "fault -j"]
        answers, status, _ = boot(lines, [])
        statuses = [answer[0] for answer in answers]
        self.assertEqual(status, 0)
        self.assertEqual(statuses[1:8], [0, 0, ENOMEM, 0, 0, ENOMEM, 0])
        slab = attributes(answers[8][1])["failslab"]
        self.assertEqual((slab["interval"], slab["probability"], slab["space"], slab["times"]), (3, 100, 0, -1))
        self.assertEqual((slab["calls"], slab["failed"]), (7, 2))
        self.assertEqual(statuses[10:16], [0, ENOMEM, 0, ENOMEM, 0, 0])
        self.assertEqual(attributes(answers[16][1])["fail_page_alloc"]["times"], 0)

    def test_areas_fail_once_their_space_is_used_up(self):
        answers, status, _ = boot(["fault fail_vmalloc 1,100,10K", *["vmalloc 4K"] * 4, "fault"], [])
        self.assertEqual(status, 0)
        self.assertEqual([answer[0] for answer in answers[1:5]], [0, 0, ENOMEM, ENOMEM])  # 10 KiB are let through
        self.assertRegex(answers[5][1], r"fail_vmalloc +1 +100 +0 +-1 +2 +2\n")

    def test_bad_values_say_what_was_expected(self):
        lines = ["fault failslab x", "fault failslab 1,200 -j", "fault fail_page_alloc 1,2,3,4,5", "fault nonsense",
                 "fault failslab 1 2", "fault -j"]
        answers, status, log = boot(lines, ["failslab=often", "fail_page_alloc=", "fail_vmalloc"])
        self.assertEqual(status, 0)
        self.assertEqual([answer[0] for answer in answers], [EINVAL, EINVAL, EINVAL, ENOENT, EINVAL, 0])
        self.assertIn("expected INTERVAL[,PROBABILITY[,SPACE[,TIMES]]]", answers[0][1])
        self.assertIn('\\"1,200\\", expected INTERVAL', answers[1][1])
        self.assertIn("expected one that `fault` lists", answers[3][1])
        self.assertTrue(all(entry["interval"] == 0 for entry in attributes(answers[5][1]).values()))
        for word in "failslab=often", "fail_page_alloc=", "fail_vmalloc":
            self.assertRegex(log, rf"cmdline: {word}: expected INTERVAL")

    def test_probability_is_by_the_seed(self):
        lines = ["fault failslab 1,30", *["kmalloc 64"] * 60]
        first, second = boot(lines, [])[0], boot(lines, [])[0]
        statuses = [answer[0] for answer in first]
        self.assertEqual(statuses, [answer[0] for answer in second])
        self.assertTrue(5 < statuses.count(ENOMEM) < 35, statuses)


if __name__ == "__main__":
    hosttest.main()
