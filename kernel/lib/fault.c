/*
 * fault.c - decides which allocation is to fail.
 *
 * Idea.       A failure path that never runs is wrong. Each allocator asks here at its one injection point;
 *             the question costs nothing while nothing is armed, because the allocators' fast paths do not
 *             ask.
 * Layout.     struct fault_attr, one for each of failslab=, fail_page_alloc=, fail_vmalloc=.
 * Invariants. I1  with probability 100 and an interval of N exactly every N-th call fails
 *             I2  after `times` failures no call fails
 * Locking.    None: counters are plain; a lost count on another CPU shifts a failure by one call.
 * Failure.    A bad value leaves the attribute as it was.
 * Next:       mm/page_alloc.c and mm/slab_cpu.c, which ask.
 */
#include <kernel/fault.h>

#include <kernel/errno.h>
#include <kernel/random.h>
#include <kernel/string.h>

int fault_attr_parse(const char *value, struct fault_attr *attr)
{
	u64 v[4] = {1, 100, 0, ~0UL};
	unsigned n = 0;

	if (!value)
		return -EINVAL;
	for (const char *p = value;; p++) {
		bool negative = n == 3 && *p == '-';

		if (n == 4 || parse_size_prefix(p + negative, &p, &v[n]))
			return -EINVAL;
		if (negative)
			v[n] = -v[n];
		n++;
		if (!*p)
			break;
		if (*p != ',')
			return -EINVAL;
	}
	if (v[0] > UINT32_MAX || v[1] > 100)
		return -EINVAL;
	*attr = (struct fault_attr){.interval = (unsigned)v[0],
				    .probability = v[0] ? (unsigned)v[1] : 0,
				    .space = v[2],
				    .times = (long)v[3]};
	return 0;
}

static bool started;

void fault_start(void)
{
	started = true;
}

bool fault_should_fail(struct fault_attr *attr, size_t size)
{
	static u64 state;

	if (!started || !attr->probability || !attr->times)
		return false;
	if (attr->space > size) {
		attr->space -= size;
		return false;
	}
	attr->space = 0;
	if (++attr->calls % attr->interval)
		return false;
	if (attr->probability < 100) {
		if (!state)
			state = boot_seed() | 1;
		if (xorshift64(&state) % 100 >= attr->probability)
			return false;
	}
	if (attr->times > 0)
		attr->times--;
	attr->failed++;
	return true;
}
