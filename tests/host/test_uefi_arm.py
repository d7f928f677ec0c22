#!/usr/bin/env python3
"""UEFI on AArch64: AAVMF starts the image as an application, from a disk, from its Shell and by QEMU's own channel; so
does U-Boot.

What firmware's Shell says of memory is the witness for the map, what QEMU was asked for the one for CPUs and nodes; ACPI and
the device tree must tell the same. The stub runs at any address: its objects are looked at for relocations.
"""

import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import paths  # noqa: F401
from strata import console, hosttest, qemu

PORTS = ("aarch64",)
MIB = 1 << 20
BUILD = qemu.ROOT / "build" / "aarch64"
NO_ACPI = "-machine acpi=off"  # the firmware then passes QEMU's device tree on


def machine(**config):
    return console.Console(qemu.Config(**{"arch": "aarch64", "fw": "uefi", **config}))


def log_of(kernel):
    return re.sub(rb"\x1b\[[0-9;=]*[A-Za-z]", b"", bytes(kernel.qemu.output)).decode("utf-8", "replace").replace("\r", "")


def ranges(entries):
    return [(int(e["start"], 16), int(e["end"], 16)) for e in entries]


def merged(pairs):
    out = []
    for start, end in sorted(pairs):
        if out and start <= out[-1][1]:
            out[-1] = (out[-1][0], max(end, out[-1][1]))
        else:
            out.append((start, end))
    return out


class Shell:
    """A disk whose startup.nsh is ours, for the firmware's Shell, which comes when there is nothing else to start."""

    def __init__(self, script):
        self.files = tempfile.TemporaryDirectory(prefix="strata-")
        root = pathlib.Path(self.files.name)
        self.nothing = str(root / "nothing")
        pathlib.Path(self.nothing).touch()
        (root / "disk").mkdir()
        (root / "disk" / "startup.nsh").write_text(script.replace("\n", "\r\n"), encoding="ascii")
        shutil.copy(BUILD / "strata.Image", root / "disk" / "KERNEL.EFI")
        self.disk = (
            f"-drive file=fat:{root}/disk,format=raw,readonly=on,if=none,id=shell -device virtio-blk-pci,drive=shell"
        )

    def __enter__(self):
        self.kernel = machine(image=self.nothing, qemu_args=self.disk, smp="1")
        return self.kernel.__enter__()

    def __exit__(self, *what):
        self.kernel.__exit__(*what)
        self.files.cleanup()


class WaysIn(unittest.TestCase):
    def test_a_disk_as_it_is_reaches_the_prompt(self):
        with machine() as kernel:
            self.assertEqual(kernel.json("version")["cmdline"], "")
            self.assertEqual(kernel.json("verify")["failed"], [])
            self.assertIn("UEFI-provided physical RAM map:", log_of(kernel))

    def test_options_arrive_through_qemu(self):
        options = 'loglevel=7 memmap=3M$0x50000000 cmd="version; nonsense -j" seed=77'
        for acpi in ("", NO_ACPI):
            with self.subTest(acpi=acpi), machine(cmdline=options, qemu_args=acpi) as kernel:
                self.assertRegex(log_of(kernel), r'\n\{"error":"[^\n]*nonsense')
                self.assertEqual(kernel.json("version")["seed"], 77)
                self.assertEqual(kernel.json("version")["cmdline"], options)
                usable = ranges(kernel.json("memmap")["usable"])
                self.assertFalse([r for r in usable if r[0] < 0x50300000 and r[1] > 0x50000000])

    def test_the_shell_passes_arguments_without_the_programs_name(self):
        with Shell('fs0:\nfs1:\n\\KERNEL.EFI cmd="version; nonsense" seed=78\n') as kernel:
            self.assertEqual(kernel.json("version")["cmdline"], 'cmd="version; nonsense" seed=78')
            self.assertEqual(kernel.json("version")["seed"], 78)

    def test_another_uefi_starts_the_disk_as_well(self):
        """U-Boot's, which has nothing in common with AAVMF's; it passes the device tree on."""
        with machine(mem="1G", qemu_args="-bios /usr/lib/u-boot/qemu_arm64/u-boot.bin") as kernel:
            self.assertIn("UEFI-provided physical RAM map:", log_of(kernel))
            self.assertEqual(kernel.json("verify")["failed"], [])
            self.assertEqual([cpu["online"] for cpu in kernel.json("cpus")["cpus"]], [True, True])
            usable = sum(end - start for start, end in ranges(kernel.json("memmap")["usable"]))
            self.assertGreater(usable, 1014 * MIB)

    def test_el2_reaches_the_prompt(self):
        """The other cases enter at EL1."""
        with machine(cmdline="seed=1", qemu_args="-machine virtualization=on") as kernel:
            self.assertEqual(kernel.json("verify")["failed"], [])
            self.assertEqual(len(kernel.json("cpus")["cpus"]), 2)


