/* client.h - the HTTP client against the servers of script.h. */
#ifndef CLIENT_H
#define CLIENT_H

#include "script.h"
#include "zip.h"

#define RUN(name, steps_, ...)                                                 \
	struct script name = {.steps = steps_,                                 \
			      .count = sizeof(steps_) / sizeof *(steps_),      \
			      __VA_ARGS__};                                    \
	script_start(&name)

/* What the client can undo. */
#ifdef RAMET_COMPRESS
#define ACCEPT_CODING "Accept-Encoding: gzip, deflate\r\n"
#else
#define ACCEPT_CODING
#endif

#define GET(path)                                                              \
	"GET " path                                                            \
	" HTTP/1.1\r\nHost: @\r\nUser-Agent: test\r\n" ACCEPT_CODING "\r\n"

#define HEAD                                                                   \
	"HEAD / HTTP/1.1\r\nHost: @\r\nUser-Agent: test\r\n" ACCEPT_CODING     \
	"\r\n"

#define SAY(want_, reply_)                                                     \
	{                                                                      \
		.want = want_, .reply = reply_                                 \
	}

#define OK(body_size)                                                          \
	"HTTP/1.1 200 OK\r\nContent-Length: " #body_size "\r\n\r\n"

static const struct ramet_http_client_opts plain = {.proxy = "",
						    .user_agent = "test"};

static inline struct ramet_http_client *new_client(void)
{
	return made(ramet_http_client_new(&plain));
}

static inline const char *url_of(const struct script *s, const char *path)
{
	static char text[2][256];
	static int turn;

	turn = !turn;
	snprintf(text[turn], sizeof text[0], "%s%s", s->url, path);
	return text[turn];
}

static inline struct ramet_http_response *get(struct ramet_http_client *c,
					      const struct script *s,
					      const char *path)
{
	return made(ramet_http_get(c, url_of(s, path)));
}

static inline void check_text(const char *got, const char *want)
{
	if (!got || strcmp(got, want) != 0)
		test_fail(__FILE__, __LINE__, "\"%s\" is not \"%s\"",
			  got ? got : "(null)", want);
}

static inline void check_body(struct ramet_http_response *r, const char *want)
{
	size_t size = 0;
	const char *got = made(
		(void *)(uintptr_t)ramet_http_response_body(r, 1 << 20, &size));

	check_text(got, want);
	CHECK_EQ(size, strlen(want));
}

/* Ask for "/", and throw away what comes. */
static inline void visit(struct ramet_http_client *c, const struct script *s)
{
	struct ramet_http_response *r = get(c, s, "/");

	CHECK_EQ(ramet_http_status(r), 200);
	check_body(r, "ok");
	ramet_http_response_free(r);
}

#endif
