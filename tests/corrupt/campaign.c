/*
 * campaign.c - damages metadata, piece by piece, and asks the checks.
 *
 * Idea.       verify claims to find what is wrong. So a machine is loaded and frozen, one piece of its metadata is
 *             damaged, all checks run, the piece is put right again, and the checks have to be content. A draw follows
 *             from the campaign's seed and its number alone.
 * Layout.     views: the tables of fields*.c, each with its instances (live.c), gathered once.
 * Invariants. Between two draws everything is as it was: the checks say so after each one.
 * Locking.    None: the other CPUs are asleep and held.
 * Failure.    A check that faults or does not end takes this process along. tools/corrupt sees in which draw, and goes on
 *             with the next one in a new process. So a draw is announced before it is made.
 * Next:       ../../tools/corrupt
 */
#include "corrupt.h"

#include <sys/mman.h>
#include <unistd.h>

#include <kernel/bug.h>
#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/random.h>
#include <kernel/shell.h>
#include <kernel/string.h>
#include <mm/check.h>

enum {
	MAX_VIEWS = 96,
	MAX_ELEMENT = 8,
	TRIES = 64, /* to change something: zero in place of zero is none */
	SAID_BYTES = 900,
};
#define ROOM_BYTES (256UL << 20) /* of addresses: memory comes as it is used */

struct instance {
	u8 *at;
	unsigned long bytes;
};

static struct view {
	const struct corrupt_view *v;
	struct instance *instance;
	unsigned long nr;
} views[MAX_VIEWS];
static unsigned nr_views;

/* ---- instances ---- */

struct corrupt_gather {
	struct view *to;
};

static struct instance *room, *room_end;

void corrupt_add(struct corrupt_gather *g, const void *at, unsigned long bytes)
{
	struct instance *i = g->to->instance + g->to->nr;

	BUG_ON(i >= room_end, "corrupt: more instances than there is room for");
	*i = (struct instance){(u8 *)at, bytes ? bytes : g->to->v->size};
	g->to->nr++;
}

static void gather(const struct corrupt_view *table)
{
	for (; table->name; table++) {
		struct view *to = &views[nr_views++];
		struct corrupt_gather g = {to};

		BUG_ON(nr_views == MAX_VIEWS, "corrupt: more than %d views", MAX_VIEWS);
		*to = (struct view){.v = table, .instance = room};
		table->live(&g);
		room += to->nr;
	}
}

static bool gather_all(void)
{
	room = mmap(NULL, ROOM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
		    0);
	if (room == MAP_FAILED)
		return false;
	room_end = room + ROOM_BYTES / sizeof(*room);
	gather(corrupt_page_views);
	gather(corrupt_slab_views);
	gather(corrupt_other_views);
	return true;
}

static int check_instances(struct out *o)
{
	for (const struct view *w = views; w < views + nr_views; w++)
		if (!w->nr)
			return out_error(o, -ENOENT, "corrupt: %s: there is none (tests/corrupt/load.c)",
					 w->v->name);
	return 0;
}

/* ---- checks ---- */

struct said {
	const struct corrupt_view *v;
	bool named;
	char text[SAID_BYTES];
	unsigned length;
};

static bool word_of(const char *words, const char *word, size_t length)
{
	for (const char *at = words; *at; at += *at == ' ') {
		const char *end = strchr(at, ' ');
		size_t n = end ? (size_t)(end - at) : strlen(at);

		if (n == length && memcmp(at, word, n) == 0)
			return true;
		at += n;
	}
	return false;
}

/* "slab.S3: ..." names slab.c; an older message names none, and its check's name counts. */
static bool names(const struct corrupt_view *v, const char *check, const char *what)
{
	const char *dot = strchr(what, '.');
	size_t n = dot ? (size_t)(dot - what) : 0;

	return word_of(v->checks, check, strlen(check)) || word_of(v->checks, what, n);
}

