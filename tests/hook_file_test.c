/* Files under the patch: opening, reading and writing at offsets, waiting for
 * disks and for locks. */
#include "hooked.h"
#include "ticker.h"

#include "kernel/calls.h"

#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#define IN_DIR(name) in_dir((char[128]){0}, name)

static const char *in_dir(char *buf, const char *name)
{
	snprintf(buf, 128, "%s/%s", test_dir(), name);
	return buf;
}

/* The ring for files is the runtime's own. */
static void begin(void)
{
	int fds[2];

	find_libc();
	foreign_pipe(fds);
	for (int i = 0; i < 2; i++) /* the first may be made without the ring */
		CHECK_ERR(ramet_fsync(fds[0]), EINVAL);
	close_pair(fds);
	test_fds_are_kept();
}

static int make(const char *name, int flags)
{
	int fd = HOOK(open)(IN_DIR(name), O_RDWR | O_CREAT | flags, 0600);

	CHECK(fd >= 0);
	return fd;
}

static bool is_helper(const char *name)
{
	return strncmp(name, "ramet helper", 12) == 0 ||
	       strncmp(name, "iou-", 4) == 0;
}

/* A sanitizer's own threads are called as the program is. */
static bool is_sanitizers(const char *name)
{
	char own[16] = "";

	prctl(PR_GET_NAME, own);
	return TEST_TSAN && strncmp(name, own, strlen(own)) == 0;
}

/* All OS threads but the first are helpers, by name. */
static void check_threads(void)
{
	DIR *dir = opendir("/proc/self/task");
	struct dirent *d;

	CHECK(dir);
	while ((d = readdir(dir))) {
		char path[300], name[32] = "";
		FILE *f;

		if (d->d_name[0] == '.' || atoi(d->d_name) == getpid())
			continue;
		snprintf(path, sizeof path, "/proc/self/task/%s/comm",
			 d->d_name);
		f = fopen(path, "r");
		if (!f)
			continue;
		CHECK(fgets(name, sizeof name, f) != NULL);
		fclose(f);
		CHECK(is_helper(name) || is_sanitizers(name));
	}
	closedir(dir);
}

/* ---- at an offset ------------------------------------------------------- */

TEST(what_is_cached_costs_one_system_call)
{
	char buf[4096] = "";
	struct iovec iov = {buf, sizeof buf};
	int64_t calls;
	int fd;

	begin();
	fd = make("cached", 0);
	CHECK_EQ(HOOK(pwrite)(fd, buf, sizeof buf, 0), sizeof buf);
	if (preadv2(fd, &iov, 1, 0, RWF_NOWAIT) < 0)
		test_skip("no RWF_NOWAIT on this file system");
	calls = system_calls();
	for (int i = 0; i < 10; i++)
		CHECK_EQ(HOOK(pread)(fd, buf, sizeof buf, 0), sizeof buf);
	check_calls(calls, 10);
	close(fd);
}

