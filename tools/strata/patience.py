"""Time limits that a busy machine does not turn into verdicts.

A limit is for what hangs. It begins anew with each sign of progress, and a second in which twice as many tasks want to
run as there are CPUs counts as half a one.
"""

import os
import select
import subprocess
import time

STEP = 5  # seconds between two looks at the load
TOTAL = 10  # limits that a run may last although it makes progress: output without an end is no progress
LEAST_SHARE = 1 / 32
GRACE = 10  # seconds that a process which was asked to end may take


def cpu_share():
    """The part of a CPU that a task gets, by the load of the last minute."""
    load = os.getloadavg()[0]
    return max(min(1.0, len(os.sched_getaffinity(0)) / load), LEAST_SHARE) if load else 1.0


class Patience:
    def __init__(self, seconds, clock=time.monotonic, share=cpu_share):
        self.seconds, self.clock, self.share = seconds, clock, share
        self.at = clock()
        self.waited = self.total = 0.0

    def over(self):
        """Whether the limit is reached; called at least every STEP seconds."""
        now = self.clock()
        counted = (now - self.at) * self.share()
        self.at = now
        self.waited += counted
        self.total += counted
        return self.waited >= self.seconds or self.total >= TOTAL * self.seconds

    def progress(self):
        self.waited = 0.0

    def step(self):
        """How long to wait for output before the next call of over()."""
        return max(min(STEP, self.seconds - self.waited), 0.01)


class Deadline(Patience):
    """So many seconds by the clock, whatever happens meanwhile; 0: no limit."""

    def __init__(self, seconds):
        super().__init__(seconds or float("inf"), share=lambda: 1.0)

    def progress(self):
        pass


def follow(process, seconds, sink=None):
    """(output, in time) of a process whose standard output is a pipe; it is ended at the limit, which output renews."""
    patience, output = Patience(seconds), bytearray()
    while not patience.over():
        if not select.select([process.stdout], [], [], patience.step())[0]:
            continue
        data = os.read(process.stdout.fileno(), 65536)
        if not data:
            process.wait()
            return bytes(output), True
        output += data
        patience.progress()
        if sink:
            sink(data)
    process.terminate()
    try:
        output += process.communicate(timeout=GRACE)[0]
    except subprocess.TimeoutExpired:
        process.kill()
        output += process.communicate()[0]
    return bytes(output), False
