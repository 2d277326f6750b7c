/* ramet_poll: several descriptors, one wait. */
#include "pair.h"

#include "io/poll.h"
#include "kernel/calls.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

static struct pollfd in(int fd)
{
	return (struct pollfd){fd, POLLIN, 0};
}

struct send_later {
	int fd;
	int64_t delay;
};

static void *send_later(void *p)
{
	struct send_later *s = p;

	CHECK_EQ(ramet_sleep(s->delay), 0);
	CHECK_EQ(ramet_send(s->fd, "x", 1, 0), 1);
	return NULL;
}

TEST(what_is_ready_is_reported_at_once)
{
	struct pollfd p[3];
	int fds[2];
	char c;

	unix_pair(fds);
	p[0] = in(fds[0]);
	p[1] = (struct pollfd){fds[1], POLLIN | POLLOUT, 0};
	p[2] = (struct pollfd){-7, POLLIN, POLLIN};
	CHECK_EQ(ramet_poll(p, 3), 1);
	CHECK_EQ(p[0].revents, 0);
	CHECK_EQ(p[1].revents, POLLOUT);
	CHECK_EQ(p[2].revents, 0);
	CHECK_EQ(ramet_send(fds[1], "x", 1, 0), 1);
	CHECK_EQ(ramet_poll(p, 3), 2);
	CHECK_EQ(ramet_read(fds[0], &c, 1), 1);
	close_pair(fds);
	p[1].fd = -1;
	CHECK_EQ(ramet_poll(p, 2), 1);
	CHECK_EQ(p[0].revents, POLLNVAL);
	CHECK_EQ(p[1].revents, 0);
	p[0].fd = INT32_MAX;
	CHECK_EQ(ramet_poll(p, 1), 1);
	CHECK_EQ(p[0].revents, POLLNVAL);
}

TEST(one_of_many_ends_the_wait)
{
	enum { PAIRS = 20 };
	struct pollfd p[PAIRS];
	int fds[PAIRS][2];
	char c;

	for (int i = 0; i < PAIRS; i++) {
		(i % 2 ? unix_pair : tcp_pair)(fds[i]);
		p[i] = in(fds[i][0]);
	}
	for (int i = 0; i < PAIRS; i++) {
		struct send_later s = {fds[i][1], (i % 3) * RAMET_MS};
		struct ramet *t = spawn(send_later, &s);

		CHECK_EQ(ramet_poll(p, PAIRS), 1);
		for (int k = 0; k < PAIRS; k++)
			CHECK_EQ(p[k].revents, k == i ? POLLIN : 0);
		CHECK_EQ(ramet_read(fds[i][0], &c, 1), 1);
		join(t);
	}
	for (int i = 0; i < PAIRS; i++)
		close_pair(fds[i]);
}

TEST(the_scope_limits_the_wait)
{
	struct pollfd p;
	int fds[2];

	unix_pair(fds);
	p = in(fds[0]);
	RAMET_WITHIN(3 * RAMET_MS) {
		CHECK_ERR(ramet_poll(&p, 1), ETIMEDOUT);
		CHECK_ERR(ramet_poll(&p, 1), ETIMEDOUT);
	}
	p.fd = -1;
	RAMET_WITHIN(3 * RAMET_MS) {
		CHECK_ERR(ramet_poll(&p, 1), ETIMEDOUT);
		CHECK_ERR(ramet_poll(NULL, 0), ETIMEDOUT);
	}
	RAMET_WITHIN(0)
		CHECK_ERR(ramet_poll(&p, 1), ETIMEDOUT);
	CHECK_ERR(ramet_poll(&p, 1025), EINVAL);
	CHECK_ERR(ramet_poll(&p, SIZE_MAX), EINVAL);
	close_pair(fds);
}

TEST(the_most_that_can_be_polled)
{
	static struct pollfd p[1024];
	struct send_later s;
	struct ramet *t;
	int fds[2];

	unix_pair(fds);
	for (int i = 0; i < 1024;
	     i++) /* one descriptor as often as one likes */
		p[i] = in(fds[0]);
	s = (struct send_later){fds[1], RAMET_MS};
	t = spawn(send_later, &s);
	CHECK_EQ(ramet_poll(p, 1024), 1024);
	join(t);
	close_pair(fds);
}

