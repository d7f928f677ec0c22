#ifndef KERNEL_FAULT_H
#define KERNEL_FAULT_H

/*
 * Fault injection: makes an allocation fail on purpose, so that every failure path runs. The four values and
 * their meaning are Linux's (Documentation/fault-injection): every INTERVAL-th call may fail, with
 * PROBABILITY percent, once SPACE bytes have been let through, TIMES times (-1: for ever).
 */

#include <kernel/types.h>

struct fault_attr {
	unsigned interval, probability;
	unsigned long space;
	long times;
	unsigned long calls, failed;
	bool armed; /* whether it is asked at all: interval and probability are not 0, or a sweep is on */
};

/* Each is asked where its layer allocates: objects, pages, ranges of addresses. */
extern struct fault_attr failslab, fail_page_alloc, fail_vmalloc;

#define FAULT_ATTR_OFF                                       \
	{                                                    \
		.interval = 1, .probability = 0, .times = -1 \
	}

#define FAULT_ATTR_EXPECTED \
	"INTERVAL[,PROBABILITY[,SPACE[,TIMES]]]: calls, percent, bytes, failures (-1: no limit)"

/*
 * FAULT_ATTR_EXPECTED; missing ones are 100,0,-1, interval 0 switches off, the counts begin anew. Returns 0 or -EINVAL. At
 * run time mm_update_bypass() has to follow.
 */
int fault_attr_parse(const char *value, struct fault_attr *attr);
/* The same from a value: others may ask meanwhile, and see some of the old one. */
void fault_attr_set(struct fault_attr *attr, const struct fault_attr *to);
/* From now on calls may fail: what the kernel needs to come up is there. */
void fault_start(void);
/* This call for size bytes is to fail. Context: any. */
bool fault_should_fail(struct fault_attr *attr, size_t size);

/*
 * A sweep, for tests: of the allocations that this CPU asks for from now on, of whatever kind and however deep inside an
 * operation, the first-th to the last-th fail (counted from 1). The attributes rest while a sweep is on. Calls that a
 * per-CPU list answers ask nobody: mm_update_bypass() during a sweep switches the lists off, after it on again.
 */
struct fault_sweep {
	unsigned long asked, struck; /* allocations counted; those that failed */
};
void fault_sweep_arm(unsigned long first, unsigned long last);
/* Lets everything succeed, uncounted; returns what happened since fault_sweep_arm(). The sweep stays on. */
struct fault_sweep fault_sweep_disarm(void);
void fault_sweep_stop(void);

static inline bool fault_armed(const struct fault_attr *attr)
{
	return READ_ONCE(attr->armed);
}

/* The question at every injection point: is this allocation, if it may fail at all, to fail? */
static inline bool fault_hits(struct fault_attr *attr, bool may_fail, size_t size)
{
	return __builtin_expect(fault_armed(attr), 0) && may_fail && fault_should_fail(attr, size);
}

#endif
