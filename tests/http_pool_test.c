/* The HTTP client: which connections it keeps, and which it uses again. */
#include "client.h"
#include "fds.h"

#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

static const struct step two[] = {SAY(GET("/"), OK(2) "ok"),
				  SAY(GET("/"), OK(2) "ok")};

TEST(a_connection_is_used_again)
{
	RUN(s, two);
	struct ramet_http_client *c = new_client();

	visit(c, &s);
	visit(c, &s);
	script_end(&s);
	CHECK_EQ(s.accepted, 1);
	ramet_http_client_free(c);
}

TEST(a_connection_that_was_closed_is_not)
{
	static const struct step steps[] = {{.want = GET("/"),
					     .reply = OK(2) "ok",
					     .close = 1},
					    SAY(GET("/"), OK(2) "ok")};
	RUN(s, steps);
	struct ramet_http_client *c = new_client();

	visit(c, &s);
	let_run();
	visit(c, &s);
	script_end(&s);
	CHECK_EQ(s.accepted, 2);
	ramet_http_client_free(c);
}

/* What comes later than the answer may be read as that to the next question. */
TEST(a_connection_with_bytes_that_nobody_asked_for_is_not)
{
	static const struct step steps[] =
		{SAY(GET("/"), OK(2) "ok"),
		 {.reply = "HTTP/1.1 408 Late\r\n\r\n", .pause = RAMET_MS},
		 {.gone = 1},
		 SAY(GET("/"), OK(2) "ok")};
	RUN(s, steps);
	struct ramet_http_client *c = new_client();

	visit(c, &s);
	CHECK_EQ(ramet_sleep(20 * RAMET_MS), 0);
	visit(c, &s);
	script_end(&s);
	CHECK_EQ(s.accepted, 2);
	ramet_http_client_free(c);
}

/* The server closes just as the question comes: who may ask twice does. */
static const struct again {
	const char *method, *first, *second;
	int close, error;
} agains[] = {
	{"GET", GET("/"), GET("/"), 1, 0},
	{"GET", GET("/"), GET("/"), 2, 0},
	{"POST", "POST / HTTP/1.1\r\n", NULL, 1, ECONNABORTED},
	{"GET", "", NULL, 1, ECONNABORTED}, /* a part of an answer had come */
};

TEST(what_may_be_asked_twice_is_when_the_connection_ends)
{
	for (size_t i = 0; i < sizeof agains / sizeof *agains; i++) {
		const struct again *a = &agains[i];
		struct step steps[] = {SAY(GET("/"), OK(2) "ok"),
				       {.want = *a->first ? a->first : GET("/"),
					.reply = *a->first ? NULL : "HTTP/1.1",
					.close = a->close},
				       SAY(a->second, OK(2) "ok")};
		RUN(s, steps);
		struct ramet_http_client *c = new_client();
		struct ramet_http_request q = {.method = a->method};
		struct ramet_http_response *r;

		fprintf(stderr, "case %zu\n", i);
		if (a->error)
			s.count = 2;
		visit(c, &s);
		q.url = s.url;
		r = ramet_http_request(c, &q);
		if (a->error) {
			/* Unread bytes make it a reset. */
			CHECK(!r && (errno == a->error || errno == ECONNRESET));
		} else {
			check_body(made(r), "ok");
			ramet_http_response_free(r);
		}
		script_end(&s);
		ramet_http_client_free(c);
	}
}

/* ---- what is left of a body --------------------------------------------- */

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

static char much[70000];

static const struct left {
	const char *reply;
	size_t more; /* bytes of `much` after it */
	bool kept;
} lefts[] = {
	{OK(9) "all of it", 0, true},
	{OK(9) "part", 0, false},
	{OK(60000), 60000, true},
	{OK(69999), 69999, false}, /* above 64 KiB */
	{CHUNKED "3\r\nabc\r\n0\r\nA: b\r\n\r\n", 0, true},
	{CHUNKED "3\r\nabc\r\n0\r\n", 0, false},
	{CHUNKED "3\r\nabcd", 0, false},
	{"HTTP/1.1 200 OK\r\n\r\nabc", 0, false},
};

