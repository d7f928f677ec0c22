#ifndef TESTS_CORRUPT_H
#define TESTS_CORRUPT_H

/*
 * The campaign of damaged metadata: what a structure consists of, where its live instances are, and which checks have to
 * speak when one is damaged. fields*.c say the first and the last, live.c finds the instances.
 */

#include <kernel/bits.h>
#include <kernel/types.h>

/* A piece of a structure. Larger than one element: an array of them. */
struct corrupt_field {
	const char *name;
	u32 offset, size; /* size 0: the whole instance, whose length is its own */
	u32 element;	  /* bytes that are damaged at once; 0: not drawn */
	bool unordered;	  /* two elements that change places mean the same */
	u64 alike_below;  /* two values below mean the same to every check */
	const char *why;  /* not drawn: why the field means nothing */
};

#define CORRUPT_SIZE(type, member) sizeof(((type *)NULL)->member)
#define CORRUPT_FIELD(type, member, bytes, ...)                                                        \
	{                                                                                              \
		.name = #member, .offset = offsetof(type, member), .size = CORRUPT_SIZE(type, member), \
		.element = (bytes), __VA_ARGS__                                                        \
	}
/* A number or a pointer; an array of elements of a type; what no check can tell. */
#define FIELD(type, member) CORRUPT_FIELD(type, member, CORRUPT_SIZE(type, member))
#define ARRAY(type, member, of) CORRUPT_FIELD(type, member, sizeof(of))
/* Values below a bound are as good as one another: a damage leads to, or from, one that is not. */
#define ABOVE(type, member, bound) \
	CORRUPT_FIELD(type, member, CORRUPT_SIZE(type, member), .alike_below = (bound))
#define NOTHING(type, member, reason) CORRUPT_FIELD(type, member, 0, .why = (reason))
/* An array without a length at the end of a structure: another view has it. */
#define FLEXIBLE(type, member, where)                                                         \
	{                                                                                     \
		.name = #member, .offset = offsetof(type, member), .size = 1, .why = (where), \
	}
/* Memory without a structure: so many elements as the instance has bytes for. */
#define WORDS(of)                                      \
	{                                              \
		.name = "word", .element = sizeof(of), \
	}
#define WORDS_UNORDERED(of)                                               \
	{                                                                 \
		.name = "word", .element = sizeof(of), .unordered = true, \
	}

struct corrupt_gather;

struct corrupt_view {
	const char *name;
	/* Words, by blanks: a check that names the structure begins its message with one, or has it as its name. */
	const char *checks;
	const char *type; /* of a structure: its tag */
	u32 size;
	const struct corrupt_field *field;
	unsigned nr_fields;
	void (*live)(struct corrupt_gather *g); /* calls corrupt_add() for each instance */
};

/* A structure of the type `struct tag`; memory without one. */
#define VIEW(view_name, view_checks, tag, fields, live_fn)                                              \
	{                                                                                               \
		.name = (view_name), .checks = (view_checks), .type = #tag, .size = sizeof(struct tag), \
		.field = (fields), .nr_fields = ARRAY_SIZE(fields), .live = (live_fn),                  \
	}
#define MEMORY(view_name, view_checks, fields, live_fn)                          \
	{                                                                        \
		.name = (view_name), .checks = (view_checks), .field = (fields), \
		.nr_fields = ARRAY_SIZE(fields), .live = (live_fn),              \
	}

/* Tables of fields_page.c, fields_slab.c and fields.c, each ended by one without a name. */
extern const struct corrupt_view corrupt_page_views[], corrupt_slab_views[], corrupt_other_views[];

/* An instance of the view in hand: bytes 0 means as many as its structure has. */
void corrupt_add(struct corrupt_gather *g, const void *at, unsigned long bytes);

/* load.c: caches of every kind, areas, blocks, lists that are neither empty nor full. True: all could be made. */
bool corrupt_load(u64 seed);
/* Puts the other CPUs to sleep and holds them: nothing changes from now on. */
void corrupt_freeze(void);

/* live.c */
void live_page_buddy(struct corrupt_gather *g);
void live_page_pcp(struct corrupt_gather *g);
void live_page_slab(struct corrupt_gather *g);
void live_page_slab_tail(struct corrupt_gather *g);
void live_page_vmalloc(struct corrupt_gather *g);
void live_page_table(struct corrupt_gather *g);
void live_page_kmalloc(struct corrupt_gather *g);
void live_page_allocated(struct corrupt_gather *g);
void live_page_reserved(struct corrupt_gather *g);
void live_page_interior(struct corrupt_gather *g);
void live_pageblock(struct corrupt_gather *g);
void live_zone(struct corrupt_gather *g);
void live_zone_lists(struct corrupt_gather *g);
void live_pcp(struct corrupt_gather *g);
void live_pcp_stack(struct corrupt_gather *g);
void live_pcp_entries(struct corrupt_gather *g);
void live_pcp_pointers(struct corrupt_gather *g);
void live_memblock_memory(struct corrupt_gather *g);
void live_memblock_reserved(struct corrupt_gather *g);
void live_memblock(struct corrupt_gather *g);
void live_pte(struct corrupt_gather *g);
void live_pte_hole(struct corrupt_gather *g);
void live_percpu_chunk(struct corrupt_gather *g);
void live_percpu_node(struct corrupt_gather *g);
void live_percpu_best(struct corrupt_gather *g);
void live_percpu_slot(struct corrupt_gather *g);
void live_area_free(struct corrupt_gather *g);
void live_area_busy(struct corrupt_gather *g);
void live_area_lazy(struct corrupt_gather *g);
void live_area_pages(struct corrupt_gather *g);
void live_shard(struct corrupt_gather *g);
void live_cache(struct corrupt_gather *g);
void live_cache_nodes(struct corrupt_gather *g);
void live_cache_node(struct corrupt_gather *g);
void live_cell(struct corrupt_gather *g);
void live_array(struct corrupt_gather *g);
void live_array_entries(struct corrupt_gather *g);
void live_shared(struct corrupt_gather *g);
void live_shared_entries(struct corrupt_gather *g);
void live_remote(struct corrupt_gather *g);
void live_remote_entries(struct corrupt_gather *g);
void live_slab_index(struct corrupt_gather *g);
void live_red_zone(struct corrupt_gather *g);
void live_free_red_zone(struct corrupt_gather *g);
void live_poison(struct corrupt_gather *g);
void live_kmalloc_table(struct corrupt_gather *g);
void live_node(struct corrupt_gather *g);
void live_zonelist(struct corrupt_gather *g);
void live_cpumask(struct corrupt_gather *g);
void live_cpu_to_node(struct corrupt_gather *g);
void live_percpu_offset(struct corrupt_gather *g);
void live_distance(struct corrupt_gather *g);
void live_rcu_cpu(struct corrupt_gather *g);
void live_rcu_last(struct corrupt_gather *g);
void live_rcu_head(struct corrupt_gather *g);
void live_cpu_state(struct corrupt_gather *g);
void live_mailbox(struct corrupt_gather *g);
void live_request(struct corrupt_gather *g);
void live_work_queue(struct corrupt_gather *g);
void live_work(struct corrupt_gather *g);
void live_lock(struct corrupt_gather *g);

#endif
