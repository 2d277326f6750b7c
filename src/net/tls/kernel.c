/* kernel.c - what we send, encrypted by the kernel (kTLS): data and files go
 * past OpenSSL, and what it says itself comes through its BIO and goes out as
 * records of their types.
 *
 * The kernel takes a record whole before TCP has room for it, and drops at a
 * close what TCP has not had room for.  So who has written waits until the
 * socket is writable again: that is room for the rest and for a goodbye.
 */
#include "net/tls/state.h"

#include "io/iov.h"
#include "kernel/calls.h"

#include <limits.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

enum {
	HEAD = 5, /* of what is put aside: as a record's, RFC 8446, 5.1 */
	RECORD_MOST = 16384,
	KEY_UPDATE = 24, /* RFC 8446, 4 */
	/* A socket is writable with a third of its room free, and what it holds
	 * takes more than its length. */
	SHARE = 8,
};

/* ---- whether it does ---------------------------------------------------- */

/* No socket can be of TLS before it is connected: ENOTCONN is a yes.  Asking
 * has the kernel load its module, which takes a while. */
static int ask(void)
{
	int fd = kernel_socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), err;

	if (fd < 0)
		return fd;
	err = kernel_setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", 4);
	kernel_close(fd);
	return err;
}

bool ramet__ktls_offered(void)
{
	static int known; /* atomic: 0, or as ask() */
	const char *wish = kernel_getenv("RAMET_KTLS");
	int is = __atomic_load_n(&known, __ATOMIC_RELAXED);

	if (wish && strcmp(wish, "0") == 0)
		return false;
	if (is == 0)
		is = ask();
	if (is == -ENOTCONN || is == -ENOENT || is == -ENOPROTOOPT)
		__atomic_store_n(&known, is, __ATOMIC_RELAXED);
	return is == -ENOTCONN;
}

static socklen_t size_of(const struct tls_crypto_info *info)
{
	switch (info->cipher_type) {
	case TLS_CIPHER_AES_GCM_128:
		return sizeof(struct tls12_crypto_info_aes_gcm_128);
	case TLS_CIPHER_AES_GCM_256:
		return sizeof(struct tls12_crypto_info_aes_gcm_256);
	case TLS_CIPHER_CHACHA20_POLY1305:
		return sizeof(struct tls12_crypto_info_chacha20_poly1305);
	default:
		return 0;
	}
}

/* OpenSSL's keys begin as the kernel wants them.  New keys later are those that
 * ramet__ktls_say does not tell the peer of: the old ones stay. */
bool ramet__ktls_start(struct tls_layer *t, const void *keys)
{
	const struct tls_crypto_info *info = keys;
	socklen_t size = size_of(info), room_size = sizeof(int);
	int room = 0;

	if (t->kernel)
		return true;
	if (size == 0 || tls_has_output(t) ||
	    kernel_setsockopt(t->number, IPPROTO_TCP, TCP_ULP, "tls", 4) < 0 ||
	    kernel_setsockopt(t->number, SOL_TLS, TLS_TX, keys, size) < 0)
		return false;
	kernel_getsockopt(t->number, SOL_SOCKET, SO_SNDBUF, &room, &room_size);
	t->settle_after = (size_t)room / SHARE;
	return t->kernel = true;
}

/* ---- what OpenSSL says -------------------------------------------------- */

static ssize_t send_typed(const struct tls_layer *t, uint8_t type,
			  const void *data, size_t size)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof type)];
	} control = {{.cmsg_len = CMSG_LEN(sizeof type),
		      .cmsg_level = SOL_TLS,
		      .cmsg_type = TLS_SET_RECORD_TYPE}};
	struct iovec iov = {(void *)(uintptr_t)data, size};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = CMSG_LEN(sizeof type)};
	ssize_t n;

	*CMSG_DATA(&control.head) = type;
	do
		n = kernel_sendmsg(t->number, &msg,
				   MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n == -EINTR);
	return n;
}

static void put_head(char *at, uint8_t type, size_t size)
{
	const unsigned char head[HEAD] = {type, 3, 3, (uint8_t)(size >> 8),
					  (uint8_t)size};

	memcpy(at, head, HEAD);
}

/* Kernels do not change keys while they encrypt (before Linux 6.14).  So the
 * peer, who may ask for it, is not told that ours have changed. */
static bool is_key_update(uint8_t type, const char *data, size_t size)
{
	return type == SSL3_RT_HANDSHAKE && size && *data == KEY_UPDATE;
}

/* While hands are shaken OpenSSL has a buffer of its own, which may cut. */
static uint8_t type_of_next(struct tls_layer *t)
{
	uint8_t type = t->type ? t->type : SSL3_RT_APPLICATION_DATA;

	if (t->ready)
		t->type = 0;
	return type;
}

