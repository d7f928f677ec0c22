/*
 * trap.c - handling of each trap vector.
 *
 * Idea.       A trap is an interrupt, an expected fault, or fatal. An interrupt runs a handler and returns. An expected
 *             fault has an entry in the exception table and continues at the entry's fixup. All others are a panic.
 * Layout.     ex_table: pairs (instruction, fixup), searched in order. Lines 0 to 15 of the 8259 pair are vectors 32 to 47.
 *             Vector 240 is raised by software for tests, 241 by the APIC's timer, 242 by other CPUs.
 * Invariants. I1  before an interrupt handler runs, a PC inside a restartable primitive has been set back
 *             I2  x86_trap_regs is the innermost trap of this CPU, NULL outside of traps
 *             I3  handlers run with interrupts off; only NMI, machine check and faults interrupt them
 * Locking.    None: all state is per CPU.
 * Failure.    An unexpected trap is a panic. Its message describes the address.
 * Next:       kernel/base/panic.c.
 */

#include "x86_internal.h"
#include <arch/irq.h>
#include <arch/layout.h>
#include <arch/pcpu.h>
#include <arch/stop.h>
#include <arch/uart.h>
#include <arch_impl/extable.h>
#include <kernel/bug.h>
#include <kernel/percpu.h>
#include <kernel/printk.h>
#include <kernel/sections.h>
#include <kernel/smp.h>

enum {
	PF_PRESENT = 1 << 0,
	PF_WRITE = 1 << 1,
	PF_RESERVED = 1 << 3,
	PF_FETCH = 1 << 4,
};
#define DR6_SINGLE_STEP (1UL << 14)

static DEFINE_PER_CPU(struct x86_regs *, x86_trap_regs);
static DEFINE_PER_CPU(unsigned long, x86_trap_cr2);
static DEFINE_PER_CPU(unsigned, x86_irq_depth);

struct test_irq {
	void (*fn)(void *ctx);
	void *ctx;
};
static DEFINE_PER_CPU(struct test_irq, x86_test);

struct single_step {
	void (*step)(unsigned long pc, void *ctx);
	void *ctx;
	unsigned long highest; /* largest PC at which this pass through a primitive was interrupted */
	unsigned count;
};
static DEFINE_PER_CPU(struct single_step, x86_step);

static const char *const trap_name[32] = {
	"divide error",
	"debug",
	"NMI",
	"breakpoint",
	"overflow",
	"bound range",
	"invalid opcode",
	"device not available",
	"double fault",
	"coprocessor segment",
	"invalid TSS",
	"segment not present",
	"stack fault",
	"general protection",
	"page fault",
	"reserved 15",
	"x87 error",
	"alignment check",
	"machine check",
	"SIMD error",
	"virtualization",
	"control protection",
	"reserved 22",
	"reserved 23",
	"reserved 24",
	"reserved 25",
	"reserved 26",
	"reserved 27",
	"hypervisor injection",
	"VMM communication",
	"security",
	"reserved 31",
};

bool arch_in_interrupt(void)
{
	return this_cpu(x86_irq_depth) != 0;
}

/* ---- expected faults ---- */

static bool trap_fixup(struct x86_regs *regs)
{
	u64 top;

	for (const struct ex_entry *e = __start_ex_table; e < __stop_ex_table; e++) {
		if (e->insn == regs->rip) {
			regs->rip = e->fixup;
			return true;
		}
	}
	/*
	 * arch_probe() calls va: the fetch raises a page fault, or a general protection fault if the address is not
	 * canonical. The return address is on top of the stack.
	 */
	if ((regs->vector == X86_VEC_PAGE_FAULT || regs->vector == X86_VEC_GENERAL_PROTECTION) &&
	    arch_probe_read(&top, regs->rsp, sizeof(top)) == sizeof(top) && top == (u64)x86_probe_exec_ret) {
		regs->rip = (u64)x86_probe_exec_fault;
		regs->rsp += 8;
		return true;
	}
	return false;
}

/* ---- fatal traps ---- */

