#!/usr/bin/env python3
"""`make debug` as a user has it: gdb on a terminal, Ctrl-C, a panic, and helpers that say what is wrong in one line."""

import os
import pathlib
import re
import signal
import time
import unittest

import paths  # noqa: F401
import pexpect
from strata import hosttest, qemu

PORTS = ("x86_64", "aarch64")
SECONDS = 120  # for a boot on a busy machine
PROMPT = r"\(gdb\) "
RAM = hosttest.RAM >> 12  # its first frame


def descendants(pid):
    """Processes below that one."""
    parents = {}
    for path in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            parents[int(path.parent.name)] = int(path.read_text(encoding="utf-8", errors="replace").rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            pass  # it has ended
    found, waiting = [], [pid]
    while waiting:
        children = [child for child, parent in parents.items() if parent == waiting[0]]
        found += children
        waiting = waiting[1:] + children
    return found


def names(pids):
    """{pid: program} of those that live."""
    living = {}
    for pid in pids:
        try:
            status = pathlib.Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
        except OSError:
            continue
        if not re.search(r"^State:\s+[ZX]", status, re.MULTILINE):
            living[pid] = re.search(r"^Name:\s+(.*)$", status, re.MULTILINE)[1]
    return living


class Session:
    """`make debug` on a terminal of its own. A context manager, which ends it."""

    def __enter__(self):
        self.child = pexpect.spawn(
            "make", ["-s", "debug", f"ARCH={hosttest.ARCH}", "CMDLINE=nokaslr seed=1"], cwd=str(qemu.ROOT), timeout=SECONDS,
            encoding="utf-8", codec_errors="replace", dimensions=(50, 400), env={**os.environ, "TERM": "dumb"},
        )
        self.text = ""  # before the last prompt
        self.prompt()
        self.gdb("set pagination off")
        return self

    def __exit__(self, *_):
        # The kernel sends SIGHUP to gdb when the terminal is gone, and run-qemu ends QEMU when gdb has ended.
        self.child.close(force=True)

    def prompt(self):
        self.child.expect(PROMPT)
        self.text = self.child.before.replace("\r", "")
        return self.text

    def gdb(self, command):
        """What one command of gdb prints."""
        self.child.sendline(command)
        return self.prompt().removeprefix(command).strip()

    def run_until(self, pattern):
        """Lets the machine run until its console shows this."""
        self.child.sendline("continue")
        self.child.expect(pattern)
        return self.child.before.replace("\r", "")

    def interrupt(self):
        self.child.sendintr()
        return self.prompt()

    def boot(self):
        self.run_until("strata> ")
        self.interrupt()
        return self

    def shell(self, command):
        """Lines that the kernel's shell answers; the machine is stopped before and after."""
        self.gdb(f"strata type {command}")
        text = self.run_until("\nstrata> ")
        self.interrupt()
        return text.split(command, 1)[1].strip("\n").split("\n")


class Debug(unittest.TestCase):
    def assert_one_line(self, said, command, pattern=r"\S"):
        self.assertNotRegex(said, r"Python Exception|Error occurred in Python|Traceback|Error: ", command)
        self.assertRegex(said, pattern, command)
        self.assertEqual(said.count("\n"), 0, f"{command}: {said}")


class Helpers(Debug):
    @classmethod
    def setUpClass(cls):
        cls.session = Session().__enter__()
        cls.addClassCleanup(cls.session.__exit__)
        cls.before_boot = {
            command: cls.session.gdb(command)
            for command in ("strata page 0", "strata zones", "strata walk 0", "strata walk $pc", "strata frob",
                            "strata list cache_list 'struct kmem_cache' list")
        }
        cls.session.boot()

    def test_before_the_kernel_runs_each_helper_says_so(self):
        for command, said in self.before_boot.items():
            with self.subTest(command=command):
                walks = "does not translate yet" if "walk" in command else 'Undefined strata command: "frob"' if "frob" in command else ""
                self.assert_one_line(said, command, walks or "Cannot access memory at address 0x.*: nothing is mapped there, or not yet")

    def test_bad_arguments_are_answered_in_one_line(self):
        for command, pattern in (
            ("strata page", "expected 1 argument, got 0: strata page PFN"),
            ("strata page 1 2", "syntax error in expression"),
            ("strata page no_such_thing", 'No symbol "no_such_thing" in current context'),
            ("strata page )", "syntax error"),
            ("strata page 0x7fffffffffffffff", "beyond what the CPU can address"),
            ("strata page 0x8000000000000000", "canonical|no address of the kernel"),
            ("strata page -4096", "nothing is mapped at 0xfffffffffffff000"),
            ("strata walk", "expected 1 argument, got 0: strata walk ADDR"),
            ("strata walk no_such_thing", 'No symbol "no_such_thing"'),
            ("strata walk 0x1234000000000000", "canonical|no address of the kernel"),
            ("strata walk *(int *)0x1000", "Cannot access memory at address 0x1000"),
            ("strata zones 1", "expected no arguments, got 1"),
            ("strata list", "expected 3 arguments, got 0"),
            ("strata list cache_list 'struct nothing' list", "No struct type named nothing"),
            ("strata list cache_list 'struct kmem_cache' nothing", "There is no member named nothing"),
            ("strata list 0 'struct kmem_cache' list", "Attempt to take address of value not located in memory"),
            ("strata list '*(struct list_head *)0x1000' 'struct kmem_cache' list", "Cannot access memory at address 0x1000"),
            ("strata list nr_zone_ids 'struct kmem_cache' list", "not|no member"),
            ("strata attach /nonexistent/stub /nonexistent/console", "/nonexistent/console: No such file or directory"),
            ("strata type", "strata type COMMAND"),
        ):
            with self.subTest(command=command):
                self.assert_one_line(self.session.gdb(command), command, pattern)

    def test_page_uses_the_words_of_the_shell(self):
        caches = self.session.gdb("strata list cache_list 'struct kmem_cache' list")
        slab = re.search(r"0x[0-9a-f]+", caches)[0]
        reserved = hosttest.RAM + (1 << 12) if hosttest.RAM else 1 << 12
        owners = set()
        for frame in ("0", f"{reserved >> 12:#x}", f"{RAM + 0x100:#x}", f"{RAM + 0x101:#x}", f"{RAM + 0x200000:#x}", slab):
            with self.subTest(frame=frame):
                shell = self.session.shell(f"page {frame}")
                ours = self.session.gdb(f"strata page {frame}").split("\n")
                self.assertEqual(ours[: len(shell)], shell)
                owners.add(shell[1].split()[1])
        self.assertGreaterEqual(owners, {"nopage", "reserved"}, "frames of these kinds are among them")

    def test_walk_names_the_levels_as_the_shell_does(self):
        step = re.compile(r"^(\w+) table (0x[0-9a-f]+) \[ *(\d+)\] ", re.MULTILINE)
        for address in ("$sp", "&zone_table", "0xffffffff00000000"):
            value = int(self.session.gdb(f"output/x (unsigned long){address}"), 16)
            with self.subTest(address=address):
                ours = self.session.gdb(f"strata walk {value:#x}")
                shell = "\n".join(self.session.shell(f"pt {value:#x}"))
                self.assertEqual(step.findall(ours), step.findall(shell))
                self.assertEqual(step.findall(ours)[0][0], "PGD")
                self.assertEqual(ours.split("\n")[-1], shell.split("\n")[-1])

    def test_zones_and_lists_are_the_kernel_s(self):
        self.assertRegex(self.session.gdb("strata zones"), r"^node 0 DMA +pfn 0x[0-9a-f]+-0x[0-9a-f]+  present \d+")
        caches = self.session.gdb("strata list cache_list 'struct kmem_cache' list")
        self.assertIn("  kmalloc-64", caches)


class Stops(Debug):
    def test_ctrl_c_stops_the_guest_and_ends_nothing(self):
        with Session() as session:
            processes = names(descendants(session.child.pid))
            machines = [pid for pid, name in processes.items() if name.startswith("qemu-system")]
            self.assertEqual(len(machines), 1, processes)
            session.run_until("strata> ")
            self.assertIn("SIGINT", session.interrupt())
            for _ in range(3):
                session.gdb("strata type version")
                self.assertIn("Strata", session.run_until("\nstrata> "))
                self.assertIn("SIGINT", session.interrupt())
                self.assertEqual(names(processes), processes)
            session.child.sendintr()  # at the prompt it is gdb's own
            session.prompt()
            self.assertEqual(names(processes), processes)
            session.child.sendline("quit")
            session.child.expect(pexpect.EOF)
            session.child.wait()
            self.assertEqual(session.child.exitstatus, 0, session.child.before)
            self.assertEqual(names(processes), {})

    def test_panic_stops_before_the_machine_ends(self):
        with Session() as session:
            session.boot()
            session.gdb("strata type crash panic")
            report = session.run_until("The kernel panicked, its report is above")
            self.assertIn("end of the report", report)
            session.prompt()
            trace = session.gdb("backtrace")
            for function in ("report", "crash_panic", "shell_main", "kmain"):
                self.assertRegex(trace, rf"(?m)^#\d+ .*\b{function} \(")
            self.assertLess(trace.count("\n"), 30)
            self.assertIn("node 0", session.gdb("strata zones"))
            self.assertIn("pa 0x", session.gdb("strata walk $sp"))
            session.gdb("continue")
            for command in ("strata page 0", "strata zones", "strata walk 0"):
                self.assert_one_line(session.gdb(command), command, "there is no machine: `make debug` attaches to one")
            time.sleep(0.5)  # until the console's end has been seen
            self.assert_one_line(session.gdb("strata type help"), "type", "not attached to a console|the console is gone")

    def test_reset_keeps_the_machine_for_a_look(self):
        with Session() as session:
            session.boot()
            session.gdb("strata type crash reset")
            session.run_until("The machine was reset or switched itself off")
            session.prompt()
            self.assertRegex(session.gdb("output/x $pc"), "^0x")

    def test_nothing_outlives_a_runner_that_is_ended(self):
        with Session() as session:
            processes = names(descendants(session.child.pid))
            runner = min(pid for pid, name in processes.items() if name in ("run-qemu", "python3"))
            os.kill(runner, signal.SIGTERM)
            deadline = time.monotonic() + 30
            while names(processes) and time.monotonic() < deadline:
                time.sleep(0.1)
            self.assertEqual(names(processes), {})


if __name__ == "__main__":
    hosttest.main()
