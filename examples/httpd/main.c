/* main.c - a web server: files, figures as JSON and for Prometheus, and a chat
 * by WebSocket. Run: httpd [ADDRESS [DIRECTORY]], then open
 * http://127.0.0.1:8080/ twice. */
#include "httpd.h"

#include <stdio.h>
#include <string.h>

static const char *directory = "examples/httpd/www";

static void answer(struct ramet_http *h, void *server)
{
	const char *path = ramet_http_path(h);

	if (strcmp(path, "/api/status") == 0)
		status(h, *(struct ramet_http_server **)server);
	else if (strcmp(path, "/metrics") == 0)
		ramet_http_metrics(h);
	else if (strcmp(path, "/chat") == 0)
		chat(h);
	else
		ramet_http_files(h, directory, 0);
}

static int fail(const char *what)
{
	return perror(what), 1;
}

int main(int argc, char **argv)
{
	const char *address = argc > 1 ? argv[1] : "http://127.0.0.1:8080";
	struct ramet_http_server *server;
	struct ramet_http_opts opts = {.handler = answer,
				       .arg = &server,
				       .compress = 1,
				       .stop_signals = 1};
	int port, err;

	if (argc > 2)
		directory = argv[2];
	status_begin();
	server = ramet_http_server_new(&opts);
	port = server ? ramet_http_listen(server, address) : -1;
	if (port < 0)
		return fail("httpd: cannot listen");
	printf("port %d\n", port);
	fflush(stdout);
	err = ramet_http_serve(server);
	ramet_http_server_free(server);
	return err < 0 ? fail("httpd: cannot serve") : 0;
}
