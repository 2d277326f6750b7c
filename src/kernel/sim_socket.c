/* sim_socket.c - making sockets, and what can be asked of them. */
#include "kernel/sim_state.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

/* ---- making ------------------------------------------------------------- */

static bool known(int family, int type)
{
	if (family != AF_INET && family != AF_INET6 && family != AF_UNIX)
		return false;
	return type == SOCK_STREAM || type == SOCK_DGRAM ||
	       (type == SOCK_SEQPACKET && family == AF_UNIX);
}

/* type may have SOCK_NONBLOCK in it. */
struct sim_file *sim_socket_file(int family, int type)
{
	int plain = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct sim_file *f = sim_file_new(plain == SOCK_STREAM  ? SIM_STREAM
					  : plain == SOCK_DGRAM ? SIM_DATAGRAM
								: SIM_SEQPACKET,
					  type);

	f->family = family;
	f->type = plain;
	return f;
}

int sim_socket(int family, int type)
{
	struct sim_file *f;
	int fd;

	if (!known(family, type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)))
		return -EAFNOSUPPORT;
	f = sim_socket_file(family, type);
	fd = sim_fd_new(f);
	if (fd < 0)
		sim_file_free(f);
	return fd;
}

static void make_end(struct sim_file *f, struct sim_file *peer)
{
	f->peer = peer;
	if (f->kind == SIM_STREAM)
		sim_flow_init(&f->in, SIM->room);
	if (f->kind != SIM_DATAGRAM)
		f->phase = SIM_CONNECTED;
}

void sim_join(struct sim_file *a, struct sim_file *b)
{
	make_end(a, b);
	make_end(b, a);
}

int sim_socketpair(int family, int type, int fds[2])
{
	struct sim_file *a, *b;

	if (family != AF_UNIX)
		return -EOPNOTSUPP;
	if (!known(family, type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC)))
		return -EAFNOSUPPORT;
	a = sim_socket_file(family, type);
	b = sim_socket_file(family, type);
	sim_join(a, b);
	return sim_fd_pair(a, b, fds);
}

int sim_listen(struct sim_file *f, int backlog)
{
	if (f->kind == SIM_DATAGRAM)
		return -EOPNOTSUPP;
	if (f->phase != SIM_FRESH && f->phase != SIM_LISTENS)
		return -EINVAL;
	if (!f->name.size && f->family == AF_UNIX)
		return -EINVAL;
	sim_bind_any(f);
	f->phase = SIM_LISTENS;
	f->backlog = backlog < SIM->backlog ? backlog : SIM->backlog;
	if (f->backlog < 1)
		f->backlog = 1;
	return 0;
}

int sim_shutdown(struct sim_file *f, int how)
{
	if (how < SHUT_RD || how > SHUT_RDWR)
		return -EINVAL;
	if (f->phase == SIM_LISTENS) {
		f->recv_end = how != SHUT_WR;
		sim_changed(f);
		return 0;
	}
	if (f->kind == SIM_DATAGRAM ? !f->peer && !f->peer_name.size
				    : f->phase != SIM_CONNECTED)
		return -ENOTCONN;
	sim_stream_shutdown(f, how);
	return 0;
}

/* ---- options ------------------------------------------------------------ */

static int protocol(const struct sim_file *f)
{
	if (f->family == AF_UNIX)
		return 0;
	return f->kind == SIM_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
}

static int option(struct sim_file *f, int name)
{
	switch (name) {
	case SO_ERROR:
		return -sim_take_error(f);
	case SO_DOMAIN:
		return f->family;
	case SO_TYPE:
		return f->type;
	case SO_PROTOCOL:
		return protocol(f);
	case SO_ACCEPTCONN:
		return f->phase == SIM_LISTENS;
	}
	return 0;
}

int sim_getsockopt(struct sim_file *f, int level, int name, void *value,
		   socklen_t *size)
{
	int n = level == SOL_SOCKET ? option(f, name) : 0;

	if (*size > sizeof n)
		*size = sizeof n;
	memcpy(value, &n, *size);
	return 0;
}

/* Taken; few change anything. */
int sim_setsockopt(struct sim_file *f, int level, int name, const void *value,
		   socklen_t size)
{
	struct linger linger;
	int on = 0;

	if (level == IPPROTO_TCP && name == TCP_ULP)
		return -ENOENT; /* nothing encrypts here */
	memcpy(&on, value, size < sizeof on ? size : sizeof on);
	if (level == SOL_SOCKET && name == SO_REUSEPORT)
		f->reuse_port = on;
	if (level == SOL_SOCKET && name == SO_LINGER && size >= sizeof linger) {
		memcpy(&linger, value, sizeof linger);
		f->linger_zero = linger.l_onoff && !linger.l_linger;
	}
	return 0;
}
