# Sources of this directory, sorted, one per line.
SRCS += boot/acpi.c
SRCS += boot/bootinfo.c
SRCS += boot/multiboot2.c
SRCS += boot/pvh.c
SRCS += boot/x86_64/boot.c
SRCS += boot/x86_64/entry.S
SRCS += boot/x86_64/header.S
