/*
 * trap.c - handling of each exception vector.
 *
 * Idea.       An exception is an interrupt, an expected fault, or fatal. An interrupt runs a handler and returns. An
 *             expected fault has an entry in the exception table and continues at the entry's fixup. All others are a
 *             panic. An FIQ is the stop that a panic on another CPU sends.
 * Layout.     Vectors 0 to 3 come from the kernel's stack (sync, IRQ, FIQ, SError), 4 to 7 from within an exception, 8 to
 *             15 from EL0, which does not run. trap.S adds 16 if the exception stack has overflowed.
 * Invariants. I1  before an interrupt handler runs, a PC inside a restartable primitive has been set back
 *             I2  a64_trap_regs is the innermost exception of this CPU, NULL outside
 *             I3  handlers run with IRQs off; only FIQs and faults interrupt them
 * Locking.    None: all state is per CPU.
 * Failure.    An unexpected exception is a panic. Its message describes the address and decodes the syndrome.
 * Source.     Arm ARM D17.2.37 (ESR_EL1), D2.12 (software step).
 * Next:       kernel/base/panic.c.
 */

#include "a64_internal.h"
#include <arch/irq.h>
#include <arch/layout.h>
#include <arch/pcpu.h>
#include <arch_impl/extable.h>
#include <arch_impl/sysreg.h>
#include <kernel/bug.h>
#include <kernel/percpu.h>
#include <kernel/printk.h>
#include <kernel/smp.h>

enum {
	VECTOR_SYNC = 0,
	VECTOR_IRQ = 1,
	VECTOR_FIQ = 2,
	VECTOR_KIND = 3,
	VECTOR_LOWER_EL = 8,
	VECTOR_OVERFLOW = 16,

	ESR_EC_SHIFT = 26,
	EC_UNKNOWN = 0x00,
	EC_ILLEGAL_STATE = 0x0e,
	EC_SYSREG = 0x18,
	EC_INSN_ABORT = 0x21, /* at the same exception level; so is the data abort */
	EC_PC_ALIGN = 0x22,
	EC_DATA_ABORT = 0x25,
	EC_SP_ALIGN = 0x26,
	EC_BREAKPOINT = 0x31,
	EC_SOFTSTEP = 0x33,
	EC_BRK = 0x3c,
	ESR_WNR = 1 << 6,
	ESR_FSC = 0x3f,
};
#define PSTATE_SS (1UL << 21)
#define MDSCR_SS (1UL << 0)
#define MDSCR_KDE (1UL << 13)
#define MDSCR_MDE (1UL << 15)
#define BCR_EL1_ON 0x1e3 /* DBGBCR: enabled, at EL1, matching all four bytes of the instruction */

static_assert(offsetof(struct a64_regs, pc) == 256 && offsetof(struct a64_regs, esr) == 272 &&
		      offsetof(struct a64_regs, fp) == 288 && sizeof(struct a64_regs) == 304,
	      "trap.S knows these offsets");

static DEFINE_PER_CPU(struct a64_regs *, a64_trap_regs);
static DEFINE_PER_CPU(unsigned, a64_irq_depth);

struct single_step {
	void (*step)(unsigned long pc, void *ctx);
	void *ctx;
	unsigned long highest; /* largest PC at which this pass through a primitive was interrupted */
	unsigned count;
};
static DEFINE_PER_CPU(struct single_step, a64_step);

bool arch_in_interrupt(void)
{
	return this_cpu(a64_irq_depth) != 0;
}

/* ---- syndromes ---- */

static const char *class_name(unsigned class)
{
	switch (class) {
	case EC_UNKNOWN:
		return "undefined instruction";
	case EC_ILLEGAL_STATE:
		return "illegal execution state";
	case EC_SYSREG:
		return "trapped access to a system register";
	case EC_INSN_ABORT:
		return "instruction abort";
	case EC_PC_ALIGN:
		return "PC not aligned";
	case EC_DATA_ABORT:
		return "data abort";
	case EC_SP_ALIGN:
		return "SP not aligned";
	case EC_SOFTSTEP:
		return "software step";
	case EC_BRK:
		return "breakpoint";
	}
	return "exception of an unexpected class";
}

