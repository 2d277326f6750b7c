/* bio.c - the socket under OpenSSL: it never waits, and takes all it is given.
 *
 * That all of a record is taken means that who is cancelled while it goes out
 * leaves a connection that can be used: the rest goes out before anything else
 * does.
 */
#include "net/tls/state.h"

#include "kernel/calls.h"

#include <string.h>

enum {
	ROOM_LEAST = 5 * 1024,
	/* What a peer can make us answer that does not read answers. */
	ROOM_MOST = 128 * 1024,
};

/* ---- out ---------------------------------------------------------------- */

static ssize_t send_some(const struct tls_layer *t, const char *data,
			 size_t size)
{
	ssize_t n;

	do
		n = kernel_sendto(t->number, data, size,
				  MSG_DONTWAIT | MSG_NOSIGNAL, NULL, 0);
	while (n == -EINTR);
	return n;
}

static int make_room(struct tls_layer *t, size_t size)
{
	size_t have = t->out_end - t->out_start, room = ROOM_LEAST;
	char *out;

	if (size <= t->out_room - t->out_end)
		return 0;
	while (room < have + size)
		room *= 2;
	if (room > ROOM_MOST)
		return -ENOBUFS;
	out = kernel_alloc(room);
	if (!out)
		return -ENOMEM;
	if (have)
		memcpy(out, t->out + t->out_start, have);
	kernel_free(t->out);
	t->out = out;
	t->out_start = 0;
	t->out_end = have;
	t->out_room = room;
	return 0;
}

int ramet__tls_put_aside(struct tls_layer *t, const char *data, size_t size)
{
	int err = make_room(t, size);

	if (err < 0)
		return err;
	memcpy(t->out + t->out_end, data, size);
	t->out_end += size;
	return 0;
}

/* What was put aside goes before it, in one system call. */
static ssize_t send_both(struct tls_layer *t, char *data, size_t size)
{
	size_t aside = t->out_end - t->out_start;
	struct iovec iov[2] = {{NULL, aside}, {data, size}};
	struct msghdr msg = {.msg_iov = iov, .msg_iovlen = 2};
	ssize_t n;

	if (aside == 0)
		return send_some(t, data, size);
	iov[0].iov_base = t->out + t->out_start;
	do
		n = kernel_sendmsg(t->number, &msg,
				   MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n == -EINTR);
	if (n < 0)
		return n;
	if ((size_t)n < aside) {
		t->out_start += (size_t)n;
		return 0;
	}
	t->out_start = t->out_end = 0;
	return n - (ssize_t)aside;
}

/* Now, or after what was put aside. */
static int take(struct tls_layer *t, const char *data, size_t size)
{
	ssize_t n = 0;

	if (!t->more)
		n = send_both(t, (char *)(uintptr_t)data, size);
	if (n == -EAGAIN)
		n = 0;
	if (n < 0 || (size_t)n == size)
		return n < 0 ? (int)n : 0;
	return ramet__tls_put_aside(t, data + n, size - (size_t)n);
}

static int bio_write(BIO *b, const char *data, int size)
{
	struct tls_layer *t = ramet__crypto.BIO_get_data(b);
	int err;

	if (t->mute)
		return size;
	err = t->kernel ? ramet__ktls_say(t, data, (size_t)size)
			: take(t, data, (size_t)size);
	if (err == 0)
		return size;
	t->bio_err = err;
	return -1;
}

static ssize_t send_aside(struct tls_layer *t)
{
	ssize_t n =
		send_some(t, t->out + t->out_start, t->out_end - t->out_start);

	if (n > 0)
		t->out_start += (size_t)n;
	return n;
}

int ramet__tls_flush(struct tls_layer *t, struct io *io)
{
	ssize_t n = 0;

	while (n >= 0 && tls_has_output(t)) {
		n = t->kernel ? ramet__ktls_send_aside(t) : send_aside(t);
		if (n == -EAGAIN) {
			io->wait = WAIT_WRITE;
			n = ramet__tls_wait(t, io);
			if (n < 0)
				return (int)n;
		}
	}
	if (n < 0)
		t->broken = (int)n;
	else
		t->out_start = t->out_end = 0;
	return n < 0 ? (int)n : 0;
}

