"""Runs the unittest cases of a file in tests/host and prints KTAP, so that one parser reads every kind of test.

A file that starts machines names the ports that it can test: PORTS = ("x86_64", "aarch64"). It runs once for each, with
the port in ARCH; machine() is of that port.
"""

import ast
import os
import pathlib
import re
import sys
import unittest

from . import machine as machines
from . import qemu

ARCH = os.environ.get("ARCH") or "x86_64"
FIRMWARE = tuple(machines.FIRMWARE.get(ARCH, ()))  # direct is the first
RAM = {"aarch64": 1 << 30}.get(ARCH, 0)  # where the machine's memory starts
LARGEST = {"aarch64": "1T"}.get(ARCH, "4T")


def ports_of(path):
    """What a file says of its ports; "host" if it starts no machine."""
    match = re.search(r"^PORTS = (\(.*\))$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return ast.literal_eval(match[1]) if match else ("host",)


def machine(**fields):
    return qemu.Config(arch=ARCH, **fields)


class KtapResult(unittest.TestResult):
    """Prints each case's result when it is known; the lines of a failure come first, as diagnostics."""

    def __init__(self):
        super().__init__()
        self.number = 0
        self.any_failed = False
        self.trouble = []

    def note(self, text):
        # Also called outside of any case, by a setUpClass that fails: then the plan stays unfulfilled.
        self.any_failed = True
        self.trouble.append(text)

    def startTest(self, test):
        super().startTest(test)
        self.trouble = []
        self.skip_reason = None

    def addError(self, test, err):
        self.note(self._exc_info_to_string(err, test))

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err:
            self.note(f"{subtest.params}: {self._exc_info_to_string(err, test)}")

    def addSkip(self, test, reason):
        self.skip_reason = reason

    def stopTest(self, test):
        super().stopTest(test)
        self.number += 1
        for line in "\n".join(self.trouble).splitlines():
            print(f"  # {line}")
        word = "not ok" if self.trouble else "ok"
        skip = f" # SKIP {self.skip_reason}" if self.skip_reason is not None and not self.trouble else ""
        print(f"  {word} {self.number} {test.id().split('.')[-1].removeprefix('test_')}{skip}", flush=True)


def flatten(suite):
    for entry in suite:
        if isinstance(entry, unittest.TestSuite):
            yield from flatten(entry)
        else:
            yield entry


def main():
    """Every case of the calling script, in one subtest block named after the file; `NAME...` selects cases."""
    name = pathlib.Path(sys.argv[0]).stem.removeprefix("test_")
    cases = list(flatten(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])))
    if len(sys.argv) > 1:
        cases = [case for case in cases if any(word in case.id() for word in sys.argv[1:])]
    result = KtapResult()
    print("KTAP version 1\n1..1\n  KTAP version 1")
    print(f"  # Subtest: {name}\n  1..{len(cases)}", flush=True)
    unittest.TestSuite(cases).run(result)  # a suite, so that setUpClass works
    print(f"{'not ok' if result.any_failed else 'ok'} 1 {name}", flush=True)
    sys.exit(1 if result.any_failed or not cases else 0)
