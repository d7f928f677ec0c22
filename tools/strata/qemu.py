"""Starts QEMU: the only place that knows its command line and what its exit status means.

A run is described by a Config, whose fields are the variables of `make help` (ARCH, FW, MEM, ...). run() boots it
without a user and judges how it ended; run_interactive() passes the terminal, or a pipe, through.
"""

import dataclasses
import os
import pathlib
import re
import select
import shlex
import signal
import subprocess
import sys
import tarfile
import tempfile
import threading
import time
from io import BytesIO

from . import ktap

ROOT = pathlib.Path(__file__).resolve().parents[2]
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

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


class ConfigError(Exception):
    """A variable has a value that no machine can be built from."""


def parse_size(text):
    """Bytes of '512M' and the like; a bare number is in MiB, as for QEMU's -m."""
    match = re.fullmatch(r"(\d+)([KMGT]?)(?:i?B)?", str(text).strip(), re.IGNORECASE)
    if not match:
        raise ConfigError(f"MEM={text}: expected a number with K, M, G or T")
    shift = {"K": 10, "M": 20, "G": 30, "T": 40, "": 20}[match[2].upper()]
    return int(match[1]) << shift


def parse_number(name, text, low, high):
    if not str(text).isdigit() or not low <= int(text) <= high:
        raise ConfigError(f"{name}={text}: expected a number from {low} to {high}")
    return int(text)


@dataclasses.dataclass
class Config:
    """One machine. Values are kept as the user wrote them; command() checks them."""

    arch: str = "x86_64"
    variant: str = ""
    granule: str = "4"  # KiB in a base page
    fw: str = "direct"
    mem: str = "512M"
    smp: str = "2"
    numa: str = "1"  # nodes of equal size, or a word for each as in "256M:0-1 0:2-3 512M:"; then mem does not count
    levels: str = ""  # the CPU model's own number: 5 for `max`
    cmdline: str = ""
    qemu_args: str = ""
    image: str = ""  # an ELF file in place of the build's strata.elf
    backend: str = "ram"  # or memfd,share=on: then the pages that the guest touched can be counted from outside

    @classmethod
    def from_environment(cls, environment=None):
        """The variables of `make help`, by their upper-case names; unset and empty ones keep the default."""
        environment = os.environ if environment is None else environment
        values = {f.name: environment.get(f.name.upper(), "") for f in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in values.items() if value})

    def replace(self, **changes):
        return dataclasses.replace(self, **changes)

    @property
    def build_dir(self):
        granule = "" if self.granule == "4" else f"-{self.granule}k"
        return ROOT / "build" / (self.arch + granule + (f"-{self.variant}" if self.variant else ""))

    def artifact(self, name):
        path = self.build_dir / name
        if not path.exists():
            raise ConfigError(f"{os.path.relpath(path)} does not exist: it is built by `make`")
        return str(path)

    def describe(self):
        """One line that names the run, as in 'uefi 4G 2cpu 5lvl test'."""
        described = not self.numa.isdigit()
        words = [self.fw, *([] if described else [self.mem]), f"{self.smp}cpu"]
        words += [f"nodes({self.numa})"] if described else [f"{self.numa}node"] if self.numa != "1" else []
        words += [f"{self.levels}lvl"] if self.levels else []
        words += [f"{self.granule}k"] if self.granule != "4" else []
        words += filter(None, [self.variant, self.qemu_args, self.cmdline])
        return " ".join(words)


def split_cmdline(cmdline):
    """Words of a kernel command line: blanks separate, double quotes hold together (and are kept)."""
    return re.findall(r'(?:[^\s"]|"[^"]*(?:"|$))+', cmdline)


def grub_words(cmdline):
    """The same words quoted for GRUB's script language. GRUB itself puts "..." around an argument with blanks."""
    return " ".join("'" + word.replace('"', "").replace("'", "'\\''") + "'" for word in split_cmdline(cmdline))


def write_grub_override(path, cmdline):
    """A tar file to give the guest as a disk: the ISO's grub.cfg takes /strata.cfg from there in place of its own."""
    script = f"multiboot2 ($root)/boot/strata.elf {grub_words(cmdline)}\n".encode()
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        member = tarfile.TarInfo("strata.cfg")
        member.size = len(script)
        tar.addfile(member, BytesIO(script))
    os.truncate(path, MIB)  # a BIOS disk has at least a cylinder, or GRUB does not see it


def ovmf():
    for path in ("/usr/share/ovmf/OVMF.fd", "/usr/share/OVMF/OVMF.fd", "/usr/share/qemu/OVMF.fd"):
        if os.access(path, os.R_OK):
            return path
    raise ConfigError("FW=uefi: no OVMF.fd found (tools/setup ovmf)")


@dataclasses.dataclass
class Node:
    size: int  # bytes, 0: no memory
    cpus: list  # none: memory only
    distances: list  # to each node, or empty: further away by 10 a node


def parse_cpus(text):
    """CPUs of '0,2-3'."""
    cpus = []
    for part in filter(None, text.split(",")):
        match = re.fullmatch(r"(\d+)(?:-(\d+))?", part)
        if not match:
            raise ConfigError(f"NUMA: CPUs {part}: expected N or N-M")
        cpus += range(int(match[1]), int(match[2] or match[1]) + 1)
    return cpus


def parse_node(text):
    """A node of 'SIZE:CPUS' or 'SIZE:CPUS:D/D/D'."""
    size, cpus, distances = (text.split(":") + [""])[:3] if text.count(":") in (1, 2) else (text, None, "")
    if cpus is None or not re.fullmatch(r"(\d+(/\d+)*)?", distances):
        raise ConfigError(f"NUMA={text}: expected 1 to 64 nodes, or for each SIZE:CPUS or SIZE:CPUS:DISTANCE/DISTANCE...")
    return Node(parse_size(size), parse_cpus(cpus), [int(word) for word in distances.split("/") if word])


