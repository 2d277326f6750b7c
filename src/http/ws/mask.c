/* mask.c - 64 bytes at a time, by whatever vectors the machine has. */
#include "http/ws/mask.h"

#include <string.h>

/* The compiler makes of it what fits: two or four registers. */
typedef uint64_t block __attribute__((vector_size(32)));

void ramet__ws_mask(void *to, const void *from, size_t size,
		    const uint8_t mask[4], uint64_t at)
{
	const unsigned char *in = from;
	unsigned char *out = to, turned[8];
	uint64_t word;
	block key, a, b;

	for (unsigned i = 0; i < 8; i++)
		turned[i] = mask[(at + i) & 3];
	memcpy(&word, turned, sizeof word);
	key = (block){word, word, word, word};
	for (; size >= 64; size -= 64, in += 64, out += 64) {
		memcpy(&a, in, 32);
		memcpy(&b, in + 32, 32);
		a ^= key;
		b ^= key;
		memcpy(out, &a, 32);
		memcpy(out + 32, &b, 32);
	}
	for (; size >= 8; size -= 8, in += 8, out += 8) {
		uint64_t w;

		memcpy(&w, in, 8);
		w ^= word;
		memcpy(out, &w, 8);
	}
	for (size_t i = 0; i < size; i++)
		out[i] = in[i] ^ turned[i];
}
