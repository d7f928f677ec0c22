#!/usr/bin/env python3
"""Device trees in the hosted build: those that QEMU makes for its `virt` machine, and those of dtc from sources here.

A tree goes in by --fdt; what comes out is held against what QEMU was asked for, its machine's addresses (hw/arm/virt.c), and
the sources' own words. No other reader of trees is asked but fdtget, for where QEMU puts what it moves.
"""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import paths  # noqa: F401
from strata import hosttest

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGE = ROOT / "build" / os.environ.get("STRATA_BUILD", "host") / "strata"
MIB, GIB = 1 << 20, 1 << 30
RAM = GIB  # where QEMU's memory begins
MAX_CPUS = 64  # of the hosted build


def strata(*arguments):
    return subprocess.run([IMAGE, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=120,
                          check=False)


class Machine:
    """What Strata says of itself when it boots by a tree."""

    def __init__(self, test, tree):
        self.done = strata("--fdt", tree, "-c", "numa -j; memmap -j; cpus -j; verify")
        test.assertEqual(self.done.returncode, 0, self.done.stdout[-2000:] + self.done.stderr[-2000:])
        numa, memmap, cpus = [json.loads(line) for line in self.done.stdout.splitlines() if line.startswith("{")][:3]
        self.log = self.done.stderr
        self.nodes = {n["node"]: [(int(r["start"], 16), int(r["end"], 16)) for r in n["ranges"]] for n in numa["nodes"]}
        self.distance = [n["distance"] for n in numa["nodes"]]
        self.usable = [(int(r["start"], 16), int(r["end"], 16)) for r in memmap["usable"]]
        self.reserved = {(int(r["start"], 16), int(r["end"], 16)) for r in memmap["reserved"] if r["name"] == "firmware"}
        self.firmware = {(int(r["start"], 16), int(r["end"], 16), r["type"]) for r in memmap["firmware"]}
        self.cpus = [c["node"] for c in cpus["cpus"] if c["online"]]
        said = re.search(r"PSCI (\w+), PL011 (\w+) irq (\d+), timer irq (\d+)", self.log)
        self.psci, self.uart, self.uart_irq = said[1], int(said[2], 16), int(said[3])
        self.timer_irq = int(said[4])
        said = re.search(r"GIC version (\d), GICD (\w+), GICC (\w+)", self.log)
        self.gic = int(said[1]), int(said[2], 16), int(said[3], 16)
        self.gicr = [(int(a, 16), int(b, 16)) for a, b in re.findall(r"GICR (\w+), \+(\w+)", self.log)]

    def notes(self):
        return re.findall(r"device tree: .*", self.log)


class Trees(unittest.TestCase):
    maxDiff = 2000

    def setUp(self):
        self.place = tempfile.TemporaryDirectory()
        self.addCleanup(self.place.cleanup)
        self.tree = pathlib.Path(self.place.name, "tree.dtb")

    def qemu(self, machine, *arguments):
        done = subprocess.run(["qemu-system-aarch64", "-nodefaults", "-display", "none", "-M", f"virt,{machine},dumpdtb={self.tree}",
                               *arguments], capture_output=True, text=True, timeout=60, check=False)
        self.assertTrue(self.tree.exists(), done.stderr)
        return Machine(self, self.tree)

    def dtc(self, source):
        subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", "-o", self.tree], input=source, text=True, timeout=60,
                       check=True)
        return Machine(self, self.tree)

    def cells(self, path, name):
        """A property as fdtget sees it: its cells, two by two."""
        words = subprocess.run(["fdtget", "-t", "x", self.tree, path, name], capture_output=True, text=True, timeout=60,
                               check=True).stdout.split()
        numbers = [int(w, 16) for w in words]
        return [high << 32 | low for high, low in zip(numbers[::2], numbers[1::2])]


