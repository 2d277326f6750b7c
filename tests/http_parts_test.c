/* What files are answered by, without files: ranges, conditions, codings,
 * types, dates, and names as pages have them. */
#include "test.h"

#include "http/exchange.h"
#include "http/files/coding.h"
#include "http/files/condition.h"
#include "http/files/range.h"
#include "http/files/text.h"
#include "http/files/type.h"

#include <stdio.h>
#include <string.h>

#define CASE(what, got, want)                                                  \
	((got) == (want)                                                       \
		 ? (void)0                                                     \
		 : test_fail(__FILE__, __LINE__,                               \
			     "case %zu, %s: %lld is not %lld", i, what,        \
			     (long long)(got), (long long)(want)))

/* ---- ranges -------------------------------------------------------------- */

static const struct {
	const char *text;
	uint64_t size;
	int count;
	const char *ranges; /* "at+size" each */
} ranges[] = {
	{"bytes=0-0", 1000, 1, "0+1 "},
	{"bytes=0-499", 1000, 1, "0+500 "},
	{"bytes=500-", 1000, 1, "500+500 "},
	{"bytes=-500", 1000, 1, "500+500 "},
	{"bytes=-1", 1000, 1, "999+1 "},
	{"bytes=-5000", 1000, 1, "0+1000 "},
	{"bytes=0-99999", 1000, 1, "0+1000 "},
	{"bytes=999-", 1000, 1, "999+1 "},
	{"BYTES=1-2", 1000, 1, "1+2 "},
	{"bytes=0-18446744073709551615", 1000, 1, "0+1000 "},
	{"bytes=0-99999999999999999999999", 1000, 1, "0+1000 "},
	{"bytes=-99999999999999999999999", 1000, 1, "0+1000 "},
	{"bytes=0-0,2-2", 1000, 2, "0+1 2+1 "},
	{"bytes=0-0 , 2-2\t,4-", 1000, 3, "0+1 2+1 4+996 "},
	{"bytes= 0-0", 1000, 1, "0+1 "},
	{"bytes=,,0-0,,2-2,", 1000, 2, "0+1 2+1 "},
	{"bytes=900-,0-9", 1000, 2, "900+100 0+10 "},
	{"bytes=0-0,5000-", 1000, 1, "0+1 "},
	{"bytes=0-0,-0", 1000, 1, "0+1 "},
	{"bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,"
	 "13-13,14-14,15-15",
	 1000, 16,
	 "0+1 1+1 2+1 3+1 4+1 5+1 6+1 7+1 8+1 9+1 10+1 11+1 12+1 13+1 14+1 "
	 "15+1 "},
	/* Nothing of it is there. */
	{"bytes=1000-", 1000, -1, ""},
	{"bytes=1000-1001", 1000, -1, ""},
	{"bytes=99999999999999999999-", 1000, -1, ""},
	{"bytes=99999999999999999999-99999999999999999999999", 1000, -1, ""},
	{"bytes=-0", 1000, -1, ""},
	{"bytes=2000-,3000-", 1000, -1, ""},
	{"bytes=0-", 0, -1, ""},
	{"bytes=0-0", 0, -1, ""},
	/* All of it is sent. */
	{"bytes=-5", 0, 0, ""},
	{"", 1000, 0, ""},
	{"bytes", 1000, 0, ""},
	{"bytes=", 1000, 0, ""},
	{"bytes=,", 1000, 0, ""},
	{"bytes =0-1", 1000, 0, ""},
	{"bytes:0-1", 1000, 0, ""},
	{"lines=0-1", 1000, 0, ""},
	{"bytes=5", 1000, 0, ""},
	{"bytes=-", 1000, 0, ""},
	{"bytes=a-b", 1000, 0, ""},
	{"bytes=0-1x", 1000, 0, ""},
	{"bytes=0 -1", 1000, 0, ""},
	{"bytes=0- 1", 1000, 0, ""},
	{"bytes=+0-1", 1000, 0, ""},
	{"bytes=0x0-1", 1000, 0, ""},
	{"bytes=--1", 1000, 0, ""},
	{"bytes=2-1", 1000, 0, ""},
	{"bytes=0-0,2-1", 1000, 0, ""},
	{"bytes=0-0;1-1", 1000, 0, ""},
	{"bytes=0-5,5-9", 1000, 0, ""},
	{"bytes=0-,0-", 1000, 0, ""},
	{"bytes=-10,990-", 1000, 0, ""},
	{"bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,12-12,"
	 "13-13,14-14,15-15,16-16",
	 1000, 0, ""},
};

