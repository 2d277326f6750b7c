/* Files: what is cached, and what takes its time without keeping anybody. */
#include "fds.h"
#include "ramets.h"
#include "rings.h"
#include "thread.h"

#include "core/core.h"
#include "core/errand.h"

#include <fcntl.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

static char path[96];

/* The byte at an offset of a test file. */
static char pattern(size_t offset)
{
	return (char)(offset * 31 + offset / 4096 * 7);
}

static bool has_pattern(const char *buf, size_t size, size_t offset)
{
	for (size_t i = 0; i < size; i++)
		if (buf[i] != pattern(offset + i))
			return false;
	return true;
}

/* A name for one file. */
static void make_path(void)
{
	snprintf(path, sizeof path, "%s/file", test_dir());
}

static int make_file(size_t size, int flags)
{
	char *buf = malloc(size + 1);
	int fd;

	make_path();
	fd = open(path, O_RDWR | O_CREAT, 0600);
	for (size_t i = 0; i < size; i++)
		buf[i] = pattern(i);
	CHECK_EQ(write(fd, buf, size), size);
	free(buf);
	CHECK_EQ(fsync(fd), 0);
	close(fd);
	fd = ramet_open(path, flags, 0);
	CHECK(fd >= 0);
	return fd;
}

/* Have the next reads go to the disk, if the file system lets go. */
static void evict(int fd)
{
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
}

/* ---- a disk that answers when it is told to ----------------------------- */

/* How the door is: as ever, or nothing is cached and calls wait for let_go,
 * whether the kernel has them or a helper.  Atomic. */
static enum { FAST, SLOW_KERNEL, SLOW_HELPERS } mode;
static struct kernel door;
static const struct kernel *real;
static struct kernel_op *stuck[8];
static int stuck_count;
static sem_t go, here;
static void (*job_run)(struct kernel_job *job); /* of all of them; atomic */
/* Calls of helpers that have returned since the mode changed, but for those
 * that will be made again.  Atomic. */
static int returned;

static void be(int new_mode)
{
	__atomic_store_n(&mode, new_mode, __ATOMIC_SEQ_CST);
	__atomic_store_n(&returned, 0, __ATOMIC_SEQ_CST);
}

static int how(void)
{
	return (int)__atomic_load_n(&mode, __ATOMIC_SEQ_CST);
}

static long door_call(long nr, long a, long b, long c, long d, long e, long f)
{
	if (how() == FAST || a == STDERR_FILENO) /* what the runtime says */
		return real->call(nr, a, b, c, d, e, f);
	if ((nr == SYS_preadv2 || nr == SYS_pwritev2) && f == RWF_NOWAIT)
		return -EAGAIN;
	if (nr == SYS_pread64 || nr == SYS_pwrite64 || nr == SYS_read ||
	    nr == SYS_write || nr == SYS_fsync) {
		sem_post(&here);
		while (sem_wait(&go) < 0)
			;
	}
	return real->call(nr, a, b, c, d, e, f);
}

static int door_submit(struct poller *p, struct kernel_op *op)
{
	if (how() == FAST)
		return real->submit ? real->submit(p, op) : -ENOSYS;
	if (how() == SLOW_HELPERS)
		return -ENOSYS;
	stuck[stuck_count++] = op;
	return 0;
}

static void run_and_count(struct kernel_job *job)
{
	struct errand *e = container_of(job, struct errand, job);

	__atomic_load_n(&job_run, __ATOMIC_SEQ_CST)(job);
	if (e->op.result != -EINTR)
		__atomic_add_fetch(&returned, 1, __ATOMIC_SEQ_CST);
}

static int door_run(struct kernel_job *job)
{
	__atomic_store_n(&job_run, job->run, __ATOMIC_SEQ_CST);
	job->run = run_and_count;
	return real->run(job);
}

/* Before there are other threads. */
static void open_door(void)
{
	sem_init(&go, 0, 0);
	sem_init(&here, 0, 0);
	real = ramet__kernel;
	door = *real;
	door.call = door_call;
	door.submit = door_submit;
	door.run = door_run;
	ramet__kernel = &door;
}

