#ifndef X86_INTERNAL_H
#define X86_INTERNAL_H

/* Private interfaces between the files of this port. */

#include <arch/cpu.h>
#include <arch_impl/x86.h>
#include <kernel/types.h>

/* Registers that trap.S saves, in ascending order of addresses. The CPU pushed rip to ss, for some vectors also error. */
struct x86_regs {
	u64 r15, r14, r13, r12, r11, r10, r9, r8;
	u64 rbp, rdi, rsi, rdx, rcx, rbx, rax;
	u64 vector, error;
	u64 rip, cs, rflags, rsp, ss;
};

enum x86_vector {
	X86_VEC_DEBUG = 1,
	X86_VEC_NMI = 2,
	X86_VEC_DOUBLE_FAULT = 8,
	X86_VEC_GENERAL_PROTECTION = 13,
	X86_VEC_PAGE_FAULT = 14,
	X86_VEC_MACHINE_CHECK = 18,
	X86_VEC_IRQ = 32, /* sixteen lines of the 8259 pair */
	X86_VEC_IRQ_END = 48,
	X86_VEC_TEST = 0xf0,
	X86_VEC_APIC_TIMER = 0xf1,
	X86_VEC_IPI = 0xf2,
	X86_VEC_SPURIOUS = 0xff, /* of the local APIC; it takes no EOI */
	X86_NR_VECTORS = 256,
};

enum x86_irq_line { X86_IRQ_TIMER = 0, X86_IRQ_CASCADE = 2, X86_IRQ_COM1 = 4, X86_NR_IRQ_LINES = 16 };

/* trap.S: the stubs, 16 bytes for each vector; the return address of arch_probe()'s call and the fixup of its fault. */
extern const char x86_trap_stubs[];
int x86_probe_exec(vaddr_t va);
extern const char x86_probe_exec_ret[], x86_probe_exec_fault[];
void x86_trap(struct x86_regs *regs); /* called by trap.S */

/* desc.c, cpu.c: parts of arch_trap_init() */
void x86_desc_init(void);
void x86_desc_init_cpu(void); /* segments and task state of this CPU */
void x86_cpu_init(void);
void x86_cpu_enable_features(void); /* on another CPU, as on the boot CPU */

/* uart16550.c */
void x86_uart_irq_enable(void); /* switches input from polling to the interrupt */

/* pic.c */
void x86_pic_init(void);
bool x86_pic_spurious(unsigned line);
void x86_pic_eoi(unsigned line);

/* apic.c. Ids are APIC ids. */
void x86_apic_init(void);				      /* the boot CPU's; on the early page tables */
void x86_apic_map(int (*map_device)(vaddr_t va, paddr_t pa)); /* moves the registers to the final tables */
void x86_apic_init_cpu(void);				      /* another CPU's, called on it */
bool x86_apic_reaches(u32 id);
void x86_apic_eoi(void);
void x86_apic_send(u32 id, unsigned vector);
void x86_apic_send_nmi(u32 id);
void x86_apic_send_init(u32 id);
void x86_apic_send_startup(u32 id, paddr_t page); /* page: below 1 MiB */
void x86_apic_timer_arm(u64 ns);		  /* interrupts in about ns nanoseconds, at most a second */
void x86_apic_timer_stop(void);
bool x86_apic_present(void);
u64 x86_apic_timer_hz(void); /* measured at the first call; 0: no APIC */
u32 x86_apic_timer_left(void);

/* clock.c. boot/x86_64/boot.c sets the addresses that ACPI names; 0: the machine has no such clock. */
extern struct x86_clocks {
	u64 hpet;     /* physical address of its registers */
	u16 pm_timer; /* port */
} x86_clocks;
extern bool x86_has_pit;
u64 x86_tsc_rate(void);	     /* in Hz; called once, at boot */
void x86_clock_report(void); /* logs the source of the TSC's rate and the timer of CPU 0 */
/* Rate in Hz from KVM's two numbers: ns = ((ticks << shift) * mul) >> 32. */
u64 x86_pvclock_hz(u32 mul, s8 shift);

/* boot/x86_64/ap_trampoline.S */
extern const char x86_ap_trampoline[], x86_ap_trampoline_end[];

/* time.c */
void x86_timer_irq(void);
/* Lets the timer interrupt at once. An earlier setting of the timer is lost. */
void x86_timer_soon(void);

/* trap.c */
void x86_test_irq(void); /* runs the function passed to arch_irq_test_raise() */

#endif
