/* config.c - the files are read, and read again when they have changed.
 *
 * Any of them may be on a disk, so a helper does it.  Of several ramets that
 * find it is time, one sends it and the others wait; who uses what has been
 * replaced goes on with that.
 */
#include "net/names/config.h"

#include "core/errand.h"
#include "kernel/calls.h"

#include <string.h>
#include <sys/utsname.h>

enum {
	LOOK_NS = 1000 * 1000 * 1000, /* no more often than that */
	PATH_ROOM = 512,
	TEXT_MAX = 64 * 1024 * 1024,
};

struct load {
	struct errand errand;
	char paths[FILES_COUNT][PATH_ROOM];
	char localdomain[NAME_ROOM], options[NAME_ROOM];
	struct stamp stamps[FILES_COUNT];
	bool again;            /* the stamps are those of a configuration */
	struct config *config; /* NULL: nothing has changed */
	int error;
};

/* ---- by the helper ------------------------------------------------------ */

static void config_free(struct config *c)
{
	if (!c)
		return;
	for (size_t i = 0; i < FILES_COUNT; i++)
		kernel_free(c->texts[i]);
	ramet__hosts_fini(&c->hosts);
	kernel_free(c->services.list);
	kernel_free(c);
}

/* A file that is not there has an empty stamp. */
static void look_at(const char *path, struct stamp *stamp)
{
	struct stat st;

	memset(stamp, 0, sizeof *stamp);
	if (kernel_call(SYS_newfstatat, AT_FDCWD, KERNEL_ARG(path),
			KERNEL_ARG(&st), 0, 0, 0) < 0)
		return;
	stamp->dev = st.st_dev;
	stamp->ino = st.st_ino;
	stamp->size = st.st_size;
	stamp->changed = st.st_mtim;
}

/* All that fd has, with a NUL; NULL and *err if there is no memory.  What
 * cannot be read counts as its end. */
static char *read_all(int fd, int *err)
{
	size_t room = 4096, size = 0;
	char *text = kernel_alloc(room), *more;
	ssize_t n;

	while (text && room < TEXT_MAX) {
		n = kernel_read(fd, text + size, room - size - 1);
		if (n == -EINTR)
			continue;
		if (n <= 0)
			return text;
		size += (size_t)n;
		if (size + 1 < room)
			continue;
		more = kernel_alloc(room * 2);
		if (more)
			memcpy(more, text, size);
		kernel_free(text);
		text = more;
		room *= 2;
	}
	if (!text)
		*err = -ENOMEM;
	return text;
}

/* NULL if there is none, or *err. */
static char *read_file(const char *path, int *err)
{
	char *text;
	int fd = (int)kernel_call(SYS_openat, AT_FDCWD, KERNEL_ARG(path),
				  O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0, 0, 0);

	*err = fd == -EMFILE || fd == -ENFILE || fd == -ENOMEM ? fd : 0;
	if (fd < 0)
		return NULL;
	text = read_all(fd, err);
	kernel_close(fd);
	return text;
}

static int parse(struct config *c)
{
	char **t = c->texts;
	int err = 0;

	ramet__resolv_default(&c->resolv);
	if (t[FILE_RESOLV])
		ramet__resolv_parse(&c->resolv, t[FILE_RESOLV]);
	ramet__order_default(&c->order);
	if (t[FILE_NSSWITCH])
		ramet__order_parse(&c->order, t[FILE_NSSWITCH]);
	ramet__policy_parse(&c->policy, t[FILE_GAI]);
	if (t[FILE_HOSTS])
		err = ramet__hosts_parse(&c->hosts, t[FILE_HOSTS]);
	if (err == 0 && t[FILE_SERVICES])
		err = ramet__services_parse(&c->services, t[FILE_SERVICES]);
	return err;
}

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

static int load(struct load *o)
{
	struct config *c = o->config = kernel_alloc(sizeof *c);
	struct utsname machine = {0};
	int err = c ? 0 : -ENOMEM;

	for (size_t i = 0; err == 0 && i < FILES_COUNT; i++) {
		c->stamps[i] = o->stamps[i];
		c->texts[i] = read_file(o->paths[i], &err);
	}
	if (err == 0)
		err = parse(c);
	if (err < 0)
		return err;
	kernel_call(SYS_uname, KERNEL_ARG(&machine), 0, 0, 0, 0, 0);
	ramet__resolv_finish(&c->resolv, or_null(o->localdomain),
			     or_null(o->options), machine.nodename);
	c->users = 1;
	return 0;
}