/* The runtime's own descriptors, the ring for files among them. */
void test_begin(void)
{
	int fds[2];

	ramet__poller(ramet__loop());
	open_door();
	CHECK_EQ(ramet_pipe(fds, 0), 0);
	CHECK_ERR(ramet_fsync(fds[0]), EINVAL);
	ramet_close(fds[0]);
	ramet_close(fds[1]);
	be(FAST);
}

/* ---- reading and writing ------------------------------------------------ */

TEST(what_is_written_at_an_offset_is_read_there)
{
	int fd = make_file(100, O_RDWR);
	char buf[64];

	CHECK_EQ(ramet_pwrite(fd, "hello", 5, 40), 5);
	CHECK_EQ(ramet_pread(fd, buf, 5, 40), 5);
	CHECK(memcmp(buf, "hello", 5) == 0);
	CHECK_EQ(ramet_pread(fd, buf, 40, 0), 40);
	CHECK(has_pattern(buf, 40, 0));
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	ramet_close(fd);
}

TEST(reads_are_short_only_at_the_end_of_the_file)
{
	size_t size = 700 * 1000;
	int fd = make_file(size, O_RDONLY);
	char *buf = malloc(size + 1000);

	for (int cached = 0; cached < 2; cached++) {
		if (!cached)
			evict(fd);
		CHECK_EQ(ramet_pread(fd, buf, size, 0), size);
		CHECK(has_pattern(buf, size, 0));
		CHECK_EQ(ramet_pread(fd, buf, size, 123), size - 123);
		CHECK(has_pattern(buf, size - 123, 123));
		CHECK_EQ(ramet_pread(fd, buf, 10, (off_t)size), 0);
		CHECK_EQ(ramet_pread(fd, buf, 10, (off_t)size + 50), 0);
		CHECK_EQ(ramet_pread(fd, buf, 0, 0), 0);
	}
	free(buf);
	ramet_close(fd);
}

TEST(reads_and_writes_move_the_position)
{
	int fd = make_file(10000, O_RDWR);
	char buf[6000];

	evict(fd);
	CHECK_EQ(ramet_read(fd, buf, 6000), 6000);
	CHECK(has_pattern(buf, 6000, 0));
	CHECK_EQ(ramet_read(fd, buf, 6000), 4000);
	CHECK(has_pattern(buf, 4000, 6000));
	CHECK_EQ(ramet_read(fd, buf, 6000), 0);
	CHECK_EQ(ramet_write(fd, "tail", 4), 4);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 10004);
	ramet_close(fd);
}

TEST(appending_ignores_the_position)
{
	int fd = make_file(10, O_WRONLY | O_APPEND);
	struct stat st;

	CHECK_EQ(lseek(fd, 3, SEEK_SET), 3);
	CHECK_EQ(ramet_write(fd, "abc", 3), 3);
	CHECK_EQ(ramet_write(fd, "def", 3), 3);
	CHECK_EQ(ramet_fsync(fd), 0);
	CHECK_EQ(ramet_fstat(fd, &st), 0);
	CHECK_EQ(st.st_size, 16);
	ramet_close(fd);
}

TEST(vectors_of_any_size_go_through)
{
	enum { COUNT = 40 };
	struct iovec iov[COUNT];
	size_t total = 0, offset = 0;
	int fd = make_file(0, O_RDWR);

	for (int i = 0; i < COUNT; i++) {
		size_t size = i % 7 ? test_rand(80 * 1000) : 0;

		iov[i] = (struct iovec){malloc(size + 1), size};
		for (size_t k = 0; k < size; k++)
			((char *)iov[i].iov_base)[k] = pattern(total + k);
		total += size;
	}
	CHECK_EQ(ramet_writev(fd, iov, COUNT), total);
	CHECK_EQ(ramet_fsync(fd), 0);
	evict(fd);
	for (int i = 0; i < COUNT; i++)
		memset(iov[i].iov_base, 0, iov[i].iov_len);
	CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
	CHECK_EQ(ramet_readv(fd, iov, COUNT), total);
	for (int i = 0; i < COUNT; i++) {
		CHECK(has_pattern(iov[i].iov_base, iov[i].iov_len, offset));
		offset += iov[i].iov_len;
		free(iov[i].iov_base);
	}
	ramet_close(fd);
}

