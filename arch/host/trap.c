/*
 * trap.c - signals: faults, interrupts and single steps.
 *
 * Idea.       A signal takes the place of a trap. An access to the window without a mapping is filled from the tables
 *             (tlb.c). An expected fault has an entry in the exception table and continues at the entry's fixup. SIGUSR1 is
 *             the interrupt line, SIGALRM the tick, and SIGUSR2 stops a CPU for ever (smp.c). All other faults are a panic.
 * Layout.     ex_table: pairs (instruction, fixup). Faults run on the fault stack, interrupts on the interrupted stack.
 * Invariants. I1  before an interrupt handler runs, a PC inside a restartable primitive has been set back
 *             I2  trap is the innermost fault of this CPU, NULL outside of faults
 *             I3  handlers run with interrupts off, SIGUSR1 and SIGALRM blocked
 * Locking.    None: all state is per CPU.
 * Failure.    A fault outside of the image and of the kernel's addresses goes to the handler that was installed before (a
 *             sanitizer's).
 * Next:       kernel/base/panic.c.
 */
#include <signal.h>
#include <pthread.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "host_internal.h"
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/layout.h>
#include <arch/pcpu.h>
#include <arch_impl/extable.h>
#include <arch_impl/stack.h>
#include <kernel/bits.h>
#include <kernel/bug.h>
#include <kernel/printk.h>
#include <kernel/sections.h>
#include <kernel/smp.h>

enum { TRAP_PAGE_FAULT = 14, PF_PRESENT = 1, PF_WRITE = 2, PF_FETCH = 16, EFLAGS_TF = 0x100 };

__thread volatile struct host_irq host_irq;

static __thread const ucontext_t *trap;
static __thread int trap_signal;
static __thread unsigned long trap_addr;
static __thread unsigned irq_depth;
static __thread struct host_stacks *stacks;

static __thread struct {
	void (*fn)(void *ctx);
	void *ctx;
} test_irq;

static struct {
	void (*step)(unsigned long pc, void *ctx);
	void *ctx;
	unsigned long highest; /* largest PC at which this pass through a primitive was interrupted */
	unsigned count;
} single_step;

static struct sigaction old_action[NSIG];

bool arch_in_interrupt(void)
{
	return irq_depth != 0;
}

static unsigned long *reg(ucontext_t *uc, int n)
{
	return (unsigned long *)&uc->uc_mcontext.gregs[n];
}

static bool in_image(unsigned long pc)
{
	return pc >= (unsigned long)__text_start && pc < (unsigned long)__text_end;
}

unsigned long host_interrupted_pc(unsigned long pc)
{
	return trap && !in_image(pc) ? (unsigned long)trap->uc_mcontext.gregs[REG_RIP] + 1 : pc;
}

/* ---- faults ---- */

static bool in_window(vaddr_t va)
{
	return va >= HOST_WINDOW_START && va < HOST_WINDOW_END;
}

static bool is_ours(vaddr_t va)
{
	return va < PAGE_SIZE || in_window(va) || va - DIRECT_MAP_BASE < DIRECT_MAP_SIZE ||
	       (va >= (vaddr_t)__image_start && va < (vaddr_t)__image_end) ||
	       va - (vaddr_t)stacks < sizeof(*stacks);
}

static bool fixup(ucontext_t *uc)
{
	unsigned long pc = *reg(uc, REG_RIP), top;

	for (const struct ex_entry *e = __start_ex_table; e < __stop_ex_table; e++) {
		if (e->insn == pc) {
			*reg(uc, REG_RIP) = e->fixup;
			return true;
		}
	}
	/* arch_probe() calls va: the fetch faults, and the return address is on top of the stack. */
	if (arch_probe_read(&top, *reg(uc, REG_RSP), sizeof(top)) == sizeof(top) &&
	    top == (unsigned long)host_probe_exec_ret) {
		*reg(uc, REG_RIP) = (unsigned long)host_probe_exec_fault;
		*reg(uc, REG_RSP) += sizeof(top);
		return true;
	}
	return false;
}

static bool on_a_stack(vaddr_t sp)
{
	return (sp >= (vaddr_t)stacks->boot && sp <= (vaddr_t)stacks->boot + HOST_BOOT_STACK_SIZE) ||
	       (sp >= (vaddr_t)stacks->fault && sp <= (vaddr_t)stacks->fault + HOST_FAULT_STACK_SIZE);
}

