/* certs.h - certificates for tests, made by each for itself, in files of
 * test_dir().
 *
 *	ca.pem                    an authority
 *	server.pem server.key     localhost, 127.0.0.1, ::1; by ca
 *	expired.pem               the same, over since yesterday
 *	early.pem                 the same, from tomorrow on
 *	other.pem                 other.example, *.wild.example; by ca
 *	self.pem                  localhost, by itself
 *	client.pem client.key     CN=client; by ca
 *	stranger.pem              localhost; by an authority that is not ca
 *
 * All but client.pem have server.key.  A program that uses them is of suite
 * 'certs' in tests/meson.build.
 */
#ifndef CERTS_H
#define CERTS_H

/* The path of one of them, which stays; the first call makes them all. */
const char *certs_file(const char *name);

#endif