TEST(what_is_written_is_read)
{
	char a[10], b[20], c[4], hello[] = "hello ", world[] = "world";
	struct iovec out[2] = {{hello, 6}, {world, 5}};
	struct iovec in[2] = {{a, 3}, {b, sizeof b}};
	int fd;

	begin();
	fd = make("file", 0);
	CHECK_EQ(HOOK(pwritev)(fd, out, 2, 100), 11);
	CHECK_EQ(HOOK(pwritev64)(fd, out, 2, 111), 11);
	CHECK_EQ(HOOK(preadv)(fd, in, 2, 100), 22);
	CHECK(memcmp(a, "hel", 3) == 0 &&
	      memcmp(b, "lo worldhello world", 19) == 0);
	CHECK_EQ(HOOK(preadv64)(fd, in, 2, 111), 11);
	CHECK_EQ(HOOK(pwrite64)(fd, "abc", 3, 2), 3);
	CHECK_EQ(HOOK(pread64)(fd, c, 4, 1), 4);
	CHECK(memcmp(c, "\0abc", 4) == 0);
	CHECK_EQ(HOOK(__pread_chk)(fd, c, 4, 2, 4), 4);
	CHECK_EQ(HOOK(__pread64_chk)(fd, c, 4, 2, 4), 4);
	CHECK(memcmp(c, "abc\0", 4) == 0);
	CHECK_EQ(HOOK(pread)(fd, c, 4, 122), 0);
	CHECK_EQ(HOOK(pread)(fd, c, 0, 0), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
	close(fd);
}

TEST(errors_are_those_of_the_system_calls)
{
	char c = 0;
	struct iovec iov = {&c, 1};
	int fd, fds[2];

	begin();
	fd = make("file", 0);
	foreign_pipe(fds);
	CHECK_ERR(HOOK(pread)(fd, &c, 1, -1), EINVAL);
	CHECK_ERR(HOOK(pwrite)(fd, &c, 1, -1), EINVAL);
	CHECK_ERR(HOOK(preadv)(fd, &iov, -1, 0), EINVAL);
	CHECK_ERR(HOOK(pwritev)(fd, &iov, 5000, 0), EINVAL);
	CHECK_EQ(HOOK(preadv)(fd, &iov, 0, 0), 0);
	CHECK_ERR(HOOK(pread)(fds[0], &c, 1, 0), ESPIPE);
	CHECK_ERR(HOOK(pwrite)(fds[1], &c, 1, 0), ESPIPE);
	CHECK_ERR(HOOK(pread)(-1, &c, 1, 0), EBADF);
	CHECK_ERR(HOOK(pread)(999, &c, 1, 0), EBADF);
	CHECK_ERR(HOOK(fsync)(fds[0]), EINVAL);
	CHECK_ERR(HOOK(fdatasync)(999), EBADF);
	CHECK_ERR(HOOK(syncfs)(999), EBADF);
	CHECK_ERR(HOOK(fallocate)(999, 0, 0, 1), EBADF);
	CHECK_ERR(HOOK(fallocate64)(fd, 0, 0, 0), EINVAL);
	CHECK_ERR(HOOK(ftruncate)(fd, -1), EINVAL);
	CHECK_ERR(HOOK(ftruncate64)(fds[0], 0), EINVAL);
	CHECK_ERR(HOOK(sync_file_range)(fds[0], 0, 1, 7), ESPIPE);
	CHECK_ERR(HOOK(flock)(999, LOCK_EX), EBADF);
	CHECK_ERR(HOOK(flock)(fd, 64), EINVAL);
	CHECK_ERR(HOOK(lockf)(999, F_LOCK, 1), EBADF);
	errno = 42;
	CHECK_EQ(HOOK(posix_fallocate)(999, 0, 1), EBADF);
	CHECK_EQ(HOOK(posix_fallocate)(fd, -1, 1), EINVAL);
	CHECK_EQ(errno, 42);
	close(fd);
	fd = HOOK(open)(IN_DIR("file"), O_RDONLY);
	CHECK_ERR(HOOK(pwrite)(fd, &c, 1, 0), EBADF);
	close(fd);
	close_pair(fds);
}

static void overrun(void)
{
	char c[4];
	int fd;

	begin();
	fd = HOOK(open)("/dev/zero", O_RDONLY);
	HOOK(__pread_chk)(fd, c, 5, 0, 4);
}

TEST(an_overrun_is_caught)
{
	char text[256];
	int status = test_stderr_of(overrun, text, sizeof text);

	CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
}

TEST(appending_ignores_the_offset_as_on_linux)
{
	char c[7] = "";
	int fd;

	begin();
	fd = make("log", O_APPEND);
	CHECK_EQ(HOOK(pwrite)(fd, "abc", 3, 0), 3);
	CHECK_EQ(HOOK(pwrite)(fd, "def", 3, 0), 3);
	CHECK_EQ(HOOK(pread)(fd, c, 7, 0), 6);
	CHECK(memcmp(c, "abcdef", 6) == 0);
	close(fd);
}

TEST(direct_access_is_aligned)
{
	enum { SIZE = 16384 };
	char *buf = made(aligned_alloc(4096, SIZE));
	int fd;

	begin();
	fd = HOOK(open)(IN_DIR("direct"), O_RDWR | O_CREAT | O_DIRECT, 0600);
	if (fd < 0)
		test_skip("no O_DIRECT here");
	for (int i = 0; i < 20; i++) {
		memset(buf, 'a' + i, SIZE);
		CHECK_EQ(HOOK(pwrite)(fd, buf, SIZE, i * SIZE), SIZE);
	}
	CHECK_EQ(HOOK(fdatasync)(fd), 0);
	for (int i = 0; i < 20; i++) {
		memset(buf, 0, SIZE);
		CHECK_EQ(HOOK(pread)(fd, buf, SIZE, i * SIZE), SIZE);
		CHECK(buf[0] == 'a' + i && buf[SIZE - 1] == 'a' + i);
	}
	check_threads();
	close(fd);
	free(buf);
}

/* ---- bad pointers ------------------------------------------------------- */

static struct kernel uncached;
static const struct kernel *cached;
static bool nothing_cached; /* atomic */

static long uncached_call(long nr, long a, long b, long c, long d, long e,
			  long f)
{
	if ((nr == SYS_preadv2 || nr == SYS_pwritev2) && f == RWF_NOWAIT &&
	    __atomic_load_n(&nothing_cached, __ATOMIC_RELAXED))
		return -EAGAIN;
	return cached->call(nr, a, b, c, d, e, f);
}

/* Before there are helpers. */
static void begin_uncached(void)
{
	kernel_choose();
	cached = ramet__kernel;
	uncached = *cached;
	uncached.call = uncached_call;
	ramet__kernel = &uncached;
	begin();
}

/* From now on nothing is in memory. */
static void forget_what_is_cached(void)
{
	__atomic_store_n(&nothing_cached, true, __ATOMIC_RELAXED);
}

enum { SIDE = 4096 };

/* A file of one such page, and its position is at the start. */
static int make_page(const char *name)
{
	int fd = make(name, 0);

	CHECK_EQ(ftruncate(fd, SIDE), 0);
	return fd;
}

static void check_bad_buffers(int fd, char *bad)
{
	struct iovec iov = {bad, 8};

	CHECK_ERR(HOOK(pread)(fd, bad, 8, 0), EFAULT);
	CHECK_ERR(HOOK(pwrite)(fd, bad, 8, 0), EFAULT);
	CHECK_ERR(HOOK(read)(fd, bad, 8), EFAULT);
	CHECK_ERR(HOOK(write)(fd, bad, 8), EFAULT);
	CHECK_ERR(HOOK(preadv)(fd, &iov, 1, 0), EFAULT);
	CHECK_ERR(HOOK(pwritev)(fd, &iov, 1, 0), EFAULT);
	CHECK_ERR(HOOK(readv)(fd, &iov, 1), EFAULT);
	CHECK_ERR(HOOK(writev)(fd, &iov, 1), EFAULT);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
}

static void check_bad_vectors(int fd)
{
	struct iovec *bad = (struct iovec *)16;

	CHECK_ERR(HOOK(readv)(fd, bad, 2), EFAULT);
	CHECK_ERR(HOOK(writev)(fd, bad, 2), EFAULT);
	CHECK_ERR(HOOK(preadv)(fd, bad, 2, 0), EFAULT);
	CHECK_ERR(HOOK(pwritev)(fd, bad, 2, 0), EFAULT);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 0);
}

