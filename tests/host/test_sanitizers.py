#!/usr/bin/env python3
"""A use after free, an overrun and a race are caught at the instruction, with its file and line, in the watched builds."""

import re
import unittest

import paths  # noqa: F401
from strata import hosted, hosttest

# What the shell's crash command does, and where the wrong instruction is: of a second free, in the allocator.
MISTAKES = {
    "use-after-free": ("crash_use_after_free", "kernel/shell/", "shell_cmds.c"),
    "overrun": ("crash_overrun", "kernel/shell/", "shell_cmds.c"),
    "double-free": ("kmem_cache_free", "mm/", "slab_cpu.c"),
    "kmalloc-overrun": ("crash_kmalloc_overrun", "kernel/shell/", "shell_cmds.c"),
    "freed-page": ("crash_freed_page", "kernel/shell/", "shell_cmds.c"),
    "freed-area": ("crash_freed_area", "kernel/shell/", "shell_cmds.c"),
}


class Sanitizers(unittest.TestCase):
    def caught(self, variant, kind, report):
        """The report of a crash, from its first line on."""
        output, status = hosted.run(variant, "--mem", "64M", "-c", f"crash {kind}")
        self.assertEqual(status, 2, output[-2000:])
        self.assertIn(report, output)
        return output[output.index(report) :]

    def test_asan_names_the_instruction(self):
        for kind, (function, directory, file) in MISTAKES.items():
            with self.subTest(kind=kind):
                text = self.caught("asan", kind, "ERROR: AddressSanitizer: use-after-poison")
                self.assertRegex(text, rf"#\d+ 0x[0-9a-f]+ in {function} {directory}{file}:\d+")

    def test_asan_sees_each_kind_of_the_inventory(self):
        listed, _ = hosted.run("asan", "--mem", "64M", "-c", "test list asan.*")
        names = re.findall(r"^asan\.(\w+)", listed, re.M)
        names.remove("correct_uses_at_the_borders_are_silent")
        self.assertGreater(len(names), 40, listed)
        for name in names:
            with self.subTest(kind=name):
                output, status = hosted.run("asan", "--mem", "64M", "--", f"test=asan.{name}")
                self.assertEqual(status, 2, output[-2000:])
                self.assertRegex(output, rf"AddressSanitizer: (?s:.*) in ktest_asan_{name} ")

    def test_edits_of_the_map_have_no_undefined_behaviour(self):
        for edits, status in ("64M@16M", 0), ("exactmap,640K@0,511M@1M", 0), ("1G@4G", 1), ("exactmap,1G@4G", 1):
            with self.subTest(edits=edits):
                output, ended = hosted.run("asan", "-c", "version", "--", f"memmap={edits}")
                self.assertNotIn("runtime error", output)
                self.assertEqual(ended, status, output[-2000:])

    def test_valgrind_names_the_instruction(self):
        for kind, (function, _, file) in MISTAKES.items():
            with self.subTest(kind=kind):
                text = self.caught("valgrind", kind, "== Invalid ")
                self.assertRegex(text, rf"{function} \({file}:\d+\)")

    def test_uninitialised_memory_is_caught_where_it_decides(self):
        output, status = hosted.run("valgrind", "--mem", "64M", "-c", "crash uninitialised")
        self.assertEqual(status, 2, output[-2000:])
        self.assertRegex(output, r"depends on uninitialised value\(s\)\n==\d+==    at 0x[0-9A-F]+: crash_uninitialised")

    def test_tsan_names_both_sides_of_a_race(self):
        text = self.caught("tsan", "race", "WARNING: ThreadSanitizer: data race")
        self.assertEqual(len(re.findall(r"#0 race_write kernel/shell/shell_cmds.c:\d+", text)), 2, text)

    def test_without_a_watcher_they_do_no_harm(self):
        for kind in "kmalloc-overrun", "freed-page", "freed-area", "uninitialised", "race":
            with self.subTest(kind=kind):
                output, status = hosted.run("", "--mem", "64M", "-c", f"crash {kind}")
                self.assertEqual(status, 1)
                self.assertIn("did no harm", output)


if __name__ == "__main__":
    hosttest.main()
