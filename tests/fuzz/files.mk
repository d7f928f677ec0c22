# The fuzz targets, sorted: one file each, with its seeds and its dictionary beside it. Each is a name of one binary.
FUZZ_TARGETS := acpi cmdline dmesg efi fdt map multiboot2 ops pvh shell
ifeq ($(VARIANT),fuzz)
SRCS += tests/fuzz/boot_rules.c
SRCS += tests/fuzz/fuzz.c
SRCS += $(FUZZ_TARGETS:%=tests/fuzz/fuzz_%.c)

all: $(FUZZ_TARGETS:%=$O/fuzz-%)
$(FUZZ_TARGETS:%=$O/fuzz-%): $O/$(IMAGE)
	$Qln -sf $(IMAGE) $@
endif
