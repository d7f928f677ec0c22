"""A strict parser of KTAP version 1 with nested subtests, as Linux's kunit.py reads it.

Lines that are not KTAP (the kernel's log, "# ..." diagnostics) belong to the result that follows them. What a
lenient parser would forgive is an error here: a missing or late plan, a count other than planned, numbers out of
order, a block that ends early, a parent that passes with a failed child.
"""

import dataclasses
import re
import time

VERSION = re.compile(r"^(?P<prefix>.*?)KTAP version (?P<version>\d+)$")
NESTED = re.compile(r"^(?P<indent> *)KTAP version (?P<version>\d+)$")
PLAN = re.compile(r"^(?P<indent> *)1\.\.(?P<count>\d+)$")
RESULT = re.compile(
    r"^(?P<indent> *)(?P<not>not )?ok (?P<number>\d+)(?: (?:- )?(?P<name>[^#]*?))?\s*"
    r"(?:# (?P<directive>SKIP|TODO|XFAIL|TIMEOUT|ERROR)\b ?(?P<reason>.*))?$"
)
CONTEXT = 24  # lines kept before a result


@dataclasses.dataclass
class Test:
    name: str
    ok: bool
    directive: str = ""
    reason: str = ""
    context: list = dataclasses.field(default_factory=list)
    children: list = None  # None: a case; a list: a suite

    @property
    def skipped(self):
        return self.ok and self.directive == "SKIP"

    @property
    def failed(self):
        return not self.ok and self.directive not in ("TODO", "XFAIL")


@dataclasses.dataclass
class Level:
    plan: int = None
    tests: list = dataclasses.field(default_factory=list)


@dataclasses.dataclass
class Report:
    tests: list
    errors: list

    def cases(self, tests=None, path=()):
        """(dotted name, case) of every leaf."""
        for test in self.tests if tests is None else tests:
            if test.children is None:
                yield ".".join((*path, test.name)), test
            else:
                yield from self.cases(test.children, (*path, test.name))

    @property
    def failed(self):
        return sum(case.failed for _, case in self.cases())

    @property
    def skipped(self):
        return sum(case.skipped for _, case in self.cases())

    @property
    def passed(self):
        return sum(not case.failed and not case.skipped for _, case in self.cases())


class Parser:
    def __init__(self):
        self.prefix = None  # characters in front of every KTAP line; None before the first version line
        self.levels = []  # open blocks, outermost first
        self.context = []
        self.errors = []

    def error(self, text):
        self.errors.append(text)

    def close(self):
        """Ends the innermost block and checks it against its plan."""
        level = self.levels.pop()
        where = f"block at depth {len(self.levels)}"
        if level.plan is None:
            self.error(f"{where}: no plan")
        elif level.plan != len(level.tests):
            self.error(f"{where}: {level.plan} results planned, {len(level.tests)} seen")
        return level

    def depth_of(self, match):
        depth, odd = divmod(len(match["indent"]), 2)
        return None if odd else depth

    def on_version(self, match):
        if match["version"] != "1":
            self.error(f"KTAP version {match['version']} is not known")
        if self.depth_of(match) != len(self.levels):
            self.error(f"a version line at the wrong depth: {match[0]!r}")
        self.levels.append(Level())
        self.context = []

    def on_plan(self, match):
        level = self.levels[-1]
        if self.depth_of(match) != len(self.levels) - 1:
            self.error(f"a plan at the wrong depth: {match[0]!r}")
        elif level.plan is not None:
            self.error(f"a second plan: {match[0]!r}")
        elif level.tests:
            self.error(f"a plan after results: {match[0]!r}")
        else:
            level.plan = int(match["count"])

    def on_result(self, match):
        depth = self.depth_of(match)
        children = None
        if depth is not None and 0 <= depth == len(self.levels) - 2:
            children = self.close().tests
        if depth != len(self.levels) - 1:
            self.error(f"a result at the wrong depth: {match[0]!r}")
            return
        level = self.levels[-1]
        test = Test(
            name=(match["name"] or "").strip(),
            ok=not match["not"],
            directive=match["directive"] or "",
            reason=(match["reason"] or "").strip(),
            context=self.context,
            children=children,
        )
        self.context = []
        if level.plan is None:
            self.error(f"a result before its plan: {match[0]!r}")
        if int(match["number"]) != len(level.tests) + 1:
            self.error(f"number {match['number']} where {len(level.tests) + 1} was due: {match[0]!r}")
        if test.ok and any(child.failed for child in children or ()):
            self.error(f"suite {test.name} passes with a failed case")
        if not test.ok and children and not any(child.failed for child in children):
            self.error(f"suite {test.name} fails without a failed case")
        if test.ok and test.directive in ("TIMEOUT", "ERROR"):
            self.error(f"{test.directive} with ok: {match[0]!r}")
        level.tests.append(test)

    def feed(self, line):
        line = line.rstrip("\r\n")
        if self.prefix is None:
            match = VERSION.match(line)
            if match:
                self.prefix = len(match["prefix"])
                self.on_version(NESTED.match(line[self.prefix :]))
            return
        line = line[self.prefix :]
        for pattern, action in ((NESTED, self.on_version), (PLAN, self.on_plan), (RESULT, self.on_result)):
            match = pattern.match(line)
            if match:
                if not self.levels:
                    self.error(f"KTAP after its end: {line!r}")
                else:
                    action(match)
                return
        self.context = [*self.context[-CONTEXT + 1 :], line]

    def finish(self):
        if self.prefix is None:
            self.error("no KTAP output")
            return Report([], self.errors)
        if len(self.levels) > 1:
            planned = self.levels[-1].plan
            seen = len(self.levels[-1].tests)
            self.error(f"the output ends inside a subtest, after {seen} of {planned} results")
        tests = []
        while self.levels:
            if len(self.levels) > 1:
                # An unfinished suite still counts what it has reported.
                level = self.levels.pop()
                self.levels[-1].tests.append(Test("unfinished", False, children=level.tests))
            else:
                tests = self.close().tests
        return Report(tests, self.errors)


class Stopwatch:
    """How long each case took, by when its result arrived: feed() takes a log as it comes."""

    LINE = re.compile(rb"^ +(?:# Subtest: (?P<suite>\S+)|(?:not )?ok \d+ (?P<case>[^\s#]+))")

    def __init__(self, clock=time.monotonic):
        self.clock = clock
        self.at = clock()
        self.suite, self.partial = "", b""
        self.seconds = {}  # dotted name -> seconds

    def feed(self, data):
        *lines, self.partial = (self.partial + data).split(b"\n")
        for match in filter(None, map(self.LINE.match, lines)):
            now = self.clock()
            if match["suite"]:
                self.suite = match["suite"].decode()
            else:
                self.seconds[f"{self.suite}.{match['case'].decode()}"] = now - self.at
            self.at = now


def parse(text):
    """Report of the first KTAP document in a log."""
    parser = Parser()
    for line in text.split("\n"):
        parser.feed(line)
    return parser.finish()


def describe(report):
    """Lines for a reader: each failed case with its context, each broken rule, each reason for a skip."""
    for name, case in report.cases():
        if case.failed:
            yield f"FAILED {name}" + (f" ({case.directive} {case.reason})" if case.directive else "")
            yield from (f"    {line}" for line in case.context)
        elif case.skipped:
            yield f"skipped {name}: {case.reason or 'no reason given'}"
    yield from (f"broken KTAP: {error}" for error in report.errors)
