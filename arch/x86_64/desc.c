/*
 * desc.c - segments, task state and interrupt gates.
 *
 * Idea.       Long mode uses little of segmentation: one code and one data segment, and a task state that holds only stack
 *             pointers. Most traps run on the interrupted stack. NMI, double fault and machine check may arrive when that
 *             stack is unusable, so each has a stack of its own (IST).
 * Layout.     GDT, per CPU: 0x08 code, 0x10 data, 0x18 task state (two slots). IDT, shared: 256 interrupt gates to the
 *             stubs of trap.S.
 * Invariants. All gates are interrupt gates: a handler starts with interrupts off and TF clear.
 * Locking.    None: the boot CPU writes the gates once. The rest is written by the CPU that uses it.
 * Next:       trap.S.
 */

#include "x86_internal.h"
#include <arch/stacks.h>
#include <arch_impl/stack.h>
#include <kernel/percpu.h>

/* Intel SDM vol. 3, 7.7. */
struct tss {
	u32 reserved0;
	u64 rsp[3];
	u64 reserved1;
	u64 ist[7]; /* a gate with IST number n uses ist[n - 1] */
	u64 reserved2;
	u16 reserved3;
	u16 io_map_base;
} __packed;
static_assert(sizeof(struct tss) == 104, "task state as the CPU reads it");

/* Intel SDM vol. 3, 6.14.1. */
struct gate {
	u16 offset_0;
	u16 selector;
	u8 ist;
	u8 type;
	u16 offset_16;
	u32 offset_32;
	u32 reserved;
};
static_assert(sizeof(struct gate) == 16, "gate as the CPU reads it");

struct table_pointer {
	u16 limit;
	u64 base;
} __packed;

enum {
	SEL_CODE = 0x08,
	SEL_DATA = 0x10,
	SEL_TSS = 0x18,
	GATE_INTERRUPT = 0x8e,	  /* present, ring 0, 64-bit interrupt gate */
	TSS_AVAILABLE_LOW = 0x89, /* present, 64-bit TSS, not busy */
};

struct x86_desc {
	struct tss tss;
	u64 gdt[5];
};

static DEFINE_PER_CPU(struct x86_desc, x86_desc);
static struct gate idt[X86_NR_VECTORS];

static void gate_set(struct gate *g, u64 handler, enum x86_ist ist)
{
	*g = (struct gate){
		.offset_0 = (u16)handler,
		.offset_16 = (u16)(handler >> 16),
		.offset_32 = (u32)(handler >> 32),
		.selector = SEL_CODE,
		.ist = (u8)ist,
		.type = GATE_INTERRUPT,
	};
}

static void desc_set(struct x86_desc *d, unsigned cpu)
{
	u64 base = (u64)&d->tss, limit = sizeof(d->tss) - 1;

	for (unsigned n = 0; n < X86_NR_IST; n++)
		d->tss.ist[n] = arch_stack_end(cpu, n + 1);
	d->tss.io_map_base = sizeof(d->tss); /* no I/O map */
	d->gdt[SEL_CODE / 8] = 0x00af9b000000ffffUL;
	d->gdt[SEL_DATA / 8] = 0x00cf93000000ffffUL;
	d->gdt[SEL_TSS / 8] =
		limit | (base & 0xffffff) << 16 | (u64)TSS_AVAILABLE_LOW << 40 | (base >> 24 & 0xff) << 56;
	d->gdt[SEL_TSS / 8 + 1] = base >> 32;
}

static void desc_load(struct x86_desc *d)
{
	struct table_pointer gdtr = {sizeof(d->gdt) - 1, (u64)d->gdt}, idtr = {sizeof(idt) - 1, (u64)idt};

	__asm__ volatile("lgdt %0\n\t"
			 "pushq %1\n\t"
			 "leaq 1f(%%rip), %%rax\n\t"
			 "pushq %%rax\n\t"
			 "lretq\n"
			 "1:\tmovl %2, %%eax\n\t"
			 "movl %%eax, %%ds\n\t"
			 "movl %%eax, %%es\n\t"
			 "movl %%eax, %%ss\n\t"
			 "ltr %w3\n\t"
			 "lidt %4" ::"m"(gdtr),
			 "i"(SEL_CODE), "i"(SEL_DATA), "r"(SEL_TSS), "m"(idtr)
			 : "rax", "memory");
}

void x86_desc_init_cpu(void)
{
	unsigned cpu = arch_cpu_id();
	/* The per-CPU base of this CPU is not set yet. */
	struct x86_desc *d = per_cpu_ptr(&x86_desc, cpu);

	desc_set(d, cpu);
	desc_load(d);
}

void x86_desc_init(void)
{
	for (unsigned v = 0; v < X86_NR_VECTORS; v++)
		gate_set(&idt[v], (u64)x86_trap_stubs + 16UL * v,
			 v == X86_VEC_NMI	      ? X86_IST_NMI
			 : v == X86_VEC_DOUBLE_FAULT  ? X86_IST_DF
			 : v == X86_VEC_MACHINE_CHECK ? X86_IST_MC
						      : X86_IST_NONE);
	/* The boot CPU's per-CPU areas do not exist yet, so it uses the GDT and TSS in the template of the areas. */
	x86_desc_init_cpu();
}
