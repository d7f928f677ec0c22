/*
 * cmd.c - argument checks that the shell's commands share.
 *
 * Idea.       An error message names the fault and the expected value, in the same words for every command. So each
 *             kind of argument has one function that parses it, checks it and prints the message (shell.h has the basic
 *             kinds).
 * Layout.     cmd_number, cmd_size, cmd_node, cmd_memory_node, cmd_kernel_address (one each), cmd_value (key=value)
 * Invariants. Results are written only if 0 is returned.
 * Locking.    None: main loop.
 * Failure.    -EINVAL: not of that kind. -ERANGE: of that kind, but too small or too large.
 * Next:       cmd_mm.c.
 */
#include "cmd.h"

#include <arch/pt.h>

#include <kernel/errno.h>
#include <kernel/string.h>

#include <mm/numa.h>

const char *cmd_value(const char *arg, const char *key)
{
	size_t len = strlen(key);

	return !strncmp(arg, key, len) && arg[len] == '=' ? arg + len + 1 : NULL;
}

int cmd_unknown_option(struct out *o, const char *arg, const char *expected)
{
	return out_error(o, -EINVAL, "unknown option \"%s\", expected %s", arg, expected);
}

static int in_range(struct out *o, const char *name, const char *text, u64 n, u64 least, u64 most, u64 *v)
{
	if (n < least || n > most)
		return out_error(o, -ERANGE, "%s is %s, expected %lu to %lu", name, text, least, most);
	*v = n;
	return 0;
}

int cmd_number(struct out *o, const char *name, const char *text, u64 least, u64 most, u64 *v)
{
	u64 n;
	int err = arg_u64(o, name, text, &n);

	return err ? err : in_range(o, name, text, n, least, most, v);
}

int cmd_size(struct out *o, const char *name, const char *text, u64 least, u64 most, u64 *v)
{
	u64 n;
	int err = arg_size(o, name, text, &n);

	return err ? err : in_range(o, name, text, n, least, most, v);
}

int cmd_node(struct out *o, const char *text, int *nid)
{
	u64 n = 0;
	int err = cmd_number(o, "node", text, 0, nr_nodes - 1, &n);

	if (err)
		return err;
	if (!nodes[n].online)
		return out_error(o, -ENODEV, "there is no node %lu, expected one that `numa` shows", n);
	*nid = (int)n;
	return 0;
}

int cmd_memory_node(struct out *o, const char *text, int *nid)
{
	int err = cmd_node(o, text, nid);

	if (!err && !nodes[*nid].has_memory)
		return out_error(o, -ENODEV,
				 "node %d has no memory, expected one that `numa` shows with ranges", *nid);
	return err;
}

bool cmd_is_kernel_address(vaddr_t va)
{
	return va >= arch_kernel_start() && cmd_is_canonical(va);
}

bool cmd_is_canonical(vaddr_t va)
{
	const vaddr_t half = 1UL << (arch_va_bits() - 1);

	return va < half || va >= -half;
}

int cmd_kernel_address(struct out *o, const char *name, const char *text, vaddr_t *va)
{
	u64 v;
	int err = arg_u64(o, name, text, &v);

	if (err)
		return err;
	if (!cmd_is_kernel_address(v))
		return out_error(o, -EFAULT, "0x%lx is no kernel address, expected 0x%lx or above", v,
				 arch_kernel_start());
	*va = v;
	return 0;
}
