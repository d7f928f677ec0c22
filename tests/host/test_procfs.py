#!/usr/bin/env python3
"""Plain answers are /proc files: strict readers of Linux's formats, and the programs that read the real ones.

The programs (slabtop, vmstat and free of procps, numastat of numactl) run in a mount namespace of their own, where our
text stands in the place of the file. prometheus-node-exporter takes a folder in place of /proc.
"""

import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest
import urllib.request

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
        if subprocess.run(["unshare", "-rm", "true"], check=False, capture_output=True).returncode:
            raise unittest.SkipTest("no mount namespace of one's own can be made here")
        super().setUpClass()
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.scratch = pathlib.Path(scratch.name)

    def run_with(self, program, mounts):
        """What the program prints with each of our paths in the place of a path of the system."""
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


EXPORTER = "build/packages/usr/bin/prometheus-node-exporter"  # unpacked there by tools/setup, where none is installed
COLLECTORS = ("meminfo", "buddyinfo", "zoneinfo", "slabinfo", "meminfo_numa")


class Exporter(WithKernel):
    """What prometheus-node-exporter says of our files, value by value against the text that it read."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        scratch = tempfile.TemporaryDirectory()
        cls.addClassCleanup(scratch.cleanup)
        cls.proc, cls.sys = pathlib.Path(scratch.name) / "proc", pathlib.Path(scratch.name) / "sys"
        cls.proc.mkdir()
        for name in ("meminfo", "buddyinfo", "zoneinfo", "slabinfo"):
            (cls.proc / name).write_text("".join(f"{line}\n" for line in cls.kernel.run(name)), encoding="utf-8")
        node = cls.sys / "devices/system/node/node0"
        node.mkdir(parents=True)
        (node / "numastat").write_text("".join(f"{line}\n" for line in cls.kernel.run("numastat 0")), encoding="utf-8")
        (node / "meminfo").write_text("".join(f"Node 0 {line}\n" for line in cls.kernel.run("meminfo")), encoding="utf-8")
        cls.metrics = cls.scrape()

    @classmethod
    def scrape(cls):
        """{name: {labels: value}} of all that the exporter says; it listens on a port that the system chooses."""
        program = shutil.which("prometheus-node-exporter") or str(qemu.ROOT / EXPORTER)
        argv = [program, f"--path.procfs={cls.proc}", f"--path.sysfs={cls.sys}", "--web.listen-address=127.0.0.1:0"]
        argv += ["--collector.disable-defaults", *(f"--collector.{name}" for name in COLLECTORS)]
        exporter = qemu.start(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            address = None
            for line in exporter.stderr:
                match = re.search(r'msg="Listening on" address=(\S+)', line)
                if match:
                    address = match[1]
                    break
            with urllib.request.urlopen(f"http://{address}/metrics", timeout=60) as answer:
                text = answer.read().decode()
        finally:
            exporter.kill()
            exporter.communicate()
        metrics = {}
        for name, labels, value in re.findall(r"^(\w+)(?:\{(.*)\})? (\S+)$", text, re.MULTILINE):
            key = tuple(sorted(re.findall(r'(\w+)="([^"]*)"', labels)))
            metrics.setdefault(name, {})[key] = float(value)
        return metrics

    def metric(self, name, **labels):
        values = self.metrics.get(name, {})
        key = tuple(sorted(labels.items()))
        self.assertIn(key, values, f"{name} has {sorted(values)}")
        return values[key]

    def lines(self, name):
        return (self.proc / name).read_text(encoding="utf-8").splitlines()

    def test_each_collector_succeeds(self):
        for name in COLLECTORS:
            self.assertEqual(self.metric("node_scrape_collector_success", collector=name), 1)

    def test_meminfo(self):
        pairs = [re.fullmatch(r"(\w+): +(\d+) kB", line).groups() for line in self.lines("meminfo")]
        self.assertIn("MemFree", dict(pairs))
        for key, kilobytes in pairs:
            self.assertEqual(self.metric(f"node_memory_{key}_bytes"), int(kilobytes) * 1024, key)
            self.assertEqual(self.metric(f"node_memory_numa_{key}", node="0"), int(kilobytes) * 1024, key)

    def test_buddyinfo(self):
        lines = self.lines("buddyinfo")
        for line in lines:
            _, node, _, zone, *counts = line.replace(",", "").split()
            for order, count in enumerate(counts):
                self.assertEqual(self.metric("node_buddyinfo_blocks", node=node, zone=zone, size=str(order)), int(count), line)
        self.assertEqual(len(self.metrics["node_buddyinfo_blocks"]), 11 * len(lines))

    def test_zoneinfo(self):
        text, seen = "\n".join(self.lines("zoneinfo")), set()
        for zone in re.split(r"(?m)^Node 0, zone +", text)[1:]:
            name = zone.split("\n")[0]
            labels = {"node": "0", "zone": name}
            for key in ("min", "low", "high", "spanned", "present", "managed"):
                value = int(re.search(rf"(?m)^ +{key} +(\d+)$", zone)[1])
                self.assertEqual(self.metric(f"node_zoneinfo_{key}_pages", **labels), value, name)
            # Of a zone without pages the file says these no more.
            for key, value in re.findall(r"(?m)^ +(nr_free_pages|numa_\w+) +(\d+)$", zone):
                key += "_total" if key.startswith("numa_") else ""
                self.assertEqual(self.metric(f"node_zoneinfo_{key}", **labels), int(value), name)
                seen.add(key)
            for i, pages in enumerate(re.search(r"protection: \((.*)\)", zone)[1].split(", ")):
                self.assertEqual(self.metric(f"node_zoneinfo_protection_{i}", **labels), int(pages), name)
        self.assertGreaterEqual(seen, {"nr_free_pages", "numa_hit_total", "numa_local_total"})

    def test_slabinfo(self):
        rows = list(slabinfo_rows(self.lines("slabinfo")))
        self.assertEqual(len(self.metrics["node_slabinfo_objects"]), len(rows))
        for row in rows:
            for metric, field in (("active_objects", "active"), ("objects", "objs"), ("object_size_bytes", "size"),
                                  ("objects_per_slab", "per_slab"), ("pages_per_slab", "pages")):
                self.assertEqual(self.metric(f"node_slabinfo_{metric}", slab=row["name"]), row[field], row)

    def test_numastat(self):
        for line in (self.sys / "devices/system/node/node0/numastat").read_text(encoding="utf-8").splitlines():
            key, value = line.split()
            self.assertEqual(self.metric(f"node_memory_numa_{key}_total", node="0"), int(value), key)


if __name__ == "__main__":
    hosttest.main()