static void trap_fatal(struct x86_regs *regs, unsigned long addr) __noreturn;
static void trap_fatal(struct x86_regs *regs, unsigned long addr)
{
	char what[160], stack[80];

	this_cpu(x86_trap_cr2) = addr;
	panic_describe(addr, what, sizeof(what));
	panic_describe((vaddr_t)regs, stack, sizeof(stack));
	switch (regs->vector) {
	case X86_VEC_PAGE_FAULT:
		panic("page fault: %s 0x%016lx (%s)%s%s",
		      regs->error & PF_FETCH   ? "execute"
		      : regs->error & PF_WRITE ? "write to"
					       : "read from",
		      addr, what, regs->error & PF_PRESENT ? ", not permitted" : ", not mapped",
		      regs->error & PF_RESERVED ? ", reserved bit set in an entry" : "");
	case X86_VEC_DOUBLE_FAULT:
		panic("double fault, handled on the %s: stack pointer 0x%016lx, last fault address 0x%016lx "
		      "(%s)",
		      stack, regs->rsp, addr, what);
	default:
		panic("%s, handled on the %s: vector %lu, error code 0x%lx", trap_name[regs->vector], stack,
		      regs->vector, regs->error);
	}
}

static void print_regs(const char *a, u64 av, const char *b, u64 bv, const char *c, u64 cv)
{
	console_printf("  %-3s %016lx  %-3s %016lx  %-3s %016lx\n", a, av, b, bv, c, cv);
}

void arch_print_trap_regs(void)
{
	const struct x86_regs *r = this_cpu(x86_trap_regs);

	if (r) {
		console_printf("registers at vector %lu, error code 0x%lx, at %pS:\n", r->vector, r->error,
			       (void *)r->rip);
		print_regs("rip", r->rip, "rsp", r->rsp, "rfl", r->rflags);
		print_regs("rax", r->rax, "rbx", r->rbx, "rcx", r->rcx);
		print_regs("rdx", r->rdx, "rsi", r->rsi, "rdi", r->rdi);
		print_regs("rbp", r->rbp, "r8", r->r8, "r9", r->r9);
		print_regs("r10", r->r10, "r11", r->r11, "r12", r->r12);
		print_regs("r13", r->r13, "r14", r->r14, "r15", r->r15);
	} else {
		u64 saved[6] = {};

		__asm__ volatile("movq %%rsp, 0(%0); movq %%rbx, 8(%0); movq %%r12, 16(%0)\n\t"
				 "movq %%r13, 24(%0); movq %%r14, 32(%0); movq %%r15, 40(%0)" ::"r"(saved)
				 : "memory");
		console_printf("registers in the report itself, outside of traps:\n");
		print_regs("rsp", saved[0], "rbp", (u64)__builtin_frame_address(0), "rfl", arch_irq_flags());
		print_regs("rbx", saved[1], "r12", saved[2], "r13", saved[3]);
		print_regs("r14", saved[4], "r15", saved[5], "gs", arch_percpu_base());
	}
	print_regs("cr0", x86_read_cr0(), "cr2", r ? this_cpu(x86_trap_cr2) : x86_read_cr2(), "cr3",
		   x86_read_cr3());
	console_printf("  cr4 %016lx\n", x86_read_cr4());
}

/* ---- interrupts ---- */

void x86_test_irq(void)
{
	struct test_irq t = this_cpu(x86_test);

	if (!t.fn)
		return;
	this_cpu(x86_test).fn = NULL;
	t.fn(t.ctx);
}

void arch_irq_test_raise(void (*fn)(void *ctx), void *ctx)
{
	unsigned long flags = arch_irq_save();

	this_cpu(x86_test).fn = fn;
	this_cpu(x86_test).ctx = ctx;
	if (!fn) {
		arch_irq_restore(flags);
	} else if (flags & X86_EFLAGS_IF) {
		arch_irq_restore(flags);
		__asm__ volatile("int %0" ::"i"(X86_VEC_TEST) : "memory");
	} else {
		x86_timer_soon(); /* interrupts are off: the timer's interrupt comes when they are on again */
	}
}