TEST(a_connection_is_kept_if_what_is_left_is_here)
{
	memset(much, 'x', sizeof much - 1);
	for (size_t i = 0; i < sizeof lefts / sizeof *lefts; i++) {
		const struct left *left = &lefts[i];
		struct step steps[] = {{.want = GET("/"), .reply = left->reply},
				       {.reply = much + sizeof much - 1 -
						 left->more},
				       {.gone = 1},
				       SAY(GET("/"), OK(2) "ok")};
		RUN(s, steps);
		struct ramet_http_client *c = new_client();
		struct ramet_http_response *r;

		fprintf(stderr, "case %zu\n", i);
		if (left->kept)
			steps[2] = (struct step){.want = NULL};
		r = get(c, &s, "/");
		CHECK_EQ(ramet_sleep(20 * RAMET_MS), 0); /* for it to come */
		errno = 77;
		ramet_http_response_free(r);
		CHECK_EQ(errno, 77);
		visit(c, &s);
		script_end(&s);
		CHECK_EQ(s.accepted, left->kept ? 1 : 2);
		ramet_http_client_free(c);
	}
}

TEST(an_answer_may_outlive_its_client)
{
	static const struct step steps[] = {SAY(GET("/"), OK(2) "ok"),
					    {.gone = 1}};
	RUN(s, steps);
	struct ramet_http_client *c = new_client();
	struct ramet_http_response *r = get(c, &s, "/");

	ramet_http_client_free(c);
	check_body(r, "ok");
	ramet_http_response_free(r);
	script_end(&s);
}

/* ---- limits ------------------------------------------------------------- */

static void *answer_one(void *arg)
{
	struct script *s = arg;
	int fd = ramet_accept(s->listener, NULL, NULL);
	char buf[256];

	CHECK(fd >= 0);
	CHECK(ramet_recv(fd, buf, sizeof buf, 0) > 0);
	CHECK_EQ(ramet_send(fd, OK(2) "ok", strlen(OK(2) "ok"), 0),
		 strlen(OK(2) "ok"));
	/* Returns once the client closes. */
	CHECK_EQ(ramet_recv(fd, buf, sizeof buf, 0), 0);
	CHECK_EQ(ramet_close(fd), 0);
	return NULL;
}

TEST(no_more_connections_are_kept_than_the_options_say)
{
	struct ramet_http_client_opts opts = {.proxy = "", .idle_max = 2};
	struct ramet_http_client *c = made(ramet_http_client_new(&opts));
	struct ramet_http_response *r[4];
	struct ramet *servers[4];
	struct script s = {.count = 0};
	int before;

	script_start(&s);
	for (int i = 0; i < 4; i++)
		servers[i] = spawn(answer_one, &s);
	for (int i = 0; i < 4; i++)
		r[i] = get(c, &s, "/");
	before = ramet_ended(servers[0]) + ramet_ended(servers[1]);
	CHECK_EQ(before, 0);
	for (int i = 0; i < 4; i++) {
		check_body(r[i], "ok");
		ramet_http_response_free(r[i]);
	}
	/* The two that were kept first had to go. */
	CHECK_EQ(ramet_joinall(servers, 4, 2), 2);
	ramet_http_client_free(c);
	for (int i = 0; i < 4; i++)
		join(servers[i]);
	script_end(&s);
}

TEST(connections_are_kept_for_a_while)
{
	static const struct step steps[] = {SAY(GET("/"), OK(2) "ok"),
					    {.gone = 1},
					    SAY(GET("/"), OK(2) "ok")};
	struct ramet_http_client_opts opts = plain;
	struct ramet_http_client *c;
	RUN(s, steps);

	opts.idle_time = RAMET_MS;
	c = made(ramet_http_client_new(&opts));
	visit(c, &s);
	CHECK_EQ(ramet_sleep(5 * RAMET_MS), 0);
	visit(c, &s);
	script_end(&s);
	CHECK_EQ(s.accepted, 2);
	ramet_http_client_free(c);
}

