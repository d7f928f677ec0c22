/*
 * fields_page.c - what struct page, zones, per-CPU page lists, page tables, boot ranges and areas consist of.
 *
 * Idea.       One table for each use that memory of one type has: what a member means depends on whose page it is.
 * Layout.     corrupt_page_views[], by layer.
 * Invariants. Each byte of a structure is in its table, or padding (tools/corrupt asks the compiler).
 * Locking.    None: constants.
 * Failure.    None.
 * Next:       fields_slab.c.
 */
#include "corrupt.h"

#include "../../mm/percpu_map.h"
#include "../../mm/vmap_internal.h"

#include <mm/internal.h>
#include <mm/memblock.h>
#include <mm/page.h>

#define OWNERS "the owner's, the page layers do not look at it"
#define STALE "says nothing in this state"
#define NO_MAPS "nothing counts mappings"
#define STATISTIC "a statistic"
#define REPORTED "text or address for reports"

/* The pageblock's type has a view of its own: it belongs to whatever block the page is in. */
#define BLOCK_TYPE NOTHING(struct page, block_type, "the pageblock's, see page.pageblock")
#define SLAB_PARTS                                                                 \
	NOTHING(struct page, s_mem, STALE), NOTHING(struct page, freelist, STALE), \
		NOTHING(struct page, inuse, STALE), NOTHING(struct page, num, STALE)
#define UNUSED                                                                                          \
	NOTHING(struct page, slab_flags, "not in use"), NOTHING(struct page, slab_order, "not in use"), \
		NOTHING(struct page, mapcount, NO_MAPS)

static const struct corrupt_field page_buddy[] = {
	FIELD(struct page, flags),
	ARRAY(struct page, lru, void *),
	NOTHING(struct page, private, STALE),
	FIELD(struct page, refcount),
	BLOCK_TYPE,
	SLAB_PARTS,
	UNUSED,
};

static const struct corrupt_field page_pcp[] = {
	FIELD(struct page, flags),
	NOTHING(struct page, lru, STALE),
	NOTHING(struct page, private, STALE),
	FIELD(struct page, refcount),
	BLOCK_TYPE,
	SLAB_PARTS,
	UNUSED,
};

static const struct corrupt_field page_slab[] = {
	FIELD(struct page, flags),
	ARRAY(struct page, lru, void *),
	FIELD(struct page, slab_node),
	FIELD(struct page, s_mem),
	FIELD(struct page, freelist),
	FIELD(struct page, inuse),
	FIELD(struct page, num),
	FIELD(struct page, refcount),
	BLOCK_TYPE,
	UNUSED,
};

static const struct corrupt_field page_slab_tail[] = {
	FIELD(struct page, flags),
	NOTHING(struct page, lru, STALE),
	FIELD(struct page, slab_node),
	NOTHING(struct page, refcount, STALE),
	BLOCK_TYPE,
	SLAB_PARTS,
	UNUSED,
};

static const struct corrupt_field page_kmalloc[] = {
	FIELD(struct page, flags),
	NOTHING(struct page, lru, OWNERS),
	FIELD(struct page, private),
	FIELD(struct page, refcount),
	BLOCK_TYPE,
	SLAB_PARTS,
	UNUSED,
};

static const struct corrupt_field page_allocated[] = {
	FIELD(struct page, flags),
	NOTHING(struct page, lru, OWNERS),
	NOTHING(struct page, private, OWNERS),
	NOTHING(struct page, refcount, "any number from 1 on may be what its owners hold"),
	BLOCK_TYPE,
	SLAB_PARTS,
	UNUSED,
};

/* One owner, who takes no second reference. */
static const struct corrupt_field page_owned[] = {
	FIELD(struct page, flags),
	NOTHING(struct page, lru, OWNERS),
	NOTHING(struct page, private, OWNERS),
	FIELD(struct page, refcount),
	BLOCK_TYPE,
	SLAB_PARTS,
	UNUSED,
};

static const struct corrupt_field page_reserved[] = {
	FIELD(struct page, flags),
	NOTHING(struct page, lru, STALE),
	NOTHING(struct page, private, STALE),
	NOTHING(struct page, refcount, STALE),
	BLOCK_TYPE,
	SLAB_PARTS,
	UNUSED,
};

