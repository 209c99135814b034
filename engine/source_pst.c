/*
 * PST and OST through libpst, which ends its process or crashes on damage: the reader keeps libpst's index and lets a
 * forked helper do all that looks at an item. A helper that dies costs that item; the next one is forked from the
 * index, which is still here. Requests and answers go over two pipes:
 *
 *	request   struct request
 *	answer    to ASK: struct info; to GIVE: pieces (uint32_t length, bytes), then 0 and one byte: are all parts there?
 */
#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "buf.h"
#include "fs.h"
#include "mem.h"
#include "pst_flags.h"
#include "pst_map.h"
#include "pst_mime.h"
#include "source_kinds.h"

#include "banned.h"

#define ITEM_SECONDS 300
#define DEPTH_MAX 100
#define PIECE (64u << 10)
#define TEXT 512

enum op { ASK, GIVE };
enum what { NOTHING, FOLDER, MAIL, CONTACT, APPOINTMENT, JOURNAL, STORE, OTHER, WHATS };

struct request {
	enum op op;
	pst_desc_tree *d; /* the same address in the helper */
};

struct info {
	enum what what;
	int64_t date;
	uint32_t flags;
	int32_t items;    /* of a folder: what it says it holds */
	char text[TEXT];  /* a folder's name, an item's subject */
	char class[64];
};

struct pst {
	struct source *s;
	pst_file file;
	bool opened;
	pst_desc_tree **item; /* by source_msg.at */
	size_t n, cap;
	pid_t helper;
	int to, from; /* the helper's pipes */
	uint64_t count[WHATS];
	struct pst_map *map;
	char *piece;
};

/* --- the helper --- */

static void copy_text(char *out, size_t size, pst_item *item, pst_string *s)
{
	size_t n;

	out[0] = '\0';
	if (s->str == NULL)
		return;
	pst_convert_utf8(item, s);
	n = strlen(s->str);
	if (n >= size)
		for (n = size - 1; n > 0 && ((unsigned char)s->str[n] & 0xc0) == 0x80;)
			n--;
	memcpy(out, s->str, n);
	out[n] = '\0';
}

static bool is_mail(const pst_item *item)
{
	return item->email != NULL && (item->type == PST_TYPE_NOTE || item->type == PST_TYPE_SCHEDULE ||
		item->type == PST_TYPE_REPORT);
}

static enum what what_is(const pst_item *item)
{
	if (item->folder != NULL && item->file_as.str != NULL)
		return FOLDER;
	if (item->contact != NULL && item->type == PST_TYPE_CONTACT)
		return CONTACT;
	if (is_mail(item))
		return MAIL;
	if (item->journal != NULL && item->type == PST_TYPE_JOURNAL)
		return JOURNAL;
	if (item->appointment != NULL && item->type == PST_TYPE_APPOINTMENT)
		return APPOINTMENT;
	return item->message_store != NULL ? STORE : OTHER;
}

static void describe(pst_item *item, struct info *i)
{
	i->what = what_is(item);
	i->date = INT64_MIN;
	if (item->folder != NULL)
		i->items = item->folder->item_count;
	copy_text(i->text, sizeof(i->text), item, i->what == FOLDER ? &item->file_as : &item->subject);
	if (item->ascii_type != NULL)
		memcpy(i->class, item->ascii_type, strnlen(item->ascii_type, sizeof(i->class) - 1));
	if (i->what != MAIL)
		return;
	i->date = pst_mime_time(item->email->arrival_date);
	if (i->date == INT64_MIN)
		i->date = pst_mime_time(item->email->sent_date);
	if (i->date == INT64_MIN)
		i->date = pst_mime_time(item->create_date);
	i->flags = (item->flags & PST_FLAG_READ ? SOURCE_SEEN : 0) | (item->flags & PST_FLAG_UNSENT ? SOURCE_DRAFT : 0);
}

struct sending {
	int fd;
	struct buf out;
};

static void send_out(struct sending *s)
{
	uint32_t n = (uint32_t)s->out.len;

	if (n > 0 && (fs_write_all(s->fd, &n, sizeof(n)) != NULL || fs_write_all(s->fd, s->out.ptr, n) != NULL))
		_exit(0);
	buf_reset(&s->out);
}

