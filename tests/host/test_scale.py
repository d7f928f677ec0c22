#!/usr/bin/env python3
"""Boot takes time in proportion to the number of memory ranges: counted in instructions, by Valgrind's cachegrind.

Each shape of map makes another step of boot work: pieces of one section, sections that are not whole, ranges that begin and end in
different sections, nodes that cut them, types that cover each other. From n to 2n ranges and from 2n to 4n the growth must
double; by the square it would be four times as much.
"""

import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import paths  # noqa: F401
from strata import hosted, hosttest

IMAGE = pathlib.Path(__file__).resolve().parents[2] / "build" / os.environ.get("STRATA_BUILD", "host") / "strata"
CACHEGRIND = [*hosted.CACHEGRIND, "--cache-sim=no", "--cachegrind-out-file=/dev/null"]
MOST = 4096  # BOOT_MAX_RANGES
SMALLEST = 512
RATIO = 2.5  # n log n gives 2.3 at these sizes
PAGE, MIB, SECTION = 4096, 1 << 20, 128 << 20
FIRST = [(PAGE, 0xA0000), (MIB, SECTION)]


def ranges(step, size, nr):
    return FIRST + [(SECTION + i * step, SECTION + i * step + size) for i in range(nr - len(FIRST))]


def usable(spans):
    return [f"e820 0x{start:x} 0x{end - 1:x} usable" for start, end in spans]


def of_nodes(spans):
    """Eight nodes in turn, each cut somewhere in a range."""
    part = (spans[-1][1] // 200 + PAGE - 1) // PAGE * PAGE
    return usable(spans) + [f"srat {i % 8} 0x{i * part:x} 0x{(i + 1) * part - 1:x}" for i in range(200)]


def covered(nr):
    """Reserved ranges over one large range; each reaches into the next one's."""
    spans = [(SECTION + i * MIB, SECTION + i * MIB + MIB // 2) for i in range(nr - 3)]
    return usable([*FIRST, (SECTION, spans[-1][1] + MIB)]) + [
        f"e820 0x{start:x} 0x{end + MIB - 1:x} {'reserved' if i % 2 else 'ACPI data'}" for i, (start, end) in enumerate(spans)
        if i % 4 != 3]


SHAPES = {
    "pieces of a section": lambda nr: usable(ranges(17 * PAGE, 16 * PAGE, nr)),
    "a piece of each section": lambda nr: usable(ranges(SECTION, SECTION - 8 * MIB, nr)),
    "eight in a section": lambda nr: usable(ranges(16 * MIB, 15 * MIB, nr)),
    "over several sections": lambda nr: usable(ranges(5 * SECTION + PAGE, 4 * SECTION + 4 * MIB, nr)),
    "of eight nodes": lambda nr: of_nodes(ranges(16 * MIB, 15 * MIB, nr)),
    "under reserved ranges": covered,
    "all at one place": lambda nr: usable(FIRST) + [f"e820 0x{SECTION:x} 0x{SECTION + (nr + i) * MIB - 1:x} usable" for i in range(nr - 2)],
}


class Scale(unittest.TestCase):
    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.path = pathlib.Path(scratch.name) / "scale.map"

    def boot(self, lines, *commands, under=(), cmdline=()):
        self.path.write_text("\n".join(["arch x86_64", *lines]) + "\n", encoding="utf-8")
        return subprocess.run([*under, IMAGE, "--cpus", "1", "--map", self.path, "-c", "; ".join(commands), "--", *cmdline],
                              capture_output=True, text=True, timeout=600, check=False)

    def instructions(self, lines):
        done = self.boot(lines, "version", under=CACHEGRIND)
        self.assertEqual(done.returncode, 0, done.stderr[-2000:])
        return int(re.search(r"I\s+refs:\s+([\d,]+)", done.stderr)[1].replace(",", ""))

    def test_twice_the_ranges_take_twice_the_instructions(self):
        if os.environ.get("STRATA_BUILD", "host") != "host":
            self.skipTest("instructions are counted in the plain build")
        for name, shape in SHAPES.items():
            with self.subTest(shape=name):
                counts = [self.instructions(shape(SMALLEST << i)) for i in range(3)]
                growth = (counts[2] - counts[1]) / (counts[1] - counts[0])
                self.assertLess(growth, RATIO, f"{name}: {counts} instructions with {SMALLEST} ranges, twice, four times as many")

    def test_as_many_ranges_as_there_may_be_are_all_used(self):
        for name in ("pieces of a section", "a piece of each section", "over several sections", "of eight nodes"):
            with self.subTest(shape=name):
                lines = SHAPES[name](MOST)
                done = self.boot(lines, "memmap -j", "verify")
                self.assertEqual(done.returncode, 0, done.stderr[-2000:])
                got = json.loads(done.stdout.splitlines()[0])["usable"]
                pages = sum(int(r["end"], 16) - int(r["start"], 16) for r in got) // PAGE
                want = sum(int(line.split()[2], 16) + 1 - int(line.split()[1], 16) for line in lines if "usable" in line)
                self.assertEqual(pages, want // PAGE)
                self.assertGreaterEqual(len(got), MOST - 1)  # the first two may be one
                self.assertNotIn("is full", done.stderr)

    def test_options_that_cut_a_full_map_cut_it(self):
        lines = SHAPES["a piece of each section"](MOST)
        for option in ("page_owner=on", "numa=fake=64", "movablecore=1G", "mem=200G", "memmap=1G$2G"):
            with self.subTest(option=option):
                done = self.boot(lines, "verify", cmdline=[option])
                self.assertEqual(done.returncode, 0, done.stderr[-2000:])


if __name__ == "__main__":
    hosttest.main()
