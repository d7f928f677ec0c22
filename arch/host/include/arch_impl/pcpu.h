#ifndef ARCH_IMPL_PCPU_H
#define ARCH_IMPL_PCPU_H

#include <arch_impl/restart.h>

/* The offset of this CPU's areas is a variable of the thread. */

extern __thread unsigned long host_percpu_base;

#define arch_this_cpu(ptr) (*(__typeof__(ptr))((unsigned long)(ptr) + host_percpu_base))

static inline void arch_this_cpu_add(long *ptr, long n)
{
	__asm__ volatile("addq %1, (%0)"
			 :
			 : "r"((unsigned long)ptr + host_percpu_base), "er"(n)
			 : "memory", "cc");
}

static inline unsigned long arch_percpu_base(void)
{
	return host_percpu_base;
}

/*
 * Both primitives read, compute, and end with one store. An interrupt before that store restarts them at their first
 * instruction (restart.c). The inputs are not written. The pop returns the carry flag instead of jumping, because gcc 12
 * mishandles outputs of an asm goto.
 */
static inline void *arch_stack_pop(struct pcpu_stack *s)
{
	bool empty;
	void *top;

	__asm__ volatile("1:	movl (%2), %%ecx\n"
			 "	subl $1, %%ecx\n"
			 "	jb 3f\n"
			 "	movq 8(%2, %%rcx, 8), %1\n"
			 "2:	movl %%ecx, (%2)\n"
			 "3:\n\t" RESTART("1b", "2b")
			 : "=@ccc"(empty), "=&r"(top)
			 : "r"(s)
			 : "rcx", "memory");
	if (unlikely(empty))
		return NULL;
	if (!top)
		__builtin_unreachable(); /* entries are never NULL, so the caller's NULL test costs nothing */
	return top;
}

static inline bool arch_stack_push(struct pcpu_stack *s, void *p)
{
	__asm__ goto volatile("1:	movl (%0), %%ecx\n"
			      "	cmpl 4(%0), %%ecx\n"
			      "	jae %l2\n"
			      "	movq %1, 8(%0, %%rcx, 8)\n"
			      "	incl %%ecx\n"
			      "2:	movl %%ecx, (%0)\n\t" RESTART("1b", "2b")
			      :
			      : "r"(s), "r"(p)
			      : "rcx", "memory", "cc"
			      : full);
	return true;
full:
	return false;
}

#endif
