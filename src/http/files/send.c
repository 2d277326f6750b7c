/* send.c - bytes of a file go out: what is small together with the head in
 * front of it, read into the output; the rest by sendfile(2). */
#include "http/files/answer.h"

#include "http/server.h"
#include "io/file.h"
#include "kernel/calls.h"

enum {
	SMALL = 16 * 1024, /* one system call less, at the cost of a copy */
	STEP = 64 * 1024,  /* of what has a time limit of its own */
};

#ifndef RWF_NOWAIT
#define RWF_NOWAIT 8
#endif

/* ---- the descriptor ------------------------------------------------------ */

/* Of files that are in memory the io layer learns nothing. */
static int make_known(struct found *found)
{
	int err = found->known ? 0 : ramet__fd_new(found->fd, FD_FILE, true);

	if (err == 0)
		found->known = true;
	return err;
}

void ramet__file_close(struct found *found)
{
	if (found->fd < 0)
		return;
	if (found->known)
		ramet__close(found->fd);
	else
		kernel_close(found->fd);
	found->fd = -1;
}

ssize_t ramet__file_read(struct found *found, void *buf, size_t size,
			 uint64_t at)
{
	struct iovec iov = {buf, size};
	struct io io;
	ssize_t n;

	do
		n = kernel_preadv2(found->fd, &iov, 1, (int64_t)at, RWF_NOWAIT);
	while (n == -EINTR);
	if (likely(n >= 0))
		return n;
	if (n != -EAGAIN && n != -EOPNOTSUPP && n != -ENOSYS)
		return n;
	n = make_known(found);
	if (n == 0)
		n = ramet__io_begin(&io, found->fd, WAIT_WRITE);
	return n < 0 ? n : ramet__file_readv(&io, &iov, 1, (int64_t)at);
}

/* ---- small --------------------------------------------------------------- */

/* Nothing of the answer can follow what is missing. */
static int broken(struct ramet_http *h, int err)
{
	ramet__http_sent(h, 0, err);
	return err;
}

/* Read into the output, behind the head. */
static int gather(struct ramet_http *h, struct found *found, uint64_t at,
		  size_t size)
{
	char *room = ramet__output_room(h, size);
	ssize_t n;

	if (!room)
		return broken(h, -ENOMEM);
	for (size_t done = 0; done < size; done += (size_t)n) {
		n = ramet__file_read(found, room + done, size - done,
				     at + done);
		if (n <= 0)
			return broken(h, n < 0 ? (int)n : -EMSGSIZE);
	}
	h->out.end += (uint32_t)size;
	h->answer_left -= size;
	h->answered += size;
	return 0;
}

/* ---- large --------------------------------------------------------------- */

static int send_step(struct ramet_http *h, struct found *found, uint64_t at,
		     size_t size)
{
	struct ramet_scope scope;
	ssize_t n;

	ramet_scope_open(&scope, ramet__http_write_time(h));
	n = ramet__conn_sendfile(h->conn, found->fd, (off_t)at, size);
	ramet_scope_close(&scope);
	if (n < 0 && scope.expired)
		h->server->stats.timed_out++;
	if (n < 0)
		return broken(h, (int)n);
	ramet__http_sent(h, (uint64_t)n, 0);
	return (size_t)n < size ? broken(h, -EMSGSIZE) : 0;
}

static int send_large(struct ramet_http *h, struct found *found, uint64_t at,
		      uint64_t size)
{
	int err = make_known(found);

	if (err < 0)
		return broken(h, err);
	err = ramet__http_flush(h);
	while (size && err == 0) {
		size_t step = size < STEP ? (size_t)size : STEP;

		err = send_step(h, found, at, step);
		at += step;
		size -= step;
	}
	return err;
}

/* A packet with the head alone would be one more: it goes with the first bytes.
 */
int ramet__file_send(struct ramet_http *h, struct found *found, uint64_t at,
		     uint64_t size)
{
	size_t used = h->out.end - h->out.at, first = 0;
	bool skip;
	int err = ramet__http_may_send(h, size, &skip);

	if (err < 0)
		return err;
	if (skip) {
		ramet__http_sent(h, size, 0);
		return 0;
	}
	if (size <= SMALL)
		first = (size_t)size;
	else if (used < SMALL)
		first = SMALL - used;
	if (first)
		err = gather(h, found, at, first);
	if (err < 0 || first == size)
		return err;
	return send_large(h, found, at + first, size - first);
}
