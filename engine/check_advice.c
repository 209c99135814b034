/*
 * What the preflight's facts mean for the copy, in plain words, English and Portuguese: not failures, but what somebody
 * should know before the mail is moved. One row an advice; it is given when its finder finds something, with what it
 * found behind the words.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "check.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define FAR_MS 100
#define NAMED_MAX 8    /* folders named in one advice */
#define QUOTA_TIGHT 20 /* a twentieth of the quota */

/* Writes what it found to out; false: nothing. */
typedef bool find_fn(struct check *ck, struct buf *out);

static const struct check_side *source(const struct check *ck)
{
	return &ck->side[0];
}

static const struct check_side *dest(const struct check *ck)
{
	return &ck->side[1];
}

/* Names one folder more; false from NAMED_MAX on. */
static bool name_one(struct buf *out, unsigned *n, const char *name)
{
	if (++*n <= NAMED_MAX)
		buf_addf(out, "%s%s", *n > 1 ? ", " : "", name);
	else if (*n == NAMED_MAX + 1)
		buf_adds(out, " …");
	return *n <= NAMED_MAX;
}

/* --- folders ------------------------------------------------------------------------------------------------ */

/* The display name with '/' between levels, without the namespace's prefix. */
static char *path_of(const struct survey *s, const char *display, char sep)
{
	size_t skip = strlen(s->side.prefix);
	char *p = xstrdup(skip > 0 && strncmp(display, s->side.prefix, skip) == 0 ? display + skip : display);

	for (char *c = p; *c != '\0'; c++)
		if (*c == sep && sep != '\0')
			*c = '/';
	return p;
}

static bool find_renamed(struct check *ck, struct buf *out)
{
	const struct survey *s = &source(ck)->survey, *d = &dest(ck)->survey;
	struct map *map = NULL;
	unsigned n = 0;

	if (map_new(&map, &ck->app->opts, &s->side, &d->side) != NULL)
		return false;
	for (size_t i = 0; i < s->n; i++) {
		struct map_folder mf = survey_map_folder(&s->f[i]);
		const char *raw;
		char *here, *shown, *there, *pair;

		if (!s->f[i].selectable)
			continue;
		raw = map_name(map, &mf);
		shown = map_display(raw, strlen(raw), d->side.utf8);
		here = path_of(s, s->f[i].display, s->f[i].sep);
		there = path_of(d, shown, d->side.sep);
		if (strcmp(here, there) != 0) {
			pair = xasprintf("%s → %s", s->f[i].display, shown);
			name_one(out, &n, pair);
			free(pair);
		}
		free(there);
		free(here);
		free(shown);
	}
	map_free(map);
	return n > 0;
}

static bool find_case(struct check *ck, struct buf *out)
{
	const struct survey *s = &source(ck)->survey;
	unsigned n = 0;

	for (size_t i = 0; i < s->n; i++)
		for (size_t k = i + 1; k < s->n; k++)
			if (s->f[i].selectable && s->f[k].selectable && str_ieq(s->f[i].display, s->f[k].display)) {
				char *pair = xasprintf("%s / %s", s->f[i].display, s->f[k].display);

				name_one(out, &n, pair);
				free(pair);
			}
	return n > 0;
}

/* Folders of the same use with other names on the two sides: Enviados here, Sent there. */
static bool find_roles(struct check *ck, struct buf *out)
{
	const struct survey *s = &source(ck)->survey, *d = &dest(ck)->survey;
	unsigned n = 0;

	for (size_t i = 0; i < s->n; i++)
		for (size_t k = 0; k < d->n; k++) {
			char *here, *there;

			if (s->f[i].role == NULL || d->f[k].role == NULL || strcmp(s->f[i].role, d->f[k].role) != 0)
				continue;
			here = path_of(s, s->f[i].display, s->f[i].sep);
			there = path_of(d, d->f[k].display, d->f[k].sep);
			if (strcmp(here, there) != 0) {
				char *pair = xasprintf("%s (%s: %s)", here, s->f[i].role, there);

				name_one(out, &n, pair);
				free(pair);
			}
			free(here);
			free(there);
		}
	return n > 0;
}

