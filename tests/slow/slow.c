/* slow.c - a library whose constructor waits for a byte of the descriptor that
 * SLOW_FD says. */
#include <stdlib.h>
#include <unistd.h>

__attribute__((constructor, noinline)) static void be_slow(void)
{
	const char *fd = getenv("SLOW_FD");
	char c;

	if (fd && read(atoi(fd), &c, 1) != 1)
		abort();
	__asm__ volatile("" : : : "memory");
}
