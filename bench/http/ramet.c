/* ramet.c - the HTTP server, on ramet.
 *
 *     ramet [-f DIRECTORY] [-t CERTIFICATE,KEY] [-d SECONDS]
 *
 * It says hello, or serves the files of a directory; over TLS with -t.  -d: the
 * time a head may take.  It prints its port, and at each SIGUSR1 the system
 * calls it has made and the requests it has answered so far.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <ramet.h>
#include <ramet/http.h>

static struct ramet_waker *asked;
static struct ramet_http_server *server;

static void hello(struct ramet_http *h, void *arg)
{
	(void)arg;
	ramet_http_reply(h, 200, "text/plain", "Hello, world\n", 13);
}

static void file(struct ramet_http *h, void *directory)
{
	ramet_http_files(h, directory, 0);
}

static void ask(int sig)
{
	(void)sig;
	ramet_waker_wake(asked);
}

static void *tell(void *p)
{
	struct ramet_stats stats;
	struct ramet_http_stats http;

	while (ramet_waker_wait(asked) == 0 && ramet_get_stats(&stats) == 0) {
		ramet_http_get_stats(server, &http);
		printf("%lu %lu\n", (unsigned long)stats.system_calls,
		       (unsigned long)http.requests);
		fflush(stdout);
	}
	return p;
}

static struct ramet_tls *tls_of(char *files)
{
	struct ramet_tls_opts opts = {.cert = strtok(files, ","),
				      .key = strtok(NULL, ",")};

	return ramet_tls_server(&opts);
}

static int fail(const char *what)
{
	perror(what);
	return 1;
}

int main(int argc, char **argv)
{
	struct ramet_http_opts opts = {.handler = hello};
	int port;

	for (int c; (c = getopt(argc, argv, "f:t:d:")) != -1;)
		if (c == 'f') {
			opts.handler = file;
			opts.arg = optarg;
		} else if (c == 't') {
			opts.tls = tls_of(optarg);
			if (!opts.tls)
				return fail(ramet_tls_error());
		} else if (c == 'd') {
			opts.head_time = atoi(optarg) * RAMET_SEC;
		} else {
			return 2;
		}
	server = ramet_http_server_new(&opts);
	port = server ? ramet_http_listen(server,
					  opts.tls ? "https://127.0.0.1:0"
						   : "http://127.0.0.1:0")
		      : -1;
	asked = ramet_waker_new();
	if (port < 0 || !asked || !ramet_go(NULL, tell, NULL))
		return fail("ramet");
	signal(SIGUSR1, ask);
	alarm(600); /* whatever becomes of who started this */
	printf("%d\n", port);
	fflush(stdout);
	return ramet_http_serve(server) < 0 ? fail("ramet") : 0;
}
