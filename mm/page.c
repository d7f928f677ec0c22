/*
 * page.c - the array of struct page and its sections.
 *
 * Idea.       struct page of frame n has a fixed address: VMEMMAP_BASE + 64 n. Memory for the array
 *             appears by section of 128 MiB, when a frame of the section is first needed (the section
 *             is opened). Boot time and metadata therefore follow the memory in use, not the memory
 *             installed. Opening allocates nothing and cannot fail: the frames of the section's array
 *             were set aside at boot, and so were the page tables above the entries that map it.
 * Layout.     A whole (regular) section is free RAM of one zone throughout. Its own first frames hold
 *             its array (4 KiB pages):
 *
 *              frame   0              512             1024          ...          32768
 *                      | array, 2 MiB | free, order 9 | 31 free blocks of order 10 |
 *
 *             With page_owner=on struct page_ext follows the array, and the free blocks begin behind
 *             it. An odd (irregular) section contains a hole, a reservation, a node border or a zone
 *             border, such as the first 128 MiB of a PC. struct section_info describes it: frames [lo,
 *             hi), whole order-10 blocks, have struct pages. Their array lies inside the section if a
 *             free run is long enough, else where memblock finds room. An array of one node that covers
 *             half of the section or more is one 2 MiB leaf, a smaller one base pages. If several nodes
 *             share the section, each page of the array lies on the node of its first frame, if that
 *             node has room, and the array is mapped at boot. With pages of 16 and 64 KiB an array is
 *             512 and 128 KiB, less than a large leaf: always base pages.
 * Invariants. S1  in an open section the array of [lo, hi) is mapped, and each free frame was listed
 *                 exactly once
 *             S2  zone->unopened[] counts exactly the blocks that opening the zone's remaining sections
 *                 will list
 *             S3  an order-10 block has struct pages for all of its frames or for none
 *             S4  between operations a section is claimed exactly if it is opened; an opened section
 *                 has RAM; no section is being opened; no unopened section of a zone lies below its
 *                 open_cursor
 *             S5  the set of sections, the odd ones among them, and their arrays stay as page_init()
 *                 left them
 * Locking.    A CPU claims a section with an atomic bit. It maps and clears the array, publishes the
 *             opened bit (release), then lists the blocks under zone->lock of each zone. A CPU that
 *             loses the claim tries the next section. If none is left, section_wait() waits for the
 *             openers, and the caller looks at the free lists again. An interrupt does not wait,
 *             because it may have interrupted an opener.
 * Failure.    Opening cannot fail. At boot: panic if metadata does not fit.
 * Source.     Replaces Linux's deferred initialisation of struct page (mm/mm_init.c).
 * Next:       zone.c.
 */
#include <kernel/bug.h>
#include <kernel/string.h>
#include <mm/check.h>
#include <mm/check_walk.h>
#include <mm/internal.h>
#include <mm/pgtable.h>

#define BLOCK_PAGES (1UL << MAX_ORDER)
#define ARRAY_BYTES (SECTION_PAGES * sizeof(struct page))
#define EXT_BYTES (SECTION_PAGES * sizeof(struct page_ext))

static_assert(SECTION_PAGES % BLOCK_PAGES == 0, "a merge never leaves a section");
static_assert(BLOCK_PAGES * sizeof(struct page) % PAGE_SIZE == 0, "the array of whole blocks is whole pages");

/* Level of the leaves that map a section's array: 1 if the array fills a large leaf, else 0. */
enum { ARRAY_LEVEL = ARRAY_BYTES >= PT_LEVEL_SIZE(1) };
static_assert(ARRAY_BYTES % PT_LEVEL_SIZE(ARRAY_LEVEL) == 0, "no leaf reaches into another section's array");

static unsigned long nr_sections;
static unsigned long *section_present; /* the section contains RAM */
static unsigned long *section_claimed; /* an opener works on it, or it is open */
/* the section is open */
static unsigned long *section_opened;
static unsigned long *section_odd; /* irregular: it has a section_info */

static struct section_info *infos; /* entries of the odd sections, sorted by nr */
static unsigned nr_infos, max_infos;

unsigned long section_count(void)
{
	return nr_sections;
}

bool section_is_open(unsigned long nr)
{
	return nr < nr_sections &&
	       __atomic_load_n(&section_opened[nr / 64], __ATOMIC_ACQUIRE) >> (nr % 64) & 1;
}

