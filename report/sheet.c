#include "sheet.h"

#include <cairo-pdf.h>
#include <fontconfig/fontconfig.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "words.h"

#include "banned.h"

#define PAGE_WIDTH 595.28 /* A4 */
#define PAGE_HEIGHT 841.89
#define TOP 45.0
#define BOTTOM 60.0
#define KEEP 60.0 /* what must fit below a heading */

static const struct {
	const char *font;
	double before, after, grey;
} styles[STYLE_COUNT] = {
	[STYLE_TITLE] = {"DejaVu Sans Bold 18", 0, 10, 0},
	[STYLE_HEADING] = {"DejaVu Sans Bold 12", 16, 5, 0},
	[STYLE_SUBHEADING] = {"DejaVu Sans Bold 9", 9, 3, 0},
	[STYLE_BODY] = {"DejaVu Sans 8.5", 0, 3, 0},
	[STYLE_CELL] = {"DejaVu Sans 7", 0, 0, 0},
	[STYLE_CELL_HEAD] = {"DejaVu Sans Bold 7", 0, 0, 0},
	[STYLE_CODE] = {"DejaVu Sans Mono 8", 0, 3, 0},
	[STYLE_FOOT] = {"DejaVu Sans 6.5", 0, 0, 0.35},
};

struct sheet {
	cairo_surface_t *surface;
	cairo_t *cr;
	char *foot;
	double y;
	int page, pages;
	bool fresh; /* nothing on this page yet */
};

static cairo_status_t write_bytes(void *arg, const unsigned char *p, unsigned int n)
{
	buf_add(arg, p, n);
	return CAIRO_STATUS_SUCCESS;
}

struct sheet *sheet_new(struct buf *out, int pages, const char *foot, const char *title)
{
	struct sheet *s = xcalloc(1, sizeof(*s));

	s->surface = cairo_pdf_surface_create_for_stream(write_bytes, out, PAGE_WIDTH, PAGE_HEIGHT);
	/* attach.c reads the cross-reference table that this version has */
	cairo_pdf_surface_restrict_to_version(s->surface, CAIRO_PDF_VERSION_1_4);
	cairo_pdf_surface_set_metadata(s->surface, CAIRO_PDF_METADATA_TITLE, title);
	cairo_pdf_surface_set_metadata(s->surface, CAIRO_PDF_METADATA_CREATOR, "Desk Migration " PACKAGE_VERSION);
	s->cr = cairo_create(s->surface);
	s->foot = xstrdup(foot);
	s->pages = pages;
	s->page = 1;
	s->y = TOP;
	s->fresh = true;
	return s;
}

cairo_t *sheet_cairo(struct sheet *s)
{
	return s->cr;
}

PangoLayout *sheet_layout(struct sheet *s, enum sheet_style style, const char *text, double width)
{
	PangoLayout *l = pango_cairo_create_layout(s->cr);
	PangoFontDescription *font = pango_font_description_from_string(styles[style].font);
	PangoAttrList *plain;
	char *clean = g_utf8_make_valid(text, -1);

	/* a unit is a point; no ligatures: what is copied out of the document must be what was written */
	pango_cairo_context_set_resolution(pango_layout_get_context(l), 72);
	pango_layout_context_changed(l);
	plain = pango_attr_list_new();
	pango_attr_list_insert(plain, pango_attr_font_features_new("liga=0, clig=0"));
	pango_layout_set_attributes(l, plain);
	pango_attr_list_unref(plain);
	/* a cell is one paragraph: mail may hold any control character */
	for (char *p = clean; *p != '\0'; p++)
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			*p = ' ';
	pango_layout_set_font_description(l, font);
	pango_layout_set_width(l, (int)(width * PANGO_SCALE));
	pango_layout_set_wrap(l, PANGO_WRAP_WORD_CHAR);
	pango_layout_set_text(l, clean, -1);
	pango_font_description_free(font);
	g_free(clean);
	return l;
}

double sheet_layout_height(PangoLayout *l)
{
	int height;

	pango_layout_get_size(l, NULL, &height);
	return (double)height / PANGO_SCALE;
}

