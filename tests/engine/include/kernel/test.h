#ifndef KERNEL_TEST_H
#define KERNEL_TEST_H

/*
 * Self-tests. A case is `KTEST(suite, name) { ... }`; section `ktests` collects pointers to the records. EXPECT_* records a
 * failure and continues; ASSERT_* also leaves the case. After every case the runner checks that free pages are as before
 * and runs the allocators' checks; both count as assertions of the case.
 *
 * KTEST_PANIC is a case that must end the kernel with a BUG whose text contains `pattern`. Only its exact name selects
 * it. The host side checks status 2 and the pattern (tools/test-matrix).
 */

#include <kernel/printk.h>
#include <kernel/string.h>
#include <kernel/types.h>

struct ktest {
	const char *suite, *name;
	void (*run)(struct ktest *t);
	const char *panic_pattern; /* NULL: an ordinary case */
	unsigned failures, checks;
	char skip[96]; /* reason; empty if it ran */
};

#define KTEST_RECORD(suite_, name_, pattern_)                                                        \
	static void ktest_##suite_##_##name_(struct ktest *t);                                       \
	static struct ktest ktest_rec_##suite_##_##name_ = {.suite = #suite_,                        \
							    .name = #name_,                          \
							    .run = ktest_##suite_##_##name_,         \
							    .panic_pattern = pattern_};              \
	static struct ktest *ktest_ptr_##suite_##_##name_ __attribute__((section("ktests"), used)) = \
		&ktest_rec_##suite_##_##name_;                                                       \
	static void ktest_##suite_##_##name_(__unused struct ktest *t)
#define KTEST(suite_, name_) KTEST_RECORD(suite_, name_, NULL)
#define KTEST_PANIC(suite_, name_, pattern_) KTEST_RECORD(suite_, name_, pattern_)

/* The runner sorts the pointers in place. */
extern struct ktest *__start_ktests[], *__stop_ktests[];

/* Records a failure and prints it as a "# file:line: ..." line before the result line. */
void ktest_fail(struct ktest *t, const char *file, int line, const char *fmt, ...) __printf(4, 5);

#define EXPECT_MSG(cond, ...)                                           \
	({                                                              \
		bool expect_ok = (cond);                                \
		t->checks++;                                            \
		if (unlikely(!expect_ok))                               \
			ktest_fail(t, __FILE__, __LINE__, __VA_ARGS__); \
		expect_ok;                                              \
	})
#define EXPECT_CMP(a, op, b)                                                                                 \
	({                                                                                                   \
		unsigned long expect_a = (unsigned long)(a), expect_b = (unsigned long)(b);                  \
		EXPECT_MSG(expect_a op expect_b, "%s " #op " %s: 0x%lx, 0x%lx", #a, #b, expect_a, expect_b); \
	})
#define EXPECT_EQ(a, b) EXPECT_CMP(a, ==, b)
#define EXPECT_NE(a, b) EXPECT_CMP(a, !=, b)
#define EXPECT_LT(a, b) EXPECT_CMP(a, <, b)
#define EXPECT_LE(a, b) EXPECT_CMP(a, <=, b)
#define EXPECT_GT(a, b) EXPECT_CMP(a, >, b)
#define EXPECT_GE(a, b) EXPECT_CMP(a, >=, b)
#define EXPECT_TRUE(a) EXPECT_MSG(!!(a), "%s is false", #a)
#define EXPECT_FALSE(a) EXPECT_MSG(!(a), "%s is true", #a)
#define EXPECT_NULL(p) EXPECT_MSG((p) == NULL, "%s is not NULL", #p)
#define EXPECT_NOT_NULL(p) EXPECT_MSG((p) != NULL, "%s is NULL", #p)
#define EXPECT_STREQ(a, b)                                                                                \
	({                                                                                                \
		const char *expect_a = (a), *expect_b = (b);                                              \
		EXPECT_MSG(strcmp(expect_a, expect_b) == 0, "%s == %s: \"%s\", \"%s\"", #a, #b, expect_a, \
			   expect_b);                                                                     \
	})
#define ASSERT_TRUE(a)               \
	do {                         \
		if (!EXPECT_TRUE(a)) \
			return;      \
	} while (0)
#define ASSERT_EQ(a, b)               \
	do {                          \
		if (!EXPECT_EQ(a, b)) \
			return;       \
	} while (0)
#define ASSERT_NOT_NULL(p)               \
	do {                             \
		if (!EXPECT_NOT_NULL(p)) \
			return;          \
	} while (0)
/* Leaves a case that does not apply here. The reason is printed. */
#define SKIP(...)                                                \
	do {                                                     \
		snprintf(t->skip, sizeof(t->skip), __VA_ARGS__); \
		return;                                          \
	} while (0)

/* Random numbers for a case, from seed= and the case's name only. A failure prints the seed. */
u32 test_rand(void);
/* Uniform in [0, n). */
u32 test_rand_below(u32 n);
/* Restarts the random numbers of case t. ktest_run() calls it before each run of a case. */
void ktest_seed(const struct ktest *t);

/*
 * Runs the cases whose "suite.case" matches, in alphabetical order, and prints KTAP on the console. Returns the number of
 * cases that failed, -ENOENT if none matches, -EBUSY inside a case. Context: main loop.
 */
int ktest_run(const char *glob);
/* Returns the nth case in that order, panic cases included, or NULL. */
const struct ktest *ktest_nth(unsigned n);
/* Whether glob selects the case; a panic case is selected only by its exact name. */
bool ktest_selected(const struct ktest *t, const char *glob);

#endif