static void on_bytes(void *arg, const void *p, size_t n)
{
	struct sending *s = arg;

	while (n > 0) {
		size_t k = PIECE - s->out.len < n ? PIECE - s->out.len : n;

		buf_add(&s->out, p, k);
		p = (const char *)p + k;
		n -= k;
		if (s->out.len == PIECE)
			send_out(s);
	}
}

static void give(struct pst *p, pst_item *item, uint64_t id, int fd)
{
	struct sending s = {.fd = fd, .out = BUF_INIT};
	struct pst_mime_end end = pst_mime_write(&p->file, item, id, on_bytes, &s);
	uint32_t none = 0;

	send_out(&s);
	if (fs_write_all(fd, &none, sizeof(none)) != NULL || fs_write_all(fd, &end, sizeof(end)) != NULL)
		_exit(0);
	buf_free(&s.out);
}

static bool read_all(int fd, void *p, size_t n)
{
	char *at = p;

	while (n > 0) {
		ssize_t k = read(fd, at, n);

		if (k < 0 && errno == EINTR)
			continue;
		if (k <= 0)
			return false;
		at += k;
		n -= (size_t)k;
	}
	return true;
}

static void helper(struct pst *p, int in, int out)
{
	struct request r;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (pst_reopen(&p->file) != 0)
		_exit(1);
	while (read_all(in, &r, sizeof(r))) {
		struct info i = {.what = NOTHING};
		pst_item *item;

		alarm(ITEM_SECONDS); /* a damaged item may have no end */
		item = pst_parse_item(&p->file, r.d, NULL);
		if (r.op == ASK) {
			if (item != NULL)
				describe(item, &i);
			if (i.what == MAIL)
				i.flags |= pst_flags(&p->file, r.d->desc->i_id);
			if (fs_write_all(out, &i, sizeof(i)) != NULL)
				break;
		} else if (item == NULL || !is_mail(item)) {
			break; /* it was mail when it was asked about */
		} else {
			give(p, item, r.d->d_id, out);
		}
		if (item != NULL)
			pst_freeItem(item);
		alarm(0);
	}
	_exit(0);
}

static void end_helper(struct pst *p)
{
	if (p->helper <= 0)
		return;
	close(p->to);
	close(p->from);
	kill(p->helper, SIGKILL);
	while (waitpid(p->helper, NULL, 0) < 0 && errno == EINTR)
		;
	p->helper = 0;
}

static bool ask(struct pst *p, enum op op, pst_desc_tree *d)
{
	struct request r;
	int in[2], out[2];

	memset(&r, 0, sizeof(r));
	r.op = op;
	r.d = d;
	if (p->helper <= 0) {
		if (pipe2(in, O_CLOEXEC) != 0)
			return false;
		if (pipe2(out, O_CLOEXEC) != 0) {
			close(in[0]);
			close(in[1]);
			return false;
		}
		p->helper = fork();
		if (p->helper == 0) {
			close(in[1]);
			close(out[0]);
			helper(p, in[0], out[1]);
		}
		close(in[0]);
		close(out[1]);
		p->to = in[1];
		p->from = out[0];
		if (p->helper < 0) {
			close(p->to);
			close(p->from);
			return false;
		}
	}
	return fs_write_all(p->to, &r, sizeof(r)) == NULL;
}

/* False: the helper died of it. */
static bool ask_info(struct pst *p, pst_desc_tree *d, struct info *i)
{
	if (ask(p, ASK, d) && read_all(p->from, i, sizeof(*i))) {
		i->text[sizeof(i->text) - 1] = i->class[sizeof(i->class) - 1] = '\0';
		return true;
	}
	end_helper(p);
	return false;
}

/* --- the index --- */

static void add_item(struct pst *p, size_t folder, pst_desc_tree *d, const struct info *i, uint32_t flags)
{
	struct source_msg *m = source_add(p->s, folder);

	if (p->n == p->cap) {
		p->cap = p->cap * 2 + 256;
		p->item = xreallocarray(p->item, p->cap, sizeof(*p->item));
	}
	m->at = p->n;
	p->item[p->n++] = d;
	m->raw = d->d_id;
	m->size = d->desc != NULL ? d->desc->size : 0; /* for progress only */
	m->date = i->date == INT64_MIN ? 0 : i->date;
	m->flags = i->flags | flags | SOURCE_DATED;
}

