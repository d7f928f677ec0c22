#!/usr/bin/env python3
"""Real machines' memory maps in the hosted build: what Strata makes of each, beside what Linux made of it.

Each file of tests/memmaps is booted. Zones, node ranges and counts are compared with its `expect` lines (README.md there),
which no code of Strata reads but for the zones' and nodes' names and limits; and a case in the same boot takes all memory and
holds it against the map. A boot log made of the file's lines must lead to the same machine through --dmesg.
"""

import json
import os
import pathlib
import re
import resource
import subprocess
import tempfile
import unittest

import paths  # noqa: F401
from strata import hosttest

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGE = ROOT / "build" / os.environ.get("STRATA_BUILD", "host") / "strata"
MAPS = sorted((ROOT / "tests" / "memmaps").glob("*.map"))
PAGE = 4096
LIMITS = {16 << 20, 4 << 30}  # limits that a zone has by design may lie above the last memory
SECTION = {"x86_64": 27, "riscv64": 27, "arm64": 27}  # log2 of Linux's memory section
BOOT_SECONDS = 1.0

# Maps without 4 MiB of usable memory: a message and status 1.
NO_MEMORY = {"fragment-cxl-soft-reserved", "samsung-500c-chromebook"}
# Maps with room for the plain build's image alone: builds that count or check are larger.
PLAIN_BUILD_ONLY = {"i386-netboot-8m"}
# (map, expectation): why Strata differs. An entry that is not needed is a failure.
DIFFERENCES = {}


def strata(*arguments):
    return subprocess.run([IMAGE, *arguments], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=240,
                          check=False)


def answers(done):
    """The JSON answers on standard output, in order; what is no JSON is a test's."""
    return [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]


def merge(ranges):
    """Sorted half-open ranges, those that touch joined."""
    out = []
    for start, end in sorted(ranges):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


class Expected:
    """The facts of one file that Linux's log gave."""

    def __init__(self, path):
        self.arch, self.page, self.lines = "x86_64", PAGE, []
        self.zones, self.ranges, self.total, self.count = [], {}, {}, {}
        self.unavailable, self.all_kb = [], None
        for line in path.read_text(encoding="utf-8").splitlines():
            words = line.split()
            if not words or line.startswith("#"):
                self.lines.append((line, []))
                continue
            self.lines.append((line, words))
            if words[0] == "arch":
                self.arch = words[1]
            elif words[0] == "page-size":
                self.page = int(words[1])
            elif words[0] == "expect":
                self.expect(words[1:])

    def expect(self, words):
        node = 0
        if words[0] == "node":
            node, words = int(words[1]), words[2:]
        kind = words[0]
        if kind == "range":
            self.ranges.setdefault(node, []).append((int(words[1], 16), int(words[2], 16) + 1))
        elif kind == "totalpages":
            self.total[node] = self.pages(words[1])
        elif kind == "zone":
            limits = None if words[2] == "empty" else (int(words[2], 16), int(words[3], 16) + 1)
            self.zones.append((words[1], limits))
        elif kind == "unavailable":
            self.unavailable.append((node, words[1], self.pages(words[2])))
        elif kind == "available-kb":
            self.all_kb = int(words[3]) if len(words) > 2 else None
        else:
            self.count[node, words[1], kind.removeprefix("zone-")] = self.pages(words[2])

    def pages(self, text):
        return int(text) * self.page // PAGE


