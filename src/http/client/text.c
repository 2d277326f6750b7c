/* text.c - a failure is remembered, so that it is looked at once, at the end.
 */
#include "http/client/text.h"

#include <stdio.h>
#include <string.h>

static int reserve(struct text *t, size_t more)
{
	size_t room = t->room ? t->room : 256;
	char *data;

	if (more < t->room - t->size)
		return 0;
	while (room - t->size <= more)
		room *= 2;
	data = kernel_alloc(room);
	if (!data)
		return t->err = -ENOMEM;
	if (t->size)
		memcpy(data, t->data, t->size);
	kernel_free(t->data);
	t->data = data;
	t->room = room;
	return 0;
}

void ramet__text_add(struct text *t, const char *piece, size_t size)
{
	if (t->err < 0 || reserve(t, size) < 0)
		return;
	memcpy(t->data + t->size, piece, size);
	t->size += size;
	t->data[t->size] = 0;
}

void ramet__text_put(struct text *t, const char *piece)
{
	ramet__text_add(t, piece, strlen(piece));
}

void ramet__text_number(struct text *t, uint64_t n)
{
	char digits[24];

	snprintf(digits, sizeof digits, "%llu", (unsigned long long)n);
	ramet__text_put(t, digits);
}

void ramet__text_free(struct text *t)
{
	kernel_free(t->data);
	*t = (struct text){0};
}

void ramet__text_base64(struct text *t, const char *data, size_t size)
{
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				      "abcdefghijklmnopqrstuvwxyz0123456789+/";
	const unsigned char *p = (const unsigned char *)data;

	for (size_t i = 0; i < size; i += 3) {
		uint32_t bits = (uint32_t)p[i] << 16;
		char four[4];

		if (i + 1 < size)
			bits |= (uint32_t)p[i + 1] << 8;
		if (i + 2 < size)
			bits |= p[i + 2];
		four[0] = letters[bits >> 18];
		four[1] = letters[bits >> 12 & 63];
		four[2] = i + 1 < size ? letters[bits >> 6 & 63] : '=';
		four[3] = i + 2 < size ? letters[bits & 63] : '=';
		ramet__text_add(t, four, 4);
	}
}

char *ramet__text_copy(const char *text, size_t size)
{
	char *copy = kernel_alloc(size + 1);

	if (copy)
		memcpy(copy, text, size);
	return copy;
}
