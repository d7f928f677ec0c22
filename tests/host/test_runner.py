#!/usr/bin/env python3
"""The test of the test driver: whatever a kernel does wrong, the run must turn red, and say why.

Small made-up kernels print and end in every way there is; the real one then shows a reset and a hang.
"""

import contextlib
import io
import os
import pathlib
import subprocess
import tempfile
import unittest

import fake_kernel
import paths  # noqa: F401
from strata import console, hosttest, ktap, patience, qemu

PORTS = ("x86_64",)
GOOD = "KTAP version 1\n1..1\n  KTAP version 1\n  # Subtest: s\n  1..2\n  ok 1 a\n  ok 2 b\nok 1 s\n"
FAILING = GOOD.replace("ok 2 b", "not ok 2 b").replace("\nok 1 s", "\nnot ok 1 s")
NO_PLAN = GOOD.replace("  1..2\n", "")
CUT = GOOD.replace("  ok 2 b\nok 1 s\n", "")
PANIC = GOOD.replace("  ok 2 b\nok 1 s\n", "BUG mm/slab.c:1 kfree: double free\n")


class Runner(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.scratch = tempfile.TemporaryDirectory(prefix="strata-")
        cls.addClassCleanup(cls.scratch.cleanup)
        cls.matrix = hosttest.load_tool("test-matrix")
        cls.matrix.LOGS = pathlib.Path(cls.scratch.name)

    def kernel(self, text, ending):
        path = os.path.join(self.scratch.name, f"{abs(hash((text, ending)))}.elf")
        pathlib.Path(path).write_bytes(fake_kernel.image(text, ending))
        return qemu.Config(mem="32M", smp="1", image=path, cmdline="test")

    def run_qemu(self, text, ending, seconds=60, *variables):
        config = self.kernel(text, ending)
        done = subprocess.run(
            [qemu.ROOT / "tools" / "run-qemu", f"IMAGE={config.image}", "MEM=32M", "CMDLINE=test", f"TIMEOUT={seconds}", *variables],
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stderr

    def matrix_run(self, *jobs):
        """(exit status, whole output) of the driver."""
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            status = self.matrix.run_all(jobs, 1)
        return status, out.getvalue()

    def assert_red(self, text, ending, why, last_line):
        self.matrix.SUITE_SECONDS = 3 if ending == "hang" else 60
        status, output = self.matrix_run(self.matrix.suite_job(self.kernel(text, ending)))
        self.assertEqual(status, 1, output)
        self.assertIn(why, output)
        self.assertEqual(output.rstrip().split("\n")[-1], last_line)

    def test_run_qemu_status_of_each_end(self):
        for text, ending, status, word in (
            (GOOD, 0, 0, "success"),
            (FAILING, 1, 1, "test"),
            (PANIC, 2, 2, "panic"),
            (CUT, "triple-fault", 3, "triple fault"),
            (CUT, "reset", 3, "reset"),
            (CUT, 0, 5, "plan"),
            (NO_PLAN, 0, 5, "plan"),
            ("", 0, 5, "no KTAP"),
            (FAILING, 0, 1, "KTAP says failure"),
            (GOOD, 3, 3, "the kernel ended with 3"),
            (GOOD, 42, 42, "the kernel ended with 42"),
        ):
            with self.subTest(ending=ending, status=status):
                got, said = self.run_qemu(text, ending)
                self.assertEqual(got, status, said)
                self.assertIn(word, said)

    def test_run_qemu_ends_a_hang_at_the_time_limit(self):
        got, said = self.run_qemu(GOOD, "hang", seconds=2)
        self.assertEqual(got, 4, said)
        self.assertIn("time limit", said)

    def test_run_qemu_shows_at_the_time_limit_what_qemu_said(self):
        got, said = self.run_qemu(GOOD, "hang", 2, "CPU=qemu64,+vmx")  # which QEMU warns of
        self.assertEqual(got, 4, said)
        self.assertRegex(said, r"time limit was reached; QEMU said: .*vmx")

    def test_run_qemu_tells_a_broken_qemu_from_the_kernel(self):
        done = subprocess.run(
            [qemu.ROOT / "tools" / "run-qemu", "IMAGE=/nonexistent"], capture_output=True, text=True, check=False
        )
        self.assertEqual(done.returncode, 125, done.stderr)

    def test_good_run_is_green(self):
        status, output = self.matrix_run(self.matrix.suite_job(self.kernel(GOOD, 0)))
        self.assertEqual(status, 0, output)
        self.assertEqual(output.rstrip().split("\n")[-1], "2 passed, 0 failed, 0 skipped")

    def test_skips_are_counted_and_their_reasons_shown(self):
        text = GOOD.replace("ok 2 b", "ok 2 b # SKIP needs two nodes")
        status, output = self.matrix_run(self.matrix.suite_job(self.kernel(text, 0)))
        self.assertEqual(status, 0, output)
        self.assertIn("s.b: needs two nodes", output)
        self.assertEqual(output.rstrip().split("\n")[-1], "1 passed, 0 failed, 1 skipped")

    def test_failing_case_is_red(self):
        self.assert_red(FAILING, 1, "FAILED s.b", "1 passed, 1 failed, 0 skipped")

    def test_failing_case_is_red_even_if_the_kernel_says_success(self):
        self.assert_red(FAILING, 0, "FAILED s.b", "1 passed, 1 failed, 0 skipped")

    def test_failure_status_is_red_even_if_every_case_passed(self):
        self.assert_red(GOOD, 1, "a test or a command failed", "2 passed, 1 failed, 0 skipped")

    def test_panic_is_red(self):
        self.assert_red(PANIC, 2, "panicked", "1 passed, 1 failed, 0 skipped")

    def test_triple_fault_is_red(self):
        self.assert_red(CUT, "triple-fault", "triple fault", "1 passed, 1 failed, 0 skipped")

    def test_hang_is_red(self):
        self.assert_red(CUT, "hang", "time limit", "1 passed, 1 failed, 0 skipped")

    def test_missing_plan_is_red(self):
        self.assert_red(NO_PLAN, 0, "no plan", "2 passed, 1 failed, 0 skipped")

    def test_no_output_is_red(self):
        self.assert_red("", 0, "no KTAP", "0 passed, 1 failed, 0 skipped")

    def test_nothing_run_is_red(self):
        self.assert_red("KTAP version 1\n1..0\n", 0, "", "0 passed, 1 failed, 0 skipped")
        self.assertEqual(self.matrix_run()[0], 1)

    def test_job_that_breaks_is_red(self):
        status, output = self.matrix_run(self.matrix.Job("host", "broken", lambda: 1 // 0))
        self.assertEqual(status, 1)
        self.assertIn("ZeroDivisionError", output)

    def test_command_without_an_end_is_red(self):
        self.matrix.HOST_SECONDS = 0.2
        status, output = self.matrix_run(self.matrix.command_job("check", "endless", ["sleep", "60"]))
        self.assertEqual(status, 1)
        self.assertIn("no output for 0.2 s", output)

    def test_expected_panic_needs_status_and_words(self):
        for text, ending, failed in ((PANIC, 2, 0), (PANIC, 0, 1), ("BUG other\n", 2, 1), (PANIC, "triple-fault", 1)):
            with self.subTest(text=text, ending=ending):
                job = self.matrix.panic_job("slab.double_free", "kfree: double free", self.kernel(text, ending))
                self.assertEqual(job.run().failed, failed)

    def test_two_runs_in_one_tree_are_refused(self):
        lock = self.matrix.alone()
        with lock, self.assertRaisesRegex(SystemExit, "another run is under way"):
            self.matrix.alone()
        self.matrix.alone().close()

    def test_a_seed_draws_the_same_machines_again(self):
        def draw(seed):
            return list(self.matrix.soak_machines(40, ["x86_64", "aarch64"], seed))

        self.assertEqual(draw(3), draw(3))
        self.assertNotEqual(draw(3), draw(4))

    def test_only_machines_that_qemu_makes_are_drawn(self):
        for config in self.matrix.soak_machines(500, ["x86_64", "aarch64"], 5):
            qemu.check(config)
        for cpu, mem in (("cortex-a72", "16T"), ("neoverse-n1", "256T"), ("max,lpa2=off", "256T")):
            with self.subTest(cpu=cpu), self.assertRaisesRegex(qemu.ConfigError, "expected at most"):
                qemu.check(qemu.Config(arch="aarch64", cpu=cpu, mem=mem))

    def test_the_slowest_cases_are_named(self):
        _, output = self.matrix_run(self.matrix.suite_job(self.kernel(GOOD, 0)))
        self.assertRegex(output, r"the slowest cases:\n +[0-9.]+ s  s\.[ab] ")

    def test_real_kernel_reset_is_status_3(self):
        outcome = qemu.run(qemu.Config(mem="64M", cmdline='cmd="crash reset" poweroff'), 60)
        self.assertEqual(outcome.status, qemu.RESET, outcome.output[-2000:])

    def test_real_kernel_hang_is_status_4(self):
        outcome = qemu.run(qemu.Config(mem="64M", cmdline='cmd="crash hang" poweroff'), 5)
        self.assertEqual(outcome.status, qemu.TIMEOUT, outcome.output[-2000:])
        self.assertIn("crash hang", outcome.output)

    def test_real_kernel_panic_is_status_2(self):
        with console.Console(qemu.Config(mem="64M")) as kernel:
            kernel.send("@p crash panic\r")
            outcome = kernel.wait_for_end()
        self.assertEqual(outcome.status, qemu.PANIC, outcome.output[-2000:])
        self.assertNotIn("@p end", outcome.output)


class Limits(unittest.TestCase):
    def patience(self, seconds, share):
        self.now = 0
        return patience.Patience(seconds, clock=lambda: self.now, share=lambda: share)

    def wait(self, limit, seconds):
        self.now += seconds
        return limit.over()

    def test_a_busy_machine_has_more_time(self):
        limit = self.patience(10, share=0.25)
        self.assertFalse(self.wait(limit, 39))
        self.assertTrue(self.wait(limit, 1))

    def test_output_renews_the_limit_but_not_for_ever(self):
        limit = self.patience(10, share=1)
        for _ in range(patience.TOTAL - 1):
            self.assertFalse(self.wait(limit, 9))
            limit.progress()
        self.assertTrue(self.wait(limit, 9) or self.wait(limit, 9))

    def test_a_deadline_holds_whatever_comes(self):
        limit = patience.Deadline(10)
        limit.clock, limit.at, self.now = lambda: self.now, 0, 0
        self.assertFalse(self.wait(limit, 9))
        limit.progress()
        self.assertTrue(self.wait(limit, 1))

    def test_a_cases_time_is_from_one_result_to_the_next(self):
        now = 0
        watch = ktap.Stopwatch(clock=lambda: now)
        for line in GOOD.splitlines(keepends=True):
            now += 1
            watch.feed(line[:4].encode())
            watch.feed(line[4:].encode())
        self.assertEqual(watch.seconds, {"s.a": 2, "s.b": 1})


if __name__ == "__main__":
    hosttest.main()
