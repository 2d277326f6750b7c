/* Files as answers: what is found below a directory, and what never is. */
#include "http.h"
#include "door.h"
#include "fds.h"

#include "http/files/beneath.h"
#include "ramet/http.h"
#include "ramet/io.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifdef RAMET_COMPRESS
#include <zlib.h>
#endif

enum { BIG = 300000 };

/* Reading a file may give the loop a ring, which it keeps. */
void test_begin(void)
{
	int fds[2];

	if (ramet_pipe(fds, 0) < 0)
		return;
	ramet_fsync(fds[0]);
	ramet_close(fds[0]);
	ramet_close(fds[1]);
	test_fds_are_kept();
}

/* ---- a directory --------------------------------------------------------- */

static const char *below(const char *name)
{
	static char path[2][400];
	static int turn;

	turn = !turn;
	snprintf(path[turn], sizeof path[0], "%s/root/%s", test_dir(), name);
	return path[turn];
}

static void put(const char *path, const char *data, size_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);

	CHECK(fd >= 0);
	CHECK_EQ(write(fd, data, size), (ssize_t)size);
	CHECK_EQ(close(fd), 0);
}

static void put_text(const char *name, const char *text)
{
	put(below(name), text, strlen(text));
}

static char pattern(size_t i)
{
	return (char)('a' + i % 23);
}

static void make_root(void)
{
	static char big[BIG];
	char outside[400];

	CHECK_EQ(mkdir(below(""), 0755), 0);
	CHECK_EQ(mkdir(below("sub"), 0755), 0);
	CHECK_EQ(mkdir(below("sub/deep"), 0755), 0);
	CHECK_EQ(mkdir(below("bare"), 0755), 0);
	CHECK_EQ(mkdir(below(".hidden"), 0755), 0);
	put_text("a.txt", "hello");
	put_text("sp ace.txt", "blank");
	put_text("sub/index.html", "<p>index");
	put_text("sub/deep/c.txt", "deep");
	put_text(".secret", "secret");
	put_text(".hidden/x", "secret");
	put_text("bare/<i>.txt", "");
	for (size_t i = 0; i < BIG; i++)
		big[i] = pattern(i);
	put(below("big.bin"), big, BIG);
	snprintf(outside, sizeof outside, "%s/outside", test_dir());
	put(outside, "outside", 7);
	CHECK_EQ(symlink("../outside", below("up")), 0);
	CHECK_EQ(symlink(outside, below("absolute")), 0);
	CHECK_EQ(symlink("..", below("parent")), 0);
	CHECK_EQ(symlink("/proc/self/root", below("proc")), 0);
	CHECK_EQ(symlink("sub/deep", below("inside")), 0);
	CHECK_EQ(symlink("a.txt", below("link.txt")), 0);
	CHECK_EQ(symlink("self", below("self")), 0);
	CHECK_EQ(symlink(".secret", below("unveiled")), 0);
	CHECK_EQ(mkfifo(below("pipe"), 0644), 0);
}

/* ---- a server of it ------------------------------------------------------ */

static bool lists;

static void answer(struct ramet_http *h, void *arg)
{
	(void)arg;
	ramet_http_files(h, below(""), lists);
}

static const struct ramet_http_opts opts = {.handler = answer};

/* Send a request, "\r\n" and an empty line added, and hear all that comes. */
static const char *ask(const struct served *s, const char *request)
{
	int fd = connect_to(s);
	const char *text;

	say(fd, request);
	say(fd, "Host: a\r\nConnection: close\r\n\r\n");
	text = hear_all(fd);
	ramet_close(fd);
	return text;
}

static const char *get(const struct served *s, const char *target)
{
	char request[600];

	snprintf(request, sizeof request, "GET %s HTTP/1.1\r\n", target);
	return ask(s, request);
}

static const char *body(const char *text)
{
	const char *end = strstr(text, "\r\n\r\n");

	CHECK(end != NULL);
	return end + 4;
}

