"""gdb helpers for Strata: `help strata` lists them. `make debug` loads this file; without it: source tools/gdb/strata.py

They read the kernel's own structures through its debug information, so they need no running shell and work in the
middle of a panic. Page tables are read from physical memory through QEMU's monitor, the way the CPU does it.
"""

import os
import signal
import socket
import threading

import gdb

TYPES = ("Unmovable", "Movable", "Reclaimable", "HighAtomic", "CMA", "Isolate")
USES = (  # bits from PG_FLAGS_SHIFT up: what the shell calls them, and the owner that they say
    (5, "table", "page tables"), (6, "vmalloc", "vmalloc"), (4, "kmalloc", "kmalloc"), (7, "shell", "shell"),
    (2, "compound", ""), (3, "hwpoison", "bad frame"),
)
RESERVED, SLAB = 1, 0  # of the same bits
MEM_TYPES = {
    "MEM_USABLE": "usable", "MEM_RESERVED": "reserved", "MEM_ACPI": "ACPI data", "MEM_NVS": "ACPI NVS", "MEM_UNUSABLE": "unusable",
    "MEM_PERSISTENT": "persistent", "MEM_PRAM": "persistent", "MEM_SOFT_RESERVED": "soft reserved",
}
PTE_BITS = ((0, "P"), (1, "RW"), (2, "US"), (3, "PWT"), (4, "PCD"), (5, "A"), (6, "D"), (7, "PS"), (8, "G"), (63, "NX"))
A64_PTE_BITS = ((0, "VALID"), (6, "EL0"), (7, "RO"), (10, "AF"), (11, "NG"), (51, "DBM"), (52, "CONT"), (53, "PXN"), (54, "UXN"))
PHYSICAL_BITS = 52  # the most that either machine addresses
LIST_MOST = 1 << 20  # elements, of a list that does not come back to its head


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


def text_of(value):
    """A string, in an array or by its address."""
    if value.type.strip_typedefs().code == gdb.TYPE_CODE_PTR and not int(value):
        return "?"
    return value.string(errors="replace")


def read_physical(address):
    """One 64-bit word, from QEMU's monitor: '0000000000001000: 0x0000000000002067'"""
    line = gdb.execute(f"monitor xp /1gx {address:#x}", to_string=True)
    try:
        return int(line.split(":")[1], 16)
    except (IndexError, ValueError):
        raise gdb.GdbError(f"there is no memory at the physical address {address:#x}") from None


def require_machine():
    if gdb.selected_thread() is None:
        raise gdb.GdbError("there is no machine: `make debug` attaches to one, and so does `strata attach STUB CONSOLE`")


def require_zones():
    if not int(evaluate("memblock.handed_over")):
        raise gdb.GdbError("there are no zones and no struct pages yet: the kernel has not handed its memory over to them")


# ---- translation ----


class X86Tables:
    """How the CPU that is stopped translates."""

    def __init__(self):
        if not number("$cr0") >> 31 & 1:
            raise gdb.GdbError("the CPU does not translate yet (CR0.PG is clear): `continue` first")
        if not number("$cr4") >> 5 & 1:
            raise gdb.GdbError("the CPU does not use tables of 64-bit entries (CR4.PAE is clear): `continue` first")
        self.levels = 5 if number("$cr4") >> 12 & 1 else 4
        self.bits, self.shift, self.root = 12 + 9 * self.levels, 12, number("$cr3") & 0x000FFFFFFFFFF000

    def check(self, address):
        if address >> self.bits - 1 not in (0, (1 << 65 - self.bits) - 1):
            raise gdb.GdbError(f"{address:#x} is not canonical: bits {self.bits - 1} to 63 are not equal")

    def describe(self, entry):
        return " ".join(name for bit, name in PTE_BITS if entry >> bit & 1)

    def address(self, entry):
        return entry & 0x000FFFFFFFFFF000

    def is_leaf(self, entry):
        return entry >> 7 & 1


