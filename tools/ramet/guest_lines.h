/* guest_lines.h - CPython's tables of the lines of a function's instructions.
 */
#ifndef TOOLS_RAMET_GUEST_LINES_H
#define TOOLS_RAMET_GUEST_LINES_H

#include <stddef.h>
#include <stdint.h>

/* The line of an instruction, in bytes from the first; 0: it has none.  `kind`:
 * 3.x, with which that form of table came; `line`: the function's first. */
int guest_line(unsigned kind, const unsigned char *table, size_t size, int line,
	       uint64_t instruction);

#endif
