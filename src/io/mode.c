/* mode.c - O_NONBLOCK and time limits, asked as rarely as possible. */
#include "io/mode.h"

#include "kernel/calls.h"

/* Both atomic.  A process is known by how often it was forked. */
static uint32_t forks;
static uint32_t epoch = 1;
static bool limits_used; /* atomic: somebody has set one, once */

#define NONBLOCK UINT32_C(1)
#define EPOCHS UINT32_C(0x7fffffff)

static uint32_t this_process(void)
{
	return __atomic_load_n(&forks, __ATOMIC_RELAXED) + 1;
}

static uint32_t mode_now(bool nonblock)
{
	uint32_t e = __atomic_load_n(&epoch, __ATOMIC_RELAXED) & EPOCHS;

	return e << 1 | (nonblock ? NONBLOCK : 0);
}

static void end_epoch(void)
{
	__atomic_add_fetch(&epoch, 1, __ATOMIC_RELAXED);
}

void ramet__mode_fork(void)
{
	__atomic_add_fetch(&forks, 1, __ATOMIC_RELAXED);
}

/* ---- what the program does ---------------------------------------------- */

void ramet__mode_made(int number, bool nonblock)
{
	struct info *info = ramet__info_known(number);
	bool known = !__atomic_load_n(&limits_used, __ATOMIC_RELAXED);

	if (!info)
		return;
	info->receive_ms = info->send_ms = 0;
	__atomic_store_n(&info->mode, known ? mode_now(nonblock) : 0,
			 __ATOMIC_RELAXED);
	__atomic_store_n(&info->made, this_process(), __ATOMIC_RELAXED);
}

void ramet__mode_copied(int number, int copy)
{
	struct info *from = ramet__info_known(number);
	struct info *to = ramet__info_known(copy);

	if (!from || !to)
		return;
	__atomic_store_n(&from->alias, true, __ATOMIC_RELAXED);
	__atomic_store_n(&to->alias, true, __ATOMIC_RELAXED);
	to->receive_ms = from->receive_ms;
	to->send_ms = from->send_ms;
	to->lingers = from->lingers;
	__atomic_store_n(&to->mode, from->mode, __ATOMIC_RELAXED);
	__atomic_store_n(&to->made, from->made, __ATOMIC_RELAXED);
}

void ramet__mode_changed(int number)
{
	struct info *info = ramet__info_known(number);

	if (!info)
		return;
	__atomic_store_n(&info->mode, 0, __ATOMIC_RELAXED);
	if (__atomic_load_n(&info->alias, __ATOMIC_RELAXED))
		end_epoch();
}

void ramet__mode_nonblock(int number, bool nonblock)
{
	struct info *info = ramet__info_known(number);
	uint32_t mode;

	if (!info)
		return;
	mode = __atomic_load_n(&info->mode, __ATOMIC_RELAXED) & ~NONBLOCK;
	if (mode == mode_now(false) &&
	    !__atomic_load_n(&info->alias, __ATOMIC_RELAXED))
		__atomic_store_n(&info->mode, mode_now(nonblock),
				 __ATOMIC_RELAXED);
	else
		ramet__mode_changed(number);
}

void ramet__mode_limits(int number)
{
	__atomic_store_n(&limits_used, true, __ATOMIC_RELAXED);
	ramet__mode_changed(number);
}

/* ---- what it asked for -------------------------------------------------- */

static bool made_here(const struct io *io)
{
	return __atomic_load_n(&io->fd->info->made, __ATOMIC_RELAXED) ==
	       this_process();
}

bool ramet__mode_is_private(const struct io *io)
{
	return io->fd->seen && made_here(io) &&
	       !__atomic_load_n(&io->fd->info->alias, __ATOMIC_RELAXED);
}

/* Not a socket, or none: for ever.  Rounded up to what the kernel's own clock
 * ticks can tell apart. */
static uint32_t limit_ms(int number, int name)
{
	struct timeval tv = {0, 0};
	socklen_t size = sizeof tv;
	int64_t ms;

	if (kernel_getsockopt(number, SOL_SOCKET, name, &tv, &size) < 0)
		return 0;
	ms = (int64_t)tv.tv_sec * 1000 + (tv.tv_usec + 999) / 1000;
	return ms < UINT32_MAX ? (uint32_t)ms : UINT32_MAX;
}

static void find_limits(struct io *io)
{
	struct info *info = io->fd->info;

	info->receive_ms = limit_ms(io->number, SO_RCVTIMEO);
	info->send_ms = limit_ms(io->number, SO_SNDTIMEO);
}

/* Whether somebody may have set a limit. */
static bool may_have_limits(struct io *io)
{
	if (io->fd->seen && made_here(io) &&
	    !__atomic_load_n(&limits_used, __ATOMIC_RELAXED))
		return false;
	return io_is_socket(ramet__fd_kind(io));
}

/* Whether it has O_NONBLOCK; the limits are in info then. */
static bool find_mode(struct io *io)
{
	struct info *info = io->fd->info;
	uint32_t mode = __atomic_load_n(&info->mode, __ATOMIC_RELAXED);
	int flags;

	if (io->fd->nonblock)
		return true;
	if (likely((mode | NONBLOCK) == mode_now(true) && io->fd->seen &&
		   made_here(io)))
		return mode & NONBLOCK;
	flags = kernel_fcntl(io->number, F_GETFL, 0);
	info->receive_ms = info->send_ms = 0;
	if (may_have_limits(io))
		find_limits(io);
	mode = mode_now(flags >= 0 && flags & O_NONBLOCK);
	__atomic_store_n(&info->mode, mode, __ATOMIC_RELAXED);
	return mode & NONBLOCK;
}

int ramet__mode_may_wait(struct io *io)
{
	const struct info *info = io->fd->info;
	uint32_t ms;

	if (likely(io->may_wait))
		return 0;
	if (io->wait == WAIT_NONE || find_mode(io))
		return -EAGAIN;
	ms = io->wait == WAIT_READ ? info->receive_ms : info->send_ms;
	if (unlikely(ms))
		io->until = time_add(kernel_now(), ms * RAMET_MS);
	io->may_wait = true;
	return 0;
}
