"""A booted kernel to talk to: tagged requests on the serial line, JSON answers, QEMU's monitor as a witness."""

import dataclasses
import json
import os
import re
import socket

from . import qemu
from .patience import Patience

# Of silence (patience.py); any output is progress.
BOOT_SECONDS = 120  # to the prompt, through firmware as well
REPLY_SECONDS = 60


class ConsoleError(Exception):
    """The kernel did not answer as the protocol says."""


@dataclasses.dataclass
class Reply:
    status: int
    text: str  # between the marks, line ends as they came

    @property
    def lines(self):
        return self.text.replace("\r\n", "\n").removesuffix("\n").split("\n") if self.text else []


class Console:
    """Context manager. The machine is at its prompt inside the `with` block, and gone after it."""

    def __init__(self, config):
        self.config = config
        self.tag = 0
        self.seen = 0  # bytes of the output that were consumed

    def __enter__(self):
        self.qemu = qemu.Qemu(self.config, ["-qmp", "unix:{scratch}/qmp,server=on,wait=off"])
        try:
            self.expect(re.escape(qemu.PROMPT), BOOT_SECONDS)
        except BaseException:
            self.qemu.__exit__()
            raise
        return self

    def __exit__(self, *_):
        self.qemu.__exit__()

    def send(self, data):
        self.qemu.write(data if isinstance(data, bytes) else data.encode())

    def expect(self, pattern, seconds=REPLY_SECONDS):
        """Consumes the output up to and with the first match of pattern (bytes)."""
        patience = Patience(seconds)
        while True:
            match = re.compile(pattern).search(self.qemu.output, self.seen)
            if match:
                self.seen = match.end()
                return match
            tail = bytes(self.qemu.output[self.seen :][-2000:]).decode("utf-8", "replace")
            if patience.over():
                raise ConsoleError(f"nothing like {pattern!r} within {seconds} s; instead:\n{tail}")
            data = self.qemu.read(patience.step())
            if data:
                patience.progress()
            if data is None:
                outcome = self.qemu.outcome(False, False)
                raise ConsoleError(f"ended ({outcome.reason}) before {pattern!r}:\n{tail}")

    def request(self, command, seconds=REPLY_SECONDS):
        """The answer to one line of commands, with the marks checked and cut off."""
        self.tag += 1
        tag = f"t{self.tag}"
        self.send(f"@{tag} {command}\r")
        return self.reply(tag, seconds)

    def reply(self, tag, seconds=REPLY_SECONDS):
        tag = re.escape(tag.encode())
        # Log lines that waited come between the end mark and the prompt.
        match = self.expect(
            rb"\r\n@%s begin\r\n((?s:.*?))(?<=\n)@%s end (\d+)\r\n(?:[^\n]*\n)*?%s" % (tag, tag, qemu.PROMPT), seconds
        )
        return Reply(int(match[2]), match[1].decode("utf-8", "replace"))

    def run(self, command, seconds=REPLY_SECONDS):
        """Lines of an answer that must succeed."""
        reply = self.request(command, seconds)
        if reply.status:
            raise ConsoleError(f"{command}: status {reply.status}: {reply.text.strip()}")
        return reply.lines

    def json(self, command, seconds=REPLY_SECONDS):
        """The object of `command -j`, which must succeed and be one line."""
        lines = self.run(f"{command} -j", seconds)
        if len(lines) != 1:
            raise ConsoleError(f"{command} -j: {len(lines)} lines in place of one")
        value = json.loads(lines[0])
        if not isinstance(value, dict):
            raise ConsoleError(f"{command} -j: not an object")
        return value

    def wait_for_end(self, seconds=REPLY_SECONDS):
        """How the machine ended after a command that ends it."""
        return self.qemu.wait(seconds)

    def monitor(self, command):
        """Text that QEMU's human monitor answers."""
        if not hasattr(self, "qmp"):
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(os.path.join(self.qemu.scratch.name, "qmp"))
            self.qmp = connection.makefile("rw", encoding="utf-8")
            connection.close()
            self.qmp.readline()  # the greeting
            self.qmp_call("qmp_capabilities")
        return self.qmp_call("human-monitor-command", {"command-line": command}).replace("\r", "")

    def qmp_call(self, name, arguments=None):
        self.qmp.write(json.dumps({"execute": name, "arguments": arguments or {}}) + "\n")
        self.qmp.flush()
        while True:
            answer = json.loads(self.qmp.readline())
            if "error" in answer:
                raise ConsoleError(f"QEMU's monitor: {answer['error']}")
            if "return" in answer:
                return answer["return"]