/* A page of a block that is not its first. */
static const struct corrupt_field page_interior[] = {
	FIELD(struct page, flags),
	NOTHING(struct page, lru, STALE),
	NOTHING(struct page, private, STALE),
	FIELD(struct page, refcount),
	BLOCK_TYPE,
	SLAB_PARTS,
	UNUSED,
};

#define NOT_THE_BLOCKS "another view's: only the type of the pageblock is looked at here"
static const struct corrupt_field pageblock[] = {
	ABOVE(struct page, block_type, MT_PCPTYPES),
	NOTHING(struct page, flags, NOT_THE_BLOCKS),
	NOTHING(struct page, lru, NOT_THE_BLOCKS),
	NOTHING(struct page, private, NOT_THE_BLOCKS),
	NOTHING(struct page, refcount, NOT_THE_BLOCKS),
	SLAB_PARTS,
	UNUSED,
};

static const struct corrupt_field zone[] = {
	FIELD(struct zone, lock.next),
	FIELD(struct zone, lock.owner),
	FIELD(struct zone, lock.rank),
	FIELD(struct zone, lock.sub),
	FIELD(struct zone, lock.cpu),
	NOTHING(struct zone, lock.name, REPORTED),
	NOTHING(struct zone, lock.waits, STATISTIC),
	FIELD(struct zone, free_pages),
	FIELD(struct zone, listed_pages),
	FIELD(struct zone, isolated_pages),
	FIELD(struct zone, highatomic_pages),
	FIELD(struct zone, nr_isolated_blocks),
	FIELD(struct zone, boost),
	ARRAY(struct zone, free_area, void *),
	ARRAY(struct zone, unopened, unsigned long),
	FIELD(struct zone, open_cursor),
	FIELD(struct zone, id),
	FIELD(struct zone, nid),
	FIELD(struct zone, type),
	FIELD(struct zone, name),
	FIELD(struct zone, start_pfn),
	FIELD(struct zone, end_pfn),
	FIELD(struct zone, present),
	FIELD(struct zone, managed),
	ARRAY(struct zone, wmark, unsigned long),
	ARRAY(struct zone, lowmem_reserve, unsigned long),
	NOTHING(struct zone, in_use, "a hint: sections are opened early or late"),
	FIELD(struct zone, batch),
	FIELD(struct zone, high),
	NOTHING(struct zone, wake, "a hint: the main loop reclaims early, or once the next request asks"),
};

static const struct corrupt_field pcp[] = {
	FIELD(struct pcp, batch),
	FIELD(struct pcp, high),
	FIELD(struct pcp, spare),
	FIELD(struct pcp, owner),
	NOTHING(struct pcp, refills, STATISTIC),
	NOTHING(struct pcp, flushes, STATISTIC),
	ARRAY(struct pcp, row, void *),
};

static const struct corrupt_field pcp_stack[] = {
	FIELD(struct pcpu_stack, avail),
	FIELD(struct pcpu_stack, limit),
	FLEXIBLE(struct pcpu_stack, entry, "see pcp.entry"),
};

static const struct corrupt_field chunk[] = {
	FIELD(struct chunk, start),
	FIELD(struct chunk, units),
	FIELD(struct chunk, used),
	FIELD(struct chunk, dense),
	FIELD(struct chunk, nr),
	ARRAY(struct chunk, in_use, unsigned long),
	ARRAY(struct chunk, first, unsigned long),
	NOTHING(struct chunk, node, "see percpu.node: a dense chunk has no tree"),
};

static const struct corrupt_field shorts[] = {WORDS(u16)};
static const struct corrupt_field words[] = {WORDS(u64)};
static const struct corrupt_field unordered_words[] = {WORDS_UNORDERED(u64)};

static const struct corrupt_field region_memory[] = {
	FIELD(struct memblock_region, start),
	FIELD(struct memblock_region, end),
	FIELD(struct memblock_region, nid),
	FIELD(struct memblock_region, name),
};

static const struct corrupt_field region_reserved[] = {
	FIELD(struct memblock_region, start),
	FIELD(struct memblock_region, end),
	NOTHING(struct memblock_region, nid, "of memory alone"),
	NOTHING(struct memblock_region, name, REPORTED),
};