unsigned long section_next_open(unsigned long nr, unsigned long end)
{
	end = min(end, nr_sections);
	while (nr < end) {
		unsigned long word = section_opened[nr / 64] >> (nr % 64);

		if (word)
			return min(nr + (unsigned long)__builtin_ctzl(word), end);
		nr = ALIGN_DOWN(nr, 64UL) + 64;
	}
	return end;
}

bool section_is_whole(unsigned long nr)
{
	return !bitmap_test(section_odd, nr);
}

/* Index of the first section_info whose section is nr or above; nr_infos if there is none. */
static unsigned first_info(unsigned long nr)
{
	unsigned lo = 0, hi = nr_infos;

	while (lo < hi) {
		unsigned mid = (lo + hi) / 2;

		if (infos[mid].nr < nr)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

/* Returns the section_info of an odd section, NULL for a whole one. */
static struct section_info *section_info(unsigned long nr)
{
	return bitmap_test(section_odd, nr) ? &infos[first_info(nr)] : NULL;
}

static pfn_t section_start(unsigned long nr)
{
	return nr * SECTION_PAGES;
}

bool pfn_valid(pfn_t pfn)
{
	unsigned long nr = pfn / SECTION_PAGES;
	const struct section_info *info;

	if (!section_is_open(nr))
		return false;
	info = section_info(nr);
	return !info || (pfn >= info->lo && pfn < info->hi);
}

bool virt_addr_valid(const void *p)
{
	return (vaddr_t)p - DIRECT_MAP_BASE < direct_map_end_pfn << PAGE_SHIFT &&
	       pfn_valid(virt_to_phys(p) >> PAGE_SHIFT);
}

/* ---- blocks of a section's free memory ---- */

/* Frames at the start of a whole section that hold its metadata. */
static unsigned long whole_meta_pages(void)
{
	return PAGE_ALIGN_UP(ARRAY_BYTES + (opt_page_owner ? EXT_BYTES : 0)) >> PAGE_SHIFT;
}

bool section_meta_page(pfn_t pfn)
{
	return section_is_whole(pfn / SECTION_PAGES) && pfn % SECTION_PAGES < whole_meta_pages();
}

/* As Linux's __free_pages_memory(). [5, 16) gives 5 (order 0), 6 (order 1) and 8 (order 3). */
void page_for_each_block(pfn_t pfn, pfn_t end, void (*fn)(pfn_t pfn, unsigned order, void *ctx), void *ctx)
{
	while (pfn < end) {
		unsigned order = pfn ? min((unsigned)__builtin_ctzl(pfn), (unsigned)MAX_ORDER) : MAX_ORDER;

		while (end - pfn < 1UL << order)
			order--;
		fn(pfn, order, ctx);
		pfn += 1UL << order;
	}
}

/*
 * Returns whether the section, which is whole, belongs to this zone. The zone's span alone does not
 * tell: spans overlap where nodes alternate.
 */
static bool whole_section_in(unsigned long nr, const struct zone *zone)
{
	const pfn_t start = section_start(nr);

	return start >= zone->start_pfn && start < zone->end_pfn &&
	       (nr_nodes == 1 || memblock_nid(&memblock, start << PAGE_SHIFT) == zone->nid);
}

void section_for_each_block(unsigned long nr, const struct zone *zone,
			    void (*fn)(pfn_t pfn, unsigned order, void *ctx), void *ctx)
{
	pfn_t lo = max(section_start(nr), zone->start_pfn), hi = min(section_start(nr + 1), zone->end_pfn);
	paddr_t cursor = lo << PAGE_SHIFT, start, end;
	int nid;

	if (!bitmap_test(section_odd, nr)) {
		if (whole_section_in(nr, zone))
			page_for_each_block(section_start(nr) + whole_meta_pages(), section_start(nr + 1), fn,
					    ctx);
		return;
	}
	while (lo < hi &&
	       memblock_next_free_below(&memblock, hi << PAGE_SHIFT, &cursor, &start, &end, &nid)) {
		if (nid == zone->nid)
			page_for_each_block(max(lo, PAGE_ALIGN_UP(start) >> PAGE_SHIFT),
					    min(hi, end >> PAGE_SHIFT), fn, ctx);
	}
}

static void count_block(pfn_t pfn, unsigned order, void *ctx)
{
	struct zone *zone = ctx;

	zone->unopened[order]++;
	zone->managed += 1UL << order;
}

/*
 * Adds the zone's present, managed and unopened counts: the blocks of one whole section times the
 * number of whole sections, then the blocks of each odd section.
 */
void section_account(struct zone *zone)
{
	const unsigned past = first_info(DIV_ROUND_UP(zone->end_pfn, SECTION_PAGES));
	unsigned long whole = 0;

	for (unsigned i = memblock_first_memory(&memblock, zone->start_pfn << PAGE_SHIFT);
	     i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.region[i];
		pfn_t start = max(r->start >> PAGE_SHIFT, zone->start_pfn),
		      end = min(r->end >> PAGE_SHIFT, zone->end_pfn);

		if (start >= end)
			break;
		if (r->nid != zone->nid)
			continue;
		zone->present += end - start;
		start = DIV_ROUND_UP(start, SECTION_PAGES);
		end = end / SECTION_PAGES;
		if (start < end)
			whole += end - start - (first_info(end) - first_info(start));
	}
	if (whole) {
		struct zone one = {.unopened = {0}};

		page_for_each_block(whole_meta_pages(), SECTION_PAGES, count_block, &one);
		for (unsigned o = 0; o < NR_ORDERS; o++)
			zone->unopened[o] += one.unopened[o] * whole;
		zone->managed += one.managed * whole;
	}
	for (unsigned k = first_info(zone->start_pfn / SECTION_PAGES); k < past; k++)
		section_for_each_block(infos[k].nr, zone, count_block, zone);
}

/* ---- opening ---- */

/* Writes the leaves of [va, va + bytes); their tables exist. */
static void map_leaves(vaddr_t va, paddr_t pa, size_t bytes, unsigned level)
{
	for (size_t off = 0; off < bytes; off += PT_LEVEL_SIZE(level))
		arch_pte_write(pt_slot(va + off, level), arch_pte_leaf(pa + off, PT_RW, level));
	arch_pt_sync();
}

/* Maps and clears the section's array. Each pageblock starts as MT_MOVABLE. */
static void map_array(unsigned long nr, const struct section_info *info)
{
	pfn_t lo = info ? info->lo : section_start(nr);
	vaddr_t va = (vaddr_t)pfn_to_page(lo);
	size_t bytes = (info ? info->hi - lo : SECTION_PAGES) * sizeof(struct page);

	if (!info || info->large)
		map_leaves((vaddr_t)pfn_to_page(section_start(nr)), info ? info->array : lo << PAGE_SHIFT,
			   ARRAY_BYTES, ARRAY_LEVEL);
	else if (info->array)
		map_leaves(va, info->array, bytes, 0);
	memset((void *)va, 0, bytes);
	for (pfn_t pfn = lo; pfn < lo + bytes / sizeof(struct page); pfn += PAGEBLOCK_PAGES)
		pfn_to_page(pfn)->block_type = MT_MOVABLE;
}

/* ---- expected page-table entries, for pt_check.c ---- */

/*
 * Returns whether the section's array is mapped: from boot on if it lies on several nodes, else once
 * the section is open.
 */
static bool array_mapped(unsigned long nr, const struct section_info *info)
{
	return section_is_open(nr) || (info && !info->array);
}

bool section_array_owns(vaddr_t va, paddr_t pa, size_t size)
{
	unsigned long nr = (va - VMEMMAP_BASE) / ARRAY_BYTES;
	const struct section_info *info = nr < nr_sections ? section_info(nr) : NULL;
	vaddr_t from = (vaddr_t)pfn_to_page(info && !info->large ? info->lo : section_start(nr));
	vaddr_t to = info && !info->large ? (vaddr_t)pfn_to_page(info->hi) : from + ARRAY_BYTES;
	paddr_t array = info ? info->array : section_start(nr) << PAGE_SHIFT;

	if (nr >= nr_sections || !bitmap_test(section_present, nr) || !array_mapped(nr, info) || va < from ||
	    size > to - va)
		return false;
	if (info && !info->array) {
		const struct memblock_region *r = memblock_reserved_from(&memblock, pa);

		return r < memblock.reserved.region + memblock.reserved.cnt && r->start <= pa &&
		       strcmp(r->name, "page array") == 0;
	}
	return pa == array + (va - from);
}

size_t section_array_bytes(void)
{
	unsigned long whole = 0;
	size_t bytes = 0;

	for (unsigned long w = 0; w < DIV_ROUND_UP(nr_sections, 64); w++)
		whole += hweight64(section_opened[w] & ~section_odd[w]);
	for (unsigned k = 0; k < nr_infos; k++)
		if (array_mapped(infos[k].nr, &infos[k]))
			bytes += infos[k].large ? ARRAY_BYTES
						: (infos[k].hi - infos[k].lo) * sizeof(struct page);
	return bytes + whole * ARRAY_BYTES;
}

static void clear_ext(unsigned long nr, const struct section_info *info)
{
	paddr_t ext = info ? info->ext : (section_start(nr) << PAGE_SHIFT) + ARRAY_BYTES;
	size_t bytes = (info ? info->hi - info->lo : SECTION_PAGES) * sizeof(struct page_ext);

	if (opt_page_owner && ext && (ext + bytes) >> PAGE_SHIFT <= direct_map_end_pfn)
		memset(phys_to_virt(ext), 0, bytes);
}

static void reserve_block(pfn_t pfn, unsigned order, void *ctx)
{
	const struct zone *zone = ctx;
	struct page *page = pfn_to_page(pfn);

	page->flags = PAGE_ALLOCATED | (unsigned long)order << PG_ORDER_SHIFT |
		      (unsigned long)MT_MOVABLE << PG_TYPE_SHIFT | zone_page_flags(zone) | PG_reserved;
	page->refcount = 1;
}

static void poison_block(pfn_t pfn, unsigned order)
{
	if (pfn < direct_map_end_pfn)
		memset(phys_to_virt(pfn << PAGE_SHIFT), opt_page_poison ? PAGE_POISON : 0,
		       PAGE_SIZE << order);
}

/*
 * Lists a block of a section that is being opened. The block has no free buddy, so buddy_free() never
 * merges here. buddy_free() counts the block as newly free; so it is first taken out of the unopened
 * counts.
 */
static void list_block(pfn_t pfn, unsigned order, void *ctx)
{
	struct zone *zone = ctx;

	if (opt_page_poison || opt_init_on_free)
		poison_block(pfn, order);
	page_mark_free(pfn_to_page(pfn), order);
	UPDATE_ONCE(zone->unopened[order], -=, 1);
	UPDATE_ONCE(zone->free_pages, -=, 1UL << order);
	buddy_free(zone, pfn_to_page(pfn), order, MT_MOVABLE, true);
}

static bool section_claim(unsigned long nr)
{
	unsigned long bit = BIT(nr % 64);

	return !(__atomic_fetch_or(&section_claimed[nr / 64], bit, __ATOMIC_ACQUIRE) & bit);
}

static void section_open(unsigned long nr)
{
	const struct section_info *info = section_info(nr);
	struct zone *zone;

	map_array(nr, info);
	clear_ext(nr, info);
	__atomic_fetch_or(&section_opened[nr / 64], BIT(nr % 64), __ATOMIC_RELEASE);
	for_each_populated_zone (zone) {
		unsigned long flags;

		if (zone->end_pfn <= section_start(nr) || zone->start_pfn >= section_start(nr + 1))
			continue;
		flags = spin_lock_irqsave(&zone->lock);
		if (!info && whole_section_in(nr, zone))
			page_for_each_block(section_start(nr), section_start(nr) + whole_meta_pages(),
					    reserve_block, zone);
		section_for_each_block(nr, zone, list_block, zone);
		spin_unlock_irqrestore(&zone->lock, flags);
	}
}

/* CPUs that are opening a section, and sections opened so far. */
static _Atomic unsigned nr_opening, nr_opened;

void section_opening_begin(void)
{
	atomic_fetch_add(&nr_opening, 1);
}

void section_opening_end(bool opened)
{
	if (opened)
		atomic_fetch_add(&nr_opened, 1);
	atomic_fetch_sub(&nr_opening, 1);
}

/* Opens the section, unless another CPU has claimed it. Returns whether this call opened it. */
static bool section_claim_open(unsigned long nr)
{
	bool mine;

	section_opening_begin();
	mine = section_claim(nr);
	if (mine)
		section_open(nr);
	section_opening_end(mine);
	return mine;
}

struct page *adopt_reserved_page(paddr_t pa)
{
	struct page *page = pfn_to_page(pa >> PAGE_SHIFT);
	struct zone *zone = zone_of_pfn(pa >> PAGE_SHIFT);

	BUG_ON(!zone || !memblock_reserved_name(&memblock, pa),
	       "adopt_reserved_page: 0x%lx is not reserved memory", pa);
	section_claim_open(pa >> SECTION_SHIFT);
	if (memblock_forget(&memblock, pa, pa + PAGE_SIZE))
		panic("page: no room to split the reservation at 0x%lx\n", pa);
	zone->managed++;
	nodes[zone->nid].managed++;
	page->flags = PAGE_ALLOCATED | zone_page_flags(zone);
	page->refcount = 1;
	return page;
}

unsigned sections_opened(void)
{
	return atomic_load(&nr_opened);
}

bool section_wait(unsigned opened)
{
	/* Orders the caller's failed claim before the read of nr_opening. */
	full_barrier();
	while (atomic_load(&nr_opening) && !arch_in_interrupt())
		arch_cpu_relax();
	return atomic_load(&nr_opened) != opened;
}

bool section_open_for(struct zone *zone)
{
	unsigned long end = DIV_ROUND_UP(zone->end_pfn, SECTION_PAGES);

	for (;;) {
		unsigned long nr = bitmap_next_without(section_present, section_claimed,
						       READ_ONCE(zone->open_cursor), end);

		WRITE_ONCE(zone->open_cursor, nr);
		if (nr == end)
			return false;
		/* A section of another node that lies within the zone's span. */
		if (!bitmap_test(section_odd, nr) && !whole_section_in(nr, zone)) {
			WRITE_ONCE(zone->open_cursor, nr + 1);
			continue;
		}
		if (section_claim_open(nr))
			return true;
	}
}

bool section_open_pfn(pfn_t pfn)
{
	unsigned long nr = pfn / SECTION_PAGES;

	if (nr >= nr_sections || !bitmap_test(section_present, nr))
		return false;
	section_claim_open(nr);
	return section_is_open(nr);
}

/* ---- boot ---- */

static void bitmap_fill(unsigned long *map, unsigned long from, unsigned long to)
{
	for (; from < to && from % 64; from++)
		bitmap_set(map, from);
	for (; from + 64 <= to; from += 64)
		map[from / 64] = ~0UL;
	for (; from < to; from++)
		bitmap_set(map, from);
}

/* Marks the section of pa as odd, if it has RAM. */
static void mark_odd(paddr_t pa)
{
	unsigned long nr = (pa >> PAGE_SHIFT) / SECTION_PAGES;

	if (nr < nr_sections && bitmap_test(section_present, nr))
		bitmap_set(section_odd, nr);
}

/*
 * Marks as odd each section in which a memory range of one node begins or ends, which contains a
 * reservation, or in which a zone begins.
 */
static void find_odd_sections(void)
{
	const paddr_t inside = (1UL << SECTION_SHIFT) - 1, ram_end = memblock_end(&memblock);

	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.region[i];

		if (r->start & inside)
			mark_odd(r->start);
		if (r->end & inside)
			mark_odd(r->end);
	}
	for (unsigned i = 0; i < memblock.reserved.cnt; i++) {
		const struct memblock_region *r = &memblock.reserved.region[i];

		for (paddr_t pa = ALIGN_DOWN(r->start, 1UL << SECTION_SHIFT); pa < min(r->end, ram_end);
		     pa += 1UL << SECTION_SHIFT)
			mark_odd(pa);
	}
	for (unsigned nid = 0; nid < nr_nodes; nid++)
		for (unsigned type = 0; type < NR_ZONES; type++) {
			pfn_t border = zone_border((int)nid, (enum zone_type)type);

			if (border % SECTION_PAGES)
				mark_odd(border << PAGE_SHIFT);
		}
}

/*
 * Sets [*lo, *hi) to the frames that need a struct page: first to last RAM of the section, widened to
 * whole order-10 blocks. Sets *nid to a node with memory there. Returns true if it is the only such
 * node.
 */
static bool section_extent(unsigned long nr, pfn_t *lo, pfn_t *hi, int *nid)
{
	bool only = true;
	pfn_t start = section_start(nr), end = section_start(nr + 1);

	*lo = end;
	*hi = start;
	for (unsigned i = memblock_first_memory(&memblock, start << PAGE_SHIFT); i < memblock.memory.cnt;
	     i++) {
		const struct memblock_region *r = &memblock.memory.region[i];
		pfn_t s = max(r->start >> PAGE_SHIFT, start), e = min(r->end >> PAGE_SHIFT, end);

		if (s >= e)
			break;
		only = only && (*lo == end || *nid == r->nid);
		*lo = min(*lo, s);
		*hi = max(*hi, e);
		*nid = r->nid;
	}
	*lo = ALIGN_DOWN(*lo, BLOCK_PAGES);
	*hi = ALIGN_UP(*hi, BLOCK_PAGES);
	return only;
}

/*
 * Reserves bytes at the highest free address of the section, at or above least, in memory of node nid.
 * Returns 0 if no free run fits.
 */
static paddr_t alloc_in_section(unsigned long nr, int nid, paddr_t least, size_t bytes, size_t align,
				const char *name)
{
	paddr_t lo = section_start(nr) << PAGE_SHIFT, hi = section_start(nr + 1) << PAGE_SHIFT;

	return memblock_alloc_flags(&memblock, bytes, align, max(lo, least), hi, nid, name,
				    MEMBLOCK_EXACT_NID);
}

/*
 * Reserves metadata in the section's own memory if it fits, so no other section becomes odd; else on
 * node nid. Panics if there is none.
 */
static paddr_t alloc_meta(unsigned long nr, int nid, size_t bytes, size_t align, const char *name)
{
	paddr_t at = alloc_in_section(nr, nid, MIB(16), bytes, align, name);

	if (!at)
		at = alloc_in_section(nr, nid, MIB(1), bytes, align, name);
	return at ? at : virt_to_phys(memblock_alloc_or_panic(bytes, align, nid, name));
}

/*
 * Returns the end of the run from pfn whose part of the array belongs on one node (*nid). Runs end at
 * page boundaries of the array. A page that two nodes share goes to the first.
 */
static pfn_t array_piece(pfn_t pfn, pfn_t hi, int *nid)
{
	const pfn_t step = PAGE_SIZE / sizeof(struct page);

	*nid = NUMA_NO_NODE;
	for (unsigned i = memblock_first_memory(&memblock, pfn << PAGE_SHIFT); i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.region[i];

		if (r->start >> PAGE_SHIFT >= hi)
			break;
		if (*nid == NUMA_NO_NODE)
			*nid = r->nid;
		else if (r->nid != *nid)
			return min(hi, max(ALIGN_DOWN(r->start >> PAGE_SHIFT, step), pfn + step));
	}
	return hi;
}

/* Places and maps the array of a section of several nodes, run by run. */
static void place_array_by_node(const struct section_info *info)
{
	int nid;

	for (pfn_t pfn = info->lo, end; pfn < info->hi; pfn = end) {
		size_t bytes;

		end = array_piece(pfn, info->hi, &nid);
		bytes = (end - pfn) * sizeof(struct page);
		map_leaves((vaddr_t)pfn_to_page(pfn),
			   alloc_meta(info->nr, nid, bytes, PAGE_SIZE, "page array"), bytes, 0);
	}
}

/*
 * Boot: adds room for `more` entries to the table of odd sections. Frees the memory of the old table.
 */
static void grow_infos(unsigned more)
{
	const size_t old_bytes = max_infos * sizeof(infos[0]), bytes = old_bytes + more * sizeof(infos[0]);
	struct section_info *grown =
		memblock_alloc_or_panic(bytes, CACHE_LINE, NUMA_NO_NODE, "section table");

	if (old_bytes) {
		memcpy(grown, infos, old_bytes);
		memblock_free(&memblock, virt_to_phys(infos), virt_to_phys(infos) + old_bytes);
	}
	infos = grown;
	max_infos += more;
}

/*
 * Adds the section_info of an odd section: its extent, and the page tables for its array.
 * place_metadata() places the arrays later, so tables lie together and arrays lie together.
 */
static void add_info(unsigned long nr)
{
	struct section_info info = {.nr = nr, .nid = NUMA_NO_NODE};
	unsigned at;

	info.one_node = section_extent(nr, &info.lo, &info.hi, &info.nid);
	info.large = ARRAY_LEVEL > 0 && info.one_node && info.hi - info.lo >= SECTION_PAGES / 2;
	if (!info.large && pt_populate((vaddr_t)pfn_to_page(info.lo),
				       (info.hi - info.lo) * sizeof(struct page), 0, GFP_KERNEL))
		panic("page: no tables for the page array\n");
	if (nr_infos == max_infos)
		grow_infos(max_infos);
	at = first_info(nr);
	memmove(&infos[at + 1], &infos[at], (nr_infos - at) * sizeof(infos[0]));
	infos[at] = info;
	nr_infos++;
}

static void place_array(struct section_info *info)
{
	size_t bytes = info->large ? ARRAY_BYTES : (info->hi - info->lo) * sizeof(struct page);

	if (info->one_node)
		info->array = alloc_meta(info->nr, info->nid, bytes, info->large ? ARRAY_BYTES : PAGE_SIZE,
					 "page array");
	else
		place_array_by_node(info);
	info->placed = true;
}

static void place_ext(struct section_info *info)
{
	info->ext = alloc_meta(info->nr, info->nid, (info->hi - info->lo) * sizeof(struct page_ext),
			       PAGE_SIZE, "page owners");
}

/*
 * Places the metadata of every odd section. Metadata that lands in another section makes that one odd:
 * repeat until no section is new.
 */
static void place_metadata(void)
{
	unsigned done;

	do {
		done = nr_infos;
		for (unsigned long w = 0; w < DIV_ROUND_UP(nr_sections, 64); w++)
			for (unsigned long odd = section_odd[w]; odd; odd &= odd - 1) {
				unsigned long nr = w * 64 + (unsigned long)__builtin_ctzl(odd);
				unsigned at = first_info(nr);

				if (at == nr_infos || infos[at].nr != nr)
					add_info(nr);
			}
		for (unsigned i = 0; i < nr_infos; i++)
			if (!infos[i].placed)
				place_array(&infos[i]);
		for (unsigned i = 0; i < nr_infos && opt_page_owner; i++)
			if (!infos[i].ext)
				place_ext(&infos[i]);
		if (!memblock_keep_room(&memblock))
			panic("memblock: no memory for a longer array \"%s\"\n", memblock.reserved.what);
		find_odd_sections();
	} while (nr_infos != done);
}

static void *alloc_bitmap(void)
{
	return memblock_alloc_or_panic(ALIGN_UP(DIV_ROUND_UP(nr_sections, 8), 8), 8, NUMA_NO_NODE,
				       "section maps");
}

static u64 sections_print;

/* Checksum of the data that S5 fixes. */
static u64 print_of_sections(void)
{
	const size_t bytes = DIV_ROUND_UP(nr_sections, 64) * sizeof(unsigned long);
	u64 print = check_print(&nr_sections, sizeof(nr_sections), nr_infos);

	print = check_print(section_present, bytes, print);
	print = check_print(section_odd, bytes, print);
	return check_print(infos, nr_infos * sizeof(infos[0]), print);
}

void page_init(const struct boot_info *bi)
{
	unsigned nr_odd = 0;

	zone_limits_init(bi);
	kmap_init();
	nr_sections = DIV_ROUND_UP(memblock_end(&memblock), 1UL << SECTION_SHIFT);
	section_present = alloc_bitmap();
	section_claimed = alloc_bitmap();
	section_opened = alloc_bitmap();
	section_odd = alloc_bitmap();
	for (unsigned i = 0; i < memblock.memory.cnt; i++) {
		const struct memblock_region *r = &memblock.memory.region[i];
		unsigned long first = r->start >> SECTION_SHIFT,
			      past = DIV_ROUND_UP(r->end, 1UL << SECTION_SHIFT);
		vaddr_t va = (vaddr_t)pfn_to_page(section_start(first));

		bitmap_fill(section_present, first, past);
		if (pt_populate(va, (past - first) * ARRAY_BYTES, ARRAY_LEVEL, GFP_KERNEL))
			panic("page: no tables for the page array\n");
	}

	find_odd_sections();
	for (unsigned long w = 0; w < DIV_ROUND_UP(nr_sections, 64); w++)
		nr_odd += hweight64(section_odd[w]);
	grow_infos(nr_odd + 16);
	/* The table's own section is odd now. */
	find_odd_sections();
	place_metadata();
	sections_print = print_of_sections();
}

/* ---- frames ---- */

struct page *page_head(const struct page *page)
{
	pfn_t pfn = page_to_pfn(page);

	for (int order = MAX_ORDER; order >= 0; order--) {
		struct page *head = pfn_to_page(ALIGN_DOWN(pfn, 1UL << order));

		if (page_state(head) != PAGE_INTERIOR && page_to_pfn(head) + (1UL << page_order(head)) > pfn)
			return head;
	}
	return NULL;
}

void get_page(struct page *page)
{
	u32 was = __atomic_fetch_add(&page->refcount, 1, __ATOMIC_RELAXED);

	BUG_ON(!was, "get_page: pfn 0x%lx has no reference to share", page_to_pfn(page));
}

struct page_ext *page_ext(const struct page *page)
{
	pfn_t pfn = page_to_pfn(page);
	unsigned long nr = pfn / SECTION_PAGES;
	const struct section_info *info = section_info(nr);
	pfn_t first = info ? info->lo : section_start(nr);
	paddr_t ext = info ? info->ext : (first << PAGE_SHIFT) + ARRAY_BYTES;

	ext += (pfn - first) * sizeof(struct page_ext);
	return opt_page_owner && ext >> PAGE_SHIFT < direct_map_end_pfn ? phys_to_virt(ext) : NULL;
}

static const char *const state_names[] = {"interior", "buddy", "pcp", "allocated"};

void page_dump(const struct page *page, const char *why)
{
	pfn_t pfn = page_to_pfn(page);
	const struct page *head;
	const struct page_ext *ext;

	if (!pfn_valid(pfn)) {
		pr_err("page: pfn 0x%lx has no struct page (%s)\n", pfn, why);
		return;
	}
	pr_err("page: pfn 0x%lx flags 0x%lx (%s order %u zone %s node %d type %u%s%s%s) refcount %u: %s\n",
	       pfn, page->flags, state_names[page_state(page)], page_order(page), page_zone(page)->name,
	       page_to_nid(page), page_type(page), page->flags & PG_slab ? " slab" : "",
	       page->flags & PG_reserved ? " reserved" : "", page->flags & PG_hwpoison ? " hwpoison" : "",
	       page->refcount, why);
	head = page_head(page);
	if (head && head != page)
		pr_err("page: inside the %s block of order %u at pfn 0x%lx\n", state_names[page_state(head)],
		       page_order(head), page_to_pfn(head));
	ext = head ? page_ext(head) : NULL;
	if (ext)
		pr_err("page: allocated by %pS (gfp 0x%x), last freed by %pS\n", (void *)ext->alloc_caller,
		       ext->gfp, (void *)ext->free_caller);
}

/* ---- check ---- */

static void sum_block(pfn_t pfn, unsigned order, void *ctx)
{
	unsigned long *sum = ctx;

	sum[order]++;
}

/* S4, without the cursor. */
static bool sections_settled(void)
{
	for (unsigned long w = 0; w < DIV_ROUND_UP(nr_sections, 64); w++)
		if (section_claimed[w] != section_opened[w] || (section_opened[w] & ~section_present[w]))
			return false;
	return !atomic_load(&nr_opening);
}

/* S4: no unopened section of the zone lies below its open_cursor. */
static bool cursor_sound(const struct zone *zone)
{
	unsigned long end = DIV_ROUND_UP(zone->end_pfn, SECTION_PAGES), nr;

	if (zone->open_cursor < zone->start_pfn / SECTION_PAGES || zone->open_cursor > end)
		return false;
	for (nr = zone->start_pfn / SECTION_PAGES;
	     (nr = bitmap_next_without(section_present, section_opened, nr, end)) < zone->open_cursor; nr++)
		if (bitmap_test(section_odd, nr) || whole_section_in(nr, zone))
			return false;
	return true;
}

static const char *section_check(void)
{
	struct zone *zone;

	if (print_of_sections() != sections_print)
		return "page.S5: data that is fixed after boot has changed";
	if (!sections_settled())
		return "page.S4: a section is being opened, is claimed and not opened, or has no RAM";
	for_each_populated_zone (zone) {
		unsigned long sum[NR_ORDERS] = {0}, whole[NR_ORDERS] = {0}, nr_whole = 0, nr;

		page_for_each_block(whole_meta_pages(), SECTION_PAGES, sum_block, whole);
		for (nr = zone->start_pfn / SECTION_PAGES; nr < DIV_ROUND_UP(zone->end_pfn, SECTION_PAGES);
		     nr++) {
			if (!(nr % 64) && !(section_present[nr / 64] & ~section_opened[nr / 64])) {
				nr += 63;
				continue;
			}
			if (!bitmap_test(section_present, nr) || section_is_open(nr))
				continue;
			if (bitmap_test(section_odd, nr))
				section_for_each_block(nr, zone, sum_block, sum);
			else
				nr_whole += whole_section_in(nr, zone);
		}
		for (unsigned o = 0; o < NR_ORDERS; o++)
			if (sum[o] + whole[o] * nr_whole != zone->unopened[o])
				return "page.S2: unopened counts differ from what opening would list";
		if (!cursor_sound(zone))
			return "page.S4: a zone's open_cursor lies behind an unopened section";
	}
	return NULL;
}
MM_CHECK_RANKED("page", section_check, CHECK_RANK_SECTIONS);
