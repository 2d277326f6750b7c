/* in.c - from bytes to messages.
 *
 * Payload that has come is unmasked, decompressed and checked at once, so bad
 * text is refused at its first bad byte, wherever frames or reads cut it (RFC
 * 6455, 8.1).  Large payloads are read to where they stay.
 */
#include "http/ws/in.h"

#include "http/ws/mask.h"

#include <string.h>

int ramet__ws_in_init(struct ws_in *in)
{
	in->buf = kernel_alloc(WS_BUFFER + 1); /* and a NUL */
	return in->buf ? 0 : -ENOMEM;
}

void ramet__ws_in_fini(struct ws_in *in)
{
	kernel_free(in->buf);
	kernel_free(in->own);
	ramet__zip_in_free(in->zip);
	in->buf = in->own = NULL;
	in->zip = NULL;
}

/* ---- memory of a message ------------------------------------------------- */

/* Room for more bytes and a NUL; doubled, so that what is only announced takes
 * nothing. */
static int make_room(struct ws_in *in, size_t more)
{
	size_t need = in->size + more + 1, room = in->room ? in->room : 512;
	char *own;

	if (need <= in->room)
		return 0;
	while (room < need)
		room *= 2;
	own = kernel_alloc(room);
	if (!own)
		return -ENOMEM;
	if (in->size)
		memcpy(own, in->own, in->size);
	kernel_free(in->own);
	in->own = own;
	in->room = room;
	return 0;
}

/* The last message was the caller's until now. */
static void forget(struct ws_in *in)
{
	if (in->nul) {
		*in->nul = in->under_nul;
		in->nul = NULL;
	}
	if (!in->rules.within && in->room > WS_KEPT) {
		kernel_free(in->own);
		in->own = NULL;
		in->room = 0;
	}
}

/* ---- payload ------------------------------------------------------------- */

static int check_text(struct ws_in *in, const char *text, size_t size)
{
	if (in->kind == WS_TEXT && !ramet__utf8_read(&in->utf8, text, size))
		return -EILSEQ;
	return 0;
}

/* `size` bytes are in in->own behind the others.  Whatever comes first is what
 * is wrong with it: a byte of text, or that there are too many. */
static int added(struct ws_in *in, size_t size)
{
	int err = check_text(in, in->own + in->size, size);

	in->size += size;
	if (err < 0)
		return err;
	return in->size > in->message_max ? -EMSGSIZE : 0;
}

static int add_plain(struct ws_in *in, const char *data, size_t size)
{
	int err = make_room(in, size);

	if (err < 0)
		return err;
	memcpy(in->own + in->size, data, size);
	return added(in, size);
}

/* Room to decompress to: never more than a byte above message_max. */
static int room_to_inflate(struct ws_in *in, size_t *room)
{
	int err = make_room(in, 1);

	*room = in->room - in->size - 1;
	if (*room > in->message_max - in->size + 1)
		*room = in->message_max - in->size + 1;
	return err;
}

/* Made for the first message that is compressed, be it empty. */
static int need_zip(struct ws_in *in)
{
	if (!in->zip)
		in->zip = ramet__zip_in_new(in->zip_bits, in->zip_resets);
	return in->zip ? 0 : -ENOMEM;
}

/* `from` NULL: the message ends. */
static int inflate_to_own(struct ws_in *in, struct iovec *from)
{
	char *to;
	size_t room;
	ssize_t n;
	int err = need_zip(in);

	if (err < 0)
		return err;
	do {
		err = room_to_inflate(in, &room);
		if (err < 0)
			return err;
		to = in->own + in->size;
		n = from ? ramet__zip_in(in->zip, from, to, room)
			 : ramet__zip_in_end(in->zip, to, room);
		if (n < 0)
			return n == -EPROTO ? -EBADMSG : (int)n;
		err = added(in, (size_t)n);
	} while (n > 0 && err == 0);
	return err;
}

static void unmask(struct ws_in *in, char *data, size_t size)
{
	if (in->rules.masked)
		ramet__ws_mask(data, data, size, in->frame.mask,
			       in->frame.size - in->left);
	in->left -= size;
}

static int take_payload(struct ws_in *in, char *data, size_t size)
{
	unmask(in, data, size);
	if (ws_is_control(in->frame.opcode)) {
		memcpy(in->control + in->control_size, data, size);
		in->control_size = (uint8_t)(in->control_size + size);
		return 0;
	}
	if (!in->compressed)
		return add_plain(in, data, size);
	return inflate_to_own(in, &(struct iovec){data, size});
}

/* ---- frames -------------------------------------------------------------- */

/* A header has been read. */
static int begin_frame(struct ws_in *in)
{
	struct ws_frame *f = &in->frame;

	in->left = f->size;
	in->in_frame = true;
	if (ws_is_control(f->opcode)) {
		in->control_size = 0;
		return 0;
	}
	if (f->opcode != WS_CONTINUE) {
		in->kind = f->opcode;
		in->compressed = f->compressed;
		in->utf8 = (struct utf8){0};
		in->size = 0;
	}
	in->rules.within = true;
	if (!in->compressed && f->size > in->message_max - in->size)
		return -EMSGSIZE;
	return 0;
}

