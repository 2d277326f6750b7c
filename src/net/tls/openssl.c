/* openssl.c - loads OpenSSL 3. */
#include "net/tls/openssl.h"

#include "kernel/library.h"

struct crypto_functions ramet__crypto;
struct ssl_functions ramet__ssl;

#define NAME_OF(f) #f,
static const char *const crypto_names[] = {CRYPTO_FUNCTIONS(NAME_OF)};
static const char *const ssl_names[] = {SSL_FUNCTIONS(NAME_OF)};

static struct library crypto = {
	.name = "libcrypto.so.3",
	.symbols = crypto_names,
	.functions = (void **)(void *)&ramet__crypto,
	.count = countof(crypto_names),
};
static struct library ssl = {
	.name = "libssl.so.3",
	.symbols = ssl_names,
	.functions = (void **)(void *)&ramet__ssl,
	.count = countof(ssl_names),
};

int ramet__openssl_load(void)
{
	int err = ramet__library_load(&crypto);

	return err < 0 ? err : ramet__library_load(&ssl);
}