TEST(direct_reads_find_an_aligned_buffer)
{
	int fd = make_file(64 * 1024, O_RDONLY);
	char *buf = aligned_alloc(4096, 64 * 1024);

	ramet_close(fd);
	fd = ramet_open(path, O_RDONLY | O_DIRECT, 0);
	if (fd < 0) {
		unlink(path);
		test_skip("no O_DIRECT in this file system");
	}
	CHECK_EQ(ramet_pread(fd, buf, 64 * 1024, 0), 64 * 1024);
	CHECK(has_pattern(buf, 64 * 1024, 0));
	CHECK_EQ(ramet_read(fd, buf, 4096), 4096);
	CHECK(has_pattern(buf, 4096, 0));
	free(buf);
	ramet_close(fd);
}

enum { BLOCK = 4096, BLOCKS = 256, READERS = 100 };

static void *read_blocks(void *arg)
{
	int fd = *(int *)arg;
	char buf[BLOCK];

	for (int i = 0; i < 20; i++) {
		off_t at = (off_t)test_rand(BLOCKS) * BLOCK;

		CHECK_EQ(ramet_pread(fd, buf, BLOCK, at), BLOCK);
		CHECK(has_pattern(buf, BLOCK, (size_t)at));
	}
	return NULL;
}

TEST(many_read_at_once)
{
	int fd = make_file(BLOCK * BLOCKS, O_RDONLY);
	ramet_auto_group g;

	evict(fd);
	ramet_group_open(&g, RAMET_ALL);
	for (int i = 0; i < READERS; i++)
		CHECK(ramet_go(&g, read_blocks, &fd) != NULL);
	CHECK_EQ(ramet_group_wait(&g), 0);
	ramet_close(fd);
}

static size_t seen[BLOCKS];

static void *read_on(void *arg)
{
	int fd = *(int *)arg;
	char buf[BLOCK];

	for (;;) {
		ssize_t n = ramet_read(fd, buf, BLOCK);

		if (n == 0)
			return NULL;
		CHECK_EQ(n, BLOCK);
		for (size_t i = 0; i < BLOCKS; i++)
			if (has_pattern(buf, BLOCK, i * BLOCK)) {
				seen[i]++;
				break;
			}
	}
}

TEST(those_who_share_a_position_get_each_block_once)
{
	int fd = make_file(BLOCK * BLOCKS, O_RDONLY);
	ramet_auto_group g;
	size_t sum = 0;

	evict(fd);
	ramet_group_open(&g, RAMET_ALL);
	for (int i = 0; i < 5; i++)
		CHECK(ramet_go(&g, read_on, &fd) != NULL);
	CHECK_EQ(ramet_group_wait(&g), 0);
	for (size_t i = 0; i < BLOCKS; i++)
		sum += seen[i]; /* some blocks look the same */
	CHECK_EQ(sum, BLOCKS);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), BLOCK * BLOCKS);
	ramet_close(fd);
}

/* ---- errors ------------------------------------------------------------- */

