#include "terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include "buf.h"
#include "fs.h"
#include "mem.h"

#include "banned.h"

#define LINE_MAX_BYTES 4000 /* of the kernel's 4096 for a line */
#define SEEN_MAX 4096

struct terminal {
	int ours, theirs; /* theirs stays open: the program may open its own late and close it early */
	char *prompt, *secret; /* secret: NULL once it was typed */
	size_t len;
	struct buf seen;
};

/* Every byte of a secret is itself: no signals, no editing, no flow control; a line ends with a line feed. */
static const struct err *plain(int fd)
{
	struct termios t;

	if (tcgetattr(fd, &t) != 0)
		return err_errno("tcgetattr");
	t.c_iflag &= (tcflag_t) ~(BRKINT | ICRNL | IGNCR | INLCR | ISTRIP | IXON | IXOFF | IUCLC);
	t.c_lflag &= (tcflag_t) ~(ISIG | IEXTEN | ECHO | ECHOE | ECHOK | ECHONL);
	t.c_lflag |= ICANON;
	for (size_t i = 0; i < sizeof(t.c_cc); i++)
		t.c_cc[i] = _POSIX_VDISABLE;
	return tcsetattr(fd, TCSANOW, &t) != 0 ? err_errno("tcsetattr") : NULL;
}

static const struct err *open_pair(struct terminal *t)
{
	char name[128];

	t->ours = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (t->ours < 0)
		return err_errno("open a terminal");
	if (grantpt(t->ours) != 0 || unlockpt(t->ours) != 0 || ptsname_r(t->ours, name, sizeof(name)) != 0)
		return err_errno("prepare a terminal");
	t->theirs = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
	if (t->theirs < 0)
		return err_errno("open %s", name);
	if (fcntl(t->ours, F_SETFL, O_NONBLOCK) != 0)
		return err_errno("fcntl");
	return plain(t->theirs);
}

const struct err *terminal_open(struct terminal **out, const char *prompt, const char *secret, size_t len)
{
	struct terminal *t;
	const struct err *e;

	*out = NULL;
	if (len > LINE_MAX_BYTES || memchr(secret, '\n', len) != NULL || memchr(secret, '\0', len) != NULL)
		return err_new(ERR_UNSUPPORTED,
			"this tool asks for its password on a terminal: one with a line end, or over %d bytes, cannot be given",
			LINE_MAX_BYTES);
	t = xcalloc(1, sizeof(*t));
	t->ours = t->theirs = -1;
	buf_init(&t->seen);
	t->prompt = xstrdup(prompt);
	e = open_pair(t);
	if (e == NULL && sodium_init() < 0)
		e = err_new(ERR_INTERNAL, "sodium_init");
	if (e == NULL && (t->secret = sodium_malloc(len + 1)) == NULL)
		e = err_new(ERR_INTERNAL, "no locked memory for a secret");
	if (e != NULL) {
		terminal_free(t);
		return e;
	}
	memcpy(t->secret, secret, len);
	t->secret[len] = '\n';
	t->len = len + 1;
	*out = t;
	return NULL;
}

void terminal_free(struct terminal *t)
{
	if (t == NULL)
		return;
	if (t->ours >= 0)
		close(t->ours);
	if (t->theirs >= 0)
		close(t->theirs);
	sodium_free(t->secret);
	buf_free(&t->seen);
	free(t->prompt);
	free(t);
}

int terminal_fd(const struct terminal *t)
{
	return t->ours;
}

bool terminal_take(const struct terminal *t)
{
	return ioctl(t->theirs, TIOCSCTTY, 0) == 0;
}

static bool answer(struct terminal *t)
{
	const struct err *e;

	if (t->secret == NULL)
		return false; /* it asks again: what it was given is wrong */
	e = fs_write_all(t->ours, t->secret, t->len);
	sodium_free(t->secret);
	t->secret = NULL;
	buf_reset(&t->seen);
	return e == NULL;
}

bool terminal_read(struct terminal *t)
{
	char chunk[512];
	ssize_t n = read(t->ours, chunk, sizeof(chunk));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	if (n == 0)
		return false;
	if (t->seen.len > SEEN_MAX)
		buf_reset(&t->seen);
	buf_add(&t->seen, chunk, (size_t)n);
	return strstr(t->seen.ptr, t->prompt) == NULL || answer(t);
}
