/*
 * cmd_page.c - shell commands on page frames: page, alloc, free.
 *
 * Idea.       `page` describes every frame number: in an open or unopened section, reserved, or no RAM. `alloc` allocates
 *             pages for the user, and only these can be freed with `free`.
 * Layout.     frame_argument: PFN, kernel address or pa:ADDRESS -> frame number
 * Invariants. `alloc zone=Z` gives pages of Z or fails: if the allocator falls back to another zone, the pages are freed.
 * Locking.    No lock is held while printing.
 * Failure.    A wrong argument is named in the message and changes nothing.
 * Next:       cmd_slab.c.
 */
#include "cmd.h"
#include "shell_mem.h"

#include <arch/cpu.h>

#include <kernel/errno.h>
#include <kernel/failure.h>
#include <kernel/string.h>

#include <mm/internal.h>
#include <mm/pgtable.h>
#include <mm/stat.h>

/*
 * Parses "pa:ADDRESS", a kernel virtual address, or a frame number. In the hosted build frame numbers of memory above 4 TiB
 * have the values of kernel addresses. Such a number is an address if a page is mapped there, else a frame number.
 */
static int frame_argument(struct out *o, const char *text, pfn_t *pfn)
{
	bool physical = !strncmp(text, "pa:", 3);
	u64 v;
	int err = arg_u64(o, physical ? "physical address" : "PFN", physical ? text + 3 : text, &v);

	if (err)
		return err;
	if (physical) {
		v >>= PAGE_SHIFT;
	} else if (cmd_is_kernel_address(v)) {
		struct pt_query q = pt_lookup(v);

		if (q.mapped)
			v = q.pa >> PAGE_SHIFT;
		else if (v >= arch_phys_limit() >> PAGE_SHIFT)
			return out_error(o, -EFAULT,
					 "nothing is mapped at 0x%lx, expected a mapped address or a PFN", v);
	}
	if (v >= arch_phys_limit() >> PAGE_SHIFT)
		return out_error(o, -ERANGE,
				 "PFN 0x%lx is beyond the physical address limit, expected less than 0x%lx",
				 v, arch_phys_limit() >> PAGE_SHIFT);
	*pfn = v;
	return 0;
}

/* ---- page ---- */

static void page_json(struct out *o, const struct frame_stat *f)
{
	json_obj(o, NULL);
	json_num(o, "pfn", f->pfn);
	json_hex(o, "pa", f->pfn << PAGE_SHIFT);
	if (f->zone)
		json_num(o, "node", (u64)f->nid);
	else
		json_null(o, "node");
	json_str(o, "zone", f->zone);
	json_arr(o, "flags");
	for (unsigned i = 0; i < f->nr_flags; i++)
		json_str(o, NULL, f->flag[i]);
	json_end_arr(o);
	json_num(o, "refcount", f->refcount);
	json_num(o, "order", f->order);
	json_str(o, "type", f->zone ? migratetype_name(f->type) : NULL);
	json_str(o, "owner", *f->owner ? f->owner : NULL);
	json_num(o, "head", f->head);
	if (f->cpu >= 0)
		json_num(o, "cpu", (u64)f->cpu);
	else
		json_null(o, "cpu");
	json_end_obj(o);
}

static void page_print(struct out *o, const struct frame_stat *f)
{
	out_printf(o, "pfn 0x%lx pa 0x%lx", f->pfn, f->pfn << PAGE_SHIFT);
	if (f->zone)
		out_printf(o, " node %d zone %s type %s", f->nid, f->zone, migratetype_name(f->type));
	out_printf(o, "\n  flags");
	for (unsigned i = 0; i < f->nr_flags; i++)
		out_printf(o, " %s", f->flag[i]);
	if (f->cpu >= 0)
		out_printf(o, "\n  on CPU %d's list", f->cpu);
	if (f->in_block)
		out_printf(o, "\n  block of order %u at pfn 0x%lx, refcount %u", f->order, f->head,
			   f->refcount);
	if (*f->owner)
		out_printf(o, "\n  owner %s", f->owner);
	out_printf(o, "\n");
}