class Memory(unittest.TestCase):
    FREE = ("Available", "LoaderCode", "LoaderData", "BS_Code", "BS_Data")

    def test_the_map_is_what_the_firmwares_shell_says(self):
        with Shell("memmap\nfs1:\\KERNEL.EFI loglevel=7\n") as kernel:
            found = re.findall(r"^(\w+) +([0-9A-F]{16})-([0-9A-F]{16}) [0-9A-F]{16} [0-9A-F]{16}", log_of(kernel), re.M)
            shell = [(kind, int(start, 16), int(end, 16) + 1) for kind, start, end in found]
            firmware = kernel.json("memmap")["firmware"]
        self.assertGreater(len(shell), 10)
        self.assertTrue({"RT_Code", "RT_Data", "ACPI_Recl", "BS_Data", "Available"} <= {kind for kind, _, _ in shell})
        free = merged((start, end) for kind, start, end in shell if kind in self.FREE)
        self.assertEqual(merged(ranges(e for e in firmware if e["type"] == "usable")), free)
        acpi = merged((start, end) for kind, start, end in shell if kind == "ACPI_Recl")
        self.assertEqual(merged(ranges(e for e in firmware if e["type"] == "ACPI data")), acpi)

    def test_any_size_has_little_that_is_not_usable(self):
        for mem in ("128M", "4G", "64G"):
            for acpi in ("", NO_ACPI):
                with self.subTest(mem=mem, acpi=acpi), machine(mem=mem, cmdline="seed=1", qemu_args=acpi) as kernel:
                    size = qemu.parse_size(mem)
                    usable = sum(end - start for start, end in ranges(kernel.json("memmap")["usable"]))
                    self.assertLessEqual(usable, size)
                    self.assertGreater(usable, size - 10 * MIB)
                    self.assertEqual(kernel.json("verify")["failed"], [])


