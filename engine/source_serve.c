#include "source_serve.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "imap_utf7.h"
#include "serve.h"
#include "str.h"

#include "banned.h"

#define LINE_MAX_ 65536
#define CAPABILITIES "IMAP4rev1 LITERAL+ LIST-EXTENDED LIST-STATUS SPECIAL-USE STATUS=SIZE UNSELECT"

/* --- folders --- */

static void put_status(struct serve *sv, const struct source_folder *f)
{
	buf_adds(&sv->out, "* STATUS ");
	serve_name(sv, f->name);
	buf_addf(&sv->out, " (MESSAGES %u UIDNEXT %u UIDVALIDITY %u SIZE %" PRIu64 ")\r\n", f->n, f->n + 1, f->uidvalidity,
		f->bytes);
}

static void do_list(struct serve *sv, const char *tag, const char *args)
{
	bool status = strstr(args, "STATUS") != NULL;

	for (size_t i = 0; i < sv->src.nf; i++) {
		const struct source_folder *f = &sv->src.f[i];

		buf_addf(&sv->out, "* LIST (\\Subscribed%s%s) \"/\" ", f->role != NULL ? " " : "", f->role != NULL ? f->role : "");
		serve_name(sv, f->name);
		buf_adds(&sv->out, "\r\n");
		if (status)
			put_status(sv, f);
	}
	buf_addf(&sv->out, "%s OK done\r\n", tag);
}

static void do_lsub(struct serve *sv, const char *tag)
{
	for (size_t i = 0; i < sv->src.nf; i++) {
		buf_adds(&sv->out, "* LSUB () \"/\" ");
		serve_name(sv, sv->src.f[i].name);
		buf_adds(&sv->out, "\r\n");
	}
	buf_addf(&sv->out, "%s OK done\r\n", tag);
}

/* The folder named by a quoted string or an atom; *rest: what follows. */
static struct source_folder *named(struct serve *sv, const char *args, const char **rest)
{
	struct buf raw = BUF_INIT, name = BUF_INIT;
	struct source_folder *found = NULL;

	if (*args == '"') {
		for (args++; *args != '\0' && *args != '"'; args++) {
			if (*args == '\\' && args[1] != '\0')
				args++;
			buf_addc(&raw, *args);
		}
		args += *args == '"';
	} else {
		buf_add(&raw, args, strcspn(args, " "));
		args += raw.len;
	}
	*rest = args;
	if (utf7_decode(&name, raw.ptr, raw.len))
		for (size_t i = 0; i < sv->src.nf && found == NULL; i++)
			if (strcmp(sv->src.f[i].name, name.ptr) == 0 ||
				(str_ieq(name.ptr, "INBOX") && str_ieq(sv->src.f[i].name, "INBOX")))
				found = &sv->src.f[i];
	buf_free(&raw);
	buf_free(&name);
	return found;
}

static void do_status(struct serve *sv, const char *tag, const char *args)
{
	const char *rest;
	struct source_folder *f = named(sv, args, &rest);

	if (f != NULL)
		put_status(sv, f);
	buf_addf(&sv->out, f != NULL ? "%s OK done\r\n" : "%s NO no such folder\r\n", tag);
}

static void do_examine(struct serve *sv, const char *tag, const char *args)
{
	const char *rest;

	sv->open = named(sv, args, &rest);
	if (sv->open == NULL) {
		buf_addf(&sv->out, "%s NO no such folder\r\n", tag);
		return;
	}
	buf_addf(&sv->out, "* %u EXISTS\r\n* OK [UIDVALIDITY %u] .\r\n* OK [UIDNEXT %u] .\r\n%s OK [READ-ONLY] done\r\n",
		sv->open->n, sv->open->uidvalidity, sv->open->n + 1, tag);
}

/* --- commands --- */

char *serve_word(char **at)
{
	char *p = *at + strspn(*at, " "), *end = p + strcspn(p, " ");

	*at = end + (*end != '\0');
	*end = '\0';
	return p;
}

