#!/usr/bin/env python3
"""kernel/README.md against the hosted build: what the tables name is there, and what is there is named.

Commands and their JSON keys, options of the kernel command line, targets and variables of make, kinds of `crash`, names of
the C interface, options of the hosted build."""

import json
import os
import pathlib
import re
import subprocess
import unittest

import paths  # noqa: F401
from strata import hosttest

ROOT = pathlib.Path(__file__).resolve().parents[2]
IMAGE = ROOT / "build" / os.environ.get("STRATA_BUILD", "host") / "strata"
CONTRACT = (ROOT / "kernel" / "README.md").read_text(encoding="utf-8")

# How each command of the table is asked: one that answers with all of its keys. Others are asked by their name.
ASKED = {
    "slab": "cache create t 64; cache alloc t; slab t",
    "vmallocinfo": "vmalloc 64K; vmallocinfo",
    "whatis": "whatis 0x1000",
    "page": "page 0x1000",
    "pt": "pt 0x1000",
    "alloc": "alloc 1",
    "kmalloc": "kmalloc 100",
    "vmalloc": "vmalloc 64K",
    "bench": "bench page.pair.0",
    "stress": "stress 1 ops=1",
    "diff": "kmalloc 1; cache create d 5000; mark; kmalloc 100000; cache alloc d; vmalloc 1M; diff",
}
NO_JSON = "free kfree vfree fill test crash reboot poweroff dmesg version help mark".split()


def section(number):
    """The text of a numbered section of the contract."""
    return re.search(rf"^## {number}\. .*?(?=^## |\Z)", CONTRACT, re.M | re.S)[0]