TEST(a_bad_pointer_is_EFAULT_to_files)
{
	int fd;

	begin_uncached();
	fd = make_page("bad");
	for (int slow = 0; slow < 2; slow++) {
		if (slow)
			forget_what_is_cached();
		check_bad_buffers(fd, (char *)16);
		check_bad_vectors(fd);
	}
	close(fd);
}

/* Of what is bad from its second page on. */
TEST(what_comes_before_a_bad_page_is_read_and_written)
{
	char *page = mmap(NULL, 2 * SIDE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *last, text[200];
	int fd;

	begin_uncached();
	CHECK(page != MAP_FAILED);
	CHECK_EQ(mprotect(page + SIDE, SIDE, PROT_NONE), 0);
	last = page + SIDE - 100;
	memset(last, 'x', 100);
	fd = make_page("half");
	forget_what_is_cached();
	CHECK_EQ(HOOK(pwrite)(fd, last, 200, 10), 100);
	CHECK_EQ(HOOK(pread)(fd, text, 200, 0), 200);
	CHECK(!text[9] && text[10] == 'x' && text[109] == 'x' && !text[110]);
	CHECK_EQ(HOOK(read)(fd, last, 200), 100);
	CHECK(memcmp(last, text, 100) == 0);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 100);
	CHECK_EQ(mprotect(page, SIDE, PROT_READ), 0);
	CHECK_ERR(HOOK(read)(fd, last, 100), EFAULT);
	CHECK_EQ(lseek(fd, 0, SEEK_CUR), 100);
	CHECK_EQ(munmap(page, 2 * SIDE), 0);
	close(fd);
}

