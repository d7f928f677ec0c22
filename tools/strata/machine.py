"""Which machine: a Config, whose fields are the variables of `make help` (ARCH, FW, MEM, ...), as QEMU's command line.

The only place that knows QEMU's options. Each port has a function for its board and one for each firmware (FIRMWARE);
what no machine can be built from is a ConfigError, one line that says what was expected.
"""

import dataclasses
import os
import pathlib
import re
import shlex
import struct
import tarfile
import zlib
from io import BytesIO

ROOT = pathlib.Path(__file__).resolve().parents[2]
KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30


class ConfigError(Exception):
    """A variable has a value that no machine can be built from."""


def parse_size(text, name="MEM"):
    """Bytes of '512M' and the like; a bare number is in MiB, as for QEMU's -m."""
    match = re.fullmatch(r"(\d+)([KMGT]?)(?:i?B)?", str(text).strip(), re.IGNORECASE)
    if not match:
        raise ConfigError(f"{name}{'' if name.endswith(' ') else '='}{text}: expected a number with K, M, G or T")
    shift = {"K": 10, "M": 20, "G": 30, "T": 40, "": 20}[match[2].upper()]
    return int(match[1]) << shift


def parse_number(name, text, low, high, where=""):
    if not str(text).isdigit() or not low <= int(text) <= high:
        raise ConfigError(f"{name}={text}: expected a number from {low} to {high}{where}")
    return int(text)


@dataclasses.dataclass
class Config:
    """One machine. Values are kept as the user wrote them; command() checks them."""

    arch: str = "x86_64"
    cpu: str = "max"  # QEMU's -cpu, with its properties
    gic: str = ""  # aarch64: version of the interrupt controller, 3 when not said
    variant: str = ""
    granule: str = "4"  # KiB in a base page
    fw: str = "direct"
    mem: str = "512M"
    smp: str = "2"
    numa: str = "1"  # nodes of equal size, or a word for each as in "256M:0-1 0:2-3 512M:"; then mem does not count
    levels: str = ""  # the CPU model's own number: 5 for `max`
    cmdline: str = ""
    qemu_args: str = ""
    image: str = ""  # a file in place of the build's strata.elf or strata.Image
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

    @property
    def kernel(self):
        """What a loader takes."""
        return self.image or self.artifact("strata.Image" if self.arch == "aarch64" else "strata.elf")

    @property
    def symbols(self):
        """The ELF file that a debugger reads; it lies beside what the loader takes."""
        return str(pathlib.Path(self.kernel).with_suffix(".elf"))

    def describe(self):
        """One line that names the run, as in 'uefi 4G 2cpu 5lvl test' or 'aarch64 direct 1G 1cpu gic2 test'."""
        described = not self.numa.isdigit()
        words = [self.arch] if self.arch != "x86_64" else []
        words += [self.fw, *([] if described else [self.mem]), f"{self.smp}cpu"]
        words += [self.cpu] if self.cpu != "max" else []
        words += [f"gic{self.gic}"] if self.gic else []
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
    return Node(parse_size(size, "NUMA: memory "), parse_cpus(cpus), [int(word) for word in distances.split("/") if word])


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


# ---- x86_64: the board q35 ----


def pc_direct(config, _scratch):
    return ["-kernel", config.kernel, "-append", config.cmdline]


def pc_bios(config, scratch):
    """GRUB from the ISO, which looks for a command line of ours on another disk."""
    argv = ["-cdrom", config.artifact("strata.iso"), "-boot", "d"]
    if config.cmdline:
        override = os.path.join(scratch, "cmdline.tar")
        write_grub_override(override, config.cmdline)
        argv += ["-drive", f"file={override},format=raw,readonly=on,if=none,id=cfg", "-device", "virtio-blk-pci,drive=cfg"]
    return argv


def pc_uefi(config, scratch):
    return pc_bios(config, scratch) + ["-bios", ovmf()]


# QEMU's models that have LA57, and their versions such as Icelake-Server-v2 (tests/host/test_variables.py asks QEMU).
WITH_LA57 = ("max", "host", "Icelake-Server", "SapphireRapids", "GraniteRapids", "EPYC-Genoa", "EPYC-Turin")


def has_la57(cpu):
    model, *properties = cpu.split(",")
    has = any(model == name or model.startswith(f"{name}-") for name in WITH_LA57)
    for word in properties:
        has = {"la57=on": True, "+la57": True, "la57=off": False, "-la57": False}.get(word, has)
    return has


def check_pc(config):
    if config.gic:
        raise ConfigError(f"GIC={config.gic}: expected nothing with ARCH=x86_64")
    if config.granule != "4":
        raise ConfigError(f"GRANULE={config.granule}: expected 4 with ARCH=x86_64")
    if config.levels not in ("", "4", "5"):
        raise ConfigError(f"LEVELS={config.levels}: expected 4 or 5")
    if config.levels == "5" and not has_la57(config.cpu):
        raise ConfigError(f"LEVELS=5: expected 4 with CPU={config.cpu}, which has no LA57")