TEST(errors_are_those_of_the_system_calls)
{
	int fd = make_file(10, O_RDONLY), fds[2], full;
	char buf[10] = "", longer[5000];
	struct stat st;

	memset(longer, 'x', sizeof longer - 1);
	longer[sizeof longer - 1] = '\0';
	CHECK_ERR(ramet_open("/no/such/file", O_RDONLY, 0), ENOENT);
	CHECK_ERR(ramet_open(path, O_RDONLY | O_DIRECTORY, 0), ENOTDIR);
	CHECK_ERR(ramet_open(test_dir(), O_WRONLY, 0), EISDIR);
	CHECK_ERR(ramet_open(longer, O_RDONLY, 0), ENAMETOOLONG);
	CHECK_ERR(ramet_open(NULL, O_RDONLY, 0), EFAULT);
	CHECK_ERR(ramet_stat("/no/such/file", &st), ENOENT);
	CHECK_ERR(ramet_fstat(-1, &st), EBADF);
	CHECK_ERR(ramet_pread(-1, buf, 1, 0), EBADF);
	CHECK_ERR(ramet_pread(fd, buf, 1, -1), EINVAL);
	CHECK_ERR(ramet_pwrite(fd, buf, 1, 0), EBADF);
	CHECK_ERR(ramet_write(fd, buf, 1), EBADF);
	ramet_close(fd);
	CHECK_ERR(ramet_pread(fd, buf, 1, 0), EBADF);
	CHECK_ERR(ramet_fsync(fd), EBADF);
	CHECK_ERR(ramet_close(fd), EBADF);

	fd = ramet_open(test_dir(), O_RDONLY | O_DIRECTORY, 0);
	CHECK_ERR(ramet_read(fd, buf, 1), EISDIR);
	CHECK_ERR(ramet_pread(fd, buf, 1, 0), EISDIR);
	ramet_close(fd);
	CHECK_EQ(ramet_pipe(fds, 0), 0);
	CHECK_ERR(ramet_pread(fds[0], buf, 1, 0), ESPIPE);
	CHECK_ERR(ramet_fsync(fds[0]), EINVAL);
	ramet_close(fds[0]);
	ramet_close(fds[1]);
	full = ramet_open("/dev/full", O_RDWR, 0);
	CHECK_ERR(ramet_pwrite(full, buf, 1, 0), ENOSPC);
	CHECK_ERR(ramet_write(full, buf, 1), ENOSPC);
	CHECK_EQ(ramet_pread(full, buf, 10, 0), 10);
	ramet_close(full);
}

TEST(stat_says_what_stat_says)
{
	int fd = make_file(123, O_RDONLY);
	struct stat a, b, c;

	CHECK_EQ(stat(path, &a), 0);
	CHECK_EQ(ramet_stat(path, &b), 0);
	CHECK_EQ(ramet_fstat(fd, &c), 0);
	CHECK(memcmp(&a, &b, sizeof a) == 0);
	CHECK(memcmp(&a, &c, sizeof a) == 0);
	ramet_close(fd);
}

TEST(open_makes_files_and_closes_them_on_exec)
{
	int fd;

	make_path();
	umask(0);
	fd = ramet_open(path, O_RDWR | O_CREAT | O_EXCL, 0640);
	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	struct stat st;
	CHECK_EQ(ramet_fstat(fd, &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0640);
	CHECK_ERR(ramet_open(path, O_RDWR | O_CREAT | O_EXCL, 0640), EEXIST);
	ramet_close(fd);
}

TEST(files_of_others_work_too)
{
	char buf[100];
	int fd = make_file(5000, O_RDONLY), proc;

	ramet_close(fd);
	fd = open(path, O_RDONLY);
	CHECK_EQ(ramet_read(fd, buf, 100), 100);
	CHECK(has_pattern(buf, 100, 0));
	CHECK_EQ(ramet_pread(fd, buf, 100, 4950), 50);
	close(fd);
	proc = open("/proc/self/stat", O_RDONLY);
	CHECK(ramet_read(proc, buf, 100) > 0);
	CHECK(ramet_pread(proc, buf, 100, 2) > 0);
	close(proc);
}

/* ---- opening what takes its time ---------------------------------------- */

static void *count_sleeps(void *arg)
{
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(ramet_sleep(RAMET_MS / 2), 0);
		++*(int *)arg;
	}
	return NULL;
}

static struct ramet_sem first_read;

