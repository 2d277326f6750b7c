/* guest.h - the frames of an interpreter's functions, as its host tells them.
 */
#ifndef DEBUG_GUEST_H
#define DEBUG_GUEST_H

#include "core/core.h"
#include "debug/json.h"

/* Whether there are frames to be told. */
bool ramet__guest_speaks(const struct ramet *t);

/* Equal for two with the same frames; 0 if there are none. */
uint64_t ramet__guest_hash(const struct ramet *t);

/* `    work (server.py:12)`, a line for each. */
void ramet__put_guest(struct out *o, const struct ramet *t);

/* The innermost one, `work (server.py:12)`.  Returns whether there is one. */
bool ramet__put_guest_site(struct out *o, const struct ramet *t);

/* A member "guest_frames", an array. */
void ramet__json_guest(struct json *j, const struct ramet *t);

#endif
