/* handshake.c - keys, protocols, origins. */
#include "http/ws/handshake.h"

#include "http/chars.h"
#include "http/head.h"
#include "http/url.h"
#include "http/ws/sha1.h"

#include <stdio.h>
#include <string.h>

/* ---- keys ---------------------------------------------------------------- */

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
			     "abcdefghijklmnopqrstuvwxyz0123456789+/";

/* Base64 (RFC 4648, 4) with NUL. */
static void base64(const uint8_t *data, size_t size, char *out)
{
	for (size_t i = 0; i < size; i += 3) {
		uint32_t n = (uint32_t)data[i] << 16;

		if (i + 1 < size)
			n |= (uint32_t)data[i + 1] << 8;
		if (i + 2 < size)
			n |= data[i + 2];
		*out++ = digits[n >> 18];
		*out++ = digits[n >> 12 & 63];
		*out++ = i + 1 < size ? digits[n >> 6 & 63] : '=';
		*out++ = i + 2 < size ? digits[n & 63] : '=';
	}
	*out = 0;
}

void ramet__ws_key(const uint8_t nonce[WS_NONCE], char key[WS_KEY])
{
	base64(nonce, WS_NONCE, key);
}

/* 16 bytes are 22 digits, of which the last has four bits too many: zeros. */
bool ramet__ws_key_valid(const char *key)
{
	if (strlen(key) != WS_KEY - 1 || strcmp(key + 22, "==") != 0)
		return false;
	return strspn(key, digits) == 22 && strchr("AQgw", key[21]);
}

void ramet__ws_accept_of(const char *key, char accept[WS_ACCEPT])
{
	static const char guid[] = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
	char text[WS_KEY - 1 + sizeof guid];
	uint8_t digest[SHA1_SIZE];

	memcpy(text, key, WS_KEY - 1);
	memcpy(text + WS_KEY - 1, guid, sizeof guid);
	ramet__sha1(text, sizeof text - 1, digest);
	base64(digest, sizeof digest, accept);
}

/* ---- lists --------------------------------------------------------------- */

const char *ramet__list_next(const char **list, size_t *size)
{
	const char *p = *list, *end;

	p += strspn(p, ", \t");
	end = p + strcspn(p, ",");
	*list = end;
	while (end > p && is_blank(end[-1]))
		end--;
	*size = (size_t)(end - p);
	return *size ? p : NULL;
}

bool ramet__list_has(const char *list, const char *element, size_t size)
{
	const char *p;
	size_t n;

	while ((p = ramet__list_next(&list, &n)))
		if (n == size && memcmp(p, element, n) == 0)
			return true;
	return false;
}

/* RFC 6455, 4.1, item 10. */
bool ramet__ws_protocols_valid(const char *list)
{
	const char *p;
	size_t n, count = 0;

	for (; (p = ramet__list_next(&list, &n)); count++)
		if (!ramet__is_token(p, n) || ramet__list_has(list, p, n))
			return false;
	return count > 0;
}

/* ---- origins (RFC 6454; RFC 6455, 10.2) ---------------------------------- */

enum { ORIGIN = 2 * URL_HOST };

static bool is_same(const char *a, size_t size, const struct url *b)
{
	char text[ORIGIN];
	struct url url;

	if (size >= sizeof text)
		return false;
	memcpy(text, a, size);
	text[size] = 0;
	return ramet__url_parse(&url, text) == 0 && url.tls == b->tls &&
	       url.port == b->port && strcmp(url.host, b->host) == 0;
}

/* Which port Host means without one the origin's scheme says: who ends TLS in
 * front of us leaves Host as it was. */
static bool is_of_host(const struct url *origin, const char *host)
{
	char text[ORIGIN];
	int n = snprintf(text, sizeof text, "%s://%s",
			 origin->tls ? "https" : "http", host);

	return n > 0 && is_same(text, (size_t)n, origin);
}

bool ramet__ws_origin_allowed(const char *origin, const char *origins,
			      const char *host)
{
	struct url url;
	size_t n;

	if (origins && strcmp(origins, "*") == 0)
		return true;
	if (!origin)
		return !origins;
	if (ramet__url_parse(&url, origin) < 0 || url.target_size || url.user)
		return false;
	if (!origins)
		return host && is_of_host(&url, host);
	for (; *origins; origins += n) {
		origins += strspn(origins, " \t");
		n = strcspn(origins, " \t");
		if (n && is_same(origins, n, &url))
			return true;
	}
	return false;
}
