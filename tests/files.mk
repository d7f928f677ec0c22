# Sources of this directory, sorted, one per line.
SRCS += tests/bench/bench_kmalloc.c
SRCS += tests/bench/bench_mixed.c
SRCS += tests/bench/bench_page.c
SRCS += tests/bench/bench_slab.c
SRCS += tests/bench/bench_system.c
SRCS += tests/bench/bench_vmalloc.c
SRCS += tests/boot/test_acpi.c
SRCS += tests/boot/test_multiboot2.c
SRCS += tests/boot/test_pvh.c
SRCS += tests/kernel/test_trap.c
SRCS += tests/mm/test_memmap.c