TEST(the_end_of_a_stream_ends_the_wait)
{
	static void (*const pairs[])(int fds[2]) = {tcp_pair, pipe_pair,
						    foreign_pipe};
	int fds[2];

	for (int kind = 0; kind < 3; kind++) {
		struct pollfd p;
		char c;

		pairs[kind](fds);
		p = in(fds[0]);
		RAMET_WITHIN(3 * RAMET_MS)
			CHECK_ERR(ramet_poll(&p, 1), ETIMEDOUT);
		CHECK_EQ(ramet_close(fds[1]), 0);
		CHECK_EQ(ramet_poll(&p, 1), 1);
		CHECK(p.revents & (POLLIN | POLLHUP));
		CHECK_EQ(ramet_read(fds[0], &c, 1), 0);
		CHECK_EQ(ramet_close(fds[0]), 0);
	}
}

static void *drain_later(void *fd)
{
	static char buf[65536];

	CHECK_EQ(ramet_sleep(2 * RAMET_MS), 0);
	while (ramet_recv(*(int *)fd, buf, sizeof buf, 0) > 0)
		;
	CHECK_EQ(errno, ECANCELED);
	return NULL;
}

TEST(room_to_write_ends_the_wait)
{
	struct pollfd p;
	struct ramet *t;
	int fds[2];

	for (int tcp = 0; tcp < 2; tcp++) {
		(tcp ? tcp_pair : unix_pair)(fds);
		fill(fds[0]);
		p = (struct pollfd){fds[0], POLLOUT, 0};
		RAMET_WITHIN(3 * RAMET_MS)
			CHECK_ERR(ramet_poll(&p, 1), ETIMEDOUT);
		t = spawn(drain_later, &fds[1]);
		CHECK_EQ(ramet_poll(&p, 1), 1);
		CHECK_EQ(p.revents, POLLOUT);
		CHECK_EQ(ramet_cancel(t), 0);
		join(t);
		close_pair(fds);
	}
}

TEST(urgent_data_ends_the_wait)
{
	struct pollfd p;
	int fds[2];

	tcp_pair(fds);
	p = (struct pollfd){fds[0], POLLPRI, 0};
	CHECK_EQ(ramet_send(fds[1], "x", 1, 0), 1);
	RAMET_WITHIN(3 * RAMET_MS)
		CHECK_ERR(ramet_poll(&p, 1), ETIMEDOUT);
	CHECK_EQ(ramet_send(fds[1], "!", 1, MSG_OOB), 1);
	CHECK_EQ(ramet_poll(&p, 1), 1);
	CHECK_EQ(p.revents, POLLPRI);
	close_pair(fds);
}

TEST(files_are_always_ready)
{
	struct pollfd p;

	p = in(open("/etc/passwd", O_RDONLY));
	CHECK(p.fd >= 0);
	CHECK_EQ(ramet_poll(&p, 1), 1);
	CHECK_EQ(p.revents, POLLIN);
	p.events = 0;
	RAMET_WITHIN(3 * RAMET_MS) /* but nothing was asked */
		CHECK_ERR(ramet_poll(&p, 1), ETIMEDOUT);
	CHECK_EQ(ramet_close(p.fd), 0);
}

/* ---- together with others ----------------------------------------------- */

struct looker {
	int fd, result, error;
	short revents;
};

static void *look(void *p)
{
	struct looker *l = p;
	struct pollfd fd = in(l->fd);

	l->result = ramet_poll(&fd, 1);
	l->error = errno;
	l->revents = fd.revents;
	return NULL;
}

