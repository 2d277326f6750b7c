/* The watchdog's thread has no descriptors, and its reports what they need. */
#include "ramet.h"
#include "door.h"
#include "net.h"
#include "rings.h"
#include "said.h"
#include "thread.h"

#include "debug/watchdog.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define LIMIT (30 * RAMET_MS)
#define STALL (300 * RAMET_MS)

/* ---- its table ---------------------------------------------------------- */

/* How many descriptors the thread has; -1: there is no such thread. */
static int open_in(const char *task)
{
	char path[300], name[16] = "";
	int n = -1;
	FILE *f;
	DIR *dir;

	snprintf(path, sizeof path, "/proc/self/task/%s/comm", task);
	f = fopen(path, "r");
	if (f && !fgets(name, sizeof name, f))
		name[0] = '\0';
	if (f)
		fclose(f);
	if (strncmp(name, "ramet watchdog", 14) != 0)
		return -1;
	snprintf(path, sizeof path, "/proc/self/task/%s/fd", task);
	dir = opendir(path);
	for (const struct dirent *e; dir && (e = readdir(dir));)
		n += e->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return n + 1;
}

static int open_in_watchdog(void)
{
	DIR *dir = opendir("/proc/self/task");
	int n = -1;

	CHECK(dir != NULL);
	for (const struct dirent *e; n < 0 && (e = readdir(dir));)
		n = open_in(e->d_name);
	closedir(dir);
	return n;
}

/* Where the system lets it, the watchdog's thread soon has none, or again. */
static void wait_for_none(void)
{
	for (int i = 0; i < 1000 && open_in_watchdog() != 0; i++)
		ramet_sleep(10 * RAMET_MS);
	CHECK_EQ(open_in_watchdog(), 0);
}

static void need_borrowing(void)
{
	int lender = (int)syscall(SYS_pidfd_open, getpid(), 0);
	int copy = (int)syscall(SYS_pidfd_getfd, lender, lender, 0);
	int err = (int)syscall(SYS_close_range, ~0u, ~0u, 0);

	if (lender >= 0)
		close(lender);
	if (copy >= 0)
		close(copy);
	if (copy < 0 || err < 0 || prctl(PR_GET_SECCOMP) > 0)
		test_skip("descriptors cannot be borrowed here");
	if (TEST_TSAN)
		test_skip("TSan has no watchdog");
}

/* ---- stalls ------------------------------------------------------------- */

static void *wait_long(void *unused)
{
	ramet_sleep(60 * RAMET_SEC);
	return unused;
}

static void start_watching(void)
{
	CHECK_EQ(ramet_set_watchdog(LIMIT), 0);
	CHECK(ramet_go(NULL, wait_long, NULL) != NULL);
	ramet_sleep(LIMIT);
}

/* Until it has been noticed, however busy the machine is. */
static void *block(void *unused)
{
	uint64_t before = __atomic_load_n(&ramet__stalls, __ATOMIC_SEQ_CST);
	struct timespec ts = {0, STALL};

	for (int i = 0; i < 30; i++) {
		CHECK_EQ(nanosleep(&ts, NULL), 0);
		if (__atomic_load_n(&ramet__stalls, __ATOMIC_SEQ_CST) != before)
			break;
	}
	return unused;
}

/* The loop turns now and then, so that each call of fn is a stall. */
static void stall(void *(*fn)(void *), void *arg)
{
	struct ramet *t = ramet_spawn(fn, arg);

	CHECK(t != NULL);
	CHECK_EQ(ramet_join(t, NULL), 0);
	ramet_sleep(4 * LIMIT); /* until its end is seen */
}

/* ---- nothing is kept ---------------------------------------------------- */

TEST(it_keeps_no_end_of_a_pipe)
{
	int fds[2];
	char c;

	need_borrowing();
	CHECK_EQ(pipe2(fds, O_NONBLOCK), 0);
	start_watching();
	wait_for_none();
	CHECK_EQ(close(fds[1]), 0);
	CHECK_EQ(read(fds[0], &c, 1), 0);
	CHECK_EQ(close(fds[0]), 0);
	CHECK_EQ(ramet_set_watchdog(0), 0);
}

static void stalling_twice(void)
{
	start_watching();
	wait_for_none();
	stall(block, NULL);
	wait_for_none();
	CHECK_EQ(ramet_set_watchdog(0), 0);
	ramet_sleep(LIMIT);
	CHECK_EQ(ramet_set_watchdog(LIMIT), 0);
	stall(block, NULL);
	wait_for_none();
}

TEST(what_a_report_borrowed_is_given_back)
{
	need_borrowing();
	hear(stalling_twice);
	CHECK_EQ(count("is blocked in clock_nanosleep(2)\n"), 2);
	CHECK_EQ(count("turns its loop again"), 2);
}

/* The reader, to the end, of what was said while standard error was a pipe. */
static void read_all(int fd)
{
	size_t used = 0;

	for (ssize_t n; (n = read(fd, text + used, sizeof text - used)) > 0;)
		used += (size_t)n;
	text[used] = '\0';
}

TEST(it_writes_to_what_standard_error_is_now)
{
	int fds[2], before = dup(2);

	if (TEST_TSAN)
		test_skip("TSan has no watchdog");
	start_watching();
	CHECK_EQ(pipe(fds), 0);
	CHECK_EQ(dup2(fds[1], 2), 2);
	CHECK_EQ(close(fds[1]), 0);
	stall(block, NULL);
	CHECK_EQ(dup2(before, 2), 2);
	CHECK_EQ(close(before), 0);
	read_all(fds[0]); /* ends, because nobody else has the other end */
	CHECK_EQ(close(fds[0]), 0);
	CHECK_EQ(ramet_set_watchdog(0), 0);
	SAYS("is blocked in clock_nanosleep(2)\n");
	SAYS("turns its loop again");
}

