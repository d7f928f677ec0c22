#!/usr/bin/env python3
"""tools/mklinux: each row of mm/linux.tsv leads to a definition, and a row that does not stops the build."""

import pathlib
import tempfile
import unittest

import paths  # noqa: F401
from strata import hosttest, qemu

MKLINUX = hosttest.load_tool("mklinux")
TABLE = qemu.ROOT / "mm" / "linux.tsv"
SOURCE = """static int early(void);

int early(void)
{
\treturn 0;
}
static __always_inline struct page *wide(const struct zone *zone,
\t\t\t\t\t unsigned order)
{
}
struct shard shards[4];
unsigned long (*hook)(void);
\tcalled(1);
"""


class LinuxNames(unittest.TestCase):
    def rows(self, text):
        with tempfile.TemporaryDirectory() as scratch:
            root = pathlib.Path(scratch)
            (root / "a.c").write_text(SOURCE, encoding="utf-8")
            (root / "table.tsv").write_text(text, encoding="utf-8")
            return MKLINUX.rows(root / "table.tsv", root)

    def test_each_line_of_the_table_is_the_definition(self):
        rows = MKLINUX.rows(TABLE)
        self.assertGreater(len(rows), 70)
        for linux, ours, file, line, _ in rows:
            text = (qemu.ROOT / file).read_text(encoding="utf-8").splitlines()[line - 1]
            with self.subTest(linux=linux):
                self.assertIn(ours, text)
                self.assertFalse(text.startswith(("\t", " ", "/")), text)
                self.assertFalse(text.endswith(");"), text)

    def test_names_that_articles_use_are_there(self):
        names = {row[0] for row in MKLINUX.rows(TABLE)}
        for name in ("__get_vm_area_node", "alloc_vmap_area", "find_vmap_lowest_match", "insert_vmap_area", "setup_vmalloc_vm",
                     "__vmalloc_area_node", "vmap_area_root", "free_vmap_area_root", "cache_alloc_refill", "cache_flusharray",
                     "drain_array", "expand", "__free_one_page", "__rmqueue_smallest", "rmqueue_pcplist"):
            self.assertIn(name, names)

    def test_a_definition_is_found_behind_its_declaration(self):
        self.assertEqual(self.rows("x\tearly\ta.c\tnothing\n"), [("x", "early", "a.c", 3, "nothing")])
        self.assertEqual(self.rows("x\twide\ta.c\tnothing\n")[0][3], 7)
        self.assertEqual(self.rows("x\tshards\ta.c\tnothing\n")[0][3], 11)

    def test_a_name_that_is_not_defined_is_an_error(self):
        for name in ("called", "absent", "order", "page"):
            with self.assertRaisesRegex(ValueError, f"table.tsv:1: a.c does not define {name}, which stands for Linux's x"):
                self.rows(f"x\t{name}\ta.c\tnothing\n")

    def test_rows_are_whole_sorted_and_unique(self):
        with self.assertRaisesRegex(ValueError, "table.tsv:2: expected"):
            self.rows("x\tearly\ta.c\tnothing\ny\tearly\ta.c\n")
        for text in ("y\tearly\ta.c\tn\nx\tearly\ta.c\tn\n", "x\tearly\ta.c\tn\nx\tearly\ta.c\tn\n"):
            with self.assertRaisesRegex(ValueError, "once, in the order"):
                self.rows(text)


if __name__ == "__main__":
    hosttest.main()
