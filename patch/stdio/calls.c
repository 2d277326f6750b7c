/* calls.c - what is done to a FILE, with its lock: made from the table. */
#include "patch/stdio/lock.h"

/* Macros of <stdio.h>. */
#undef fread_unlocked
#undef fwrite_unlocked

#define LOCKED(X, type, name, params, args, file)                              \
	type HOOK(name) params                                                 \
	{                                                                      \
		FILE_HELD(held) = file_hold(file);                             \
		return libc.name args;                                         \
	}

#define UNLOCKED(X, type, name, params, args, file)                            \
	type HOOK(name) params                                                 \
	{                                                                      \
		FILE_HELD(held) = file_hold_if_free(file);                     \
		return libc.name args;                                         \
	}

#define VARIADIC(X, type, name, params, listed, args, file)                    \
	type HOOK(name) params                                                 \
	{                                                                      \
		FILE_HELD(held) = file_hold(file);                             \
		va_list ap;                                                    \
		type n;                                                        \
                                                                               \
		va_start(ap, format);                                          \
		n = libc.listed args;                                          \
		va_end(ap);                                                    \
		return n;                                                      \
	}

/* What lies in the buffer is had without a call, if nobody but us locks. */
#define GET(X, type, name, params, args, file)                                 \
	type HOOK(name) params                                                 \
	{                                                                      \
		FILE *from = file;                                             \
		FILE_HELD(held) = file_hold(from);                             \
		if (likely(ramet__files.all &&                                 \
			   from->_IO_read_ptr < from->_IO_read_end))           \
			return (unsigned char)*from->_IO_read_ptr++;           \
		return libc.name args;                                         \
	}

#define PUT(X, type, name, params, args, file)                                 \
	type HOOK(name) params                                                 \
	{                                                                      \
		FILE *to = file;                                               \
		FILE_HELD(held) = file_hold(to);                               \
		if (likely(ramet__files.all &&                                 \
			   to->_IO_write_ptr < to->_IO_write_end))             \
			return (unsigned char)(*to->_IO_write_ptr++ =          \
						       (char)c);               \
		return libc.name args;                                         \
	}

STDIO_GET(GET, )
STDIO_PUT(PUT, )
STDIO_LOCKED(LOCKED, )
STDIO_UNLOCKED(UNLOCKED, )
STDIO_VARIADIC(VARIADIC, )
