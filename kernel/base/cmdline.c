/*
 * cmdline.c - the kernel command line.
 *
 * Idea.       Options are declared beside the code that uses them and collected in a section. The parser therefore contains
 *             no list of options, and it can report an unknown word by name.
 * Layout.     "a=1 b cmd=\"x; y\"" -> words (quotes removed) -> option record by name -> its set(value)
 * Invariants. cmdline_text() is the line as the loader gave it; words are cut in a copy. Handlers run in the order of the
 *             words.
 * Locking.    None: runs once, on one CPU, before anything else.
 * Failure.    Unknown name, bad value, missing quote: one line in the log; the default applies.
 * Next:       random.c.
 */
#include <kernel/cmdline.h>

#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/string.h>

static char line[BOOT_CMDLINE_SIZE];
static char words[BOOT_CMDLINE_SIZE];

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * Cuts the next word off *text and removes its quotes. Blanks between quotes belong to the word; quotes may stand anywhere
 * in it. Returns NULL at the end of the line.
 */
static char *next_word(char **text)
{
	char *in = *text, *out, *word;
	bool quoted = false;

	while (is_blank(*in))
		in++;
	if (!*in)
		return NULL;
	for (word = out = in; *in && (quoted || !is_blank(*in)); in++) {
		if (*in == '"')
			quoted = !quoted;
		else
			*out++ = *in;
	}
	if (quoted)
		pr_warn("cmdline: the quote that begins in \"%.*s\" does not end\n", (int)(out - word), word);
	*text = *in ? in + 1 : in;
	*out = '\0';
	return word;
}

static const struct cmdline_opt *find_option(const char *name)
{
	for (const struct cmdline_opt *const *o = __start_cmdline_opts; o < __stop_cmdline_opts; o++)
		if (strcmp((*o)->name, name) == 0)
			return *o;
	return NULL;
}

int cmdline_set(const char *name, const char *value)
{
	const struct cmdline_opt *opt = find_option(name);

	return opt ? opt->set(value) : -ENOENT;
}

static void apply_word(char *word)
{
	char *value = strchr(word, '=');
	const struct cmdline_opt *opt;

	if (value)
		*value++ = '\0';
	opt = find_option(word);
	if (!opt)
		pr_warn("cmdline: unknown option \"%s\" is ignored\n", word);
	else if (opt->set(value))
		pr_warn("cmdline: %s%s%s: expected %s; the default is used\n", word, value ? "=" : "",
			value ? value : "", opt->expected);
}

void cmdline_parse(char *text)
{
	char *word;

	while ((word = next_word(&text)))
		apply_word(word);
}

void cmdline_init(const struct boot_info *bi)
{
	strlcpy(line, bi->cmdline, sizeof(line));
	strlcpy(words, bi->cmdline, sizeof(words));
	cmdline_parse(words);
	/* Printed after the options are applied, so loglevel= holds for this line, too. */
	pr_info("cmdline: %s\n", line);
}

const char *cmdline_text(void)
{
	return line;
}

int cmdline_bool(const char *value, bool *out)
{
	if (!value || strcmp(value, "on") == 0 || strcmp(value, "1") == 0)
		*out = true;
	else if (strcmp(value, "off") == 0 || strcmp(value, "0") == 0)
		*out = false;
	else
		return -EINVAL;
	return 0;
}
