/* say.h - what the command says, on standard error and in JSON. */
#ifndef TOOLS_RAMET_SAY_H
#define TOOLS_RAMET_SAY_H

#include <stdint.h>
#include <stdio.h>

/* As shells have them, and ours. */
enum { STATUS_REFUSED = 2, STATUS_CANNOT_RUN = 126, STATUS_NOT_FOUND = 127 };

/* Which command speaks; "run" if it is not said. */
void speak_as(const char *command);

/* "ramet run: " and a sentence that says what to do, and the end. */
_Noreturn void refuse(int status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* What getopt_long returned for an option that is not there (opterr is 0). */
_Noreturn void refuse_option(int c, char **argv);

/* "s", unless there is one. */
const char *plural(uint64_t n);

/* A string as JSON writes it, quotes included. */
void put_json(FILE *out, const char *text);

/* How many bytes the character has that text begins with; 0: it is none, or one
 * that a terminal might obey. */
int printable(const char *text);

#endif
