#include "upload_log.h"

#include <stdio.h>
#include <string.h>

#include "imapsync_log.h"
#include "str.h"

#include "banned.h"

static bool number(const char **p, int64_t *out)
{
	int64_t n = 0;

	while (**p == ' ')
		(*p)++;
	if (**p < '0' || **p > '9')
		return false;
	for (; **p >= '0' && **p <= '9'; (*p)++)
		if (__builtin_mul_overflow(n, 10, &n) || __builtin_add_overflow(n, **p - '0', &n))
			return false;
	*out = n;
	return true;
}

static const char *last(const char *line, const char *words)
{
	const char *found = NULL;

	for (const char *p = line; (p = strstr(p, words)) != NULL; p++)
		found = p;
	return found;
}

/* '\t"NAME" - 9 items done, 2 items skipped.' */
static bool folder_end(struct readpst_counts *c, const char *line)
{
	const char *p = last(line, "\" - ");
	int64_t done, skipped;
	size_t used = strlen(c->worst);

	if (line[0] != '\t' || line[1] != '"' || p == NULL)
		return false;
	p += 4;
	if (!number(&p, &done) || strncmp(p, " items done, ", 13) != 0)
		return false;
	p += 13;
	if (!number(&p, &skipped))
		return false;
	c->done += done;
	c->skipped += skipped;
	if (skipped > 0 && used < sizeof(c->worst) - 1)
		snprintf(c->worst + used, sizeof(c->worst) - used, "%s%.*s: %lld", used > 0 ? ", " : "",
			(int)(last(line, "\" - ") - line - 2), line + 2, (long long)skipped);
	return true;
}

void readpst_line(struct readpst_counts *c, const char *line)
{
	static const char processing[] = "Processing Folder \"";

	if (strncmp(line, processing, sizeof(processing) - 1) == 0) {
		const char *name = line + sizeof(processing) - 1;

		c->folders++;
		if (strcmp(name, ".\"") == 0 || strcmp(name, "..\"") == 0)
			c->hostile = true;
	} else if (!folder_end(c, line) && (str_starts(line, "Error") || str_starts(line, "Could not") ||
						   strstr(line, "invalid option") != NULL ||
						   strstr(line, "Cannot continue") != NULL || strstr(line, "Index Error") != NULL)) {
		snprintf(c->failure, sizeof(c->failure), "%s", line);
		c->usage |= strstr(line, "invalid option") != NULL;
	}
}

void readpst_debug(struct readpst_counts *c, const char *line)
{
	if (strstr(line, " Unknown item type ") != NULL || strstr(line, " item with message store content, type ") != NULL)
		c->other++;
}

/* "IMAP4 error: b'[AUTHENTICATIONFAILED] …'" and its like: the program ends after it. */
static bool failure(const char *line, struct upload_line *out)
{
	static const struct {
		const char *start, *words;
		enum err_id code;
	} rows[] = {
		{"IMAP4 error:", "AUTHENTICATIONFAILED", ERR_AUTH_REJECTED},
		{"IMAP4 error:", "ogin", ERR_AUTH_REJECTED},
		{"IMAP4 error:", "", ERR_PROTOCOL},
		{"Timed out", "", ERR_TIMEOUT},
		{"Interrupted", "", ERR_TOOL_FAILED},
		{"No such mailbox:", "", ERR_IO},
		{"An unknown error", "CERTIFICATE_VERIFY_FAILED", ERR_TLS_UNTRUSTED},
		{"An unknown error", "onnection refused", ERR_HOST_REFUSED},
		{"An unknown error", "Name or service", ERR_HOST_UNKNOWN},
		{"An unknown error", "codec can't encode", ERR_UNSUPPORTED},
		{"An unknown error", "", ERR_TOOL_FAILED},
		{"ModuleNotFoundError", "", ERR_TOOL_MISSING},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (str_starts(line, rows[i].start) && strstr(line, rows[i].words) != NULL) {
			out->words = line;
			out->code = rows[i].code;
			return true;
		}
	return false;
}

enum upload_said upload_line(const char *line, struct upload_line *out)
{
	const char *p = line, *ok, *refused;

	memset(out, 0, sizeof(*out));
	if (str_starts(line, "Done. (OK: ")) {
		p += 11;
		if (!number(&p, &out->ok) || !str_starts(p, ", WARNING: "))
			return UPLOAD_NOTHING;
		p += 11;
		if (!number(&p, &out->warnings) || !str_starts(p, ", ERROR: "))
			return UPLOAD_NOTHING;
		p += 9;
		return number(&p, &out->errors) ? UPLOAD_DONE : UPLOAD_NOTHING;
	}
	/* "  1/20   3.1 kB  Subject                        OK (1 sec)": the subject may hold anything, 30 characters */
	if (number(&p, &out->number) && *p++ == '/' && number(&p, &out->total) && *p == ' ') {
		ok = last(p, " OK (");
		if (ok != NULL && str_ends(line, " sec)"))
			return UPLOAD_OK;
		refused = strstr(p, " ERROR (");
		if (refused == NULL)
			refused = strstr(p, " WARNING (");
		if (refused == NULL)
			return UPLOAD_NOTHING;
		out->words = strchr(refused, '(') + 1;
		out->code = imapsync_code(out->words);
		return UPLOAD_REFUSED;
	}
	return failure(line, out) ? UPLOAD_FAILED : UPLOAD_NOTHING;
}
