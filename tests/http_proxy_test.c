/* The HTTP client: proxies, and what the environment says of them. */
#include "client.h"

#include "http/client/client.h"

/* ---- whom they are not for ---------------------------------------------- */

TEST(no_proxy_names_hosts_and_networks)
{
	static const struct {
		const char *list, *host;
		bool in;
	} table[] = {
		{"", "a.org", false},
		{"*", "a.org", true},
		{"a.org", "a.org", true},
		{"A.ORG", "a.org", true},
		{"a.org", "www.a.org", true},
		{".a.org", "www.a.org", true},
		{".a.org", "a.org", true},
		{"a.org.", "a.org", true},
		{"a.org", "a.org.", true},
		{"a.org", "ba.org", false},
		{"a.org", "a.org.uk", false},
		{"x, a.org ,y", "a.org", true},
		{"x,a.org,y", "z", false},
		{"x a.org", "a.org", true},
		{".", "a.org", false},
		{"127.0.0.1", "127.0.0.1", true},
		{"127.0.0.1", "127.0.0.10", false},
		{"0.0.1", "127.0.0.1", false},
		{"10.0.0.0/8", "10.20.30.40", true},
		{"10.0.0.0/8", "11.20.30.40", false},
		{"10.16.0.0/12", "10.31.0.1", true},
		{"10.16.0.0/12", "10.32.0.1", false},
		{"0.0.0.0/0", "1.2.3.4", true},
		{"1.2.3.4/32", "1.2.3.4", true},
		{"1.2.3.4/33", "1.2.3.4", false},
		{"1.2.3.4/x", "1.2.3.4", false},
		{"1.2.3.4/", "1.2.3.4", false},
		{"::1", "::1", true},
		{"[::1]", "::1", true},
		{"[", "::1", false},
		{"0:0::1", "::1", true},
		{"fe80::/10", "febf::1", true},
		{"fe80::/10", "fec0::1", false},
		{"::/0", "1.2.3.4", false},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		fprintf(stderr, "%zu: %s %s\n", i, table[i].list,
			table[i].host);
		CHECK_EQ(ramet__no_proxy(table[i].list, table[i].host),
			 table[i].in);
	}
}

/* ---- what the environment says ------------------------------------------ */

static void forget_environment(void)
{
	static const char *const names[] = {"http_proxy",  "HTTP_PROXY",
					    "https_proxy", "HTTPS_PROXY",
					    "all_proxy",   "ALL_PROXY",
					    "no_proxy",    "NO_PROXY"};

	for (size_t i = 0; i < sizeof names / sizeof *names; i++)
		unsetenv(names[i]);
}

TEST(the_environment_is_read_as_curl_reads_it)
{
	static const struct {
		const char *name[2], *value[2];
		const char *url, *host; /* the proxy's; NULL: none */
	} table[] = {
		{{NULL}, {NULL}, "http://a/", NULL},
		{{"http_proxy"}, {"http://p:1"}, "http://a/", "p"},
		{{"http_proxy"}, {"p:1"}, "http://a/", "p"},
		{{"http_proxy"}, {"http://p:1"}, "https://a/", NULL},
		{{"HTTP_PROXY"}, {"http://p:1"}, "http://a/", NULL},
		{{"https_proxy"}, {"http://p:1"}, "https://a/", "p"},
		{{"HTTPS_PROXY"}, {"http://p:1"}, "https://a/", "p"},
		{{"https_proxy", "HTTPS_PROXY"}, {"p", "q"}, "https://a/", "p"},
		{{"all_proxy"}, {"p"}, "http://a/", "p"},
		{{"ALL_PROXY"}, {"p"}, "https://a/", "p"},
		{{"http_proxy", "all_proxy"}, {"", "q"}, "http://a/", NULL},
		{{"http_proxy", "ALL_PROXY"}, {"p", "q"}, "http://a/", "p"},
		{{"all_proxy", "no_proxy"}, {"p", "a"}, "http://a/", NULL},
		{{"all_proxy", "NO_PROXY"}, {"p", "b,a"}, "http://a/", NULL},
		{{"all_proxy", "no_proxy"}, {"p", "b"}, "http://a/", "p"},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		const struct proxy *found;
		struct proxies p = {0};
		struct url url;

		fprintf(stderr, "environment %zu\n", i);
		forget_environment();
		for (int j = 0; j < 2 && table[i].name[j]; j++)
			setenv(table[i].name[j], table[i].value[j], 1);
		CHECK(ramet_self());
		CHECK_EQ(ramet__url_parse(&url, table[i].url), 0);
		CHECK_EQ(ramet__proxies_init(&p, NULL), 0);
		found = ramet__proxies_find(&p, &url);
		CHECK_EQ(!!found, !!table[i].host);
		if (found)
			check_text(found->at.host, table[i].host);
		ramet__proxies_free(&p);
	}
}