static int status(const char *text)
{
	CHECK(strlen(text) > 12);
	return atoi(text + 9);
}

/* The value of a header, "" if there is none; good until the next call. */
static const char *header(const char *text, const char *name)
{
	static char value[300];
	char start[64];
	const char *at;

	snprintf(start, sizeof start, "\r\n%s: ", name);
	at = strstr(text, start);
	if (!at || at > strstr(text, "\r\n\r\n"))
		return "";
	at += strlen(start);
	snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\r"), at);
	return value;
}

/* ---- what is found ------------------------------------------------------- */

static const struct {
	const char *target;
	int status;
	const char *holds; /* what the body, or Location, begins with */
} paths[] = {
	{"/a.txt", 200, "hello"},
	{"/up", 404, ""},
	{"/sub", 301, "/sub/"},
	{"/.secret", 404, ""},
	{"/sub/", 200, "<p>index"},
	{"/bare/", 403, ""},
	{"/sp%20ace.txt", 200, "blank"},
	{"/a.txt?x=/../..", 200, "hello"},
	{"/sub/deep/c.txt", 200, "deep"},
	{"/sub/../a.txt", 200, "hello"},
	{"/%61.txt", 200, "hello"},
	{"//a.txt", 200, "hello"},
	{"/inside/c.txt", 200, "deep"},
	{"/link.txt", 200, "hello"},
	{"/sub?a=1&b=%2F", 301, "/sub/?a=1&b=%2F"},
	{"//sub", 301, "/sub/"},
	{"/./sub", 301, "/sub/"},
	{"//sub/deep", 301, "/sub/deep/"},
	{"http://a/sub", 301, "/sub/"},
	{"/", 403, ""},
	{"/none", 404, ""},
	{"/none/none", 404, ""},
	{"/a.txt/", 404, ""},
	{"/a.txt/b", 404, ""},
	{"/absolute", 404, ""},
	{"/parent", 404, ""},
	{"/parent/outside", 404, ""},
	{"/proc", 404, ""},
	{"/proc/etc/passwd", 404, ""},
	{"/self", 404, ""},
	{"/pipe", 404, ""},
	{"/.hidden/x", 404, ""},
	{"/sub/.x", 404, ""},
	{"/%2esecret", 404, ""},
	{"/sub/%2e%2e/a.txt", 200, "hello"},
	{"/../outside", 400, ""},
	{"/sub/../../outside", 400, ""},
	{"/%2e%2e/outside", 400, ""},
	{"/..%2foutside", 400, ""},
	{"/a.txt%00.html", 400, ""},
	{"/..\\outside", 404, ""},
	{"/sub/index.html", 200, "<p>index"},
};

static void check_path(const struct served *s, size_t i)
{
	const char *text = get(s, paths[i].target), *got;

	if (status(text) != paths[i].status)
		test_fail(__FILE__, __LINE__, "case %zu, %s: %s", i,
			  paths[i].target, text);
	got = paths[i].status == 301 ? header(text, "Location") : body(text);
	if (paths[i].status != 301 && paths[i].status != 200)
		return;
	if (strcmp(got, paths[i].holds) != 0)
		test_fail(__FILE__, __LINE__, "case %zu, %s: %s", i,
			  paths[i].target, got);
}

TEST(only_what_is_below_the_root_is_found)
{
	struct served s = serve(&opts);

	make_root();
	start(&s);
	for (size_t i = 0; i < sizeof paths / sizeof *paths; i++)
		if (!test_is_swept() || i < 6)
			check_path(&s, i);
	stop(&s);
}

/* As long as no segment is: then it may be there. */
TEST(names_that_are_too_long_are_not_found)
{
	struct served s = serve(&opts);
	char target[6000] = "/";

	make_root();
	start(&s);
	memset(target + 1, 'x', 300);
	CHECK_EQ(status(get(&s, target)), 404);
	for (size_t i = 1; i + 2 < 500; i += 2)
		memcpy(target + i, "x/", 3);
	CHECK_EQ(status(get(&s, target)), 404);
	stop(&s);
}

