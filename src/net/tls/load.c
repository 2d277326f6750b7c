/* load.c - a context as its options say.  In a helper thread: this reads files,
 * which may take their time. */
#include "net/tls/context.h"

#include "kernel/calls.h"
#include "net/tls/openssl.h"
#include "net/tls/state.h"

#include <stdio.h>
#include <string.h>

enum {
	FILE_MOST = 16 << 20,
	HALF = TLS_TEXT / 2 - 2,
};

struct loading {
	struct ramet_tls *tls;
	const struct ramet_tls_opts *opts;
	char *text;
	char *data; /* of the file that is being read */
	size_t size;
};

static int refuse(const struct loading *l, int err, const char *what,
		  const char *why)
{
	snprintf(l->text, TLS_TEXT, "%.*s: %.*s", HALF, what, HALF, why);
	return err;
}

/* What OpenSSL thinks of what we have given to it; EINVAL unless it knows
 * better. */
static int refuse_noted(const struct loading *l, const char *what)
{
	char why[TLS_TEXT];
	int err = ramet__tls_noted(why);

	return refuse(l, err == -EPROTO ? -EINVAL : err, what, why);
}

/* ---- files -------------------------------------------------------------- */

static ssize_t read_some(int fd, char *buf, size_t size)
{
	ssize_t n;

	do
		n = kernel_read(fd, buf, size);
	while (n == -EINTR);
	return n;
}

static int read_open(struct loading *l, int fd, const struct stat *st)
{
	size_t room = (size_t)st->st_size;
	ssize_t n = 0;

	if (S_ISDIR(st->st_mode))
		return -EISDIR;
	if (st->st_size > FILE_MOST)
		return -EFBIG;
	l->data = kernel_alloc(room + 1);
	if (!l->data)
		return -ENOMEM;
	for (l->size = 0; l->size < room; l->size += (size_t)n) {
		n = read_some(fd, l->data + l->size, room - l->size);
		if (n <= 0)
			break;
	}
	return n < 0 ? (int)n : 0;
}

/* Read the file into l->data.  Returns 0, or -errno: -EISDIR. */
static int read_path(struct loading *l, const char *path)
{
	struct stat st;
	int fd, err;

	do
		fd = (int)kernel_call(SYS_openat, AT_FDCWD, KERNEL_ARG(path),
				      O_RDONLY | O_CLOEXEC, 0, 0, 0);
	while (fd == -EINTR);
	if (fd < 0)
		return fd;
	err = kernel_fstat(fd, &st);
	if (err == 0)
		err = read_open(l, fd, &st);
	kernel_close(fd);
	return err;
}

static void forget(struct loading *l)
{
	kernel_free(l->data);
	l->data = NULL;
}

/* Read a file and have `take` have its contents. */
static int with_file(struct loading *l, const char *path,
		     int (*take)(struct loading *, const char *path, BIO *))
{
	int err = read_path(l, path);
	BIO *bio = NULL;

	if (err < 0)
		refuse(l, err, path, strerrordesc_np(-err));
	else
		bio = ramet__crypto.BIO_new_mem_buf(l->data, (int)l->size);
	if (bio)
		err = take(l, path, bio);
	else if (err == 0)
		err = refuse_noted(l, path);
	ramet__crypto.BIO_free(bio);
	forget(l);
	return err;
}

/* ---- certificates ------------------------------------------------------- */

/* The next one in it; NULL: *err is 0 at the end. */
static X509 *next_cert(struct loading *l, const char *path, BIO *bio, int *err)
{
	X509 *x = ramet__crypto.PEM_read_bio_X509(bio, NULL, NULL, NULL);
	unsigned long e = x ? 0 : ramet__crypto.ERR_peek_last_error();

	*err = 0;
	if (x)
		return x;
	if (ERR_GET_LIB(e) == ERR_LIB_PEM &&
	    ERR_GET_REASON(e) == PEM_R_NO_START_LINE)
		ramet__crypto.ERR_clear_error();
	else
		*err = refuse_noted(l, path);
	return NULL;
}

static int use_cert(struct loading *l, X509 *x, bool first)
{
	SSL_CTX *ctx = l->tls->ctx;

	if (first)
		return ramet__ssl.SSL_CTX_use_certificate(ctx, x);
	return (int)ramet__ssl.SSL_CTX_ctrl(ctx, SSL_CTRL_CHAIN_CERT, 1, x);
}

/* Whom we trust, and so whom a client may name as its certificate's issuer. */
static int trust_cert(struct loading *l, X509 *x, bool first)
{
	SSL_CTX *ctx = l->tls->ctx;
	X509_STORE *store = ramet__ssl.SSL_CTX_get_cert_store(ctx);

	(void)first;
	return ramet__crypto.X509_STORE_add_cert(store, x) &&
	       (!l->tls->server || ramet__ssl.SSL_CTX_add_client_CA(ctx, x));
}

