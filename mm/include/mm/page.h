#ifndef MM_PAGE_H
#define MM_PAGE_H

/*
 * Page frames. Each frame has one struct page (64 bytes) in a virtually contiguous array at
 * VMEMMAP_BASE. The array is mapped by section of 128 MiB when the section is opened. Before that its
 * struct pages must not be touched, so test pfn_valid() first for a pfn from outside.
 *
 * The page allocator writes only the first struct page of a block, the head: it holds state, order,
 * type and zone. An all-zero struct page is in the interior of a block. page_head() finds the head for
 * any frame.
 */

#include <arch/layout.h>
#include <kernel/bits.h>
#include <kernel/list.h>
#include <mm/types.h>

enum {
	/*
	 * The largest order (Linux 6.4's meaning): blocks of 4, 16 or 64 MiB with pages of 4, 16 or 64
	 * KiB. Linux has order 11 with 16 KiB and 13 with 64 KiB, so a block can fill a large leaf of
	 * 32 or 512 MiB. Here a section of 128 MiB, the unit in which memory comes into use, must hold
	 * whole blocks.
	 */
	MAX_ORDER = 10,
	NR_ORDERS = MAX_ORDER + 1,
	/* Unit of migratetype; with 4 KiB pages it is a large leaf. */
	PAGEBLOCK_ORDER = 9,
	SECTION_SHIFT = 27,
	COSTLY_ORDER = 3,
};
#define SECTION_PAGES (1UL << (SECTION_SHIFT - PAGE_SHIFT))
#define PAGEBLOCK_PAGES (1UL << PAGEBLOCK_ORDER)

enum page_state { PAGE_INTERIOR, PAGE_BUDDY, PAGE_PCP, PAGE_ALLOCATED };

enum migratetype {
	MT_UNMOVABLE,
	MT_MOVABLE,
	MT_RECLAIMABLE,
	MT_PCPTYPES,
	MT_HIGHATOMIC = MT_PCPTYPES,
	MT_CMA,
	MT_ISOLATE,
	NR_MIGRATETYPES
};

enum zone_type { ZONE_DMA, ZONE_DMA32, ZONE_NORMAL, ZONE_HIGHMEM, ZONE_MOVABLE, NR_ZONES };

/*
 * page->flags, from bit 0: state (2 bits), order (4), type (3), zone (3), node (10), then single flags.
 * Zone and node together are the zone id: 8 ids for each node.
 */
enum {
	PG_STATE_SHIFT = 0,
	PG_ORDER_SHIFT = 2,
	PG_TYPE_SHIFT = 6,
	PG_ZONE_SHIFT = 9,
	PG_NODE_SHIFT = 12,
	PG_FLAGS_SHIFT = 22,
	ZONE_ID_BITS = 13,
	ZONES_PER_NODE_SHIFT = 3,
};
#define PG_STATE_MASK 3UL
#define PG_ORDER_MASK (15UL << PG_ORDER_SHIFT)
#define PG_TYPE_MASK (7UL << PG_TYPE_SHIFT)
#define PG_slab BIT(22)	      /* belongs to a slab; set in every page of it */
#define PG_reserved BIT(23)   /* never given to the buddy */
#define PG_comp BIT(24)	      /* allocated with __GFP_COMP */
#define PG_hwpoison BIT(25)   /* bad frame: never allocated again */
#define PG_kmalloc BIT(26)    /* first page of a large kmalloc */
#define PG_table BIT(27)      /* a page table */
#define PG_vmalloc BIT(28)    /* backs a vmalloc area */
#define PG_user_shell BIT(29) /* allocated by the shell's alloc command */
#define PG_FLAG_MASK (~0UL << PG_FLAGS_SHIFT)

struct kmem_cache_node;

struct page {
	unsigned long flags;
	struct list_head lru; /* buddy: free list; slab: list of its node; else free for the owner */
	union {
		struct kmem_cache_node *slab_node; /* slab: its kmem_cache and node */
		unsigned long private;		   /* the owner's; large kmalloc: number of pages */
	};
	void *s_mem;	/* slab: first object */
	void *freelist; /* slab: index array */
	u16 inuse;	/* slab: allocated objects */
	u16 num;	/* slab: objects in the slab */
	u16 slab_flags; /* slab: private to slab.c */
	u8 slab_order;	/* slab: in every page, with the head's distance in private use of slab.c */
	/*
	 * In the first page of a pageblock: its enum migratetype, for whatever the page itself is used.
	 */
	u8 block_type;
	u32 refcount;
	u32 mapcount;
};
static_assert(sizeof(struct page) == 64, "struct page is one cache line");