/* ---- in ----------------------------------------------------------------- */

static int again(BIO *b)
{
	ramet__crypto.BIO_set_flags(b, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
	return -1;
}

static void note_first(struct tls_layer *t, const char *buf, size_t n)
{
	while (t->seen < sizeof t->first && n--)
		t->first[t->seen++] = *buf++;
}

static int bio_read(BIO *b, char *buf, int size)
{
	struct tls_layer *t = ramet__crypto.BIO_get_data(b);
	ssize_t n;

	ramet__crypto.BIO_clear_flags(b,
				      BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
	if (t->sealed || (t->io && t->io->fd->drained))
		return again(b);
	do
		n = kernel_recvfrom(t->number, buf, (size_t)size, MSG_DONTWAIT,
				    NULL, NULL);
	while (n == -EINTR);
	if (n == -EAGAIN)
		return again(b);
	if (n > 0 && t->io)
		ramet__io_read_done(t->io, n, (size_t)size);
	if (n > 0 && t->seen < sizeof t->first)
		note_first(t, buf, (size_t)n);
	if (n < 0)
		t->bio_err = (int)n;
	t->ended = n == 0;
	return n < 0 ? -1 : (int)n;
}

/* For kTLS, numbers that OpenSSL's headers keep to themselves; what is received
 * is not left to the kernel: ADR 0028. */
enum {
	SET_KTLS = 72,      /* with keys; for sending if the number is not 0 */
	SET_KTLS_TYPE = 74, /* of what is written next */
	CLEAR_KTLS_TYPE = 75,
};

static long bio_ctrl(BIO *b, int what, long number, void *arg)
{
	struct tls_layer *t = ramet__crypto.BIO_get_data(b);

	switch (what) {
	case BIO_CTRL_EOF:
		return t->ended;
	case BIO_CTRL_FLUSH:
		t->type = 0;
		return 1;
	case SET_KTLS:
		return number != 0 && ramet__ktls_start(t, arg);
	case BIO_CTRL_GET_KTLS_SEND:
		return t->kernel;
	case SET_KTLS_TYPE:
		t->type = (uint8_t)number;
		return 0;
	case CLEAR_KTLS_TYPE:
		t->type = 0;
		return 0;
	default:
		return 0;
	}
}

/* ---- the kind ----------------------------------------------------------- */

static BIO_METHOD *new_method(void)
{
	int type = ramet__crypto.BIO_get_new_index();
	BIO_METHOD *m =
		type < 0 ? NULL
			 : ramet__crypto
				   .BIO_meth_new(type | BIO_TYPE_SOURCE_SINK,
						 "ramet");

	if (m && ramet__crypto.BIO_meth_set_write(m, bio_write) &&
	    ramet__crypto.BIO_meth_set_read(m, bio_read) &&
	    ramet__crypto.BIO_meth_set_ctrl(m, bio_ctrl))
		return m;
	ramet__crypto.BIO_meth_free(m);
	return NULL;
}

/* One for the process, made when it is first needed. */
static BIO_METHOD *the_method(void)
{
	static BIO_METHOD *method; /* atomic */
	BIO_METHOD *m = __atomic_load_n(&method, __ATOMIC_ACQUIRE),
		   *none = NULL;

	if (m)
		return m;
	m = new_method();
	if (!m ||
	    __atomic_compare_exchange_n(&method, &none, m, false,
					__ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return m;
	ramet__crypto.BIO_meth_free(m);
	return none;
}

BIO *ramet__tls_bio(struct tls_layer *t)
{
	BIO_METHOD *m = the_method();
	BIO *b = m ? ramet__crypto.BIO_new(m) : NULL;

	if (b) {
		ramet__crypto.BIO_set_data(b, t);
		ramet__crypto.BIO_set_init(b, 1);
	}
	return b;
}
