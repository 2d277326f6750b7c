/* stub.c - in place of TLS until it is there. */
#include "net/conn.h"

int ramet_conn_start_tls(struct ramet_conn *c, struct ramet_tls *tls,
			 const char *name)
{
	(void)c;
	(void)tls;
	(void)name;
	return (int)ramet__fail(-ENOTSUP);
}