class Machine:
    """What Strata says of itself."""

    def __init__(self, zoneinfo, numa, memmap):
        self.ranges = {node["node"]: [(int(r["start"], 16), int(r["end"], 16)) for r in node["ranges"]]
                       for node in numa["nodes"]}
        self.usable = [(int(r["start"], 16), int(r["end"], 16)) for r in memmap["usable"]]
        self.zones = {(node["node"], zone["name"]): zone for node in zoneinfo["nodes"] for zone in node["zones"]}

    def zone_span(self, name):
        """First address and the one behind the last, over all nodes; None: nobody has such a zone."""
        spans = [(z["start_pfn"], z["start_pfn"] + z["spanned"]) for (_, n), z in self.zones.items()
                 if n == name and z["present"]]
        return (min(s for s, _ in spans) * PAGE, max(e for _, e in spans) * PAGE) if spans else None

    def present(self, node=None):
        return sum(z["present"] for (n, _), z in self.zones.items() if node in (None, n))

    def last(self, node=None):
        return max(end for n, ranges in self.ranges.items() if node in (None, n) for _, end in ranges) // PAGE

    def unavailable(self, shift):
        """Pages of holes that have a struct page, as newer kernels list them: those in a section with memory."""
        pieces = sorted((start, end, node, name) for (node, name), z in self.zones.items() if z["present"]
                        for start, end in cut(self.ranges[node], z["start_pfn"] * PAGE,
                                              (z["start_pfn"] + z["spanned"]) * PAGE))
        sections = {s for start, end, _, _ in pieces for s in range(start >> shift, ((end - 1) >> shift) + 1)}
        out, hole = [], 0

        def count(start, end):
            pages = 0
            while start < end:
                stop = min(end, ((start >> shift) + 1) << shift)
                pages += (stop - start) // PAGE if start >> shift in sections else 0
                start = stop
            return pages

        for start, end, node, name in pieces:
            if count(hole, start):
                out.append((node, name, count(hole, start)))
            hole = end
        tail = count(hole, -(-hole >> shift) << shift)
        if tail:
            out.append((pieces[-1][2], pieces[-1][3], tail))
        return out


def cut(ranges, low, high):
    return [(max(s, low), min(e, high)) for s, e in ranges if max(s, low) < min(e, high)]


def compare(expected, machine):
    """{expectation: None where it agrees, else both sides}; the tolerance is that of tests/memmaps/README.md, `Expectations`."""
    result = {}

    def add(what, good, *sides):
        result[what] = None if good else f"Linux {sides[0]}, Strata {sides[1]}"

    for node, ranges in expected.ranges.items():
        add(f"node {node} range", merge(ranges) == merge(machine.ranges.get(node, [])),
            merge(ranges), merge(machine.ranges.get(node, [])))
    for name, limits in expected.zones:
        span = machine.zone_span(name)
        if limits is None or span is None:
            add(f"zone {name}", limits == span, limits, span)
        else:
            ends = {span[1]} | {limit for limit in LIMITS if limit >= span[1]}
            add(f"zone {name}", span[0] == limits[0] and limits[1] in ends, limits, span)
    for node, pages in expected.total.items():
        add(f"node {node} totalpages", pages in (machine.present(node), machine.last(node)), pages,
            (machine.present(node), machine.last(node)))
    first_zone = min((z["start_pfn"], name) for (_, name), z in machine.zones.items() if z["present"])[1]
    for (node, name, kind), pages in expected.count.items():
        if kind in ("memmap", "reserved"):
            continue
        zone = machine.zones.get((node, name), {"present": 0, "start_pfn": 0, "spanned": 0})
        spanned = zone["spanned"] + (zone["start_pfn"] if name == first_zone else 0)
        fewer = sum(expected.count.get((node, name, k), 0) for k in ("memmap", "reserved"))
        good = {spanned} if kind == "spanned" else {zone["present"], zone["present"] - fewer, spanned}
        add(f"node {node} zone-{kind} {name}", pages in good, pages, good)
    if expected.unavailable and expected.arch in SECTION:
        got = machine.unavailable(SECTION[expected.arch])
        add("unavailable", got == expected.unavailable, expected.unavailable, got)
    if expected.all_kb:
        good = {machine.present() * PAGE >> 10, machine.last() * PAGE >> 10}
        add("available-kb", expected.all_kb in good, expected.all_kb, good)
    return result


