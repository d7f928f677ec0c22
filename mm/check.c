/*
 * check.c - is everything that the allocators claim about themselves true?
 *
 * Idea.       Each layer states its invariants in its file's head and tests them in its xxx_check(); this
 *             file runs them all. Tests do so after every case, the shell's `verify` on request.
 * Layout.     MM_CHECK(name, fn) puts a pointer into section mm_checks; the linker gathers them. They run by rank: what
 *             RAM there is, then what is fixed after boot, then the page tables, then all that these make reachable.
 * Invariants. A check changes nothing and reports the first thing that is wrong. It follows no pointer that a check of
 *             a lower rank has not accepted, or that it has not looked at itself (check_walk.h).
 * Locking.    Each check takes what its layer needs. Main loop only, and the other CPUs are held: between operations
 *             nothing is half done.
 * Failure.    None here: what is wrong is handed to the caller.
 * Next:       tests/engine/ktest.c.
 */
#include <mm/check.h>

#include "internal.h"
#include "slab_internal.h"

#include <mm/page_alloc.h>
#include <mm/slab_info.h>
#include <mm/vmalloc.h>

#include <kernel/smp.h>
#include <kernel/work.h>

void mm_settle(void)
{
	/* Top down: what a layer gives back may stay in the lists of the one below. */
	quiet_drain();
	smp_settle();
	vm_unmap_aliases();
	slab_settle();
	rcu_barrier(); /* array bodies of other CPUs go after a grace period, and leave empty slabs */
	slab_settle();
	rcu_barrier(); /* slabs that are read under RCU */
	drain_all_pages();
}

void mm_update_bypass(void)
{
	pcp_update_bypass();
	slab_update_bypass();
}

unsigned long mm_idle_pages(void)
{
	return nr_free_pages() + mm_counter_read(MM_PAGETABLE);
}

static bool check_count_live(const struct slab_cache_info *info, void *ctx)
{
	*(unsigned long *)ctx += info->active_objs - info->cached_objs;
	return true;
}

unsigned long mm_live_objects(void)
{
	unsigned long live = 0;

	slab_for_each_cache(check_count_live, &live);
	return live;
}

struct mm_usage mm_settled_usage(void)
{
	mm_settle();
	return (struct mm_usage){
		.idle_pages = mm_idle_pages(),
		.slab_pages = mm_counter_read(MM_SLAB_RECLAIMABLE) + mm_counter_read(MM_SLAB_UNRECLAIMABLE),
		.live_objects = mm_live_objects(),
	};
}

unsigned long mm_lost_pages(const struct mm_usage *before, const struct mm_usage *after)
{
	unsigned long was = before->idle_pages, is = after->idle_pages;

	if (after->live_objects <= before->live_objects) {
		was += before->slab_pages;
		is += after->slab_pages;
	}
	return is < was ? was - is : 0;
}

bool mm_checks_quick;

unsigned mm_check_quick(unsigned *checks, void (*report)(const char *name, const char *what, void *ctx),
			void *ctx)
{
	unsigned failures;

	mm_checks_quick = true;
	failures = mm_check_all(checks, report, ctx);
	mm_checks_quick = false;
	return failures;
}

unsigned mm_check_all(unsigned *checks, void (*report)(const char *name, const char *what, void *ctx),
		      void *ctx)
{
	unsigned failures = 0;

	*checks = 0;
	smp_hold();
	for (unsigned rank = 0; rank < NR_CHECK_RANKS && !failures; rank++) {
		for (const struct mm_check *const *c = __start_mm_checks; c < __stop_mm_checks; c++) {
			const char *what = NULL;

			if ((*c)->rank != rank)
				continue;
			++*checks;
			what = (*c)->fn();
			if (!what)
				continue;
			failures++;
			report((*c)->name, what, ctx);
		}
	}
	smp_release();
	return failures;
}
