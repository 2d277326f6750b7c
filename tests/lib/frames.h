/* frames.h - a WebSocket's peer that says and reads frames byte for byte, for
 * the tests of it.  The notation is that of tests/http/ws-cases.h. */
#ifndef FRAMES_H
#define FRAMES_H

#include "ramets.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "http/ws/handshake.h"

enum { FRAMES_ROOM = 256 * 1024, FRAMES_SHOWN = 40 };

struct bytes {
	unsigned char *data;
	size_t size;
};

static inline void put_byte(struct bytes *b, unsigned byte)
{
	CHECK(b->size < FRAMES_ROOM);
	b->data[b->size++] = (unsigned char)byte;
}

/* How one frame is to be written, besides its payload. */
struct frame_form {
	unsigned first;
	int bits;    /* of the size: 16, 64; 0: as few as can be */
	size_t size; /* that is claimed, if it is */
	bool claimed, masked, nothing;
};

static inline unsigned hex_byte(const char *at)
{
	char digits[3] = {at[0], at[1], 0};

	CHECK(isxdigit(at[0]) && isxdigit(at[1]));
	return (unsigned)strtoul(digits, NULL, 16);
}

static inline bool skip_word(const char **at, const char *word)
{
	size_t n = strlen(word);

	if (strncmp(*at, word, n) != 0)
		return false;
	*at += n;
	return true;
}

/* One item of a frame: a word, or bytes. */
static inline void read_item(const char **at, struct frame_form *form,
			     struct bytes *payload)
{
	char *end;
	size_t times = 1;
	unsigned byte;

	if (skip_word(at, "wrongmask")) {
		form->masked = !form->masked;
	} else if (skip_word(at, "nothing")) {
		form->nothing = true;
	} else if (skip_word(at, "len16")) {
		form->bits = 16;
	} else if (skip_word(at, "len64")) {
		form->bits = 64;
	} else if (skip_word(at, "len=")) {
		form->size = strtoull(*at, &end, 16);
		form->claimed = true;
		*at = end;
	} else if (**at == '\'') {
		for (++*at; **at != '\''; ++*at)
			put_byte(payload, (unsigned char)**at);
		++*at;
	} else {
		byte = hex_byte(*at);
		*at += 2;
		if (skip_word(at, "*")) {
			times = strtoul(*at, &end, 10);
			*at = end;
		}
		while (times--)
			put_byte(payload, byte);
	}
}

static inline void put_frame(struct bytes *out, const struct frame_form *form,
			     const struct bytes *payload)
{
	static const unsigned char mask[4] = {0x37, 0xfa, 0x21, 0x3d};
	size_t size = form->claimed ? form->size : payload->size;
	unsigned bit = form->masked ? 0x80 : 0;
	int bits = form->bits     ? form->bits
		   : size < 126   ? 0
		   : size < 65536 ? 16
				  : 64;

	put_byte(out, form->first);
	if (form->nothing)
		return;
	put_byte(out, bit | (bits == 16 ? 126 : bits ? 127 : (unsigned)size));
	for (int shift = bits - 8; shift >= 0; shift -= 8)
		put_byte(out, (unsigned)(size >> shift & 0xff));
	for (int i = 0; i < 4 && form->masked; i++)
		put_byte(out, mask[i]);
	for (size_t i = 0; i < payload->size; i++)
		put_byte(out,
			 payload->data[i] ^ (form->masked ? mask[i % 4] : 0));
}

/* The bytes of these frames, as they come from a client (masked) or a server;
 * to be freed. */
static inline struct bytes frames_of(const char *text, bool masked)
{
	struct bytes out = {made(malloc(FRAMES_ROOM)), 0};
	struct bytes payload = {made(malloc(FRAMES_ROOM)), 0};

	while (*text) {
		struct frame_form form = {.masked = masked};

		text += strspn(text, " ;");
		form.first = hex_byte(text);
		text += 2;
		payload.size = 0;
		while (text += strspn(text, " "), *text && *text != ';')
			read_item(&text, &form, &payload);
		put_frame(&out, &form, &payload);
	}
	free(payload.data);
	return out;
}

/* ---- before the first frame ---------------------------------------------- */

enum { HEAD = 4096 };

/* Read a head, of less than HEAD bytes, and nothing behind it. */
static inline void read_head(int fd, char *head)
{
	size_t size = strlen(head);

	while (!strstr(head, "\r\n\r\n")) {
		CHECK(size < HEAD - 1);
		CHECK_EQ(ramet_recv(fd, head + size, 1, 0), 1);
		head[++size] = 0;
	}
}

