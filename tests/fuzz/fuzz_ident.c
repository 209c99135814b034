/* The identity of any message: no crash, no overrun, and the same keys however the bytes are cut. The input's
 * first byte chooses the cut. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ident.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_in_pieces(struct ident_reader *r, const uint8_t *p, size_t n, size_t piece, struct ident *out)
{
	for (size_t at = 0; at < n; at += piece)
		ident_reader_feed(r, p + at, n - at < piece ? n - at : piece);
	ident_reader_end(r, out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct ident_reader *r;
	struct ident whole, cut;

	if (size == 0)
		return 0;
	if (r == NULL)
		r = ident_reader_new(IDENT_WANT_ALL, NULL);
	read_in_pieces(r, data + 1, size - 1, size, &whole);
	read_in_pieces(r, data + 1, size - 1, (size_t)data[0] % 200 + 1, &cut);
	if (whole.have != cut.have || whole.size != cut.size || whole.canonical_same != cut.canonical_same ||
		memcmp(whole.sha256, cut.sha256, sizeof(cut.sha256)) != 0 || memcmp(whole.key, cut.key, sizeof(cut.key)) != 0)
		abort();
	return 0;
}
