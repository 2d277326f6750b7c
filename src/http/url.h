/* url.h - URLs as clients use them (RFC 3986), and the paths of requests. */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include <sys/types.h>

#include "base/base.h"

enum { URL_HOST = 256 };

/* Of "http", "https", "ws", "wss": */
struct url {
	bool tls;       /* https, wss */
	bool websocket; /* ws, wss */
	uint16_t port;  /* the scheme's if none was given */
	bool default_port;
	bool ipv6;           /* the host is an address that needs brackets */
	char host[URL_HOST]; /* lower case, IPv6 without brackets */
	const char *user;    /* in the text: "user:password"; or NULL */
	size_t user_size;
	const char *target; /* in the text: path and query; may be "", and may
			     * begin with '?': a '/' is to be put before it */
	size_t target_size; /* the fragment is left out */
};

/* Returns 0, or -EINVAL: another scheme, blanks or control characters or any of
 * "<> , a bad host or port (http/host.h), what is not ASCII. */
int ramet__url_parse(struct url *url, const char *text);

/* The URL that `reference`, as in Location, means where `base` answered: RFC
 * 3986, 5.2.  Returns a new string, to be freed by kernel_free, or NULL and
 * *err: -EINVAL (characters as above; base is no absolute URL), -ENOMEM. */
char *ramet__url_resolve(const char *base, const char *reference, int *err);

/* Decode and normalise the path of a request's target, of `size` bytes, into
 * out, which has room for size + 2: percent codes are decoded once, "." and
 * ".." segments resolved, empty segments joined; a slash comes first, and the
 * one at the end stays.  What follows '?' is left out, as are "http://host" of
 * a target in absolute form.  out ends with NUL.  Returns its length, or
 * -EINVAL: %00, a bad code, a path that climbs above the root, an encoded
 * slash, a target in another form ("*", "host:port"). */
ssize_t ramet__path_decode(const char *target, size_t size, char *out);

/* Decode one value of a query or form: percent codes, and '+' is a blank.  out
 * has room for size bytes, and may be text; no NUL is added.  Returns its
 * length, or -EINVAL: %00, a bad code. */
ssize_t ramet__form_decode(const char *text, size_t size, char *out);

#endif
