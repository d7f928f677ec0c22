/*
 * test_asan.c - each kind of wrong access to each kind of memory, caught at the instruction by AddressSanitizer.
 *
 * Idea.       Linux's KASAN is tested by an inventory of mistakes (mm/kasan/kasan_test.c). Each of its kinds that can be made
 *             here is one case. The build under AddressSanitizer must end in its report, inside the case.
 *             tests/host/test_sanitizers.py runs each case in a process of its own.
 * Layout.     ASAN(name) { a correct beginning; one wrong access }
 * Invariants. No case touches memory that the case does not own, but for its mistake.
 * Locking.    None.
 * Failure.    A case that comes to its end is a mistake that was not seen.
 * Source.     Linux 6.1 mm/kasan/kasan_test.c: the kinds, in our words.
 * Next:       ../../host/test_sanitizers.py.
 */
#include <kernel/test.h>

#include <mm/kmalloc.h>
#include <mm/page_alloc.h>
#include <mm/slab.h>
#include <mm/vmalloc.h>
#include <mm/percpu.h>

#define ASAN(name) KTEST_PANIC(asan, name, "AddressSanitizer")

/* What the compiler knows nothing about: neither the value nor that it is the same as before. */
#define HIDE(v)                                      \
	({                                           \
		__typeof__(v) hidden = (v);          \
		__asm__ volatile("" : "+r"(hidden)); \
		hidden;                              \
	})

static volatile unsigned long sink; /* results that are used */

static void write_at(void *p, long at)
{
	HIDE((volatile char *)p)[at] = 'x';
}

static char read_at(const void *p, long at)
{
	return HIDE((const volatile char *)p)[at];
}

/* ---- kmalloc ---- */

ASAN(kmalloc_write_behind_the_end)
{
	write_at(kmalloc(123, GFP_KERNEL), 123);
}

ASAN(kmalloc_read_behind_the_end)
{
	read_at(kmalloc(123, GFP_KERNEL), 124);
}

ASAN(kmalloc_read_before_the_start)
{
	char *p = kmalloc(100, GFP_KERNEL), *q = kmalloc(100, GFP_KERNEL);

	read_at(p < q ? q : p, -1); /* the slack of the object before */
}

ASAN(kmalloc_node_read_behind_the_end)
{
	read_at(kmalloc_node(4000, GFP_KERNEL, page_to_nid(virt_to_page(kmalloc(1, GFP_KERNEL)))), 4000);
}

ASAN(kmalloc_large_write_behind_the_end)
{
	write_at(kmalloc(3 * PAGE_SIZE - 100, GFP_KERNEL), (long)(3 * PAGE_SIZE - 100));
}

ASAN(kmalloc_large_use_after_free)
{
	char *p = kmalloc(5 * PAGE_SIZE, GFP_KERNEL);

	kfree(p);
	read_at(p, 0);
}

ASAN(kmalloc_use_after_free)
{
	char *p = kmalloc(100, GFP_KERNEL);

	kfree(p);
	write_at(p, 8);
}

ASAN(kmalloc_use_after_free_behind_a_new_object)
{
	char *p = kmalloc(43, GFP_KERNEL), *q = kmalloc(43, GFP_KERNEL);

	kfree(p);
	kfree(q);
	q = kmalloc(43, GFP_KERNEL);
	write_at(p == q ? q : p, p == q ? 47 : 40);
}

ASAN(kmalloc_double_free)
{
	char *p = kmalloc(100, GFP_KERNEL);

	kfree(p);
	kfree(HIDE(p));
}

ASAN(krealloc_grown_write_behind_the_end)
{
	write_at(krealloc(kmalloc(201, GFP_KERNEL), 235, GFP_KERNEL), 235);
}

ASAN(krealloc_shrunk_write_behind_the_end)
{
	write_at(krealloc(kmalloc(235, GFP_KERNEL), 201, GFP_KERNEL), 201);
}

ASAN(krealloc_large_to_small_write_behind_the_end)
{
	write_at(krealloc(kmalloc(3 * PAGE_SIZE, GFP_KERNEL), 100, GFP_KERNEL), 100);
}

ASAN(krealloc_of_freed_memory)
{
	char *p = kmalloc(201, GFP_KERNEL);

	kfree(p);
	krealloc(HIDE(p), 300, GFP_KERNEL);
}

ASAN(krealloc_leaves_the_old_object_freed)
{
	char *p = kmalloc(100, GFP_KERNEL), *q = krealloc(p, 1000, GFP_KERNEL);

	if (q && q != p)
		read_at(p, 0);
}

