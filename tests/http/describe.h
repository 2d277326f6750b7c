/* describe.h - what was read of a head, as text: the form is told in cases.h.
 *
 * Two readers agree if their texts do.  That each part lies inside the head is
 * checked on the way. */
#ifndef HTTP_DESCRIBE_H
#define HTTP_DESCRIBE_H

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "http/head.h"

struct description {
	size_t size;
	char text[8192];
};

static inline __attribute__((format(printf, 2, 3))) void add(
	struct description *d, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	d->size += (size_t)vsnprintf(d->text + d->size,
				     sizeof d->text - d->size, fmt, args);
	va_end(args);
	if (d->size >= sizeof d->text)
		abort();
}

static inline void add_text(struct description *d, const char *buf, size_t size,
			    struct http_text t)
{
	if (t.at > size || t.size > size - t.at)
		abort(); /* outside of the head */
	add(d, "%.*s", (int)t.size, buf + t.at);
}

static inline void add_rest(struct description *d, const struct http_head *h,
			    const char *buf, size_t size)
{
	static const char *const framing[] = {" none", "", " chunked", " end"};

	add(d, "%s", framing[h->framing]);
	if (h->framing == HTTP_LENGTH)
		add(d, " length=%llu", (unsigned long long)h->length);
	add(d, "%s%s%s%s", h->flags & HTTP_CLOSE ? " close" : "",
	    h->flags & HTTP_KEEP_ALIVE ? " keep-alive" : "",
	    h->flags & HTTP_UPGRADE ? " upgrade" : "",
	    h->flags & HTTP_EXPECT_100 ? " expect" : "");
	for (uint32_t i = 0; i < h->field_count; i++) {
		add(d, " | ");
		add_text(d, buf, size, h->fields[i].name);
		add(d, "=");
		add_text(d, buf, size, h->fields[i].value);
	}
}

static inline void add_version(struct description *d, const struct http_head *h)
{
	add(d, "%d.%d", h->version / 10, h->version % 10);
}

static inline void describe_request(struct description *d,
				    const struct http_head *h, const char *buf,
				    size_t size)
{
	d->size = 0;
	add_text(d, buf, size, h->method);
	add(d, " ");
	add_text(d, buf, size, h->target);
	add(d, " ");
	add_version(d, h);
	add(d, " %s", h->host.size ? "" : "-");
	add_text(d, buf, size, h->host);
	if (h->port)
		add(d, ":%d", h->port);
	add_rest(d, h, buf, size);
}

static inline void describe_response(struct description *d,
				     const struct http_head *h, const char *buf,
				     size_t size)
{
	d->size = 0;
	add_version(d, h);
	add(d, " %d [", h->status);
	add_text(d, buf, size, h->reason);
	add(d, "]");
	add_rest(d, h, buf, size);
}

#endif
