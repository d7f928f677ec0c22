/*
 * percpu.c - the offsets of per-CPU variables.
 *
 * Idea.       A variable of a CPU lies at the template's address plus the CPU's offset. Until mm/percpu.c has built the
 *             areas every offset is 0, and CPU 0 uses the template itself.
 * Layout.     percpu_offset[cpu].
 * Locking.    mm/percpu.c writes the offsets once, while one CPU runs.
 * Next:       mm/percpu.c.
 */
#include <kernel/percpu.h>

unsigned long percpu_offset[NR_CPUS];