def pc(config, mem):
    # Without an option, the model's 40 physical bits end at about 960 GiB.
    cpu = config.cpu + (",phys-bits=46" if mem > 512 * GIB else "") + (",la57=off" if config.levels == "4" else "")
    exit_device = ["-device", "isa-debug-exit,iobase=0xf4,iosize=0x04"]
    return ["qemu-system-x86_64", "-M", "q35", "-cpu", cpu, "-vga", "none"] + exit_device


# ---- aarch64: the board virt ----

UBOOT = "/usr/lib/u-boot/qemu_arm64/u-boot.bin"
UBOOT_MOST = 255 * GIB
# What U-Boot's own start-up looks for on a disk. The command line is a file: quotes in it mean nothing to anybody then.
UBOOT_SCRIPT = """\
setenv disk ${devtype} ${devnum}:${distro_bootpart}
load ${disk} ${kernel_addr_r} /environment
env import -t ${kernel_addr_r} ${filesize} bootargs
load ${disk} ${kernel_addr_r} /strata.Image
booti ${kernel_addr_r} - ${fdt_addr}
"""
WITHOUT_16K = ("cortex-a35", "cortex-a53", "cortex-a57", "cortex-a72")
WITH_LPA2 = ("max",)
PHYSICAL_BITS = {"cortex-a53": 40, "cortex-a57": 44, "cortex-a72": 44, "neoverse-n1": 48}  # others: 48 or more
VIRT_RAM = GIB  # where memory begins
LEVELS_OF = {"4": ("4", "5"), "16": ("4",), "64": ("3",)}  # by granule, most with 52 bits of address


def virt_direct(config, _scratch):
    return ["-kernel", config.kernel, "-append", config.cmdline]


def aavmf():
    for path in ("/usr/share/qemu-efi-aarch64/QEMU_EFI.fd", "/usr/share/AAVMF/AAVMF_CODE.fd"):
        if os.access(path, os.R_OK):
            return path
    raise ConfigError("FW=uefi: no QEMU_EFI.fd found (tools/setup aavmf)")


def fat_args(directory):
    """A disk with that directory in it, which QEMU makes up."""
    return ["-drive", f"file=fat:{directory},format=raw,readonly=on,if=none,id=disk", "-device", "virtio-blk-pci,drive=disk"]


def virt_uefi(config, scratch):
    """Straight from a FAT disk, as removable media are started: there is no place for a command line. One comes with the
    kernel through QEMU's own channel, which the firmware tries first; either way it starts an EFI application."""
    if config.cmdline:
        return ["-bios", aavmf()] + virt_direct(config, scratch)
    boot = os.path.join(scratch, "disk", "EFI", "BOOT")
    os.makedirs(boot)
    os.symlink(os.path.abspath(config.kernel), os.path.join(boot, "BOOTAA64.EFI"))
    return ["-bios", aavmf()] + fat_args(os.path.join(scratch, "disk"))


def uboot_image(script):
    """A script as U-Boot's `source` takes it: the legacy image header, then the length of each part, 0, the part."""
    data = struct.pack(">II", len(script), 0) + script.encode()
    arm64, linux, is_script = 22, 5, 6
    fields = [0x27051956, 0, 0, len(data), 0, 0, zlib.crc32(data), linux, arm64, is_script, 0, b"strata"]
    layout = ">7I4B32s"
    fields[1] = zlib.crc32(struct.pack(layout, *fields))  # of the header with 0 in this place
    return struct.pack(layout, *fields) + data


def virt_uboot(config, scratch):
    if not os.access(UBOOT, os.R_OK):
        raise ConfigError(f"FW=uboot: no {UBOOT} (tools/setup uboot)")
    disk = pathlib.Path(scratch) / "disk"
    disk.mkdir()
    (disk / "strata.Image").symlink_to(pathlib.Path(config.kernel).absolute())
    (disk / "boot.scr").write_bytes(uboot_image(UBOOT_SCRIPT))
    (disk / "environment").write_text(f"bootargs={config.cmdline}\n", encoding="utf-8")
    return ["-bios", UBOOT] + fat_args(disk)


