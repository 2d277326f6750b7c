/* console.c - one ramet accepts, and one serves each client.
 *
 * An answer is written to memory first and sent from there: while it is made
 * nothing waits for the client, and one that does not read is let go of.
 * What these ramets wait for does not keep a deadlock from being seen.
 */
#include "debug/console.h"
#include "debug/out.h"

#include "io/sock.h"
#include "kernel/calls.h"
#include "ramet/debug.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

enum {
	LINE_ROOM = 256,
	CLIENTS_MAX = 32,
	PATIENCE_S = 5, /* for an answer to be taken */
	RETRY_NS = 100 * 1000 * 1000,
};

struct client {
	struct client *next, **link;
	struct console *console;
	struct ramet *ramet;
	int fd;
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

/* ---- a client ----------------------------------------------------------- */

static ssize_t receive(struct client *cl, char *at, size_t room)
{
	struct loop *l = cl->console->loop;
	ssize_t n;

	l->tools_outside++;
	n = ramet__sock_recv(cl->fd, at, room, 0, NULL, NULL);
	l->tools_outside--;
	return n;
}

static int send_all(struct client *cl, const char *text, size_t size)
{
	struct loop *l = cl->console->loop;
	struct ramet_scope scope = {0};
	ssize_t n;

	ramet_scope_open(&scope, PATIENCE_S * RAMET_SEC);
	l->tools_outside++;
	n = ramet__sock_send(cl->fd, text, size, MSG_NOSIGNAL, NULL, 0);
	l->tools_outside--;
	ramet_scope_close(&scope);
	return n < 0 ? (int)n : n < (ssize_t)size ? -EPIPE : 0;
}

static int send_text(struct client *cl, const char *text)
{
	return send_all(cl, text, strlen(text));
}

/* What is in the memory of descriptor fd. */
static int send_answer(struct client *cl, int fd)
{
	char text[2048];
	off_t at = 0;
	long n;
	int err = 0;

	while (err == 0) {
		n = kernel_call(SYS_pread64, fd, KERNEL_ARG(text), sizeof text,
				at, 0, 0);
		if (n <= 0)
			return (int)n;
		err = send_all(cl, text, (size_t)n);
		at += n;
	}
	return err;
}

/* Returns 0, or what ends the conversation. */
static int answer(struct client *cl, const char *line)
{
	int err, fd = (int)kernel_call(SYS_memfd_create,
				       KERNEL_ARG("ramet-console"), MFD_CLOEXEC,
				       0, 0, 0, 0);

	if (fd < 0)
		return send_text(cl, "error: no memory for the answer\n> ");
	if (ramet__command(cl->console->loop, line, fd) == COMMAND_QUIT)
		err = -ECANCELED;
	else
		err = send_answer(cl, fd);
	kernel_close(fd);
	return err < 0 ? err : send_text(cl, "> ");
}

/* Lines of a client.  One that is too long is skipped. */
struct input {
	char text[LINE_ROOM];
	size_t used;
	bool skips;
};

/* Take a line out, without its end.  Returns whether there was one. */
static bool take_line(struct input *in, char line[LINE_ROOM])
{
	char *end = memchr(in->text, '\n', in->used);
	size_t n = end ? (size_t)(end - in->text) : 0;

	if (!end)
		return false;
	memcpy(line, in->text, n);
	line[n] = '\0';
	in->used -= n + 1;
	memmove(in->text, end + 1, in->used);
	return true;
}

static int take_all(struct client *cl, struct input *in)
{
	char line[LINE_ROOM];
	int err = 0;

	while (err == 0 && take_line(in, line)) {
		if (in->skips)
			err = send_text(cl, "error: the line is too long\n> ");
		else
			err = answer(cl, line);
		in->skips = false;
	}
	if (in->used == sizeof in->text) {
		in->skips = true;
		in->used = 0;
	}
	return err;
}

static void greet(struct client *cl)
{
	struct out o;

	ramet__out_open(&o, -1); /* it stays in the buffer */
	ramet__print(&o,
		     "ramet console of process %lu, thread %lu; \"help\" lists "
		     "the commands\n> ",
		     (unsigned long)kernel_call(SYS_getpid, 0, 0, 0, 0, 0, 0),
		     (unsigned long)kernel_call(SYS_gettid, 0, 0, 0, 0, 0, 0));
	send_all(cl, o.text, o.used);
}

static void converse(struct client *cl)
{
	struct input in = {.used = 0};
	ssize_t n;

	greet(cl);
	do {
		n = receive(cl, in.text + in.used, sizeof in.text - in.used);
		if (n > 0)
			in.used += (size_t)n;
	} while (n > 0 && take_all(cl, &in) == 0);
	if (n == 0 && in.used && !in.skips && in.used < sizeof in.text) {
		in.text[in.used++] = '\n'; /* the last line has no end */
		take_all(cl, &in);
	}
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
	if (cl->fd >= 0)
		ramet__close(cl->fd);
	put(cl->console);
	kernel_free(cl);
}

static void *serve(void *client)
{
	converse(client);
	let_go(client);
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
			      .fd = fd};
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
		ramet__close(cl->fd);
		cl->fd = -1;
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
			ramet__close(cl->fd);
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
