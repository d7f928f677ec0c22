# Sources of this directory, sorted, one per line.
include kernel/base/files.mk
SRCS += kernel/address.c
SRCS += kernel/bench.c
SRCS += kernel/cmd.c
SRCS += kernel/cmd_fault.c
SRCS += kernel/cmd_look.c
SRCS += kernel/cmd_mm.c
SRCS += kernel/cmd_page.c
SRCS += kernel/cmd_slab.c
SRCS += kernel/cmd_state.c
SRCS += kernel/cmd_vm.c
SRCS += kernel/crash.c
SRCS += kernel/json.c
SRCS += kernel/ktest.c
SRCS += kernel/lineedit.c
SRCS += kernel/main.c
SRCS += kernel/out.c
SRCS += kernel/shell.c
SRCS += kernel/shell_cmds.c
SRCS += kernel/shell_mem.c
SRCS += kernel/stress.c
