/* transfer.c - reading and writing: try, and wait for what is missing; and the
 * end of both. */
#include "net/tls/state.h"

#include "io/file.h"
#include "io/iov.h"
#include "kernel/calls.h"

#include <string.h>

enum {
	RECORD = 16384, /* at most: RFC 8446, 5.1 */
	/* What is copied to share a record: on the stack, of which a connection
	 * that waits keeps what it has ever used. */
	TOGETHER = 4096,
};

/* It has what it waited for; another ramet may wait for the same. */
static void pass_on(const struct io *io, enum wait wait)
{
	struct ramet_waitq *q =
		wait == WAIT_READ ? &io->fd->readers : &io->fd->writers;

	if (unlikely(q->first != NULL))
		ramet__fd_wake_next(q);
}

/* ---- read --------------------------------------------------------------- */

static ssize_t read_some(struct tls_layer *t, struct io *io, void *buf,
			 size_t size)
{
	int r;

	if (size == 0)
		return 0;
	t->io = io;
	ramet__crypto.ERR_clear_error();
	r = ramet__ssl.SSL_read(t->ssl, buf,
				size < INT_MAX ? (int)size : INT_MAX);
	return r > 0 ? r : ramet__tls_result(t, r);
}

ssize_t ramet__tls_read(struct tls_layer *t, void *buf, size_t size)
{
	struct io io;
	ssize_t n = ramet__tls_call_on(t, &io, WAIT_READ);

	while (n == 0) {
		n = read_some(t, &io, buf, size);
		if (n != -EAGAIN)
			break;
		n = ramet__tls_wait(t, &io);
	}
	if (n >= 0)
		pass_on(&io, WAIT_READ);
	return ramet__tls_call_end(t, n);
}

bool ramet__tls_pending(struct tls_layer *t)
{
	char byte;
	int r;

	if (!t->ready || t->broken)
		return true;
	if (ramet__ssl.SSL_pending(t->ssl) > 0)
		return true;
	if (!ramet__ssl.SSL_has_pending(t->ssl))
		return false;
	/* A record has come, or a part of one. */
	t->io = NULL;
	t->sealed = true;
	ramet__crypto.ERR_clear_error();
	r = ramet__ssl.SSL_peek(t->ssl, &byte, 1);
	if (r <= 0)
		r = ramet__tls_result(t, r);
	t->sealed = false;
	return r != -EAGAIN;
}

/* ---- write -------------------------------------------------------------- */

static int begin_write(struct tls_layer *t, struct io *io)
{
	int err = ramet__tls_call_on(t, io, WAIT_WRITE);

	if (err == 0 && t->mute) {
		ramet__tls_say("nothing can be written after the end");
		err = -EPIPE;
	}
	return err == 0 ? ramet__tls_flush(t, io) : err;
}

/* One record, and what had to wait before it.  With more to come it may wait
 * for that. */
static int write_record(struct tls_layer *t, struct io *io, const void *data,
			size_t size, bool more)
{
	int r;

	t->io = io;
	t->more = more;
	ramet__crypto.ERR_clear_error();
	r = ramet__ssl.SSL_write(t->ssl, data, (int)size);
	t->more = false;
	if (r <= 0) {
		r = ramet__tls_result(t, r);
		return r < 0 && r != -EAGAIN ? r : -EPIPE;
	}
	return tls_has_output(t) && !more ? ramet__tls_flush(t, io) : 0;
}

/* Short pieces share a record, with the beginning of a long one. */
static __attribute__((noinline)) ssize_t write_together(struct tls_layer *t,
							struct io *io,
							const struct iovs *v)
{
	char data[TOGETHER];
	size_t size = 0, total = iov_total(v->next, v->count);
	int err;

	for (size_t i = 0; i < v->count && size < sizeof data; i++) {
		const struct iovec *piece = &v->next[i];
		size_t some = piece->iov_len;

		if (some > sizeof data - size)
			some = sizeof data - size;
		memcpy(data + size, piece->iov_base, some);
		size += some;
	}
	err = write_record(t, io, data, size, size < total);
	return err < 0 ? err : (ssize_t)size;
}

static ssize_t write_next(struct tls_layer *t, struct io *io,
			  const struct iovs *v)
{
	size_t size = v->next->iov_len, rest;
	int err;

	if (size < TOGETHER && v->count > 1)
		return write_together(t, io, v);
	if (size > RECORD)
		size = RECORD;
	/* What is short after it shares the system call. */
	rest = iov_total(v->next, v->count) - size;
	err = write_record(t, io, v->next->iov_base, size,
			   rest && rest < TOGETHER);
	return err < 0 ? err : (ssize_t)size;
}

