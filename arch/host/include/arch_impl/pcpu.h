#ifndef ARCH_IMPL_PCPU_H
#define ARCH_IMPL_PCPU_H

/* The offset of this CPU's areas is a variable of its thread. */

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

/* arch/x86_64/restart.S, with its own register convention: the stack is in rdx, carry is the answer, rcx is lost. */
void x86_stack_pop(void);
void x86_stack_push(void);
extern const char x86_stack_pop_commit[], x86_stack_push_commit[];

static inline void *arch_stack_pop(struct pcpu_stack *s)
{
	bool empty;
	void *top;

	__asm__ volatile("call x86_stack_pop" : "=@ccc"(empty), "=a"(top) : "d"(s) : "rcx", "memory");
	if (unlikely(empty))
		return NULL;
	if (!top)
		__builtin_unreachable(); /* entries are never NULL: the caller's test of the result is free */
	return top;
}

static inline bool arch_stack_push(struct pcpu_stack *s, void *p)
{
	bool done;

	__asm__ volatile("call x86_stack_push" : "=@ccc"(done) : "d"(s), "S"(p) : "rcx", "memory");
	return likely(done);
}

#endif
