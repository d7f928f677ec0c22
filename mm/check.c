/*
 * check.c - runs the checks of all invariants.
 *
 * Idea.       Each layer lists its invariants in the head of its file and tests them in a check
 *             function. This file runs all checks: the test runner after every case, the shell on
 *             `verify`.
 * Layout.     MM_CHECK(name, fn) puts a pointer into section mm_checks; the linker collects them.
 *             Checks run by rank: the RAM, data that is fixed after boot, the page tables, then all
 *             data that these make reachable.
 * Invariants. A check changes nothing and reports the first broken invariant. It follows a pointer only
 *             if a check of a lower rank has accepted it, or after it has tested the pointer itself
 *             (check_walk.h).
 * Locking.    Each check takes the locks that its layer needs. Context: main loop. The other CPUs are
 *             held, so no operation is half done.
 * Failure.    mm_check_all() passes each failure to the caller.
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
	/*
	 * From the highest layer down: memory that a layer frees may stay in the lists of the layer
	 * below.
	 */
	quiet_drain();
	smp_settle();
	vm_unmap_aliases();
	slab_settle();
	/* Array bodies of other CPUs are freed after a grace period, which may leave empty slabs. */
	rcu_barrier();
	slab_settle();
	/* Slabs that are read under RCU are freed after a grace period. */
	rcu_barrier();
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