class A64Tables:
    """The same; of TTBR1, where the kernel is."""

    def __init__(self):
        if not number("$SCTLR") & 1:
            raise gdb.GdbError("the CPU does not translate yet (SCTLR_EL1.M is clear): `continue` first")
        tcr, ttbr = number("$TCR_EL1"), number("$TTBR1_EL1")
        self.bits = 64 - bits(tcr, 16, 6)
        self.shift = {1: 14, 2: 12, 3: 16}[bits(tcr, 30, 2)]
        self.levels = -((self.shift - self.bits) // (self.shift - 3))
        self.lpa2 = bits(tcr, 59, 1)
        wide = self.lpa2 or bits(tcr, 32, 3) == 6  # then bits 5:2 are the address's 51:48
        self.root = ttbr & 0x0000FFFFFFFFFFC0 | bits(ttbr, 2, 4) << 48 if wide else ttbr & 0x0000FFFFFFFFFFFE

    def check(self, address):
        if address >> self.bits != (1 << 64 - self.bits) - 1:
            raise gdb.GdbError(f"{address:#x} is no address of the kernel: bits {self.bits} to 63 are not all set")

    def describe(self, entry):
        return " ".join(name for bit, name in A64_PTE_BITS if entry >> bit & 1)

    def address(self, entry):
        if self.lpa2:
            return entry & (1 << 50) - (1 << self.shift) | bits(entry, 8, 2) << 50
        return entry & (1 << 48) - (1 << self.shift) | (bits(entry, 12, 4) << 48 if self.shift == 16 else 0)

    def is_leaf(self, entry):
        return not entry >> 1 & 1


def translate(address):
    """(lines that describe the walk, physical address or None, bytes of the leaf)."""
    tables = A64Tables() if on_aarch64() else X86Tables()
    tables.check(address)
    table, index_bits, lines = tables.root, tables.shift - 3, []
    for level in reversed(range(tables.levels)):
        shift = tables.shift + index_bits * level
        index = bits(address, shift, min(index_bits, tables.bits - shift))
        slot = table + 8 * index
        entry = read_physical(slot)
        # As the shell's `pt` names them: the root is PGD, whatever its level.
        name = "PGD" if level == tables.levels - 1 else ("PTE", "PMD", "PUD", "P4D")[level]
        # A root of few entries may begin inside its page; `pt` counts from the page's begin.
        page, index = slot >> tables.shift << tables.shift, slot % (1 << tables.shift) // 8
        lines.append(f"{name} table {page:#014x} [{index:3}] {entry:#018x} {tables.describe(entry)}".rstrip())
        if not entry & 1:
            return lines, None, 0
        table = tables.address(entry)
        if level == 0 or tables.is_leaf(entry):
            offset = (1 << shift) - 1
            return lines, (table & ~offset) + (address & offset), 1 << shift
    raise AssertionError("the last level ends every walk")


# ---- frames, by the words of the shell's `page` ----


def frame_of(value):
    """A frame number, from one or from a kernel address."""
    base = layout("direct_map")
    if base and base <= value < base + layout("direct_map_size"):
        return (value - base) >> page_shift()
    if value >> 63:
        physical = translate(value)[1]
        if physical is None:
            raise gdb.GdbError(f"nothing is mapped at {value:#x}, expected a mapped address or a PFN")
        return physical >> page_shift()
    if value >> PHYSICAL_BITS - page_shift():
        raise gdb.GdbError(f"{value:#x} is beyond what the CPU can address, expected a PFN or an address of the kernel")
    return value


def page_head(pfn):
    """First frame of the block that covers pfn, as mm/page.c finds it; None in a hole."""
    for order in reversed(range(number("NR_ORDERS"))):
        head = pfn & ~((1 << order) - 1)
        flags = int(struct_page(head)["flags"])
        if bits(flags, 0, 2) and pfn < head + (1 << bits(flags, number("PG_ORDER_SHIFT"), 4)):
            return head
    return None


def region_of(kind, pa):
    """The region of memblock.memory or memblock.reserved with that address, or None."""
    regions = evaluate(f"memblock.{kind}")
    for i in range(int(regions["cnt"])):
        region = regions["region"][i]
        if int(region["start"]) <= pa < int(region["end"]):
            return region
    return None


def zone_of(pfn):
    memory = region_of("memory", pfn << page_shift())
    for index in range(number("nr_zone_ids") if memory else 0):
        zone = evaluate(f"zone_table[{index}]")
        inside = int(zone["start_pfn"]) <= pfn < int(zone["end_pfn"])
        if int(zone["present"]) and inside and int(zone["nid"]) == int(memory["nid"]):
            return zone
    return None


def firmware_word(pfn):
    """What the map of memory says of a frame that is no RAM, or None in a hole."""
    pa, word = pfn << page_shift(), None
    for i in range(number("memmap_nr")):
        entry = evaluate(f"memmap[{i}]")
        if pa < int(entry["end"]) and int(entry["start"]) < pa + (1 << page_shift()):
            words = {number(name): word for name, word in MEM_TYPES.items()}
            word = words.get(int(entry["type"]), f"type {int(entry['type'])}")
    return word


def has_struct_page(pfn):
    section = pfn >> number("SECTION_SHIFT") - page_shift()
    if section >= number("nr_sections") or not number(f"section_opened[{section // 64}]") >> section % 64 & 1:
        return False
    if not number(f"section_odd[{section // 64}]") >> section % 64 & 1:
        return True
    for i in range(number("nr_infos")):
        info = evaluate(f"infos[{i}]")
        if int(info["nr"]) == section:
            return int(info["lo"]) <= pfn < int(info["hi"])
    return False


def reserved_owner(pfn):
    region = region_of("reserved", pfn << page_shift())
    return text_of(region["name"]) if region else "page array"


def describe_block(pfn, head):
    """(flags, owner, line about the block) of a frame in a block."""
    page = struct_page(head)
    flags = int(page["flags"])
    order = bits(flags, number("PG_ORDER_SHIFT"), 4)
    state = ("interior", "buddy", "pcp", "allocated")[bits(flags, 0, 2)]
    names, owner = (["head"] if head == pfn and order else []) + [state], ""
    single = flags >> number("PG_FLAGS_SHIFT")
    if state == "allocated":
        for bit, name, said in USES:
            if single >> bit & 1:
                names.append(name)
                owner = said
        if single >> SLAB & 1:
            names.append("slab")
            owner = f"slab {text_of(page['slab_node']['cache']['name'])}"
    refcount = int(page["refcount"]) if state == "allocated" else 0
    return names, owner, f"block of order {order} at pfn {head:#x}, refcount {refcount}"


class Strata(gdb.Command):
    """Strata's helpers."""

    def __init__(self):
        super().__init__("strata", gdb.COMMAND_DATA, prefix=True)


class Helper(gdb.Command):
    """One `strata NAME ...` command; a subclass gives the name, and its docstring is the help.

    Whatever goes wrong is one line about the machine or the arguments, no traceback of ours.
    """

    words = 1  # how many arguments it takes
    needs_machine = True

    def __init__(self):
        super().__init__(f"strata {self.name}", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        # An expression may have blanks in it, where it is all that a helper takes.
        words = list(filter(None, [argument.strip()])) if self.words == 1 else gdb.string_to_argv(argument)
        if len(words) != self.words:
            expected = f"{self.words or 'no'} argument{'s' * (self.words != 1)}"
            raise gdb.GdbError(f"expected {expected}, got {len(words)}: {self.__doc__}")
        try:
            if self.needs_machine:
                require_machine()
            self.run(*words)
        except gdb.GdbError:
            raise
        except gdb.MemoryError as error:
            raise gdb.GdbError(f"{error}: nothing is mapped there, or not yet (the kernel maps itself when it starts)") from None
        except gdb.error as error:
            raise gdb.GdbError(str(error)) from None
        except KeyboardInterrupt:
            raise gdb.GdbError("interrupted") from None
        except Exception as error:  # pylint: disable=broad-except  # a structure that is damaged can look like anything
            raise gdb.GdbError(f"strata {self.name} {argument}: {type(error).__name__}: {error}") from None


class Page(Helper):
    """strata page PFN|ADDR - what a page frame is, in the words of the shell's `page`, and what its struct page says."""

    name = "page"

    def run(self, what):
        require_zones()
        pfn = frame_of(number(what))
        zone = zone_of(pfn)
        if not zone:
            word = firmware_word(pfn)
            print(f"pfn {pfn:#x} pa {pfn << page_shift():#x}\n  flags nopage" + (f"\n  owner firmware: {word}" if word else ""))
            return
        opened = has_struct_page(pfn)
        flags, owner, block, kind = ["reserved"], reserved_owner(pfn), None, 1
        if opened:
            kind = int(struct_page(pfn & ~((1 << number("PAGEBLOCK_ORDER")) - 1))["block_type"])
            head = page_head(pfn)
            if head is not None and not int(struct_page(head)["flags"]) >> number("PG_FLAGS_SHIFT") + RESERVED & 1:
                flags, owner, block = describe_block(pfn, head)
                kind = bits(int(struct_page(head)["flags"]), number("PG_TYPE_SHIFT"), 3)
        elif not region_of("reserved", pfn << page_shift()):
            flags, owner = [], ""  # free, or the array of its section: only the kernel works that out
        flags += [] if opened else ["unopened"]
        print(f"pfn {pfn:#x} pa {pfn << page_shift():#x} node {int(zone['nid'])} zone {text_of(zone['name'])} "
              f"type {TYPES[kind] if kind < len(TYPES) else kind}")
        print(f"  flags {' '.join(flags)}")
        for line in filter(None, (block, f"owner {owner}" if owner else "")):
            print(f"  {line}")
        if opened:
            page = struct_page(pfn)
            print(f"  struct page {int(page.address):#x}, refcount {int(page['refcount'])}, mapcount {int(page['mapcount'])}")
            if "slab" in flags:
                print(f"  {int(page['inuse'])} of {int(page['num'])} objects in use, from {int(page['s_mem']):#x}")


class Zones(Helper):
    """strata zones - every populated zone: counts, watermarks, free blocks by order."""

    name = "zones"
    words = 0

    def run(self):
        require_zones()
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
                f"node {int(zone['nid'])} {text_of(zone['name']):8} pfn {int(zone['start_pfn']):#x}-"
                f"{int(zone['end_pfn']):#x}  present {int(zone['present'])} managed {int(zone['managed'])} "
                f"free {int(zone['free_pages'])} min/low/high {marks}\n  free blocks, order 0 up: {free}"
            )


class Walk(Helper):
    """strata walk ADDR - the page-table walk of a virtual address, level by level, from CR3 or TTBR1."""

    name = "walk"

    def run(self, what):
        lines, physical, size = translate(number(what))
        print("\n".join(lines))
        print("not mapped" if physical is None else f"pa {physical:#x}, in a leaf of {size >> 10} KiB")


class List(Helper):
    """strata list HEAD TYPE MEMBER - every element of a list_head: strata list cache_list 'struct kmem_cache' list"""

    name = "list"
    words = 3

    def run(self, head, type_name, member):
        head = evaluate(f"&({head})")
        element = gdb.lookup_type(type_name)
        has_name = any(field.name == "name" for field in element.fields())
        offset = int(evaluate(f"(unsigned long)&(({type_name} *)0)->{member}"))
        node = head["next"]
        for _ in range(LIST_MOST):
            if int(node) == int(head):
                return
            value = (node.cast(gdb.lookup_type("char").pointer()) - offset).cast(element.pointer())
            print(f"({type_name} *){int(value):#x}" + (f"  {text_of(value['name'])}" if has_name else ""))
            node = node["next"]
        raise gdb.GdbError(f"more than {LIST_MOST} elements: the list does not come back to its head")


class Attach(Helper):
    """strata attach STUB CONSOLE - connect to QEMU's two sockets; the console's output appears here."""

    name = "attach"
    words = 2
    needs_machine = False
    console = None

    def run(self, stub, console):
        connection = socket.socket(socket.AF_UNIX)
        try:
            connection.connect(console)
        except OSError as error:
            raise gdb.GdbError(f"{console}: {error.strerror}, expected the socket of QEMU's console") from None
        gdb.execute(f"target remote {stub}", to_string=True)
        Attach.console = connection
        threading.Thread(target=self.copy, args=(connection,), daemon=True).start()
        stop_before_the_end()
        print("Stopped at the entry. `continue` boots, Ctrl-C stops, `strata type COMMAND` uses the shell, "
              "`help strata` lists the helpers. A panic stops the machine after its report.")

    @staticmethod
    def copy(connection):
        # gdb's own thread takes the signals.
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGCHLD, signal.SIGALRM, signal.SIGWINCH})
        try:
            while data := connection.recv(4096):
                os.write(1, data)
        except OSError:
            pass  # QEMU has ended
        if Attach.console is connection:
            Attach.console = None


