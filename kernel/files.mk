# Sources of this directory, sorted, one per line.
include kernel/base/files.mk
SRCS += kernel/address.c
SRCS += kernel/cpu_check.c
SRCS += kernel/main.c
SRCS += kernel/smp_start.c
include kernel/shell/files.mk
