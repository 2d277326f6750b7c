/* url.h - URLs as clients use them (RFC 3986), and the paths of requests. */
#ifndef HTTP_URL_H
#define HTTP_URL_H

#include "base/base.h"

enum { URL_HOST = 256 };

/* Of "http", "https", "ws", "wss": */
struct url {
	bool tls;                  /* https, wss */
	bool websocket;            /* ws, wss */
	uint16_t port;             /* the scheme's if none was given */
	bool default_port;
	char host[URL_HOST];       /* lower case, IPv6 without brackets */
	const char *user;          /* in the text: "user:password"; or NULL */
	size_t user_size;
	const char *target;        /* in the text: path and query; may be "" */
	size_t target_size;        /* the fragment is left out */
};

/* Returns 0, or -EINVAL: another scheme, blanks or control characters, a bad
 * host or port, what is not ASCII. */
int ramet__url_parse(struct url *url, const char *text);

/* The URL that `reference`, as in Location, means where `base` answered: RFC
 * 3986, 5.2.  Returns a new string, or NULL and *err: -EINVAL, -ENOMEM, */
char *ramet__url_resolve(const char *base, const char *reference, int *err);

/* Decode and normalise the path of a request's target, of `size` bytes, into
 * out, which has room for size + 2: percent codes are decoded once, "." and ".."
 * segments resolved, empty segments joined; a slash comes first, and the one at
 * the end stays.  Returns its length, or -EINVAL: %00, a bad code, a path that
 * climbs above the root, an encoded slash. */
ssize_t ramet__path_decode(const char *target, size_t size, char *out);

/* Decode one value of a query or form: as above, and '+' is a blank.  out has
 * room for size bytes.  Returns its length, or -EINVAL. */
ssize_t ramet__form_decode(const char *text, size_t size, char *out);

#endif
