/* json.c - RFC 8259, on one line. */
#include "debug/json.h"

#include <string.h>

static void begin(struct json *j, const char *key)
{
	if (j->more)
		ramet__print(j->out, ", ");
	if (key)
		ramet__print(j->out, "\"%s\": ", key);
	j->more = true;
}

void ramet__json_open(struct json *j, const char *key, char open)
{
	begin(j, key);
	ramet__put(j->out, &open, 1);
	j->more = false;
}

void ramet__json_close(struct json *j, char close)
{
	ramet__put(j->out, &close, 1);
	j->more = true;
}

/* ---- strings ------------------------------------------------------------ */

static void escape(struct out *o, unsigned char c)
{
	char hex[] = {'\\',
		      'u',
		      '0',
		      '0',
		      "0123456789abcdef"[c >> 4],
		      "0123456789abcdef"[c & 15]};
	char quoted[] = {'\\', (char)c};

	if (c == '"' || c == '\\')
		ramet__put(o, quoted, sizeof quoted);
	else
		ramet__put(o, hex, sizeof hex);
}

static bool is_plain(unsigned char c)
{
	return c >= ' ' && c < 0x7f && c != '"' && c != '\\';
}

void ramet__json_text(struct json *j, const char *key, const char *text,
		      size_t size)
{
	size_t n, end = strnlen(text, size);

	begin(j, key);
	ramet__put(j->out, "\"", 1);
	for (size_t i = 0; i < end; i += n) {
		for (n = 0;
		     i + n < end && is_plain((unsigned char)text[i + n]);)
			n++;
		ramet__put(j->out, text + i, n); /* most are only that */
		i += n;
		if (i == end)
			break;
		n = ramet__character(text + i, end - i);
		if (n == 1)
			escape(j->out, (unsigned char)text[i]);
		else if (n)
			ramet__put(j->out, text + i, n);
		else
			ramet__print(j->out, "\xef\xbf\xbd");
		n += !n;
	}
	ramet__put(j->out, "\"", 1);
}

void ramet__json_string(struct json *j, const char *key, const char *text)
{
	ramet__json_text(j, key, text, SIZE_MAX);
}

/* ---- others ------------------------------------------------------------- */

void ramet__json_number(struct json *j, const char *key, int64_t n)
{
	unsigned long size = n < 0 ? 0 - (unsigned long)n : (unsigned long)n;

	begin(j, key);
	ramet__print(j->out, n < 0 ? "-%lu" : "%lu", size);
}

void ramet__json_bool(struct json *j, const char *key, bool yes)
{
	begin(j, key);
	ramet__print(j->out, "%s", yes ? "true" : "false");
}

void ramet__json_null(struct json *j, const char *key)
{
	begin(j, key);
	ramet__print(j->out, "null");
}

void ramet__json_address(struct json *j, const char *key, const void *p)
{
	begin(j, key);
	ramet__print(j->out, "\"0x%lx\"", (unsigned long)(uintptr_t)p);
}