TEST(what_may_not_be_read_is_403)
{
	struct served s = serve(&opts);

	if (geteuid() == 0)
		test_skip("root may read everything");
	make_root();
	CHECK_EQ(chmod(below("a.txt"), 0), 0);
	start(&s);
	CHECK_EQ(status(get(&s, "/a.txt")), 403);
	stop(&s);
}

/* Kernels before 5.6, and sandboxes: no link is followed then. */
TEST(without_openat2_the_path_is_walked)
{
	static const struct {
		const char *path;
		int err;
	} cases[] = {
		{"a.txt", 0},
		{"", 0},
		{"sub", 0},
		{"sub/", 0},
		{"sub//deep///c.txt", 0},
		{"sub/deep/c.txt", 0},
		{"none", -ENOENT},
		{"a.txt/", -ENOTDIR},
		{"a.txt/x", -ENOTDIR},
		{"up", -ELOOP},
		{"link.txt", -ELOOP},
		{"inside/c.txt", -ENOTDIR},
		{"parent/x", -ENOTDIR},
		{"..", -EXDEV},
		{"sub/../a.txt", -EXDEV},
		{"pipe", -ENOENT},
	};
	int root;

	make_root();
	root = ramet__beneath_root(below(""), 0);
	CHECK(root >= 0);
	for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
		struct found found = {.fd = -1};
		int err = ramet__beneath_walk(root, cases[i].path, &found);

		if (err != cases[i].err)
			test_fail(__FILE__, __LINE__, "case %zu, %s: %d", i,
				  cases[i].path, err);
		CHECK_EQ(found.fd >= 0, err == 0);
		close(found.fd);
	}
	close(root);
}

/* ---- bytes --------------------------------------------------------------- */

static bool has_pattern(const char *data, size_t at, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (data[i] != pattern(at + i))
			return false;
	return true;
}

static char *read_whole(int fd, size_t *size)
{
	char *text = malloc(BIG + 4096);
	ssize_t n = ramet_read_all(fd, text, BIG + 4095);

	CHECK(n >= 0);
	text[n] = '\0';
	*size = (size_t)n;
	return text;
}

TEST(large_files_come_whole)
{
	struct served s = serve(&opts);
	size_t size;
	char *text;
	int fd;

	make_root();
	start(&s);
	fd = connect_to(&s);
	say(fd,
	    "GET /big.bin HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
	text = read_whole(fd, &size);
	SAME(header(text, "Content-Length"), "300000");
	SAME(header(text, "Content-Type"), "application/octet-stream");
	SAME(header(text, "Accept-Ranges"), "bytes");
	CHECK_EQ(size - (size_t)(body(text) - text), BIG);
	CHECK(has_pattern(body(text), 0, BIG));
	free(text);
	ramet_close(fd);
	stop(&s);
}

/* The disk is asked by a helper. */
TEST(cold_files_come_whole)
{
	struct served s = serve(&opts);
	int fd;

	make_root();
	fd = open(below("big.bin"), O_RDONLY | O_CLOEXEC);
	CHECK_EQ(fsync(fd), 0);
	CHECK_EQ(posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED), 0);
	close(fd);
	start(&s);
	CHECK(has_pattern(body(ask(&s, "GET /big.bin HTTP/1.1\r\nRange: "
				       "bytes=0-999\r\n")),
			  0, 1000));
	stop(&s);
}

