/* session.h - what a client keeps of connections to resume them. */
#ifndef NET_TLS_SESSION_H
#define NET_TLS_SESSION_H

#include <openssl/ssl.h>

#include "base/base.h"

struct kept;

enum { SESSION_SETS = 16, SESSION_WAYS = 4 };

/* Sessions by the peer's name and port; any OS thread may use it. */
struct sessions {
	struct kept *kept[SESSION_SETS][SESSION_WAYS]; /* atomic */
	unsigned turn;                                 /* atomic */
};

/* Take one out: nobody else will use it.  The caller's, or NULL. */
SSL_SESSION *ramet__session_take(struct sessions *s, const char *key);

/* Keep one, in place of another if need be.  It is taken over in any case. */
void ramet__session_keep(struct sessions *s, const char *key,
			 SSL_SESSION *session);

void ramet__sessions_drop(struct sessions *s);

#endif
