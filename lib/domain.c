#include "domain.h"

#include <idn2.h>
#include <stdlib.h>
#include <string.h>

#include "mem.h"
#include "str.h"

#include "banned.h"

static bool label_ok(const char *s, size_t n)
{
	if (n < 1 || n > 63 || s[0] == '-' || s[n - 1] == '-')
		return false;
	for (size_t i = 0; i < n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= '0' && s[i] <= '9') || s[i] == '-'))
			return false;
	return true;
}

/* Two labels or more, the last not all digits: an address is no domain. */
static bool name_ok(const char *s)
{
	size_t labels = 0, n = strlen(s), len = 0;
	const char *last = s;

	if (n > 253)
		return false;
	for (const char *at = s;; at += len + 1) {
		len = strcspn(at, ".");
		if (!label_ok(at, len))
			return false;
		labels++;
		last = at;
		if (at[len] == '\0')
			break;
	}
	return labels >= 2 && last[strspn(last, "0123456789")] != '\0';
}

const struct err *domain_normalise(const char *in, char **out)
{
	char *ascii = NULL, *copy, *name;
	size_t n;
	int rc;

	*out = NULL;
	if (strlen(in) > 1000 || !str_utf8(in, strlen(in)) || str_has_control(in, strlen(in)))
		return err_new(ERR_INPUT, "not a domain name");
	copy = xstrdup(in);
	name = str_trim(copy);
	n = strlen(name);
	if (n > 0 && name[n - 1] == '.')
		name[n - 1] = '\0';
	rc = idn2_to_ascii_8z(name, &ascii, IDN2_NFC_INPUT | IDN2_NONTRANSITIONAL);
	free(copy);
	if (rc != IDN2_OK)
		return err_new(ERR_INPUT, "not a domain name: %s", idn2_strerror(rc));
	str_lower(ascii);
	if (!name_ok(ascii)) {
		idn2_free(ascii);
		return err_new(ERR_INPUT, "not a domain name");
	}
	*out = xstrdup(ascii);
	idn2_free(ascii);
	return NULL;
}

const struct err *domain_address(const char *in, char **out)
{
	const char *at = strrchr(in, '@');
	const struct err *e;
	char *domain = NULL, *user;

	*out = NULL;
	if (at == NULL || at == in)
		return err_new(ERR_INPUT, "not an address");
	if ((e = domain_normalise(at + 1, &domain)) != NULL)
		return e;
	user = xstrndup(in, (size_t)(at - in));
	str_lower(user);
	*out = xasprintf("%s@%s", user, domain);
	free(user);
	free(domain);
	return NULL;
}
