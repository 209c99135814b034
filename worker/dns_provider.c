#include "dns_provider.h"

#include <string.h>

#include "buf.h"
#include "mem.h"
#include "str.h"

#include <stdlib.h>

#include "banned.h"

static const struct dns_provider *const table[] = {
	&dns_provider_cloudflare,
	&dns_provider_pfsense,
	&dns_provider_rfc2136,
};

const struct err *dns_provider_find(const char *kind, const struct dns_provider **out)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i]->kind, kind) == 0) {
			*out = table[i];
			return NULL;
		}
	return err_new(ERR_UNSUPPORTED, "there is no DNS provider \"%s\"", kind);
}

json_t *dns_set_new(int64_t ttl)
{
	return json_pack("{s:I, s:[]}", "ttl", (json_int_t)ttl, "records");
}

void dns_set_add(json_t *set, const char *record)
{
	char *s = xstrdup(record);
	size_t n = strlen(s);

	str_lower(s);
	if (n > 1 && s[n - 1] == '.' && s[n - 2] != ' ')
		s[n - 1] = '\0';
	json_array_append_new(json_object_get(set, "records"), json_string(s));
	free(s);
}

static size_t count(const json_t *list, const json_t *one)
{
	size_t i, n = 0;
	json_t *v;

	json_array_foreach(list, i, v)
		n += json_equal(v, one) != 0;
	return n;
}

bool dns_set_same(const json_t *a, const json_t *b)
{
	const json_t *la = json_object_get(a, "records"), *lb = json_object_get(b, "records");
	size_t i;
	json_t *v;

	if (json_array_size(la) != json_array_size(lb))
		return false;
	json_array_foreach(la, i, v)
		if (count(la, v) != count(lb, v))
			return false;
	return true;
}

bool dns_set_pending(const json_t *set)
{
	return json_is_true(json_object_get(set, "pending"));
}

char *dns_set_text(const json_t *set)
{
	struct buf out = BUF_INIT;
	size_t i;
	json_t *v;

	json_array_foreach(json_object_get(set, "records"), i, v)
		buf_addf(&out, "%s%s", i > 0 ? ", " : "", json_string_value(v));
	if (out.len == 0)
		buf_adds(&out, "none");
	return buf_detach(&out);
}

const char *dns_text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s != NULL ? s : "";
}
