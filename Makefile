# Strata. `make help` lists the targets and variables; interface.md's section 1 is the contract (kernel/README.md).

ARCH ?= x86_64
VARIANT ?=
V ?= 0
Q := $(if $(filter 1,$V),,@)

O := build/$(ARCH)$(VARIANT:%=-%)

.DEFAULT_GOAL := all
include arch/$(ARCH)/arch.mk
SRCS :=
include boot/files.mk arch/$(ARCH)/files.mk kernel/files.mk mm/files.mk tests/files.mk
OBJS := $(patsubst %,$O/%.o,$(basename $(SRCS)))

CPPFLAGS := -Ikernel/include -Imm/include -Iarch/include -Iarch/$(ARCH)/include -Iboot -I. $(ARCH_CPPFLAGS)
CFLAGS := -std=gnu11 -O2 -g -ffreestanding -fno-strict-aliasing -fno-common -fno-omit-frame-pointer \
	-fno-stack-protector -fno-pic -fno-pie -Wall -Wextra -Werror -Wshadow -Wstrict-prototypes \
	-Wmissing-prototypes -Wno-unused-parameter $(ARCH_CFLAGS)
ifeq ($(VARIANT),debug)
CPPFLAGS += -DCONFIG_DEBUG
endif

all: $O/strata.elf

$O/strata.elf: $(OBJS) $O/kernel.lds
	@echo "  LD      $@"
	$Q$(LD) $(LDFLAGS) -T $O/kernel.lds -o $@ $(OBJS)
$O/%.o: %.c $O/flags
	@echo "  CC      $<"
	$Q$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c $< -o $@
$O/%.o: %.S $O/flags
	@echo "  AS      $<"
	$Q$(CC) $(CPPFLAGS) $(ARCH_CFLAGS) -g -D__ASSEMBLY__ -MMD -MP -c $< -o $@
$O/kernel.lds: linker.ld arch/$(ARCH)/include/arch_impl/layout.h $O/flags
	$Q$(CC) $(CPPFLAGS) -E -P -x c -D__ASSEMBLY__ $< -o $@
$O/flags: FORCE | $(sort $(dir $(OBJS)))	# rewritten only when the command line changes
	@echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(SRCS)' | cmp -s - $@ || echo '$(CC) $(CPPFLAGS) $(CFLAGS) $(LDFLAGS) $(SRCS)' > $@
$(sort $(dir $(OBJS))): ; @mkdir -p $@

clean:
	$Qrm -rf build

-include $(OBJS:.o=.d)
.PHONY: FORCE all clean