static void *open_to_write(void *arg)
{
	int count = 0, *sleeps = arg, fd;
	ramet_auto_group g;

	ramet_group_open(&g, RAMET_ALL);
	for (int i = 0; i < 100; i++)
		CHECK(ramet_go(&g, count_sleeps, &count));
	CHECK_EQ(ramet_group_wait(&g), 0);
	*sleeps = count;
	fd = ramet_open(path, O_WRONLY, 0);
	CHECK(fd >= 0);
	CHECK_EQ(ramet_write(fd, "through", 7), 7);
	CHECK_EQ(ramet_sem_wait(&first_read), 0);
	CHECK_EQ(ramet_sleep(5 * RAMET_MS), 0);
	CHECK_EQ(ramet_write(fd, "!", 1), 1);
	ramet_close(fd);
	return NULL;
}

TEST(an_open_that_blocks_stops_nobody_else)
{
	struct ramet *writer;
	int sleeps = 0, fd;
	char buf[10];

	make_path();
	CHECK_EQ(mkfifo(path, 0600), 0);
	writer = spawn(open_to_write, &sleeps);
	fd = ramet_open(path, O_RDONLY, 0);
	CHECK(fd >= 0);
	CHECK_EQ(sleeps, 1000);
	CHECK(fcntl(fd, F_GETFL) & O_NONBLOCK);
	CHECK_EQ(ramet_read(fd, buf, 10), 7);
	CHECK_EQ(ramet_sem_post(&first_read), 0);
	CHECK_EQ(ramet_read(fd, buf, 10), 1);
	CHECK_EQ(ramet_read(fd, buf, 10), 0);
	ramet_join(writer, NULL);
	ramet_close(fd);
}

/* Wait until the loop has closed what helpers brought for nobody. */
static void wait_for_fds(int count)
{
	while (open_fds() > count)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
}

TEST(an_open_can_time_out_and_leaves_nothing_open)
{
	int64_t start = ramet_now();
	struct pollfd p = {.events = 0};
	int before = open_fds();

	make_path();
	CHECK_EQ(mkfifo(path, 0600), 0);
	RAMET_WITHIN(10 * RAMET_MS)
		CHECK_ERR(ramet_open(path, O_RDONLY, 0), ETIMEDOUT);
	CHECK(ramet_now() - start < 10 * RAMET_SEC);
	do {
		p.fd = open(path, O_WRONLY | O_NONBLOCK);
	} while (p.fd < 0 && errno == ENXIO && /* the helper may be slow */
		 !__atomic_load_n(&returned, __ATOMIC_SEQ_CST));
	CHECK(p.fd >= 0);
	while (!__atomic_load_n(&returned, __ATOMIC_SEQ_CST))
		usleep(100);
	wait_for_fds(before + 1);
	CHECK_EQ(poll(&p, 1, 0), 1);
	CHECK(p.revents & POLLERR); /* nobody has it open for reading */
	close(p.fd);
}

static void *open_pipe(void *unused)
{
	CHECK_ERR(ramet_open(path, O_RDONLY, 0), ECANCELED);
	CHECK_ERR(ramet_open(path, O_RDONLY, 0), ECANCELED);
	return unused;
}

TEST(opens_can_be_cancelled_by_the_hundred)
{
	enum { COUNT = 100 };
	struct ramet *t[COUNT];
	int fd, before = open_fds();

	make_path();
	CHECK_EQ(mkfifo(path, 0600), 0);
	for (int i = 0; i < COUNT; i++)
		t[i] = spawn(open_pipe, NULL);
	ramet_sleep(RAMET_MS);
	for (int i = 0; i < COUNT; i++)
		ramet_cancel(t[i]);
	for (int i = 0; i < COUNT; i++)
		CHECK_EQ(ramet_join(t[i], NULL), 0);
	fd = ramet_open(path, O_RDWR, 0); /* helps the helpers out */
	CHECK(fd >= 0);
	while (__atomic_load_n(&returned, __ATOMIC_SEQ_CST) < COUNT + 1)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	wait_for_fds(before + 1);
	ramet_close(fd);
}

/* ---- slow files --------------------------------------------------------- */

static void let_go(int helpers)
{
	for (int i = 0; i < stuck_count; i++) {
		struct kernel_op *op = stuck[i];

		op->result = real->call(op->nr, op->arg[0], op->arg[1],
					op->arg[2], op->arg[3], 0, 0);
		op->done(op);
	}
	stuck_count = 0;
	for (int i = 0; i < helpers; i++)
		sem_post(&go);
}

