/* output.c - what goes out on a connection, and how long it may take. */
#include "http/server.h"

#include "io/iov.h"
#include "io/sock.h"
#include "kernel/calls.h"

#include <string.h>

enum { MORE = 4 }; /* pieces sent behind the output, at most */

/* ---- room ---------------------------------------------------------------- */

static int grow(struct http_output *out, size_t need)
{
	size_t size = out->size ? out->size : OUTPUT_SIZE;
	char *data;

	while (size < need)
		size *= 2;
	if (size > UINT32_MAX / 2)
		return -ENOMEM;
	data = kernel_alloc(size);
	if (!data)
		return -ENOMEM;
	if (out->data)
		memcpy(data, out->data + out->at, out->end - out->at);
	kernel_free(out->data);
	out->data = data;
	out->size = (uint32_t)size;
	return 0;
}

char *ramet__output_room(struct ramet_http *h, size_t size)
{
	struct http_output *out = &h->out;
	size_t used = out->end - out->at;

	if (likely(size <= out->size - (size_t)out->end))
		return out->data + out->end;
	if (size > UINT32_MAX / 4)
		return NULL;
	if (used + size > out->size) {
		if (grow(out, used + size) < 0)
			return NULL;
	} else if (used) {
		memmove(out->data, out->data + out->at, used);
	}
	h->chunk_at -= h->chunk_open ? out->at : 0;
	out->end = (uint32_t)used;
	out->at = 0;
	return out->data + out->end;
}

/* ---- sending ------------------------------------------------------------- */

static ssize_t send_now(int fd, const struct iovec *iov, size_t count)
{
	struct msghdr msg = {.msg_iov = (struct iovec *)(uintptr_t)iov,
			     .msg_iovlen = count};
	enum { FLAGS = MSG_NOSIGNAL | MSG_DONTWAIT };

	return count == 1 ? ramet__sock_send(fd, iov->iov_base, iov->iov_len,
					     FLAGS, NULL, 0)
			  : ramet__sock_sendmsg(fd, &msg, FLAGS);
}

/* Wait until something more can be sent. */
static int wait_writable(const struct ramet_http *h)
{
	struct pollfd p = {h->conn->fd, POLLOUT, 0};
	struct ramet_scope scope;
	int n;

	ramet_scope_open(&scope, ramet__http_write_time(h));
	n = ramet__sock_poll(&p, 1);
	ramet_scope_close(&scope);
	if (n < 0 && scope.expired)
		h->server->stats.timed_out++;
	return n < 0 ? n : 0;
}

static int send_plain(struct ramet_http *h, struct iovs *v)
{
	while (v->count) {
		ssize_t n = send_now(h->conn->fd, v->next, v->count);

		if (n == -EAGAIN) {
			n = wait_writable(h);
			if (n < 0)
				return (int)n;
		}
		if (n < 0)
			return (int)n;
		iovs_skip(v, (size_t)n);
	}
	return 0;
}

/* Take at most `most` bytes out of v.  Returns how many pieces they are in. */
static int take(struct iovs *v, size_t most, struct iovec *to)
{
	int n = 0;

	while (v->count && most) {
		to[n] = *v->next;
		if (to[n].iov_len > most)
			to[n].iov_len = most;
		most -= to[n].iov_len;
		iovs_skip(v, to[n++].iov_len);
	}
	return n;
}

/* In steps, each of which may take its time; one takes most answers whole, so
 * that their last bytes are no system call of their own. */
static int send_tls(struct ramet_http *h, struct iovs *v)
{
	enum { STEP = 32 * 1024 };

	while (v->count) {
		struct iovec step[1 + MORE];
		struct ramet_scope scope;
		int count = take(v, STEP, step);
		ssize_t n;

		ramet_scope_open(&scope, ramet__http_write_time(h));
		n = ramet__conn_writev(h->conn, step, count);
		ramet_scope_close(&scope);
		if (n < 0 && scope.expired)
			h->server->stats.timed_out++;
		if (n < 0)
			return (int)n;
	}
	return 0;
}

int ramet__output_send(struct ramet_http *h, struct iovec *iov, int count)
{
	struct iovec all[1 + MORE];
	struct iovs v = {.next = all};
	size_t size = 0;

	assert(count <= MORE);
	ramet__late_forget(h->link);
	if (h->write_error)
		return h->write_error;
	if (h->out.at < h->out.end)
		all[v.count++] = (struct iovec){h->out.data + h->out.at,
						h->out.end - h->out.at};
	for (int i = 0; i < count; i++)
		if (iov[i].iov_len)
			all[v.count++] = iov[i];
	size = iov_total(all, v.count);
	h->write_error = h->link->tls ? send_tls(h, &v) : send_plain(h, &v);
	h->out.at = h->out.end = 0;
	if (h->write_error)
		h->close = true;
	else
		h->server->stats.bytes_out += size;
	return h->write_error;
}
