"""Starts QEMU on a machine (machine.py): the only place that knows what its exit status means.

run() boots without a user and judges how it ended; run_on_terminal() and run_on_pipe() pass the keys through.
"""

import dataclasses
import os
import pathlib
import select
import signal
import subprocess
import sys
import tempfile
import threading
import time

from . import ktap
from .patience import Patience
from .machine import (  # noqa: F401  (a user of this module needs no other)
    ROOT,
    Config,
    ConfigError,
    check,
    command,
    parse_nodes,
    parse_number,
    parse_size,
    split_cmdline,
)

PROMPT = b"strata> "

# How a run ends. 0 to 2 are the kernel's own words; `poweroff STATUS` can say more, up to 100.
OK, FAILED, PANIC, RESET, TIMEOUT, INCOMPLETE = range(6)
BROKEN = 125  # QEMU did not start, or ended in a way that no kernel can cause

MEANING = {
    OK: "success",
    FAILED: "a test or a command failed",
    PANIC: "the kernel panicked",
    RESET: "the machine was reset",
    TIMEOUT: "the time limit was reached",
    INCOMPLETE: "the KTAP plan was not fulfilled",
    BROKEN: "QEMU failed",
}


def kernel_status(qemu_status):
    """The kernel's status, or None. It ends QEMU with (status + 0x10) << 1 | 1 (isa-debug-exit, or semihosting)."""
    if qemu_status > 0 and qemu_status % 2 and 0x10 <= qemu_status >> 1 <= 0x10 + 100:
        return (qemu_status >> 1) - 0x10
    return None


@dataclasses.dataclass
class Outcome:
    status: int  # as tools/run-qemu ends
    reason: str  # the same in words
    output: str  # what came from the serial line
    seconds: float

    @property
    def lines(self):
        return self.output.replace("\r", "").split("\n")


def judge(qemu_status, timed_out, output, errors, reset_log, expect_ktap):
    """(status, reason) of a finished run."""
    status = kernel_status(qemu_status)
    if timed_out:
        return TIMEOUT, MEANING[TIMEOUT] + (f"; QEMU said: {errors.strip()}" if errors.strip() else "")
    if qemu_status == 0:
        return RESET, "triple fault" if "Triple fault" in reset_log else MEANING[RESET]
    if status is None:
        how = f"status {qemu_status}" if qemu_status > 0 else f"signal {-qemu_status}"
        return BROKEN, f"{MEANING[BROKEN]}: {how} {errors.strip()}".strip()
    if expect_ktap and status in (OK, FAILED):
        report = ktap.parse(output)
        if report.errors:
            return INCOMPLETE, f"{MEANING[INCOMPLETE]}: {report.errors[0]}"
        if status == OK and report.failed:
            return FAILED, "the kernel says success, its KTAP says failure"
    return status, MEANING[status] if status <= PANIC else f"the kernel ended with {status}"


def wants_ktap(cmdline):
    return any(word == "test" or word.startswith("test=") for word in split_cmdline(cmdline))


CHILDREN = set()  # processes to end when we are told to


def start(argv, **options):
    process = subprocess.Popen(argv, **options)
    CHILDREN.add(process)
    return process


def kill_children():
    for process in CHILDREN:
        if process.poll() is None:
            process.terminate()


def prefer_for_oom(pid):
    """A guest that touches too much of its sparse memory is what the host should end first."""
    try:
        pathlib.Path(f"/proc/{pid}/oom_score_adj").write_text("1000", encoding="ascii")
    except OSError:
        pass  # not Linux, or it has ended already


