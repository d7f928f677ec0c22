# Sources of this directory, sorted, one per line.
include kernel/base/files.mk
SRCS += kernel/address.c
SRCS += kernel/main.c
include kernel/shell/files.mk
