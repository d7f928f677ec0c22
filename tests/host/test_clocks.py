#!/usr/bin/env python3
"""PCs without the clocks that a PC has: the TSC's rate comes from what is there, and CPU 0 is woken by what is there."""

import re
import unittest

import paths  # noqa: F401
from strata import console, hosttest, qemu

PORTS = ("x86_64",)
MICROVM = "-M microvm,acpi=off"
# (QEMU's arguments, the log's words for the rate, whether there is a 8254)
MACHINES = (
    ("-machine pit=on", "measured against the 8254", True),
    ("-no-hpet", "measured against the 8254", True),
    ("-machine pit=off", "measured against the HPET", False),
    ("-machine pit=off -no-hpet", "measured against the ACPI timer", False),
    ("-machine pit=off -no-hpet -no-acpi", "measured against the ACPI timer", False),
    (MICROVM, "measured against the 8254", True),
)
CASES = "trap.*alarm*"
SECONDS = 60  # a poll of a clock that is not there took a minute


def run(arguments, cmdline, smp="2"):
    return qemu.run(hosttest.machine(mem="256M", smp=smp, cmdline=cmdline, qemu_args=arguments), SECONDS)


class Clocks(unittest.TestCase):
    # Shows x86_64/clock.C1 and x86_64/clock.C2.
    def test_the_rate_comes_from_what_is_there(self):
        rates = {}
        for arguments, source, pit in MACHINES:
            with self.subTest(arguments=arguments):
                done = run(arguments, "cmd=verify poweroff")
                self.assertEqual(done.status, qemu.OK, done.output[-2000:])
                rate = re.search(r"time: TSC of (\d+) kHz, ([^\r\n]*)", done.output)
                self.assertEqual(rate[2], source)
                self.assertEqual("time: no 8254, the APIC's timer wakes CPU 0" in done.output, not pit)
                rates[arguments] = int(rate[1])
        # The same counter each time.
        self.assertLess(max(rates.values()), 1.03 * min(rates.values()), rates)

    def test_alarms_come_without_the_8254(self):
        for arguments in ("-machine pit=off", "-machine pit=off -no-hpet", f"{MICROVM},pit=off"):
            with self.subTest(arguments=arguments):
                done = run(arguments, f"test={CASES}")
                self.assertEqual(done.status, qemu.OK, done.output[-2000:])

    def test_a_rate_that_nothing_tells_is_a_warning(self):
        done = run(f"{MICROVM},pit=off", "cmd=verify poweroff")
        self.assertEqual(done.status, qemu.OK, done.output[-2000:])
        self.assertIn("time: no clock to measure the TSC against, taken as 1 GHz: every time is wrong", done.output)
        done = run("-cpu max,-apic -machine pit=off", "cmd=verify poweroff")
        self.assertEqual(done.status, qemu.OK, done.output[-2000:])
        self.assertIn("time: no 8254, and no APIC: nothing wakes CPU 0 when time has passed", done.output)

    def test_a_machine_without_a_madt_says_that_one_cpu_runs(self):
        with console.Console(hosttest.machine(mem="256M", smp="2", qemu_args=MICROVM)) as kernel:
            self.assertIn(b"cpus: firmware has no MADT, which names the CPUs: only this one runs", bytes(kernel.qemu.output))
            self.assertEqual([c["online"] for c in kernel.json("cpus")["cpus"]], [True])
            self.assertEqual(kernel.json("verify")["failed"], [])

    def test_the_apic_timers_rate_is_measured_well_each_time(self):
        for attempt in range(5):
            with self.subTest(attempt=attempt):
                done = run("", "test=x86.*apic*", smp="1")
                self.assertEqual(done.status, qemu.OK, done.output[-2000:])


if __name__ == "__main__":
    hosttest.main()