/* Fault status codes. The two low bits are the level, except for level -1, which has codes of its own. */
static const char *fault_name(unsigned fsc)
{
	switch (fsc) {
	case 0x00 ... 0x03:
	case 0x29:
		return "address size fault";
	case 0x04 ... 0x07:
	case 0x2b:
		return "translation fault";
	case 0x08 ... 0x0b:
		return "access flag fault";
	case 0x0c ... 0x0f:
		return "permission fault";
	case 0x10:
		return "external abort";
	case 0x13 ... 0x17:
		return "external abort on a table walk";
	case 0x21:
		return "alignment fault";
	case 0x30:
		return "TLB conflict";
	}
	return "fault";
}

static int fault_level(unsigned fsc)
{
	return fsc == 0x29 || fsc == 0x2b ? -1 : (int)(fsc & 3);
}

static bool is_abort(unsigned class)
{
	return class == EC_INSN_ABORT || class == EC_DATA_ABORT;
}

/* ---- expected faults ---- */

static bool trap_fixup(struct a64_regs *regs)
{
	unsigned class = (unsigned)(regs->esr >> ESR_EC_SHIFT);

	for (const struct ex_entry *e = __start_ex_table; e < __stop_ex_table; e++) {
		if (e->insn == regs->pc) {
			regs->pc = e->fixup;
			return true;
		}
	}
	/* arch_probe() calls va: the fetch raises the exception, and the link register holds the return address. */
	if (regs->x[30] == (u64)a64_probe_exec_ret && (class == EC_INSN_ABORT || class == EC_PC_ALIGN)) {
		regs->pc = (u64)a64_probe_exec_fault;
		return true;
	}
	return false;
}

/* ---- fatal exceptions ---- */

static void trap_fatal(struct a64_regs *regs, unsigned vector) __noreturn;
static void trap_fatal(struct a64_regs *regs, unsigned vector)
{
	u64 esr = regs->esr, addr = regs->far;
	unsigned class = (unsigned)(esr >> ESR_EC_SHIFT), fsc = esr & ESR_FSC;
	char what[160], stack[80];

	panic_describe(addr, what, sizeof(what));
	panic_describe(regs->sp, stack, sizeof(stack));
	if (vector >= VECTOR_OVERFLOW)
		panic("double fault, handled on the overflow stack: stack pointer 0x%016lx, last fault "
		      "address "
		      "0x%016lx (%s)",
		      regs->sp, addr, what);
	if (vector >= VECTOR_LOWER_EL)
		panic("exception from EL0, vector %u: PC 0x%016lx", vector, regs->pc);
	if ((vector & VECTOR_KIND) != VECTOR_SYNC)
		panic("%s, taken on the %s: syndrome 0x%lx",
		      (vector & VECTOR_KIND) == VECTOR_FIQ ? "unexpected FIQ" : "system error (SError)",
		      stack, esr);
	if (is_abort(class))
		panic("page fault: %s 0x%016lx (%s), %s",
		      class == EC_INSN_ABORT ? "execute"
		      : esr & ESR_WNR	     ? "write to"
					     : "read from",
		      addr, what,
		      (fsc & 0x3c) == 0x0c		    ? "not permitted"
		      : (fsc & 0x3c) == 0x04 || fsc == 0x2b ? "not mapped"
							    : fault_name(fsc));
	panic("%s, taken on the %s: syndrome 0x%lx, fault address 0x%016lx", class_name(class), stack, esr,
	      addr);
}

static void print_regs(const struct a64_regs *r)
{
	for (unsigned n = 0; n < 30; n += 3)
		console_printf("  x%-2u %016lx  x%-2u %016lx  x%-2u %016lx\n", n, r->x[n], n + 1, r->x[n + 1],
			       n + 2, r->x[n + 2]);
	console_printf("  x30 %016lx  sp  %016lx  pc  %016lx\n", r->x[30], r->sp, r->pc);
}

static void print_syndrome(const struct a64_regs *r)
{
	unsigned class = (unsigned)(r->esr >> ESR_EC_SHIFT), fsc = r->esr & ESR_FSC;

	console_printf("  far %016lx  esr %016lx: %s", r->far, r->esr, class_name(class));
	if (is_abort(class))
		console_printf(", %s, level %d%s", fault_name(fsc), fault_level(fsc),
			       class == EC_DATA_ABORT && (r->esr & ESR_WNR) ? ", write" : "");
	console_printf("\n");
}

