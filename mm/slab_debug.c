/*
 * slab_debug.c - detects misuse of objects and reports its kind.
 *
 * Idea.       Most errors with objects are of six kinds: freed twice, freed into the wrong cache, freed
 *             by an interior pointer, written past the end, before the start, or after the free. Each
 *             leaves a trace that differs from the others, so the report names the kind.
 * Layout.     A slot of a cache with red zones, poison and owners:
 *
 *             | left zone: align bytes | object_size bytes | right zone: to 8, and 8 | alloc, free caller |
 *             ^ slot                   ^ object
 *
 *             Both zones repeat one 8-byte word: ZONE_FREE while the object is free, ZONE_LIVE while it
 *             is allocated. The object is filled with 0x6b .. 0xa5 while it is free, and with 0x5a ..
 *             0xa5 when it is allocated.
 * Invariants. D1  both zones of an object hold the same word, and it tells whether the object is free
 *             D2  a free object of a poisoned cache holds the free pattern
 * Locking.    An allocated object and its zones belong to its owner. list_lock is taken to read a
 *             slab's index.
 * Failure.    Misuse is a BUG, after object, slab, callers and the damaged lines were printed.
 * Next:       tlb.c. slab_check.c checks all objects.
 *
 * Not Linux: a debugged cache has no arrays, so a free is checked against the slab's index at once. Red
 * zones are kept with any alignment: the left one is as wide as the alignment.
 */
#include "slab_internal.h"

#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/string.h>
#include <mm/kmalloc.h>
#include <mm/vmalloc.h>

#include "internal.h"

#define ZONE_FREE 0x09f911029d74e35bUL
#define ZONE_LIVE 0xd84156c5635688c0UL

enum {
	POISON_INUSE = 0x5a,
	POISON_FREE = 0x6b,
	POISON_END = 0xa5,
	DUMP_LINE = 16,
	DUMP_LINES_MAX = 6,
	REPORT_LIVE_MAX = 8,
};

/* ---- slab_debug= ---- */

static unsigned option_flags;
static char option_caches[128]; /* patterns separated by commas; empty: all caches */

static int set_slab_debug(const char *value)
{
	static const char letters[] = "FZPU";
	static const unsigned bits[] = {SLAB_CONSISTENCY_CHECKS, SLAB_RED_ZONE, SLAB_POISON, SLAB_STORE_USER};
	unsigned flags = 0;
	const char *p = value ? value : "";

	for (; *p && *p != ','; p++) {
		const char *letter = strchr(letters, *p >= 'a' && *p <= 'z' ? *p - 'a' + 'A' : *p);

		if (*p == '-')
			continue;
		if (!letter)
			return -EINVAL;
		flags |= bits[letter - letters];
	}
	if (p == (value ? value : "")) /* no letters: all of them */
		flags = SLAB_DEBUG_FLAGS;
	if (*p == ',')
		p++;
	if (strlen(p) >= sizeof(option_caches))
		return -EINVAL;
	strlcpy(option_caches, p, sizeof(option_caches));
	option_flags = flags;
	return 0;
}
CMDLINE_OPT("slab_debug", "letters of FZPU or -, then cache names, by commas", set_slab_debug);

unsigned slab_debug_flags(const char *name)
{
	const char *p = option_caches;

	if (!*p)
		return option_flags;
	while (*p) {
		const char *end = strchr(p, ',');
		size_t len = end ? (size_t)(end - p) : strlen(p);
		char pattern[sizeof(option_caches)];

		memcpy(pattern, p, len);
		pattern[len] = '\0';
		if (glob_match(pattern, name))
			return option_flags;
		p += len + (end != NULL);
	}
	return 0;
}

/* ---- layout of a slot ---- */

static u8 *left_zone(const struct kmem_cache *s, const void *obj)
{
	return (u8 *)obj - s->obj_offset;
}

static u8 *right_zone(const struct kmem_cache *s, const void *obj)
{
	return (u8 *)obj + s->object_size;
}

static u8 *right_zone_end(const struct kmem_cache *s, const void *obj)
{
	return (u8 *)obj + ALIGN_UP(s->object_size, 8u) + sizeof(u64);
}

/* Callers of the last allocation [0] and of the last free [1]. */
static unsigned long *owner_words(const struct kmem_cache *s, const void *obj)
{
	u8 *end = (u8 *)obj + ALIGN_UP(s->object_size, 8u);

	return (unsigned long *)(s->flags & SLAB_RED_ZONE ? right_zone_end(s, obj) : end);
}

