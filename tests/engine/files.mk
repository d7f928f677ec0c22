# Sources of this directory, sorted, one per line.
SRCS += tests/engine/bench.c
SRCS += tests/engine/crash.c
SRCS += tests/engine/ktest.c
SRCS += tests/engine/stress.c
