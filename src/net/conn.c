/* conn.c - connections: plain ones here, those with TLS by way of tls/layer.c.
 */
#include "net/conn.h"

#include "io/iov.h"
#include "io/sock.h"
#include "kernel/calls.h"
#include "net/dial.h"
#include "net/tls/layer.h"

#include <string.h>

/* Whether another loop's it is, which must not be touched from here. */
static bool is_foreign(const struct ramet_conn *c)
{
	return unlikely(c->loop != ramet__this_loop) &&
	       ramet__misuse(-EPERM) < 0;
}

/* ---- read and write ----------------------------------------------------- */

ssize_t ramet__conn_read(struct ramet_conn *c, void *buf, size_t size)
{
	if (is_foreign(c))
		return -EPERM;
	return c->tls ? ramet__tls_read(c->tls, buf, size)
		      : ramet__sock_recv(c->fd, buf, size, 0, NULL, NULL);
}

static ssize_t send_all(int fd, struct iovec *iov, size_t count)
{
	struct iovs v = {.next = iov, .count = count};
	ssize_t done = 0;

	while (v.count) {
		struct msghdr msg = {
			.msg_iov = v.next,
			.msg_iovlen = v.count < IOV_MAX ? v.count : IOV_MAX,
		};
		ssize_t n = ramet__sock_sendmsg(fd, &msg, 0);

		if (n < 0)
			return n;
		done += n;
		iovs_skip(&v, (size_t)n);
	}
	return done;
}

ssize_t ramet__conn_writev(struct ramet_conn *c, struct iovec *iov, int count)
{
	if (is_foreign(c))
		return -EPERM;
	return c->tls ? ramet__tls_writev(c->tls, iov, (size_t)count)
		      : send_all(c->fd, iov, (size_t)count);
}

ssize_t ramet__conn_sendfile(struct ramet_conn *c, int fd, off_t offset,
			     size_t size)
{
	if (is_foreign(c))
		return -EPERM;
	return c->tls ? ramet__tls_sendfile(c->tls, fd, offset, size)
		      : ramet__sock_sendfile(c->fd, fd, offset, size);
}

int ramet__conn_shutdown(struct ramet_conn *c)
{
	if (is_foreign(c))
		return -EPERM;
	return c->tls ? ramet__tls_shutdown(c->tls)
		      : kernel_shutdown(c->fd, SHUT_WR);
}

bool ramet__conn_pending(const struct ramet_conn *c)
{
	return c->tls && ramet__tls_pending(c->tls);
}

ssize_t ramet_conn_read(struct ramet_conn *c, void *buf, size_t size)
{
	return ramet__ret(ramet__conn_read(c, buf, size));
}

ssize_t ramet_conn_write(struct ramet_conn *c, const void *buf, size_t size)
{
	struct iovec iov = {(void *)(uintptr_t)buf, size};

	return ramet__ret(ramet__conn_writev(c, &iov, 1));
}

static ssize_t write_copy(struct ramet_conn *c, const struct iovec *iov,
			  int count)
{
	struct iovs v;
	ssize_t n;

	if (count < 0 || iovs_copy(&v, iov, (size_t)count) < 0)
		return count < 0 ? -EINVAL : -ENOMEM;
	n = ramet__conn_writev(c, v.next, count);
	iovs_free(&v);
	return n;
}

ssize_t ramet_conn_writev(struct ramet_conn *c, const struct iovec *iov,
			  int count)
{
	return ramet__ret(write_copy(c, iov, count));
}

ssize_t ramet_conn_sendfile(struct ramet_conn *c, int fd, off_t offset,
			    size_t size)
{
	return ramet__ret(ramet__conn_sendfile(c, fd, offset, size));
}

int ramet_conn_shutdown(struct ramet_conn *c)
{
	return (int)ramet__ret(ramet__conn_shutdown(c));
}

/* ---- begin and end ------------------------------------------------------ */

