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
};

#define FAULT_ATTR_OFF                                       \
	{                                                    \
		.interval = 1, .probability = 0, .times = -1 \
	}

/* "INTERVAL[,PROBABILITY[,SPACE[,TIMES]]]", missing ones 100,0,-1; 0 switches off. Returns 0 or -EINVAL. */
int fault_attr_parse(const char *value, struct fault_attr *attr);
/* From now on calls may fail: what the kernel needs to come up is there. */
void fault_start(void);
/* This call for size bytes is to fail. Context: any. */
bool fault_should_fail(struct fault_attr *attr, size_t size);

static inline bool fault_armed(const struct fault_attr *attr)
{
	return attr->probability != 0;
}

#endif
