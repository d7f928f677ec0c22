/*
 * test_trap.c - traps, probes, interrupts, restartable primitives and stacks of the running machine.
 *
 * Idea.       What the arch contract promises, asked of the machine itself.
 * Layout.     Grouped by header: cpu.h (probes, backtrace), irq.h, pcpu.h (single steps), stack.h, time.h,
 *             pt.h.
 * Invariants. Every case leaves interrupts on and no request behind.
 * Locking.    None: main loop.
 * Failure.    EXPECT lines.
 * Next:       tests/boot.
 */

#include <arch/cache.h>
#include <arch/cpu.h>
#include <arch/irq.h>
#include <arch/pcpu.h>
#include <arch/pt.h>
#include <arch/stack.h>
#include <arch/time.h>
#include <kernel/address.h>
#include <kernel/bits.h>
#include <kernel/crash.h>
#include <kernel/errno.h>
#include <kernel/sections.h>
#include <kernel/string.h>
#include <kernel/test.h>
#include <mm/page_alloc.h>

/* ---- probes ---- */

/* Shows host/phys.M1. */
KTEST(trap, probe_sees_the_image_as_it_is_protected)
{
	static char data;

	EXPECT_EQ(arch_probe((vaddr_t)__text_start, ARCH_READ), 0);
	EXPECT_EQ(arch_probe((vaddr_t)__text_start, ARCH_WRITE), -EFAULT);
	EXPECT_EQ(arch_probe((vaddr_t)__rodata_start, ARCH_READ), 0);
	EXPECT_EQ(arch_probe((vaddr_t)__rodata_start, ARCH_WRITE), -EFAULT);
	EXPECT_EQ(arch_probe((vaddr_t)__rodata_start, ARCH_EXEC), -EFAULT);
	EXPECT_EQ(arch_probe((vaddr_t)&data, ARCH_WRITE), 0);
	EXPECT_EQ(arch_probe((vaddr_t)&data, ARCH_EXEC), -EFAULT);
}

static __noinline void returns_at_once(void)
{
	__asm__ volatile("");
}

KTEST(trap, probe_executes_what_may_be_executed)
{
	static const u8 insn[] = ARCH_RETURN_INSN;
	vaddr_t ret = 0;

	/* The next return instruction after the function's start. */
	for (vaddr_t va = (vaddr_t)returns_at_once; !ret; va += sizeof(insn))
		if (memcmp((const void *)va, insn, sizeof(insn)) == 0)
			ret = va;
	EXPECT_EQ(arch_probe(ret, ARCH_EXEC), 0);
}

KTEST(trap, probe_answers_for_every_kind_of_address)
{
	static const vaddr_t nothing[] = {
		0, 1, PAGE_SIZE - 1, 0x400000, 0x00007fffffffffff, 0x8000000000000000, ~0UL, ~0UL - 8};

	for (unsigned i = 0; i < ARRAY_SIZE(nothing); i++)
		for (enum arch_access a = ARCH_READ; a <= ARCH_EXEC; a++)
			EXPECT_MSG(arch_probe(nothing[i], a) == -EFAULT, "access %d to 0x%lx is answered", a,
				   nothing[i]);
}

KTEST(trap, probe_write_leaves_what_is_there)
{
	u8 byte = 0xa5;

	EXPECT_EQ(arch_probe((vaddr_t)&byte, ARCH_WRITE), 0);
	EXPECT_EQ(byte, 0xa5);
}

KTEST(trap, probe_read_stops_at_the_first_fault)
{
	vaddr_t guard[8] = {};
	char buf[64];

	ASSERT_TRUE(arch_guard_pages(guard, ARRAY_SIZE(guard)) >= 2);
	/* The bytes in front of a later guard page belong to the stack before it. */
	for (size_t before = 0; before <= 32; before++)
		EXPECT_EQ(arch_probe_read(buf, guard[1] - before, 64), before);
	EXPECT_EQ(arch_probe_read(buf, 0, sizeof(buf)), 0);
	EXPECT_EQ(arch_probe_read(buf, (vaddr_t)__text_start, sizeof(buf)), sizeof(buf));
	EXPECT_EQ(memcmp(buf, __text_start, sizeof(buf)), 0);
}

/* ---- stacks ---- */

