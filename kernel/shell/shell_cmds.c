/*
 * shell_cmds.c - commands that are not about memory: help, dmesg, version, test, verify, poweroff,
 * reboot, crash.
 *
 * Idea.       A command checks its words, then answers in text or as one JSON object.
 * Layout.     For each command: its functions, then SHELL_CMD with name, arguments and one line of help.
 * Invariants. A command writes nothing before its arguments are checked.
 * Failure.    out_error() prints the fault and the expected value.
 * Next:       kernel/main.c.
 */
#include <kernel/shell.h>

#include <mm/check.h>
#include <mm/kmalloc.h>
#include <mm/page.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>

#include <kernel/cmdline.h>
#include <kernel/crash.h>
#include <kernel/errno.h>
#include <kernel/failure.h>
#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/rbtree.h>
#include <kernel/smp.h>
#include <kernel/spinlock.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <kernel/version.h>

#include <arch/cpu.h>
#include <arch/layout.h>
#include <arch/pt.h>

#include "out.h"

static const char *complete_command(int pos, unsigned n)
{
	const struct shell_cmd *cmd = pos == 1 ? shell_cmd_nth(n) : NULL;

	return cmd ? cmd->name : NULL;
}

static void help_line(struct out *o, const struct shell_cmd *cmd, bool json)
{
	if (json) {
		json_obj(o, NULL);
		json_str(o, "name", cmd->name);
		json_str(o, "args", cmd->args ? cmd->args : "");
		json_str(o, "help", cmd->help);
		json_end_obj(o);
	} else {
		const char *args = cmd->args ? cmd->args : "";

		out_printf(o, "%s%s%s - %s\n", cmd->name, *args ? " " : "", args, cmd->help);
	}
}

static int cmd_help(struct out *o, int argc, char **argv, bool json)
{
	const struct shell_cmd *cmd = argc > 1 ? shell_cmd_find(argv[1]) : NULL;
	int err = arg_count(o, argc, argv, 0, 1);

	if (err)
		return err;
	if (argc > 1 && (!cmd || !cmd->help))
		return out_error(o, -ENOENT, "help: unknown command \"%s\", expected one that `help` lists",
				 argv[1]);
	if (json) {
		json_obj(o, NULL);
		json_arr(o, "commands");
	}
	if (cmd)
		help_line(o, cmd, json);
	else
		for (unsigned n = 0; (cmd = shell_cmd_nth(n)); n++)
			help_line(o, cmd, json);
	if (json) {
		json_end_arr(o);
		json_end_obj(o);
	}
	return 0;
}
SHELL_CMD("help", "[COMMAND]", "the commands, one a line", cmd_help, complete_command);

static int cmd_dmesg(struct out *o, int argc, char **argv, bool json)
{
	char line[LOG_LINE_SIZE];
	u64 pos = 0;
	int err = arg_count(o, argc, argv, 0, 0);

	if (err)
		return err;
	if (json) {
		json_obj(o, NULL);
		json_arr(o, "lines");
	}
	while (log_next_line(&pos, line)) {
		if (json) {
			line[strlen(line) - 1] = '\0'; /* its '\n' */
			json_str(o, NULL, line);
		} else {
			out_printf(o, "%s", line);
		}
	}
	if (json) {
		json_end_arr(o);
		json_end_obj(o);
	}
	return 0;
}
SHELL_CMD("dmesg", "", "the log since boot, as far as it is kept", cmd_dmesg, NULL);

/* For debuggers without type information: sizes of structures and offsets of their members. */
static const struct {
	const char *type, *member;
	size_t offset;
} layout[] = {
#define SIZE_OF(t)                \
	{                         \
#t, "", sizeof(t) \
	}
#define MEMBER(t, m)                   \
	{                              \
#t, #m, offsetof(t, m) \
	}
	SIZE_OF(struct page),
	MEMBER(struct page, flags),
	MEMBER(struct page, lru),
	MEMBER(struct page, slab_node),
	MEMBER(struct page, private),
	MEMBER(struct page, s_mem),
	MEMBER(struct page, freelist),
	MEMBER(struct page, inuse),
	MEMBER(struct page, num),
	MEMBER(struct page, refcount),
	MEMBER(struct page, mapcount),
	SIZE_OF(struct vm_struct),
	MEMBER(struct vm_struct, addr),
	MEMBER(struct vm_struct, size),
	MEMBER(struct vm_struct, flags),
	MEMBER(struct vm_struct, nr_pages),
	MEMBER(struct vm_struct, pages),
	MEMBER(struct vm_struct, caller),
	SIZE_OF(struct list_head),
	MEMBER(struct list_head, next),
	MEMBER(struct list_head, prev),
	SIZE_OF(struct rb_node),
	MEMBER(struct rb_node, parent),
	MEMBER(struct rb_node, left),
	MEMBER(struct rb_node, right),
	SIZE_OF(struct spinlock),
	MEMBER(struct spinlock, next),
	MEMBER(struct spinlock, owner),
	MEMBER(struct spinlock, cpu),
	MEMBER(struct spinlock, name),
};

