/* Pages of an A4 document: text from top to bottom, a new page when there is no room, a foot on each. */
#ifndef REPORT_SHEET_H
#define REPORT_SHEET_H

#include <cairo.h>
#include <pango/pangocairo.h>
#include <stdbool.h>

#include "buf.h"
#include "err.h"

#define SHEET_LEFT 45.0
#define SHEET_WIDTH 505.0 /* of the text; 1/72 inch */

enum sheet_style { STYLE_TITLE, STYLE_HEADING, STYLE_SUBHEADING, STYLE_BODY, STYLE_CELL, STYLE_CELL_HEAD, STYLE_CODE, STYLE_FOOT, STYLE_COUNT };

struct sheet;

/* Writes PDF into `out`. pages: how many there will be, for the feet (0: only counted). foot: at the left of each. */
struct sheet *sheet_new(struct buf *out, int pages, const char *foot, const char *title);
/* Ends the document; *pages: how many there are. */
const struct err *sheet_end(struct sheet *s, int *pages);

/* A paragraph over the whole width. Headings enter the outline and never stand alone at a page's end. */
void sheet_text(struct sheet *s, enum sheet_style style, const char *text);
void sheet_space(struct sheet *s, double height);

/* Gives back what the libraries keep of fonts; no sheet after that. */
void sheet_forget_fonts(void);

/* --- for tables --- */
/* A layout of this width, the caller's to g_object_unref; text of any bytes is made UTF-8 first. */
PangoLayout *sheet_layout(struct sheet *s, enum sheet_style style, const char *text, double width);
double sheet_layout_height(PangoLayout *l);
bool sheet_fits(const struct sheet *s, double height);
void sheet_break(struct sheet *s);
double sheet_y(const struct sheet *s);
void sheet_advance(struct sheet *s, double height);
cairo_t *sheet_cairo(struct sheet *s);

#endif
