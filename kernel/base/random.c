/*
 * random.c - the random seed of a boot.
 *
 * Idea.       Every random choice (region bases, test sequences, shuffles) derives from one number, which is printed. The
 *             option seed= repeats a run.
 * Layout.     boot_seed(); each user initialises its own generator with mix64(seed ^ a constant of its own).
 * Invariants. The seed does not change after random_init().
 * Locking.    None: written once during boot.
 * Next:       work.c.
 */
#include <kernel/random.h>

#include <kernel/cmdline.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/string.h>

#include <arch/time.h>

static u64 seed;
static bool seed_given;

void random_init(void)
{
	/* 32 bits are easy to type, and enough for choices that only have to differ between runs. */
	if (!seed_given)
		seed = mix64(arch_cycles()) >> 32;
	pr_info("random: seed=%lu%s\n", seed, seed_given ? "" : " (from the cycle counter)");
}

u64 boot_seed(void)
{
	return seed;
}

static int random_set_seed(const char *value)
{
	u64 v;

	if (!value || parse_u64(value, &v))
		return -EINVAL;
	seed = v;
	seed_given = true;
	return 0;
}
CMDLINE_OPT("seed", "a number", random_set_seed);
