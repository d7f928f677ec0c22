#!/usr/bin/env python3
"""Translations as another sees them: `pt` and `ptdump` against QEMU's monitor, in every region, with each number of levels,
size of an address and granule.

`gva2gpa` translates by QEMU's own model of the MMU, `info mem` and `info tlb` walk the tables in memory; none of them
knows our walker. The last two exist for x86_64 alone. `info mem` of QEMU before 8.0 sees nothing under five levels, so
there `info tlb`, which lists every leaf, is the only witness.
"""

import json
import random
import re
import unittest

import paths  # noqa: F401
from strata import console, hosttest, qemu

PORTS = ("x86_64", "aarch64")
ADDRESSES = 100  # of each region
BATCH = 30  # `pt` commands on a line of 1023 bytes
# Small and large areas with gaps, so that the vmalloc window has leaves and guard pages of both kinds.
AREAS = ["vmalloc 10000", "vmalloc 5M huge", "vmalloc 300K", "vmalloc 2M huge", "vmalloc 4096"]


class Translations:
    """The same cases for each kind of tables."""

    config = levels = None

    @classmethod
    def setUpClass(cls):
        cls.page = int(cls.config.granule) << 10
        cls.kernel = console.Console(cls.config.replace(mem="1G", smp="1", cmdline="seed=1")).__enter__()
        cls.addClassCleanup(cls.kernel.__exit__)
        cls.random = random.Random(cls.levels)
        cls.areas = [cls.kernel.json(command) for command in AREAS]

    def regions(self):
        """(name, first address, bytes) of what is worth asking: where the kernel lives, a little beyond, and holes."""
        spans = {}
        for one in self.kernel.json("ptdump")["ranges"]:
            start, end = int(one["start"], 16), int(one["end"], 16)
            name = self.kernel.json(f"whatis {start:#x}")["region"]
            first, last = spans.get(name, (start, end))
            spans[name] = min(first, start), max(last, end)
        for name, (first, last) in spans.items():
            yield name, first, last - first + (2 << 20)
        yield "user", 0, 1 << 40

    def addresses(self, first, size):
        """Half of them anywhere in the region, half at borders of leaves in it."""
        ranges = self.kernel.json(f"ptdump {first:#x} {first + size:#x}")["ranges"]
        for n in range(ADDRESSES):
            if n % 2 and ranges:
                one = self.random.choice(ranges)
                border = int(self.random.choice([one["start"], one["end"]]), 16)
                yield min(max(border + self.random.randrange(-2 * self.page, 2 * self.page), first), first + size - 1)
            else:
                yield first + self.random.randrange(size)

    def test_level_count(self):
        self.assertEqual(self.kernel.json("pt 0")["levels"], self.levels)

    def pt(self, addresses):
        """The answers of `pt` for all of them, many in one request."""
        addresses = list(addresses)
        for n in range(0, len(addresses), BATCH):
            lines = self.kernel.run("; ".join(f"pt {va:#x} -j" for va in addresses[n : n + BATCH]))
            yield from zip(addresses[n : n + BATCH], map(json.loads, lines))

    def test_pt_agrees_with_gva2gpa(self):
        mapped = {}
        for name, first, size in self.regions():
            mapped[name] = 0
            for va, ours in self.pt(self.addresses(first, size)):
                match = re.match(r"gpa: (?:0x)?([0-9a-f]+)", self.kernel.monitor(f"gva2gpa {va:#x}"))
                theirs = int(match[1], 16) if match else None
                self.assertEqual(int(ours["pa"], 16) if ours["mapped"] else None, theirs, f"{name} {va:#x}: {ours}")
                mapped[name] += ours["mapped"]
        # Every region was really asked, mapped addresses included; user addresses never are.
        self.assertEqual({name for name, count in mapped.items() if not count}, {"user"})
        self.assertGreaterEqual(
            set(mapped), {"direct map", "vmalloc", "vmemmap", "per-CPU", "kernel text", "kernel rodata", "kernel data"}
        )

    def test_areas_translate_page_by_page(self):
        for area in self.areas:
            start = int(area["ptr"], 16)
            for va in range(start, start + area["pages"] * self.page, max(1, area["pages"] // 16) * self.page):
                theirs = self.kernel.monitor(f"gva2gpa {va:#x}")
                self.assertEqual(theirs.strip(), f"gpa: {self.kernel.json(f'pt {va:#x}')['pa']}")
            guard = start + area["pages"] * self.page
            self.assertFalse(self.kernel.json(f"pt {guard:#x}")["mapped"])
            self.assertIn("Unmapped", self.kernel.monitor(f"gva2gpa {guard:#x}"))


class X86Translations(Translations):
    def test_ptdump_agrees_with_info_tlb(self):
        """Every leaf: its address, size, and right to write and to execute."""
        ours = set()
        for one in self.kernel.json("ptdump")["ranges"]:
            rights = ("RW" in one["flags"], "NX" in one["flags"], one["level"] > 0)
            step = 4096 << 9 * one["level"]
            ours.update((va, *rights) for va in range(int(one["start"], 16), int(one["end"], 16), step))
        rows = re.findall(r"(?m)^([0-9a-f]{16}): [0-9a-f]{16} ([X-])[G-]([P-])[D-][A-][C-][T-]([U-])([W-])$",
                          self.kernel.monitor("info tlb"))
        self.assertNotIn("U", {row[3] for row in rows}, "nothing is open to user mode")
        theirs = {(int(row[0], 16), row[4] == "W", row[1] == "X", row[2] == "P") for row in rows}
        self.assertEqual(len(theirs), len(rows))
        self.assertEqual(ours, theirs)


class X86FourLevels(X86Translations):
    @staticmethod
    def merged(ranges):
        """[start, end, writable] of ascending ranges, neighbours of equal rights joined."""
        result = []
        for start, end, writable in ranges:
            if result and result[-1][1:] == [start, writable]:
                result[-1][1] = end
            else:
                result.append([start, end, writable])
        return result

    def test_ptdump_agrees_with_info_mem(self):
        ours = self.merged(
            (int(r["start"], 16), int(r["end"], 16), "RW" in r["flags"]) for r in self.kernel.json("ptdump")["ranges"]
        )
        lines = self.kernel.monitor("info mem").split("\n")
        rows = [re.fullmatch(r"([0-9a-f]+)-([0-9a-f]+) [0-9a-f]+ -r([-w])", line) for line in lines if line]
        self.assertEqual(ours, self.merged((int(row[1], 16), int(row[2], 16), row[3] == "w") for row in rows))


CASES = {
    "x86_64": {"FourLevels": (X86FourLevels, 4, {"levels": "4"}), "FiveLevels": (X86Translations, 5, {"levels": "5"})},
    "aarch64": {
        "FourLevels": (Translations, 4, {"levels": "4"}),
        "FiveLevels": (Translations, 5, {"levels": "5"}),
        "Granule16": (Translations, 4, {"granule": "16"}),
        "Granule16Of48Bits": (Translations, 4, {"granule": "16", "cpu": "neoverse-n1"}),
        "Granule64": (Translations, 3, {"granule": "64"}),
        "Granule64Of48Bits": (Translations, 3, {"granule": "64", "cpu": "cortex-a72"}),
    },
}
for name, (base, levels, fields) in CASES[hosttest.ARCH].items():
    globals()[name] = type(name, (base, unittest.TestCase), {"levels": levels, "config": hosttest.machine(**fields)})

if __name__ == "__main__":
    hosttest.main()
