"""The hosted build as a program to run: where it is, and what each variant of it runs under."""

import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]

# Registers are right at each access, or a restarted one uses wrong ones. In an unrolled loop, and behind a call that is
# translated together with what it calls, Valgrind loses the PC: a fault there would call twice. A leak check would read
# the whole memory file. It runs one CPU at a time: in turn, or one that waits for another gets all the turns. A report
# is the end, as a panic is: status 2.
VALGRIND = [
    "valgrind", "--quiet", "--fair-sched=yes",
    "--vex-iropt-register-updates=allregs-at-mem-access", "--vex-iropt-unroll-thresh=0", "--vex-guest-chase=no",
    "--leak-check=no", "--exit-on-first-error=yes", "--error-exitcode=2",
]
# The kernel fills its software TLB in a fault's handler, so every register is right at every fault. cachegrind's own code
# between the instructions of a block breaks that: a stack pointer was 8 bytes off, with seed=153698273 for example. In a
# block of one instruction there is nothing that could be late. A chained call would be told a wrong PC.
CACHEGRIND = [
    "valgrind", "--tool=cachegrind", "--vex-guest-max-insns=1", "--vex-iropt-register-updates=allregs-at-mem-access",
    "--vex-guest-chase=no",
]


def image(variant=""):
    return ROOT / "build" / ("host-" + variant if variant else "host") / "strata"


def command(variant, *arguments):
    return [*(VALGRIND if variant == "valgrind" else []), str(image(variant)), *arguments]


def run(variant, *arguments, seconds=300):
    """Output, both streams in one, and status."""
    done = subprocess.run(
        command(variant, *arguments), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        timeout=seconds, check=False
    )
    return done.stdout.decode("utf-8", "replace"), done.returncode
