/* guest.c - Python's frames.
 *
 * Each is a link in a list, with its code object and the instruction that it is
 * at.  Where CPython keeps them, and how that differs between its versions, is
 * in the map of the extension module (python/src/pymap.c).
 */
#include "tools/ramet/guest.h"
#include "tools/ramet/guest_lines.h"

#include <stdlib.h>
#include <string.h>

enum {
	PLACES_MAX = 1 << 16,
	TABLE_MAX = 1 << 20, /* of lines, in bytes */
	TEXT_MAX = 256,
	SPAWN_PLACES_MAX = 16,
	PATH_SIZE = 4096,
};

/* "frame.entry.kind": where a call of the interpreter's loop ends. */
enum { ENTRY_EACH, ENTRY_FLAG, ENTRY_BETWEEN };

#define PYTHON(X)                                                              \
	X(greenlet_thread, "greenlet.thread")                                  \
	X(thread_ts, "thread.ts")                                              \
	X(top_indirect, "top.indirect")                                        \
	X(top_frame, "top.frame")                                              \
	X(greenlet_top, "greenlet.top")                                        \
	X(tstate_top, "tstate.top")                                            \
	X(frame_code, "frame.code")                                            \
	X(frame_at, "frame.at")                                                \
	X(frame_at_kind, "frame.at.kind")                                      \
	X(frame_previous, "frame.previous")                                    \
	X(frame_entry, "frame.entry")                                          \
	X(frame_entry_kind, "frame.entry.kind")                                \
	X(frame_entry_owner, "frame.entry.owner")                              \
	X(code_filename, "code.filename")                                      \
	X(code_name, "code.name")                                              \
	X(code_line, "code.line")                                              \
	X(code_lines, "code.lines")                                            \
	X(code_lines_kind, "code.lines.kind")                                  \
	X(code_instructions, "code.instructions")                              \
	X(bytes_size, "bytes.size")                                            \
	X(bytes_data, "bytes.data")                                            \
	X(text_size, "text.size")                                              \
	X(text_state, "text.state")                                            \
	X(text_ascii, "text.ascii")                                            \
	X(text_other, "text.other")                                            \
	X(greenlet_origin, "greenlet.origin")                                  \
	X(origin_places, "origin.places")                                      \
	X(origin_depth, "origin.depth")                                        \
	X(place_size, "sizeof.place")                                          \
	X(place_code, "place.code")                                            \
	X(place_instruction, "place.instruction")

struct python {
#define FIELD(field, name) uint32_t field;
	PYTHON(FIELD)
#undef FIELD
};

static const struct map_field fields[] = {
#define FIELD(field, name) {name, offsetof(struct python, field)},
	PYTHON(FIELD)
#undef FIELD
};

struct place {
	uint64_t code, instruction; /* in bytes from the first */
	struct symbol symbol;
};

struct guests {
	const struct target *target;
	struct python python;
	char package[PATH_SIZE]; /* the folder of Python's ramet; "": unknown */
	struct place *places;    /* a hash table */
	size_t count, room;
};

struct guests *guests_open(const struct target *t, bool *unreadable)
{
	uint64_t map = map_find(t, MAP_NOTE_PYTHON);
	struct guests *g;
	struct map header;

	*unreadable = false;
	if (!map)
		return NULL;
	g = need(calloc(1, sizeof *g));
	g->target = t;
	if (map_read(t, map, &header, fields, sizeof fields / sizeof *fields,
		     &g->python)) {
		if (header.package)
			target_read_text(t, header.package, g->package,
					 sizeof g->package);
		return g;
	}
	*unreadable = true;
	free(g);
	return NULL;
}

static void free_symbol(struct symbol *s)
{
	union {
		const char *in;
		char *out;
	} function = {s->function}, file = {s->file};

	free(function.out);
	free(file.out);
}

