/* Dynamic update (RFC 2136) signed with TSIG (RFC 8945): one message, done whole or not at all. Its prerequisites are
 * the old records themselves, so that a set that somebody else has changed is not overwritten. */
#include "dns_provider.h"

#include <ldns/ldns.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "dns_exchange.h"
#include "mem.h"

#include "banned.h"

#define FUDGE 300 /* seconds that the clocks may differ */

static const struct err *place(const struct dns_change *c, struct sockaddr_storage *to, socklen_t *len)
{
	if (!dns_address(c->host, c->port, to, len))
		return err_new(ERR_INPUT, "provider.host must be the name server's IP address: %s", c->host);
	return NULL;
}

static ldns_rdf *name_of(const char *text)
{
	ldns_rdf *name = ldns_dname_new_frm_str(text);

	return name != NULL ? name : ldns_dname_new_frm_str("invalid");
}

/* An MX record; `record` NULL: no data, which means the whole set. */
static ldns_rr *make_rr(const char *domain, ldns_rr_class class, int64_t ttl, const char *record)
{
	ldns_rr *rr = ldns_rr_new();
	const char *space = record != NULL ? strchr(record, ' ') : NULL;

	ldns_rr_set_owner(rr, name_of(domain));
	ldns_rr_set_type(rr, LDNS_RR_TYPE_MX);
	ldns_rr_set_class(rr, class);
	ldns_rr_set_ttl(rr, (uint32_t)ttl);
	if (space != NULL) {
		ldns_rr_push_rdf(rr, ldns_native2rdf_int16(LDNS_RDF_TYPE_INT16, (uint16_t)strtoul(record, NULL, 10)));
		ldns_rr_push_rdf(rr, name_of(space + 1));
	}
	return rr;
}

static void push_question(ldns_pkt *pkt, const char *name, ldns_rr_type type)
{
	ldns_rr *rr = ldns_rr_new();

	ldns_rr_set_question(rr, true);
	ldns_rr_set_owner(rr, name_of(name));
	ldns_rr_set_type(rr, type);
	ldns_rr_set_class(rr, LDNS_RR_CLASS_IN);
	ldns_pkt_push_rr(pkt, LDNS_SECTION_QUESTION, rr);
}

static ldns_pkt *packet(ldns_pkt_opcode opcode)
{
	ldns_pkt *pkt = ldns_pkt_new();

	ldns_pkt_set_opcode(pkt, opcode);
	ldns_pkt_set_id(pkt, (uint16_t)randombytes_uniform(65536));
	return pkt;
}

static const struct err *not_ours(void)
{
	return err_new(ERR_PROTOCOL, "the name server's answer is no DNS message for this question");
}

static const struct err *read_set(const struct dns_change *c, json_t **set)
{
	struct sockaddr_storage to;
	socklen_t len;
	ldns_pkt *pkt = packet(LDNS_PACKET_QUERY), *answer = NULL;
	const ldns_rr_list *list;
	uint8_t *wire = NULL, *back = NULL;
	size_t wire_len, back_len;
	const struct err *e = place(c, &to, &len);

	push_question(pkt, c->domain, LDNS_RR_TYPE_MX);
	if (e == NULL && ldns_pkt2wire(&wire, pkt, &wire_len) != LDNS_STATUS_OK)
		e = err_new(ERR_INPUT, "%s is no domain name", c->domain);
	if (e == NULL)
		e = dns_send_tcp(&to, len, wire, wire_len, c->deadline, &back, &back_len);
	if (e == NULL && (ldns_wire2pkt(&answer, back, back_len) != LDNS_STATUS_OK || ldns_pkt_id(answer) != ldns_pkt_id(pkt)))
		e = not_ours();
	if (e == NULL && (!ldns_pkt_aa(answer) || (ldns_pkt_get_rcode(answer) != LDNS_RCODE_NOERROR &&
							  ldns_pkt_get_rcode(answer) != LDNS_RCODE_NXDOMAIN)))
		e = err_new(ERR_DNS_REFUSED, "the name server %s does not answer for %s", c->host, c->domain);
	if (e == NULL) {
		*set = dns_set_new(-1);
		list = ldns_pkt_answer(answer);
		for (size_t i = 0; i < ldns_rr_list_rr_count(list); i++) {
			const ldns_rr *rr = ldns_rr_list_rr(list, i);
			char *host, *record;

			if (ldns_rr_get_type(rr) != LDNS_RR_TYPE_MX)
				continue;
			host = ldns_rdf2str(ldns_rr_rdf(rr, 1));
			record = xasprintf("%u %s", ldns_rdf2native_int16(ldns_rr_rdf(rr, 0)), host != NULL ? host : "");
			dns_set_add(*set, record);
			json_object_set_new(*set, "ttl", json_integer(ldns_rr_ttl(rr)));
			free(record);
			free(host);
		}
	}
	free(wire);
	free(back);
	ldns_pkt_free(pkt);
	ldns_pkt_free(answer);
	return e;
}

