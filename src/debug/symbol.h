/* symbol.h - what the code at an address is called, static functions included.
 */
#ifndef DEBUG_SYMBOL_H
#define DEBUG_SYMBOL_H

#include "debug/json.h"

struct symbol {
	const char *function; /* NULL: not known */
	const char *module; /* base name of the file; NULL: no code is there */
	size_t offset; /* from the function's start, else from the module's */
};

/* Allocates no memory by malloc and may be used in a signal handler.  The names
 * stay until their module is replaced by another. */
struct symbol ramet__symbol(const void *pc);

/* Whether there is code at all. */
bool ramet__is_code(const void *pc);

/* "function+0x12 (module)", "module+0x1234" or "0x1234". */
void ramet__put_symbol(struct out *o, const void *pc);

/* The same as an object: "function", "offset", "module", "address". */
void ramet__json_code(struct json *j, const char *key, const void *pc);
void ramet__json_code_members(struct json *j, const void *pc);

#endif
