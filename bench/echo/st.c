/* st.c - the echo server, on State Threads. */
#include "listen.h"

#include <alloca.h>
#include <st.h>

static size_t buffer_size;

static void *echo(void *p)
{
	const st_utime_t idle = IDLE_S * 1000000ULL;
	/* cppcheck-suppress allocaCalled; small where idle ones are counted */
	char *buf = alloca(buffer_size);
	st_netfd_t fd = p;

	for (ssize_t n; (n = st_read(fd, buf, buffer_size, idle)) > 0;)
		if (st_write(fd, buf, (size_t)n, idle) < 0)
			break;
	st_netfd_close(fd);
	return NULL;
}

int main(int argc, char **argv)
{
	st_netfd_t ls, fd;

	buffer_size = buffer_size_of(argc, argv);
	st_set_eventsys(ST_EVENTSYS_ALT); /* epoll, but Debian's has none */
	if (!*st_get_eventsys_name())
		st_set_eventsys(ST_EVENTSYS_POLL);
	if (st_init() < 0)
		fail("st_init");
	ls = st_netfd_open_socket(listen_here(SOCK_STREAM));
	while ((fd = st_accept(ls, NULL, NULL, ST_UTIME_NO_TIMEOUT)))
		if (!st_thread_create(echo, fd, 0, 64 * 1024))
			st_netfd_close(fd);
	return 1;
}
