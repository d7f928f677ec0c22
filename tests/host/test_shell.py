#!/usr/bin/env python3
"""The shell from outside: tagged requests, line ends, editing, mistakes. kernel/README.md, section 4, is the contract."""

import json
import random
import re
import time
import unittest

import paths  # noqa: F401
from strata import console, hosttest, qemu

PORTS = ("x86_64", "aarch64")
LINE_MAX = 1023


class WithKernel(unittest.TestCase):
    """One kernel for all cases of a class; every case must leave it healthy and at its prompt."""

    config = hosttest.machine(mem="128M", smp="1")

    @classmethod
    def setUpClass(cls):
        cls.kernel = console.Console(cls.config).__enter__()
        cls.addClassCleanup(cls.kernel.__exit__)

    def tearDown(self):
        self.assertEqual(self.kernel.json("verify")["failed"], [])

    def type(self, data, pattern, seconds=20):
        """Types without a tag; the text from there to the pattern."""
        start = self.kernel.seen
        self.kernel.send(data)
        end = self.kernel.expect(pattern, seconds).end()
        return bytes(self.kernel.qemu.output[start:end]).decode()

    def typed_answer(self, data):
        """The answer to an untagged line: what stands between the end of its echo and the next prompt."""
        text = self.type(data, rb"\n" + qemu.PROMPT)
        return text.split("\r\n", 1)[1].removesuffix(qemu.PROMPT.decode())


class Tagged(WithKernel):
    # Shows shell.I2.
    def test_answer_stands_between_its_marks(self):
        text = self.type("@abc version\r", rb"@abc end 0\r\n" + qemu.PROMPT)
        self.assertRegex(text, r"\A\r\n@abc begin\r\nStrata [^\0]*\r\n@abc end 0\r\nstrata> \Z")

    def test_line_is_not_echoed(self):
        self.assertNotIn("@q version", self.type("@q version\r", rb"@q end 0\r\n" + qemu.PROMPT))

    def test_every_tag_of_the_allowed_form_works(self):
        for tag in ("A", "_", "-", "09", "a-Z_7", "x" * 32):
            self.kernel.send(f"@{tag} version\r")
            self.assertEqual(self.kernel.reply(tag).status, 0)

    def test_bad_tags_are_errors(self):
        for tag in ("", "x" * 33, "a.b", "ä", "a@b"):
            text = self.type(f"@{tag} version\r".encode(), rb"\n" + qemu.PROMPT)
            self.assertIn("error: ", text)
            self.assertNotIn("Strata", text)

    def test_status_is_a_positive_errno(self):
        reply = self.kernel.request("nonsense")
        self.assertEqual(reply.status, 2)  # ENOENT
        self.assertRegex(reply.text, r"\Aerror: [^\r\n]*nonsense[^\r\n]*\r\n\Z")
        self.assertEqual(self.kernel.request("poweroff 101").status, 34)  # ERANGE
        self.assertEqual(self.kernel.request("crash nonsense").status, 22)  # EINVAL

    def test_all_commands_of_a_line_run_and_the_first_failure_counts(self):
        reply = self.kernel.request("nonsense; poweroff 101 ; version;")
        self.assertEqual(reply.status, 2)
        self.assertRegex(reply.text, r"nonsense(?s:.*)error(?s:.*)Strata")

    def test_errors_come_in_the_same_brackets(self):
        for command in ("nonsense", 'version "', "version 'x", "help x y z", "version too many"):
            with self.subTest(command=command):
                reply = self.kernel.request(command)
                self.assertGreater(reply.status, 0)
                self.assertRegex(reply.text, r"\Aerror: .*\r\n\Z")

    def test_errors_with_j_are_objects(self):
        for command in ("nonsense -j", "poweroff 1000 -j", "help nonsense -j"):
            with self.subTest(command=command):
                reply = self.kernel.request(command)
                self.assertGreater(reply.status, 0)
                self.assertEqual(list(json.loads(reply.text)), ["error"])

    def test_empty_request_is_answered(self):
        for command in ("", "   ", "# a comment", ";;"):
            self.assertEqual(self.kernel.request(command), console.Reply(0, ""))

    def test_output_lines_end_with_cr_lf(self):
        for command in ("version", "help", "version -j", "dmesg"):
            text = self.kernel.request(command).text
            self.assertNotRegex(text, r"(?<!\r)\n|\r(?!\n)")

    def test_line_of_1023_bytes_runs_and_a_longer_one_is_dropped_whole(self):
        for length, status in ((LINE_MAX, 0), (LINE_MAX + 1, 7), (5000, 7)):
            line = "@long version # ".ljust(length, "x")
            self.kernel.send(line + "\r")
            reply = self.kernel.reply("long")
            self.assertEqual(reply.status, status, f"{length} bytes")
            self.assertEqual("error: " in reply.text, status != 0)
            self.assertEqual("Strata" in reply.text, status == 0)

    def test_input_that_arrives_during_an_answer_is_kept(self):
        lines = [f"@n{n} version" for n in range(200)]
        text = "\r".join(lines) + "\r"
        self.assertLess(len(text), 4096)
        self.kernel.send(text)
        for n in range(200):
            self.assertEqual(self.kernel.reply(f"n{n}").status, 0)

    def test_marks_start_in_column_0_behind_a_half_typed_line(self):
        self.type("vers", b"vers")
        self.kernel.send("\x15@mid version\r")  # Ctrl-U, then a request
        self.assertEqual(self.kernel.reply("mid").status, 0)

    def test_cr_lf_and_cr_lf_together_each_end_one_line(self):
        for end in ("\r", "\n", "\r\n"):
            with self.subTest(end=end):
                self.kernel.send(f"@one version{end}")
                self.kernel.reply("one")
                prompts = len(re.findall(qemu.PROMPT, self.kernel.qemu.output))
                self.kernel.send(f"@two version{end}")
                self.kernel.reply("two")
                time.sleep(0.1)
                self.kernel.qemu.read(0.1)
                self.assertEqual(len(re.findall(qemu.PROMPT, self.kernel.qemu.output)), prompts + 1)

    def test_noise_cannot_end_the_kernel(self):
        noise = random.Random(7)
        for _ in range(40):
            junk = bytes(noise.choice(range(256)) for _ in range(noise.randrange(1, 300)))
            # A line that happens to be `crash`, `reboot` or `poweroff` is not noise; none is that likely.
            self.kernel.send(b"\x15" + junk + b"\x15\r")
            self.assertEqual(self.kernel.request("version").status, 0)