/* ---- several on one descriptor ------------------------------------------ */

enum { SHARERS = 20, BLOCKS = 50, BLOCK = 512 };

static char seen[SHARERS * BLOCKS];

static void *append_blocks(void *p)
{
	char block[BLOCK];
	int *next = p;

	for (int i = 0; i < BLOCKS; i++) {
		memset(block, 0, BLOCK);
		snprintf(block, BLOCK, "%d", next[1]++);
		CHECK_EQ(HOOK(write)(next[0], block, BLOCK), BLOCK);
		if (i % 7 == 0)
			ramet_yield();
	}
	return NULL;
}

static void *read_blocks(void *p)
{
	char block[BLOCK];

	while (HOOK(read)(*(int *)p, block, BLOCK) == BLOCK) {
		int n = atoi(block);

		CHECK(n >= 0 && n < SHARERS * BLOCKS && !seen[n]);
		seen[n] = 1;
		ramet_yield();
	}
	return NULL;
}

TEST(each_block_is_written_and_read_once)
{
	void *(*const jobs[])(void *) = {append_blocks, read_blocks};
	int shared[2] = {-1, 0};

	begin();
	shared[0] = make("blocks", 0);
	for (int job = 0; job < 2; job++) {
		struct ramet *ts[SHARERS];

		for (int i = 0; i < SHARERS; i++)
			ts[i] = spawn(jobs[job], shared);
		for (int i = 0; i < SHARERS; i++)
			join(ts[i]);
		CHECK_EQ(lseek(shared[0], 0, SEEK_SET), 0);
	}
	for (int i = 0; i < SHARERS * BLOCKS; i++)
		CHECK(seen[i]);
	close(shared[0]);
}

/* ---- disks -------------------------------------------------------------- */

TEST(room_and_its_end)
{
	char *map;
	int fd;

	begin();
	fd = make("room", 0);
	CHECK_EQ(HOOK(posix_fallocate)(fd, 0, 10000), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 10000);
	CHECK_EQ(HOOK(posix_fallocate64)(fd, 0, 20000), 0);
	CHECK_EQ(HOOK(ftruncate)(fd, 5000), 0);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 5000);
	CHECK_EQ(HOOK(ftruncate64)(fd, 8192), 0);
	if (HOOK(fallocate)(fd, 0, 0, 12288) < 0)
		CHECK_EQ(errno, EOPNOTSUPP);
	CHECK_EQ(HOOK(fsync)(fd), 0);
	CHECK_EQ(HOOK(fdatasync)(fd), 0);
	CHECK_EQ(HOOK(sync_file_range)(fd, 0, 0, SYNC_FILE_RANGE_WRITE), 0);
	CHECK_EQ(HOOK(syncfs)(fd), 0);
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	CHECK(map != MAP_FAILED);
	map[0] = 1;
	CHECK_EQ(HOOK(msync)(map, 8192, MS_SYNC), 0);
	CHECK_EQ(HOOK(msync)(map, 8192, MS_ASYNC), 0);
	CHECK_ERR(HOOK(msync)(map + 1, 8192, MS_SYNC), EINVAL);
	munmap(map, 8192);
	close(fd);
	check_threads();
}

static struct kernel slow;
static const struct kernel *real;
static sem_t go;
static int gone; /* atomic: calls that have been told to go */

static long slow_call(long nr, long a, long b, long c, long d, long e, long f)
{
	if (nr == SYS_fdatasync || nr == SYS_ftruncate) {
		while (sem_wait(&go) < 0)
			;
		__atomic_add_fetch(&gone, 1, __ATOMIC_SEQ_CST);
	}
	return real->call(nr, a, b, c, d, e, f);
}

