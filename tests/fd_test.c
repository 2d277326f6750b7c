/* Numbers that are closed, duplicated, reused and shared. */
#include "door.h"
#include "fds.h"
#include "pair.h"
#include "thread.h"

#include "base/base.h"
#include "core/core.h"

#include <semaphore.h>

/* A ramet that reads into a buffer, or writes. */
struct call {
	int fd;
	ssize_t result;
	int error;
	char buf[16];
};

static void *read_call(void *p)
{
	struct call *c = p;

	c->result = ramet_read(c->fd, c->buf, sizeof c->buf);
	c->error = errno;
	return NULL;
}

static void *write_call(void *p)
{
	struct call *c = p;

	c->result = ramet_write(c->fd, c->buf, sizeof c->buf);
	c->error = errno;
	return NULL;
}

static void check_bad(struct ramet *t, const struct call *c)
{
	join(t);
	CHECK_EQ(c->result, -1);
	CHECK_EQ(c->error, EBADF);
}

static void (*const makers[])(int fds[2]) = {tcp_pair, unix_pair, foreign_pair,
					     pipe_pair, foreign_pipe};

#define FOR_EACH_MAKER(i) for (size_t i = 0; i < countof(makers); i++)

/* ---- close under a waiter ----------------------------------------------- */

TEST(a_close_wakes_all_readers_and_writers)
{
	FOR_EACH_MAKER(i)
	{
		struct call c[6] = {0};
		struct ramet *ts[6];
		bool both = i < 3;
		int fds[2];

		makers[i](fds);
		if (both)
			fill(fds[0]);
		for (int k = 0; k < 6; k++) {
			c[k].fd = fds[0];
			ts[k] = spawn(k % 2 && both ? write_call : read_call,
				      &c[k]);
		}
		settle();
		CHECK_EQ(ramet_close(fds[0]), 0);
		for (int k = 0; k < 6; k++)
			check_bad(ts[k], &c[k]);
		CHECK_ERR(ramet_close(fds[0]), EBADF);
		CHECK_EQ(ramet_close(fds[1]), 0);
	}
}

TEST(what_cannot_be_closed)
{
	CHECK_ERR(ramet_close(-1), EBADF);
	CHECK_ERR(ramet_close(INT32_MIN), EBADF);
	CHECK_ERR(ramet_close(INT32_MAX), EBADF);
	CHECK_ERR(ramet_close(4000000), EBADF);
	CHECK_ERR(ramet_close(5000), EBADF);
}

/* The number is in use again before the old waiter runs: it gets EBADF, and the
 * new one its bytes. */
TEST(a_number_reused_never_reaches_the_old_waiter)
{
	FOR_EACH_MAKER(before)
	FOR_EACH_MAKER(after)
	{
		struct call old = {0}, new = {0};
		struct ramet *t, *u;
		int fds[2], again[2];

		makers[before](fds);
		makers[after](again);
		old.fd = new.fd = fds[0];
		t = spawn(read_call, &old);
		settle();
		CHECK_EQ(ramet_dup2(again[0], fds[0]), fds[0]);
		u = spawn(read_call, &new);
		CHECK_EQ(ramet_write(again[1], "mine", 4), 4);
		check_bad(t, &old);
		join(u);
		CHECK_EQ(new.result, 4);
		close_pair(fds);
		close_pair(again);
	}
}

/* One that the same look at the events wakes before another, and that acts
 * before that one has its turn. */
struct early {
	int fd;             /* it waits for this */
	int from, onto;     /* then it makes that another file */
	struct ramet *late; /* or takes what the late one was woken for */
};

static void *act_early(void *p)
{
	struct early *e = p;
	char c;

	CHECK_EQ(ramet_read(e->fd, &c, 1), 1);
	if (e->late) {
		CHECK_EQ(ramet_read(e->onto, &c, 1), 1);
		CHECK_EQ(ramet_cancel(e->late), 0);
	} else {
		CHECK_EQ(ramet_dup2(e->from, e->onto), e->onto);
	}
	return NULL;
}