ASAN(ksize_of_freed_memory_is_no_leave_to_use_it)
{
	char *p = kmalloc(100, GFP_KERNEL);
	size_t usable = ksize(p);

	write_at(p, (long)usable - 1); /* allowed since ksize() */
	kfree(p);
	read_at(p, (long)usable - 1);
}

ASAN(struct_copy_behind_the_end)
{
	struct two {
		u64 word[2];
	} *small = kmalloc(sizeof(u64) * 2 - 3, GFP_KERNEL), *whole = kzalloc(sizeof(*whole), GFP_KERNEL);

	*HIDE(small) = *HIDE(whole);
}

ASAN(struct_copy_from_freed_memory)
{
	struct two {
		u64 word[2];
	} *to = kmalloc(sizeof(*to), GFP_KERNEL), *from = kzalloc(sizeof(*from), GFP_KERNEL);

	kfree(from);
	*HIDE(to) = *HIDE(from);
}

/* ---- blocks and strings ---- */

ASAN(memset_across_the_end)
{
	memset((char *)HIDE(kmalloc(120, GFP_KERNEL)) + 110, 0, HIDE(16UL));
}

ASAN(memset_of_freed_memory)
{
	char *p = kmalloc(33, GFP_KERNEL);

	kfree(p);
	memset(HIDE(p), 0, HIDE(33UL));
}

ASAN(memcpy_from_behind_the_end)
{
	char to[64];

	memcpy(HIDE((char *)to), HIDE((char *)kzalloc(50, GFP_KERNEL)), HIDE(51UL));
}

ASAN(memmove_of_a_negative_size)
{
	char *p = kzalloc(64, GFP_KERNEL);

	memmove(HIDE(p), HIDE(p + 4), HIDE((size_t)-2));
}

ASAN(memmove_across_the_end)
{
	char *p = kzalloc(64 - 4, GFP_KERNEL);

	memmove(HIDE(p + 4), HIDE(p), HIDE(60UL));
}

ASAN(memcmp_across_the_end)
{
	char *p = kzalloc(24, GFP_KERNEL), zero[32] = "";

	sink = (unsigned long)memcmp(HIDE(p), HIDE((char *)zero), HIDE(25UL));
}

ASAN(memchr_across_the_end)
{
	sink = (unsigned long)memchr(HIDE((char *)kzalloc(24, GFP_KERNEL)), '1', HIDE(25UL));
}

ASAN(strlen_of_freed_memory)
{
	char *p = kzalloc(23, GFP_KERNEL);

	kfree(p);
	sink = (unsigned long)strlen(HIDE(p));
}

ASAN(strchr_of_freed_memory)
{
	char *p = kzalloc(23, GFP_KERNEL);

	kfree(p);
	sink = (unsigned long)strchr(HIDE(p), '1');
}

ASAN(strcmp_without_a_terminator)
{
	char *p = kmalloc(20, GFP_KERNEL), same[40];

	memset(p, 'a', 20);
	memset(same, 'a', sizeof(same));
	same[39] = '\0';
	sink = (unsigned long)strcmp(HIDE(p), HIDE((char *)same));
}

/* ---- caches ---- */

static struct kmem_cache *make_cache(unsigned size)
{
	return kmem_cache_create("t-asan", size, 0, SLAB_NO_USER_FLAGS, NULL);
}

ASAN(cache_object_read_behind_the_end)
{
	read_at(kmem_cache_alloc(make_cache(200), GFP_KERNEL), 200); /* the next one is free */
}

ASAN(cache_object_use_after_free)
{
	struct kmem_cache *s = make_cache(200);
	char *p = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_free(s, p);
	write_at(p, 100);
}

ASAN(cache_object_double_free)
{
	struct kmem_cache *s = make_cache(200);
	char *p = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_free(s, p);
	kmem_cache_free(s, HIDE(p));
}

ASAN(bulk_object_use_after_free)
{
	struct kmem_cache *s = make_cache(48);
	void *obj[10];

	if (kmem_cache_alloc_bulk(s, GFP_KERNEL, 10, obj) == 10)
		kmem_cache_free_bulk(s, 10, obj);
	read_at(obj[5], 0);
}

ASAN(bulk_object_write_behind_the_end)
{
	void *obj[3];

	if (kmem_cache_alloc_bulk(make_cache(50), GFP_KERNEL, 3, obj) == 3)
		write_at(obj[1], 50);
}