/* A disk that answers when it is told to.  Before there are helpers. */
static void slow_down(void)
{
	sem_init(&go, 0, 0);
	kernel_choose();
	real = ramet__kernel;
	slow = *real;
	slow.call = slow_call;
	slow.submit = NULL;
	ramet__kernel = &slow;
}

struct disk_user {
	int fd, result, error;
	bool truncate;
};

static void *use_disk(void *p)
{
	struct disk_user *u = p;

	u->result = u->truncate ? HOOK(ftruncate)(u->fd, 0)
				: HOOK(fdatasync)(u->fd);
	u->error = errno;
	return NULL;
}

/* Nor does a signal end what the disk has begun; the scope's end or cancel
 * leave it to itself. */
TEST(others_run_while_the_disk_works)
{
	struct ramet *ticker;
	int fd;

	slow_down();
	begin();
	fd = make("slow", 0);
	ticker = start_ticker();
	for (int how = 0; how < 4; how++) {
		struct disk_user u = {.fd = fd, .truncate = how % 2};
		struct ramet *t = spawn(use_disk, &u);
		int before = ticks;

		settle();
		CHECK(ticks > before);
		CHECK(!ramet__interrupt(t));
		if (how < 2) {
			sem_post(&go);
			join(t);
			CHECK_EQ(u.result, 0);
		} else {
			CHECK_EQ(ramet_cancel(t), 0);
			join(t);
			sem_post(&go);
			CHECK_EQ(u.result, -1);
			CHECK_EQ(u.error, ECANCELED);
		}
		/* Or the next call might be told in its place. */
		while (__atomic_load_n(&gone, __ATOMIC_SEQ_CST) <= how)
			settle();
	}
	stop_ticker(ticker);
	settle();
	close(fd);
}

/* ---- open --------------------------------------------------------------- */

TEST(open_does_what_open_does)
{
	struct stat st;
	int fd, dir;

	begin();
	umask(022);
	fd = HOOK(open)(IN_DIR("a"), O_WRONLY | O_CREAT | O_EXCL, 0666);
	CHECK(fd >= 0);
	CHECK_EQ(fcntl(fd, F_GETFD), 0);
	CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
	fstat(fd, &st);
	CHECK_EQ(st.st_mode & 0777, 0644);
	CHECK_EQ(write(fd, "abc", 3), 3);
	close(fd);
	CHECK_ERR(HOOK(open)(IN_DIR("a"), O_WRONLY | O_CREAT | O_EXCL, 0666),
		  EEXIST);
	CHECK_ERR(HOOK(open)(IN_DIR("none"), O_RDONLY), ENOENT);
	CHECK_ERR(HOOK(open64)(IN_DIR("a/b"), O_RDONLY), ENOTDIR);
	CHECK_ERR(HOOK(open)(IN_DIR("a"), O_RDONLY | O_DIRECTORY), ENOTDIR);
	CHECK_ERR(HOOK(open)(NULL, O_RDONLY), EFAULT);
	CHECK_ERR(HOOK(open)(test_dir(), O_WRONLY), EISDIR);
	fd = HOOK(open64)(IN_DIR("a"), O_RDONLY | O_CLOEXEC);
	CHECK_EQ(fcntl(fd, F_GETFD), FD_CLOEXEC);
	close(fd);
	dir = HOOK(open)(test_dir(), O_RDONLY | O_DIRECTORY);
	CHECK(dir >= 0);
	fd = HOOK(openat)(dir, "b", O_RDWR | O_CREAT, 0600);
	CHECK(fd > dir);
	CHECK_EQ(write(fd, "abc", 3), 3);
	close(fd);
	fd = HOOK(creat)(IN_DIR("b"), 0600);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 0);
	close(fd);
	fd = HOOK(__open_2)(IN_DIR("a"), O_RDONLY);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 3);
	close(fd);
	fd = HOOK(__openat_2)(dir, "a", O_RDONLY);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 3);
	close(fd);
	CHECK_EQ(symlink("a", IN_DIR("link")), 0);
	CHECK_ERR(HOOK(openat64)(dir, "link", O_RDONLY | O_NOFOLLOW), ELOOP);
	fd = HOOK(openat64)(dir, "link", O_RDONLY);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 3);
	close(fd);
	close(dir);
}