def rows(text):
    """The cells of each row of the tables in a text, but for the headings. A bar inside `...` is written \\|."""
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            yield [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", line)[1:-1]]


def quoted(text):
    return re.findall(r"`([^`]*)`", text)


def strata(commands, *arguments):
    done = subprocess.run([IMAGE, *arguments, "-c", commands], capture_output=True, text=True, timeout=60, check=False)
    return done.stdout


def command_rows():
    """(names of the commands, JSON cell) of each row of the table of commands."""
    for cells in rows(section(4)):
        forms = quoted(cells[0])
        if len(cells) == 3 and forms:
            yield [form.split()[0] for form in forms], cells[2]


def keys_of(cell):
    return set(re.findall(r'"([a-z_A-Z]+)"', re.sub(r'"MemTotal":N,…', '"MemTotal":0', cell)))


def all_keys(value):
    """The keys of all objects inside a JSON value."""
    if isinstance(value, dict):
        return set(value).union(*map(all_keys, value.values()))
    return set().union(*map(all_keys, value)) if isinstance(value, list) else set()


class Commands(unittest.TestCase):
    def test_the_table_names_the_commands_of_help(self):
        named = {name for names, _ in command_rows() for name in names}
        there = {row["name"] for row in json.loads(strata("help -j"))["commands"]}
        self.assertEqual(named, there)

    def test_every_answer_has_the_keys_of_its_row(self):
        for names, cell in command_rows():
            for name in names:
                if not keys_of(cell) or name in NO_JSON:
                    continue
                if name == "cache":  # several forms, below
                    continue
                with self.subTest(command=name):
                    self.check_keys(name, cell)

    def check_keys(self, name, cell):
        parts = [part for part in quoted(cell) if part.startswith("{")]
        asked = ASKED.get(name, name)
        if name == "read":
            asked = f"read {int(json.loads(strata('version -j'))['layout']['direct_map'], 16) + 0x1000:#x} 4"
        answer = json.loads(strata(asked + " -j").splitlines()[-1])
        wanted = keys_of(parts[1 if name == "numa" else 0])
        self.assertLessEqual(wanted - {"full", "partial", "free"} if name == "slab" else wanted, all_keys(answer), answer)

    def test_caches_answer_with_their_keys(self):
        made, given = (json.loads(line) for line in strata("cache create t 64 -j; cache alloc t 2 -j").splitlines())
        self.assertLessEqual({"name", "objsize", "size", "colours"}, set(made))
        self.assertEqual(len(given["ptrs"]), 2)

    def test_the_forms_of_cache_are_those_of_help(self):
        forms = [form for cells in rows(section(4)) for form in quoted(cells[0]) if form.startswith("cache ")]
        args = next(row["args"] for row in json.loads(strata("help cache -j"))["commands"])
        self.assertEqual(" | ".join(form.removeprefix("cache ") for form in forms), args)

    def test_the_kinds_of_crash_are_those_of_help(self):
        text = re.search(r"^- `crash` kinds:.*?(?=^- A suite)", section(4), re.M | re.S)[0]
        named = {kind for words in quoted(text)[1:] for kind in words.split() if not kind.startswith("VARIANT")}
        args = json.loads(strata("help crash -j"))["commands"][0]["help"]
        self.assertEqual(named, set(args.split("KIND: ")[1].split()))

    def test_what_is_planned_is_not_there_yet(self):
        self.assertIn("replay NAME", section(8))
        self.assertNotIn("replay", CONTRACT.replace(section(8), ""))
        self.assertIn("unknown command", strata("replay x"))


class CommandLine(unittest.TestCase):
    def test_the_table_names_the_options_of_the_kernel(self):
        words = (word for cells in rows(section(3)) for word in quoted(cells[0]))
        named = {re.match(r"[a-z0-9_]+", word)[0] for word in words if word[0].islower()} - {"option"}
        there = set()
        for top in ("kernel", "mm", "arch", "boot"):
            for path in (ROOT / top).rglob("*.c"):
                there |= set(re.findall(r'CMDLINE_OPT\("([a-z0-9_]+)"', path.read_text(encoding="utf-8")))
        self.assertEqual(named, there)

    def test_the_hosted_build_has_the_options_of_its_section(self):
        done = subprocess.run([IMAGE, "--help"], capture_output=True, text=True, timeout=60, check=False)
        there = set(re.findall(r"^  (--?[a-z]+)", done.stdout + done.stderr, re.M))
        named = set(re.findall(r"(?<![\w-])(--[a-z]+)", section(6))) | {"-c"}
        self.assertEqual(named, there)


class Make(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        done = subprocess.run(["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, timeout=60, check=True)
        targets, variables = done.stdout.split("Variables")
        cls.targets = set(re.findall(r"^  ([a-z-]+) ", targets, re.M))
        cls.variables = set(re.findall(r"^  ([A-Z_]+)=", variables, re.M))

    def test_the_table_names_the_targets_of_make_help(self):
        named = set()
        for cells in rows(section(1)):
            for word in quoted(cells[0]):
                named.add(word.removeprefix("make "))
        self.assertEqual(named - {"target"}, self.targets - {"all"})

    def test_the_variables_of_the_contract_are_there(self):
        text = re.search(r"^Variables: .*?(?=^$)", section(1), re.M | re.S)[0]
        named = {word for words in quoted(text) for word in re.findall(r"(?:^|[ ])([A-Z_]+)=", words)} - {"NAME"}
        self.assertLessEqual(named, self.variables)
        self.assertGreater(len(named), 10)


class Interface(unittest.TestCase):
    def test_every_name_of_the_c_interface_is_declared(self):
        headers = ""
        for top in ("mm", "kernel", "arch"):
            for path in (ROOT / top).rglob("*.h"):
                headers += path.read_text(encoding="utf-8")
        for word in quoted(section(7)):
            name = re.match(r"\w+", word)[0]
            suffixes = [""] + re.findall(r"_\w+", re.sub(r"\(.*\)", "", word[len(name) :], flags=re.S))
            for suffix in suffixes:
                with self.subTest(name=name + suffix):
                    self.assertRegex(headers, rf"\b{name}{suffix}\b")


if __name__ == "__main__":
    hosttest.main()
