/* compress.c - answers in gzip. */
#include "http/exchange.h"
#include "http/files/answer.h"
#include "http/files/type.h"
#include "http/gzip.h"

#include <string.h>
#include <strings.h>

/* What is smaller fits one packet as it is. */
enum { COMPRESS_MIN = 1024 };

/* What has been compressed so far, which must stay smaller than it was. */
struct squeezed {
	char *data;
	size_t size, room;
};

static int keep(void *arg, const void *data, size_t size)
{
	struct squeezed *s = arg;

	if (size > s->room - s->size)
		return -EMSGSIZE;
	memcpy(s->data + s->size, data, size);
	s->size += size;
	return 0;
}

static bool is_set(const struct ramet_http *h, const char *name)
{
	size_t size = strlen(name);

	for (const struct http_line *l = h->lines; l; l = l->next)
		if (l->size > size && l->text[size] == ':' &&
		    strncasecmp(l->text, name, size) == 0)
			return true;
	return false;
}

/* An ETag is of the bytes as they are: who sets one wants them so. */
static bool is_worth_while(const struct ramet_http *h, int status,
			   const char *type, size_t size)
{
	return status == 200 && size >= COMPRESS_MIN && type &&
	       ramet__media_type_shrinks(type) &&
	       !is_set(h, "Content-Encoding") && !is_set(h, "ETag") &&
	       !is_set(h, "Content-Range") && ramet__gzip_there();
}

static bool squeeze(const struct iovec *body, struct squeezed *s)
{
	struct gzip *g = ramet__gzip_new();
	int err = -ENOMEM;

	if (g)
		err = ramet__gzip_add(g, body->iov_base, body->iov_len, true,
				      keep, s);
	ramet__gzip_free(g);
	return err == 0;
}

void ramet__http_compress(struct ramet_http *h, int status, const char *type,
			  struct iovec *body)
{
	struct squeezed s = {.room = body->iov_len - 1};

	if (!is_worth_while(h, status, type, body->iov_len) ||
	    ramet__http_set(h, "Vary", "Accept-Encoding") < 0 ||
	    !ramet__file_gzip_accepted(h))
		return;
	s.data = ramet__http_alloc(h, s.room);
	if (s.data && squeeze(body, &s) &&
	    ramet__http_set(h, "Content-Encoding", "gzip") == 0)
		*body = (struct iovec){s.data, s.size};
}