class Maps(unittest.TestCase):
    maxDiff = 2000

    def needs_room_for_the_image(self, path):
        if path.stem in PLAIN_BUILD_ONLY and os.environ.get("STRATA_BUILD", "host") != "host":
            self.skipTest("the machine has room for the plain build's image alone")

    def boots_as_linux_had_it(self, path):
        self.needs_room_for_the_image(path)
        done = strata("--map", path, "-c", "zoneinfo -j; numa -j; memmap -j; verify; test all_memory.*")
        if path.stem in NO_MEMORY:
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, rf"^strata: {path}: \d+ KiB of usable memory, expected at least 4096\n$")
            return
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr[-2000:])
        machine = Machine(*answers(done)[:3])
        self.assertEqual(merge(machine.usable), merge(r for ranges in machine.ranges.values() for r in ranges))
        for what, difference in compare(Expected(path), machine).items():
            with self.subTest(what=what):
                if (path.stem, what) in DIFFERENCES:
                    self.assertIsNotNone(difference, "agrees: the entry in DIFFERENCES is not needed")
                else:
                    self.assertIsNone(difference)

    def log_leads_to_the_same_machine(self, path):
        self.needs_room_for_the_image(path)

        def look(option, file):
            done = strata(option, file, "--cpus", "1", "-c", "numa -j; memmap -j; zoneinfo -j")
            self.assertEqual(done.returncode, 0, done.stderr[-2000:])
            numa, memmap, zoneinfo = answers(done)
            return numa, memmap["usable"], [(n["node"], z["name"], z["start_pfn"], z["spanned"], z["present"])
                                            for n in zoneinfo["nodes"] for z in n["zones"]]

        want = look("--map", path)
        for old, listed in ((False, True), (True, True), (False, False), (True, False)):
            with self.subTest(old=old, listed=listed), tempfile.NamedTemporaryFile("w", suffix=".log") as log:
                log.write(boot_log(Expected(path), old, listed))
                log.flush()
                self.assertEqual(look("--dmesg", log.name), want)

    def test_the_largest_boots_in_well_under_a_second(self):
        path = ROOT / "tests/memmaps/supermicro-h13-1536g.map"
        seconds = []
        for _ in range(5):  # the best of five, in time of a CPU: others may keep the machine busy
            start = child_seconds()
            self.assertEqual(strata("--map", path, "-c", "version").returncode, 0)
            seconds.append(child_seconds() - start)
        self.assertLess(min(seconds), BOOT_SECONDS)


