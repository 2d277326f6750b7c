/* dial.c - connect to an address, or to the first address of a name that
 * answers.
 *
 * Of a name's addresses some may lead nowhere, which takes minutes to find out:
 * each is given 250 ms before the next is tried as well.
 */
#include "net/dial.h"

#include "core/core.h"
#include "io/address.h"
#include "io/sock.h"
#include "kernel/calls.h"
#include "net/names/names.h"
#include "ramet/io.h"
#include "ramet/net.h"

#include <stdio.h>
#include <string.h>

/* ---- names -------------------------------------------------------------- */

/* errno for what a look-up says. */
static int failed(int error, int err)
{
	switch (error) {
	case EAI_SYSTEM:
		return err;
	case EAI_MEMORY:
		return -ENOMEM;
	case EAI_NONAME:
	case EAI_NODATA:
	case EAI_ADDRFAMILY:
		return -ENXIO;
	}
	return -EHOSTUNREACH;
}

/* ---- happy eyeballs (RFC 8305) ------------------------------------------ */

enum {
	ATTEMPTS_MAX = 64,
	ATTEMPT_DELAY_NS = 250 * 1000 * 1000, /* RFC 8305, 5 */
};

/* Attempts to connect, side by side; who comes first has won. */
struct race {
	struct loop *loop;
	const struct addrinfo *order[ATTEMPTS_MAX];
	size_t count, begun;
	struct pollfd pending[ATTEMPTS_MAX];
	size_t pending_count;
	int winner; /* -1: none yet */
	int error;  /* the first one */
	int64_t next_at;
};

/* The families take turns, that of the preferred address begins (RFC 8305, 4).
 */
static void line_up(struct race *r, const struct addrinfo *list)
{
	const struct addrinfo *same = list, *other = list;

	while (r->count < ATTEMPTS_MAX && (same || other)) {
		while (same && same->ai_family != list->ai_family)
			same = same->ai_next;
		while (other && other->ai_family == list->ai_family)
			other = other->ai_next;
		if (same) {
			r->order[r->count++] = same;
			same = same->ai_next;
		}
		if (other && r->count < ATTEMPTS_MAX) {
			r->order[r->count++] = other;
			other = other->ai_next;
		}
	}
}

/* The socket of an attempt has said how it ended. */
static void end_attempt(struct race *r, int fd, int err)
{
	if (err == 0 && r->winner < 0) {
		r->winner = fd;
		return;
	}
	ramet__close(fd);
	if (err < 0 && !r->error)
		r->error = err;
	r->next_at = r->loop->now; /* the next need not wait */
}

static void begin_attempt(struct race *r)
{
	const struct addrinfo *a = r->order[r->begun++];
	struct sockaddr_storage addr = {0};
	int fd, err;

	memcpy(&addr, a->ai_addr, a->ai_addrlen);
	r->next_at = time_add(r->loop->now, ATTEMPT_DELAY_NS);
	fd = ramet__address_socket(&addr, a->ai_socktype);
	if (fd < 0) {
		r->error = r->error ? r->error : fd;
		r->next_at = r->loop->now;
		return;
	}
	err = kernel_connect(fd, a->ai_addr, a->ai_addrlen);
	if (err == -EINPROGRESS || err == -EINTR)
		r->pending[r->pending_count++] =
			(struct pollfd){fd, POLLOUT, 0};
	else
		end_attempt(r, fd, err);
}

static int error_of(int fd)
{
	int error = 0;
	socklen_t size = sizeof error;
	int err = kernel_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size);

	return err < 0 ? err : -error;
}

static void look(struct race *r)
{
	size_t left = 0;

	for (size_t i = 0; i < r->pending_count; i++) {
		struct pollfd p = r->pending[i];

		if (p.revents)
			end_attempt(r, p.fd, error_of(p.fd));
		else
			r->pending[left++] = p;
	}
	r->pending_count = left;
}

