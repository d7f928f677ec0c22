#!/usr/bin/env python3
"""Booting: every way in gives the same kernel the same command line, and the cost does not grow with the memory."""

import os
import re
import unittest

import paths  # noqa: F401
from strata import console, hosttest, qemu

PORTS = ("x86_64", "aarch64")
MIB = 1 << 20


class WaysIn(unittest.TestCase):
    def test_what_firmware_finds_on_a_disk_reaches_the_prompt(self):
        for fw in hosttest.FIRMWARE[1:]:
            with self.subTest(fw=fw), console.Console(hosttest.machine(fw=fw, mem="256M")) as kernel:
                self.assertEqual(kernel.json("version")["cmdline"], "")
                self.assertEqual(kernel.json("verify")["failed"], [])

    def test_every_loader_passes_the_same_options(self):
        hole = hosttest.RAM + (32 << 20)
        hole_end = hole + (3 << 20)
        options = f'loglevel=7 memmap=3M${hole:#x} cmd="version; nonsense -j" seed=77'
        for fw in hosttest.FIRMWARE:
            with self.subTest(fw=fw), console.Console(hosttest.machine(fw=fw, mem="256M", cmdline=options)) as kernel:
                self.assertIn(b"Strata 0", kernel.qemu.output)
                self.assertRegex(bytes(kernel.qemu.output), rb'\n\{"error":"[^\n]*nonsense')
                self.assertEqual(kernel.json("version")["seed"], 77)
                ranges = [(int(r["start"], 16), int(r["end"], 16)) for r in kernel.json("memmap")["usable"]]
                self.assertFalse([r for r in ranges if r[0] < hole_end and r[1] > hole])
                self.assertTrue([r for r in ranges if r[1] == hole])
                self.assertTrue([r for r in ranges if r[0] == hole_end])

    def test_levels_follow_the_cpu_and_the_option(self):
        for levels, options, expected in (("5", "", 5), ("4", "", 4), ("5", "no5lvl", 4), ("4", "no5lvl", 4)):
            with self.subTest(levels=levels, options=options):
                with console.Console(hosttest.machine(mem="64M", levels=levels, cmdline=options)) as kernel:
                    self.assertEqual(kernel.json("version")["levels"], expected)
                    image = kernel.json("version")["layout"]["image"]
                    self.assertEqual(kernel.json(f"pt {image}")["levels"], expected)

    def test_the_same_seed_gives_the_same_kernel(self):
        def places():
            with console.Console(hosttest.machine(mem="128M", smp="1", cmdline="seed=4711")) as kernel:
                return kernel.json("vmalloc 64K")["ptr"], kernel.json("memmap")

        self.assertEqual(places(), places())

    def test_no_usable_memory_is_said(self):
        outcome = qemu.run(hosttest.machine(mem="64M", cmdline="mem=64K"), 60)
        self.assertEqual(outcome.status, qemu.PANIC)
        self.assertRegex(outcome.output, r"panic: [^\n]*(memory|memblock)")


class Cost(unittest.TestCase):
    def instructions(self, mem):
        config = hosttest.machine(mem=mem, smp="1", cmdline="bench=boot.*", qemu_args="-icount shift=0,sleep=off")
        outcome = qemu.run(config, 300)
        self.assertEqual(outcome.status, qemu.OK, outcome.output[-1000:])
        return float(re.search(r"^boot\.total +(\S+)", outcome.output, re.M)[1])

    def test_instructions_do_not_grow_with_memory(self):
        small = self.instructions("1G")
        self.assertLess(small, 3e6)
        for mem in ("16G", hosttest.LARGEST):
            large = self.instructions(mem)
            self.assertLess(large, 3e6)
            self.assertLess(large, 1.2 * small, f"{mem}: {large:.0f}, 1G: {small:.0f}")

    def test_memory_touched_is_8_mib_at_most(self):
        for mem in ("64M", "1G", hosttest.LARGEST):
            config = hosttest.machine(mem=mem, smp="1", backend="memfd,share=on")
            with self.subTest(mem=mem), console.Console(config) as kernel:
                touched = guest_pages(kernel.qemu.process.pid)
                self.assertGreater(touched, MIB)
                self.assertLess(touched, 8 * MIB)


def guest_pages(pid):
    """Bytes of the guest's memory file that exist."""
    directory = f"/proc/{pid}/fd"
    for name in os.listdir(directory):
        path = os.path.join(directory, name)
        if "memfd:" in os.readlink(path):
            return os.stat(path).st_blocks * 512
    raise AssertionError("QEMU has no memory file")


if __name__ == "__main__":
    hosttest.main()
