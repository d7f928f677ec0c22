#ifndef A64_INTERNAL_H
#define A64_INTERNAL_H

/* What the files of this port tell each other and nobody else. */

#include <arch/cpu.h>
#include <arch/pt.h>
#include <kernel/bootinfo.h>
#include <kernel/percpu.h>
#include <kernel/types.h>

/* What trap.S saves, in the order of rising addresses. */
struct a64_regs {
	u64 x[31];
	u64 sp, pc, pstate;
	u64 esr, far; /* of a synchronous exception or SError */
	u64 fp, lr;   /* a frame: the interrupted x29 and PC, for backtraces */
};

/* What firmware says about this machine's devices: set by boot.c before kmain(). */
extern struct boot_devices a64_dev;

/* Software-generated interrupts. The last one is in group 0 where that is ours: an FIQ, which is never masked. */
enum a64_sgi { A64_SGI_CALL, A64_SGI_TEST, A64_SGI_STOP, A64_NR_SGI };

/* gic.c, with arch_irq_init() and arch_irq_test_raise() */
void a64_gic_init(int (*map_device)(vaddr_t va, paddr_t pa)); /* the distributor, and the boot CPU's part */
void a64_gic_init_cpu(void);				      /* another CPU's part, on that CPU */
bool a64_gic_reaches(unsigned cpu);
bool a64_gic_stop_is_fiq(void);			   /* on this CPU */
void a64_gic_send(unsigned cpu, enum a64_sgi sgi); /* to a CPU that has passed a64_gic_init_cpu() */
/* From trap.c: take, handle and end one interrupt. The stop is an IRQ where group 0 is not ours. */
void a64_gic_irq(const struct a64_regs *regs);
bool a64_gic_fiq(const struct a64_regs *regs); /* false: nobody sends such a one */
struct a64_irq_count {
	unsigned long spurious; /* there was none when we looked */
	unsigned long stops;	/* outside of a panic: tests send them */
};
DECLARE_PER_CPU(struct a64_irq_count, a64_irq_count);

/* pl011.c */
void a64_uart_map(vaddr_t va);	/* from now on its registers are here */
void a64_uart_irq_enable(void); /* from now on input comes by interrupt */

/* psci.c. Results are PSCI's. */
enum {
	A64_PSCI_SYSTEM_OFF = 0x84000008,
	A64_PSCI_SYSTEM_RESET = 0x84000009,
	A64_PSCI_CPU_ON = 0xc4000003,
	A64_PSCI_NOT_SUPPORTED = -1, /* a result: also without a conduit */
};
long a64_psci(u32 function, u64 a, u64 b, u64 c);

/* time.c */
void a64_time_init_cpu(void); /* a CPU's timer and counter, on that CPU */
void a64_timer_irq(void);

/* trap.c, trap.S */
void a64_trap_init_cpu(void); /* vectors, on another CPU */
int a64_probe_exec(vaddr_t va);
extern const char a64_probe_exec_ret[],
	a64_probe_exec_fault[]; /* its return address, and where its fault goes */

/* stack.c */
void a64_stacks_set(unsigned cpu, const vaddr_t *end); /* another CPU's; NULL: none any more */

/* pt.c */
u64 a64_ask_mmu(vaddr_t va,
		bool write); /* PAR_EL1 after AT S1E1R or S1E1W: what the CPU itself makes of va */
void a64_pt_init(void);	     /* what descriptors look like here; before any is made */
u64 a64_ttbr(paddr_t root, unsigned va_bits);
void a64_switch(u64 ttbr1, u64 tcr); /* from one set of tables to another */
/* boot/aarch64/entry.S */
void a64_switch_tables(u64 ttbr1, u64 tcr);
extern pte_t a64_image_tables[]; /* the image's early tables, the root first */

/* cpu.c */
void a64_cpu_init(void);
void a64_clean_to_poc(const void *p, size_t size); /* for those who read with the MMU off */

/* boot/aarch64/entry.S: where another CPU begins, x0 = physical address of a struct a64_start (arch_impl/start.h) */
extern const char a64_secondary_entry[];

#endif