def parse_nodes(text, total, smp):
    """NUMA=N: nodes of (nearly) equal size, CPUs dealt to them. Else each node is a word of its own."""
    if not text.isdigit():
        described = [parse_node(word) for word in text.split()]
        if any(0 < node.size < 8 * MIB for node in described):
            raise ConfigError(f"NUMA={text}: expected 0 or at least 8M of memory on each node")
        if any(node.distances and len(node.distances) != len(described) for node in described):
            raise ConfigError(f"NUMA={text}: expected as many distances as there are nodes, {len(described)}")
        for number, node in enumerate(described):
            if any(d != 10 if to == number else not 10 < d < 255 for to, d in enumerate(node.distances)):
                raise ConfigError(f"NUMA={text}: expected distance 10 of a node to itself and 11 to 254 to others")
        named = sorted(cpu for node in described for cpu in node.cpus)
        if len(set(named)) < len(named) or (named and named[-1] >= smp):
            raise ConfigError(f"NUMA={text}: expected each of CPUs 0 to {smp - 1} at most once")
        return described
    nodes = parse_number("NUMA", text, 1, 64)
    share = total // nodes // (8 * MIB) * (8 * MIB)
    if not share and nodes > 1:
        raise ConfigError(f"NUMA={nodes}: less than 8M a node")
    sizes = [share] * (nodes - 1) + [total - share * (nodes - 1)]
    return [Node(size, list(range(node, smp, nodes)), []) for node, size in enumerate(sizes)]


def memory_args(kind, nodes, smp):
    """Memory that costs only what the guest touches."""
    # The backends say reserve=off: terabytes need neither RAM nor overcommit here.
    backend = f"memory-backend-{kind},id={{}},size={{}},reserve=off"
    total = sum(node.size for node in nodes)
    args = ["-m", f"{total // MIB}M", "-smp", str(smp)]
    if len(nodes) == 1:
        return args + ["-object", backend.format("ram", total), "-machine", "memory-backend=ram"]
    for a, node in enumerate(nodes):
        args += ["-object", backend.format(f"ram{a}", node.size)] if node.size else []
        memory = f",memdev=ram{a}" if node.size else ""
        args += ["-numa", f"node,nodeid={a}{memory}" + "".join(f",cpus={cpu}" for cpu in node.cpus)]
    for a, node in enumerate(nodes):
        # QEMU takes the other direction to be as far; so what nobody has said is said once.
        for b in range(len(nodes)) if node.distances else range(a + 1, len(nodes)):
            distance = node.distances[b] if node.distances else min(10 + 10 * (b - a), 254)
            args += ["-numa", f"dist,src={a},dst={b},val={distance}"]
    return args


def command(config, scratch, serial="stdio", reboot=False):
    """QEMU's command line. scratch: a directory for files that live as long as the run."""
    if config.arch != "x86_64":
        raise ConfigError(f"ARCH={config.arch}: only x86_64 can be started")
    mem = parse_size(config.mem)
    if mem < MIB or mem % MIB:
        raise ConfigError(f"MEM={config.mem}: expected a multiple of 1M")
    smp = parse_number("SMP", config.smp, 1, 255)
    nodes = parse_nodes(config.numa, mem, smp)
    mem = sum(node.size for node in nodes)
    if config.levels not in ("", "4", "5"):
        raise ConfigError(f"LEVELS={config.levels}: expected 4 or 5")

    # Without an option, the model's 40 physical bits end at about 960 GiB.
    cpu = "max" + (",phys-bits=46" if mem > 512 * GIB else "") + (",la57=off" if config.levels == "4" else "")
    argv = ["qemu-system-x86_64", "-M", "q35", "-cpu", cpu] + memory_args(config.backend, nodes, smp)
    argv += ["-display", "none", "-vga", "none", "-nic", "none", "-serial", serial]
    argv += ["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]
    argv += [] if reboot else ["-no-reboot"]
    if config.fw == "direct":
        argv += ["-kernel", config.image or config.artifact("strata.elf"), "-append", config.cmdline]
    elif config.fw in ("bios", "uefi"):
        argv += ["-cdrom", config.artifact("strata.iso"), "-boot", "d"]
        if config.cmdline:
            override = os.path.join(scratch, "cmdline.tar")
            write_grub_override(override, config.cmdline)
            argv += ["-drive", f"file={override},format=raw,readonly=on,if=none,id=cfg", "-device", "virtio-blk-pci,drive=cfg"]
        argv += ["-bios", ovmf()] if config.fw == "uefi" else []
    else:
        raise ConfigError(f"FW={config.fw}: expected direct, bios or uefi")
    return argv + shlex.split(config.qemu_args)


def kernel_status(qemu_status):
    """The kernel's status, or None. It writes status + 0x10 to isa-debug-exit; QEMU then ends with (v << 1) | 1."""
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
        return TIMEOUT, MEANING[TIMEOUT]
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
            raise ConfigError(f"{error.filename} is not installed (tools/setup qemu)") from None
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

    def wait(self, timeout, sink=None, expect_ktap=False):
        """Runs to its end, or to the limit (0: none), and judges. sink gets the output as it comes."""
        deadline = self.started + timeout if timeout else None
        while deadline is None or time.monotonic() < deadline:
            data = self.read(None if deadline is None else max(deadline - time.monotonic(), 0))
            if data is None:
                return self.outcome(False, expect_ktap)
            if data and sink:
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


def run(config, timeout, sink=None, extra=()):
    """Boots without a user."""
    with Qemu(config, extra) as qemu:
        return qemu.wait(timeout, sink, wants_ktap(config.cmdline))


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
