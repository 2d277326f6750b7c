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

void put_json(FILE *out, const char *text)
{
	putc('"', out);
	for (; *text; text++) {
		unsigned char c = (unsigned char)*text;

		if (c < ' ' || c == 0x7f)
			fprintf(out, "\\u%04x", c);
		else
			fprintf(out, "%s%c", c == '"' || c == '\\' ? "\\" : "",
				c);
	}
	putc('"', out);
}