class Type(Helper):
    """strata type COMMAND - type a line at the kernel's shell; it runs when the kernel does."""

    name = "type"

    def invoke(self, argument, from_tty):
        if not Attach.console:
            raise gdb.GdbError("not attached to a console: use `make debug`")
        if not argument:
            raise gdb.GdbError(self.__doc__)
        try:
            Attach.console.sendall(argument.encode() + b"\r")
        except OSError as error:
            raise gdb.GdbError(f"the console is gone: {error.strerror}") from None


# ---- the end of a machine ----

PANIC_STATUS = 2
END = "arch_poweroff"  # where every end with a status passes


def stop_before_the_end():
    """A panic would end QEMU and take its state away. A hardware breakpoint needs no memory that is mapped already."""
    gdb.execute(f"hbreak {END} if status == {PANIC_STATUS}", to_string=True)
    gdb.events.stop.connect(say_why)


def say_why(event):
    if isinstance(event, gdb.BreakpointEvent) and any(point.location == END for point in event.breakpoints):
        print("\nThe kernel panicked, its report is above. `backtrace` shows how it came here; `continue` ends the machine.")
    elif isinstance(event, gdb.SignalEvent) and event.stop_signal == "SIGQUIT":
        print("\nThe machine was reset or switched itself off. QEMU holds its state; `quit` ends it.")


Strata()
for helper in (Page, Zones, Walk, List, Attach, Type):
    helper()
