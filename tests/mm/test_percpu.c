/*
 * test_percpu.c - one offset, a copy on every CPU.
 *
 * Idea.       Allocations of random size and alignment are tagged on every CPU and compared later; the window
 *             is grown past its first chunk and filled to its end.
 * Layout.     static variables; allocations; growth; failure; misuse; many objects; the map of a chunk.
 * Invariants. The runner compares free pages and runs the check of the chunks after every case.
 * Locking.    None.
 * Failure.    Cases that need more memory than there is are skipped.
 * Next:       mm/slab.c, the largest user.
 */
#include "../../mm/percpu_map.h"
#include "expect_broken.h"
#include "scratch.h"

#include <arch/cpu.h>
#include <mm/percpu.h>
#include <kernel/sections.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <mm/page_alloc.h>
#include <mm/pgtable.h>
#include <mm/vmalloc.h>

static DEFINE_PER_CPU(u64, test_var);
static DEFINE_PER_CPU(u8, test_bytes[100]) = {1, 2, 3};

KTEST(percpu, static_copies_are_separate_and_initialised)
{
	unsigned cpu, other;

	for_each_possible_cpu (cpu) {
		EXPECT_EQ(per_cpu(test_bytes[2], cpu), 3);
		per_cpu(test_var, cpu) = 1000 + cpu;
	}
	for_each_possible_cpu (cpu) {
		EXPECT_EQ(per_cpu(test_var, cpu), 1000 + cpu);
		for (other = 0; other < cpu; other++)
			if (percpu_offset[other])
				EXPECT_GE(percpu_offset[cpu] - percpu_offset[other], PERCPU_STRIDE);
	}
}

KTEST(percpu, this_cpu_is_the_copy_of_the_running_cpu)
{
	this_cpu(test_var) = 77;
	EXPECT_EQ(per_cpu(test_var, arch_cpu_id()), 77);
	EXPECT_EQ((vaddr_t)this_cpu_ptr(&test_var), (vaddr_t)per_cpu_ptr(&test_var, arch_cpu_id()));
	*this_cpu_ptr(&test_var) = 78;
	EXPECT_EQ(this_cpu(test_var), 78);
	EXPECT_NE((vaddr_t)this_cpu_ptr(&test_var), (vaddr_t)&test_var); /* not the template */
}

KTEST(percpu, allocations_are_zeroed_on_every_cpu)
{
	for (unsigned round = 0; round < 2; round++) {
		u64 *p[20];
		unsigned cpu;

		for (unsigned i = 0; i < 20; i++) {
			p[i] = alloc_percpu_size(100, 8);
			ASSERT_NOT_NULL(p[i]);
			for_each_possible_cpu (cpu) {
				u64 *mine = per_cpu_ptr(p[i], cpu);

				for (unsigned w = 0; w < 12; w++)
					EXPECT_EQ(mine[w], 0);
				memset(mine, 0xff, 100);
			}
		}
		for (unsigned i = 0; i < 20; i++)
			free_percpu(p[i]);
	}
}

struct slot {
	void *p;
	unsigned size, align, id;
};

static void tag_slot(const struct slot *s)
{
	unsigned cpu;

	for_each_possible_cpu (cpu)
		memset(per_cpu_ptr(s->p, cpu), (int)(s->id + cpu), s->size);
}

static bool slot_intact(const struct slot *s)
{
	unsigned cpu;

	for_each_possible_cpu (cpu) {
		const u8 *p = per_cpu_ptr(s->p, cpu);

		for (unsigned i = 0; i < s->size; i++)
			if (p[i] != (u8)(s->id + cpu))
				return false;
	}
	return true;
}

