/* A table whose rows flow over pages: cells wrap, a row is never cut, the head is repeated on each page. */
#ifndef REPORT_TABLE_H
#define REPORT_TABLE_H

#include "sheet.h"
#include "words.h"

#define TABLE_COLUMNS 10

struct column {
	enum word head;
	double share; /* of the width */
	bool number;  /* at the right */
};

struct table {
	struct sheet *sheet;
	const struct column *columns;
	int n;
	bool headed; /* on this page */
};

/* Draws nothing until there is a row. */
void table_begin(struct table *t, struct sheet *s, const struct column *columns, int n);
/* n texts; NULL is empty. */
void table_row(struct table *t, const char *const *cells);
void table_end(struct table *t);

#endif
