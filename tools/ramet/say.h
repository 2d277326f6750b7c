/* say.h - what the command says, on standard error and in JSON. */
#ifndef TOOLS_RAMET_SAY_H
#define TOOLS_RAMET_SAY_H

#include <stdio.h>

/* As shells have them, and ours. */
enum { STATUS_REFUSED = 2, STATUS_CANNOT_RUN = 126, STATUS_NOT_FOUND = 127 };

/* Which command speaks; "run" if it is not said. */
void speak_as(const char *command);

/* "ramet run: " and a sentence that says what to do, and the end. */
_Noreturn void refuse(int status, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A string as JSON writes it, quotes included. */
void put_json(FILE *out, const char *text);

#endif
