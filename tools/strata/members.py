"""The members of structures as the compiler has placed them, from the notes (DWARF) of an object file."""

import dataclasses
import re
import subprocess

ENTRY = re.compile(r"^ <(\d+)><([0-9a-f]+)>: Abbrev Number: \d+ \((DW_TAG_\w+)\)")
ATTRIBUTE = re.compile(r"^    <[0-9a-f]+>\s+(DW_AT_\w+)\s*: (.*)")
TYPES = ("DW_TAG_structure_type", "DW_TAG_union_type")
SAME = ("DW_TAG_typedef", "DW_TAG_const_type", "DW_TAG_volatile_type", "DW_TAG_atomic_type")


@dataclasses.dataclass
class Entry:
    tag: str
    attributes: dict
    children: list

    @property
    def name(self):
        return self.attributes.get("DW_AT_name", "").split("): ")[-1]

    def number(self, attribute):
        return int(self.attributes.get(attribute, "0").split()[0], 0)

    def type(self):
        found = re.match(r"<0x([0-9a-f]+)>", self.attributes.get("DW_AT_type", ""))
        return found[1] if found else None


def read(path):
    """{offset: Entry} of an object file."""
    text = subprocess.run(["readelf", "-wi", path], capture_output=True, text=True, check=True).stdout
    entries, stack = {}, []
    for line in text.splitlines():
        if found := ENTRY.match(line):
            depth, entry = int(found[1]), Entry(found[3], {}, [])
            entries[found[2]] = entry
            del stack[depth:]
            if stack:
                stack[-1].children.append(entry)
            stack.append(entry)
        elif stack and (found := ATTRIBUTE.match(line)):
            stack[-1].attributes[found[1]] = found[2].strip()
    return entries


def flatten(entries, structure, offset, path):
    for member in structure.children:
        if member.tag != "DW_TAG_member":
            continue
        at, name = offset + member.number("DW_AT_data_member_location"), path + member.name
        kind = entries.get(member.type())
        while kind and kind.tag in SAME:
            kind = entries.get(kind.type())
        if kind and kind.tag in TYPES:
            yield from flatten(entries, kind, at, f"{name}." if member.name else path)
        else:
            yield at, name


def members(path, tags):
    """{tag: [(offset, name)]}: what the structures consist of, down to numbers, pointers and arrays."""
    entries = read(path)
    found = {}
    for entry in entries.values():
        if entry.tag == "DW_TAG_structure_type" and entry.name in tags and entry.children:
            found[entry.name] = list(flatten(entries, entry, 0, ""))
    return found
