# Sources of this directory, sorted, one per line.
SRCS += boot/acpi.c
SRCS += boot/acpi_arm.c
SRCS += boot/bootinfo.c
SRCS += boot/cpus.c
SRCS += boot/efi.c
SRCS += boot/efi_stub.c
SRCS += boot/fdt.c
SRCS += boot/fdt_node.c
SRCS += boot/multiboot2.c
SRCS += boot/nodes.c
SRCS += boot/pvh.c
SRCS += boot/srat.c
SRCS += $(patsubst %,boot/%,$(filter $(ARCH)/%,aarch64/boot.c aarch64/efi.c aarch64/efi_enter.S aarch64/entry.S aarch64/header.S \
	host/dmesg.c host/dmesg_check.c host/dmesg_text.c host/dmesg_words.c host/map.c host/map_rules.c \
	x86_64/ap_trampoline.S x86_64/boot.c x86_64/entry.S x86_64/header.S))