ASAN(object_of_a_destroyed_cache)
{
	struct kmem_cache *s = make_cache(200);
	char *p = kmem_cache_alloc(s, GFP_KERNEL);

	kmem_cache_free(s, p);
	kmem_cache_destroy(s);
	read_at(p, 0);
}

ASAN(cache_destroyed_twice)
{
	struct kmem_cache *s = make_cache(200);

	kmem_cache_destroy(s);
	kmem_cache_destroy(HIDE(s));
}

/* ---- pages ---- */

ASAN(page_use_after_free)
{
	char *p = (char *)__get_free_pages(GFP_KERNEL, 2);

	free_pages((unsigned long)p, 2);
	read_at(p, (long)PAGE_SIZE * 3);
}

ASAN(page_of_an_exact_allocation_behind_its_end)
{
	read_at(alloc_pages_exact(3 * PAGE_SIZE, GFP_KERNEL),
		(long)(3 * PAGE_SIZE)); /* the fourth was free */
}

ASAN(page_of_a_split_block_use_after_free)
{
	struct page *page = alloc_pages(GFP_KERNEL, 2);

	split_page(page, 2);
	__free_page(page + 1);
	read_at(page_address(page + 1), 0);
}

/* ---- areas ---- */

ASAN(area_write_behind_the_size)
{
	write_at(vmalloc(PAGE_SIZE / 2 - 5), (long)(PAGE_SIZE / 2 - 5));
}

ASAN(area_use_after_free)
{
	char *p = vmalloc(3 * PAGE_SIZE);

	write_at(p, 0);
	vfree(p);
	read_at(p, 0);
}

ASAN(area_frame_use_after_free_through_the_direct_map)
{
	char *area = vmalloc(PAGE_SIZE), *p = page_address(vmalloc_to_page(area));

	vfree(area);
	vm_unmap_aliases(); /* the frames go back with the purge */
	read_at(p, 0);
}

ASAN(kvmalloc_area_write_behind_the_size)
{
	write_at(kvmalloc(KMALLOC_MAX_SIZE + 100, GFP_KERNEL), (long)(KMALLOC_MAX_SIZE + 100));
}

/* ---- per-CPU memory ---- */

ASAN(percpu_write_behind_the_end)
{
	write_at(this_cpu_ptr((char *)alloc_percpu_size(20, 8)), 20);
}

ASAN(percpu_read_of_a_free_neighbour)
{
	read_at(per_cpu_ptr((char *)alloc_percpu_size(24, 8), 0), 24);
}

ASAN(percpu_use_after_free)
{
	char *p = alloc_percpu_size(64, 8), *keeps_the_chunk = alloc_percpu_size(64, 8);

	free_percpu(p);
	write_at(this_cpu_ptr(p), 0);
	(void)keeps_the_chunk;
}

ASAN(percpu_use_after_free_on_another_cpu)
{
	char *p = alloc_percpu_size(64, 8);

	free_percpu(p);
	read_at(per_cpu_ptr(p, 1), 63);
}

/* ---- what the compiler guards by itself ---- */

static char global_array[10];

ASAN(global_array_read_behind_the_end)
{
	read_at(global_array, 13);
}

ASAN(stack_array_read_behind_the_end)
{
	volatile char array[10] = "";

	(void)HIDE((volatile char *)array)[HIDE(10)];
}

ASAN(stack_array_of_variable_size_read_before_the_start)
{
	unsigned long size = HIDE(10UL);
	volatile char array[size];

	array[0] = 1;
	(void)HIDE((volatile char *)array)[HIDE(-1)];
}

/* ---- correct uses, close to the borders ---- */

KTEST(asan, correct_uses_at_the_borders_are_silent)
{
	char *p = kmalloc(100, GFP_KERNEL), *area = vmalloc(100), *each = alloc_percpu_size(20, 8);
	struct page *page = alloc_page(GFP_KERNEL);

	write_at(p, 0);
	write_at(p, 99);
	write_at(p, (long)ksize(p) - 1); /* ksize() opens what it names */
	kfree(page_address(virt_to_page(p)) + ((unsigned long)p & ~PAGE_MASK)); /* by way of the page */
	write_at(area, 0);
	write_at(area, 99);
	vfree(area);
	for (unsigned cpu = 0; cpu < cpumask_weight(&cpu_possible_mask); cpu++) {
		write_at(per_cpu_ptr(each, cpu), 0);
		write_at(per_cpu_ptr(each, cpu), 19);
	}
	free_percpu(each);
	write_at(page_address(page), (long)PAGE_SIZE - 1);
	__free_page(page);
}
