#include "dns_read.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "dns_exchange.h"
#include "dns_probe.h"
#include "mem.h"
#include "str.h"

#include "banned.h"

#define SERVERS_MAX 64
#define SELECTORS_MAX 16

/* What is asked of each server. A selector's name follows from the list, not from this table. */
static const struct {
	const char *key, *prefix;
	ldns_rr_type type;
	const char *starts; /* only texts that begin so */
	bool optional;      /* asked of authoritative servers and resolvers alike, but absence is no finding */
} items[] = {
	{"mx", "", LDNS_RR_TYPE_MX, NULL, false},
	{"apex", "", LDNS_RR_TYPE_CNAME, NULL, true},
	{"soa", "", LDNS_RR_TYPE_SOA, NULL, true},
	{"spf", "", LDNS_RR_TYPE_TXT, "v=spf1", false},
	{"dmarc", "_dmarc.", LDNS_RR_TYPE_TXT, "v=DMARC1", false},
	{"mta_sts", "_mta-sts.", LDNS_RR_TYPE_TXT, "v=STSv1", true},
	{"autodiscover", "autodiscover.", LDNS_RR_TYPE_A, NULL, true},
	{"autoconfig", "autoconfig.", LDNS_RR_TYPE_A, NULL, true},
};
#define ITEMS (sizeof(items) / sizeof(items[0]))

struct server {
	char *name, *address;
	bool authoritative;
	json_t *doc;
};

struct reading {
	const struct dns_reading *how;
	const char *domain;
	char *zone;
	struct server servers[SERVERS_MAX];
	size_t n;
	json_t *findings;
};

static void finding(struct reading *r, const char *code, const char *server, const char *detail)
{
	json_array_append_new(r->findings, json_pack("{s:s, s:s?, s:s}", "code", code, "server", server, "detail", detail));
}

/* --- answers as JSON --- */

static char *rdf_text(const ldns_rdf *rdf)
{
	char *s = rdf != NULL ? ldns_rdf2str(rdf) : NULL, *copy;
	size_t n;

	copy = xstrdup(s != NULL ? s : "");
	free(s);
	n = strlen(copy);
	if (n > 1 && copy[n - 1] == '.')
		copy[n - 1] = '\0';
	str_lower(copy);
	return copy;
}

/* The strings of a TXT record, one after the other (RFC 7208, 3.3). */
static char *txt_text(const ldns_rr *rr)
{
	struct buf out = BUF_INIT;

	for (size_t i = 0; i < ldns_rr_rd_count(rr); i++) {
		const ldns_rdf *rdf = ldns_rr_rdf(rr, i);

		if (ldns_rdf_size(rdf) > 1)
			buf_add(&out, ldns_rdf_data(rdf) + 1, ldns_rdf_size(rdf) - 1);
	}
	return buf_detach(&out);
}

static json_t *value_of(const ldns_rr *rr)
{
	char *a, *b, *text = NULL;
	json_t *v;

	switch (ldns_rr_get_type(rr)) {
	case LDNS_RR_TYPE_MX:
		a = rdf_text(ldns_rr_rdf(rr, 0));
		b = rdf_text(ldns_rr_rdf(rr, 1));
		text = xasprintf("%s %s", a, b);
		free(a);
		free(b);
		break;
	case LDNS_RR_TYPE_TXT:
		text = txt_text(rr);
		break;
	case LDNS_RR_TYPE_SOA:
		text = rdf_text(ldns_rr_rdf(rr, 2));
		break;
	default:
		text = rdf_text(ldns_rr_rdf(rr, 0));
	}
	v = json_string(text); /* NULL when it is not UTF-8 */
	free(text);
	return v != NULL ? v : json_string("(not UTF-8)");
}

static json_t *answer_doc(const ldns_pkt *pkt, ldns_rr_type type, const char *starts)
{
	const ldns_rr_list *list = ldns_pkt_answer(pkt);
	char *rcode = ldns_pkt_rcode2str(ldns_pkt_get_rcode(pkt)), *cname = NULL;
	json_t *values = json_array(), *doc;
	int64_t ttl = -1;

	for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);

		if (ldns_rr_get_type(rr) == LDNS_RR_TYPE_CNAME && cname == NULL)
			cname = rdf_text(ldns_rr_rdf(rr, 0));
		if (ldns_rr_get_type(rr) == type) {
			json_t *v = value_of(rr);

			if (starts == NULL || str_istarts(json_string_value(v), starts)) {
				json_array_append(values, v);
				if (ttl < 0 || ldns_rr_ttl(rr) < ttl)
					ttl = ldns_rr_ttl(rr);
			}
			json_decref(v);
		}
	}
	doc = json_pack("{s:s, s:I, s:s?, s:o}", "rcode", rcode != NULL ? rcode : "", "ttl", (json_int_t)ttl, "cname", cname,
		"values", values);
	free(cname);
	free(rcode);
	return doc;
}

