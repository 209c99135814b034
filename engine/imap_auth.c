#include "imap_auth.h"

#include <string.h>

#include "str.h"

#include "banned.h"

const struct err *auth_choose(struct auth_plan *plan, const struct endpoint *ep, bool (*has)(void *arg, const char *cap),
	void *arg)
{
	bool token = ep->auth == AUTH_XOAUTH2 || ep->auth == AUTH_OAUTHBEARER;

	plan->way = AUTH_WAY_SASL;
	if (token) {
		plan->mechanism = ep->auth == AUTH_XOAUTH2 ? "XOAUTH2" : "OAUTHBEARER";
		if (has(arg, ep->auth == AUTH_XOAUTH2 ? "AUTH=XOAUTH2" : "AUTH=OAUTHBEARER"))
			return NULL;
		return err_new(ERR_AUTH_MECH, "%s: the server does not offer %s", ep->label, plan->mechanism);
	}
	plan->mechanism = "PLAIN";
	if (has(arg, "AUTH=PLAIN"))
		return NULL;
	if (ep->auth == AUTH_PLAIN_AUTHZID)
		return err_new(ERR_AUTH_MECH, "%s: logging in for another user needs AUTH=PLAIN, which the server does "
			"not offer", ep->label);
	plan->way = AUTH_WAY_LOGIN;
	plan->mechanism = "LOGIN";
	if (has(arg, "LOGINDISABLED"))
		return err_new(ERR_AUTH_MECH, "%s: the server offers neither PLAIN nor LOGIN", ep->label);
	return NULL;
}

/* RFC 7628: ',' and '=' in the authorization identity are escaped. */
static void add_saslname(struct buf *out, const char *s)
{
	for (; *s != '\0'; s++) {
		if (*s == ',')
			buf_adds(out, "=2C");
		else if (*s == '=')
			buf_adds(out, "=3D");
		else
			buf_addc(out, *s);
	}
}

void auth_response(const struct auth_plan *plan, const struct endpoint *ep, struct buf *out)
{
	struct buf raw = BUF_INIT;

	buf_reserve(&raw, ep->secret.len + 3 * strlen(ep->user) + strlen(ep->host) + 1024); /* no copy stays behind */
	if (strcmp(plan->mechanism, "XOAUTH2") == 0) {
		buf_adds(&raw, "user=");
		buf_adds(&raw, ep->user);
		buf_adds(&raw, "\001auth=Bearer ");
		buf_add(&raw, ep->secret.ptr, ep->secret.len);
		buf_adds(&raw, "\001\001");
	} else if (strcmp(plan->mechanism, "OAUTHBEARER") == 0) {
		buf_adds(&raw, "n,a=");
		add_saslname(&raw, ep->user);
		buf_addf(&raw, ",\001host=%s\001port=%u\001auth=Bearer ", ep->host, ep->port);
		buf_add(&raw, ep->secret.ptr, ep->secret.len);
		buf_adds(&raw, "\001\001");
	} else {
		if (ep->auth == AUTH_PLAIN_AUTHZID)
			buf_adds(&raw, ep->authzid);
		buf_addc(&raw, '\0');
		buf_adds(&raw, ep->user);
		buf_addc(&raw, '\0');
		buf_add(&raw, ep->secret.ptr, ep->secret.len);
	}
	str_base64(out, raw.ptr, raw.len, BASE64);
	buf_wipe(&raw);
}