def child_seconds():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def boot_log(expected, old, listed):
    """What Linux would have printed: before 3.5 (`old`), or since. A PC's map must also do alone, without nodes `listed`."""
    tree = expected.arch not in ("x86_64", "i386")
    version = next((m[1] for line, _ in expected.lines if (m := re.match(r"#\s*kernel: (\d\S*)", line))), None)
    out = ["Command line: BOOT_IMAGE=/vmlinuz e820: nothing to see"]

    def span(start, end):
        if old and not tree:
            return f"{int(start, 16):016x} - {int(end, 16) + 1:016x}"
        return f"[mem {start}-{end}]"

    if version:
        out.append(f"Linux version {version} (root@localhost) #1 SMP")
    if expected.arch == "i386":
        out += ["Notice: NX (Execute Disable) protection missing in CPU!", "639MB LOWMEM available."]
    for _, words in expected.lines:
        if not words:
            continue
        kind = words[0]
        if kind in ("e820", "user"):
            prefix = "BIOS-e820" if kind == "e820" else "user"
            type_name = " ".join(words[3:])
            out.append(f" {prefix}: {span(*words[1:3])} " + (f"({type_name})" if old else type_name))
        elif kind == "linux":
            text = " ".join(words[4:])
            if old:
                text = " ==> ".join(f"({part})" for part in text.split(" => "))
                out.append(f"e820 {words[1]} range: {span(*words[2:4])} {text}")
            else:
                out.append(f"e820: {words[1]} {span(*words[2:4])} {text.replace('=>', '==>')}")
        elif kind == "srat":
            numbers = f"{int(words[2], 16):x}-{int(words[3], 16) + 1:x}" if old else span(*words[2:4])
            out.append(f"{'' if old else 'ACPI: '}SRAT: Node {words[1]} PXM {words[1]} {numbers}"
                       + "".join(f" {flag}" for flag in words[4:]))
    if expected.zones:
        out.append("Zone PFN ranges:" if old and not tree else "Zone ranges:")
    for name, limits in expected.zones:
        if limits is None:
            out.append(f"  {name:<8} empty")
        elif old and not tree and not limits[0] % PAGE and not limits[1] % PAGE:
            out.append(f"  {name:<8} 0x{limits[0] // PAGE:08x} -> 0x{limits[1] // PAGE:08x}")
        else:
            out.append(f"  {name:<8} [mem 0x{limits[0]:016x}-0x{limits[1] - 1:016x}]")
    out.append("Movable zone start for each node")
    ranges = expected.ranges
    if tree:
        ranges = ranges or {0: []}
        for _, words in expected.lines:
            if words[:2] == ["dt", "memory"] and len(expected.ranges) < 2:
                ranges[0] = [*ranges[0], (int(words[2], 16), int(words[2], 16) + int(words[3], 16))]
    if listed or tree:
        out.append("early_node_map[1] active PFN ranges" if old else "Early memory node ranges")
        for node, pieces in ranges.items():
            out += [f"{node:5}: 0x{s // PAGE:08x} -> 0x{e // PAGE:08x}" if old else
                    f"  node {node:3}: [mem 0x{s:016x}-0x{e - 1:016x}]" for s, e in pieces]
    out += [f"Initmem setup node {node} " for node in sorted(set(ranges) | set(expected.total))]
    stamp = "Jan  1 00:00:00 localhost kernel: [    0.000000] " if old else "[    0.000000] "
    return "".join(f"{stamp}{line}\n" for line in out)


# Machines that firmware should not describe, and what is said of them.
ODD = {
    "nodes_that_alternate_with_borders_inside_of_blocks": (
        """e820 0x0 0x9ffff usable
        e820 0x100000 0x4fffffff usable
        srat 0 0x0 0x10122fff
        srat 1 0x10123000 0x1fedcfff
        srat 0 0x1fedd000 0x2fffffff
        srat 1 0x30000000 0x37fff000
        srat 2 0x37fff001 0x38abcfff
        srat 0 0x38abd000 0x4fffffff""", r"Initmem setup node 2"),
    "ids_with_gaps_stay_as_they_are": (
        "e820 0x100000 0x1fffffff usable\nsrat 3 0x0 0xfffffff\nsrat 9 0x10000000 0x1fffffff", r"Initmem setup node 9"),
    "ids_that_are_too_large_are_node_0": (
        "e820 0x100000 0x1fffffff usable\nsrat 64 0x0 0xfffffff\nsrat 1 0x10000000 0x1fffffff",
        r"of node 64, expected less than 64: used as node 0's"),
    "of_two_nodes_that_overlap_the_first_keeps_its_memory": (
        "e820 0x100000 0x1fffffff usable\nsrat 1 0x0 0xfffffff\nsrat 0 0x8000000 0x1fffffff",
        r"\[0x8000000, 0x20000000\) of node 0 overlaps memory of node 1, which keeps it"),
    "a_node_without_memory_is_none": (
        "e820 0x100000 0x1fffffff usable\nsrat 0 0x0 0x1fffffff\nsrat 1 0x20000000 0x3fffffff hotplug", "Built 1 zonelists"),
    "a_zone_border_inside_of_a_block": (
        "arch i386\ne820 0x0 0x9ffff usable\ne820 0x100000 0x3fffffff usable\nexpect zone DMA 0x1000 0xffffff\n"
        "expect zone Normal 0x1000000 0x1779efff\nexpect zone HighMem 0x1779f000 0x3fffffff", r"HighMem  \[mem 0x000000001779f000"),
    "memory_above_what_is_addressed_is_said": (
        "e820 0x100000 0xfffffff usable\ne820 0x500000000000 0x5000ffffffff usable",
        r"usable memory \[0x500000000000, 0x500100000000\) is above"),
    "the_second_socket_has_its_memory_from_64_tib_on": (
        """arch arm64
        dt memory 0x88300000 0x77d00000
        dt memory 0x80000000000 0x80000000
        dt memory 0x800c0000000 0x3f40000000
        dt memory 0x400000000000 0xc0000000
        dt memory 0x400100000000 0x3f00000000
        expect zone DMA32 0x88300000 0xffffffff
        expect zone Normal 0x100000000 0x403fffffffff
        expect node 0 range 0x88300000 0x83fffffffff
        expect node 1 range 0x400000000000 0x403fffffffff""", r"Initmem setup node 1 \[mem 0x0000400000000000-0x0000403fffffffff\]"),
    "ranges_in_any_order_that_overlap": (
        """# kernel: 6.1
        e820 0x3000000 0x1fffffff usable
        e820 0x0 0x5ffffff usable
        e820 0x4000123 0x4abcdef reserved
        e820 0x5000000 0x5000fff type 77""", "Zone ranges"),
}

