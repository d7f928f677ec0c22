#!/usr/bin/env python3
"""Boot logs in the hosted build: what Strata counts of each, beside what Linux counted.

Each file of tests/bootlogs is booted. Its figures are read from the text here, by other means than boot/host/dmesg.c has. As a
program, `test_logs.py --compare FILE...` does the same with any logs and prints the differences.
"""

import html
import pathlib
import quopri
import re
import sys
import tempfile
import unittest

import paths  # noqa: F401
import test_maps
from strata import hosttest
from test_maps import PAGE, Machine, answers, compare, cut, strata

LOGS = sorted((test_maps.ROOT / "tests" / "bootlogs").glob("*.log"))

# Logs that lack memory, and what is said of them.
REFUSED = {"truncated-head": r":7: node 0 is \[mem 0x1000-.*: the log's beginning is lost"}
# What must be said of a log that is taken.
SAID = {"nul-serial-rg353v": "log: 1 zero bytes were skipped, the first in line 1",
        "utf16": "log: 27 lines are UTF-16",
        "qemu-linux-6.1-exact": "log: its map leads to 261756 KiB, its nodes have 302908 KiB: the nodes are believed",
        "two-nodes-without-head": "log: there is no line `Linux version` in front of the map: the log's beginning is lost",
        "vmware-320m-i386": "log: its map leads to 327272 KiB, its nodes have 327680 KiB: the nodes are believed"}

ZONE = r"(?<!\w)(DMA32|DMA|Normal|HighMem|Movable|Device)"
HEX = r"0x([0-9a-fA-F]+)"
SPAN = rf"\[mem {HEX}-{HEX}\]"
PAGES = r"(0x[0-9a-f]+|\d+) -> +(0x[0-9a-f]+|\d+)"


