#ifndef X86_INTERNAL_H
#define X86_INTERNAL_H

/* What the files of this port tell each other and nobody else. */

#include <arch/cpu.h>
#include <arch_impl/x86.h>
#include <kernel/types.h>

/* What trap.S saves, in the order of rising addresses; the CPU pushed the last five or six. */
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
	X86_VEC_IRQ = 32, /* sixteen lines of the two 8259 */
	X86_VEC_IRQ_END = 48,
	X86_VEC_TEST = 0xf0,
	X86_VEC_APIC_TIMER = 0xf1,
	X86_VEC_IPI = 0xf2,
	X86_VEC_SPURIOUS = 0xff, /* the local APIC's, without an end of interrupt */
	X86_NR_VECTORS = 256,
};

enum x86_irq_line { X86_IRQ_TIMER = 0, X86_IRQ_CASCADE = 2, X86_IRQ_COM1 = 4, X86_NR_IRQ_LINES = 16 };

/*
 * trap.S: one stub a vector, 16 bytes each; the return address of arch_probe's call and where its fault goes.
 */
extern const char x86_trap_stubs[];
int x86_probe_exec(vaddr_t va);
extern const char x86_probe_exec_ret[], x86_probe_exec_fault[];
void x86_trap(struct x86_regs *regs); /* called by trap.S */

/* desc.c, cpu.c: parts of arch_trap_init() */
void x86_desc_init(void);
void x86_desc_init_cpu(void); /* another CPU's segments and task state, on that CPU */
void x86_cpu_init(void);
void x86_cpu_enable_features(void); /* on another CPU, as they are on the first */

/* uart16550.c */
void x86_uart_irq_enable(void); /* from now on input comes by interrupt */

/* pic.c */
void x86_pic_init(void);
bool x86_pic_spurious(unsigned line);
void x86_pic_eoi(unsigned line);

/* apic.c. Ids are the APIC's. */
void x86_apic_init(void);				      /* the boot CPU's; on the early page tables */
void x86_apic_map(int (*map_device)(vaddr_t va, paddr_t pa)); /* from now on through the final ones */
void x86_apic_init_cpu(void);				      /* another CPU's, on that CPU */
bool x86_apic_reaches(u32 id);
void x86_apic_eoi(void);
void x86_apic_send(u32 id, unsigned vector);
void x86_apic_send_nmi(u32 id);
void x86_apic_send_init(u32 id);
void x86_apic_send_startup(u32 id, paddr_t page); /* page: below 1 MiB */
void x86_apic_timer_arm(u64 ns);		  /* an interrupt in about so many, at most a second */
void x86_apic_timer_stop(void);
bool x86_apic_present(void);
u64 x86_apic_timer_hz(void); /* measured when it is first asked for; 0: there is no APIC */
u32 x86_apic_timer_left(void);

/* clock.c. boot/x86_64/boot.c fills in the addresses that ACPI names; 0: the clock is not there. */
extern struct x86_clocks {
	u64 hpet;     /* physical address of its registers */
	u16 pm_timer; /* port */
} x86_clocks;
extern bool x86_has_pit;
u64 x86_tsc_rate(void);	     /* in Hz; once, at boot */
void x86_clock_report(void); /* logs the source of the TSC's rate and the timer of CPU 0 */
/* From KVM's two numbers: ns = ((ticks << shift) * mul) >> 32. */
u64 x86_pvclock_hz(u32 mul, s8 shift);

/* boot/x86_64/ap_trampoline.S */
extern const char x86_ap_trampoline[], x86_ap_trampoline_end[];

/* time.c */
void x86_timer_irq(void);
void x86_timer_soon(void); /* a timer interrupt within microseconds, whatever else is armed */

/* trap.c */
void x86_test_irq(void); /* runs what arch_irq_test_raise() was given */

#endif
