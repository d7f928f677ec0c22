#!/usr/bin/env python3
"""Every command of kernel/README.md, section 4: the keys and types of its JSON, the /proc format of its plain output,
the sums that must agree between them, and what mistakes are answered with."""

import re
import unittest

import paths  # noqa: F401
from strata import console, hosttest, qemu

PORTS = ("x86_64", "aarch64")
HEX = re.compile(r"0x[0-9a-f]+\Z")
ZONES = {"DMA", "DMA32", "Normal", "HighMem", "Movable"}
E820 = {"usable", "reserved", "ACPI data", "ACPI NVS", "unusable", "persistent (type 7)", "persistent (type 12)"}


def number(value):
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def hexa(value):
    return isinstance(value, str) and bool(HEX.match(value))


def text(value):
    return isinstance(value, str)


def boolean(value):
    return isinstance(value, bool)


def zone_name(value):
    return value in ZONES


def maybe(kind):
    return lambda value: value is None or not mismatch(kind, value)


def one_of(*words):
    return lambda value: value in words


def mismatch(kind, value, where="answer"):
    """Where a value departs from its kind, or None. A dict names keys that must be there (more may be); a list of one
    kind is a list of such."""
    if isinstance(kind, dict):
        if not isinstance(value, dict):
            return f"{where}: not an object"
        for key, inner in kind.items():
            if key not in value:
                return f"{where}: no key {key}"
            found = mismatch(inner, value[key], f"{where}.{key}")
            if found:
                return found
        return None
    if isinstance(kind, list):
        if not isinstance(value, list):
            return f"{where}: not a list"
        return next(filter(None, (mismatch(kind[0], v, f"{where}[{i}]") for i, v in enumerate(value))), None)
    return None if kind(value) else f"{where}: {value!r} is not a {kind.__name__}"


SLAB_ROW = {
    **dict.fromkeys(
        "active_objs num_objs objsize size align objperslab pagesperslab limit batchcount shared active_slabs num_slabs "
        "colours colour_off".split(),
        number,
    ),
    "name": text,
    "flags": [text],
}
MEMINFO = (
    "MemTotal MemFree MemAvailable Buffers Cached SwapTotal SwapFree Shmem KReclaimable Slab SReclaimable SUnreclaim "
    "KernelStack PageTables VmallocTotal VmallocUsed VmallocChunk Percpu"
).split()
NUMASTAT = "numa_hit numa_miss numa_foreign interleave_hit local_node other_node".split()