static void trap_interrupt(struct x86_regs *regs)
{
	unsigned line = (unsigned)regs->vector - X86_VEC_IRQ;

	this_cpu(x86_irq_depth)++;
	smp_irq_enter();
	if (regs->vector == X86_VEC_TEST) {
		x86_test_irq();
	} else if (regs->vector == X86_VEC_IPI) {
		x86_apic_eoi();
		smp_ipi();
	} else if (regs->vector == X86_VEC_APIC_TIMER) {
		x86_apic_eoi();
		x86_timer_irq();
	} else if (line < X86_NR_IRQ_LINES && !x86_pic_spurious(line)) {
		/* The gates keep interrupts off, so the next interrupt waits until this handler returns. */
		x86_pic_eoi(line);
		if (line == X86_IRQ_TIMER)
			x86_timer_irq();
		else if (line == X86_IRQ_COM1)
			arch_uart_receive();
	} else if (line >= X86_NR_IRQ_LINES && regs->vector != X86_VEC_SPURIOUS) {
		pr_warn_once("trap: unexpected interrupt, vector %lu\n", regs->vector);
	}
	this_cpu(x86_irq_depth)--;
}

void arch_irq_init(int (*map_device)(vaddr_t va, paddr_t pa))
{
	x86_pic_init();
	x86_apic_map(map_device);
	x86_uart_irq_enable();
	x86_clock_report();
	arch_irq_enable();
}

/* ---- single-stepping ---- */

/*
 * Handles a single step. Before an instruction of a restartable primitive it runs step() and then restarts the primitive,
 * as an interrupt does. The restarted primitive executes its first instructions again. They are not interrupted a second
 * time, so every pass ends and each instruction is interrupted once.
 */
static void trap_step(struct x86_regs *regs)
{
	struct single_step *s = this_cpu_ptr(&x86_step);
	bool inside = regs->rip >= (u64)__restart_start && regs->rip < (u64)__restart_end;

	if (!inside) {
		s->highest = 0;
		return;
	}
	if (regs->rip <= s->highest)
		return;
	s->highest = regs->rip;
	s->count++;
	this_cpu(x86_irq_depth)++;
	s->step(regs->rip, s->ctx);
	this_cpu(x86_irq_depth)--;
	arch_restart_fix(&regs->rip);
}

unsigned arch_single_step(void (*fn)(void *ctx), void *ctx, void (*step)(unsigned long pc, void *ctx),
			  void *step_ctx)
{
	this_cpu(x86_step) = (struct single_step){.step = step, .ctx = step_ctx};
	__asm__ volatile("pushfq; orq %0, (%%rsp); popfq" ::"i"(X86_EFLAGS_TF) : "memory", "cc");
	fn(ctx);
	__asm__ volatile("pushfq; andq %0, (%%rsp); popfq" ::"i"(~(long)X86_EFLAGS_TF) : "memory", "cc");
	this_cpu(x86_step).step = NULL;
	return this_cpu(x86_step).count;
}

static bool trap_debug(struct x86_regs *regs)
{
	unsigned long dr6;

	__asm__ volatile("mov %%dr6, %0" : "=r"(dr6));
	__asm__ volatile("mov %0, %%dr6" ::"r"(dr6 & ~DR6_SINGLE_STEP));
	if (!(dr6 & DR6_SINGLE_STEP) || !this_cpu(x86_step).step)
		return false;
	trap_step(regs);
	return true;
}

/* ---- entry ---- */

void x86_trap(struct x86_regs *regs)
{
	struct x86_regs *outer = this_cpu(x86_trap_regs);

	this_cpu(x86_trap_regs) = regs;
	if (regs->vector >= X86_VEC_IRQ) {
		arch_restart_fix(&regs->rip);
		trap_interrupt(regs);
	} else if (regs->vector != X86_VEC_DEBUG || !trap_debug(regs)) {
		unsigned long cr2 = x86_read_cr2();

		if (regs->vector == X86_VEC_NMI)
			arch_stop_here(regs->rip, regs->rbp, !(regs->rflags & X86_EFLAGS_IF));
		/* These three may interrupt any instruction, also one whose fault would be expected: never use a fixup. */
		if (regs->vector == X86_VEC_NMI || regs->vector == X86_VEC_DOUBLE_FAULT ||
		    regs->vector == X86_VEC_MACHINE_CHECK || !trap_fixup(regs))
			trap_fatal(regs, cr2);
	}
	this_cpu(x86_trap_regs) = outer;
}

void arch_trap_init(void)
{
	x86_desc_init();
	x86_cpu_init();
	x86_apic_init();
	x86_pic_init();
}
