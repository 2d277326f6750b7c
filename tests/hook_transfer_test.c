/* From one descriptor to another under the socket group: sendfile and its like.
 */
#include "replaced.h"
#include "ticker.h"

#include <semaphore.h>
#include <sys/syscall.h>

TEST_SEES_EINTR;

enum { MUCH = 8 << 20 };

static void *take_all(void *p)
{
	static char buf[16384];
	size_t got = 0;
	long n;

	while ((n = read(*(int *)p, buf, sizeof buf)) > 0)
		got += (size_t)n;
	CHECK_EQ(n, 0);
	return (void *)got;
}

static int big_file(void)
{
	char path[128];
	int fd;

	snprintf(path, sizeof path, "%s/big", test_dir());
	fd = open(path, O_RDWR | O_CREAT, 0600);
	CHECK(fd >= 0);
	CHECK_EQ(ftruncate(fd, MUCH), 0);
	CHECK_EQ(unlink(path), 0);
	return fd;
}

TEST(sendfile_sends_all_of_it)
{
	for (int copied = 0; copied < 2; copied++)
		for (int i = 0; i < STREAMS; i++) {
			int fds[2], file = big_file(), copy = -1;
			off_t offset = 100;
			struct ramet *t;

			makers[i](fds);
			if (copied)
				copy = dup(fds[1]);
			t = spawn(take_all, &fds[0]);
			CHECK_EQ(sendfile(fds[1], file, &offset, 2 * MUCH),
				 MUCH - 100);
			CHECK_EQ(offset, MUCH);
			CHECK_EQ(fcntl(fds[1], F_GETFL) & O_NONBLOCK, 0);
			CHECK_EQ(sendfile(fds[1], file, &offset, 2 * MUCH), 0);
			CHECK_EQ(close(fds[1]), 0);
			if (copied)
				CHECK_EQ(close(copy), 0);
			CHECK_EQ((size_t)join(t), MUCH - 100);
			CHECK_EQ(close(fds[0]), 0);
			CHECK_EQ(close(file), 0);
		}
}

TEST(sendfile_obeys_O_NONBLOCK_and_scopes)
{
	int fds[2], file = big_file();
	long n;

	tcp(fds);
	CHECK_EQ(fcntl(fds[1], F_SETFL, O_RDWR | O_NONBLOCK), 0);
	n = sendfile(fds[1], file, NULL, MUCH);
	CHECK(n > 0 && n < MUCH);
	CHECK_EQ(fcntl(fds[1], F_SETFL, O_RDWR), 0);
	RAMET_WITHIN(20 * RAMET_MS)
		while ((n = sendfile(fds[1], file, NULL, MUCH)) > 0)
			CHECK_EQ(lseek(file, 0, SEEK_SET), 0);
	CHECK_EQ(n, -1);
	CHECK_EQ(errno, ETIMEDOUT);
	end_pair(fds);
	CHECK_EQ(close(file), 0);
}

static void *splice_call(void *p)
{
	int *fds = p;

	return (void *)splice(fds[0], NULL, fds[1], NULL, 100, 0);
}

TEST(splice_waits_for_either_end)
{
	struct ramet *ticker = start_ticker();

	for (int i = 0; i < STREAMS; i++) {
		int before = ticks, from[2], to[2], ends[2];
		char buf[8];
		struct ramet *t;

		makers[i](from);
		a_pipe(to);
		ends[0] = from[0];
		ends[1] = to[1];
		t = spawn(splice_call, ends);
		settle();
		CHECK(ticks > before);
		CHECK_EQ(write(from[1], "hello", 5), 5);
		CHECK_EQ((long)join(t), 5);
		CHECK_EQ(tee(to[0], to[1], 0, 0), 0);
		ends[0] = to[0];
		ends[1] = from[0];
		CHECK_EQ((long)splice_call(ends), 5);
		CHECK_EQ(read(from[1], buf, 8), 5);
		CHECK(memcmp(buf, "hello", 5) == 0);
		CHECK_ERR(splice(to[0], NULL, from[0], NULL, 5,
				 SPLICE_F_NONBLOCK),
			  EAGAIN);
		end_pair(from);
		end_pair(to);
	}
	stop_ticker(ticker);
}

TEST(vmsplice_waits_for_room)
{
	char *buf = made(calloc(1, MUCH));
	struct iovec iov = {buf, MUCH};
	size_t out = 0;
	struct ramet *t;
	int fds[2];

	a_pipe(fds);
	t = spawn(take_all, &fds[0]);
	while (out < MUCH) {
		long n = vmsplice(fds[1], &iov, 1, 0);

		CHECK(n > 0);
		out += (size_t)n;
		iov = (struct iovec){buf + out, MUCH - out};
	}
	CHECK_EQ(close(fds[1]), 0);
	CHECK_EQ((size_t)join(t), MUCH);
	CHECK_EQ(close(fds[0]), 0);
	free(buf);
}

/* ---- by a helper -------------------------------------------------------- */

