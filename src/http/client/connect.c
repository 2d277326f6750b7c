/* connect.c - a connection on which a URL can be asked about: one that was
 * kept, or a new one, perhaps through a proxy.
 */
#include "http/client/client.h"

#include "io/fd.h"
#include "net/dial.h"

#include <stdio.h>

void ramet__text_host(struct text *t, const struct url *url, bool port_always)
{
	ramet__text_put(t, url->ipv6 ? "[" : "");
	ramet__text_put(t, url->host);
	ramet__text_put(t, url->ipv6 ? "]" : "");
	if (port_always || !url->default_port) {
		ramet__text_put(t, ":");
		ramet__text_number(t, url->port);
	}
}

/* ---- a tunnel (RFC 9110, 9.3.6) ----------------------------------------- */

static int ask_for_tunnel(struct ramet_http_client *c, struct link *link,
			  const struct proxy *proxy, const struct url *url)
{
	struct text t = {0};
	ssize_t n = 0;

	ramet__text_put(&t, "CONNECT ");
	ramet__text_host(&t, url, true);
	ramet__text_put(&t, " HTTP/1.1\r\nHost: ");
	ramet__text_host(&t, url, true);
	if (proxy->credentials) {
		ramet__text_put(&t, "\r\nProxy-Authorization: ");
		ramet__text_put(&t, proxy->credentials);
	}
	if (c->user_agent) {
		ramet__text_put(&t, "\r\nUser-Agent: ");
		ramet__text_put(&t, c->user_agent);
	}
	ramet__text_put(&t, "\r\n\r\n");
	if (t.err == 0)
		n = ramet__conn_writev(link->conn,
				       &(struct iovec){t.data, t.size}, 1);
	ramet__text_free(&t);
	return t.err < 0 ? t.err : n < 0 ? (int)n : 0;
}

/* What the proxy's refusal means to who asked for a connection. */
static int refusal(int status)
{
	switch (status) {
	case 407:
	case 403:
		return -EACCES;
	case 504:
		return -EHOSTUNREACH;
	}
	return -ECONNREFUSED;
}

static int tunnel(struct ramet_http_client *c, struct link *link,
		  const struct proxy *proxy, const struct url *url)
{
	ssize_t n = ask_for_tunnel(c, link, proxy, url);

	if (n < 0)
		return (int)n;
	ramet__head_init(&link->head);
	n = ramet__link_final_head(link, c->head_max, true);
	if (n < 0)
		return (int)n;
	if (link->head.status >= 300)
		return refusal(link->head.status);
	link->start += (size_t)n;
	/* Servers of TLS do not speak first: this would be the proxy's. */
	return link->start == link->end ? 0 : -EPROTO;
}

/* ---- connections -------------------------------------------------------- */

static int dial(const char *key, const struct url *to, struct link **link)
{
	int fd = ramet__dial_host(to->host, to->port);
	struct ramet_conn *conn;
	int err;

	if (fd < 0)
		return fd;
	err = ramet__conn_new(&conn, fd);
	if (err < 0) {
		ramet__close(fd);
		return err;
	}
	*link = ramet__link_new(conn, key);
	if (!*link)
		ramet__conn_close(conn);
	return *link ? 0 : -ENOMEM;
}

static int open_link(struct ramet_http_client *c, const char *key,
		     const struct proxy *proxy, const struct url *url,
		     struct link **link)
{
	int err = dial(key, proxy ? &proxy->at : url, link);

	if (err < 0)
		return err;
	if (proxy && url->tls)
		err = tunnel(c, *link, proxy, url);
	if (err == 0 && url->tls)
		err = ramet__conn_start_tls((*link)->conn, c->tls, url->host);
	if (err < 0) {
		ramet__link_close(*link);
		*link = NULL;
	}
	return err;
}

int ramet__http_connect(struct ramet_http_client *c, const struct url *url,
			bool fresh, struct link **link)
{
	const struct proxy *proxy = ramet__proxies_find(&c->proxies, url);
	const struct url *to = proxy && !url->tls ? &proxy->at : url;
	char key[KEY_SIZE];

	if (proxy && proxy->err < 0)
		return proxy->err;
	snprintf(key, sizeof key, "%s %s %u",
		 url->tls ? "https"
		 : proxy  ? "proxy"
			  : "http",
		 to->host, to->port);
	*link = fresh ? NULL : ramet__pool_take(c, key);
	return *link ? 0 : open_link(c, key, proxy, url, link);
}
