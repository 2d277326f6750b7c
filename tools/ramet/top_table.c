/* top_table.c - rows of `ramet top`. */
#include "tools/ramet/top_table.h"
#include "tools/ramet/say.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

const char *const column_names[COLUMNS] = {
	[COLUMN_ID] = "id",         [COLUMN_NAME] = "name",
	[COLUMN_STATE] = "state",   [COLUMN_AGE] = "age",
	[COLUMN_STACK] = "stack",   [COLUMN_SWITCHES] = "switches",
	[COLUMN_PARENT] = "parent", [COLUMN_WAIT] = "wait",
};

/* ---- order --------------------------------------------------------------- */

/* qsort has no argument for it. */
static const struct table *sorting;
static const struct sight *sight;

static int order(int64_t a, int64_t b)
{
	return a < b ? -1 : a > b;
}

static int compare_by(const struct row *a, const struct row *b)
{
	switch (sorting->by) {
	case COLUMN_NAME:
		return strcmp(a->t->name, b->t->name);
	case COLUMN_STATE:
		return strcmp(wording_state(sight, a->t),
			      wording_state(sight, b->t));
	case COLUMN_AGE: /* the longest first */
		return order(wording_age(sight, b->t),
			     wording_age(sight, a->t));
	case COLUMN_STACK: /* the largest first */
		return order((int64_t)b->t->depth, (int64_t)a->t->depth);
	case COLUMN_SWITCHES: /* the most first */
		return order((int64_t)b->t->switches, (int64_t)a->t->switches);
	case COLUMN_PARENT:
		return order((int64_t)a->t->parent, (int64_t)b->t->parent);
	case COLUMN_WAIT:
		return strcmp(a->text, b->text);
	default:
		return 0;
	}
}

static int compare(const void *x, const void *y)
{
	const struct row *a = x, *b = y;
	int by = compare_by(a, b);

	if (!by && a->t->loop != b->t->loop)
		by = a->t->loop < b->t->loop ? -1 : 1;
	if (!by)
		by = order((int64_t)a->t->id, (int64_t)b->t->id);
	return sorting->reverse ? -by : by;
}

/* ---- the tree ------------------------------------------------------------ */

/* Each behind the one that spawned it, in the order that the rows have.  One
 * whose parent is not there is a root. */
struct tree {
	struct table *table;
	const struct sight *sight;
	size_t *row_of;          /* by ramet: its row + 1 */
	size_t *child, *sibling; /* by row: row + 1 */
	struct row *sorted;
	size_t count;
};

static size_t parent_row(const struct tree *t, const struct row *row)
{
	const struct ramet_seen *parent =
		row->t->parent != row->t->id
			? sight_id(t->sight, row->t->loop, row->t->parent)
			: NULL;

	return parent ? t->row_of[parent - t->sight->ramets] : 0;
}

/* Walked without recursion: the chain of parents may be long. */
static void walk(struct tree *t, size_t root, size_t *stack)
{
	size_t n = 0, at = root;

	for (;;) {
		t->sorted[t->count] = t->table->rows[at - 1];
		t->sorted[t->count++].depth = (int)n;
		if (t->child[at - 1]) {
			stack[n++] = at;
			at = t->child[at - 1];
			continue;
		}
		while (n && !t->sibling[at - 1])
			at = stack[--n];
		if (!n)
			return;
		at = t->sibling[at - 1];
	}
}

static void make_tree(struct table *table, const struct sight *s)
{
	size_t n = table->count;
	struct tree t = {.table = table, .sight = s};
	size_t *stack = need(calloc(n + 1, sizeof *stack));
	size_t *roots = need(calloc(n + 1, sizeof *roots)), root_count = 0;

	t.row_of = need(calloc(s->ramet_count + 1, sizeof *t.row_of));
	t.child = need(calloc(n + 1, sizeof *t.child));
	t.sibling = need(calloc(n + 1, sizeof *t.sibling));
	t.sorted = need(calloc(n + 1, sizeof *t.sorted));
	for (size_t i = 0; i < n; i++)
		t.row_of[table->rows[i].t - s->ramets] = i + 1;
	for (size_t i = n; i-- > 0;) {
		size_t parent = parent_row(&t, &table->rows[i]);

		if (parent) {
			t.sibling[i] = t.child[parent - 1];
			t.child[parent - 1] = i + 1;
		} else {
			roots[root_count++] = i + 1;
		}
	}
	while (root_count > 0)
		walk(&t, roots[--root_count], stack);
	free(table->rows);
	table->rows = t.sorted;
	table->count = t.count; /* less those of a damaged circle */
	free(roots);
	free(stack);
	free(t.row_of);
	free(t.child);
	free(t.sibling);
}

/* ---- rows ---------------------------------------------------------------- */

