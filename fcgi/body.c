#include "body.h"

#include "banned.h"

#define PATIENCE_MS 30000

const struct err *body_read(const struct body *b, struct request *r, size_t max)
{
	const struct err *e;
	const char *p;
	size_t n;

	if (r->content_length > (int64_t)max)
		return err_new(ERR_TOO_LARGE, "the body has %lld bytes, at most %zu are taken here",
			(long long)r->content_length, max);
	if (r->content_length > 0)
		buf_reserve(&r->body, (size_t)r->content_length); /* once: no copy of a secret is left where it grew */
	while ((e = b->next(b->stream, PATIENCE_MS, &p, &n)) == NULL && n > 0) {
		if (n > max - r->body.len)
			return err_new(ERR_TOO_LARGE, "the body has more than %zu bytes", max);
		buf_add(&r->body, p, n);
	}
	if (e != NULL || (r->content_length >= 0 && r->body.len != (size_t)r->content_length))
		return err_new(ERR_JSON, "the body ended after %zu of %lld bytes", r->body.len,
			(long long)r->content_length);
	return NULL;
}
