/* rule.h - which groups are to be replaced in which objects.
 *
 * Rules are an ordered list: "on" or "off" for some groups in the objects of a
 * pattern, and what comes later wins.  So what an object should be like follows
 * from its name alone, whether it is loaded now or later.
 */
#ifndef PATCH_ENGINE_RULE_H
#define PATCH_ENGINE_RULE_H

#include <limits.h>
#include <stdbool.h>

#include "patch/engine/memory.h"

struct rule {
	unsigned groups;
	bool on;
	char pattern[NAME_MAX + 1];
};

struct rules {
	struct memory memory; /* of struct rule */
	size_t count;
};

/* Whether the file name of an object, without directories, is meant: see
 * ramet_patch. */
bool rule_matches(const char *pattern, const char *name);

/* The groups that an object of this name is to have. */
unsigned rules_wanted(const struct rules *rules, const char *name);

/* Whether there is anything to be replaced. */
bool rules_any(const struct rules *rules);

/* Whether one of the groups is on for anything. */
bool rules_have(const struct rules *rules, unsigned groups);

/* Make `to`, which is empty, what `from` becomes by one more rule; rules that
 * no longer matter are left out.  Returns 0 or -ENOMEM. */
int rules_with(struct rules *to, const struct rules *from, unsigned groups,
	       const char *pattern, bool on);

void rules_fini(struct rules *rules);

#endif