void arch_print_trap_regs(void)
{
	const struct a64_regs *r = this_cpu(a64_trap_regs);

	if (r) {
		console_printf("registers at the exception, PSTATE 0x%lx, at %pS:\n", r->pstate,
			       (void *)r->pc);
		print_regs(r);
	} else {
		struct a64_regs here = {};

		__asm__ volatile(
			"stp x19, x20, [%0, #152]; stp x21, x22, [%0, #168]; stp x23, x24, [%0, #184]\n\t"
			"stp x25, x26, [%0, #200]; stp x27, x28, [%0, #216]; stp x29, x30, [%0, #232]\n\t"
			"mov x9, sp; str x9, [%0, #248]; adr x9, .; str x9, [%0, #256]" ::"r"(&here)
			: "memory", "x9");
		here.x[18] = a64_percpu;
		console_printf("registers in the report itself, outside of exceptions:\n");
		print_regs(&here);
	}
	if (r && !arch_in_interrupt())
		print_syndrome(r);
	console_printf("  ttbr1 %016lx  tcr %016lx  sctlr %016lx\n", a64_read(ttbr1_el1), a64_read(tcr_el1),
		       a64_read(sctlr_el1));
}

/* ---- single-stepping ---- */

/*
 * An exception between a load-exclusive and its store-exclusive makes the store fail, so stepping through the pair would
 * never end. The pair runs at full speed to one of two breakpoints: after the store, or at the target of a branch between.
 */
enum { EXCLUSIVE_MOST = 16 /* instructions in such a sequence */ };

static bool is_exclusive(u32 insn, bool load)
{
	/* LD(A)XR, ST(L)XR of one register. */
	return (insn & 0x3fa00000) == 0x08000000 && (insn >> 22 & 1) == load;
}

static bool run_exclusive(u64 pc)
{
	const u32 *insn = (const u32 *)pc;
	unsigned n = 1;

	if (!is_exclusive(insn[0], true))
		return false;
	a64_write(dbgbcr1_el1, 0);
	for (; n < EXCLUSIVE_MOST && !is_exclusive(insn[n], false); n++) {
		/* B.cond, CBZ, CBNZ: the exit of a compare-and-exchange that fails */
		if ((insn[n] & 0xff000010) == 0x54000000 || (insn[n] & 0x7e000000) == 0x34000000) {
			a64_write(dbgbvr1_el1, pc + 4 * n + (u64)((long)((s32)(insn[n] << 8) >> 13) * 4));
			a64_write(dbgbcr1_el1, BCR_EL1_ON);
		}
	}
	BUG_ON(n == EXCLUSIVE_MOST, "single step: no store-exclusive behind %pS", (void *)pc);
	a64_write(dbgbvr0_el1, pc + 4 * (n + 1));
	a64_write(dbgbcr0_el1, BCR_EL1_ON);
	return true;
}

/*
 * Handles a single step. Before an instruction of a restartable primitive it runs step() and then restarts the primitive,
 * as an interrupt does. The restarted primitive executes its first instructions again. They are not interrupted a second
 * time, so every pass ends and each instruction is interrupted once.
 */
static void trap_step(struct a64_regs *regs)
{
	struct single_step *s = this_cpu_ptr(&a64_step);
	u64 mdscr = a64_read(mdscr_el1);

	a64_write(dbgbcr0_el1, 0);
	a64_write(dbgbcr1_el1, 0);
	if (run_exclusive(regs->pc)) {
		a64_write(mdscr_el1, mdscr & ~MDSCR_SS);
		regs->pstate &= ~PSTATE_SS;
		return;
	}
	a64_write(mdscr_el1, mdscr | MDSCR_SS);
	regs->pstate |= PSTATE_SS; /* one more instruction */
	if (!a64_restart_range(regs->pc)) {
		s->highest = 0;
		return;
	}
	if (regs->pc <= s->highest)
		return;
	s->highest = regs->pc;
	s->count++;
	this_cpu(a64_irq_depth)++;
	s->step(regs->pc, s->ctx);
	this_cpu(a64_irq_depth)--;
	arch_restart_fix(&regs->pc);
}

