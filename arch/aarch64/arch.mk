GRANULES := 4 16 64
CC = $(CROSS_COMPILE)gcc
LD = $(CROSS_COMPILE)ld
# x18 holds this CPU's per-CPU offset. ARMv8.0 without helpers from a library: cortex-a72 has no other atomics.
# Without tables for an unwinder in the image, which linker.ld drops, the compiler writes them for the debugger.
ARCH_CFLAGS = $(if $(filter clang,$(COMPILER)),--target=aarch64-linux-gnu) -march=armv8-a -mno-outline-atomics -mgeneral-regs-only -ffixed-x18 -fno-pic -fno-pie -mcmodel=small \
	-momit-leaf-frame-pointer -fno-unwind-tables
LDFLAGS := -nostdlib -static -z max-page-size=0x10000 -z noexecstack --no-warn-rwx-segments
# What loaders take: the image from its first byte on. strata.elf has its symbols.
all: $O/strata.Image
$O/strata.Image: $O/strata.elf
	@echo "  OBJCOPY $@"
	$Q$(OBJCOPY) -O binary $< $@
