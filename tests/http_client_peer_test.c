/* The HTTP client asks servers that others wrote: Python's, nginx, openssl(1),
 * and by way of tinyproxy.
 */
#include "tls.h"

#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

/* ---- programs ----------------------------------------------------------- */

static struct ramet_process *run(const char *script)
{
	static const struct ramet_process_opts opts = {.in = RAMET_NULL,
						       .out = RAMET_NULL,
						       .err = RAMET_NULL};
	char *argv[] = {(char[]){"/bin/sh"}, (char[]){"-c"},
			(char *)(uintptr_t)script, NULL};
	struct ramet_process *p = ramet_process_start(argv, &opts);

	CHECK(p);
	return p;
}

static void need(const char *program)
{
	char script[64];
	int status = -1;
	struct ramet_process *p;

	snprintf(script, sizeof script, "PATH=$PATH:/usr/sbin; command -v %s",
		 program);
	p = run(script);
	CHECK_EQ(ramet_process_wait(p, &status), 0);
	ramet_process_free(p);
	if (status)
		test_skip("a program is missing");
}

/* `exec` of a command line, killed when it is freed. */
static struct ramet_process *start(const char *format, ...)
	__attribute__((format(printf, 1, 2)));
static struct ramet_process *start(const char *format, ...)
{
	char script[1024] = "PATH=$PATH:/usr/sbin; exec ";
	size_t size = strlen(script);
	va_list list;

	va_start(list, format);
	vsnprintf(script + size, sizeof script - size, format, list);
	va_end(list);
	return run(script);
}

/* A port that was free just now. */
static int free_port(void)
{
	struct sockaddr_in addr;
	int fd = bound_socket(&addr);

	CHECK_EQ(ramet_close(fd), 0);
	return ntohs(addr.sin_port);
}

static void await_port(int port)
{
	char address[64];
	int fd;

	snprintf(address, sizeof address, "tcp://127.0.0.1:%d", port);
	while ((fd = ramet_dial(address)) < 0)
		CHECK_EQ(ramet_sleep(10 * RAMET_MS), 0);
	CHECK_EQ(ramet_close(fd), 0);
}

static void write_file(const char *name, const char *text, int times)
{
	char path[512];
	FILE *f;

	snprintf(path, sizeof path, "%s/%s", test_dir(), name);
	f = fopen(path, "w");
	CHECK(f);
	for (int i = 0; i < times; i++)
		CHECK(fputs(text, f) >= 0);
	CHECK_EQ(fclose(f), 0);
}

/* ---- questions ---------------------------------------------------------- */

enum { LINES = 20000 };
#define LINE "a line of a file\n"

static void fetch(struct ramet_http_client *c, const char *url, bool packed)
{
	struct ramet_http_response *r = made(ramet_http_get(c, url));
	const char *coding = ramet_http_response_header(r, "Content-Encoding");
	const char *body;
	size_t size = 0;

	CHECK_EQ(ramet_http_status(r), 200);
	CHECK_EQ(coding && strcmp(coding, "gzip") == 0, packed);
	body = ramet_http_response_body(r, 1 << 20, &size);
	CHECK(body);
	CHECK_EQ(size, LINES * strlen(LINE));
	for (size_t i = 0; i < size; i += strlen(LINE))
		CHECK_EQ(memcmp(body + i, LINE, strlen(LINE)), 0);
	ramet_http_response_free(r);
}

static void fetch_missing(struct ramet_http_client *c, const char *url)
{
	struct ramet_http_response *r = made(ramet_http_get(c, url));

	CHECK_EQ(ramet_http_status(r), 404);
	CHECK(ramet_http_response_body(r, 1 << 20, NULL));
	ramet_http_response_free(r);
}

static struct ramet_http_client *new_client(struct ramet_tls *tls,
					    const char *proxy)
{
	struct ramet_http_client_opts opts = {.tls = tls, .proxy = proxy};

	return made(ramet_http_client_new(&opts));
}

TEST(python)
{
	struct ramet_http_client *c = new_client(NULL, "");
	struct ramet_process *p;
	int port = free_port();
	char url[128];

	need("python3");
	write_file("file.txt", LINE, LINES);
	p = start("python3 -m http.server -b 127.0.0.1 -d %s %d", test_dir(),
		  port);
	await_port(port);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/file.txt", port);
	for (int i = 0; i < 3; i++)
		fetch(c, url, false);
	snprintf(url, sizeof url, "http://127.0.0.1:%d/none", port);
	fetch_missing(c, url);
	ramet_process_free(p);
	ramet_http_client_free(c);
}

