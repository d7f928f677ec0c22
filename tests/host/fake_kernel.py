"""The smallest kernels there are, to test the runner with: print a text on COM1, then end in a given way.

The image is an ELF64 file with a PVH note and a few bytes of 32-bit code, written here byte by byte, so that no
compiler is needed and the code under test (the real kernel) has no part in it.
"""

import struct

LOAD = 0x100000
PVH_NOTE = struct.pack("<III4sI", 4, 4, 18, b"Xen\0", LOAD)  # XEN_ELFNOTE_PHYS32_ENTRY
HANG = b"\xeb\xfe"  # jmp .

ENDINGS = {
    "hang": HANG,
    "reset": b"\xb0\xfe\xe6\x64" + HANG,  # mov al, 0xfe; out 0x64, al: the keyboard controller's reset line
    "triple-fault": b"\x31\xc0\x50\x50\x0f\x01\x1c\x24\xcc",  # push a zero IDT limit and base; lidt [esp]; int3
}


def exit_with(status):
    """mov al, status + 0x10; out 0xf4, al"""
    return bytes([0xB0, status + 0x10, 0xE6, 0xF4]) + HANG


def image(text, ending):
    """ELF file of a kernel that prints text and ends: a key of ENDINGS, or a status."""
    tail = exit_with(ending) if isinstance(ending, int) else ENDINGS[ending]
    message = text.encode()
    code_size = 5 + 5 + 5 + 4 + 1 + 2 + len(tail)
    code = b"\xbc" + struct.pack("<I", 0x90000)  # mov esp, 0x90000
    code += b"\xbe" + struct.pack("<I", LOAD + code_size)  # mov esi, message
    code += b"\xb9" + struct.pack("<I", len(message))  # mov ecx, its length
    code += b"\x66\xba" + struct.pack("<H", 0x3F8) + b"\xfc" + b"\xf3\x6e"  # mov dx, COM1; cld; rep outsb
    code += tail
    assert len(code) == code_size
    content = code + message

    headers = 64 + 2 * 56
    note_at = headers
    content_at = 0x1000
    elf = b"\x7fELF" + bytes([2, 1, 1]) + bytes(9)
    elf += struct.pack("<HHIQQQIHHHHHH", 2, 62, 1, LOAD, 64, 0, 0, 64, 56, 2, 64, 0, 0)
    elf += struct.pack("<IIQQQQQQ", 1, 5, content_at, LOAD, LOAD, len(content), len(content), 0x1000)  # PT_LOAD
    elf += struct.pack("<IIQQQQQQ", 4, 4, note_at, 0, 0, len(PVH_NOTE), len(PVH_NOTE), 4)  # PT_NOTE
    elf += PVH_NOTE
    return elf.ljust(content_at, b"\0") + content
