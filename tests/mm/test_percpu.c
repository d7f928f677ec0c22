/*
 * test_percpu.c - one offset, a copy on every CPU.
 *
 * Idea.       Allocations of random size and alignment are tagged on every CPU and compared later; the window
 *             is grown past its first chunk and filled to its end.
 * Layout.     static variables; allocations; growth; failure; misuse.
 * Invariants. The runner compares free pages and runs the check of the chunks after every case.
 * Locking.    None.
 * Failure.    Cases that need more memory than there is are skipped.
 * Next:       mm/slab.c, the largest user.
 */
#include "scratch.h"

#include <arch/cpu.h>
#include <kernel/percpu.h>
#include <kernel/sections.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <mm/page_alloc.h>
#include <mm/pgtable.h>

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
	static void *p[512];
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
