#!/usr/bin/env python3
"""Changes that must never pass: a step of the order "entry cleared, TLBs flushed everywhere, frame freed" is left out.

Each is made in a copy of the tree, built and booted with two CPUs, in QEMU and, beside x86_64, as a process. The case that
is named here must fail, or the kernel must end with what is named: a proof of stale translations that no longer fails proves
nothing.
"""

import dataclasses
import os
import pathlib
import re
import shutil
import subprocess
import unittest

import paths  # noqa: F401
from strata import hosttest, qemu

PORTS = ("x86_64", "aarch64")
WITH_PROCESS = hosttest.ARCH == PORTS[0]
# Large leaves hide what is not flushed: QEMU drops its whole TLB with any part of one.
OPTIONS = {"aarch64": "debug_pagealloc=on"}.get(hosttest.ARCH, "")
ROOT = pathlib.Path(__file__).resolve().parents[2]
WORK = ROOT / "build" / f"kept-{hosttest.ARCH}"
INPUTS = ["Makefile", "linker.ld", "boot", "arch", "mm", "kernel", "tests", "tools"]
RANGE = r"not ok \d+ tlbi_by_range_covers_every_page_of_it"
STALE = r"stale translation: "
SLEEPER = r"not ok \d+ a_sleeping_cpu_is_not_asked_and_sees_the_new_frame_when_it_wakes"
TABLES = r"not ok \d+ a_sleeping_cpu_is_asked_when_tables_go"
AWAKE = r"not ok \d+ a_flush_of_each_kind_reaches_the_other_cpu"
REUSED = r"not ok \d+ reused_vmalloc_address_shows_the_new_frames"


@dataclasses.dataclass
class Mutant:
    why: str
    file: str
    old: str
    new: str
    suite: str
    machine: str  # what a machine shows
    process: str = STALE  # and what the hosted build does
    ports: tuple = ("x86_64",)


BOTH, A64 = ("x86_64", "aarch64"), ("aarch64",)
A64_TLB = "arch/aarch64/include/arch_impl/tlb.h"

MUTANTS = [
    Mutant("no other CPU is asked", "mm/tlb.c", "nr = smp_call_start(&to_ask, flush_asked, b);", "(void)flush_asked, nr = 0;",
           "cross_vm", AWAKE),
    Mutant("who is asked answers without a flush", "mm/tlb.c", "\tflush_here(ctx);\n", "\t(void)ctx;\n", "cross_vm", AWAKE),
    Mutant("who sleeps is not marked", "mm/tlb.c", "&state, TLB_STALE) ||", "&state, TLB_LAZY) ||", "cross_vm", SLEEPER),
    Mutant("who wakes does not flush", "mm/tlb.c", "\t\tarch_tlb_flush_all_local();\n\t\tCOUNT", "\t\tCOUNT", "cross_vm", SLEEPER),
    Mutant("an interrupt does not wake first", "kernel/base/smp.c", "void smp_irq_enter(void)\n{\n\twake_up();", "void smp_irq_enter(void)\n{",
           "cross_vm", SLEEPER, r"idle CPU \d+ accessed 0x[0-9a-f]+"),
    Mutant("sleepers keep freed tables", "mm/pgtable.c", "r.batch.tables = true;", "r.batch.tables = false;", "cross_vm",
           TABLES, TABLES),
    Mutant("the caller does not flush its own", "mm/tlb.c", "\tflush_here(b);\n\tif", "\tif", "tlb", REUSED),
    Mutant("a purge does not flush", "mm/vmalloc.c", "\ttlb_batch_flush(&batch);\n", "", "tlb", REUSED, ports=BOTH),
    Mutant("nobody flushes", "mm/tlb.c", "\t\tflush_everywhere(b);\n", "\t\t(void)flush_everywhere;\n", "tlb", REUSED, ports=A64),
    Mutant("a page is not flushed", A64_TLB, "tlbi vaale1is, %0", "nop // %0", "cross_vm", AWAKE, ports=A64),
    Mutant("a page is flushed here alone", A64_TLB, "tlbi vaale1is, %0", "tlbi vaale1, %0", "cross_vm", AWAKE, ports=A64),
    Mutant("all is flushed here alone", A64_TLB, "tlbi vmalle1is", "tlbi vmalle1", "cross_vm", AWAKE, ports=A64),
    Mutant("a range ends early", "arch/aarch64/pt.c", "(num - 1) << 39", "(num - 2) << 39", "a64", RANGE, ports=A64),
]
MUTANTS = [mutant for mutant in MUTANTS if hosttest.ARCH in mutant.ports]


class KeptMutants(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """A copy of the tree with what is built of it, so that one file is compiled again for each mutant."""
        shutil.rmtree(WORK, ignore_errors=True)
        for name in INPUTS:
            source, target = ROOT / name, WORK / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if source.is_dir() else shutil.copy2)(source, target)
        for arch in {hosttest.ARCH} | ({"host"} if WITH_PROCESS else set()):
            shutil.copytree(ROOT / "build" / arch, WORK / "build" / arch, dirs_exist_ok=True)

    def build(self, arch):
        done = subprocess.run(["make", "-s", "-C", WORK, f"ARCH={arch}", "VARIANT=", "all"], capture_output=True, text=True,
                              timeout=600, check=False, env={k: v for k, v in os.environ.items() if k != "MAKEFLAGS"})
        self.assertEqual(done.returncode, 0, done.stderr)

    def machine(self, suite):
        self.build(hosttest.ARCH)
        image = WORK / "build" / hosttest.ARCH / pathlib.Path(hosttest.machine().kernel).name
        config = hosttest.machine(mem="256M", smp="2", image=str(image), cmdline=f'{OPTIONS} cmd="test {suite}.*; poweroff"')
        return qemu.run(config, 120).output

    def process(self, suite):
        self.build("host")
        image = WORK / "build/host/strata"
        done = subprocess.run([image, "--mem", "256M", "--cpus", "2", "-c", f"test {suite}.*"], stdin=subprocess.DEVNULL,
                              capture_output=True, text=True, timeout=120, check=False)
        return done.stdout + done.stderr

    def outputs(self, suite):
        yield self.machine(suite)
        if WITH_PROCESS:
            yield self.process(suite)

    def test_without_a_change_nothing_is_said(self):
        for suite in sorted({mutant.suite for mutant in MUTANTS}):
            for text in self.outputs(suite):
                self.assertRegex(text, r"# Totals: pass:\d+ fail:0")
                for mutant in MUTANTS:
                    self.assertNotRegex(text, f"{mutant.machine}|{mutant.process}")

    def test_each_is_noticed(self):
        for mutant in MUTANTS:
            with self.subTest(mutant=mutant.why):
                path = WORK / mutant.file
                source = path.read_text(encoding="utf-8")
                self.assertEqual(source.count(mutant.old), 1, "the line is not there, or more than once")
                path.write_text(source.replace(mutant.old, mutant.new), encoding="utf-8")
                try:
                    for text, expected in zip(self.outputs(mutant.suite), (mutant.machine, mutant.process)):
                        self.assertRegex(text, expected)
                finally:
                    path.write_text(source, encoding="utf-8")


if __name__ == "__main__":
    hosttest.main()
