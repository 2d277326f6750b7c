/* recording.c - one recording at a time, of all loops, into one file. */
#include "debug/recording.h"
#include "core/record.h"
#include "core/stack.h"
#include "debug/out.h"

#include "kernel/calls.h"
#include "ramet/debug.h"

#include <stdlib.h>
#include <string.h>

enum { PATH = RECORDING_PATH };

static struct {
	int lock; /* atomic */
	bool on;
	struct recording_left *left;
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
	struct recording_left *left;

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
	struct recording_left *next;

	for (struct recording_left *left = recording.left; left; left = next) {
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
	fd = ramet__recording_create(recording.path);
	if (fd < 0)
		return fd;
	kernel_close(fd);
	recording.on = true;
	want(1);
	return 0;
}

static int end(void)
{
	int err;

	if (!recording.on)
		return -EINVAL;
	want(0);
	err = ramet__recording_write(recording.path, recording.left);
	forget_left();
	recording.on = false;
	return err;
}

int ramet__recording_start(struct loop *l, const char *path)
{
	int err;

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

int ramet__recording_stop(struct loop *l, char path[RECORDING_PATH])
{
	int err;

	lock();
	if (path)
		memcpy(path, recording.path, RECORDING_PATH);
	err = end();
	ramet__record_change(l);
	unlock();
	return err;
}

int ramet_trace_start(const char *path)
{
	struct loop *l = ramet__loop();

	if (!l || !path)
		return (int)ramet__fail(l ? -EINVAL : -ENOMEM);
	return (int)ramet__ret(ramet__recording_start(l, path));
}

int ramet_trace_stop(void)
{
	struct loop *l = ramet__loop();

	if (!l)
		return (int)ramet__fail(-ENOMEM);
	return (int)ramet__ret(ramet__recording_stop(l, NULL));
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