KTEST(percpu, random_allocations_never_overlap)
{
	enum { SLOTS = 80 };
	static struct slot slot[SLOTS];
	unsigned cpu;

	for (unsigned n = 0; n < 2000; n++) {
		struct slot *s = &slot[test_rand_below(SLOTS)];

		if (s->p) {
			EXPECT_TRUE(slot_intact(s));
			free_percpu(s->p);
			s->p = NULL;
			continue;
		}
		s->size = 1 + test_rand_below(1u << test_rand_below(12));
		s->align = 1u << test_rand_below(13);
		s->id = n;
		s->p = alloc_percpu_size(s->size, s->align);
		ASSERT_NOT_NULL(s->p);
		for_each_possible_cpu (cpu)
			EXPECT_EQ((vaddr_t)per_cpu_ptr(s->p, cpu) & (s->align - 1), 0);
		tag_slot(s);
	}
	for (unsigned i = 0; i < SLOTS; i++) {
		if (slot[i].p)
			EXPECT_TRUE(slot_intact(&slot[i]));
		free_percpu(slot[i].p);
		slot[i].p = NULL;
	}
}

KTEST(percpu, lowest_place_is_taken_first)
{
	char *a = alloc_percpu_size(64, 64), *b = alloc_percpu_size(64, 64), *c;

	ASSERT_NOT_NULL(a);
	ASSERT_NOT_NULL(b);
	free_percpu(a);
	c = alloc_percpu_size(64, 64);
	EXPECT_EQ((vaddr_t)c, (vaddr_t)a);
	free_percpu(b);
	free_percpu(c);
}

KTEST(percpu, small_objects_use_the_first_chunk_while_it_has_room)
{
	const struct chunk *first = percpu_chunks[0];
	unsigned used = first->used;
	void *p;

	if (!percpu_best[MAX_CHUNKS])
		SKIP("the first chunk is full");
	p = alloc_percpu_size(1, 1);
	ASSERT_NOT_NULL(p);
	EXPECT_EQ(first->used, used + 1);
	free_percpu(p);
	EXPECT_EQ(first->used, used);
}

KTEST(percpu, a_new_chunk_comes_and_goes_with_its_pages)
{
	unsigned long before = percpu_pages();
	char *p[3];

	if (nr_free_pages() < 1000)
		SKIP("too little memory");
	for (unsigned i = 0; i < 3; i++) {
		p[i] = alloc_percpu_size(KIB(40), PAGE_SIZE);
		ASSERT_NOT_NULL(p[i]);
	}
	EXPECT_GE(percpu_pages() - before, 2 * KIB(64) >> PAGE_SHIFT);
	for (unsigned i = 0; i < 3; i++)
		EXPECT_TRUE(pt_lookup((vaddr_t)this_cpu_ptr(p[i])).mapped);
	EXPECT_NULL(check_says("percpu")); /* no page behind the last chunk is expected */
	for (unsigned i = 0; i < 3; i++)
		free_percpu(p[i]);
	EXPECT_EQ(percpu_pages(), before);
	EXPECT_FALSE(pt_lookup((vaddr_t)this_cpu_ptr(p[2])).mapped);
}

KTEST(percpu, a_full_window_fails_and_recovers)
{
	const unsigned long room =
		PERCPU_STRIDE - 16 * PAGE_SIZE; /* behind it are the slots of kmap_local_page() */
	const unsigned long per_chunk = (KIB(64) >> PAGE_SHIFT) * cpumask_weight(&cpu_possible_mask) + 1;
	static void *p[PERCPU_STRIDE / KIB(64)];
	unsigned nr = 0;

	if (nr_free_pages() < 2 * per_chunk * PERCPU_STRIDE / KIB(64))
		SKIP("too little memory to fill a window");
	while (nr < ARRAY_SIZE(p) && (p[nr] = alloc_percpu_size(KIB(64), PAGE_SIZE)) != NULL)
		nr++;
	EXPECT_LT(nr, room / KIB(64));
	EXPECT_GE(nr, room / KIB(64) - 3);
	while (nr) {
		vaddr_t end = (vaddr_t)per_cpu_ptr((char *)p[--nr], 0) + KIB(64);

		EXPECT_LE(end, PERCPU_BASE + room);
		free_percpu(p[nr]);
	}
	p[0] = alloc_percpu_size(KIB(64), 8);
	EXPECT_NOT_NULL(p[0]);
	free_percpu(p[0]);
}