class Tables(unittest.TestCase):
    def test_acpi_and_the_tree_tell_the_same(self):
        """CPUs, nodes, distances, and the devices that drivers found."""
        shapes = [
            {"smp": "1"},
            {"smp": "4", "gic": "2", "cpu": "cortex-a72"},
            {"smp": "20", "cpu": "neoverse-n1"},  # MPIDRs are 16 to a cluster
            {"smp": "4", "numa": "256M:0-1:10/15 512M:2-3:15/10"},
            {"smp": "3", "numa": "256M:0,2:10/20/40 0:1:20/10/30 64M::40/30/10"},
        ]
        for shape in shapes:
            told = []
            for acpi in ("", NO_ACPI):
                with self.subTest(acpi=acpi, **shape), machine(cmdline="seed=1", qemu_args=acpi, **shape) as kernel:
                    log = log_of(kernel)
                    numa = kernel.json("numa")["nodes"]
                    memory = [sum(end - start for start, end in ranges(node["ranges"])) // (16 * MIB) for node in numa]
                    told.append((
                        kernel.json("cpus")["cpus"],
                        [(node["node"], node["distance"]) for node in numa],
                        memory,
                        re.findall(r"^\[.*\] (gic: .*|smp: .*)$", log, re.M),
                    ))
                    self.check(shape, told[-1])
                    self.assertNotRegex(log, r"ACPI: |not used|EFI: ")
                    self.assertEqual(kernel.json("verify")["failed"], [])
            self.assertEqual(told[0], told[1])

    def check(self, shape, told):
        cpus, nodes, _, _ = told
        self.assertEqual([cpu["cpu"] for cpu in cpus if cpu["online"]], list(range(int(shape["smp"]))))
        self.assertEqual([cpu["id"] for cpu in cpus], [(n // 16) << 8 | n % 16 for n in range(int(shape["smp"]))]
                         if shape.get("gic") != "2" else list(range(int(shape["smp"]))))
        asked = qemu.parse_nodes(shape.get("numa", "1"), qemu.parse_size("512M"), int(shape["smp"]))
        if "numa" in shape:
            self.assertEqual([distances for _, distances in nodes], [node.distances for node in asked])
            for nid, node in enumerate(asked):
                for cpu in node.cpus:
                    self.assertEqual(cpus[cpu]["node"], nid)


class Image(unittest.TestCase):
    """What runs before the image lies where it can start."""

    OBJECTS = ("boot/efi_stub.o", "boot/aarch64/efi.o", "kernel/base/string.o")
    ASSEMBLY = ("boot/aarch64/header.S.o", "boot/aarch64/efi_enter.S.o", "boot/aarch64/entry.S.o")
    # Relative to the PC; LO12: the low bits of what a page of that kind began.
    RELATIVE = r"R_AARCH64_(ADR_PREL_PG_HI21|ADD_ABS_LO12_NC|LDST\d+_ABS_LO12_NC|CALL26|JUMP26|PREL32|CONDBR19|TSTBR14)"

    def readelf(self, option, name):
        return subprocess.run(["readelf", option, "-W", BUILD / name], capture_output=True, text=True, check=True).stdout

    def test_no_address_is_in_code_or_constants(self):
        for name in self.OBJECTS:
            section = None
            kinds = set()
            for line in self.readelf("-r", name).splitlines():
                if line.startswith("Relocation section"):
                    section = line.split("'")[1].removeprefix(".rela")
                kind = re.search(r"R_AARCH64_\w+", line)
                if kind and not section.startswith(".debug"):
                    kinds.add(kind[0])
                    self.assertRegex(kind[0], f"^{self.RELATIVE}$", f"{name}, {section}")
            self.assertTrue(kinds or name.endswith("string.o"))

    def test_nothing_else_is_called(self):
        defined, wanted = {"__data_end", "__image_end"}, set()
        for name in self.OBJECTS + self.ASSEMBLY:
            for line in self.readelf("-s", name).splitlines():
                word = line.split()
                if len(word) == 8 and word[4] == "GLOBAL":
                    (wanted if word[6] == "UND" and name in self.OBJECTS else defined).add(word[7])
        self.assertIn("efi_leave", wanted & defined)
        self.assertEqual(wanted - defined, set())

    def test_headers_say_what_the_file_is(self):
        data = (BUILD / "strata.Image").read_bytes()
        long = lambda at: int.from_bytes(data[at : at + 4], "little")  # noqa: E731
        pe = long(60)
        optional = pe + 24
        self.assertEqual((data[:2], data[56:60], data[pe : pe + 6]), (b"MZ", b"ARM\x64", b"PE\0\0\x64\xaa"))
        self.assertEqual(long(optional + 56), int.from_bytes(data[16:24], "little"))  # both sizes have .bss in them
        sections = [data[at : at + 40] for at in (optional + 160, optional + 200)]
        fields = [[int.from_bytes(s[8 + 4 * i : 12 + 4 * i], "little") for i in range(4)] for s in sections]
        (text_size, text_at, text_bytes, text_offset), (data_size, data_at, data_bytes, data_offset) = fields
        self.assertEqual((text_at, data_at), (text_offset, data_offset))
        self.assertEqual(text_at, long(optional + 60))  # behind the headers
        self.assertEqual((text_at + text_size, text_size), (data_at, text_bytes))
        self.assertEqual(data_offset + data_bytes, len(data))
        self.assertEqual(data_at + data_size, long(optional + 56))
        self.assertTrue(text_at <= long(optional + 16) < data_at)

    def test_a_cpu_without_the_granule_is_told_so(self):
        config = qemu.Config(arch="aarch64", fw="uefi", granule="16")
        argv = ["-cpu", "cortex-a72"]
        with qemu.Qemu(config, argv) as firmware:
            text = b""
            while b"lacks the pages that the kernel was built for: unsupported" not in text:
                chunk = firmware.read(60)
                self.assertTrue(chunk, text[-1000:])
                text += chunk


if __name__ == "__main__":
    hosttest.main()