/* Those that only look do not keep the event from those that take. */
TEST(lookers_and_a_reader_are_all_woken)
{
	for (int order = 0; order < 2; order++) {
		struct looker lookers[4];
		struct ramet *ts[5];
		int fds[2];

		tcp_pair(fds);
		if (order)
			ts[4] = spawn(read_a_byte, &fds[0]);
		for (int i = 0; i < 4; i++) {
			lookers[i] = (struct looker){.fd = fds[0]};
			ts[i] = spawn(look, &lookers[i]);
		}
		if (!order)
			ts[4] = spawn(read_a_byte, &fds[0]);
		settle();
		CHECK_EQ(ramet_send(fds[1], "x", 1, 0), 1);
		join(ts[4]);
		settle();
		for (int i = 0; i < 4 && !order; i++)
			CHECK(ramet_ended(ts[i]));
		if (order) /* the byte was gone when they looked */
			CHECK_EQ(ramet_send(fds[1], "x", 1, 0), 1);
		for (int i = 0; i < 4; i++) {
			join(ts[i]);
			CHECK_EQ(lookers[i].result, 1);
			CHECK_EQ(lookers[i].revents, POLLIN);
		}
		close_pair(fds);
	}
}

TEST(a_close_ends_the_wait)
{
	int fds[2], other[2];

	unix_pair(other);
	for (int ours = 0; ours < 2; ours++) {
		struct looker l = {0};
		struct ramet *t;

		if (ours)
			unix_pair(fds);
		else
			foreign_pipe(fds);
		l.fd = fds[0];
		t = spawn(look, &l);
		settle();
		CHECK_EQ(ramet_close(fds[0]), 0);
		join(t);
		CHECK_EQ(l.result, -1);
		CHECK_EQ(l.error, EBADF);
		CHECK_EQ(ramet_close(fds[1]), 0);
	}
	close_pair(other);
}

/* An epoll descriptor of the program's own is one to wait for like any. */
TEST(a_nested_epoll_can_be_waited_for)
{
	int ep = epoll_create1(0), event = eventfd(0, 0);
	struct epoll_event e = {.events = EPOLLIN};
	struct looker l = {.fd = ep};
	struct ramet *t;

	CHECK_EQ(epoll_ctl(ep, EPOLL_CTL_ADD, event, &e), 0);
	t = spawn(look, &l);
	settle();
	CHECK_EQ(ramet_write(event, (uint64_t[1]){1}, 8), 8);
	join(t);
	CHECK_EQ(l.result, 1);
	CHECK_EQ(ramet_close(ep), 0);
	CHECK_EQ(ramet_close(event), 0);
}

static void *poll_and_read(void *fd)
{
	struct pollfd p = in(*(int *)fd);
	char c;

	do
		CHECK_EQ(ramet_poll(&p, 1), 1);
	while (ramet_recv(p.fd, &c, 1, MSG_DONTWAIT) < 0);
	return NULL;
}

TEST(pollers_that_race_for_bytes_are_all_served)
{
	struct ramet *ts[10];
	int fds[2];

	tcp_pair(fds);
	for (int i = 0; i < 10; i++)
		ts[i] = spawn(poll_and_read, &fds[0]);
	settle();
	for (int i = 0; i < 10; i++) {
		CHECK_EQ(ramet_send(fds[1], "x", 1, 0), 1);
		if (i % 2)
			settle();
	}
	for (int i = 0; i < 10; i++)
		join(ts[i]);
	close_pair(fds);
}

/* Who has been woken for nothing too often does not listen for a while. */
static void *poll_tired(void *fd)
{
	struct pollfd p = in(*(int *)fd);
	struct poll_wait w = {.fds = &p, .count = 1, .vain = 100};
	struct timespec now = {0, 0};

	while (kernel_ppoll(&p, 1, &now) == 0)
		CHECK_EQ(ramet__poll_wait(ramet__this_loop, &w, RAMET_NEVER),
			 0);
	return NULL;
}

TEST(what_comes_while_nobody_listens_is_found)
{
	struct ramet *t;
	int fds[2];

	tcp_pair(fds);
	t = spawn(poll_and_read, &fds[0]); /* from here on it is watched */
	settle();
	CHECK_EQ(ramet_send(fds[1], "x", 1, 0), 1);
	join(t);
	t = spawn(poll_tired, &fds[0]);
	settle();
	CHECK_EQ(ramet_send(fds[1], "x", 1, 0), 1);
	join(t);
	close_pair(fds);
}
