#ifndef KERNEL_PERCPU_H
#define KERNEL_PERCPU_H

/*
 * Per-CPU variables. DEFINE_PER_CPU puts the template into section percpu. Every CPU has a copy at the same offset from the
 * template's address. alloc_percpu() allocates further variables with the same rule. There is no preemption and no
 * migration: the CPU cannot change under the caller; only an interrupt can intervene.
 *
 * Until percpu_init() CPU 0 uses the template itself (offset 0). percpu_init() copies the template to every CPU, so values
 * set before must not contain pointers into the template (no list heads).
 */

#include <arch/pcpu.h>
#include <kernel/cpumask.h>

#define DEFINE_PER_CPU(type, name) __attribute__((section("percpu"))) __typeof__(type) name
#define DECLARE_PER_CPU(type, name) extern __attribute__((section("percpu"))) __typeof__(type) name

/* Distance from the template to the CPU's area; 0 for CPUs that are not possible. */
extern unsigned long percpu_offset[NR_CPUS];

/* This CPU's copy, as an lvalue; one access if the machine allows it. */
#define this_cpu(var) arch_this_cpu(&(var))
/* Adds n to a long. An interrupt may add to it concurrently. */
#define this_cpu_add(var, n) arch_this_cpu_add(&(var), n)
/* The same through a per-CPU pointer, such as one from alloc_percpu(). */
#define this_cpu_deref(ptr) arch_this_cpu(ptr)
#define this_cpu_ptr(ptr) ((__typeof__(ptr))((unsigned long)(ptr) + arch_percpu_base()))

/* Another CPU's copy, for statistics, drains and initialisation. */
#define per_cpu_ptr(ptr, cpu) ((__typeof__(ptr))((unsigned long)(ptr) + percpu_offset[cpu]))
#define per_cpu(var, cpu) (*per_cpu_ptr(&(var), cpu))

#endif
