/* list.c - prints the table of replacements. */
#include "tools/ramet/list.h"
#include "tools/ramet/options.h"
#include "tools/ramet/say.h"

#include "patch/engine/group.h"
#include "patch/engine/table.h"
#include "patch/uncovered.h"
#include "ramet/patch.h"

#include <stdlib.h>
#include <string.h>

static struct row {
	unsigned group;
	const char *name;
} rows[] = {
#define ROW(group, type, name, params) {group, #name},
	PATCH_GROUPS(ROW)
#undef ROW
};

static const struct {
	const char *what, *consequence;
} uncovered[] = {
#define ROW(what, consequence) {what, consequence},
	PATCH_UNCOVERED(ROW)
#undef ROW
};

enum {
	ROWS = sizeof rows / sizeof *rows,
	UNCOVERED = sizeof uncovered / sizeof *uncovered,
	WIDTH = 78,
};

static int by_group_and_name(const void *a, const void *b)
{
	const struct row *x = a, *y = b;

	if (x->group != y->group)
		return x->group < y->group ? -1 : 1;
	return strcmp(x->name, y->name);
}

/* Words in lines of WIDTH, each but the first after `indent` spaces. */
static void put_words(const char *text, int column, int indent)
{
	while (*text) {
		int n = (int)strcspn(text, " ");

		if (column > indent && column + 1 + n > WIDTH) {
			printf("\n%*s", indent, "");
			column = indent;
		}
		column += printf("%s%.*s", column > indent ? " " : "", n, text);
		text += n;
		text += *text == ' ';
	}
	putchar('\n');
}

static void list_for_people(unsigned groups)
{
	int count = 0;

	for (int i = 0; i < ROWS; i++)
		if (rows[i].group & groups) {
			printf("%-32s %s\n", rows[i].name,
			       ramet__patch_group_name(rows[i].group));
			count++;
		}
	printf("\n%d functions are replaced.  Not covered:\n", count);
	for (int i = 0; i < UNCOVERED; i++) {
		printf("\n  ");
		put_words(uncovered[i].what, 2, 2);
		printf("      ");
		put_words(uncovered[i].consequence, 6, 6);
	}
}

static void list_as_json(unsigned groups)
{
	const char *separator = "";

	printf("{\"replaced\": [");
	for (int i = 0; i < ROWS; i++)
		if (rows[i].group & groups) {
			printf("%s\n  {\"symbol\": \"%s\", \"group\": \"%s\"}",
			       separator, rows[i].name,
			       ramet__patch_group_name(rows[i].group));
			separator = ",";
		}
	printf("],\n \"uncovered\": [");
	for (int i = 0; i < UNCOVERED; i++) {
		printf("%s\n  {\"what\": ", i ? "," : "");
		put_json(stdout, uncovered[i].what);
		printf(", \"consequence\": ");
		put_json(stdout, uncovered[i].consequence);
		printf("}");
	}
	printf("]}\n");
}

void list(unsigned groups, bool json)
{
	qsort(rows, ROWS, sizeof *rows, by_group_and_name);
	if (json)
		list_as_json(groups);
	else
		list_for_people(groups);
}
