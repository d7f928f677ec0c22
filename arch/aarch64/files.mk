# Sources of this directory, sorted, one per line.
SRCS += arch/aarch64/cpu.c
SRCS += arch/aarch64/crash.c
SRCS += arch/aarch64/probe.c
SRCS += arch/aarch64/pt.c
SRCS += arch/aarch64/restart.c
SRCS += arch/aarch64/stack.c
SRCS += arch/aarch64/trap.S
SRCS += arch/aarch64/trap.c
