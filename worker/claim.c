#include "claim.h"

#include <string.h>

#include "json.h"

#include "banned.h"

static void parse_side(const struct js_at *mailbox, const char *side, const char *role, struct account_row *out)
{
	struct js_at at;

	out->side = role;
	out->host = out->user = "";
	if (!js_object(mailbox, side, strcmp(side, "provider") == 0 ? JS_OPTIONAL : JS_REQUIRED, &at))
		return;
	js_str(&at, "host", JS_OPTIONAL, 0, 1024, &out->host);
	js_int(&at, "port", JS_OPTIONAL, 0, 65535, &out->port);
	js_word(&at, "tls", JS_OPTIONAL, tls_mode_parse, &out->tls);
	js_str(&at, "user", JS_OPTIONAL, 0, 4096, &out->user);
	js_word(&at, "auth", JS_OPTIONAL, auth_kind_parse, &out->auth);
}

static void parse_mailbox(const struct js_at *root, struct claim *c)
{
	struct js_at m, at, upload;

	if (!js_object(root, "mailbox", JS_OPTIONAL, &m))
		return;
	js_int(&m, "id", JS_REQUIRED, 1, INT64_MAX, &c->mailbox_id);
	parse_side(&m, "source", "source", &c->source);
	parse_side(&m, "destination", "destination", &c->destination);
	c->source.mailbox_id = c->destination.mailbox_id = c->mailbox_id;
	if (js_object(&m, "source", JS_REQUIRED, &at)) {
		js_word(&at, "kind", JS_OPTIONAL, source_kind_parse, &c->source_kind);
		if (js_object(&at, "upload", JS_OPTIONAL, &upload))
			js_str(&upload, "path", JS_REQUIRED, 1, 4096, &c->upload_path);
	}
	if (js_object(&m, "folders", JS_OPTIONAL, &at))
		c->folders = at.v;
}

static void parse_credentials(const struct js_at *root, struct claim *c)
{
	struct js_at list;

	if (!js_array(root, "credentials", JS_OPTIONAL, 0, 16, &list))
		return;
	for (size_t i = 0; i < json_array_size(list.v); i++) {
		struct js_at at = js_item(&list, i);
		struct claim_credential cred = {.present = true, .needed = true};
		const char *side = "";

		js_str(&at, "side", JS_REQUIRED, 1, 16, &side);
		js_int(&at, "id", JS_REQUIRED, 1, INT64_MAX, &cred.id);
		js_int(&at, "version", JS_OPTIONAL, 0, INT64_MAX, &cred.version);
		if (!js_str(&at, "key_id", JS_REQUIRED, 1, 64, &cred.key_id) ||
			!js_str(&at, "sealed", JS_REQUIRED, 1, 65536, &cred.sealed))
			continue;
		if (strcmp(side, "source") == 0)
			c->source_credential = cred;
		else if (strcmp(side, "destination") == 0)
			c->destination_credential = cred;
		else if (strcmp(side, "dns") == 0)
			c->provider_credential = cred;
		else
			js_problem(&at, "side", "must be source, destination or dns");
	}
}

static void parse_run(const struct js_at *root, struct claim *c)
{
	struct js_at run;
	const char *pass = "";

	if (!js_object(root, "run", JS_REQUIRED, &run))
		return;
	js_int(&run, "id", JS_REQUIRED, 1, INT64_MAX, &c->run_id);
	js_int(&run, "job_id", JS_REQUIRED, 1, INT64_MAX, &c->job_id);
	js_word(&run, "kind", JS_REQUIRED, run_kind_parse, &c->kind);
	js_word(&run, "engine", JS_REQUIRED, engine_kind_parse, &c->engine);
	if (js_str(&run, "pass", JS_OPTIONAL, 0, 16, &pass) && *pass != '\0' && !pass_parse(pass, &c->pass))
		js_problem(&run, "pass", "must be initial, delta or final");
	js_bool(&run, "cancel", JS_OPTIONAL, &c->cancel);
	js_bool(&run, "pause", JS_OPTIONAL, &c->pause);
}

static const json_t *own_object(json_t *doc, const char *key)
{
	json_object_set_new(doc, key, json_object());
	return json_object_get(doc, key);
}

const struct err *claim_parse(json_t *doc, struct claim *c)
{
	struct js_problems bad = {0};
	struct js_at root = js_root(doc, &bad), at;
	const struct err *e;

	memset(c, 0, sizeof(*c));
	c->doc = doc;
	c->lease_seconds = 60;
	c->heartbeat_seconds = 5;
	c->source = (struct account_row){.side = "source", .host = "", .user = ""};
	c->destination = (struct account_row){.side = "destination", .host = "", .user = ""};
	c->provider = (struct account_row){.side = "dns", .host = "", .user = ""};
	parse_run(&root, c);
	js_int(&root, "attempt", JS_REQUIRED, 1, INT32_MAX, &c->attempt);
	js_int(&root, "lease_seconds", JS_OPTIONAL, 1, 86400, &c->lease_seconds);
	js_int(&root, "heartbeat_seconds", JS_OPTIONAL, 1, 3600, &c->heartbeat_seconds);
	parse_mailbox(&root, c);
	parse_side(&root, "provider", "dns", &c->provider);
	c->provider.mailbox_id = c->job_id; /* of a job, not of a mailbox */
	parse_credentials(&root, c);
	c->source_credential.needed = c->source_kind == SOURCE_IMAP;
	c->destination_credential.needed = true;
	if (js_object(&root, "options", JS_OPTIONAL, &at))
		c->options = at.v;
	if (js_object(&root, "baseline", JS_OPTIONAL, &at)) {
		c->baseline = at.v;
		js_int(&at, "pass_id", JS_OPTIONAL, 0, INT64_MAX, &c->baseline_pass);
	}
	if (js_object(&root, "report", JS_OPTIONAL, &at))
		c->report = at.v;
	/* absent ones become empty, owned by the document like the rest */
	if (c->folders == NULL)
		c->folders = own_object(doc, "no folders");
	if (c->options == NULL)
		c->options = own_object(doc, "no options");
	e = js_problems_err(&bad);
	js_problems_free(&bad);
	if (e != NULL)
		claim_free(c);
	return err_wrap(e, "the API's answer to the claim");
}

void claim_free(struct claim *c)
{
	json_decref(c->doc);
	memset(c, 0, sizeof(*c));
}
