/*
 * test_vmap_check.c - what is wrong with shards, ranges and areas of the vmalloc window is found, and named.
 *
 * Idea.       As in test_check.c, for all that is more than a page in the wrong place.
 * Layout.     shards; ranges; areas.
 * Invariants. Between two EXPECT_BROKEN lines everything is as it was.
 * Locking.    None: main loop, nothing else allocates meanwhile.
 * Failure.    None.
 * Next:       ../../mm/vmap_info.c.
 */
#include "../../mm/vmap_internal.h"
#include "expect_broken.h"

#define VMAP_BROKEN(variable, value, part) EXPECT_BROKEN_BY("vmap", variable, value, part)

KTEST(vmap_check, names_a_shard_that_is_not_as_at_boot)
{
	struct vmap_shard *s = vmap_shards[vmap_nr_shards - 1];

	VMAP_BROKEN(s->index, broken + 1, "vmap.V7: ");
	VMAP_BROKEN(s->keep, broken - 1, "vmap.V7: ");
	VMAP_BROKEN(s->told, (bool *)s, "vmap.V7: ");
	VMAP_BROKEN(s->free.root.update, NULL, "vmap.V7: ");
	VMAP_BROKEN(s->busy.root.update, s->free.root.update, "vmap.V7: ");
	VMAP_BROKEN(s->lock.next, broken + 1, "vmap.V7: ");
	VMAP_BROKEN(vmap_shards[0], (struct vmap_shard *)((char *)vmap_shards[0] + 64), "vmap.V7: ");
	EXPECT_NULL(check_says("vmap"));
}

KTEST(vmap_check, names_links_of_ranges_that_lead_nowhere)
{
	struct vmap_area *a = list_first_entry(&vmap_common.free.list, struct vmap_area, list);
	struct rb_node *root = vmap_common.free.root.node;

	VMAP_BROKEN(root->left, (struct rb_node *)8, "vmap.V2: ");
	VMAP_BROKEN(root->parent, root, "vmap.V2: ");
	VMAP_BROKEN(vmap_common.free.root.node, (struct rb_node *)((char *)root + 1), "vmap.V2: ");
	VMAP_BROKEN(a->list.next, (struct list_head *)8, "vmap.V2: ");
	VMAP_BROKEN(a->list.prev, &a->list, "vmap.V2: ");
	VMAP_BROKEN(a->subtree_max, broken + PAGE_SIZE, "vmap.V3: ");
	VMAP_BROKEN(vmap_common.lazy.next, (struct list_head *)8, "vmap.V5: ");
	EXPECT_NULL(check_says("vmap"));
}

KTEST(vmap_check, names_an_area_whose_record_is_anothers)
{
	char *p = vmalloc(2 * PAGE_SIZE), *q = vmalloc((VMAP_FEW_PAGES + 1) * PAGE_SIZE);
	struct vmap_area *a = vmap_find((vaddr_t)p), *b = vmap_find((vaddr_t)q);

	ASSERT_TRUE(a && b);
	VMAP_BROKEN(a->vm.addr, q, "vmap.V8: ");
	VMAP_BROKEN(a->vm.size, broken + PAGE_SIZE, "vmap.V8: ");
	VMAP_BROKEN(a->vm.flags, broken ^ VM_ALLOC, "vmap.V8: ");
	VMAP_BROKEN(a->vm.flags, broken | VM_MAP, "vmap.V8: ");
	VMAP_BROKEN(a->vm.flags, broken | 0x100000, "vmap.V8: ");
	VMAP_BROKEN(a->vm.page_level, HUGE_LEVEL, "vmap.V8: ");
	VMAP_BROKEN(a->vm.nr_pages, 1, "vmap.V8: ");
	VMAP_BROKEN(a->vm.nr_pages, 0, "vmap.V8: ");
	VMAP_BROKEN(a->vm.pages, b->vm.pages, "vmap.V8: ");
	VMAP_BROKEN(b->vm.pages, (struct page **)8, "vmap.V8: ");
	a->vm.flags |= VM_HUGE;
	VMAP_BROKEN(a->vm.page_level, HUGE_LEVEL, "vmap.V4: its leaves are of another level");
	a->vm.flags &= ~VM_HUGE;
	VMAP_BROKEN(a->few[0], NULL, "vmap.V8: ");
	VMAP_BROKEN(a->few[0]->refcount, 2, "vmap.V8: ");
	VMAP_BROKEN(a->shard, (u16)(broken + 1), "vmap.V6: ");
	EXPECT_NULL(check_says("vmap"));
	vm_unmap_aliases();
	vfree(p);
	VMAP_BROKEN(a->cleared, false, "vmap.V4: ");
	VMAP_BROKEN(a->start, broken + 1, "vmap.V1: ");
	VMAP_BROKEN(a->end, broken - 8 * PAGE_SIZE, "vmap.V1: ");
	VMAP_BROKEN(a->vm.size, broken + PAGE_SIZE, "vmap.V8: ");
	EXPECT_NULL(check_says("vmap"));
	vfree(q);
	vm_unmap_aliases();
}

/* The stripe of a range of shard s belongs to another shard. */
KTEST(vmap_check, names_a_range_outside_of_its_shards_stripes)
{
	char *p = vmalloc(PAGE_SIZE);
	struct vmap_area *a = vmap_find((vaddr_t)p);

	ASSERT_TRUE(a);
	if (vmap_nr_shards <= 2) {
		vfree(p);
		SKIP("needs two CPUs: a shard of one CPU has all stripes");
	}
	VMAP_BROKEN(vmap_stripe_shard[a->start >> STRIPE_SHIFT & (STRIPES - 1)],
		    vmap_shards[a->shard == 1 ? 2 : 1], "vmap.V6: ");
	EXPECT_NULL(check_says("vmap"));
	vfree(p);
}

/* Both areas of one CPU, so one list has both. The list begins with the areas that are flushed. */
KTEST(vmap_check, names_lazy_areas_that_overlap_or_stand_in_the_wrong_order)
{
	char *p, *q;
	struct vmap_area *a, *b;
	bool neighbours;

	vm_unmap_aliases();
	p = vmalloc(PAGE_SIZE);
	q = vmalloc(PAGE_SIZE);
	a = vmap_find((vaddr_t)p);
	b = vmap_find((vaddr_t)q);
	ASSERT_TRUE(a && b);
	vfree(p);
	vfree(q);
	neighbours = a->list.next == &b->list || b->list.next == &a->list;
	if (neighbours) {
		struct vmap_area *last = a->list.next == &b->list ? b : a;

		VMAP_BROKEN(last->start, (last == a ? b : a)->start, "vmap.V1: lazy twice");
		VMAP_BROKEN(last->flushed, true, "vmap.V5: flushed, and not at the front");
	}
	EXPECT_NULL(check_says("vmap"));
	vm_unmap_aliases();
	if (!neighbours)
		SKIP("the two areas are on the lists of two shards");
}
