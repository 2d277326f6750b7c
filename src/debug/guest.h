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

/* Where it was spawned, in the same form.  Returns whether that is known. */
bool ramet__put_guest_spawn(struct out *o, const struct ramet *t);

/* The same as a member, an object; none if that is not known. */
bool ramet__json_guest_spawn(struct json *j, const char *key,
			     const struct ramet *t);

/* A member "guest_frames", an array. */
void ramet__json_guest(struct json *j, const struct ramet *t);

/* The innermost one as a member, an object; nothing if there is none. */
void ramet__json_guest_site(struct json *j, const char *key,
			    const struct ramet *t);

#endif