static const struct corrupt_field memblock_fields[] = {
	FIELD(struct memblock, memory.region),
	FIELD(struct memblock, memory.cnt),
	FIELD(struct memblock, memory.max),
	NOTHING(struct memblock, memory.what, REPORTED),
	FIELD(struct memblock, reserved.region),
	FIELD(struct memblock, reserved.cnt),
	FIELD(struct memblock, reserved.max),
	NOTHING(struct memblock, reserved.what, REPORTED),
	NOTHING(struct memblock, memory.grown_at, "says nothing after the hand-over"),
	NOTHING(struct memblock, reserved.grown_at, "says nothing after the hand-over"),
	NOTHING(struct memblock, may_grow, "says nothing after the hand-over"),
	NOTHING(struct memblock, rover, "a hint: where a search begins"),
	FIELD(struct memblock, handed_over),
};

/* vmap.c: nodes and lists, then what belongs to the state. */
#define AREA_LINKS                                                            \
	FIELD(struct vmap_area, rb.parent), FIELD(struct vmap_area, rb.left), \
		FIELD(struct vmap_area, rb.right), FIELD(struct vmap_area, rb.red)
#define AREA_NO_LINKS                                                                           \
	NOTHING(struct vmap_area, rb.parent, STALE), NOTHING(struct vmap_area, rb.left, STALE), \
		NOTHING(struct vmap_area, rb.right, STALE), NOTHING(struct vmap_area, rb.red, STALE)
#define AREA_VM                                                                            \
	FIELD(struct vmap_area, vm.addr), FIELD(struct vmap_area, vm.size),                \
		FIELD(struct vmap_area, vm.flags), FIELD(struct vmap_area, vm.nr_pages),   \
		FIELD(struct vmap_area, vm.page_level), FIELD(struct vmap_area, vm.pages), \
		NOTHING(struct vmap_area, vm.caller, REPORTED)

static const struct corrupt_field area_free[] = {
	FIELD(struct vmap_area, start),
	FIELD(struct vmap_area, end),
	AREA_LINKS,
	ARRAY(struct vmap_area, list, void *),
	FIELD(struct vmap_area, subtree_max),
	NOTHING(struct vmap_area, vm, STALE),
	NOTHING(struct vmap_area, cleared, STALE),
	NOTHING(struct vmap_area, flushed, STALE),
	NOTHING(struct vmap_area, shard, STALE),
	NOTHING(struct vmap_area, few, STALE),
};

static const struct corrupt_field area_busy[] = {
	FIELD(struct vmap_area, start),
	FIELD(struct vmap_area, end),
	AREA_LINKS,
	ARRAY(struct vmap_area, list, void *),
	NOTHING(struct vmap_area, subtree_max, STALE),
	AREA_VM,
	NOTHING(struct vmap_area, cleared, STALE),
	NOTHING(struct vmap_area, flushed, STALE),
	FIELD(struct vmap_area, shard),
	NOTHING(struct vmap_area, few, "see area.pages: an area that has pages here names them there"),
};

static const struct corrupt_field area_lazy[] = {
	FIELD(struct vmap_area, start),
	FIELD(struct vmap_area, end),
	AREA_NO_LINKS,
	ARRAY(struct vmap_area, list, void *),
	NOTHING(struct vmap_area, subtree_max, STALE),
	AREA_VM,
	FIELD(struct vmap_area, cleared),
	FIELD(struct vmap_area, flushed),
	FIELD(struct vmap_area, shard),
	NOTHING(struct vmap_area, few, "see area.pages: an area that has pages here names them there"),
};

