/*
 * page_debug.c - debugging of blocks that are allocated and freed: zeroing, poison, owners.
 *
 * Idea.       page_alloc.c calls one hook for each block that is allocated and one for each block that
 *             is freed. While an option is on, the per-CPU lists are off, so every call passes the
 *             hooks. The fast paths need no test.
 * Layout.     page_poison=: free pages hold 0xaa. init_on_alloc=, init_on_free=: zero. page_owner=:
 *             struct page_ext.
 * Invariants. D1  page_poison=on: a free block of the direct map holds PAGE_POISON in every byte
 *             D2  page_owner=on: an allocated block's page_ext names its allocator
 * Locking.    The block belongs to the caller, so no lock is needed.
 * Failure.    If a free page was written to, its next allocation is a BUG that prints the changed
 *             range.
 * Source.     Linux mm/page_poison.c, mm/page_owner.c; order of the hooks: mm/page_alloc.c
 *             (free_pages_prepare, post_alloc_hook). With page_poison=on, init_on_free= has no effect.
 * Next:       slab.c.
 */
#include <arch/string.h>
#include <kernel/bug.h>
#include <kernel/cmdline.h>
#include <kernel/string.h>
#include <mm/internal.h>

bool opt_page_poison, opt_init_on_alloc, opt_init_on_free, opt_page_owner;

bool page_debugging; /* at least one of the options is on */

/* ---- options ---- */

static int set_option(const char *value, bool *option)
{
	int err = cmdline_bool(value, option);

	page_debugging |= *option;
	return err;
}

static int set_page_poison(const char *value)
{
	return set_option(value, &opt_page_poison);
}
CMDLINE_OPT("page_poison", "on or off", set_page_poison);

static int set_init_on_alloc(const char *value)
{
	return set_option(value, &opt_init_on_alloc);
}
CMDLINE_OPT("init_on_alloc", "on or off", set_init_on_alloc);

static int set_init_on_free(const char *value)
{
	return set_option(value, &opt_init_on_free);
}
CMDLINE_OPT("init_on_free", "on or off", set_init_on_free);

static int set_page_owner_option(const char *value)
{
	return set_option(value, &opt_page_owner);
}
CMDLINE_OPT("page_owner", "on or off", set_page_owner_option);

/* ---- contents of whole blocks ---- */

static __noinline void clear_highmem(struct page *page, unsigned order)
{
	for (unsigned long i = 0; i < 1UL << order; i++) {
		void *p = kmap_local_page(page + i);

		memset(p, 0, PAGE_SIZE);
		kunmap_local(p);
	}
}

void page_clear_block(struct page *page, unsigned order)
{
	void *p = page_address(page);

	if (likely(p))
		arch_fill_words(p, 0, PAGE_SIZE / sizeof(u64) << order);
	else
		clear_highmem(page, order);
}

/* BUG if a byte of the block is not PAGE_POISON. Reports a single flipped bit as such. */
static void check_poison(const struct page *page, unsigned order)
{
	const u8 *p = page_address(page);
	size_t size = PAGE_SIZE << order, first = 0, last = size;

	if (!p)
		return;
	san_reveal(p, size);
	while (first < size && p[first] == PAGE_POISON)
		first++;
	if (first == size)
		return;
	while (p[last - 1] == PAGE_POISON)
		last--;
	page_dump(page, "free page changed");
	BUG("page poison: %s at pfn 0x%lx, bytes 0x%zx to 0x%zx are not 0x%x (first is 0x%x)",
	    first + 1 == last && is_pow2(p[first] ^ PAGE_POISON) ? "single bit error" : "memory corruption",
	    page_to_pfn(page), first, last - 1, PAGE_POISON, p[first]);
}

static void poison(struct page *page, unsigned order)
{
	void *p = page_address(page);

	if (p)
		memset(p, PAGE_POISON, PAGE_SIZE << order);
}

/* ---- owners ---- */

unsigned long page_owner_caller(const struct page *head)
{
	const struct page_ext *ext = page_ext(head);

	return ext ? ext->alloc_caller : 0;
}

void page_set_owner(struct page *head, unsigned long caller, gfp_t gfp)
{
	struct page_ext *ext = page_ext(head);

	if (!ext)
		return;
	ext->alloc_caller = caller;
	ext->gfp = gfp;
	ext->order = page_order(head);
}

void page_copy_owner(struct page *page, const struct page *from)
{
	struct page_ext *ext = page_ext(page);

	if (ext && page != from)
		*ext = *page_ext(from);
	if (ext)
		ext->order = page_order(page);
}

/* ---- the hooks of page_alloc.c ---- */

/*
 * Checks the poison and stores the owner of a new block. Returns gfp with the bits that the options
 * add.
 */
static __noinline gfp_t debug_new(struct page *page, gfp_t gfp, unsigned order, unsigned long caller)
{
	if (opt_page_poison)
		check_poison(page, order);
	page_set_owner(page, caller, gfp);
	return opt_init_on_alloc ? gfp | __GFP_ZERO : gfp;
}

struct page *page_prepare_new(struct page *page, gfp_t gfp, unsigned order, unsigned long caller)
{
	if (unlikely(page_debug_enabled()))
		gfp = debug_new(page, gfp, order, caller);
	if (gfp & __GFP_COMP)
		UPDATE_ONCE(page->flags, |=, PG_comp);
	if (gfp & __GFP_ZERO)
		page_clear_block(page, order);
	return page;
}

void page_prepare_free(struct page *page, unsigned order, unsigned long caller)
{
	struct page_ext *ext = page_ext(page);

	if (ext)
		ext->free_caller = caller;
	if (opt_page_poison)
		poison(page, order);
	else if (opt_init_on_free)
		page_clear_block(page, order);
}
