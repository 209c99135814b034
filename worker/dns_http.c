#include "dns_http.h"

#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "clock.h"
#include "json.h"

#include "banned.h"

#define ANSWER_MAX (8u << 20)
#define STEP_MS 20000

static size_t take(char *p, size_t size, size_t n, void *arg)
{
	struct buf *out = arg;

	if (out->len + size * n > ANSWER_MAX)
		return 0;
	buf_add(out, p, size * n);
	return size * n;
}

static const struct err *failed(CURLcode code, const char *words, const char *url)
{
	enum err_id id = ERR_LINE_LOST;

	if (code == CURLE_OPERATION_TIMEDOUT)
		id = ERR_TIMEOUT;
	else if (code == CURLE_COULDNT_RESOLVE_HOST)
		id = ERR_HOST_UNKNOWN;
	else if (code == CURLE_COULDNT_CONNECT)
		id = ERR_HOST_UNREACHABLE;
	else if (code == CURLE_PEER_FAILED_VERIFICATION || code == CURLE_SSL_CACERT_BADFILE)
		id = ERR_TLS_UNTRUSTED;
	return err_new(id, "%s: %s", url, *words != '\0' ? words : curl_easy_strerror(code));
}

static void set_options(CURL *curl, const struct dns_http *h, struct curl_slist *headers, char *words)
{
	int64_t left = h->deadline - clock_mono_ms();

	if (left > STEP_MS)
		left = STEP_MS;
	curl_easy_setopt(curl, CURLOPT_URL, h->url);
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, h->method);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, (long)(left > 1 ? left : 1));
	curl_easy_setopt(curl, CURLOPT_ERRORBUFFER, words);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "desk-migration");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	if (*h->ca_file != '\0')
		curl_easy_setopt(curl, CURLOPT_CAINFO, h->ca_file);
}

const struct err *dns_http(struct dns_http *h)
{
	struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
	struct buf body = BUF_INIT, answer = BUF_INIT;
	char words[CURL_ERROR_SIZE] = "";
	CURL *curl = curl_easy_init();
	CURLcode code;

	h->status = 0;
	h->answer = NULL;
	if (h->header != NULL)
		headers = curl_slist_append(headers, h->header);
	if (h->body != NULL) {
		headers = curl_slist_append(headers, "Content-Type: application/json");
		js_write(&body, h->body);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body.ptr);
		curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)body.len);
	}
	set_options(curl, h, headers, words);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, &answer);
	code = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &h->status);
	if (code == CURLE_OK && js_parse(&h->answer, answer.ptr, answer.len) != NULL)
		h->answer = NULL;
	curl_easy_cleanup(curl);
	curl_slist_free_all(headers);
	buf_wipe(&body);
	buf_free(&answer);
	return code == CURLE_OK ? NULL : failed(code, words, h->url);
}
