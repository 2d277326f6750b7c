/* top_table.h - the ramets as rows: chosen, sorted, as a list or as a tree. */
#ifndef TOOLS_RAMET_TOP_TABLE_H
#define TOOLS_RAMET_TOP_TABLE_H

#include "tools/ramet/picture.h"

enum column {
	COLUMN_ID,
	COLUMN_NAME,
	COLUMN_STATE,
	COLUMN_AGE,
	COLUMN_STACK,
	COLUMN_SWITCHES,
	COLUMN_PARENT,
	COLUMN_WAIT,
	COLUMNS
};

extern const char *const column_names[COLUMNS];

struct table {
	enum column by;
	bool reverse, tree;
	char filter[64]; /* in name, state or what it waits for; any case */

	struct row {
		const struct ramet_seen *t;
		char *text; /* what it waits for */
		int depth;  /* in the tree */
	} * rows;
	size_t count;
};

/* Make the rows of what was taken.  They are good until it is taken again. */
void table_make(struct table *table, struct picture *p);

void table_clear(struct table *table);

/* Write one, without the end of the line, at most `width` columns wide. */
void table_put(struct picture *p, FILE *out, const struct row *row, int width);

/* The names of the columns, the one that is sorted by marked. */
void table_put_head(const struct table *table, FILE *out, int width);

#endif
