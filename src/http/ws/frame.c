/* frame.c - headers of frames. */
#include "http/ws/frame.h"

#include <string.h>

enum { FIN = 0x80, RSV = 0x70, RSV1 = 0x40, OPCODE = 0x0f };
enum { MASK = 0x80, SIZE = 0x7f, SIZE_16 = 126, SIZE_64 = 127 };

/* The first byte: RFC 6455, 5.2 (RSV, opcodes), 5.4 (fragments), 5.5 (control
 * frames have no fragments); RFC 7692, 6 (RSV1 of the first frame only). */
static bool first_is_good(const struct ws_rules *rules, unsigned byte)
{
	unsigned opcode = byte & OPCODE;
	bool begins = opcode == WS_TEXT || opcode == WS_BINARY;

	if (byte & RSV && ((byte & RSV) != RSV1 || !rules->compress || !begins))
		return false;
	if (ws_is_control(opcode))
		return opcode <= WS_PONG && byte & FIN;
	return rules->within ? opcode == WS_CONTINUE : begins;
}

/* The second: 5.1 (who masks), 5.5 (control frames are short). */
static bool second_is_good(const struct ws_rules *rules, unsigned opcode,
			   unsigned byte)
{
	if (!(byte & MASK) == rules->masked)
		return false;
	return !ws_is_control(opcode) || (byte & SIZE) <= WS_CONTROL_MAX;
}

static uint64_t big_endian(const unsigned char *p, size_t count)
{
	uint64_t n = 0;

	while (count--)
		n = n << 8 | *p++;
	return n;
}

/* Where the size takes more than the seven bits: the fewest bytes are to be
 * used, and the highest bit is 0 (5.2).  Judged only once it is whole. */
static bool size_is_good(uint64_t size, size_t bytes)
{
	return bytes == 2 ? size >= SIZE_16
			  : size > UINT16_MAX && size <= INT64_MAX;
}

int ramet__ws_header_read(const struct ws_rules *rules,
			  const unsigned char *buf, size_t size,
			  struct ws_frame *f)
{
	size_t need = 2, bytes;

	if (size >= 1 && !first_is_good(rules, buf[0]))
		return -EPROTO;
	if (size < 2)
		return 0;
	f->opcode = buf[0] & OPCODE;
	if (!second_is_good(rules, f->opcode, buf[1]))
		return -EPROTO;
	f->fin = buf[0] & FIN;
	f->compressed = buf[0] & RSV1;
	f->size = buf[1] & SIZE;
	bytes = f->size == SIZE_16 ? 2 : f->size == SIZE_64 ? 8 : 0;
	if (bytes && size >= need + bytes) {
		f->size = big_endian(buf + need, bytes);
		if (!size_is_good(f->size, bytes))
			return -EPROTO;
	}
	need += bytes + (rules->masked ? 4 : 0);
	if (size < need)
		return 0;
	memset(f->mask, 0, sizeof f->mask);
	if (rules->masked)
		memcpy(f->mask, buf + need - 4, 4);
	return (int)need;
}

size_t ramet__ws_header_write(unsigned char buf[WS_HEADER_MAX],
			      const struct ws_frame *f, const uint8_t *mask)
{
	size_t at = 2, bytes = f->size < SIZE_16       ? 0
			       : f->size <= UINT16_MAX ? 2
						       : 8;
	unsigned size = bytes == 2 ? SIZE_16 : SIZE_64;

	buf[0] = (unsigned char)(f->opcode | (f->fin ? FIN : 0) |
				 (f->compressed ? RSV1 : 0));
	buf[1] = (unsigned char)((bytes ? size : f->size) | (mask ? MASK : 0));
	while (bytes--)
		buf[at++] = (unsigned char)(f->size >> (8 * bytes));
	if (mask) {
		memcpy(buf + at, mask, 4);
		at += 4;
	}
	return at;
}

bool ramet__ws_code_valid(unsigned code)
{
	if (code >= 3000)
		return code <= 4999;
	return code >= 1000 && code <= 1014 && !(code >= 1004 && code <= 1006);
}
