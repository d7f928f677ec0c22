/*
 * fault.c - fault injection: decides which allocations fail.
 *
 * Idea.       An untested failure path is likely wrong. Each allocator therefore asks at each injection point whether to
 *             fail. While nothing is armed this costs nothing, because the allocators' fast paths do not ask.
 * Layout.     struct fault_attr, one each for failslab=, fail_page_alloc=, fail_vmalloc=. Each layer defines its own
 *             with FAULT_ATTR(), and the section fault_points lists them.
 *             sweep: one count over all of them, for tests that fail each allocation of an operation in turn.
 * Invariants. I1  with probability 100 and an interval of N exactly every N-th call fails
 *             I2  after `times` failures no call fails
 *             I3  during a sweep exactly the allocations first to last of the sweeping CPU fail
 * Locking.    None: counters are atomic. A call during a change of an attribute may see old or new values. A sweep counts
 *             only its own CPU's calls outside of interrupts, so other contexts cannot shift the count.
 * Failure.    A bad value leaves the attribute unchanged.
 * Next:       mm/page_alloc.c and mm/slab_cpu.c, which call fault_hits().
 */
#include <kernel/fault.h>

#include <arch/cpu.h>
#include <arch/irq.h>
#include <kernel/errno.h>
#include <kernel/bug.h>
#include <kernel/failure.h>
#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/string.h>

static bool started, sweeping;

void fault_attr_set(struct fault_attr *attr, const struct fault_attr *to)
{
	WRITE_ONCE(attr->interval, to->interval);
	WRITE_ONCE(attr->probability, to->probability);
	WRITE_ONCE(attr->space, to->space);
	WRITE_ONCE(attr->times, to->times);
	WRITE_ONCE(attr->calls, to->calls);
	WRITE_ONCE(attr->failed, to->failed);
	WRITE_ONCE(attr->armed, sweeping || to->probability);
}

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
	fault_attr_set(attr, &(struct fault_attr){.interval = (unsigned)v[0],
						  .probability = v[0] ? (unsigned)v[1] : 0,
						  .space = v[2],
						  .times = (long)v[3]});
	return 0;
}

/* For panics: an injected failure may be the cause. */
static void dump_injected(void)
{
	for_each_fault_point (p)
		if ((*p)->attr->failed)
			console_printf("fault injection: %s failed %lu of %lu calls\n", (*p)->name,
				       (*p)->attr->failed, (*p)->attr->calls);
}

void fault_start(void)
{
	started = true;
	panic_register_dump(dump_injected);
}

/* ---- sweeps ---- */

static bool counting;
static unsigned sweep_cpu;
static unsigned long sweep_first, sweep_last;
static struct fault_sweep sweep;

static void set_sweeping(bool on)
{
	__atomic_store_n(&sweeping, on, __ATOMIC_RELEASE); /* after sweep_cpu */
	for_each_fault_point (p)
		WRITE_ONCE((*p)->attr->armed, on || (*p)->attr->probability);
}

void fault_sweep_arm(unsigned long first, unsigned long last)
{
	sweep = (struct fault_sweep){0};
	sweep_first = first;
	sweep_last = last;
	WRITE_ONCE(sweep_cpu, arch_cpu_id());
	counting = true;
	set_sweeping(true);
}

struct fault_sweep fault_sweep_disarm(void)
{
	counting = false;
	return sweep;
}

void fault_sweep_stop(void)
{
	counting = false;
	set_sweeping(false);
}

static bool sweep_hits(void)
{
	bool hit;

	if (arch_cpu_id() != READ_ONCE(sweep_cpu) || arch_in_interrupt() || !counting)
		return false;
	sweep.asked++;
	hit = sweep.asked >= sweep_first && sweep.asked <= sweep_last;
	sweep.struck += hit;
	return hit;
}

/* ---- the decision ---- */

/* Whether this call is among the first `space` bytes, which do not fail. */
static bool within_space(struct fault_attr *attr, size_t size)
{
	unsigned long left = __atomic_load_n(&attr->space, __ATOMIC_RELAXED);

	while (left && !__atomic_compare_exchange_n(&attr->space, &left, left > size ? left - size : 0, true,
						    __ATOMIC_RELAXED, __ATOMIC_RELAXED))
		;
	return left > size;
}

/* Takes one of the remaining failures. False: none is left. */
static bool take_time(struct fault_attr *attr)
{
	long left = __atomic_load_n(&attr->times, __ATOMIC_RELAXED);

	while (left > 0 && !__atomic_compare_exchange_n(&attr->times, &left, left - 1, true, __ATOMIC_RELAXED,
							__ATOMIC_RELAXED))
		;
	return left != 0;
}

static bool strikes(struct fault_attr *attr, size_t size)
{
	static u64 state; /* racy: two CPUs may draw the same number */
	unsigned interval, probability;

	if (__atomic_load_n(&sweeping, __ATOMIC_ACQUIRE))
		return sweep_hits();
	probability = READ_ONCE(attr->probability);
	if (!started || !probability || !READ_ONCE(attr->times))
		return false;
	if (within_space(attr, size))
		return false;
	interval = READ_ONCE(attr->interval);
	if (!interval || __atomic_add_fetch(&attr->calls, 1, __ATOMIC_RELAXED) % interval)
		return false;
	if (probability < 100) {
		u64 s = READ_ONCE(state);
		u32 draw;

		if (!s)
			s = boot_seed() | 1;
		draw = xorshift64(&s);
		WRITE_ONCE(state, s);
		if (draw % 100 >= probability)
			return false;
	}
	if (!take_time(attr))
		return false;
	__atomic_add_fetch(&attr->failed, 1, __ATOMIC_RELAXED);
	return true;
}

static const char *cause_of(const struct fault_attr *attr)
{
	for_each_fault_point (p)
		if ((*p)->attr == attr)
			return (*p)->cause;
	return "fault injection";
}

bool fault_should_fail(struct fault_attr *attr, size_t size)
{
	if (!strikes(attr, size))
		return false;
	failure_note(cause_of(attr));
	return true;
}
