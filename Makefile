# Strata. `make help` lists the targets and variables; kernel/README.md, section 1, is the contract.

ARCH ?= x86_64
VARIANT ?=
GRANULE ?= 4
V ?= 0
Q := $(if $(filter 1,$V),,@)

# The machine that `run`, `debug` and tools/run-qemu start. CMDLINE is taken literally, `$` included.
CPU ?= max
GIC ?=
FW ?= direct
MEM ?= 512M
SMP ?= 2
NUMA ?= 1
LEVELS ?=
override CMDLINE := $(value CMDLINE)
QEMU_ARGS ?=
SOAK_BOOTS ?= 50
MUTANTS ?= 300
DRAWS ?= 10000
SEED ?= 1
FUZZ ?= $(FUZZ_TARGETS)
FUZZ_SECONDS ?= 60
override FRESH := $(value FRESH)
export FRESH
# A variable of the command line that is none of these is a mistake. The last are for those who know this file.
VARIABLES := ARCH VARIANT GRANULE CPU GIC FW MEM SMP NUMA LEVELS CMDLINE QEMU_ARGS TIMEOUT CROSS_COMPILE CC JOBS V \
	SOAK_BOOTS FUZZ FUZZ_SECONDS MUTANTS DRAWS DRAW SEED FRESH
INTERNAL := LD NM OBJCOPY CFLAGS CPPFLAGS LDFLAGS TEST_CFLAGS O SHELL MAKEFLAGS
ifeq ($(MAKELEVEL),0)
is_given = $(filter command,$(firstword $(origin $(1))))
UNKNOWN := $(filter-out $(VARIABLES) $(INTERNAL),$(foreach name,$(.VARIABLES),$(if $(call is_given,$(name)),$(name))))
$(foreach name,$(UNKNOWN),$(warning $(name)=$(value $(name)): there is no such variable$(shell tools/nearest $(name) $(VARIABLES))))
endif
export ARCH VARIANT GRANULE CPU GIC FW MEM SMP NUMA LEVELS CMDLINE QEMU_ARGS SOAK_BOOTS
export PYTHONDONTWRITEBYTECODE := 1

# As many jobs as CPUs, unless the caller says: make JOBS=1.
JOBS ?= $(shell nproc 2>/dev/null || echo 1)
ifeq ($(MAKELEVEL),0)
MAKEFLAGS += -j$(JOBS)
endif