/* Until an attempt ends or it is time for the next. */
static int wait_for_one(struct race *r)
{
	bool last = r->begun == r->count;
	struct ramet_scope scope;
	int n;

	ramet_scope_open(&scope,
			 last ? RAMET_NEVER : r->next_at - r->loop->now);
	n = ramet__sock_poll(r->pending, r->pending_count);
	ramet_scope_close(&scope);
	r->loop->now = kernel_now();
	if (n > 0)
		look(r);
	return n > 0 ? 0 : n == -ETIMEDOUT ? ramet__interrupted(r->loop) : n;
}

static int run(struct race *r)
{
	int err = 0;

	while (err == 0 && r->winner < 0) {
		if (r->begun < r->count &&
		    (!r->pending_count || r->loop->now >= r->next_at))
			begin_attempt(r);
		else if (r->pending_count)
			err = wait_for_one(r);
		else
			err = r->error ? r->error : -ENXIO;
	}
	for (size_t i = 0; i < r->pending_count; i++)
		ramet__close(r->pending[i].fd);
	return r->winner >= 0 ? r->winner : err;
}

static int dial_list(struct loop *l, const struct addrinfo *list)
{
	struct race *r;
	int err = ramet__interrupted(l);

	if (err < 0)
		return err;
	r = kernel_alloc(sizeof *r);
	if (!r)
		return -ENOMEM;
	r->loop = l;
	r->winner = -1;
	l->now = kernel_now();
	line_up(r, list);
	err = run(r);
	kernel_free(r);
	return err;
}

static int dial_name(struct loop *l, const char *host, uint16_t port, int type)
{
	struct addrinfo hints = {.ai_socktype = type,
				 .ai_flags = AI_NUMERICSERV};
	struct addrinfo *list;
	char service[8];
	int error, err = 0;

	snprintf(service, sizeof service, "%u", port);
	error = ramet__names_addrinfo(l, host, service, &hints, &list, &err);
	if (error)
		return failed(error, err);
	err = dial_list(l, list);
	ramet_freeaddrinfo(list);
	return err;
}

/* ---- strings ------------------------------------------------------------ */

enum { HOST_MAX = 253 }; /* RFC 1035, 2.3.4: 255 octets on the wire */

/* Letters, digits, hyphens, dots, and what else is seen in practice.  What ends
 * in a number is a mistyped address. */
static bool is_host(const char *text, size_t size)
{
	bool number = true;

	for (size_t i = 0; i < size; i++) {
		if (!strchr("abcdefghijklmnopqrstuvwxyz"
			    "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.",
			    text[i]))
			return false;
		if (text[i] == '.' && i + 1 < size)
			number = true;
		else if (text[i] != '.' && (text[i] < '0' || text[i] > '9'))
			number = false;
	}
	return !number && size <= HOST_MAX + 1;
}

/* "tcp://name:port" or "udp://name:port". */
static int dial_text(struct loop *l, const char *text)
{
	bool stream = strncmp(text, "tcp://", 6) == 0;
	char host[HOST_MAX + 2];
	const char *colon;
	size_t size;
	int port;

	if (!stream && strncmp(text, "udp://", 6))
		return -EINVAL;
	text += 6;
	colon = strrchr(text, ':');
	port = colon ? ramet__address_port(colon + 1) : -EINVAL;
	size = colon ? (size_t)(colon - text) : 0;
	if (port < 0 || !is_host(text, size))
		return -EINVAL;
	memcpy(host, text, size);
	host[size] = '\0';
	return dial_name(l, host, (uint16_t)port,
			 stream ? SOCK_STREAM : SOCK_DGRAM);
}

int ramet__dial(const char *address)
{
	struct loop *l = ramet__loop();
	struct sockaddr_storage addr;
	socklen_t size;
	int type;

	if (!l)
		return -ENOMEM;
	type = ramet__address(address, &addr, &size);
	if (type >= 0)
		return ramet__address_dial(&addr, size, type);
	return address ? dial_text(l, address) : -EINVAL;
}

int ramet__dial_host(const char *host, uint16_t port)
{
	struct loop *l = ramet__loop();

	return l ? dial_name(l, host, port, SOCK_STREAM) : -ENOMEM;
}

int ramet_dial(const char *address)
{
	return (int)ramet__ret(ramet__dial(address));
}
