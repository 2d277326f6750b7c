/* URLs, references and paths mean what RFC 3986 says, or are refused. */
#include "http/url.h"
#include "kernel/kernel.h"
#include "test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- URLs --------------------------------------------------------------- */

/* What: "HOST PORT [tls ][ws ][6 ]USER TARGET" with - for none; NULL: refused.
 */
static const struct {
	const char *text, *what;
} urls[] = {
	{"http://a", "a 80 - -"},
	{"http://a/", "a 80 - /"},
	{"https://a/b?c", "a 443 tls - /b?c"},
	{"ws://a/b", "a 80 ws - /b"},
	{"wss://a/b", "a 443 tls ws - /b"},
	{"HTTP://EXAMPLE.org/A", "example.org 80 - /A"},
	{"hTtPs://a", "a 443 tls - -"},
	{"http://a:8080/", "a 8080 own - /"},
	{"http://a:80/", "a 80 - /"},
	{"http://a:443/", "a 443 own - /"},
	{"https://a:443/", "a 443 tls - /"},
	{"http://a:/", "a 80 - /"},
	{"http://a:65535", "a 65535 own - -"},
	{"http://a?b", "a 80 - ?b"},
	{"http://a?b/c", "a 80 - ?b/c"},
	{"http://a#b", "a 80 - -"},
	{"http://a#b/c?d", "a 80 - -"},
	{"http://a/b#c", "a 80 - /b"},
	{"http://a/b?c#d", "a 80 - /b?c"},
	{"http://a/b?c=http://d/@e:f", "a 80 - /b?c=http://d/@e:f"},
	{"http://a/@b", "a 80 - /@b"},
	{"http://a/%zz", "a 80 - /%zz"},
	{"http://a//b", "a 80 - //b"},
	{"http://u@a/", "a 80 u /"},
	{"http://u:p@a:1/", "a 1 own u:p /"},
	{"http://u%40x:p!$&'()*+,;=@a", "a 80 u%40x:p!$&'()*+,;= -"},
	{"http://:p@a", "a 80 :p -"},
	{"http://@a/", "a 80  /"},
	{"http://127.0.0.1:8080/x", "127.0.0.1 8080 own - /x"},
	{"http://[::1]/", "::1 80 6 - /"},
	{"http://[::1]:81", "::1 81 own 6 - -"},
	{"http://[2001:DB8::A]/", "2001:db8::a 80 6 - /"},
	{"http://[::ffff:1.2.3.4]/", "::ffff:1.2.3.4 80 6 - /"},
	{"http://u@[::1]:1/", "::1 1 own 6 u /"},
	{"http://a_b-c.d~e./", "a_b-c.d~e. 80 - /"},
	{"", NULL},
	{"a", NULL},
	{"/a", NULL},
	{"//a", NULL},
	{"a:80", NULL},
	{"http:", NULL},
	{"http:/", NULL},
	{"http:/a", NULL},
	{"http:a", NULL},
	{"http://", NULL},
	{"http:///a", NULL},
	{"http://?a", NULL},
	{"http://#a", NULL},
	{"http://:80", NULL},
	{"http://u@", NULL},
	{"http://u@:80", NULL},
	{"http://u@b@c/", NULL},
	{"http://u:p@b@c/", NULL},
	{"http://u[@a/", NULL},
	{"httpx://a", NULL},
	{"htt://a", NULL},
	{"ftp://a", NULL},
	{"file:///etc/passwd", NULL},
	{"javascript:alert(1)", NULL},
	{" http://a", NULL},
	{"http ://a", NULL},
	{"http://a ", NULL},
	{"http://a/b c", NULL},
	{"http://a/\t", NULL},
	{"http://a/\r\nX: y", NULL},
	{"http://a\n", NULL},
	{"http://a/\x7f", NULL},
	{"http://a/\xc3\xa9", NULL},
	{"http://\xc3\xa9/", NULL},
	{"http://a/\"", NULL},
	{"http://a/<b>", NULL},
	{"http://a/#b#c", NULL},
	{"http:\\\\a\\", NULL},
	{"http://a\\@b/", NULL},
	{"http://a\\b/", NULL},
	{"http://a b/", NULL},
	{"http://a,b/", NULL},
	{"http://a%2eb/", NULL},
	{"http://a..b/", NULL},
	{"http://.a/", NULL},
	{"http://./", NULL},
	{"http://../", NULL},
	{"http://a:b/", NULL},
	{"http://a:+80/", NULL},
	{"http://a:-1/", NULL},
	{"http://a:0/", NULL},
	{"http://a:65536/", NULL},
	{"http://a:99999999999/", NULL},
	{"http://a:8 0/", NULL},
	{"http://a:80:80/", NULL},
	{"http://::1/", NULL},
	{"http://[::1/", NULL},
	{"http://::1]/", NULL},
	{"http://[]/", NULL},
	{"http://[a]/", NULL},
	{"http://[::1]a/", NULL},
	{"http://[::1]80/", NULL},
	{"http://[fe80::1%25eth0]/", NULL},
	{"http://[v1.a]/", NULL},
	{"http://[1:2:3:4:5:6:7:8:9]/", NULL},
	{"http://[127.0.0.1]/", NULL},
};

