/* origin_main.c - the pages that crawl --demo fetches, as a server of its own.
 * Run: origin [ADDRESS], then crawl http://127.0.0.1:8080/page/1 */
#include "origin.h"

#include <ramet.h>

#include <stdio.h>

int main(int argc, char **argv)
{
	int fd = ramet_listen(argc > 1 ? argv[1] : "tcp://127.0.0.1:8080");

	if (fd >= 0) {
		printf("port %d\n", ramet_port(fd));
		fflush(stdout);
		origin_serve(fd);
	}
	perror("origin");
	return 1;
}
