/* say.c - messages and JSON. */
#include "tools/ramet/say.h"

#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

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

/* optopt is a letter, the value of a long option that is there, or 0. */
void refuse_option(int c, char **argv)
{
	const char letter[] = {'-', (char)optopt, '\0'};
	const char *word =
		optopt > ' ' && optopt != 'h' ? letter : argv[optind - 1];

	if (c == ':')
		refuse(STATUS_REFUSED,
		       "%s needs a value; \"ramet help %s\" says which", word,
		       command);
	if (word != letter && optopt)
		refuse(STATUS_REFUSED,
		       "%s: the option takes no value; \"ramet help %s\" "
		       "lists them",
		       word, command);
	refuse(STATUS_REFUSED,
	       "there is no option %s; \"ramet help %s\" lists them", word,
	       command);
}

const char *plural(uint64_t n)
{
	return n == 1 ? "" : "s";
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

int printable(const char *text)
{
	const unsigned char *c = (const unsigned char *)text;
	int n = utf8(c);

	if (*c < ' ' || *c == 0x7f || (n == 2 && c[0] == 0xc2 && c[1] < 0xa0))
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