/* Chunks, gzip, redirects, a kept connection; over TLS as well. */
static void ask_nginx(const char *scheme, struct ramet_tls *tls, bool secure)
{
	struct ramet_http_client *c = new_client(tls, "");
	struct ramet_process *p;
	int port = free_port();
	char url[128], conf[2048];

	need("nginx");
	write_file("file.txt", LINE, LINES);
	snprintf(conf, sizeof conf,
		 "daemon off; master_process off; pid %s/pid; error_log "
		 "stderr;\nevents { }\nhttp { access_log off;\n"
		 "client_body_temp_path %s; proxy_temp_path %s;\n"
		 "fastcgi_temp_path %s; uwsgi_temp_path %s; scgi_temp_path "
		 "%s;\n"
		 "server { listen 127.0.0.1:%d%s; root %s; %s%s%s%s%s\n"
		 "types { text/plain txt; } gzip on; gzip_types text/plain;\n"
		 "location /go { return 302 /file.txt; } } }\n",
		 test_dir(), test_dir(), test_dir(), test_dir(), test_dir(),
		 test_dir(), port, secure ? " ssl" : "", test_dir(),
		 secure ? "ssl_certificate " : "",
		 secure ? certs_file("server.pem") : "",
		 secure ? "; ssl_certificate_key " : "",
		 secure ? certs_file("server.key") : "", secure ? ";" : "");
	write_file("conf", conf, 1);
	p = start("nginx -e stderr -c %s/conf", test_dir());
	await_port(port);
	for (int i = 0; i < 3; i++) {
		snprintf(url, sizeof url, "%s://localhost:%d/%s", scheme, port,
			 i == 1 ? "go" : "file.txt");
		fetch(c, url, true);
	}
	snprintf(url, sizeof url, "%s://localhost:%d/none", scheme, port);
	fetch_missing(c, url);
	ramet_process_free(p);
	ramet_http_client_free(c);
}

TEST(nginx)
{
	ask_nginx("http", NULL, false);
}

TEST(nginx_over_tls)
{
	struct ramet_tls *tls = client_of(&trusting);

	ask_nginx("https", tls, true);
	ramet_tls_free(tls);
}

/* It answers in HTTP/1.0, and its end is that of TLS. */
TEST(openssl)
{
	struct ramet_tls *tls = client_of(&trusting);
	struct ramet_http_client *c = new_client(tls, "");
	int port = free_port();
	struct ramet_process *p;
	struct ramet_http_response *r;
	const char *body;
	char url[64];

	need("openssl");
	p = start("openssl s_server -accept 127.0.0.1:%d -www -cert %s -key %s",
		  port, certs_file("server.pem"), certs_file("server.key"));
	await_port(port);
	snprintf(url, sizeof url, "https://localhost:%d/", port);
	r = made(ramet_http_get(c, url));
	body = ramet_http_response_body(r, 1 << 20, NULL);
	CHECK(body && strstr(body, "s_server -accept"));
	ramet_http_response_free(r);
	ramet_process_free(p);
	ramet_http_client_free(c);
	ramet_tls_free(tls);
}

TEST(tinyproxy)
{
	struct ramet_tls *tls = client_of(&trusting);
	int port = free_port(), proxy_port = free_port();
	struct ramet_process *p, *proxy;
	struct ramet_http_client *c;
	struct ramet_http_response *r;
	char url[64], text[256];

	need("openssl");
	need("tinyproxy");
	snprintf(text, sizeof text,
		 "Port %d\nListen 127.0.0.1\nAllow 127.0.0.1\n"
		 "ConnectPort %d\nTimeout 20\nBasicAuth me secret\n",
		 proxy_port, port);
	write_file("proxy", text, 1);
	proxy = start("tinyproxy -d -c %s/proxy", test_dir());
	p = start("openssl s_server -accept 127.0.0.1:%d -www -cert %s -key %s",
		  port, certs_file("server.pem"), certs_file("server.key"));
	await_port(proxy_port);
	await_port(port);
	snprintf(url, sizeof url, "https://localhost:%d/", port);
	snprintf(text, sizeof text, "http://127.0.0.1:%d", proxy_port);
	c = new_client(tls, text);
	CHECK_NULL(ramet_http_get(c, url), EACCES);
	ramet_http_client_free(c);
	snprintf(text, sizeof text, "http://me:secret@127.0.0.1:%d",
		 proxy_port);
	c = new_client(tls, text);
	r = made(ramet_http_get(c, url));
	CHECK_EQ(ramet_http_status(r), 200);
	ramet_http_response_free(r);
	ramet_process_free(p);
	ramet_process_free(proxy);
	ramet_http_client_free(c);
	ramet_tls_free(tls);
}