static void *poll_call(void *p)
{
	struct call *c = p;
	struct pollfd fd = {c->fd, POLLIN, 0};

	c->result = ramet_poll(&fd, 1);
	c->error = errno;
	return NULL;
}

/* Worse: an event had already woken it. */
TEST(a_woken_waiter_does_not_go_on_with_a_new_file)
{
	static void *(*const waits[])(void *) = {read_call, poll_call};

	FOR_EACH_MAKER(before)
	FOR_EACH_MAKER(after)
	for (int k = 0; k < 2; k++) {
		struct call old = {0};
		struct early e = {0};
		struct ramet *t, *u;
		int fds[2], again[2], more[2];

		makers[before](fds);
		makers[after](again);
		unix_pair(more);
		old.fd = fds[0];
		e = (struct early){more[0], again[0], fds[0], NULL};
		CHECK_EQ(ramet_write(again[1], "mine", 4), 4);
		u = spawn(act_early, &e);
		t = spawn(waits[k], &old);
		settle();
		CHECK_EQ(write(more[1], "x", 1), 1);
		CHECK_EQ(write(fds[1], "y", 1), 1);
		await_bytes(fds[0], 1);
		join(u);
		check_bad(t, &old);
		CHECK_EQ(ramet_read(fds[0], old.buf, 16), 4);
		close_pair(fds);
		close_pair(again);
		close_pair(more);
	}
}

/* Woken for nothing, and cancelled before its turn. */
TEST(a_woken_waiter_notices_its_cancel)
{
	FOR_EACH_MAKER(i)
	{
		struct call c = {0};
		struct early e = {0};
		struct ramet *t, *u;
		int fds[2], more[2];

		makers[i](fds);
		unix_pair(more);
		c.fd = fds[0];
		e = (struct early){.fd = more[0], .onto = fds[0]};
		u = spawn(act_early, &e);
		t = e.late = spawn(read_call, &c);
		settle();
		CHECK_EQ(write(more[1], "x", 1), 1);
		CHECK_EQ(write(fds[1], "y", 1), 1);
		await_bytes(fds[0], 1);
		join(u);
		join(t);
		CHECK_EQ(c.result, -1);
		CHECK_EQ(c.error, ECANCELED);
		close_pair(fds);
		close_pair(more);
	}
}

/* Closed by others, and made anew by us: then we do know. */
TEST(a_number_closed_by_others_that_comes_back_to_us)
{
	struct call old = {0};
	struct ramet *t;
	int fds[2], fd;

	foreign_pair(fds);
	old.fd = fds[0];
	t = spawn(read_call, &old);
	settle();
	CHECK_EQ(close(fds[0]), 0);
	fd = ramet_socket(AF_INET, SOCK_DGRAM, 0);
	CHECK_EQ(fd, fds[0]);
	check_bad(t, &old);
	close_pair(fds);
}

/* ---- many on one -------------------------------------------------------- */

static void *take_one(void *p)
{
	struct call *c = p;

	c->result = ramet_read(c->fd, c->buf, 1);
	return NULL;
}

TEST(all_readers_of_one_descriptor_are_served)
{
	FOR_EACH_MAKER(i)
	{
		struct call c[8] = {0};
		struct ramet *ts[8];
		int fds[2], sum = 0;

		makers[i](fds);
		for (int k = 0; k < 8; k++) {
			c[k].fd = fds[0];
			ts[k] = spawn(take_one, &c[k]);
		}
		settle();
		/* Fewer edges than readers. */
		CHECK_EQ(ramet_write(fds[1], "\1\2\3", 3), 3);
		settle();
		CHECK_EQ(ramet_write(fds[1], "\4\5\6\7\10", 5), 5);
		for (int k = 0; k < 8; k++) {
			join(ts[k]);
			CHECK_EQ(c[k].result, 1);
			sum += c[k].buf[0];
		}
		CHECK_EQ(sum, 36);
		close_pair(fds);
	}
}

