/* session.c - a table without a lock: who wants a session takes its slot's
 * pointer out, so that it is alone with it.
 *
 * That is also what a ticket is for: one connection (RFC 8446, appendix C.4).
 * Two who look at the same slots at the same time may miss one; that costs a
 * full hand-shake and no more.
 */
#include "net/tls/session.h"

#include "kernel/kernel.h"
#include "net/tls/openssl.h"

#include <string.h>

struct kept {
	SSL_SESSION *session;
	char key[];
};

static struct kept **set_of(struct sessions *s, const char *key)
{
	uint32_t hash = 2166136261u; /* FNV-1a */

	for (; *key; key++)
		hash = (hash ^ (uint8_t)*key) * 16777619u;
	return s->kept[(hash ^ hash >> 16) % SESSION_SETS];
}

static void drop(struct kept *k)
{
	if (!k)
		return;
	ramet__ssl.SSL_SESSION_free(k->session);
	kernel_free(k);
}

static bool put(struct kept **slot, struct kept *k)
{
	struct kept *none = NULL;

	return __atomic_compare_exchange_n(slot, &none, k, false,
					   __ATOMIC_ACQ_REL, __ATOMIC_RELAXED);
}

static struct kept *take(struct kept **slot)
{
	return __atomic_exchange_n(slot, NULL, __ATOMIC_ACQ_REL);
}

SSL_SESSION *ramet__session_take(struct sessions *s, const char *key)
{
	struct kept **set = set_of(s, key);

	for (int i = 0; i < SESSION_WAYS; i++) {
		struct kept *k = take(&set[i]);
		SSL_SESSION *session;

		if (k && strcmp(k->key, key) == 0) {
			session = k->session;
			kernel_free(k);
			return session;
		}
		if (k && !put(&set[i], k))
			drop(k);
	}
	return NULL;
}

void ramet__session_keep(struct sessions *s, const char *key,
			 SSL_SESSION *session)
{
	struct kept **set = set_of(s, key);
	size_t size = strlen(key) + 1;
	struct kept *k = kernel_alloc(sizeof *k + size);
	unsigned turn;

	if (!k) {
		ramet__ssl.SSL_SESSION_free(session);
		return;
	}
	k->session = session;
	memcpy(k->key, key, size);
	for (int i = 0; i < SESSION_WAYS; i++)
		if (put(&set[i], k))
			return;
	turn = __atomic_fetch_add(&s->turn, 1, __ATOMIC_RELAXED);
	drop(__atomic_exchange_n(&set[turn % SESSION_WAYS], k,
				 __ATOMIC_ACQ_REL));
}

void ramet__sessions_drop(struct sessions *s)
{
	for (int i = 0; i < SESSION_SETS * SESSION_WAYS; i++)
		drop(take(&s->kept[i / SESSION_WAYS][i % SESSION_WAYS]));
}
