/* certs.c - certificates, with keys on P-256: those are made quickly. */
#include "certs.h"

#include "test.h"

#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

enum { DAY = 24 * 60 * 60 };

struct cert {
	const char *file, *name, *alt;
	long from, to; /* seconds from now */
};

struct issuer {
	X509 *cert; /* NULL: itself */
	EVP_PKEY *key;
};

static const char *path_of(const char *name)
{
	static char paths[32][256];
	static int count;
	char path[256];

	snprintf(path, sizeof path, "%s/%s", test_dir(), name);
	for (int i = 0; i < count; i++)
		if (strcmp(paths[i], path) == 0)
			return paths[i];
	CHECK(count < 32);
	return memcpy(paths[count++], path, sizeof path);
}

static EVP_PKEY *new_key(void)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");

	CHECK(key != NULL);
	return key;
}

static FILE *create(const char *name)
{
	FILE *f = fopen(path_of(name), "we");

	CHECK(f != NULL);
	return f;
}

static void write_key(const char *name, EVP_PKEY *key)
{
	FILE *f = create(name);

	CHECK_EQ(PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL), 1);
	CHECK_EQ(fclose(f), 0);
}

static void extend(X509 *x, X509V3_CTX *c, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, c, nid, value);

	CHECK(e != NULL);
	CHECK_EQ(X509_add_ext(x, e, -1), 1);
	X509_EXTENSION_free(e);
}

/* An authority is one without names of hosts and a purpose. */
static X509 *make(const struct cert *c, EVP_PKEY *key, struct issuer by)
{
	static long serial;
	X509 *x = X509_new();
	X509V3_CTX ctx;

	CHECK(x != NULL);
	X509_set_version(x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(x), ++serial);
	X509_gmtime_adj(X509_getm_notBefore(x), c->from);
	X509_gmtime_adj(X509_getm_notAfter(x), c->to);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(x), "CN", MBSTRING_ASC,
				   (const unsigned char *)c->name, -1, -1, 0);
	X509_set_issuer_name(x, X509_get_subject_name(by.cert ? by.cert : x));
	X509_set_pubkey(x, key);
	X509V3_set_ctx(&ctx, by.cert ? by.cert : x, x, NULL, NULL, 0);
	extend(x, &ctx, NID_basic_constraints,
	       c->alt ? "CA:FALSE" : "critical,CA:TRUE");
	if (c->alt && *c->alt)
		extend(x, &ctx, NID_subject_alt_name, c->alt);
	CHECK(X509_sign(x, by.key, EVP_sha256()) > 0);
	return x;
}

static X509 *write_cert(const struct cert *c, EVP_PKEY *key, struct issuer by)
{
	X509 *x = make(c, key, by);
	FILE *f = create(c->file);

	CHECK_EQ(PEM_write_X509(f, x), 1);
	CHECK_EQ(fclose(f), 0);
	return x;
}

static void make_all(void)
{
	static const char local[] = "DNS:localhost,IP:127.0.0.1,IP:::1";
	const struct cert ca = {"ca.pem", "authority", NULL, -DAY, DAY};
	const struct cert unknown = {"unknown.pem", "nobody", NULL, -DAY, DAY};
	const struct cert by_ca[] = {
		{"server.pem", "localhost", local, -DAY, DAY},
		{"expired.pem", "localhost", local, -2 * DAY, -DAY},
		{"early.pem", "localhost", local, DAY, 2 * DAY},
		{"other.pem", "other.example",
		 "DNS:other.example,DNS:*.wild.example", -DAY, DAY},
	};
	const struct cert self = {"self.pem", "localhost", local, -DAY, DAY};
	const struct cert stranger = {"stranger.pem", "localhost", local, -DAY,
				      DAY};
	const struct cert client = {"client.pem", "client", "", -DAY, DAY};
	EVP_PKEY *keys[4] = {new_key(), new_key(), new_key(), new_key()};
	struct issuer us = {NULL, keys[0]}, them = {NULL, keys[1]};

	us.cert = write_cert(&ca, keys[0], us);
	them.cert = write_cert(&unknown, keys[1], them);
	write_key("server.key", keys[2]);
	write_key("client.key", keys[3]);
	for (size_t i = 0; i < sizeof by_ca / sizeof *by_ca; i++)
		X509_free(write_cert(&by_ca[i], keys[2], us));
	X509_free(write_cert(&self, keys[2], (struct issuer){NULL, keys[2]}));
	X509_free(write_cert(&stranger, keys[2], them));
	X509_free(write_cert(&client, keys[3], us));
	X509_free(us.cert);
	X509_free(them.cert);
	for (int i = 0; i < 4; i++)
		EVP_PKEY_free(keys[i]);
}

const char *certs_file(const char *name)
{
	static bool made;

	if (!made)
		make_all();
	made = true;
	return path_of(name);
}
