/* verify.c - whom a peer's certificate is for, and what is wrong with it. */
#include "net/tls/state.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

/* ---- names in certificates ---------------------------------------------- */

struct list {
	char text[TLS_TEXT / 2];
	size_t size;
};

/* What is not plain text is not shown to anybody. */
static void add(struct list *list, const unsigned char *name, int size)
{
	const char *comma = list->size ? ", " : "";
	int n;

	for (int i = 0; i < size; i++)
		if (name[i] <= ' ' || name[i] > '~')
			return;
	if (list->size + (size_t)size + 3 > sizeof list->text)
		return;
	n = snprintf(list->text + list->size, sizeof list->text - list->size,
		     "%s%.*s", comma, size, (const char *)name);
	list->size += (size_t)n;
}

static void add_name(struct list *list, const GENERAL_NAME *name)
{
	const ASN1_STRING *s = name->d.ia5;
	const unsigned char *data = ramet__crypto.ASN1_STRING_get0_data(s);
	int size = ramet__crypto.ASN1_STRING_length(s);
	char text[INET6_ADDRSTRLEN];

	if (name->type == GEN_DNS)
		add(list, data, size);
	if (name->type != GEN_IPADD || (size != 4 && size != 16))
		return;
	inet_ntop(size == 4 ? AF_INET : AF_INET6, data, text, sizeof text);
	add(list, (unsigned char *)text, (int)strlen(text));
}

/* The names and addresses that a certificate is for: those of subjectAltName,
 * or the common name as in old ones. */
static void list_names(struct list *list, const X509 *x)
{
	GENERAL_NAMES *names =
		ramet__crypto.X509_get_ext_d2i(x, NID_subject_alt_name, NULL,
					       NULL);
	const OPENSSL_STACK *stack = (const OPENSSL_STACK *)names;
	int count = names ? ramet__crypto.OPENSSL_sk_num(stack) : 0;
	char common[64];

	*list = (struct list){.size = 0};
	for (int i = 0; i < count; i++) {
		const GENERAL_NAME *name =
			ramet__crypto.OPENSSL_sk_value(stack, i);

		if (name->type == GEN_DNS || name->type == GEN_IPADD)
			add_name(list, name);
	}
	ramet__crypto.GENERAL_NAMES_free(names);
	if (list->size == 0 &&
	    ramet__crypto.X509_NAME_get_text_by_NID(
		    ramet__crypto.X509_get_subject_name(x), NID_commonName,
		    common, sizeof common) > 0)
		add(list, (unsigned char *)common, (int)strlen(common));
	if (list->size == 0)
		add(list, (const unsigned char *)"nobody", 6);
}

/* ---- what is wrong ------------------------------------------------------ */

static void say_names(const struct tls_layer *t, X509_STORE_CTX *c)
{
	struct list list;

	list_names(&list, ramet__crypto.X509_STORE_CTX_get0_cert(c));
	ramet__tls_say("certificate is for %s, not for %s", list.text, t->host);
}

static void say_untrusted(const char *whose, const X509 *x)
{
	char issuer[TLS_TEXT / 2] = "";

	if (x)
		ramet__crypto
			.X509_NAME_oneline(ramet__crypto.X509_get_issuer_name(
						   x),
					   issuer, sizeof issuer);
	ramet__tls_say("certificate of %s is from an authority that is not "
		       "trusted: %s",
		       whose, issuer);
}

static void say_rest(const char *whose, int error, int depth)
{
	const char *part = depth ? "the authority above " : "";
	const char *words;

	switch (error) {
	case X509_V_ERR_CERT_HAS_EXPIRED:
		words = " has expired";
		break;
	case X509_V_ERR_CERT_NOT_YET_VALID:
		words = " is not valid yet";
		break;
	case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
		words = " is self-signed";
		break;
	default:
		ramet__tls_say("certificate of %s%s: %s", part, whose,
			       ramet__crypto.X509_verify_cert_error_string(
				       error));
		return;
	}
	ramet__tls_say("certificate of %s%s%s", part, whose, words);
}

/* Called for each thing that is found; the first that is wrong ends it. */
static int on_finding(int fine, X509_STORE_CTX *c)
{
	int index = ramet__ssl.SSL_get_ex_data_X509_STORE_CTX_idx();
	SSL *ssl = ramet__crypto.X509_STORE_CTX_get_ex_data(c, index);
	const struct tls_layer *t = ramet__ssl.SSL_get_ex_data(ssl, 0);
	int error = ramet__crypto.X509_STORE_CTX_get_error(c);
	const char *whose = t->tls->server ? "the client" : tls_key(t);

	if (fine)
		return 1;
	switch (error) {
	case X509_V_ERR_HOSTNAME_MISMATCH:
	case X509_V_ERR_IP_ADDRESS_MISMATCH:
		say_names(t, c);
		break;
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
	case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
	case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
	case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
		say_untrusted(whose,
			      ramet__crypto.X509_STORE_CTX_get_current_cert(c));
		break;
	default:
		say_rest(whose, error,
			 ramet__crypto.X509_STORE_CTX_get_error_depth(c));
	}
	return 0;
}

/* ---- what is wanted ----------------------------------------------------- */

/* A client that looks at a certificate at all wants a good one. */
void ramet__tls_verify(struct ramet_tls *tls, enum ramet_tls_verify verify)
{
	int mode = SSL_VERIFY_PEER;

	if (verify == RAMET_VERIFY_DEFAULT)
		verify =
			tls->server ? RAMET_VERIFY_NONE : RAMET_VERIFY_REQUIRED;
	if (verify == RAMET_VERIFY_NONE)
		mode = SSL_VERIFY_NONE;
	else if (verify == RAMET_VERIFY_REQUIRED)
		mode |= SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
	tls->verifies = mode != SSL_VERIFY_NONE;
	ramet__ssl.SSL_CTX_set_verify(tls->ctx, mode,
				      tls->verifies ? on_finding : NULL);
}

static bool is_numeric(const char *host)
{
	struct in6_addr addr;

	return inet_pton(AF_INET, host, &addr) == 1 ||
	       inet_pton(AF_INET6, host, &addr) == 1;
}

/* Addresses are not asked for by name: RFC 6066, 3. */
int ramet__tls_expect(struct tls_layer *t)
{
	X509_VERIFY_PARAM *param = ramet__ssl.SSL_get0_param(t->ssl);
	char *host = (char *)(uintptr_t)t->host;

	if (!t->host)
		return 0;
	if (is_numeric(t->host)) {
		if (t->tls->verifies &&
		    !ramet__crypto.X509_VERIFY_PARAM_set1_ip_asc(param,
								 t->host))
			return ramet__tls_noted(NULL);
		return 0;
	}
	ramet__crypto.X509_VERIFY_PARAM_set_hostflags(
		param, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if ((t->tls->verifies &&
	     !ramet__crypto.X509_VERIFY_PARAM_set1_host(param, t->host, 0)) ||
	    !ramet__ssl.SSL_ctrl(t->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME,
				 TLSEXT_NAMETYPE_host_name, host))
		return ramet__tls_noted(NULL);
	return 0;
}