bool sheet_fits(const struct sheet *s, double height)
{
	return s->fresh || s->y + height <= PAGE_HEIGHT - BOTTOM;
}

static void show(struct sheet *s, PangoLayout *l, enum sheet_style style, double x, double y)
{
	cairo_set_source_rgb(s->cr, styles[style].grey, styles[style].grey, styles[style].grey);
	cairo_move_to(s->cr, x, y);
	pango_cairo_show_layout(s->cr, l);
}

static void draw_foot(struct sheet *s)
{
	char page[16], pages[16], *text;
	PangoLayout *l = sheet_layout(s, STYLE_FOOT, s->foot, SHEET_WIDTH - 90);

	cairo_set_source_rgb(s->cr, 0.7, 0.7, 0.7);
	cairo_set_line_width(s->cr, 0.5);
	cairo_move_to(s->cr, SHEET_LEFT, PAGE_HEIGHT - BOTTOM + 12);
	cairo_line_to(s->cr, SHEET_LEFT + SHEET_WIDTH, PAGE_HEIGHT - BOTTOM + 12);
	cairo_stroke(s->cr);
	show(s, l, STYLE_FOOT, SHEET_LEFT, PAGE_HEIGHT - BOTTOM + 17);
	g_object_unref(l);
	snprintf(page, sizeof(page), "%d", s->page);
	snprintf(pages, sizeof(pages), "%d", s->pages);
	text = words_fill(W_PAGE, (const char *[]){page, pages, NULL});
	l = sheet_layout(s, STYLE_FOOT, text, 85);
	free(text);
	pango_layout_set_alignment(l, PANGO_ALIGN_RIGHT);
	show(s, l, STYLE_FOOT, SHEET_LEFT + SHEET_WIDTH - 85, PAGE_HEIGHT - BOTTOM + 17);
	g_object_unref(l);
}

void sheet_break(struct sheet *s)
{
	draw_foot(s);
	cairo_show_page(s->cr);
	s->page++;
	s->y = TOP;
	s->fresh = true;
}

double sheet_y(const struct sheet *s)
{
	return s->y;
}

void sheet_advance(struct sheet *s, double height)
{
	s->y += height;
	s->fresh = false;
}

void sheet_space(struct sheet *s, double height)
{
	if (!s->fresh)
		s->y += height;
}

static void outline(struct sheet *s, const char *text)
{
	char where[64];

	snprintf(where, sizeof(where), "page=%d pos=[%d %d]", s->page, (int)SHEET_LEFT, (int)s->y);
	cairo_pdf_surface_add_outline(s->surface, CAIRO_PDF_OUTLINE_ROOT, text, where, CAIRO_PDF_OUTLINE_FLAG_OPEN);
}

void sheet_text(struct sheet *s, enum sheet_style style, const char *text)
{
	PangoLayout *l = sheet_layout(s, style, text, SHEET_WIDTH);
	double height = sheet_layout_height(l);
	bool heading = style == STYLE_HEADING || style == STYLE_SUBHEADING;

	sheet_space(s, styles[style].before);
	if (!sheet_fits(s, height + (heading ? KEEP : 0)))
		sheet_break(s);
	if (style == STYLE_HEADING)
		outline(s, pango_layout_get_text(l));
	show(s, l, style, SHEET_LEFT, s->y);
	sheet_advance(s, height + styles[style].after);
	g_object_unref(l);
}

const struct err *sheet_end(struct sheet *s, int *pages)
{
	cairo_status_t status;

	draw_foot(s);
	cairo_show_page(s->cr);
	*pages = s->page;
	cairo_surface_finish(s->surface);
	status = cairo_status(s->cr);
	if (status == CAIRO_STATUS_SUCCESS)
		status = cairo_surface_status(s->surface);
	cairo_destroy(s->cr);
	cairo_surface_destroy(s->surface);
	free(s->foot);
	free(s);
	return status == CAIRO_STATUS_SUCCESS ? NULL : err_new(ERR_INTERNAL, "cairo: %s", cairo_status_to_string(status));
}

void sheet_forget_fonts(void)
{
	pango_cairo_font_map_set_default(NULL);
	cairo_debug_reset_static_data();
	FcFini();
}