static bool passes(const struct table *table, struct picture *p,
		   const struct row *row)
{
	char id[24];

	if (!table->filter[0])
		return true;
	snprintf(id, sizeof id, "%" PRIu64, row->t->id);
	return strcasestr(row->t->name, table->filter) ||
	       strcasestr(row->text, table->filter) ||
	       strcasestr(wording_state(&p->sight, row->t), table->filter) ||
	       strcmp(id, table->filter) == 0;
}

void table_clear(struct table *table)
{
	for (size_t i = 0; i < table->count; i++)
		free(table->rows[i].text);
	free(table->rows);
	table->rows = NULL;
	table->count = 0;
}

void table_make(struct table *table, struct picture *p)
{
	struct waiting w;

	table_clear(table);
	table->rows =
		need(calloc(p->sight.ramet_count + 1, sizeof *table->rows));
	for (size_t i = 0; i < p->sight.ramet_count; i++) {
		struct row *row = &table->rows[table->count];

		row->t = &p->sight.ramets[i];
		wording_wait(&p->wording, row->t, &w);
		row->text = need(strdup(w.text));
		if (passes(table, p, row))
			table->count++;
		else
			free(row->text);
	}
	sorting = table;
	sight = &p->sight;
	qsort(table->rows, table->count, sizeof *table->rows, compare);
	if (table->tree)
		make_tree(table, &p->sight);
}

/* ---- text ---------------------------------------------------------------- */

static const int widths[COLUMNS] = {7, 16, 7, 7, 7, 9, 7, 0};

/* Cut to `width` columns; bytes of a character of UTF-8 stay together. */
static void put_cut(FILE *out, const char *text, int width)
{
	for (int n; *text && width-- > 0; text += n ? n : 1) {
		n = printable(text);
		fprintf(out, "%.*s", n ? n : 1, n ? text : "?");
	}
}

/* The same, filled with spaces. */
static void put_field(FILE *out, const char *text, int width)
{
	int columns = 0;

	for (const char *c = text; *c; columns++)
		c += printable(c) ? printable(c) : 1;
	put_cut(out, text, width);
	fprintf(out, "%*s", columns < width ? width - columns : 0, "");
}

static void age_text(char *text, size_t size, int64_t ns)
{
	int64_t ms = ns / 1000000;

	if (ns < 0)
		snprintf(text, size, "-");
	else if (ms < 1000)
		snprintf(text, size, "%d ms", (int)ms);
	else if (ms < 600 * 1000)
		snprintf(text, size, "%d.%d s", (int)(ms / 1000),
			 (int)(ms % 1000 / 100));
	else
		snprintf(text, size, "%" PRId64 " min", ms / 60000);
}

/* "-" where there is none: main's stack is its thread's, and nobody spawned it.
 */
static void number_text(char *text, size_t size, uint64_t n)
{
	if (n)
		snprintf(text, size, "%" PRIu64, n);
	else
		snprintf(text, size, "-");
}

/* One row, however wide. */
static void put_row(struct picture *p, FILE *out, const struct row *row)
{
	const struct ramet_seen *t = row->t;
	int indent = 2 * (row->depth < 8 ? row->depth : 8);
	char age[32], stack[24], switches[24], parent[24];

	age_text(age, sizeof age, wording_age(&p->sight, t));
	number_text(stack, sizeof stack, t->depth);
	number_text(switches, sizeof switches, t->switches);
	number_text(parent, sizeof parent, t->parent);
	fprintf(out, "%*" PRIu64 " %*s", widths[COLUMN_ID], t->id, indent, "");
	put_field(out, t->name[0] ? t->name : "-",
		  widths[COLUMN_NAME] - indent);
	fprintf(out, " %-*s %*s %*s %*s %*s %s", widths[COLUMN_STATE],
		wording_state(&p->sight, t), widths[COLUMN_AGE], age,
		widths[COLUMN_STACK], stack, widths[COLUMN_SWITCHES], switches,
		widths[COLUMN_PARENT], parent, row->text);
}

void table_put(struct picture *p, FILE *out, const struct row *row, int width)
{
	char line[1024];
	FILE *memory = need(fmemopen(line, sizeof line, "w"));

	put_row(p, memory, row);
	putc('\0', memory);
	fclose(memory);
	line[sizeof line - 1] = '\0';
	put_cut(out, line, width);
}

void table_put_head(const struct table *table, FILE *out, int width)
{
	char line[256] = "";

	for (int i = 0; i < COLUMNS; i++) {
		bool left = i == COLUMN_NAME || i == COLUMN_STATE ||
			    i == COLUMN_WAIT;
		size_t used = strlen(line);
		char head[16];

		snprintf(head, sizeof head, "%s%s", column_names[i],
			 table->by != (enum column)i ? ""
			 : table->reverse            ? "<"
						     : ">");
		snprintf(line + used, sizeof line - used, "%s%*s", i ? " " : "",
			 left ? -widths[i] : widths[i], head);
	}
	for (char *c = line; *c; c++)
		if (*c >= 'a' && *c <= 'z')
			*c -= 'a' - 'A';
	put_cut(out, line, width);
}
