/* tree.c - a process, its group, and all that descends from it, found in /proc.
 *
 * A number alone does not name a process: with the time of its birth it does.
 * The root is a child of ours that is not reaped meanwhile, so its number,
 * which is its group's, stays what it is.
 *
 * To kill all of them they are stopped first, until two looks in a row find the
 * same ones, stopped: one that is killed while another is being born would
 * leave that to init, and nothing would show whose it was.
 */
#include "task/tree.h"

#include "kernel/calls.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { ENTRIES = 16 << 10, STAT = 1024, FEW = 64 };
enum { ROUNDS = 30, TRIES = 5, NAP_NS = 1000 * 1000 };

void ramet__tree_init(struct tree *t, struct ramet_process *root)
{
	*t = (struct tree){.root = root};
	root->holds++;
}

void ramet__tree_fini(struct tree *t)
{
	t->root->holds--;
	kernel_free(t->members);
}

/* ---- one process -------------------------------------------------------- */

static long read_file(const char *path, char *text, size_t size)
{
	long n, fd = kernel_call(SYS_openat, AT_FDCWD, KERNEL_ARG(path),
				 O_RDONLY | O_CLOEXEC, 0, 0, 0);

	if (fd < 0)
		return fd;
	do
		n = kernel_read((int)fd, text, size - 1);
	while (n == -EINTR);
	kernel_close((int)fd);
	text[n < 0 ? 0 : n] = 0;
	return n;
}

static char *put(char *end, const char *text)
{
	size_t size = strlen(text);

	memcpy(end, text, size + 1);
	return end + size;
}

/* pid (name) state parent group ... born: the 22nd field.  The name may have
 * anything in it. */
static bool parse(const char *text, struct member *m)
{
	char *at = strrchr(text, ')');

	if (!at || at[1] != ' ' || !at[2])
		return false;
	m->state = at[2];
	at += 3;
	m->parent = (pid_t)strtol(at, &at, 10);
	m->group = (pid_t)strtol(at, &at, 10);
	for (int field = 6; field < 22; field++)
		strtoll(at, &at, 10);
	m->born = strtoull(at, NULL, 10);
	return m->born != 0;
}

/* One that may not be looked at is none of ours. */
static bool is_none(long err)
{
	return err == -ENOENT || err == -ESRCH || err == -EACCES ||
	       err == -EPERM;
}

/* Returns 1, 0 if there is none of that number, or -errno. */
static int look_at(const char *pid, struct member *m)
{
	char path[32], text[STAT];
	long n;

	put(put(put(path, "/proc/"), pid), "/stat");
	m->pid = (pid_t)strtol(pid, NULL, 10);
	n = read_file(path, text, sizeof text);
	if (n < 0)
		return is_none(n) ? 0 : (int)n;
	return parse(text, m);
}

static bool has_ended(const struct member *m)
{
	return m->state == 'Z' || m->state == 'X' || m->state == 'x';
}

static bool is_stopped(const struct member *m)
{
	return m->state == 'T' || m->state == 't' || has_ended(m);
}

/* ---- all of them -------------------------------------------------------- */

struct scan {
	struct member *members; /* the whole system's, by pid */
	size_t count, room;
	char entries[ENTRIES];
};

struct entry { /* linux_dirent64 */
	uint64_t inode;
	int64_t offset;
	uint16_t size;
	uint8_t type;
	char name[];
};

static int add(struct scan *s, const struct member *m)
{
	size_t room = s->room ? 2 * s->room : FEW;
	struct member *more;

	if (s->count == s->room) {
		more = kernel_alloc(room * sizeof *more);
		if (!more)
			return -ENOMEM;
		if (s->count)
			memcpy(more, s->members, s->count * sizeof *more);
		kernel_free(s->members);
		s->members = more;
		s->room = room;
	}
	s->members[s->count++] = *m;
	return 0;
}

/* Others run now and then: there may be tens of thousands. */
static int add_entries(struct loop *l, struct scan *s, long size)
{
	int err = 0;

	for (long at = 0; at < size && err == 0;) {
		const struct entry *e = (const void *)(s->entries + at);
		struct member m = {.mine = false};

		at += e->size;
		if (e->name[0] < '1' || e->name[0] > '9')
			continue;
		err = look_at(e->name, &m);
		if (err > 0)
			err = add(s, &m);
		ramet__spend(l);
	}
	return err;
}

/* What /proc shows might be another namespace's: then its numbers mean nothing.
 */
static bool is_our_proc(void)
{
	static const char self[] = "/proc/self";
	char pid[16] = "";

	if (kernel_call(SYS_readlinkat, AT_FDCWD, KERNEL_ARG(self),
			KERNEL_ARG(pid), sizeof pid - 1, 0, 0) < 0)
		return false;
	return strtol(pid, NULL, 10) ==
	       kernel_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
}

static int look_at_all(struct loop *l, struct scan *s)
{
	static const char proc[] = "/proc";
	long n, fd = -ENOENT;

	if (is_our_proc())
		fd = kernel_call(SYS_openat, AT_FDCWD, KERNEL_ARG(proc),
				 O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, 0, 0);
	if (fd < 0)
		return (int)fd;
	do {
		n = kernel_call(SYS_getdents64, fd, KERNEL_ARG(s->entries),
				sizeof s->entries, 0, 0, 0);
		if (n > 0) {
			int err = add_entries(l, s, n);

			n = err < 0 ? err : n;
		}
	} while (n > 0);
	kernel_close((int)fd);
	return (int)n;
}

/* ---- whose are they ----------------------------------------------------- */