KTEST(trap, guard_pages_are_not_mapped_and_stacks_are)
{
	vaddr_t guard[8] = {};
	unsigned n = arch_guard_pages(guard, ARRAY_SIZE(guard));
	struct arch_stack_info s = {};

	EXPECT_GE(n, 2);
	EXPECT_TRUE(arch_stack_info(n - 1, &s));
	for (unsigned i = 0; arch_stack_info(i, &s); i++) {
		if (i < n) /* the image's own come first */
			EXPECT_EQ(s.guard, guard[i]);
		EXPECT_EQ(arch_probe(s.guard, ARCH_READ), -EFAULT);
		EXPECT_EQ(arch_probe(s.start - 1, ARCH_WRITE), -EFAULT);
		EXPECT_EQ(arch_probe(s.start, ARCH_WRITE), 0);
		EXPECT_EQ(arch_probe(s.end - 1, ARCH_WRITE), 0);
	}
}

KTEST(trap, high_water_mark_is_below_the_running_frame)
{
	struct arch_stack_info s = {};

	ASSERT_TRUE(arch_stack_info(0, &s));
	EXPECT_GE(s.used, s.end - (vaddr_t)__builtin_frame_address(0));
	EXPECT_LT(s.used, s.end - s.start);
}

static unsigned frames;
static bool found_kmain;

static bool count_frame(unsigned long pc, void *ctx)
{
	unsigned long offset, size;
	const char *name =
		ksym_lookup(pc - 1, &offset, &size); /* the call: it may be the last of its function */

	frames++;
	if (name && strcmp(name, "kmain") == 0)
		found_kmain = true;
	return frames < (unsigned)(unsigned long)ctx;
}

KTEST(trap, backtrace_reaches_kmain_and_stops_when_asked)
{
	frames = 0;
	found_kmain = false;
	arch_backtrace(0, count_frame, (void *)64UL);
	EXPECT_TRUE(found_kmain);
	EXPECT_GT(frames, 2);
	frames = 0;
	arch_backtrace(0, count_frame, (void *)2UL);
	EXPECT_EQ(frames, 2);
}

KTEST(trap, backtrace_survives_a_broken_chain)
{
	unsigned long frame[4] = {0x10, (unsigned long)returns_at_once, 0, 0};
	static const unsigned long broken[] = {1, 0x1000, 0x8000000000000000, ~7UL};

	for (unsigned i = 0; i < ARRAY_SIZE(broken); i++) {
		frames = 0;
		arch_backtrace(broken[i], count_frame, (void *)64UL);
		EXPECT_EQ(frames, 0);
		frame[0] = broken[i];
		arch_backtrace((unsigned long)frame, count_frame, (void *)64UL);
		EXPECT_EQ(frames, 1);
	}
	frame[0] = (unsigned long)frame; /* a frame that is its own caller */
	frames = 0;
	arch_backtrace((unsigned long)frame, count_frame, (void *)64UL);
	EXPECT_EQ(frames, 1);
}

/* ---- symbols and descriptions ---- */

KTEST(trap, symbols_name_text_and_data)
{
	unsigned long offset, size;

	EXPECT_STREQ(ksym_lookup((unsigned long)returns_at_once, &offset, &size), "returns_at_once");
	EXPECT_EQ(offset, 0);
	EXPECT_GT(size, 0);
	EXPECT_STREQ(ksym_lookup((unsigned long)&found_kmain, &offset, &size), "found_kmain");
	EXPECT_NULL(ksym_lookup(0, &offset, &size));
	EXPECT_NULL(ksym_lookup((unsigned long)__image_end, &offset, &size));
	EXPECT_NULL(ksym_lookup((unsigned long)__image_start - 1, &offset, &size));
}

KTEST(trap, addresses_are_described)
{
	vaddr_t guard[8] = {};
	char buf[128];

	address_describe(8, buf, sizeof(buf));
	EXPECT_STREQ(buf, "null pointer");
	address_describe(16 * PAGE_SIZE, buf, sizeof(buf));
	EXPECT_STREQ(buf, "user range");
	address_describe(0x8000000000000000, buf, sizeof(buf));
	EXPECT_STREQ(buf, "not canonical");
	arch_guard_pages(guard, ARRAY_SIZE(guard));
	address_describe(guard[0] + 100, buf, sizeof(buf));
	EXPECT_MSG(strstr(buf, "guard page of the boot stack") != NULL, "%s", buf);
	address_describe((vaddr_t)returns_at_once, buf, sizeof(buf));
	EXPECT_MSG(strstr(buf, "text, returns_at_once") != NULL, "%s", buf);
	address_describe(DIRECT_MAP_BASE + 0x123456, buf, sizeof(buf));
	EXPECT_MSG(strstr(buf, "physical 0x123456") != NULL, "%s", buf);
}