/* Wait for `count` calls by helpers to have begun; none is let go yet. */
static void await(int count)
{
	for (int i = 0; i < count; i++)
		while (sem_trywait(&here) < 0) {
			CHECK_EQ(__atomic_load_n(&returned, __ATOMIC_SEQ_CST),
				 0);
			CHECK_EQ(ramet_sleep(RAMET_MS), 0);
		}
}

/* A descriptor that a helper uses is closed when that is done. */
static void wait_for_close(int fd)
{
	while (fcntl(fd, F_GETFD) >= 0)
		ramet_sleep(RAMET_MS);
}

static void close_for_good(int fd)
{
	CHECK_EQ(ramet_close(fd), 0);
	wait_for_close(fd);
}

/* Calls that leave early: what comes back later is dropped. */
static void leave_early(bool helpers)
{
	int fd = make_file(100, O_RDWR);
	char buf[10] = "untouched", text[] = "written";

	be(helpers ? SLOW_HELPERS : SLOW_KERNEL);
	RAMET_WITHIN(20 * RAMET_MS)
		CHECK_ERR(ramet_pread(fd, buf, 10, 0), ETIMEDOUT);
	RAMET_WITHIN(20 * RAMET_MS)
		CHECK_ERR(ramet_pwrite(fd, text, 7, 50), ETIMEDOUT);
	RAMET_WITHIN(20 * RAMET_MS)
		CHECK_ERR(ramet_fsync(fd), ETIMEDOUT);
	memset(text, 'x', sizeof text);
	CHECK_EQ(stuck_count, helpers ? 0 : 3);
	if (helpers)
		await(3);
	let_go(helpers ? 3 : 0);
	if (helpers) /* one more, so that these have come back */
		sem_post(&go);
	else
		be(FAST);
	CHECK_EQ(ramet_fsync(fd), 0);
	be(FAST);
	CHECK(memcmp(buf, "untouched", 10) == 0);
	do {
		ramet_sleep(RAMET_MS);
		CHECK_EQ(pread(fd, buf, 7, 50), 7);
	} while (memcmp(buf, "written", 7) != 0);
	close_for_good(fd);
}

TEST(who_leaves_the_kernels_call_loses_nothing_and_leaks_nothing)
{
	leave_early(false);
}

TEST(who_leaves_a_helpers_call_loses_nothing_and_leaks_nothing)
{
	leave_early(true);
}

static void *read_first(void *arg)
{
	char buf[10];

	CHECK_ERR(ramet_read(*(int *)arg, buf, 10), ECANCELED);
	return NULL;
}

static void *read_second(void *arg)
{
	char buf[10];

	CHECK_EQ(ramet_read(*(int *)arg, buf, 10), 10);
	CHECK(has_pattern(buf, 10, 10));
	return NULL;
}

TEST(a_cancelled_read_keeps_its_turn_and_moves_the_position)
{
	int fd = make_file(100, O_RDONLY);
	struct ramet *a, *b;

	be(SLOW_HELPERS);
	a = spawn(read_first, &fd);
	b = spawn(read_second, &fd);
	ramet_sleep(RAMET_MS);
	await(1);
	CHECK_EQ(ramet_cancel(a), 0);
	CHECK_EQ(ramet_join(a, NULL), 0);
	CHECK(!ramet_ended(b));
	CHECK_ERR(sem_trywait(&here), EAGAIN); /* b waits its turn as a ramet */
	let_go(2);
	CHECK_EQ(ramet_join(b, NULL), 0);
	be(FAST);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 20);
	close_for_good(fd);
}

static void *read_closed(void *arg)
{
	char buf[10];

	CHECK_ERR(ramet_pread(*(int *)arg, buf, 10, 0), EBADF);
	return NULL;
}

static void *read_closed_in_turn(void *arg)
{
	char buf[10];

	CHECK_ERR(ramet_read(*(int *)arg, buf, 10), EBADF);
	return NULL;
}