TEST(devices_and_what_the_kernel_tells)
{
	static const char *const paths[] = {"/dev/null",
					    "/dev/zero",
					    "/proc/self/stat",
					    "/proc/meminfo",
					    "/sys/kernel/uevent_seqnum",
					    "/dev/ptmx"};

	begin();
	for (size_t i = 0; i < countof(paths); i++) {
		int fd = HOOK(open)(paths[i], O_RDONLY | O_NOCTTY);

		CHECK(fd >= 0 || errno != EAGAIN);
		if (fd >= 0)
			close(fd);
	}
}

TEST(much_is_thrown_away_elsewhere)
{
	int fd;

	begin();
	fd = make("much", 0);
	CHECK_EQ(HOOK(posix_fallocate)(fd, 0, 5 << 20), 0);
	close(fd);
	fd = HOOK(open)(IN_DIR("much"), O_RDWR | O_TRUNC);
	CHECK(fd >= 0);
	CHECK_EQ(lseek(fd, 0, SEEK_END), 0);
	close(fd);
}

struct opener {
	const char *path;
	int flags, fd, error;
};

static void *open_fifo(void *p)
{
	struct opener *o = p;

	o->fd = HOOK(open)(o->path, o->flags);
	o->error = errno;
	return NULL;
}

TEST(named_pipes_wait_for_their_other_end)
{
	const char *path = IN_DIR("fifo");

	begin();
	CHECK_EQ(mkfifo(path, 0600), 0);
	for (int i = 0; i < 4; i++) {
		struct opener o[2] = {{.path = path, .flags = O_RDONLY},
				      {.path = path, .flags = O_WRONLY}};
		struct ramet *a = spawn(open_fifo, &o[i % 2]), *b;
		char c;

		settle();
		CHECK_EQ(ramet_ended(a), 0);
		b = spawn(open_fifo, &o[!(i % 2)]);
		LIVELY {
			join(a);
			join(b);
		}
		CHECK(o[0].fd >= 0 && o[1].fd >= 0);
		CHECK_EQ(fcntl(o[0].fd, F_GETFL) & O_NONBLOCK, 0);
		CHECK_EQ(HOOK(write)(o[1].fd, "x", 1), 1);
		CHECK_EQ(HOOK(read)(o[0].fd, &c, 1), 1);
		close(o[0].fd);
		close(o[1].fd);
	}
	CHECK_ERR(HOOK(open)(path, O_WRONLY | O_NONBLOCK), ENXIO);
	check_threads();
}

/* Who has left is not taken for a reader by those who come to write. */
TEST(an_open_that_is_interrupted_leaves_nothing)
{
	const char *path = IN_DIR("fifo");

	begin();
	CHECK_EQ(mkfifo(path, 0600), 0);
	for (int how = 0; how < 6; how++) {
		struct opener o = {.path = path,
				   .flags = how % 2 ? O_WRONLY : O_RDONLY};
		struct ramet *t;
		int fd;

		if (how / 2 == 2) {
			RAMET_WITHIN(5 * RAMET_MS)
				open_fifo(&o);
			CHECK_EQ(o.error, ETIMEDOUT);
		} else {
			t = spawn(open_fifo, &o);
			settle();
			if (how / 2)
				CHECK_EQ(ramet_cancel(t), 0);
			else
				interrupt(t);
			join(t);
			CHECK_EQ(o.error, how / 2 ? ECANCELED : EINTR);
		}
		CHECK_EQ(o.fd, -1);
		CHECK_ERR(open(path, O_WRONLY | O_NONBLOCK), ENXIO);
		fd = open(path, O_RDONLY | O_NONBLOCK);
		CHECK_EQ(read(fd, &(char){0}, 1), 0); /* no writer either */
		close(fd);
	}
}

