# Sources of this directory, sorted, one per line.
SRCS += kernel/base/cmdline.c
SRCS += kernel/base/cpus.c
SRCS += kernel/base/failure.c
SRCS += kernel/base/fault.c
SRCS += kernel/base/ksyms.c
SRCS += kernel/base/panic.c
SRCS += kernel/base/parse.c
SRCS += kernel/base/percpu.c
SRCS += kernel/base/printf.c
SRCS += kernel/base/printk.c
SRCS += kernel/base/random.c
SRCS += kernel/base/rbtree.c
SRCS += kernel/base/rcu.c
SRCS += kernel/base/smp.c
SRCS += kernel/base/sort.c
SRCS += kernel/base/spinlock.c
SRCS += $(if $(HOSTED),,kernel/base/string.c) # libc has them, and sanitizers look into libc's
SRCS += kernel/base/utf8.c
SRCS += kernel/base/work.c

# The compiler must not turn memcpy's loop into a call of memcpy.
NO_LOOP_IDIOMS := $(if $(findstring clang,$(CC)),-fno-builtin,-fno-tree-loop-distribute-patterns)
$O/kernel/base/string.o: CFLAGS += $(NO_LOOP_IDIOMS)