int ramet__ktls_say(struct tls_layer *t, const char *data, size_t size)
{
	uint8_t type = type_of_next(t);
	char head[HEAD];
	ssize_t n = 0;
	int err;

	if (is_key_update(type, data, size))
		return 0;
	assert(size <= RECORD_MOST);
	if (!tls_has_output(t))
		n = send_typed(t, type, data, size);
	if (n == -EAGAIN)
		n = 0;
	if (n < 0 || (size_t)n == size)
		return n < 0 ? (int)n : 0;
	put_head(head, type, size - (size_t)n);
	err = ramet__tls_put_aside(t, head, HEAD);
	return err < 0 ? err
		       : ramet__tls_put_aside(t, data + n, size - (size_t)n);
}

/* The first that is there; what is left of it gets a new head. */
ssize_t ramet__ktls_send_aside(struct tls_layer *t)
{
	char *at = t->out + t->out_start;
	size_t size = (size_t)(uint8_t)at[3] << 8 | (uint8_t)at[4];
	uint8_t type = (uint8_t)*at;
	ssize_t n = send_typed(t, type, at + HEAD, size);

	if (n < 0)
		return n;
	t->out_start += (size_t)n;
	if ((size_t)n == size)
		t->out_start += HEAD;
	else
		put_head(at + n, type, size - (size_t)n);
	return n;
}

/* ---- data --------------------------------------------------------------- */

static int is_writable(const struct tls_layer *t)
{
	static const struct timespec at_once = {0, 0};
	struct pollfd p = {.fd = t->number, .events = POLLOUT};
	int n;

	do
		n = kernel_ppoll(&p, 1, &at_once);
	while (n == -EINTR);
	return n;
}

/* Wait until what the kernel has taken is TCP's, or fits. */
int ramet__ktls_settle(struct tls_layer *t, struct io *io)
{
	int n;

	while ((n = is_writable(t)) == 0) {
		io->wait = WAIT_WRITE;
		n = ramet__tls_wait(t, io);
		if (n < 0)
			return n;
	}
	t->unsettled = 0;
	return n < 0 ? n : 0;
}

static int has_written(struct tls_layer *t, struct io *io, size_t size)
{
	t->unsettled += size;
	return t->unsettled >= t->settle_after ? ramet__ktls_settle(t, io) : 0;
}

static ssize_t failed(ssize_t err)
{
	const char *words = strerrordesc_np((int)-err);

	if (err != -ETIMEDOUT && err != -ECANCELED && err != -EBADF)
		ramet__tls_say("%s", words ? words : "");
	return err;
}

static ssize_t send_some(struct tls_layer *t, struct io *io,
			 const struct iovs *v)
{
	struct msghdr msg = {
		.msg_iov = v->next,
		.msg_iovlen = v->count < IOV_MAX ? v->count : IOV_MAX,
	};

	for (;;) {
		ssize_t n = kernel_sendmsg(t->number, &msg,
					   MSG_DONTWAIT | MSG_NOSIGNAL);

		if (n == -EAGAIN) {
			io->wait = WAIT_WRITE;
			n = ramet__tls_wait(t, io);
			if (n < 0)
				return n;
		} else if (n != -EINTR) {
			return n < 0 ? failed(n) : n;
		}
	}
}

ssize_t ramet__ktls_writev(struct tls_layer *t, struct io *io, struct iovs *v)
{
	size_t size = iov_total(v->next, v->count), done = 0;
	int err = 0;

	while (err == 0 && done < size) {
		ssize_t n = send_some(t, io, v);

		if (n < 0)
			return n;
		done += (size_t)n;
		iovs_skip(v, (size_t)n);
		if (done < size)
			err = ramet__tls_go_on(t, io);
	}
	if (err == 0)
		err = has_written(t, io, size);
	return err < 0 ? err : (ssize_t)size;
}

/* A file that ends early may leave a record that more would be added to (by
 * devices, before Linux 6.5).  Any message with a type sends it, an empty one
 * too.
 */
static int end_record(struct tls_layer *t)
{
	ssize_t n = send_typed(t, SSL3_RT_APPLICATION_DATA, NULL, 0);

	return n < 0 && n != -EAGAIN ? (int)failed(n) : 0;
}

ssize_t ramet__ktls_sendfile(struct tls_layer *t, struct io *io, int fd,
			     off_t offset, size_t size)
{
	ssize_t n = ramet__io_sendfile(io, fd, offset, size);
	int err = n < 0 ? (int)n : ramet__tls_still_open(t, io);

	if (err == 0 && (size_t)n < size)
		err = end_record(t);
	if (err == 0)
		err = has_written(t, io, (size_t)n);
	return err < 0 ? err : n;
}
