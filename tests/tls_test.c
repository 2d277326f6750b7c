/* TLS against ourselves: hand-shakes that work and that must not, bytes both
 * ways, and ends of all kinds. */
#include "certs.h"
#include "tls.h"

/* ---- hand-shakes -------------------------------------------------------- */

TEST(says_hello)
{
	struct ramet_conn *c[2];
	char buf[16];

	tls_pair(c, &trusting, &serving);
	CHECK_EQ(strcmp(ramet_conn_tls_version(c[0]), "TLSv1.3"), 0);
	CHECK_EQ(strcmp(ramet_conn_tls_version(c[1]), "TLSv1.3"), 0);
	CHECK_EQ(strcmp(ramet_conn_name(c[1]), "localhost"), 0);
	CHECK_EQ(strcmp(ramet_conn_peer(c[0]), "CN=localhost"), 0);
	CHECK_EQ(*ramet_conn_peer(c[1]), 0);
	CHECK_EQ(*ramet_conn_alpn(c[0]), 0);
	CHECK_EQ(ramet_conn_write(c[0], "hello", 5), 5);
	LIVELY
		CHECK_EQ(ramet_conn_read(c[1], buf, sizeof buf), 5);
	CHECK_EQ(memcmp(buf, "hello", 5), 0);
	close_conns(c);
}
