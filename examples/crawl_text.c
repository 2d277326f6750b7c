/* crawl_text.c - numbers as people read them, whatever the locale.
 * Part of crawl. */
#include "crawl_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

struct text text_count(uint64_t n)
{
	struct text t;
	char *at = t.s + sizeof t.s - 1;

	*at = '\0';
	for (int digits = 0; n || !digits; n /= 10) {
		if (digits && digits % 3 == 0)
			*--at = ',';
		*--at = (char)('0' + n % 10);
		digits++;
	}
	memmove(t.s, at, strlen(at) + 1);
	return t;
}

struct text text_time(int64_t ns)
{
	int64_t s = ns / 1000000000;
	struct text t;

	if (s < 60)
		snprintf(t.s, sizeof t.s, "%.2f s", (double)ns / 1e9);
	else
		snprintf(t.s, sizeof t.s, "%" PRId64 " min %" PRId64 " s",
			 s / 60, s % 60);
	return t;
}

struct text text_memory(size_t kib)
{
	struct text t;

	snprintf(t.s, sizeof t.s, "%.1f MiB", (double)kib / 1024);
	return t;
}