TEST(close_wakes_those_who_wait_for_a_file)
{
	int fd = make_file(100, O_RDONLY);
	struct ramet *t[3];

	be(SLOW_KERNEL);
	t[0] = spawn(read_closed, &fd);
	t[1] = spawn(read_closed_in_turn, &fd);
	t[2] = spawn(read_closed_in_turn, &fd);
	ramet_sleep(RAMET_MS);
	CHECK_EQ(stuck_count, 1);
	await(1); /* the first in turn */
	CHECK_EQ(ramet_close(fd), 0);
	for (int i = 0; i < 3; i++)
		CHECK_EQ(ramet_join(t[i], NULL), 0);
	let_go(1);
	wait_for_close(fd);
	be(FAST);
}

TEST(a_number_in_a_helpers_hands_is_not_reused)
{
	int fd = make_file(100, O_RDWR), other;
	char buf[10] = "late data";

	be(SLOW_HELPERS);
	RAMET_WITHIN(20 * RAMET_MS)
		CHECK_ERR(ramet_pwrite(fd, buf, 10, 0), ETIMEDOUT);
	CHECK_ERR(ramet_dup2(STDERR_FILENO, fd), EBUSY);
	CHECK_EQ(ramet_close(fd), 0);
	CHECK_ERR(ramet_close(fd), EBADF);
	other = open(path, O_RDONLY);
	CHECK(other != fd);
	let_go(1);
	wait_for_close(fd);
	be(FAST);
	CHECK_EQ(ramet_pread(other, buf, 10, 0), 10);
	CHECK(memcmp(buf, "late data", 10) == 0);
	close(other);
}

static void *leave_and_end(void *arg)
{
	char buf[10];

	CHECK_EQ(ramet_yield(), 0); /* without a loop there is no scope */
	for (int i = 0; i < 3; i++)
		RAMET_WITHIN(20 * RAMET_MS)
			CHECK_ERR(ramet_pread(*(int *)arg, buf, 10, 0),
				  ETIMEDOUT);
	return NULL;
}

TEST(a_loop_may_end_before_its_files_answer)
{
	int fd = make_file(100, O_RDONLY);

	be(SLOW_HELPERS);
	run_thread(leave_and_end, &fd);
	await(3);
	let_go(3);
	close_for_good(fd);
	be(FAST);
}

static void *read_uncached_and_leave(void *arg)
{
	int fd = *(int *)arg;
	char *buf = malloc(BLOCK * BLOCKS);

	RAMET_WITHIN(100 * RAMET_US)
		ramet_pread(fd, buf, BLOCK * BLOCKS, 0);
	free(buf);
	return NULL;
}

TEST(a_loop_may_end_while_the_kernel_reads_for_it)
{
	int fd = make_file(BLOCK * BLOCKS, O_RDONLY);

	for (int i = 0; i < test_rounds(50); i++) {
		evict(fd);
		run_thread(read_uncached_and_leave, &fd);
	}
	close_for_good(fd);
}

/* ---- where there are no rings ------------------------------------------- */

static void *use_files(void *arg)
{
	int *fd = arg;
	char buf[BLOCK];

	evict(*fd);
	read_blocks(fd);
	CHECK_EQ(ramet_pwrite(*fd, "x", 1, 0), 1);
	CHECK_EQ(ramet_fsync(*fd), 0);
	CHECK_EQ(ramet_read(*fd, buf, BLOCK), BLOCK);
	CHECK_EQ(buf[0], 'x');
	CHECK(has_pattern(buf + 1, BLOCK - 1, 1));
	return NULL;
}

/* In a thread of its own, which has no ring yet. */
TEST(helpers_do_what_a_refused_ring_would)
{
	int fd;

	if (strcmp(ramet_kernel_name(), "uring") == 0)
		test_skip("the back end is a ring itself");
	if (!refuse_rings())
		test_skip("no seccomp here");
	fd = make_file(BLOCK * BLOCKS, O_RDWR);
	run_thread(use_files, &fd);
	close_for_good(fd);
}