TEST(ranges_are_read_as_rfc_9110_says)
{
	for (size_t i = 0; i < countof(ranges); i++) {
		struct http_range r[HTTP_RANGES];
		char text[400] = "";
		int n = ramet__range_parse(ranges[i].text, ranges[i].size, r);

		CASE(ranges[i].text, n, ranges[i].count);
		for (int j = 0; j < n; j++)
			sprintf(text + strlen(text), "%llu+%llu ",
				(unsigned long long)r[j].at,
				(unsigned long long)r[j].size);
		CASE(ranges[i].text, strcmp(text, ranges[i].ranges), 0);
	}
}

/* Whatever is read lies in the file, and no two of them overlap. */
TEST(ranges_lie_in_the_file)
{
	static const char letters[] = "0123456789-,- \t=19";

	for (int round = test_rounds(20000); round; round--) {
		struct http_range r[HTTP_RANGES];
		char text[40] = "bytes=";
		uint64_t size = test_rand(100);
		uint32_t length = test_rand(30);
		int n;

		for (uint32_t i = 0; i < length; i++)
			text[6 + i] = letters[test_rand(sizeof letters - 1)];
		n = ramet__range_parse(text, size, r);
		CHECK(n >= -1 && n <= HTTP_RANGES);
		for (int i = 0; i < n; i++) {
			CHECK(r[i].size > 0 && r[i].at < size &&
			      r[i].size <= size - r[i].at);
			for (int j = 0; j < i; j++)
				CHECK(r[i].at + r[i].size <= r[j].at ||
				      r[j].at + r[j].size <= r[i].at);
		}
	}
}

/* ---- conditions ---------------------------------------------------------- */

#define TAG "\"12-34-56\""
#define CHANGED "Sun, 06 Nov 1994 08:49:37 GMT"
#define EARLIER "Sun, 06 Nov 1994 08:49:36 GMT"
#define LATER "Sun, 06 Nov 1994 08:49:38 GMT"

static const struct http_validator here = {
	.etag = TAG,
	.modified = 784111777,
	.now = 784111777 + 60,
};

