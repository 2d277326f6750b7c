#include "answer.h"

#include <strings.h>

#include "client.h"

enum { HEAD_MAX = 8192 };

/* The value of a header in the head; NULL: none. */
static const char *value_of(const char *head, const char *end, const char *name)
{
	size_t length = strlen(name);

	for (const char *p = head; (p = memchr(p, '\n', (size_t)(end - p)));) {
		p++;
		if ((size_t)(end - p) > length && p[length] == ':' &&
		    !strncasecmp(p, name, length))
			return p + length + 1;
	}
	return NULL;
}

static void find_date(struct answer *a)
{
	const char *end = a->bytes + a->head;
	const char *value = value_of(a->bytes, end, "date");

	if (!value)
		return;
	a->date = (size_t)(value - a->bytes);
	a->date_size = strcspn(value, "\r");
}

/* Keep the first answer, once it is complete. */
static size_t learn(struct answer *a, const char *p, size_t size)
{
	const char *end = memmem(p, size, "\r\n\r\n", 4), *value;
	size_t length;

	if (!end) {
		if (size > HEAD_MAX)
			wrong("the head of an answer does not end");
		return 0;
	}
	end += 4;
	if (strncmp(p, "HTTP/1.1 200 ", 13)) {
		fwrite(p, 1, strcspn(p, "\r"), stderr);
		wrong(": a wrong answer");
	}
	value = value_of(p, end, "connection");
	if (value && !strncasecmp(value + strspn(value, " "), "close", 5))
		wrong("the server closes the connection");
	value = value_of(p, end, "content-length");
	if (!value)
		wrong("an answer does not say how long it is");
	length = (size_t)(end - p) + strtoul(value, NULL, 10);
	if (length > size)
		return 0;
	a->bytes = malloc(length);
	if (!a->bytes)
		fail("load");
	memcpy(a->bytes, p, length);
	a->size = length;
	a->head = (size_t)(end - p);
	find_date(a);
	return length;
}

size_t answer_check(struct answer *a, const char *p, size_t size)
{
	size_t rest = a->date + a->date_size;

	if (!a->bytes)
		return learn(a, p, size);
	if (size < a->size)
		return 0;
	if (memcmp(p, a->bytes, a->date) ||
	    memcmp(p + rest, a->bytes + rest, a->size - rest))
		wrong("an answer is not as the first was");
	return a->size;
}
