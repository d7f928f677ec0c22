#!/usr/bin/env python3
"""Nodes: what the kernel makes of SRAT and SLIT, or of a device tree, against what QEMU was asked for; the options."""

import pathlib
import re
import time
import unittest

import paths  # noqa: F401
from strata import console, hosted, hosttest, qemu

PORTS = ("x86_64", "aarch64")
MIB = 1 << 20
LOST = 4 * MIB  # of a node, to holes and to firmware's tables


class Machine(console.Console):
    """A booted kernel whose nodes were described as NUMA= does."""

    def __init__(self, nodes, smp="4", options="", **more):
        super().__init__(hosttest.machine(numa=nodes, smp=smp, cmdline=options, **more))

    @property
    def log(self):
        return bytes(self.qemu.output).decode("utf-8", "replace")

    def nodes(self):
        return {node["node"]: node for node in self.json("numa")["nodes"]}

    def cpus(self):
        return {cpu["cpu"]: cpu["node"] for cpu in self.json("cpus")["cpus"] if cpu["online"]}


def size_of(node):
    return sum(int(r["end"], 16) - int(r["start"], 16) for r in node["ranges"])


class FromFirmware(unittest.TestCase):
    def check(self, nodes, kernel):
        """Memory, CPUs, distances and order are QEMU's; what has neither memory nor CPUs is not there."""
        asked = qemu.parse_nodes(nodes, 0, 256)
        online = [nid for nid, node in enumerate(asked) if node.size or node.cpus]
        seen = kernel.nodes()
        self.assertEqual(sorted(seen), online)
        last = 0
        for nid in online:
            size = size_of(seen[nid])
            self.assertLessEqual(size, asked[nid].size)
            self.assertGreaterEqual(size, asked[nid].size - (LOST if asked[nid].size else 0))
            for part in seen[nid]["ranges"]:
                self.assertGreaterEqual(int(part["start"], 16), last)
                last = int(part["end"], 16)
            default = [10 if to == nid else 10 + 10 * abs(to - nid) for to in range(len(asked))]
            said = asked[nid].distances or default
            self.assertEqual(seen[nid]["distance"], [said[to] for to in online])
        cpus = kernel.cpus()
        for nid, node in enumerate(asked):
            for cpu in node.cpus:
                self.assertEqual(cpus[cpu], nid)
        self.assertEqual(kernel.json("verify")["failed"], [])
        self.assertNotRegex(kernel.log, "boot: ACPI: S[RL][AI]T")
        self.check_witness(kernel, asked)

    def check_witness(self, kernel, asked):
        """QEMU's monitor has the same sizes and CPUs."""
        text = kernel.monitor("info numa")
        for nid, node in enumerate(asked):
            cpus = re.search(rf"^node {nid} cpus:(.*)$", text, re.M)[1].split()
            self.assertEqual([int(cpu) for cpu in cpus], node.cpus)
            self.assertIn(f"node {nid} size: {node.size // MIB} MB", text)

    def test_nodes_cpus_and_distances_are_what_qemu_was_asked_for(self):
        for nodes in (
            "256M:0,2 256M:1,3",
            "64M:0:10/15/25/40 96M:1:15/10/20/30 128M:2:25/20/10/12 32M:3:40/30/12/10",
            "64M:3:10/20 64M:0-2:33/10",  # one way is further than the other
            "2G:0-1 3G:2-3",  # the second one on both sides of the hole below 4 GiB
        ):
            with self.subTest(nodes=nodes), Machine(nodes) as kernel:
                self.check(nodes, kernel)

    def test_every_firmware_tells_the_same(self):
        for fw in [fw for fw in hosttest.FIRMWARE if fw in ("bios", "uefi")]:
            nodes = "128M:0,3 256M:1 0:2"
            with self.subTest(fw=fw), Machine(nodes, fw=fw) as kernel:
                seen = kernel.nodes()
                self.assertEqual(sorted(seen), [0, 1, 2])
                self.assertEqual(seen[0]["distance"], [10, 20, 30])
                self.assertEqual(kernel.cpus(), {0: 0, 1: 1, 2: 2, 3: 0})
                self.assertEqual(kernel.json("verify")["failed"], [])

    def test_a_node_may_have_cpus_only(self):
        """Who runs there gets the nearest memory, which is never local."""
        distances = "10/20/15 0:1:20/10/20 128M:2:15/20/10"
        for nodes, empty, nearest in (("256M:0,1 0:2,3", 1, 0), (f"0:0,3:{distances}", 0, 2)):
            with self.subTest(nodes=nodes), Machine(nodes) as kernel:
                self.check(nodes, kernel)
                self.assertIn("has no memory", kernel.request(f"alloc 0 node={empty}").text)
                self.assertEqual([node["node"] for node in kernel.json(f"numastat {empty}")["nodes"]], [empty])
                self.assertEqual(kernel.json("alloc 0")["node"], nearest)
                counts = kernel.json("numastat")["nodes"]
                self.assertEqual(sum(counts[empty][name] for name in counts[empty] if name != "node"), 0)
                self.assertGreater(counts[nearest]["local_node" if empty else "other_node"], 0)

    def test_a_node_may_have_memory_only(self):
        for nodes in ("128M:0,1 128M: 128M:2,3", "128M: 128M:0-3"):
            with self.subTest(nodes=nodes), Machine(nodes) as kernel:
                self.check(nodes, kernel)
                before = kernel.json("numastat")["nodes"]
                nid = [node for node in kernel.nodes() if node not in kernel.cpus().values()][0]
                self.assertEqual(kernel.json(f"alloc 3 node={nid}")["node"], nid)
                self.assertEqual(kernel.json(f"vmalloc 64K node={nid}")["pages"], 16)
                after = kernel.json("numastat")["nodes"]
                self.assertGreaterEqual(after[nid]["other_node"], before[nid]["other_node"] + 17)
                self.assertEqual(after[nid]["local_node"], 0)

    def test_a_node_may_have_nothing(self):
        """Then only the SLIT counts it; the others keep their numbers."""
        nodes = "128M:0,1:10/11/12 0::11/10/13 128M:2,3:12/13/10"
        with Machine(nodes) as kernel:
            self.check(nodes, kernel)
            self.assertEqual(kernel.nodes()[2]["distance"], [12, 10])

    def test_room_for_memory_that_is_not_there_is_no_memory(self):
        with Machine("128M:0-1 128M:2-3", qemu_args="-m slots=2,maxmem=8G") as kernel:
            for node in kernel.nodes().values():
                self.assertTrue(127 * MIB <= size_of(node) <= 128 * MIB, node)
            self.assertNotRegex(kernel.log, "boot: ACPI: S[RL][AI]T")

    def test_interleaved_areas_have_as_much_of_each_node(self):
        with Machine("128M:0-1 128M:2 128M:3") as kernel:
            before = kernel.json("numastat")["nodes"]
            address = int(kernel.json("vmalloc 1200K interleave")["ptr"], 16)
            after = kernel.json("numastat")["nodes"]
            lines = [line for line in kernel.run("vmallocinfo") if line.startswith(f"{address:#018x}-")]
            self.assertEqual(len(lines), 1)
            self.assertRegex(lines[0], "N0=100 N1=100 N2=100")
            for old, new in zip(before, after):
                self.assertEqual(new["interleave_hit"] - old["interleave_hit"], 100)

    def test_255_cpus_on_8_nodes(self):
        nodes = " ".join(f"64M:{32 * nid}-{min(32 * nid + 31, 254)}" for nid in range(8))
        started = time.monotonic()
        with Machine(nodes, smp="255", qemu_args="-accel tcg,thread=single") as kernel:
            self.check(nodes, kernel)
            self.assertEqual(len(kernel.cpus()), 255)
            print(f"  # 255 CPUs on 8 nodes: {time.monotonic() - started:.1f} s to the prompt and verify")