/* More than there are helpers. */
TEST(hundreds_of_opens_can_be_interrupted)
{
	enum { MANY = 300 };
	static struct opener o[MANY];
	static struct ramet *ts[MANY];
	const char *path = IN_DIR("fifo");

	begin();
	CHECK_EQ(mkfifo(path, 0600), 0);
	for (int i = 0; i < MANY; i++) {
		o[i] = (struct opener){.path = path, .flags = O_RDONLY};
		ts[i] = spawn(open_fifo, &o[i]);
	}
	settle();
	for (int i = 0; i < MANY; i++)
		interrupt(ts[i]);
	for (int i = 0; i < MANY; i++) {
		join(ts[i]);
		CHECK_EQ(o[i].fd, -1);
		CHECK_EQ(o[i].error, EINTR);
	}
	CHECK_ERR(open(path, O_WRONLY | O_NONBLOCK), ENXIO);
}

/* ---- locks -------------------------------------------------------------- */

struct locker {
	enum { FLOCK, OFD } kind;
	int fd, result, error;
};

static int lock_with(int kind, int fd, int type)
{
	struct flock range = {.l_type = (short)type, .l_whence = SEEK_SET};

	if (kind == FLOCK)
		return HOOK(flock)(fd, type == F_WRLCK   ? LOCK_EX
				       : type == F_RDLCK ? LOCK_SH
							 : LOCK_UN);
	return HOOK(fcntl)(fd, F_OFD_SETLKW, &range);
}

static void *lock_it(void *p)
{
	struct locker *k = p;

	k->result = lock_with(k->kind, k->fd, F_WRLCK);
	k->error = errno;
	return NULL;
}

TEST(locks_are_waited_for_while_others_run)
{
	begin();
	for (int kind = FLOCK; kind <= OFD; kind++) {
		int a = make("lock", 0), b = make("lock", 0);
		struct locker k = {.kind = kind, .fd = b};
		struct ramet *t;

		CHECK_EQ(lock_with(kind, a, F_WRLCK), 0);
		t = spawn(lock_it, &k);
		settle();
		CHECK_EQ(ramet_ended(t), 0);
		CHECK_EQ(lock_with(kind, a, F_UNLCK), 0);
		join(t);
		CHECK_EQ(k.result, 0);
		if (kind == FLOCK)
			CHECK_ERR(HOOK(flock)(a, LOCK_SH | LOCK_NB),
				  EWOULDBLOCK);
		CHECK_EQ(lock_with(kind, b, F_UNLCK), 0);
		CHECK_EQ(lock_with(kind, a, F_RDLCK), 0);
		CHECK_EQ(lock_with(kind, b, F_RDLCK), 0);
		close(a);
		close(b);
	}
	check_threads();
}

TEST(what_ends_the_wait_for_a_lock_leaves_it_alone)
{
	begin();
	for (int how = 0; how < 8; how++) {
		int kind = how % 2 ? OFD : FLOCK;
		int a = make("lock", 0), b = make("lock", 0),
		    c = make("lock", 0);
		struct locker k = {.kind = kind, .fd = b};
		struct ramet *t = NULL;
		int error = ETIMEDOUT;

		CHECK_EQ(lock_with(kind, a, F_WRLCK), 0);
		if (how / 2 == 3) {
			RAMET_WITHIN(5 * RAMET_MS)
				lock_it(&k);
		} else {
			t = spawn(lock_it, &k);
			settle();
		}
		if (how / 2 == 0) {
			interrupt(t);
			error = EINTR;
		} else if (how / 2 == 1) {
			CHECK_EQ(ramet_cancel(t), 0);
			error = ECANCELED;
		} else if (how / 2 == 2) {
			CHECK_EQ(ramet_close(b), 0);
			error = EBADF;
		}
		if (t)
			join(t);
		CHECK_EQ(k.result, -1);
		CHECK_EQ(k.error, error);
		CHECK_EQ(lock_with(kind, a, F_UNLCK), 0);
		RAMET_WITHIN(10 * RAMET_SEC)
			CHECK_EQ(lock_with(kind, c, F_WRLCK), 0);
		close(a);
		close(c);
		if (how / 2 != 2)
			close(b);
	}
}

/* Another process holds [at, at+1), then does what `more` says, until told to
 * end by the end of a pipe. */
