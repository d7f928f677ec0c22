#!/usr/bin/env python3
"""The variables of `make run`: a mistake ends make at once, with a line that says what was expected; an unknown one is named."""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import paths  # noqa: F401
from strata import hosttest, machine, qemu

ROOT = qemu.ROOT
# (words for make, what it must say). What is unsaid has its default.
MISTAKES = [
    ("FW=uefy", "FW=uefy: expected direct, bios or uefi with ARCH=x86_64"),
    ("ARCH=aarch64 FW=bios", "FW=bios: expected direct, uboot or uefi with ARCH=aarch64"),
    ("ARCH=aarch46", "ARCH=aarch46: there is no such port; there is: aarch64 host x86_64"),
    ("ARCH=host", "ARCH=host: expected x86_64 or aarch64"),
    ("MEM=abc", "MEM=abc: expected a number with K, M, G or T"),
    ("MEM=-1", "MEM=-1: expected a number"),
    ("MEM=0", "MEM=0: expected a multiple of 1M"),
    ("MEM=1500K", "MEM=1500K: expected a multiple of 1M"),
    ("ARCH=aarch64 FW=uefi MEM=64M", "MEM=64M: expected at least 128M with FW=uefi"),
    ("ARCH=aarch64 FW=uboot MEM=1T", "MEM=1T: expected at most 255G with FW=uboot"),
    ("SMP=0", "SMP=0: expected a number from 1 to 255"),
    ("SMP=256", "SMP=256: expected a number from 1 to 255"),
    ("SMP=two", "SMP=two: expected a number from 1 to 255"),
    ("ARCH=aarch64 GIC=2 SMP=9", "SMP=9: expected a number from 1 to 8 with GIC=2"),
    ("NUMA=0", "NUMA=0: expected a number from 1 to 64"),
    ("NUMA=two", "NUMA=two: expected 1 to 64 nodes, or for each SIZE:CPUS"),
    ("NUMA=256X:0", "NUMA: memory 256X: expected a number with K, M, G or T"),
    ("NUMA=256M:0-", "NUMA: CPUs 0-: expected N or N-M"),
    ("NUMA=256M:7", "NUMA=256M:7: expected each of CPUs 0 to 1 at most once"),
    ("NUMA=1M:0", "NUMA=1M:0: expected 0 or at least 8M"),
    ("ARCH=aarch64 FW=uboot NUMA=2", "NUMA=2: expected 1 with FW=uboot"),
    ("LEVELS=6", "LEVELS=6: expected 4 or 5"),
    ("LEVELS=5 CPU=Skylake-Server", "LEVELS=5: expected 4 with CPU=Skylake-Server, which has no LA57"),
    ("LEVELS=5 CPU=max,la57=off", "LEVELS=5: expected 4 with CPU=max,la57=off, which has no LA57"),
    ("ARCH=aarch64 LEVELS=3", "LEVELS=3: expected 4 or 5 with GRANULE=4"),
    ("ARCH=aarch64 LEVELS=5 CPU=cortex-a72", "LEVELS=5: expected 4 with CPU=cortex-a72, which has no LPA2"),
    ("ARCH=aarch64 LEVELS=5 CPU=max,lpa2=off", "LEVELS=5: expected 4 with CPU=max,lpa2=off, which has no LPA2"),
    ("ARCH=aarch64 GRANULE=16 LEVELS=3", "LEVELS=3: expected 4"),
    ("GIC=3", "GIC=3: expected nothing with ARCH=x86_64"),
    ("ARCH=aarch64 GIC=4", "GIC=4: expected 2 or 3"),
    ("GRANULE=16", "GRANULE=16: expected the size of a base page in KiB, for ARCH=x86_64 one of: 4"),
    ("ARCH=aarch64 GRANULE=8", "GRANULE=8: expected the size of a base page in KiB, for ARCH=aarch64 one of: 4 16 64"),
    ("ARCH=aarch64 GRANULE=16 CPU=cortex-a72", "GRANULE=16: expected 4 or 64 with CPU=cortex-a72"),
    ("VARIANT=debgu", "VARIANT=debgu: expected nothing or one of: debug"),
    ("CPU=cortex-a27", "CPU=cortex-a27: expected a model of `qemu-system-x86_64 -cpu help`"),
    ("ARCH=aarch64 CPU=cortex-a27", "CPU=cortex-a27: expected a model of `qemu-system-aarch64 -cpu help`, such as cortex-a7"),
    ("QEMU_ARGS='", "QEMU_ARGS=': expected words as the shell quotes them"),
]
UNKNOWN = [
    ("MEMORY=1G", "MEMORY=1G: there is no such variable, did you mean MEM?"),
    ("LEVEL=4", "LEVEL=4: there is no such variable, did you mean LEVELS?"),
    ("cmdline=test", "cmdline=test: there is no such variable, did you mean CMDLINE?"),
    ("QEMUARGS=-s", "QEMUARGS=-s: there is no such variable, did you mean QEMU_ARGS?"),
    ("CPUS=4", "CPUS=4: there is no such variable, did you mean CPU?"),
    ("COLOUR=red", "COLOUR=red: there is no such variable; make help lists the variables"),
]
GOOD = ["", "FW=uefi MEM=4G", "SMP=4 NUMA=2", "LEVELS=4 CPU=Skylake-Server", "LEVELS=5 CPU=Icelake-Server-v2",
        "CPU=qemu64,+la57 LEVELS=5", "VARIANT=debug", "ARCH=aarch64 GRANULE=64 LEVELS=3 GIC=2 CPU=cortex-a72", "ARCH=aarch64 LEVELS=5"]


