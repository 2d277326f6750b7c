/* text.c - each ramet's own words, made of OpenSSL's when it has better ones.
 */
#include "net/tls/text.h"

#include "net/tls/openssl.h"
#include "ramet/tls.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- of each ramet ------------------------------------------------------ */

static struct ramet_local *key; /* atomic */

static void forget(void *text)
{
	kernel_free(text);
}

/* Several loops may make one at once: the first one's is it. */
static struct ramet_local *the_key(void)
{
	struct ramet_local *k = __atomic_load_n(&key, __ATOMIC_ACQUIRE);
	struct ramet_local *none = NULL;

	if (k)
		return k;
	k = ramet__local_new(forget);
	if (!k ||
	    __atomic_compare_exchange_n(&key, &none, k, false, __ATOMIC_ACQ_REL,
					__ATOMIC_ACQUIRE))
		return k;
	return none;
}

static char *text_of_caller(void)
{
	struct ramet_local *k = __atomic_load_n(&key, __ATOMIC_ACQUIRE);

	return k ? ramet_local_get(k) : NULL;
}

static char *new_text(void)
{
	struct ramet_local *k = the_key();
	char *text = k ? kernel_alloc(TLS_TEXT) : NULL;

	if (text && ramet__local_set(k, text) < 0) {
		kernel_free(text);
		text = NULL;
	}
	return text;
}

void ramet__tls_say(const char *fmt, ...)
{
	char *text = text_of_caller();
	va_list args;

	if (!text)
		text = new_text();
	if (!text)
		return;
	va_start(args, fmt);
	vsnprintf(text, TLS_TEXT, fmt, args);
	va_end(args);
}

void ramet__tls_hush(void)
{
	char *text = text_of_caller();

	if (text)
		*text = '\0';
}

const char *ramet_tls_error(void)
{
	const char *text = text_of_caller();

	return text ? text : "";
}

/* ---- what OpenSSL has noted --------------------------------------------- */

static const struct reason {
	int reason, err;
	const char *text;
} reasons[] = {
	{SSL_R_CERTIFICATE_VERIFY_FAILED, -EKEYREJECTED,
	 "the peer's certificate is not to be trusted"},
	{SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, -EKEYREJECTED,
	 "the client shows no certificate"},
	{SSL_R_HTTP_REQUEST, -EPROTO, "not TLS: the peer sent HTTP"},
	{SSL_R_HTTPS_PROXY_REQUEST, -EPROTO, "not TLS: the peer sent HTTP"},
	{SSL_R_UNSUPPORTED_PROTOCOL, -EPROTO,
	 "the peer knows no version of TLS from 1.2 on"},
	{SSL_R_NO_APPLICATION_PROTOCOL, -EPROTO,
	 "the client knows no protocol (ALPN) that is served"},
	{SSL_R_NO_SHARED_CIPHER, -EPROTO, "no cipher is known to both sides"},
	{SSL_R_UNEXPECTED_EOF_WHILE_READING, -ECONNABORTED,
	 "the peer went away without saying that this is the end"},
	{SSL_R_PROTOCOL_IS_SHUTDOWN, -EPIPE,
	 "nothing can be written after the end has been said"},
};

/* What the peer says is not our own finding.  RFC 8446, 6. */
static const char *alert_of(int reason)
{
	if (reason <= SSL_AD_REASON_OFFSET ||
	    reason > SSL_AD_REASON_OFFSET + UINT8_MAX)
		return NULL;
	return ramet__ssl.SSL_alert_desc_string_long(reason -
						     SSL_AD_REASON_OFFSET);
}

static int explain_ssl(unsigned long e, char text[TLS_TEXT])
{
	int reason = ERR_GET_REASON(e);
	const char *words = alert_of(reason);

	if (words) {
		snprintf(text, TLS_TEXT, "the peer refuses: %s", words);
		return -EPROTO;
	}
	for (size_t i = 0; i < countof(reasons); i++)
		if (reasons[i].reason == reason) {
			snprintf(text, TLS_TEXT, "%s", reasons[i].text);
			return reasons[i].err;
		}
	words = ramet__crypto.ERR_reason_error_string(e);
	snprintf(text, TLS_TEXT, "%s", words ? words : "unknown to OpenSSL");
	return -EPROTO;
}

static int explain(unsigned long e, char text[TLS_TEXT])
{
	const char *words;
	int err;

	if (!e || ERR_GET_REASON(e) == ERR_R_MALLOC_FAILURE) {
		snprintf(text, TLS_TEXT, "no memory");
		return -ENOMEM;
	}
	if (ERR_SYSTEM_ERROR(e)) {
		err = ERR_GET_REASON(e);
		words = strerrordesc_np(err);
		snprintf(text, TLS_TEXT, "%s", words ? words : "");
		return err ? -err : -EIO;
	}
	if (ERR_GET_LIB(e) == ERR_LIB_SSL)
		return explain_ssl(e, text);
	words = ramet__crypto.ERR_reason_error_string(e);
	snprintf(text, TLS_TEXT, "%s", words ? words : "unknown to OpenSSL");
	return -EPROTO;
}

int ramet__tls_noted(char text[TLS_TEXT])
{
	char unwanted[TLS_TEXT];
	unsigned long e = ramet__crypto.ERR_peek_error();
	int err;

	/* What has led to it is noted first; of a lack of memory, last. */
	if (ERR_GET_REASON(ramet__crypto.ERR_peek_last_error()) ==
	    ERR_R_MALLOC_FAILURE)
		e = ramet__crypto.ERR_peek_last_error();
	err = explain(e, text ? text : unwanted);
	ramet__crypto.ERR_clear_error();
	return err;
}
