"""Runs the unittest cases of a file in tests/host and prints KTAP, so that one parser reads every kind of test.

A file that starts machines names the ports that it can test: PORTS = ("x86_64", "aarch64"). It runs once for each, with
the port in ARCH; machine() is of that port.
"""

import ast
import importlib.machinery
import importlib.util
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


def load_tool(name):
    """A program of tools/ as a module, for tests of its parts."""
    loader = importlib.machinery.SourceFileLoader(name.replace("-", "_"), str(qemu.ROOT / "tools" / name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(loader.name, loader))
    sys.modules[loader.name] = module
    loader.exec_module(module)
    return module


def machine(**fields):
    return qemu.Config(arch=ARCH, **fields)


class KtapResult(unittest.TestResult):
    """Prints each case's result when it is known; the lines of a failure come first, as diagnostics.

    unittest starts no case of a class whose setUpClass fails or skips, and says so of the class alone. finish() reports those
    cases: as many results are printed as were planned, and one without a reason to be skipped has failed.
    """

    def __init__(self, cases):
        super().__init__()
        self.waiting = list(cases)  # without a result yet
        self.number = 0
        self.any_failed = False
        self.trouble = []
        self.outside = []  # of no case: (class or module, its trouble)
        self.skipped_outside = []  # (class or module, why)
        self.running = None

    def note(self, test, text):
        self.any_failed = True
        if test is self.running:
            self.trouble.append(text)
        else:
            self.outside.append((test.id(), text))

    def startTest(self, test):
        super().startTest(test)
        self.running = test
        self.trouble = []
        self.skip_reason = None

    def addError(self, test, err):
        self.note(test, self._exc_info_to_string(err, test))

    addFailure = addError

    def addSubTest(self, test, subtest, err):
        if err:
            self.note(test, f"{subtest.params}: {self._exc_info_to_string(err, test)}")

    def addUnexpectedSuccess(self, test):
        self.note(test, "an unexpected success")

    def addSkip(self, test, reason):
        # A skipped subtest is a part of its case, which is running.
        if self.running is not None and test.id().startswith(self.running.id()):
            self.skip_reason = reason
        else:
            self.skipped_outside.append((test.id(), reason))

    def stopTest(self, test):
        super().stopTest(test)
        self.running = None
        self.waiting.remove(test)
        self.report(test, self.trouble, self.skip_reason)

    def report(self, test, trouble, skip_reason):
        self.number += 1
        for line in "\n".join(trouble).splitlines():
            print(f"  # {line}")
        word = "not ok" if trouble else "ok"
        skip = f" # SKIP {skip_reason}" if skip_reason is not None and not trouble else ""
        print(f"  {word} {self.number} {test.id().split('.')[-1].removeprefix('test_')}{skip}", flush=True)

    def finish(self):
        """Results of the cases that never started; then trouble that was no case's, such as a tearDownClass that failed."""
        for test in self.waiting:
            # 'setUpClass (__main__.Programs)' is of 'test_free (__main__.Programs.test_free)'.
            place = f"({unittest.util.strclass(type(test))})"
            trouble = [text for name, text in self.outside if place in name or "Module (" in name]
            reasons = [reason for name, reason in self.skipped_outside if place in name or "Module (" in name]
            if not trouble and not reasons:
                trouble = ["this case was planned and never ran"]
            self.any_failed |= bool(trouble)
            self.report(test, trouble, reasons[0] if reasons else None)
        for name, text in self.outside:
            print("\n".join(f"# {line}" for line in f"{name}: {text}".splitlines()))


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
    result = KtapResult(cases)
    print("KTAP version 1\n1..1\n  KTAP version 1")
    print(f"  # Subtest: {name}\n  1..{len(cases)}", flush=True)
    unittest.TestSuite(cases).run(result)  # a suite, so that setUpClass works
    result.finish()
    print(f"{'not ok' if result.any_failed else 'ok'} 1 {name}", flush=True)
    sys.exit(1 if result.any_failed or not cases else 0)
