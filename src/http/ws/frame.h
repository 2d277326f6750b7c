/* frame.h - the header of a frame (RFC 6455, 5.2), read strictly and written.
 *
 * Read without state: while a header is not whole, more of it is given again.
 * What is wrong is found at the first byte that tells.
 */
#ifndef HTTP_WS_FRAME_H
#define HTTP_WS_FRAME_H

#include "base/base.h"

enum ws_opcode {
	WS_CONTINUE = 0,
	WS_TEXT = 1,
	WS_BINARY = 2,
	WS_CLOSE = 8,
	WS_PING = 9,
	WS_PONG = 10,
};

enum {
	WS_HEADER_MAX = 14,
	WS_CONTROL_MAX = 125, /* bytes of payload of a control frame */
};

struct ws_frame {
	uint8_t opcode;
	bool fin;
	bool compressed; /* RSV1 of the first frame: RFC 7692, 6 */
	uint8_t mask[4]; /* zeros without a mask */
	uint64_t size;   /* of the payload */
};

/* What is allowed depends on who reads, and on what came before. */
struct ws_rules {
	bool masked;   /* the peer is a client */
	bool compress; /* permessage-deflate was agreed on */
	bool within;   /* a message has begun and not ended */
};

/* Read the header at buf.  Returns its size, 0: more than `size` bytes are
 * needed, or -EPROTO. */
int ramet__ws_header_read(const struct ws_rules *rules,
			  const unsigned char *buf, size_t size,
			  struct ws_frame *frame);

/* Write one; mask NULL: none.  Returns its size. */
size_t ramet__ws_header_write(unsigned char buf[WS_HEADER_MAX],
			      const struct ws_frame *frame,
			      const uint8_t *mask);

static inline bool ws_is_control(unsigned opcode)
{
	return opcode & 8;
}

/* Whether a close frame may have that code: RFC 6455, 7.4, and of the registry
 * (IANA) those up to 1014. */
bool ramet__ws_code_valid(unsigned code);

#endif
