/* group.c - the groups by name. */
#include "patch/engine/group.h"

#include "base/base.h"

#include <string.h>

static const struct {
	const char *name;
	unsigned groups;
} names[] = {
#define ROW(groups, name, what) {name, groups},
	PATCH_GROUP_NAMES(ROW) PATCH_GROUP_SETS(ROW)
#undef ROW
};

static unsigned group(const char *name, size_t length)
{
	for (size_t i = 0; i < countof(names); i++)
		if (strlen(names[i].name) == length &&
		    memcmp(names[i].name, name, length) == 0)
			return names[i].groups;
	return 0;
}

unsigned ramet_patch_groups(const char *list)
{
	unsigned all = 0, one;

	for (; list; list = *list ? list + 1 : NULL) {
		size_t length = strcspn(list, ",");

		one = group(list, length);
		if (!one)
			return 0;
		all |= one;
		list += length;
	}
	return all;
}

const char *ramet__patch_group_name(unsigned one)
{
	for (size_t i = 0; i < countof(names); i++)
		if (names[i].groups == one)
			return names[i].name;
	return NULL;
}