/* --- who to ask --- */

static void ask(struct dns_question **v, size_t *n, const char *address, int port, const char *name, ldns_rr_type type,
	bool recursive, bool cd, void *tag)
{
	struct dns_question q = {.type = type, .recursive = recursive, .checking_disabled = cd, .tag = tag, .fd = -1};

	if (!dns_address(address, port, &q.to, &q.to_len))
		return;
	q.name = xstrdup(name);
	*v = xreallocarray(*v, *n + 1, sizeof(**v));
	(*v)[(*n)++] = q;
}

/* Through the resolvers, without their validation: broken DNSSEC must not hide where the servers are. */
static void ask_resolvers(struct reading *r, struct dns_question **v, size_t *n, const char *name, ldns_rr_type type)
{
	json_t *a;
	size_t i;

	json_array_foreach(r->how->resolvers, i, a)
		ask(v, n, json_string_value(a), r->how->port, name, type, true, true, NULL);
}

/* Texts of the answers' records of that type and owner, each once. */
static json_t *gather(const struct dns_question *v, size_t n, const char *name, ldns_rr_type type)
{
	json_t *seen = json_object();

	for (size_t i = 0; i < n; i++) {
		const ldns_rr_list *list;

		if (v[i].end != DNS_ANSWERED || v[i].type != type || !str_ieq(v[i].name, name))
			continue;
		list = ldns_pkt_answer(v[i].answer);
		for (size_t k = 0; k < ldns_rr_list_rr_count(list); k++)
			if (ldns_rr_get_type(ldns_rr_list_rr(list, k)) == type) {
				char *text = rdf_text(ldns_rr_rdf(ldns_rr_list_rr(list, k), 0));

				json_object_set_new(seen, text, json_true());
				free(text);
			}
	}
	return seen;
}

/* The closest enclosing zone: the longest name that has name servers. */
static json_t *find_zone(struct reading *r)
{
	struct dns_question *v = NULL;
	size_t n = 0;
	json_t *servers = NULL;

	for (const char *name = r->domain; name != NULL && strchr(name, '.') != NULL; name = strchr(name, '.') + 1)
		ask_resolvers(r, &v, &n, name, LDNS_RR_TYPE_NS);
	dns_exchange(v, n, r->how->timeout_ms, r->how->deadline);
	for (const char *name = r->domain; name != NULL && strchr(name, '.') != NULL; name = strchr(name, '.') + 1) {
		servers = gather(v, n, name, LDNS_RR_TYPE_NS);
		if (json_object_size(servers) > 0) {
			r->zone = xstrdup(name);
			break;
		}
		json_decref(servers);
		servers = NULL;
	}
	dns_questions_free(v, n);
	return servers;
}

static void add_server(struct reading *r, const char *name, const char *address, bool authoritative)
{
	if (r->n < SERVERS_MAX)
		r->servers[r->n++] = (struct server){.name = xstrdup(name),
			.address = xstrdup(address),
			.authoritative = authoritative,
			.doc = json_pack("{s:s, s:s, s:s, s:s}", "name", name, "address", address, "role",
				authoritative ? "authoritative" : "resolver", "status", "ok")};
}

/* {name: [addresses]} of hosts. */
static json_t *addresses_of(struct reading *r, const json_t *hosts)
{
	static const ldns_rr_type types[] = {LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA};
	struct dns_question *v = NULL;
	json_t *out = json_object(), *unused;
	const char *host, *address;
	size_t n = 0;

	json_object_foreach((json_t *)(uintptr_t)hosts, host, unused)
		for (int t = 0; t < 2; t++)
			ask_resolvers(r, &v, &n, host, types[t]);
	dns_exchange(v, n, r->how->timeout_ms, r->how->deadline);
	json_object_foreach((json_t *)(uintptr_t)hosts, host, unused) {
		json_t *list = json_array();

		for (int t = 0; t < 2; t++) {
			json_t *found = gather(v, n, host, types[t]), *one;

			json_object_foreach(found, address, one)
				json_array_append_new(list, json_string(address));
			json_decref(found);
		}
		json_object_set_new(out, host, list);
	}
	dns_questions_free(v, n);
	return out;
}

