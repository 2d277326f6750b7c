/* system.c - libc's look-ups take as long as name servers do, so a helper makes
 * them; who has asked may leave meanwhile, so nothing in them is the caller's.
 */
#include "net/names/system.h"

#include "kernel/libc.h"
#include "net/names/list.h"
#include "task/lane.h"

#include <stdio.h>
#include <string.h>

/* Returns 0: c is back; or -errno, and it is gone. */
static int perform(struct loop *l, struct lane_call *c)
{
	int err = ramet__lane_send(l, c);

	if (err < 0) {
		c->free(c);
		return err;
	}
	err = ramet__lane_wait(l, c);
	if (err < 0)
		ramet__lane_leave(l, c);
	return err;
}

static int failed(int error, int *err)
{
	*err = error;
	return error == -ENOMEM ? EAI_MEMORY : EAI_SYSTEM;
}

/* libc's own, past the names that `ramet run` has taken. */
static void *libc_symbol(const char *name, void *by_name)
{
	void *own = kernel_libc_symbol(name);

	return own ? own : by_name;
}

/* ---- names to addresses ------------------------------------------------- */

struct forward {
	struct lane_call call;
	const char *node, *service;
	struct addrinfo hints, *result;
	bool hinted;
	int error, error_number;
	char text[];
};

static void run_forward(struct lane_call *c)
{
	struct forward *f = container_of(c, struct forward, call);
	__typeof__(getaddrinfo) *look_up =
		libc_symbol("getaddrinfo", getaddrinfo);

	f->error = look_up(f->node, f->service, f->hinted ? &f->hints : NULL,
			   &f->result);
	f->error_number = errno;
	if (f->error)
		f->result = NULL;
}

static void free_forward(struct lane_call *c)
{
	struct forward *f = container_of(c, struct forward, call);

	if (f->result)
		freeaddrinfo(f->result);
	kernel_free(f);
}