/* Prints {"struct page":{"size":64,"offsets":{"flags":0,...}},...}. A size starts a type; its members follow. */
static void version_layout(struct out *o)
{
	json_obj(o, "structs");
	for (unsigned i = 0; i < ARRAY_SIZE(layout); i++) {
		if (*layout[i].member) {
			json_num(o, layout[i].member, layout[i].offset);
		} else {
			json_obj(o, layout[i].type);
			json_num(o, "size", layout[i].offset);
			json_obj(o, "offsets");
		}
		if (i + 1 == ARRAY_SIZE(layout) || !*layout[i + 1].member) {
			json_end_obj(o);
			json_end_obj(o);
		}
	}
	json_end_obj(o);
}

static void version_json(struct out *o)
{
	json_obj(o, NULL);
	json_str(o, "name", "Strata");
	json_str(o, "version", STRATA_VERSION);
	json_str(o, "arch", ARCH_NAME);
	json_str(o, "variant", STRATA_VARIANT);
	json_str(o, "compiler", STRATA_COMPILER);
	json_str(o, "cpu", arch_cpu_name());
	json_str(o, "cmdline", cmdline_text());
	json_num(o, "seed", boot_seed());
	json_num(o, "page_size", PAGE_SIZE);
	json_num(o, "levels", arch_pt_levels());
	json_num(o, "max_order", MAX_ORDER);
	json_num(o, "section_pages", SECTION_PAGES);
	json_obj(o, "layout");
	json_hex(o, "direct_map", DIRECT_MAP_BASE);
	json_hex(o, "vmemmap", VMEMMAP_BASE);
	json_hex(o, "vmalloc_start", VMALLOC_START);
	json_hex(o, "vmalloc_end", VMALLOC_END);
	json_hex(o, "percpu", PERCPU_BASE);
	json_hex(o, "image", KERNEL_VMA);
	json_end_obj(o);
	version_layout(o);
	json_end_obj(o);
}

static int cmd_version(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 0, 0);

	if (err)
		return err;
	if (json) {
		version_json(o);
		return 0;
	}
	out_printf(o, "Strata %s, %s, %s, %s\n", STRATA_VERSION, ARCH_NAME, STRATA_VARIANT, STRATA_COMPILER);
	out_printf(o, "CPU:          %s\n", arch_cpu_name());
	out_printf(o, "page tables:  %u levels, pages of %lu bytes\n", arch_pt_levels(), PAGE_SIZE);
	out_printf(o, "command line: %s\n", cmdline_text());
	out_printf(o, "seed:         %lu\n", boot_seed());
	return 0;
}
SHELL_CMD("version", "", "what this is; -j: sizes, offsets and bases for debuggers", cmd_version, NULL);

static int test_list(struct out *o, const char *glob, bool json)
{
	const struct ktest *t;
	unsigned listed = 0;
	char name[128];

	if (json) {
		json_obj(o, NULL);
		json_arr(o, "cases");
	}
	for (unsigned n = 0; (t = ktest_nth(n)); n++) {
		snprintf(name, sizeof(name), "%s.%s", t->suite, t->name);
		if (!glob_match(glob, name))
			continue;
		listed++;
		if (json) {
			json_obj(o, NULL);
			json_str(o, "name", name);
			json_str(o, "panic", t->panic_pattern);
			json_end_obj(o);
		} else if (t->panic_pattern) {
			out_printf(o, "%s panic: %s\n", name, t->panic_pattern);
		} else {
			out_printf(o, "%s\n", name);
		}
	}
	if (json) {
		json_end_arr(o);
		json_end_obj(o);
	}
	if (!listed)
		return out_error(o, -ENOENT, "no case matches \"%s\", expected a pattern of suite.case",
				 glob);
	return 0;
}

