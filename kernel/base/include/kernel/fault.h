#ifndef KERNEL_FAULT_H
#define KERNEL_FAULT_H

/*
 * Fault injection: makes allocations fail on purpose, so that every failure path runs. The four values and their meaning
 * are Linux's (Documentation/fault-injection): after the first SPACE bytes every INTERVAL-th call fails with a
 * probability of PROBABILITY percent, at most TIMES times (-1: no limit).
 */

#include <kernel/types.h>

struct fault_attr {
	unsigned interval, probability;
	unsigned long space;
	long times;
	unsigned long calls, failed;
	bool armed; /* interval and probability are not 0, or a sweep is on; else the attribute is not consulted */
};

#define FAULT_ATTR_OFF                                       \
	{                                                    \
		.interval = 1, .probability = 0, .times = -1 \
	}

/* Defines an attribute; a pointer to its record goes into section `fault_points`. Its layer's header declares it. */
struct fault_point {
	const char *name, *cause; /* for failure_note() */
	struct fault_attr *attr;
};
#define FAULT_ATTR(attr_)                                                                            \
	struct fault_attr attr_ = FAULT_ATTR_OFF;                                                    \
	static const struct fault_point fault_point_##attr_ = {#attr_, #attr_ " injected a failure", \
							       &attr_};                              \
	static const struct fault_point *const fault_point_ptr_##attr_                               \
		__attribute__((section("fault_points"), used)) = &fault_point_##attr_

extern const struct fault_point *const __start_fault_points[], *const __stop_fault_points[];
#define for_each_fault_point(p) \
	for (const struct fault_point *const *p = __start_fault_points; p < __stop_fault_points; p++)

#define FAULT_ATTR_EXPECTED \
	"INTERVAL[,PROBABILITY[,SPACE[,TIMES]]]: calls, percent, bytes, failures (-1: no limit)"

/*
 * Parses FAULT_ATTR_EXPECTED. Missing values are 100,0,-1; interval 0 disables; the counts restart. Returns 0 or -EINVAL.
 * At run time the caller must call mm_update_bypass() afterwards.
 */
int fault_attr_parse(const char *value, struct fault_attr *attr);
/* Sets the attribute from a value. A concurrent call may see some of the old fields. */
void fault_attr_set(struct fault_attr *attr, const struct fault_attr *to);
/* Enables injection. Called when the kernel has the memory that it needs to boot. */
void fault_start(void);
/* Decides whether this call for size bytes fails, and counts it. Context: any. */
bool fault_should_fail(struct fault_attr *attr, size_t size);

/*
 * A sweep, for tests. It counts this CPU's allocations from 1, of every kind and at any depth of an operation. Those with
 * the numbers `first` to `last` fail. The attributes are ignored meanwhile. An allocation from a per-CPU list does not
 * consult fault injection. So call mm_update_bypass() during the sweep, which disables the lists, and again after it.
 */
struct fault_sweep {
	unsigned long asked, struck; /* allocations counted; allocations failed */
};
void fault_sweep_arm(unsigned long first, unsigned long last);
/* Lets all allocations succeed, uncounted. Returns the counts since fault_sweep_arm(). The sweep stays on. */
struct fault_sweep fault_sweep_disarm(void);
void fault_sweep_stop(void);

static inline bool fault_armed(const struct fault_attr *attr)
{
	return READ_ONCE(attr->armed);
}

/* For injection points: whether an allocation fails, if it is allowed to fail. */
static inline bool fault_hits(struct fault_attr *attr, bool may_fail, size_t size)
{
	return __builtin_expect(fault_armed(attr), 0) && may_fail && fault_should_fail(attr, size);
}

#endif
