#include "map_text.h"

#include <stddef.h>
#include <string.h>
#include <strings.h>

#include "buf.h"
#include "mem.h"

#include "banned.h"

#define LEVEL_MAX 200 /* bytes: file systems end at 255, with room for encodings */
#define LEVEL_SHORT 60

struct use {
	const char *role;
	const char *const *names; /* the usual ones first */
};

/* As mail programs and providers name them; case of ASCII letters does not count. */
static const char *const sent[] = {"Sent", "Sent Items", "Sent Messages", "Sent Mail", "Enviados", "Itens Enviados",
	"Itens enviados", "E-mails enviados", "Mensagens enviadas", "Elementos enviados", "Correo enviado", "Gesendet",
	"Gesendete Elemente", "Gesendete Objekte", "Envoyés", "Éléments envoyés", "Messages envoyés", "Inviata",
	"Posta inviata", "Verzonden", "Verzonden items", "Skickat", "Wysłane", "Отправленные", "已发送", "送信済み", NULL};
static const char *const drafts[] = {"Drafts", "Draft", "Rascunhos", "Rascunho", "Borradores", "Entwürfe", "Brouillons",
	"Bozze", "Concepten", "Utkast", "Szkice", "Kopie robocze", "Черновики", "草稿", "下書き", NULL};
static const char *const trash[] = {"Trash", "Deleted Items", "Deleted Messages", "Bin", "Lixeira", "Lixo",
	"Itens Excluídos", "Itens excluídos", "Itens Eliminados", "Itens eliminados", "Papelera", "Elementos eliminados",
	"Papierkorb", "Gelöschte Elemente", "Gelöschte Objekte", "Corbeille", "Éléments supprimés", "Cestino",
	"Posta eliminata", "Prullenbak", "Verwijderde items", "Papperskorgen", "Kosz", "Удаленные", "Корзина", "已删除",
	"ゴミ箱", NULL};
static const char *const junk[] = {"Junk", "Spam", "Junk E-mail", "Junk Email", "Junk Mail", "Bulk Mail", "Lixo Eletrônico",
	"Lixo eletrônico", "Lixo Eletrónico", "Correo no deseado", "Junk-E-Mail", "Unerwünscht", "Courrier indésirable",
	"Indésirables", "Pourriel", "Posta indesiderata", "Ongewenste e-mail", "Skräppost", "Спам", "Нежелательная почта",
	"垃圾邮件", "迷惑メール", NULL};
static const char *const archive[] = {"Archive", "Archives", "Arquivo", "Arquivo Morto", "Arquivados", "Archivo",
	"Archiv", "Archivio", "Archief", "Arkiv", "Archiwum", "Архив", NULL};
static const struct use uses[] = {
	{"\\Sent", sent}, {"\\Drafts", drafts}, {"\\Trash", trash}, {"\\Junk", junk}, {"\\Archive", archive}};

const char *map_role_of_name(const char *path, unsigned *rank)
{
	const char *slash = strchr(path, '/');

	/* at the top, or just below Gmail's own folder */
	if (slash != NULL && (strncasecmp(path, "[Gmail]/", 8) == 0 || strncasecmp(path, "[Google Mail]/", 14) == 0))
		path = slash + 1;
	for (size_t i = 0; i < sizeof(uses) / sizeof(uses[0]); i++)
		for (unsigned k = 0; uses[i].names[k] != NULL; k++)
			if (strcasecmp(uses[i].names[k], path) == 0) {
				*rank = k + 1;
				return uses[i].role;
			}
	return NULL;
}

uint64_t map_name_hash(const char *path)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *path != '\0'; path++)
		h = (h ^ (unsigned char)*path) * UINT64_C(1099511628211);
	return h ^ h >> 32;
}

static bool is_plain(char c, unsigned level)
{
	if ((unsigned char)c < ' ' || c == 0x7f)
		return false;
	if ((unsigned char)c >= 0xf0) /* beyond the basic plane: surrogates in modified UTF-7, which Courier refuses */
		return false;
	if (level == 1)
		return strchr("\"%*\\<>|`;{}#", c) == NULL;
	return (unsigned char)c >= 0x80 || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
	       strchr(" -_,()", c) != NULL;
}

/* Spaces at either end are hard to see and often refused; "." and ".." name other folders. */
static void add_level(struct buf *out, const char *p, size_t n, unsigned level)
{
	size_t max = level == 1 ? LEVEL_MAX : LEVEL_SHORT, start = out->len, first = 0;

	if (n > max)
		for (n = max; n > 0 && ((unsigned char)p[n] & 0xc0) == 0x80;)
			n--;
	while (first < n && p[first] == ' ')
		first++;
	while (n > first && p[n - 1] == ' ')
		n--;
	for (size_t i = first; i < n; i++) {
		bool plain = is_plain(p[i], level) && !(i == first && strchr("~#.", p[i]) != NULL);

		buf_addc(out, plain ? p[i] : '_');
		if ((unsigned char)p[i] >= 0xf0)
			while (i + 1 < n && ((unsigned char)p[i + 1] & 0xc0) == 0x80)
				i++; /* one character, one substitute */
	}
	if (out->len == start || (out->len - start == 5 && strncasecmp(out->ptr + start, "INBOX", 5) == 0))
		buf_addc(out, '_');
}

char *map_plain_name(const char *path, unsigned level)
{
	struct buf out = BUF_INIT;

	if (level >= 3) {
		buf_addf(&out, "Pasta-%08llx", (unsigned long long)map_name_hash(path) & 0xffffffff);
		return buf_detach(&out);
	}
	for (const char *p = path;; p++) {
		size_t n = strcspn(p, "/");

		add_level(&out, p, n, level);
		p += n;
		if (*p == '\0')
			break;
		buf_addc(&out, '/');
	}
	return buf_detach(&out);
}