/* Each origin has its own. */
TEST(a_connection_leads_to_one_origin)
{
	static const struct step steps[] = {SAY(GET("/"), OK(2) "ok"),
					    SAY(GET("/"), OK(2) "ok")};
	struct ramet_http_client *c = new_client();
	struct script s[70];
	int n = test_is_swept() ? 3 : 70; /* more than there are buckets */

	for (int i = 0; i < n; i++) {
		s[i] = (struct script){.steps = steps, .count = 2};
		script_start(&s[i]);
		visit(c, &s[i]);
	}
	for (int i = 0; i < n; i++) {
		visit(c, &s[i]);
		script_end(&s[i]);
		CHECK_EQ(s[i].accepted, 1);
	}
	ramet_http_client_free(c);
}

/* ---- whose they are ----------------------------------------------------- */

#define DEFAULT                                                                \
	"GET / HTTP/1.1\r\nHost: @\r\nUser-Agent: ramet/" RAMET_VERSION        \
	"\r\n" ACCEPT_CODING "\r\n"

static void *ask_without_client(void *arg)
{
	static const struct step steps[] = {SAY(DEFAULT, OK(2) "ok"),
					    SAY(DEFAULT, OK(2) "ok")};
	RUN(s, steps);

	(void)arg;
	visit(NULL, &s);
	visit(NULL, &s);
	script_end(&s);
	CHECK_EQ(s.accepted, 1);
	return NULL;
}

TEST(each_loop_has_a_client_of_its_own)
{
	pthread_t thread;
	int before = open_fds();

	unsetenv("http_proxy");
	unsetenv("all_proxy");
	unsetenv("ALL_PROXY");
	CHECK_EQ(pthread_create(&thread, NULL, ask_without_client, NULL), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	CHECK_EQ(open_fds(), before);
}

static void *use(void *c)
{
	CHECK_NULL(ramet_http_get(c, "http://127.0.0.1:9/"), EPERM);
	ramet_http_client_free(c); /* does nothing */
	return NULL;
}

TEST(a_client_is_of_one_loop)
{
	struct ramet_http_client *c = new_client();
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, use, c), 0);
	CHECK_EQ(pthread_join(thread, NULL), 0);
	ramet_http_client_free(c);
}

/* The parent's connection is not the child's, and goes on. */
TEST(the_child_of_a_fork_connects_anew)
{
	static const struct step steps[] = {SAY(GET("/"), OK(2) "ok"),
					    SAY(GET("/"), OK(2) "ok")};
	RUN(s, steps);
	struct ramet_http_client *c = new_client();
	int before = open_fds(), status;
	pid_t pid;

	visit(c, &s);
	pid = fork();
	if (pid == 0) {
		/* That of the server and the listener are inherited. */
		bool well = open_fds() <= before + 1;

		ramet_http_client_free(c);
		_exit(well ? 0 : 1);
	}
	CHECK(pid > 0);
	CHECK_EQ(waitpid(pid, &status, 0), pid);
	CHECK_EQ(status, 0);
	visit(c, &s);
	script_end(&s);
	CHECK_EQ(s.accepted, 1);
	ramet_http_client_free(c);
}

/* Nothing is awaited for its sake. */
static void wait_for_nobody(void)
{
	struct ramet_http_client *c = new_client();
	struct ramet_event e = {0};
	RUN(s, two);

	visit(c, &s);
	visit(c, &s);
	script_end(&s);
	CHECK_ERR(ramet_event_wait(&e), EDEADLK);
	ramet_http_client_free(c);
	_exit(3);
}

TEST(a_kept_connection_hides_no_deadlock)
{
	char text[512];
	int status = test_stderr_of(wait_for_nobody, text, sizeof text);

	CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 3);
	CHECK(strstr(text, "ramet: deadlock") != NULL);
}