void guests_close(struct guests *g)
{
	if (!g)
		return;
	for (size_t i = 0; i < g->room; i++)
		free_symbol(&g->places[i].symbol);
	free(g->places);
	free(g);
}

/* ---- objects ------------------------------------------------------------- */

static uint64_t word_at(const struct guests *g, uint64_t at)
{
	uint64_t word = 0;

	target_read(g->target, at, &word, sizeof word);
	return word;
}

static uint32_t half_at(const struct guests *g, uint64_t at)
{
	uint32_t half = 0;

	target_read(g->target, at, &half, sizeof half);
	return half;
}

/* As UTF-8; returns how many bytes. */
static size_t put_character(char *at, uint32_t c)
{
	size_t n = c < 0x80 ? 1 : c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;

	if (n == 1) {
		*at = (char)c;
		return 1;
	}
	for (size_t i = n - 1; i > 0; i--, c >>= 6)
		at[i] = (char)(0x80 | (c & 0x3f));
	at[0] = (char)(0xf0 << (4 - n) | c);
	return n;
}

/* Characters of `width` bytes each. */
static void put_wide(char *text, const unsigned char *from, size_t count,
		     unsigned width)
{
	for (; count-- > 0; from += width) {
		uint32_t c = 0;

		for (unsigned i = width; i-- > 0;)
			c = c << 8 | from[i];
		text += put_character(text, c < 0x110000 ? c : 0xfffd);
	}
	*text = '\0';
}

/* A str; of a long one the beginning.  "?" if it is none. */
static char *text_at(const struct guests *g, uint64_t at)
{
	enum { COMPACT = 0x20, ASCII = 0x40 }; /* bits of the state */
	uint32_t state = half_at(g, at + g->python.text_state);
	unsigned width = state >> 2 & 7;
	uint64_t size = word_at(g, at + g->python.text_size);
	uint64_t data = at + (state & ASCII ? g->python.text_ascii
					    : g->python.text_other);
	unsigned char bytes[TEXT_MAX * 4];
	char text[TEXT_MAX * 4 + 1] = "?";

	if (size >= TEXT_MAX)
		size = TEXT_MAX - 1;
	if (state & COMPACT && (width == 1 || width == 2 || width == 4) &&
	    target_read(g->target, data, bytes, size * width))
		put_wide(text, bytes, size, width);
	return need(strdup(text));
}

static int line_of(const struct guests *g, uint64_t code, uint64_t instruction)
{
	const struct python *p = &g->python;
	uint64_t table = word_at(g, code + p->code_lines);
	uint64_t size = word_at(g, table + p->bytes_size);
	unsigned char *bytes;
	int found = 0;

	if (size > TABLE_MAX)
		return 0;
	bytes = need(malloc(size + 1));
	if (target_read(g->target, table + p->bytes_data, bytes, size))
		found = guest_line(p->code_lines_kind, bytes, size,
				   (int)half_at(g, code + p->code_line),
				   instruction);
	free(bytes);
	return found;
}

/* ---- places -------------------------------------------------------------- */

static size_t slot_of(const struct guests *g, uint64_t code,
		      uint64_t instruction)
{
	uint64_t hash =
		(code ^ instruction << 7) * UINT64_C(0x9e3779b97f4a7c15);
	size_t at = (size_t)(hash >> 20) & (g->room - 1);

	while (g->places[at].code && (g->places[at].code != code ||
				      g->places[at].instruction != instruction))
		at = (at + 1) & (g->room - 1);
	return at;
}

/* Numbers of places stay: the table has its size from the beginning. */
static uint64_t place_of(struct guests *g, uint64_t code, uint64_t instruction)
{
	struct place *p;
	size_t at;

	if (!g->room) {
		g->room = PLACES_MAX;
		g->places = need(calloc(g->room, sizeof *g->places));
	}
	at = slot_of(g, code, instruction);
	p = &g->places[at];
	if (!p->code && ++g->count < g->room) {
		p->code = code;
		p->instruction = instruction;
		p->symbol.guest = true;
		p->symbol.function =
			text_at(g, word_at(g, code + g->python.code_name));
		p->symbol.file =
			text_at(g, word_at(g, code + g->python.code_filename));
		p->symbol.line = line_of(g, code, instruction);
	}
	return GUEST_PLACE | at;
}