# What commands that only look answer; SYM stands for an address in the image.
LOOKS = {
    "meminfo": dict.fromkeys(MEMINFO, number),
    "memmap": {
        "firmware": [{"start": hexa, "end": hexa, "type": one_of(*E820)}],
        "usable": [{"start": hexa, "end": hexa}],
        "reserved": [{"start": hexa, "end": hexa, "name": text}],
    },
    "zoneinfo": {
        "nodes": [
            {
                "node": number,
                "zones": [
                    {
                        "name": zone_name,
                        **dict.fromkeys("start_pfn spanned present managed free min low high".split(), number),
                        "protection": [number],
                        "pcp": [dict.fromkeys(("cpu", "count", "high", "batch"), number)],
                    }
                ],
            }
        ]
    },
    "buddyinfo": {"zones": [{"node": number, "zone": zone_name, "free": [number]}]},
    "pagetypeinfo": {"zones": [{"node": number, "zone": zone_name, "type": text, "free": [number]}]},
    "slabinfo": {"caches": [SLAB_ROW]},
    "slab kmalloc-64": {
        "name": text,
        "slabs": [
            {
                **dict.fromkeys(("page", "node", "colour_offset", "inuse", "objects"), number),
                "list": one_of("full", "partial", "free"),
                "s_mem": hexa,
            }
        ],
        "cpu": [dict.fromkeys(("cpu", "avail", "limit", "batchcount", "touched"), number)],
    },
    "vmallocinfo": {
        "areas": [{"start": hexa, "end": hexa, "size": number, "caller": text, "pages": number, "flags": [text]}],
        **dict.fromkeys(("free_ranges", "lazy_pages", "total", "used"), number),
    },
    "whatis SYM": {
        "region": text,
        **dict.fromkeys(("start", "end"), maybe(hexa)),
        **dict.fromkeys(("pfn", "slab", "object", "index"), maybe(lambda v: number(v) or hexa(v))),
        **dict.fromkeys(("cache", "symbol"), maybe(text)),
        "area": maybe(lambda v: text(v) or isinstance(v, dict)),
        "state": maybe(one_of("live", "free", "cpu")),
    },
    f"page {(hosttest.RAM >> 12) + 0x1000:#x}": {
        **dict.fromkeys(("pfn", "node", "refcount", "order"), number),
        "pa": hexa,
        "zone": zone_name,
        "flags": [text],
        "type": maybe(text),
        "owner": maybe(text),
    },
    "pt SYM": {
        "va": hexa,
        "levels": one_of(4, 5),
        "entries": [{"level": one_of(0, 1, 2, 3, 4), "index": number, "table": hexa, "entry": hexa}],
        "mapped": boolean,
        "pa": maybe(hexa),
        "size": number,
        "flags": [text],
    },
    "ptdump": {"ranges": [{"start": hexa, "end": hexa, "size": number, "level": number, "flags": [text]}]},
    "tlb": {
        "cpus": [dict.fromkeys(("cpu", "page", "range", "full", "ipi_sent", "ipi_received", "deferred"), number)],
        "lazy_purges": number,
    },
    "linux *vmap_area*": {"names": [{"linux": text, "ours": text, "where": text, "differs": text}]},
    "locks": {"locks": [{"rank": number, "name": text, "waits": number}]},
    "cpus": {"cpus": [{"cpu": number, "node": number, "id": number, "online": boolean}]},
    "numa": {"nodes": [{"node": number, "ranges": [{"start": hexa, "end": hexa}], "distance": [number]}]},
    "numastat": {"nodes": [{"node": number, **dict.fromkeys(NUMASTAT, number)}]},
    "verify": {"checks": number, "failed": [text]},
    "version": {},
}


class WithKernel(unittest.TestCase):
    config = hosttest.machine(mem="512M", smp="1")

    @classmethod
    def setUpClass(cls):
        cls.kernel = console.Console(cls.config).__enter__()
        cls.addClassCleanup(cls.kernel.__exit__)
        cls.symbol = hex(int(cls.kernel.json("version")["layout"]["image"], 16) + 0x210000)  # in the text

    def tearDown(self):
        self.assertEqual(self.kernel.json("verify")["failed"], [])

    def ask(self, command):
        return self.kernel.json(command.replace("SYM", self.symbol))

    def refuse(self, command, words="."):
        """The command must fail, in both forms, with one line that says why."""
        reply = self.kernel.request(command)
        self.assertGreater(reply.status, 0, f"{command}: {reply.text[:300]}")
        self.assertRegex(reply.text, r"\Aerror: [^\r\n]+\r\n\Z", command)
        self.assertRegex(reply.text, words, command)
        with self.assertRaises(console.ConsoleError):
            self.kernel.json(command)


