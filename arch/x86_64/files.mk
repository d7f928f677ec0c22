# Sources of this directory, sorted, one per line.
SRCS += arch/x86_64/power.c
SRCS += arch/x86_64/restart.S
SRCS += arch/x86_64/restart.c
SRCS += arch/x86_64/stack.c
SRCS += arch/x86_64/uart16550.c
