/*
 * cmd_fault.c - fault: shows and sets the attributes of fault injection.
 *
 * Idea.       The command sets at the prompt what failslab=, fail_page_alloc= and fail_vmalloc= set at boot. The counts
 *             show whether an injected failure occurred at all.
 * Layout.     attributes[] name -> the attribute of a layer
 * Invariants. After a change mm_update_bypass() makes the allocators' fast paths consult the attribute, or not.
 * Locking.    None: main loop.
 * Failure.    A bad value leaves the attribute unchanged.
 * Next:       stress.c.
 */
#include "cmd.h"

#include <kernel/errno.h>
#include <kernel/fault.h>
#include <kernel/string.h>

#include <mm/check.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

static const struct attribute {
	const char *name;
	struct fault_attr *attr;
} attributes[] = {
	{"failslab", &failslab},
	{"fail_page_alloc", &fail_page_alloc},
	{"fail_vmalloc", &fail_vmalloc},
};

static const struct attribute *find_attribute(const char *name)
{
	for (unsigned i = 0; i < ARRAY_SIZE(attributes); i++)
		if (strcmp(attributes[i].name, name) == 0)
			return &attributes[i];
	return NULL;
}

static void show(struct out *o, const struct attribute *a, bool json)
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

static int set(struct out *o, const struct attribute *a, const char *value)
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
	const struct attribute *only = argc > 1 ? find_attribute(argv[1]) : NULL;
	int err = arg_count(o, argc, argv, 0, 2);

	if (err)
		return err;
	if (argc > 1 && !only)
		return out_error(o, -ENOENT,
				 "no attribute \"%s\", expected failslab, fail_page_alloc or fail_vmalloc",
				 argv[1]);
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
	for (unsigned i = 0; i < ARRAY_SIZE(attributes); i++)
		if (!only || only == &attributes[i])
			show(o, &attributes[i], json);
	if (json) {
		json_end_arr(o);
		json_end_obj(o);
	}
	return 0;
}

static const char *complete_fault(int pos, unsigned n)
{
	return pos == 1 && n < ARRAY_SIZE(attributes) ? attributes[n].name : NULL;
}
SHELL_CMD("fault", "[ATTRIBUTE [INTERVAL[,PROBABILITY[,SPACE[,TIMES]]]]]",
	  "make allocations fail; what was hit", cmd_fault, complete_fault);
