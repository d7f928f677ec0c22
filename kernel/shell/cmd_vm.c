/*
 * cmd_vm.c - shell commands on virtual addresses: vmallocinfo, vmalloc, vfree, pt, ptdump.
 *
 * Idea.       `pt` follows one address through the tables. `ptdump` prints all tables as ranges of equal attributes, in the
 *             format of Linux's /sys/kernel/debug/page_tables. Both read the entries that the hardware reads; the port
 *             names their bits.
 * Layout.     level 0 is the page-sized leaf; PGD is always the root; P4D exists with five levels only
 * Invariants. `pt` reports the translation that the CPU uses: same tables, same walk.
 * Locking.    None: walks need no lock (mm/pgtable.c), and areas are copies.
 * Failure.    A wrong argument is named in the message and changes nothing. An unmapped address is a valid answer.
 * Source.     Linux arch/x86/mm/dump_pagetables.c, mm/vmalloc.c (s_show).
 * Next:       cmd_look.c.
 */
#include "cmd.h"
#include "shell_mem.h"

#include <arch/pt.h>

#include <kernel/address.h>
#include <kernel/errno.h>
#include <kernel/failure.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include <mm/internal.h>
#include <mm/pgtable.h>
#include <mm/vmalloc.h>

/* ---- vmallocinfo ---- */

struct print_ctx {
	struct out *o;
	bool json;
	bool lazy; /* JSON: which of the two lists is being written */
};

static const struct {
	unsigned bit;
	const char *name;
} vm_flags[] = {
	{VM_ALLOC, "vmalloc"}, {VM_MAP, "vmap"},      {VM_NO_GUARD, "noguard"},
	{VM_HUGE, "huge"},     {VM_PERCPU, "percpu"}, {VM_STACK, "stack"},
};

/* Prints " N0=4 N1=2": the area's pages on each node, according to its leaves. */
static void print_area_nodes(struct out *o, const struct vmalloc_info *a)
{
	unsigned long pages[MAX_NODES] = {0};
	size_t step;

	for (vaddr_t va = a->start; va < a->end; va += step) {
		struct pt_query q = pt_lookup(va);
		struct zone *zone = q.mapped ? zone_of_pfn(q.pa >> PAGE_SHIFT) : NULL;

		step = q.mapped ? min(q.size, a->end - va) : PAGE_SIZE;
		if (zone)
			pages[zone->nid] += step >> PAGE_SHIFT;
	}
	for (unsigned nid = 0; nid < nr_nodes; nid++)
		if (pages[nid])
			out_printf(o, " N%u=%lu", nid, pages[nid]);
}

static bool area_print(const struct vmalloc_info *a, void *ctx)
{
	struct out *o = ((struct print_ctx *)ctx)->o;

	out_printf(o, "0x%016lx-0x%016lx %7ld", a->start, a->end, (long)(a->end - a->start));
	if (a->lazy) {
		out_printf(o, " unpurged vm_area\n");
		return true;
	}
	if (a->caller)
		out_printf(o, " %pS", (void *)a->caller);
	if (a->pages)
		out_printf(o, " pages=%lu", a->pages);
	for (unsigned i = 0; i < ARRAY_SIZE(vm_flags); i++)
		if ((vm_flags[i].bit & (VM_ALLOC | VM_MAP)) & a->flags)
			out_printf(o, " %s", vm_flags[i].name);
	if (a->flags & VM_ALLOC)
		print_area_nodes(o, a);
	out_printf(o, "\n");
	return true;
}

static bool area_json(const struct vmalloc_info *a, void *ctx)
{
	struct print_ctx *p = ctx;
	char caller[96];

	if (a->lazy != p->lazy)
		return true;
	snprintf(caller, sizeof(caller), "%pS", (void *)a->caller);
	json_obj(p->o, NULL);
	json_hex(p->o, "start", a->start);
	json_hex(p->o, "end", a->end);
	json_num(p->o, "size", a->end - a->start);
	json_str(p->o, "caller", a->caller ? caller : NULL);
	json_num(p->o, "pages", a->pages);
	json_arr(p->o, "flags");
	for (unsigned i = 0; i < ARRAY_SIZE(vm_flags); i++)
		if (vm_flags[i].bit & a->flags)
			json_str(p->o, NULL, vm_flags[i].name);
	json_end_arr(p->o);
	json_end_obj(p->o);
	return true;
}

