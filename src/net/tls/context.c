/* context.c - contexts are made by a helper thread: that loads OpenSSL, and
 * reads certificates.
 *
 * Who waits may leave, so the options are copied first.
 */
#include "net/tls/context.h"

#include "core/errand.h"
#include "net/tls/openssl.h"

#include <string.h>

/* ---- one context -------------------------------------------------------- */

struct ramet_tls *ramet__tls_new(bool server)
{
	struct ramet_tls *tls = kernel_alloc(sizeof *tls);

	if (tls) {
		tls->users = 1;
		tls->server = server;
	}
	return tls;
}

void ramet__tls_put(struct ramet_tls *tls)
{
	if (!tls || __atomic_sub_fetch(&tls->users, 1, __ATOMIC_ACQ_REL))
		return;
	if (tls->ctx) {
		ramet__sessions_drop(&tls->sessions);
		ramet__ssl.SSL_CTX_free(tls->ctx);
	}
	kernel_free(tls->wire);
	kernel_free(tls->protocols);
	kernel_free(tls);
}

void ramet_tls_free(struct ramet_tls *tls)
{
	ramet__tls_put(tls);
}

/* ---- by a helper thread ------------------------------------------------- */

struct making {
	struct errand errand;
	struct ramet_tls_opts opts; /* strings in room */
	struct ramet_tls *tls;
	int err;
	char text[TLS_TEXT];
	char room[];
};

static void run(struct errand *e)
{
	struct making *m = container_of(e, struct making, errand);

	m->err = ramet__tls_load(m->tls, &m->opts, m->text);
}

static void drop(struct loop *l, struct errand *e)
{
	struct making *m = container_of(e, struct making, errand);

	(void)l;
	ramet__tls_put(m->tls);
	kernel_free(m);
}

static size_t size_of(const char *text)
{
	return text ? strlen(text) + 1 : 0;
}

static void copy(const char **text, char **room)
{
	size_t size = size_of(*text);

	if (*text)
		*text = memcpy(*room, *text, size);
	*room += size;
}

static struct making *new_making(const struct ramet_tls_opts *opts, bool server)
{
	struct ramet_tls_opts none = {.cert = NULL}, *o;
	struct making *m;
	char *room;

	opts = opts ? opts : &none;
	m = kernel_alloc(sizeof *m + size_of(opts->cert) + size_of(opts->key) +
			 size_of(opts->ca) + size_of(opts->alpn));
	if (!m)
		return NULL;
	m->errand.run = run;
	m->errand.drop = drop;
	m->errand.lane = LANE_FILE;
	m->opts = *opts;
	o = &m->opts;
	room = m->room;
	copy(&o->cert, &room);
	copy(&o->key, &room);
	copy(&o->ca, &room);
	copy(&o->alpn, &room);
	m->tls = ramet__tls_new(server);
	if (m->tls)
		return m;
	kernel_free(m);
	return NULL;
}

/* Send it out and wait.  On errors it is not the caller's any more. */
static int perform(struct loop *l, struct making *m)
{
	int err;

	ramet__point(l);
	err = ramet__interrupted(l);
	if (err == 0)
		err = ramet__errand_send(l, &m->errand);
	if (err < 0) {
		drop(l, &m->errand);
		return err;
	}
	return ramet__errand_wait(l, &m->errand, WAIT_OFFLOAD, NULL, NULL);
}

static int make(struct ramet_tls **tls, const struct ramet_tls_opts *opts,
		bool server)
{
	struct loop *l = ramet__loop();
	struct making *m = l ? new_making(opts, server) : NULL;
	int err = m ? perform(l, m) : -ENOMEM;

	if (err < 0)
		return err;
	err = m->err;
	if (err < 0) {
		ramet__tls_say("%s", m->text);
	} else {
		*tls = m->tls;
		m->tls = NULL;
	}
	drop(l, &m->errand);
	return err;
}

static struct ramet_tls *make_one(const struct ramet_tls_opts *opts,
				  bool server)
{
	struct ramet_tls *tls = NULL;
	int err;

	ramet__tls_hush();
	err = make(&tls, opts, server);
	if (err < 0)
		ramet__fail(err);
	return tls;
}

struct ramet_tls *ramet_tls_client(const struct ramet_tls_opts *opts)
{
	return make_one(opts, false);
}

struct ramet_tls *ramet_tls_server(const struct ramet_tls_opts *opts)
{
	return make_one(opts, true);
}

/* ---- for who has none --------------------------------------------------- */

int ramet__tls_default(struct ramet_tls **tls)
{
	static struct ramet_tls *shared; /* atomic */
	struct ramet_tls *none = NULL;
	int err;

	*tls = __atomic_load_n(&shared, __ATOMIC_ACQUIRE);
	if (*tls)
		return 0;
	err = make(tls, NULL, false);
	if (err < 0)
		return err;
	if (!__atomic_compare_exchange_n(&shared, &none, *tls, false,
					 __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE)) {
		ramet__tls_put(*tls);
		*tls = none;
	}
	return 0;
}
