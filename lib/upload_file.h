/*
 * An upload on disk: MIGRATION_DATA_PATH/uploads/TOKEN, and beside it TOKEN.state (upload_state.h): how many bytes
 * are safe. Bytes behind that length were never acknowledged; whoever opens the file for writing cuts them off.
 *
 * The hash follows what is written by reading the file, when its user says so: taking bytes in needs not wait for it.
 *
 * One process writes at a time. Another that wants the file asks by a lock on its second byte, and who has it puts it
 * down at the next occasion: a connection that is dead but not closed does not keep its successor out.
 */
#ifndef UPLOAD_FILE_H
#define UPLOAD_FILE_H

#include <stdbool.h>
#include <stdint.h>

#include "err.h"

struct upload_file;

/* 32 hex digits of chance, the caller's. */
char *upload_token(void);
/* The only form that ever becomes a path. */
bool upload_token_ok(const char *s);

/* `dir`: MIGRATION_DATA_PATH/uploads. */
const struct err *upload_file_create(const char *dir, const char *token);
/* Both files; missing ones are fine. */
const struct err *upload_file_remove(const char *dir, const char *token);
/* Bytes that are safe, without opening the file. 0 when nothing is known. */
uint64_t upload_file_offset(const char *dir, const char *token);

/* Waits at most wait_ms for who has it. ERR_UPLOAD_LOCKED, ERR_NOT_FOUND. */
const struct err *upload_file_open(struct upload_file **out, const char *dir, const char *token, int64_t wait_ms);
void upload_file_close(struct upload_file *f); /* what was not kept is cut off; NULL is fine */
int upload_file_fd(const struct upload_file *f);

uint64_t upload_file_length(const struct upload_file *f); /* taken so far */
uint64_t upload_file_kept(const struct upload_file *f);   /* safe on disk */
bool upload_file_wanted(const struct upload_file *f);     /* somebody else asks for it */

/* Appends. On an error (ERR_DISK_LOW, ERR_IO) the file is cut back to what was kept. */
const struct err *upload_file_write(struct upload_file *f, const void *p, size_t n);
/* Writes what waits for a large block to be full: for a line that brings nothing at the moment. Errors as above. */
const struct err *upload_file_flush(struct upload_file *f);
/* Makes what was written safe: fsync, then the state. On an error the file is cut back as well. */
const struct err *upload_file_keep(struct upload_file *f);
/* Drops what was written and not kept. */
const struct err *upload_file_back(struct upload_file *f);

/* Bytes that were taken and that the hash has not seen. */
uint64_t upload_file_behind(const struct upload_file *f);
/* Brings the hash forward by at most `most` bytes of those that are in the file (upload_file_flush, upload_file_keep). It is
 * put down with the next upload_file_keep. ERR_IO: the hash stays where it was. */
const struct err *upload_file_hash(struct upload_file *f, uint64_t most);
/* SHA-256, in hex, of what was kept; the caller's. NULL while the hash is behind or ahead of that. */
char *upload_file_sha256(const struct upload_file *f);

#endif