KTEST(percpu, no_memory_for_a_chunk_changes_nothing)
{
	unsigned long before = percpu_pages();
	struct list_head memory;
	void *p;

	if (too_much_memory())
		SKIP("it would touch all of more than 1 GiB");
	take_all_memory(&memory);
	EXPECT_NULL(alloc_percpu_size(KIB(64), 8));
	EXPECT_EQ(percpu_pages(), before);
	p = alloc_percpu_size(8, 8); /* the first chunk needs none */
	EXPECT_NOT_NULL(p);
	free_percpu(p);
	give_memory_back(&memory);
	p = alloc_percpu_size(KIB(64), 8);
	EXPECT_NOT_NULL(p);
	free_percpu(p);
}

KTEST(percpu, sizes_that_cannot_be_are_refused)
{
	EXPECT_NULL(alloc_percpu_size(0, 8));
	EXPECT_NULL(alloc_percpu_size(KIB(64) + 1, 8));
	free_percpu(NULL);
}

KTEST_PANIC(percpu, freeing_an_interior_pointer_is_a_bug, "not an allocation")
{
	free_percpu((char *)alloc_percpu_size(64, 8) + 8);
}

KTEST_PANIC(percpu, double_free_is_a_bug, "not an allocation")
{
	void *p = alloc_percpu_size(64, 8);

	free_percpu(p);
	free_percpu(p);
}

KTEST_PANIC(percpu, freeing_a_static_variable_is_a_bug, "is not a per-CPU pointer")
{
	free_percpu(&test_var);
}

KTEST_PANIC(percpu, freeing_an_address_below_the_template_is_a_bug, "is not a per-CPU pointer")
{
	free_percpu((void *)((unsigned long)__percpu_start - 8));
}

/* 2^32 chunks and some: what a count of 32 bits would take for an address of chunk 0. */
KTEST_PANIC(percpu, freeing_an_address_far_away_is_a_bug, "is not a per-CPU pointer")
{
	void *p = alloc_percpu_size(64, 8);

	free_percpu((char *)p + (KIB(64) << 32));
}

KTEST_PANIC(percpu, freeing_a_slot_behind_the_window_is_a_bug, "is not a per-CPU pointer")
{
	free_percpu(__percpu_start + PERCPU_STRIDE - 8);
}

/* ---- many objects ---- */

enum { LINUX_OBJECTS = 35000, MANY = 32000, FEW = 1000 };

static void **many; /* LINUX_OBJECTS, for the time of a case: the image is not to carry them */

static bool memory_for_windows(unsigned long bytes)
{
	return nr_free_pages() > bytes / PAGE_SIZE * 2 * cpumask_weight(&cpu_possible_mask);
}

static void free_many(unsigned from, unsigned step)
{
	for (unsigned i = from; i < LINUX_OBJECTS; i += step) {
		free_percpu(many[i]);
		many[i] = NULL;
	}
}

/* The load of Linux's test_vmalloc (pcpu_alloc_test): 35 000 objects of up to 1 KiB, aligned to up to 2 KiB. */
KTEST(percpu, as_many_random_objects_as_in_linuxs_test_fit)
{
	unsigned cpu, bad = 0;

	if (!memory_for_windows(MIB(32)))
		SKIP("too little memory for 32 MiB on each CPU");
	many = vzalloc(LINUX_OBJECTS * sizeof(*many));
	ASSERT_NOT_NULL(many);
	for (unsigned i = 0; i < LINUX_OBJECTS; i++) {
		size_t align = 2UL << test_rand_below(11);

		many[i] = alloc_percpu_size(8 + test_rand_below(1017), align);
		if (!EXPECT_NOT_NULL(many[i]))
			break;
		bad += !IS_ALIGNED((vaddr_t)per_cpu_ptr((char *)many[i], 0), align);
		for_each_possible_cpu (cpu)
			*(u64 *)per_cpu_ptr((char *)many[i], cpu) = i << 8 | cpu;
	}
	for (unsigned i = 0; i < LINUX_OBJECTS && many[i]; i++)
		for_each_possible_cpu (cpu)
			bad += *(u64 *)per_cpu_ptr((char *)many[i], cpu) != (i << 8 | cpu);
	EXPECT_EQ(bad, 0);
	free_many(0, 1);
	vfree(many);
}

