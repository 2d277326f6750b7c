/* WebSockets between a server and a client of ours.  Hand-shakes are in
 * ws_handshake_test.c, what frames do is in ws_cases_test.c. */
#include "frames.h"
#include "kernel/calls.h"
#include "ramet.h"
#include "thread.h"
#include "ws.h"
#include "zip.h"

#include "http/ws/ws.h"

/* ---- messages ------------------------------------------------------------ */

static void exchange(void)
{
	static char large[1 << 20];
	size_t most = test_is_swept() ? 20000 : sizeof large;
	struct ramet_ws *ws;

	for (size_t i = 0; i < most; i++)
		large[i] = (char)('a' + test_rand(26));
	begin(echo);
	ws = connected();
	CHECK_EQ(ramet_ws_compressed(ws), server_opts.compress);
	send_and_compare(ws, RAMET_WS_TEXT, "Hello", 5);
	send_and_compare(ws, RAMET_WS_TEXT, "", 0);
	send_and_compare(ws, RAMET_WS_BINARY, "\0\377", 2);
	for (size_t size = 100; size < most; size *= 3)
		send_and_compare(ws, RAMET_WS_TEXT, large, size);
	send_and_compare(ws, RAMET_WS_BINARY, large, most);
	CHECK_EQ(ramet_ws_close(ws, 0, NULL), 0);
	CHECK_EQ(ramet_ws_receive(ws, &(struct ramet_ws_message){0}), 0);
	CHECK_EQ(ramet_ws_code(ws), 1000);
	ramet_ws_free(ws);
	stop(&served);
}

TEST(messages_of_all_sizes_go_there_and_back)
{
	exchange();
}

TEST(so_they_do_compressed)
{
	need_zlib();
	server_opts.compress = client_opts.compress = 1;
	exchange();
}

enum { SENDERS = 8, SIZE = 3000 };

static int each(void)
{
	return test_is_swept() ? 2 : 50;
}

static void *send_own(void *arg)
{
	void **p = arg;
	char text[SIZE];

	memset(text, 'a' + (int)(intptr_t)p[1], SIZE);
	for (int i = 0; i < each(); i++)
		CHECK_EQ(ramet_ws_send(p[0], RAMET_WS_TEXT, text, SIZE), 0);
	return NULL;
}

TEST(messages_of_many_senders_do_not_mix)
{
	struct ramet *senders[SENDERS];
	struct ramet_ws_message m;
	void *args[SENDERS][2];
	struct ramet_ws *ws;

	begin(echo);
	ws = connected();
	for (intptr_t i = 0; i < SENDERS; i++) {
		args[i][0] = ws;
		args[i][1] = (void *)i;
		senders[i] = spawn(send_own, args[i]);
	}
	for (int n = 0; n < SENDERS * each(); n++) {
		CHECK_EQ(ramet_ws_receive(ws, &m), 1);
		CHECK_EQ(m.size, SIZE);
		for (size_t i = 1; i < m.size; i++)
			CHECK(m.data[i] == m.data[0]);
	}
	for (int i = 0; i < SENDERS; i++)
		join(senders[i]);
	ramet_ws_free(ws);
	stop(&served);
}

/* ---- ends ---------------------------------------------------------------- */

static void close_first(struct ramet_ws *ws)
{
	CHECK_EQ(ramet_ws_close(ws, 4711, "enough"), 0);
	CHECK_ERR(ramet_ws_send(ws, RAMET_WS_TEXT, "a", 1), EPIPE);
	CHECK_ERR(ramet_ws_ping(ws, "a", 1), EPIPE);
	CHECK_ERR(ramet_ws_close(ws, 0, NULL), EPIPE);
}

TEST(a_close_has_a_code_and_a_reason)
{
	struct ramet_ws_message m;
	struct ramet_ws *ws;

	begin(close_first);
	ws = connected();
	CHECK_EQ(ramet_ws_code(ws), 0);
	CHECK_EQ(ramet_ws_receive(ws, &m), 0);
	CHECK_EQ(ramet_ws_code(ws), 4711);
	CHECK(strcmp(ramet_ws_reason(ws), "enough") == 0);
	CHECK_ERR(ramet_ws_send(ws, RAMET_WS_TEXT, "a", 1), EPIPE);
	CHECK_EQ(ramet_ws_receive(ws, &m), 0);
	ramet_ws_free(ws);
	stop(&served);
}

static void vanish(struct ramet_ws *ws)
{
	(void)ws;
	ramet_kill(ramet_self());
	ramet_yield();
}

TEST(a_handler_that_is_killed_ends_the_connection)
{
	struct ramet_ws_message m;
	struct ramet_ws *ws;

	begin(vanish);
	ws = connected();
	CHECK(ramet_ws_receive(ws, &m) <= 0);
	CHECK(ramet_ws_code(ws) == 1001 || ramet_ws_code(ws) == 1006);
	ramet_ws_free(ws);
	stop(&served);
}

