#!/usr/bin/env python3
"""The native benchmarks' tools: rows, units, the comparison with malloc libraries. No figure decides anything."""

import contextlib
import io
import json
import tempfile
import unittest

import paths  # noqa: F401
from strata import benchrows, hosttest


class BenchHost(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tool = hosttest.load_tool("bench-host")

    def samples(self, ours, theirs):
        """Samples of rows {name: [values]}: ours, and for each library {library: {name: [values]}}."""
        samples = self.tool.Samples()
        for who, rows in [("strata", ours), *theirs.items()]:
            for name, values in rows.items():
                for value in values:
                    samples.add(who, {name: (value, "ns")})
        return samples

    def test_rows_are_read_from_text_and_json(self):
        rows = {"kmem.pair.64": (12.5, "ns"), "mixed.efficiency": (0.871, "ratio")}
        text = "library /lib/x.so\nkmem.pair.64   12.5 ns\n[   0.1] noise 3 ns\nmixed.efficiency 0.871 ratio\r\n"
        self.assertEqual(benchrows.parse(text), rows)
        entries = [{"name": name, "value": value, "unit": unit} for name, (value, unit) in rows.items()]
        self.assertEqual(benchrows.parse('{"rows":' + json.dumps(entries) + "}\n"), rows)

    def test_counterparts(self):
        for ours, theirs in {
            "kmem.pair.64": "malloc.pair.64",
            "kmalloc.pair.64k": "malloc.pair.65536",
            "kmalloc.pair.4m": "malloc.pair.4194304",
            "kmalloc.const.100": "malloc.pair.100",
            "kmem.batch.256.random.free": "malloc.batch.256.random.free",
            "kmalloc.batch.64.lifo.alloc": "malloc.batch.64.lifo.alloc",
            "mixed.net": "malloc.mixed.net",
            "mixed.warm.net": "malloc.mixed.warm.net",
            "mixed.warm.drain.mean": None,
            "mixed.drain.mean": None,
            "mixed.efficiency": None,
            "kmem.pair.64.mean": None,
            "page.pair.0": None,
        }.items():
            self.assertEqual(self.tool.malloc_row(ours), theirs, ours)

    def test_best_is_compared_with_the_fastest_library(self):
        samples = self.samples(
            {"kmem.pair.64": [9.0, 6.0, 7.0], "kmalloc.pair.64": [6.5], "kmem.pair.32": [5.0], "page.pair.0": [3.0]},
            {
                "glibc": {"malloc.pair.64": [20.0, 8.0], "malloc.pair.32": [5.0]},
                "tcmalloc": {"malloc.pair.64": [30.0, 5.5]},
            },
        )
        fastest, ratio, enough = self.tool.compare(samples, "kmem.pair.64")
        self.assertEqual((fastest, round(ratio, 3), enough), ("tcmalloc", 1.091, False))
        self.assertEqual(self.tool.compare(samples, "kmem.pair.32"), ("glibc", 1.0, True))
        self.assertTrue(self.tool.compare(samples, "kmalloc.pair.64")[2], "kmalloc may take 1.2 times as long")
        self.assertIsNone(self.tool.compare(samples, "page.pair.0"))

        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            compared, slower = self.tool.show(samples)
        self.assertEqual((compared, slower), (3, ["kmem.pair.64"]))
        lines = {line.split()[0]: line for line in out.getvalue().splitlines() if line}
        self.assertRegex(lines["kmem.pair.64"], r"6\.0 +7\.0 .* 8\.0 / 14\.0 .* - .* SLOWER$")
        self.assertRegex(lines["kmem.pair.32"], r" 1\.00  ok$")
        self.assertIn("page.pair.0", lines)

    def test_spread_is_half_the_distance_of_the_quartiles(self):
        self.assertEqual(self.tool.spread([5.0]), 0)
        self.assertEqual(self.tool.spread([10.0, 10.0, 10.0]), 0)
        self.assertEqual(self.tool.spread([8.0, 9.0, 10.0, 11.0, 12.0]), 10)

    def test_the_hosted_build_measures_the_peers_rows_in_ns(self):
        peers = [name for name in benchrows.read_peers() if name.startswith(("kmem.pair", "kmalloc.const", "page.pair"))]
        rows = {}
        for group in ("kmem.pair", "kmalloc.const", "page.pair"):
            rows.update(self.tool.measure_ours(group))
        self.assertGreaterEqual(set(rows), set(peers))
        for name, (value, unit) in rows.items():
            self.assertEqual(unit, "ns", name)
            self.assertGreater(value, 0, name)

    def test_malloc_bench_has_each_counterpart_over_each_library(self):
        for group, theirs in self.tool.COUNTERPART.items():
            ours = {self.tool.malloc_row(name) for name in self.tool.measure_ours(group)} - {None}
            for library in self.tool.LIBRARIES if group == "kmem.pair" else ["glibc"]:
                rows = self.tool.measure_malloc(library, theirs)
                self.assertGreaterEqual(set(rows), ours, f"{library} {group}")
                self.assertTrue(all(unit == "ns" and value > 0 for value, unit in rows.values()), rows)

    def test_a_preload_that_fails_is_noticed(self):
        self.tool.LIBRARIES["none"] = "libstrata-none.so.1"
        self.addCleanup(self.tool.LIBRARIES.pop, "none")
        with self.assertRaisesRegex(self.tool.Broken, "expected malloc.. from libstrata-none"):
            self.tool.measure_malloc("none", "pair")

    def test_a_group_without_rows_is_an_error(self):
        with self.assertRaises(self.tool.Broken):
            self.tool.measure_ours("nonsense")


class Colour(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.tool = hosttest.load_tool("bench-colour")

    def test_cachegrind_s_file_is_read(self):
        text = "cmd: x\nevents: Ir Dr D1mr\nfl=a.c\nfn=walk\n10 5 4 3\n11 50 40 30\nfn=other\n1 9 9 9\nfl=b.c\nfn=walk\n2 1 1 1\n"
        self.assertEqual(self.tool.read_cachegrind(text, "walk"), {"Ir": 56, "Dr": 45, "D1mr": 34})
        self.assertEqual(self.tool.read_cachegrind(text, "none"), {})

    def test_every_row_has_its_pair(self):
        points = self.tool.measure_time(1)
        self.assertTrue(points)
        for name, point in points.items():
            self.assertGreater(point.ns, 0)
            other = {"on": "off", "off": "on"}[point.colouring]
            self.assertIn(f"colour.{point.size}.{other}.{point.slabs}", points, name)

    def test_more_slabs_than_ways_miss_unless_they_have_colours(self):
        """Not a time: cachegrind's cache is exact."""
        self.assertGreater(self.tool.count_misses("colour.600.off.16"), 0.9)
        self.assertLess(self.tool.count_misses("colour.600.on.16"), 0.1)

    def test_layouts_that_once_died_under_cachegrind_boot(self):
        with tempfile.NamedTemporaryFile() as out:
            for seed in (153698273, 1625678039, 3193108718):
                command = [*self.tool.CACHEGRIND, f"--cachegrind-out-file={out.name}", *self.tool.STRATA, "version"]
                self.assertIn("Strata", self.tool.run([*command, "--", f"seed={seed}"]))

    def test_the_option_decides_where_slabs_start(self):
        for option, colours in (("on", 7), ("off", 0)):
            commands = "cache create c600 600; cache alloc c600 12; slab c600 -j; slabinfo c600 -j"
            argv = [self.tool.STRATA[0], "--cpus", "1", "-c", commands, "--", f"slab_colour={option}"]
            lines = self.tool.run(argv).splitlines()
            slabs = next(json.loads(line)["slabs"] for line in lines if line.startswith('{"name"'))
            caches = next(json.loads(line)["caches"] for line in lines if line.startswith('{"caches"'))
            expected = {64 * (i + 1) if colours else 0 for i in range(len(slabs))}
            self.assertEqual({slab["colour_offset"] for slab in slabs}, expected, option)
            self.assertEqual(caches[0]["colours"], colours, option)


if __name__ == "__main__":
    hosttest.main()
