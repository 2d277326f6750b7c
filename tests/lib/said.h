/* said.h - what a child of the test has written to its standard error. */
#ifndef SAID_H
#define SAID_H

#include "test.h"

#include <stdio.h>
#include <string.h>

static char text[8 << 20];

static inline size_t count(const char *word)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, word)); at++)
		n++;
	return n;
}

/* The words come in this order; NULL ends them. */
static inline bool says(const char *const words[])
{
	const char *at = text;

	for (; *words; words++) {
		at = strstr(at, *words);
		if (!at) {
			fprintf(stderr, "no \"%s\" in:\n%.20000s", *words,
				text);
			return false;
		}
		at += strlen(*words);
	}
	return true;
}

#define SAYS(...) CHECK(says((const char *const[]){__VA_ARGS__, NULL}))

/* Run fn, which ends well, in a child. */
static inline void hear(void (*fn)(void))
{
	int status = test_stderr_of(fn, text, sizeof text);

	if (status != 0)
		fprintf(stderr, "status %x:\n%.20000s", status, text);
	CHECK_EQ(status, 0);
}

#endif
