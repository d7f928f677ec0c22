#!/usr/bin/env python3
"""The session of README.md goes as it is printed there, but for numbers."""

import pathlib
import re
import unittest

import paths  # noqa: F401
from strata import hosttest, qemu

PORTS = ("x86_64",)
README = pathlib.Path(__file__).resolve().parents[2] / "README.md"


def masked(line):
    """A line of which only the words count."""
    return re.sub(r"\s+", " ", re.sub(r"0x[0-9a-f]+|\d+", "N", line)).strip()


class Session(unittest.TestCase):
    def test_each_line_of_the_session_is_said(self):
        readme = README.read_text(encoding="utf-8")
        text = re.search(r"^## A short session.*?^(    strata> .*?)\n\n", readme, re.M | re.S)[1]
        lines = [line.removeprefix("    ") for line in text.splitlines()]
        cmdline = re.search(r"make run CMDLINE='([^']*)'", readme)[1]
        commands = [line.removeprefix("strata> ") for line in lines if line.startswith("strata> ")]
        self.assertEqual(commands.pop(), "poweroff")
        machine = hosttest.machine(mem="512M", smp="2", cmdline=f'{cmdline} cmd="{"; ".join(commands)}" poweroff')
        said = [masked(line) for line in qemu.run(machine, 60).output.replace("\r", "").splitlines()]
        for line in lines:
            if line != "…" and not line.startswith("strata> "):
                self.assertIn(masked(line), said, line)


if __name__ == "__main__":
    hosttest.main()