class OfQemu(Trees):
    def check(self, machine, cpus, size, psci):
        if psci != "none":
            self.assertEqual(machine.notes(), [])
        self.assertEqual((machine.usable[0][0], machine.usable[-1][1]), (RAM, RAM + size))
        self.assertEqual(sum(end - start for start, end in machine.usable), size)
        self.assertEqual(len(machine.cpus), min(cpus, MAX_CPUS))
        self.assertEqual((machine.psci, machine.uart, machine.uart_irq, machine.timer_irq), (psci, 0x9000000, 33, 27))

    def test_every_gic_and_exception_level(self):
        for version in (2, 3):
            for options, psci in (("", "hvc"), (",virtualization=on", "smc"), (",secure=on", "none"),
                                  (",highmem=off", "hvc")):
                for cpus in (1, 4):
                    with self.subTest(version=version, options=options, cpus=cpus):
                        machine = self.qemu(f"gic-version={version}{options}", "-cpu", "cortex-a72", "-smp", str(cpus),
                                            "-m", "256M")
                        # Without PSCI, which secure firmware would bring, no other CPU can be started.
                        self.check(machine, cpus if psci != "none" else 1, 256 * MIB, psci)
                        self.assertEqual(machine.gic, (2, 0x8000000, 0x8010000) if version == 2 else (3, 0x8000000, 0))
                        self.assertEqual(machine.gicr, [] if version == 2 else [(0x80a0000, 0xf60000)])

    def test_more_cpus_than_one_region_of_redistributors_has(self):
        machine = self.qemu("gic-version=3", "-cpu", "max", "-smp", "200", "-m", "1G")
        self.check(machine, 200, GIB, "hvc")
        reg = self.cells("/intc@8000000", "reg")
        self.assertEqual(len(reg), 6)
        self.assertEqual(machine.gicr, [(reg[2], reg[3]), (reg[4], reg[5])])

    def test_nodes_and_distances(self):
        sizes = (256, 512, 128)
        arguments = ["-cpu", "neoverse-n1", "-smp", "5", "-m", "896M"]
        for node, (size, cpus) in enumerate(zip(sizes, ("0-1", "2", "3-4"))):
            arguments += ["-object", f"memory-backend-ram,id=m{node},size={size}M",
                          "-numa", f"node,nodeid={node},memdev=m{node},cpus={cpus}"]
        for way in ("src=0,dst=1,val=21", "src=0,dst=2,val=31", "src=1,dst=2,val=41"):
            arguments += ["-numa", f"dist,{way}"]
        machine = self.qemu("gic-version=3", *arguments)
        self.check(machine, 5, 896 * MIB, "hvc")
        self.assertEqual(machine.nodes, {0: [(RAM, RAM + 256 * MIB)], 1: [(RAM + 256 * MIB, RAM + 768 * MIB)],
                                         2: [(RAM + 768 * MIB, RAM + 896 * MIB)]})
        self.assertEqual(machine.distance, [[10, 21, 31], [21, 10, 41], [31, 41, 10]])
        self.assertEqual(machine.cpus, [0, 0, 1, 2, 2])

    def test_distances_that_differ_by_direction(self):
        arguments = ["-cpu", "max", "-smp", "2", "-m", "512M"]
        for node in range(2):
            arguments += ["-object", f"memory-backend-ram,id=m{node},size=256M",
                          "-numa", f"node,nodeid={node},memdev=m{node},cpus={node}"]
        machine = self.qemu("gic-version=2", *arguments, "-numa", "dist,src=0,dst=1,val=20",
                            "-numa", "dist,src=1,dst=0,val=30")
        self.assertEqual(machine.distance, [[10, 20], [30, 10]])


ROOT_CELLS = "#address-cells = <2>; #size-cells = <2>; interrupt-parent = <&gic>;"

# A board as they are: the CPUs' side of the bus is elsewhere, the console is an alias, firmware has its corners.
BOARD = f"""/dts-v1/;
/memreserve/ 0x40200000 0x3000;
/ {{
    {ROOT_CELLS}
    aliases {{ serial0 = &debug; }};
    chosen {{ bootargs = "seed=4711"; stdout-path = "serial0:115200n8"; linux,initrd-start = <0x44000000>;
              linux,initrd-end = <0x0 0x44012345>; }};
    firmware {{ psci {{ compatible = "arm,psci-0.2"; method = "smc"; }}; }};
    memory@40000000 {{ device_type = "memory"; reg = <0x0 0x40000000 0x0 0x10000000>, <0x1 0x0 0x0 0x8000000>; }};
    reserved-memory {{
        #address-cells = <2>; #size-cells = <2>; ranges;
        tee@48000000 {{ reg = <0x0 0x48000000 0x0 0x200000>; no-map; }};
        log@41000000 {{ reg = <0x0 0x41000000 0x0 0x10000>; }};
        pool {{ compatible = "shared-dma-pool"; size = <0x0 0x400000>; reusable; }};
    }};
    cpus {{
        #address-cells = <2>; #size-cells = <0>;
        cpu@0 {{ device_type = "cpu"; reg = <0x0 0x0>; enable-method = "psci"; }};
        cpu@1 {{ device_type = "cpu"; reg = <0x0 0x100>; enable-method = "psci"; status = "fail"; }};
        cpu@2 {{ device_type = "cpu"; reg = <0x1 0x0>; enable-method = "psci"; }};
    }};
    timer {{ compatible = "arm,armv8-timer"; interrupt-names = "phys", "virt"; interrupts = <1 14 8>, <1 11 8>; }};
    soc {{
        compatible = "simple-bus"; #address-cells = <1>; #size-cells = <1>;
        ranges = <0x7e000000 0x0 0xfe000000 0x1800000>, <0x40000000 0x0 0xff800000 0x800000>;
        bluetooth: serial@7e201400 {{ compatible = "arm,pl011"; reg = <0x7e201400 0x200>; interrupts = <0 120 4>; }};
        debug: serial@7e201000 {{ compatible = "arm,pl011", "arm,primecell"; reg = <0x7e201000 0x200>;
                                  interrupts = <0 121 4>; }};
        gic: interrupt-controller@40041000 {{ compatible = "arm,gic-400"; #interrupt-cells = <3>;
            interrupt-controller; reg = <0x40041000 0x1000>, <0x40042000 0x2000>; }};
    }};
}};
"""