static void fatal(ucontext_t *uc) __noreturn;
static void fatal(ucontext_t *uc)
{
	static const char *const name[NSIG] = {[SIGBUS] = "bus error",
					       [SIGFPE] = "arithmetic error",
					       [SIGILL] = "invalid opcode",
					       [SIGTRAP] = "breakpoint"};
	unsigned long error = *reg(uc, REG_ERR), sp = *reg(uc, REG_RSP);
	char what[160];

	panic_describe(trap_addr, what, sizeof(what));
	if (trap_signal != SIGSEGV)
		panic("%s at 0x%016lx (%s)", name[trap_signal], trap_addr, what);
	if (!on_a_stack(sp))
		panic("double fault, handled on the double fault stack: stack pointer 0x%016lx, last fault "
		      "address "
		      "0x%016lx (%s)",
		      sp, trap_addr, what);
	if (*reg(uc, REG_TRAPNO) != TRAP_PAGE_FAULT)
		panic("general protection: vector %lu, error code 0x%lx", *reg(uc, REG_TRAPNO), error);
	panic("page fault: %s 0x%016lx (%s)%s",
	      error & PF_FETCH	 ? "execute"
	      : error & PF_WRITE ? "write to"
				 : "read from",
	      trap_addr, what, error & PF_PRESENT ? ", not permitted" : ", not mapped");
}

static bool fill(ucontext_t *uc, vaddr_t va)
{
	unsigned long error = *reg(uc, REG_ERR);

	if (*reg(uc, REG_TRAPNO) != TRAP_PAGE_FAULT || !in_window(va))
		return false;
	return host_tlb_fill(va,
			     error & PF_FETCH	? PT_EXEC
			     : error & PF_WRITE ? PT_WRITE
						: PT_READ,
			     *reg(uc, REG_RIP));
}

static void on_fault(int sig, siginfo_t *info, void *ctx)
{
	ucontext_t *uc = ctx;
	vaddr_t addr = (vaddr_t)info->si_addr;
	struct host_irq irq = {host_irq.on, host_irq.pending};
	const struct sigaction *old = &old_action[sig];

	host_irq.on = false; /* as an interrupt gate does */
	if ((sig == SIGSEGV && fill(uc, addr)) || fixup(uc)) {
		host_irq.on = irq.on;
		if (irq.on && host_irq.pending)
			pthread_kill(pthread_self(), SIGUSR1); /* taken when this handler returns */
		return;
	}
	if (!in_image(*reg(uc, REG_RIP)) && !is_ours(addr) && (old->sa_flags & SA_SIGINFO) &&
	    old->sa_sigaction) {
		old->sa_sigaction(sig, info, ctx);
		return;
	}
	trap = uc;
	trap_signal = sig;
	trap_addr = addr;
	fatal(uc);
}

static void print_regs(const char *a, unsigned long av, const char *b, unsigned long bv, const char *c,
		       unsigned long cv)
{
	console_printf("  %-3s %016lx  %-3s %016lx  %-3s %016lx\n", a, av, b, bv, c, cv);
}

void arch_print_trap_regs(void)
{
	const greg_t *r = trap ? trap->uc_mcontext.gregs : NULL;

#define REG(n) ((unsigned long)r[REG_##n])
	if (!r) {
		console_printf("registers: the report did not begin in a trap\n");
		return;
	}
	console_printf("registers at signal %d, error code 0x%lx, at %pS:\n", trap_signal, REG(ERR),
		       (void *)REG(RIP));
	print_regs("rip", REG(RIP), "rsp", REG(RSP), "rfl", REG(EFL));
	print_regs("rax", REG(RAX), "rbx", REG(RBX), "rcx", REG(RCX));
	print_regs("rdx", REG(RDX), "rsi", REG(RSI), "rdi", REG(RDI));
	print_regs("rbp", REG(RBP), "r8", REG(R8), "r9", REG(R9));
	print_regs("r10", REG(R10), "r11", REG(R11), "r12", REG(R12));
	print_regs("r13", REG(R13), "r14", REG(R14), "r15", REG(R15));
	print_regs("adr", trap_addr, "err", REG(ERR), "trp", REG(TRAPNO));
#undef REG
}

/* ---- interrupts ---- */

static void run_irq(void)
{
	void (*fn)(void *ctx) = test_irq.fn;

	irq_depth++;
	smp_irq_enter();
	smp_ipi();
	host_tick();
	test_irq.fn = NULL;
	if (fn)
		fn(test_irq.ctx);
	irq_depth--;
}

/*
 * ThreadSanitizer runs a handler late and with every signal blocked, so a fault in the handler would end the process. It
 * also saves only one signal mask for each thread. If a signal arrives while it enters another signal's handler, it loses
 * the saved mask, and the signals blocked in the handler stay blocked afterwards. So handlers unblock faults first, by a
 * plain system call and before any instrumented code. CPUs that wait unblock the interrupts.
 */
