/* answer.h - a thousand green threads that keep answering. */
#ifndef ANSWER_H
#define ANSWER_H

#include <stddef.h>

/* Begin; they go on until the process ends.  Returns 0 or -1. */
int answers_begin(void);

/* How many questions were answered, and how long the worst answer took. */
size_t answers_count(void);
double answers_worst_ms(void);

#endif
