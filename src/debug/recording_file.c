/* recording_file.c - what was recorded, written for ui.perfetto.dev.
 *
 * The rings of loops that may still write are copied first; what was written
 * over meanwhile is left out.
 */
#include "debug/recording.h"

#include "core/record.h"
#include "core/stack.h"
#include "debug/chrome.h"
#include "debug/registry.h"
#include "debug/symbol.h"

#include "kernel/calls.h"

#include <string.h>

struct writer {
	struct chrome chrome;
	struct out out;
	int err;
};

/* Hosts' strings stay. */
static void string_text(void *unused, uint64_t at, char *text, size_t size)
{
	const char *from = (const char *)(uintptr_t)at;
	size_t n = from ? strnlen(from, size - 1) : 0;

	(void)unused;
	memcpy(text, from ? from : "", n);
	text[n] = '\0';
}

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

/* l is the loop, if it lives. */
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

int ramet__recording_create(const char *path)
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

static int write_all(struct writer *w, const struct recording_left *left,
		     int fd)
{
	char name[64] = "?";

	read_command(name, sizeof name);
	ramet__out_open(&w->out, fd);
	w->chrome.out = &w->out;
	w->chrome.pid = (int)kernel_call(SYS_getpid, 0, 0, 0, 0, 0, 0);
	w->chrome.waits = ramet__map.wait;
	w->chrome.wait_count = WAIT_LAST + 1;
	w->chrome.symbol = symbol_text;
	w->chrome.string = string_text;
	ramet__chrome_begin(&w->chrome, name);
	for (; left; left = left->next)
		write_ring(w, left->ring, left->tid, NULL);
	ramet__registry_each(write_loop, w);
	ramet__chrome_end(&w->chrome);
	if (w->err == 0)
		w->err = ramet__out_close(&w->out);
	return w->err;
}

int ramet__recording_write(const char *path, const struct recording_left *left)
{
	struct writer *w = kernel_alloc(sizeof *w);
	int fd = w ? ramet__recording_create(path) : -ENOMEM;
	int err = fd < 0 ? fd : write_all(w, left, fd);

	if (fd >= 0)
		kernel_close(fd);
	kernel_free(w);
	return err;
}