IMAGE := strata.elf
LDS := linker.ld
VARIANTS := debug
GRANULES := 4
PORTS := $(patsubst arch/%/arch.mk,%,$(wildcard arch/*/arch.mk))
ifeq ($(filter $(ARCH),$(PORTS)),)
$(error ARCH=$(ARCH): there is no such port; there is: $(PORTS))
endif

O := build/$(ARCH)$(patsubst %,-%k,$(filter-out 4,$(GRANULE)))$(VARIANT:%=-%)

.DEFAULT_GOAL := all
include arch/$(ARCH)/arch.mk
ifneq ($(filter-out $(VARIANTS),$(VARIANT)),)
$(error VARIANT=$(VARIANT): expected nothing or one of: $(VARIANTS) (all but debug are variants of the hosted build, ARCH=host))
endif
ifeq ($(filter $(GRANULE),$(GRANULES)),)
$(error GRANULE=$(GRANULE): expected the size of a base page in KiB, for ARCH=$(ARCH) one of: $(GRANULES))
endif
PAGE_SHIFT_4 := 12
PAGE_SHIFT_16 := 14
PAGE_SHIFT_64 := 16
SRCS :=
include boot/files.mk arch/$(ARCH)/files.mk kernel/files.mk mm/files.mk tests/files.mk
SRCS := $(sort $(SRCS))
C_SRCS := $(filter %.c,$(SRCS))
# trap.S and trap.c may lie side by side: trap.S.o, trap.o.
OBJS := $(patsubst %.c,$O/%.o,$(C_SRCS)) $(patsubst %,$O/%.o,$(filter %.S,$(SRCS))) $O/linux_names.o

# The host's gcc where it makes code for ARCH, else a cross compiler. Asked when first needed: setup may install it.
ifeq ($(origin CROSS_COMPILE),undefined)
find_cross = $(shell gcc -dumpmachine 2>/dev/null | grep -q '^$(ARCH)-' || \
	for p in $(ARCH)-linux-gnu- $(ARCH)-elf-; do command -v $${p}gcc >/dev/null && echo $$p && break; done)
CROSS_COMPILE = $(eval CROSS_COMPILE := $(find_cross))$(CROSS_COMPILE)
endif
COMPILER := $(if $(findstring clang,$(if $(filter command,$(firstword $(origin CC))),$(CC))),clang,gcc)
OBJCOPY = $(CROSS_COMPILE)objcopy
NM = $(CROSS_COMPILE)nm

# Public headers, a folder each.
CPPFLAGS := -Ikernel/base/include -Ikernel/include -Ikernel/shell/include -Itests/engine/include -Imm/include \
	-Iarch/include -Iarch/common/include -Iarch/$(ARCH)/include -Iboot -I. \
	-DCONFIG_PAGE_SHIFT=$(PAGE_SHIFT_$(GRANULE)) $(ARCH_CPPFLAGS)
CFLAGS := -std=gnu11 -O2 -g -ffreestanding -fno-strict-aliasing -fno-common -fno-omit-frame-pointer \
	-fno-stack-protector -fno-asynchronous-unwind-tables -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wno-unused-parameter -Wno-gnu-variable-sized-type-not-at-end $(ARCH_CFLAGS)
ifeq ($(VARIANT),debug)
CPPFLAGS += -DCONFIG_DEBUG
endif
# Compilers spend most of a build on the cases. Benchmarks and the engine are compiled as the kernel is.
TEST_CFLAGS := -O1
cflags = $(CFLAGS) $(if $(filter tests/%,$(filter-out tests/bench/% tests/engine/%,$(1))),$(TEST_CFLAGS))
# What decides an object file; a change of any of it rebuilds everything.
FLAGS = $(CC) $(CPPFLAGS) $(CFLAGS) $(TEST_CFLAGS) $(LDFLAGS) $(SRCS) $(OTHER_SRCS)

all: $O/$(IMAGE) $O/compile_commands.json	## build the artifacts for ARCH, all but the ISO

# Linked twice: the second time with the symbol table of the first (kernel/base/ksyms.c).
$O/$(IMAGE): $(OBJS) $O/kernel.lds tools/mksyms
	@echo "  LD      $@"
	$Qtools/mksyms </dev/null >$O/ksyms1.S && $(CC) $(ARCH_CFLAGS) -c $O/ksyms1.S -o $O/ksyms1.o
	$Q$(LD) $(LDFLAGS) -T $O/kernel.lds -o $O/strata.1 $(OBJS) $O/ksyms1.o
	$Q$(NM) -n $O/strata.1 | tools/mksyms >$O/ksyms2.S && $(CC) $(ARCH_CFLAGS) -c $O/ksyms2.S -o $O/ksyms2.o
	$Q$(LD) $(LDFLAGS) -T $O/kernel.lds -o $@ $(OBJS) $O/ksyms2.o
$O/%.o: %.c $O/flags
	@echo "  CC      $<"
	$Q$(CC) $(CPPFLAGS) $(call cflags,$<) -MMD -MP -c $< -o $@
$O/%.S.o: %.S $O/flags
	@echo "  AS      $<"
	$Q$(CC) $(CPPFLAGS) $(ARCH_CFLAGS) -g -D__ASSEMBLY__ -MMD -MP -c $< -o $@
# Linux's names with the lines of our definitions, for the shell's `linux`.
$O/linux_names.o: mm/linux.tsv tools/mklinux $(filter mm/%.c,$(C_SRCS)) $O/flags
	$Qtools/mklinux $< >$O/linux_names.S && $(CC) $(ARCH_CFLAGS) -c $O/linux_names.S -o $@
$O/kernel.lds: $(LDS) arch/$(ARCH)/include/arch_impl/layout.h $O/flags
	$Q$(CC) $(CPPFLAGS) -E -P -x c -D__ASSEMBLY__ $< -o $@
$O/flags: FORCE | $(sort $(dir $(OBJS))) setup-build	# rewritten only when the command line changes
	@echo '$(FLAGS)' | cmp -s - $@ || echo '$(FLAGS)' > $@
$(sort $(dir $(OBJS))): ; @mkdir -p $@

# One entry a file, for clangd, clang-tidy and cppcheck. The word "} {" stands between entries only.
compile_entry = { "directory": "$(CURDIR)", "file": "$(1)", "output": "$O/$(basename $(1)).o", \
	"command": "$(CC) $(CPPFLAGS) $(call cflags,$(1)) -c $(1) -o $O/$(basename $(1)).o" }
close_open := } {
close_comma_open := }, {
$O/compile_commands.json: $O/flags
	$(file >$@,[ $(subst $(close_open),$(close_comma_open),$(foreach src,$(C_SRCS) $(OTHER_SRCS),$(call compile_entry,$(src)))) ])@:

iso: $O/strata.iso	## one bootable image for BIOS and UEFI (x86_64)
ifeq ($(wildcard boot/$(ARCH)/grub.cfg),)
$O/strata.iso:
	@echo "make iso: ARCH=$(ARCH) has no image for GRUB, expected ARCH=x86_64" >&2; false
else
$O/strata.iso: $O/strata.elf boot/$(ARCH)/grub.cfg | setup-iso
	@echo "  ISO     $@"
	$Qrm -rf $O/iso && mkdir -p $O/iso/boot/grub
	$Q$(OBJCOPY) --strip-all $< $O/iso/boot/strata.elf
	$Qcp boot/$(ARCH)/grub.cfg $O/iso/boot/grub/grub.cfg
	$Qgrub-mkrescue -o $@ --themes= --fonts= --locales= $O/iso >$O/iso.log 2>&1 || { cat $O/iso.log; rm -f $@; false; }
endif

IMAGE_FOR_FW := all $(if $(filter x86_64-bios x86_64-uefi,$(ARCH)-$(FW)),iso)
run: $(IMAGE_FOR_FW) setup-run	## boot in QEMU, with the debug shell on this terminal; Ctrl-A X leaves
	@tools/run-qemu --interactive
debug: $(IMAGE_FOR_FW) setup-run setup-debug	## as run, stopped at entry, with gdb attached (tools/gdb/strata.py)
	@tools/run-qemu --debug

# ARCH, where somebody has said it, narrows the tests to that port.
TEST_PORT := $(if $(filter-out file,$(origin ARCH)),$(ARCH))
# SEED, where it is said, draws the machines of an earlier soak again.
SOAK_SEED := $(if $(filter-out file,$(origin SEED)),$(SEED))
test: test-images	## the test matrix, a selection under 20 minutes; ARCH=... selects one port; ends with "N passed, N failed, N skipped"
	@tools/test-matrix $(TEST_PORT:%=--port %)
test-full: test-images	## every crossing of the matrix
	@tools/test-matrix --full $(TEST_PORT:%=--port %)
soak: test-images	## SOAK_BOOTS boots with random seeds, firmware, memory and levels, the same ones again with SEED
	@tools/test-matrix --soak $(SOAK_BOOTS) $(SOAK_SEED:%=--seed %) $(TEST_PORT:%=--port %)
test-images: setup-test $(patsubst %,test-images-%,$(or $(TEST_PORT),$(PORTS)))
test-images-x86_64:
	@$(MAKE) --no-print-directory ARCH=x86_64 GRANULE=4 VARIANT= all iso
	@$(MAKE) --no-print-directory ARCH=x86_64 GRANULE=4 VARIANT=debug all
test-images-aarch64:
	@$(MAKE) --no-print-directory ARCH=aarch64 GRANULE=4 VARIANT= all
	@$(MAKE) --no-print-directory ARCH=aarch64 GRANULE=4 VARIANT=debug all
	@$(MAKE) --no-print-directory ARCH=aarch64 GRANULE=16 VARIANT= all
	@$(MAKE) --no-print-directory ARCH=aarch64 GRANULE=64 VARIANT= all
test-images-host:
	@$(MAKE) --no-print-directory ARCH=host GRANULE=4 VARIANT= all
	@$(MAKE) --no-print-directory ARCH=host GRANULE=4 VARIANT=debug all
	@$(MAKE) --no-print-directory ARCH=host GRANULE=4 VARIANT=asan all
	@$(MAKE) --no-print-directory ARCH=host GRANULE=4 VARIANT=fuzz all
	@$(MAKE) --no-print-directory ARCH=host GRANULE=4 VARIANT=tsan all
	@$(MAKE) --no-print-directory ARCH=host GRANULE=4 VARIANT=valgrind all
	@$(MAKE) --no-print-directory ARCH=host GRANULE=16 VARIANT=asan all
	@$(MAKE) --no-print-directory ARCH=host GRANULE=64 VARIANT= all
test-fresh: setup-fresh	## as root: runs both commands of the README, or FRESH, in a minimal Debian 12 with git and make, in build/fresh
	@tools/test-fresh

bench: all	## the benchmark table: Linux's figures beside ours, or with ARCH=host malloc libraries
ifdef HOSTED
bench: setup-malloc setup-plot
	@tools/bench-host
	@tools/bench-colour
else
bench: setup-run bench-first
	@tools/bench-report
	@tools/bench-smp
endif
bench-first: # whose figures another port's are set beside
	$(if $(filter-out x86_64,$(ARCH)),@tools/setup qemu && $(MAKE) --no-print-directory ARCH=x86_64 VARIANT= GRANULE=4 all)
loc: setup-loc	## lines of code, without comments, of each part of the tree
	@tools/loc
bench-colour: host setup-plot	## measures the effect of slab colouring: build/bench/colour.svg
	@tools/bench-colour

# Together these builds compile each .c file of the tree: clang-tidy reads a file as one of them compiles it.
LINT_BUILDS := $(PORTS) host-asan host-fuzz
LINT_OTHERS := $(filter-out $(O:build/%=%),$(LINT_BUILDS))
lint_make = $(MAKE) --no-print-directory ARCH=$(firstword $(subst -, ,$(1))) VARIANT=$(word 2,$(subst -, ,$(1))) GRANULE=4
lint: all setup-lint	## formatting, layers, invariants with their checks and tests, headers that compile alone, clang-tidy, cppcheck
	+@$(foreach build,$(LINT_OTHERS),$(call lint_make,$(build)) build/$(build)/compile_commands.json &&) :
	@tools/lint $O $(LINT_OTHERS:%=build/%)
lint-list: # does a build of LINT_BUILDS compile each .c file? Compiles nothing
	+@{ $(foreach build,$(LINT_BUILDS),$(call lint_make,$(build)) list-sources &&) :; } | tools/check-tidy --check-list
list-sources: ; @printf '%s\n' $(C_SRCS) $(OTHER_SRCS)

coverage: setup-coverage	## lines and branches of boot/ and mm/ that the tests run: build/coverage/index.html
	@$(MAKE) --no-print-directory ARCH=host VARIANT=cov all
	@tools/coverage --jobs $(JOBS)

host:	## the hosted build, build/host/strata: the same kernel as a Linux process
	@$(MAKE) --no-print-directory ARCH=host all
fuzz: setup-fuzz	## the fuzzers of the hosted build, FUZZ_SECONDS each
	@$(MAKE) --no-print-directory ARCH=host VARIANT=fuzz all
	@tools/fuzz --seconds $(FUZZ_SECONDS) --jobs $(JOBS) $(FUZZ)

mutate: setup-mutate	## applies MUTANTS small changes to mm/, drawn with SEED, and lists those that no fast suite detects
	@tools/mutate --count $(MUTANTS) --seed $(SEED)

corrupt: host setup-mutate	## damages DRAWS pieces of metadata of the hosted build, drawn with SEED, and checks that verify names each; DRAW=N: only that one
	@tools/corrupt --draws $(DRAWS) --seed $(SEED) $(DRAW:%=--draw %)

help:	## this list
	@echo "Targets:"
	@sed -n 's/^\([a-z][a-z -]*\):.*	## \(.*\)/\1	\2/p' $(firstword $(MAKEFILE_LIST)) | \
		while IFS='	' read -r name text; do printf '  %-12s %s\n' "$$name" "$$text"; done
	@printf '  %-12s %s\n' clean "remove build/"
	@echo "Variables (with their present values):"
	@printf '  %-28s %s\n' "ARCH=$(ARCH)" "one of: $(PORTS)" "VARIANT=$(VARIANT)" "debug, or nothing for -O2 -g" \
		"GRANULE=$(GRANULE)" "KiB in a base page, here one of: $(GRANULES)" \
		"CPU=$(CPU)" "QEMU's CPU model; aarch64: max, cortex-a72, neoverse-n1..." "GIC=$(GIC)" "aarch64: interrupt controller, 2 or 3; nothing: 3" \
		"FW=$(FW)" "direct (QEMU loads the kernel itself); x86_64: bios, uefi (GRUB, from the ISO); aarch64: uboot, uefi (FAT disk)" \
		"MEM=$(MEM)" "memory, up to terabytes (sparse)" "SMP=$(SMP)" "CPUs" "NUMA=$(NUMA)" "nodes; or each as SIZE:CPUS or SIZE:CPUS:DISTANCES, as in NUMA='256M:0-1 0:2 64M:'" \
		"LEVELS=$(LEVELS)" "4 or 5 page-table levels; nothing: what the CPU model has" \
		"CMDLINE=$$CMDLINE" "the kernel's command line, as in CMDLINE='test=slab.* seed=7'" \
		"QEMU_ARGS=$$QEMU_ARGS" "more arguments for QEMU" \
		"CROSS_COMPILE=$(CROSS_COMPILE)" "prefix of the compiler and binutils" "CC=$(CC)" "the compiler; clang works too" \
		"JOBS=$(JOBS)" "parallel jobs" "SOAK_BOOTS=$(SOAK_BOOTS)" "boots of make soak" \
		"FUZZ=$(FUZZ)" "fuzzers that make fuzz runs" "FUZZ_SECONDS=$(FUZZ_SECONDS)" "seconds of each" \
		"FRESH=$$FRESH" "the command of make test-fresh; nothing: make run, then make test" \
		"MUTANTS=$(MUTANTS)" "mutants of make mutate" "DRAWS=$(DRAWS)" "pieces that make corrupt damages" \
		"SEED=$(SEED)" "seed of mutate, corrupt and soak (soak: random by default)" "V=$V" "1 shows full commands"

clean:
	$Qrm -rf build

# A mistake in the variables of a machine ends make before anything is installed, but for the Python that looks, or built.
check-variables: ; @tools/setup python && tools/run-qemu --check
ifneq ($(filter run debug,$(MAKECMDGOALS)),)
$(sort $(dir $(OBJS))) setup-build setup-iso setup-run setup-debug: | check-variables
endif

# What each target lacks is installed, or named, before it starts.
QEMU_SETUP_x86_64 := qemu
QEMU_SETUP_aarch64 := qemu-arm
UEFI_SETUP_x86_64 := ovmf
UEFI_SETUP_aarch64 := aavmf
setup-build: ; @tools/setup python $(COMPILER) $(filter-out gcc-x86_64 gcc-host,gcc-$(ARCH)) $(if $(HOSTED),libc) $(filter fuzz valgrind,$(VARIANT))
setup-iso: ; @tools/setup iso
setup-run: ; @tools/setup python $(QEMU_SETUP_$(ARCH)) $(if $(filter uefi,$(FW)),$(UEFI_SETUP_$(ARCH))) $(filter uboot,$(FW))
setup-debug: ; @tools/setup $(if $(filter aarch64,$(ARCH)),gdb-arm,gdb)
setup-test: ; @tools/setup python lint qemu qemu-arm dtc ovmf aavmf uboot iso malloc valgrind spin libc procps numactl cloc gdb gdb-arm pexpect exporter
setup-loc: ; @tools/setup python cloc
setup-fresh: ; @tools/setup python debootstrap
setup-mutate: ; @tools/setup python gcc libc
setup-lint: ; @tools/setup python lint
setup-fuzz: ; @tools/setup python fuzz
setup-malloc: ; @tools/setup python malloc
setup-coverage: ; @tools/setup python coverage
setup-plot: ; @tools/setup python valgrind gnuplot

-include $(OBJS:.o=.d)
.PHONY: FORCE check-variables all iso run debug test test-full test-fresh soak test-images $(PORTS:%=test-images-%) bench bench-first bench-colour loc lint lint-list list-sources coverage host fuzz mutate corrupt help clean
.PHONY: setup-build setup-fuzz setup-iso setup-run setup-debug setup-test setup-mutate setup-lint setup-malloc setup-coverage setup-plot setup-loc setup-fresh