/* More than sockets hold, and nothing of it on the disk. */
TEST(a_file_that_shrinks_ends_the_connection)
{
	struct served s = serve(&opts);
	int64_t size = INT64_C(64) << 20, got = 0;
	static char buf[1 << 16];
	ssize_t n;
	int fd;

	make_root();
	CHECK_EQ(truncate(below("big.bin"), size), 0);
	start(&s);
	fd = connect_to(&s);
	say(fd, "GET /big.bin HTTP/1.1\r\nHost: a\r\n\r\n");
	CHECK(ramet_read(fd, buf, sizeof buf - 1) > 12);
	CHECK_EQ(status(buf), 200);
	CHECK_EQ(truncate(below("big.bin"), 100), 0);
	while ((n = ramet_read(fd, buf, sizeof buf)) > 0)
		got += n;
	CHECK(got < size);
	ramet_close(fd);
	stop(&s);
}

/* ---- parts --------------------------------------------------------------- */

TEST(one_range_is_sent_alone)
{
	struct served s = serve(&opts);
	const char *text;

	make_root();
	start(&s);
	text = ask(&s, "GET /big.bin HTTP/1.1\r\nRange: bytes=1000-1099\r\n");
	CHECK_EQ(status(text), 206);
	SAME(header(text, "Content-Range"), "bytes 1000-1099/300000");
	SAME(header(text, "Content-Length"), "100");
	CHECK(has_pattern(body(text), 1000, 100));
	text = ask(&s, "GET /a.txt HTTP/1.1\r\nRange: bytes=-2\r\n");
	SAME(header(text, "Content-Range"), "bytes 3-4/5");
	SAME(body(text), "lo");
	stop(&s);
}

TEST(several_ranges_are_sent_as_parts)
{
	struct served s = serve(&opts);
	char want[1000], boundary[80];
	const char *text;

	make_root();
	start(&s);
	text = ask(&s, "GET /a.txt HTTP/1.1\r\nRange: bytes=0-0,2-3,4-\r\n");
	CHECK_EQ(status(text), 206);
	CHECK_EQ(sscanf(header(text, "Content-Type"),
			"multipart/byteranges; boundary=%70s", boundary),
		 1);
	CHECK_EQ(atoi(header(text, "Content-Length")), (int)strlen(body(text)));
#define PART                                                                   \
	"\r\n--%s\r\nContent-Type: text/plain; "                               \
	"charset=utf-8\r\nContent-Range: "
	snprintf(want, sizeof want,
		 PART "bytes 0-0/5\r\n\r\nh" PART "bytes 2-3/5\r\n\r\nll" PART
		      "bytes 4-4/5\r\n\r\no\r\n--%s--\r\n",
		 boundary, boundary, boundary, boundary);
	SAME(body(text), want);
	stop(&s);
}

TEST(what_is_not_in_the_file_is_416)
{
	struct served s = serve(&opts);
	const char *text;

	make_root();
	start(&s);
	text = ask(&s, "GET /a.txt HTTP/1.1\r\nRange: bytes=5-\r\n");
	CHECK_EQ(status(text), 416);
	SAME(header(text, "Content-Range"), "bytes */5");
	text = ask(&s, "GET /a.txt HTTP/1.1\r\nRange: bytes=0-1,1-2\r\n");
	CHECK_EQ(status(text), 200);
	text = ask(&s, "HEAD /a.txt HTTP/1.1\r\nRange: bytes=0-1\r\n");
	CHECK_EQ(status(text), 200);
	stop(&s);
}

/* ---- conditions ---------------------------------------------------------- */

/* Ask for a.txt with "`field`: `value`". */
static const char *ask_if(const struct served *s, const char *field,
			  const char *value)
{
	char request[400];

	snprintf(request, sizeof request, "GET /a.txt HTTP/1.1\r\n%s: %s\r\n",
		 field, value);
	return ask(s, request);
}

