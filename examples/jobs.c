/* jobs.c - several jobs at once, one deadline of two seconds around them all.
 * Run: jobs [ADDRESS...], by default at a server that keeps the third waiting.
 */
#include <ramet.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct job {
	const char *address;
	long bytes;
	int error;
};

/* Ordinary blocking code: all that a server sends until it closes. */
static void *fetch(void *p)
{
	struct job *job = p;
	char buf[4096];
	ssize_t n = -1;
	int fd = ramet_dial(job->address);

	while (fd >= 0 && (n = ramet_read(fd, buf, sizeof buf)) > 0)
		job->bytes += n;
	job->error = n < 0 ? errno : 0;
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
	int listener = ramet_listen("tcp://127.0.0.1:0"), n = 0;
	char own[40], *thrice[] = {own, own, own, NULL};
	struct job jobs[16] = {{0}};

	snprintf(own, sizeof own, "tcp://127.0.0.1:%d", ramet_port(listener));
	ramet_go(NULL, serve_two, (void *)(intptr_t)listener);
	RAMET_WITHIN(2 * RAMET_SEC) {
		ramet_auto_group group;

		ramet_group_open(&group, RAMET_ALL);
		for (char **a = argc > 1 ? argv + 1 : thrice; *a && n < 16;
		     a++) {
			jobs[n].address = *a;
			ramet_go(&group, fetch, &jobs[n++]);
		}
		ramet_group_wait(&group); /* leaving cancels who is late */
	}
	for (struct job *job = jobs; job < jobs + n; job++)
		printf("%-26s %4ld bytes  %s\n", job->address, job->bytes,
		       strerror(job->error));
}