/* ---- interrupts ---- */

static volatile unsigned irq_runs;
static volatile bool irq_context;

static void irq_count(void *ctx)
{
	irq_runs++;
	irq_context = arch_in_interrupt() && arch_irq_disabled() && ctx == &irq_runs;
}

/* Shows aarch64/trap.I3, host/trap.I3, x86_64/trap.I3. */
KTEST(trap, raised_interrupt_runs_at_once_in_its_context)
{
	EXPECT_FALSE(arch_in_interrupt());
	for (unsigned i = 1; i <= 10; i++) {
		irq_runs = 0;
		arch_irq_test_raise(irq_count, (void *)&irq_runs);
		EXPECT_EQ(irq_runs, 1);
		EXPECT_TRUE(irq_context);
	}
	EXPECT_FALSE(arch_irq_disabled());
}

KTEST(trap, raised_interrupt_waits_while_interrupts_are_off)
{
	unsigned long flags = arch_irq_save();
	u64 until = arch_time_ns() + 100000;

	irq_runs = 0;
	arch_irq_test_raise(irq_count, (void *)&irq_runs);
	while (arch_time_ns() < until)
		arch_cpu_relax();
	EXPECT_EQ(irq_runs, 0);
	arch_irq_restore(flags);
	until = arch_time_ns() + 10000000000; /* the timer may be an emulator's that waits for a CPU */
	while (!irq_runs && arch_time_ns() < until)
		arch_cpu_relax();
	EXPECT_EQ(irq_runs, 1);

	flags = arch_irq_save();
	arch_irq_test_raise(irq_count, (void *)&irq_runs);
	arch_irq_test_raise(NULL, NULL); /* taken back */
	arch_irq_restore(flags);
	until = arch_time_ns() + 1000000;
	while (arch_time_ns() < until)
		arch_cpu_relax();
	EXPECT_EQ(irq_runs, 1);
}

KTEST(trap, a_tick_comes_again_and_again_until_it_is_taken_back)
{
	unsigned runs;
	u64 until = arch_time_ns() + 60000000000;

	irq_runs = 0;
	irq_context = false;
	arch_time_tick(10000, irq_count, (void *)&irq_runs);
	while (irq_runs < 5 && arch_time_ns() < until)
		arch_cpu_relax();
	arch_time_tick(0, NULL, NULL);
	runs = irq_runs;
	EXPECT_GE(runs, 5);
	EXPECT_TRUE(irq_context);
	until = arch_time_ns() + 1000000;
	while (arch_time_ns() < until)
		arch_cpu_relax();
	EXPECT_EQ(irq_runs, runs);
}

KTEST(trap, irq_flags_nest_by_value)
{
	unsigned long outer, inner;

	EXPECT_FALSE(arch_irq_disabled());
	outer = arch_irq_save();
	EXPECT_TRUE(arch_irq_disabled());
	inner = arch_irq_save();
	arch_irq_restore(inner);
	EXPECT_TRUE(arch_irq_disabled());
	arch_irq_restore(outer);
	EXPECT_FALSE(arch_irq_disabled());
}

/* Shows aarch64/trap.I2, host/trap.I2, x86_64/trap.I2. */
KTEST(trap, interrupt_state_survives_a_fault)
{
	unsigned long flags = arch_irq_save();

	EXPECT_EQ(arch_probe(0, ARCH_READ), -EFAULT);
	EXPECT_TRUE(arch_irq_disabled());
	arch_irq_restore(flags);
	EXPECT_EQ(arch_probe(0, ARCH_READ), -EFAULT);
	EXPECT_FALSE(arch_irq_disabled());
	EXPECT_FALSE(arch_in_interrupt());
}

static void irq_probe(void *ctx)
{
	*(int *)ctx = arch_probe(0, ARCH_WRITE);
}

KTEST(trap, fault_inside_an_interrupt_is_caught)
{
	int err = 0;

	arch_irq_test_raise(irq_probe, &err);
	EXPECT_EQ(err, -EFAULT);
}

/* ---- time ---- */