static void find_servers(struct reading *r)
{
	json_t *names = find_zone(r), *hosts, *list, *address;
	const char *name;
	size_t i;

	if (names == NULL) {
		finding(r, "dns.no_servers", NULL, "no resolver names an authoritative server of the domain");
	} else {
		hosts = addresses_of(r, names);
		json_object_foreach(hosts, name, list) {
			if (json_array_size(list) == 0)
				finding(r, "dns.lame", name, "this name server has no address");
			json_array_foreach(list, i, address)
				add_server(r, name, json_string_value(address), true);
		}
		json_decref(hosts);
		json_decref(names);
	}
	json_array_foreach(r->how->resolvers, i, address)
		add_server(r, json_string_value(address), json_string_value(address), false);
}

/* --- asking --- */

struct tag {
	struct server *server;
	const char *key, *starts, *selector;
	bool cd;
};

static char *joined(const char *prefix, const char *name)
{
	return xasprintf("%s%s", prefix, name);
}

static void questions_for(struct reading *r, struct server *s, struct dns_question **v, size_t *n, struct tag *tags,
	size_t *n_tags)
{
	json_t *selector;
	size_t i;
	char *name;

	for (i = 0; i < ITEMS; i++) {
		bool soa = items[i].type == LDNS_RR_TYPE_SOA;

		name = joined(items[i].prefix, soa && r->zone != NULL ? r->zone : r->domain);
		tags[*n_tags] = (struct tag){.server = s, .key = items[i].key, .starts = items[i].starts};
		ask(v, n, s->address, r->how->port, name, items[i].type, !s->authoritative, false, &tags[(*n_tags)++]);
		free(name);
	}
	json_array_foreach(r->how->selectors, i, selector) {
		if (i >= SELECTORS_MAX || !json_is_string(selector))
			continue;
		name = xasprintf("%s._domainkey.%s", json_string_value(selector), r->domain);
		tags[*n_tags] = (struct tag){.server = s, .key = "dkim", .selector = json_string_value(selector)};
		ask(v, n, s->address, r->how->port, name, LDNS_RR_TYPE_TXT, !s->authoritative, false, &tags[(*n_tags)++]);
		free(name);
	}
	if (!s->authoritative) {
		tags[*n_tags] = (struct tag){.server = s, .key = "mx", .cd = true};
		ask(v, n, s->address, r->how->port, r->domain, LDNS_RR_TYPE_MX, true, true, &tags[(*n_tags)++]);
	}
}

static void set_status(struct server *s, const char *status)
{
	const char *now = json_string_value(json_object_get(s->doc, "status"));

	if (strcmp(now, "ok") == 0)
		json_object_set_new(s->doc, "status", json_string(status));
}

/* The MX question decides what is said of the server: the others may fail for reasons of their own. */
static void judge(struct reading *r, struct server *s, const struct dns_question *q)
{
	ldns_pkt_rcode rcode;
	char detail[128];

	if (q->end == DNS_TIMEOUT) {
		set_status(s, "timeout");
		finding(r, "dns.timeout", s->address, "no answer in time");
		return;
	}
	if (q->end != DNS_ANSWERED) {
		set_status(s, q->end == DNS_GARBLED ? "garbled" : "unreachable");
		finding(r, q->end == DNS_GARBLED ? "dns.garbled" : "dns.unreachable", s->address,
			q->end == DNS_GARBLED ? "its answer is no DNS message" : "it cannot be reached");
		return;
	}
	rcode = ldns_pkt_get_rcode(q->answer);
	if (s->authoritative && (!ldns_pkt_aa(q->answer) ||
					(rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN))) {
		char *word = ldns_pkt_rcode2str(rcode);

		snprintf(detail, sizeof(detail), "it is named for the zone but does not have it (%s%s)",
			word != NULL ? word : "?", ldns_pkt_aa(q->answer) ? "" : ", not authoritative");
		free(word);
		set_status(s, "lame");
		finding(r, "dns.lame", s->address, detail);
	} else if (!s->authoritative && rcode != LDNS_RCODE_NOERROR && rcode != LDNS_RCODE_NXDOMAIN) {
		set_status(s, "failed");
	}
}

