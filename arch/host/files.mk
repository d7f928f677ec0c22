# Sources of this directory, sorted, one per line.
SRCS += arch/host/console.c
SRCS += arch/host/cpu.c
SRCS += arch/host/machine.c
SRCS += arch/host/main.c
SRCS += arch/host/options.c
SRCS += arch/host/phys.c
SRCS += arch/host/probe.S
SRCS += arch/host/probe.c
SRCS += arch/host/pt.c
SRCS += arch/host/restart.c
SRCS += arch/host/san.c
SRCS += arch/host/smp.c
SRCS += arch/host/stack.c
SRCS += arch/host/time.c
SRCS += arch/host/tlb.c
SRCS += arch/host/trap.c
SRCS += arch/pte_text.c