# A line that is wrong, and the message, which begins with the file and the line's number.
BAD = {
    "e820 0x0 0x9ffff": "expected `e820 START END TYPE`",
    "e820 0 0x9ffff usable": '"0": expected a hexadecimal number with 0x',
    "e820 0x0 0xx usable": '"0xx": expected a hexadecimal number with 0x',
    "e820 0x0 0x10000000000000000 usable": "at most 64 bits",
    "e820 0x2000 0xfff usable": "expected an END (inclusive) that is not before START",
    "e820 0x0 0x9ffff good": '"good": expected usable, reserved, ACPI data',
    "user 0x0": "expected `user START END TYPE`",
    "arch vax": "expected x86_64, i386, arm64, arm, riscv64, ppc64le or sh",
    "page-size 4095": "expected a power of two",
    "srat 0 0x0 0xfff warm": '"warm": expected `srat NODE START END [hotplug] [non-volatile]`',
    "srat x 0x0 0xfff": '"x": expected a decimal number',
    "linux change 0x0 0xfff usable": "expected `linux update` or `linux remove`",
    "linux update 0x0 0xfff usable reserved x": "expected `linux update START END TYPE => TYPE`",
    "dt memory 0x0": "expected `dt memory START SIZE`",
    "dt memory 0xffffffffffffffff 0x2": "expected a range below 2^64",
    "efi 99 0x0 0x0 0xfff": "efi type 99: expected 0 to 16",
    "expect everything": "expected zone, node, zone-pages",
    "expect zone DMA 0x0": "expected `expect zone NAME START END`",
    "expect node 0 range 0x0": "expected `expect node N range START END`",
    "expect available-kb 1 or 2": "expected `expect available-kb KB of KB`",
    "hello world": '"hello": expected arch, page-size, e820, user, linux, efi, dt, srat or expect',
}
BAD_LOG = {
    "BIOS-e820: [mem 0x0-0x9ffff usable": "expected a range, [mem 0xSTART-0xLAST] or START - END",
    "BIOS-e820: [mem 0x0-0x9ffff] good": '"good": expected a type of memory',
    "BIOS-e820: 0000000000001000 - 0000000000000fff (usable)": "expected an end that is not before the start",
    "e820: update [mem 0x0-0xfff] usable": '"": expected a type of memory',
    "ACPI: SRAT: Node 0 [mem 0x0-0xfff]": "expected `SRAT: Node N PXM N` and a range",
}