class OfSources(Trees):
    def test_a_board(self):
        machine = self.dtc(BOARD)
        self.assertEqual(machine.notes(), [])
        self.assertEqual(machine.usable, [(0x40000000, 0x48000000), (0x48200000, 0x50000000), (0x100000000, 0x108000000)])
        self.assertIn((0x48000000, 0x48200000, "reserved"), machine.firmware)
        self.assertEqual(machine.reserved, {(0x40200000, 0x40203000), (0x41000000, 0x41010000)})
        self.assertIn("seed=4711", machine.log)
        self.assertEqual(len(machine.cpus), 2)
        self.assertEqual((machine.psci, machine.uart, machine.uart_irq, machine.timer_irq), ("smc", 0xfe201000, 153, 27))
        self.assertEqual(machine.gic, (2, 0xff841000, 0xff842000))

    def test_padding_and_versions_change_nothing(self):
        want = self.dtc(BOARD)
        for options in (["-V", "16"], ["-S", "16384"], ["-p", "5000"], ["-R", "9"], ["-a", "4096"], ["-@"]):
            with self.subTest(options=options):
                subprocess.run(["dtc", "-q", "-I", "dts", "-O", "dtb", *options, "-o", self.tree], input=BOARD, text=True,
                               timeout=60, check=True)
                machine = Machine(self, self.tree)
                self.assertEqual(machine.notes(), [])
                for what in ("usable", "reserved", "cpus", "psci", "uart", "uart_irq", "timer_irq", "gic"):
                    self.assertEqual(getattr(machine, what), getattr(want, what), what)

    def test_a_spin_table_leaves_one_cpu(self):
        machine = self.dtc(BOARD.replace('enable-method = "psci"', 'enable-method = "spin-table"'))
        self.assertEqual(len(machine.cpus), 1)
        self.assertIn("expected enable-method psci", machine.log)

    def test_a_console_that_is_no_pl011_is_not_replaced(self):
        machine = self.dtc(BOARD.replace('"arm,pl011", "arm,primecell"', '"brcm,bcm2835-aux-uart"'))
        self.assertEqual((machine.uart, machine.uart_irq), (0, 0))
        self.assertIn("serial@7e201000, which is no PL011", machine.log)

    def test_a_bus_without_ranges_hides_what_is_on_it(self):
        machine = self.dtc(BOARD.replace("ranges = <0x7e000000", "dma-ranges = <0x7e000000"))
        self.assertEqual((machine.uart, machine.gic, machine.timer_irq), (0, (0, 0, 0), 0))
        self.assertIn("has no ranges", machine.log)

    def test_nodes_that_do_not_fit_the_map_are_not_used(self):
        tree = BOARD.replace('device_type = "memory"; reg', 'device_type = "memory"; numa-node-id = <1>; reg')
        machine = self.dtc(tree)
        self.assertEqual(machine.nodes, {1: machine.usable})
        second = 'memory@80000000 { device_type = "memory"; reg = <0x0 0x80000000 0x0 0x8000000>; }; reserved-memory {'
        machine = self.dtc(tree.replace("reserved-memory {", second))
        self.assertEqual(list(machine.nodes), [0])
        self.assertIn("does not say where 131072 KiB", machine.log)

    def test_only_what_a_crash_kernel_may_use_is_used(self):
        machine = self.dtc(BOARD.replace("bootargs =", "linux,usable-memory-range = <0x0 0x42000000 0x0 0x4000000>; bootargs ="))
        self.assertEqual(machine.usable, [(0x42000000, 0x46000000)])


class Refused(Trees):
    def refused(self, *arguments):
        done = strata(*arguments, "-c", "version")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertEqual(done.stdout, "")
        return done.stderr

    def test_what_is_no_tree(self):
        for content in (b"", b"\xd0\x0d\xfe\xed", b"\xd0\x0d\xfe\xed" + bytes(36), b"e820 0x0 0x9ffff usable\n" * 4):
            self.tree.write_bytes(content)
            self.assertRegex(self.refused("--fdt", self.tree), rf"^strata: {self.tree}: device tree: no header of 40 bytes")
        self.dtc(BOARD)
        self.tree.write_bytes(self.tree.read_bytes()[:300])
        self.assertRegex(self.refused("--fdt", self.tree), "only 0x12c can be read")
        self.assertRegex(self.refused("--fdt", self.tree.with_suffix(".none")), "cannot be read: No such file")

    def test_a_tree_without_memory(self):
        subprocess.run(["dtc", "-q", "-O", "dtb", "-o", self.tree], input="/dts-v1/; / { };", text=True, timeout=60, check=True)
        self.assertRegex(self.refused("--fdt", self.tree), "0 KiB of usable memory, expected at least 4096")

    def test_options_that_say_the_same_in_another_way(self):
        for option in (["--mem", "1G"], ["--nodes", "2"], ["--cpus", "2"], ["--map", "x.map"], ["--dmesg", "x.log"]):
            self.assertRegex(self.refused("--fdt", "x.dtb", *option), f"^strata: .*{option[0]}.*: expected one of them")


if __name__ == "__main__":
    hosttest.main()
