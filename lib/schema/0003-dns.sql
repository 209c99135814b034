-- DNS around the cut-over: what a job wants, what was seen, what was saved, and the watch afterwards.

CREATE TABLE dns_plans (                    -- one a job
  job_id     INTEGER PRIMARY KEY REFERENCES jobs (id),
  document   TEXT NOT NULL CHECK (json_valid(document)), -- mx, ttl, selectors, provider … never a secret
  version    INTEGER NOT NULL DEFAULT 1,    -- ETag
  key_id     TEXT,                          -- of the key that the provider's token was sealed to; null: none
  sealed     TEXT,                          -- base64 of crypto_box_seal, bound to provider, host and key name
  updated_by TEXT NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE dns_reads (                    -- what a dns_read run saw, a row a domain
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id   INTEGER NOT NULL REFERENCES jobs (id),
  run_id   INTEGER NOT NULL REFERENCES runs (id),
  domain   TEXT NOT NULL,
  moved    INTEGER NOT NULL,                -- every authoritative server gives the planned MX
  document TEXT NOT NULL CHECK (json_valid(document)),
  at       INTEGER NOT NULL
) STRICT;
CREATE INDEX dns_reads_job ON dns_reads (job_id, domain, id);

CREATE TABLE dns_sightings (                -- the TTL of MX on each authoritative server: for the clock
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  read_id INTEGER NOT NULL REFERENCES dns_reads (id),
  server  TEXT NOT NULL,                    -- name and address
  ttl     INTEGER NOT NULL                  -- seconds; -1: no answer
) STRICT;
CREATE INDEX dns_sightings_read ON dns_sightings (read_id, id);

CREATE TABLE dns_saved (                    -- the record set that stood before a change, written before it
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id  INTEGER NOT NULL REFERENCES jobs (id),
  run_id  INTEGER NOT NULL UNIQUE REFERENCES runs (id),
  records TEXT NOT NULL CHECK (json_valid(records)),
  at      INTEGER NOT NULL
) STRICT;
CREATE INDEX dns_saved_job ON dns_saved (job_id, id);

CREATE TABLE dns_webhooks (                 -- messages that were taken: each counts once
  message    TEXT PRIMARY KEY,              -- the sender's id
  job_id     INTEGER NOT NULL REFERENCES jobs (id),
  body_hash  TEXT NOT NULL,                 -- hex SHA-256
  at         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE straggler_watches (            -- late mail at the old server after the switch; one open a job
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id      INTEGER NOT NULL REFERENCES jobs (id),
  quiet_ms    INTEGER NOT NULL,             -- nothing new for so long ends it
  every_ms    INTEGER NOT NULL,             -- between two looks at a mailbox
  arrived     INTEGER NOT NULL DEFAULT 0,   -- messages that came late and were taken along
  started_at  INTEGER NOT NULL,
  last_new_at INTEGER NOT NULL,             -- started_at while nothing came
  ended_at    INTEGER,
  why         TEXT                          -- quiet, rolled_back, closed
) STRICT;
CREATE UNIQUE INDEX straggler_watches_open ON straggler_watches (job_id) WHERE ended_at IS NULL;

CREATE TRIGGER dns_reads_keep BEFORE UPDATE ON dns_reads BEGIN SELECT RAISE(ABORT, 'dns reads are insert-only'); END;
CREATE TRIGGER dns_reads_stay BEFORE DELETE ON dns_reads BEGIN SELECT RAISE(ABORT, 'dns reads are insert-only'); END;
CREATE TRIGGER dns_saved_keep BEFORE UPDATE ON dns_saved BEGIN SELECT RAISE(ABORT, 'saved records are insert-only'); END;
CREATE TRIGGER dns_saved_stay BEFORE DELETE ON dns_saved BEGIN SELECT RAISE(ABORT, 'saved records are insert-only'); END;
