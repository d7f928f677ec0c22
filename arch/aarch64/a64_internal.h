#ifndef A64_INTERNAL_H
#define A64_INTERNAL_H

/* Private interfaces between the files of this port. */

#include <arch/cpu.h>
#include <arch/pt.h>
#include <kernel/bootinfo.h>
#include <kernel/percpu.h>
#include <kernel/types.h>

/* Registers as trap.S saves them, in ascending order of addresses. */
struct a64_regs {
	u64 x[31];
	u64 sp, pc, pstate;
	u64 esr, far; /* valid for a synchronous exception or an SError */
	u64 fp, lr;   /* frame record for backtraces: the interrupted x29 and PC */
};

/* Devices of this machine as firmware describes them. boot.c sets it before kmain(). */
extern struct boot_devices a64_dev;

/* Software-generated interrupts. If the kernel owns group 0, the stop is in it: an FIQ, which the kernel never masks. */
enum a64_sgi { A64_SGI_CALL, A64_SGI_TEST, A64_SGI_STOP, A64_NR_SGI };

/* gic.c, with arch_irq_init() and arch_irq_test_raise() */
void a64_gic_init(int (*map_device)(vaddr_t va, paddr_t pa)); /* the distributor and the boot CPU's part */
void a64_gic_init_cpu(void);				      /* the part of another CPU, called on it */
bool a64_gic_reaches(unsigned cpu);
bool a64_gic_stop_is_fiq(void);			   /* on this CPU */
void a64_gic_send(unsigned cpu, enum a64_sgi sgi); /* the CPU must have called a64_gic_init_cpu() */
/* Called by trap.c: takes, handles and ends one interrupt. If firmware owns group 0, the stop is an IRQ. */
void a64_gic_irq(const struct a64_regs *regs);
bool a64_gic_fiq(const struct a64_regs *regs); /* false: the FIQ is not one of the kernel's */
struct a64_irq_count {
	unsigned long spurious; /* acknowledgements that returned no interrupt */
	unsigned long stops;	/* outside of a panic: sent by tests */
};
DECLARE_PER_CPU(struct a64_irq_count, a64_irq_count);

/* pl011.c */
void a64_uart_map(vaddr_t va);	/* sets the address of its registers */
void a64_uart_irq_enable(void); /* switches input from polling to the interrupt */

/* psci.c. Results are PSCI's codes. */
enum {
	A64_PSCI_SYSTEM_OFF = 0x84000008,
	A64_PSCI_SYSTEM_RESET = 0x84000009,
	A64_PSCI_CPU_ON = 0xc4000003,
	A64_PSCI_NOT_SUPPORTED = -1, /* a result, also if no conduit exists */
};
long a64_psci(u32 function, u64 a, u64 b, u64 c);

/* time.c */
void a64_time_init_cpu(void); /* this CPU's timer and cycle counter */
void a64_timer_irq(void);

/* trap.c, trap.S */
void a64_trap_init_cpu(void); /* sets this CPU's vectors */
int a64_probe_exec(vaddr_t va);
/* The return address of its call, and the fixup of a fault. */
extern const char a64_probe_exec_ret[], a64_probe_exec_fault[];

/* stack.c */
void a64_stacks_set(unsigned cpu, const vaddr_t *end); /* stacks of another CPU; NULL: it has none any more */

/* pt.c */
/* Translates va with AT S1E1R or S1E1W, as the CPU itself would. Returns PAR_EL1. */
u64 a64_ask_mmu(vaddr_t va, bool write);
void a64_pt_init(void); /* determines the format of descriptors; before the first is created */
u64 a64_ttbr(paddr_t root, unsigned va_bits);
void a64_switch(u64 ttbr1, u64 tcr); /* replaces the tables and the translation control */
/* boot/aarch64/entry.S */
void a64_switch_tables(u64 ttbr1, u64 tcr);
extern pte_t a64_image_tables[]; /* the image's early tables; the root comes first */

/* cpu.c */
void a64_cpu_init(void);
void a64_clean_to_poc(const void *p, size_t size); /* for readers with the MMU off */

/* boot/aarch64/entry.S: start of another CPU. x0: physical address of a struct a64_start (arch_impl/start.h). */
extern const char a64_secondary_entry[];

#endif