static int cmd_vmallocinfo(struct out *o, int argc, char **argv, bool json)
{
	struct print_ctx p = {o, json, false};
	unsigned long total, used, largest, ranges;
	int err = arg_count(o, argc, argv, 0, 0);

	if (err)
		return err;
	if (!json) {
		vmalloc_for_each(area_print, &p);
		return 0;
	}
	vmalloc_totals(&total, &used, &largest, &ranges);
	json_obj(o, NULL);
	json_arr(o, "areas");
	vmalloc_for_each(area_json, &p);
	json_end_arr(o);
	p.lazy = true;
	json_arr(o, "lazy");
	vmalloc_for_each(area_json, &p);
	json_end_arr(o);
	json_num(o, "free_ranges", ranges);
	json_num(o, "largest_free", largest);
	json_num(o, "lazy_pages", vmalloc_lazy_pages());
	json_num(o, "total", total);
	json_num(o, "used", used);
	json_end_obj(o);
	return 0;
}
SHELL_CMD("vmallocinfo", "", "areas of the vmalloc window, as in /proc/vmallocinfo", cmd_vmallocinfo, NULL);

/* ---- vmalloc, vfree ---- */

static int cmd_vmalloc(struct out *o, int argc, char **argv, bool json)
{
	gfp_t gfp = GFP_KERNEL | __GFP_NOWARN;
	int nid = NUMA_NO_NODE, err = arg_count(o, argc, argv, 1, 3);
	unsigned long pages, mark;
	unsigned flags = 0;
	u64 size;
	void *p;

	if (err || (err = cmd_size(o, "SIZE", argv[1], 1, totalram_pages() << PAGE_SHIFT, &size)))
		return err;
	for (int i = 2; i < argc && !err; i++) {
		const char *value = cmd_value(argv[i], "node");

		if (nid != NUMA_NO_NODE && (value || !strcmp(argv[i], "interleave")))
			err = out_error(o, -EINVAL, "%s comes second, expected one of node=N and interleave",
					argv[i]);
		else if (value)
			err = cmd_memory_node(o, value, &nid);
		else if (!strcmp(argv[i], "huge"))
			flags |= VM_HUGE;
		else if (!strcmp(argv[i], "interleave"))
			nid = NUMA_INTERLEAVE;
		else
			err = cmd_unknown_option(o, argv[i], "huge, interleave or node=N");
	}
	if (err || (err = shell_mem_room(o, 1)))
		return err;
	mark = failure_mark();
	p = vmalloc_gfp(size, gfp, nid, flags, (unsigned long)cmd_vmalloc);
	if (!p)
		return out_error(o, -ENOMEM, "vmalloc of %lu bytes failed: %s", size, failure_since(mark));
	pages = find_vm_area(p)->nr_pages;
	shell_mem_add((struct shell_mem){
		.start = (unsigned long)p, .nr_bytes = pages << PAGE_SHIFT, .kind = SHELL_AREA});
	if (!json) {
		out_printf(o, "0x%016lx %lu pages\n", (unsigned long)p, pages);
		return 0;
	}
	json_obj(o, NULL);
	json_hex(o, "ptr", (unsigned long)p);
	json_num(o, "size", size);
	json_num(o, "pages", pages);
	json_end_obj(o);
	return 0;
}

static const char *complete_vmalloc(int pos, unsigned n)
{
	static const char *const options[] = {"huge", "interleave", "node="};

	return pos > 1 && n < ARRAY_SIZE(options) ? options[n] : NULL;
}
SHELL_CMD("vmalloc", "SIZE [huge] [node=N|interleave]", "allocate an area", cmd_vmalloc, complete_vmalloc);