TEST(what_has_not_changed_is_not_sent)
{
	struct served s = serve(&opts);
	char tag[100], date[100];
	const char *text;

	make_root();
	start(&s);
	text = get(&s, "/a.txt");
	strcpy(tag, header(text, "ETag"));
	strcpy(date, header(text, "Last-Modified"));
	CHECK(tag[0] == '"' && date[0]);
	text = ask_if(&s, "If-None-Match", tag);
	CHECK_EQ(status(text), 304);
	SAME(header(text, "ETag"), tag);
	SAME(header(text, "Content-Length"), "");
	SAME(body(text), "");
	CHECK_EQ(status(ask_if(&s, "If-Modified-Since", date)), 304);
	CHECK_EQ(status(ask_if(&s, "If-Match", "\"x\"")), 412);
	CHECK_EQ(status(ask_if(&s, "If-Match", tag)), 200);
	/* In place, to the same size, within the second. */
	put_text("a.txt", "HELLO");
	CHECK_EQ(utimensat(AT_FDCWD, below("a.txt"),
			   (struct timespec[]){{0, UTIME_OMIT}, {1, 5}}, 0),
		 0);
	CHECK_EQ(status(ask_if(&s, "If-None-Match", tag)), 200);
	stop(&s);
}

TEST(a_range_of_what_has_changed_is_all_of_it)
{
	struct served s = serve(&opts);
	const char *text;

	make_root();
	start(&s);
	text = ask(&s, "GET /a.txt HTTP/1.1\r\nRange: bytes=0-1\r\n"
		       "If-Range: \"x\"\r\n");
	CHECK_EQ(status(text), 200);
	SAME(body(text), "hello");
	stop(&s);
}

/* ---- methods ------------------------------------------------------------- */

TEST(head_has_the_head_and_others_are_405)
{
	struct served s = serve(&opts);
	const char *text;

	make_root();
	start(&s);
	text = ask(&s, "HEAD /big.bin HTTP/1.1\r\n");
	CHECK_EQ(status(text), 200);
	SAME(header(text, "Content-Length"), "300000");
	SAME(body(text), "");
	text = ask(&s, "DELETE /a.txt HTTP/1.1\r\n");
	CHECK_EQ(status(text), 405);
	SAME(header(text, "Allow"), "GET, HEAD");
	CHECK_EQ(access(below("a.txt"), F_OK), 0);
	CHECK_EQ(status(ask(&s, "OPTIONS * HTTP/1.1\r\n")), 405);
	stop(&s);
}

/* ---- lists --------------------------------------------------------------- */

TEST(a_directory_is_listed_if_that_is_wanted)
{
	struct served s = serve(&opts);
	const char *text;

	lists = true;
	make_root();
	start(&s);
	text = get(&s, "/");
	CHECK_EQ(status(text), 200);
	SAME(header(text, "Content-Type"), "text/html; charset=utf-8");
	CHECK(strstr(text, "<a href=\"./sub/\">sub/</a>") != NULL);
	CHECK(strstr(text, "<a href=\"./a.txt\">a.txt</a></td><td>5 B</td>") !=
	      NULL);
	CHECK(strstr(text, "<a href=\"./sp%20ace.txt\">sp ace.txt</a>") !=
	      NULL);
	CHECK(strstr(text, "292 KiB") != NULL);
	CHECK(!strstr(text, "secret") && !strstr(text, "hidden"));
	CHECK(!strstr(text, "pipe") && !strstr(text, "../"));
	CHECK(strstr(text, "./sub/") < strstr(text, "./a.txt"));
	CHECK(strstr(text, "</html>") != NULL);
	text = get(&s, "/bare/");
	CHECK(strstr(text, "<a href=\"./%3Ci%3E.txt\">&lt;i&gt;.txt</a>") !=
	      NULL);
	CHECK(strstr(text, "<a href=\"../\">../</a>") != NULL);
	stop(&s);
}

/* As a file system in user space has them, where NAME_MAX is no limit. */
static long (*call_kernel)(long nr, long a, long b, long c, long d, long e,
			   long f);