class Json(WithKernel):
    def test_every_look_has_its_keys_and_types(self):
        for command, kind in LOOKS.items():
            with self.subTest(command=command):
                self.assertIsNone(mismatch(kind, self.ask(command)))

    def test_keys_stay_the_same_on_every_run(self):
        for command in LOOKS:
            with self.subTest(command=command):
                self.assertEqual(list(self.ask(command)), list(self.ask(command)))

    def test_commands_that_hand_out_memory(self):
        pages = self.ask("alloc 2")
        self.assertIsNone(
            mismatch({"pfn": number, "pa": hexa, "order": number, "zone": zone_name, "node": number}, pages)
        )
        self.assertEqual((int(pages["pa"], 16), pages["order"]), (pages["pfn"] * 4096, 2))
        self.kernel.run(f"free {pages['pfn']} 2")
        for zone in ("dma", "DMA32") if hosttest.ARCH == "x86_64" else ("dma",):
            pages = self.ask(f"alloc 0 zone={zone} node=0 zero")
            self.assertEqual(pages["zone"], zone.upper())
            self.assertEqual(self.ask(f"page {pages['pfn']}")["zone"], zone.upper())
            self.kernel.run(f"free {pages['pfn']} 0")

        obj = self.ask("kmalloc 100")
        self.assertIsNone(mismatch({"ptr": hexa, "size": number, "usable": number, "cache": maybe(text)}, obj))
        self.assertEqual((obj["size"], obj["cache"]), (100, "kmalloc-128"))
        self.assertGreaterEqual(obj["usable"], 100)
        self.kernel.run(f"kfree {obj['ptr']}")
        self.assertEqual(self.ask("kmalloc 64 dma")["cache"], "dma-kmalloc-64")

        area = self.ask("vmalloc 10000")
        self.assertIsNone(mismatch({"ptr": hexa, "size": number, "pages": number}, area))
        self.assertEqual(area["pages"], 3)
        self.kernel.run(f"vfree {area['ptr']}")

    def test_own_caches(self):
        made = self.ask("cache create mine 100 align=64 hwcache")
        self.assertIsNone(mismatch({"name": text, "objsize": number, "size": number, "colours": number}, made))
        self.assertEqual((made["name"], made["size"], made["objsize"] % 64), ("mine", 100, 0))
        pointers = self.ask("cache alloc mine 40")["ptrs"]
        self.assertEqual(len(set(pointers)), 40)
        self.assertTrue(all(int(p, 16) % 64 == 0 for p in pointers))
        self.refuse("cache destroy mine", "live|use|40")
        self.assertEqual(self.ask(f"whatis {pointers[7]}")["state"], "live")
        self.assertEqual(self.ask(f"whatis {pointers[7]}")["cache"], "mine")
        for pointer in pointers:
            self.kernel.run(f"cache free {pointer}")
        self.assertNotEqual(self.ask(f"whatis {pointers[7]}")["state"], "live")
        self.kernel.run("cache shrink mine")
        self.kernel.run("cache destroy mine")
        self.refuse("slab mine", "mine")

    def test_read_and_fill(self):
        obj = self.ask("kmalloc 64")["ptr"]
        self.kernel.run(f"fill {obj} 64 0xa5")
        self.assertEqual(self.ask(f"read {obj} 64"), {"ptr": obj, "hex": "a5" * 64})
        self.kernel.run(f"kfree {obj}")

    def test_mark_and_diff_see_what_was_taken(self):
        self.kernel.run("mark")
        area = self.ask("vmalloc 1M")["ptr"]
        delta = self.ask("diff")["delta"]
        kind = {
            "caches": [{"name": text, "objs": lambda v: isinstance(v, int), "slabs": lambda v: isinstance(v, int)}],
            "zones": [{"node": number, "zone": zone_name, "free": lambda v: isinstance(v, int)}],
            "areas": [{"start": hexa, "added": number}],
        }
        self.assertIsNone(mismatch(kind, delta))
        self.assertIn({"start": area, "added": 1}, delta["areas"])
        self.assertLessEqual(sum(zone["free"] for zone in delta["zones"]), -256)
        self.kernel.run(f"vfree {area}")

    def test_bench_rows(self):
        rows = self.kernel.json("bench kmem.pair.64*", 120)["rows"]
        self.assertIsNone(mismatch([{"name": text, "unit": text, "value": lambda v: isinstance(v, (int, float))}], rows))
        self.assertIn("kmem.pair.64", [row["name"] for row in rows])

    def test_stress_runs_clean(self):
        self.kernel.run("stress 1 seed=3", 120)


