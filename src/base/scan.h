/* scan.h - find the byte that ends a text, many bytes at a time.
 *
 * The one place where vector instructions are used: SSE2, which every x86-64
 * has; elsewhere eight bytes at a time in an ordinary register.  No byte beyond
 * the end is read.
 */
#ifndef BASE_SCAN_H
#define BASE_SCAN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* Controls are 0 to 31 and 127; a tab is none here: it is legal in values. */
static inline bool is_control(char c)
{
	return ((unsigned char)c < 32 && c != '\t') || c == 127;
}

#ifdef __SSE2__
enum { SCAN_BLOCK = 16 };

/* Where in these 16 bytes the first control is; 16: nowhere. */
static inline unsigned scan_block(const char *p)
{
	__m128i v = _mm_loadu_si128((const __m128i *)(const void *)p);
	__m128i low = _mm_cmpeq_epi8(_mm_min_epu8(v, _mm_set1_epi8(31)), v);
	__m128i tab = _mm_cmpeq_epi8(v, _mm_set1_epi8('\t'));
	__m128i del = _mm_cmpeq_epi8(v, _mm_set1_epi8(127));
	__m128i bad = _mm_or_si128(_mm_andnot_si128(tab, low), del);

	return (unsigned)__builtin_ctz((unsigned)_mm_movemask_epi8(bad) |
				       1u << 16);
}
#else
enum { SCAN_BLOCK = 8 };

/* Whether one of these eight bytes may be a control: the classical tests for a
 * byte below n, and for a byte that is zero. */
static inline unsigned scan_block(const char *p)
{
	const uint64_t ones = 0x0101010101010101u, highs = ones << 7;
	uint64_t v, del;

	memcpy(&v, p, sizeof v);
	del = v ^ (ones * 127);
	if (!((((v - ones * 32) & ~v) | ((del - ones) & ~del)) & highs))
		return SCAN_BLOCK;
	for (unsigned i = 0; i < SCAN_BLOCK; i++)
		if (is_control(p[i]))
			return i;
	return SCAN_BLOCK;
}
#endif

/* The first control from p on, or end. */
static inline const char *scan_control(const char *p, const char *end)
{
	for (; end - p >= SCAN_BLOCK; p += SCAN_BLOCK) {
		unsigned i = scan_block(p);

		if (i < SCAN_BLOCK)
			return p + i;
	}
	while (p < end && !is_control(*p))
		p++;
	return p;
}

#endif