def check_virt(config):
    """Refuses what cannot translate as asked, and what the firmware cannot start with."""
    model = config.cpu.split(",", 1)[0]
    if config.granule not in LEVELS_OF:
        raise ConfigError(f"GRANULE={config.granule}: expected 4, 16 or 64")
    if config.granule == "16" and model in WITHOUT_16K:
        raise ConfigError(f"GRANULE=16: expected 4 or 64 with CPU={model}, which has no pages of 16 KiB")
    levels = LEVELS_OF[config.granule]
    if config.levels and config.levels not in levels:
        expected = " or ".join(levels) + (" (no5lvl shortens addresses, not the walk)" if len(levels) < 2 else "")
        raise ConfigError(f"LEVELS={config.levels}: expected {expected} with GRANULE={config.granule}")
    if config.levels == "5" and (model not in WITH_LPA2 or "lpa2=off" in config.cpu):
        raise ConfigError(f"LEVELS=5: expected 4 with CPU={config.cpu}, which has no LPA2")
    bits = PHYSICAL_BITS.get(model, 48)
    total = sum(node.size for node in parse_nodes(config.numa, parse_size(config.mem), int(config.smp)))
    if VIRT_RAM + total > 1 << bits:
        raise ConfigError(f"MEM={config.mem}: expected at most {((1 << bits) - VIRT_RAM) // GIB}G with CPU={config.cpu}")
    if config.gic not in ("", "2", "3"):
        raise ConfigError(f"GIC={config.gic}: expected 2 or 3")
    if config.gic == "2":
        parse_number("SMP", config.smp, 1, 8, " with GIC=2")
    if config.fw == "uefi" and parse_size(config.mem) < 128 * MIB and config.numa.isdigit():
        raise ConfigError(f"MEM={config.mem}: expected at least 128M with FW=uefi, which needs them for itself")
    if config.fw == "uboot" and parse_size(config.mem) > UBOOT_MOST:
        raise ConfigError(f"MEM={config.mem}: expected at most {UBOOT_MOST // GIB}G with FW=uboot, which maps no more")
    if config.fw == "uboot" and config.numa != "1":
        raise ConfigError(f"NUMA={config.numa}: expected 1 with FW=uboot, which knows one range of memory")


def virt(config, _mem):
    four_of_five = config.levels == "4" and len(LEVELS_OF[config.granule]) > 1 and config.cpu.split(",", 1)[0] in WITH_LPA2
    cpu = config.cpu + (",lpa2=off" if four_of_five else "")
    # Native: a debugger that is attached would be handed the kernel's exit in place of QEMU.
    semihosting = ["-semihosting-config", "enable=on,target=native"]
    return ["qemu-system-aarch64", "-M", f"virt,gic-version={config.gic or 3}", "-cpu", cpu] + semihosting


# ---- any ----

BOARD = {"x86_64": pc, "aarch64": virt}
CHECK = {"x86_64": check_pc, "aarch64": check_virt}
FIRMWARE = {
    "x86_64": {"direct": pc_direct, "bios": pc_bios, "uefi": pc_uefi},
    "aarch64": {"direct": virt_direct, "uboot": virt_uboot, "uefi": virt_uefi},
}
MOST_CPUS = {"x86_64": 255, "aarch64": 256}
VARIANTS = ("", "debug")


def check(config):
    """The nodes of a machine. Refuses whatever of the variables no machine can be built from; needs no build and no QEMU."""
    if config.arch not in BOARD:
        hint = " (the hosted build is a program: build/host/strata)" if config.arch == "host" else ""
        raise ConfigError(f"ARCH={config.arch}: expected {' or '.join(BOARD)}{hint}")
    if config.variant not in VARIANTS:
        raise ConfigError(f"VARIANT={config.variant}: expected nothing or debug with ARCH={config.arch}")
    firmware = FIRMWARE[config.arch]
    if config.fw not in firmware:
        names = list(firmware)
        raise ConfigError(f"FW={config.fw}: expected {', '.join(names[:-1])} or {names[-1]} with ARCH={config.arch}")
    mem = parse_size(config.mem)
    if mem < MIB or mem % MIB:
        raise ConfigError(f"MEM={config.mem}: expected a multiple of 1M")
    if config.arch == "x86_64" and mem < 3 * MIB:
        raise ConfigError(f"MEM={config.mem}: expected 3M or more, with less the firmware cannot load a kernel")
    smp = parse_number("SMP", config.smp, 1, MOST_CPUS[config.arch])
    nodes = parse_nodes(config.numa, mem, smp)
    CHECK[config.arch](config)
    try:
        shlex.split(config.qemu_args)
    except ValueError as error:
        raise ConfigError(f"QEMU_ARGS={config.qemu_args}: expected words as the shell quotes them ({error})") from None
    return nodes


def command(config, scratch, serial="stdio", reboot=False):
    """QEMU's command line. scratch: a directory for files that live as long as the run."""
    nodes = check(config)
    argv = BOARD[config.arch](config, sum(node.size for node in nodes)) + memory_args(config.backend, nodes, int(config.smp))
    argv += ["-display", "none", "-nic", "none", "-serial", serial]
    argv += [] if reboot else ["-no-reboot"]
    return argv + FIRMWARE[config.arch][config.fw](config, scratch) + shlex.split(config.qemu_args)
