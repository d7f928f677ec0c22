/*
 * fields_slab.c - what caches, their nodes and arrays consist of, and what surrounds objects.
 *
 * Idea.       As fields_page.c.
 * Layout.     corrupt_slab_views[], from the cache down to the bytes of an object.
 * Invariants. Each byte of a structure is in its table, or padding (tools/corrupt asks the compiler).
 * Locking.    None: constants.
 * Failure.    None.
 * Next:       fields.c.
 */
#include "corrupt.h"

#include "../../mm/slab_internal.h"

#define STATISTIC "a statistic"
#define REPORTED "text or address for reports"

/* What the flag decides is decided already, when the cache is made. */
#define CREATION_FLAGS (SLAB_PANIC | SLAB_NOLEAKTRACE | SLAB_NO_USER_FLAGS)

static const struct corrupt_field cache[] = {
	FIELD(struct kmem_cache, cpu),
	FIELD(struct kmem_cache, size),
	FIELD(struct kmem_cache, object_size),
	FIELD(struct kmem_cache, obj_offset),
	FIELD(struct kmem_cache, align),
	FIELD(struct kmem_cache, reciprocal),
	FIELD(struct kmem_cache, flags),
	FIELD(struct kmem_cache, span),
	FIELD(struct kmem_cache, num),
	FIELD(struct kmem_cache, order),
	FIELD(struct kmem_cache, colour),
	FIELD(struct kmem_cache, colour_off),
	FIELD(struct kmem_cache, left_over),
	FIELD(struct kmem_cache, allocflags),
	FIELD(struct kmem_cache, ctor),
	FIELD(struct kmem_cache, limit),
	FIELD(struct kmem_cache, batchcount),
	FIELD(struct kmem_cache, shared),
	NOTHING(struct kmem_cache, name, REPORTED),
	FIELD(struct kmem_cache, seal),
	ARRAY(struct kmem_cache, list, void *),
	FLEXIBLE(struct kmem_cache, node, "see kmem_cache.node"),
};

static const struct corrupt_field cache_node[] = {
	FIELD(struct kmem_cache_node, cache),
	FIELD(struct kmem_cache_node, cpu),
	FIELD(struct kmem_cache_node, nid),
	FIELD(struct kmem_cache_node, free_limit),
	NOTHING(struct kmem_cache_node, colour_next, "any number is a place to go on counting from"),
	FIELD(struct kmem_cache_node, list_lock.next),
	FIELD(struct kmem_cache_node, list_lock.owner),
	FIELD(struct kmem_cache_node, list_lock.rank),
	FIELD(struct kmem_cache_node, list_lock.sub),
	FIELD(struct kmem_cache_node, list_lock.cpu),
	NOTHING(struct kmem_cache_node, list_lock.name, REPORTED),
	NOTHING(struct kmem_cache_node, list_lock.waits, STATISTIC),
	ARRAY(struct kmem_cache_node, slabs_partial, void *),
	ARRAY(struct kmem_cache_node, slabs_full, void *),
	ARRAY(struct kmem_cache_node, slabs_free, void *),
	FIELD(struct kmem_cache_node, total_slabs),
	FIELD(struct kmem_cache_node, free_slabs),
	FIELD(struct kmem_cache_node, free_objects),
	FIELD(struct kmem_cache_node, shared),
	NOTHING(struct kmem_cache_node, free_touched, "a hint: empty slabs go sooner or later"),
	NOTHING(struct kmem_cache_node, next_reap_ns, "a hint: when the reaper looks again"),
	FIELD(struct kmem_cache_node, grown),
	FIELD(struct kmem_cache_node, reaped),
	FIELD(struct kmem_cache_node, shared_avail),
	FIELD(struct kmem_cache_node, seal),
};

static const struct corrupt_field array[] = {
	FIELD(struct array_cache, node),
	FIELD(struct array_cache, batchcount),
	NOTHING(struct array_cache, touched, "a hint: the array is trimmed sooner or later"),
	FIELD(struct array_cache, stack.avail),
	FIELD(struct array_cache, stack.limit),
	FLEXIBLE(struct array_cache, stack.entry, "see array_cache.entry and shared.entry"),
};

static const struct corrupt_field remote[] = {
	FIELD(struct remote_stack, avail),
	FIELD(struct remote_stack, again),
	NOTHING(struct remote_stack, entry, "see remote.entry: above avail it says nothing"),
};

static const struct corrupt_field words[] = {WORDS(u64)};
static const struct corrupt_field unordered_words[] = {WORDS_UNORDERED(u64)};
static const struct corrupt_field indices[] = {WORDS_UNORDERED(slab_index_t)};
static const struct corrupt_field bytes[] = {WORDS(u8)};

const struct corrupt_view corrupt_slab_views[] = {
	VIEW("kmem_cache", "slab slab_cache", kmem_cache, cache, live_cache),
	MEMORY("kmem_cache.node", "slab slab_cache", words, live_cache_nodes),
	VIEW("kmem_cache_node", "slab slab_cache lock", kmem_cache_node, cache_node, live_cache_node),
	MEMORY("kmem_cache.cell", "slab slab_cpu", unordered_words, live_cell),
	VIEW("array_cache", "slab slab_cpu", array_cache, array, live_array),
	MEMORY("array_cache.entry", "slab slab_cpu", unordered_words, live_array_entries),
	VIEW("shared", "slab slab_cpu", array_cache, array, live_shared),
	MEMORY("shared.entry", "slab slab_cpu", unordered_words, live_shared_entries),
	VIEW("remote", "slab slab_cpu", remote_stack, remote, live_remote),
	MEMORY("remote.entry", "slab slab_cpu", unordered_words, live_remote_entries),
	MEMORY("slab.index", "slab", indices, live_slab_index),
	MEMORY("object.live_zone", "slab slab_debug", bytes, live_red_zone),
	MEMORY("object.free_zone", "slab slab_debug", bytes, live_free_red_zone),
	MEMORY("object.poison", "slab slab_debug", bytes, live_poison),
	MEMORY("kmalloc_caches", "kmalloc slab", words, live_kmalloc_table),
	{},
};
