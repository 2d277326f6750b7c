/* metrics.c - the answer that Prometheus asks for. */
#include "http/exchange.h"
#include "ramet/debug.h"

#include <string.h>

struct answer {
	struct ramet_http *h;
	bool begun;
	int err;
};

static int begin(struct ramet_http *h)
{
	int err = ramet__http_set(h, "Cache-Control", "no-store");

	return err < 0 ? err
		       : ramet__http_begin(h, 200,
					   "text/plain; version=0.0.4; "
					   "charset=utf-8",
					   -1);
}

/* Not before there is something: it may be an error instead. */
static int write_some(void *arg, const char *text, size_t size)
{
	struct answer *a = arg;

	a->err = a->begun ? 0 : begin(a->h);
	a->begun = true;
	if (a->err == 0)
		a->err = ramet__http_write(a->h, text, size);
	return a->err;
}

static int answer(struct ramet_http *h)
{
	struct answer a = {.h = h};

	if (ramet_write_metrics(write_some, &a) < 0)
		return a.err < 0 ? a.err : -errno;
	return ramet__http_end(h, NULL, 0);
}

static int metrics(struct ramet_http *h)
{
	const char *method = ramet_http_method(h);
	int err;

	if (strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0)
		return answer(h);
	err = ramet__http_set(h, "Allow", "GET, HEAD");
	return err < 0 ? err : ramet__http_fail(h, 405);
}

int ramet_http_metrics(struct ramet_http *h)
{
	return (int)ramet__ret(metrics(h));
}
