/*
 * phys.c - physical memory: one sparse memory file, mapped once for good.
 *
 * Idea.       The offset in the file is the physical address. Memory that is never touched takes no space, so terabytes
 *             with holes are possible. The image lies in the file, as a loader would place it: its pages are copied into
 *             the file and mapped from there, so the direct map shows them, too. Until the final tables are installed all
 *             memory is mapped, then only what the tables map.
 * Layout.     DIRECT_MAP_BASE + pa     the file, shared
 *             window                   reserved, without access: tlb.c maps leaves into it
 *             [__image_start, __image_end)    the file at KERNEL_LOAD + offset in the image
 * Invariants. M1  after host_phys_apply_tables() the ranges of direct map and image are mapped exactly as the tables say
 * Locking.    None: start-up.
 * Failure.    If a system call fails, the process prints which one and ends with status 1.
 * Next:       pt.c.
 */
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "host_internal.h"
#include <arch/layout.h>
#include <arch/pt.h>
#include <kernel/bits.h>
#include <kernel/sections.h>

/* Runs: each memory range and the hole below it, for the largest map after nodes have cut it; and the image. */
enum { MAX_RUNS = 2 * (BOOT_MAX_RANGES + 2 * BOOT_MAX_NODE_RANGES + BOOT_MAX_EDITS) + 256 };

paddr_t host_ram_end;
int host_memfd;

static void reserve(vaddr_t va, size_t size)
{
	if (mmap((void *)va, size, PROT_NONE,
		 MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_FIXED_NOREPLACE, -1, 0) != (void *)va)
		host_die("strata: cannot reserve 0x%lx bytes at 0x%lx\n", size, va);
	/* Valgrind must not report accesses: they fault, and the tables decide. */
	host_tell(MAKE_MEM_DEFINED, va, size);
}

/*
 * Copies the image into the file and maps it from there. A write to the image between the two steps would be lost, so this
 * function uses plain system calls: no libc, no sanitizer.
 */
static __noinline __attribute__((no_sanitize("address", "undefined", "thread"))) bool
image_move(int fd, unsigned long load)
{
	const struct {
		char *start, *end;
		long prot;
	} part[] = {
		{__text_start, __text_end, PROT_READ | PROT_EXEC},
		{__rodata_start, __rodata_end, PROT_READ},
		{__data_start, __image_end, PROT_READ | PROT_WRITE},
	};

	for (unsigned i = 0; i < ARRAY_SIZE(part); i++) {
		long size = part[i].end - part[i].start,
		     pa = (long)(load + (unsigned long)part[i].start - HOST_IMAGE_BASE);

		for (long done = 0, n; done < size; done += n) {
			n = syscall(SYS_pwrite64, fd, part[i].start + done, size - done, pa + done);
			if (n <= 0)
				return false;
		}
		if (syscall(SYS_mmap, part[i].start, size, part[i].prot, MAP_SHARED | MAP_FIXED, fd, pa) < 0)
			return false;
	}
	return true;
}

/* Finds the lowest address at or above `from` where the image fits without touching a reservation. */
static bool find_load(struct boot_info *bi, paddr_t from, paddr_t *load)
{
	const u64 size = (u64)(__image_end - (char *)HOST_IMAGE_BASE);
	u64 cursor = from, start, end;

	while (boot_next_usable(bi, &cursor, &start, &end)) {
		start = PAGE_ALIGN_UP(start);
		for (unsigned i = 0; i < bi->nr_reserved; i++)
			if (start < end && bi->reserved[i].start < start + size &&
			    start < bi->reserved[i].end) {
				start = bi->reserved[i].end < end ? PAGE_ALIGN_UP(bi->reserved[i].end) : end;
				i = ~0U; /* restart: the reservations are not sorted */
			}
		if (start < end && (end & PAGE_MASK) - start >= size && start <= DIRECT_MAP_SIZE - size) {
			*load = start;
			return true;
		}
	}
	return false;
}