int ramet__conn_new(struct ramet_conn **c, int fd)
{
	*c = ramet__loop() ? kernel_alloc(sizeof **c) : NULL;
	if (!*c)
		return -ENOMEM;
	(*c)->loop = ramet__this_loop;
	(*c)->fd = fd;
	return 0;
}

struct ramet_conn *ramet_conn_new(int fd)
{
	struct ramet_conn *c;
	int err = ramet__conn_new(&c, fd);

	if (err < 0)
		ramet__fail(err);
	return err < 0 ? NULL : c;
}

/* On errors c is as it was. */
int ramet__conn_start_tls(struct ramet_conn *c, struct ramet_tls *tls,
			  const char *name)
{
	if (is_foreign(c))
		return -EPERM;
	return c->tls ? -EINVAL : ramet__tls_start(&c->tls, c->fd, tls, name);
}

int ramet_conn_start_tls(struct ramet_conn *c, struct ramet_tls *tls,
			 const char *name)
{
	return (int)ramet__ret(ramet__conn_start_tls(c, tls, name));
}

void ramet__conn_close(struct ramet_conn *c)
{
	if (!c || is_foreign(c))
		return;
	if (c->tls)
		ramet__tls_close(c->tls);
	ramet__close(c->fd);
	kernel_free(c);
}

void ramet__conn_abort(struct ramet_conn *c)
{
	struct linger at_once = {1, 0};

	if (!c || is_foreign(c))
		return;
	if (c->tls)
		ramet__tls_abort(c->tls);
	kernel_setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &at_once,
			  sizeof at_once);
	ramet__conn_close(c);
}

void ramet_conn_close(struct ramet_conn *c)
{
	int before = errno;

	ramet__conn_close(c);
	errno = before;
}

/* ---- by address --------------------------------------------------------- */

enum { HOST_MAX = 255 };

/* The host of "tls://host:port", without the brackets of a numeric one. */
static int host_of(const char *address, char host[HOST_MAX + 1])
{
	const char *text = address + strlen("tls://");
	const char *colon = strrchr(text, ':');
	size_t size = colon ? (size_t)(colon - text) : 0;

	if (size >= 2 && text[0] == '[' && text[size - 1] == ']') {
		text++;
		size -= 2;
	}
	if (size == 0 || size > HOST_MAX)
		return -EINVAL;
	memcpy(host, text, size);
	host[size] = '\0';
	return 0;
}

/* A connected socket: "tls://" as "tcp://". */
static int dial(const char *address, bool secure)
{
	char text[HOST_MAX + 32];
	size_t size = strlen(address);

	if (!secure)
		return ramet__dial(address);
	if (size >= sizeof text)
		return -EINVAL;
	memcpy(text, address, size + 1);
	memcpy(text, "tcp", 3);
	return ramet__dial(text);
}

int ramet__conn_dial(struct ramet_conn **c, const char *address,
		     struct ramet_tls *tls)
{
	bool secure = address && strncmp(address, "tls://", 6) == 0;
	char host[HOST_MAX + 1];
	int fd, err = !address ? -EINVAL : secure ? host_of(address, host) : 0;

	if (err < 0)
		return err;
	fd = dial(address, secure);
	if (fd < 0)
		return fd;
	err = ramet__conn_new(c, fd);
	if (err < 0) {
		ramet__close(fd);
		return err;
	}
	if (secure)
		err = ramet__conn_start_tls(*c, tls, host);
	if (err < 0)
		ramet__conn_close(*c);
	return err;
}

struct ramet_conn *ramet_conn_dial(const char *address, struct ramet_tls *tls)
{
	struct ramet_conn *c;
	int err = ramet__conn_dial(&c, address, tls);

	if (err < 0)
		ramet__fail(err);
	return err < 0 ? NULL : c;
}

int ramet_conn_fd(const struct ramet_conn *c)
{
	return c->fd;
}
