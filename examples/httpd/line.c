/* line.c - words with a tab between them. */
#include "line.h"

#include <stdio.h>
#include <string.h>

/* A byte of UTF-8 that is not a character's first. */
static int is_inner(char c)
{
	return (c & 0xc0) == 0x80;
}

void copy_word(char *to, size_t room, const char *from)
{
	size_t n = strlen(from);

	if (n >= room)
		for (n = room - 1; n && is_inner(from[n]); n--)
			;
	for (size_t i = 0; i < n; i++)
		to[i] = (unsigned char)from[i] < ' ' ? ' ' : from[i];
	to[n] = '\0';
}

void add_word(struct line *line, const char *word)
{
	size_t used = strlen(line->text);

	if (used + 1 + strlen(word) < sizeof line->text)
		sprintf(line->text + used, used ? "\t%s" : "%s", word);
}
