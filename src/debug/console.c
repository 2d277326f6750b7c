/* console.c - one ramet accepts, and one serves each client.
 *
 * What these ramets wait for does not keep a deadlock from being seen.
 */
#include "debug/console.h"
#include "debug/out.h"

#include "io/sock.h"
#include "kernel/calls.h"
#include "ramet/debug.h"

#include <stdlib.h>
#include <string.h>

enum {
	CLIENTS_MAX = 32,
	RETRY_NS = 100 * 1000 * 1000,
};

struct client {
	struct client *next, **link;
	struct console *console;
	struct ramet *ramet;
	struct talk talk;
};

struct console {
	struct console *next; /* of the process, under lock */
	struct loop *loop;
	struct console_path path;
	struct ramet *ramet; /* who accepts */
	int fd;              /* -1: closed */
	struct client *clients;
	size_t client_count;
	size_t users; /* ramets that have it */
};

static struct console *all;
static int lock;

static void lock_all(void)
{
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static void unlock_all(void)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

static void list(struct console *c)
{
	lock_all();
	c->next = all;
	all = c;
	unlock_all();
}

static void unlist(struct console *c)
{
	struct console **link = &all;

	lock_all();
	while (*link && *link != c)
		link = &(*link)->next;
	if (*link)
		*link = c->next;
	unlock_all();
}

bool ramet__console_serves(const struct loop *l, const struct ramet *t)
{
	const struct console *c = l->console;
	const struct client *client = c ? c->clients : NULL;

	if (c && c->ramet == t)
		return true;
	while (client && client->ramet != t)
		client = client->next;
	return client != NULL;
}

/* ---- lives -------------------------------------------------------------- */

static void put(struct console *c)
{
	if (--c->users == 0)
		kernel_free(c);
}

static void let_go(struct client *cl)
{
	*cl->link = cl->next;
	if (cl->next)
		cl->next->link = cl->link;
	cl->console->client_count--;
	if (cl->talk.fd >= 0)
		ramet__close(cl->talk.fd);
	put(cl->console);
	kernel_free(cl);
}

static void *serve(void *client)
{
	struct client *cl = client;

	ramet__console_talk(&cl->talk);
	let_go(cl);
	return NULL;
}

static struct ramet *start(struct loop *l, const char *name,
			   void *(*fn)(void *), void *arg, int *err)
{
	struct ramet_opts opts = {.name = name};
	struct ramet *t = ramet__spawn(l, fn, arg, &opts,
				       __builtin_return_address(0), err);

	if (t)
		t->flags |= FLAG_DETACHED;
	return t;
}

static void take_in(struct console *c, int fd)
{
	struct client *cl =
		c->client_count < CLIENTS_MAX ? kernel_alloc(sizeof *cl) : NULL;
	int err;

	if (!cl) {
		ramet__close(fd);
		return;
	}
	*cl = (struct client){.next = c->clients,
			      .link = &c->clients,
			      .console = c,
			      .talk = {c->loop, fd}};
	if (cl->next)
		cl->next->link = &cl->next;
	c->clients = cl;
	c->client_count++;
	c->users++;
	cl->ramet = start(c->loop, "console client", serve, cl, &err);
	if (!cl->ramet)
		let_go(cl);
}

/* The ramets go on, and find that it is over. */
static void end(struct console *c)
{
	c->loop->console = NULL;
	unlist(c);
	ramet__console_unlink(&c->path);
	if (c->fd >= 0)
		ramet__close(c->fd);
	c->fd = -1;
	for (struct client *cl = c->clients; cl; cl = cl->next) {
		ramet__close(cl->talk.fd);
		cl->talk.fd = -1;
	}
}

static int accept_one(struct console *c)
{
	int fd;

	c->loop->tools_outside++;
	fd = ramet__sock_accept(c->fd, NULL, NULL, SOCK_CLOEXEC);
	c->loop->tools_outside--;
	return fd;
}

/* If somebody has closed the descriptor the number may be another's by now.
 * What else it is, such as no memory, may pass. */
static void give_up(struct console *c, int err)
{
	struct loop *l = c->loop;

	if (err == -EBADF)
		c->fd = -1;
	if (err == -EBADF || err == -ECANCELED ||
	    ramet__park_until(l, WAIT_SLEEP, NULL,
			      time_add(l->now, RETRY_NS)) == -ECANCELED)
		end(c);
}

static void *accept_all(void *console)
{
	struct console *c = console;

	while (c->fd >= 0) {
		int fd = accept_one(c);

		if (fd >= 0 && c->fd >= 0)
			take_in(c, fd);
		else if (fd >= 0)
			ramet__close(fd);
		else if (c->fd >= 0)
			give_up(c, fd);
	}
	c->ramet = NULL;
	put(c);
	return NULL;
}

/* The ramets are no more. */
static void drop(struct console *c)
{
	struct client *next;

	for (struct client *cl = c->clients; cl; cl = next) {
		next = cl->next;
		kernel_free(cl);
	}
	kernel_free(c);
}

void ramet__console_close(struct loop *l)
{
	struct console *c = l->console;

	if (!c)
		return;
	end(c);
	drop(c);
}

/* The file is the parent's. */
void ramet__console_after_fork(void)
{
	struct console *next;

	__atomic_store_n(&lock, 0, __ATOMIC_SEQ_CST);
	for (struct console *c = all; c; c = next) {
		next = c->next;
		c->path.inode = 0;
		c->loop->console = NULL;
		if (c->fd >= 0)
			ramet__close(c->fd);
		for (struct client *cl = c->clients; cl; cl = cl->next)
			ramet__close(cl->talk.fd);
		drop(c);
	}
	all = NULL;
}

static void at_exit(void)
{
	lock_all();
	for (struct console *c = all; c; c = c->next)
		ramet__console_unlink(&c->path);
	unlock_all();
}

static int mind_exit(void)
{
	static int minded;

	if (__atomic_exchange_n(&minded, 1, __ATOMIC_SEQ_CST))
		return 0;
	return atexit(at_exit) == 0 ? 0 : -ENOMEM;
}

/* ---- begin -------------------------------------------------------------- */

static int begin(struct loop *l, struct console *c, const char *path)
{
	int err = ramet__console_path(&c->path, path);

	c->loop = l;
	c->users = 1;
	if (err == 0)
		err = mind_exit();
	if (err < 0)
		return err;
	c->fd = ramet__socket(AF_UNIX, SOCK_STREAM, 0);
	if (c->fd < 0)
		return c->fd;
	err = ramet__console_bind(&c->path, c->fd);
	if (err == 0)
		c->ramet = start(l, "console", accept_all, c, &err);
	if (err == 0)
		return 0;
	ramet__console_unlink(&c->path);
	ramet__close(c->fd);
	return err;
}

static int open_console(struct loop *l, const char *path)
{
	struct console *c;
	int err;

	if (l->console)
		return -EBUSY;
	c = kernel_alloc(sizeof *c);
	if (!c)
		return -ENOMEM;
	err = begin(l, c, path);
	if (err < 0) {
		kernel_free(c);
		return err;
	}
	l->console = c;
	list(c);
	return 0;
}

int ramet_console(const char *path)
{
	struct loop *l = ramet__loop();

	if (!l)
		return (int)ramet__fail(-ENOMEM);
	if (path)
		return (int)ramet__ret(open_console(l, path));
	if (l->console)
		end(l->console);
	return 0;
}

void ramet__console_start(struct loop *l)
{
	static int done;
	const char *path;
	struct out o;
	int err;

	if (__atomic_exchange_n(&done, 1, __ATOMIC_RELAXED))
		return;
	path = kernel_getenv("RAMET_CONSOLE");
	if (!path || !*path)
		return;
	err = open_console(l, path);
	if (err == 0)
		return;
	ramet__out_open(&o, 2);
	ramet__print(&o, "ramet: no console at %s: %s\n", path,
		     strerrordesc_np(-err));
	ramet__out_close(&o);
}