static struct kernel slow;
static const struct kernel *real;
static sem_t go;
static int cold_file;
static int cold;  /* atomic: how often it is still read from the disk */
static int begun; /* atomic: calls by helpers */

/* A disk that answers when it is told to. */
static long slow_call(long nr, long a, long b, long c, long d, long e, long f)
{
	if (nr == SYS_preadv2 && a == cold_file &&
	    __atomic_load_n(&cold, __ATOMIC_SEQ_CST))
		return -EAGAIN;
	if (!ramet__this_loop)
		__atomic_add_fetch(&begun, 1, __ATOMIC_SEQ_CST);
	if (nr == SYS_pread64) {
		if (sem_wait(&go) < 0)
			return -EINTR;
		__atomic_sub_fetch(&cold, 1, __ATOMIC_SEQ_CST);
	}
	return real->call(nr, a, b, c, d, e, f);
}

static void slow_down(int file)
{
	cold_file = file;
	sem_init(&go, 0, 0);
	kernel_choose();
	real = ramet__kernel;
	slow = *real;
	slow.call = slow_call;
	ramet__kernel = &slow;
}

static void let_helper_begin(struct ramet *caller)
{
	while (!__atomic_load_n(&begun, __ATOMIC_SEQ_CST)) {
		CHECK_EQ(ramet_ended(caller), 0);
		settle();
	}
	settle();
}

struct sending {
	int socket, file;
	long result;
	int error;
};

static void *sendfile_call(void *p)
{
	struct sending *s = p;

	s->result = sendfile(s->socket, s->file, NULL, MUCH);
	s->error = errno;
	return NULL;
}

/* Who has the socket, too, must not see O_NONBLOCK, so a helper waits for room.
 */
TEST(a_sendfile_by_a_helper_ends_with_its_scope)
{
	int fds[2];
	struct sending s = {.file = big_file()};
	struct ramet *t;
	int copy;

	slow_down(-1);
	stream(fds);
	s.socket = fds[1];
	copy = dup(fds[1]);
	CHECK(copy >= 0);
	fill(fds[1]);
	t = spawn(sendfile_call, &s);
	LIVELY
		let_helper_begin(t);
	CHECK_EQ(ramet_cancel(t), 0);
	join(t);
	CHECK_EQ(s.result, -1);
	CHECK_EQ(s.error, ECANCELED);
	/* Whoever knows nothing of scopes cannot go on with it. */
	LIVELY
		CHECK_ERR(send(fds[1], "x", 1, MSG_NOSIGNAL), EPIPE);
	CHECK_EQ(close(copy), 0);
	CHECK_EQ(close(s.file), 0);
	end_pair(fds);
}

static void *splice_some(void *p)
{
	struct sending *s = p;
	off64_t at = 4096;

	s->result = splice(s->file, &at, s->socket, NULL, 4096, 0);
	s->error = errno;
	return NULL;
}

/* The kernel would wait for the disk even with O_NONBLOCK. */
TEST(others_run_while_a_file_is_fetched)
{
	void *(*const calls[])(void *) = {sendfile_call, splice_some};
	struct sending s = {.file = big_file()};
	struct ramet *ticker;

	slow_down(s.file);
	ticker = start_ticker();
	for (int i = 0; i < 2; i++) {
		int fds[2], before = ticks;
		struct ramet *t, *taker;

		a_pipe(fds);
		s.socket = fds[1];
		taker = spawn(take_all, &fds[0]);
		__atomic_store_n(&cold, 2, __ATOMIC_SEQ_CST);
		t = spawn(calls[i], &s);
		settle();
		CHECK_EQ(cold, 2);
		CHECK(ticks > before);
		sem_post(&go);
		if (i == 0) {
			while (__atomic_load_n(&cold, __ATOMIC_SEQ_CST) == 2) {
				CHECK_EQ(ramet_ended(t), 0);
				settle();
			}
			settle();
			sem_post(&go);
		}
		join(t);
		CHECK_EQ(s.result, i ? 4096 : MUCH);
		__atomic_store_n(&cold, 0, __ATOMIC_SEQ_CST);
		CHECK_EQ(close(fds[1]), 0);
		CHECK_EQ((size_t)join(taker), (size_t)s.result);
		CHECK_EQ(close(fds[0]), 0);
		CHECK_EQ(lseek(s.file, 0, SEEK_SET), 0);
	}
	CHECK_EQ(close(s.file), 0);
	stop_ticker(ticker);
}

/* A scope ends it before anything has been sent. */
TEST(a_fetch_ends_with_its_scope)
{
	struct sending s = {.file = big_file()};
	struct ramet *t;
	int fds[2];

	slow_down(s.file);
	a_pipe(fds);
	s.socket = fds[1];
	__atomic_store_n(&cold, 1, __ATOMIC_SEQ_CST);
	t = spawn(sendfile_call, &s);
	let_helper_begin(t);
	CHECK_EQ(ramet_cancel(t), 0);
	join(t);
	CHECK_EQ(s.result, -1);
	CHECK_EQ(s.error, ECANCELED);
	end_pair(fds);
	CHECK_EQ(close(s.file), 0);
}