static long give_long_names(long nr, long a, long b, long c, long d, long e,
			    long f)
{
	enum { NAME = 1000, HEAD = 19, SIZE = 1024 };
	static bool given;
	char *to = (char *)b; /* what getdents64(2) writes, a path otherwise */
	uint16_t size = SIZE;

	if (nr == SYS_newfstatat && strlen(to) == NAME) {
		*(struct stat *)c = (struct stat){.st_mode = S_IFREG};
		return 0;
	}
	if (nr != SYS_getdents64 || given)
		return call_kernel(nr, a, b, c, d, e, f);
	given = true;
	memset(to, 0, SIZE);
	memcpy(to + 16, &size, sizeof size);
	memset(to + HEAD, '<', NAME);
	return SIZE;
}

TEST(names_beyond_the_limit_are_not_listed)
{
	struct served s = serve(&opts);
	struct kernel *own = own_kernel();
	const char *text;

	call_kernel = own->call;
	own->call = give_long_names;
	lists = true;
	make_root();
	start(&s);
	text = get(&s, "/");
	CHECK_EQ(status(text), 200);
	CHECK(strstr(text, "a.txt") && !strstr(text, "&lt;"));
	stop(&s);
	own->call = call_kernel;
}

TEST(a_long_list_is_sorted)
{
	struct served s = serve(&opts);
	int count = test_is_swept() ? 80 : 1500;
	const char *at;
	char name[40];

	lists = true;
	make_root();
	CHECK_EQ(mkdir(below("many"), 0755), 0);
	for (int i = 0; i < count; i++) {
		snprintf(name, sizeof name, "many/f%04d", (i * 7) % count);
		put_text(name, "");
	}
	start(&s);
	at = get(&s, "/many/");
	for (int i = 0; i < count / 4; i++) {
		snprintf(name, sizeof name, "\"./f%04d\"", i);
		at = strstr(at, name);
		CHECK(at != NULL);
	}
	stop(&s);
}

/* ---- compression --------------------------------------------------------- */

TEST(a_compressed_neighbour_goes_in_its_place)
{
	struct served s = serve(&opts);
	const char *text;

	make_root();
	put_text("a.txt.gz", "compressed");
	start(&s);
	text = ask_if(&s, "Accept-Encoding", "gzip");
	SAME(header(text, "Content-Encoding"), "gzip");
	SAME(header(text, "Vary"), "Accept-Encoding");
	SAME(header(text, "Content-Type"), "text/plain; charset=utf-8");
	SAME(body(text), "compressed");
	SAME(body(ask_if(&s, "Accept-Encoding", "gzip;q=0")), "hello");
	SAME(body(get(&s, "/a.txt")), "hello");
	/* What was compressed before the last change is another file. */
	CHECK_EQ(utimensat(AT_FDCWD, below("a.txt.gz"),
			   (struct timespec[]){{0, UTIME_OMIT}, {1, 0}}, 0),
		 0);
	SAME(body(ask_if(&s, "Accept-Encoding", "gzip")), "hello");
	stop(&s);
}

#ifdef RAMET_COMPRESS

static const struct ramet_http_opts gzip_opts = {.handler = answer,
						 .compress = 1};

/* Undo chunks, at text, in place. */
static size_t join_chunks(char *text)
{
	char *to = text, *from = text;
	size_t size;

	while ((size = strtoul(from, &from, 16))) {
		memmove(to, from + 2, size);
		to += size;
		from += 2 + size + 2;
	}
	return (size_t)(to - text);
}

static size_t gunzip(const char *data, size_t size, char *out, size_t room)
{
	z_stream z = {.next_in = (unsigned char *)(uintptr_t)data,
		      .avail_in = (unsigned)size,
		      .next_out = (unsigned char *)out,
		      .avail_out = (unsigned)room};

	CHECK_EQ(inflateInit2(&z, 15 + 16), Z_OK);
	CHECK_EQ(inflate(&z, Z_FINISH), Z_STREAM_END);
	CHECK_EQ(inflateEnd(&z), Z_OK);
	return room - z.avail_out;
}