static ldns_pkt *make_update(const struct dns_change *c, const json_t *old, const json_t *now)
{
	const char *zone = dns_text(c->provider, "zone");
	ldns_pkt *pkt = packet(LDNS_PACKET_UPDATE);
	int64_t ttl = json_integer_value(json_object_get(now, "ttl"));
	json_t *records = json_object_get(old, "records"), *v;
	size_t i;

	push_question(pkt, *zone != '\0' ? zone : c->domain, LDNS_RR_TYPE_SOA);
	json_array_foreach(records, i, v)
		ldns_pkt_push_rr(
			pkt, LDNS_SECTION_ANSWER, make_rr(c->domain, LDNS_RR_CLASS_IN, 0, json_string_value(v)));
	if (json_array_size(records) == 0)
		ldns_pkt_push_rr(pkt, LDNS_SECTION_ANSWER, make_rr(c->domain, LDNS_RR_CLASS_NONE, 0, NULL));
	ldns_pkt_push_rr(pkt, LDNS_SECTION_AUTHORITY, make_rr(c->domain, LDNS_RR_CLASS_ANY, 0, NULL));
	json_array_foreach(json_object_get(now, "records"), i, v)
		ldns_pkt_push_rr(pkt, LDNS_SECTION_AUTHORITY,
			make_rr(c->domain, LDNS_RR_CLASS_IN, ttl > 0 ? ttl : 300, json_string_value(v)));
	return pkt;
}

/* What the server said about the signature (RFC 8945, 3: the error field). */
static const char *tsig_words(const ldns_pkt *answer)
{
	const ldns_rr *tsig = ldns_pkt_tsig(answer);
	uint16_t code = 0;

	if (tsig != NULL && ldns_rr_rd_count(tsig) > 5)
		code = ldns_rdf2native_int16(ldns_rr_rdf(tsig, 5));
	return code == 16 ? "BADSIG: the key's secret is not the server's"
	       : code == 17 ? "BADKEY: the server has no such key"
	       : code == 18 ? "BADTIME: the clocks differ by more than five minutes"
			    : "";
}

static const struct err *judge(const ldns_pkt *answer)
{
	ldns_pkt_rcode rcode = ldns_pkt_get_rcode(answer);
	const struct err *e;
	char *word;

	if (rcode == LDNS_RCODE_NOERROR)
		return NULL;
	if (rcode == LDNS_RCODE_NXRRSET || rcode == LDNS_RCODE_YXRRSET)
		return err_new(ERR_DNS_CHANGED, "somebody else has changed the MX records meanwhile");
	word = ldns_pkt_rcode2str(rcode);
	e = err_new(ERR_DNS_REFUSED, "the name server refused the update: %s %s", word != NULL ? word : "?",
		tsig_words(answer));
	free(word);
	return e;
}

static const struct err *sign(ldns_pkt *pkt, const struct dns_change *c, char **name)
{
	const char *colon = strchr(c->key, ':');
	char *algorithm;
	ldns_status st;

	if (colon == NULL)
		return err_new(ERR_INPUT, "provider.key is missing: the TSIG key's name");
	algorithm = xasprintf("%.*s.", (int)(colon - c->key), c->key);
	*name = xasprintf("%s.", colon + 1);
	st = ldns_pkt_tsig_sign(pkt, *name, c->secret, FUDGE, algorithm, NULL);
	free(algorithm);
	if (st != LDNS_STATUS_OK)
		return err_new(ERR_INPUT, "the update cannot be signed: %s", ldns_get_errorstr_by_id(st));
	return NULL;
}

static const struct err *replace(const struct dns_change *c, const json_t *old, const json_t *now)
{
	struct sockaddr_storage to;
	socklen_t len;
	ldns_pkt *pkt = make_update(c, old, now), *answer = NULL;
	uint8_t *wire = NULL, *back = NULL;
	size_t wire_len, back_len;
	char *name = NULL;
	const struct err *e = place(c, &to, &len);

	if (e == NULL)
		e = sign(pkt, c, &name);
	if (e == NULL && ldns_pkt2wire(&wire, pkt, &wire_len) != LDNS_STATUS_OK)
		e = err_new(ERR_INPUT, "the update cannot be written");
	if (e == NULL)
		e = dns_send_tcp(&to, len, wire, wire_len, c->deadline, &back, &back_len);
	if (e == NULL && (ldns_wire2pkt(&answer, back, back_len) != LDNS_STATUS_OK || ldns_pkt_id(answer) != ldns_pkt_id(pkt)))
		e = not_ours();
	if (e == NULL)
		e = judge(answer);
	/* a yes counts only when it is signed: the set is read again in any case */
	if (e == NULL && (ldns_pkt_tsig(answer) == NULL ||
				 !ldns_pkt_tsig_verify(answer, back, back_len, name, c->secret,
					 ldns_rr_rdf(ldns_pkt_tsig(pkt), 3))))
		e = err_new(ERR_PROTOCOL, "the name server's answer is not signed with the key");
	free(name);
	free(wire);
	free(back);
	ldns_pkt_free(pkt);
	ldns_pkt_free(answer);
	return e;
}

const struct dns_provider dns_provider_rfc2136 = {"rfc2136", read_set, replace};
