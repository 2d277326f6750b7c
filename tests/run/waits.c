/* waits.c - waits as libraries do: in libc. */
#include "waits.h"

#include <unistd.h>

void waits_for_ms(int ms)
{
	usleep((useconds_t)ms * 1000);
}

int waits_for_byte(int fd)
{
	unsigned char c;

	return read(fd, &c, 1) == 1 ? c : -1;
}
