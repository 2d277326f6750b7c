/* setid.c - user and group ids belong to all threads.
 *
 * The kernel changes them for one OS thread; libc has each of the others change
 * its own, by a signal that it sends to the thread's id and that is answered in
 * the thread's block.  Ramets have no such id, and the OS thread answers in the
 * block of whoever runs.  So the call is made in the OS thread's own block:
 * then that one needs no signal, and the ramets' ids are nobody's.
 */
#include "patch/thread/life.h"

/* One call, as a closure. */
struct change {
	int (*call)(const struct change *c);
	const void *ptr;
	size_t n;
	uint32_t id[3];
};

/* In functions of their own, so that no address of a thread-local variable
 * lasts longer than the block it is in. */
static __attribute__((noinline)) int run(const struct change *c)
{
	return c->call(c) < 0 ? -errno : 0;
}

static __attribute__((noinline)) int run_as_os_thread(const struct change *c)
{
	void *mine = arch_tls();
	int err;

	arch_set_tls((void *)ramet__thread_os());
	err = run(c);
	arch_set_tls(mine);
	return err;
}

/* Another OS thread would signal ours, in vain. */
static int change(const struct change *c)
{
	int err;

	if (!ramet__threads)
		return c->call(c);
	err = thread_loop() ? run_as_os_thread(c) : -EAGAIN;
	if (err == 0)
		return 0;
	errno = -err;
	return -1;
}

/* What libc is called with, and what calls it. */
#define SETTER(name, params, ids, args)                                        \
	static int call_##name(const struct change *c)                         \
	{                                                                      \
		return libc.name args;                                         \
	}                                                                      \
	int HOOK(name) params                                                  \
	{                                                                      \
		return change(&(struct change){.call = call_##name,            \
					       .id = {IDS ids}});              \
	}
#define IDS(...) __VA_ARGS__
#define ONE (c->id[0])
#define TWO (c->id[0], c->id[1])
#define THREE (c->id[0], c->id[1], c->id[2])

SETTER(setuid, (uid_t uid), (uid), ONE)
SETTER(setgid, (gid_t gid), (gid), ONE)
SETTER(seteuid, (uid_t uid), (uid), ONE)
SETTER(setegid, (gid_t gid), (gid), ONE)
SETTER(setreuid, (uid_t real, uid_t effective), (real, effective), TWO)
SETTER(setregid, (gid_t real, gid_t effective), (real, effective), TWO)
SETTER(setresuid, (uid_t real, uid_t effective, uid_t saved),
       (real, effective, saved), THREE)
SETTER(setresgid, (gid_t real, gid_t effective, gid_t saved),
       (real, effective, saved), THREE)

static int call_setgroups(const struct change *c)
{
	return libc.setgroups(c->n, c->ptr);
}

int HOOK(setgroups)(size_t count, const gid_t *groups)
{
	return change(&(struct change){.call = call_setgroups,
				       .n = count,
				       .ptr = groups});
}

static int call_initgroups(const struct change *c)
{
	return libc.initgroups(c->ptr, c->id[0]);
}

int HOOK(initgroups)(const char *user, gid_t group)
{
	return change(&(struct change){.call = call_initgroups,
				       .ptr = user,
				       .id = {group}});
}