static void store_answer(struct reading *r, const struct dns_question *q)
{
	const struct tag *t = q->tag;
	json_t *doc, *dkim;

	if (t->cd) {
		/* unvalidated it answers, validated it does not: the signatures are broken */
		if (q->end == DNS_ANSWERED && ldns_pkt_get_rcode(q->answer) == LDNS_RCODE_NOERROR &&
			strcmp(json_string_value(json_object_get(t->server->doc, "status")), "failed") == 0)
			finding(r, "dns.bogus", t->server->address, "its DNSSEC validation refuses the domain's records");
		return;
	}
	if (strcmp(t->key, "mx") == 0)
		judge(r, t->server, q);
	if (q->end != DNS_ANSWERED)
		return;
	if (strcmp(t->key, "soa") == 0) {
		doc = answer_doc(q->answer, q->type, NULL);
		if (json_array_size(json_object_get(doc, "values")) > 0)
			json_object_set(t->server->doc, "serial", json_array_get(json_object_get(doc, "values"), 0));
		json_decref(doc);
		return;
	}
	doc = answer_doc(q->answer, q->type, t->starts);
	if (t->selector == NULL) {
		json_object_set_new(t->server->doc, t->key, doc);
		return;
	}
	dkim = json_object_get(t->server->doc, "dkim");
	if (dkim == NULL) {
		dkim = json_object();
		json_object_set_new(t->server->doc, "dkim", dkim);
	}
	json_object_set_new(dkim, t->selector, doc);
}

static void ask_all(struct reading *r)
{
	struct dns_question *v = NULL;
	struct tag *tags = xcalloc(r->n * (ITEMS + SELECTORS_MAX + 1) + 1, sizeof(*tags));
	size_t n = 0, n_tags = 0;

	for (size_t i = 0; i < r->n; i++)
		questions_for(r, &r->servers[i], &v, &n, tags, &n_tags);
	dns_exchange(v, n, r->how->timeout_ms, r->how->deadline);
	for (size_t i = 0; i < n; i++)
		store_answer(r, &v[i]);
	dns_questions_free(v, n);
	free(tags);
}

/* --- what is wrong --- */

static bool is_status(const struct server *s, const char *status)
{
	return strcmp(json_string_value(json_object_get(s->doc, "status")), status) == 0;
}

/* RFC 1982: a before b. */
static bool serial_before(uint32_t a, uint32_t b)
{
	return a != b && (int32_t)(a - b) < 0;
}

static bool serial_of(const struct server *s, uint32_t *out)
{
	int64_t n;
	const char *text = json_string_value(json_object_get(s->doc, "serial"));

	if (!s->authoritative || !is_status(s, "ok") || text == NULL || !str_i64(text, 0, UINT32_MAX, &n))
		return false;
	*out = (uint32_t)n;
	return true;
}

static void find_stale(struct reading *r)
{
	uint32_t newest = 0, serial;
	bool any = false;
	char detail[96];

	for (size_t i = 0; i < r->n; i++)
		if (serial_of(&r->servers[i], &serial) && (!any || serial_before(newest, serial))) {
			newest = serial;
			any = true;
		}
	for (size_t i = 0; i < r->n; i++)
		if (serial_of(&r->servers[i], &serial) && serial_before(serial, newest)) {
			snprintf(detail, sizeof(detail), "it still has serial %u, another server has %u", serial, newest);
			json_object_set_new(r->servers[i].doc, "status", json_string("ok"));
			json_object_set_new(r->servers[i].doc, "stale", json_true());
			finding(r, "dns.stale", r->servers[i].address, detail);
		}
}

/* One authoritative server that answered well: its newest one speaks for the zone. */
static const struct server *speaker(const struct reading *r)
{
	const struct server *any = NULL;

	for (size_t i = 0; i < r->n; i++)
		if (r->servers[i].authoritative && is_status(&r->servers[i], "ok")) {
			if (!json_is_true(json_object_get(r->servers[i].doc, "stale")))
				return &r->servers[i];
			any = &r->servers[i];
		}
	return any;
}