static void do_logout(struct serve *sv, const char *tag)
{
	buf_addf(&sv->out, "* BYE done\r\n%s OK done\r\n", tag);
	sv->over = true;
}

static void command(struct serve *sv, char *line)
{
	char *tag = serve_word(&line), *verb = serve_word(&line);
	bool uid = str_ieq(verb, "UID");

	if (uid)
		verb = serve_word(&line);
	if (str_ieq(verb, "FETCH"))
		serve_fetch(sv, tag, line);
	else if (str_ieq(verb, "SEARCH"))
		serve_search(sv, tag, line);
	else if (str_ieq(verb, "LIST"))
		do_list(sv, tag, line);
	else if (str_ieq(verb, "LSUB"))
		do_lsub(sv, tag);
	else if (str_ieq(verb, "STATUS"))
		do_status(sv, tag, line);
	else if (str_ieq(verb, "EXAMINE") || str_ieq(verb, "SELECT"))
		do_examine(sv, tag, line);
	else if (str_ieq(verb, "CAPABILITY"))
		buf_addf(&sv->out, "* CAPABILITY " CAPABILITIES "\r\n%s OK done\r\n", tag);
	else if (str_ieq(verb, "LOGOUT"))
		do_logout(sv, tag);
	else if (str_ieq(verb, "NOOP") || str_ieq(verb, "UNSELECT") || str_ieq(verb, "CLOSE"))
		buf_addf(&sv->out, "%s OK done\r\n", tag);
	else
		buf_addf(&sv->out, "%s BAD a file cannot do this\r\n", tag);
}

/* The next line without its end; NULL: the peer has gone. */
static char *next_line(struct serve *sv)
{
	for (;;) {
		char *from = sv->in.ptr + sv->in_at, *lf = memchr(from, '\n', sv->in.len - sv->in_at);
		ssize_t n;

		if (lf != NULL) {
			sv->in_at += (size_t)(lf + 1 - from);
			*lf = '\0';
			if (lf > from && lf[-1] == '\r')
				lf[-1] = '\0';
			return from;
		}
		serve_flush(sv); /* before waiting */
		buf_consume(&sv->in, sv->in_at);
		sv->in_at = 0;
		if (sv->in.len > LINE_MAX_)
			return NULL;
		buf_reserve(&sv->in, 8192);
		do
			n = read(sv->fd, sv->in.ptr + sv->in.len, 8000);
		while (n < 0 && errno == EINTR);
		if (n <= 0)
			return NULL;
		sv->in.len += (size_t)n;
		sv->in.ptr[sv->in.len] = '\0';
	}
}

void source_serve(int fd, const struct source_kind *kind, const char *path, bool landlock)
{
	struct serve sv = {.fd = fd, .out = BUF_INIT, .in = BUF_INIT};
	const struct err *e;
	char *line;

	source_init(&sv.src, kind, serve_note, &sv);
	buf_adds(&sv.out, "* PREAUTH [CAPABILITY " CAPABILITIES "] a file\r\n");
	if (!landlock)
		source_say(&sv.src, SOURCE_OMITTED, NULL, "this kernel has no Landlock: the reader of the file is held by "
			"seccomp alone and could read other files of this user");
	serve_flush(&sv);
	e = source_open(&sv.src, path);
	if (e != NULL) {
		buf_addf(&sv.out, "* BYE [DESKERR %s] ", err_code(e));
		serve_text(&sv, e->msg);
	} else {
		for (size_t i = 0; i < sv.src.nf && sv.src.turn > 0; i++)
			serve_turns(&sv, &sv.src.f[i]);
		while (!sv.over && (line = next_line(&sv)) != NULL)
			command(&sv, line);
	}
	serve_flush(&sv);
	source_free(&sv.src);
	buf_free(&sv.out);
	buf_free(&sv.in);
}