TEST(all_readers_see_the_end)
{
	FOR_EACH_MAKER(i)
	{
		struct call c[8] = {0};
		struct ramet *ts[8];
		int fds[2];

		makers[i](fds);
		for (int k = 0; k < 8; k++) {
			c[k].fd = fds[0];
			ts[k] = spawn(read_call, &c[k]);
		}
		settle();
		CHECK_EQ(ramet_close(fds[1]), 0);
		for (int k = 0; k < 8; k++) {
			join(ts[k]);
			CHECK_EQ(c[k].result, 0);
		}
		CHECK_EQ(ramet_close(fds[0]), 0);
	}
}

enum { WRITERS = 6, EACH = 300000 };

static int writing_to;

static void *write_letter(void *p)
{
	char *buf = malloc(EACH);

	memset(buf, (int)(intptr_t)p, EACH);
	CHECK_EQ(ramet_write_all(writing_to, buf, EACH), EACH);
	free(buf);
	return NULL;
}

static size_t letters[WRITERS], letters_read;

static void *read_letters(void *fd)
{
	char buf[3000];
	ssize_t n;

	while ((n = ramet_read(*(int *)fd, buf, sizeof buf)) > 0) {
		letters_read += (size_t)n;
		for (ssize_t i = 0; i < n; i++)
			letters[buf[i] - 'a']++;
	}
	CHECK_EQ(n, 0);
	return NULL;
}

TEST(all_writers_and_readers_of_one_descriptor_are_served)
{
	FOR_EACH_MAKER(i)
	{
		struct ramet *writers[WRITERS], *readers[3];
		int fds[2];

		makers[i](fds);
		memset(letters, 0, sizeof letters);
		writing_to = fds[1];
		for (int k = 0; k < WRITERS; k++)
			writers[k] = spawn(write_letter,
					   (void *)(intptr_t)('a' + k));
		settle();
		for (int k = 0; k < 3; k++)
			readers[k] = spawn(read_letters, &fds[0]);
		for (int k = 0; k < WRITERS; k++)
			join(writers[k]);
		CHECK_EQ(ramet_close(fds[1]), 0);
		for (int k = 0; k < 3; k++)
			join(readers[k]);
		for (int k = 0; k < WRITERS; k++)
			CHECK_EQ(letters[k], EACH);
		CHECK_EQ(ramet_close(fds[0]), 0);
	}
}

/* Waiters that leave do not take the event with them. */
TEST(waiters_that_give_up_leave_the_event_to_others)
{
	for (int round = 0; round < test_rounds(300); round++) {
		struct call c[6] = {0};
		struct ramet *ts[6];
		int fds[2];

		unix_pair(fds);
		for (int k = 0; k < 6; k++) {
			c[k].fd = fds[0];
			ts[k] = spawn(take_one, &c[k]);
		}
		CHECK_EQ(ramet_yield(), 0);
		if (test_rand(2))
			CHECK_EQ(ramet_write(fds[1], "1", 1), 1);
		for (int k = 0; k < 6; k++)
			if (test_rand(2))
				ramet_cancel(ts[k]);
		if (test_rand(2))
			CHECK_EQ(ramet_yield(), 0);
		CHECK_EQ(ramet_write(fds[1], "123456", 6), 6);
		for (int k = 0; k < 6; k++) {
			join(ts[k]);
			CHECK(c[k].result == 1 || c[k].result == -1);
		}
		close_pair(fds);
	}
}

static void *read_with_limit(void *p)
{
	struct call *c = p;

	RAMET_WITHIN(RAMET_MS)
		c->result = ramet_read(c->fd, c->buf, 1);
	return NULL;
}

/* The last of many events is for the one that is still there. */
TEST(a_reader_that_times_out_does_not_starve_the_next)
{
	for (int round = 0; round < test_rounds(100); round++) {
		struct call a = {0}, b = {0};
		struct ramet *t, *u;
		int fds[2];

		unix_pair(fds);
		a.fd = b.fd = fds[0];
		t = spawn(read_with_limit, &a);
		u = spawn(take_one, &b);
		CHECK_EQ(ramet_sleep(RAMET_MS - (int64_t)test_rand(100000)), 0);
		CHECK_EQ(ramet_write(fds[1], "1", 1), 1);
		join(t);
		if (a.result == 1)
			CHECK_EQ(ramet_write(fds[1], "2", 1), 1);
		join(u);
		CHECK_EQ(b.result, 1);
		close_pair(fds);
	}
}

