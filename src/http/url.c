/* url.c - URLs taken apart, and references resolved. */
#include "http/url.h"

#include <string.h>

#include "http/chars.h"
#include "http/host.h"
#include "kernel/kernel.h"

/* ---- a URL of ours ------------------------------------------------------ */

static const struct scheme {
	const char *name;
	bool tls, websocket;
	uint16_t port;
} schemes[] = {
	{"http", false, false, 80},
	{"https", true, false, 443},
	{"ws", false, true, 80},
	{"wss", true, true, 443},
};

static const struct scheme *find_scheme(const char *text, size_t size)
{
	for (size_t i = 0; i < countof(schemes); i++)
		if (text_is(text, size, schemes[i].name))
			return &schemes[i];
	return NULL;
}

/* Of the characters of URLs alone; '#' stands where a fragment begins, once. */
static bool is_url(const char *text)
{
	for (bool fragment = false; *text; text++) {
		if (*text == '#' && !fragment)
			fragment = true;
		else if (!char_is(*text, CHAR_TARGET))
			return false;
	}
	return true;
}

/* "user:password@" in front of the host, if there. */
static int take_user(struct url *url, const char **text, size_t *size)
{
	const char *at = memchr(*text, '@', *size);

	if (!at)
		return 0;
	url->user = *text;
	url->user_size = (size_t)(at - *text);
	for (const char *p = *text; p < at; p++)
		if (!char_is(*p, CHAR_USER))
			return -EINVAL;
	*size -= url->user_size + 1;
	*text = at + 1;
	return 0;
}

static int take_authority(struct url *url, const char *text, size_t size)
{
	struct authority a;
	int err = take_user(url, &text, &size);

	if (!err)
		err = ramet__authority_parse(&a, text, size);
	if (err)
		return err;
	for (size_t i = 0; i < a.host_size; i++)
		url->host[i] = lower(a.host[i]);
	url->host[a.host_size] = 0;
	url->ipv6 = a.ipv6;
	if (a.port) {
		url->default_port = a.port == url->port;
		url->port = a.port;
	}
	return 0;
}

int ramet__url_parse(struct url *url, const char *text)
{
	size_t scheme = strcspn(text, ":"), n;
	const struct scheme *s = find_scheme(text, scheme);
	int err;

	if (!s || strncmp(text + scheme, "://", 3) || !is_url(text))
		return -EINVAL;
	*url = (struct url){.tls = s->tls,
			    .websocket = s->websocket,
			    .port = s->port,
			    .default_port = true};
	text += scheme + 3;
	n = strcspn(text, "/?#");
	err = take_authority(url, text, n);
	if (err)
		return err;
	url->target = text + n;
	url->target_size = strcspn(url->target, "#");
	return 0;
}

/* ---- references --------------------------------------------------------- */

/* What is not there has no text. */
struct part {
	const char *text;
	size_t size;
};

struct parts {
	struct part scheme, authority, path, query, fragment;
};

static struct part take(const char **p, const char *stop)
{
	struct part part = {*p, strcspn(*p, stop)};

	*p += part.size;
	return part;
}

/* RFC 3986, appendix B, without its regular expression. */
static struct parts split(const char *p)
{
	struct parts u = {0};
	size_t n = strcspn(p, ":/?#");

	if (p[n] == ':' && n) {
		u.scheme = (struct part){p, n};
		p += n + 1;
	}
	if (p[0] == '/' && p[1] == '/') {
		p += 2;
		u.authority = take(&p, "/?#");
	}
	u.path = take(&p, "?#");
	if (*p == '?') {
		p++;
		u.query = take(&p, "#");
	}
	if (*p == '#') {
		p++;
		u.fragment = take(&p, "");
	}
	return u;
}

static char *put(char *out, const char *before, struct part part,
		 const char *behind)
{
	if (!part.text)
		return out;
	out = stpcpy(out, before);
	out = mempcpy(out, part.text, part.size);
	return stpcpy(out, behind);
}

/* RFC 3986, 5.2.4, in place; returns the new end.  Each segment is copied with
 * the slash before it, and ".." takes back the one before. */
static char *remove_dots(char *path, char *end)
{
	char *out = path, *p = path;

	while (p < end) {
		char *from = p, *name = p + (*p == '/');
		size_t n = 0;
		bool dot, dots, last;

		while (name + n < end && name[n] != '/')
			n++;
		p = name + n;
		last = p == end;
		dot = n == 1 && name[0] == '.';
		dots = n == 2 && name[0] == '.' && name[1] == '.';
		if (!dot && !dots) {
			memmove(out, from, (size_t)(p - from));
			out += p - from;
			continue;
		}
		while (dots && out > path && *--out != '/')
			;
		if (last)
			*out++ = '/';
	}
	return out;
}

/* RFC 3986, 5.2.3: the reference's path in place of the base's last segment. */
static char *merge(char *out, const struct parts *base, struct part path)
{
	size_t n = base->path.size;

	if (!n && base->authority.text)
		*out++ = '/';
	while (n && base->path.text[n - 1] != '/')
		n--;
	out = mempcpy(out, base->path.text, n);
	return mempcpy(out, path.text, path.size);
}

/* RFC 3986, 5.2.2. */
static char *resolve(char *out, const struct parts *b, const struct parts *r)
{
	bool own = r->scheme.text || r->authority.text, same;
	char *path;

	out = put(out, "", r->scheme.text ? r->scheme : b->scheme, ":");
	out = put(out, "//", own ? r->authority : b->authority, "");
	path = out;
	same = !own && !r->path.size;
	if (same)
		out = mempcpy(out, b->path.text, b->path.size);
	else if (own || *r->path.text == '/')
		out = mempcpy(out, r->path.text, r->path.size);
	else
		out = merge(out, b, r->path);
	if (!same)
		out = remove_dots(path, out);
	out = put(out, "?", same && !r->query.text ? b->query : r->query, "");
	return put(out, "#", r->fragment, "");
}

char *ramet__url_resolve(const char *base, const char *reference, int *err)
{
	struct parts b = split(base), r = split(reference);
	char *out;

	*err = -EINVAL;
	if (!is_url(base) || !is_url(reference) || !b.scheme.text)
		return NULL;
	/* What is put between the parts: ":", "//", "/", "?", "#", NUL. */
	out = kernel_alloc(strlen(base) + strlen(reference) + 8);
	*err = out ? 0 : -ENOMEM;
	if (out)
		*resolve(out, &b, &r) = 0;
	return out;
}
