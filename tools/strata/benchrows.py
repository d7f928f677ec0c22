"""Rows of benchmarks: their groups, and what `bench` and malloc-bench print."""

import json
import re

from strata import qemu

PEERS = qemu.ROOT / "tests" / "bench" / "peers.tsv"
SMP = "smp."
# Groups of ours that no peer has a figure for.
OWN_GROUPS = ("kmalloc.batch", "boot", "section", "tlb", "fault", "verify")
PLAIN_ROW = re.compile(r"^([a-z0-9_]+(?:\.[a-z0-9_]+)+)\s+(\d+(?:\.\d+)?)\s+(\w+)\s*$")


def group_of(name):
    """kmem.batch.64.lifo.alloc -> kmem.batch; mixed.net -> mixed: the rows that are measured in one boot."""
    words = name.split(".")
    return ".".join(words[: min(2, len(words) - 1)])


def read_all_peers():
    """{row: [figures]}; NaN where a peer has none."""
    peers = {}
    for line in PEERS.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            name, *values = line.split("\t")
            peers[name] = [float("nan") if value == "-" else float(value) for value in values]
    return peers


def read_peers():
    """Instructions per operation."""
    return {name: values for name, values in read_all_peers().items() if not name.startswith(SMP)}


def read_smp_peers():
    """What two CPUs do over what one does."""
    return {name: values for name, values in read_all_peers().items() if name.startswith(SMP)}


def groups():
    return [*dict.fromkeys(map(group_of, read_peers())), *OWN_GROUPS]


def parse(text):
    """{name: (value, unit)} from plain rows, or from the one JSON line of `bench -j`."""
    rows = {}
    for line in text.replace("\r", "").split("\n"):
        match = PLAIN_ROW.match(line)
        if match:
            rows[match[1]] = (float(match[2]), match[3])
        elif line.startswith('{"rows"'):
            rows.update((row["name"], (float(row["value"]), row["unit"])) for row in json.loads(line)["rows"])
    return rows
