#include "mail_labels.h"

#include <string.h>

#include "mail_head.h"
#include "rfc2047.h"
#include "source.h"
#include "str.h"

#include "banned.h"

enum what { USER, PLACE, STARRED, UNREAD, NOTHING };

/* In the order in which places win; Takeout writes them in the account's language. */
static const struct {
	const char *label;
	enum what what;
	const char *place;
	int rank;
} rows[] = {
	{"Trash", PLACE, "Trash", 1}, {"Lixeira", PLACE, "Trash", 1}, {"Lixo", PLACE, "Trash", 1},
	{"Reciclagem", PLACE, "Trash", 1}, {"Papelera", PLACE, "Trash", 1},
	{"Spam", PLACE, "Junk", 2},
	{"Drafts", PLACE, "Drafts", 3}, {"Rascunhos", PLACE, "Drafts", 3}, {"Borradores", PLACE, "Drafts", 3},
	{"Inbox", PLACE, "INBOX", 4}, {"Caixa de entrada", PLACE, "INBOX", 4}, {"Recebidos", PLACE, "INBOX", 4},
	{"Bandeja de entrada", PLACE, "INBOX", 4}, {"Recibidos", PLACE, "INBOX", 4},
	{"Sent", PLACE, "Sent", 5}, {"Enviados", PLACE, "Sent", 5}, {"Enviadas", PLACE, "Sent", 5},
	{"Archived", PLACE, "Archive", 9}, {"Arquivados", PLACE, "Archive", 9}, {"Arquivado", PLACE, "Archive", 9},
	{"Archivados", PLACE, "Archive", 9},
	{"Starred", STARRED, NULL, 0}, {"Com estrela", STARRED, NULL, 0}, {"Destacados", STARRED, NULL, 0},
	{"Unread", UNREAD, NULL, 0}, {"Não lidos", UNREAD, NULL, 0}, {"Não lidas", UNREAD, NULL, 0},
	{"No leídos", UNREAD, NULL, 0},
	{"Opened", NOTHING, NULL, 0}, {"Abertos", NOTHING, NULL, 0}, {"Abiertos", NOTHING, NULL, 0},
	{"Important", NOTHING, NULL, 0}, {"Importante", NOTHING, NULL, 0}, {"Importantes", NOTHING, NULL, 0},
	{"Chat", NOTHING, NULL, 0},
};

#define RANK_USER 6

struct sorting {
	int rank;
	struct buf *folder, *words;
	uint32_t *flags;
};

static void place(struct sorting *s, int rank, const char *name, size_t n)
{
	if (s->rank != 0 && s->rank <= rank)
		return;
	s->rank = rank;
	buf_reset(s->folder);
	while (n > 0) { /* "Clients/Acme": two levels */
		const char *slash = memchr(name, '/', n);
		size_t k = slash != NULL ? (size_t)(slash - name) : n;

		if (s->folder->len > 0)
			buf_addc(s->folder, '/');
		source_level(s->folder, name, k);
		name += k;
		n -= k;
		if (n > 0) {
			name++;
			n--;
		}
	}
}

static void take(struct sorting *s, const char *p, size_t n)
{
	static const char *const categories[] = {"Category ", "Categoria ", "Categoría ", "IMAP_"};

	while (n > 0 && (*p == ' ' || *p == '"')) {
		p++;
		n--;
	}
	while (n > 0 && (p[n - 1] == ' ' || p[n - 1] == '"'))
		n--;
	for (size_t i = 0; i < sizeof(categories) / sizeof(categories[0]); i++)
		if (n > strlen(categories[i]) && memcmp(p, categories[i], strlen(categories[i])) == 0)
			return;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (strlen(rows[i].label) != n || memcmp(rows[i].label, p, n) != 0)
			continue;
		if (rows[i].what == PLACE)
			place(s, rows[i].rank, rows[i].place, strlen(rows[i].place));
		else if (rows[i].what == STARRED)
			*s->flags |= SOURCE_FLAGGED;
		else if (rows[i].what == UNREAD)
			*s->flags &= ~(uint32_t)SOURCE_SEEN;
		if (rows[i].rank == 3)
			*s->flags |= SOURCE_DRAFT;
		return;
	}
	if (n == 0)
		return;
	place(s, RANK_USER, p, n);
	mail_word_add(s->words, p, n);
}

void mail_labels(const char *value, size_t n, struct buf *folder, uint32_t *flags, struct buf *words)
{
	struct sorting s = {0, folder, words, flags};
	struct buf text = BUF_INIT;
	bool quoted = false;
	size_t from = 0;

	rfc2047_decode(&text, value, n, 8192);
	*flags = SOURCE_SEEN;
	for (size_t i = 0; i <= text.len; i++) {
		if (i < text.len && text.ptr[i] == '"')
			quoted = !quoted;
		if (i < text.len && (text.ptr[i] != ',' || quoted))
			continue;
		take(&s, text.ptr + from, i - from);
		from = i + 1;
	}
	if (s.rank == 0)
		place(&s, 9, "Archive", 7);
	buf_free(&text);
}
