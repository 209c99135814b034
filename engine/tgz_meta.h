/* The .meta documents of Zimbra's and Carbonio's exports. Pure. */
#ifndef TGZ_META_H
#define TGZ_META_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "buf.h"

enum tgz_type { TGZ_FOLDER = 1, TGZ_SEARCH = 2, TGZ_TAG = 3, TGZ_MESSAGE = 5, TGZ_CONTACT = 6, TGZ_DOCUMENT = 8,
	TGZ_APPOINTMENT = 11, TGZ_MOUNT = 13, TGZ_WIKI = 14, TGZ_TASK = 15, TGZ_CHAT = 16 };

struct tgz_meta {
	int type;
	int64_t date, size;
	uint32_t flags;    /* enum source_flag */
	bool mail;         /* of a folder: it is one for mail */
	struct buf folder; /* of a message: its folder; of a folder: itself; UTF-8, levels cleaned */
	struct buf words;  /* a set for source_words: the tags */
	uint8_t digest[32];
	unsigned digest_size; /* 32: SHA-256, 20: SHA-1, 0: none */
};

void tgz_meta_init(struct tgz_meta *m);
void tgz_meta_free(struct tgz_meta *m);
/* False: not such a document. */
bool tgz_meta_parse(struct tgz_meta *m, const char *json, size_t n);

#endif
