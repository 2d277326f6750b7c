/* proxy.c - which proxy, if any, is asked about a URL.
 *
 * The environment is read as curl(1) reads it, since there is no other
 * standard: names in small letters come first.  HTTP_PROXY in capitals is what
 * CGI makes of a header "Proxy", so it is not believed.
 */
#include "http/client/client.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* ---- settings ----------------------------------------------------------- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* User and password, decoded, with a colon between them: RFC 7617, 2.  Control
 * characters are not allowed there.  Returns the size, or -EINVAL. */
static ssize_t decode_user(const struct url *url, char *out)
{
	const char *p = url->user, *end = p + url->user_size;
	size_t n = 0;

	while (p < end) {
		char c = *p++;

		if (c == '%') {
			int high = p < end ? digit(p[0]) : -1;
			int low = p + 1 < end ? digit(p[1]) : -1;

			if (high < 0 || low < 0)
				return -EINVAL;
			c = (char)(high << 4 | low);
			p += 2;
		}
		if ((unsigned char)c < 32 || c == 127)
			return -EINVAL;
		out[n++] = c;
	}
	if (!memchr(url->user, ':', url->user_size))
		out[n++] = ':';
	return (ssize_t)n;
}

char *ramet__basic(const struct url *url, int *err)
{
	char *plain = kernel_alloc(url->user_size + 1);
	struct text t = {0};
	ssize_t n;

	*err = -ENOMEM;
	if (!plain)
		return NULL;
	n = decode_user(url, plain);
	if (n >= 0) {
		ramet__text_put(&t, "Basic ");
		ramet__text_base64(&t, plain, (size_t)n);
	}
	kernel_free(plain);
	*err = n < 0 ? (int)n : t.err;
	if (*err < 0)
		ramet__text_free(&t);
	return t.data;
}

static int set_url(struct proxy *p, const char *text)
{
	bool bare = !strstr(text, "://");
	int err;

	p->url = kernel_alloc(strlen(text) + sizeof "http://");
	if (!p->url)
		return -ENOMEM;
	strcpy(p->url, bare ? "http://" : "");
	strcat(p->url, text);
	if (!bare && strncasecmp(text, "http://", 7) != 0)
		return -EPROTONOSUPPORT;
	err = ramet__url_parse(&p->at, p->url);
	if (err == 0 && p->at.user)
		p->credentials = ramet__basic(&p->at, &err);
	return err;
}

/* A bad one is told to who would use it; without memory there is no client. */
static int from_environment(struct proxy *p, const char *small,
			    const char *capitals)
{
	const char *text = getenv(small);

	if (!text && capitals)
		text = getenv(capitals);
	if (!text)
		text = getenv("all_proxy");
	if (!text)
		text = getenv("ALL_PROXY");
	if (!text || !*text)
		return 0;
	p->err = set_url(p, text);
	return p->err == -ENOMEM ? p->err : 0;
}

static int read_environment(struct proxies *p)
{
	const char *except = getenv("no_proxy");
	int err = from_environment(&p->http, "http_proxy", NULL);

	if (err == 0)
		err = from_environment(&p->https, "https_proxy", "HTTPS_PROXY");
	if (!except)
		except = getenv("NO_PROXY");
	if (err < 0 || !except)
		return err;
	p->except = ramet__text_copy(except, strlen(except));
	return p->except ? 0 : -ENOMEM;
}

int ramet__proxies_init(struct proxies *p, const char *option)
{
	int err;

	if (!option)
		return read_environment(p);
	if (!*option)
		return 0;
	err = set_url(&p->http, option);
	if (err == 0)
		err = set_url(&p->https, option);
	return err == -ENOMEM || err == 0 ? err : -EINVAL;
}

void ramet__proxies_free(struct proxies *p)
{
	kernel_free(p->http.url);
	kernel_free(p->http.credentials);
	kernel_free(p->https.url);
	kernel_free(p->https.credentials);
	kernel_free(p->except);
}

/* ---- exceptions --------------------------------------------------------- */

struct address {
	int family; /* 0: a name */
	unsigned char bytes[16];
};

static struct address address_of(const char *host)
{
	struct address a = {0};

	if (inet_pton(AF_INET, host, a.bytes) == 1)
		a.family = AF_INET;
	else if (inet_pton(AF_INET6, host, a.bytes) == 1)
		a.family = AF_INET6;
	return a;
}

/* An entry of the list that is an address, or a network: "10.0.0.0/8". */
static bool is_within(const struct address *a, char *entry)
{
	char *slash = strchr(entry, '/'), *end;
	unsigned bits = a->family == AF_INET ? 32 : 128;
	struct address network;

	if (slash) {
		unsigned long n = strtoul(slash + 1, &end, 10);

		*slash = 0;
		if (end == slash + 1 || *end || n > bits)
			return false;
		bits = (unsigned)n;
	}
	network = address_of(entry);
	if (network.family != a->family ||
	    memcmp(network.bytes, a->bytes, bits / 8) != 0)
		return false;
	return bits % 8 == 0 ||
	       (network.bytes[bits / 8] ^ a->bytes[bits / 8]) >>
			       (8 - bits % 8) ==
		       0;
}

/* A name means itself and what is below it, with or without a dot before. */
static bool is_below(const char *host, const char *entry)
{
	size_t n = strlen(host), size;

	if (*entry == '.')
		entry++;
	size = strlen(entry);
	if (n && host[n - 1] == '.')
		n--;
	if (size && entry[size - 1] == '.')
		size--;
	return size && n >= size &&
	       strncasecmp(host + n - size, entry, size) == 0 &&
	       (n == size || host[n - size - 1] == '.');
}

static bool matches(const char *host, const struct address *a, char *entry)
{
	size_t n = strlen(entry);

	if (!a->family)
		return is_below(host, entry);
	if (entry[0] == '[' && entry[n - 1] == ']') {
		entry[n - 1] = 0;
		entry++;
	}
	return is_within(a, entry);
}

bool ramet__no_proxy(const char *list, const char *host)
{
	struct address a = address_of(host);

	if (strcmp(list, "*") == 0)
		return true;
	while (*list) {
		size_t n = strcspn(list, ", \t");
		char entry[URL_HOST];

		if (n && n < sizeof entry) {
			memcpy(entry, list, n);
			entry[n] = 0;
			if (matches(host, &a, entry))
				return true;
		}
		list += n;
		list += strspn(list, ", \t");
	}
	return false;
}

const struct proxy *ramet__proxies_find(const struct proxies *p,
					const struct url *url)
{
	const struct proxy *found = url->tls ? &p->https : &p->http;

	if (!found->url || (p->except && ramet__no_proxy(p->except, url->host)))
		return NULL;
	return found;
}