class Options(unittest.TestCase):
    def test_off_is_one_node(self):
        with Machine("128M:0-1 128M:2-3", options="numa=off") as kernel:
            nodes = kernel.nodes()
            self.assertEqual(list(nodes), [0])
            self.assertGreater(size_of(nodes[0]), 256 * MIB - LOST)
            self.assertEqual(set(kernel.cpus().values()), {0})

    def test_fake_nodes_replace_those_of_the_firmware(self):
        for option, sizes in (("4", [512] * 4), ("512M", [512] * 4), ("600M", [600, 600, 600, 248]), ("1G", [1024] * 2)):
            with self.subTest(fake=option), Machine("512M:0-1 1536M:2-3", options=f"numa=fake={option}") as kernel:
                nodes = kernel.nodes()
                self.assertEqual(list(nodes), list(range(len(sizes))))
                for nid, size in enumerate(sizes):
                    self.assertLess(abs(size_of(nodes[nid]) - size * MIB), 2 * LOST)
                    self.assertEqual(nodes[nid]["distance"][nid], 10)
                self.assertEqual(kernel.cpus(), {cpu: cpu % len(sizes) for cpu in range(4)})
                self.assertEqual(kernel.json("verify")["failed"], [])

    def test_bad_values_are_refused_with_what_was_expected(self):
        for value in ("", "=", "=on", "=fake", "=fake=", "=fake=0", "=fake=65", "=fake=-1", "=fake=1M", "=fake=4X", "=fake=M"):
            with self.subTest(value=value):
                output, _ = hosted.run("", "-c", "numa", "--", f"numa{value}")
                self.assertIn("expected off, fake=N with 1 to 64 nodes, or fake=SIZE of 4M or more", output)
                self.assertEqual(output.count("\nnode "), 1)

    def test_a_size_that_makes_too_many_nodes_is_raised(self):
        output, _ = hosted.run("", "--mem", "2G", "-c", "numa", "--", "numa=fake=8M")
        self.assertIn("each gets 0x2000000", output)
        self.assertEqual(output.count("\nnode "), 64)


class Words(unittest.TestCase):
    def test_a_machine_that_cannot_be_built_is_said(self):
        for nodes in ("0", "65", "x", "64M", "64M:a 64M:1", "64M:0:10/x 64M:1", "64M:0:10 64M:1", "M:0 64M:1", "64M:0:10:20"):
            with self.subTest(nodes=nodes), self.assertRaises(qemu.ConfigError):
                qemu.parse_nodes(nodes, 1 << 30, 4)


@unittest.skipIf(hosttest.ARCH != "x86_64", "once is enough")
class Suites(unittest.TestCase):
    def test_suites_that_see_nodes_pass_on_nodes_that_alternate(self):
        """Ranges of two nodes one after the other, with borders inside sections; the hosted build takes any map.

        Only the suites run that read the map, frames, zones or nodes. The other suites run on two nodes elsewhere.
        """
        suites = ("memblock", "memmap", "numa", "page", "zone", "buddy", "page_alloc", "pcp", "slab", "exhaust", "census",
                  "stress")
        path = pathlib.Path(__file__).with_name("alternating.map")
        line = "; ".join(f"test {suite}.*" for suite in suites)
        output, status = hosted.run("", "--map", str(path), "--cpus", "4", "-c", line, seconds=300)
        self.assertEqual(status, 0, output[-3000:])
        self.assertNotRegex(output, r"(?m)^ *not ok ")
        self.assertEqual(len(re.findall(r"# Totals: pass:[1-9]\d* fail:0 ", output)), len(suites), output[-3000:])


if __name__ == "__main__":
    hosttest.main()
