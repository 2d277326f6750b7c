/* rule.c - patterns, and the list of rules. */
#include "patch/engine/rule.h"

#include "base/base.h"

#include <string.h>

/* ---- patterns ----------------------------------------------------------- */

/* A set "[a-z]", "[!ab]" at p: whether c is in it, and where it ends; NULL: it
 * does not end, so '[' means itself. */
static const char *in_set(const char *p, char c, bool *in)
{
	bool negated = p[1] == '!' || p[1] == '^';
	const char *first = p += 1 + negated;

	for (*in = negated; *p && (*p != ']' || p == first); p++) {
		char low = *p;

		if (p[1] == '-' && p[2] && p[2] != ']')
			p += 2;
		if (c >= low && c <= *p)
			*in = !negated;
	}
	return *p ? p + 1 : NULL;
}

/* Whether the pattern's first part, which is no '*', matches the character;
 * where the next part begins in *rest. */
static bool one_matches(const char *p, char c, const char **rest)
{
	const char *end;
	bool in;

	*rest = p + 1;
	if (*p == '?')
		return true;
	if (*p == '[') {
		end = in_set(p, c, &in);
		if (end) {
			*rest = end;
			return in;
		}
	}
	return *p == c;
}

/* fnmatch(3) would ask the locale, and a locale may load libraries.  When a
 * part does not match, the last '*' before takes one character more. */
static bool glob(const char *p, const char *s)
{
	const char *star = NULL, *again = NULL, *rest;

	while (*s) {
		if (*p == '*') {
			star = ++p;
			again = s;
		} else if (*p && one_matches(p, *s, &rest)) {
			p = rest;
			s++;
		} else if (star) {
			p = star;
			s = ++again;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return !*p;
}

/* "libpq" and "libpq.so" are libpq.so.5. */
static bool stem_matches(const char *stem, const char *name)
{
	size_t length = strlen(stem);
	const char *rest = name + length;

	if (strncmp(name, stem, length) != 0)
		return false;
	if (strncmp(rest, ".so", 3) == 0 && !strstr(stem, ".so"))
		rest += 3;
	else if (*rest && !strstr(stem, ".so"))
		return false;
	return *rest == '\0' || *rest == '.';
}

bool rule_matches(const char *pattern, const char *name)
{
	if (!*pattern)
		return !*name;
	if (strpbrk(pattern, "*?["))
		return glob(pattern, name);
	return stem_matches(pattern, name);
}

/* ---- the list ----------------------------------------------------------- */

static struct rule *list(const struct rules *rules)
{
	return rules->memory.start;
}

unsigned rules_wanted(const struct rules *rules, const char *name)
{
	unsigned wanted = 0;

	for (size_t i = 0; i < rules->count; i++) {
		const struct rule *r = &list(rules)[i];

		if (!rule_matches(r->pattern, name))
			continue;
		wanted = r->on ? wanted | r->groups : wanted & ~r->groups;
	}
	return wanted;
}

bool rules_any(const struct rules *rules)
{
	return rules->count > 0; /* the first is always "on" */
}

bool rules_have(const struct rules *rules, unsigned groups)
{
	for (size_t i = 0; i < rules->count; i++)
		if (list(rules)[i].on && list(rules)[i].groups & groups)
			return true;
	return false;
}

/* "off" says nothing of groups that no rule before has put on. */
static void append(struct rules *to, const struct rule *rule, unsigned groups)
{
	unsigned on = 0;

	for (size_t i = 0; i < to->count; i++)
		if (list(to)[i].on)
			on |= list(to)[i].groups;
	if (!rule->on)
		groups &= on;
	if (!groups)
		return;
	list(to)[to->count] = *rule;
	list(to)[to->count++].groups = groups;
}

int rules_with(struct rules *to, const struct rules *from, unsigned groups,
	       const char *pattern, bool on)
{
	struct rule rule = {.groups = groups, .on = on};
	int err = memory_grow(&to->memory,
			      (from->count + 1) * sizeof(struct rule));

	if (err < 0)
		return err;
	for (size_t i = 0; i < from->count; i++) {
		const struct rule *r = &list(from)[i];
		bool replaced = strcmp(pattern, "*") == 0 ||
				strcmp(pattern, r->pattern) == 0;

		append(to, r, replaced ? r->groups & ~groups : r->groups);
	}
	strcpy(rule.pattern,
	       pattern); /* whose length ramet_patch has looked at */
	append(to, &rule, groups);
	return 0;
}

void rules_fini(struct rules *rules)
{
	memory_fini(&rules->memory);
	rules->count = 0;
}
