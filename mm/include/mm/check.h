#ifndef MM_CHECK_H
#define MM_CHECK_H

#include <kernel/types.h>

/*
 * Every invariant of every allocator, now. Each layer registers its check; it returns NULL or what is wrong
 * (static or its own buffer). Context: main loop. The number of checks that ran goes to *checks.
 *
 * A check relies on what checks of lower ranks have found sound: it follows their pointers without a further look. So
 * after a failure no check of a higher rank runs. How a check looks at what may be damaged: <mm/check_walk.h>.
 */
typedef const char *(*mm_check_fn)(void);
enum mm_check_rank {
	CHECK_RANK_MEMORY,   /* memblock: which addresses are RAM */
	CHECK_RANK_LAYOUT,   /* nodes, zones: fixed after boot, but for counts */
	CHECK_RANK_SECTIONS, /* which frames have a struct page */
	CHECK_RANK_TABLES,   /* page tables: which addresses can be touched */
	CHECK_RANK_LISTS,    /* lists, stacks, trees of frames and areas: the census follows them */
	CHECK_RANK_REST,
	NR_CHECK_RANKS
};
struct mm_check {
	const char *name;
	mm_check_fn fn;
	enum mm_check_rank rank;
};
#define MM_CHECK_RANKED(check_name, check_fn, check_rank)                                      \
	static const struct mm_check mm_check_##check_fn = {check_name, check_fn, check_rank}; \
	static const struct mm_check *const mm_check_ptr_##check_fn                            \
		__attribute__((section("mm_checks"), used)) = &mm_check_##check_fn
#define MM_CHECK(check_name, check_fn) MM_CHECK_RANKED(check_name, check_fn, CHECK_RANK_REST)

extern const struct mm_check *const __start_mm_checks[], *const __stop_mm_checks[];

/*
 * Deferred work is done, per-CPU lists and arrays are emptied, empty slabs and lazily freed areas given back:
 * what is allocated afterwards is in use. Context: main loop.
 */
void mm_settle(void);
/*
 * Per-CPU lists and arrays go off where failures are injected, so that every call asks, and on again. Follows each change
 * of an attribute or sweep of <kernel/fault.h>. Context: main loop.
 */
void mm_update_bypass(void);
/*
 * Pages that are free or hold page tables: kernel tables stay once they are built, so a table more is not a page
 * lost. After mm_settle() only allocations that live on can have made it smaller.
 */
unsigned long mm_idle_pages(void);
/* Objects of all caches that somebody holds. The same holds for them: only what lives on can have added one. */
unsigned long mm_live_objects(void);

/* What is held once everything has settled (mm_settle() runs first). Pages, objects. Context: main loop. */
struct mm_usage {
	unsigned long idle_pages, slab_pages, live_objects;
};
struct mm_usage mm_settled_usage(void);
/*
 * Pages that were given back at `before` and are not at `after`. As many objects as before may lie in more slabs (a free
 * range of addresses is described by another object now), so without more objects the slabs' pages count as given back.
 */
unsigned long mm_lost_pages(const struct mm_usage *before, const struct mm_usage *after);

/* Calls report(name, what, ctx) for each failure. Returns the number of failures. */
unsigned mm_check_all(unsigned *checks, void (*report)(const char *name, const char *what, void *ctx),
		      void *ctx);
/*
 * As mm_check_all(), but the census visits the first frame of each block and of each reserved range only. It leaves out the
 * tail pages and the frames of holes. The test runner calls it after each case. `verify`, the end of a suite and stress call
 * mm_check_all().
 */
unsigned mm_check_quick(unsigned *checks, void (*report)(const char *name, const char *what, void *ctx),
			void *ctx);
/* True while mm_check_quick() runs. */
extern bool mm_checks_quick;

#endif
