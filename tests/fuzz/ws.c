/* ws.c - frames of a WebSocket: the first byte says whose and by which rules,
 * the others are what comes.
 *
 * Cutting it anywhere changes neither what is read nor the verdict; messages
 * are within the limit, and text is UTF-8.  What was read is written again, and
 * comes back the same. */
#include "fuzz.h"

#include "http/ws/in.h"
#include "http/ws/mask.h"

enum {
	INPUT_MAX = 8192,
	EVENTS_MAX = INPUT_MAX / 2 + 1, /* a frame has two bytes at least */
	MESSAGE_MAX = 20000,
	PIECE = 512, /* of what is written */
};

struct setup {
	struct ws_rules rules;
	size_t message_max;
	uint8_t zip_bits;
	bool zip_resets;
};

struct event {
	uint8_t opcode;
	uint64_t size, hash; /* of the payload */
};

struct result {
	struct event events[EVENTS_MAX];
	size_t count;
	int verdict;
};

static bool is_same(const struct event *a, const struct event *b)
{
	return a->opcode == b->opcode && a->size == b->size &&
	       a->hash == b->hash;
}

static struct setup setup_of(uint8_t byte)
{
	bool compress = byte & 2 && ramet__zip_load() == 0;

	return (struct setup){
		.rules = {.masked = byte & 1, .compress = compress},
		.zip_resets = byte & 4,
		.zip_bits = (uint8_t)(8 + (byte >> 3 & 7)),
		.message_max = byte & 64 ? 300 : MESSAGE_MAX,
	};
}

static void begin(struct ws_in *in, const struct setup *s)
{
	*in = (struct ws_in){.rules = s->rules,
			     .message_max = s->message_max,
			     .zip_bits = s->zip_bits,
			     .zip_resets = s->zip_resets};
	MUST(ramet__ws_in_init(in) == 0);
}

/* ---- text, read by another ------------------------------------------------
 */

