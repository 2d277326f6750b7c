/* sha1.c - FIPS 180-4, 6.1. */
#include "http/ws/sha1.h"

#include <string.h>

enum { BLOCK = 64 };

static uint32_t turn(uint32_t x, unsigned n)
{
	return x << n | x >> (32 - n);
}

/* The function and the constant of round t: 4.1.1, 4.2.1. */
static uint32_t mix(unsigned t, const uint32_t v[5])
{
	uint32_t x = v[1], y = v[2], z = v[3];

	if (t < 20)
		return ((x & y) ^ (~x & z)) + 0x5a827999;
	if (t < 40)
		return (x ^ y ^ z) + 0x6ed9eba1;
	if (t < 60)
		return ((x & y) ^ (x & z) ^ (y & z)) + 0x8f1bbcdc;
	return (x ^ y ^ z) + 0xca62c1d6;
}

static void add_block(uint32_t h[5], const uint8_t *p)
{
	uint32_t w[80], v[5], next;

	for (unsigned t = 0; t < 16; t++, p += 4)
		w[t] = (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 |
		       (uint32_t)p[2] << 8 | p[3];
	for (unsigned t = 16; t < 80; t++)
		w[t] = turn(w[t - 3] ^ w[t - 8] ^ w[t - 14] ^ w[t - 16], 1);
	memcpy(v, h, sizeof v);
	for (unsigned t = 0; t < 80; t++) {
		next = turn(v[0], 5) + mix(t, v) + v[4] + w[t];
		v[4] = v[3];
		v[3] = v[2];
		v[2] = turn(v[1], 30);
		v[1] = v[0];
		v[0] = next;
	}
	for (unsigned i = 0; i < 5; i++)
		h[i] += v[i];
}

void ramet__sha1(const void *text, size_t size, uint8_t digest[SHA1_SIZE])
{
	uint32_t h[5] = {0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476,
			 0xc3d2e1f0};
	const uint8_t *p = text;
	uint8_t last[2 * BLOCK] = {0};
	size_t left = size, end;

	for (; left >= BLOCK; left -= BLOCK, p += BLOCK)
		add_block(h, p);
	if (left)
		memcpy(last, p, left);
	last[left] = 0x80; /* the padding: 5.1.1 */
	end = left < BLOCK - 8 ? BLOCK : 2 * BLOCK;
	for (unsigned i = 0; i < 4; i++)
		last[end - 1 - i] = (uint8_t)(size * 8 >> (8 * i));
	for (size_t at = 0; at < end; at += BLOCK)
		add_block(h, last + at);
	for (unsigned i = 0; i < SHA1_SIZE; i++)
		digest[i] = (uint8_t)(h[i / 4] >> (24 - 8 * (i % 4)));
}