static int each_cert(struct loading *l, const char *path, BIO *bio,
		     int (*use)(struct loading *, X509 *, bool first))
{
	int count = 0, err;
	X509 *x;

	for (; (x = next_cert(l, path, bio, &err)); count++) {
		int fine = use(l, x, count == 0);

		ramet__crypto.X509_free(x);
		if (!fine)
			return refuse_noted(l, path);
	}
	if (err == 0 && count == 0)
		return refuse(l, -EINVAL, path, "no certificate in it");
	return err;
}

static int take_chain(struct loading *l, const char *path, BIO *bio)
{
	return each_cert(l, path, bio, use_cert);
}

static int take_trusted(struct loading *l, const char *path, BIO *bio)
{
	return each_cert(l, path, bio, trust_cert);
}

/* Nobody is asked for one. */
static int no_password(char *buf, int size, int writing, void *arg)
{
	(void)buf;
	(void)size;
	(void)writing;
	(void)arg;
	return -1;
}

static int take_key(struct loading *l, const char *path, BIO *bio)
{
	EVP_PKEY *key =
		ramet__crypto.PEM_read_bio_PrivateKey(bio, NULL, no_password,
						      NULL);
	int fine;

	if (!key) {
		ramet__crypto.ERR_clear_error();
		return refuse(l, -EINVAL, path,
			      "no private key in it, or an encrypted one");
	}
	fine = ramet__ssl.SSL_CTX_use_PrivateKey(l->tls->ctx, key);
	ramet__crypto.EVP_PKEY_free(key);
	if (!fine || !ramet__ssl.SSL_CTX_check_private_key(l->tls->ctx)) {
		ramet__crypto.ERR_clear_error();
		return refuse(l, -EINVAL, path,
			      "not the key of the certificate");
	}
	return 0;
}

static int load_own(struct loading *l)
{
	const struct ramet_tls_opts *o = l->opts;
	int err;

	if (!o->cert && !o->key)
		return l->tls->server ? refuse(l, -EINVAL, "server",
					       "it needs a certificate")
				      : 0;
	if (!o->cert || !o->key)
		return refuse(l, -EINVAL, o->cert ? o->cert : o->key,
			      "a certificate and a key go together");
	err = with_file(l, o->cert, take_chain);
	return err < 0 ? err : with_file(l, o->key, take_key);
}

/* What is in directories is read when somebody shows a certificate of theirs:
 * one small file each. */
static int load_trusted(struct loading *l)
{
	const char *ca = l->opts->ca;
	SSL_CTX *ctx = l->tls->ctx;
	int err;

	if (!l->tls->verifies)
		return 0;
	if (!ca)
		return ramet__ssl.SSL_CTX_set_default_verify_paths(ctx)
			       ? 0
			       : refuse_noted(l, "system's certificates");
	err = with_file(l, ca, take_trusted);
	if (err != -EISDIR)
		return err;
	*l->text = '\0';
	return ramet__ssl.SSL_CTX_load_verify_dir(ctx, ca)
		       ? 0
		       : refuse_noted(l, ca);
}

/* ---- protocols ---------------------------------------------------------- */

/* "h2,http/1.1" as on the wire: the comma becomes the next one's length. */
static int parse_alpn(struct ramet_tls *tls, const char *text)
{
	size_t size = strlen(text), start = 0;

	tls->wire = kernel_alloc(size + 2);
	tls->protocols = kernel_alloc(size + 2);
	if (!tls->wire || !tls->protocols)
		return -ENOMEM;
	for (size_t i = 0; i <= size; i++) {
		if (i < size && text[i] != ',') {
			tls->wire[i + 1] = (unsigned char)text[i];
			tls->protocols[i] = text[i];
			continue;
		}
		if (i == start || i - start > UINT8_MAX)
			return -EINVAL;
		tls->wire[start] = (unsigned char)(i - start);
		start = i + 1;
	}
	tls->wire_size = (unsigned)size + 1;
	return size < UINT16_MAX - 8 ? 0 : -EINVAL;
}

/* The first of ours that the client knows.  Without one it is told so, and that
 * is the end: RFC 7301, 3.2. */