/* ---- duplicates --------------------------------------------------------- */

TEST(duplicates_work_like_the_original)
{
	FOR_EACH_MAKER(i)
	{
		int fds[2], copy[3];
		char c;

		makers[i](fds);
		copy[0] = ramet_dup(fds[0]);
		copy[1] = ramet_dup2(fds[0], 100);
		copy[2] = ramet_dup3(fds[0], 700, O_CLOEXEC);
		CHECK(copy[0] >= 0);
		CHECK_EQ(copy[1], 100);
		CHECK_EQ(copy[2], 700);
		CHECK(fcntl(copy[2], F_GETFD) & FD_CLOEXEC);
		for (int k = 0; k < 3; k++) {
			struct call read = {.fd = copy[k]};
			struct ramet *t = spawn(read_call, &read);

			settle();
			CHECK_EQ(ramet_write(fds[1], "x", 1), 1);
			join(t);
			CHECK_EQ(read.result, 1);
		}
		CHECK_EQ(ramet_close(fds[0]), 0);
		CHECK_EQ(ramet_write(fds[1], "x", 1), 1);
		CHECK_EQ(ramet_read(copy[1], &c, 1), 1);
		for (int k = 0; k < 3; k++)
			CHECK_EQ(ramet_close(copy[k]), 0);
		CHECK_EQ(ramet_close(fds[1]), 0);
	}
}

TEST(dup2_wakes_those_who_wait_for_the_target)
{
	struct call c = {0};
	struct ramet *t;
	int fds[2], other[2];

	unix_pair(fds);
	unix_pair(other);
	c.fd = fds[0];
	t = spawn(read_call, &c);
	settle();
	/* What fails changes nothing, nor does a copy onto itself. */
	CHECK_ERR(ramet_dup2(-1, fds[0]), EBADF);
	CHECK_ERR(ramet_dup2(5000, fds[0]), EBADF);
	CHECK_ERR(ramet_dup3(other[0], fds[0], 1 << 30), EINVAL);
	CHECK_EQ(ramet_dup2(fds[0], fds[0]), fds[0]);
	CHECK_ERR(ramet_dup3(fds[0], fds[0], 0), EINVAL);
	CHECK_ERR(ramet_dup2(other[0], -1), EBADF);
	CHECK_ERR(ramet_dup2(other[0], INT32_MAX), EBADF);
	CHECK_ERR(ramet_dup2(5000, 5000), EBADF);
	CHECK_ERR(ramet_dup(-1), EBADF);
	CHECK_ERR(ramet_dup(5000), EBADF);
	settle();
	CHECK(!ramet_ended(t));
	CHECK_EQ(ramet_dup2(other[0], fds[0]), fds[0]);
	check_bad(t, &c);
	close_pair(fds);
	close_pair(other);
}

/* One file, two numbers, a waiter on each: the edge goes to both. */
TEST(one_file_through_two_numbers)
{
	FOR_EACH_MAKER(i)
	{
		struct call c[2] = {0};
		struct ramet *ts[2];
		int fds[2], copy;

		makers[i](fds);
		copy = ramet_dup(fds[0]);
		for (int k = 0; k < 2; k++) {
			c[k].fd = k ? copy : fds[0];
			ts[k] = spawn(take_one, &c[k]);
		}
		settle();
		CHECK_EQ(ramet_write(fds[1], "ab", 2), 2);
		for (int k = 0; k < 2; k++) {
			join(ts[k]);
			CHECK_EQ(c[k].result, 1);
		}
		CHECK_EQ(ramet_close(copy), 0);
		close_pair(fds);
	}
}