class Qemu:
    """A running QEMU whose serial line is a pair of pipes. Also a context manager, which ends it."""

    def __init__(self, config, extra=()):
        self.scratch = tempfile.TemporaryDirectory(prefix="strata-")
        self.reset_log = os.path.join(self.scratch.name, "reset.log")
        self.stderr = open(os.path.join(self.scratch.name, "stderr"), "w+", encoding="utf-8", errors="replace")
        try:
            self.argv = command(config, self.scratch.name) + ["-d", "cpu_reset", "-D", self.reset_log]
            self.argv += [word.format(scratch=self.scratch.name) for word in extra]
            pipe = subprocess.PIPE
            self.process = start(self.argv, stdin=pipe, stdout=pipe, stderr=self.stderr, bufsize=0)
            prefer_for_oom(self.process.pid)
        except FileNotFoundError as error:
            self.cleanup()
            raise ConfigError(f"{error.filename} is not installed (tools/setup qemu, qemu-arm)") from None
        except BaseException:
            self.cleanup()
            raise
        self.started = time.monotonic()
        self.output = bytearray()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()
        self.cleanup()

    def cleanup(self):
        self.stderr.close()
        self.scratch.cleanup()

    def kill(self):
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        CHILDREN.discard(self.process)
        self.process.stdin.close()
        self.process.stdout.close()

    def read(self, seconds):
        """What comes within that time: bytes, b"" for nothing yet, None for the end of output."""
        if not select.select([self.process.stdout], [], [], seconds)[0]:
            return b""
        data = os.read(self.process.stdout.fileno(), 65536)
        self.output += data
        return data or None

    def write(self, data):
        while data:
            data = data[os.write(self.process.stdin.fileno(), data) :]

    def wait(self, limit, sink=None, expect_ktap=False):
        """Runs to its end, or to the limit, and judges: seconds of a Patience, or one. sink gets the output as it comes."""
        patience = limit if isinstance(limit, Patience) else Patience(limit)
        while not patience.over():
            data = self.read(patience.step())
            if data is None:
                return self.outcome(False, expect_ktap)
            if data:
                patience.progress()
                if sink:
                    sink(data)
        return self.outcome(True, expect_ktap)

    def errors(self):
        self.stderr.flush()
        self.stderr.seek(0)
        return self.stderr.read()

    def outcome(self, timed_out, expect_ktap):
        """Ends it if it still runs, and judges."""
        seconds = time.monotonic() - self.started
        if timed_out:
            self.process.kill()
        qemu_status = self.process.wait()
        try:
            with open(self.reset_log, encoding="utf-8", errors="replace") as file:
                reset_log = file.read()
        except OSError:
            reset_log = ""
        text = self.output.decode("utf-8", "replace")
        status, reason = judge(qemu_status, timed_out, text, self.errors(), reset_log, expect_ktap)
        return Outcome(status, reason, text, seconds)


def run(config, limit, sink=None, extra=()):
    """Boots without a user; limit: as of wait()."""
    with Qemu(config, extra) as qemu:
        return qemu.wait(limit, sink, wants_ktap(config.cmdline))


def run_on_terminal(config):
    """The terminal is QEMU's: keys go to the guest, Ctrl-A X leaves, `reboot` boots again."""
    with tempfile.TemporaryDirectory(prefix="strata-") as scratch:
        argv = command(config, scratch, serial="mon:stdio", reboot=True)
        # In raw mode Ctrl-C is the guest's; one that arrives before that ends QEMU, and we report it.
        previous = signal.signal(signal.SIGINT, signal.SIG_IGN)
        try:
            return subprocess.call(argv)
        finally:
            signal.signal(signal.SIGINT, previous)


def run_on_pipe(config, timeout, source, sink):
    """Standard input is a pipe or a file: its lines are typed once the prompt is there; its end is `poweroff`.

    Nothing is typed earlier, because firmware reads the serial line as well.
    """
    prompt = threading.Event()

    def feed():
        prompt.wait()
        try:
            while data := os.read(source, 4096):
                qemu.write(data)
            qemu.write(b"\npoweroff\n")
        except (BrokenPipeError, ValueError):
            pass  # QEMU has ended

    def watch(data):
        sink(data)
        if PROMPT in qemu.output:
            prompt.set()

    with Qemu(config) as qemu:
        threading.Thread(target=feed, daemon=True).start()
        return qemu.wait(timeout, watch, expect_ktap=False)


def stop_on_signals():
    """Turn SIGTERM and SIGHUP into an exception, so that no QEMU outlives its starter."""

    def stop(number, _frame):
        sys.exit(128 + number)

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGHUP, stop)