TEST(a_bad_proxy_is_told_to_who_would_use_it)
{
	struct ramet_http_client_opts bad = {.proxy = "socks5://a:1"};
	struct ramet_http_client *c;

	CHECK_NULL(ramet_http_client_new(&bad), EINVAL);
	bad.proxy = "http://";
	CHECK_NULL(ramet_http_client_new(&bad), EINVAL);
	bad = (struct ramet_http_client_opts){.proxy = "", .user_agent = "\n"};
	CHECK_NULL(ramet_http_client_new(&bad), EINVAL);
	forget_environment();
	setenv("http_proxy", "socks5://a:1", 1);
	setenv("https_proxy", "http://a:x", 1);
	c = made(ramet_http_client_new(NULL));
	CHECK_NULL(ramet_http_get(c, "http://127.0.0.1:9/"), EPROTONOSUPPORT);
	CHECK_NULL(ramet_http_get(c, "https://127.0.0.1:9/"), EINVAL);
	ramet_http_client_free(c);
}

/* ---- by way of one ------------------------------------------------------ */

static struct ramet_http_client *client_of(const struct script *proxy)
{
	struct ramet_http_client_opts opts = plain;
	char url[100];

	snprintf(url, sizeof url, "http://me:secret@%s", proxy->host);
	opts.proxy = url;
	return made(ramet_http_client_new(&opts));
}

#define VIA(host, path)                                                        \
	"GET http://" host path " HTTP/1.1\r\nHost: " host                     \
	"\r\nProxy-Authorization: Basic bWU6c2VjcmV0\r\n"                      \
	"User-Agent: test\r\n" ACCEPT_CODING "\r\n"

/* One connection, whoever the hosts are. */
TEST(a_proxy_is_asked_for_whole_urls)
{
	static const struct step steps[] =
		{SAY(VIA("a.invalid", "/x?y"), OK(2) "ok"),
		 SAY(VIA("b.invalid:81", "/"), OK(2) "ok"),
		 SAY(VIA("[::1]:81", "/"), OK(2) "ok")};
	static const char *const urls[] = {"http://a.invalid/x?y#z",
					   "http://b.invalid:81",
					   "http://[::1]:81/"};
	RUN(s, steps);
	struct ramet_http_client *c = client_of(&s);

	for (int i = 0; i < 3; i++) {
		struct ramet_http_response *r =
			made(ramet_http_get(c, urls[i]));

		check_body(r, "ok");
		ramet_http_response_free(r);
	}
	script_end(&s);
	CHECK_EQ(s.accepted, 1);
	ramet_http_client_free(c);
}

#define TUNNEL                                                                 \
	"CONNECT a.invalid:443 HTTP/1.1\r\nHost: a.invalid:443\r\n"            \
	"Proxy-Authorization: Basic bWU6c2VjcmV0\r\nUser-Agent: test\r\n\r\n"

TEST(a_proxy_that_refuses_a_tunnel_says_why)
{
	static const struct {
		const char *reply;
		int error;
	} table[] = {
		{"HTTP/1.1 407 Who\r\nContent-Length: 2\r\n\r\nno", EACCES},
		{"HTTP/1.1 403 No\r\n\r\n", EACCES},
		{"HTTP/1.1 502 Bad\r\n\r\n", ECONNREFUSED},
		{"HTTP/1.1 504 Late\r\n\r\n", EHOSTUNREACH},
		{"HTTP/1.1 302 Go\r\nLocation: /\r\n\r\n", ECONNREFUSED},
		{"HTTP/1.1 101 Switching\r\n\r\n", EPROTO},
		{"SSH-2.0\r\n\r\n", EPROTO},
		{"HTTP/1.1 200 OK\r\n\r\nwhat nobody asked for", EPROTO},
		{"", ECONNABORTED},
	};

	for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
		struct step steps[] = {
			{.want = TUNNEL, .reply = table[i].reply, .close = 1}};
		RUN(s, steps);
		struct ramet_http_client *c = client_of(&s);

		fprintf(stderr, "tunnel %zu\n", i);
		CHECK_NULL(ramet_http_get(c, "https://a.invalid/"),
			   table[i].error);
		script_end(&s);
		ramet_http_client_free(c);
	}
}