KTEST(trap, time_goes_forward_at_the_rate_it_says)
{
	u64 outer = arch_cycles(), ns = arch_time_ns(), inner = arch_cycles(), hz = arch_cycles_hz(),
	    last = ns;

	EXPECT_GE(hz, 1000000);
	while (arch_time_ns() - ns < 1000000) {
		u64 now = arch_time_ns();

		EXPECT_MSG(now >= last, "time went back: %lu, %lu", last, now);
		last = now;
	}
	inner = arch_cycles() - inner;
	ns = arch_time_ns() - ns;
	outer = arch_cycles() - outer;
	/* One count lies within the time, the other around it, however long the emulator was descheduled in between. */
	EXPECT_LE(inner / 2, ns / 1000 * (hz / 1000) / 1000);
	EXPECT_GE(outer * 2, ns / 1000 * (hz / 1000) / 1000);
}

KTEST(trap, alarm_wakes_the_idle_cpu)
{
	for (unsigned ms = 1; ms <= 100; ms *= 10) {
		u64 due = arch_time_ns() + ms * 1000000UL;

		arch_time_wake_at(due);
		while (arch_time_ns() < due) {
			arch_irq_disable();
			arch_idle();
		}
		EXPECT_FALSE(arch_irq_disabled());
		EXPECT_LT(arch_time_ns() - due, 1000000000);
	}
	arch_time_wake_at(0);
}

/* ---- restartable primitives ---- */

enum { STACK_LIMIT = 4 };
struct small_stack {
	struct pcpu_stack s;
	void *entry[STACK_LIMIT];
};
static struct small_stack small;
static char token_of[6]; /* six different addresses */
#define token(n) ((void *)&token_of[n])
static unsigned step_no, step_wanted;
static void *step_popped;
static bool step_pushed;

static void small_fill(unsigned n)
{
	small = (struct small_stack){.s = {.avail = n, .limit = STACK_LIMIT}};
	for (unsigned i = 0; i < n; i++)
		small.s.entry[i] = token(i);
}

static void do_pop(void *ctx)
{
	*(void **)ctx = arch_stack_pop(&small.s);
}

static void do_push(void *ctx)
{
	*(bool *)ctx = arch_stack_push(&small.s, token(5));
}

static void interfere_nothing(unsigned long pc, void *ctx)
{
	(void)pc;
	(void)ctx;
}

/* At step number step_wanted an interrupt takes the top away. */
static void interfere_pop(unsigned long pc, void *ctx)
{
	(void)pc;
	(void)ctx;
	if (step_no++ == step_wanted)
		step_popped = arch_stack_pop(&small.s);
}

static void interfere_push(unsigned long pc, void *ctx)
{
	(void)pc;
	(void)ctx;
	if (step_no++ == step_wanted)
		step_pushed = arch_stack_push(&small.s, token(4));
}

KTEST(trap, restart_stack_is_a_bounded_stack)
{
	small_fill(0);
	EXPECT_NULL(arch_stack_pop(&small.s));
	for (unsigned i = 0; i < STACK_LIMIT; i++)
		EXPECT_TRUE(arch_stack_push(&small.s, token(i)));
	EXPECT_FALSE(arch_stack_push(&small.s, token(5)));
	EXPECT_EQ(small.s.avail, STACK_LIMIT);
	for (unsigned i = STACK_LIMIT; i-- > 0;)
		EXPECT_EQ(arch_stack_pop(&small.s), token(i));
	EXPECT_NULL(arch_stack_pop(&small.s));
	small.s.limit = 0; /* how a debug flag closes the fast path */
	EXPECT_FALSE(arch_stack_push(&small.s, token(0)));
	EXPECT_EQ(small.s.avail, 0);
}

/* Shows aarch64/restart.R1, host/restart.R1, x86_64/restart.R1. */
KTEST(trap, restart_every_instruction_is_stepped)
{
	void *got;
	bool done;
	unsigned pop, push;

	if (!arch_has_single_step())
		SKIP("no single steps");
	small_fill(2);
	pop = arch_single_step(do_pop, &got, interfere_nothing, NULL);
	EXPECT_EQ(got, token(1));
	push = arch_single_step(do_push, &done, interfere_nothing, NULL);
	EXPECT_TRUE(done);
	EXPECT_EQ(small.s.avail, 2);
	EXPECT_GE(pop, 5);
	EXPECT_GE(push, 5);
	EXPECT_LE(pop, 16);
	EXPECT_LE(push, 16);
}

