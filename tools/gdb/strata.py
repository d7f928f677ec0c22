"""gdb helpers for Strata: `help strata` lists them. `make debug` loads this file; without it: source tools/gdb/strata.py

They read the kernel's own structures through its debug information, so they need no running shell and work in the
middle of a panic. Page tables are read from physical memory through QEMU's monitor, the way the CPU does it.
"""

import os
import socket
import threading

import gdb

STATES = ("interior", "buddy", "pcp", "allocated")
TYPES = ("Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate")
FLAGS = ("slab", "reserved", "comp", "hwpoison", "kmalloc", "table", "vmalloc", "user_shell")  # from PG_FLAGS_SHIFT up
LEVELS = ("PTE", "PMD", "PUD", "P4D", "PGD")
PTE_BITS = ((0, "P"), (1, "RW"), (2, "US"), (3, "PWT"), (4, "PCD"), (5, "A"), (6, "D"), (7, "PS"), (8, "G"), (63, "NX"))
A64_PTE_BITS = ((0, "VALID"), (6, "EL0"), (7, "RO"), (10, "AF"), (11, "NG"), (51, "DBM"), (52, "CONT"), (53, "PXN"), (54, "UXN"))


def evaluate(text):
    return gdb.parse_and_eval(text)


def number(text):
    return int(evaluate(f"(unsigned long)({text})"))


def bits(value, shift, width):
    return value >> shift & ((1 << width) - 1)


def on_aarch64():
    return gdb.lookup_static_symbol("x86_layout") is None and gdb.lookup_global_symbol("x86_layout") is None


def layout(field):
    return number(f"{'a64' if on_aarch64() else 'x86'}_layout.{field}")


def page_shift():
    return number("sizeof(early_pool[0])").bit_length() - 1 if on_aarch64() else 12  # a table is a page


def struct_page(pfn):
    return evaluate(f"((struct page *){layout('vmemmap')})[{pfn}]")


def read_physical(address):
    """One 64-bit word, from QEMU's monitor: '0000000000001000: 0x0000000000002067'"""
    line = gdb.execute(f"monitor xp /1gx {address:#x}", to_string=True)
    return int(line.split(":")[1], 16)


def frame_of(value):
    """A frame number, from one or from an address of the direct map."""
    base = layout("direct_map")
    return (value - base) >> page_shift() if base and base <= value < base + layout("direct_map_size") else value


def page_head(pfn):
    """First frame of the block that covers pfn, as mm/page.c finds it; None in a hole."""
    for order in reversed(range(number("NR_ORDERS"))):
        head = pfn & ~((1 << order) - 1)
        flags = int(struct_page(head)["flags"])
        if bits(flags, 0, 2) and pfn < head + (1 << bits(flags, number("PG_ORDER_SHIFT"), 4)):
            return head
    return None


class Strata(gdb.Command):
    """Strata's helpers."""

    def __init__(self):
        super().__init__("strata", gdb.COMMAND_DATA, prefix=True)


