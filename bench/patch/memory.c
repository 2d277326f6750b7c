/* memory.c - what a thread costs that has run and waits: resident memory, page
 * tables, and what the kernel keeps, as the whole machine's free memory shows
 * it.  A plain pthread program; run it on a quiet machine:
 *
 *	memory [THREADS]
 *	ramet run memory [THREADS]
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int fds[2];

/* A line of a file of /proc, in KiB. */
static long line_of(const char *file, const char *name)
{
	FILE *f = fopen(file, "r");
	size_t n = strlen(name);
	char line[256];
	long kb = 0;

	while (f && fgets(line, sizeof line, f))
		if (strncmp(line, name, n) == 0)
			kb = atol(line + n);
	if (f)
		fclose(f);
	return kb;
}

struct use {
	double resident, tables, stacks, slab;
};

static struct use use(void)
{
	return (struct use){
		(double)line_of("/proc/self/status", "VmRSS:"),
		(double)line_of("/proc/self/status", "VmPTE:"),
		(double)line_of("/proc/meminfo", "KernelStack:"),
		(double)line_of("/proc/meminfo", "Slab:"),
	};
}

static void *wait_for_end(void *arg)
{
	char text[128];
	ssize_t n;

	snprintf(text, sizeof text, "%p", arg); /* has used its stack */
	n = read(fds[0], text, 1);
	return n < 0 ? arg : NULL;
}

int main(int argc, char **argv)
{
	long count = argc > 1 ? atol(argv[1]) : 2000;
	double n = (double)count;
	struct use a, b;

	if (pipe(fds) < 0)
		return 1;
	a = use();
	for (long i = 0; i < count; i++) {
		pthread_t t;

		if (pthread_create(&t, NULL, wait_for_end, NULL)) {
			fprintf(stderr, "no more than %ld threads\n", i);
			return 1;
		}
	}
	sleep(2);
	b = use();
	printf("KiB for each of %ld threads: resident %.2f, page tables %.2f, "
	       "kernel stacks %.2f, slab %.2f\n",
	       count, (b.resident - a.resident) / n, (b.tables - a.tables) / n,
	       (b.stacks - a.stacks) / n, (b.slab - a.slab) / n);
	return 0;
}
