/* ares.c - libcares.so.2, the only file that knows it. */
#include "net/names/ares.h"

#include <string.h>

#ifdef RAMET_NAMES

#include <ares.h>

#include "kernel/library.h"

enum { CLASS_IN = 1 };

#define FUNCTIONS(X)                                                           \
	X(ares_create_query) X(ares_expand_name) X(ares_free_string)
struct functions {
#define X(f) __typeof__(f) *f;
	FUNCTIONS(X)
#undef X
};
LIBRARY(cares, "libcares.so.2", struct functions, FUNCTIONS);

int ramet__ares_load(void)
{
	return ramet__library_load(&cares);
}

int ramet__ares_query(const char *name, int type, uint16_t id, int udp_size,
		      uint8_t **query, size_t *size)
{
	unsigned char *buf;
	int length;
	int err = cares_functions.ares_create_query(name, CLASS_IN, type, id, 1,
						    &buf, &length, udp_size);

	if (err != ARES_SUCCESS)
		return err == ARES_ENOMEM ? -ENOMEM : -EINVAL;
	*query = buf;
	*size = (size_t)length;
	return 0;
}

void ramet__ares_free(void *query)
{
	if (query)
		cares_functions.ares_free_string(query);
}

int ramet__ares_name(const uint8_t *at, const uint8_t *msg, size_t size,
		     char *name, size_t room, size_t *used)
{
	char *text;
	long length;
	size_t n;

	if (cares_functions.ares_expand_name(at, msg, (int)size, &text,
					     &length) != ARES_SUCCESS)
		return -EBADMSG;
	n = strlen(text);
	if (n < room)
		memcpy(name, text, n + 1);
	cares_functions.ares_free_string(text);
	*used = (size_t)length;
	return n < room ? 0 : -EBADMSG;
}

#else

int ramet__ares_load(void)
{
	return -ENOSYS;
}

int ramet__ares_query(const char *name, int type, uint16_t id, int udp_size,
		      uint8_t **query, size_t *size)
{
	(void)name, (void)type, (void)id, (void)udp_size, (void)query,
		(void)size;
	return -ENOTSUP;
}

void ramet__ares_free(void *query)
{
	(void)query;
}

int ramet__ares_name(const uint8_t *at, const uint8_t *msg, size_t size,
		     char *name, size_t room, size_t *used)
{
	(void)at, (void)msg, (void)size, (void)name, (void)room, (void)used;
	return -ENOTSUP;
}

#endif
