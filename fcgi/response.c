#include "response.h"

#include <stdarg.h>
#include <string.h>
#include <unistd.h>

#include "banned.h"

static const struct {
	int status;
	const char *reason;
} reasons[] = {
	{200, "OK"},
	{201, "Created"},
	{202, "Accepted"},
	{204, "No Content"},
	{206, "Partial Content"},
	{304, "Not Modified"},
	{400, "Bad Request"},
	{401, "Unauthorized"},
	{403, "Forbidden"},
	{404, "Not Found"},
	{405, "Method Not Allowed"},
	{409, "Conflict"},
	{410, "Gone"},
	{412, "Precondition Failed"},
	{413, "Content Too Large"},
	{415, "Unsupported Media Type"},
	{416, "Range Not Satisfiable"},
	{422, "Unprocessable Content"},
	{423, "Locked"},
	{428, "Precondition Required"},
	{429, "Too Many Requests"},
	{460, "Checksum Mismatch"},
	{500, "Internal Server Error"},
	{503, "Service Unavailable"},
	{507, "Insufficient Storage"},
};

const char *response_reason(int status)
{
	for (size_t i = 0; i < sizeof(reasons) / sizeof(reasons[0]); i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Error";
}

void response_init(struct response *res)
{
	memset(res, 0, sizeof(*res));
	res->status = 200;
	res->type = "application/json";
	res->fd = -1;
	buf_init(&res->headers);
	buf_init(&res->body);
}

void response_free(struct response *res)
{
	if (res->fd >= 0)
		close(res->fd);
	res->fd = -1;
	buf_free(&res->headers);
	buf_wipe(&res->body);
}

void response_clear(struct response *res)
{
	response_free(res);
	response_init(res);
}

void response_header(struct response *res, const char *name, const char *fmt, ...)
{
	struct buf value = BUF_INIT;
	va_list ap;

	va_start(ap, fmt);
	buf_addv(&value, fmt, ap);
	va_end(ap);
	buf_adds(&res->headers, name);
	buf_adds(&res->headers, ": ");
	for (size_t i = 0; i < value.len; i++)
		if ((unsigned char)value.ptr[i] >= 0x20 && value.ptr[i] != 0x7f)
			buf_addc(&res->headers, value.ptr[i]);
	buf_adds(&res->headers, "\r\n");
	buf_wipe(&value);
}

void response_etag(struct response *res, const char *etag)
{
	response_header(res, "ETag", "\"%s\"", etag);
}

void response_head(const struct response *res, struct buf *out)
{
	if (res->status != 200) {
		buf_addf(out, "Status: %d %s\r\n", res->status, response_reason(res->status));
	}
	if (res->status != 204 && res->status != 304) {
		buf_addf(out, "Content-Type: %s\r\n", res->type);
		buf_addf(out, "Content-Length: %lld\r\n",
			res->fd >= 0 ? (long long)res->length : (long long)res->body.len);
	}
	if (!res->cacheable)
		buf_adds(out, "Cache-Control: no-store\r\n");
	buf_add(out, res->headers.ptr, res->headers.len);
	buf_adds(out, "\r\n");
}