struct steps {
	unsigned long sum, most, ops;
};

static void *alloc_counted(struct steps *s)
{
	unsigned long before = percpu_steps;
	void *p = alloc_percpu_size(1 + test_rand_below(64), 8UL << test_rand_below(4));

	s->sum += percpu_steps - before;
	s->most = max(s->most, percpu_steps - before);
	s->ops++;
	return p;
}

/* Every second one of nr objects goes, and others take their places: holes of all sizes everywhere. */
static struct steps refill_holes(struct ktest *t, unsigned nr)
{
	struct steps steps = {0};

	for (unsigned i = 0; i < nr; i++)
		if (!many[i])
			many[i] = alloc_percpu_size(1 + test_rand_below(64), 8UL << test_rand_below(4));
	free_many(0, 2);
	for (unsigned i = 0; i < nr; i += 2) {
		many[i] = alloc_counted(&steps);
		if (!EXPECT_NOT_NULL(many[i]))
			break;
	}
	return steps;
}

/* A first fit looks at each hole: with 32 times as many objects it takes 32 times as long. */
KTEST(percpu, steps_of_an_allocation_do_not_grow_with_their_number)
{
	const unsigned new_chunk = 2 * CHUNK_WORDS + 100; /* its tree, once in a while */
	struct steps few, all;

	if (!memory_for_windows(MIB(4)))
		SKIP("too little memory");
	many = vzalloc(LINUX_OBJECTS * sizeof(*many));
	ASSERT_NOT_NULL(many);
	few = refill_holes(t, FEW);
	all = refill_holes(t, MANY);
	free_many(0, 1);
	vfree(many);
	EXPECT_MSG(all.sum / all.ops <= 2 * (few.sum / few.ops) + 20,
		   "%lu steps for one of %u, %lu for one of %u", few.sum / few.ops, FEW, all.sum / all.ops,
		   MANY);
	EXPECT_LE(all.most, 400 + new_chunk);
	EXPECT_LE(all.sum / all.ops, 150);
}

/* ---- the map ---- */

static struct chunk map;
static u8 taken[CHUNK_UNITS]; /* 0: free, 1: in use, 2: the first of an allocation */

static void map_init(unsigned long start, size_t size)
{
	memset(&map, 0, sizeof(map));
	memset(taken, 0, sizeof(taken));
	chunk_init(&map, start, size);
}

/* The same search, unit by unit. CHUNK_UNITS: none. */
static unsigned lowest_place(unsigned units, size_t align)
{
	unsigned free = 0;

	for (unsigned unit = 0, start = 0; unit < map.units; unit++) {
		free = taken[unit] ? 0 : free + 1;
		if (!free)
			continue;
		start = unit + 1 - free;
		start = (unsigned)((ALIGN_UP(map.start + start * 8UL, align) - map.start) / 8);
		if (unit + 1 >= start + units)
			return start;
	}
	return CHUNK_UNITS;
}

static void take_units(struct ktest *t)
{
	unsigned units = 1 + test_rand_below(1u << test_rand_below(11)), at;
	size_t align = 8UL << test_rand_below(6);
	unsigned long offset = 0;

	at = lowest_place(units, align);
	EXPECT_EQ(chunk_alloc(&map, units, align, CHUNK_UNITS, &offset), at < CHUNK_UNITS);
	if (at == CHUNK_UNITS)
		return;
	EXPECT_EQ(offset, map.start + at * 8UL);
	memset(taken + at, 1, units);
	taken[at] = 2;
}

static void give_units(unsigned unit)
{
	while (unit < map.units && taken[unit] != 2)
		unit++;
	if (unit == map.units)
		return;
	chunk_free(&map, map.start + unit * 8UL);
	do
		taken[unit++] = 0;
	while (unit < map.units && taken[unit] == 1);
}

