/*
 * cpus.c - which CPUs there are.
 *
 * Idea.       Ids are given in the order in which firmware names its processors, the boot CPU being 0; a mask says which
 *             may ever run, another which run now. So far only CPU 0 is started: others are counted, said, and left
 *             where firmware parked them.
 * Layout.     Two masks; percpu_offset[id] is where a CPU's areas lie, relative to the templates.
 * Invariants. online is a subset of possible; CPU 0 is in both from the beginning.
 * Locking.    None: written during boot.
 * Failure.    No MADT: one CPU.
 * Next:       mm/percpu.c, which gives each possible CPU its areas.
 */

#include <kernel/cpumask.h>
#include <kernel/percpu.h>

struct cpumask cpu_possible_mask = {.bits = {1}};
struct cpumask cpu_online_mask = {.bits = {1}};
