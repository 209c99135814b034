/* Folder rules and options: the JSON columns that say how mail is moved. */
#ifndef FOLDERS_INPUT_H
#define FOLDERS_INPUT_H

#include "json.h"

/* {"map":{"src":"dst"},"include":[],"exclude":[]}: checked and written with all three (the caller's). */
char *folders_json(const struct js_at *at);

/* A job's options: {"folders":{…},"since":"2020-01-01","before":…,"max_size":bytes,"max_connections":n,
 * "max_rate":bytes a
 * second,"deadline_seconds":n,"automap":bool,"flags_sync":bool,"from_tls_fingerprint":SHA-256,
 * "to_tls_fingerprint":…}. Checked and written anew (the caller's). */
char *options_json(const struct js_at *at);

/* A job's rules with a mailbox's own on top: its map goes before, its patterns are added. New reference. */
json_t *folders_merge(const char *job_options, const char *mailbox_folders);

#endif