static void note(const char *check, const char *what, void *ctx)
{
	struct said *s = ctx;

	if (s->v && names(s->v, check, what))
		s->named = true;
	if (s->length < sizeof(s->text))
		s->length += (unsigned)snprintf(s->text + s->length, sizeof(s->text) - s->length, " [%s] %s",
						check, what);
}

static unsigned ask(const struct corrupt_view *v, struct said *s)
{
	unsigned checks;

	s->v = v;
	s->named = false;
	s->length = 0;
	s->text[0] = '\0';
	return mm_check_all(&checks, note, s);
}

/* ---- one draw ---- */

enum damage { FLIP, ZERO, INCREMENT, RANDOM, SWAP, NR_DAMAGES };
static const char *const damage_name[NR_DAMAGES] = {"flip", "zero", "increment", "random", "swap"};

struct draw {
	const struct view *view;
	const struct corrupt_field *field;
	unsigned long instance, element;
	enum damage damage;
	u8 *at, *other; /* other: what a swap changes as well */
	unsigned bytes;
	u8 was[MAX_ELEMENT], is[MAX_ELEMENT];
};

static u64 below(u64 *rng, u64 n)
{
	u64 r = (u64)xorshift64(rng) << 32;

	return (r | xorshift64(rng)) % n;
}

static const struct corrupt_field *drawn_field(const struct corrupt_view *v, u64 *rng)
{
	const struct corrupt_field *f;

	do
		f = &v->field[below(rng, v->nr_fields)];
	while (!f->element);
	return f;
}

/* The next element of the array, else the same one of the next instance. NULL: there is no neighbour. */
static u8 *neighbour(const struct draw *d, unsigned long elements)
{
	const struct instance *next;

	if (d->field->unordered)
		return NULL;
	if (elements > 1)
		return d->element + 1 < elements ? d->at + d->bytes : d->at - d->bytes;
	next = &d->view->instance[(d->instance + 1) % d->view->nr];
	return d->field->size ? next->at + d->field->offset : next->at;
}

/* The damage changes something, and not from one value to another that is as good. */
static bool is_damage(const struct draw *d)
{
	u64 was = 0, is = 0;

	memcpy(&was, d->was, d->bytes);
	memcpy(&is, d->is, d->bytes);
	return was != is && !(was < d->field->alike_below && is < d->field->alike_below);
}

static void damaged_value(struct draw *d, u64 *rng)
{
	u64 v = 0, r = below(rng, ~0UL);

	memcpy(&v, d->was, d->bytes);
	switch (d->damage) {
	case FLIP:
		v ^= 1UL << below(rng, d->bytes * 8UL);
		break;
	case ZERO:
		v = 0;
		break;
	case INCREMENT:
		v++;
		break;
	case RANDOM:
		v = r;
		break;
	case SWAP:
		memcpy(&v, d->other, d->bytes);
		break;
	case NR_DAMAGES:
		break;
	}
	memcpy(d->is, &v, d->bytes);
}

/* False: this damage changes nothing here. */
static bool draw_once(struct draw *d, u64 *rng)
{
	const struct instance *i;
	unsigned long elements;

	d->view = &views[below(rng, nr_views)];
	d->field = drawn_field(d->view->v, rng);
	d->instance = below(rng, d->view->nr);
	i = &d->view->instance[d->instance];
	d->bytes = d->field->element;
	elements = (d->field->size ? d->field->size : i->bytes) / d->bytes;
	d->element = below(rng, elements);
	d->at = i->at + d->field->offset + d->element * d->bytes;
	d->damage = (enum damage)below(rng, NR_DAMAGES);
	d->other = d->damage == SWAP ? neighbour(d, elements) : NULL;
	if (d->damage == SWAP && !d->other)
		return false;
	memcpy(d->was, d->at, d->bytes);
	damaged_value(d, rng);
	return is_damage(d);
}