KTEST(percpu, a_map_finds_the_lowest_place_that_fits)
{
	static const unsigned sizes[] = {CHUNK_SIZE, CHUNK_SIZE - 8, 8 * 4099, 8 * 64, 8 * 3};

	for (unsigned s = 0; s < ARRAY_SIZE(sizes); s++) {
		map_init(8UL * test_rand_below(5000), sizes[s]);
		for (unsigned n = 0; n < 400; n++) {
			if (test_rand_below(5) < 3)
				take_units(t);
			else
				give_units(test_rand_below(map.units));
			if (n % 16 == 0 && !EXPECT_NULL(chunk_check(&map)))
				return;
		}
		for (unsigned unit = 0; map.used && unit < map.units; unit++)
			give_units(unit);
		EXPECT_EQ(chunk_longest(&map), map.units);
	}
}

/* With few tries a place may be missed, but none is wrong, and a run that is long for any alignment is always found. */
KTEST(percpu, few_tries_find_a_run_that_holds_any_alignment)
{
	unsigned long offset;

	map_init(8, CHUNK_SIZE);
	for (unsigned n = 0; n < 300; n++)
		take_units(t);
	for (unsigned n = 0; n < 200; n++)
		give_units(test_rand_below(map.units));
	for (unsigned n = 0; n < 2000; n++) {
		unsigned units = 1 + test_rand_below(100), unit;
		size_t align = 8UL << test_rand_below(6);
		bool sure = chunk_longest(&map) >= chunk_units_for(units, align);

		if (!chunk_alloc(&map, units, align, test_rand_below(3), &offset)) {
			EXPECT_FALSE(sure);
			continue;
		}
		EXPECT_TRUE(IS_ALIGNED(offset, align));
		unit = (unsigned)(offset - map.start) / 8;
		for (unsigned i = 0; i < units; i++)
			EXPECT_EQ(taken[unit + i], 0);
		chunk_free(&map, offset);
	}
	EXPECT_NULL(chunk_check(&map));
}

static void expect_named(struct ktest *t, const char *number)
{
	const char *what = chunk_check(&map);

	if (EXPECT_NOT_NULL(what))
		EXPECT_MSG(strstr(what, number) != NULL, "%s, expected %s", what, number);
}

/* Three allocations at the start; the second one goes if a tree is wanted. */
static bool small_map(bool tree)
{
	unsigned long offset[3];
	bool got = true;

	map_init(0, CHUNK_SIZE - 64);
	for (unsigned i = 0; i < 3; i++)
		got = got && chunk_alloc(&map, 100, 8, 1, &offset[i]);
	if (got && tree)
		chunk_free(&map, offset[1]);
	return got && map.dense == !tree;
}

KTEST(percpu, the_check_names_a_damaged_node_of_a_map)
{
	for (unsigned i = 1; i < 2 * CHUNK_WORDS; i++) {
		u16 *field[] = {&map.node[i].head, &map.node[i].tail, &map.node[i].longest};

		for (unsigned f = 0; f < 3; f++) {
			u16 was;

			ASSERT_TRUE(i > 1 || f || small_map(true));
			was = *field[f];
			*field[f] ^= (u16)(1u << test_rand_below(16));
			expect_named(t, "percpu.C5:");
			*field[f] = was;
		}
	}
	EXPECT_NULL(chunk_check(&map));
	map.dense = true;
	expect_named(t, "percpu.C5:");
}

KTEST(percpu, the_check_names_damaged_bits_of_a_map)
{
	ASSERT_TRUE(small_map(false));
	EXPECT_NULL(chunk_check(&map));
	map.used--;
	expect_named(t, "percpu.C1:");
	map.used++;
	bitmap_set(map.first, 300);
	expect_named(t, "percpu.C1:");
	bitmap_clear(map.first, 300);
	bitmap_clear(map.first, 0);
	expect_named(t, "percpu.C1:");
	bitmap_set(map.first, 0);
	bitmap_set(map.in_use, CHUNK_UNITS - 1);
	expect_named(t, "percpu.C1:");
	bitmap_clear(map.in_use, CHUNK_UNITS - 1);
	map.units = CHUNK_UNITS + 1;
	expect_named(t, "percpu.C1:");
	map.units = CHUNK_UNITS - 8;
	EXPECT_NULL(chunk_check(&map));
}