static int end_message(struct ws_in *in)
{
	int err = in->compressed ? inflate_to_own(in, NULL) : make_room(in, 0);

	if (err < 0)
		return err;
	if (!utf8_is_whole(&in->utf8))
		return -EILSEQ;
	in->rules.within = false;
	in->data = in->own;
	in->data[in->size] = 0;
	return WS_MESSAGE;
}

static int end_frame(struct ws_in *in)
{
	in->in_frame = false;
	if (ws_is_control(in->frame.opcode)) {
		in->control[in->control_size] = 0;
		return WS_CONTROL;
	}
	return in->frame.fin ? end_message(in) : WS_NOTHING;
}

/* A message of one plain frame that has come as a whole: it stays where it is,
 * and the byte behind it makes room for a NUL until the next call. */
static int take_in_place(struct ws_in *in)
{
	size_t size = (size_t)in->left;
	char *data = in->buf + in->at;

	unmask(in, data, size);
	if (check_text(in, data, size) < 0 || !utf8_is_whole(&in->utf8))
		return -EILSEQ;
	in->data = data;
	in->size = size;
	in->at += (uint32_t)size;
	in->nul = data + size;
	in->under_nul = *in->nul;
	*in->nul = 0;
	in->in_frame = in->rules.within = false;
	return WS_MESSAGE;
}

static bool is_in_place(const struct ws_in *in)
{
	return in->frame.fin && !in->compressed &&
	       in->left <= in->end - in->at &&
	       (in->frame.opcode == WS_TEXT || in->frame.opcode == WS_BINARY);
}

/* Returns 1: a frame has begun, 0, or -errno. */
static int read_header(struct ws_in *in)
{
	int n = ramet__ws_header_read(&in->rules,
				      (unsigned char *)in->buf + in->at,
				      in->end - in->at, &in->frame);
	int err;

	if (n <= 0)
		return n;
	in->at += (uint32_t)n;
	err = begin_frame(in);
	return err < 0 ? err : 1;
}

static int take_buffered(struct ws_in *in)
{
	size_t n = in->end - in->at;
	char *data = in->buf + in->at;

	if (n > in->left)
		n = (size_t)in->left;
	in->at += (uint32_t)n;
	return n ? take_payload(in, data, n) : 0;
}

/* What was read to where it stays. */
static int take_direct(struct ws_in *in)
{
	size_t n = in->direct;

	in->direct = 0;
	unmask(in, in->own + in->size, n);
	return added(in, n);
}

int ramet__ws_in_next(struct ws_in *in)
{
	int r;

	forget(in);
	for (;;) {
		if (!in->in_frame) {
			r = read_header(in);
			if (r <= 0)
				return r;
			if (is_in_place(in))
				return take_in_place(in);
		}
		r = in->direct ? take_direct(in) : take_buffered(in);
		if (r < 0 || in->left)
			return r;
		r = end_frame(in);
		if (r != WS_NOTHING)
			return r;
	}
}

/* ---- reading ------------------------------------------------------------- */

/* Whether what comes next is best read to where it stays. */
static bool is_large(const struct ws_in *in)
{
	return in->in_frame && !in->compressed && in->left >= WS_BUFFER &&
	       !ws_is_control(in->frame.opcode);
}

static char *direct_room(struct ws_in *in, size_t *size)
{
	if (make_room(in, WS_BUFFER) < 0)
		return NULL;
	*size = in->room - in->size - 1;
	if (*size > in->left)
		*size = (size_t)in->left;
	return in->own + in->size;
}

char *ramet__ws_in_room(struct ws_in *in, size_t *size)
{
	in->to_own = false;
	if (in->at == in->end) {
		in->at = in->end = 0;
		in->to_own = is_large(in);
	} else if (in->at) { /* a piece of a header */
		memmove(in->buf, in->buf + in->at, in->end - in->at);
		in->end -= in->at;
		in->at = 0;
	}
	if (in->to_own)
		return direct_room(in, size);
	*size = WS_BUFFER - in->end;
	return in->buf + in->end;
}

void ramet__ws_in_add(struct ws_in *in, size_t size)
{
	if (in->to_own)
		in->direct = size;
	else
		in->end += (uint32_t)size;
}

/* ---- close --------------------------------------------------------------- */

int ramet__ws_in_close(const struct ws_in *in, const char **reason,
		       size_t *size)
{
	const unsigned char *p = (const unsigned char *)in->control;
	unsigned code = (unsigned)p[0] << 8 | p[1];
	struct utf8 utf8 = {0};

	*reason = in->control;
	*size = 0;
	if (in->control_size == 0)
		return 1005;
	if (in->control_size == 1 || !ramet__ws_code_valid(code))
		return -EPROTO;
	*reason += 2;
	*size = in->control_size - 2u;
	if (!ramet__utf8_read(&utf8, *reason, *size) || !utf8_is_whole(&utf8))
		return -EILSEQ;
	return (int)code;
}
