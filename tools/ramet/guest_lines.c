/* guest_lines.c - CPython has had three forms of them (its
 * Objects/lnotab_notes.txt and Objects/locations.md): up to 3.9 pairs of "so
 * many bytes on, so many lines on"; in 3.10 "for so many bytes, so many lines
 * on"; since 3.11 entries of a byte with a code and a number of instructions,
 * and what the code says of lines and columns.
 */
#include "tools/ramet/guest_lines.h"

enum { LINES_MAX = 1 << 28 };

/* ---- pairs --------------------------------------------------------------- */

static int line_of_9(const unsigned char *table, size_t size, int line,
		     uint64_t instruction)
{
	uint64_t at = 0;

	for (size_t i = 0; i + 1 < size; i += 2) {
		at += table[i];
		if (at > instruction)
			break;
		line += (signed char)table[i + 1];
	}
	return line;
}

static int line_of_10(const unsigned char *table, size_t size, int line,
		      uint64_t instruction)
{
	enum { NO_LINE = -128 };
	uint64_t end = 0;

	for (size_t i = 0; i + 1 < size; i += 2) {
		int further = (signed char)table[i + 1];

		end += table[i];
		if (further != NO_LINE)
			line += further;
		if (end > instruction)
			return further == NO_LINE ? 0 : line;
	}
	return 0;
}

/* ---- locations ----------------------------------------------------------- */

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

static int line_of_11(struct locations l, int line, uint64_t instruction)
{
	enum { UNIT = 2 }; /* bytes */
	uint64_t end = 0;

	while (l.at < l.end) {
		unsigned byte = *l.at++;

		line += lines_further(&l, byte >> 3 & 15);
		if (line < 0 || line > LINES_MAX)
			return 0;
		end += UNIT * ((byte & 7) + 1);
		if (end > instruction)
			return line;
		/* Each entry begins with the only byte that has this bit. */
		while (l.at < l.end && !(*l.at & 0x80))
			l.at++;
	}
	return 0;
}

/* ---- all ----------------------------------------------------------------- */

int guest_line(unsigned kind, const unsigned char *table, size_t size, int line,
	       uint64_t instruction)
{
	if (line < 0 || line > LINES_MAX)
		return 0;
	if (kind == 9)
		line = line_of_9(table, size, line, instruction);
	else if (kind == 10)
		line = line_of_10(table, size, line, instruction);
	else
		line = line_of_11((struct locations){table, table + size}, line,
				  instruction);
	return line < 0 ? 0 : line;
}