/* The file lives on and has events; its old number must not hear of them. */
TEST(events_of_a_file_that_lives_on_elsewhere_are_dropped)
{
	FOR_EACH_MAKER(i)
	{
		struct call c = {0}, d = {0};
		struct ramet *t, *u;
		int fds[2], other[2], copy, calls = 0;

		makers[i](fds);
		unix_pair(other);
		c.fd = fds[0];
		t = spawn(read_call, &c);
		settle(); /* registered */
		copy = ramet_dup(fds[0]);
		CHECK_EQ(ramet_close(fds[0]), 0);
		check_bad(t, &c);
		CHECK_EQ(ramet_dup2(other[0], fds[0]), fds[0]);
		t = spawn(read_call, &c);
		settle();
		for (int k = 0; k < 10; k++) {
			CHECK_EQ(ramet_write(fds[1], "x", 1), 1);
			settle();
			calls += ramet_ended(t);
		}
		CHECK_EQ(calls, 0);
		await_bytes(copy, 10);
		d.fd = copy;
		u = spawn(read_call, &d);
		join(u);
		CHECK_EQ(d.result, 10);
		CHECK_EQ(ramet_write(other[1], "mine", 4), 4);
		join(t);
		CHECK_EQ(c.result, 4);
		CHECK_EQ(ramet_close(copy), 0);
		close_pair(fds);
		close_pair(other);
	}
}

/* Far numbers, each in a page of the tables of its own. */
TEST(large_numbers)
{
	static const int numbers[] = {511, 512, 1023, 5000, 60000, 400000};
	int fds[2];

	allow_fds(RLIM_INFINITY);
	unix_pair(fds);
	for (size_t i = 0; i < countof(numbers); i++) {
		struct call c = {.fd = numbers[i]};
		struct ramet *t;

		if (numbers[i] >= sysconf(_SC_OPEN_MAX))
			break;
		CHECK_EQ(ramet_dup2(fds[0], numbers[i]), numbers[i]);
		t = spawn(read_call, &c);
		settle();
		CHECK_EQ(ramet_write(fds[1], "x", 1), 1);
		join(t);
		CHECK_EQ(c.result, 1);
		t = spawn(read_call, &c);
		settle();
		CHECK_EQ(ramet_close(numbers[i]), 0);
		check_bad(t, &c);
	}
	close_pair(fds);
}

/* ---- several loops ------------------------------------------------------ */

/* A thread whose loop does what it is asked. */
struct thread {
	pthread_t id;
	sem_t parked;   /* its ramet waits */
	int64_t rounds; /* atomic */
	struct call call;
};

static void start(struct thread *t, void *(*fn)(void *))
{
	CHECK_EQ(sem_init(&t->parked, 0, 0), 0);
	t->id = start_thread(fn, t);
}

static void finish(struct thread *t)
{
	join_thread(t->id);
}

static void call_elsewhere(struct thread *t, void *(*call)(void *))
{
	struct ramet *caller = spawn(call, &t->call);

	settle();
	CHECK_EQ(sem_post(&t->parked), 0);
	join(caller);
}

static void *read_elsewhere(void *p)
{
	call_elsewhere(p, read_call);
	return NULL;
}

static void *write_elsewhere(void *p)
{
	call_elsewhere(p, write_call);
	return NULL;
}

/* This loop stands still until that one waits. */
static void await_parked(struct thread *t)
{
	CHECK_EQ(sem_wait(&t->parked), 0);
}

TEST(a_close_in_one_loop_wakes_waiters_in_another)
{
	FOR_EACH_MAKER(i)
	{
		struct thread reader = {0}, writer = {0};
		int fds[2];

		makers[i](fds);
		reader.call.fd = writer.call.fd = fds[0];
		start(&reader, read_elsewhere);
		await_parked(&reader);
		if (i < 3) {
			fill(fds[0]);
			start(&writer, write_elsewhere);
			await_parked(&writer);
		}
		CHECK_EQ(ramet_close(fds[0]), 0);
		finish(&reader);
		CHECK_EQ(reader.call.result, -1);
		CHECK_EQ(reader.call.error, EBADF);
		if (i < 3) {
			finish(&writer);
			CHECK_EQ(writer.call.result, -1);
			CHECK_EQ(writer.call.error, EBADF);
		}
		CHECK_EQ(ramet_close(fds[1]), 0);
	}
}

