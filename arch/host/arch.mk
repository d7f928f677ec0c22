# A Linux process on an x86_64 machine: linked by the C compiler, with libc, at a fixed address.
HOSTED := 1
ARCH_CPPFLAGS := -D_GNU_SOURCE
IMAGE := strata
LDS := arch/host/linker.ld
GRANULES := 4 16 64
VARIANTS := debug asan tsan valgrind cov fuzz
CC = $(if $(filter cov fuzz,$(VARIANT)),clang,gcc)
LD = $(CC)
CROSS_COMPILE :=
# Frames below the stack pointer belong to the assembly in here, so there is no red zone.
# Unaligned words are allowed on every port; a shift or sum that wraps is meant to where it does not trap.
INSTRUMENT_asan := -fsanitize=address,undefined -fno-sanitize=alignment -fno-sanitize-recover=undefined
INSTRUMENT_tsan := -fsanitize=thread
# Counters by source region, in clang's form: a branch is an arm of a condition as it is written (tools/coverage).
INSTRUMENT_fuzz := $(INSTRUMENT_asan)
INSTRUMENT_cov := -fprofile-instr-generate=$(CURDIR)/$O/strata.profraw -fprofile-update=atomic \
	-fcoverage-mapping
INSTRUMENT := $(INSTRUMENT_$(VARIANT))
# The direct map's room in GiB: 72 TiB, as the second socket of a server may have its memory from 64 TiB on. AddressSanitizer has
# an allocator in the middle of that; ThreadSanitizer and Valgrind keep books on every address that is reserved.
DIRECT_MAP_GIB_asan := 4096
DIRECT_MAP_GIB_fuzz := 4096
DIRECT_MAP_GIB_tsan := 1024
DIRECT_MAP_GIB_valgrind := 64
ARCH_CPPFLAGS += -DHOST_DIRECT_MAP_GIB=$(or $(DIRECT_MAP_GIB_$(VARIANT)),73728)UL \
	$(if $(filter valgrind,$(VARIANT)),-DHOST_VALGRIND)
# There is one image, so a thread's variable is one %fs-relative operand.
ARCH_CFLAGS := -m64 -fno-pic -fno-pie -mno-red-zone -ftls-model=local-exec $(INSTRUMENT)
# A function starts a cache line, a loop at least half of one: what a benchmark measures, on either side, does not change
# with the length of what is linked before it.
ifeq ($(VARIANT),)
ARCH_CFLAGS += -falign-functions=64 -falign-loops=32
endif
# Recursive, as all that asks a compiler: setup-build may install it after this file was read (tools/check-makefiles).
LDFLAGS = -no-pie -pthread -Wl,-z,norelro -Wl,-z,noexecstack -Wl,-z,max-page-size=0x1000 -Wl,--build-id=none \
	-Wl,--no-warn-rwx-segments $(INSTRUMENT)
# The same kernel with libFuzzer in it, which only clang has (tests/fuzz).
ifeq ($(VARIANT),fuzz)
ARCH_CFLAGS += -fsanitize=fuzzer-no-link
find_libfuzzer = $(shell $(CC) -print-file-name=libclang_rt.fuzzer_no_main-x86_64.a)
LIBFUZZER = $(eval LIBFUZZER := $(find_libfuzzer))$(LIBFUZZER)
LDFLAGS += -Wl,--whole-archive $(LIBFUZZER) -Wl,--no-whole-archive -lstdc++ -lm
endif

# The benchmarks' counterpart: a plain program, called without the detour of a PLT, so that no library pays for it.
# The second source is built by its test (tests/host/test_libc.py): it is listed for `make lint`, which reads it as this build's.
ifeq ($(VARIANT),)
OTHER_SRCS := tests/bench/malloc_bench.c tests/host/libc_compare.c
all: $O/malloc-bench
endif
$O/malloc-bench: tests/bench/malloc_bench.c tests/bench/mixed.h tests/engine/include/kernel/bench.h $O/flags
	@echo "  CC      $@"
	$Q$(CC) $(CPPFLAGS) $(CFLAGS) -fno-plt -no-pie $< -o $@
