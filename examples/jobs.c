/* jobs.c - several jobs at once, one deadline of two seconds around them all.
 * Run: jobs [ADDRESS...], else at a server that keeps the third job waiting. */
#include <ramet.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Ordinary blocking code: all that a server sends until it closes. */
static void *fetch(void *address)
{
	char buf[4096];
	size_t bytes = 0;
	ssize_t n = -1;
	int fd = ramet_dial(address);

	while (fd >= 0 && (n = ramet_read(fd, buf, sizeof buf)) > 0)
		bytes += (size_t)n;
	printf("%-26s %4zu bytes  %s\n", (char *)address, bytes,
	       strerror(n < 0 ? errno : 0));
	if (fd >= 0)
		ramet_close(fd);
	return NULL;
}

static void *serve_two(void *listener)
{
	for (int i = 0; i < 2; i++) {
		int fd = ramet_accept((int)(intptr_t)listener, NULL, NULL);

		ramet_write_all(fd, "hello, world\n", 13);
		ramet_close(fd);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	int listener = ramet_listen("tcp://127.0.0.1:0");
	char own[40], *thrice[] = {own, own, own, NULL};

	snprintf(own, sizeof own, "tcp://127.0.0.1:%d", ramet_port(listener));
	ramet_go(NULL, serve_two, (void *)(intptr_t)listener);
	RAMET_WITHIN(2 * RAMET_SEC) {
		ramet_auto_group group;

		ramet_group_open(&group, RAMET_ALL);
		for (char **a = argc > 1 ? argv + 1 : thrice; *a; a++)
			if (!ramet_go(&group, fetch, *a))
				perror(*a);
		ramet_group_wait(&group); /* leaving cancels who is late */
	}
	return 0;
}
