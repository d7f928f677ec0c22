/*
 * cmd_linux.c - the shell's `linux`: from a name of Linux to the function that does its work here.
 *
 * Idea.       A reader of Linux, or of an article about it, looks for find_vmap_lowest_match() and finds no such function. The
 *             command prints ours, the file and line of its definition, and what differs.
 * Layout.     mm/linux.tsv -> tools/mklinux, which looks up the lines -> linux_names: four strings a row.
 * Invariants. Each of our names is defined in its file: the build fails otherwise.
 * Locking.    None: the table is read-only.
 * Failure.    A name that is not in the table is an error.
 * Next:       cmd_page.c.
 */
#include "cmd.h"

#include <kernel/errno.h>
#include <kernel/string.h>

struct linux_name {
	const char *linux_name, *ours, *where, *differs;
};

static const char *next_string(const char *s)
{
	return s + strlen(s) + 1;
}

/* Reads the row at s. Returns the start of the next one. */
static const char *read_row(const char *s, struct linux_name *row)
{
	row->linux_name = s;
	row->ours = next_string(row->linux_name);
	row->where = next_string(row->ours);
	row->differs = next_string(row->where);
	return next_string(row->differs);
}

static const char *complete_linux(int pos, unsigned n)
{
	struct linux_name row;

	for (const char *s = linux_names; pos == 1 && s < linux_names_end; n--) {
		s = read_row(s, &row);
		if (n == 0)
			return row.linux_name;
	}
	return NULL;
}

static bool any_matches(const char *glob)
{
	struct linux_name row;

	for (const char *s = linux_names; s < linux_names_end;) {
		s = read_row(s, &row);
		if (glob_match(glob, row.linux_name))
			return true;
	}
	return false;
}

static void print_row(struct out *o, const struct linux_name *row, bool json)
{
	if (!json) {
		out_printf(o, "%s: %s, %s\n  %s\n", row->linux_name, row->ours, row->where, row->differs);
		return;
	}
	json_obj(o, NULL);
	json_str(o, "linux", row->linux_name);
	json_str(o, "ours", row->ours);
	json_str(o, "where", row->where);
	json_str(o, "differs", row->differs);
	json_end_obj(o);
}

static int cmd_linux(struct out *o, int argc, char **argv, bool json)
{
	const char *glob = argc > 1 ? argv[1] : "*";
	int err = arg_count(o, argc, argv, 0, 1);
	struct linux_name row;

	if (err)
		return err;
	if (!any_matches(glob))
		return out_error(
			o, -ENOENT,
			"linux: no name in the table matches \"%s\", expected one that `linux` lists or a "
			"pattern like *vmap* (the C interface, as kmalloc, has Linux's names)",
			glob);
	if (json) {
		json_obj(o, NULL);
		json_arr(o, "names");
	}
	for (const char *s = linux_names; s < linux_names_end;) {
		s = read_row(s, &row);
		if (glob_match(glob, row.linux_name))
			print_row(o, &row, json);
	}
	if (json) {
		json_end_arr(o);
		json_end_obj(o);
	}
	return 0;
}
SHELL_CMD("linux", "[GLOB]", "Linux's function of that name: ours, file and line, what differs", cmd_linux,
	  complete_linux);
