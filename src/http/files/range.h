/* range.h - which bytes of a file are asked for: RFC 9110, 14. */
#ifndef HTTP_FILES_RANGE_H
#define HTTP_FILES_RANGE_H

#include "base/base.h"

/* Who asks for more, or for ranges that overlap, gets the whole file: RFC 9110,
 * 14.2 and 17.15. */
enum { HTTP_RANGES = 16 };

struct http_range {
	uint64_t at, size; /* of the file, at least one byte */
};

/* Read the header Range of a request for a file of `size` bytes.  Returns how
 * many ranges there are to send; 0: send all of the file, for it is another
 * unit, not well formed, or too much; -1: none of it is in the file (416). */
int ramet__range_parse(const char *text, uint64_t size,
		       struct http_range ranges[HTTP_RANGES]);

#endif
