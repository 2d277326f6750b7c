/* recording.c - one recording at a time, of all loops, into one file.
 *
 * Whoever ends it copies the rings of loops that may still write; what was
 * written over meanwhile is left out.
 */
#include "debug/recording.h"
#include "core/record.h"
#include "core/stack.h"
#include "debug/chrome.h"
#include "debug/registry.h"
#include "debug/symbol.h"

#include "kernel/calls.h"
#include "ramet/debug.h"

#include <stdlib.h>
#include <string.h>

enum { PATH = 1024 };

/* Events of a loop that has ended. */
struct left {
	struct left *next;
	int tid;
	struct record *ring;
};

static struct {
	int lock; /* atomic */
	bool on;
	struct left *left;
	char path[PATH];
} recording;

static void lock(void)
{
	while (__atomic_exchange_n(&recording.lock, 1, __ATOMIC_ACQUIRE))
		kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static void unlock(void)
{
	__atomic_store_n(&recording.lock, 0, __ATOMIC_RELEASE);
}

static void want(uint8_t yes)
{
	__atomic_store_n(&ramet__record_wanted.by[RECORD_INSIDE], yes,
			 __ATOMIC_SEQ_CST);
}

/* ---- loops -------------------------------------------------------------- */

static void say_no_memory(void)
{
	struct out o;

	ramet__out_open(&o, 2);
	ramet__print(&o, "ramet: there is no memory to record what a loop does "
			 "(RAMET_TRACE_EVENTS); it goes on without\n");
	ramet__out_close(&o);
}

void ramet__recording_mind(struct loop *l)
{
	if (ramet__record_change(l) < 0)
		say_no_memory();
}

static void name_one(struct ramet *t, void *loop)
{
	struct loop *l = loop;

	ramet__record_name(l, t);
	ramet__record(l, RECORD_END, 0, t->id,
		      (uintptr_t)ramet__record_function(t));
}

void ramet__recording_leave(struct loop *l)
{
	struct left *left;

	if (!l->record)
		return;
	lock();
	left = recording.on ? kernel_alloc(sizeof *left) : NULL;
	if (left) {
		ramet__each(l, name_one, l);
		left->ring = l->record_ring;
		left->tid = (int)kernel_call(SYS_gettid, 0, 0, 0, 0, 0, 0);
		left->next = recording.left;
		recording.left = left;
		l->record_ring = NULL;
	}
	l->record = NULL;
	unlock();
}

static void forget_left(void)
{
	struct left *next;

	for (struct left *left = recording.left; left; left = next) {
		next = left->next;
		kernel_free(left->ring);
		kernel_free(left);
	}
	recording.left = NULL;
}

void ramet__recording_after_fork(struct loop *l)
{
	__atomic_store_n(&ramet__record_wanted.word, 0, __ATOMIC_RELAXED);
	l->record_word = 0;
	ramet__record_free(l);
	recording.on = false;
	unlock();
	forget_left();
}

/* ---- the file ----------------------------------------------------------- */

struct writer {
	struct chrome chrome;
	struct out out;
	int err;
};

static void symbol_text(void *unused, uint64_t pc, char *text, size_t size)
{
	struct symbol s = ramet__symbol((const void *)(uintptr_t)pc);
	const char *name = s.function ? s.function : s.module;
	size_t n = name ? strlen(name) : 0;

	(void)unused;
	if (n > size - 1)
		n = size - 1;
	memcpy(text, name ? name : "", n);
	text[n] = '\0';
	if (!name)
		memcpy(text, "?", 2);
}

/* Copy what is whole; the loop may go on writing. */
SANITIZER_BLIND static size_t copy(const struct record *r,
				   struct record_event *to)
{
	uint64_t size = r->mask + 1, first, after, n = 0;
	uint64_t end = __atomic_load_n(&r->written, __ATOMIC_ACQUIRE);

	first = end > size ? end - size : 0;
	for (uint64_t i = first; i < end; i++)
		to[n++] = r->events[i & r->mask];
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	after = __atomic_load_n(&r->written, __ATOMIC_RELAXED);
	/* The next one is perhaps being written. */
	if (after != end && after + 1 > size + first) {
		uint64_t gone = after + 1 - size - first;

		gone = gone < n ? gone : n;
		n -= gone;
		memmove(to, to + gone, n * sizeof *to);
	}
	return (size_t)n;
}

static void calibrate(struct track *track, const struct record *r)
{
	uint64_t clock = r->clock;

	track->clock = clock;
	track->time = r->time;
	track->tick = 1;
	if (r->ticks) {
		int64_t time = kernel_now();
		uint64_t now = arch_ticks();

		if (now > clock)
			track->tick = (double)(time - r->time) /
				      (double)(now - clock);
	}
}

static void know(struct ramet *t, void *arg)
{
	struct track *track = arg;
	struct who *w = ramet__track_who(track, t->id);

	if (!w)
		return;
	w->fn = (uintptr_t)ramet__record_function(t);
	w->site = (uintptr_t)t->cold->spawn_site;
	memcpy(w->name, t->cold->name, sizeof w->name);
	w->name[sizeof w->name - 1] = '\0';
}

/* l is the loop, if it lives and is the caller's. */
static void write_ring(struct writer *w, const struct record *r, int tid,
		       struct loop *l)
{
	struct track track = {.tid = tid};

	track.events = kernel_alloc((r->mask + 1) * sizeof *track.events);
	if (!track.events) {
		w->err = -ENOMEM;
		return;
	}
	track.count = copy(r, track.events);
	calibrate(&track, r);
	if (l)
		ramet__each(l, know, &track);
	if (ramet__track_open(&track) < 0)
		w->err = -ENOMEM;
	else
		ramet__chrome_track(&w->chrome, &track);
	ramet__track_close(&track);
	kernel_free(track.events);
}

/* Other loops' ramets may go while they are looked at; what is kept of them
 * stays memory, and is copied with its end. */
static void write_loop(struct seen *s, void *arg)
{
	struct record *r =
		__atomic_load_n(&s->loop->record_ring, __ATOMIC_ACQUIRE);

	if (r)
		write_ring(arg, r, s->tid, s->loop);
}

static int open_file(const char *path, int flags)
{
	long fd;

	do
		fd = kernel_call(SYS_openat, AT_FDCWD, KERNEL_ARG(path),
				 flags | O_CLOEXEC, 0666, 0, 0);
	while (fd == -EINTR);
	return (int)fd;
}

static int open_output(const char *path)
{
	return open_file(path, O_WRONLY | O_CREAT | O_TRUNC);
}

/* What the process is called. */
static void read_command(char *name, size_t size)
{
	int fd = open_file("/proc/self/comm", O_RDONLY);
	ssize_t n = -EINTR;

	while (fd >= 0 && n == -EINTR)
		n = kernel_read(fd, name, size - 1);
	if (fd >= 0)
		kernel_close(fd);
	if (n > 0)
		name[n - 1] = '\0'; /* it ends its line */
}

static int write_all(struct writer *w, int fd)
{
	char name[64] = "?";

	read_command(name, sizeof name);
	ramet__out_open(&w->out, fd);
	w->chrome.out = &w->out;
	w->chrome.pid = (int)kernel_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
	w->chrome.waits = ramet__map.wait;
	w->chrome.wait_count = WAIT_LAST + 1;
	w->chrome.symbol = symbol_text;
	ramet__chrome_begin(&w->chrome, name);
	for (struct left *left = recording.left; left; left = left->next)
		write_ring(w, left->ring, left->tid, NULL);
	ramet__registry_each(write_loop, w);
	ramet__chrome_end(&w->chrome);
	if (w->err == 0)
		w->err = ramet__out_close(&w->out);
	return w->err;
}

/* ---- begin and end ------------------------------------------------------ */

static size_t put_number(char *to, int n)
{
	char digits[12], *at = digits + sizeof digits;
	size_t size;

	do
		*--at = (char)('0' + n % 10);
	while (n /= 10);
	size = (size_t)(digits + sizeof digits - at);
	memcpy(to, at, size);
	return size;
}

/* The path, absolute, because the program may change its folder; "%p" becomes
 * the number of the process. */
static int set_path(const char *path)
{
	char *to = recording.path, *end = to + PATH - 16;
	long n;

	if (!*path)
		return -ENOENT;
	if (*path != '/') {
		n = kernel_call(SYS_getcwd, KERNEL_ARG(to), PATH / 2, 0, 0, 0,
				0);
		if (n < 0)
			return (int)n;
		to += n - 1;
		*to++ = '/';
	}
	for (; *path && to < end; path++)
		if (path[0] == '%' && path[1] == 'p') {
			to += put_number(to, (int)kernel_call(SYS_getpid, 0, 0,
							      0, 0, 0, 0));
			path++;
		} else {
			*to++ = *path;
		}
	*to = '\0';
	return *path ? -ENAMETOOLONG : 0;
}

static int begin(const char *path)
{
	int err, fd;

	if (recording.on)
		return -EBUSY;
	err = set_path(path);
	if (err < 0)
		return err;
	fd = open_output(recording.path);
	if (fd < 0)
		return fd;
	kernel_close(fd);
	recording.on = true;
	want(1);
	return 0;
}

static int end(void)
{
	struct writer *w;
	int fd, err;

	if (!recording.on)
		return -EINVAL;
	want(0);
	w = kernel_alloc(sizeof *w);
	fd = w ? open_output(recording.path) : -ENOMEM;
	err = fd < 0 ? fd : write_all(w, fd);
	if (fd >= 0)
		kernel_close(fd);
	kernel_free(w);
	forget_left();
	recording.on = false;
	return err;
}

static int start_here(struct loop *l, const char *path)
{
	int err;

	if (!l || !path)
		return l ? -EINVAL : -ENOMEM;
	lock();
	err = begin(path);
	if (err == 0) {
		err = ramet__record_change(l);
		if (err < 0) {
			want(0);
			recording.on = false;
		}
	}
	unlock();
	return err;
}

int ramet_trace_start(const char *path)
{
	return (int)ramet__ret(start_here(ramet__loop(), path));
}

int ramet_trace_stop(void)
{
	struct loop *l = ramet__loop();
	int err;

	if (!l)
		return (int)ramet__fail(-ENOMEM);
	lock();
	err = end();
	ramet__record_change(l);
	unlock();
	return (int)ramet__ret(err);
}

/* ---- the environment ---------------------------------------------------- */

static void complain(int err)
{
	struct out o;

	ramet__out_open(&o, 2);
	ramet__print(&o, "ramet: RAMET_TRACE: %s cannot be written: %s\n",
		     recording.path, strerrordesc_np(-err));
	ramet__out_close(&o);
}

static void at_exit(void)
{
	int err;

	lock();
	err = recording.on ? end() : 0;
	unlock();
	if (err < 0)
		complain(err);
}

void ramet__recording_install(void)
{
	const char *path = kernel_getenv("RAMET_TRACE");
	int err;

	if (!path || !*path)
		return;
	lock();
	err = begin(path);
	unlock();
	if (err < 0)
		complain(err);
	else
		atexit(at_exit);
}
