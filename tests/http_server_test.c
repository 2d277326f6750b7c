/* The server: requests as bytes, answers as bytes. */
#include "http.h"
#include "pair.h"

#define OK(text, size)                                                        \
	"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: " size \
	"\r\n\r\n" text

static void hello(struct ramet_http *h, void *arg)
{
	(void)arg;
	CHECK_EQ(ramet_http_reply(h, 200, "text/plain", "hello", 5), 0);
}

static const struct ramet_http_opts plain = {.handler = hello};

TEST(a_request_is_answered)
{
	struct served s = serve(&plain);
	int fd;

	start(&s);
	fd = connect_to(&s);
	say(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	HEAR(fd, OK("hello", "5"));
	say(fd, "GET / HTTP/1.1\r\nHost: a\r\n\r\n");
	HEAR(fd, OK("hello", "5"));
	ramet_close(fd);
	stop(&s);
}