/* *folder: its index, or -1 while it has no message: folders of contacts alone are not made. */
static void on_item(struct pst *p, const char *name, long *folder, pst_desc_tree *d, const struct info *i)
{
	if (*folder < 0 && (i->what == MAIL || i->what == NOTHING))
		*folder = (long)source_folder(p->s, name);

	p->count[i->what < WHATS ? i->what : OTHER]++;
	if (pst_map_touched(p->map, (uint32_t)d->d_id) && i->what != NOTHING)
		source_say(p->s, SOURCE_DAMAGE, name, "item %llx \"%s\" lies on damage: parts of it may be lost or altered",
			(unsigned long long)d->d_id, i->text);
	if (i->what == MAIL)
		add_item(p, (size_t)*folder, d, i, 0);
	else if (i->what == OTHER)
		source_say(p->s, SOURCE_OMITTED, name, "item %llx (%s) \"%s\" is no mail", (unsigned long long)d->d_id,
			i->class[0] != '\0' ? i->class : "of no class", i->text);
	else if (i->what == NOTHING) {
		add_item(p, (size_t)*folder, d, i, SOURCE_BROKEN);
		source_say(p->s, SOURCE_DAMAGE, name, "item %llx cannot be read", (unsigned long long)d->d_id);
	}
}

static void walk(struct pst *p, pst_desc_tree *first, const char *path, int depth);

static void on_folder(struct pst *p, pst_desc_tree *d, const char *path, const struct info *i, int depth)
{
	struct buf name = BUF_INIT;

	if (pst_map_touched(p->map, (uint32_t)d->d_id))
		source_say(p->s, SOURCE_DAMAGE, i->text, "the folder's own data (%llx) lie on damage", (unsigned long long)d->d_id);
	buf_adds(&name, path);
	if (name.len > 0)
		buf_addc(&name, '/');
	source_level(&name, i->text, strlen(i->text));
	walk(p, d->child, name.ptr, depth + 1);
	buf_free(&name);
}

static void walk(struct pst *p, pst_desc_tree *first, const char *path, int depth)
{
	long folder = -1;

	if (depth > DEPTH_MAX) {
		source_say(p->s, SOURCE_DAMAGE, path, "folders deeper than %d", DEPTH_MAX);
		return;
	}
	for (pst_desc_tree *d = first; d != NULL; d = d->next) {
		struct info i = {.what = NOTHING, .date = INT64_MIN};

		source_say(p->s, SOURCE_PROGRESS, NULL, "%zu items", p->n);
		if (d->desc == NULL && d->child == NULL)
			continue; /* a node without data: free space of the tree */
		if (d->desc != NULL && !ask_info(p, d, &i))
			i = (struct info){.what = NOTHING, .date = INT64_MIN};
		if (i.what == FOLDER) {
			on_folder(p, d, path, &i, depth);
			continue;
		}
		if (i.what == NOTHING && d->child != NULL) { /* a folder whose name is lost: what is in it is not */
			source_say(p->s, SOURCE_DAMAGE, path, "folder %llx cannot be read; what is in it goes to a folder of that name",
				(unsigned long long)d->d_id);
			snprintf(i.text, sizeof(i.text), "folder %llx", (unsigned long long)d->d_id);
			on_folder(p, d, path, &i, depth);
			continue;
		}
		on_item(p, path[0] != '\0' ? path : "INBOX", &folder, d, &i);
	}
}

static void tell_others(struct pst *p)
{
	static const char *const names[WHATS] = {[CONTACT] = "contacts", [APPOINTMENT] = "appointments",
		[JOURNAL] = "journal entries"};

	for (int i = 0; i < WHATS; i++)
		if (names[i] != NULL && p->count[i] > 0)
			source_say(p->s, SOURCE_OMITTED, NULL, "%llu %s: no mail", (unsigned long long)p->count[i], names[i]);
}

static void on_crash(int sig)
{
	static const char bye[] = "* BYE [DESKERR source.damaged] the index of the PST is damaged: libpst cannot read it\r\n";

	(void)sig;
	if (write(STDIN_FILENO, bye, sizeof(bye) - 1) < 0)
		_exit(2);
	_exit(1);
}

static bool in_libpst;

static void on_exit_of_libpst(void)
{
	if (in_libpst)
		on_crash(0);
}

