#ifndef SHELL_CMD_H
#define SHELL_CMD_H

/* Shared by the files that hold shell commands: argument checks and common messages. */

#include <kernel/shell.h>
#include <mm/types.h>

/* Returns VALUE if arg is "key=VALUE", else NULL. */
const char *cmd_value(const char *arg, const char *key);
int cmd_unknown_option(struct out *o, const char *arg, const char *expected);
/* Parse a number in [least, most]; a size with suffix K, M, G or T. Return 0, or -EINVAL or -ERANGE after out_error(). */
int cmd_number(struct out *o, const char *name, const char *text, u64 least, u64 most, u64 *v);
int cmd_size(struct out *o, const char *name, const char *text, u64 least, u64 most, u64 *v);
/* Parse an online node; a node with memory. */
int cmd_node(struct out *o, const char *text, int *nid);
int cmd_memory_node(struct out *o, const char *text, int *nid);
/* Parses a canonical address of the kernel's half. Returns 0, -EINVAL or -EFAULT. */
int cmd_kernel_address(struct out *o, const char *name, const char *text, vaddr_t *va);
bool cmd_is_kernel_address(vaddr_t va);
/* Whether va lies in one of the two halves that can be mapped. */
bool cmd_is_canonical(vaddr_t va);

/* The table of `linux`: four strings a row, up to linux_names_end. Source: mm/linux.tsv, by tools/mklinux. */
extern const char linux_names[], linux_names_end[];

#endif
