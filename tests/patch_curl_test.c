/* libcurl, loaded after the rule was made, cooperates unchanged. */
#include "net.h"
#include "ramet.h"
#include "ramets.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <string.h>

enum { TRANSFERS = 30 };

/* What of libcurl is used: by name, since the program is not linked to it. */
static struct {
	CURLcode (*global_init)(long);
	CURL *(*init)(void);
	CURLcode (*setopt)(CURL *, CURLoption, ...);
	CURLcode (*perform)(CURL *);
	void (*cleanup)(CURL *);
} curl;

static void load(void)
{
	void *h = dlopen("libcurl.so.4", RTLD_NOW | RTLD_LOCAL);

	if (!h)
		test_skip("libcurl is not installed");
	curl.global_init = made(dlsym(h, "curl_global_init"));
	curl.init = made(dlsym(h, "curl_easy_init"));
	curl.setopt = made(dlsym(h, "curl_easy_setopt"));
	curl.perform = made(dlsym(h, "curl_easy_perform"));
	curl.cleanup = made(dlsym(h, "curl_easy_cleanup"));
	CHECK_EQ(curl.global_init(CURL_GLOBAL_DEFAULT), CURLE_OK);
}

/* ---- a server ----------------------------------------------------------- */

static int listener, asked, served;
static bool answers; /* else it keeps silent */

static void *serve(void *number)
{
	static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n"
				     "Connection: close\r\n\r\nhello";
	int fd = (int)(intptr_t)number;
	char buf[2048];

	CHECK(ramet_read(fd, buf, sizeof buf) > 0);
	asked++;
	while (!answers)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	ramet_write_all(fd, answer, sizeof answer - 1);
	CHECK_EQ(ramet_close(fd), 0);
	served++;
	return NULL;
}

static void *accept_all(void *arg)
{
	for (int fd; (fd = ramet_accept(listener, NULL, NULL)) >= 0;)
		spawn(serve, (void *)(intptr_t)fd);
	return arg;
}

static struct ramet *start_server(void)
{
	listener = ramet_listen("tcp://127.0.0.1:0");
	CHECK(listener >= 0);
	return spawn(accept_all, NULL);
}

static void stop_server(struct ramet *server)
{
	while (served < asked)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	CHECK_EQ(ramet_close(listener), 0);
	join(server);
}

/* ---- clients ------------------------------------------------------------ */

static size_t count(char *data, size_t size, size_t n, void *sum)
{
	(void)data;
	*(size_t *)sum += size * n;
	return size * n;
}

static CURL *transfer(size_t *received)
{
	char url[64];
	CURL *c = made(curl.init());

	snprintf(url, sizeof url, "http://127.0.0.1:%d/", ramet_port(listener));
	CHECK_EQ(curl.setopt(c, CURLOPT_URL, url), CURLE_OK);
	CHECK_EQ(curl.setopt(c, CURLOPT_PROXY, ""), CURLE_OK);
	CHECK_EQ(curl.setopt(c, CURLOPT_NOSIGNAL, 1L), CURLE_OK);
	CHECK_EQ(curl.setopt(c, CURLOPT_WRITEFUNCTION, count), CURLE_OK);
	CHECK_EQ(curl.setopt(c, CURLOPT_WRITEDATA, received), CURLE_OK);
	return c;
}

static void *fetch(void *received)
{
	CURL *c = transfer(received);

	CHECK_EQ(curl.perform(c), CURLE_OK);
	curl.cleanup(c);
	return NULL;
}

TEST_WITHIN(thirty_transfers_are_in_flight_at_once, 60000)
{
	struct ramet *t[TRANSFERS], *server;
	size_t received[TRANSFERS] = {0};

	CHECK_EQ(ramet_patch(RAMET_SOCKET | RAMET_SELECT, "libcurl"), 0);
	load();
	CHECK(ramet_patched("poll") > 0);
	server = start_server();
	for (int i = 0; i < TRANSFERS; i++)
		t[i] = spawn(fetch, &received[i]);
	while (asked < TRANSFERS)
		CHECK_EQ(ramet_sleep(RAMET_MS), 0);
	answers = true;
	for (int i = 0; i < TRANSFERS; i++) {
		join(t[i]);
		CHECK_EQ(received[i], 5);
	}
	stop_server(server);
}

TEST_WITHIN(a_deadline_ends_a_transfer_with_a_network_error, 60000)
{
	struct ramet *server;
	size_t received = 0;
	CURLcode result = CURLE_OK;
	CURL *c;

	CHECK_EQ(ramet_patch(RAMET_SOCKET | RAMET_SELECT, "libcurl"), 0);
	load();
	server = start_server();
	c = transfer(&received);
	RAMET_WITHIN(100 * RAMET_MS)
		result = curl.perform(c);
	CHECK(result == CURLE_RECV_ERROR || result == CURLE_GOT_NOTHING);
	CHECK_EQ(received, 0);
	/* What comes too late is nobody's answer: a new connection is made. */
	answers = true;
	CHECK_EQ(curl.perform(c), CURLE_OK);
	CHECK_EQ(received, 5);
	CHECK_EQ(asked, 2);
	curl.cleanup(c);
	stop_server(server);
}