class Plain(WithKernel):
    """The formats of /proc, by the format strings of Linux."""

    def assert_lines(self, command, *patterns):
        """Each line matches one pattern, and each pattern a line."""
        lines = self.kernel.run(command)
        for line in lines:
            self.assertTrue(any(re.fullmatch(p, line) for p in patterns), f"{command}: {line!r}")
        for pattern in patterns:
            self.assertTrue(any(re.fullmatch(pattern, line) for line in lines), f"{command}: no line like {pattern}")
        return lines

    def test_slabinfo(self):
        lines = self.kernel.run("slabinfo")
        self.assertEqual(lines[0], "slabinfo - version: 2.1")
        self.assertTrue(lines[1].startswith("# name            <active_objs> <num_objs> <objsize> <objperslab> <pagesperslab>"))
        row = re.compile(
            r"(\S+) +(\d+) +(\d+) +(\d+) +(\d+) +(\d+) : tunables +(\d+) +(\d+) +(\d+) : slabdata +(\d+) +(\d+) +(\d+)"
        )
        for line in lines[2:]:
            match = row.fullmatch(line)
            self.assertTrue(match, line)
            values = [int(v) for v in match.groups()[1:]]
            self.assertEqual(line, "%-17s %6d %6d %6d %4d %4d : tunables %4d %4d %4d : slabdata %6d %6d %6d" % (match[1], *values))
        names = [line.split()[0] for line in lines[2:]]
        self.assertEqual(len(names), len(set(names)))
        for name in ("kmem_cache", "kmalloc-64", "kmalloc-1k", "kmalloc-rcl-64", "dma-kmalloc-64"):
            self.assertIn(name, names)

    def test_slabinfo_of_one_cache(self):
        self.assertEqual([line.split()[0] for line in self.kernel.run("slabinfo kmalloc-64")[2:]], ["kmalloc-64"])

    def test_meminfo(self):
        lines = self.assert_lines("meminfo", r"\w+(\(\w+\))?: +\d+ kB")
        self.assertEqual([line.split(":")[0] for line in lines if line.split(":")[0] in MEMINFO], MEMINFO)
        for line in lines:
            name, value = line.split(":")
            self.assertEqual(line, f"{name + ':':16}{int(value.split()[0]):8} kB")

    def test_buddyinfo(self):
        for line in self.assert_lines("buddyinfo", r"Node \d+, zone +\w+ ( *\d+ ){11}"):
            words = line.split()
            node, zone, counts = words[1].rstrip(","), words[3], words[4:]
            self.assertEqual(line, f"Node {node}, zone {zone:>8} " + "".join(f"{int(c):6} " for c in counts))

    def test_pagetypeinfo(self):
        lines = self.kernel.run("pagetypeinfo")
        self.assertEqual(lines[0], "Page block order: 9")
        self.assertEqual(lines[1], "Pages per block:  512")
        rows = [line for line in lines if re.fullmatch(r"Node +\d+, zone +\w+, type +\w+ ( *>?\d+ ){11}", line)]
        types = {line.split("type")[1].split()[0] for line in rows}
        self.assertLessEqual({"Unmovable", "Movable", "Reclaimable", "HighAtomic"}, types)
        self.assertTrue(any(line.startswith("Number of blocks type") for line in lines))

    def test_zoneinfo(self):
        output = "\n".join(self.kernel.run("zoneinfo"))
        for zone in self.ask("zoneinfo")["nodes"][0]["zones"]:
            if not zone["present"]:
                continue
            block = re.search(rf"^Node 0, zone +{zone['name']}\n((?:  .*\n?)*)", output + "\n", re.M)
            self.assertTrue(block, zone["name"])
            for key in ("min", "low", "high", "spanned", "present", "managed"):
                self.assertRegex(block[1], rf"(?m)^        {key} +{zone[key]}$")
            self.assertRegex(block[1], r"(?m)^  pages free +\d+$")
            self.assertIn("protection: (" + ", ".join(map(str, zone["protection"])) + ")", block[1])
            self.assertRegex(block[1], rf"(?m)^  start_pfn: +{zone['start_pfn']}$")

    def test_vmallocinfo(self):
        area = self.ask("vmalloc 64K")
        lines = self.kernel.run("vmallocinfo")
        line = next(line for line in lines if line.startswith(area["ptr"]))
        self.assertRegex(line, r"^0x[0-9a-f]{16}-0x[0-9a-f]{16} {1,7}\d+ \S+ pages=16 vmalloc( |$)")
        first, last = (int(word, 16) for word in line.split()[0].split("-"))
        self.assertEqual(last - first, 17 * 4096)
        self.kernel.run(f"vfree {area['ptr']}")

    def test_numastat(self):
        lines = self.kernel.run("numastat")
        for name in NUMASTAT:
            self.assertTrue(any(line.split()[:1] == [name] for line in lines), name)

    def test_every_look_has_plain_output(self):
        for command in set(LOOKS) - {"vmallocinfo"}:  # without an area, that one has nothing to say
            with self.subTest(command=command):
                self.assertTrue(self.kernel.run(command.replace("SYM", self.symbol)))

    def test_help_names_every_command(self):
        names = [line.split()[0] for line in self.kernel.run("help")]
        for command in LOOKS:
            self.assertIn(command.split()[0], names)
        for name in "alloc free kmalloc kfree cache vmalloc vfree read fill test bench stress mark diff dmesg crash reboot poweroff help".split():
            self.assertIn(name, names)
            self.assertTrue(self.kernel.run(f"help {name}")[0].startswith(name))


