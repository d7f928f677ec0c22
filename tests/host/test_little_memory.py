#!/usr/bin/env python3
"""Machines with too little memory, and options that take it away or invent it: each boots, or says what is missing.

QEMU itself refuses a machine whose memory does not hold the arm64 image and its device tree. On x86_64 the entry code says how
far the image reaches, before it writes anywhere.
"""

import os
import re
import unittest

import paths  # noqa: F401
from strata import hosttest, qemu

PORTS = ("x86_64", "aarch64")
ARCH = os.environ.get("ARCH", "x86_64")
CAUSE = re.compile(r"Strata: too little memory: the kernel needs usable memory up to 0x[0-9A-F]{8}, and this machine has less"
                   r"|panic: out of memory at boot: [^\n]*; firmware has \d+ KiB")
REFUSED_BY_QEMU = re.compile(r"(kernel '[^\n]*' is too large to fit in RAM|Not enough space for DTB)")
BOOTS = 10  # MiB: from here on every machine reaches the prompt
SMALLEST = {"x86_64": 3, "aarch64": 1}


def boot(mem, *options, command="verify"):
    return qemu.run(hosttest.machine(mem=f"{mem}M", smp="1", cmdline=" ".join([*options, f"cmd={command}", "poweroff"])), 60)


class LittleMemory(unittest.TestCase):
    def test_every_size_boots_or_says_what_is_missing(self):
        for mem in (*range(SMALLEST[ARCH], BOOTS + 1), 12, 16, 24, 33):
            with self.subTest(mem=mem):
                done = boot(mem)
                if done.status == qemu.OK:
                    self.assertIn("checks, 0 failed", done.output)
                    continue
                self.assertLess(mem, BOOTS)
                if done.status == qemu.PANIC:
                    self.assertRegex(done.output, CAUSE)
                else:
                    self.assertEqual(ARCH, "aarch64")
                    self.assertRegex(done.reason, REFUSED_BY_QEMU)

    def test_mem_boots_or_says_what_it_leaves(self):
        statuses = []
        for kib in (128, 256, *range(512, 8192, 1536), 16384, 32768):
            with self.subTest(kib=kib):
                done = boot(64, f"mem={hosttest.RAM + (kib << 10)}", command="verify")
                statuses.append(done.status)
                if done.status == qemu.OK:
                    self.assertIn(" checks, 0 failed", done.output)
                    continue
                self.assertEqual(done.status, qemu.PANIC)
                self.assertRegex(done.output, r"panic: out of memory at boot: [^\n]*; firmware has \d+ KiB, mem= and memmap= make that \d+ KiB")
        self.assertEqual((statuses[0], statuses[-1]), (qemu.PANIC, qemu.OK))

    def test_exactmap_keeps_the_kernels_image(self):
        done = boot(128, "memmap=exactmap")
        self.assertEqual(done.status, qemu.PANIC)
        self.assertRegex(done.output, r"memmap: mem= and memmap= remove the kernel's image \[0x[0-9a-f]+, 0x[0-9a-f]+\): it is kept")
        self.assertRegex(done.output, r"panic: out of memory at boot")
        done = boot(128, f"memmap=exactmap,64M@{hosttest.RAM + (32 << 20):#x}")
        self.assertEqual(done.status, qemu.OK, done.output[-2000:])

    def test_memory_that_options_invent_is_refused(self):
        for start in (hosttest.RAM + (1 << 30), hosttest.RAM + (8 << 30)):
            with self.subTest(start=start):
                done = boot(128, f"memmap=64M@{start:#x}")
                self.assertEqual(done.status, qemu.PANIC)
                self.assertIn(f"panic: memmap=: no memory answers at {start:#x}, which the command line calls RAM and firmware does not", done.output)


if __name__ == "__main__":
    hosttest.main()
