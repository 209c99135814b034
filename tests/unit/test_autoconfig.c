#include "unit.h"

#include <jansson.h>
#include <stdbool.h>
#include <string.h>

#include "autoconfig.h"
#include "buf.h"
#include "network.h"

static const char document[] =
        "<?xml version='1.0'?><clientConfig version='1.1'><emailProvider "
        "id='a.example'><domain>a.example</domain>"
        "<incomingServer "
        "type='pop3'><hostname>pop.a.example</hostname><port>995</port><socketType>SSL</socketType></"
        "incomingServer>"
        "<incomingServer type='imap'><hostname> "
        "IMAP.%EMAILDOMAIN%\n</hostname><port>993</port><socketType>SSL</socketType>"
        "<username>%EMAILADDRESS%</username><more><hostname>inner.example</hostname></more></incomingServer>"
        "<incomingServer "
        "type='imap'><hostname>plain.a.example</hostname><port>143</port><socketType>plain</socketType></"
        "incomingServer>"
        "<incomingServer "
        "type='imap'><hostname>imap.a.example</hostname><port>143</port><socketType>STARTTLS</socketType>"
        "<username>%EMAILLOCALPART%</username></incomingServer>"
        "<incomingServer "
        "type='imap'><hostname>&lt;b&gt;.example</hostname><port>993</port><socketType>SSL</socketType></"
        "incomingServer>"
        "<incomingServer "
        "type='imap'><hostname>x.example</hostname><port>0</port><socketType>SSL</socketType></"
        "incomingServer>"
        "<incomingServer "
        "type='imap'><hostname>127.0.0.1</hostname><port>993</port><socketType>SSL</socketType></"
        "incomingServer>"
        "</emailProvider></clientConfig>";

static size_t servers(const char *text, size_t n, json_t **out)
{
	*out = json_array();
	return autoconfig_parse(text, n, "a.example", *out);
}

static void takes_encrypted_imap_servers(void **state)
{
	json_t *found, *wanted = json_pack("[{s:s,s:i,s:s,s:s},{s:s,s:i,s:s,s:s}]", "host", "imap.a.example",
	                       "port", 993, "tls", "tls", "user", "address", "host", "imap.a.example", "port",
	                       143, "tls", "starttls", "user", "local");

	(void)state;
	assert_int_equal(servers(document, sizeof(document) - 1, &found), 2);
	assert_true(json_equal(found, wanted));
	json_decref(found);
	json_decref(wanted);
}

static void a_cut_document_names_nobody(void **state)
{
	json_t *found;

	(void)state;
	for (size_t n = 0; n < sizeof(document) - 1; n++) {
		assert_int_equal(servers(document, n, &found), 0);
		json_decref(found);
	}
}

static void entities_and_depth_are_refused(void **state)
{
	static const char bomb[] = "<!DOCTYPE c [<!ENTITY a 'aaaa'><!ENTITY b "
	                           "'&a;&a;'>]><clientConfig><incomingServer type='imap'>"
	                           "<hostname>x.example</hostname><port>993</port><socketType>SSL</"
	                           "socketType></incomingServer></clientConfig>";
	struct buf deep = BUF_INIT;
	json_t *found;

	(void)state;
	assert_int_equal(servers(bomb, sizeof(bomb) - 1, &found), 0);
	json_decref(found);
	for (int i = 0; i < 100; i++)
		buf_adds(&deep, "<a>");
	for (int i = 0; i < 100; i++)
		buf_adds(&deep, "</a>");
	assert_int_equal(servers(deep.ptr, deep.len, &found), 0);
	json_decref(found);
	buf_free(&deep);
}

static void knows_the_inside(void **state)
{
	static const char *const inside[] = {"10.1.2.3", "127.0.0.1", "169.254.169.254", "172.16.0.1",
	        "172.31.255.255", "192.168.1.1", "100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255",
	        "::1", "::", "fe80::1", "fd00::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1",
	        "2002:7f00:1::", "::127.0.0.1", "ff02::1", "no address", "", "0177.0.0.1"};
	static const char *const outside[] = {"8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111",
	        "::ffff:8.8.8.8", "2002:808:808::"};

	(void)state;
	for (size_t i = 0; i < sizeof(inside) / sizeof(inside[0]); i++)
		assert_true(network_is_inside(inside[i]));
	for (size_t i = 0; i < sizeof(outside) / sizeof(outside[0]); i++)
		assert_false(network_is_inside(outside[i]));
}

static void a_list_holds_its_networks(void **state)
{
	json_t *list = json_pack(
	        "[s,s,s,s,s]", "10.0.0.0/9", "192.0.2.7", "2001:db8::/33", "nonsense", "1.2.3.4/99");

	(void)state;
	assert_true(network_holds(list, "10.127.255.255"));
	assert_false(network_holds(list, "10.128.0.0"));
	assert_true(network_holds(list, "192.0.2.7"));
	assert_false(network_holds(list, "192.0.2.8"));
	assert_true(network_holds(list, "2001:db8:7fff::1"));
	assert_false(network_holds(list, "2001:db8:8000::1"));
	assert_false(network_holds(list, "1.2.3.4"));
	assert_false(network_holds(NULL, "10.0.0.1"));
	json_decref(list);
}

static void host_names(void **state)
{
	(void)state;
	assert_true(autoconfig_is_host("imap.a-b.example"));
	assert_true(autoconfig_is_host("xn--mller-kva.test"));
	for (const char *const *s = (const char *const[]){"", ".", "a", "a..b", ".a.b", "a.b.", "a b.c",
	             "a/b.c", "[::1]", "10.0.0.1", "a.b:25", "<b>.c", "\xc3\xa9.example", NULL};
	        *s != NULL; s++)
		assert_false(autoconfig_is_host(*s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
	        cmocka_unit_test(takes_encrypted_imap_servers),
	        cmocka_unit_test(a_cut_document_names_nobody),
	        cmocka_unit_test(entities_and_depth_are_refused),
	        cmocka_unit_test(knows_the_inside),
	        cmocka_unit_test(a_list_holds_its_networks),
	        cmocka_unit_test(host_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