/*
 * The interrupted pop and the interrupt's pop get different entries, whichever comes first, and nothing else
 * moves.
 * Shows aarch64/trap.I1, host/trap.I1, x86_64/trap.I1.
 */
KTEST(trap, restart_pop_against_pop_at_every_instruction)
{
	void *got;
	unsigned steps;

	small_fill(3);
	steps = arch_single_step(do_pop, &got, interfere_nothing, NULL);
	for (step_wanted = 0; step_wanted < steps; step_wanted++) {
		small_fill(3);
		step_no = 0;
		step_popped = NULL;
		arch_single_step(do_pop, &got, interfere_pop, NULL);
		EXPECT_EQ(small.s.avail, 1);
		EXPECT_TRUE((got == token(2) && step_popped == token(1)) ||
			    (got == token(1) && step_popped == token(2)));
	}
}

KTEST(trap, restart_last_entry_goes_to_one_of_two_pops)
{
	void *got;
	unsigned steps;

	small_fill(1);
	steps = arch_single_step(do_pop, &got, interfere_nothing, NULL);
	for (step_wanted = 0; step_wanted < steps; step_wanted++) {
		small_fill(1);
		step_no = 0;
		step_popped = NULL;
		arch_single_step(do_pop, &got, interfere_pop, NULL);
		EXPECT_EQ(small.s.avail, 0);
		EXPECT_TRUE((got == token(0)) != (step_popped == token(0)));
	}
}

/* Shows aarch64/restart.R2, host/restart.R2, x86_64/restart.R2. */
KTEST(trap, restart_pop_against_push_at_every_instruction)
{
	void *got;
	unsigned steps;

	small_fill(2);
	steps = arch_single_step(do_pop, &got, interfere_nothing, NULL);
	for (step_wanted = 0; step_wanted < steps; step_wanted++) {
		small_fill(2);
		step_no = 0;
		step_pushed = false;
		arch_single_step(do_pop, &got, interfere_push, NULL);
		EXPECT_TRUE(step_pushed);
		EXPECT_EQ(small.s.avail, 2);
		EXPECT_EQ(small.s.entry[0], token(0));
		/* Before the commit the new entry is on top and comes out; after it, it stays. */
		EXPECT_TRUE((got == token(4) && small.s.entry[1] == token(1)) ||
			    (got == token(1) && small.s.entry[1] == token(4)));
	}
}

KTEST(trap, restart_push_against_push_at_every_instruction)
{
	bool done;
	unsigned steps;

	small_fill(1);
	steps = arch_single_step(do_push, &done, interfere_nothing, NULL);
	for (step_wanted = 0; step_wanted < steps; step_wanted++) {
		small_fill(1);
		step_no = 0;
		step_pushed = false;
		arch_single_step(do_push, &done, interfere_push, NULL);
		EXPECT_TRUE(done && step_pushed);
		EXPECT_EQ(small.s.avail, 3);
		EXPECT_TRUE((small.s.entry[1] == token(4) && small.s.entry[2] == token(5)) ||
			    (small.s.entry[1] == token(5) && small.s.entry[2] == token(4)));
	}
}

KTEST(trap, restart_last_place_goes_to_one_of_two_pushes)
{
	bool done;
	unsigned steps;

	small_fill(STACK_LIMIT - 1);
	steps = arch_single_step(do_push, &done, interfere_nothing, NULL);
	for (step_wanted = 0; step_wanted < steps; step_wanted++) {
		small_fill(STACK_LIMIT - 1);
		step_no = 0;
		step_pushed = false;
		arch_single_step(do_push, &done, interfere_push, NULL);
		EXPECT_EQ(small.s.avail, STACK_LIMIT);
		EXPECT_TRUE(done != step_pushed);
		EXPECT_EQ(small.s.entry[STACK_LIMIT - 1], done ? token(5) : token(4));
	}
}

KTEST(trap, restart_push_against_pop_at_every_instruction)
{
	bool done;
	unsigned steps;

	small_fill(2);
	steps = arch_single_step(do_push, &done, interfere_nothing, NULL);
	for (step_wanted = 0; step_wanted < steps; step_wanted++) {
		small_fill(2);
		step_no = 0;
		step_popped = NULL;
		arch_single_step(do_push, &done, interfere_pop, NULL);
		EXPECT_TRUE(done);
		EXPECT_EQ(small.s.avail, 2);
		EXPECT_TRUE((step_popped == token(1) && small.s.entry[1] == token(5)) ||
			    (step_popped == token(5) && small.s.entry[1] == token(1)));
	}
}

