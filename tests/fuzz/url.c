/* url.c - a URL, and behind a line end what is resolved against it; each is
 * also decoded as the target of a request. */
#include "fuzz.h"

#include <stdbool.h>

#include "http/url.h"
#include "kernel/kernel.h"

static void check_path(const char *text, size_t size)
{
	char *in = fuzz_copy(text, size), *out = malloc(size + 2);
	ssize_t n = ramet__path_decode(in, size, out);

	if (n >= 0) {
		MUST(n > 0 && n <= (ssize_t)size + 1);
		MUST(*out == '/' && strlen(out) == (size_t)n);
		MUST(!strstr(out, "//") && !strstr(out, "/../") &&
		     !strstr(out, "/./"));
		MUST(n < 3 || strcmp(out + n - 3, "/.."));
		MUST(n < 2 || strcmp(out + n - 2, "/."));
	}
	n = ramet__form_decode(in, size, out);
	MUST(n <= (ssize_t)size && (n < 0 || !memchr(out, 0, (size_t)n)));
	free(in);
	free(out);
}

static bool inside(const char *part, size_t size, const char *text)
{
	return part >= text && part + size <= text + strlen(text);
}

static bool check_url(const char *text)
{
	struct url u;

	if (ramet__url_parse(&u, text) < 0)
		return false;
	MUST(*u.host && strlen(u.host) < URL_HOST && u.port);
	MUST(!strpbrk(u.host, "/?#@[] \r\n%"));
	MUST(inside(u.target, u.target_size, text));
	MUST(!u.user || inside(u.user, u.user_size, text));
	return true;
}

/* What is resolved has good characters, and once its own dots are gone, which
 * stay where the reference has no path, it needs no more resolving. */
static void check_reference(const char *base, const char *reference)
{
	int err;
	char *got = ramet__url_resolve(base, reference, &err), *again, *same;

	if (!got) {
		MUST(err == -EINVAL);
		return;
	}
	MUST(!strpbrk(got, " \r\n\t\"<>"));
	if (check_url(got)) {
		again = ramet__url_resolve(got, got, &err);
		MUST(again && check_url(again));
		same = ramet__url_resolve(again, again, &err);
		MUST(same && !strcmp(again, same));
		kernel_free(same);
		kernel_free(again);
	}
	kernel_free(got);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1), *end;

	memcpy(text, data, size);
	text[size] = 0;
	check_path(text, size);
	end = strchr(text, '\n');
	if (end) {
		*end = 0;
		check_reference(text, end + 1);
	}
	check_url(text);
	free(text);
	return 0;
}
