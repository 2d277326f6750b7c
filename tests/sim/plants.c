/* plants.c - the planted bugs. */
#include "plants.h"
#include "world.h"

#include "base/syscall.h"
#include "io/call.h"

#include <sys/epoll.h>
#include <sys/uio.h>
#include <time.h>

const char *const plant_names[PLANTS] = {
	[PLANT_NONE] = "no bug",
	[PLANT_LOST_WAKE] = "unlocking loses a wake-up",
	[PLANT_DOUBLE_WAKE] = "a ramet is woken twice",
	[PLANT_STALE_NUMBER] = "a read goes on with a reused number",
	[PLANT_SHORT_WRITE] = "a short write is taken for the whole",
	[PLANT_CONNECT_LEAK] = "a failed connect leaks its descriptor",
	[PLANT_TIMEOUT_LEAK] = "a timed-out connect leaks its descriptor",
	[PLANT_ABORT] = "accept gives up at ECONNABORTED",
	[PLANT_SILENT_CLOSE] = "close does not wake who waits",
	[PLANT_DRAINED] = "a drained stream never learns of its end",
	[PLANT_NO_BATON] = "one event wakes only one of several readers",
	[PLANT_NO_ROOM] = "room to write is not noticed",
	[PLANT_EARLY] = "sleeps end early",
	[PLANT_EDGE_CANCEL] = "cancel is felt only once",
	[PLANT_CHANCE] = "a choice depends on the real clock",
};

static enum plant planted;

/* ---- between files: the linker turns calls of f into __wrap_f ----------- */

void __real_ramet__wake(struct ramet *t, int result);
void __wrap_ramet__wake(struct ramet *t, int result);
int __real_ramet__park(struct loop *l, enum wait wait, const void *object);
int __wrap_ramet__park(struct loop *l, enum wait wait, const void *object);
int __real_ramet__park_until(struct loop *l, enum wait wait, const void *object,
			     int64_t when);
int __wrap_ramet__park_until(struct loop *l, enum wait wait, const void *object,
			     int64_t when);
int __real_ramet__connect(int number, const struct sockaddr *addr,
			  socklen_t size);
int __wrap_ramet__connect(int number, const struct sockaddr *addr,
			  socklen_t size);
int __real_ramet__close(int number);
int __wrap_ramet__close(int number);
int __real_ramet__io_go_on(struct io *io);
int __wrap_ramet__io_go_on(struct io *io);
bool __real_ramet__io_again(struct io *io, long *ret);
bool __wrap_ramet__io_again(struct io *io, long *ret);

static struct ramet *woken; /* and will be again */

static bool is_inside(const struct ramet *t)
{
	return t->wait >= WAIT_MUTEX && t->wait < WAIT_SLEEP;
}

void __wrap_ramet__wake(struct ramet *t, int result)
{
	bool inside = is_inside(t);

	if (planted == PLANT_LOST_WAKE && t->wait == WAIT_MUTEX &&
	    t->since == t->loop->now && result == 0)
		return;
	if (planted == PLANT_SILENT_CLOSE && result == -EBADF)
		return;
	__real_ramet__wake(t, result);
	if (planted != PLANT_DOUBLE_WAKE)
		return;
	if (woken && woken->state == STATE_PARKED)
		__real_ramet__wake(woken, 0);
	woken = inside ? t : NULL;
}

int __wrap_ramet__park(struct loop *l, enum wait wait, const void *object)
{
	int result = __real_ramet__park(l, wait, object);

	if (planted == PLANT_EDGE_CANCEL && result == -ECANCELED)
		l->current->flags &= (uint8_t)~FLAG_CANCEL;
	return result;
}

int __wrap_ramet__park_until(struct loop *l, enum wait wait, const void *object,
			     int64_t when)
{
	if (planted == PLANT_EARLY && when != RAMET_NEVER)
		when -= RAMET_MS;
	return __real_ramet__park_until(l, wait, object, when);
}

static int failed; /* a descriptor to be leaked */

int __wrap_ramet__connect(int number, const struct sockaddr *addr,
			  socklen_t size)
{
	int err = __real_ramet__connect(number, addr, size);

	if ((planted == PLANT_CONNECT_LEAK && err == -ECONNREFUSED) ||
	    (planted == PLANT_TIMEOUT_LEAK && err == -ETIMEDOUT))
		failed = number;
	return err;
}

int __wrap_ramet__close(int number)
{
	if (failed && number == failed) {
		failed = 0;
		return 0;
	}
	return __real_ramet__close(number);
}

int __wrap_ramet__io_go_on(struct io *io)
{
	int err;

	if (planted != PLANT_STALE_NUMBER)
		return __real_ramet__io_go_on(io);
	err = __real_ramet__io_go_on(io);
	if (err != -EBADF)
		return err;
	io->fd = ramet__fd(io->loop, io->number);
	io->generation = io->fd->generation;
	return 0;
}

bool __wrap_ramet__io_again(struct io *io, long *ret)
{
	if (planted == PLANT_NO_BATON && *ret != -EAGAIN && *ret != -EINTR)
		return false;
	return __real_ramet__io_again(io, ret);
}

/* ---- between the kernel and the loop ------------------------------------ */

static void (*real_on_events)(struct loop *l, const struct kernel_event *e,
			      int n);

static void on_event(struct loop *l, struct kernel_event e)
{
	struct fd *f = ramet__fd(l, (int)(uint32_t)e.tag);
	bool drained = f && f->drained;

	if (planted == PLANT_NO_ROOM && !(e.events & (EPOLLHUP | EPOLLERR)))
		e.events &= ~(uint32_t)EPOLLOUT;
	real_on_events(l, &e, 1);
	if (planted == PLANT_DRAINED && e.events & EPOLLRDHUP)
		f->drained = drained;
}

static void on_events(struct loop *l, const struct kernel_event *e, int n)
{
	for (int i = 0; i < n; i++)
		on_event(l, e[i]);
}

static long call(long nr, long a, long b, long c, long d, long e, long f)
{
	long ret = ramet__sim.call(nr, a, b, c, d, e, f);

	if (planted == PLANT_SHORT_WRITE && nr == SYS_sendto && ret > 0)
		return c;
	if (planted == PLANT_ABORT && nr == SYS_accept4 && ret == -ECONNABORTED)
		return -EOPNOTSUPP;
	return ret;
}

static uint32_t pick(uint32_t n)
{
	struct timespec t;

	if (planted != PLANT_CHANCE)
		return ramet__sim.pick(n);
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint32_t)t.tv_nsec % n;
}

static void begin(void)
{
	static struct kernel kernel;

	woken = NULL;
	failed = 0;
	kernel = ramet__sim;
	kernel.call = call;
	kernel.pick = pick;
	ramet__kernel = &kernel;
	real_on_events = ramet__this_loop->on_events;
	ramet__this_loop->on_events = on_events;
}

void plant(enum plant p)
{
	planted = p;
	world_plant = begin;
}