TEST(what_may_not_be_sent_is_refused_and_the_connection_stays)
{
	struct ramet_ws *ws;
	char long_reason[125];

	memset(long_reason, 'a', 124);
	long_reason[124] = 0;
	begin(echo);
	ws = connected();
	CHECK_ERR(ramet_ws_send(ws, RAMET_WS_TEXT, "\377", 1), EILSEQ);
	CHECK_ERR(ramet_ws_send(ws, 0, "a", 1), EINVAL);
	CHECK_ERR(ramet_ws_send(ws, 8, "a", 1), EINVAL);
	CHECK_ERR(ramet_ws_close(ws, 1005, NULL), EINVAL);
	CHECK_ERR(ramet_ws_close(ws, 999, NULL), EINVAL);
	CHECK_ERR(ramet_ws_close(ws, -1, NULL), EINVAL);
	CHECK_ERR(ramet_ws_close(ws, 1000, "\303"), EINVAL);
	CHECK_ERR(ramet_ws_close(ws, 1000, long_reason), EMSGSIZE);
	CHECK_ERR(ramet_ws_ping(ws, long_reason, 126), EMSGSIZE);
	send_and_compare(ws, RAMET_WS_TEXT, "still", 5);
	ramet_ws_free(ws);
	stop(&served);
}

TEST(a_message_above_the_limit_ends_it_with_1009)
{
	struct ramet_ws_message m;
	struct ramet_ws *ws;
	char text[101] = "";

	server_opts.message_max = 100;
	begin(echo);
	ws = connected();
	send_and_compare(ws, RAMET_WS_BINARY, text, 100);
	CHECK_EQ(ramet_ws_send(ws, RAMET_WS_BINARY, text, 101), 0);
	CHECK_EQ(ramet_ws_receive(ws, &m), 0);
	CHECK_EQ(ramet_ws_code(ws), 1009);
	ramet_ws_free(ws);
	stop(&served);
}

/* ---- limits of time, pings ----------------------------------------------- */

TEST(a_wait_that_was_over_leaves_the_connection_good)
{
	struct ramet_ws_message m;
	struct ramet_ws *ws;

	begin(echo);
	ws = connected();
	RAMET_WITHIN(5 * RAMET_MS)
		CHECK_ERR(ramet_ws_receive(ws, &m), ETIMEDOUT);
	send_and_compare(ws, RAMET_WS_TEXT, "still", 5);
	ramet_ws_free(ws);
	stop(&served);
}

TEST(a_ping_is_answered)
{
	struct ramet_ws *ws;

	begin(echo);
	ws = connected();
	CHECK_EQ(ramet_ws_pong_at(ws), 0);
	CHECK_EQ(ramet_ws_ping(ws, "p", 1), 0);
	send_and_compare(ws, RAMET_WS_TEXT, "a", 1); /* it came before */
	CHECK(ramet_ws_pong_at(ws) > 0);
	ramet_ws_free(ws);
	stop(&served);
}

static void *receive_too(void *ws)
{
	struct ramet_ws_message m;

	CHECK_ERR(ramet_ws_receive(ws, &m), EBUSY);
	CHECK_EQ(ramet_ws_close(ws, 0, NULL), 0);
	return NULL;
}

TEST(one_receives_at_a_time)
{
	struct ramet_ws_message m;
	struct ramet_ws *ws;
	struct ramet *other;

	begin(echo);
	ws = connected();
	other = spawn(receive_too, ws);
	CHECK_EQ(ramet_ws_receive(ws, &m), 0);
	join(other);
	ramet_ws_free(ws);
	stop(&served);
}

static bool found_it_gone;

static void *receive_freed(void *ws)
{
	struct ramet_ws_message m;

	CHECK_ERR(ramet_ws_receive(ws, &m), ECONNABORTED);
	found_it_gone = true;
	return NULL;
}

/* Before the close is answered. */
static void await_other(struct ramet_ws *ws)
{
	(void)ws;
	for (int i = 0; i < 100 && !found_it_gone; i++)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	CHECK(found_it_gone);
}

TEST(nor_does_another_while_it_is_freed)
{
	struct ramet_ws *ws;
	struct ramet *other;

	begin(await_other);
	ws = connected();
	other = spawn(receive_freed, ws);
	ramet_ws_free(ws);
	join(other);
	stop(&served);
}

static void *receive_and_tell(void *ws)
{
	struct ramet_ws_message m;

	CHECK_ERR(ramet_ws_receive(ws, &m), ECANCELED);
	return NULL;
}

