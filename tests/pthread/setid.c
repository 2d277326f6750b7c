/* setid.c - ids of users and groups are changed for all threads.  Needs root.
 */
#include "posix.h"

#include <dlfcn.h>
#include <grp.h>
#include <sched.h>

enum { NOBODY = 65534 };

static volatile int changed;

static void need_root(void)
{
	if (geteuid() != 0)
		skip("not root");
}

/* The kernel's view of each OS thread is that of the process's tasks. */
static void *see_change(void *arg)
{
	while (!changed)
		sched_yield();
	CHECK_EQ(getuid(), NOBODY);
	CHECK_EQ(geteuid(), NOBODY);
	CHECK_EQ(getgid(), NOBODY);
	return arg;
}

static void *change(void *arg)
{
	gid_t none[1] = {NOBODY};

	CHECK_EQ(setgroups(1, none), 0);
	CHECK_EQ(setgid(NOBODY), 0);
	CHECK_EQ(setuid(NOBODY), 0);
	CHECK_ERR(setuid(0), EPERM);
	changed = 1;
	return arg;
}

static void start(pthread_t *t, int n)
{
	for (int i = 0; i < n; i++)
		CHECK_EQ(pthread_create(&t[i], NULL, see_change, NULL), 0);
	sched_yield();
}

static void join(pthread_t *t, int n)
{
	for (int i = 0; i < n; i++)
		CHECK_EQ(pthread_join(t[i], NULL), 0);
}

TEST(main_changes_them_for_all)
{
	pthread_t t[10];

	need_root();
	start(t, 10);
	change(NULL);
	join(t, 10);
}

TEST(a_thread_changes_them_for_all)
{
	pthread_t t[11];

	need_root();
	start(t, 10);
	CHECK_EQ(pthread_create(&t[10], NULL, change, NULL), 0);
	join(t, 11);
	see_change(NULL);
}

static void *effective(void *arg)
{
	CHECK_EQ(setresgid(-1, NOBODY, -1), 0);
	CHECK_EQ(setegid(0), 0);
	CHECK_EQ(setregid(-1, -1), 0);
	CHECK_EQ(seteuid(NOBODY), 0);
	CHECK_EQ(geteuid(), NOBODY);
	CHECK_EQ(setreuid(-1, 0), 0);
	CHECK_EQ(setresuid(0, NOBODY, 0), 0);
	CHECK_EQ(setresuid(-1, 0, -1), 0);
	CHECK_EQ(initgroups("root", 0), 0);
	CHECK_EQ(geteuid(), 0);
	return arg;
}

TEST(effective_ids_change_back_and_forth)
{
	pthread_t t;

	need_root();
	for (int i = 0; i < 50; i++) {
		CHECK_EQ(pthread_create(&t, NULL, effective, NULL), 0);
		CHECK_EQ(pthread_join(t, NULL), 0);
	}
}

static int fds[2];

static void *wait_in_kernel(void *arg)
{
	char c;

	CHECK_EQ(read(fds[0], &c, 1), 1);
	return (void *)(long)(getuid() == NOBODY && arg == NULL);
}

/* libc's own function, whatever has taken its name. */
static pthread_t os_thread(void)
{
	int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *),
		      void *);
	void *libc = dlopen("libc.so.6", RTLD_NOW | RTLD_NOLOAD), *found;
	pthread_t t;

	CHECK(libc != NULL);
	found = dlsym(libc, "pthread_create");
	memcpy(&create, &found, sizeof create);
	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(create(&t, NULL, wait_in_kernel, NULL), 0);
	return t;
}

TEST(a_thread_changes_them_for_os_threads_too)
{
	pthread_t t[11], os;
	void *(*fn[2])(void *) = {effective, change};
	void *value;

	need_root();
	os = os_thread();
	start(t, 10);
	for (int i = 0; i < 2; i++) {
		CHECK_EQ(pthread_create(&t[10], NULL, fn[i], NULL), 0);
		CHECK_EQ(pthread_join(t[10], NULL), 0);
	}
	join(t, 10);
	CHECK_EQ(write(fds[1], "x", 1), 1);
	CHECK_EQ(pthread_join(os, &value), 0);
	CHECK_EQ(value, 1);
}