def text_of(path):
    """The log as text, whatever it is written in."""
    raw = pathlib.Path(path).read_bytes()
    wide = raw.count(0) * 5 >= len(raw) * 2
    text = raw.replace(b"\0", b"" if wide else b" ").decode("utf-8", "replace")
    if re.search(r"=3D|[^=]=\n", text):  # a mail, quoted-printable
        text = quopri.decodestring(text.encode()).decode("utf-8", "replace")
    return html.unescape(re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|</?[a-z][^>]*>", "", text)).replace("\u00a0", " ")


def last_boot(text):
    """The lines of the last boot that says what memory there is."""
    boots = [[]]
    for line in text.splitlines():
        if re.search(r"(?<!\w)Linux version \d", line):
            boots.append([])
        boots[-1].append(line)
    told = [b for b in boots if any(re.search(r"node +\d+: +\[mem|-e820: |-> +0x", line) for line in b)]
    return told[-1] if told else boots[-1]


class Log:
    """The figures of a log, under the names that test_maps.Expected has."""

    def __init__(self, path):
        self.page, self.zones, self.ranges, self.total, self.count = PAGE, [], {}, {}, {}
        self.unavailable, self.all_kb, self.limits, self.said_nodes = [], None, {}, False
        lines = last_boot(text_of(path))
        whole = "\n".join(lines)
        if re.search(r"BIOS-e820|BIOS-e801|BIOS-88|Xen: ", whole):
            self.arch = "i386" if "LOWMEM available" in whole else "x86_64"
        else:
            self.arch = "arm64" if re.search(r"psci: |GICv[34]|aarch64", whole) else "riscv64" if "riscv" in whole else "other"
        self.read(lines)

    def read(self, lines):
        node, where = 0, None
        for line in lines:
            if re.search(r"Zone (PFN )?ranges:", line):
                where, self.limits = "zones", {}
            elif re.search(r"Early memory (node|PFN) ranges|early_node_map\[\d+\]", line):
                where, self.ranges = "nodes", {}
            elif where == "zones" and (m := re.search(rf"{ZONE}:? +(?:empty|{SPAN}|{PAGES})", line)):
                self.limits[m[1]] = span_of(m[2], m[3], m[4], m[5])
            elif m := re.search(rf"node +(\d+): {SPAN}", line):
                self.add_range(int(m[1]), int(m[2], 16), int(m[3], 16) + 1)
            elif where == "nodes" and (m := re.search(rf"(?<!\w)(\d+): +{PAGES}\s*$", line)):
                self.add_range(int(m[1]), *span_of(None, None, m[2], m[3]))
            elif m := re.search(r"On node (\d+) totalpages: (\d+)", line):
                node, where = int(m[1]), None
                self.total[node] = int(m[2])
            elif m := re.search(rf"{ZONE} zone: (\d+) pages(?: (used for memmap|reserved)|,|\s*$)", line):
                kind = {"used for memmap": "memmap", "reserved": "reserved"}.get(m[3], "pages")
                self.count[node, m[1], kind] = int(m[2])
            elif m := re.search(rf"On node (\d+), zone +{ZONE}: (\d+) pages in unavailable", line):
                self.unavailable.append((int(m[1]), m[2], int(m[3])))
            elif m := re.search(r"Memory: \d+[Kk]/(\d+)[Kk] available", line):
                self.all_kb = int(m[1])

    def add_range(self, node, start, end):
        if (start, end) not in self.ranges.setdefault(node, []) and start < end:
            self.ranges[node].append((start, end))

    def name_movable_as(self, machine):
        """An option made Linux's zone Movable. Its pages are in the zone that they would be in without."""
        if any(zone == "Movable" for _, zone, _ in self.unavailable):
            names = [zone for _, zone, _ in machine.unavailable(test_maps.SECTION[self.arch])]
            self.unavailable = [(node, other if zone == "Movable" else zone, pages)
                                for (node, zone, pages), other in zip(self.unavailable, names, strict=False)]

    def figures(self):
        return sum(map(len, (self.ranges, self.total, self.count, self.limits))) + bool(self.unavailable) + bool(self.all_kb)


def span_of(first, last, start, end):
    """Half-open, from an inclusive span of bytes or a half-open one of pages; None: empty."""
    if first:
        return int(first, 16), int(last, 16) + 1
    if not start or int(start, 0) >= int(end, 0):
        return None
    return int(start, 0) * PAGE, int(end, 0) * PAGE


def zone_differences(log, machine):
    """Of each zone that Linux names, the pages that lie in its limits."""
    ranges = [r for pieces in machine.ranges.values() for r in pieces]
    for name, limits in log.limits.items():
        if name in ("Movable", "Device"):
            continue
        want = sum(e - s for s, e in cut(ranges, *limits)) // PAGE if limits else 0
        got = sum(z["present"] for (_, n), z in machine.zones.items() if n == name)
        if want != got:
            yield f"zone {name}: Linux {want} pages in {limits}, Strata {got}"


def differences(path):
    """(figures compared, what differs, what Strata said of the log)"""
    log = Log(path)
    done = strata("--dmesg", path, "--cpus", "1", "-c", "zoneinfo -j; numa -j; memmap -j; verify")
    said = "\n".join(line for line in done.stderr.splitlines() if re.search(r"boot: log|^strata:|memmap: ", line))
    if done.returncode:
        return log.figures(), [f"not booted, status {done.returncode}"], said or done.stderr[-500:]
    machine = Machine(*answers(done)[:3])
    log.name_movable_as(machine)
    result = [f"{what}: {sides}" for what, sides in compare(log, machine).items() if sides]
    result += zone_differences(log, machine)
    if log.ranges and set(log.ranges) != {n for n, pieces in machine.ranges.items() if pieces}:
        result.append(f"nodes: Linux {sorted(log.ranges)}, Strata {sorted(machine.ranges)}")
    return log.figures(), result, said


class Logs(unittest.TestCase):
    maxDiff = 2000

    def counts_what_linux_counted(self, path):
        figures, result, said = differences(path)
        if path.stem in REFUSED:
            self.assertRegex(said, rf"^strata: {re.escape(str(path))}{REFUSED[path.stem]}")
            return
        self.assertEqual(result, [], said)
        self.assertGreater(figures, 0)
        self.assertIn(SAID.get(path.stem, ""), said)

    def test_a_difference_is_found(self):
        text = (test_maps.ROOT / "tests/bootlogs/late-update-p52.log").read_text(encoding="utf-8")
        for what, old, new in (("available-kb", r"/(\d+)K available", "/1K available"),
                               ("node 0 zone-pages Normal", r"(?m)^(.*)Initmem setup node 0.*$",
                                r"\1  Normal zone: 9 pages, LIFO batch:63"),
                               ("node 0 totalpages", r"(?m)^(.*)Initmem setup node 0.*$", r"\1On node 0 totalpages: 9")):
            with self.subTest(what=what), tempfile.NamedTemporaryFile("w", suffix=".log") as log:
                log.write(re.sub(old, new, text))
                log.flush()
                self.assertTrue([d for d in differences(log.name)[1] if d.startswith(what)])


    def test_no_line_is_lost_in_silence(self):
        """Each line of a log is left out, and each beginning: the same memory, or a message."""
        lines = (test_maps.ROOT / "tests/bootlogs/qemu-linux-6.1-numa2.log").read_text(encoding="utf-8").splitlines(True)
        linux_kb = int(re.search(r"Memory: \d+K/(\d+)K", "".join(lines))[1])
        count = next(i for i, line in enumerate(lines) if "Memory: " in line)
        for what, some in [(f"{i} left out", lines[:i] + lines[i + 1:]) for i in range(count)] + \
                          [(f"from {i} on", lines[i:]) for i in range(count)]:
            with self.subTest(what=what), tempfile.NamedTemporaryFile("w", suffix=".log") as log:
                log.write("".join(some))
                log.flush()
                done = strata("--dmesg", log.name, "--cpus", "1", "-c", "memmap -j")
                said = re.search(r"boot: log|^strata: ", done.stderr, re.MULTILINE)
                if done.returncode:
                    self.assertTrue(said)
                    continue
                usable = sum(int(r["end"], 16) - int(r["start"], 16) for r in answers(done)[0]["usable"]) >> 10
                self.assertTrue(said or usable == linux_kb)


def add_cases():
    for path in LOGS:
        name = re.sub(r"\W", "_", path.stem)
        setattr(Logs, f"test_{name}", lambda self, path=path: self.counts_what_linux_counted(path))


def compare_files(files):
    number = 0
    for file in files:
        figures, result, said = differences(file)
        print(f"{file}: {figures} figures, {len(result)} differences")
        print("".join(f"    {line}\n" for line in [*result, *said.splitlines()]), end="")
        number += len(result)
    print(f"{len(files)} logs, {number} differences")
    return min(number, 1)


add_cases()

if __name__ == "__main__":
    if sys.argv[1:2] == ["--compare"]:
        sys.exit(compare_files(sys.argv[2:]))
    hosttest.main()