#define UPGRADED                                                               \
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"           \
	"Connection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n"

/* Answer a client, and say these frames at once, if any.  %s in the headers is
 * what its key has to be answered with. */
static inline void answer_upgrade(int fd, const char *headers,
				  const struct bytes *frames)
{
	struct iovec iov[2] = {{0}};
	char head[HEAD] = "", key[WS_KEY] = "", accept[WS_ACCEPT], *at;
	const char *mark = strstr(headers, "%s");
	int before = mark ? (int)(mark - headers) : (int)strlen(headers);

	read_head(fd, head);
	at = strstr(head, "Sec-WebSocket-Key: ");
	CHECK(at);
	memcpy(key, at + strlen("Sec-WebSocket-Key: "), WS_KEY - 1);
	ramet__ws_accept_of(key, accept);
	snprintf(head, sizeof head, "%.*s%s%s\r\n", before, headers,
		 mark ? accept : "", mark ? mark + 2 : "");
	iov[0] = (struct iovec){head, strlen(head)};
	if (frames)
		iov[1] = (struct iovec){frames->data, frames->size};
	CHECK_EQ(ramet_writev(fd, iov, 2), iov[0].iov_len + iov[1].iov_len);
}

/* ---- in words ------------------------------------------------------------ */

/* Append " kind=payload" as the table has it. */
static inline void spell(char *text, size_t room, const char *kind,
			 const void *data, size_t size)
{
	size_t at = strlen(text);

	at += (size_t)snprintf(text + at, room - at, "%s%s", at ? " " : "",
			       kind);
	if (size > FRAMES_SHOWN) {
		snprintf(text + at, room - at, "#%zu", size);
		return;
	}
	if (*kind)
		at += (size_t)snprintf(text + at, room - at, "=");
	for (size_t i = 0; i < size; i++) {
		unsigned c = ((const unsigned char *)data)[i];
		bool plain = c > ' ' && c < 0x7f && c != '\\';

		CHECK(at + 4 < room);
		at += (size_t)snprintf(text + at, room - at,
				       plain ? "%c" : "\\%02x", c);
	}
}

/* ---- what came back ------------------------------------------------------ */

/* The frame at p, of which `size` bytes have come: its payload's place and
 * size. Returns the size of all of it, 0: it is not whole. */
static inline size_t frame_at(unsigned char *p, size_t size, bool masked,
			      unsigned char **data, size_t *data_size)
{
	size_t head = masked ? 6 : 2, n = size > 1 ? p[1] & 0x7f : 0;

	if (size < head)
		return 0;
	CHECK_EQ(p[1] >> 7, masked);
	if (n == 126) {
		n = (size_t)p[2] << 8 | p[3];
		head += 2;
	}
	CHECK(n < 127 || head > 6); /* ours sends nothing that is larger */
	if (size < head + n)
		return 0;
	*data = p + head;
	*data_size = n;
	for (size_t i = 0; i < n && masked; i++)
		p[head + i] ^= p[head - 4 + i % 4];
	return head + n;
}

/* Read frames until the close, or the end.  Pongs and what else came are said
 * in `text`, the close's code is returned: 1005 without one, 1006: it did not
 * come. */
static inline int read_frames(int fd, bool masked, char *text, size_t room)
{
	struct bytes in = {made(malloc(FRAMES_ROOM)), 0};
	unsigned char *data;
	size_t at = 0, size, whole;
	int code = 1006;
	ssize_t n = 1;

	while (n > 0 && code == 1006) {
		n = ramet_recv(fd, in.data + in.size, FRAMES_ROOM - in.size, 0);
		CHECK(n >= 0 || errno == ECONNRESET);
		in.size += n > 0 ? (size_t)n : 0;
		while ((whole = frame_at(in.data + at, in.size - at, masked,
					 &data, &size))) {
			unsigned opcode = in.data[at] & 0x0f;

			CHECK(code == 1006); /* nothing follows a close */
			at += whole;
			if (opcode == 8)
				code = size ? data[0] << 8 | data[1] : 1005;
			else
				spell(text, room,
				      opcode == 10 ? "ping" : "frame", data,
				      size);
		}
	}
	CHECK_EQ(at, in.size);
	free(in.data);
	return code;
}

#endif
