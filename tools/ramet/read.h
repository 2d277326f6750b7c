/* read.h - what the files that read another process share. */
#ifndef TOOLS_RAMET_READ_H
#define TOOLS_RAMET_READ_H

#include "tools/ramet/outside.h"

#include <string.h>

static inline uint64_t u64(const char *bytes, uint32_t at)
{
	uint64_t value;

	memcpy(&value, bytes + at, sizeof value);
	return value;
}

static inline int64_t i64(const char *bytes, uint32_t at)
{
	return (int64_t)u64(bytes, at);
}

static inline uint32_t u32(const char *bytes, uint32_t at)
{
	uint32_t value;

	memcpy(&value, bytes + at, sizeof value);
	return value;
}

static inline uint16_t u16(const char *bytes, uint32_t at)
{
	uint16_t value;

	memcpy(&value, bytes + at, sizeof value);
	return value;
}

/* What a control block says, as it was read. */
void read_block(struct ramet_seen *t, const struct layout *l,
		const char *block);

/* What the OS thread of a loop is at. */
void read_call(const struct sight *s, struct loop_seen *l);

/* Cold records of all ramets, and stacks if on_stack is not NULL. */
void read_records(struct sight *s, on_stack_fn *on_stack, void *arg);

#endif
