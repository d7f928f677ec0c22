/*
 * vmstat.c - counters of pages, and their sums.
 *
 * Idea.       A counter is one plain word for each CPU. Adding costs one instruction; reading sums all
 *             CPUs.
 * Layout.     numa_counter[node][stat], mm_counters[counter], numa_hit_fast: per CPU
 * Invariants. V1  only the owner CPU writes its word; if an interrupt may write it too, it is written
 *                 with IRQs off or in one instruction
 * Locking.    No lock. A sum may miss what other CPUs add while it is computed.
 * Source.     Linux mm/vmstat.c; meaning of the NUMA events: Documentation/admin-guide/numastat.rst.
 * Next:       reclaim.c.
 */
#include <mm/internal.h>

/*
 * Allocations of the fast path. They always get the preferred zone of the local node, so one counter
 * serves hit and local.
 */
DEFINE_PER_CPU(long, numa_hit_fast);
DEFINE_PER_CPU(long, numa_counter[MAX_NODES][NR_NUMA_STATS]);
DEFINE_PER_CPU(long, mm_counters[NR_MM_COUNTERS]);

unsigned long mm_counter_read(enum mm_counter c)
{
	long sum = 0;
	unsigned cpu;

	for_each_possible_cpu (cpu)
		sum += per_cpu(mm_counters[c], cpu);
	return sum > 0 ? (unsigned long)sum : 0;
}

u64 numa_stat_read(int nid, enum numa_stat s)
{
	u64 sum = 0;
	unsigned cpu;

	for_each_possible_cpu (cpu) {
		sum += (u64)per_cpu(numa_counter[nid][s], cpu);
		if ((s == NUMA_HIT || s == NUMA_LOCAL) && cpu_to_node_map[cpu] == nid)
			sum += (u64)per_cpu(numa_hit_fast, cpu);
	}
	return sum;
}

void vmstat_count_numa(const struct zone *preferred, const struct zone *got, unsigned long pages)
{
	int here = numa_node_id();

	if (got->nid == preferred->nid) {
		this_cpu_add(numa_counter[got->nid][NUMA_HIT], (long)pages);
	} else {
		this_cpu_add(numa_counter[got->nid][NUMA_MISS], (long)pages);
		this_cpu_add(numa_counter[preferred->nid][NUMA_FOREIGN], (long)pages);
	}
	this_cpu_add(numa_counter[got->nid][got->nid == here ? NUMA_LOCAL : NUMA_OTHER], (long)pages);
}

void vmstat_count_interleave(int nid)
{
	this_cpu_add(numa_counter[nid][NUMA_INTERLEAVE_HIT], 1);
}

unsigned long nr_free_pages(void)
{
	unsigned long sum = 0;
	struct zone *zone;

	for_each_populated_zone (zone)
		sum += READ_ONCE(zone->free_pages);
	return sum;
}

unsigned long totalram_pages(void)
{
	unsigned long sum = 0;
	struct zone *zone;

	for_each_populated_zone (zone)
		sum += zone->managed;
	return sum;
}

unsigned long zone_allocated_pages(const struct zone *zone)
{
	unsigned long pcp = 0;
	unsigned cpu;

	for_each_online_cpu (cpu)
		pcp += pcp_count(zone, cpu);
	return zone->managed - READ_ONCE(zone->free_pages) - READ_ONCE(zone->isolated_pages) - pcp;
}
