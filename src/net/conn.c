/* conn.c - connections: plain ones here, those with TLS by way of tls_layer.c. */
#include "net/conn.h"

#include "io/iov.h"
#include "io/sock.h"
#include "kernel/calls.h"

/* ---- read and write ----------------------------------------------------- */

ssize_t ramet__conn_read(struct ramet_conn *c, void *buf, size_t size)
{
	return ramet__sock_recv(c->fd, buf, size, 0, NULL, NULL);
}

ssize_t ramet__conn_writev(struct ramet_conn *c, struct iovec *iov, int count)
{
	struct iovs v = {.next = iov, .count = (size_t)count};
	ssize_t done = 0;

	while (v.count) {
		struct msghdr msg = {.msg_iov = v.next, .msg_iovlen = v.count};
		ssize_t n = ramet__sock_sendmsg(c->fd, &msg, MSG_NOSIGNAL);

		if (n < 0)
			return n;
		done += n;
		iovs_skip(&v, (size_t)n);
	}
	return done;
}

bool ramet__conn_pending(const struct ramet_conn *c)
{
	(void)c;
	return false;
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

int ramet_conn_shutdown(struct ramet_conn *c)
{
	return (int)ramet__ret(kernel_shutdown(c->fd, SHUT_WR));
}

/* ---- begin and end ------------------------------------------------------ */

struct ramet_conn *ramet_conn_new(int fd)
{
	struct ramet_conn *c =
		ramet__loop() ? kernel_alloc(sizeof *c) : NULL;

	if (!c) {
		ramet__fail(-ENOMEM);
		return NULL;
	}
	c->fd = fd;
	return c;
}

void ramet_conn_close(struct ramet_conn *c)
{
	if (!c)
		return;
	ramet__close(c->fd);
	kernel_free(c);
}

int ramet_conn_fd(const struct ramet_conn *c)
{
	return c->fd;
}