static pid_t hold(int fd, int at, int more, int *tell)
{
	int fds[2], back[2];
	char c;
	pid_t pid;

	foreign_pipe(fds);
	foreign_pipe(back);
	pid = fork();
	CHECK(pid >= 0);
	if (pid == 0) {
		struct flock range = {.l_type = F_WRLCK,
				      .l_start = at,
				      .l_len = 1};
		int err;

		close(fds[1]);
		err = fcntl(fd, F_SETLK, &range);
		CHECK_EQ(write(back[1], "x", 1), 1);
		range.l_start = more;
		if (err == 0 && more >= 0)
			err = fcntl(fd, F_SETLKW, &range);
		if (more < 0 || err == 0)
			read(fds[0], &c, 1);
		_exit(err ? errno : 0);
	}
	close(fds[0]);
	close(back[1]);
	CHECK_EQ(read(back[0], &c, 1), 1);
	close(back[0]);
	*tell = fds[1];
	return pid;
}

static void *release(void *fd)
{
	settle();
	close(*(int *)fd);
	return NULL;
}

static int ended(pid_t pid)
{
	int status;

	CHECK_EQ(waitpid(pid, &status, 0), pid);
	return WEXITSTATUS(status);
}

TEST(another_process_holds_the_lock)
{
	begin();
	for (int how = 0; how < 3; how++) {
		int fd = make("lock", 0), tell;
		pid_t pid = hold(fd, 5, -1, &tell);
		struct flock range = {.l_type = F_WRLCK, .l_len = 1};
		struct ramet *t = spawn(release, &tell);

		CHECK_EQ(lseek(fd, 3, SEEK_SET), 3);
		switch (how) {
		case 0:
			range.l_start = 5;
			CHECK_EQ(HOOK(fcntl)(fd, F_SETLKW, &range), 0);
			break;
		case 1:
			range.l_whence = SEEK_CUR;
			range.l_start = 2;
			CHECK_EQ(HOOK(fcntl64)(fd, F_SETLKW, &range), 0);
			CHECK_EQ(range.l_whence, SEEK_CUR);
			break;
		case 2:
			CHECK_EQ(HOOK(lockf)(fd, F_TLOCK, 2), 0);
			CHECK_ERR(HOOK(lockf)(fd, F_TLOCK, 3), EAGAIN);
			CHECK_EQ(HOOK(lockf64)(fd, F_LOCK, 3), 0);
			CHECK_EQ(HOOK(lockf)(fd, F_ULOCK, 0), 0);
		}
		join(t);
		CHECK_EQ(ended(pid), 0);
		close(fd);
	}
}

/* One of the two hears of it. */
TEST(a_deadlock_between_processes_is_found)
{
	struct flock range = {.l_type = F_WRLCK, .l_start = 1, .l_len = 1};
	int fd, tell, err = 0;
	pid_t pid;

	begin();
	fd = make("lock", 0);
	CHECK_EQ(HOOK(fcntl)(fd, F_SETLK, &range), 0);
	pid = hold(fd, 2, 1, &tell);
	settle();
	range.l_start = 2;
	if (HOOK(fcntl)(fd, F_SETLKW, &range) < 0)
		err = errno;
	close(fd); /* lets the other go on */
	close(tell);
	CHECK_EQ(err + ended(pid), EDEADLK);
}

/* ---- elsewhere ---------------------------------------------------------- */

static void *plain_thread(void *p)
{
	int fd = HOOK(open)(p, O_RDWR);
	char c;

	CHECK(fd >= 0);
	CHECK_EQ(HOOK(pwrite)(fd, "x", 1, 0), 1);
	CHECK_EQ(HOOK(pread)(fd, &c, 1, 0), 1);
	CHECK_EQ(HOOK(fdatasync)(fd), 0);
	CHECK_EQ(HOOK(posix_fallocate)(fd, 0, 10), 0);
	CHECK_EQ(HOOK(flock)(fd, LOCK_EX), 0);
	close(fd);
	CHECK(!ramet__this_loop);
	return NULL;
}

TEST(threads_without_a_loop_get_libc)
{
	pthread_t t;

	begin();
	close(make("file", 0));
	CHECK_EQ(pthread_create(&t, NULL, plain_thread,
				(void *)(uintptr_t)IN_DIR("file")),
		 0);
	CHECK_EQ(pthread_join(t, NULL), 0);
}
