/* openssl.h - OpenSSL's functions, once it has been loaded.
 *
 * Its macros call some of them by name, and are therefore not used.
 */
#ifndef NET_TLS_OPENSSL_H
#define NET_TLS_OPENSSL_H

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>

#define CRYPTO_FUNCTIONS(X)                                                    \
	X(ASN1_STRING_get0_data)                                               \
	X(ASN1_STRING_length)                                                  \
	X(BIO_clear_flags)                                                     \
	X(BIO_free)                                                            \
	X(BIO_get_data)                                                        \
	X(BIO_get_new_index)                                                   \
	X(BIO_meth_free)                                                       \
	X(BIO_meth_new)                                                        \
	X(BIO_meth_set_ctrl)                                                   \
	X(BIO_meth_set_read)                                                   \
	X(BIO_meth_set_write)                                                  \
	X(BIO_new)                                                             \
	X(BIO_new_mem_buf)                                                     \
	X(BIO_set_data)                                                        \
	X(BIO_set_flags)                                                       \
	X(BIO_set_init)                                                        \
	X(ERR_clear_error)                                                     \
	X(ERR_peek_error)                                                      \
	X(ERR_peek_last_error)                                                 \
	X(ERR_reason_error_string)                                             \
	X(EVP_PKEY_free)                                                       \
	X(GENERAL_NAMES_free)                                                  \
	X(OPENSSL_sk_num)                                                      \
	X(OPENSSL_sk_value)                                                    \
	X(PEM_read_bio_PrivateKey)                                             \
	X(PEM_read_bio_X509)                                                   \
	X(X509_NAME_get_text_by_NID)                                           \
	X(X509_NAME_oneline)                                                   \
	X(X509_STORE_CTX_get0_cert)                                            \
	X(X509_STORE_CTX_get_current_cert)                                     \
	X(X509_STORE_CTX_get_error)                                            \
	X(X509_STORE_CTX_get_error_depth)                                      \
	X(X509_STORE_CTX_get_ex_data)                                          \
	X(X509_STORE_add_cert)                                                 \
	X(X509_VERIFY_PARAM_set1_host)                                         \
	X(X509_VERIFY_PARAM_set1_ip_asc)                                       \
	X(X509_VERIFY_PARAM_set_hostflags)                                     \
	X(X509_free)                                                           \
	X(X509_get_ext_d2i)                                                    \
	X(X509_get_issuer_name)                                                \
	X(X509_get_subject_name)                                               \
	X(X509_verify_cert_error_string)

#define SSL_FUNCTIONS(X)                                                       \
	X(SSL_CTX_add_client_CA)                                               \
	X(SSL_CTX_check_private_key)                                           \
	X(SSL_CTX_ctrl)                                                        \
	X(SSL_CTX_free)                                                        \
	X(SSL_CTX_get_cert_store)                                              \
	X(SSL_CTX_load_verify_dir)                                             \
	X(SSL_CTX_new)                                                         \
	X(SSL_CTX_sess_set_new_cb)                                             \
	X(SSL_CTX_set_alpn_protos)                                             \
	X(SSL_CTX_set_alpn_select_cb)                                          \
	X(SSL_CTX_set_default_verify_paths)                                    \
	X(SSL_CTX_set_num_tickets)                                             \
	X(SSL_CTX_set_options)                                                 \
	X(SSL_CTX_set_session_id_context)                                      \
	X(SSL_CTX_set_verify)                                                  \
	X(SSL_CTX_use_PrivateKey)                                              \
	X(SSL_CTX_use_certificate)                                             \
	X(SSL_SESSION_free)                                                    \
	X(SSL_SESSION_is_resumable)                                            \
	X(SSL_alert_desc_string_long)                                          \
	X(SSL_ctrl)                                                            \
	X(SSL_do_handshake)                                                    \
	X(SSL_free)                                                            \
	X(SSL_get0_alpn_selected)                                              \
	X(SSL_get0_param)                                                      \
	X(SSL_get1_peer_certificate)                                           \
	X(SSL_get1_session)                                                    \
	X(SSL_get_error)                                                       \
	X(SSL_get_ex_data)                                                     \
	X(SSL_get_ex_data_X509_STORE_CTX_idx)                                  \
	X(SSL_get_servername)                                                  \
	X(SSL_get_version)                                                     \
	X(SSL_has_pending)                                                     \
	X(SSL_new)                                                             \
	X(SSL_peek)                                                            \
	X(SSL_pending)                                                         \
	X(SSL_read)                                                            \
	X(SSL_select_next_proto)                                               \
	X(SSL_session_reused)                                                  \
	X(SSL_set_accept_state)                                                \
	X(SSL_set_bio)                                                         \
	X(SSL_set_connect_state)                                               \
	X(SSL_set_ex_data)                                                     \
	X(SSL_set_session)                                                     \
	X(SSL_shutdown)                                                        \
	X(SSL_version)                                                         \
	X(SSL_write)                                                           \
	X(TLS_client_method)                                                   \
	X(TLS_server_method)

#define OPENSSL_POINTER(f) __typeof__(f) *f;
struct crypto_functions {
	CRYPTO_FUNCTIONS(OPENSSL_POINTER)
};
struct ssl_functions {
	SSL_FUNCTIONS(OPENSSL_POINTER)
};
#undef OPENSSL_POINTER

extern struct crypto_functions ramet__crypto;
extern struct ssl_functions ramet__ssl;

/* Load both.  Reads files: in a helper thread.  Returns 0 or -ENOTSUP. */
int ramet__openssl_load(void);

#endif
