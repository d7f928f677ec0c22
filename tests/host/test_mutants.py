#!/usr/bin/env python3
"""What tools/mutate changes: every kind of step once, nothing where nothing should change."""

import pathlib
import unittest

import paths  # noqa: F401
from strata import hosttest, mutants

SOURCE = """\
#define TWICE(x) ((x) + (x))
/* a comment: a < b */
enum { LIMIT = 3 };
static const int table[2] = {1, 2};

static bool small(const struct page *page, unsigned n)
{
	unsigned long *const p = (unsigned long *)page, sum = n + 1;
	static_assert(LIMIT > 2, "1 + 1");

	for (unsigned i = 0; i < n; i++)
		sum |= p[i];
	list_for_each_entry (page, &head, lru)
		spin_lock(&page->lock);
	if (!sum && max(n, sum))
		return false;
	BUG_ON(n == sum, "n is %u, not %u", n - 1, 5);
	pr_info("%u\\n", n + 1);
	MM_ASSERT(n < 4);
	return n <= sum;
}

static void *find(
	unsigned long at)
{
	while (at)
		at = -at << 2;
	return (void *)at;
}
"""


def changes(function, operator=None):
    return [
        (m.before, m.after)
        for m in mutants.mutants_of("mm/x.c", SOURCE)
        if m.function == function and operator in (None, m.operator)
    ]


class Mutants(unittest.TestCase):
    def test_only_functions_change(self):
        self.assertEqual({m.function for m in mutants.mutants_of("mm/x.c", SOURCE)}, {"small", "find"})

    def test_comparisons_move_their_border_and_turn(self):
        self.assertEqual(
            {after for before, after in changes("small", "compare") if "return" in before},
            {"return n < sum;", "return n > sum;"},
        )

    def test_statements_are_dropped(self):
        dropped = {before for before, _ in changes("small", "drop")}
        self.assertEqual(
            dropped, {"sum |= p[i];", "spin_lock(&page->lock);", 'BUG_ON(n == sum, "n is %u, not %u", n - 1, 5);'}
        )
        self.assertTrue(all(after == "{}" for _, after in changes("small", "drop")))

    def test_reports_and_assertions_keep_their_words(self):
        lines = {before for before, after in changes("small")}
        self.assertFalse(any(word in line for line in lines for word in ("pr_info", "MM_ASSERT", "static_assert")))
        self.assertEqual(
            {after for before, after in changes("small") if "BUG_ON" in before},
            {"{}", 'BUG_ON(n != sum, "n is %u, not %u", n - 1, 5);'},
        )

    def test_conditions_and_their_parts(self):
        after = {after for before, after in changes("small") if before.startswith("if")}
        self.assertEqual(
            after,
            {
                "if (!(!sum && max(n, sum)))",
                "if (!sum || max(n, sum))",
                "if (sum && max(n, sum))",
                "if (!sum && min(n, sum))",
            },
        )

    def test_initial_values_are_code_and_types_are_not(self):
        self.assertEqual(
            {after.split(", ")[1] for before, after in changes("small") if "sum = n" in before},
            {"sum = n - 1;", "sum = n + 2;", "sum = n + 0;"},
        )

    def test_a_star_is_a_product_only_between_operands(self):
        self.assertEqual({after for before, after in changes("find") if "return" in before}, {"return NULL;"})
        self.assertEqual(
            {after for before, after in changes("find") if "<<" in before},
            {"at = at << 2;", "at = -at >> 2;", "at = -at << 3;", "at = -at << 1;", "{}"},
        )

    def test_lines_stay_where_they_are(self):
        text = SOURCE.replace("n == sum,", "n == sum,\n\t       ")
        for mutant in mutants.mutants_of("mm/x.c", text):
            self.assertEqual(mutant.apply(text).count("\n"), text.count("\n"))

    def test_a_name_does_not_depend_on_where_the_line_is(self):
        here = [m.id for m in mutants.mutants_of("mm/x.c", SOURCE)]
        below = [m.id for m in mutants.mutants_of("mm/x.c", "\n/* new */\n" + SOURCE)]
        self.assertEqual(here, below)
        self.assertEqual(len(here), len(set(here)))

    def test_every_file_can_be_read(self):
        for path in pathlib.Path(mutants.__file__).parents[2].glob("mm/**/*.[ch]"):
            mutants.mutants_of(path.name, path.read_text(encoding="utf-8"))


if __name__ == "__main__":
    hosttest.main()
