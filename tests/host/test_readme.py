#!/usr/bin/env python3
"""The session of README.md goes as it is printed there, twice the same to the byte; its size and all links hold."""

import pathlib
import re
import unittest

import paths  # noqa: F401
from strata import hosttest, qemu

LOC = hosttest.load_tool("loc")
PORTS = ("x86_64",)
ROOT = pathlib.Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
MOST_LINES = 140
WIDEST_ROW = 120


def session():
    """The printed lines without their indent."""
    text = re.search(r"^## A short session.*?^(    strata> .*?)\n\n", README, re.M | re.S)[1]
    return [line.removeprefix("    ") for line in text.splitlines()]


def boot():
    """All lines that a machine prints for the session's commands, without the log's."""
    cmdline = re.search(r"make run CMDLINE='([^']*)'", README)[1]
    commands = [line.removeprefix("strata> ").split("  #")[0] for line in session() if line.startswith("strata> ")]
    assert commands.pop() == "poweroff"
    machine = hosttest.machine(mem="512M", smp="2", cmdline=f'{cmdline} cmd="{"; ".join(commands)}" poweroff')
    lines = qemu.run(machine, 60).output.replace("\r", "").splitlines()
    return [line for line in lines if not re.match(r"\[ *\d+\.\d+\] ", line)]


def masked(line):
    """A line of which only the words count: an address follows from the size of the image."""
    return re.sub(r"\s+", " ", re.sub(r"0x[0-9a-f]+|\d+", "N", line)).strip()


class Session(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.first, cls.second = boot(), boot()

    def test_each_line_of_the_session_is_said(self):
        said = [masked(line) for line in self.first]
        for line in session():
            if line != "…" and not line.startswith("strata> "):
                self.assertIn(masked(line), said, line)

    def test_two_boots_with_one_seed_answer_the_same_bytes(self):
        self.assertGreater(len(self.first), len(session()))
        self.assertEqual(self.first, self.second)

    def test_addresses_of_the_vmalloc_window_are_those_printed(self):
        """The seed moves the window. Its addresses do not depend on the image, so the reader sees the printed ones."""
        said = "\n".join(self.first)
        printed = {a for line in session() for a in re.findall(r"0xffffc[0-9a-f]{11}", line)}
        self.assertGreaterEqual(len(printed), 3)
        for address in printed:
            self.assertIn(address, said)


class Pages(unittest.TestCase):
    def pages(self):
        return [path for path in ROOT.rglob("README.md") if "build" not in path.relative_to(ROOT).parts]

    def test_the_first_page_is_short(self):
        self.assertLessEqual(len(README.splitlines()), MOST_LINES)
        for line in README.splitlines():
            if line.startswith("|"):
                self.assertLess(len(line), WIDEST_ROW, line)

    def test_the_lines_of_code_are_those_counted(self):
        """Within five in a hundred, so that not each commit changes the page."""
        counted = LOC.table()
        printed = [int(number.replace(" ", "")) for number in re.findall(r"\b\d+ \d{3}\b", re.search(r"`make loc`(.*?)\n\n", README, re.S)[1])]
        self.assertEqual(len(printed), 3)
        for number, (name, lines) in zip(printed, [counted[0], counted[1], counted[-1]]):
            self.assertLess(abs(number - lines), 0.05 * lines, f"{name}: {lines} lines, README.md says {number}")

    def test_each_link_leads_to_a_file(self):
        links = [(page, link) for page in self.pages() for link in re.findall(r"\]\(([^)#]+)\)", page.read_text(encoding="utf-8"))]
        self.assertGreater(len(links), 20)
        for page, link in links:
            if "://" not in link:
                self.assertTrue((page.parent / link).exists(), f"{page.relative_to(ROOT)}: {link}")


if __name__ == "__main__":
    hosttest.main()
