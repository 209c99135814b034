#include "dns_settings.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "autoconfig.h"
#include "buf.h"
#include "clock.h"
#include "dns_exchange.h"
#include "mem.h"
#include "network.h"
#include "str.h"

#include "banned.h"

#define DOCUMENT_MAX (256u << 10)
#define REDIRECTS_MAX 3
#define STEP_MS 5000
#define MX_DOMAINS_MAX 3

struct search {
	const struct dns_settings *how;
	const char *domain;
	json_t *found;
};

static void add(struct search *s, const char *how, const char *where, json_t *server)
{
	json_t *other;
	size_t i;

	json_array_foreach(s->found, i, other)
		if (json_equal(json_object_get(other, "host"), json_object_get(server, "host")) &&
			json_equal(json_object_get(other, "port"), json_object_get(server, "port"))) {
			json_decref(server);
			return;
		}
	json_object_set_new(server, "how", json_string(how));
	json_object_set_new(server, "where", json_string(where));
	json_array_append_new(s->found, server);
}

/* --- DNS --- */

/* Asks every resolver for each name and type; the questions are the caller's. */
static struct dns_question *asked(
	const struct search *s, const char *const *names, const ldns_rr_type *types, size_t n, size_t *count)
{
	struct dns_question *v = NULL;
	json_t *address;
	size_t i;

	*count = 0;
	json_array_foreach(s->how->resolvers, i, address)
		for (size_t k = 0; k < n; k++) {
			struct dns_question q = {.type = types[k], .recursive = true, .fd = -1};

			if (!dns_address(json_string_value(address), s->how->port, &q.to, &q.to_len))
				continue;
			q.name = xstrdup(names[k]);
			v = xreallocarray(v, *count + 1, sizeof(*v));
			v[(*count)++] = q;
		}
	dns_exchange(v, *count, s->how->timeout_ms, s->how->deadline);
	return v;
}

static char *rdf_text(const ldns_rr *rr, size_t field)
{
	char *s = ldns_rdf2str(ldns_rr_rdf(rr, field)), *copy = xstrdup(s != NULL ? s : "");
	size_t n = strlen(copy);

	free(s);
	if (n > 1 && copy[n - 1] == '.')
		copy[n - 1] = '\0';
	str_lower(copy);
	return copy;
}

/* The target of the record that RFC 2782 prefers (lowest priority, then highest weight); "." says that there
 * is no such service. */
static void take_srv(struct search *s, const struct dns_question *q, const char *tls)
{
	const ldns_rr_list *list = q->end == DNS_ANSWERED ? ldns_pkt_answer(q->answer) : NULL;
	int64_t best = INT64_MAX, rank, priority, weight, port = 0, p;
	char *host = NULL;

	for (size_t i = 0; list != NULL && i < ldns_rr_list_rr_count(list); i++) {
		const ldns_rr *rr = ldns_rr_list_rr(list, i);
		char *a, *b, *c, *target;

		if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_SRV || ldns_rr_rd_count(rr) != 4)
			continue;
		a = rdf_text(rr, 0);
		b = rdf_text(rr, 1);
		c = rdf_text(rr, 2);
		target = rdf_text(rr, 3);
		if (str_i64(a, 0, 65535, &priority) && str_i64(b, 0, 65535, &weight) &&
			str_i64(c, 1, 65535, &p) && autoconfig_is_host(target) &&
			(rank = priority * 65536 - weight) < best) {
			best = rank;
			port = p;
			free(host);
			host = xstrdup(target);
		}
		free(a);
		free(b);
		free(c);
		free(target);
	}
	if (host != NULL)
		add(s, "srv", q->name,
			json_pack("{s:s, s:I, s:s, s:s}", "host", host, "port", (json_int_t)port, "tls", tls,
				"user", "other"));
	free(host);
}

static void look_at_srv(struct search *s)
{
	char *imaps = xasprintf("_imaps._tcp.%s", s->domain), *imap = xasprintf("_imap._tcp.%s", s->domain);
	const char *const names[] = {imaps, imap};
	const ldns_rr_type types[] = {LDNS_RR_TYPE_SRV, LDNS_RR_TYPE_SRV};
	size_t n;
	struct dns_question *v = asked(s, names, types, 2, &n);

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < n; i++)
			if (strcmp(v[i].name, names[pass]) == 0)
				take_srv(s, &v[i], pass == 0 ? "tls" : "starttls");
	dns_questions_free(v, n);
	free(imaps);
	free(imap);
}

/* An address of the host that may be asked, NULL: none. One that may not spoils them all: whoever names the
 * inside beside the outside means harm. */
static char *address_of(const struct search *s, const char *host)
{
	const char *const names[] = {host, host};
	const ldns_rr_type types[] = {LDNS_RR_TYPE_A, LDNS_RR_TYPE_AAAA};
	size_t n;
	struct dns_question *v = asked(s, names, types, 2, &n);
	char *chosen = NULL;
	bool spoilt = false;

	for (size_t i = 0; i < n; i++) {
		const ldns_rr_list *list = v[i].end == DNS_ANSWERED ? ldns_pkt_answer(v[i].answer) : NULL;

		for (size_t k = 0; list != NULL && k < ldns_rr_list_rr_count(list); k++) {
			const ldns_rr *rr = ldns_rr_list_rr(list, k);
			char *address;

			if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_A &&
				ldns_rr_get_type(rr) != LDNS_RR_TYPE_AAAA)
				continue;
			address = rdf_text(rr, 0);
			spoilt |= network_holds(s->how->denied, address) ||
				  (network_is_inside(address) && !network_holds(s->how->allowed, address));
			if (chosen == NULL)
				chosen = address;
			else
				free(address);
		}
	}
	dns_questions_free(v, n);
	if (spoilt) {
		free(chosen);
		chosen = NULL;
	}
	return chosen;
}