static void (*wake_before)(struct poller *poller);
static int to_close;

/* As a signal handler, while the runtime is telling of another close. */
static void close_and_wake(struct poller *poller)
{
	struct loop *l = ramet__loop();
	uint32_t hooks = l->hooks;
	int fd = to_close;

	to_close = -1;
	if (fd >= 0) {
		l->hooks = 0;
		CHECK_EQ(ramet_close(fd), 0);
		l->hooks = hooks;
	}
	wake_before(poller);
}

TEST(a_handler_may_close_in_the_middle_of_a_close)
{
	struct kernel *own = (CHECK(ramet_self()), own_kernel());
	struct thread readers[2] = {0};
	int fds[2][2];

	if (test_is_swept())
		test_skip("a loop without a poller is not woken");
	for (int i = 0; i < 2; i++) {
		unix_pair(fds[i]);
		readers[i].call.fd = fds[i][0];
		start(&readers[i], read_elsewhere);
		await_parked(&readers[i]);
	}
	CHECK_EQ(ramet_sleep(20 * RAMET_MS), 0); /* they sleep: to be woken */
	to_close = fds[1][0];
	wake_before = own->wake;
	own->wake = close_and_wake;
	CHECK_EQ(ramet_close(fds[0][0]), 0);
	own->wake = wake_before;
	for (int i = 0; i < 2; i++) {
		finish(&readers[i]);
		CHECK_EQ(readers[i].call.result, -1);
		CHECK_EQ(readers[i].call.error, EBADF);
		CHECK_EQ(ramet_close(fds[i][1]), 0);
	}
	CHECK_EQ(to_close, -1);
}

TEST(a_number_reused_reaches_no_old_waiter_in_another_loop)
{
	for (int round = 0; round < 20; round++) {
		struct thread reader = {0}, next = {0};
		int fds[2], again[2];

		(round % 2 ? tcp_pair : unix_pair)(fds);
		unix_pair(again);
		reader.call.fd = next.call.fd = fds[0];
		start(&reader, read_elsewhere);
		await_parked(&reader);
		CHECK_EQ(ramet_dup2(again[0], fds[0]), fds[0]);
		start(&next, read_elsewhere);
		CHECK_EQ(ramet_write(again[1], "mine", 4), 4);
		finish(&reader);
		CHECK_EQ(reader.call.result, -1);
		CHECK_EQ(reader.call.error, EBADF);
		finish(&next);
		CHECK_EQ(next.call.result, 4);
		close_pair(fds);
		close_pair(again);
	}
}

/* In the loop that waits, another ramet meets the new file first: before the
 * news of the close has been taken in. */
static sem_t reused;

static void *wait_and_meet(void *p)
{
	struct thread *t = p;
	struct ramet *old = spawn(read_call, &t->call);
	struct call new = {.fd = t->call.fd};

	settle();
	CHECK_EQ(sem_post(&t->parked), 0);
	CHECK_EQ(sem_wait(&reused), 0); /* blocks this loop */
	read_call(&new);
	CHECK_EQ(new.result, 4);
	check_bad(old, &t->call);
	return NULL;
}

TEST(a_loop_that_meets_a_new_file_before_the_news_wakes_the_old_waiters)
{
	struct thread t = {0};
	int fds[2], again[2];

	CHECK_EQ(sem_init(&reused, 0, 0), 0);
	unix_pair(fds);
	unix_pair(again);
	CHECK_EQ(ramet_write(again[1], "mine", 4), 4);
	t.call.fd = fds[0];
	start(&t, wait_and_meet);
	await_parked(&t);
	CHECK_EQ(ramet_dup2(again[0], fds[0]), fds[0]);
	CHECK_EQ(sem_post(&reused), 0);
	finish(&t);
	close_pair(fds);
	close_pair(again);
}