static unsigned long owner_word(const struct kmem_cache *s, const void *obj, unsigned i)
{
	const unsigned long *word = owner_words(s, obj) + i;
	unsigned long caller;

	if (!(s->flags & SLAB_STORE_USER))
		return 0;
	san_reveal(word, sizeof(*word));
	caller = *word;
	if (slab_marks(s))
		san_free(word, sizeof(*word));
	return caller;
}

unsigned long slab_alloc_caller(const struct kmem_cache *s, const void *obj)
{
	return owner_word(s, obj, 0);
}

unsigned long slab_free_caller(const struct kmem_cache *s, const void *obj)
{
	return owner_word(s, obj, 1);
}

/* ---- sanitizer marks ---- */

/*
 * Opens all of a slot, so that this file can read and write it. slot_close() marks it as free;
 * slab_mark_live() follows for an allocated object.
 */
static void slot_open(const struct kmem_cache *s, const void *obj)
{
	san_reveal((const char *)obj - s->obj_offset, s->size);
}

static void slot_close(const struct kmem_cache *s, const void *obj)
{
	if (slab_marks(s))
		san_free((const char *)obj - s->obj_offset, s->size);
}

/* ---- zones ---- */

/* Byte at address p of memory that repeats `word` at every multiple of 8. */
static u8 zone_byte(const u8 *p, u64 word)
{
	return (u8)(word >> ((unsigned long)p % 8 * 8));
}

/* Returns the first byte of [p, end) that differs from the repeated word, NULL if none does. */
static const u8 *zone_damage(const u8 *p, const u8 *end, u64 word)
{
	for (; p < end; p++)
		if (*p != zone_byte(p, word))
			return p;
	return NULL;
}

static void zone_fill(u8 *p, const u8 *end, u64 word)
{
	for (; p < end; p++)
		*p = zone_byte(p, word);
}

static void zones_set(const struct kmem_cache *s, void *obj, u64 word)
{
	if (!(s->flags & SLAB_RED_ZONE))
		return;
	zone_fill(left_zone(s, obj), obj, word);
	zone_fill(right_zone(s, obj), right_zone_end(s, obj), word);
}

/* Returns the first byte of a zone that differs from the word, NULL if none does. */
static const u8 *zones_damage(const struct kmem_cache *s, const void *obj, u64 word)
{
	const u8 *damage;

	if (!(s->flags & SLAB_RED_ZONE))
		return NULL;
	damage = zone_damage(left_zone(s, obj), obj, word);
	return damage ? damage : zone_damage(right_zone(s, obj), right_zone_end(s, obj), word);
}

/* ---- poison ---- */

static void poison_fill(const struct kmem_cache *s, void *obj, u8 byte)
{
	if (!(s->flags & SLAB_POISON))
		return;
	memset(obj, byte, s->object_size);
	((u8 *)obj)[s->object_size - 1] = POISON_END;
}

/* Returns the first byte that differs from the pattern of a free object, NULL if none does. */
static const u8 *poison_damage(const struct kmem_cache *s, const void *obj)
{
	const u8 *p = obj, *last = p + s->object_size - 1;

	if (!(s->flags & SLAB_POISON))
		return NULL;
	for (; p < last; p++)
		if (*p != POISON_FREE)
			return p;
	return *p == POISON_END ? NULL : p;
}

/*
 * Sanitizer marks cover 8 bytes each: the last bytes of an allocated object may share theirs with its
 * right zone.
 */
bool slab_debug_zones_hold(const struct kmem_cache *s, const void *obj, bool live)
{
	const u8 *left = left_zone(s, obj), *end = right_zone_end(s, obj);
	const u8 *right = (const u8 *)obj + ALIGN_DOWN(s->object_size, 8u);
	bool whole;

	san_reveal(left, s->obj_offset);
	san_reveal(right, (unsigned long)(end - right));
	whole = !zones_damage(s, obj, live ? ZONE_LIVE : ZONE_FREE);
	if (!slab_marks(s))
		return whole;
	san_free(left, s->obj_offset);
	san_free(right, (unsigned long)(end - right));
	if (live)
		san_reveal(right, s->object_size % 8);
	return whole;
}

bool slab_debug_poison_holds(const struct kmem_cache *s, const void *obj)
{
	bool whole;

	slot_open(s, obj);
	whole = !poison_damage(s, obj);
	slot_close(s, obj);
	return whole;
}

/* ---- reports ---- */

static void dump_line(const u8 *line, const u8 *base)
{
	char text[3 * DUMP_LINE + 1];

	/* The line may belong to any slot; the report panics afterwards. */
	san_reveal(line, DUMP_LINE);
	for (unsigned i = 0; i < DUMP_LINE; i++)
		snprintf(text + 3 * i, 4, " %02x", line[i]);
	pr_err("slab:   %s%03lx:%s\n", line < base ? "-" : "",
	       (unsigned long)(line < base ? base - line : line - base), text);
}

