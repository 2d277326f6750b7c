/* answer.h - check answers: the first is read with care, and all others must be
 * the same, the value of Date aside, byte for byte. */
#ifndef ANSWER_H
#define ANSWER_H

#include <stddef.h>

struct answer {
	char *bytes; /* the first: head and body */
	size_t size, head;
	size_t date, date_size; /* where it differs; 0, 0: nowhere */
};

/* Returns how long the answer at p is, 0 if it has not come completely; ends
 * the program if it is not a good one. */
size_t answer_check(struct answer *a, const char *p, size_t size);

#endif