static int cmd_test(struct out *o, int argc, char **argv, bool json)
{
	bool list = argc > 1 && strcmp(argv[1], "list") == 0;
	const char *glob = argc > 1 + list ? argv[1 + list] : "*";
	int err = arg_count(o, argc, argv, 0, 1 + list);
	int failed;

	if (err)
		return err;
	if (list)
		return test_list(o, glob, json);
	failed = ktest_run(glob);
	if (failed == -ENOENT)
		return out_error(o, -ENOENT,
				 "no case matches \"%s\", expected a pattern of suite.case; see `test list`",
				 glob);
	if (failed == -EBUSY)
		return out_error(o, -EBUSY, "a test is running, expected to be asked outside of it");
	if (failed)
		return out_error(o, -EPERM, "%d test cases failed", failed);
	return 0;
}

static const char *complete_test(int pos, unsigned n)
{
	static char name[128];
	const struct ktest *t;

	if (pos == 1 && n == 0)
		return "list";
	t = pos == 1 ? ktest_nth(n - 1) : pos == 2 ? ktest_nth(n) : NULL;
	if (!t)
		return NULL;
	snprintf(name, sizeof(name), "%s.%s", t->suite, t->name);
	return name;
}
SHELL_CMD("test", "[GLOB] | list [GLOB]", "run the self-tests whose suite.case matches, or name them",
	  cmd_test, complete_test);

static void verify_report(const char *name, const char *what, void *ctx)
{
	struct out *o = ctx;

	if (o->json) {
		char text[256];

		snprintf(text, sizeof(text), "%s: %s", name, what);
		json_str(o, NULL, text);
	} else {
		out_printf(o, "%s: %s\n", name, what);
	}
}

static int cmd_verify(struct out *o, int argc, char **argv, bool json)
{
	unsigned checks, failures;
	int err = arg_count(o, argc, argv, 0, 0);

	if (err)
		return err;
	if (json) {
		json_obj(o, NULL);
		json_arr(o, "failed");
	}
	failures = mm_check_all(&checks, verify_report, o);
	if (json) {
		json_end_arr(o);
		json_num(o, "checks", checks);
		json_end_obj(o);
	} else {
		out_printf(o, "%u checks, %u failed\n", checks, failures);
	}
	return failures ? -EIO : 0;
}
SHELL_CMD("verify", "", "check every invariant of every allocator now", cmd_verify, NULL);

static int cmd_poweroff(struct out *o, int argc, char **argv, bool json)
{
	u64 status = 0;
	int err = arg_count(o, argc, argv, 0, 1);

	if (!err && argc > 1)
		err = arg_u64(o, "STATUS", argv[1], &status);
	if (err)
		return err;
	if (status > 100)
		return out_error(o, -ERANGE, "STATUS: %lu is too large, expected 0 to 100", status);
	arch_poweroff((unsigned)status);
}
SHELL_CMD("poweroff", "[STATUS]", "end the machine with this exit status, 0 to 100", cmd_poweroff, NULL);

static int cmd_reboot(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 0, 0);

	if (err)
		return err;
	arch_reboot();
}
SHELL_CMD("reboot", "", "reset the machine", cmd_reboot, NULL);

/* Checks the memory of a crash kind. Without it another crash than the requested one would happen. */
static void *crash_memory(void *p, unsigned long mark)
{
	if (!p)
		panic("crash: an allocation failed: %s", failure_since(mark));
	return p;
}

/* Creates a cache with all checks and allocates one object. */
static char *crash_object(struct kmem_cache **cache)
{
	unsigned long mark = failure_mark();

	*cache = kmem_cache_create("crash", 64, 0,
				   SLAB_CONSISTENCY_CHECKS | SLAB_RED_ZONE | SLAB_POISON | SLAB_PANIC, NULL);
	return crash_memory(kmem_cache_alloc(*cache, GFP_KERNEL), mark);
}

static void crash_panic(void)
{
	panic("asked for by the crash command");
}

static void crash_double_free(void)
{
	struct kmem_cache *cache;
	char *obj = crash_object(&cache);

	kmem_cache_free(cache, obj);
	kmem_cache_free(cache, obj);
}

static void crash_overrun(void)
{
	struct kmem_cache *cache;
	volatile char *obj = crash_object(&cache);

	obj[64] = 0x11;
	kmem_cache_free(cache, (void *)obj);
}

static void crash_use_after_free(void)
{
	struct kmem_cache *cache;
	volatile char *obj = crash_object(&cache);

	kmem_cache_free(cache, (void *)obj);
	obj[8] = 0x11;
	kmem_cache_alloc(cache, GFP_KERNEL); /* returns the object that was freed last */
}