static const struct {
	const char *fields[8]; /* name, value, ... */
	int status;
	bool ranges;
} conditions[] = {
	{{NULL}, 200, false},
	{{"Range", "bytes=0-1"}, 200, true},
	{{"RANGE", "bytes=0-1"}, 200, true},
	{{"Range", "bytes=0-1", "Range", "bytes=0-1"}, 200, false},
	/* If-None-Match: weak comparison. */
	{{"If-None-Match", TAG}, 304, false},
	{{"if-none-match", TAG}, 304, false},
	{{"If-None-Match", "W/" TAG}, 304, false},
	{{"If-None-Match", "*"}, 304, false},
	{{"If-None-Match", "\"a\", " TAG}, 304, false},
	{{"If-None-Match", "\"a\"," TAG ",\"b\""}, 304, false},
	{{"If-None-Match", ", ,\"a,b\" , W/" TAG}, 304, false},
	{{"If-None-Match", "\"a\"", "If-None-Match", TAG}, 304, false},
	{{"If-None-Match", TAG, "If-None-Match", "\"a\""}, 304, false},
	{{"If-None-Match", "\"\", " TAG}, 304, false},
	{{"If-None-Match", "\"a\""}, 200, false},
	{{"If-None-Match", "w/" TAG}, 200, false},
	{{"If-None-Match", "12-34-56"}, 200, false},
	{{"If-None-Match", "\"12-34-56"}, 200, false},
	{{"If-None-Match", "\"12-34-5\""}, 200, false},
	{{"If-None-Match", "\"12-34-567\""}, 200, false},
	{{"If-None-Match", "\"a\" " TAG}, 200, false},
	{{"If-None-Match", "\"a b\", " TAG}, 200, false},
	{{"If-None-Match", ""}, 200, false},
	{{"If-None-Match", "**"}, 200, false},
	/* If-Modified-Since, which is not looked at then. */
	{{"If-Modified-Since", CHANGED}, 304, false},
	{{"If-Modified-Since", LATER}, 304, false},
	{{"If-Modified-Since", EARLIER}, 200, false},
	{{"If-Modified-Since", "Sunday, 06-Nov-94 08:49:37 GMT"}, 304, false},
	{{"If-Modified-Since", "Sun Nov  6 08:49:37 1994"}, 304, false},
	{{"If-Modified-Since", "Sun Nov  6 08:49:36 1994"}, 200, false},
	{{"If-Modified-Since", "yesterday"}, 200, false},
	{{"If-Modified-Since", LATER, "If-None-Match", "\"a\""}, 200, false},
	{{"If-Modified-Since", EARLIER, "If-None-Match", TAG}, 304, false},
	/* If-Match: strong comparison. */
	{{"If-Match", TAG}, 200, false},
	{{"If-Match", "*"}, 200, false},
	{{"If-Match", "\"a\", " TAG}, 200, false},
	{{"If-Match", "\"a\"", "If-Match", TAG}, 200, false},
	{{"If-Match", "\"a\""}, 412, false},
	{{"If-Match", "W/" TAG}, 412, false},
	{{"If-Match", ""}, 412, false},
	{{"If-Match", TAG, "If-None-Match", TAG}, 304, false},
	{{"If-Match", "\"a\"", "If-None-Match", TAG}, 412, false},
	/* If-Unmodified-Since, which is not looked at then. */
	{{"If-Unmodified-Since", CHANGED}, 200, false},
	{{"If-Unmodified-Since", LATER}, 200, false},
	{{"If-Unmodified-Since", EARLIER}, 412, false},
	{{"If-Unmodified-Since", "never"}, 200, false},
	{{"If-Unmodified-Since", EARLIER, "If-Match", TAG}, 200, false},
	/* If-Range: strong, or the date itself. */
	{{"Range", "bytes=0-1", "If-Range", TAG}, 200, true},
	{{"If-Range", TAG, "Range", "bytes=0-1"}, 200, true},
	{{"Range", "bytes=0-1", "If-Range", "W/" TAG}, 200, false},
	{{"Range", "bytes=0-1", "If-Range", "\"a\""}, 200, false},
	{{"Range", "bytes=0-1", "If-Range", TAG ", " TAG}, 200, false},
	{{"Range", "bytes=0-1", "If-Range", "*"}, 200, false},
	{{"Range", "bytes=0-1", "If-Range", CHANGED}, 200, true},
	{{"Range", "bytes=0-1", "If-Range", EARLIER}, 200, false},
	{{"Range", "bytes=0-1", "If-Range", LATER}, 200, false},
	{{"Range", "bytes=0-1", "If-Range", "soon"}, 200, false},
	{{"Range", "bytes=0-1", "If-Range", TAG, "If-Range", TAG}, 200, false},
	{{"Range", "bytes=0-1", "If-None-Match", TAG}, 304, true},
};

TEST(conditions_are_read_as_rfc_9110_says)
{
	for (size_t i = 0; i < countof(conditions); i++) {
		const char *const *f = conditions[i].fields;
		struct http_conditions c = {0};
		const char *range;

		for (; *f; f += 2)
			ramet__condition_add(&c, f[0], f[1], &here);
		CASE("status", ramet__condition_status(&c, &here),
		     conditions[i].status);
		range = ramet__condition_range(&c, &here);
		CASE("range", range != NULL, conditions[i].ranges);
	}
}

