/*
 * reclaim.c - memory that caches can free, and the main loop's part in keeping some free.
 *
 * Idea.       There is no page cache. Reclaim frees memory that other layers keep for speed, cheapest
 *             first. The page allocator reclaims only in requests that may wait.
 * Layout.     Order of one pass of direct reclaim:
 *
 *              per-CPU page lists -> shrinkers: vmalloc's lazy areas, slab arrays and empty slabs, then the rest
 *                                 -> RCU callbacks -> per-CPU page lists, to which the pages above were freed
 *
 *             The main loop (page_work_step) does this for a zone below its low mark and opens sections
 *             ahead of demand.
 * Invariants. R1  reclaim never runs inside reclaim, in an interrupt, or with a lock held
 *             R2  progress is an increase of free pages; objects freed and pages that lay on the CPUs'
 *                 lists before do not count
 *             R3  after direct reclaim no zone has a boost, so a request fails at the plain mark only
 *             R4  the list holds shrinkers
 * Locking.    Reclaim holds no lock while a shrinker runs. The slab shrinker only tries cache_list_lock, whose
 *             holder may be in reclaim. The list of shrinkers changes while the other CPUs are held
 *             (smp_hold).
 * Failure.    If nothing could be freed: false.
 * Source.     Linux mm/vmscan.c (kswapd, shrink_slab). The work of kswapd runs in the main loop, at quiescent
 *             points.
 * Next:       page_debug.c.
 */
#include <kernel/smp.h>
#include <kernel/work.h>
#include <mm/check.h>
#include <mm/check_walk.h>
#include <mm/internal.h>

enum { RCU_ROUNDS = 10000 };

static LIST_HEAD(shrinkers);
DEFINE_PER_CPU(bool, reclaiming);

void register_shrinker(struct shrinker *s)
{
	struct shrinker *next;

	smp_hold();
	list_for_each_entry (next, &shrinkers, link)
		if (next->rank < s->rank)
			break;
	list_add_tail(&s->link, &next->link);
	smp_release();
}

void unregister_shrinker(struct shrinker *s)
{
	smp_hold();
	list_del(&s->link);
	smp_release();
}

static void drain_cpu(void *ctx)
{
	(void)ctx;
	pcp_drain_local(NULL);
}

void drain_all_pages(void)
{
	smp_call_all(drain_cpu, NULL);
}

static void shrink_all(void)
{
	struct shrinker *s;

	list_for_each_entry (s, &shrinkers, link) {
		unsigned long n = s->count ? s->count() : ~0UL;

		if (n)
			s->scan(n);
	}
}

/* A boost requests one pass of reclaim. After that pass it must not make a request fail. */
static void drop_boosts(void)
{
	struct zone *zone;

	for_each_populated_zone (zone)
		if (READ_ONCE(zone->boost))
			WRITE_ONCE(zone->boost, 0);
}

/*
 * One pass of reclaim. Returns whether more pages are free than before. It runs in the middle of an
 * allocation, so its wait for a grace period is bounded: the CPU that the grace period needs may wait
 * for this one.
 */
bool reclaim_direct(void)
{
	unsigned long before;

	this_cpu(reclaiming) = true;
	drain_all_pages();
	before = nr_free_pages();
	shrink_all();
	rcu_help(RCU_ROUNDS);
	drain_all_pages();
	drop_boosts();
	this_cpu(reclaiming) = false;
	return nr_free_pages() > before;
}

bool reclaim_allowed(gfp_t gfp)
{
	return gfp_may_block(gfp) && !arch_irq_disabled() && !arch_in_interrupt() && !this_cpu(lock_depth) &&
	       !this_cpu(reclaiming);
}

/*
 * Returns whether a section should be opened ahead: the zone is in use, has less than OPEN_AHEAD_PAGES
 * or no order-10 block on its lists, and has unopened memory. Reads without the lock: a section too
 * many or too late is harmless.
 */
static bool wants_section(const struct zone *zone)
{
	unsigned long listed = READ_ONCE(zone->listed_pages);

	return READ_ONCE(zone->in_use) &&
	       (listed < OPEN_AHEAD_PAGES || !READ_ONCE(zone->free_area[MAX_ORDER].nr_free)) &&
	       listed < READ_ONCE(zone->free_pages) + READ_ONCE(zone->isolated_pages);
}

/*
 * Deferred work, at quiescent points: opens sections ahead of demand, and reclaims for zones below their
 * low marks.
 */
static bool page_work_step(void)
{
	struct zone *zone;
	bool more = false;

	for_each_populated_zone (zone) {
		if (wants_section(zone) && section_open_for(zone))
			more = true;
		/*
		 * A boost that is set after this exchange sets `wake` after it, so the next step
		 * handles it.
		 */
		if (READ_ONCE(zone->wake) && __atomic_exchange_n(&zone->wake, false, __ATOMIC_ACQ_REL)) {
			WRITE_ONCE(zone->boost, 0);
			if (READ_ONCE(zone->free_pages) <= zone->wmark[WMARK_HIGH] && !this_cpu(reclaiming))
				reclaim_direct();
		}
	}
	return more;
}

static struct work page_work = {.name = "pages", .step = page_work_step};

void reclaim_wake(struct zone *const *list)
{
	for (; *list; list++)
		WRITE_ONCE((*list)->wake, true);
	work_request(&page_work);
}

void reclaim_look(const struct zone *zone)
{
	if (READ_ONCE(zone->wake) || wants_section(zone))
		work_request(&page_work);
}

void reclaim_init(void)
{
	work_register(&page_work);
}

/* ---- check ---- */

enum { MAX_SHRINKERS = 1 << 10 };

/* R1 between operations, and R4. */
static const char *reclaim_check(void)
{
	const struct shrinker *s;
	struct check_walk w;
	unsigned cpu;

	for_each_online_cpu (cpu)
		if (*(const u8 *)per_cpu_ptr(&reclaiming, cpu))
			return "reclaim.R1: a CPU is in the middle of reclaim";
	check_for_each_entry (s, &w, &shrinkers, MAX_SHRINKERS, link)
		if ((s->count && !check_function(s->count)) || !check_function(s->scan))
			return "reclaim.R4: a shrinker's function pointer leads to no function";
	return w.wrong ? "reclaim.R4: the list of shrinkers is broken" : NULL;
}
MM_CHECK("reclaim", reclaim_check);