static const struct err *load(struct pst *p, const char *path, pst_desc_tree **top)
{
	pst_item *root;

	if (pst_open(&p->file, path, "utf-8") != 0)
		return err_new(ERR_SOURCE_DAMAGED, "%s: no PST that can be read", path);
	p->opened = true;
	if (pst_load_index(&p->file) != 0)
		return err_new(ERR_SOURCE_DAMAGED, "%s: the index of the PST cannot be read", path);
	pst_load_extended_attributes(&p->file);
	root = p->file.d_head != NULL ? pst_parse_item(&p->file, p->file.d_head, NULL) : NULL;
	if (root == NULL || root->message_store == NULL)
		return err_new(ERR_SOURCE_DAMAGED, "%s: the root of the PST cannot be read: folders are not known", path);
	*top = pst_getTopOfFolders(&p->file, root);
	pst_freeItem(root);
	if (*top == NULL)
		return err_new(ERR_SOURCE_DAMAGED, "%s: the top of the folders is not to be found", path);
	return NULL;
}

static void on_map(void *arg, enum pst_map_kind kind, const char *text)
{
	static const enum source_note notes[] = {SOURCE_DAMAGE, SOURCE_OMITTED, SOURCE_PROGRESS};

	source_say(arg, notes[kind], NULL, "%s", text);
}

static const struct err *make_map(struct pst *p, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	const struct err *e = NULL;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) != 0)
		e = err_errno("%s", path);
	else
		e = err_wrap(pst_map_new(&p->map, fd, (uint64_t)st.st_size, on_map, p->s), "%s", path);
	if (fd >= 0)
		close(fd);
	return e;
}

static void on_unseen(void *arg, uint32_t nid, uint32_t parent)
{
	source_say(arg, SOURCE_DAMAGE, NULL, "%s %x (of folder %x) lies on damage and cannot be reached",
		(nid & 0x1f) == 2 ? "folder" : "item", nid, parent);
}

static const struct err *pst_source_open(struct source *s, const char *path)
{
	const int fatal[] = {SIGSEGV, SIGBUS, SIGFPE, SIGABRT, SIGILL};
	struct pst *p = xcalloc(1, sizeof(*p));
	pst_desc_tree *top = NULL;
	const struct err *e;

	s->priv = p;
	p->s = s;
	p->piece = xmalloc(PIECE);
	e = make_map(p, path);
	if (e != NULL)
		return e;
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		signal(fatal[i], on_crash);
	in_libpst = true;
	atexit(on_exit_of_libpst);
	e = load(p, path, &top);
	in_libpst = false;
	for (size_t i = 0; i < sizeof(fatal) / sizeof(fatal[0]); i++)
		signal(fatal[i], SIG_DFL);
	if (e != NULL)
		return e;
	walk(p, top->child, "", 0);
	tell_others(p);
	pst_map_unseen(p->map, on_unseen, s);
	return NULL;
}

static const struct err *pst_source_read(struct source *s, const struct source_folder *f, const struct source_msg *m,
	source_sink *sink, void *arg)
{
	struct pst *p = s->priv;
	pst_desc_tree *d = p->item[m->at];
	bool more = true;
	uint32_t n = 1;
	struct pst_mime_end end;

	(void)f;
	if (!ask(p, GIVE, d))
		goto dead;
	while (read_all(p->from, &n, sizeof(n)) && n > 0) {
		if (n > PIECE || !read_all(p->from, p->piece, n))
			goto dead;
		more = more && sink(arg, p->piece, n);
	}
	if (n != 0 || !read_all(p->from, &end, sizeof(end)))
		goto dead;
	if (end.lost)
		source_say(s, SOURCE_DAMAGE, f->name, "item %llx: an attachment of it cannot be read", (unsigned long long)d->d_id);
	if (end.no_mail > 0)
		source_say(s, SOURCE_OMITTED, f->name, "item %llx: %u of its attachments are items of Outlook that are no mail",
			(unsigned long long)d->d_id, end.no_mail);
	return NULL;
dead:
	end_helper(p);
	return err_new(ERR_SOURCE_DAMAGED, "item %llx of folder \"%s\" cannot be read: libpst fails on it",
		(unsigned long long)d->d_id, f->name);
}

static void pst_source_close(struct source *s)
{
	struct pst *p = s->priv;

	end_helper(p);
	if (p->opened)
		pst_close(&p->file);
	pst_map_free(p->map);
	free(p->item);
	free(p->piece);
	free(p);
}

static void prepare(void)
{
	setlocale(LC_ALL, "C.UTF-8");
	signal(SIGPIPE, SIG_IGN);
	pst_mime_prepare();
}

const struct source_kind source_pst = {"pst", false, prepare, pst_source_open, pst_source_read, pst_source_close};
