#!/usr/bin/env python3
"""The board virt of QEMU: CPUs, their interrupts, the UART and the ways to end, with both kinds of interrupt controllers."""

import os
import threading
import time
import unittest

import paths  # noqa: F401
from strata import console, hosttest, qemu

PORTS = ("aarch64",)
ONE_THREAD = "-accel tcg,thread=single"  # many CPUs that wait for each other, on few
HVC, SMC = "", " -M virtualization=on"  # who is above us decides how firmware is called


def config(**more):
    return qemu.Config(**{"arch": "aarch64", "mem": "256M", **more})


class Cpus(unittest.TestCase):
    def online(self, options="", **more):
        with console.Console(config(cmdline=options, **more)) as kernel:
            self.assertEqual(kernel.json("verify")["failed"], [])
            return [c["cpu"] for c in kernel.json("cpus")["cpus"] if c["online"]]

    def test_all_that_the_firmware_names_are_started(self):
        for gic, smp, above in (("2", 1, HVC), ("2", 8, SMC), ("3", 1, SMC), ("3", 8, HVC), ("3", 64, HVC)):
            with self.subTest(gic=gic, smp=smp, above=above):
                online = self.online(gic=gic, smp=str(smp), qemu_args=ONE_THREAD + above)
                self.assertEqual(online, list(range(smp)))

    def test_options_limit_them(self):
        for options, expected in (("nosmp", 1), ("maxcpus=0", 1), ("maxcpus=3", 3), ("maxcpus=9", 4)):
            with self.subTest(options=options):
                self.assertEqual(len(self.online(options, smp="4")), expected)

    # Shows aarch64/smp.S1.
    def test_a_cpu_that_does_not_come_up_is_reported_and_left_out(self):
        with console.Console(config(smp="3", cmdline="fail_cpu=1")) as kernel:
            self.assertIn(b"smp: CPU 1 did not come up in 10 seconds, it is left out", bytes(kernel.qemu.output))
            self.assertEqual([c["cpu"] for c in kernel.json("cpus")["cpus"] if c["online"]], [0, 2])
            self.assertEqual(kernel.json("verify")["failed"], [])

    def stopped(self, where, masked, secure="", **more):
        """A panic names where the other CPUs were."""
        outcome = qemu.run(config(qemu_args=ONE_THREAD + secure, **more), 60)
        self.assertEqual(outcome.status, qemu.PANIC, outcome.output[-1500:])
        for cpu in range(1, int(more["smp"])):
            self.assertRegex(outcome.output, rf"CPU {cpu} was at{masked}:\r\n  \[[0-9a-f]+\] {where}")
        self.assertIn("end of the report", outcome.output)

    def test_a_panic_stops_cpus_that_sleep(self):
        for gic in "23":
            for secure in ("", " -M secure=on"):  # where group 0 is firmware's the stop is an ordinary interrupt
                with self.subTest(gic=gic, secure=secure):
                    self.stopped("arch_idle", "(, with interrupts off)?", secure, gic=gic, smp="3", cmdline='cmd="crash null"')

    def test_a_panic_stops_cpus_with_interrupts_off(self):
        for gic in "23":
            with self.subTest(gic=gic):
                self.stopped("deaf_for_ever", ", with interrupts off", gic=gic, smp="2", cmdline="test=smp.a_panic_stops_a_cpu_with_interrupts_off")

    def test_group_0_that_is_not_ours_is_seen(self):
        for gic in "23":
            with console.Console(config(gic=gic, qemu_args="-M secure=on")) as kernel:
                self.assertIn(f"gic: GICv{gic}, a panic stops CPUs with interrupts on only".encode(), bytes(kernel.qemu.output))

    def test_a_cpu_without_a_pmu_counts_time(self):
        with console.Console(config(cpu="max,pmu=off")) as kernel:
            self.assertEqual(kernel.request("test a64_dev.*").status, 0)
            self.assertEqual(kernel.request("test trap.time*").status, 0)


class Idle(unittest.TestCase):
    def used(self, pid):
        """Seconds of the host's CPUs."""
        with open(f"/proc/{pid}/stat", encoding="ascii") as file:
            fields = file.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def test_the_prompt_costs_nothing(self):
        for gic in "23":
            with self.subTest(gic=gic), console.Console(config(gic=gic, smp="4")) as kernel:
                self.assertEqual(kernel.request("version").status, 0)
                time.sleep(1)
                before, start = self.used(kernel.qemu.process.pid), time.monotonic()
                time.sleep(5)
                share = (self.used(kernel.qemu.process.pid) - before) / (time.monotonic() - start)
                self.assertLess(share, 0.02)
                self.assertEqual(kernel.request("version").status, 0)


class Uart(unittest.TestCase):
    LINES = 4000

    def test_a_flood_while_the_kernel_is_busy_loses_nothing(self):
        """100 KiB, twelve times the ring, of which the kernel reads nothing for a second or two."""
        text = "".join(f"@flood{n} # {'x' * 14}\r" for n in range(self.LINES))
        self.assertGreater(len(text), 100 << 10)
        for gic in "23":
            with self.subTest(gic=gic), console.Console(config(gic=gic)) as kernel:
                kernel.send("@busy stress 2\r")
                writer = threading.Thread(target=kernel.send, args=(text,), daemon=True)
                writer.start()
                self.assertEqual(kernel.reply("busy").status, 0)
                for n in range(self.LINES):
                    self.assertEqual(kernel.reply(f"flood{n}").status, 0)
                writer.join(10)
                self.assertFalse(writer.is_alive())

    def test_what_is_typed_before_the_kernel_looks_is_kept(self):
        """A pipe has its first byte in the receiver before the FIFO is on."""
        with qemu.Qemu(config(smp="1")) as machine_:
            machine_.write(b"@early version\r")
            deadline = time.monotonic() + 60
            while b"@early end 0" not in machine_.output and time.monotonic() < deadline:
                if machine_.read(1) is None:
                    break
            self.assertIn(b"@early end 0", bytes(machine_.output))


class Ends(unittest.TestCase):
    def test_statuses(self):
        for cmdline, status in (("cmd=poweroff", 0), ('cmd="poweroff 7"', 7), ('cmd="crash panic"', qemu.PANIC)):
            for above in (HVC, SMC):
                with self.subTest(cmdline=cmdline, above=above):
                    self.assertEqual(qemu.run(config(smp="1", cmdline=cmdline, qemu_args=above), 60).status, status)

    def test_without_semihosting_firmware_switches_off(self):
        for above in (HVC, SMC):
            with self.subTest(above=above):
                off = "-semihosting-config enable=off" + above
                with qemu.Qemu(config(smp="1", cmdline="cmd=poweroff", qemu_args=off)) as machine_:
                    machine_.wait(60)
                    self.assertEqual(machine_.process.returncode, 0)
                    self.assertNotIn(b"panic: ", bytes(machine_.output))

    def test_reboot_resets_the_machine(self):
        for above in (HVC, SMC):
            with self.subTest(above=above):
                self.assertEqual(qemu.run(config(smp="1", cmdline="cmd=reboot", qemu_args=above), 60).status, qemu.RESET)


if __name__ == "__main__":
    hosttest.main()