static int cmd_vfree(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 1, 1);
	const struct shell_mem *m;
	vaddr_t va;

	if (err || (err = arg_addr(o, "ADDR", argv[1], &va)))
		return err;
	m = shell_mem_find(o, SHELL_AREA, va, &err);
	if (!m)
		return err;
	shell_mem_remove(m);
	vfree((void *)va);
	if (!json) {
		out_printf(o, "freed 0x%016lx\n", va);
		return 0;
	}
	json_obj(o, NULL);
	json_hex(o, "ptr", va);
	json_end_obj(o);
	return 0;
}
SHELL_CMD("vfree", "ADDR", "give an area from `vmalloc` back", cmd_vfree, NULL);

/* ---- pt ---- */

static const char *level_name(unsigned level)
{
	static const char *const names[] = {"PTE", "PMD", "PUD", "P4D"};

	return level == arch_pt_levels() - 1 ? "PGD" : names[level];
}

static void flags_json(struct out *o, pte_t e, unsigned level)
{
	const char *flag;

	json_arr(o, "flags");
	for (unsigned n = 0; (flag = arch_pte_flag(e, level, n)); n++)
		json_str(o, NULL, flag);
	json_end_arr(o);
}

static void pt_json(struct out *o, vaddr_t va, const struct pt_step *step, unsigned nr)
{
	struct pt_query q = pt_lookup(va);

	json_obj(o, NULL);
	json_hex(o, "va", va);
	json_num(o, "levels", arch_pt_levels());
	json_arr(o, "entries");
	for (unsigned i = 0; i < nr; i++) {
		json_obj(o, NULL);
		json_num(o, "level", step[i].level);
		json_num(o, "index", step[i].index);
		json_hex(o, "table", step[i].table);
		json_hex(o, "entry", step[i].entry.bits);
		json_end_obj(o);
	}
	json_end_arr(o);
	json_bool(o, "mapped", q.mapped);
	if (q.mapped)
		json_hex(o, "pa", q.pa);
	else
		json_null(o, "pa");
	json_num(o, "size", q.mapped ? q.size : 0);
	flags_json(o, q.entry, q.level);
	json_end_obj(o);
}

static void pt_print(struct out *o, vaddr_t va, const struct pt_step *step, unsigned nr)
{
	struct pt_query q = pt_lookup(va);
	const char *flag;

	out_printf(o, "va 0x%016lx, %u levels\n", va, arch_pt_levels());
	for (unsigned i = 0; i < nr; i++) {
		out_printf(o, "%s table 0x%012lx [%3u] 0x%016lx", level_name(step[i].level), step[i].table,
			   step[i].index, (unsigned long)step[i].entry.bits);
		for (unsigned n = 0; (flag = arch_pte_flag(step[i].entry, step[i].level, n)); n++)
			out_printf(o, " %s", flag);
		out_printf(o, "\n");
	}
	if (q.mapped)
		out_printf(o, "pa 0x%lx, in a leaf of %lu KiB\n", q.pa, q.size >> 10);
	else
		out_printf(o, "not mapped\n");
}

static int cmd_pt(struct out *o, int argc, char **argv, bool json)
{
	struct pt_step step[ARCH_PT_MAX_LEVELS];
	int err = arg_count(o, argc, argv, 1, 1);
	vaddr_t va;
	unsigned nr;

	if (err || (err = arg_addr(o, "ADDR", argv[1], &va)))
		return err;
	if (!cmd_is_canonical(va))
		return out_error(o, -EINVAL, "0x%lx is not canonical, expected bits %u to 63 to be equal", va,
				 arch_va_bits() - 1);
	nr = pt_trace(va, step);
	if (json)
		pt_json(o, va, step, nr);
	else
		pt_print(o, va, step, nr);
	return 0;
}
SHELL_CMD("pt", "ADDR", "the walk of an address through the page tables", cmd_pt, NULL);

/* ---- ptdump ---- */

struct dump {
	struct out *o;
	bool json;
	vaddr_t start, last; /* requested range */
	vaddr_t next;	     /* plain format: everything below is printed */
};

static void dump_line(struct out *o, vaddr_t start, vaddr_t last, pte_t e, unsigned level)
{
	static const char units[] = "KMGTPE";
	unsigned long size = (last - start + 1) >> 10;
	unsigned unit = 0;
	char columns[64], name[4];

	while (size && !(size & 1023) && units[unit + 1]) {
		size >>= 10;
		unit++;
	}
	arch_pte_columns(e, level, columns, sizeof(columns));
	strlcpy(name, level_name(level), sizeof(name));
	for (char *c = name; *c; c++)
		*c |= 0x20;
	out_printf(o, "0x%016lx-0x%016lx   %9lu%c %s%s\n", start, last + 1, size, units[unit], columns, name);
}