/* Views of mail that other folders hold. */
static bool find_views(struct check *ck, struct buf *out)
{
	static const char *const roles[] = {"\\All", "\\Flagged", "\\Important"};
	const struct survey *s = &source(ck)->survey;
	unsigned n = 0;

	for (size_t i = 0; i < s->n; i++)
		for (size_t r = 0; r < sizeof(roles) / sizeof(roles[0]); r++)
			if (s->f[i].role != NULL && str_ieq(s->f[i].role, roles[r]) && s->f[i].messages > 0)
				name_one(out, &n, s->f[i].display);
	return n > 0;
}

static bool find_foreign(struct check *ck, struct buf *out)
{
	const struct survey *s = &source(ck)->survey;
	unsigned n = 0;

	for (size_t i = 0; i < s->nforeign; i++)
		name_one(out, &n, s->foreign[i]);
	return n > 0;
}

/* --- servers ------------------------------------------------------------------------------------------------ */

static bool find_too_large(struct check *ck, struct buf *out)
{
	if (source(ck)->too_large == 0)
		return false;
	buf_addf(out, "%" PRIu64 " (> %" PRIu64 " bytes)", source(ck)->too_large, dest(ck)->append_limit);
	return true;
}

static bool find_not_empty(struct check *ck, struct buf *out)
{
	if (dest(ck)->messages == 0)
		return false;
	buf_addf(out, "%" PRIu64, dest(ck)->messages);
	return true;
}

static bool find_tight(struct check *ck, struct buf *out)
{
	const struct check_side *d = dest(ck);
	uint64_t need = source(ck)->bytes > d->bytes ? source(ck)->bytes - d->bytes : 0;
	int64_t left;

	if (!d->has_quota || d->quota_limit - d->quota_used < (int64_t)need)
		return false;
	left = d->quota_limit - d->quota_used - (int64_t)need;
	if (left >= d->quota_limit / QUOTA_TIGHT)
		return false;
	buf_addf(out, "%" PRId64, left);
	return true;
}

static bool find_far(struct check *ck, struct buf *out)
{
	if (source(ck)->rtt_ms < FAR_MS && dest(ck)->rtt_ms < FAR_MS)
		return false;
	buf_addf(out, "%d / %d ms", (int)source(ck)->rtt_ms, (int)dest(ck)->rtt_ms);
	return true;
}

static bool find_no_uidplus(struct check *ck, struct buf *out)
{
	(void)out;
	return dest(ck)->looked && !dest(ck)->uidplus;
}

static bool find_altered(struct check *ck, struct buf *out)
{
	if (!ck->probed || ck->rung == 0)
		return false;
	buf_adds(out, ck->rung < IDENT_RUNGS ? ident_rung_name((enum ident_rung)ck->rung) : "none");
	return true;
}

static bool find_date_lost(struct check *ck, struct buf *out)
{
	(void)out;
	return ck->probed && ck->date_lost;
}

static bool find_flags_lost(struct check *ck, struct buf *out)
{
	(void)out;
	return ck->probed && ck->flags_lost;
}

static bool find_keywords_lost(struct check *ck, struct buf *out)
{
	(void)out;
	return ck->probed && ck->keywords_lost;
}

/* --- the table ---------------------------------------------------------------------------------------------- */

