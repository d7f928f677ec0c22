/*
 * cmd_fault.c - fault: shows and sets the attributes of fault injection.
 *
 * Idea.       The command sets at the prompt what failslab=, fail_page_alloc= and fail_vmalloc= set at boot. The counts
 *             show whether an injected failure occurred at all.
 * Layout.     section fault_points: one record of each layer (FAULT_ATTR) -> its attribute
 * Invariants. After a change mm_update_bypass() makes the allocators' fast paths consult the attribute, or not.
 * Locking.    None: main loop.
 * Failure.    A bad value leaves the attribute unchanged.
 * Next:       tests/engine/stress.c.
 */
#include "cmd.h"

#include <kernel/errno.h>
#include <kernel/fault.h>
#include <kernel/string.h>

#include <mm/check.h>

static const struct fault_point *find_attribute(const char *name)
{
	for_each_fault_point (p)
		if (strcmp((*p)->name, name) == 0)
			return *p;
	return NULL;
}

static void show(struct out *o, const struct fault_point *a, bool json)
{
	const struct fault_attr *f = a->attr;
	unsigned interval = f->probability ? f->interval : 0; /* shown as 0 if disabled, as in the argument */

	if (!json) {
		out_printf(o, "%-16s %10u %11u %10lu %6ld %10lu %10lu\n", a->name, interval, f->probability,
			   f->space, f->times, f->calls, f->failed);
		return;
	}
	json_obj(o, NULL);
	json_str(o, "name", a->name);
	json_num(o, "interval", interval);
	json_num(o, "probability", f->probability);
	json_num(o, "space", f->space);
	json_int(o, "times", f->times);
	json_num(o, "calls", f->calls);
	json_num(o, "failed", f->failed);
	json_end_obj(o);
}

static int set(struct out *o, const struct fault_point *a, const char *value)
{
	if (fault_attr_parse(value, a->attr))
		return out_error(o, -EINVAL,
				 "bad value \"%s\", expected " FAULT_ATTR_EXPECTED ", or 0 to disable",
				 value);
	mm_update_bypass();
	return 0;
}

static int cmd_fault(struct out *o, int argc, char **argv, bool json)
{
	const struct fault_point *only = argc > 1 ? find_attribute(argv[1]) : NULL;
	int err = arg_count(o, argc, argv, 0, 2);

	if (err)
		return err;
	if (argc > 1 && !only)
		return out_error(o, -ENOENT, "no attribute \"%s\", expected one that `fault` lists", argv[1]);
	if (argc > 2 && (err = set(o, only, argv[2])))
		return err;
	if (json) {
		json_obj(o, NULL);
		json_arr(o, "attributes");
	} else {
		out_printf(
			o,
			"attribute          interval probability      space  times      calls     failed\n");
	}
	for_each_fault_point (p)
		if (!only || only == *p)
			show(o, *p, json);
	if (json) {
		json_end_arr(o);
		json_end_obj(o);
	}
	return 0;
}

static const char *complete_fault(int pos, unsigned n)
{
	size_t nr = (size_t)(__stop_fault_points - __start_fault_points);

	return pos == 1 && n < nr ? __start_fault_points[n]->name : NULL;
}
SHELL_CMD("fault", "[ATTRIBUTE [INTERVAL[,PROBABILITY[,SPACE[,TIMES]]]]]",
	  "make allocations fail; what was hit", cmd_fault, complete_fault);