class Typed(WithKernel):
    def test_echo_and_answer(self):
        self.assertIn("version\r\nStrata", self.type("version\r", rb"\n" + qemu.PROMPT))

    def test_line_ends(self):
        for end in ("\r", "\n", "\r\n"):
            self.assertIn("Strata", self.typed_answer(f"version{end}"))
        self.assertNotIn("Strata", self.typed_answer("\r"))

    def test_editing_keys(self):
        left, right, home, delete = "\x1b[D", "\x1b[C", "\x1b[H", "\x1b[3~"
        for keys in (
            "versiox\x7fn",
            "versiox\x08n",
            f"ersion{home}v",
            "ersion\x01v",
            f"verion{left * 3}s",
            f"verion{left * 4}{right}s\x05",
            f"xversion{home}{delete}",
            "junk\x15version",
            "version junk\x17",
            "versionjunk" + left * 4 + "\x0b",
            f"junk\x01\x0bversion",
            "\x0cversion",
            f"ver{left * 9}{right * 9}sion",
            "\x7f\x7fversion",
        ):
            with self.subTest(keys=keys):
                self.assertIn("Strata", self.typed_answer(keys + "\r"))

    def test_utf8_is_kept_and_backspace_removes_a_whole_character(self):
        name = "caf\u00e9-\u4e2d"
        self.assertIn(f'"{name}"', self.typed_answer(f"{name}\r"))
        self.assertIn("Strata", self.typed_answer("version\u00e9\u4e2d\x7f\x7f\r"))
        self.assertIn('"caf\ufffd"', self.typed_answer(b"caf\xe9\r"))

    def test_history(self):
        self.typed_answer("version\r")
        self.typed_answer("help help\r")
        up, down = "\x1b[A", "\x1b[B"
        self.assertIn("Strata", self.typed_answer(f"{up}{up}\r"))
        self.assertIn("Strata", self.typed_answer(f"{up}\r"))
        self.assertIn("Strata", self.typed_answer(f"{up * 60}{down * 60}version\r"))

    def test_tab_completes_commands_and_arguments(self):
        self.assertIn("Strata", self.typed_answer("vers\t\r"))
        self.assertRegex(self.typed_answer("help vers\t\r"), "version")
        self.assertIn("asked for", self.crash_text("crash pan\t\r"))

    def crash_text(self, keys):
        """The report of a kernel that is spent on it."""
        with console.Console(self.config) as kernel:
            kernel.send(keys)
            return kernel.wait_for_end().output

    def test_semicolons_and_comments(self):
        self.assertEqual(self.typed_answer("version; version # ; nonsense\r").count("Strata 0"), 2)
        self.assertEqual(self.typed_answer("# nonsense\r"), "")

    def test_too_long_line_is_dropped_whole(self):
        answer = self.typed_answer("version #".ljust(3000, "x") + "\r")
        self.assertIn("error: ", answer)
        self.assertNotIn("Strata", answer)