static int cmd_page(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 1, 1);
	const struct shell_mem *mine;
	struct frame_stat f;
	pfn_t pfn = 0;

	if (err || (err = frame_argument(o, argv[1], &pfn)))
		return err;
	frame_stat(pfn, &f);
	mine = shell_mem_at_pa(pfn << PAGE_SHIFT);
	if (mine) {
		f.flag[f.nr_flags++] = "shell";
		if (!*f.owner)
			strlcpy(f.owner, "shell", sizeof(f.owner));
	}
	if (json)
		page_json(o, &f);
	else
		page_print(o, &f);
	return 0;
}
SHELL_CMD("page", "PFN|ADDR|pa:ADDR", "what a page frame is", cmd_page, NULL);

/* ---- alloc ---- */

struct alloc_request {
	unsigned order;
	gfp_t gfp;
	int nid;		      /* NUMA_NO_NODE: any */
	const struct zone_stat *zone; /* NULL: any */
	struct zone_stat zone_found;
};

static const gfp_t zone_gfp[NR_ZONES] = {
	[ZONE_DMA] = __GFP_DMA,
	[ZONE_DMA32] = __GFP_DMA32,
	[ZONE_NORMAL] = 0,
	[ZONE_HIGHMEM] = __GFP_HIGHMEM,
	[ZONE_MOVABLE] = __GFP_HIGHMEM | __GFP_MOVABLE,
};

/* Parses a zone name and finds a zone of that kind with memory. */
static int zone_argument(struct out *o, const char *text, struct alloc_request *rq)
{
	bool known = false;

	for (unsigned n = 0; zone_stat(n, &rq->zone_found); n++) {
		if (strcasecmp(text, rq->zone_found.name) != 0)
			continue;
		known = true;
		if (!rq->zone_found.present)
			continue;
		rq->zone = &rq->zone_found;
		/* If zone= is given twice, the last one counts. */
		rq->gfp = (rq->gfp & ~GFP_ZONEMASK) | zone_gfp[rq->zone->type];
		return 0;
	}
	if (known)
		return out_error(o, -ENODEV, "zone %s has no memory, expected one that `buddyinfo` shows",
				 text);
	return out_error(o, -EINVAL, "unknown zone \"%s\", expected DMA, DMA32, Normal, HighMem or Movable",
			 text);
}

static int alloc_arguments(struct out *o, int argc, char **argv, struct alloc_request *rq)
{
	u64 order;
	int err = cmd_number(o, "ORDER", argv[1], 0, MAX_ORDER, &order);

	*rq = (struct alloc_request){
		.order = (unsigned)order, .gfp = GFP_KERNEL | __GFP_NOWARN, .nid = NUMA_NO_NODE};
	for (int i = 2; i < argc && !err; i++) {
		const char *value;

		if ((value = cmd_value(argv[i], "zone")))
			err = zone_argument(o, value, rq);
		else if ((value = cmd_value(argv[i], "node")))
			err = cmd_memory_node(o, value, &rq->nid);
		else if (!strcmp(argv[i], "zero"))
			rq->gfp |= __GFP_ZERO;
		else
			err = cmd_unknown_option(o, argv[i], "zone=Z, node=N or zero");
	}
	return err;
}

/* Allocates from this node, and if a zone kind was given, from a zone of that kind only. */
static struct page *alloc_on_node(const struct alloc_request *rq, int nid)
{
	struct page *page = alloc_pages_node(nid, rq->gfp | __GFP_THISNODE, rq->order);

	if (page && rq->zone && page_zone(page)->type != rq->zone->type) {
		__free_pages(page, rq->order);
		failure_note("no free block in the zone");
		return NULL;
	}
	return page;
}