static void *nothing(void *p)
{
	CHECK(ramet_self());
	return p;
}

/* Loops come and go; whoever is there hears of each other. */
TEST(more_loops_than_bits)
{
	struct thread many[40] = {0}, reader = {0};
	int fds[2];

	for (int i = 0; i < 31 + 32; i++)
		run_thread(nothing, NULL);
	unix_pair(fds);
	reader.call.fd = fds[0];
	start(&reader, read_elsewhere);
	await_parked(&reader);
	CHECK_EQ(ramet_close(fds[0]), 0);
	finish(&reader);
	CHECK_EQ(reader.call.error, EBADF);
	CHECK_EQ(ramet_close(fds[1]), 0);

	for (int round = 0; round < 2; round++) {
		unix_pair(fds);
		for (int i = 0; i < 40; i++) {
			many[i].call.fd = fds[0];
			start(&many[i], read_elsewhere);
		}
		for (int i = 0; i < 40; i++)
			await_parked(&many[i]);
		CHECK_EQ(ramet_close(fds[0]), 0);
		for (int i = 0; i < 40; i++) {
			finish(&many[i]);
			CHECK_EQ(many[i].call.error, EBADF);
		}
		CHECK_EQ(ramet_close(fds[1]), 0);
	}
}

/* Two loops that close and reuse each other's numbers as fast as they can. */
static int box; /* atomic: a number to read from, -1: none, -2: the end */

static void *read_what_is_in_the_box(void *p)
{
	struct thread *t = p;
	int fd;

	while ((fd = __atomic_load_n(&box, __ATOMIC_SEQ_CST)) != -2) {
		char c = 0;

		if (fd == -1)
			continue;
		RAMET_WITHIN(5 * RAMET_MS)
			if (ramet_recv(fd, &c, 1, 0) < 0)
				CHECK(errno == EBADF || errno == ETIMEDOUT ||
				      errno == ENOTSOCK /* the poller's */);
		__atomic_add_fetch(&t->rounds, 1, __ATOMIC_SEQ_CST);
	}
	return NULL;
}

TEST(loops_that_race_for_numbers)
{
	struct thread t = {0};

	box = -1;
	start(&t, read_what_is_in_the_box);
	for (int i = 0; i < test_rounds(3000); i++) {
		int fds[2];

		unix_pair(fds);
		__atomic_store_n(&box, fds[0], __ATOMIC_SEQ_CST);
		if (test_rand(2))
			CHECK_EQ(ramet_yield(), 0);
		if (!test_rand(50))
			CHECK_EQ(ramet_sleep(RAMET_MS), 0);
		close_pair(fds);
	}
	while (!__atomic_load_n(&t.rounds, __ATOMIC_SEQ_CST))
		CHECK_EQ(ramet_sleep(RAMET_MS), 0); /* it begins late */
	__atomic_store_n(&box, -2, __ATOMIC_SEQ_CST);
	finish(&t);
}

/* One descriptor read by ramets of two loops: bytes go to either, none is lost.
 */
static void *take_bytes(void *p)
{
	struct thread *t = p;
	char c;

	while (ramet_read(t->call.fd, &c, 1) > 0)
		t->rounds++;
	return NULL;
}

TEST(one_descriptor_read_by_two_loops)
{
	struct thread other = {0};
	struct thread here = {0};
	struct ramet *t;
	int fds[2];

	tcp_pair(fds);
	other.call.fd = here.call.fd = fds[0];
	start(&other, take_bytes);
	t = spawn(take_bytes, &here);
	for (int i = 0; i < 500; i++) {
		CHECK_EQ(ramet_write(fds[1], "abc", 1 + i % 3), 1 + i % 3);
		if (i % 50 == 0)
			settle();
	}
	CHECK_EQ(ramet_shutdown(fds[1], SHUT_WR), 0);
	join(t);
	finish(&other);
	CHECK_EQ(here.rounds + other.rounds, 167 * 1 + 167 * 2 + 166 * 3);
	close_pair(fds);
}
