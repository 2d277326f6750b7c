/* guest.c - Python's frames.
 *
 * Each is a link in a list, with its code object and the instruction that it is
 * at; the line is found in the code's table of locations (CPython 3.11,
 * Objects/locations.md describes it: entries of a byte with a code and a number
 * of instructions, and what the code says of lines and columns).
 */
#include "tools/ramet/guest.h"

#include <stdlib.h>
#include <string.h>

enum {
	PLACES_MAX = 1 << 16,
	TABLE_MAX = 1 << 20, /* of locations, in bytes */
	TEXT_MAX = 256,
	LINES_MAX = 1 << 28,
};

#define PYTHON(X)                                                              \
	X(greenlet_cframe, "greenlet.cframe")                                  \
	X(greenlet_thread, "greenlet.thread")                                  \
	X(thread_ts, "thread.ts")                                              \
	X(tstate_cframe, "tstate.cframe")                                      \
	X(cframe_frame, "cframe.frame")                                        \
	X(frame_code, "frame.code")                                            \
	X(frame_previous, "frame.previous")                                    \
	X(frame_instruction, "frame.instruction")                              \
	X(frame_entry, "frame.entry")                                          \
	X(code_filename, "code.filename")                                      \
	X(code_name, "code.name")                                              \
	X(code_line, "code.line")                                              \
	X(code_lines, "code.lines")                                            \
	X(code_instructions, "code.instructions")                              \
	X(bytes_size, "bytes.size")                                            \
	X(bytes_data, "bytes.data")                                            \
	X(text_size, "text.size")                                              \
	X(text_state, "text.state")                                            \
	X(text_data, "text.data")

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
	uint64_t code, instruction;
	struct symbol symbol;
};

struct guests {
	const struct target *target;
	struct python python;
	struct place *places; /* a hash table */
	size_t count, room;
};

struct guests *guests_open(const struct target *t)
{
	struct guests *g = need(calloc(1, sizeof *g));

	g->target = t;
	if (map_read(t, MAP_NOTE_PYTHON, fields, sizeof fields / sizeof *fields,
		     &g->python))
		return g;
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

/* A string that is ASCII, as most are; else "?". */
static char *text_at(const struct guests *g, uint64_t at)
{
	enum { COMPACT_ASCII = 0x60 }; /* bits of the state */
	uint64_t size = word_at(g, at + g->python.text_size);
	uint32_t state = 0;
	char text[TEXT_MAX] = "?";

	target_read(g->target, at + g->python.text_state, &state, sizeof state);
	if (size >= sizeof text)
		size = sizeof text - 1;
	if ((state & COMPACT_ASCII) == COMPACT_ASCII &&
	    target_read(g->target, at + g->python.text_data, text, size))
		text[size] = '\0';
	return need(strdup(text));
}

/* ---- lines --------------------------------------------------------------- */

struct locations {
	const unsigned char *at, *end;
};

static unsigned number(struct locations *l)
{
	unsigned value = 0, shift = 0;

	while (l->at < l->end) {
		unsigned byte = *l->at++;

		if (shift < 30)
			value |= (byte & 63) << shift;
		shift += 6;
		if (!(byte & 64))
			break;
	}
	return value;
}

static int signed_number(struct locations *l)
{
	unsigned value = number(l);

	return value & 1 ? -(int)(value >> 1) : (int)(value >> 1);
}

/* How many lines further an entry with that code is. */
static int lines_further(struct locations *l, unsigned code)
{
	enum { ONE_LINE = 10, NO_COLUMNS = 13, LONG = 14 };

	if (code >= ONE_LINE && code < NO_COLUMNS)
		return (int)code - ONE_LINE;
	return code == NO_COLUMNS || code == LONG ? signed_number(l) : 0;
}

/* The line of the instruction of that number. */
static int line_in(struct locations l, int line, uint64_t instruction)
{
	uint64_t passed = 0;

	while (l.at < l.end) {
		unsigned byte = *l.at++;

		line += lines_further(&l, byte >> 3 & 15);
		if (line < 0 || line > LINES_MAX)
			return 0;
		passed += (byte & 7) + 1;
		if (passed > instruction)
			return line;
		/* Each entry begins with the only byte that has this bit. */
		while (l.at < l.end && !(*l.at & 0x80))
			l.at++;
	}
	return 0;
}

static int line_of(const struct guests *g, uint64_t code, uint64_t instruction)
{
	const struct python *p = &g->python;
	uint64_t table = word_at(g, code + p->code_lines);
	uint64_t size = word_at(g, table + p->bytes_size);
	uint64_t first = code + p->code_instructions;
	uint32_t line = 0;
	unsigned char *bytes;
	int found = 0;

	if (size > TABLE_MAX || instruction + 2 < first)
		return 0;
	bytes = need(malloc(size + 1));
	target_read(g->target, code + p->code_line, &line, sizeof line);
	if (target_read(g->target, table + p->bytes_data, bytes, size))
		found = line_in((struct locations){bytes, bytes + size},
				(int)line,
				instruction < first
					? 0
					: (instruction - first) / 2);
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

size_t guests_frames(struct guests *g, uint64_t guest, bool running,
		     struct guest_frame *frames, size_t n)
{
	const struct python *p = &g->python;
	uint64_t cframe = word_at(g, guest + p->greenlet_cframe), frame;
	size_t count = 0;

	if (running)
		cframe =
			word_at(g,
				word_at(g,
					word_at(g, guest + p->greenlet_thread) +
						p->thread_ts) +
					p->tstate_cframe);
	frame = word_at(g, cframe + p->cframe_frame);
	for (; frame && count < n && g->count < PLACES_MAX / 2; count++) {
		uint64_t code = word_at(g, frame + p->frame_code);
		unsigned char entry = 0;

		if (!code ||
		    !target_read(g->target, frame + p->frame_entry, &entry, 1))
			break;
		frames[count].place =
			place_of(g, code,
				 word_at(g, frame + p->frame_instruction));
		frames[count].last = entry;
		frame = word_at(g, frame + p->frame_previous);
	}
	return count;
}

bool guests_is_loop(const char *function)
{
	return function &&
	       strncmp(function, "_PyEval_EvalFrameDefault", 24) == 0;
}
