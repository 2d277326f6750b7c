/* crawl_http.c - a small HTTP client: ordinary blocking code throughout.
 * Part of crawl. */
#include "crawl.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct url {
	char host[256]; /* [...] is an IPv6 address */
	char port[6];
	const char *path;
};

static bool parse(const char *text, struct url *url)
{
	const char *host, *end;
	int n = 0;

	if (strncmp(text, "http://", strlen("http://")) != 0)
		return false;
	host = text + strlen("http://");
	end = host + strcspn(host, *host == '[' ? "]/" : ":/");
	if (*host == '[' && *end++ != ']')
		return false;
	if (end == host || (size_t)(end - host) >= sizeof url->host)
		return false;
	memcpy(url->host, host, (size_t)(end - host));
	url->host[end - host] = '\0';
	strcpy(url->port, "80");
	if (*end == ':' && sscanf(end, ":%5[0-9]%n", url->port, &n) != 1)
		return false;
	url->path = *(end + n) ? end + n : "/";
	return *url->path == '/' && !strpbrk(text, " \r\n");
}

bool http_url_ok(const char *text)
{
	struct url url;

	return parse(text, &url);
}

/* ---- connect ------------------------------------------------------------ */

/* A look-up may outlive the caller it was made for, so it is on the heap. */
struct lookup {
	struct url url;
	struct addrinfo *found;
	int error;
};

static void *look_up(void *p)
{
	struct lookup *l = p;
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM};

	l->error = getaddrinfo(l->url.host, l->url.port, &hints, &l->found);
	return NULL;
}

/* Connect to the first of the addresses that answers. */
static int dial_any(const struct addrinfo *a)
{
	int fd = -1;

	for (; a && fd < 0; a = a->ai_next) {
		fd = ramet_socket(a->ai_family, a->ai_socktype, 0);
		if (fd >= 0 &&
		    ramet_connect(fd, a->ai_addr, a->ai_addrlen) < 0) {
			ramet_close(fd);
			fd = -1;
		}
	}
	return fd;
}

static int dial_name(const struct url *url, const char **why)
{
	struct lookup *l = calloc(1, sizeof *l);
	int fd = -1;

	if (!l)
		return -1;
	l->url = *url;
	if (ramet_offload(look_up, l, NULL) < 0)
		return -1; /* cancelled: l is still in use */
	if (l->error) {
		*why = gai_strerror(l->error);
	} else {
		fd = dial_any(l->found);
		freeaddrinfo(l->found);
	}
	free(l);
	return fd;
}

static int dial(const struct url *url, const char **why)
{
	char address[sizeof url->host + 20];
	int fd;

	snprintf(address, sizeof address, "tcp://%s:%s", url->host, url->port);
	fd = ramet_dial(address);
	return fd < 0 && errno == EINVAL ? dial_name(url, why) : fd;
}

/* ---- ask and listen ----------------------------------------------------- */

static bool ask(int fd, const struct url *url)
{
	char request[2048];
	int n = snprintf(request, sizeof request,
			 "GET %s HTTP/1.0\r\nHost: %s\r\n"
			 "Connection: close\r\n\r\n",
			 url->path, url->host);

	if (n >= (int)sizeof request) {
		errno = ENAMETOOLONG;
		return false;
	}
	return ramet_write_all(fd, request, (size_t)n) > 0;
}

/* Read into buf until the head of the answer is complete.  Returns where the
 * body begins, or NULL; *end is where what was read ends. */
static char *receive_head(int fd, char *buf, size_t size, char **end)
{
	char *body = NULL;
	size_t have = 0;
	ssize_t n;

	errno = EPROTO;
	while (!body && (n = ramet_read(fd, buf + have, size - 1 - have)) > 0) {
		have += (size_t)n;
		buf[have] = '\0';
		body = strstr(buf, "\r\n\r\n");
	}
	*end = buf + have;
	return body ? body + 4 : NULL;
}

static bool receive(int fd, struct page *page)
{
	char buf[4096], *end, *field;
	char *body = receive_head(fd, buf, sizeof buf, &end);
	size_t announced = SIZE_MAX;
	ssize_t n = 1;

	if (!body || sscanf(buf, "HTTP/1.%*c %3d", &page->status) != 1)
		return false;
	page->size = (size_t)(end - body);
	body[-2] = '\0'; /* ends the last field */
	field = strcasestr(buf, "\r\nContent-Length:");
	if (field)
		announced = strtoull(strchr(field, ':') + 1, NULL, 10);
	while (page->size < announced &&
	       (n = ramet_read(fd, buf, sizeof buf)) > 0)
		page->size += (size_t)n;
	if (n == 0 && field)
		page->why = "cut short";
	else if (page->status >= 400)
		page->why = "refused";
	return n >= 0 && !page->why;
}

void http_get(struct page *page)
{
	struct url url;
	int fd;

	parse(page->url, &url);
	fd = dial(&url, &page->why);
	if (fd >= 0 && ask(fd, &url) && receive(fd, page)) {
		page->state = PAGE_FETCHED;
	} else if (!ramet_cancelled()) {
		page->state = PAGE_FAILED;
		if (!page->why)
			page->why = strerrordesc_np(errno);
	}
	if (fd >= 0)
		ramet_close(fd);
}