/* The system lists them by number. */
static struct member *find(struct member *members, size_t count, pid_t pid)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (members[middle].pid < pid)
			low = middle + 1;
		else
			high = middle;
	}
	return low < count && members[low].pid == pid ? &members[low] : NULL;
}

static bool was_mine(const struct tree *t, const struct member *m)
{
	const struct member *known = find(t->members, t->count, m->pid);

	return known && known->born == m->born;
}

static bool is_mine(const struct tree *t, const struct scan *s,
		    const struct member *m)
{
	const struct member *parent;

	if (m->pid == t->root->pid || was_mine(t, m))
		return true;
	if (t->root->own_group && m->group == t->root->pid)
		return true;
	parent = find(s->members, s->count, m->parent);
	return parent && parent->mine;
}

/* Only those of the tree stay.  A child may have a lower number than its
 * parent, so go on until no more are found. */
static void sort_out(const struct tree *t, struct scan *s)
{
	size_t kept = 0;
	bool more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < s->count; i++) {
			struct member *m = &s->members[i];

			if (!m->mine && is_mine(t, s, m))
				more = m->mine = true;
		}
	}
	for (size_t i = 0; i < s->count; i++)
		if (s->members[i].mine)
			s->members[kept++] = s->members[i];
	s->count = kept;
}

static void nap(struct loop *l)
{
	l->now = kernel_now();
	ramet__park_firm(l, WAIT_SLEEP, NULL, time_add(l->now, NAP_NS));
}

static int find_once(struct loop *l, struct tree *t)
{
	struct scan *s = kernel_alloc(sizeof *s);
	int err = s ? look_at_all(l, s) : -ENOMEM;

	if (err == 0) {
		sort_out(t, s);
		kernel_free(t->members);
		t->members = s->members;
		t->count = s->count;
	} else if (s) {
		kernel_free(s->members);
	}
	kernel_free(s);
	return err;
}

/* Memory or descriptors may be short for a moment only, and whoever is not
 * found now is lost when its parent ends. */
int ramet__tree_find(struct loop *l, struct tree *t)
{
	int err = find_once(l, t);

	for (int i = 1; i < TRIES && err < 0 && err != -ENOENT; i++) {
		nap(l);
		err = find_once(l, t);
	}
	return err;
}

bool ramet__tree_lives(const struct tree *t)
{
	for (size_t i = 0; i < t->count; i++)
		if (t->members[i].pid != t->root->pid &&
		    !has_ended(&t->members[i]))
			return true;
	return false;
}

/* ---- signals ------------------------------------------------------------ */

/* Between the look and the signal the number must not become another's: a
 * descriptor that was opened before a second look holds on to it. */
static void signal_member(const struct member *m, int sig)
{
	struct member now;
	char digits[16], *at = digits + sizeof digits;
	int fd = (int)kernel_call(SYS_pidfd_open, m->pid, 0, 0, 0, 0, 0);

	*--at = 0;
	for (pid_t pid = m->pid; pid; pid /= 10)
		*--at = (char)('0' + pid % 10);
	if (look_at(at, &now) > 0 && now.born == m->born) {
		if (fd >= 0)
			kernel_call(SYS_pidfd_send_signal, fd, sig, 0, 0, 0, 0);
		else
			kernel_call(SYS_kill, m->pid, sig, 0, 0, 0, 0);
	}
	if (fd >= 0)
		kernel_close(fd);
}

/* Its group's members get it at once, even one that is just being born. */
static int signal_root(const struct ramet_process *p, int sig)
{
	long err = -ESRCH;

	if (p->reaped)
		return -ESRCH;
	if (p->own_group)
		err = kernel_call(SYS_kill, -p->pid, sig, 0, 0, 0, 0);
	if (err == -ESRCH)
		err = kernel_call(SYS_kill, p->pid, sig, 0, 0, 0, 0);
	return (int)err;
}

int ramet__tree_signal(struct tree *t, int sig)
{
	const struct ramet_process *p = t->root;
	int err = signal_root(p, sig);

	for (size_t i = 0; i < t->count; i++) {
		const struct member *m = &t->members[i];
		bool told =
			p->own_group && m->group == p->pid && sig != SIGKILL;

		if (m->pid != p->pid && !told && !has_ended(m))
			signal_member(m, sig);
	}
	return err;
}

static bool all_stopped(const struct tree *t)
{
	for (size_t i = 0; i < t->count; i++)
		if (!is_stopped(&t->members[i]))
			return false;
	return true;
}

/* Two looks: how many are there, and have they all been stopped before the
 * second?  Returns 1, 0 or -errno. */
static int look_twice(struct loop *l, struct tree *t)
{
	int err = ramet__tree_find(l, t);
	size_t before = t->count;

	if (err < 0 || !all_stopped(t))
		return err;
	err = ramet__tree_find(l, t);
	return err < 0 ? err : before == t->count;
}

/* Some cannot be stopped: those that wait for a disk.  They do not bear
 * children either.  If a look fails, the next may not. */
static void stop_all(struct loop *l, struct tree *t)
{
	int done = 0;

	for (int i = 0; i < ROUNDS && done != 1 && done != -ENOENT; i++) {
		ramet__tree_signal(t, SIGSTOP);
		if (i)
			nap(l);
		done = look_twice(l, t);
	}
}

int ramet__tree_end(struct loop *l, struct tree *t)
{
	stop_all(l, t);
	return ramet__tree_signal(t, SIGKILL);
}

int ramet__tree_kill(struct loop *l, struct ramet_process *root)
{
	struct tree t;
	int err;

	ramet__tree_init(&t, root);
	err = ramet__tree_end(l, &t);
	ramet__tree_fini(&t);
	return err;
}