static struct page *alloc_requested(const struct alloc_request *rq)
{
	struct zone *const *z = nodes[numa_node_id()].fallback.zone;
	struct page *page = NULL;

	if (rq->nid != NUMA_NO_NODE)
		return alloc_on_node(rq, rq->nid);
	if (!rq->zone)
		return alloc_pages(rq->gfp, rq->order);
	/* The list begins with the nearest node, which may have no such zone. */
	for (; *z && !page; z++)
		if ((*z)->type == rq->zone->type)
			page = alloc_on_node(rq, (*z)->nid);
	return page;
}

static int cmd_alloc(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 1, 4);
	struct alloc_request rq;
	unsigned long mark;
	struct page *page;

	if (err || (err = alloc_arguments(o, argc, argv, &rq)) || (err = shell_mem_room(o, 1)))
		return err;
	mark = failure_mark();
	page = alloc_requested(&rq);
	if (!page)
		return out_error(o, -ENOMEM, "allocation of order %u%s%s%s failed: %s", rq.order,
				 rq.zone ? " in zone " : "", rq.zone ? rq.zone->name : "",
				 rq.nid == NUMA_NO_NODE ? "" : " on that node", failure_since(mark));
	shell_mem_add((struct shell_mem){.start = page_to_phys(page),
					 .nr_bytes = PAGE_SIZE << rq.order,
					 .kind = SHELL_PAGES,
					 .order = (u8)rq.order});
	if (!json) {
		out_printf(o, "pfn 0x%lx pa 0x%lx order %u node %d zone %s\n", page_to_pfn(page),
			   page_to_phys(page), rq.order, page_to_nid(page), page_zone(page)->name);
		return 0;
	}
	json_obj(o, NULL);
	json_num(o, "pfn", page_to_pfn(page));
	json_hex(o, "pa", page_to_phys(page));
	json_num(o, "order", rq.order);
	json_str(o, "zone", page_zone(page)->name);
	json_num(o, "node", (u64)page_to_nid(page));
	json_end_obj(o);
	return 0;
}

static const char *complete_alloc(int pos, unsigned n)
{
	static const char *const options[] = {"zone=DMA",     "zone=DMA32", "zone=Normal", "zone=HighMem",
					      "zone=Movable", "node=",	    "zero"};

	return pos > 1 && n < ARRAY_SIZE(options) ? options[n] : NULL;
}
SHELL_CMD("alloc", "ORDER [zone=Z] [node=N] [zero]", "allocate 2^ORDER pages", cmd_alloc, complete_alloc);

/* ---- free ---- */

static int cmd_free(struct out *o, int argc, char **argv, bool json)
{
	int err = arg_count(o, argc, argv, 2, 2);
	const struct shell_mem *m;
	struct shell_mem was;
	pfn_t pfn = 0;
	u64 order;

	if (err || (err = frame_argument(o, argv[1], &pfn)) ||
	    (err = cmd_number(o, "ORDER", argv[2], 0, MAX_ORDER, &order)))
		return err;
	m = shell_mem_find(o, SHELL_PAGES, pfn << PAGE_SHIFT, &err);
	if (!m)
		return err;
	if (m->order != order)
		return out_error(
			o, -EINVAL,
			"pfn 0x%lx was allocated with order %u, expected that instead of %lu: wrong order",
			pfn, m->order, order);
	was = *m;
	shell_mem_remove(m);
	__free_pages(pfn_to_page(pfn), was.order);
	if (!json) {
		out_printf(o, "freed pfn 0x%lx order %u\n", pfn, was.order);
		return 0;
	}
	json_obj(o, NULL);
	json_num(o, "pfn", pfn);
	json_num(o, "order", was.order);
	json_end_obj(o);
	return 0;
}
SHELL_CMD("free", "PFN ORDER", "give pages from `alloc` back", cmd_free, NULL);
