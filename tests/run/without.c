/* without.c - says what becomes of calls for which a library is missing. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ramet.h"
#include "ramet/net.h"
#include "ramet/tls.h"

static void say(const char *what, int failed, const char *why)
{
	printf("%s: %s%s%s\n", what, failed ? strerror(errno) : "done",
	       *why ? ", " : "", why);
}

int main(void)
{
	struct addrinfo *list = NULL;
	struct ramet_tls *tls;

	printf("names by %s: %s\n", ramet_resolver_name(),
	       ramet_resolver_reason());
	printf("localhost: %s\n",
	       ramet_getaddrinfo("localhost", NULL, NULL, &list) ? "unknown"
								 : "found");
	ramet_freeaddrinfo(list);
	tls = ramet_tls_client(NULL);
	say("TLS", !tls, ramet_tls_error());
	ramet_tls_free(tls);
	say("TLS again", !ramet_tls_server(NULL), ramet_tls_error());
	return 0;
}
