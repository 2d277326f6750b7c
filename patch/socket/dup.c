/* dup.c - duplicates: a number comes anew, and may have meant something. */
#include "kernel/guard.h"
#include "patch/socket/call.h"

/* Our own descriptors are none to the program. */
static bool is_ours(int fd)
{
	return call_counts() && kernel_is_guarded(fd);
}

int HOOK(dup)(int fd)
{
	int copy;

	if (is_ours(fd))
		return (int)call_result(-EBADF);
	copy = libc.dup(fd);
	return call_counts() ? ramet__call_copied(fd, copy) : copy;
}

enum { HELD_NS = 1000 * 1000 };

/* Make way at the target: whoever waits there hears of it, a descriptor of our
 * own moves, and a call that a helper thread makes there comes to its end.
 * Returns 0 or -errno: then nothing has changed. */
static int make_way(int fd, int target)
{
	struct loop *l = hook_loop(RAMET_SOCKET);
	int err = kernel_fcntl(fd, F_GETFD, 0);

	if (err < 0)
		return err;
	if (kernel_is_guarded(target)) {
		err = kernel_guard_move(target);
		return err < 0 ? -EBUSY : 0;
	}
	while (l && ramet__number_is_held(target))
		ramet__park_firm(l, WAIT_SLEEP, NULL,
				 time_add(kernel_now(), HELD_NS));
	if (ramet__number_is_held(target))
		return -EBUSY;
	ramet__fd_forget(target);
	return 0;
}

/* Whether nothing is known of the target, as of most. */
static bool is_free(int target)
{
	const struct info *info = ramet__info_known(target);

	return !kernel_is_guarded(target) &&
	       (!info || (!info->held && !info->loops));
}

static int dup_to(int fd, int target, int flags)
{
	int err = is_free(target) ? 0 : make_way(fd, target);

	if (err == 0)
		err = kernel_dup3(fd, target, flags);
	if (err < 0)
		return (int)call_result(err);
	return ramet__call_copied(fd, target);
}

int HOOK(dup2)(int fd, int target)
{
	if (is_ours(fd))
		return (int)call_result(-EBADF);
	if (fd == target || target < 0 || !call_counts())
		return libc.dup2(fd, target);
	return dup_to(fd, target, 0);
}

int HOOK(dup3)(int fd, int target, int flags)
{
	if (fd == target || target < 0 || flags & ~O_CLOEXEC || !call_counts())
		return libc.dup3(fd, target, flags);
	if (is_ours(fd))
		return (int)call_result(-EBADF);
	return dup_to(fd, target, flags);
}