class Helper(gdb.Command):
    """One `strata NAME ...` command; a subclass gives the name, and its docstring is the help."""

    words = 1  # arguments that must be there

    def __init__(self):
        super().__init__(f"strata {self.name}", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        words = gdb.string_to_argv(argument)
        if len(words) < self.words:
            raise gdb.GdbError(self.__doc__)
        self.run(*words)


class Page(Helper):
    """strata page PFN|ADDR - what struct page says of a frame (ADDR: of the direct map)."""

    name = "page"

    def run(self, what):
        pfn = frame_of(number(what))
        page = struct_page(pfn)
        flags = int(page["flags"])
        shift = number("PG_FLAGS_SHIFT")
        names = [name for bit, name in enumerate(FLAGS) if flags >> (shift + bit) & 1]
        zone = evaluate(f"&zone_table[{bits(flags, number('PG_ZONE_SHIFT'), number('ZONE_ID_BITS'))}]")
        print(f"pfn {pfn:#x}  pa {pfn << page_shift():#x}  struct page {page.address}")
        print(
            f"{STATES[bits(flags, 0, 2)]}, order {bits(flags, number('PG_ORDER_SHIFT'), 4)}, "
            f"{TYPES[min(bits(flags, number('PG_TYPE_SHIFT'), 3), len(TYPES) - 1)]}, "
            f"node {int(zone['nid'])}, zone {zone['name'].string() if zone['name'] else '?'}, "
            f"flags {' '.join(names) or 'none'}"
        )
        print(f"refcount {int(page['refcount'])}, mapcount {int(page['mapcount'])}")
        head = page_head(pfn)
        if head != pfn:
            print("in no block: a hole" if head is None else f"inside the block of pfn {head:#x}")
        if "slab" in names and page["slab_node"]:
            print(f"slab: {int(page['inuse'])} of {int(page['num'])} objects in use, from {page['s_mem']}")


class Zones(Helper):
    """strata zones - every populated zone: counts, watermarks, free blocks by order."""

    name = "zones"
    words = 0

    def run(self):
        for index in range(number("nr_zone_ids")):
            zone = evaluate(f"zone_table[{index}]")
            if not int(zone["present"]):
                continue
            marks = "/".join(str(int(zone["wmark"][i])) for i in range(3))
            free = " ".join(
                str(int(zone["free_area"][order]["nr_free"]) + int(zone["unopened"][order]))
                for order in range(number("NR_ORDERS"))
            )
            print(
                f"node {int(zone['nid'])} {zone['name'].string():8} pfn {int(zone['start_pfn']):#x}-"
                f"{int(zone['end_pfn']):#x}  present {int(zone['present'])} managed {int(zone['managed'])} "
                f"free {int(zone['free_pages'])} min/low/high {marks}\n  free blocks, order 0 up: {free}"
            )


class X86Tables:
    """How the CPU that is stopped translates."""

    def __init__(self):
        self.levels = 5 if number("$cr4") >> 12 & 1 else 4
        self.bits, self.shift, self.root = 12 + 9 * self.levels, 12, number("$cr3") & 0x000FFFFFFFFFF000

    def describe(self, entry):
        return " ".join(name for bit, name in PTE_BITS if entry >> bit & 1)

    def address(self, entry):
        return entry & 0x000FFFFFFFFFF000

    def is_leaf(self, entry):
        return entry >> 7 & 1


class A64Tables:
    """The same; of TTBR1, where the kernel is."""

    def __init__(self):
        tcr, ttbr = number("$TCR_EL1"), number("$TTBR1_EL1")
        self.bits = 64 - bits(tcr, 16, 6)
        self.shift = {1: 14, 2: 12, 3: 16}[bits(tcr, 30, 2)]
        self.levels = -((self.shift - self.bits) // (self.shift - 3))
        self.lpa2 = bits(tcr, 59, 1)
        wide = self.lpa2 or bits(tcr, 32, 3) == 6  # then bits 5:2 are the address's 51:48
        self.root = ttbr & 0x0000FFFFFFFFFFC0 | bits(ttbr, 2, 4) << 48 if wide else ttbr & 0x0000FFFFFFFFFFFE

    def describe(self, entry):
        return " ".join(name for bit, name in A64_PTE_BITS if entry >> bit & 1)

    def address(self, entry):
        if self.lpa2:
            return entry & (1 << 50) - (1 << self.shift) | bits(entry, 8, 2) << 50
        return entry & (1 << 48) - (1 << self.shift) | (bits(entry, 12, 4) << 48 if self.shift == 16 else 0)

    def is_leaf(self, entry):
        return not entry >> 1 & 1


class Walk(Helper):
    """strata walk ADDR - the page-table walk of a virtual address, level by level, from CR3 or TTBR1."""

    name = "walk"

    def run(self, what):
        address = number(what)
        tables = A64Tables() if on_aarch64() else X86Tables()
        table, index_bits = tables.root, tables.shift - 3
        for level in reversed(range(tables.levels)):
            shift = tables.shift + index_bits * level
            index = bits(address, shift, min(index_bits, tables.bits - shift))
            entry = read_physical(table + 8 * index)
            print(f"{LEVELS[level]}  table {table:#014x}[{index:3}] = {entry:#018x}  {tables.describe(entry)}")
            if not entry & 1:
                print(f"{address:#x} is not mapped")
                return
            table = tables.address(entry)
            if level == 0 or tables.is_leaf(entry):
                offset = (1 << shift) - 1
                print(f"{address:#x} -> {(table & ~offset) + (address & offset):#x}, a leaf of {1 << shift - 10} KiB")
                return


class List(Helper):
    """strata list HEAD TYPE MEMBER - every element of a list_head: strata list cache_list 'struct kmem_cache' list"""

    name = "list"
    words = 3

    def run(self, head, type_name, member):
        head = evaluate(f"&({head})")
        element = gdb.lookup_type(type_name)
        offset = int(evaluate(f"&(({type_name} *)0)->{member}"))
        node = head["next"]
        while int(node) != int(head):
            value = (node.cast(gdb.lookup_type("char").pointer()) - offset).cast(element.pointer())
            name = f"  {value['name'].string()}" if any(f.name == "name" for f in element.fields()) else ""
            print(f"({type_name} *){int(value):#x}{name}")
            node = node["next"]


class Attach(Helper):
    """strata attach STUB CONSOLE - connect to QEMU's two sockets; the console's output appears here."""

    name = "attach"
    words = 2
    console = None

    def run(self, stub, console):
        Attach.console = socket.socket(socket.AF_UNIX)
        Attach.console.connect(console)
        threading.Thread(target=self.copy, daemon=True).start()
        gdb.execute(f"target remote {stub}")
        print("Stopped at the entry. `continue` boots, Ctrl-C stops, `strata type COMMAND` uses the shell, "
              "`help strata` lists the helpers.")

    @staticmethod
    def copy():
        while data := Attach.console.recv(4096):
            os.write(1, data)


class Type(Helper):
    """strata type COMMAND - type a line at the kernel's shell; it runs when the kernel does."""

    name = "type"

    def invoke(self, argument, from_tty):
        if not Attach.console:
            raise gdb.GdbError("not attached to a console: use `make debug`")
        Attach.console.sendall(argument.encode() + b"\r")


Strata()
for helper in (Page, Zones, Walk, List, Attach, Type):
    helper()
