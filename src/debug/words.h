/* words.h - ramets, and what they wait for, in words. */
#ifndef DEBUG_WORDS_H
#define DEBUG_WORDS_H

#include "core/core.h"
#include "debug/json.h"

/* `ramet 7 "json-parser"`. */
void ramet__put_ramet(struct out *o, const struct ramet *t);

/* `, spawned by ramet 1 at main+0x3c (server)`; nothing for a main. */
void ramet__put_origin(struct out *o, const struct ramet *t);

/* `fd 7 (10.0.0.2:4242 to 10.0.0.1:80)`. */
void ramet__put_fd(struct out *o, int fd);

/* `to read from fd 7 (...)`, `for mutex 0x7f.., held by ramet 3`. */
void ramet__put_wait(struct out *o, const struct ramet *t, int64_t now);

/* ` waiting to read from fd 7, for 20 ms`, ` ready to run, cancelled`. */
void ramet__put_state(struct out *o, const struct ramet *t, int64_t now);

/* Whom a parked ramet waits for, or one of those that must all end; NULL if
 * that is nobody certain. */
struct ramet *ramet__waits_for(const struct ramet *t);

/* The same of one that is about to. */
struct ramet *ramet__wants(const struct ramet *t);

/* ---- words_json.c ------------------------------------------------------- */

/* Members of an object: "id" and "name"; "parent", "spawned_at", "pthread";
 * "fd", "local", "peer". */
void ramet__json_ramet(struct json *j, const struct ramet *t);
void ramet__json_origin(struct json *j, const struct ramet *t);
void ramet__json_fd(struct json *j, int fd);

/* A member "wait": its kind and what is known of it. */
void ramet__json_wait(struct json *j, const struct ramet *t, int64_t now);

#endif
