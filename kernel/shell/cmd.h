#ifndef SHELL_CMD_H
#define SHELL_CMD_H

/* Shared by the files that hold shell commands: arguments, and what several commands say alike. */

#include <kernel/shell.h>
#include <mm/types.h>

/* The value if arg is "key=value", else NULL. */
const char *cmd_value(const char *arg, const char *key);
int cmd_unknown_option(struct out *o, const char *arg, const char *expected);
/* A number in [least, most]; a size, which may end with K, M, G or T. Returns 0, -EINVAL or -ERANGE after out_error(). */
int cmd_number(struct out *o, const char *name, const char *text, u64 least, u64 most, u64 *v);
int cmd_size(struct out *o, const char *name, const char *text, u64 least, u64 most, u64 *v);
/* A node; one that has memory. */
int cmd_node(struct out *o, const char *text, int *nid);
int cmd_memory_node(struct out *o, const char *text, int *nid);
/* A canonical address of the kernel's half: 0, -EINVAL or -EFAULT. */
int cmd_kernel_address(struct out *o, const char *name, const char *text, vaddr_t *va);
bool cmd_is_kernel_address(vaddr_t va);
/* In one of the two halves that can be mapped. */
bool cmd_is_canonical(vaddr_t va);

#endif