/* Prints the lines of the slot from the first damaged byte on, at most DUMP_LINES_MAX. */
static void dump_damage(const struct kmem_cache *s, const void *obj, const u8 *first)
{
	const u8 *end = (const u8 *)obj + s->size - s->obj_offset;
	const u8 *line = (const u8 *)ALIGN_DOWN((unsigned long)first, (unsigned long)DUMP_LINE);

	pr_err("slab:   damage begins at offset %ld of the object; lines by offset:\n",
	       (long)(first - (const u8 *)obj));
	for (unsigned i = 0; i < DUMP_LINES_MAX && line < end; i++, line += DUMP_LINE)
		dump_line(line, obj);
}

static void describe_slab(const struct kmem_cache *s, const void *obj)
{
	const struct page *page = slab_head(s, obj);
	unsigned long offset = (unsigned long)((const char *)obj - (const char *)page->s_mem);
	unsigned index = slab_index(s, offset);
	const void *start;

	pr_err("slab: cache %s: slab of pfn 0x%lx, node %d, objects at 0x%016lx, %u of %u in use\n", s->name,
	       page_to_pfn(page), page->slab_node->nid, (unsigned long)page->s_mem, page->inuse, page->num);
	if ((const char *)obj < (const char *)page->s_mem || index >= s->num) {
		pr_err("slab: 0x%016lx lies outside of its objects\n", (unsigned long)obj);
		return;
	}
	start = slab_object(s, page, index);
	pr_err("slab: 0x%016lx is at offset %ld of object %u (0x%016lx, %u bytes)\n", (unsigned long)obj,
	       (long)((const char *)obj - (const char *)start), index, (unsigned long)start, s->object_size);
	if (slab_alloc_caller(s, start))
		pr_err("slab: last allocated by %pS\n", (void *)slab_alloc_caller(s, start));
	if (slab_free_caller(s, start))
		pr_err("slab: last freed by %pS\n", (void *)slab_free_caller(s, start));
}

static void __noreturn __cold report(const struct kmem_cache *s, const void *obj, unsigned long caller,
				     const char *problem, const u8 *damage)
{
	describe_slab(s, obj);
	if (damage)
		dump_damage(s, obj, damage);
	if (caller)
		BUG("%s: object 0x%016lx of cache %s, in a call from %pS", problem, (unsigned long)obj,
		    s->name, (void *)caller);
	BUG("%s: object 0x%016lx of cache %s", problem, (unsigned long)obj, s->name);
}

void slab_bug(const struct kmem_cache *s, const void *obj, unsigned long caller, const char *problem)
{
	report(s, obj, caller, problem, NULL);
}

static void __noreturn __cold bug_not_slab(const struct kmem_cache *s, const void *obj, unsigned long caller)
{
	static const char *const states[] = {"a hole", "a free page", "a free page", "an allocated page"};
	const char *name = s ? s->name : "kfree";
	const struct page *head;
	char what[96] = "not the address of a kernel object";
	unsigned long offset, size;

	if (is_vmalloc_addr(obj)) {
		vmalloc_describe((vaddr_t)obj, what, sizeof(what));
	} else if (ksym_lookup((unsigned long)obj, &offset, &size)) {
		snprintf(what, sizeof(what), "%pS, part of the image", obj);
	} else if (virt_addr_valid(obj)) {
		head = page_head(virt_to_page(obj));
		snprintf(what, sizeof(what), "in %s (pfn 0x%lx, order %u), not in a slab",
			 states[head ? page_state(head) : PAGE_INTERIOR],
			 page_to_pfn(head ? head : virt_to_page(obj)), head ? page_order(head) : 0);
	}
	BUG("bad free (%s): 0x%016lx is %s; in a call from %pS", name, (unsigned long)obj, what,
	    (void *)caller);
}

struct page *slab_page_or_bug(const struct kmem_cache *s, const void *obj, unsigned long caller)
{
	struct page *page = virt_to_page(obj);

	if (!slab_has_page(obj) || !(page->flags & PG_slab))
		bug_not_slab(s, obj, caller);
	if (unlikely(s && page->slab_node->cache != s)) {
		describe_slab(page->slab_node->cache, obj);
		BUG("wrong cache: object 0x%016lx of cache %s freed into %s, in a call from %pS",
		    (unsigned long)obj, page->slab_node->cache->name, s->name, (void *)caller);
	}
	return page;
}

/* ---- hooks of a debugged cache ---- */

