/* server.c - a server for other people's clients to talk to.  Prints its port;
 * its log is standard error.
 * With a certificate and its key, in files, it speaks TLS. */
#include <ramet.h>

#include <stdio.h>
#include <string.h>

static void echo(struct ramet_http *h)
{
	char buf[8192];
	ssize_t n;

	ramet_http_begin(h, 200, "application/octet-stream",
			 ramet_http_body_size(h));
	while ((n = ramet_http_read(h, buf, sizeof buf)) > 0)
		if (ramet_http_write(h, buf, (size_t)n) < 0)
			return;
}

/* All of it is read before anything is answered. */
static void count(struct ramet_http *h)
{
	size_t size;
	char text[32];

	if (!ramet_http_body(h, &size))
		return;
	snprintf(text, sizeof text, "%zu\n", size);
	ramet_http_reply(h, 200, "text/plain", text, strlen(text));
}

static void handle(struct ramet_http *h, void *unused)
{
	const char *path = ramet_http_path(h);

	(void)unused;
	if (strcmp(path, "/echo") == 0)
		echo(h);
	else if (strcmp(path, "/count") == 0)
		count(h);
	else if (strcmp(path, "/refuse") == 0)
		ramet_http_fail(h, 403);
	else if (strcmp(path, "/slow") == 0 && ramet_sleep(RAMET_SEC) < 0)
		return;
	else
		ramet_http_reply(h, 200, "text/plain", "hello\n", 6);
}

int main(int argc, char **argv)
{
	struct ramet_tls_opts files = {0};
	struct ramet_http_opts opts = {.handler = handle,
				       .body_max = UINT64_C(1) << 30,
				       .stop_signals = 1,
				       .log_fd = 2};
	struct ramet_http_server *s;
	int port;

	if (argc > 2) {
		files.cert = argv[1];
		files.key = argv[2];
		opts.tls = ramet_tls_server(&files);
		if (!opts.tls)
			return perror("tls"), 1;
	}
	s = ramet_http_server_new(&opts);
	port = s ? ramet_http_listen(s, opts.tls ? "https://127.0.0.1:0"
						 : "http://127.0.0.1:0")
		 : -1;
	if (port < 0)
		return perror("listen"), 1;
	printf("%d\n", port);
	fflush(stdout);
	if (ramet_http_serve(s) < 0)
		return perror("serve"), 1;
	ramet_http_server_free(s);
	ramet_tls_free(opts.tls);
	return 0;
}
