# Sources of this directory, sorted, one per line.
SRCS += tests/bench/bench_kmalloc.c
SRCS += tests/bench/bench_mixed.c
SRCS += tests/bench/bench_page.c
SRCS += tests/bench/bench_slab.c
SRCS += tests/bench/bench_system.c
SRCS += tests/bench/bench_vmalloc.c
