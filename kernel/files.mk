# Sources of this directory, sorted, one per line.
SRCS += kernel/address.c
SRCS += kernel/bench.c
SRCS += kernel/cmd.c
SRCS += kernel/cmd_look.c
SRCS += kernel/cmd_mm.c
SRCS += kernel/cmd_page.c
SRCS += kernel/cmd_slab.c
SRCS += kernel/cmd_state.c
SRCS += kernel/cmd_vm.c
SRCS += kernel/cmdline.c
SRCS += kernel/cpus.c
SRCS += kernel/json.c
SRCS += kernel/ksyms.c
SRCS += kernel/ktest.c
SRCS += kernel/lib/fault.c
SRCS += kernel/lib/parse.c
SRCS += kernel/lib/printf.c
SRCS += kernel/lib/rbtree.c
SRCS += $(if $(HOSTED),,kernel/lib/string.c) # libc has them, and sanitizers look into libc's
SRCS += kernel/lineedit.c
SRCS += kernel/main.c
SRCS += kernel/out.c
SRCS += kernel/panic.c
SRCS += kernel/printk.c
SRCS += kernel/random.c
SRCS += kernel/rcu.c
SRCS += kernel/shell.c
SRCS += kernel/shell_cmds.c
SRCS += kernel/shell_mem.c
SRCS += kernel/smp.c
SRCS += kernel/spinlock.c
SRCS += kernel/stress.c
SRCS += kernel/work.c

# The compiler must not turn memcpy's loop into a call of memcpy.
NO_LOOP_IDIOMS := $(if $(findstring clang,$(CC)),-fno-builtin,-fno-tree-loop-distribute-patterns)
$O/kernel/lib/string.o: CFLAGS += $(NO_LOOP_IDIOMS)
