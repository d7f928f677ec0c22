#ifndef ARCH_IMPL_PCPU_H
#define ARCH_IMPL_PCPU_H

#include <arch_impl/restart.h>

/* x18, the platform register, holds the offset of this CPU's areas. -ffixed-x18 keeps the compiler from using it. */
register unsigned long a64_percpu __asm__("x18");

#define arch_this_cpu(ptr) (*(__typeof__(ptr))((unsigned long)(ptr) + a64_percpu))

static inline unsigned long arch_percpu_base(void)
{
	return a64_percpu;
}

/*
 * Each of the three primitives reads, computes, and ends with one store. An interrupt before that store restarts the
 * primitive at its first instruction (restart.c). The inputs are not written.
 */
static inline void arch_this_cpu_add(long *ptr, long n)
{
	long v;

	__asm__ volatile("1:	ldr %0, [%1, x18]\n"
			 "	add %0, %0, %2\n"
			 "2:	str %0, [%1, x18]\n\t" RESTART("1b", "2b")
			 : "=&r"(v)
			 : "r"(ptr), "rI"(n)
			 : "memory");
}

/* An output that is the inverted carry flag. clang 14 has no flag outputs on this machine and uses CSET. */
#ifdef __GCC_ASM_FLAG_OUTPUTS__
#define A64_STORE_LOWER ""
#define A64_LOWER "=@cclo"
#else
#define A64_STORE_LOWER "cset %w0, lo\n\t"
#define A64_LOWER "=&r"
#endif

static inline void *arch_stack_pop(struct pcpu_stack *s)
{
	bool empty;
	void *top;
	u64 n, entry;

	__asm__ volatile("1:	ldr %w2, [%4]\n"
			 "	subs %w2, %w2, #1\n"
			 "	b.lo 3f\n"
			 "	add %3, %4, %2, lsl #3\n"
			 "	ldr %1, [%3, #8]\n"
			 "2:	str %w2, [%4]\n"
			 "3:\n\t" A64_STORE_LOWER RESTART("1b", "2b")
			 : A64_LOWER(empty), "=&r"(top), "=&r"(n), "=&r"(entry)
			 : "r"(s)
			 : "memory");
	if (unlikely(empty))
		return NULL;
	if (!top)
		__builtin_unreachable(); /* entries are never NULL, so the caller's NULL test costs nothing */
	return top;
}

static inline bool arch_stack_push(struct pcpu_stack *s, void *p)
{
	/* The registers are named because gcc 12 mishandles outputs of an asm goto. */
	__asm__ goto volatile("1:	ldp w9, w10, [%0]\n"
			      "	cmp w9, w10\n"
			      "	b.hs %l2\n"
			      "	add x10, %0, x9, lsl #3\n"
			      "	str %1, [x10, #8]\n"
			      "	add w9, w9, #1\n"
			      "2:	str w9, [%0]\n\t" RESTART("1b", "2b")
			      :
			      : "r"(s), "r"(p)
			      : "memory", "cc", "x9", "x10"
			      : full);
	return true;
full:
	return false;
}

#endif