static size_t room_for(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static struct forward *forward_new(const char *node, const char *service,
				   const struct addrinfo *hints)
{
	struct forward *f =
		kernel_alloc(sizeof *f + room_for(node) + room_for(service));

	if (!f)
		return NULL;
	f->call.run = run_forward;
	f->call.free = free_forward;
	if (node)
		f->node = memcpy(f->text, node, room_for(node));
	if (service)
		f->service = memcpy(f->text + room_for(node), service,
				    room_for(service));
	f->hinted = hints != NULL;
	if (hints) /* only these are read */
		f->hints = (struct addrinfo){.ai_flags = hints->ai_flags,
					     .ai_family = hints->ai_family,
					     .ai_socktype = hints->ai_socktype,
					     .ai_protocol = hints->ai_protocol};
	return f;
}

int ramet__system_addrinfo(struct loop *l, const char *node,
			   const char *service, const struct addrinfo *hints,
			   struct addrinfo **result, int *err)
{
	struct forward *f = forward_new(node, service, hints);
	int error = f ? perform(l, &f->call) : -ENOMEM;

	if (error < 0)
		return failed(error, err);
	error = f->error;
	*err = -f->error_number;
	if (error == 0)
		error = ramet__addrinfo_copy(f->result, result);
	free_forward(&f->call);
	return error;
}

/* ---- the older calls ---------------------------------------------------- */

struct host {
	struct lane_call call;
	const char *name; /* NULL: by address */
	uint8_t addr[16];
	int family;
	struct hostent host, *result;
	char *buf;
	int ret, error;
	char text[];
};

static int host_once(struct host *h, size_t room)
{
	__typeof__(gethostbyname2_r) *by_name =
		libc_symbol("gethostbyname2_r", gethostbyname2_r);
	__typeof__(gethostbyaddr_r) *by_addr =
		libc_symbol("gethostbyaddr_r", gethostbyaddr_r);

	return h->name ? by_name(h->name, h->family, &h->host, h->buf, room,
				 &h->result, &h->error)
		       : by_addr(h->addr, h->family == AF_INET ? 4 : 16,
				 h->family, &h->host, h->buf, room, &h->result,
				 &h->error);
}

static void run_host(struct lane_call *c)
{
	enum { FIRST = 1024, LAST = 1 << 20 };
	struct host *h = container_of(c, struct host, call);

	h->ret = ERANGE;
	for (size_t room = FIRST; h->ret == ERANGE && room <= LAST; room *= 4) {
		kernel_free(h->buf);
		h->buf = kernel_alloc(room);
		h->ret = h->buf ? host_once(h, room) : ENOMEM;
	}
}

static void free_host(struct lane_call *c)
{
	struct host *h = container_of(c, struct host, call);

	kernel_free(h->buf);
	kernel_free(h);
}

static struct host *host_new(const char *name, const void *addr, int family)
{
	struct host *h = kernel_alloc(sizeof *h + room_for(name));

	if (!h)
		return NULL;
	h->call.run = run_host;
	h->call.free = free_host;
	h->family = family;
	if (name)
		h->name = memcpy(h->text, name, room_for(name));
	else
		memcpy(h->addr, addr, family == AF_INET ? 4 : 16);
	return h;
}

static int take_host(const struct host *h, struct found *f)
{
	int error = 0;

	snprintf(f->name, sizeof f->name, "%s", h->host.h_name);
	for (char **a = h->host.h_aliases; error == 0 && *a; a++)
		error = ramet__found_alias(f, *a);
	for (char **a = h->host.h_addr_list; error == 0 && *a; a++)
		error = ramet__found_add(f, h->host.h_addrtype, *a, 0);
	return error;
}

/* What libc says, as one of the EAI_ codes. */
static int host_code(const struct host *h, int *err)
{
	switch (h->error) {
	case HOST_NOT_FOUND:
		return EAI_NONAME;
	case NO_DATA:
		return EAI_NODATA;
	case NO_RECOVERY:
		return EAI_FAIL;
	case TRY_AGAIN:
		return EAI_AGAIN;
	}
	return failed(h->ret ? -h->ret : -EIO, err);
}

int ramet__system_host(struct loop *l, const char *name, const void *addr,
		       int family, struct found *f, int *err)
{
	struct host *h = host_new(name, addr, family);
	int error = h ? perform(l, &h->call) : -ENOMEM;

	if (error < 0)
		return failed(error, err);
	error = h->ret == 0 && h->result ? take_host(h, f) : host_code(h, err);
	free_host(&h->call);
	return error;
}

/* ---- addresses to names ------------------------------------------------- */

struct reverse {
	struct lane_call call;
	struct sockaddr_storage addr;
	socklen_t size, host_room, service_room;
	int flags, error, error_number;
	char host[NI_MAXHOST], service[NI_MAXSERV];
};

static void run_reverse(struct lane_call *c)
{
	struct reverse *r = container_of(c, struct reverse, call);
	__typeof__(getnameinfo) *look_up =
		libc_symbol("getnameinfo", getnameinfo);

	r->error = look_up((const struct sockaddr *)&r->addr, r->size,
			   r->host_room ? r->host : NULL, r->host_room,
			   r->service_room ? r->service : NULL, r->service_room,
			   r->flags);
	r->error_number = errno;
}

static void free_reverse(struct lane_call *c)
{
	kernel_free(container_of(c, struct reverse, call));
}

static socklen_t at_most(socklen_t size, size_t room)
{
	return size < room ? size : (socklen_t)room;
}

static struct reverse *reverse_new(const struct sockaddr *addr, socklen_t size,
				   socklen_t host_room, socklen_t service_room,
				   int flags)
{
	struct reverse *r = kernel_alloc(sizeof *r);

	if (!r)
		return NULL;
	r->call.run = run_reverse;
	r->call.free = free_reverse;
	r->size = at_most(size, sizeof r->addr);
	memcpy(&r->addr, addr, r->size);
	r->flags = flags;
	r->host_room = at_most(host_room, sizeof r->host);
	r->service_room = at_most(service_room, sizeof r->service);
	return r;
}

int ramet__system_nameinfo(struct loop *l, const struct sockaddr *addr,
			   socklen_t size, char *host, socklen_t host_room,
			   char *service, socklen_t service_room, int flags,
			   int *err)
{
	struct reverse *r =
		reverse_new(addr, size, host_room, service_room, flags);
	int error = r ? perform(l, &r->call) : -ENOMEM;

	if (error < 0)
		return failed(error, err);
	error = r->error;
	*err = -r->error_number;
	if (error == 0 && host_room)
		memcpy(host, r->host, strlen(r->host) + 1);
	if (error == 0 && service_room)
		memcpy(service, r->service, strlen(r->service) + 1);
	free_reverse(&r->call);
	return error;
}