static void describe(const char *text, char *out, size_t room)
{
	struct url u;
	int n;

	if (ramet__url_parse(&u, text) < 0) {
		snprintf(out, room, "refused");
		return;
	}
	n = snprintf(out, room, "%s %d %s%s%s%s", u.host, u.port,
		     u.default_port ? "" : "own ", u.tls ? "tls " : "",
		     u.websocket ? "ws " : "", u.ipv6 ? "6 " : "");
	n += snprintf(out + n, room - n, "%.*s ", u.user ? (int)u.user_size : 1,
		      u.user ? u.user : "-");
	snprintf(out + n, room - n, "%.*s",
		 u.target_size ? (int)u.target_size : 1,
		 u.target_size ? u.target : "-");
}

TEST(urls_are_taken_apart_or_refused)
{
	for (size_t i = 0; i < countof(urls); i++) {
		const char *want = urls[i].what ? urls[i].what : "refused";
		char got[256];

		describe(urls[i].text, got, sizeof got);
		if (strcmp(got, want))
			test_fail(__FILE__, __LINE__,
				  "case %zu (%s): '%s' instead of '%s'", i,
				  urls[i].text, got, want);
	}
}

TEST(a_host_has_255_characters_at_most)
{
	char text[300] = "http://", host[300];
	struct url u;

	memset(host, 'a', sizeof host);
	host[255] = 0;
	strcat(text, host);
	CHECK_EQ(ramet__url_parse(&u, text), 0);
	CHECK(!strcmp(u.host, host));
	strcat(text, "a");
	CHECK_EQ(ramet__url_parse(&u, text), -EINVAL);
}

/* ---- references --------------------------------------------------------- */

#define BASE "http://a/b/c/d;p?q"

static const struct {
	const char *base, *reference, *what;
} references[] = {
	/* RFC 3986, 5.4.1. */
	{BASE, "g:h", "g:h"},
	{BASE, "g", "http://a/b/c/g"},
	{BASE, "./g", "http://a/b/c/g"},
	{BASE, "g/", "http://a/b/c/g/"},
	{BASE, "/g", "http://a/g"},
	{BASE, "//g", "http://g"},
	{BASE, "?y", "http://a/b/c/d;p?y"},
	{BASE, "g?y", "http://a/b/c/g?y"},
	{BASE, "#s", "http://a/b/c/d;p?q#s"},
	{BASE, "g#s", "http://a/b/c/g#s"},
	{BASE, "g?y#s", "http://a/b/c/g?y#s"},
	{BASE, ";x", "http://a/b/c/;x"},
	{BASE, "g;x", "http://a/b/c/g;x"},
	{BASE, "g;x?y#s", "http://a/b/c/g;x?y#s"},
	{BASE, "", "http://a/b/c/d;p?q"},
	{BASE, ".", "http://a/b/c/"},
	{BASE, "./", "http://a/b/c/"},
	{BASE, "..", "http://a/b/"},
	{BASE, "../", "http://a/b/"},
	{BASE, "../g", "http://a/b/g"},
	{BASE, "../..", "http://a/"},
	{BASE, "../../", "http://a/"},
	{BASE, "../../g", "http://a/g"},
	/* 5.4.2. */
	{BASE, "../../../g", "http://a/g"},
	{BASE, "../../../../g", "http://a/g"},
	{BASE, "/./g", "http://a/g"},
	{BASE, "/../g", "http://a/g"},
	{BASE, "g.", "http://a/b/c/g."},
	{BASE, ".g", "http://a/b/c/.g"},
	{BASE, "g..", "http://a/b/c/g.."},
	{BASE, "..g", "http://a/b/c/..g"},
	{BASE, "./../g", "http://a/b/g"},
	{BASE, "./g/.", "http://a/b/c/g/"},
	{BASE, "g/./h", "http://a/b/c/g/h"},
	{BASE, "g/../h", "http://a/b/c/h"},
	{BASE, "g;x=1/./y", "http://a/b/c/g;x=1/y"},
	{BASE, "g;x=1/../y", "http://a/b/c/y"},
	{BASE, "g?y/./x", "http://a/b/c/g?y/./x"},
	{BASE, "g?y/../x", "http://a/b/c/g?y/../x"},
	{BASE, "g#s/./x", "http://a/b/c/g#s/./x"},
	{BASE, "g#s/../x", "http://a/b/c/g#s/../x"},
	{BASE, "http:g", "http:g"},
	/* Ours. */
	{"http://a", "g", "http://a/g"},
	{"http://a", "?y", "http://a?y"},
	{"http://a?q", "g", "http://a/g"},
	{"http://a#s", "", "http://a"},
	{"http://a/b#s", "#t", "http://a/b#t"},
	{"http://a/b", "https://c/../d", "https://c/d"},
	{"http://a:8080/b", "/c", "http://a:8080/c"},
	{"http://u:p@[::1]:1/b", "c", "http://u:p@[::1]:1/c"},
	{"http://a/b/c?d=/e/", "f", "http://a/b/f"},
	{"http://a//b", "c", "http://a//c"},
	{"http://a/b", "?", "http://a/b?"},
	{"http://a/b", "a:b/c", "a:b/c"},
	{"http://a/b", "./a:b", "http://a/a:b"},
	{"a", "b", NULL},
	{"/a", "b", NULL},
	{"", "http://a/", NULL},
	{BASE, "a b", NULL},
	{BASE, "a\r\nX: y", NULL},
	{BASE, "\t", NULL},
	{BASE, "\xc3\xa9", NULL},
	{BASE, "a#b#c", NULL},
	{BASE, "<a>", NULL},
	{"http://a/\n", "b", NULL},
};