class Endings(unittest.TestCase):
    """Commands that end the machine, and boot options that use the shell."""

    def boot(self, cmdline, seconds=60):
        return qemu.run(hosttest.machine(mem="64M", smp="1", cmdline=cmdline), seconds)

    def test_poweroff_gives_its_status(self):
        for argument, status in (("", 0), (" 0", 0), (" 1", 1), (" 77", 77), (" 100", 100)):
            with self.subTest(status=status):
                self.assertEqual(self.boot(f'cmd="poweroff{argument}"').status, status)

    def test_reboot_resets(self):
        self.assertEqual(self.boot("cmd=reboot").status, qemu.RESET)

    def test_cmd_with_poweroff_reports_success_and_failure(self):
        self.assertEqual(self.boot('cmd="version; help" poweroff').status, 0)
        self.assertEqual(self.boot('cmd="nonsense; version" poweroff').status, 1)

    def test_glob_that_matches_no_test_is_a_failure(self):
        outcome = self.boot("test=no.such.case")
        self.assertIn(outcome.status, (qemu.FAILED, qemu.INCOMPLETE))
        self.assertIn("no.such.case", outcome.output)

    def test_unknown_options_are_reported_and_ignored(self):
        outcome = self.boot('frobnicate=1 loglevel=9 mem=abc cmd="version" poweroff')
        self.assertEqual(outcome.status, 0)
        for word in ("frobnicate", "loglevel", "mem"):
            self.assertRegex(outcome.output, rf"{word}[^\n]*(ignored|expected)")

    def test_every_crash_kind_does_what_it_says(self):
        panics = "panic null write-text exec-data guard doublefault double-free overrun use-after-free".split()
        for kind in panics:
            with self.subTest(kind=kind):
                outcome = self.boot(f'cmd="crash {kind}" poweroff')
                self.assertEqual(outcome.status, qemu.PANIC, outcome.output[-1500:])
                self.assertIn("backtrace", outcome.output)

    def test_injected_failures_begin_when_boot_is_over(self):
        for option in ("failslab=1", "fail_page_alloc=1", "fail_vmalloc=1"):
            with self.subTest(option=option):
                outcome = self.boot(f'{option} cmd="vmalloc 100000" poweroff')
                self.assertEqual(outcome.status, qemu.FAILED, outcome.output[-1500:])
                cause = f"{option.split('=')[0]} injected a failure"
                self.assertIn(f"error: vmalloc of 100000 bytes failed: {cause}", outcome.output)

    def test_a_panic_names_what_was_injected(self):
        outcome = self.boot('failslab=1 cmd="crash overrun" poweroff')
        self.assertEqual(outcome.status, qemu.PANIC, outcome.output[-1500:])
        self.assertRegex(outcome.output, r"panic: kmem_cache_create\(crash, .*: failslab injected a failure")
        self.assertRegex(outcome.output, r"fault injection: failslab failed \d+ of \d+ calls")

    def test_input_that_is_there_before_the_kernel_is_kept_whole(self):
        with qemu.Qemu(hosttest.machine(mem="64M", smp="1", cmdline="loglevel=3")) as machine:
            machine.write(b"help version\n" * 20 + b"poweroff\n")
            outcome = machine.wait(60)
        self.assertEqual(outcome.output.count("strata> help version\r\n"), 20, outcome.output)

    def test_lock_order_is_a_panic_in_the_debug_build(self):
        config = hosttest.machine(mem="64M", smp="1", variant="debug", cmdline='cmd="crash lock-order" poweroff')
        self.assertEqual(qemu.run(config, 60).status, qemu.PANIC)

    def test_idle_prompt_costs_no_cpu(self):
        with console.Console(hosttest.machine(mem="64M", smp="1")) as kernel:
            time.sleep(1)
            before = cpu_seconds(kernel.qemu.process.pid)
            time.sleep(2)
            self.assertLess(cpu_seconds(kernel.qemu.process.pid) - before, 0.2)


def cpu_seconds(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / 100


if __name__ == "__main__":
    hosttest.main()