class Sums(WithKernel):
    """What several commands say of the same pages must agree."""

    def free_pages(self):
        zones = self.ask("zoneinfo")["nodes"][0]["zones"]
        free = {zone["name"]: zone["free"] for zone in zones}
        blocks = {
            row["zone"]: sum(count << order for order, count in enumerate(row["free"])) for row in self.ask("buddyinfo")["zones"]
        }
        return zones, free, blocks

    def check(self):
        zones, free, blocks = self.free_pages()
        self.assertEqual({name: pages for name, pages in free.items() if name in blocks}, blocks)
        self.assertEqual(self.ask("meminfo")["MemFree"], sum(free.values()) * 4)
        self.assertEqual(self.ask("meminfo")["MemTotal"], sum(zone["managed"] for zone in zones) * 4)
        for zone in zones:
            pcp = sum(cpu["count"] for cpu in zone["pcp"])
            self.assertLessEqual(zone["free"] + pcp, zone["managed"])
            self.assertLessEqual(zone["managed"], zone["present"])
            self.assertLessEqual(zone["present"], zone["spanned"])
            self.assertEqual([zone["min"] <= zone["low"] <= zone["high"]], [True])

    def test_agree_before_and_after_work(self):
        self.check()
        taken = [self.ask(f"alloc {order}") for order in range(11)]
        self.check()
        for pages in taken:
            self.kernel.run(f"free {pages['pfn']} {pages['order']}")
        self.kernel.run("stress 1 seed=11", 120)
        self.check()

    def test_usable_map_is_what_the_zones_hold(self):
        present = sum(zone["present"] for zone in self.ask("zoneinfo")["nodes"][0]["zones"])
        usable = sum(int(r["end"], 16) - int(r["start"], 16) for r in self.ask("memmap")["usable"])
        self.assertEqual(present * 4096, usable)

    def test_objects_come_back(self):
        self.kernel.run("mark")
        objects = [self.ask(f"kmalloc {size}")["ptr"] for size in (1, 8, 100, 4096, 8192, 65536, 1 << 20)]
        taken = {cache["name"]: cache["objs"] for cache in self.ask("diff")["delta"]["caches"]}
        self.assertEqual(taken.get("kmalloc-128"), 1, taken)
        for pointer in objects:
            self.kernel.run(f"kfree {pointer}")
        self.assertEqual([c for c in self.ask("diff")["delta"]["caches"] if c["objs"]], [])

    def test_areas_do_not_overlap_and_come_back(self):
        before = self.ask("vmallocinfo")
        pointers = [self.ask(f"vmalloc {size}")["ptr"] for size in ("1", "64K", "1M")]
        during = self.ask("vmallocinfo")
        ranges = sorted((int(area["start"], 16), int(area["end"], 16)) for area in during["areas"])
        self.assertTrue(all(a[1] <= b[0] for a, b in zip(ranges, ranges[1:])))
        self.assertGreaterEqual(during["used"] - before["used"], 4096 + (64 << 10) + (1 << 20))
        for pointer in pointers:
            self.kernel.run(f"vfree {pointer}")
        self.assertEqual(self.ask("vmallocinfo")["areas"], before["areas"])

    def test_slabs_of_a_cache_add_up_and_colours_cycle(self):
        made = self.ask("cache create coloured 200 hwcache")
        pointers = self.ask("cache alloc coloured 500")["ptrs"]
        row = self.ask("slabinfo coloured")["caches"][0]
        slabs = self.ask("slab coloured")["slabs"]
        self.assertEqual(len(slabs), row["num_slabs"])
        self.assertEqual(sum(slab["objects"] for slab in slabs), row["num_objs"])
        offsets = {slab["colour_offset"] for slab in slabs}
        self.assertEqual(len(offsets), min(max(made["colours"], 1), len(slabs)))
        self.assertTrue(all(offset % row["colour_off"] == 0 for offset in offsets))
        for pointer in pointers:
            self.kernel.run(f"cache free {pointer}")
        self.kernel.run("cache destroy coloured")