TEST(references_mean_what_they_mean_in_the_rfc)
{
	for (size_t i = 0; i < countof(references); i++) {
		const char *want = references[i].what;
		int err = 1;
		char *got = ramet__url_resolve(references[i].base,
					       references[i].reference, &err);

		if (want ? !got || strcmp(got, want) || err
			 : got || err != -EINVAL)
			test_fail(__FILE__, __LINE__,
				  "case %zu (%s): %d, '%s' instead of '%s'", i,
				  references[i].reference, err, got ? got : "",
				  want ? want : "");
		kernel_free(got);
	}
}

static void *no_memory(size_t size)
{
	(void)size;
	return NULL;
}

TEST(a_reference_may_find_no_memory)
{
	struct kernel poor = *ramet__kernel;
	const struct kernel *rich = ramet__kernel;
	int err = 0;

	poor.alloc = no_memory;
	ramet__kernel = &poor;
	CHECK(!ramet__url_resolve(BASE, "g", &err));
	ramet__kernel = rich;
	CHECK_EQ(err, -ENOMEM);
}

/* ---- paths -------------------------------------------------------------- */

static const struct {
	const char *target, *path;
} paths[] = {
	{"/", "/"},
	{"/a", "/a"},
	{"/a/", "/a/"},
	{"/a/b.c", "/a/b.c"},
	{"/?a", "/"},
	{"/a?b/../c", "/a"},
	{"/a?%zz", "/a"},
	{"/a%20b", "/a b"},
	{"/a+b", "/a+b"},
	{"/%41%4a%7A", "/AJz"},
	{"/%c3%a9", "/\xc3\xa9"},
	{"/a%3fb?c", "/a?b"},
	{"/a%23b", "/a#b"},
	{"/a%25b", "/a%b"},
	{"//", "/"},
	{"///a//b///", "/a/b/"},
	{"/.", "/"},
	{"/./", "/"},
	{"/./a/./b/.", "/a/b/"},
	{"/a/..", "/"},
	{"/a/../", "/"},
	{"/a/../b", "/b"},
	{"/a/b/..", "/a/"},
	{"/a/b/../..", "/"},
	{"/a/b/../../c", "/c"},
	{"/a//../b", "/b"},
	{"/a/./../b", "/b"},
	{"/a/%2e%2e/b", "/b"},
	{"/a/.%2E/b", "/b"},
	{"/a/%2e/b", "/a/b"},
	{"/...", "/..."},
	{"/.../a", "/.../a"},
	{"/..a", "/..a"},
	{"/a..", "/a.."},
	{"/a../b", "/a../b"},
	{"/.a", "/.a"},
	{"/%252e%252e/a", "/%2e%2e/a"},
	{"/%252f", "/%2f"},
	{"/%2500", "/%00"},
	{"/a\\..\\b", "/a\\..\\b"},
	{"/%5c..", "/\\.."},
	{"http://a", "/"},
	{"http://a/", "/"},
	{"http://a/b/../c?d", "/c"},
	{"http://a?b", "/"},
	{"https://a:1/b", "/b"},
	{"/http://a/..", "/http:/"},
	{"", NULL},
	{"*", NULL},
	{"a", NULL},
	{"a:1", NULL},
	{"://a", NULL},
	{"/..", NULL},
	{"/../", NULL},
	{"/../a", NULL},
	{"/a/../..", NULL},
	{"/a/../../a", NULL},
	{"/./..", NULL},
	{"//..", NULL},
	{"/a//../..", NULL},
	{"/%2e%2e", NULL},
	{"/%2e./a", NULL},
	{"/.%2e/.%2e/etc/passwd", NULL},
	{"http://a/..", NULL},
	{"/a%2fb", NULL},
	{"/a%2Fb", NULL},
	{"/..%2f", NULL},
	{"/%2f..", NULL},
	{"/a%00", NULL},
	{"/%00/b", NULL},
	{"/a%", NULL},
	{"/a%4", NULL},
	{"/a%4?1", NULL},
	{"/a%4g", NULL},
	{"/a%g4", NULL},
	{"/a%%41", NULL},
	{"/a%+1", NULL},
	{"/a% 1", NULL},
	{"/%u0041", NULL},
	{"/%c0%2e%2f", NULL},
};