/* Writes behind the 100 requested bytes, inside the kmalloc object. */
static void crash_kmalloc_overrun(void)
{
	unsigned long mark = failure_mark();
	volatile char *obj = crash_memory(kmalloc(100, GFP_KERNEL), mark);

	obj[100] = 0x11;
	kfree((void *)obj);
}

static void crash_freed_page(void)
{
	unsigned long mark = failure_mark();
	volatile char *p = crash_memory((void *)__get_free_pages(GFP_KERNEL, 0), mark);

	free_pages((unsigned long)p, 0);
	(void)p[8];
}

/* The translation still exists until the next purge. */
static void crash_freed_area(void)
{
	unsigned long mark = failure_mark();
	volatile char *p = crash_memory(vzalloc(PAGE_SIZE), mark);

	(void)p[8];
	vfree((void *)p);
	(void)p[8];
}

static void crash_uninitialised(void)
{
	unsigned long mark = failure_mark();
	volatile char *obj = crash_memory(kmalloc(100, GFP_KERNEL), mark);

	if (obj[50] == 1)
		obj[50] = 2;
	kfree((void *)obj);
}

static void race_write(void *word)
{
	++*(volatile unsigned long *)word;
}

/*
 * Two CPUs write without synchronisation. This CPU repeats its write, so that it is recent when the other CPU's write
 * comes.
 */
static void crash_race(void)
{
	unsigned long word = 0;
	struct smp_task task = {.fn = race_write, .ctx = &word};

	if (smp_start(cpumask_next(&cpu_online_mask, 1), &task))
		return;
	do {
		race_write(&word);
		arch_cpu_relax();
	} while (!atomic_load_explicit(&task.done, memory_order_relaxed));
	smp_wait(&task);
}

static void crash_lock_order(void)
{
	struct spinlock low, high;

	spin_init(&low, "crash_low", LOCK_CACHE_LIST, 0);
	spin_init(&high, "crash_high", LOCK_VMAP, 0);
	spin_lock(&high);
	spin_lock(&low);
	spin_unlock(&low);
	spin_unlock(&high);
}

#define SEEN_BY_DEBUG ", the order is checked in VARIANT=debug"
#define SEEN_BY_WATCHERS ", only the hosted build's VARIANT=asan and valgrind notice it"

/* fall NULL: the port implements the kind. harmless: added to the message if the crash has no effect. */
static const struct {
	const char *kind;
	void (*fall)(void);
	const char *harmless;
} crash_kinds[] = {
	{"panic", crash_panic, ""},
	{"null", NULL, ""},
	{"write-text", NULL, ""},
	{"exec-data", NULL, ""},
	{"guard", NULL, ""},
	{"doublefault", NULL, ""},
	{"reset", NULL, ""},
	{"hang", NULL, ""},
	{"double-free", crash_double_free, ""},
	{"overrun", crash_overrun, ""},
	{"use-after-free", crash_use_after_free, ""},
	{"lock-order", crash_lock_order, SEEN_BY_DEBUG},
	{"kmalloc-overrun", crash_kmalloc_overrun, SEEN_BY_WATCHERS},
	{"freed-page", crash_freed_page, SEEN_BY_WATCHERS},
	{"freed-area", crash_freed_area, SEEN_BY_WATCHERS},
	{"uninitialised", crash_uninitialised, ", only the hosted build's VARIANT=valgrind notices it"},
	{"race", crash_race, ", only the hosted build's VARIANT=tsan notices it, with two CPUs or more"},
};

static const char *complete_crash(int pos, unsigned n)
{
	return pos == 1 && n < ARRAY_SIZE(crash_kinds) ? crash_kinds[n].kind : NULL;
}

static int cmd_crash(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 1, 1);
	unsigned i = 0;

	if (err)
		return err;
	while (i < ARRAY_SIZE(crash_kinds) && strcmp(crash_kinds[i].kind, argv[1]) != 0)
		i++;
	if (i == ARRAY_SIZE(crash_kinds))
		return out_error(o, -EINVAL,
				 "KIND: unknown \"%s\", expected one of those that `help crash` names",
				 argv[1]);
	if (crash_kinds[i].fall)
		crash_kinds[i].fall();
	else
		crash_machine(argv[1]);
	return out_error(o, -EIO, "crash: %s did no harm%s", argv[1], crash_kinds[i].harmless);
}
SHELL_CMD("crash", "KIND",
	  "fall, to see the report; KIND: panic null write-text exec-data guard doublefault reset hang "
	  "double-free "
	  "overrun use-after-free lock-order kmalloc-overrun freed-page freed-area uninitialised race",
	  cmd_crash, complete_crash);
