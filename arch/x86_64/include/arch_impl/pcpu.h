#ifndef ARCH_IMPL_PCPU_H
#define ARCH_IMPL_PCPU_H

/* GS.base is the offset of this CPU's areas, so an access to a per-CPU variable is one %gs-relative operand. */

#define arch_this_cpu(ptr) (*(__typeof__(*(ptr)) __seg_gs *)(unsigned long)(ptr))

static inline void arch_this_cpu_add(long *ptr, long n)
{
	__asm__ volatile("addq %1, %%gs:(%0)" : : "r"(ptr), "er"(n) : "memory", "cc");
}

extern unsigned long x86_percpu_base; /* per-CPU copy of GS.base, which one load can read */

static inline unsigned long arch_percpu_base(void)
{
	return arch_this_cpu(&x86_percpu_base);
}

/*
 * The primitives of restart.S have a private register convention: input in rdx (and rsi), result in the carry flag, rcx and
 * flags clobbered. A fast path that calls them needs no stack frame and saves no registers.
 */
void x86_stack_pop(void);
void x86_stack_push(void);
extern const char x86_stack_pop_commit[], x86_stack_push_commit[]; /* their commit stores */

static inline void *arch_stack_pop(struct pcpu_stack *s)
{
	bool empty;
	void *top;

	__asm__ volatile("call x86_stack_pop" : "=@ccc"(empty), "=a"(top) : "d"(s) : "rcx", "memory");
	if (unlikely(empty))
		return NULL;
	if (!top)
		__builtin_unreachable(); /* entries are never NULL, so the caller's NULL test costs nothing */
	return top;
}

static inline bool arch_stack_push(struct pcpu_stack *s, void *p)
{
	bool done;

	__asm__ volatile("call x86_stack_push" : "=@ccc"(done) : "d"(s), "S"(p) : "rcx", "memory");
	return likely(done);
}

#endif
