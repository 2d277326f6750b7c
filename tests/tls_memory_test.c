/* OpenSSL runs out of memory, at each of its allocations in turn: calls fail,
 * mostly with ENOMEM, and nothing is damaged. */
#include "tls.h"

#include <openssl/crypto.h>

static long countdown = -1; /* allocations till the one that fails */
static long made_so_far;

static bool fails(void)
{
	made_so_far++;
	return countdown >= 0 && countdown-- == 0;
}

static void *allocate(size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : malloc(size);
}

static void *reallocate(void *mem, size_t size, const char *file, int line)
{
	(void)file;
	(void)line;
	return fails() ? NULL : realloc(mem, size);
}

static void release(void *mem, const char *file, int line)
{
	(void)file;
	(void)line;
	free(mem);
}

/* Before OpenSSL has allocated anything. */
__attribute__((constructor)) static void take_over(void)
{
	CRYPTO_set_mem_functions(allocate, reallocate, release);
}

/* A hand-shake and a word each way, or why not. */
static int talk(struct ramet_tls *client, struct ramet_tls *server)
{
	struct side a = {.tls = client, .name = "localhost"};
	struct side b = {.tls = server};
	char buf[8];
	int fds[2], error;

	tcp_pair(fds);
	shake_both(fds, &a, &b);
	error = a.error ? a.error : b.error;
	if (!error && (ramet_conn_write(a.conn, "word", 4) < 0 ||
		       ramet_conn_read(b.conn, buf, 8) < 0 ||
		       ramet_conn_write(b.conn, "word", 4) < 0 ||
		       ramet_conn_read(a.conn, buf, 8) < 0))
		error = errno;
	ramet_conn_close(a.conn);
	ramet_conn_close(b.conn);
	return error;
}

TEST_WITHIN(connections_without_memory, 60000)
{
	struct ramet_tls *client = client_of(
		&(struct ramet_tls_opts){.ca = "ca.pem", .no_resume = 1});
	struct ramet_tls *server = server_of(&serving);
	int short_of = 0, rounds = test_rounds(300);
	long all;

	CHECK_EQ(talk(client, server), 0);
	made_so_far = 0;
	CHECK_EQ(talk(client, server), 0);
	all = made_so_far;
	for (int i = 0; i < rounds; i++) {
		int error = 0;

		countdown = test_rand((uint32_t)all);
		LIVELY
			error = talk(client, server);
		countdown = -1;
		CHECK(error != ETIMEDOUT);
		short_of += error == ENOMEM;
	}
	CHECK(short_of > 0);
	CHECK_EQ(talk(client, server), 0);
	ramet_tls_free(client);
	ramet_tls_free(server);
}

TEST_WITHIN(contexts_without_memory, 60000)
{
	struct ramet_tls_opts opts = with_paths(
		&(struct ramet_tls_opts){.cert = "server.pem",
					 .key = "server.key",
					 .ca = "ca.pem",
					 .alpn = "h2",
					 .verify = RAMET_VERIFY_REQUIRED});
	int rounds = test_rounds(300), refused = 0;
	long all;

	ramet_tls_free(server_of(&serving));
	made_so_far = 0;
	ramet_tls_free(made(ramet_tls_server(&opts)));
	all = made_so_far;
	for (int i = 0; i < rounds; i++) {
		struct ramet_tls *tls;

		countdown = test_rand((uint32_t)all);
		tls = ramet_tls_server(&opts);
		countdown = -1;
		if (!tls) {
			CHECK(errno == ENOMEM || errno == EINVAL);
			CHECK(*ramet_tls_error());
			refused++;
		}
		ramet_tls_free(tls);
	}
	CHECK(refused > 0);
	ramet_tls_free(made(ramet_tls_server(&opts)));
}
