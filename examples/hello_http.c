/* hello_http.c - a web server that greets, on as many loops as it is told to.
 * Run: hello_http [--loops N] [tcp://127.0.0.1:8080], then curl that. */
#include <ramet.h>

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void greet(struct ramet_http *h, void *arg)
{
	char name[64] = "World", text[80];

	ramet_http_query_get(h, arg, name, sizeof name);
	snprintf(text, sizeof text, "Hello, %s\n", name);
	ramet_http_reply(h, 200, "text/plain", text, strlen(text));
}

static int fail(const char *what)
{
	return perror(what), 1;
}

static void *serve(void *p)
{
	static char key[] = "name"; /* of the query: ?name=You */
	struct ramet_http_opts opts = {.handler = greet, .arg = key};
	struct ramet_http_server *s = ramet_http_server_new(&opts);

	if (!s || ramet_http_listen_fd(s, (int)(intptr_t)p, 0) < 0 ||
	    ramet_http_serve(s) < 0)
		exit(fail("hello_http: cannot serve"));
	return ramet_http_server_free(s), NULL;
}

int main(int argc, char **argv)
{
	int many = argc > 2 && strcmp(argv[1], "--loops") == 0;
	const char *given = argv[1 + 2 * many];
	int n = ramet_loops_start(many ? strtoul(argv[2], NULL, 10) : 1);
	char address[134];

	if (n < 0)
		return fail("hello_http: cannot start loops");
	snprintf(address, 128, "%s", given ? given : "tcp://127.0.0.1:8080");
	for (int i = 0; i < n; i++) { /* a listener for each, on one port */
		intptr_t fd =
			(many ? ramet_listen_shared : ramet_listen)(address);

		if (fd < 0)
			return fail("hello_http: cannot listen");
		sprintf(strrchr(address, ':'), ":%d", ramet_port((int)fd));
		if (ramet_loop_go(ramet_loop_at(i), serve, (void *)fd) < 0)
			return fail("hello_http: cannot serve");
	}
	printf("port %s\n", strrchr(address, ':') + 1);
	fflush(stdout);
	return ramet_sleep(RAMET_NEVER) < 0;
}
