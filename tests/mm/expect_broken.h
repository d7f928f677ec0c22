#ifndef TESTS_MM_EXPECT_BROKEN_H
#define TESTS_MM_EXPECT_BROKEN_H

/* One thing is broken, its check must name the invariant, and it is put right again. */

#include <kernel/string.h>
#include <kernel/test.h>
#include <mm/check.h>

/* What the registered check says now; NULL: all is well. */
static inline const char *check_says(const char *name)
{
	for (const struct mm_check *const *c = __start_mm_checks; c < __stop_mm_checks; c++)
		if (strcmp((*c)->name, name) == 0)
			return (*c)->fn();
	return "there is no such check";
}

#define EXPECT_BROKEN(said, part)                                                                          \
	({                                                                                                 \
		const char *expect_said = (said);                                                          \
		EXPECT_MSG(expect_said &&strstr(expect_said, part), "expected \"%s\", the check says: %s", \
			   part, expect_said ? expect_said : "all is well");                               \
	})

/* With another value in a variable the check says `part`. */
#define EXPECT_BROKEN_BY(name, variable, value, part)     \
	({                                                \
		__typeof__(variable) broken = (variable); \
		(variable) = (value);                     \
		EXPECT_BROKEN(check_says(name), part);    \
		(variable) = broken;                      \
	})

#endif
