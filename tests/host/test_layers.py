#!/usr/bin/env python3
"""tools/check-layers: the storeys of this tree, and copies of it with a planted violation."""

import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import paths  # noqa: F401
from strata import hosttest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDERS = ("arch", "boot", "kernel", "mm", "tests")


def sources_only(_, names):
    return [name for name in names if "." in name and not name.endswith((".c", ".h", ".S"))]


class Layers(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.root = pathlib.Path(scratch.name)
        for folder in FOLDERS:
            shutil.copytree(ROOT / folder, self.root / folder, ignore=sources_only)

    def check(self, *builds):
        argv = [ROOT / "tools/check-layers", *builds]
        environment = {**os.environ, "CHECK_ROOT": str(self.root)}
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout + done.stderr

    def plant(self, file, line):
        path = self.root / file
        path.write_text(f"{line}\n{path.read_text(encoding='utf-8')}", encoding="utf-8")

    def compile(self, sources):
        """Objects for files of the tree, with other contents."""
        for name, text in sources.items():
            target = self.root / "build" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            argv = ["gcc", "-x", "c", "-c", "-", "-o", target.with_suffix(".o")]
            subprocess.run(argv, input=text, text=True, check=True)
        return self.root / "build"

    def test_the_tree_keeps_the_order(self):
        self.assertEqual(self.check(), (0, ""))

    def test_an_include_upwards_is_named(self):
        for file, line, problem in (
            ("mm/buddy.c", "#include <kernel/shell.h>", "kernel/shell.h: kernel/shell/ is above mm/"),
            ("mm/slab.c", "#include <kernel/test.h>", "kernel/test.h: tests/ is above mm/"),
            ("mm/vmap.c", '#include "../kernel/shell/out.h"', "kernel/shell/ is above mm/"),
            ("kernel/base/rcu.c", "#include <mm/check.h>", "mm/check.h: mm/ is above kernel/base/"),
            ("kernel/base/cpus.c", "#include <boot.h>", "boot.h: boot/ is above kernel/base/"),
            ("kernel/base/include/kernel/list.h", "#include <kernel/address.h>", "kernel/ is above kernel/base/"),
            ("arch/include/arch/tlb.h", "#include <kernel/printk.h>", "kernel/base/ is above arch/include/"),
            ("arch/common/stacks.c", "#include <mm/vmalloc.h>", "mm/vmalloc.h: mm/ is above arch/"),
            ("kernel/shell/cmd.c", "#include <kernel/bench.h>", ""),
            ("kernel/smp_start.c", "#include <kernel/test.h>", "tests/ is above kernel/"),
        ):
            with self.subTest(file=file, line=line):
                before = (self.root / file).read_text(encoding="utf-8")
                self.plant(file, line)
                status, said = self.check()
                (self.root / file).write_text(before, encoding="utf-8")
                self.assertEqual(status, 1 if problem else 0, said)
                self.assertIn(f"{file}:1: " if problem else "", said)
                self.assertIn(problem, said)

    def test_a_use_upwards_is_named(self):
        build = self.compile(
            {
                "mm/buddy.c": "void shell_ask(void); void buddy(void) { shell_ask(); }",
                "kernel/base/rcu.c": "extern int failslab; int rcu(void) { return failslab; }",
                "mm/slab_cpu.c": "int failslab;",
                "kernel/shell/shell.c": "void shell_ask(void) { }",
            }
        )
        status, said = self.check(build)
        self.assertEqual(status, 1)
        lines = [
            "kernel/base/rcu: uses failslab, which mm/slab_cpu defines: mm/ is above kernel/base/",
            "mm/buddy: uses shell_ask, which kernel/shell/shell defines: kernel/shell/ is above mm/",
        ]
        self.assertEqual(said.splitlines(), lines)

    def test_uses_downwards_and_of_the_contract_are_right(self):
        build = self.compile(
            {
                "kernel/base/panic.c": "void arch_poweroff(int); void panic(void) { arch_poweroff(2); }",
                "arch/host/machine.c": "void panic(void); void arch_poweroff(int n) { panic(); }",
                "mm/buddy.c": "void panic(void); void buddy(void) { panic(); }",
            }
        )
        self.assertEqual(self.check(build), (0, ""))

    def test_a_build_without_objects_is_no_proof(self):
        (self.root / "build").mkdir()
        status, said = self.check(self.root / "build")
        self.assertEqual(status, 1)
        self.assertIn("no objects", said)


if __name__ == "__main__":
    hosttest.main()
