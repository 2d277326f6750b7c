/* text.h - text that is put together piece by piece. */
#ifndef HTTP_CLIENT_TEXT_H
#define HTTP_CLIENT_TEXT_H

#include "kernel/kernel.h"

/* Zeroed is empty. */
struct text {
	char *data; /* NUL-terminated unless it is NULL */
	size_t size, room;
	int err; /* -ENOMEM: something is missing */
};

void ramet__text_add(struct text *t, const char *piece, size_t size);
void ramet__text_put(struct text *t, const char *piece);
void ramet__text_number(struct text *t, uint64_t n);
void ramet__text_free(struct text *t);

/* Base64 (RFC 4648, 4). */
void ramet__text_base64(struct text *t, const char *data, size_t size);

/* A copy of so many bytes, NUL after it; NULL: ENOMEM. */
char *ramet__text_copy(const char *text, size_t size);

#endif
