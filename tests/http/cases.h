/* cases.h - the form of the tables in this folder.
 *
 * REFUSED(section, status, title, bytes): the head is refused with that status.
 * READ(section, what, title, bytes): it is read as:
 *
 *	METHOD TARGET VERSION HOST[:PORT] FRAMING FLAGS... | NAME=VALUE | ...
 *	VERSION STATUS [REASON] FRAMING FLAGS... | NAME=VALUE | ...
 *
 * HOST is - where there is none; FRAMING one of none, length=N, chunked, end;
 * FLAGS close, keep-alive, upgrade, expect.  The fields are compared where they
 * are given; an empty `what` is not compared.
 *
 * MORE(section, title, bytes): it is not whole yet.
 *
 * Each case is read whole, in two parts however cut, byte by byte, and with
 * another message behind it.  Heads may have 1,024 bytes and 16 fields.
 *
 * A section is of RFC 9112 unless it begins with another number: "9110/5.5".
 */
#ifndef HTTP_CASES_H
#define HTTP_CASES_H

#include <stdbool.h>
#include <stddef.h>

struct http_case {
	const char *section, *title, *bytes;
	size_t size;
	int status;       /* of the refusal; 0: not refused */
	const char *what; /* NULL: more is needed */
	bool no_body;     /* answers: as to HEAD */
};

#define CASE(section, title, bytes, ...)                                       \
	{                                                                      \
		section, title, bytes, sizeof(bytes) - 1, __VA_ARGS__          \
	}
#define REFUSED(section, status, title, bytes)                                 \
	CASE(section, title, bytes, status, NULL, false),
#define READ(section, what, title, bytes)                                      \
	CASE(section, title, bytes, 0, what, false),
#define READ_EMPTY(section, what, title, bytes)                                \
	CASE(section, title, bytes, 0, what, true),
#define MORE(section, title, bytes) CASE(section, title, bytes, 0, NULL, false),

#define CRLF "\r\n"
#define GET "GET / HTTP/1.1\r\nHost: a\r\n"
#define POST "POST / HTTP/1.1\r\nHost: a\r\n"
#define OK "HTTP/1.1 200 OK\r\n"
#define TIMES_8(x) x x x x x x x x
#define TIMES_64(x) TIMES_8(TIMES_8(x))
#define TIMES_512(x) TIMES_8(TIMES_64(x))
#define TIMES_1024(x) TIMES_512(x) TIMES_512(x)

#endif
