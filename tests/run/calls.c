/* calls.c - two of this program wait in a library, which may be patched:
 * for tests of --lib.
 *
 * usage: calls ramets|threads naps|reads [LIBRARY]
 *
 * Ramets of the C library, or plain threads.  It prints who is where.  With
 * LIBRARY it opens that instead of the one it is linked with.
 */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ramet.h"
#include "waits.h"

enum { NAP_MS = 20 };

static void (*wait_ms)(int ms) = waits_for_ms;
static int (*wait_byte)(int fd) = waits_for_byte;
static int fds[2];

static void open_library(const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (!library)
		exit(99);
	wait_ms = (void (*)(int))dlsym(library, "waits_for_ms");
	wait_byte = (int (*)(int))dlsym(library, "waits_for_byte");
}

static void *nap(void *name)
{
	printf("%s sleeps\n", (char *)name);
	wait_ms(NAP_MS);
	printf("%s is awake\n", (char *)name);
	return NULL;
}

/* The first waits for what the second writes. */
static void *pass(void *name)
{
	if (*(char *)name == 'a') {
		printf("a reads\n");
		fflush(stdout); /* where nobody writes, an alarm comes */
		printf("a has read %c\n", wait_byte(fds[0]));
	} else {
		printf("b writes\n");
		if (write(fds[1], "x", 1) != 1)
			abort();
	}
	return NULL;
}

static void run_ramets(void *(*fn)(void *))
{
	char names[2][2] = {"a", "b"};
	struct ramet *a = ramet_spawn(fn, names[0]);
	struct ramet *b = ramet_spawn(fn, names[1]);

	if (!a || !b || ramet_join(a, NULL) || ramet_join(b, NULL))
		abort();
}

static void run_threads(void *(*fn)(void *))
{
	char names[2][2] = {"a", "b"};
	pthread_t a, b;

	if (pthread_create(&a, NULL, fn, names[0]) ||
	    pthread_create(&b, NULL, fn, names[1]) || pthread_join(a, NULL) ||
	    pthread_join(b, NULL))
		abort();
}

int main(int argc, char **argv)
{
	void *(*fn)(void *);

	if (argc < 3 || pipe(fds) < 0)
		return 99;
	alarm(2); /* ends what waits for ever */
	fn = strcmp(argv[2], "naps") == 0 ? nap : pass;
	if (argc > 3)
		open_library(argv[3]);
	if (strcmp(argv[1], "ramets") == 0)
		run_ramets(fn);
	else
		run_threads(fn);
	return 0;
}
