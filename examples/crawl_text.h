/* crawl_text.h - numbers as people read them. */
#ifndef CRAWL_TEXT_H
#define CRAWL_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text {
	char s[32];
};

struct text text_count(uint64_t n);  /* 12,345 */
struct text text_time(int64_t ns);   /* 1.23 s, 21 min 14 s */
struct text text_memory(size_t kib); /* 31.2 MiB */

#endif