const struct symbol *guests_symbol(const struct guests *g, uint64_t place)
{
	return &g->places[place & ~GUEST_PLACE].symbol;
}

/* ---- frames -------------------------------------------------------------- */

/* Which instruction of `code` a frame is at, in bytes from the first. */
static uint64_t instruction_of(const struct guests *g, uint64_t frame,
			       uint64_t code)
{
	const struct python *p = &g->python;
	uint64_t first = code + p->code_instructions, at;
	int32_t number;

	if (p->frame_at_kind) {
		number = (int32_t)half_at(g, frame + p->frame_at);
		return number < 0 ? 0 : (uint64_t)number * p->frame_at_kind;
	}
	at = word_at(g, frame + p->frame_at);
	return at < first || at - first > TABLE_MAX ? 0 : at - first;
}

static uint64_t top_frame(const struct guests *g, uint64_t guest, bool running)
{
	const struct python *p = &g->python;
	uint64_t top = word_at(g, guest + p->greenlet_top), thread;

	if (running) {
		thread = word_at(g, guest + p->greenlet_thread);
		top = word_at(g, word_at(g, thread + p->thread_ts) +
					 p->tstate_top);
	}
	return top && p->top_indirect ? word_at(g, top + p->top_frame) : top;
}

size_t guests_frames(struct guests *g, uint64_t guest, bool running,
		     struct guest_frame *frames, size_t n)
{
	const struct python *p = &g->python;
	uint64_t frame = top_frame(g, guest, running);
	size_t count = 0, steps = 0;

	for (;
	     frame && count < n && steps++ < 2 * n && g->count < PLACES_MAX / 2;
	     frame = word_at(g, frame + p->frame_previous)) {
		uint64_t code = word_at(g, frame + p->frame_code);
		unsigned char entry = 0;

		if (!target_read(g->target, frame + p->frame_entry, &entry, 1))
			break;
		if (p->frame_entry_kind == ENTRY_BETWEEN &&
		    entry == p->frame_entry_owner) {
			if (count)
				frames[count - 1].last = true;
			continue;
		}
		if (!code)
			break;
		frames[count].last =
			p->frame_entry_kind == ENTRY_EACH ||
			(p->frame_entry_kind == ENTRY_FLAG && entry);
		frames[count++].place =
			place_of(g, code, instruction_of(g, frame, code));
	}
	return count;
}

/* Of Python's own ramet are pools, and what else calls spawn for others. */
static bool is_package(const struct guests *g, uint64_t code)
{
	char *file = text_at(g, word_at(g, code + g->python.code_filename));
	bool is = *g->package &&
		  strncmp(file, g->package, strlen(g->package)) == 0;

	free(file);
	return is;
}

uint64_t guests_spawn(struct guests *g, uint64_t guest)
{
	const struct python *p = &g->python;
	uint64_t origin = word_at(g, guest + p->greenlet_origin), at;
	uint32_t depth = origin ? half_at(g, origin + p->origin_depth) : 0;

	if (!depth || depth > SPAWN_PLACES_MAX || g->count >= PLACES_MAX / 2)
		return 0;
	at = word_at(g, origin + p->origin_places);
	while (depth-- > 1 && is_package(g, word_at(g, at + p->place_code)))
		at += p->place_size;
	return place_of(g, word_at(g, at + p->place_code),
			half_at(g, at + p->place_instruction));
}

bool guests_is_loop(const char *function)
{
	return function &&
	       strncmp(function, "_PyEval_EvalFrameDefault", 24) == 0;
}
