#!/usr/bin/env python3
"""CPUs of a PC: which are started, with which options, and what a panic says of the others."""

import re
import unittest

import paths  # noqa: F401
from strata import console, hosted, hosttest, qemu

PORTS = ("x86_64",)


class Cpus(unittest.TestCase):
    def online(self, smp, options="", **more):
        with console.Console(qemu.Config(mem="256M", smp=smp, cmdline=options, **more)) as kernel:
            self.assertEqual(kernel.json("verify")["failed"], [])
            said = re.search(rb"smp: (\d+) CPUs", bytes(kernel.qemu.output))
            return int(said[1]) if said else 1

    def test_all_that_the_firmware_names_are_started(self):
        for fw, smp in (("direct", "1"), ("direct", "3"), ("bios", "4"), ("uefi", "4")):
            with self.subTest(fw=fw, smp=smp):
                self.assertEqual(self.online(smp, fw=fw), int(smp))

    def test_options_limit_them(self):
        for options, expected in (("nosmp", 1), ("maxcpus=0", 1), ("maxcpus=1", 1), ("maxcpus=3", 3), ("maxcpus=9", 4)):
            with self.subTest(options=options):
                self.assertEqual(self.online("4", options), expected)

    def test_a_cpu_that_is_not_there_yet_is_left_out(self):
        self.assertEqual(self.online("2", qemu_args="-smp 2,maxcpus=4"), 2)

    # Shows x86_64/smp.S1.
    def test_a_cpu_that_does_not_come_up_is_reported_and_left_out(self):
        with console.Console(qemu.Config(mem="256M", smp="3", cmdline="fail_cpu=1")) as kernel:
            self.assertIn(b"smp: CPU 1 did not come up in 10 seconds, it is left out", bytes(kernel.qemu.output))
            cpus = kernel.json("cpus")["cpus"]
            self.assertEqual([c["cpu"] for c in cpus if c["online"]], [0, 2])
            self.assertEqual(kernel.json("verify")["failed"], [])

    def test_a_cpu_that_cannot_fail_is_named(self):
        for options in ("fail_cpu=0", "fail_cpu=9", "fail_cpu=1 maxcpus=1"):
            with self.subTest(options=options), console.Console(qemu.Config(mem="64M", smp="2", cmdline=options)) as kernel:
                self.assertIn(b"expected a CPU that is started, none failed", bytes(kernel.qemu.output))

    def test_a_thread_that_does_not_come_up_is_left_out(self):
        log, status = hosted.run("", "--cpus", "3", "-c", "cpus; stress 1 cpus=2; verify", "--", "fail_cpu=2")
        self.assertIn("smp: CPU 2 did not come up in 10 seconds, it is left out", log)
        self.assertIn("smp: 2 CPUs", log)
        self.assertEqual(status, 0)

    def test_ids_may_have_gaps(self):
        """Three cores a socket: APIC ids 0 1 2 4 5 6."""
        self.assertEqual(self.online("6", qemu_args="-smp 6,sockets=2,cores=3,threads=1"), 6)

    def test_the_page_that_they_start_from_is_given_back(self):
        with console.Console(qemu.Config(mem="64M", smp="2")) as kernel:
            memmap = kernel.json("memmap")
            self.assertTrue(memmap["reserved"])
            self.assertFalse([r for r in memmap["reserved"] if "CPUs" in r["name"]])
            highest = (int(memmap["usable"][0]["end"], 16) >> 12) - 1  # of those below 1 MiB
            page = kernel.json(f"page {highest}")
            self.assertIn(kernel.json(f"page {page['head']}")["flags"][0], ("pcp", "buddy"))

    def test_a_panic_shows_what_the_others_did(self):
        outcome = qemu.run(qemu.Config(mem="64M", smp="3", cmdline='cmd="crash null"'), 60)
        self.assertEqual(outcome.status, qemu.PANIC)
        report = outcome.output[outcome.output.index("panic: ") :]
        for cpu in (1, 2):
            self.assertRegex(report, rf"CPU {cpu} was at(, with interrupts off)?:\r\n  \[[0-9a-f]+\] arch_idle")
        self.assertIn("end of the report", report)

    def test_a_panic_shows_what_a_cpu_with_interrupts_off_did(self):
        cmdline = "test=smp.a_panic_stops_a_cpu_with_interrupts_off"
        outcome = qemu.run(qemu.Config(mem="64M", smp="2", cmdline=cmdline), 60)
        self.assertEqual(outcome.status, qemu.PANIC)
        self.assertRegex(outcome.output, r"CPU 1 was at, with interrupts off:\r\n  \[[0-9a-f]+\] deaf_for_ever")


if __name__ == "__main__":
    hosttest.main()