class Variables(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        """A tree of links in which nothing is built."""
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.tree = pathlib.Path(scratch.name) / "tree"
        cls.tree.mkdir()
        for name in ("Makefile", "linker.ld", "arch", "boot", "kernel", "mm", "tests", "tools"):
            (cls.tree / name).symlink_to(ROOT / name)

    def make(self, words, goal="run"):
        environment = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        done = subprocess.run(
            ["make", "-C", str(self.tree), goal, *words.split()], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=60, check=False,
        )
        return done.returncode, done.stdout, done.stderr

    def test_each_mistake_is_an_error_before_anything_is_built(self):
        for goal in ("run", "debug"):
            for words, said in MISTAKES if goal == "run" else MISTAKES[:2]:
                with self.subTest(goal=goal, words=words):
                    status, out, errors = self.make(words, goal)
                    self.assertEqual(status, 2, errors)
                    self.assertIn(said, errors)
                    self.assertNotRegex(out + errors, r"  (CC|AS|LD) |installing|Traceback")
                    self.assertFalse((self.tree / "build").exists())

    def test_good_variables_pass(self):
        for words in GOOD:
            with self.subTest(words=words):
                self.assertEqual(self.make(words, "check-variables")[::2], (0, ""))

    def test_unknown_variable_warns_with_the_nearest_name(self):
        for words, said in UNKNOWN:
            with self.subTest(words=words):
                status, _, errors = self.make(words, "check-variables")
                self.assertEqual(status, 0, errors)
                self.assertIn(said, errors)
                self.assertEqual(errors.count("no such variable"), 1)

    def test_each_variable_of_the_makefile_is_known(self):
        names = re.findall(r"^([A-Z_]+) \?=", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
        self.assertIn("MEM", names)
        self.assertNotIn("no such variable", self.make(" ".join(f"{name}=4" for name in names if name != "ARCH"), "FORCE")[2])

    def test_each_variable_of_make_help_is_known(self):
        listing = self.make("", "help")[1].split("Variables", 1)[1]
        names = [line.split("=")[0].strip() for line in listing.splitlines() if line.startswith("  ") and "=" in line.split("  ")[1]]
        self.assertIn("QEMU_ARGS", names)
        values = " ".join(f"{name}={os.environ.get(name, '')}" for name in names if name not in ("ARCH", "GRANULE", "CC", "JOBS", "V"))
        self.assertNotIn("no such variable", self.make(values, "FORCE")[2])

    def test_run_qemu_refuses_an_unknown_name(self):
        done = subprocess.run([ROOT / "tools/run-qemu", "--check", "MEMROY=1G"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("there is no variable MEMROY, did you mean MEM?", done.stderr)


class Models(unittest.TestCase):
    def test_the_models_with_la57_are_those_of_qemu(self):
        qmp = subprocess.Popen(
            ["qemu-system-x86_64", "-M", "none", "-S", "-display", "none", "-qmp", "stdio"], stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True,
        )

        def call(name, arguments=None):
            qmp.stdin.write(json.dumps({"execute": name, "arguments": arguments or {}}) + "\n")
            qmp.stdin.flush()
            while True:
                answer = json.loads(qmp.stdout.readline())
                if "event" not in answer:
                    return answer["return"]

        try:
            qmp.stdout.readline()
            call("qmp_capabilities")
            models = [model["name"] for model in call("query-cpu-definitions")]
            self.assertGreater(len(models), 50)
            for name in models:
                expansion = call("query-cpu-model-expansion", {"type": "full", "model": {"name": name}})["model"]["props"]
                with self.subTest(model=name):
                    self.assertEqual(machine.has_la57(name), expansion["la57"])
        finally:
            qmp.kill()
            qmp.communicate()


if __name__ == "__main__":
    hosttest.main()
