/*
 * test_json.c - the JSON writer: valid for any nesting and any bytes, and an error leaves nothing but
 * itself.
 *
 * Idea.       What it writes is read back by a strict reader; random documents and random strings must pass,
 *             and buffers of every small size must hold.
 * Layout.     begin() and finish() stand for the shell around a command.
 * Invariants. I1  and I2 of json.c and of out.c.
 * Locking.    None.
 * Failure.    The answer is printed.
 * Next:       test_lineedit.c.
 */
#include "kernel/shell/out.h"

#include <kernel/errno.h>
#include <kernel/printk.h>
#include <kernel/string.h>
#include <kernel/test.h>

#include "json_check.h"

static char answer[4096];

static struct out begin(bool json, size_t size)
{
	return (struct out){.buf = answer, .size = size, .json = json};
}

static void finish(struct out *o)
{
	out_finish(o);
	answer[o->len] = '\0';
}

KTEST(json, characters_of_utf8_are_escaped_by_code_point)
{
	struct out o = begin(true, sizeof(answer) - 1);

	json_obj(&o, NULL);
	json_str(&o, "s", "\xc3\xa9\xe4\xb8\xad\xf0\x9f\x98\x80|\xe9|\xc3");
	json_end_obj(&o);
	finish(&o);
	EXPECT_STREQ(answer, "{\"s\":\"\\u00e9\\u4e2d\\ud83d\\ude00|\\u00e9|\\u00c3\"}\n");
}

KTEST(json, values_have_their_forms)
{
	struct out o = begin(true, sizeof(answer) - 1);

	json_obj(&o, NULL);
	json_num(&o, "n", ~0UL);
	json_int(&o, "i", -5);
	json_hex(&o, "h", 0xffff888000001000UL);
	json_hex(&o, "z", 0);
	json_str(&o, "s", "a\"b\\c\n");
	json_str(&o, "none", NULL);
	json_bool(&o, "yes", true);
	json_bool(&o, "no", false);
	json_null(&o, "null");
	json_arr(&o, "empty");
	json_end_arr(&o);
	json_arr(&o, "list");
	json_num(&o, NULL, 1);
	json_obj(&o, NULL);
	json_end_obj(&o);
	json_num(&o, NULL, 2);
	json_end_arr(&o);
	json_end_obj(&o);
	finish(&o);
	EXPECT_STREQ(answer,
		     "{\"n\":18446744073709551615,\"i\":-5,\"h\":\"0xffff888000001000\",\"z\":\"0x0\","
		     "\"s\":\"a\\\"b\\\\c\\n\",\"none\":null,\"yes\":true,\"no\":false,\"null\":null,"
		     "\"empty\":[],\"list\":[1,{},2]}\n");
	EXPECT_TRUE(json_answer_ok(answer));
}

KTEST(json, any_bytes_make_a_valid_string)
{
	for (int round = 0; round < 300; round++) {
		struct out o = begin(true, sizeof(answer) - 1);
		char text[64];
		unsigned len = test_rand_below(sizeof(text));

		for (unsigned i = 0; i < len; i++)
			text[i] = (char)(1 + test_rand_below(255));
		text[len] = '\0';
		json_obj(&o, NULL);
		json_str(&o, text, text);
		json_end_obj(&o);
		finish(&o);
		EXPECT_MSG(json_answer_ok(answer), "%s", answer);
	}
}

/* A random document, at most `budget` values. */
static void write_random(struct out *o, bool in_object, unsigned depth, unsigned *budget)
{
	while (*budget && test_rand_below(4)) {
		const char *key = in_object ? "key" : NULL;
		u32 what = test_rand_below(depth < 20 ? 5 : 3);

		--*budget;
		if (what == 0) {
			json_num(o, key, test_rand());
		} else if (what == 1) {
			json_str(o, key, "text");
		} else if (what == 2) {
			json_bool(o, key, true);
		} else if (what == 3) {
			json_obj(o, key);
			write_random(o, true, depth + 1, budget);
			json_end_obj(o);
		} else {
			json_arr(o, key);
			write_random(o, false, depth + 1, budget);
			json_end_arr(o);
		}
	}
}

/* Shows json.I1, json.I2. */
KTEST(json, random_nesting_is_valid)
{
	for (int round = 0; round < 300; round++) {
		struct out o = begin(true, sizeof(answer) - 1);
		unsigned budget = 60;

		json_obj(&o, NULL);
		write_random(&o, true, 1, &budget);
		json_end_obj(&o);
		finish(&o);
		if (!o.cut)
			EXPECT_MSG(json_answer_ok(answer), "%s", answer);
	}
}

KTEST(json, an_error_replaces_what_was_written)
{
	struct out o = begin(true, sizeof(answer) - 1);

	json_obj(&o, NULL);
	json_arr(&o, "half");
	EXPECT_EQ(out_error(&o, -EINVAL, "bad \"%s\"", "x\x01\x80"), -EINVAL);
	EXPECT_EQ(out_error(&o, -ENOMEM, "a second reason"), -ENOMEM);
	finish(&o);
	EXPECT_STREQ(answer, "{\"error\":\"bad \\\"x??\\\"\"}\n");
}

KTEST(json, an_empty_answer_is_an_empty_object)
{
	struct out o = begin(true, sizeof(answer) - 1);

	finish(&o);
	EXPECT_STREQ(answer, "{}\n");
}

KTEST(json, a_plain_error_stands_on_its_own_line)
{
	struct out o = begin(false, sizeof(answer) - 1);

	out_printf(&o, "half a line");
	out_error(&o, -EIO, "broken");
	finish(&o);
	EXPECT_STREQ(answer, "half a line\nerror: broken\n");
}

/* Shows out.I1. */
KTEST(json, a_small_buffer_cuts_and_is_never_overrun)
{
	for (size_t size = 1; size < 40; size++) {
		struct out o = begin(true, size);

		memset(answer, 0x5a, sizeof(answer));
		json_obj(&o, NULL);
		json_str(&o, "key", "a text that is longer than the room there is for it");
		json_end_obj(&o);
		out_finish(&o);
		EXPECT_LE(o.len, size);
		EXPECT_TRUE(o.cut);
		EXPECT_EQ(answer[size], 0x5a);
	}
}

static char sunk[4096];
static size_t sunk_len;

static void sink(const char *s, size_t len)
{
	len = min(len, sizeof(sunk) - 1 - sunk_len);
	memcpy(sunk + sunk_len, s, len);
	sunk_len += len;
	sunk[sunk_len] = '\0';
}

/* Shows out.I1. */
KTEST(json, a_sink_gets_the_same_text_whatever_the_buffer)
{
	for (size_t size = 1; size < 64; size += 7) {
		struct out o = begin(true, size);

		o.sink = sink;
		sunk_len = 0;
		json_obj(&o, NULL);
		json_arr(&o, "numbers");
		for (unsigned i = 0; i < 50; i++)
			json_num(&o, NULL, i);
		json_end_arr(&o);
		json_end_obj(&o);
		out_finish(&o);
		EXPECT_TRUE(json_answer_ok(sunk));
		EXPECT_NOT_NULL(strstr(sunk, "[0,1,2,3,"));
		EXPECT_NOT_NULL(strstr(sunk, ",48,49]}\n"));
	}
}
