/* groups.c - groups by name. */
#include "tools/ramet/options.h"

#include "patch/groups.h"

#include <stdio.h>
#include <string.h>

static const struct {
	unsigned bit;
	const char *name;
} groups[] = {
#define ROW(bit, name, what) {bit, name},
	PATCH_GROUP_NAMES(ROW)
#undef ROW
};

enum { GROUPS = sizeof groups / sizeof *groups };

const char *group_name(unsigned bit)
{
	for (int i = 0; i < GROUPS; i++)
		if (groups[i].bit == bit)
			return groups[i].name;
	return NULL;
}

const char *group_names(unsigned set, char *buf, size_t size)
{
	size_t used = 0;

	*buf = '\0';
	for (int i = 0; i < GROUPS; i++)
		if (set & groups[i].bit && used < size)
			used += (size_t)snprintf(buf + used, size - used,
						 "%s%s", used ? "," : "",
						 groups[i].name);
	return buf;
}