/* Before each record others may run, if it is their turn. */
static ssize_t write_all(struct tls_layer *t, struct io *io, struct iovs *v)
{
	ssize_t done = 0;

	iovs_skip(v, 0); /* empty ones */
	while (v->count) {
		ssize_t n = write_next(t, io, v);

		if (n < 0)
			return n;
		done += n;
		iovs_skip(v, (size_t)n);
		n = v->count ? ramet__tls_go_on(t, io) : 0;
		if (n < 0)
			return n;
	}
	return done;
}

ssize_t ramet__tls_writev(struct tls_layer *t, struct iovec *iov, size_t count)
{
	struct iovs v = {.next = iov, .count = count};
	struct io io;
	ssize_t n = begin_write(t, &io);

	if (n == 0)
		n = t->kernel ? ramet__ktls_writev(t, &io, &v)
			      : write_all(t, &io, &v);
	if (n >= 0)
		pass_on(&io, WAIT_WRITE);
	return ramet__tls_call_end(t, n);
}

static ssize_t write_part(struct tls_layer *t, struct io *io, struct io *in,
			  struct iovec part, off_t offset)
{
	ssize_t n = ramet__file_readv(in, &part, 1, offset);
	int err;

	if (n <= 0)
		return n;
	err = ramet__tls_go_on(t, io);
	if (err == 0)
		err = write_record(t, io, part.iov_base, (size_t)n, false);
	return err < 0 ? err : n;
}

static ssize_t write_file(struct tls_layer *t, struct io *io, struct io *in,
			  off_t offset, size_t size)
{
	char *data = kernel_alloc(size < RECORD ? size + 1 : RECORD);
	size_t done = 0;
	ssize_t n = data ? 1 : -ENOMEM;

	while (n > 0 && done < size) {
		struct iovec part = {data, size - done < RECORD ? size - done
								: RECORD};

		n = write_part(t, io, in, part, offset + (off_t)done);
		if (n > 0)
			done += (size_t)n;
	}
	kernel_free(data);
	return n < 0 ? n : (ssize_t)done;
}

static ssize_t read_and_write(struct tls_layer *t, struct io *io, int fd,
			      off_t offset, size_t size)
{
	struct io in;
	/* What can be read of a socket is no matter. */
	int err = ramet__io_begin(&in, fd, WAIT_WRITE);

	if (err == 0 && offset < 0)
		err = -EINVAL;
	return err < 0 ? err : write_file(t, io, &in, offset, size);
}

ssize_t ramet__tls_sendfile(struct tls_layer *t, int fd, off_t offset,
			    size_t size)
{
	struct io io;
	ssize_t n = begin_write(t, &io);

	if (n == 0)
		n = t->kernel ? ramet__ktls_sendfile(t, &io, fd, offset, size)
			      : read_and_write(t, &io, fd, offset, size);
	if (n >= 0)
		pass_on(&io, WAIT_WRITE);
	return ramet__tls_call_end(t, n);
}

/* ---- the end ------------------------------------------------------------ */

/* Say that this is our end.  What OpenSSL says of it depends on whether the
 * peer has said so too. */
static int say_goodbye(struct tls_layer *t, struct io *io)
{
	int r;

	t->io = io;
	ramet__crypto.ERR_clear_error();
	r = ramet__ssl.SSL_shutdown(t->ssl);
	if (r < 0)
		r = ramet__tls_result(t, r);
	return r < 0 && r != -EAGAIN ? r : 0;
}

static int shut(struct tls_layer *t, struct io *io)
{
	int err = t->mute ? 0 : ramet__tls_flush(t, io);

	if (err == 0 && !t->mute && t->kernel)
		err = ramet__ktls_settle(t, io);
	if (err < 0 || t->mute)
		return err;
	err = say_goodbye(t, io);
	if (err == 0)
		err = ramet__tls_flush(t, io);
	if (err < 0)
		return err;
	t->mute = true;
	return kernel_shutdown(t->number, SHUT_WR);
}

int ramet__tls_shutdown(struct tls_layer *t)
{
	struct io io;
	int err = ramet__tls_call_on(t, &io, WAIT_WRITE);

	if (err == 0)
		err = shut(t, &io);
	return (int)ramet__tls_call_end(t, err);
}

/* Tickets that nobody has read would make of a close a reset, which may destroy
 * what the peer has not read yet. */
static void drop_input(const struct tls_layer *t)
{
	char tickets[1024];

	if (!t->tls->server && !t->ended)
		kernel_recvfrom(t->number, tickets, sizeof tickets,
				MSG_DONTWAIT, NULL, NULL);
}

void ramet__tls_abort(struct tls_layer *t)
{
	t->mute = true;
}

void ramet__tls_close(struct tls_layer *t)
{
	t->closed = true;
	if (ramet__number_is(t->number, t->generation)) {
		if (t->ready && !t->broken && !t->mute && !tls_has_output(t))
			say_goodbye(t, NULL);
		if (t->ready)
			drop_input(t);
	}
	ramet__tls_call_end(t, 0);
}