/* It might change once more within the second that its date names. */
TEST(the_date_of_a_fresh_file_is_no_validator)
{
	struct http_validator fresh = here;
	struct http_conditions c = {.range = "bytes=0-1", .if_range = CHANGED};

	fresh.now = fresh.modified + 1;
	CHECK(!ramet__condition_range(&c, &fresh));
	fresh.now++;
	CHECK(ramet__condition_range(&c, &fresh) != NULL);
}

/* ---- codings ------------------------------------------------------------- */

static const struct {
	const char *fields[2];
	bool gzip;
} codings[] = {
	{{"gzip"}, true},
	{{"GZip"}, true},
	{{"x-gzip"}, true},
	{{"gzip, deflate, br"}, true},
	{{"br;q=1.0, gzip;q=0.8, *;q=0.1"}, true},
	{{"gzip;q=0.001"}, true},
	{{"gzip ; q=1"}, true},
	{{"gzip; Q=1.000"}, true},
	{{"gzip;q=1."}, true},
	{{"*"}, true},
	{{"*;q=0.5"}, true},
	{{"br", "gzip"}, true},
	{{"gzip;q=0.5, identity;q=0.5"}, true},
	{{"identity;q=0, gzip"}, true},
	{{"deflate,,gzip,"}, true},
	{{""}, false},
	{{"br"}, false},
	{{"gzipped"}, false},
	{{"gzip;q=0"}, false},
	{{"gzip;q=0.000"}, false},
	{{"*;q=0"}, false},
	{{"gzip;q=0, *"}, false},
	{{"identity, gzip;q=0.5"}, false},
	{{"identity"}, false},
	{{"gzip;q=1.001"}, false},
	{{"gzip;q=2"}, false},
	{{"gzip;q=0.0001"}, false},
	{{"gzip;q="}, false},
	{{"gzip;q=x"}, false},
	{{"gzip;q=.5"}, false},
	{{"gzip;q=-1"}, false},
	{{"gzip;level=1"}, false},
	{{"gzip br"}, false},
};

TEST(codings_are_weighed_as_rfc_9110_says)
{
	for (size_t i = 0; i < countof(codings); i++) {
		struct http_codings c = {0};

		for (size_t j = 0; j < 2 && codings[i].fields[j]; j++)
			ramet__codings_add(&c, codings[i].fields[j]);
		CASE(codings[i].fields[0], ramet__codings_gzip(&c),
		     codings[i].gzip);
	}
}

/* ---- types --------------------------------------------------------------- */

static const char *const types[][2] = {
	{"index.html", "text/html; charset=utf-8"},
	{"/a/b.HTML", "text/html; charset=utf-8"},
	{"a.min.js", "text/javascript; charset=utf-8"},
	{"style.css", "text/css; charset=utf-8"},
	{"a.txt", "text/plain; charset=utf-8"},
	{"a.json", "application/json"},
	{"a.7z", "application/x-7z-compressed"}, /* the first */
	{"a.zst", "application/zstd"},           /* the last */
	{"a.svg", "image/svg+xml"},
	{"a.wasm", "application/wasm"},
	{"a.webmanifest", "application/manifest+json"},
	{"a.tar.gz", "application/gzip"},
	{"a", "application/octet-stream"},
	{"", "application/octet-stream"},
	{"a.", "application/octet-stream"},
	{"a.nobodyhasthis", "application/octet-stream"},
	{"a.htmlx", "application/octet-stream"},
	{"dir.html/file", "application/octet-stream"},
};

TEST(types_go_by_endings)
{
	for (size_t i = 0; i < countof(types); i++)
		CASE(types[i][0],
		     strcmp(ramet__media_type(types[i][0]), types[i][1]), 0);
}

TEST(text_shrinks_and_pictures_do_not)
{
	static const char *const small[] = {"a.html", "a.js",  "a.svg",
					    "a.json", "a.xml", "a.ttf"};
	static const char *const large[] = {"a.png", "a.gz", "a.mp4", "a.woff2",
					    "a"};

	for (size_t i = 0; i < countof(small); i++)
		CASE(small[i],
		     ramet__media_type_shrinks(ramet__media_type(small[i])),
		     true);
	for (size_t i = 0; i < countof(large); i++)
		CASE(large[i],
		     ramet__media_type_shrinks(ramet__media_type(large[i])),
		     false);
}