/* The character at p, of *size bytes; -1: there is none. */
static long character(const unsigned char *p, size_t left, size_t *size)
{
	static const long least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t n = *p < 0x80 ? 1 : *p < 0xe0 ? 2 : *p < 0xf0 ? 3 : 4;
	long c = n == 1 ? *p : *p & (0x7f >> n);

	if (n > left || (n > 1 && *p < 0xc0) || *p >= 0xf8)
		return -1;
	for (size_t i = 1; i < n; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return -1;
		c = c << 6 | (p[i] & 0x3f);
	}
	*size = n;
	if (c < least[n] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
		return -1;
	return c;
}

static bool is_text(const char *data, size_t size)
{
	for (size_t at = 0, n = 0; at < size; at += n)
		if (character((const unsigned char *)data + at, size - at, &n) <
		    0)
			return false;
	return true;
}

/* ---- reading ---------------------------------------------------------------
 */

static uint64_t hash_of(const char *data, size_t size)
{
	uint64_t hash = 14695981039346656037u;

	for (size_t i = 0; i < size; i++)
		hash = (hash ^ (unsigned char)data[i]) * 1099511628211u;
	return hash;
}

static void note_control(struct result *r, const struct ws_in *in)
{
	const char *reason;
	size_t size;
	int code = 0;

	MUST(in->control_size <= WS_CONTROL_MAX);
	MUST(in->control[in->control_size] == 0);
	if (in->frame.opcode == WS_CLOSE)
		code = ramet__ws_in_close(in, &reason, &size);
	if (code > 0) {
		MUST(code == 1005 || ramet__ws_code_valid((unsigned)code));
		MUST(is_text(reason, size));
	}
	r->events[r->count++] =
		(struct event){in->frame.opcode, in->control_size,
			       hash_of(in->control, in->control_size)};
}

static void note_message(struct result *r, const struct ws_in *in)
{
	MUST(in->kind == WS_TEXT || in->kind == WS_BINARY);
	MUST(in->size <= in->message_max);
	MUST(in->data[in->size] == 0);
	MUST(in->kind == WS_BINARY || is_text(in->data, in->size));
	r->events[r->count++] =
		(struct event){in->kind, in->size, hash_of(in->data, in->size)};
}

/* Returns whether more can be read. */
static bool take_events(struct result *r, struct ws_in *in,
			void (*also)(void *arg, const struct ws_in *in),
			void *arg)
{
	int what;

	while ((what = ramet__ws_in_next(in)) > 0) {
		MUST(r->count < EVENTS_MAX);
		if (what == WS_CONTROL) {
			note_control(r, in);
			continue;
		}
		note_message(r, in);
		if (also)
			also(arg, in);
	}
	r->verdict = what;
	return what == WS_NOTHING;
}

static void read_wire(struct result *r, const struct setup *s,
		      const uint8_t *data, size_t size, size_t step,
		      void (*also)(void *arg, const struct ws_in *in),
		      void *arg)
{
	struct ws_in in;

	begin(&in, s);
	r->count = 0;
	r->verdict = 0;
	for (size_t at = 0, room; at < size; at += room) {
		char *to = ramet__ws_in_room(&in, &room);

		MUST(to && room);
		if (room > step)
			room = step;
		if (room > size - at)
			room = size - at;
		memcpy(to, data + at, room);
		ramet__ws_in_add(&in, room);
		if (!take_events(r, &in, also, arg))
			break;
	}
	ramet__ws_in_fini(&in);
}

/* ---- writing again ---------------------------------------------------------
 */

struct writer {
	struct setup setup; /* of who reads it */
	struct ws_zip *zip;
	uint8_t *wire;
	size_t size, room;
};

static void put(struct writer *w, const void *data, size_t size)
{
	if (w->size + size > w->room) {
		w->room = 2 * (w->size + size);
		w->wire = realloc(w->wire, w->room);
		MUST(w->wire);
	}
	if (size)
		memcpy(w->wire + w->size, data, size);
	w->size += size;
}

static void put_frame(struct writer *w, const struct ws_frame *f,
		      const char *data)
{
	static const uint8_t mask[4] = {0x12, 0, 0xff, 0x80};
	bool masked = w->setup.rules.masked;
	unsigned char header[WS_HEADER_MAX];

	put(w, header, ramet__ws_header_write(header, f, masked ? mask : NULL));
	put(w, data, (size_t)f->size);
	if (masked && f->size)
		ramet__ws_mask(w->wire + w->size - f->size,
			       w->wire + w->size - f->size, (size_t)f->size,
			       mask, 0);
}

static void put_zipped(struct writer *w, struct ws_frame *f, const char *data)
{
	struct iovec left = {(void *)(uintptr_t)data, (size_t)f->size};
	char piece[PIECE];

	f->compressed = true;
	do {
		f->size = ramet__zip_out(w->zip, &left, piece, PIECE, &f->fin);
		put_frame(w, f, piece);
		f->opcode = WS_CONTINUE;
		f->compressed = false;
	} while (!f->fin);
}

static void write_again(void *arg, const struct ws_in *in)
{
	struct writer *w = arg;
	struct ws_frame f = {.opcode = in->kind, .fin = true, .size = in->size};

	if (w->zip && f.size)
		put_zipped(w, &f, in->data);
	else
		put_frame(w, &f, in->data);
}

static void begin_writing(struct writer *w, const struct setup *s)
{
	*w = (struct writer){.setup = *s};
	w->setup.rules.masked = !s->rules.masked;
	if (s->rules.compress && s->zip_bits >= 9)
		w->zip = ramet__zip_out_new(s->zip_bits, s->zip_resets);
}

/* The messages that have been read come back. */
static void read_again(struct writer *w, const struct result *first)
{
	static struct result again;
	size_t i = 0;

	read_wire(&again, &w->setup, w->wire, w->size, INPUT_MAX, NULL, NULL);
	MUST(again.verdict == 0);
	for (size_t n = 0; n < first->count; n++)
		if (!ws_is_control(first->events[n].opcode)) {
			MUST(i < again.count);
			MUST(is_same(&again.events[i++], &first->events[n]));
		}
	MUST(i == again.count);
	ramet__zip_out_free(w->zip);
	free(w->wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct result whole, parts;
	struct setup s;
	struct writer w;

	if (!size || size > INPUT_MAX)
		return 0;
	s = setup_of(*data++);
	size--;
	begin_writing(&w, &s);
	read_wire(&whole, &s, data, size, INPUT_MAX, write_again, &w);
	for (size_t step = 1; step < size; step = step * 3 / 2 + 1) {
		read_wire(&parts, &s, data, size, step, NULL, NULL);
		MUST(parts.verdict == whole.verdict);
		MUST(parts.count == whole.count);
		for (size_t i = 0; i < whole.count; i++)
			MUST(is_same(&parts.events[i], &whole.events[i]));
	}
	read_again(&w, &whole);
	return 0;
}