static void draw_by(struct draw *d, u64 seed, u64 number)
{
	u64 rng = mix64(seed ^ mix64(number + 1));
	unsigned tries = 0;

	rng += !rng;
	while (!draw_once(d, &rng))
		BUG_ON(++tries == TRIES * 16, "corrupt: draw %lu changes nothing", number);
}

static void put(const struct draw *d, bool damaged)
{
	memcpy(d->at, damaged ? d->is : d->was, d->bytes);
	if (d->other)
		memcpy(d->other, damaged ? d->was : d->is, d->bytes);
}

/* Past every buffer: a check that does not end must not keep what was said before. */
static void say(const char *fmt, ...) __printf(1, 2);
static void say(const char *fmt, ...)
{
	char line[SAID_BYTES + 200];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	if (write(STDOUT_FILENO, line, min((size_t)n, sizeof(line) - 1)) < 0)
		return;
}

static void announce(const struct draw *d, u64 number)
{
	u64 was = 0, is = 0;

	memcpy(&was, d->was, d->bytes);
	memcpy(&is, d->is, d->bytes);
	say("draw %lu %s %s[%lu] of instance %lu at 0x%lx: %s 0x%lx -> 0x%lx\n", number, d->view->v->name,
	    d->field->name, d->element, d->instance, (unsigned long)d->at, damage_name[d->damage], was, is);
}

static bool make_draw(u64 seed, u64 number)
{
	static struct said s;
	struct draw d;
	bool named;

	draw_by(&d, seed, number);
	announce(&d, number);
	put(&d, true);
	ask(d.view->v, &s);
	put(&d, false);
	named = s.named;
	say("result %lu %s%s\n", number, named ? "named" : s.length ? "wrong" : "missed", s.text);
	if (ask(NULL, &s)) {
		say("result %lu unclean%s\n", number, s.text);
		return false;
	}
	return true;
}

/* ---- the command ---- */

static int prepare(struct out *o, u64 seed)
{
	static struct said s;

	if (nr_views)
		return out_error(o, -EBUSY, "this machine has been prepared already, expected a new one");
	if (!corrupt_load(seed))
		return out_error(o, -ENOMEM, "no memory for the load, expected a machine of 64M at least");
	corrupt_freeze();
	if (!gather_all())
		return out_error(o, -ENOMEM, "no addresses for the list of instances");
	if (ask(NULL, &s))
		return out_error(o, -EIO, "before the first draw:%s", s.text);
	return check_instances(o);
}

/* What tools/corrupt compares with the compiler's notes, and prints. */
static void list_views(void)
{
	for (const struct view *w = views; w < views + nr_views; w++) {
		const struct corrupt_view *v = w->v;

		say("view %s %s %lu\n", v->name, v->type ? v->type : "-", w->nr);
		for (const struct corrupt_field *f = v->field; f < v->field + v->nr_fields; f++)
			say("field %s %s %u %u %s\n", v->name, f->name, f->offset, f->size,
			    f->why ? f->why : "");
	}
}

static int cmd_corrupt(struct out *o, int argc, char **argv, bool json)
{
	u64 seed, first, count;
	int err = arg_count(o, argc, argv, 3, 3);

	(void)json;
	if (!err)
		err = arg_u64(o, "SEED", argv[1], &seed);
	if (!err)
		err = arg_u64(o, "FIRST", argv[2], &first);
	if (!err)
		err = arg_u64(o, "COUNT", argv[3], &count);
	if (!err)
		err = prepare(o, seed);
	if (err)
		return err;
	if (!count)
		list_views();
	for (u64 n = first; n < first + count; n++)
		if (!make_draw(seed, n))
			return out_error(o, -EIO, "draw %lu leaves something behind", n);
	say("end\n");
	return 0;
}
SHELL_CMD("corrupt", "SEED FIRST COUNT", NULL, cmd_corrupt, NULL);