void slab_debug_init_slab(struct kmem_cache *s, struct page *page)
{
	for (unsigned i = 0; i < s->num; i++) {
		void *obj = slab_object(s, page, i);

		poison_fill(s, obj, POISON_FREE);
		zones_set(s, obj, ZONE_FREE);
		if (s->flags & SLAB_STORE_USER)
			memset(owner_words(s, obj), 0, 2 * sizeof(unsigned long));
	}
}

void slab_debug_alloc(struct kmem_cache *s, void *obj, unsigned long caller)
{
	const u8 *damage;

	slot_open(s, obj);
	damage = poison_damage(s, obj);
	if (damage || (damage = zones_damage(s, obj, ZONE_FREE)))
		report(s, obj, caller, "write after free", damage);
	zones_set(s, obj, ZONE_LIVE);
	poison_fill(s, obj, POISON_INUSE);
	if (s->flags & SLAB_STORE_USER)
		owner_words(s, obj)[0] = caller;
	/* The pattern has overwritten the constructed state. */
	if ((s->flags & SLAB_POISON) && s->ctor)
		s->ctor(obj);
	slot_close(s, obj);
}

bool slab_index_is_free(const struct page *page, unsigned index)
{
	const slab_index_t *idx = page->freelist;
	bool found = false;

	slab_open_index(page);
	for (unsigned i = page->inuse; i < page->num && !found; i++)
		found = idx[i] == index;
	slab_close_index(page->slab_node->cache, page);
	return found;
}

void slab_debug_free(struct kmem_cache *s, void *obj, unsigned long caller)
{
	struct page *page = slab_head(s, obj);
	struct kmem_cache_node *n = page->slab_node;
	unsigned long offset = (unsigned long)((char *)obj - (char *)page->s_mem) - s->obj_offset;
	unsigned index = slab_index(s, offset);
	const u8 *damage;
	unsigned long flags;
	bool is_free;

	if (index >= s->num || (unsigned long)index * s->size != offset)
		report(s, obj, caller, "free of an interior pointer", NULL);
	flags = spin_lock_irqsave(&n->list_lock);
	is_free = slab_index_is_free(page, index);
	spin_unlock_irqrestore(&n->list_lock, flags);
	if (is_free)
		report(s, obj, caller, "double free", NULL);
	slot_open(s, obj);
	damage = zones_damage(s, obj, ZONE_LIVE);
	if (damage)
		report(s, obj, caller, damage < (u8 *)obj ? "underrun" : "overrun", damage);
	zones_set(s, obj, ZONE_FREE);
	poison_fill(s, obj, POISON_FREE);
	if (s->flags & SLAB_STORE_USER)
		owner_words(s, obj)[1] = caller;
	slot_close(s, obj);
}

void slab_debug_sweep(struct kmem_cache *s, struct page *page)
{
	for (unsigned i = 0; i < s->num; i++) {
		void *obj = slab_object(s, page, i);
		const u8 *damage;

		slot_open(s, obj);
		damage = poison_damage(s, obj);
		if (damage || (damage = zones_damage(s, obj, ZONE_FREE)))
			report(s, obj, 0, "write after free", damage);
	}
}

/* ---- allocated objects ---- */

static unsigned report_slab_live(const struct kmem_cache *s, const struct page *page, unsigned max)
{
	unsigned nr = 0;

	for (unsigned i = 0; i < s->num && nr < max; i++) {
		const void *obj = slab_object(s, page, i);

		if (page->inuse < page->num && slab_index_is_free(page, i))
			continue;
		nr++;
		if (s->flags & SLAB_STORE_USER)
			pr_err("slab:   object 0x%016lx, allocated by %pS\n", (unsigned long)obj,
			       (void *)slab_alloc_caller(s, obj));
		else
			pr_err("slab:   object 0x%016lx\n", (unsigned long)obj);
	}
	return nr;
}

void slab_report_live(const struct kmem_cache *s)
{
	unsigned long live = 0;
	unsigned shown = 0;
	struct kmem_cache_node *n;
	const struct page *page;

	for_each_cache_node (s, n) {
		unsigned long flags = spin_lock_irqsave(&n->list_lock);

		live += n->total_slabs * s->num - n->free_objects;
		list_for_each_entry (page, &n->slabs_full, lru)
			shown += report_slab_live(s, page, REPORT_LIVE_MAX - shown);
		list_for_each_entry (page, &n->slabs_partial, lru)
			shown += report_slab_live(s, page, REPORT_LIVE_MAX - shown);
		spin_unlock_irqrestore(&n->list_lock, flags);
	}
	pr_err("slab: cache %s: %lu live objects, %u shown\n", s->name, live, shown);
}