static const struct {
	const char *code;
	int side; /* whose matter it is */
	find_fn *find;
	const char *en, *pt;
} rows[] = {
	{"messages.too_large", 0, find_too_large,
		"Some messages are larger than the destination takes. Raise its limit, or they will go to the quarantine",
		"Há mensagens maiores do que o destino aceita. Aumente o limite lá, ou irão para a quarentena"},
	{"quota.tight", 1, find_tight,
		"Everything fits, but the mailbox will be almost full: little is left for new mail, in bytes",
		"Cabe tudo, mas a caixa fica quase cheia: sobra pouco para correio novo, em bytes"},
	{"destination.not_empty", 1, find_not_empty,
		"The destination holds messages already. They stay; what is equal is recognised and not copied again",
		"O destino já tem mensagens. Ficam lá; as que forem iguais são reconhecidas e não se copiam de novo"},
	{"folders.renamed", 0, find_renamed,
		"Some folders cannot keep their names at the destination. They will be called",
		"Há pastas que não podem manter o nome no destino. Vão chamar-se"},
	{"folders.case", 0, find_case,
		"Some folders differ in upper and lower case only. A destination that does not tell them apart will refuse one",
		"Há pastas que só diferem em maiúsculas e minúsculas. Um destino que não as distinga recusará uma delas"},
	{"folders.special", 0, find_roles,
		"Folders for the same purpose have other names at the destination, so there would be two. Use --automap to join them",
		"Pastas com a mesma função têm outro nome no destino, e ficariam duas. Use --automap para as juntar"},
	{"folders.views", 0, find_views,
		"Some folders only show mail that is in other folders: it would be copied twice. Leave them out with --exclude",
		"Há pastas que só mostram correio de outras pastas: seria copiado duas vezes. Exclua-as com --exclude"},
	{"folders.shared", 0, find_foreign,
		"Folders that others share with this account are not copied. They belong to their owners' mailboxes",
		"Pastas partilhadas por outros com esta conta não são copiadas. Pertencem às caixas dos donos"},
	{"destination.alters", 1, find_altered,
		"The destination changes messages. They will be recognised all the same, but not byte for byte",
		"O destino altera as mensagens. Serão reconhecidas na mesma, mas não byte a byte"},
	{"date.lost", 1, find_date_lost,
		"The destination does not keep the date of arrival: clients that sort by it will show a mess",
		"O destino não guarda a data de chegada: os programas que ordenam por ela mostrarão tudo trocado"},
	{"flags.lost", 1, find_flags_lost,
		"The destination does not keep flags: read messages will look unread",
		"O destino não guarda as marcas: mensagens lidas parecerão não lidas"},
	{"keywords.lost", 1, find_keywords_lost,
		"The destination does not keep keywords: coloured labels will be lost",
		"O destino não guarda palavras-chave: as etiquetas de cor perdem-se"},
	{"uidplus.missing", 1, find_no_uidplus,
		"The destination does not tell where it puts messages (no UIDPLUS): slower, and --delete-extra is not possible",
		"O destino não diz onde põe as mensagens (sem UIDPLUS): mais lento, e --delete-extra não é possível"},
	{"line.far", 0, find_far,
		"A server is far away: the first copy takes longer than its size lets expect; start it days before",
		"Um servidor está longe: a primeira cópia demora mais do que o tamanho faz crer; comece-a dias antes"},
};

static bool portuguese(const struct check *ck)
{
	return ck->app->opts.language != NULL && strcmp(ck->app->opts.language, "pt") == 0;
}

void check_advise(struct check *ck)
{
	struct buf what = BUF_INIT;
	bool any = false;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json_t *o;

		buf_reset(&what);
		if (!rows[i].find(ck, &what))
			continue;
		o = json_pack("{ss ss ss ss}", "side", ck->side[rows[i].side].ep->side, "code", rows[i].code, "message", rows[i].en,
			"message_pt", rows[i].pt);
		event_name(o, "detail", what.ptr, what.len);
		event(ck->app->events, "advice", o);
		if (!any)
			printf("\n%s\n", portuguese(ck) ? "O que convém saber antes de copiar:" : "What to know before the copy:");
		any = true;
		printf("- %s%s%s.\n", portuguese(ck) ? rows[i].pt : rows[i].en, what.len > 0 ? ": " : "", what.ptr);
	}
	buf_free(&what);
}

void check_remedy(const struct check *ck, const struct err *e)
{
	const struct err_row *row = err_row(e->id);

	printf("%-11s  %s. %s\n", "", portuguese(ck) ? row->pt : row->en, portuguese(ck) ? row->remedy_pt : row->remedy_en);
}
