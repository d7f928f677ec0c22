# Sources of this directory, sorted, one per line.
SRCS += arch/x86_64/apic.c
SRCS += arch/x86_64/cpu.c
SRCS += arch/x86_64/crash.c
SRCS += arch/x86_64/desc.c
SRCS += arch/x86_64/pic.c
SRCS += arch/x86_64/power.c
SRCS += arch/x86_64/probe.c
SRCS += arch/x86_64/pt.c
SRCS += arch/x86_64/restart.S
SRCS += arch/x86_64/restart.c
SRCS += arch/x86_64/smp.c
SRCS += arch/x86_64/stack.c
SRCS += arch/x86_64/time.c
SRCS += arch/x86_64/tlb.c
SRCS += arch/x86_64/trap.S
SRCS += arch/x86_64/trap.c
SRCS += arch/x86_64/uart16550.c