static void find_mx(struct reading *r, const struct server *s)
{
	const json_t *mx = json_object_get(s->doc, "mx"), *values = json_object_get(mx, "values");
	const char *rcode = json_string_value(json_object_get(mx, "rcode"));
	const char *first = json_string_value(json_array_get(values, 0)), *cname;
	char detail[512];

	cname = json_string_value(json_object_get(mx, "cname"));
	if (cname != NULL) {
		snprintf(detail, sizeof(detail), "the domain itself is an alias of %s: it can have no MX of its own", cname);
		finding(r, "dns.apex_cname", s->address, detail);
	}
	if (rcode != NULL && strcmp(rcode, "NXDOMAIN") == 0)
		finding(r, "dns.nxdomain", s->address, "the domain does not exist");
	else if (json_array_size(values) == 0 && cname == NULL)
		finding(r, "dns.no_mx", s->address, "there is no MX record: mail goes to the A record of the domain, if any");
	else if (json_array_size(values) == 1 && first != NULL && strchr(first, ' ') != NULL &&
		 strcmp(strchr(first, ' '), " .") == 0)
		finding(r, "dns.null_mx", s->address, "the MX record says that the domain takes no mail (RFC 7505)");
}

static bool same_mx(const struct server *one, const struct server *other)
{
	json_t *a = json_object_get(json_object_get(one->doc, "mx"), "values");
	json_t *b = json_object_get(json_object_get(other->doc, "mx"), "values"), *v, *w;
	size_t k, j, same = 0;

	json_array_foreach(a, k, v)
		json_array_foreach(b, j, w)
			same += json_equal(v, w) != 0;
	return same == json_array_size(a) && same == json_array_size(b);
}

static void find_differing(struct reading *r, const struct server *s)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct server *o = &r->servers[i];

		if (o == s || !is_status(o, "ok") || same_mx(s, o))
			continue;
		if (o->authoritative)
			finding(r, "dns.servers_differ", o->address, "its MX records are not those of the other servers");
		else
			finding(r, "dns.resolver_differs", o->address, "it gives other MX records than the name servers: older"
				" ones that it still holds, or it asks where they are different (split DNS)");
	}
}

static void find_missing(struct reading *r, const struct server *s)
{
	const char *selector;
	json_t *v;
	char detail[320];

	for (size_t i = 0; i < ITEMS; i++)
		if (!items[i].optional && items[i].type == LDNS_RR_TYPE_TXT &&
			json_array_size(json_object_get(json_object_get(s->doc, items[i].key), "values")) == 0) {
			snprintf(detail, sizeof(detail), "dns.no_%s", items[i].key);
			finding(r, detail, NULL, "there is no such record");
		}
	json_object_foreach(json_object_get(s->doc, "dkim"), selector, v)
		if (json_array_size(json_object_get(v, "values")) == 0) {
			snprintf(detail, sizeof(detail), "there is no key for the selector %s", selector);
			finding(r, "dns.no_dkim", NULL, detail);
		}
	v = json_object_get(json_object_get(s->doc, "spf"), "values");
	if (json_array_size(v) > 1)
		finding(r, "dns.many_spf", NULL, "there are several SPF records: receivers take none (RFC 7208, 4.5)");
}

static json_t *planned_hosts(const struct dns_reading *how)
{
	json_t *out = json_object(), *v;
	size_t i;

	json_array_foreach(how->mx, i, v) {
		const char *host = json_string_value(json_object_get(v, "host"));

		if (host != NULL)
			json_object_set_new(out, host, json_true());
	}
	return out;
}

json_t *dns_read(const char *domain, const struct dns_reading *how)
{
	struct reading r = {.how = how, .domain = domain, .findings = json_array()};
	json_t *servers = json_array(), *planned = planned_hosts(how), *hosts, *doc, *list;
	const struct server *s;
	const char *host;

	find_servers(&r);
	ask_all(&r);
	find_stale(&r);
	if ((s = speaker(&r)) != NULL) {
		find_mx(&r, s);
		find_differing(&r, s);
		find_missing(&r, s);
	}
	hosts = addresses_of(&r, planned);
	json_object_foreach(hosts, host, list)
		if (json_array_size(list) == 0)
			finding(&r, "dns.mx_no_address", host, "the planned mail exchanger has no address");
	for (size_t i = 0; i < r.n; i++) {
		json_array_append_new(servers, r.servers[i].doc);
		free(r.servers[i].name);
		free(r.servers[i].address);
	}
	doc = json_pack("{s:s, s:s?, s:o, s:o, s:o, s:o}", "domain", domain, "zone", r.zone, "servers", servers, "findings",
		r.findings, "probe", dns_probe(domain, hosts, how->smtp_port, how->deadline), "hosts", hosts);
	free(r.zone);
	json_decref(planned);
	return doc;
}