class Mistakes(WithKernel):
    def test_wrong_words_numbers_and_sizes(self):
        for command in (
            "alloc", "alloc 11", "alloc -1", "alloc x", "alloc 0x", "alloc 1 2 3", "alloc 0 zone=Foo", "alloc 0 node=9",
            "alloc 99999999999999999999", "free", "free 1", "free x 0", "free 0xffffffffffffffff 0", "free 5 99",
            "kmalloc", "kmalloc x", "kmalloc 1E", "kmalloc 99999999999999999999999", "kmalloc 0xffffffffffffffff",
            "kmalloc 64 node=7", "kmalloc 64 foo", "kfree", "kfree 0", "kfree 1", "kfree 0xffffffffffffffff", "kfree zz",
            "vmalloc", "vmalloc 0", "vmalloc 1024T", "vmalloc 0xffffffffffffffff", "vmalloc x", "vfree 0", "vfree 12345",
            "cache", "cache frob", "cache create", "cache create x", "cache create x 0", "cache create x 99G",
            "cache create kmalloc-64 64", "cache create y 64 align=3", "cache create z 64 frob", "cache alloc nope",
            "cache alloc kmalloc-64 1", "cache free 0", "cache free 0x10", "cache shrink nope", "cache destroy nope",
            "cache destroy kmalloc-64", "read", "read 0 8", "read 0x1000 16", "read SYM", "read SYM x", "fill SYM 1 0",
            "read 0xffffffffffffffff 2", "read 0x8000000000000000 8", "fill 0 1 1", "fill SYM 8 256", "slab", "slab nope",
            "slabinfo nope", "whatis", "whatis x", "page", "page zz", "page 0xffffffffffffff", "page pa:x", "pt", "pt zz",
            "ptdump 5", "ptdump zz 5", "ptdump 2 1", "test no.such", "bench no.such", "stress x", "stress 1 seed=x",
            "meminfo foo", "buddyinfo 1", "verify now", "tlb flush", "crash", "crash x", "poweroff 101", "poweroff x", "mark x",
        ):  # fmt: skip
            with self.subTest(command=command):
                self.refuse(command.replace("SYM", self.symbol))

    def test_memory_of_others_and_second_frees(self):
        obj = self.ask("kmalloc 64")["ptr"]
        inside = hex(int(obj, 16) + 8)
        self.refuse(f"kfree {inside}")
        self.refuse(f"vfree {obj}")
        self.refuse(f"cache free {obj}")
        self.kernel.run(f"kfree {obj}")
        self.refuse(f"kfree {obj}")

        pages = self.ask("alloc 3")["pfn"]
        for command in (f"free {pages} 2", f"free {pages + 1} 0", f"free {pages} 4"):
            self.refuse(command)
        self.kernel.run(f"free {pages} 3")
        self.refuse(f"free {pages} 3")

        area = self.ask("vmalloc 64K")["ptr"]
        self.refuse(f"vfree {hex(int(area, 16) + 4096)}")
        self.refuse(f"kfree {area}")
        self.kernel.run(f"vfree {area}")
        self.refuse(f"vfree {area}")

    def test_fill_outside_is_eperm(self):
        self.assertEqual(self.kernel.request(f"fill {self.symbol} 8 0").status, 1)
        obj = self.ask("kmalloc 64")
        self.assertEqual(self.kernel.request(f"fill {obj['ptr']} {obj['usable'] + 1} 0").status, 1)
        self.kernel.run(f"kfree {obj['ptr']}")

    def test_running_out_is_an_answer(self):
        self.refuse("vmalloc 1G")
        self.refuse("cache create big 64M")
        taken = []
        while True:
            reply = self.kernel.request("alloc 10 -j")
            if reply.status:
                break
            taken.append(int(re.search(r'"pfn":(\d+)', reply.text)[1]))
        self.assertEqual(reply.status, 12)
        self.assertGreater(len(taken), 100)
        for pfn in taken:
            self.kernel.run(f"free {pfn} 10")
        self.assertLess(self.ask("meminfo")["MemFree"], self.ask("meminfo")["MemTotal"])


if __name__ == "__main__":
    hosttest.main()
