/* guard.c - a list of the runtime's own descriptors. */
#include "kernel/guard.h"

#include "kernel/calls.h"

enum { HIGH = 900, LESS_HIGH = 200 };

bool kernel_guards;
int kernel_guarded_least = INT_MAX;

static struct kernel_fd *all; /* under lock, held for moments */
static int lock;

static void take_lock(void)
{
	while (__atomic_exchange_n(&lock, 1, __ATOMIC_ACQUIRE))
		kernel_call(SYS_sched_yield, 0, 0, 0, 0, 0, 0);
}

static void drop_lock(void)
{
	__atomic_store_n(&lock, 0, __ATOMIC_RELEASE);
}

/* A duplicate out of the way; or -errno. */
static int above(int number)
{
	int high = kernel_fcntl(number, F_DUPFD_CLOEXEC, HIGH);

	if (high == -EINVAL) /* so many are not allowed */
		high = kernel_fcntl(number, F_DUPFD_CLOEXEC, LESS_HIGH);
	return high;
}

static void set_number(struct kernel_fd *fd, int number)
{
	__atomic_store_n(&fd->number, number, __ATOMIC_RELAXED);
	if (number < kernel_guarded_least)
		__atomic_store_n(&kernel_guarded_least, number,
				 __ATOMIC_RELAXED);
}

/* Each change is one store, so the list is whole whenever that was. */
void kernel_guard_after_fork(void)
{
	drop_lock();
}

void kernel_guard(struct kernel_fd *fd, int number)
{
	int high = -1;

	fd->listed = kernel_guards;
	fd->number = number;
	if (!kernel_guards)
		return;
	if (number < HIGH)
		high = above(number);
	if (high >= 0) {
		kernel_close(number);
		number = high;
	}
	take_lock();
	set_number(fd, number);
	fd->next = all;
	all = fd;
	drop_lock();
}

void kernel_unguard(struct kernel_fd *fd)
{
	struct kernel_fd **link = &all;

	if (fd->listed) {
		take_lock();
		while (*link != fd)
			link = &(*link)->next;
		*link = fd->next;
		drop_lock();
	}
	if (fd->number >= 0)
		kernel_close(fd->number);
	fd->listed = false;
	fd->number = -1;
}

int kernel_guarded_from(int first)
{
	int least = -1;

	take_lock();
	for (struct kernel_fd *fd = all; fd; fd = fd->next)
		if (fd->number >= first && (least < 0 || fd->number < least))
			least = fd->number;
	drop_lock();
	return least;
}

int kernel_guard_move(int number)
{
	struct kernel_fd *fd;
	int to = -EBADF;

	take_lock();
	for (fd = all; fd && fd->number != number; fd = fd->next)
		;
	if (fd)
		to = above(number);
	if (to >= 0) {
		set_number(fd, to);
		kernel_close(number);
	}
	drop_lock();
	if (to < 0)
		return to;
	if (fd->moved)
		fd->moved(fd, number);
	return 0;
}
