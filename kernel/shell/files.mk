# Sources of this directory, sorted, one per line.
SRCS += kernel/shell/cmd.c
SRCS += kernel/shell/cmd_fault.c
SRCS += kernel/shell/cmd_linux.c
SRCS += kernel/shell/cmd_look.c
SRCS += kernel/shell/cmd_mm.c
SRCS += kernel/shell/cmd_page.c
SRCS += kernel/shell/cmd_slab.c
SRCS += kernel/shell/cmd_state.c
SRCS += kernel/shell/cmd_vm.c
SRCS += kernel/shell/json.c
SRCS += kernel/shell/lineedit.c
SRCS += kernel/shell/out.c
SRCS += kernel/shell/shell.c
SRCS += kernel/shell/shell_cmds.c
SRCS += kernel/shell/shell_mem.c
