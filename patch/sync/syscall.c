/* syscall.c - system calls by number: those that have a replacement go there,
 * futexes to the parking lot, and all others to the kernel. */
#include "patch/engine/row.h"
#include "patch/sync/futex.h"
#include "patch/sync/sync.h"

#include <stdarg.h>
#include <sys/syscall.h>

/* Replacements that take in registers what the system call takes, or less, and
 * return what syscall(2) does.  One may be missing from the table. */
#define LONG_CALLS(X)                                                          \
	X(read)                                                                \
	X(write)                                                               \
	X(readv)                                                               \
	X(writev)                                                              \
	X(pread64)                                                             \
	X(pwrite64)                                                            \
	X(recvfrom)                                                            \
	X(sendto)                                                              \
	X(recvmsg)                                                             \
	X(sendmsg)

#define INT_CALLS(X)                                                           \
	X(poll)                                                                \
	X(ppoll)                                                               \
	X(select)                                                              \
	X(epoll_wait)                                                          \
	X(epoll_pwait)                                                         \
	X(nanosleep)                                                           \
	X(clock_nanosleep)                                                     \
	X(pause)                                                               \
	X(sched_yield)                                                         \
	X(accept)                                                              \
	X(accept4)                                                             \
	X(connect)                                                             \
	X(recvmmsg)                                                            \
	X(sendmmsg)                                                            \
	X(close)                                                               \
	X(close_range)                                                         \
	X(dup2)                                                                \
	X(dup3)                                                                \
	X(fsync)                                                               \
	X(fdatasync)                                                           \
	X(flock)                                                               \
	X(wait4)

typedef long long_call(long, long, long, long, long, long);
typedef int int_call(long, long, long, long, long, long);

static struct route {
	long number;
	const char *name;
	bool is_long;
	void *to; /* atomic: the replacement */
} routes[] = {
#define LONG(name) {SYS_##name, #name, true, NULL},
#define INT(name) {SYS_##name, #name, false, NULL},
	LONG_CALLS(LONG) INT_CALLS(INT)};

static struct route *route_of(long number)
{
	for (struct route *r = routes; r < routes + countof(routes); r++)
		if (r->number == number)
			return r;
	return NULL;
}

/* Looked for once; two at once find the same. */
static void *target(struct route *r)
{
	void *to = __atomic_load_n(&r->to, __ATOMIC_RELAXED);
	const struct patch_row *row;

	if (likely(to))
		return to;
	row = patch_row_look_for(r->name);
	to = row ? row->hook : NULL;
	__atomic_store_n(&r->to, to, __ATOMIC_RELAXED);
	return to;
}

/* clock_nanosleep returns what others leave in errno. */
static long follow(const struct route *r, void *to, const long a[6])
{
	int result;

	if (r->is_long)
		return ((long_call *)to)(a[0], a[1], a[2], a[3], a[4], a[5]);
	result = ((int_call *)to)(a[0], a[1], a[2], a[3], a[4], a[5]);
	if (r->number != SYS_clock_nanosleep || result <= 0)
		return result;
	errno = result;
	return -1;
}

static long futex(const long a[6])
{
	long n = ramet__futex(a);

	if (n >= 0)
		return n;
	errno = (int)-n;
	return -1;
}

/* Arguments that were not given are read, and ignored by who is called. */
long HOOK(syscall)(long number, ...)
{
	struct route *r;
	void *to;
	long a[6];
	va_list list;

	va_start(list, number);
	for (size_t i = 0; i < countof(a); i++)
		a[i] = va_arg(list, long);
	va_end(list);
	patch_libc_find();
	if (likely(!ramet__sync_off)) {
		if (number == SYS_futex)
			return futex(a);
		r = route_of(number);
		to = r ? target(r) : NULL;
		if (to)
			return follow(r, to, a);
	}
	return libc.syscall(number, a[0], a[1], a[2], a[3], a[4], a[5]);
}