static int select_alpn(SSL *ssl, const unsigned char **out,
		       unsigned char *out_size, const unsigned char *in,
		       unsigned in_size, void *arg)
{
	const struct ramet_tls *tls = arg;
	unsigned char *found = NULL;

	(void)ssl;
	if (ramet__ssl.SSL_select_next_proto(&found, out_size, tls->wire,
					     tls->wire_size, in,
					     in_size) != OPENSSL_NPN_NEGOTIATED)
		return SSL_TLSEXT_ERR_ALERT_FATAL;
	*out = found;
	return SSL_TLSEXT_ERR_OK;
}

const char *ramet__tls_protocol(const struct ramet_tls *tls,
				const unsigned char *name, size_t size)
{
	for (unsigned i = 0; i < tls->wire_size; i += tls->wire[i] + 1u)
		if (tls->wire[i] == size &&
		    memcmp(&tls->wire[i + 1], name, size) == 0)
			return &tls->protocols[i];
	return NULL;
}

static int load_alpn(struct loading *l)
{
	struct ramet_tls *tls = l->tls;
	int err;

	if (!l->opts->alpn)
		return 0;
	err = parse_alpn(tls, l->opts->alpn);
	if (err < 0)
		return refuse(l, err, l->opts->alpn,
			      err == -ENOMEM ? "no memory"
					     : "not a list of protocols");
	if (tls->server)
		ramet__ssl.SSL_CTX_set_alpn_select_cb(tls->ctx, select_alpn,
						      tls);
	else if (ramet__ssl.SSL_CTX_set_alpn_protos(tls->ctx, tls->wire,
						    tls->wire_size))
		return refuse_noted(l, l->opts->alpn);
	return 0;
}

/* ---- all of it ---------------------------------------------------------- */

/* Records are read as they come, several at once; without buffers while a
 * connection waits. */
static void set_modes(struct loading *l)
{
	SSL_CTX *ctx = l->tls->ctx;

	ramet__ssl.SSL_CTX_ctrl(ctx, SSL_CTRL_SET_MIN_PROTO_VERSION,
				TLS1_2_VERSION, NULL);
	ramet__ssl.SSL_CTX_ctrl(ctx, SSL_CTRL_MODE, SSL_MODE_RELEASE_BUFFERS,
				NULL);
	ramet__ssl.SSL_CTX_ctrl(ctx, SSL_CTRL_SET_READ_AHEAD, 1, NULL);
	ramet__ssl.SSL_CTX_set_options(ctx,
				       SSL_OP_NO_RENEGOTIATION |
					       SSL_OP_CIPHER_SERVER_PREFERENCE |
					       SSL_OP_NO_COMPRESSION);
	if (!l->opts->no_kernel && ramet__ktls_offered())
		ramet__ssl.SSL_CTX_set_options(ctx, SSL_OP_ENABLE_KTLS);
}

/* A server's are tickets, which its clients keep. */
static void set_sessions(struct ramet_tls *tls)
{
	static const unsigned char id[] = "ramet";
	SSL_CTX *ctx = tls->ctx;
	long mode = SSL_SESS_CACHE_OFF;

	if (!tls->resumes) {
		ramet__ssl.SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET);
		ramet__ssl.SSL_CTX_set_num_tickets(ctx, 0);
	} else if (tls->server) {
		ramet__ssl.SSL_CTX_set_session_id_context(ctx, id, sizeof id);
	} else {
		mode = SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL;
		ramet__ssl.SSL_CTX_sess_set_new_cb(ctx, ramet__tls_on_session);
	}
	ramet__ssl.SSL_CTX_ctrl(ctx, SSL_CTRL_SET_SESS_CACHE_MODE, mode, NULL);
}

static int load(struct loading *l)
{
	struct ramet_tls *tls = l->tls;
	int err = ramet__openssl_load();

	if (err < 0)
		return refuse(l, err, "libssl.so.3", "not found");
	ramet__crypto.ERR_clear_error();
	tls->ctx = ramet__ssl.SSL_CTX_new(
		tls->server ? ramet__ssl.TLS_server_method()
			    : ramet__ssl.TLS_client_method());
	if (!tls->ctx)
		return refuse_noted(l, "OpenSSL");
	tls->resumes = !l->opts->no_resume;
	set_modes(l);
	set_sessions(tls);
	ramet__tls_verify(tls, l->opts->verify);
	err = load_own(l);
	if (err == 0)
		err = load_trusted(l);
	return err < 0 ? err : load_alpn(l);
}

int ramet__tls_load(struct ramet_tls *tls, const struct ramet_tls_opts *opts,
		    char text[TLS_TEXT])
{
	struct loading l = {.tls = tls, .opts = opts, .text = text};

	if (opts->verify < RAMET_VERIFY_DEFAULT ||
	    opts->verify > RAMET_VERIFY_REQUIRED)
		return refuse(&l, -EINVAL, "verify", "no such way");
	return load(&l);
}