/* --- documents --- */

static size_t take(char *p, size_t size, size_t n, void *arg)
{
	struct buf *out = arg;

	if (out->len + size * n > DOCUMENT_MAX)
		return 0;
	buf_add(out, p, size * n);
	return size * n;
}

/* Host and port of an https URL without user and password; false for any other. */
static bool place_of(const char *url, char **host, char **port)
{
	CURLU *u = curl_url();
	char *scheme = NULL, *user = NULL, *h = NULL, *p = NULL;
	bool good = u != NULL && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
		    curl_url_get(u, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
		    strcmp(scheme, "https") == 0 && curl_url_get(u, CURLUPART_USER, &user, 0) != CURLUE_OK &&
		    curl_url_get(u, CURLUPART_HOST, &h, 0) == CURLUE_OK &&
		    curl_url_get(u, CURLUPART_PORT, &p, CURLU_DEFAULT_PORT) == CURLUE_OK &&
		    autoconfig_is_host(h);

	if (good) {
		*host = xstrdup(h);
		*port = xstrdup(p);
	}
	curl_free(scheme);
	curl_free(user);
	curl_free(h);
	curl_free(p);
	curl_url_cleanup(u);
	return good;
}

/* One request to an address that was looked at before, whatever DNS says by then. *next: where a redirect
 * leads, or NULL. */
static bool ask_once(const struct search *s, const char *url, struct buf *body, char **next)
{
	int64_t left = s->how->deadline - clock_mono_ms();
	char *host = NULL, *port = NULL, *address = NULL, *pin = NULL, *to = NULL;
	struct curl_slist *pins = NULL;
	CURL *curl = NULL;
	long status = 0;
	bool got = false;

	*next = NULL;
	if (left <= 0 || !place_of(url, &host, &port) || (address = address_of(s, host)) == NULL ||
		(curl = curl_easy_init()) == NULL)
		goto done;
	left = s->how->deadline - clock_mono_ms();
	pin = xasprintf(strchr(address, ':') != NULL ? "%s:%s:[%s]" : "%s:%s:%s", host, port, address);
	pins = curl_slist_append(NULL, pin);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_RESOLVE, pins);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(left < 1 ? 1 : left < STEP_MS ? left : STEP_MS));
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, body);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "desk-migration");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	if (*s->how->ca_file != '\0')
		curl_easy_setopt(curl, CURLOPT_CAINFO, s->how->ca_file);
	if (curl_easy_perform(curl) == CURLE_OK &&
		curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status) == CURLE_OK) {
		got = status == 200;
		if (status >= 300 && status < 400 &&
			curl_easy_getinfo(curl, CURLINFO_REDIRECT_URL, &to) == CURLE_OK && to != NULL)
			*next = xstrdup(to);
	}
done:
	curl_easy_cleanup(curl);
	curl_slist_free_all(pins);
	free(host);
	free(port);
	free(address);
	free(pin);
	return got;
}

/* Answers whether the document at `first`, which is taken, named a server. */
static bool look_at(struct search *s, const char *how, char *first)
{
	struct buf body = BUF_INIT;
	char *url = xstrdup(first), *next;
	json_t *servers = json_array(), *server;
	bool got = false;
	size_t i;

	for (int hop = 0; !got && url != NULL && hop <= REDIRECTS_MAX; hop++) {
		buf_reset(&body);
		got = ask_once(s, url, &body, &next);
		free(url);
		url = next;
	}
	if (got && body.len > 0)
		autoconfig_parse(body.ptr, body.len, s->domain, servers);
	json_array_foreach(servers, i, server)
		add(s, how, first, json_incref(server));
	got = json_array_size(servers) > 0;
	json_decref(servers);
	free(url);
	free(first);
	buf_free(&body);
	return got;
}

static void look_at_documents(struct search *s, const json_t *mx)
{
	const char *host = json_string_value(json_array_get(mx, 0)), *ispdb = s->how->ispdb;
	bool got = look_at(s, "autoconfig",
			   xasprintf("https://autoconfig.%s/mail/config-v1.1.xml", s->domain)) ||
		   look_at(s, "autoconfig",
			   xasprintf("https://%s/.well-known/autoconfig/mail/config-v1.1.xml", s->domain));

	if (*ispdb == '\0')
		return;
	got = look_at(s, "ispdb", xasprintf("%s%s", ispdb, s->domain)) || got;
	/* the provider's own domain: mx1.mail.provider.example is asked for as mail.provider.example, then
	 * provider.example */
	host = host != NULL && autoconfig_is_host(host) ? strchr(host, '.') : NULL;
	for (int i = 0; !got && i < MX_DOMAINS_MAX && host != NULL && strchr(host + 1, '.') != NULL;
		i++, host = strchr(host + 1, '.'))
		if (!str_ieq(host + 1, s->domain))
			got = look_at(s, "mx", xasprintf("%s%s", ispdb, host + 1));
}

json_t *dns_settings(const char *domain, const json_t *mx, const struct dns_settings *how)
{
	struct search s = {.how = how, .domain = domain, .found = json_array()};

	look_at_srv(&s);
	look_at_documents(&s, mx);
	return s.found;
}