TEST(paths_are_decoded_once_and_stay_below_the_root)
{
	for (size_t i = 0; i < countof(paths); i++) {
		size_t size = strlen(paths[i].target);
		const char *want = paths[i].path;
		char *in = malloc(size ? size : 1), *out = malloc(size + 2);
		ssize_t n;

		memcpy(in, paths[i].target, size);
		n = ramet__path_decode(in, size, out);
		if (want ? n != (ssize_t)strlen(want) || strcmp(out, want)
			 : n != -EINVAL)
			test_fail(__FILE__, __LINE__,
				  "case %zu (%s): %zd, '%s' instead of '%s'", i,
				  paths[i].target, n, n > 0 ? out : "",
				  want ? want : "");
		free(in);
		free(out);
	}
}

/* Whatever comes in, what goes out has no segment that leads elsewhere. */
TEST(no_path_has_dots_or_empty_segments_or_climbs)
{
	static const char *const pieces[] = {"/",   ".", "..", "%2e",
					     "%2E", "a", "//", "%25",
					     "%2",  "?", "%41"};

	for (int round = 0; round < test_rounds(20000); round++) {
		char in[128] = "/", out[130];
		ssize_t n;

		for (uint32_t k = test_rand(20); k; k--)
			strcat(in, pieces[test_rand(countof(pieces))]);
		n = ramet__path_decode(in, strlen(in), out);
		if (n < 0)
			continue;
		CHECK(out[0] == '/' && strlen(out) == (size_t)n);
		CHECK(!strstr(out, "//") && !strstr(out, "/./") &&
		      !strstr(out, "/../"));
		CHECK(n < 2 || strcmp(out + n - 2, "/."));
		CHECK(n < 3 || strcmp(out + n - 3, "/.."));
	}
}

TEST(values_of_forms_are_decoded)
{
	static const struct {
		const char *text, *value;
	} cases[] = {
		{"", ""},         {"a", "a"},           {"a+b", "a b"},
		{"a%2Bb", "a+b"}, {"%41%2f%26", "A/&"}, {"%c3%a9", "\xc3\xa9"},
		{"+%20+", "   "}, {"%2500", "%00"},     {"%00", NULL},
		{"%", NULL},      {"a%4", NULL},        {"%4g", NULL},
	};

	for (size_t i = 0; i < countof(cases); i++) {
		const char *want = cases[i].value;
		char out[32];
		ssize_t n = ramet__form_decode(cases[i].text,
					       strlen(cases[i].text), out);

		if (want ? n != (ssize_t)strlen(want) || memcmp(out, want, n)
			 : n != -EINVAL)
			test_fail(__FILE__, __LINE__, "case %zu (%s): %zd", i,
				  cases[i].text, n);
	}
}