/* ---- dates --------------------------------------------------------------- */

static const struct {
	const char *text;
	int64_t seconds; /* -1: it is none */
} dates[] = {
	{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
	{"Sunday, 06-Nov-94 08:49:37 GMT", 784111777},
	{"Sun Nov  6 08:49:37 1994", 784111777},
	{"Wed Nov 16 08:49:37 1994", 784975777},
	{"Thu, 01 Jan 1970 00:00:00 GMT", 0},
	{"Tue, 29 Feb 2000 23:59:59 GMT", 951868799},
	{"Fri, 31 Dec 9999 23:59:59 GMT", 253402300799},
	{"Tue, 19 Jan 2038 03:14:08 GMT", 2147483648},
	{"Sun, 06 Nov 1994 08:49:37", -1},
	{"Sun, 06 Nov 1994 08:49:37 gmt", -1},
	{"Sun, 06 Nov 1994 08:49:37 GMT ", -1},
	{"Sun, 06 Nov 1994 08:49:37 UTC", -1},
	{"sun, 06 Nov 1994 08:49:37 GMT", -1},
	{"Sun, 6 Nov 1994 08:49:37 GMT", -1},
	{"Sun, 06 nov 1994 08:49:37 GMT", -1},
	{"Sun, 06 Nov 94 08:49:37 GMT", -1},
	{"Sun, 31 Nov 1994 08:49:37 GMT", -1},
	{"Sun, 00 Nov 1994 08:49:37 GMT", -1},
	{"Thu, 29 Feb 1900 00:00:00 GMT", -1},
	{"Sun, 06 Nov 1994 24:00:00 GMT", -1},
	{"Sun, 06 Nov 1994 08:60:00 GMT", -1},
	{"Sun, 06 Nov 1994 8:49:37 GMT", -1},
	{"Nov  6 08:49:37 1994", -1},
	{"784111777", -1},
	{"", -1},
};

TEST(dates_are_read_in_their_three_forms)
{
	for (size_t i = 0; i < countof(dates); i++)
		CASE(dates[i].text, ramet__http_date_parse(dates[i].text),
		     dates[i].seconds);
}

TEST(what_is_written_as_a_date_is_read_as_it)
{
	for (int i = test_rounds(20000); i; i--) {
		int64_t at = (int64_t)test_rand(UINT32_MAX) * 59;
		char text[HTTP_DATE];

		ramet__http_date(at, text);
		CHECK_EQ(ramet__http_date_parse(text), at);
	}
}

/* ---- names --------------------------------------------------------------- */

TEST(names_cannot_leave_their_place_in_a_page)
{
	char html[TEXT_HTML_MAX(32)], url[TEXT_URL_MAX(32)];

	ramet__text_html(html, "<a href='\"'>&amp;");
	CHECK_EQ(strcmp(html, "&lt;a href=&#39;&quot;&#39;&gt;&amp;amp;"), 0);
	ramet__text_url(url, "a b/%?#\\\"<>'\x80:;&=");
	CHECK_EQ(strcmp(url, "a%20b/%25%3F%23%5C%22%3C%3E%27%80%3A%3B%26="), 0);
}

TEST(sizes_are_said_in_units)
{
	static const struct {
		int64_t size;
		const char *text;
	} cases[] = {
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1.0 KiB"},
		{1536, "1.5 KiB"},
		{10239, "9.9 KiB"},
		{10240, "10 KiB"},
		{1048575, "1023 KiB"},
		{1048576, "1.0 MiB"},
		{INT64_MAX, "7.9 EiB"},
	};

	for (size_t i = 0; i < countof(cases); i++) {
		char text[TEXT_SIZE];

		ramet__text_size(text, cases[i].size);
		CASE(cases[i].text, strcmp(text, cases[i].text), 0);
	}
}
