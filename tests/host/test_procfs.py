#!/usr/bin/env python3
"""Plain answers are /proc files: strict readers of Linux's formats, and the programs that read the real ones.

The programs (slabtop, vmstat and free of procps, numastat of numactl) run in a mount namespace of their own, where our
text stands in the place of the file.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import paths  # noqa: F401
from strata import console, hosttest, qemu

PORTS = ("x86_64", "aarch64")
# Some memory of every kind in use, so that no table is empty.
IN_USE = "kmalloc 100; kmalloc 5000; vmalloc 300K; vmalloc 4M huge; alloc 3; cache create procfs 200; cache alloc procfs"


class WithKernel(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.kernel = console.Console(hosttest.machine(mem="512M", smp="1")).__enter__()
        cls.addClassCleanup(cls.kernel.__exit__)
        cls.kernel.run(IN_USE)

    def text(self, command):
        return "".join(f"{line}\n" for line in self.kernel.run(command))


def slabinfo_rows(lines):
    """Fields of each cache as read_slabinfo of procps takes them, but strictly."""
    row = re.compile(
        r"(?P<name>\S+) *(?P<active>\d+) +(?P<objs>\d+) +(?P<size>\d+) +(?P<per_slab>\d+) +(?P<pages>\d+)"
        r" : tunables +(?P<limit>\d+) +(?P<batch>\d+) +(?P<shared>\d+)"
        r" : slabdata +(?P<active_slabs>\d+) +(?P<slabs>\d+) +(?P<avail>\d+)"
    )
    for line in lines[2:]:
        match = row.fullmatch(line)
        assert match, line
        fields = {key: value if key == "name" else int(value) for key, value in match.groupdict().items()}
        again = (
            "{name:<17} {active:6d} {objs:6d} {size:6d} {per_slab:4d} {pages:4d}"
            " : tunables {limit:4d} {batch:4d} {shared:4d} : slabdata {active_slabs:6d} {slabs:6d} {avail:6d}"
        ).format(**fields)
        assert line == again, (line, again)
        yield fields


class Formats(WithKernel):
    def test_slabinfo(self):
        lines = self.kernel.run("slabinfo")
        self.assertEqual(lines[0], "slabinfo - version: 2.1")
        self.assertTrue(lines[1].startswith("# name            <active_objs> <num_objs> <objsize>"))
        rows = list(slabinfo_rows(lines))
        for cache in rows:
            self.assertLessEqual(cache["active"], cache["objs"])
            self.assertEqual(cache["objs"], cache["slabs"] * cache["per_slab"])
            self.assertLessEqual(cache["active_slabs"], cache["slabs"])
            self.assertLessEqual(cache["per_slab"] * cache["size"], cache["pages"] * 4096)
        names = [cache["name"] for cache in rows]
        self.assertEqual(names[0], "procfs")  # newest first
        self.assertEqual(len(names), len(set(names)))
        self.assertEqual(names, [cache["name"] for cache in self.kernel.json("slabinfo")["caches"]])

    def test_meminfo(self):
        for line in self.kernel.run("meminfo"):
            match = re.fullmatch(r"(\w+:) +(\d+) kB", line)
            self.assertTrue(match, line)
            self.assertEqual(line, f"{match[1]:<16}{int(match[2]):8d} kB")

    def test_buddyinfo(self):
        free = 0
        for line in self.kernel.run("buddyinfo"):
            match = re.fullmatch(r"Node (\d+), zone +(\w+) ((?: *\d+ ){11})", line)
            self.assertTrue(match, line)
            counts = [int(n) for n in match[3].split()]
            self.assertEqual(line, f"Node {match[1]}, zone {match[2]:>8} " + "".join(f"{n:6d} " for n in counts))
            free += sum(n << order for order, n in enumerate(counts))
        self.assertEqual(self.kernel.json("meminfo")["MemFree"], free * 4)

    def test_pagetypeinfo(self):
        text = self.text("pagetypeinfo")
        heading = "Page block order: 9\nPages per block:  512\n\nFree pages count per migrate type at order "
        self.assertTrue(text.startswith(heading))
        rows = re.findall(r"^Node +0, zone +(\w+), type +(\w+) ((?:>? *\d+ ){11})$", text, re.MULTILINE)
        kinds = ["Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate"]
        self.assertEqual([kind for _, kind, _ in rows], kinds * (len(rows) // len(kinds)))
        blocks = {zone: [0] * 11 for zone, _, _ in rows}
        for zone, _, counts in rows:
            blocks[zone] = [a + int(b) for a, b in zip(blocks[zone], counts.split())]
        for zone in self.kernel.json("buddyinfo")["zones"]:
            self.assertEqual(blocks[zone["zone"]], zone["free"])

    def test_zoneinfo(self):
        text = self.text("zoneinfo")
        zones = re.split(r"^Node 0, zone +", text, flags=re.MULTILINE)[1:]
        self.assertEqual([z.split("\n")[0] for z in zones], ["DMA", "DMA32", "Normal", "HighMem", "Movable"])
        for zone, other in zip(zones, self.kernel.json("zoneinfo")["nodes"][0]["zones"]):
            for key in ("free", "min", "low", "high", "spanned", "present", "managed"):
                match = re.search(rf"^ +(?:pages )?{key} +(\d+)$", zone, re.MULTILINE)
                self.assertEqual(int(match[1]), other[key], key)
            protection = re.search(r"^        protection: \((.*)\)$", zone, re.MULTILINE)
            self.assertEqual([int(n) for n in protection[1].split(", ")], other["protection"])

    def test_vmallocinfo(self):
        end = 0
        areas = self.kernel.json("vmallocinfo")["areas"]
        lines = [line for line in self.kernel.run("vmallocinfo") if "unpurged" not in line]
        self.assertEqual(len(lines), len(areas))
        for line, area in zip(lines, areas):
            match = re.fullmatch(
                r"0x([0-9a-f]{16})-0x([0-9a-f]{16}) +(\d+) \w+\+0x[0-9a-f]+/0x[0-9a-f]+ pages=(\d+) vmalloc N0=(\d+)", line
            )
            self.assertTrue(match, line)
            start, stop, size, pages = int(match[1], 16), int(match[2], 16), int(match[3]), int(match[4])
            self.assertGreaterEqual(start, end)
            end = stop
            self.assertEqual((start, stop, size), (int(area["start"], 16), int(area["end"], 16), area["size"]))
            self.assertEqual(size, stop - start)
            self.assertEqual(size, pages * 4096 + 4096)  # the guard page
            self.assertEqual(int(match[5]), pages)

    def test_both_forms_agree(self):
        """What does not move between two commands is the same in plain and in JSON."""
        plain = dict(re.findall(r"^(\w+): +(\d+) kB$", self.text("meminfo"), re.MULTILINE))
        self.assertEqual({key: int(value) for key, value in plain.items()}, self.kernel.json("meminfo"))


class Programs(WithKernel):
    @classmethod
    def setUpClass(cls):
        probe = ["unshare", "-rm", "true"]
        if not shutil.which("unshare") or subprocess.run(probe, check=False, capture_output=True).returncode:
            raise unittest.SkipTest("no mount namespace of one's own can be made here")
        super().setUpClass()
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.scratch = pathlib.Path(scratch.name)

    def run_with(self, program, mounts):
        """What the program prints with each of our paths in the place of a path of the system."""
        if not shutil.which(program[0]):
            self.skipTest(f"{program[0]} is not installed")
        binds = "".join(f"mount --bind '{ours}' '{theirs}' && " for ours, theirs in mounts)
        done = subprocess.run(
            ["unshare", "-rm", "sh", "-c", f'{binds}exec "$@"', "sh", *program],
            check=False,
            capture_output=True,
            text=True,
            env={**os.environ, "LC_ALL": "C", "TERM": "dumb"},
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def file_of(self, command):
        path = self.scratch / command.replace(" ", "-")
        path.write_text(self.text(command))
        return path

    def slabinfo_mounts(self):
        if not os.path.exists("/proc/slabinfo"):
            self.skipTest("this system has no /proc/slabinfo to stand in for")
        return [(self.file_of("slabinfo"), "/proc/slabinfo")]

    def test_slabtop(self):
        output = self.run_with(["slabtop", "-o"], self.slabinfo_mounts())
        caches = self.kernel.json("slabinfo")["caches"]
        total = sum(cache["num_objs"] for cache in caches)
        self.assertRegex(output, rf"Total Objects \(% used\) *: \d+ / {total} ")
        slabs = sum(cache["num_slabs"] for cache in caches)
        self.assertRegex(output, rf"Total Slabs \(% used\) *: \d+ / {slabs} ")
        self.assertRegex(output, r"(?m) procfs *$")

    def test_vmstat_m(self):
        output = self.run_with(["vmstat", "-m"], self.slabinfo_mounts())
        for cache in self.kernel.json("slabinfo")["caches"]:
            name, numbers = re.escape(cache["name"]), (cache["num_objs"], cache["objsize"], cache["objperslab"])
            self.assertRegex(output, r"(?m)^{} +\d+ +{} +{} +{}$".format(name, *numbers))

    def test_free(self):
        meminfo = self.kernel.json("meminfo")
        output = self.run_with(["free"], [(self.file_of("meminfo"), "/proc/meminfo")])
        fields = re.search(r"(?m)^Mem: +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+)$", output)
        self.assertTrue(fields, output)
        total, _, free, shared, cache, available = (int(field) for field in fields.groups())
        self.assertEqual((total, free), (meminfo["MemTotal"], meminfo["MemFree"]))
        self.assertEqual((shared, cache, available), (0, meminfo["SReclaimable"], meminfo["MemAvailable"]))
        self.assertRegex(output, r"(?m)^Swap: +0 +0 +0$")

    def test_vmstat_s(self):
        output = self.run_with(["vmstat", "-s"], [(self.file_of("meminfo"), "/proc/meminfo")])
        meminfo = self.kernel.json("meminfo")
        self.assertRegex(output, rf"(?m)^ *{meminfo['MemTotal']} K total memory$")
        self.assertRegex(output, rf"(?m)^ *{meminfo['MemFree']} K free memory$")

    def test_numastat(self):
        nodes = pathlib.Path("/sys/devices/system/node")
        if not nodes.is_dir():
            self.skipTest(f"this system has no {nodes} to stand in for")
        ours = self.scratch / "node"
        (ours / "node0").mkdir(parents=True)
        (ours / "node0" / "numastat").write_text(self.text("numastat 0"))
        (ours / "node0" / "meminfo").write_text("".join(f"Node 0 {line}\n" for line in self.kernel.run("meminfo")))
        (ours / "online").write_text("0\n")
        (ours / "possible").write_text("0\n")
        output = self.run_with(["numastat"], [(ours, nodes)])
        for key, value in self.kernel.json("numastat")["nodes"][0].items():
            if key != "node":
                self.assertRegex(output, rf"(?m)^{key} +{value}$")
        self.assertEqual(output.split(), self.text("numastat").split())


if __name__ == "__main__":
    hosttest.main()