TEST(files_are_compressed_on_the_way)
{
	struct served s = serve(&gzip_opts);
	static char plain[BIG + 1];
	char *text, tag[100];
	size_t size;
	int fd;

	make_root();
	CHECK_EQ(rename(below("big.bin"), below("big.txt")), 0);
	start(&s);
	fd = connect_to(&s);
	say(fd, "GET /big.txt HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n"
		"Connection: close\r\n\r\n");
	text = read_whole(fd, &size);
	SAME(header(text, "Content-Encoding"), "gzip");
	SAME(header(text, "Vary"), "Accept-Encoding");
	SAME(header(text, "Accept-Ranges"), "");
	strcpy(tag, header(text, "ETag"));
	CHECK(strncmp(tag, "W/\"", 3) == 0);
	CHECK(size < BIG / 10);
	size = join_chunks(strstr(text, "\r\n\r\n") + 4);
	CHECK_EQ(gunzip(body(text), size, plain, sizeof plain), BIG);
	CHECK(has_pattern(plain, 0, BIG));
	free(text);
	ramet_close(fd);
	SAME(header(ask(&s, "GET /big.txt HTTP/1.1\r\nRange: bytes=0-9\r\n"
			    "Accept-Encoding: gzip\r\n"),
		    "Content-Range"),
	     "bytes 0-9/300000");
	stop(&s);
}

static char words[5000];

static void say_words(struct ramet_http *h, void *type)
{
	for (size_t i = 0; i < sizeof words; i++)
		words[i] = pattern(i);
	ramet_http_reply(h, 200, type, words, sizeof words);
}

/* Before the first byte of the body: it may hold NULs. */
static size_t body_of(int fd, char *text, size_t room)
{
	ssize_t n = ramet_read_all(fd, text, room - 1);
	char *start;

	CHECK(n > 0);
	text[n] = '\0';
	start = strstr(text, "\r\n\r\n");
	CHECK(start != NULL);
	return (size_t)(text + n - start - 4);
}

TEST(answers_are_compressed)
{
	static char type[] = "text/plain", text[8192], plain[8192];
	struct ramet_http_opts o = {.handler = say_words,
				    .arg = type,
				    .compress = 1};
	struct served s = serve(&o);
	int fd;
	size_t size;

	start(&s);
	fd = connect_to(&s);
	say(fd, "GET / HTTP/1.1\r\nHost: a\r\nAccept-Encoding: gzip\r\n"
		"Connection: close\r\n\r\n");
	size = body_of(fd, text, sizeof text);
	SAME(header(text, "Content-Encoding"), "gzip");
	CHECK_EQ(size, (size_t)atoi(header(text, "Content-Length")));
	CHECK(size < sizeof words / 4);
	CHECK_EQ(gunzip(body(text), size, plain, sizeof plain), sizeof words);
	CHECK(memcmp(plain, words, sizeof words) == 0);
	ramet_close(fd);
	SAME(header(get(&s, "/"), "Vary"), "Accept-Encoding");
	SAME(header(get(&s, "/"), "Content-Encoding"), "");
	stop(&s);
}

#endif

/* ---- one file ------------------------------------------------------------ */

static void answer_one(struct ramet_http *h, void *arg)
{
	CHECK_ERR(ramet_http_file(h, below("none"), NULL), ENOENT);
	CHECK_ERR(ramet_http_file(h, below("sub"), NULL), EISDIR);
	CHECK_ERR(ramet_http_file(h, below("pipe"), NULL), EINVAL);
	CHECK_EQ(ramet_http_file(h, below("a.txt"), arg), 0);
	CHECK_ERR(ramet_http_file(h, below("a.txt"), arg), EALREADY);
}

TEST(a_program_answers_with_a_file)
{
	static char type[] = "text/x-own";
	struct ramet_http_opts o = {.handler = answer_one, .arg = type};
	struct served s = serve(&o);
	const char *text;

	make_root();
	start(&s);
	text = get(&s, "/whatever");
	SAME(header(text, "Content-Type"), "text/x-own");
	SAME(body(text), "hello");
	stop(&s);
}
