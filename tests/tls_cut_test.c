/* A hand-shake on whose way bytes are changed or lost: it fails on both sides,
 * or nothing has been lost by it. */
#include "tls.h"

/* Between client and server, who believe that they are connected. */
struct way {
	int from, to;
	size_t count, at; /* how many bytes have passed; the one that is hit */
	uint8_t flip;     /* its bits; 0: it is the last */
	bool hit;
};

/* After a change of a length, one side may wait for what never comes. */
static ssize_t read_way(const struct way *w, void *buf, size_t size)
{
	ssize_t n = -1;

	RAMET_WITHIN(w->hit ? 20 * RAMET_MS : RAMET_NEVER)
		n = ramet_read(w->from, buf, size);
	return n;
}

static void *pass(void *arg)
{
	struct way *w = arg;
	unsigned char buf[4096];
	ssize_t n;

	while ((n = read_way(w, buf, sizeof buf)) > 0) {
		size_t size = (size_t)n, i = w->at - w->count;

		w->hit |= w->count <= w->at && i < size;
		if (w->count <= w->at && i < size && w->flip)
			buf[i] ^= w->flip;
		else if (w->count <= w->at && i < size)
			size = i;
		w->count += (size_t)n;
		if (ramet_write_all(w->to, buf, size) < 0 || size < (size_t)n)
			break;
	}
	ramet_shutdown(w->to, SHUT_WR);
	return NULL;
}

/* One hand-shake, and then a word each way. */
struct talk {
	struct side side;
	bool talked;
};

static void *talk(void *arg)
{
	struct talk *t = arg;
	char buf[8];

	shake(&t->side);
	if (!t->side.error)
		t->talked = ramet_conn_write(t->side.conn, "word", 4) == 4 &&
			    ramet_conn_read(t->side.conn, buf, 8) == 4 &&
			    memcmp(buf, "word", 4) == 0;
	ramet_conn_close(t->side.conn);
	return NULL;
}

/* way[0] is that of what the client sends. */
static void check(struct ramet_tls *client, struct ramet_tls *server,
		  struct way way[2])
{
	struct talk a = {.side = {.tls = client, .name = "localhost"}};
	struct talk b = {.side = {.tls = server}};
	struct ramet *t[4];
	int fds[4];

	tcp_pair(&fds[0]);
	tcp_pair(&fds[2]);
	way[0].from = way[1].to = fds[1];
	way[0].to = way[1].from = fds[2];
	a.side.conn = made(ramet_conn_new(fds[0]));
	b.side.conn = made(ramet_conn_new(fds[3]));
	t[0] = spawn(talk, &a);
	t[1] = spawn(talk, &b);
	t[2] = spawn(pass, &way[0]);
	t[3] = spawn(pass, &way[1]);
	LIVELY
		for (int i = 0; i < 4; i++)
			join(t[i]);
	CHECK_EQ(ramet_close(fds[1]), 0);
	CHECK_EQ(ramet_close(fds[2]), 0);
	/* Each failure is one of those that are documented, with a reason. */
	for (const struct talk *k = &a; k; k = k == &a ? &b : NULL)
		if (k->side.error &&
		    ((k->side.error != EPROTO &&
		      k->side.error != EKEYREJECTED &&
		      k->side.error != ECONNABORTED &&
		      k->side.error != ECONNRESET && k->side.error != EPIPE) ||
		     !*k->side.text))
			test_fail(__FILE__, __LINE__, "at %zu and %zu: %d, %s",
				  way[0].at, way[1].at, k->side.error,
				  k->side.text);
	/* What is cut is missed. */
	for (int i = 0; i < 2; i++)
		if (way[i].hit && !way[i].flip && a.talked && b.talked)
			test_fail(__FILE__, __LINE__, "cut at %zu", way[i].at);
}

static struct way never(void)
{
	return (struct way){.at = SIZE_MAX};
}

/* An alert in a record of TLS 1.3; and what ECDSA signatures vary by. */
enum { GOODBYE = 24 + 8 };

/* How many bytes go each way when none is hit. */
static void measure(struct ramet_tls *client, struct ramet_tls *server,
		    size_t count[2])
{
	struct way way[2] = {never(), never()};

	check(client, server, way);
	count[0] = way[0].count;
	count[1] = way[1].count;
	CHECK(count[0] > 200 && count[1] > 500);
	count[0] -= GOODBYE; /* which is not waited for */
	count[1] -= GOODBYE;
}

static void hit_everywhere(uint8_t (*flip)(void))
{
	struct ramet_tls *client = client_of(
		&(struct ramet_tls_opts){.ca = "ca.pem", .no_resume = 1});
	struct ramet_tls *server = server_of(&serving);
	size_t count[2];
	int rounds = test_rounds(400);

	measure(client, server, count);
	for (int i = 0; i < rounds; i++) {
		struct way way[2] = {never(), never()};

		way[i % 2].at = test_rand((uint32_t)count[i % 2]);
		way[i % 2].flip = flip();
		check(client, server, way);
	}
	ramet_tls_free(client);
	ramet_tls_free(server);
}

static uint8_t no_bits(void)
{
	return 0;
}

static uint8_t some_bits(void)
{
	return (uint8_t)(1 + test_rand(255));
}

TEST(cut_anywhere)
{
	hit_everywhere(no_bits);
}

TEST(changed_anywhere)
{
	hit_everywhere(some_bits);
}
