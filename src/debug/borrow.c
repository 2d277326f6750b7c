/* borrow.c - by pidfd_getfd(2), which within a process asks for no permission.
 *
 * Under a filter of system calls nothing is tried: one for services (systemd's
 * @system-service) ends a process that calls it, containers' refuse it.
 */
#include "debug/borrow.h"

#include "kernel/calls.h"

#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

/* Of pidfd_open(2), Linux 6.9. */
#define PIDFD_OF_THREAD O_EXCL

#define ALL_FDS (~0U)

static bool allowed;  /* by the system */
static bool apart;    /* the watchdog's thread, from the program's table */
static bool borrowed; /* something */

static long call(long nr, long a, long b, long c)
{
	return kernel_real_call(nr, a, b, c, 0, 0, 0);
}

static bool is_filtered(void)
{
	return call(SYS_prctl, PR_GET_SECCOMP, 0, 0) > 0;
}

/* ---- leaving ------------------------------------------------------------ */

static int own_pid(void)
{
	return (int)call(SYS_getpid, 0, 0, 0);
}

/* Here and not on the watchdog's thread: a program that has one thread may rely
 * on the number that its next descriptor gets. */
void ramet__borrow_try(void)
{
	int lender, copy = -EPERM;

	lender = is_filtered() ? -EPERM
			       : (int)kernel_call(SYS_pidfd_open, own_pid(), 0,
						  0, 0, 0, 0);
	if (lender >= 0) {
		copy = (int)kernel_call(SYS_pidfd_getfd, lender, lender, 0, 0,
					0, 0);
		kernel_close(lender);
	}
	if (copy >= 0)
		kernel_close(copy);
	allowed = copy >= 0;
	apart = false;
}

void ramet__borrow_leave(void)
{
	apart = allowed && kernel_call(SYS_close_range, 0, ALL_FDS,
				       CLOSE_RANGE_UNSHARE, 0, 0, 0) == 0;
}

/* ---- borrowing ---------------------------------------------------------- */

/* Older systems know only the table of the first thread, which nearly always is
 * the same. */
static long open_lender(int tid)
{
	long lender = call(SYS_pidfd_open, tid, PIDFD_OF_THREAD, 0);

	return lender >= 0 ? lender : call(SYS_pidfd_open, own_pid(), 0, 0);
}

void ramet__borrow(int tid, int fd)
{
	long lender, copy;

	if (!apart || is_filtered())
		return;
	lender = open_lender(tid);
	copy = call(SYS_pidfd_getfd, lender, fd, 0);
	call(SYS_close, lender, 0, 0);
	if (copy < 0)
		return;
	borrowed = true;
	if (copy == fd)
		return;
	call(SYS_dup3, copy, fd, O_CLOEXEC);
	call(SYS_close, copy, 0, 0);
}

/* A link of a thread's directory of descriptors says what is open. */
static bool is_socket(int dir, const char *name)
{
	static const char socket[] = "socket:";
	char what[sizeof socket - 1];

	return kernel_real_call(SYS_readlinkat, dir, KERNEL_ARG(name),
				KERNEL_ARG(what), sizeof what, 0,
				0) == sizeof what &&
	       memcmp(what, socket, sizeof what) == 0;
}

void ramet__borrow_socket(int tid, int fd)
{
	char path[64];

	snprintf(path, sizeof path, "/proc/self/task/%d/fd/%d", tid, fd);
	if (apart && is_socket(AT_FDCWD, path))
		ramet__borrow(tid, fd);
}

/* A line of a directory. */
struct entry {
	uint64_t inode, next;
	unsigned short size;
	unsigned char type;
	char name[];
};

/* Returns the directory, which has to be elsewhere if its number is wanted. */
static int borrow_listed(int tid, int dir, const char *name)
{
	int fd = atoi(name), from = dir;

	if (!is_socket(dir, name))
		return dir;
	if (fd == dir)
		dir = (int)call(SYS_dup, dir, 0, 0);
	ramet__borrow(tid, fd);
	return dir < 0 ? from : dir;
}

void ramet__borrow_sockets(int tid)
{
	_Alignas(struct entry) char list[4096];
	const struct entry *e;
	char path[64];
	long n;
	int dir;

	if (!apart)
		return;
	snprintf(path, sizeof path, "/proc/self/task/%d/fd", tid);
	dir = (int)call(SYS_openat, AT_FDCWD, KERNEL_ARG(path),
			O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	while (dir >= 0 && (n = call(SYS_getdents64, dir, KERNEL_ARG(list),
				     sizeof list)) > 0) {
		for (long at = 0; at < n; at += e->size) {
			e = (const void *)(list + at);
			dir = borrow_listed(tid, dir, e->name);
		}
	}
	if (dir >= 0)
		call(SYS_close, dir, 0, 0);
}

void ramet__borrow_end(void)
{
	if (borrowed)
		call(SYS_close_range, 0, ALL_FDS, 0);
	borrowed = false;
}