void host_phys_init(struct boot_info *bi)
{
	u64 cursor = 0, start, end;

	while (boot_next_usable(bi, &cursor, &start, &end))
		if (start < DIRECT_MAP_SIZE)
			host_ram_end = min(end, DIRECT_MAP_SIZE);
	if (!find_load(bi, MIB(1), &host_layout.image_load) && !find_load(bi, 0, &host_layout.image_load))
		host_die("strata: the memory map has no usable range of %lu KiB, which the kernel's image "
			 "needs\n",
			 (unsigned long)(__image_end - (char *)HOST_IMAGE_BASE) >> 10);
	host_memfd = memfd_create("strata", MFD_CLOEXEC);
	if (host_memfd < 0 || ftruncate(host_memfd, (off_t)host_ram_end))
		host_die("strata: cannot make a memory file of 0x%lx bytes\n", host_ram_end);
	reserve(HOST_WINDOW_START, HOST_WINDOW_END - HOST_WINDOW_START);
	reserve(DIRECT_MAP_BASE, DIRECT_MAP_SIZE);
	if (mmap((void *)DIRECT_MAP_BASE, host_ram_end, PROT_READ | PROT_WRITE,
		 MAP_SHARED | MAP_NORESERVE | MAP_FIXED, host_memfd, 0) == MAP_FAILED)
		host_die("strata: cannot map 0x%lx bytes of memory\n", host_ram_end);
	if (!image_move(host_memfd, host_layout.image_load))
		host_die("strata: cannot move the image to 0x%lx\n", host_layout.image_load);
}

/* ---- the installed tables ---- */

struct run {
	vaddr_t start, end;
	int prot; /* PROT_NONE: not mapped */
};

static struct run *run; /* MAX_RUNS entries outside of the image, which must fit in a small machine */
static unsigned nr_runs;

static int prot_of(pt_prot_t prot)
{
	return (prot & PT_READ ? PROT_READ : 0) | (prot & PT_WRITE ? PROT_WRITE : 0) |
	       (prot & PT_EXEC ? PROT_EXEC : 0);
}

static void add_run(vaddr_t start, vaddr_t end, int prot)
{
	if (nr_runs && run[nr_runs - 1].end == start && run[nr_runs - 1].prot == prot) {
		run[nr_runs - 1].end = end;
		return;
	}
	if (nr_runs == MAX_RUNS)
		host_die("strata: the tables have more than %d ranges\n", MAX_RUNS);
	run[nr_runs++] = (struct run){start, end, prot};
}

/* Adds the mappings of [va, end) as runs of equal protection. */
static void collect(vaddr_t va, vaddr_t end)
{
	while (va < end) {
		struct host_leaf leaf;
		bool found = host_pt_walk(va, &leaf);
		vaddr_t next =
			min(end, ALIGN_DOWN(va, PT_LEVEL_SIZE(leaf.level)) + PT_LEVEL_SIZE(leaf.level));

		add_run(va, next, found ? prot_of(leaf.prot) : PROT_NONE);
		va = next;
	}
}

/* Collects all runs before it changes any: the tables are read through the mapping that changes. */
void host_phys_apply_tables(void)
{
	nr_runs = 0;
	run = mmap(NULL, MAX_RUNS * sizeof(*run), PROT_READ | PROT_WRITE,
		   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (run == MAP_FAILED)
		host_die("strata: no memory to read the tables\n");
	collect(DIRECT_MAP_BASE, DIRECT_MAP_BASE + host_ram_end);
	collect((vaddr_t)__image_start, (vaddr_t)__image_end);
	for (unsigned i = 0; i < nr_runs; i++)
		if (mprotect((void *)run[i].start, run[i].end - run[i].start, run[i].prot))
			host_die("strata: mprotect of 0x%lx bytes at 0x%lx failed\n",
				 run[i].end - run[i].start, run[i].start);
	munmap(run, MAX_RUNS * sizeof(*run));
}
