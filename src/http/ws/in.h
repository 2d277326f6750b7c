/* in.h - what comes in: bytes become messages and control frames.
 *
 * No call here waits or writes.  The caller reads where ramet__ws_in_room says,
 * tells how much that was, and asks for what it has become.  A small message
 * that is there as a whole stays where it was read to; others are put together
 * in memory that is kept for the next.
 */
#ifndef HTTP_WS_IN_H
#define HTTP_WS_IN_H

#include "http/ws/deflate.h"
#include "http/ws/frame.h"
#include "http/ws/utf8.h"
#include "kernel/kernel.h"

enum {
	WS_BUFFER = 4096, /* what is read at a time */
	WS_KEPT = 65536,  /* memory of a message that is kept for the next */
};

enum ws_event {
	WS_NOTHING, /* more bytes are needed */
	WS_MESSAGE, /* kind, data, size */
	WS_CONTROL, /* frame.opcode, control, control_size */
};

struct ws_in {
	struct ws_rules rules;
	size_t message_max;
	struct ws_zip *zip; /* NULL until needed */
	uint8_t zip_bits;
	bool zip_resets;

	/* Read, from `at` to `end` not used yet. */
	char *buf;
	uint32_t at, end;

	/* The frame whose payload comes, if in_frame. */
	struct ws_frame frame;
	bool in_frame;
	uint64_t left;

	/* The message, if rules.within. */
	uint8_t kind;
	bool compressed;
	struct utf8 utf8;
	char *data; /* NUL follows */
	size_t size;
	char *own; /* what is put together, in `room` bytes */
	size_t room;
	size_t direct; /* bytes read to there, behind the others */
	bool to_own;   /* what is read next goes there */

	char *nul, under_nul; /* in buf: put there, and what was there */
	uint8_t control_size;
	char control[WS_CONTROL_MAX + 1];
};

/* Zeroed and with rules, message_max and zip_ set.  Returns 0 or -ENOMEM. */
int ramet__ws_in_init(struct ws_in *in);
void ramet__ws_in_fini(struct ws_in *in);

/* Where to read to; only after ramet__ws_in_next has returned WS_NOTHING.
 * Returns NULL: ENOMEM. */
char *ramet__ws_in_room(struct ws_in *in, size_t *size);

/* So much was read there. */
void ramet__ws_in_add(struct ws_in *in, size_t size);

/* The next event.  What the last one gave is gone.  After -ENOMEM, too, nothing
 * more can be read:
 * -EPROTO, -EMSGSIZE, -EILSEQ, or -EBADMSG: bad compression. */
int ramet__ws_in_next(struct ws_in *in);

/* What a close frame says, in `control`: the code, 1005 if none, with *reason
 * and its size; or -EPROTO, -EILSEQ.  RFC 6455, 5.5.1. */
int ramet__ws_in_close(const struct ws_in *in, const char **reason,
		       size_t *size);

#endif
