#!/usr/bin/env python3
"""The fast paths, read in the image's listing: no locked instruction, and nothing slow but what is named here.

On AArch64 locked means exclusive loads and stores, the atomics of later CPUs, and barriers.
"""

import re
import shutil
import subprocess
import unittest

import paths  # noqa: F401
from strata import hosttest, qemu

PORTS = ("x86_64", "aarch64")
# What a pair of a page, an object of a cache, or kmalloc() and kfree() runs as long as the CPU's list answers.
FAST = ("alloc_pages", "__free_pages", "kmem_cache_alloc", "kmem_cache_free", "kmalloc_lookup", "kfree")  # fmt: skip
# Where they turn to when it does not: refills, checks that failed, what was asked for in addition.
SLOW = ("alloc_slow", "free_slow", "free_missed", "free_shared", "bad_free", "page_prepare_new", "slab_alloc_miss", "kmem_cache_free_miss",
        "kfree_slow", "kmalloc_slow", "memset", "printk", "panic")  # fmt: skip
SYMBOL = re.compile(r"^[0-9a-f]+ <([^>]+)>:$")
if hosttest.ARCH == "x86_64":
    OBJDUMP = "objdump"
    FAST += ("x86_stack_pop", "x86_stack_pop_commit", "x86_stack_push", "x86_stack_push_commit")
    # xchg with memory locks without a prefix; xchg between registers does not.
    LOCKED = re.compile(r"\block\b|\bxchg\b.*\(|\bxchg\b.*%[fg]s:|\bmfence\b")
    LOCKS = LOCKED
    TRANSFER = re.compile(r"\b(?:call|j[a-z]+)\s+[0-9a-f]+ <([^>+]+)(?:\+0x[0-9a-f]+)?>")
    SEEN = ("lock xadd %eax,(%rdi)", "xchg   %rax,0x8(%rdi)")
    NOT_SEEN = ("xchg   %ax,%ax",)
else:
    OBJDUMP = next(filter(shutil.which, ("aarch64-linux-gnu-objdump", "aarch64-elf-objdump")), "objdump")
    LOCKED = re.compile(r"^(?:lda?x[rp]|stl?x[rp]|cas|swp|ldadd|ldclr|ldset|ldeor|stadd|dmb|dsb)")
    LOCKS = re.compile(r"^lda?xr")
    TRANSFER = re.compile(r"^(?:b|bl|b\.\w+|cbn?z|tbn?z)\s+(?:.*, )?[0-9a-f]+ <([^>+]+)(?:\+0x[0-9a-f]+)?>")
    SEEN = ("ldaxr\tw1, [x0]", "stxr\tw3, w2, [x0]", "ldxrb\tw1, [x0]", "casal\tx0, x1, [x2]", "swpa\tw0, w1, [x2]", "dmb\tish")
    NOT_SEEN = ("ldar\tw1, [x0]", "stlr\tw1, [x0]", "ldp\tx1, x2, [x0]", "str\tx0, [x1, x18]")


def listing():
    """{symbol: [instruction]} of the image's functions."""
    argv = [OBJDUMP, "-d", "--no-show-raw-insn", str(hosttest.machine().artifact("strata.elf"))]
    functions, lines = {}, []
    for line in subprocess.run(argv, capture_output=True, text=True, check=True).stdout.splitlines():
        match = SYMBOL.match(line)
        if match:
            lines = functions.setdefault(match[1], [])
        elif "\t" in line:
            lines.append(line.split("\t", 1)[1])
    return functions


class FastPaths(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.functions = listing()

    def locked(self, name):
        self.assertTrue(self.functions.get(name), f"there is no function {name}")
        return [line for line in self.functions[name] if LOCKED.search(line)]

    def test_no_instruction_is_locked(self):
        for name in FAST:
            with self.subTest(function=name):
                self.assertEqual(self.locked(name), [])

    def test_they_call_each_other_and_what_is_known_to_be_slow(self):
        for name in FAST:
            targets = {match[1] for line in self.functions[name] if (match := TRANSFER.search(line))}
            base = {re.sub(r"\.(cold|isra|part|constprop).*", "", target) for target in targets}
            with self.subTest(function=name):
                self.assertLessEqual(base, {name, *FAST, *SLOW})

    def test_a_locked_instruction_would_be_seen(self):
        self.assertTrue(self.locked("vmap_alloc"))
        self.assertEqual([line for line in SEEN if not LOCKED.search(line)], [])
        self.assertEqual([line for line in NOT_SEEN if LOCKED.search(line)], [])

    def test_allocation_and_vfree_of_an_area_take_one_lock(self):
        """With a first try that succeeds; the second one in each is the common shard's, or after a refill."""
        for name, count in (("vmap_alloc", 1), ("vmap_retire", 2)):
            self.assertEqual(len([line for line in self.locked(name) if LOCKS.search(line)]), count, name)


if __name__ == "__main__":
    hosttest.main()