static void without_standard_error(void)
{
	start_watching();
	CHECK_EQ(close(2), 0);
	stall(block, NULL);
}

TEST(without_standard_error_nothing_is_said)
{
	if (TEST_TSAN)
		test_skip("TSan has no watchdog");
	hear(without_standard_error);
	CHECK_EQ(strlen(text), 0);
}

/* ---- sockets that are newer than the thread ----------------------------- */

/* A listener of the system's, on which accept(2) gives up after a while. */
static int listener(void)
{
	struct timeval tv = {0, STALL / 1000};
	struct sockaddr_in addr = loopback(0);
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	CHECK(fd >= 0);
	CHECK_EQ(bind(fd, (struct sockaddr *)&addr, sizeof addr), 0);
	CHECK_EQ(listen(fd, 1), 0);
	CHECK_EQ(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof tv), 0);
	return fd;
}

static void *block_in_accept(void *fd)
{
	CHECK_ERR(accept(*(int *)fd, NULL, NULL), EAGAIN);
	return NULL;
}

static void accepting(void)
{
	int fd;

	start_watching();
	fd = listener();
	stall(block_in_accept, &fd);
	CHECK_EQ(close(fd), 0);
}

TEST(a_report_has_the_address_of_a_newer_socket)
{
	if (TEST_TSAN)
		test_skip("TSan has no watchdog");
	hear(accepting);
	SAYS(", is blocked in accept(2) on fd ");
	SAYS(" (at 127.0.0.1:");
}

static void *accept_long(void *fd)
{
	ramet_accept(*(int *)fd, NULL, NULL);
	return NULL;
}

static void *quit_soon(void *thread)
{
	usleep(STALL / 3000);
	pthread_kill(*(pthread_t *)thread, SIGQUIT);
	return NULL;
}

static void *block_firmly(void *unused)
{
	struct timespec left = {0, STALL};

	while (nanosleep(&left, &left) < 0) /* SIGQUIT comes here */
		CHECK_EQ(errno, EINTR);
	return unused;
}

/* Sockets with the lowest numbers: those that the thread uses itself. */
static void dumping(void)
{
	static int fds[8];
	pthread_t self = pthread_self(), other;

	start_watching();
	CHECK_EQ(close(0), 0);
	for (int i = 0; i < 8; i++) {
		fds[i] = ramet_listen("tcp://127.0.0.1:0");
		CHECK(fds[i] >= 0);
		CHECK(ramet_go(NULL, accept_long, &fds[i]) != NULL);
	}
	CHECK_EQ(fds[0], 0);
	ramet_sleep(LIMIT);
	other = start_thread(quit_soon, &self);
	stall(block_firmly, NULL);
	join_thread(other);
	wait_for_none();
}

/* The loop makes another when it turns again. */
static void keep_first_dump(void)
{
	const char head[] = " ramets in process ";
	char *first = strstr(text, head), *second;

	CHECK(first != NULL);
	second = strstr(first + 1, head);
	if (second)
		*second = '\0';
	memmove(text, first, strlen(first) + 1);
}

TEST(a_dump_has_the_addresses_of_all_sockets)
{
	if (TEST_ASAN)
		test_skip("ASan ends a snapshot that walks a stack");
	need_borrowing();
	hear(dumping);
	keep_first_dump();
	SAYS("    block_firmly+0x");
	SAYS("from fd 0 (at 127.0.0.1:");
	CHECK_EQ(count(" (at 127.0.0.1:"), 8);
}

/* ---- where it is refused ------------------------------------------------ */

static long refused;
static long (*call_all)(long nr, long a, long b, long c, long d, long e,
			long f);

static long call_some(long nr, long a, long b, long c, long d, long e, long f)
{
	return nr == refused ? -ENOSYS : call_all(nr, a, b, c, d, e, f);
}

static void stalling_without(long nr)
{
	struct kernel *own = own_kernel();

	refused = nr;
	call_all = own->call;
	own->call = call_some;
	start_watching();
	stall(block, NULL);
	CHECK(open_in_watchdog() > 0);
}

static void without_pidfd(void)
{
	stalling_without(SYS_pidfd_open);
}

static void without_getfd(void)
{
	stalling_without(SYS_pidfd_getfd);
}

static void without_close_range(void)
{
	stalling_without(SYS_close_range);
}

TEST(an_old_kernel_leaves_it_the_common_table)
{
	if (TEST_TSAN)
		test_skip("TSan has no watchdog");
	hear(without_pidfd);
	SAYS("is blocked in clock_nanosleep(2)\n");
	hear(without_getfd);
	SAYS("is blocked in clock_nanosleep(2)\n");
	hear(without_close_range);
	SAYS("is blocked in clock_nanosleep(2)\n");
}

/* A filter that ends who calls pidfd_getfd(2), as a service may have. */
static bool forbid_getfd(void)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_pidfd_getfd, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {countof(code), code};

	return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	       prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0;
}

static void under_a_filter(void)
{
	if (!forbid_getfd()) {
		fprintf(stderr, "no seccomp\n");
		return;
	}
	start_watching();
	stall(block, NULL);
	CHECK(open_in_watchdog() > 0);
}

TEST(under_a_filter_it_tries_nothing)
{
	if (TEST_TSAN)
		test_skip("TSan has no watchdog");
	hear(under_a_filter);
	if (strstr(text, "no seccomp"))
		test_skip("no seccomp here");
	SAYS("is blocked in clock_nanosleep(2)\n");
}