static void run(struct errand *e)
{
	struct load *o = container_of(e, struct load, errand);
	struct stamp stamps[FILES_COUNT];

	for (size_t i = 0; i < FILES_COUNT; i++)
		look_at(o->paths[i], &stamps[i]);
	if (o->again && memcmp(stamps, o->stamps, sizeof stamps) == 0)
		return;
	memcpy(o->stamps, stamps, sizeof stamps);
	o->error = load(o);
}

static void drop(struct loop *l, struct errand *e)
{
	struct load *o = container_of(e, struct load, errand);

	(void)l;
	config_free(o->config);
	kernel_free(o);
}

/* ---- by the loop -------------------------------------------------------- */

static void set(char *to, size_t room, const char *variable, const char * or)
{
	const char *value = kernel_getenv(variable);

	if (!value || strlen(value) >= room)
		value = or ;
	memcpy(to, value, strlen(value) + 1);
}

static struct load *load_new(const struct config *now)
{
	static const char *const files[FILES_COUNT][2] = {
		{"RAMET_RESOLV_CONF", "/etc/resolv.conf"},
		{"RAMET_NSSWITCH", "/etc/nsswitch.conf"},
		{"RAMET_HOSTS", "/etc/hosts"},
		{"RAMET_SERVICES", "/etc/services"},
		{"RAMET_GAI_CONF", "/etc/gai.conf"},
	};
	struct load *o = kernel_alloc(sizeof *o);

	if (!o)
		return NULL;
	o->errand.run = run;
	o->errand.drop = drop;
	o->errand.lane = LANE_FILE;
	for (size_t i = 0; i < FILES_COUNT; i++)
		set(o->paths[i], PATH_ROOM, files[i][0], files[i][1]);
	set(o->localdomain, NAME_ROOM, "LOCALDOMAIN", "");
	set(o->options, NAME_ROOM, "RES_OPTIONS", "");
	o->again = now != NULL;
	if (now)
		memcpy(o->stamps, now->stamps, sizeof o->stamps);
	return o;
}

/* Compare with the files, and take what is new. */
static int look(struct loop *l, struct config_files *f)
{
	struct load *o = load_new(f->now);
	int err = o ? ramet__errand_send(l, &o->errand) : -ENOMEM;

	if (err < 0) {
		if (o)
			drop(l, &o->errand);
		return err;
	}
	err = ramet__errand_wait(l, &o->errand, WAIT_OFFLOAD, NULL, NULL);
	if (err < 0)
		return err;
	err = o->error;
	if (err == 0) {
		l->now = kernel_now();
		f->looked = l->now;
	}
	if (err == 0 && o->config) {
		ramet__config_put(f->now);
		f->now = o->config;
		o->config = NULL;
	}
	drop(l, &o->errand);
	return err;
}

static bool is_fresh(struct loop *l, const struct config_files *f)
{
	l->now = kernel_now();
	return f->now && l->now - f->looked < LOOK_NS;
}

/* By whoever comes first; the others see what it found, or try themselves. */
static int refresh(struct loop *l, struct config_files *f)
{
	struct ramet_waiter w = {.ramet = l->current}, *next;
	int err = ramet__interrupted(l);

	if (err < 0)
		return err;
	if (f->looking) {
		waitq_append(&f->waiters, &w);
		err = ramet__park(l, WAIT_OFFLOAD, NULL);
		waitq_remove(&w);
		return err;
	}
	f->looking = true;
	err = look(l, f);
	f->looking = false;
	while ((next = waitq_take(&f->waiters)))
		if (next->ramet->state == STATE_PARKED)
			ramet__wake(next->ramet, 0);
	return err;
}

int ramet__config_get(struct loop *l, struct config_files *f,
		      struct config **config)
{
	int err;

	while (!is_fresh(l, f)) {
		err = refresh(l, f);
		if (err < 0)
			return err;
	}
	f->now->users++;
	*config = f->now;
	return 0;
}

void ramet__config_put(struct config *c)
{
	if (c && --c->users == 0)
		config_free(c);
}
