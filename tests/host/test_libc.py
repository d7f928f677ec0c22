#!/usr/bin/env python3
"""The kernel's printf and string functions give what the C library's give: 200 000 random formats, as many strings.

The seed is printed; STRATA_SEED=N repeats a run. tests/host/libc_compare.c does the work."""

import os
import pathlib
import platform
import random
import subprocess
import tempfile
import unittest

import paths  # noqa: F401
from strata import hosttest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROUNDS = 200_000
RENAMED = (
    "memcpy memmove memset memcmp memchr strlen strnlen strcmp strncmp strchr strrchr strstr strlcpy strcasecmp "
    "vsnprintf snprintf scnprintf"
).split()
KERNEL = (
    f"-Ikernel/base/include -Ikernel/include -Ikernel/shell/include -Itests/engine/include -Imm/include -Iarch/include -Iarch/common/include -Iarch/{platform.machine()}/include -Iboot -I. -DCONFIG_PAGE_SHIFT=12 "
    "-std=gnu11 -O2 -ffreestanding -fno-strict-aliasing -fno-tree-loop-distribute-patterns -Wno-builtin-declaration-mismatch"
).split()


def compare(sources, seed, rounds=ROUNDS, text=None):
    """Builds and runs the comparison; text replaces a source's text: (name, old, new)."""
    with tempfile.TemporaryDirectory() as folder:
        objects = []
        for source in sources:
            path = ROOT / source
            if text and source.endswith(text[0]):
                changed = path.read_text(encoding="utf-8").replace(text[1], text[2], 1)
                path = pathlib.Path(folder) / path.name
                path.write_text(changed, encoding="utf-8")
            objects.append(f"{folder}/{len(objects)}.o")
            renames = [f"-D{name}=strata_{name}" for name in RENAMED]
            subprocess.run(["gcc", *KERNEL, *renames, "-c", path, "-o", objects[-1]], cwd=ROOT, check=True)
        flags = ["-D_GNU_SOURCE", "-std=gnu11", "-O1", "-fno-builtin", "-Wno-format-nonliteral"]
        harness = ROOT / "tests/host/libc_compare.c"
        subprocess.run(["gcc", *flags, harness, *objects, "-o", f"{folder}/compare"], check=True)
        command = [f"{folder}/compare", str(seed), str(rounds), str(rounds)]
        return subprocess.run(command, capture_output=True, timeout=300, check=False)


@unittest.skipUnless(platform.machine() in ("x86_64", "aarch64"), "no port for this machine's instructions")
class Libc(unittest.TestCase):
    SOURCES = ("kernel/base/printf.c", "kernel/base/string.c")

    @classmethod
    def setUpClass(cls):
        cls.seed = int(os.environ.get("STRATA_SEED") or random.randrange(1 << 32))
        print(f"  # STRATA_SEED={cls.seed} repeats this run")

    def test_both_give_the_same_text_and_the_same_places(self):
        done = compare(self.SOURCES, self.seed)
        self.assertEqual(done.returncode, 0, f"seed {self.seed}: {done.stdout.decode('utf-8', 'replace')}")

    def test_small_mistakes_are_found(self):
        """The comparison itself: each of these changes is found."""
        for name, old, new in (
            ("printf.c", "spec->zero && !spec->left", "spec->zero"),
            ("printf.c", "zeros = max(zeros, 1);", ""),
            ("printf.c", "return f[1] == 'h' ? f + 2", "return f[1] == 'h' ? f + 1"),
            ("printf.c", "spec->width = -spec->width;", "spec->width = 0;"),
            ("printf.c", "s->len + 1 < s->size", "s->len <= s->size"),
            ("string.c", "(uintptr_t)dst - (uintptr_t)src >= n", "true"),
            ("string.c", "return n ? (u8)*a - (u8)*b : 0;", "return (u8)*a - (u8)*b;"),
            ("string.c", "return *x - *y;", "return (signed char)*x - (signed char)*y;"),
        ):
            with self.subTest(change=new or old):
                self.assertIn(old, (ROOT / "kernel/base" / name).read_text(encoding="utf-8"))
                self.assertNotEqual(compare(self.SOURCES, 1, 20_000, (name, old, new)).returncode, 0)


if __name__ == "__main__":
    hosttest.main()