/* Prints an unmapped range as runs of empty slots of one level. */
static void dump_hole(struct out *o, vaddr_t va, vaddr_t last)
{
	vaddr_t start = va;
	unsigned level = pt_lookup(va).level;

	for (;;) {
		struct pt_query q = pt_lookup(va);
		vaddr_t slot_last = va | (q.size - 1);

		if (q.level != level) {
			dump_line(o, start, va - 1, (pte_t){0}, level);
			start = va;
			level = q.level;
		}
		if (slot_last >= last)
			break;
		va = slot_last + 1;
	}
	dump_line(o, start, last, (pte_t){0}, level);
}

static bool dump_range(vaddr_t start, vaddr_t last, pte_t e, unsigned level, void *ctx)
{
	struct dump *d = ctx;

	if (!d->json) {
		if (d->next < start)
			dump_hole(d->o, d->next, start - 1);
		dump_line(d->o, start, last, e, level);
		d->next = last + 1;
		return true;
	}
	json_obj(d->o, NULL);
	json_hex(d->o, "start", start);
	json_hex(d->o, "end", last + 1);
	json_num(d->o, "size", last - start + 1);
	json_num(d->o, "level", level);
	flags_json(d->o, e, level);
	json_end_obj(d->o);
	return true;
}

/* Prints the tables from one heading to the next. */
static void dump_part(struct dump *d, vaddr_t start, vaddr_t last, const char *heading)
{
	vaddr_t from = max(start, d->start), to = min(last, d->last);

	if (from > to)
		return;
	if (from == start)
		out_printf(d->o, "---[ %s ]---\n", heading);
	d->next = from;
	pt_for_each_range(from, to, dump_range, d);
	/* False if the last range reached to the end of the part; `next` may then have wrapped to 0. */
	if (d->next <= to && d->next >= from)
		dump_hole(d->o, d->next, to);
}

/* Prints one half of the address space. A region without a heading belongs to the part before it. */
static void dump_half(struct dump *d, vaddr_t start, vaddr_t last, const char *heading)
{
	struct address_region region[ADDRESS_REGIONS_MAX];
	unsigned nr = address_regions(region);

	for (unsigned i = 0; i < nr; i++) {
		if (!region[i].heading || region[i].start < start || region[i].start > last)
			continue;
		if (region[i].start > start)
			dump_part(d, start, region[i].start - 1, heading);
		start = region[i].start;
		heading = region[i].heading;
	}
	dump_part(d, start, last, heading);
}

static int cmd_ptdump(struct out *o, int argc, char **argv, bool json)
{
	const vaddr_t half = 1UL << (arch_va_bits() - 1);
	vaddr_t start = 0, end = 0; /* 0: the end of the address space */
	struct dump d = {.o = o, .json = json};
	int err = arg_count(o, argc, argv, 0, 2);

	if (err)
		return err;
	if (argc == 2)
		return out_error(o, -EINVAL, "END is missing, expected ptdump [START END]");
	if (argc == 3 &&
	    ((err = arg_addr(o, "START", argv[1], &start)) || (err = arg_addr(o, "END", argv[2], &end))))
		return err;
	if (argc == 3 && start >= end)
		return out_error(o, -EINVAL, "END 0x%lx must be above START 0x%lx", end, start);
	d.start = start & PAGE_MASK;
	d.last = PAGE_ALIGN_UP(end) - 1;
	if (!json) {
		dump_half(&d, 0, half - 1, "User Space");
		dump_half(&d, -half, -1UL, "Kernel Space");
		return 0;
	}
	json_obj(o, NULL);
	json_arr(o, "ranges");
	pt_for_each_range(d.start, d.last, dump_range, &d);
	json_end_arr(o);
	json_end_obj(o);
	return 0;
}
SHELL_CMD("ptdump", "[START END]", "ranges of equal attributes in the page tables", cmd_ptdump, NULL);