/* pc[0] is how many follow. */
static void note_pc(unsigned long pc, void *ctx)
{
	unsigned long *noted = ctx;

	if (noted[0] < 16)
		noted[++noted[0]] = pc;
}

static void expect_restart(struct ktest *t, const unsigned long *noted)
{
	const unsigned long start = noted[1];
	unsigned long pc = start - 1;

	ASSERT_TRUE(noted[0] >= 5);
	EXPECT_FALSE(arch_restart_fix(&pc));
	EXPECT_EQ(pc, start - 1);
	for (unsigned i = 1; i <= 5; i++) {
		pc = noted[i];
		EXPECT_TRUE(arch_restart_fix(&pc));
		EXPECT_EQ(pc, start);
	}
}

/* Shows aarch64/restart.R3, host/restart.R3, x86_64/restart.R3. */
KTEST(trap, restart_goes_to_the_start_and_leaves_other_addresses_alone)
{
	unsigned long pop[17] = {0}, push[17] = {0}, pc = (unsigned long)small_fill;
	void *got;
	bool done;

	if (!arch_has_single_step())
		SKIP("no single steps");
	small_fill(2);
	arch_single_step(do_pop, &got, note_pc, pop);
	expect_restart(t, pop);
	arch_single_step(do_push, &done, note_pc, push);
	expect_restart(t, push);
	EXPECT_FALSE(arch_restart_fix(&pc));
}

/* ---- what the CPU says of itself ---- */

KTEST(trap, cache_geometry_is_sane)
{
	EXPECT_TRUE(is_pow2(arch_cache_line_bytes()));
	EXPECT_GE(arch_cache_line_bytes(), 16);
	EXPECT_GE(arch_l1d_way_bytes(), arch_cache_line_bytes());
	EXPECT_EQ(arch_l1d_way_bytes() % arch_cache_line_bytes(), 0);
}

KTEST(trap, entry_bits_say_what_was_asked)
{
	static const pt_prot_t prot[] = {PT_READ, PT_RW, PT_RX, PT_RW | PT_DEVICE, PT_READ | PT_UNCACHED};
	const char *name;

	for (unsigned level = 0; level < 3; level++) {
		for (unsigned i = 0; i < ARRAY_SIZE(prot); i++) {
			paddr_t pa = PT_LEVEL_SIZE(level) * 5;
			pte_t e = arch_pte_leaf(pa, prot[i], level);

			EXPECT_TRUE(arch_pte_present(e));
			EXPECT_TRUE(arch_pte_is_leaf(e, level));
			EXPECT_EQ(arch_pte_paddr(e, level), pa);
			EXPECT_EQ(arch_pte_prot(e, level), prot[i]);
		}
	}
	EXPECT_FALSE(arch_pte_present((pte_t){0}));
	EXPECT_NULL(arch_pte_flag((pte_t){0}, 0, 0));
	EXPECT_FALSE(arch_pte_is_leaf(arch_pte_table(5 * PAGE_SIZE), 1));
	EXPECT_EQ(arch_pte_paddr(arch_pte_table(5 * PAGE_SIZE), 1), 5 * PAGE_SIZE);
	name = arch_pte_flag(arch_pte_leaf(PAGE_SIZE, PT_READ, 0), 0, 0);
	EXPECT_STREQ(name, "ro");
}

/* ---- ends: each in a run of its own ---- */

KTEST_PANIC(trap, panic_null, "page fault: write to 0x0000000000000000 (null pointer)")
{
	crash_machine("null");
}

KTEST_PANIC(trap, panic_write_text, "not permitted")
{
	crash_machine("write-text");
}

KTEST_PANIC(trap, panic_exec_data, "page fault: execute")
{
	crash_machine("exec-data");
}

KTEST_PANIC(trap, panic_stack_overflow, "guard page of the boot stack: the stack has run over")
{
	crash_machine("guard");
}

KTEST_PANIC(trap, panic_double_fault, "double fault, handled on the ") /* and the port's name of that stack */
{
	crash_machine("doublefault");
}