static const struct corrupt_field shard[] = {
	FIELD(struct vmap_shard, index),
	FIELD(struct vmap_shard, keep),
	FIELD(struct vmap_shard, told),
	FIELD(struct vmap_shard, lock.next),
	FIELD(struct vmap_shard, lock.owner),
	FIELD(struct vmap_shard, lock.rank),
	FIELD(struct vmap_shard, lock.sub),
	FIELD(struct vmap_shard, lock.cpu),
	NOTHING(struct vmap_shard, lock.name, REPORTED),
	NOTHING(struct vmap_shard, lock.waits, STATISTIC),
	FIELD(struct vmap_shard, free.root.node),
	FIELD(struct vmap_shard, free.root.update),
	ARRAY(struct vmap_shard, free.list, void *),
	FIELD(struct vmap_shard, busy.root.node),
	FIELD(struct vmap_shard, busy.root.update),
	ARRAY(struct vmap_shard, busy.list, void *),
	FIELD(struct vmap_shard, free_ranges),
	FIELD(struct vmap_shard, free_bytes),
	NOTHING(struct vmap_shard, open, "a hint: a free range may lie in either of two shards"),
	ARRAY(struct vmap_shard, lazy, void *),
	FIELD(struct vmap_shard, lazy_pages),
	FIELD(struct vmap_shard, flushed_bytes),
	NOTHING(struct vmap_shard, lazy_look, "a hint: when all shards' lazy pages are added up"),
	NOTHING(struct vmap_shard, steals, STATISTIC),
};

/* buddy: a page whose order is another reaches over free blocks. */
#define PAGE_CHECKS "page frame census"
const struct corrupt_view corrupt_page_views[] = {
	VIEW("page.buddy", PAGE_CHECKS " buddy", page, page_buddy, live_page_buddy),
	VIEW("page.pcp", PAGE_CHECKS " pcp", page, page_pcp, live_page_pcp),
	VIEW("page.slab", PAGE_CHECKS " slab buddy", page, page_slab, live_page_slab),
	VIEW("page.slab_tail", PAGE_CHECKS " slab", page, page_slab_tail, live_page_slab_tail),
	VIEW("page.vmalloc", PAGE_CHECKS " vmap vmalloc buddy", page, page_owned, live_page_vmalloc),
	VIEW("page.table", PAGE_CHECKS " pgtable buddy", page, page_owned, live_page_table),
	VIEW("page.kmalloc", PAGE_CHECKS " kmalloc slab buddy", page, page_kmalloc, live_page_kmalloc),
	VIEW("page.allocated", PAGE_CHECKS " buddy", page, page_allocated, live_page_allocated),
	VIEW("page.reserved", PAGE_CHECKS " memblock", page, page_reserved, live_page_reserved),
	VIEW("page.interior", PAGE_CHECKS " buddy", page, page_interior, live_page_interior),
	VIEW("page.pageblock", PAGE_CHECKS " buddy zone", page, pageblock, live_pageblock),
	VIEW("zone", "zone buddy page_alloc numa " PAGE_CHECKS, zone, zone, live_zone),
	MEMORY("zone.list", "buddy zone " PAGE_CHECKS, words, live_zone_lists),
	VIEW("pcp", "pcp", pcp, pcp, live_pcp),
	VIEW("pcp.stack", "pcp", pcpu_stack, pcp_stack, live_pcp_stack),
	MEMORY("pcp.entry", "pcp census", unordered_words, live_pcp_entries),
	MEMORY("pcp.pointer", "pcp", words, live_pcp_pointers),
	VIEW("memblock.memory", "memblock numa zone", memblock_region, region_memory, live_memblock_memory),
	VIEW("memblock.reserved", "memblock", memblock_region, region_reserved, live_memblock_reserved),
	VIEW("memblock", "memblock numa zone", memblock, memblock_fields, live_memblock),
	MEMORY("pte", "pgtable pt_check direct_map vmap vmalloc percpu page kmap census", words, live_pte),
	MEMORY("pte.hole", "pgtable pt_check direct_map vmap vmalloc percpu page kmap census", words,
	       live_pte_hole),
	VIEW("percpu.chunk", "percpu percpu_map", chunk, chunk, live_percpu_chunk),
	MEMORY("percpu.node", "percpu percpu_map", shorts, live_percpu_node),
	MEMORY("percpu.best", "percpu", shorts, live_percpu_best),
	MEMORY("percpu.slot", "percpu", words, live_percpu_slot),
	VIEW("area.free", "vmap vmalloc", vmap_area, area_free, live_area_free),
	VIEW("area.busy", "vmap vmalloc", vmap_area, area_busy, live_area_busy),
	VIEW("area.lazy", "vmap vmalloc", vmap_area, area_lazy, live_area_lazy),
	MEMORY("area.pages", "vmap vmalloc", words, live_area_pages),
	VIEW("vmap_shard", "vmap vmalloc lock", vmap_shard, shard, live_shard),
	{},
};
