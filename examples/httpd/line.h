/* line.h - what goes between the server and its pages: words with a tab between
 * them.
 *
 * To the server: first a name, then what its owner says.  From it:
 *	who  NAME...     all who are here, whenever that changes
 *	say  NAME TEXT   somebody says something
 */
#ifndef HTTPD_LINE_H
#define HTTPD_LINE_H

#include <stddef.h>

enum { NAME_MAX_BYTES = 32, TEXT_MAX_BYTES = 800, LINE_MAX_BYTES = 1024 };

struct line {
	char text[LINE_MAX_BYTES]; /* NUL after it */
};

/* Copy as much as fits in `room` bytes, NUL included, without cutting a
 * character in two; what is no letter, as a tab, becomes a blank. */
void copy_word(char *to, size_t room, const char *from);

/* Add a tab, if something is there, and the word, if there is room for it. */
void add_word(struct line *line, const char *word);

#endif