TEST(who_is_cancelled_leaves_the_connection_good)
{
	struct ramet_ws *ws;
	struct ramet *other;

	begin(echo);
	ws = connected();
	other = spawn(receive_and_tell, ws);
	let_run();
	CHECK_EQ(ramet_cancel(other), 0);
	join(other);
	send_and_compare(ws, RAMET_WS_TEXT, "still", 5);
	ramet_ws_free(ws);
	stop(&served);
}

static void *use_elsewhere(void *ws)
{
	struct ramet_ws_message m;

	CHECK_ERR(ramet_ws_receive(ws, &m), EPERM);
	CHECK_ERR(ramet_ws_send(ws, RAMET_WS_TEXT, "a", 1), EPERM);
	CHECK_ERR(ramet_ws_ping(ws, "a", 1), EPERM);
	CHECK_ERR(ramet_ws_close(ws, 0, NULL), EPERM);
	ramet_ws_free(ws);
	return NULL;
}

TEST(it_belongs_to_its_loop)
{
	struct ramet_ws *ws;

	begin(echo);
	ws = connected();
	run_thread(use_elsewhere, ws);
	send_and_compare(ws, RAMET_WS_TEXT, "still", 5);
	ramet_ws_free(ws);
	stop(&served);
}

/* ---- a peer that does not read ------------------------------------------- */

static void *dial_raw(void *url)
{
	return ramet_ws_dial(url, NULL);
}

static bool has_room(const struct ramet_ws *ws)
{
	struct pollfd p = {.fd = ws->conn->fd, .events = POLLOUT};
	struct timespec now = {0, 0};

	return kernel_ppoll(&p, 1, &now) > 0;
}

/* Until it stays full: what is on its way makes room at first. */
static void fill(struct ramet_ws *ws)
{
	static const char zeros[4096];

	for (int quiet = 0; quiet < (test_is_swept() ? 2 : 40); quiet++) {
		for (; has_room(ws); quiet = 0)
			CHECK_EQ(ramet_ws_send(ws, RAMET_WS_BINARY, zeros,
					       sizeof zeros),
				 0);
		CHECK_EQ(ramet_sleep(5 * RAMET_MS), 0);
	}
}

struct raw {
	int listener, fd; /* the server's */
	struct ramet_ws *ws;
};

/* A client of ours, and a server that has answered and said this. */
static struct raw begin_raw(const char *frames)
{
	struct raw r = {ramet_listen("tcp://127.0.0.1:0"), -1, NULL};
	struct bytes b = frames_of(frames, false);
	struct ramet *dialer;
	char url[64];

	snprintf(url, sizeof url, "ws://127.0.0.1:%d/", ramet_port(r.listener));
	dialer = spawn(dial_raw, url);
	SOON r.fd = ramet_accept(r.listener, NULL, NULL);
	CHECK(r.fd >= 0);
	answer_upgrade(r.fd, UPGRADED, &b);
	free(b.data);
	r.ws = made(join(dialer));
	return r;
}

static void end_raw(struct raw *r)
{
	ramet_close(r->fd);
	ramet_ws_free(r->ws);
	ramet_close(r->listener);
}

/* The ping cannot be answered; what came after it along with the head is more
 * than is read at a time. */
TEST(what_has_come_is_not_kept_back_by_a_pong_that_has_no_room)
{
	struct ramet_ws_message m;
	struct raw r;

	if (strcmp(ramet_kernel_name(), "sim") == 0)
		test_skip("what has room there may be full with the next byte");
	r = begin_raw("89 'p'; 82 61*6000");
	fill(r.ws);
	SOON CHECK_EQ(ramet_ws_receive(r.ws, &m), 1);
	CHECK_EQ(m.size, 6000);
	end_raw(&r);
}

static void *send_much(void *ws)
{
	static const char much[16 << 20];

	CHECK_ERR(ramet_ws_send(ws, RAMET_WS_BINARY, much, sizeof much), EPIPE);
	return NULL;
}

/* RFC 6455, 7.1.7: what cannot be said in time is not waited for. */
static void check_sender_is_told(const char *frames, int result, int error)
{
	struct raw r = begin_raw(frames);
	struct ramet *sender = spawn(send_much, r.ws);
	struct ramet_ws_message m;

	let_run();
	errno = 0;
	CHECK_EQ(ramet_ws_receive(r.ws, &m), result);
	CHECK_EQ(errno, error);
	SOON CHECK_EQ(ramet_join(sender, NULL), 0);
	end_raw(&r);
}

TEST(who_is_sending_to_a_peer_that_broke_the_rules_is_told)
{
	check_sender_is_told("83 'a'", -1, EPROTO);
}

TEST(so_is_who_is_sending_to_one_that_says_goodbye_and_does_not_read)
{
	check_sender_is_told("88 03 e8", 0, 0);
}
