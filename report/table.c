#include "table.h"

#include <string.h>

#include "banned.h"

#define GAP 4.0     /* between columns */
#define PADDING 2.0 /* above and below a row */
#define CELL_MAX 600 /* bytes: a row must fit on a page */

void table_begin(struct table *t, struct sheet *s, const struct column *columns, int n)
{
	*t = (struct table){.sheet = s, .columns = columns, .n = n};
}

static double share_sum(const struct table *t)
{
	double sum = 0;

	for (int i = 0; i < t->n; i++)
		sum += t->columns[i].share;
	return sum;
}

struct row {
	PangoLayout *cells[TABLE_COLUMNS];
	double height;
};

static void lay_out(struct table *t, struct row *r, enum sheet_style style, const char *const *texts)
{
	double all = share_sum(t);

	r->height = 0;
	for (int i = 0; i < t->n; i++) {
		char text[CELL_MAX + 4];
		size_t n = texts[i] != NULL ? strlen(texts[i]) : 0;
		double height;

		if (n > CELL_MAX) {
			memcpy(text, texts[i], CELL_MAX);
			memcpy(text + CELL_MAX, "\xe2\x80\xa6", 4);
		} else {
			memcpy(text, n > 0 ? texts[i] : "", n + 1);
		}
		r->cells[i] = sheet_layout(t->sheet, style, text, SHEET_WIDTH * t->columns[i].share / all - GAP);
		if (t->columns[i].number)
			pango_layout_set_alignment(r->cells[i], PANGO_ALIGN_RIGHT);
		height = sheet_layout_height(r->cells[i]);
		if (height > r->height)
			r->height = height;
	}
	r->height += 2 * PADDING;
}

static void draw(struct table *t, struct row *r, bool head)
{
	cairo_t *cr = sheet_cairo(t->sheet);
	double x = SHEET_LEFT, y = sheet_y(t->sheet), all = share_sum(t);

	if (head) {
		cairo_set_source_rgb(cr, 0.92, 0.92, 0.92);
		cairo_rectangle(cr, SHEET_LEFT - 2, y, SHEET_WIDTH + 2, r->height);
		cairo_fill(cr);
	}
	cairo_set_source_rgb(cr, 0, 0, 0);
	for (int i = 0; i < t->n; i++) {
		cairo_move_to(cr, x, y + PADDING);
		pango_cairo_show_layout(cr, r->cells[i]);
		x += SHEET_WIDTH * t->columns[i].share / all;
	}
	cairo_set_source_rgb(cr, 0.8, 0.8, 0.8);
	cairo_set_line_width(cr, 0.4);
	cairo_move_to(cr, SHEET_LEFT - 2, y + r->height);
	cairo_line_to(cr, SHEET_LEFT + SHEET_WIDTH, y + r->height);
	cairo_stroke(cr);
	sheet_advance(t->sheet, r->height);
}

static void row_free(struct table *t, struct row *r)
{
	for (int i = 0; i < t->n; i++)
		g_object_unref(r->cells[i]);
}

static void draw_head(struct table *t, double room)
{
	const char *texts[TABLE_COLUMNS];
	struct row r;

	for (int i = 0; i < t->n; i++)
		texts[i] = word(t->columns[i].head);
	lay_out(t, &r, STYLE_CELL_HEAD, texts);
	if (!sheet_fits(t->sheet, r.height + room))
		sheet_break(t->sheet);
	draw(t, &r, true);
	row_free(t, &r);
	t->headed = true;
}

void table_row(struct table *t, const char *const *cells)
{
	struct row r;

	lay_out(t, &r, STYLE_CELL, cells);
	if (t->headed && !sheet_fits(t->sheet, r.height)) {
		sheet_break(t->sheet);
		t->headed = false;
	}
	if (!t->headed)
		draw_head(t, r.height);
	draw(t, &r, false);
	row_free(t, &r);
}

void table_end(struct table *t)
{
	if (t->headed)
		sheet_space(t->sheet, 6);
}
