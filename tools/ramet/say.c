/* say.c - messages and JSON. */
#include "tools/ramet/say.h"

#include <stdarg.h>
#include <stdlib.h>

static const char *command = "run";

void speak_as(const char *name)
{
	command = name;
}

void refuse(int status, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "ramet %s: ", command);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fprintf(stderr, "\n");
	exit(status);
}

/* How many bytes a character of UTF-8 has that begins here; 0: it is none. */
static int utf8(const unsigned char *c)
{
	int n = *c < 0x80   ? 1
		: *c < 0xc2 ? 0
		: *c < 0xe0 ? 2
		: *c < 0xf0 ? 3
			    : 4;

	if (*c > 0xf4 || (*c == 0xe0 && c[1] < 0xa0) ||
	    (*c == 0xed && c[1] > 0x9f) || (*c == 0xf0 && c[1] < 0x90) ||
	    (*c == 0xf4 && c[1] > 0x8f))
		return 0;
	for (int i = 1; i < n; i++)
		if ((c[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

void put_json(FILE *out, const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	int n;

	putc('"', out);
	for (; *c; c += n ? n : 1) {
		n = utf8(c);
		if (!n)
			fputs("\\ufffd", out);
		else if (*c < ' ' || *c == 0x7f)
			fprintf(out, "\\u%04x", *c);
		else
			fprintf(out, "%s%.*s",
				*c == '"' || *c == '\\' ? "\\" : "", n,
				(const char *)c);
	}
	putc('"', out);
}