static inline struct page *pfn_to_page(pfn_t pfn)
{
	return (struct page *)VMEMMAP_BASE + pfn;
}

static inline pfn_t page_to_pfn(const struct page *page)
{
	return (pfn_t)(page - (const struct page *)VMEMMAP_BASE);
}

/* One multiplication: the compiler does not merge the shift down to the pfn with the shift up. */
static inline paddr_t page_to_phys(const struct page *page)
{
	return ((vaddr_t)page - VMEMMAP_BASE) * (PAGE_SIZE / sizeof(struct page));
}

static inline struct page *phys_to_page(paddr_t pa)
{
	return pfn_to_page(pa >> PAGE_SHIFT);
}

/*
 * For direct-map addresses only. For others use pt_lookup() (vmalloc) or image_to_phys() (image); this
 * gives a wrong number.
 */
static inline paddr_t virt_to_phys(const void *p)
{
	return (paddr_t)p - DIRECT_MAP_BASE;
}

static inline void *phys_to_virt(paddr_t pa)
{
	return (void *)(pa + DIRECT_MAP_BASE);
}

static inline struct page *virt_to_page(const void *p)
{
	return phys_to_page(virt_to_phys(p));
}

/* Returns the direct-map address of the page, NULL for HighMem (use kmap_local_page()). */
static inline void *page_address(const struct page *page);

static inline paddr_t image_to_phys(const void *p)
{
	return (paddr_t)p - KERNEL_VMA;
}

/* Returns whether p lies in the direct map and its frame has a struct page. */
bool virt_addr_valid(const void *p);
/*
 * Turns a reserved frame into an allocated page of its zone; the owner frees it with __free_page().
 * Context: boot, after zone_init(), while no other CPU runs. Linux: free_reserved_page(),
 * mm/page_alloc.c.
 */
struct page *adopt_reserved_page(paddr_t pa);

/*
 * Returns whether pfn has a struct page. The frame may still be no RAM: see its state and PG_reserved.
 */
bool pfn_valid(pfn_t pfn);

/*
 * READ_ONCE: a block that the caller does not own may change owners meanwhile. mm/buddy.c lists the
 * conclusions that are safe.
 */
static inline enum page_state page_state(const struct page *page)
{
	return (enum page_state)(READ_ONCE(page->flags) & PG_STATE_MASK);
}

static inline unsigned page_order(const struct page *head)
{
	return (unsigned)(READ_ONCE(head->flags) >> PG_ORDER_SHIFT) & 15;
}

static inline enum migratetype page_type(const struct page *head)
{
	return (enum migratetype)(READ_ONCE(head->flags) >> PG_TYPE_SHIFT & 7);
}

static inline unsigned flags_zone_id(unsigned long flags)
{
	return (unsigned)(flags >> PG_ZONE_SHIFT) & (BIT(ZONE_ID_BITS) - 1);
}

static inline unsigned page_zone_id(const struct page *head)
{
	return flags_zone_id(READ_ONCE(head->flags));
}

/* Valid for the head of a block. */
static inline int page_to_nid(const struct page *head)
{
	return (int)(head->flags >> PG_NODE_SHIFT & 1023);
}

/*
 * Returns the head of the block that contains page: tries the order-10 aligned frame, then order 9, 8,
 * ... until a block reaches the page. The result is exact: a split initialises both halves, and stale
 * interiors are not read. NULL if no block covers the frame (a hole). Context: the block must not be
 * split or merged meanwhile (own it, or hold zone->lock).
 */
struct page *page_head(const struct page *page);

/* Adds a reference to an allocated page. The caller already holds one. */
void get_page(struct page *page);
/* Drops a reference. The last one frees the block. */
void put_page(struct page *page);

/*
 * Prints the state of the frame, one fact a line, for BUG reports. why is the reason, in the first
 * line.
 */
void page_dump(const struct page *page, const char *why);

/* Callback that receives blocks of frames, one after the other. */
typedef void (*frame_fn)(pfn_t pfn, unsigned order, void *ctx);

/* Frames from here on are HighMem: they have no page_address(). */
extern pfn_t direct_map_end_pfn;

static inline void *page_address(const struct page *page)
{
	pfn_t pfn = page_to_pfn(page);

	return likely(pfn < direct_map_end_pfn) ? phys_to_virt(pfn << PAGE_SHIFT) : NULL;
}

/*
 * Maps a HighMem frame on this CPU for a short time; for other frames returns their direct-map address.
 * Mappings are undone in reverse order. At most 16 deep; not across a quiescent point (quiet_point()).
 */
void *kmap_local_page(struct page *page);
void kunmap_local(const void *addr);

#endif
