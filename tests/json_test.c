/* JSON as other programs read it. */
#include "test.h"

#include "debug/json.h"

#include <stdio.h>
#include <string.h>

/* What fn writes. */
static const char *written(void (*fn)(struct json *))
{
	static struct out o;
	struct json j = {.out = &o};

	ramet__out_open(&o, -1);
	fn(&j);
	o.text[o.used] = '\0';
	return o.text;
}

static bool same(const char *text, const char *expected)
{
	if (strcmp(text, expected) == 0)
		return true;
	fprintf(stderr, "%s\nis not\n%s\n", text, expected);
	return false;
}

static void everything(struct json *j)
{
	ramet__json_open(j, NULL, '{');
	ramet__json_number(j, "least", INT64_MIN);
	ramet__json_number(j, "most", INT64_MAX);
	ramet__json_open(j, "list", '[');
	ramet__json_bool(j, NULL, true);
	ramet__json_null(j, NULL);
	ramet__json_open(j, NULL, '[');
	ramet__json_close(j, ']');
	ramet__json_bool(j, NULL, false);
	ramet__json_close(j, ']');
	ramet__json_address(j, "at", (void *)0x1234);
	ramet__json_open(j, "none", '{');
	ramet__json_close(j, '}');
	ramet__json_string(j, "last", "x");
	ramet__json_close(j, '}');
}

TEST(values_are_nested_and_separated)
{
	CHECK(same(written(everything),
		   "{\"least\": -9223372036854775808, "
		   "\"most\": 9223372036854775807, "
		   "\"list\": [true, null, [], false], \"at\": \"0x1234\", "
		   "\"none\": {}, \"last\": \"x\"}"));
}

#define LOST "\xef\xbf\xbd"

static const struct {
	const char *text, *json;
} strings[] = {
	{"", "\"\""},
	{"plain", "\"plain\""},
	{"a \"b\" \\", "\"a \\\"b\\\" \\\\\""},
	{"\001\n\x1b[2J\x7f", "\"\\u0001\\u000a\\u001b[2J\\u007f\""},
	{"\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\x91",
	 "\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\x91\""},
	{"\x80x", "\"" LOST "x\""},
	{"x\xc3", "\"x" LOST "\""},
	{"\xc0\xaf", "\"" LOST LOST "\""},
	{"\xe0\x80\xaf", "\"" LOST LOST LOST "\""},
	{"\xed\xa0\x80", "\"" LOST LOST LOST "\""},
	{"\xf4\x90\x80\x80", "\"" LOST LOST LOST LOST "\""},
	{"\xf5x\xff", "\"" LOST "x" LOST "\""},
};

static size_t number;

static void one_string(struct json *j)
{
	ramet__json_string(j, NULL, strings[number].text);
}

TEST(strings_are_always_utf8)
{
	for (number = 0; number < countof(strings); number++) {
		if (!same(written(one_string), strings[number].json))
			fprintf(stderr, "string %zu\n", number);
		CHECK(same(written(one_string), strings[number].json));
	}
}

static void part_of_string(struct json *j)
{
	ramet__json_text(j, "name", "abcdef", 3);
}

TEST(only_so_many_bytes_are_read)
{
	CHECK(same(written(part_of_string), "\"name\": \"abc\""));
}

static void name(struct json *j)
{
	const char *text = "G\xc3\xbcnter\x1b\x7f\xc2\x9b\x9b";

	ramet__put_name(j->out, text, strlen(text));
}

TEST(names_keep_letters_and_lose_what_terminals_obey)
{
	CHECK(same(written(name), "G\xc3\xbcnter????"));
}