static void unblock(u64 signals)
{
#ifdef __SANITIZE_THREAD__
	syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &signals, NULL, sizeof(signals));
#else
	(void)signals;
#endif
}

#define SIGNAL_BIT(n) (1UL << ((n)-1))

void host_let_interrupts_in(void)
{
	if (!irq_depth)
		unblock(SIGNAL_BIT(SIGUSR1) | SIGNAL_BIT(SIGALRM) | SIGNAL_BIT(SIGUSR2));
}

static void on_irq(int sig, siginfo_t *info, void *ctx)
{
	ucontext_t *uc = ctx;

	(void)sig;
	(void)info;
	unblock(SIGNAL_BIT(SIGSEGV) | SIGNAL_BIT(SIGBUS));
	if (!host_irq.on) {
		host_irq.pending = true;
		return;
	}
	arch_restart_fix(reg(uc, REG_RIP));
	host_irq.on = false;
	host_irq.pending = false;
	run_irq();
	host_irq.on = true;
}

/* Runs pending interrupts. The outer loop finds one that arrives between the last test of `pending` and `on = true`. */
void host_irq_deliver(void)
{
	do {
		host_irq.on = false;
		while (host_irq.pending) {
			host_irq.pending = false;
			run_irq();
		}
		host_irq.on = true;
	} while (host_irq.pending);
}

void arch_irq_test_raise(void (*fn)(void *ctx), void *ctx)
{
	unsigned long flags = arch_irq_save();

	test_irq.fn = fn;
	test_irq.ctx = ctx;
	arch_irq_restore(flags);
	/* When the call returns, the handler has run or the interrupt is pending. */
	if (fn)
		pthread_kill(pthread_self(), SIGUSR1);
}

void arch_irq_init(int (*map_device)(vaddr_t va, paddr_t pa))
{
	(void)map_device;
	arch_irq_enable();
}

/* ---- single-stepping ---- */

/* A restarted primitive executes its first instructions again; these are not interrupted a second time. */
static void on_step(int sig, siginfo_t *info, void *ctx)
{
	ucontext_t *uc = ctx;
	unsigned long pc = *reg(uc, REG_RIP);
	bool on = host_irq.on;

	if (!single_step.step) {
		on_fault(sig, info, ctx);
		return;
	}
	if (!host_restart_range(pc)) {
		single_step.highest = 0;
		return;
	}
	if (pc <= single_step.highest)
		return;
	single_step.highest = pc;
	single_step.count++;
	host_irq.on = false;
	irq_depth++;
	single_step.step(pc, single_step.ctx);
	irq_depth--;
	host_irq.on = on;
	arch_restart_fix(reg(uc, REG_RIP));
}

unsigned arch_single_step(void (*fn)(void *ctx), void *ctx, void (*step)(unsigned long pc, void *ctx),
			  void *step_ctx)
{
	single_step.step = step;
	single_step.ctx = step_ctx;
	single_step.highest = 0;
	single_step.count = 0;
	__asm__ volatile("pushfq; orq %0, (%%rsp); popfq" ::"i"(EFLAGS_TF) : "memory", "cc");
	fn(ctx);
	__asm__ volatile("pushfq; andq %0, (%%rsp); popfq" ::"i"(~(long)EFLAGS_TF) : "memory", "cc");
	single_step.step = NULL;
	return single_step.count;
}

/* ---- initialisation ---- */

static void set_handler(int sig, void (*handler)(int, siginfo_t *, void *), int flags)
{
	struct sigaction action = {.sa_sigaction = handler, .sa_flags = SA_SIGINFO | flags};

	sigaddset(&action.sa_mask, SIGUSR1);
	sigaddset(&action.sa_mask, SIGALRM);
	if (sigaction(sig, &action, &old_action[sig]))
		host_die("strata: no handler for signal %d\n", sig);
}

void host_trap_init_cpu(struct host_stacks *own)
{
	const stack_t stack = {.ss_sp = own->fault, .ss_size = HOST_FAULT_STACK_SIZE};

	stacks = own;
	if (sigaltstack(&stack, NULL))
		host_die("strata: no signal stack\n");
}

void arch_trap_init(void)
{
	static const int faults[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL};

	for (unsigned i = 0; i < ARRAY_SIZE(faults); i++)
		set_handler(faults[i], on_fault, SA_ONSTACK | SA_NODEFER);
	set_handler(SIGTRAP, on_step, SA_NODEFER);
	set_handler(SIGUSR1, on_irq, SA_RESTART);
	set_handler(SIGALRM, on_irq, SA_RESTART);
	set_handler(SIGUSR2, host_on_stop, 0);
}
