/* json.h - JSON for programs, as out.h is text for people. */
#ifndef DEBUG_JSON_H
#define DEBUG_JSON_H

#include "debug/out.h"

/* A value that has a key is an object's member, one whose key is NULL is an
 * array's item, or the whole text. */
struct json {
	struct out *out;
	bool more; /* a value stands before the next one */
};

/* open is '{' or '[', close the other. */
void ramet__json_open(struct json *j, const char *key, char open);
void ramet__json_close(struct json *j, char close);

/* At most size bytes, up to a NUL.  What is not UTF-8 becomes U+FFFD. */
void ramet__json_text(struct json *j, const char *key, const char *text,
		      size_t size);
void ramet__json_string(struct json *j, const char *key, const char *text);

void ramet__json_number(struct json *j, const char *key, int64_t n);
void ramet__json_bool(struct json *j, const char *key, bool yes);
void ramet__json_null(struct json *j, const char *key);

/* Numbers of 64 bits lose some in most readers: "0x7f001234". */
void ramet__json_address(struct json *j, const char *key, const void *p);

#endif