class OddMachines(unittest.TestCase):
    def written(self, text):
        file = tempfile.NamedTemporaryFile("w", suffix=".map")
        self.addCleanup(file.close)
        file.write("\n".join(line.strip() for line in text.splitlines()) + "\n")
        file.flush()
        return file.name

    def is_repaired_and_sound(self, text, said):
        commands = "verify; numa -j; " + "; ".join(
            f"test {suite}.*" for suite in ("all_memory", "zone", "numa", "page", "buddy", "page_alloc", "slab_cpu"))
        done = strata("--map", self.written(text), "-c", commands)
        self.assertEqual(done.returncode, 0, "\n".join(re.findall(r".*not ok.*|  +# .*", done.stdout)) + done.stderr[-1500:])
        self.assertRegex(done.stderr, said)

    def test_a_wrong_line_is_named_with_what_was_expected(self):
        for option, lines in (("--map", BAD), ("--dmesg", BAD_LOG)):
            good = "# comment\n\ne820 0x0 0xfffffff usable" if option == "--map" else "x\n\nBIOS-e820: [mem 0x0-0xfffffff] usable"
            for line, message in lines.items():
                with self.subTest(line=line):
                    name = self.written(f"{good}\n{line}\n{good}")
                    done = strata(option, name, "-c", "version")
                    self.assertEqual((done.returncode, done.stdout), (1, ""))
                    self.assertTrue(done.stderr.startswith(f"strata: {name}:4: "), done.stderr)
                    self.assertIn(message, done.stderr)

    def test_files_without_a_map_or_that_cannot_be_read_are_named(self):
        for option in ("--map", "--dmesg"):
            for name, message in ((self.written("# nothing"), "no memory map, expected lines"),
                                  ("/nonexistent", "cannot be read: No such file or directory"),
                                  ("/", "expected a regular file"),
                                  (IMAGE, "expected text, " + ("byte 7 is zero" if option == "--map" else "this line has"))):
                with self.subTest(option=option, name=name):
                    done = strata(option, name)
                    self.assertEqual(done.returncode, 1)
                    self.assertRegex(done.stderr, rf"^strata: {re.escape(str(name))}[:0-9]*: .*{message}")

    def test_memory_that_is_all_reserved_is_said(self):
        for reserved in ("0x0 0xffffffffffffffff", "0x40000000 0xffffffffbfffffff", "0x0 0x50000000"):
            with self.subTest(reserved=reserved):
                done = strata("--map", self.written(f"arch arm64\ndt memory 0x40000000 0x10000000\ndt reserved {reserved}\n"))
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, r"^strata: .*(needs|expected)")

    def test_memory_is_said_once(self):
        for arguments in (["--map", "x", "--dmesg", "y"], ["--map", "x", "--mem", "1G"], ["--dmesg", "x", "--nodes", "2"],
                          ["--map"], ["--nodes", "9"], ["--mem", "64M", "--nodes", "8"]):
            with self.subTest(arguments=arguments):
                done = strata(*arguments)
                self.assertEqual(done.returncode, 1)
                self.assertRegex(done.stderr, r"^strata: --\w+.*: .*expected")

    def test_the_last_boot_of_a_log_counts(self):
        log = self.written("Linux version 5.4\nBIOS-e820: [mem 0x0-0xfffffff] usable\nLinux version 5.4\n"
                           "<6>[    0.000000] [T0] BIOS-e820: [mem 0x0-0x7ffffff] usable\n[    1.5] user: not a range")
        usable = answers(strata("--dmesg", log, "-c", "memmap -j"))[0]["usable"]
        self.assertEqual([(int(r["start"], 16), int(r["end"], 16)) for r in usable], [(0x1000, 0xa0000), (0x100000, 0x8000000)])


def add_cases():
    for path in MAPS:
        name = path.stem.replace("-", "_").replace(".", "_")
        setattr(Maps, f"test_map_{name}", lambda self, path=path: self.boots_as_linux_had_it(path))
        if path.stem not in NO_MEMORY:
            setattr(Maps, f"test_log_{name}", lambda self, path=path: self.log_leads_to_the_same_machine(path))
    for name, (text, said) in ODD.items():
        setattr(OddMachines, f"test_{name}", lambda self, text=text, said=said: self.is_repaired_and_sound(text, said))


add_cases()

if __name__ == "__main__":
    hosttest.main()
