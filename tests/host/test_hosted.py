#!/usr/bin/env python3
"""The hosted build from outside: options, streams, statuses, the end of input."""

import json
import os
import pathlib
import subprocess
import unittest

import paths  # noqa: F401
from strata import hosttest

IMAGE = pathlib.Path(__file__).resolve().parents[2] / "build" / os.environ.get("STRATA_BUILD", "host") / "strata"


def strata(*arguments, text=""):
    return subprocess.run([IMAGE, *arguments], input=text, capture_output=True, text=True, timeout=60, check=False)


class Hosted(unittest.TestCase):
    def test_commands_answer_on_standard_output_and_log_on_standard_error(self):
        done = strata("-c", "version; verify")
        self.assertEqual(done.returncode, 0)
        self.assertTrue(done.stdout.startswith("Strata "), done.stdout)
        self.assertNotIn("strata>", done.stdout)
        self.assertNotIn("[  ", done.stdout)
        self.assertIn("Zone ranges:", done.stderr)

    def test_a_failing_command_is_status_1(self):
        self.assertEqual(strata("-c", "nonsense").returncode, 1)

    def test_a_panic_is_status_2_and_its_report_is_log(self):
        done = strata("-c", "crash null")
        self.assertEqual(done.returncode, 2)
        self.assertIn("panic: page fault: write to 0x0000000000000000 (null pointer)", done.stderr)
        self.assertIn("crash_null", done.stderr)

    def test_end_of_input_powers_off(self):
        done = strata(text="@one version\n")
        self.assertEqual(done.returncode, 0)
        self.assertIn("\n@one begin\n", done.stdout)
        self.assertIn("\n@one end 0\n", done.stdout)
        self.assertNotIn("\r\n", done.stdout)

    def test_wrong_options_name_what_was_expected(self):
        for arguments in (["--mem", "1X"], ["--mem"], ["--levels", "3"], ["--cpus", "0"], ["--cpus", "65"], ["--bogus"]):
            with self.subTest(arguments=arguments):
                done = strata(*arguments)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, r"^strata: .*(expected|no such option)")

    def test_nodes_are_as_their_words_say(self):
        done = strata("--nodes", "256M:0:10/15/40 0:1 512M", "--cpus", "3", "-c", "numa -j; cpus -j")
        self.assertEqual(done.returncode, 0)
        nodes, cpus = (json.loads(line) for line in done.stdout.splitlines())
        self.assertEqual([n["distance"] for n in nodes["nodes"]], [[10, 15, 40], [15, 10, 20], [40, 20, 10]])
        ends = [max((int(r["end"], 16) for r in n["ranges"]), default=0) for n in nodes["nodes"]]
        self.assertEqual(ends, [256 << 20, 0, 768 << 20])
        self.assertEqual([c["node"] for c in cpus["cpus"]], [0, 1, 0])

    def test_wrong_words_for_nodes_name_the_mistake(self):
        for words, mistake in (
            ("0", "a number from 1 to 8"), ("9", "a number from 1 to 8"), ("", "a number from 1 to 8"),
            ("5M 16M", "multiples of 4M"), ("16M:9-1 16M", "in ascending order"), ("16M:x 16M", 'number of a CPU at "x 16M"'),
            ("16M:0 16M:0", "each CPU on one node"), ("16M:0:10 16M", "2 distances of node 0"), ("4M 4M", "add up to"),
            ("16M:0:10/300 16M", "from 10 to 255"), ("16M;16M", "a blank or the end"), ("4M " * 9, "at most 8 nodes"),
            ("8388608T:0 8388608T:1 256M", "sizes that add up to"),
        ):
            with self.subTest(words=words):
                done = strata("--nodes", words)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, f"^strata: --nodes.*expected .*{mistake}")
        self.assertIn("expected one of them", strata("--mem", "1G", "--nodes", "16M:0 16M").stderr)

    def test_terabytes_start_at_once_and_levels_are_as_asked(self):
        for levels in ("4", "5"):
            done = strata("--mem", "65534G", "--levels", levels, "-c", "version -j; alloc 10; page 17000000000 -j; verify")
            self.assertEqual(done.returncode, 0, done.stderr[-2000:])
            self.assertIn(f'"levels":{levels}', done.stdout)
            self.assertIn('"pfn":17000000000,', done.stdout)
        self.assertIn("expected from 16M to 65534G", strata("--mem", "65535G").stderr.replace("a size ", ""))

    def test_too_little_memory_is_a_message_and_status_1(self):
        """mem= from 1 MiB to 64 MiB, closely where the kernel begins to fit."""
        statuses = []
        for kib in (*range(1024, 7168, 512), *range(7168, 9216, 128), *range(9216, 65537, 6144)):
            with self.subTest(kib=kib):
                done = strata("-c", "verify", "--", f"mem={kib}K")
                statuses.append(done.returncode)
                if done.returncode:
                    self.assertEqual(done.returncode, 1)
                    self.assertRegex(done.stderr, r"(?m)^strata: out of memory at boot: .*; firmware has \d+ KiB, mem= and memmap= make that")
        self.assertEqual(statuses, sorted(statuses, reverse=True))  # once it boots it boots with more
        self.assertEqual((statuses[0], statuses[-1]), (1, 0))

    def test_memmap_that_leaves_or_invents_too_much_is_a_message_and_status_1(self):
        for options, text in (
            (["memmap=exactmap"], r"out of memory at boot: .*firmware has \d+ KiB, mem= and memmap= make that"),
            (["memmap=1G$0"], r"out of memory at boot: .*firmware has \d+ KiB, mem= and memmap= make that"),
            (["memmap=exactmap", "memmap=1G@4G"], r"out of memory at boot: .*not counting what memmap= adds"),
            (["memmap=1G@4G"], r"memmap=: no memory answers at 0x100000000, which the command line calls RAM and firmware does not"),
            (["memmap=exactmap,16M@0,1G@2G"], r"memmap=: no memory answers at 0x80000000, "),
        ):
            with self.subTest(options=options):
                done = strata("-c", "verify", "--", *options)
                self.assertEqual(done.returncode, 1, done.stderr[-1000:])
                self.assertRegex(done.stderr, "(?m)^strata: " + text)

    def test_exactmap_boots_from_the_memory_that_it_names(self):
        for options in (["memmap=exactmap", "memmap=64M@16M"], ["memmap=exactmap,640K@0,511M@1M"], ["memmap=exactmap,100M@256M", "mem=300M"]):
            with self.subTest(options=options):
                done = strata("-c", "verify; memmap -j", "--", *options)
                self.assertEqual(done.returncode, 0, done.stderr[-1000:])


if __name__ == "__main__":
    hosttest.main()