unsigned arch_single_step(void (*fn)(void *ctx), void *ctx, void (*step)(unsigned long pc, void *ctx),
			  void *step_ctx)
{
	const u64 debug = MDSCR_KDE | MDSCR_MDE | MDSCR_SS;

	this_cpu(a64_step) = (struct single_step){.step = step, .ctx = step_ctx};
	a64_write(oslar_el1, 0);
	a64_write(mdscr_el1, a64_read(mdscr_el1) | debug);
	a64_isb();
	__asm__ volatile("msr daifclr, #8" ::: "memory"); /* debug exceptions */
	fn(ctx);
	__asm__ volatile("msr daifset, #8" ::: "memory");
	a64_write(mdscr_el1, a64_read(mdscr_el1) & ~debug);
	a64_isb();
	this_cpu(a64_step).step = NULL;
	return this_cpu(a64_step).count;
}

/* ---- entry ---- */

/* FIQ and SError are masked only while an exception saves or restores registers that another exception would overwrite. */
static void fiq_unmask(void)
{
	__asm__ volatile("msr daifclr, #5" ::: "memory");
}

static void fiq_mask(void)
{
	__asm__ volatile("msr daifset, #5" ::: "memory");
}

/*
 * On a CPU without FEAT_ETS an access may fault on an entry that is present: its table walk may precede the load of the
 * flag that announced the entry (Linux is_spurious_el1_translation_fault()). AT repeats the walk: if it succeeds, retry.
 */
static bool is_spurious(const struct a64_regs *regs)
{
	unsigned fsc = regs->esr & ESR_FSC;

	return regs->esr >> ESR_EC_SHIFT == EC_DATA_ABORT && ((fsc & 0x3c) == 0x04 || fsc == 0x2b) &&
	       !(a64_ask_mmu(regs->far, regs->esr & ESR_WNR) & A64_PAR_FAULT);
}

static bool trap_sync(struct a64_regs *regs)
{
	unsigned class = (unsigned)(regs->esr >> ESR_EC_SHIFT);

	if ((class == EC_SOFTSTEP || class == EC_BREAKPOINT) && this_cpu(a64_step).step) {
		trap_step(regs);
		return true;
	}
	return is_spurious(regs) || trap_fixup(regs);
}

static void trap_irq(struct a64_regs *regs)
{
	arch_restart_fix(&regs->pc);
	this_cpu(a64_irq_depth)++;
	smp_irq_enter();
	a64_gic_irq(regs);
	this_cpu(a64_irq_depth)--;
}

void a64_trap(struct a64_regs *regs, unsigned vector);
void a64_trap(struct a64_regs *regs, unsigned vector)
{
	struct a64_regs *outer = this_cpu(a64_trap_regs);
	bool done = false;

	this_cpu(a64_trap_regs) = regs;
	/*
	 * regs now holds all that another exception overwrites, so FIQs may come. A FIQ stays pending until it is
	 * acknowledged, so its own handler keeps FIQs masked.
	 */
	if ((vector & VECTOR_KIND) != VECTOR_FIQ)
		fiq_unmask();
	if (vector < VECTOR_LOWER_EL) {
		switch (vector & VECTOR_KIND) {
		case VECTOR_SYNC:
			done = trap_sync(regs);
			break;
		case VECTOR_IRQ:
			trap_irq(regs);
			done = true;
			break;
		case VECTOR_FIQ:
			done = a64_gic_fiq(regs);
			break;
		}
	}
	if (!done)
		trap_fatal(regs, vector);
	fiq_mask(); /* trap.S restores ELR and SPSR, which an FIQ would overwrite */
	this_cpu(a64_trap_regs) = outer;
}

void a64_trap_init_cpu(void)
{
	extern const char a64_vectors[];

	a64_write(vbar_el1, a64_vectors);
	a64_isb();
	fiq_unmask();
}

void arch_trap_init(void)
{
	a64_restart_sort();
	a64_cpu_init();
	a64_trap_init_cpu();
}
