-- The data of a migration service. Instants are milliseconds since 1970 (UTC); they are shown, never compared
-- to decide what came last: order is the database's own (rowids and runs.change_seq).

CREATE TABLE jobs (                         -- one company's move
  id          INTEGER PRIMARY KEY AUTOINCREMENT,
  org         TEXT NOT NULL DEFAULT '',     -- tenant; '' where there is only one
  ticket      TEXT NOT NULL DEFAULT '',     -- Desk's ticket, as text
  title       TEXT NOT NULL DEFAULT '',
  engine      TEXT NOT NULL DEFAULT 'native' CHECK (engine IN ('native', 'reference')),
  status      TEXT NOT NULL DEFAULT 'open' CHECK (status IN ('open', 'closed')),
  source      TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(source)),      -- defaults for mailboxes: kind host port tls
  destination TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(destination)), -- likewise
  options     TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(options)),     -- folder rules, filters, limits
  version     INTEGER NOT NULL DEFAULT 1,   -- rises with each change: ETag
  created_by  TEXT NOT NULL,
  created_at  INTEGER NOT NULL,
  updated_at  INTEGER NOT NULL,
  closed_at   INTEGER
) STRICT;
CREATE INDEX jobs_open ON jobs (org, status, id);

CREATE TABLE job_domains (
  id       INTEGER PRIMARY KEY,
  job_id   INTEGER NOT NULL REFERENCES jobs (id),
  org      TEXT NOT NULL DEFAULT '',
  domain   TEXT NOT NULL,                   -- A-label, lower case
  position INTEGER NOT NULL,                -- 0 is the main one
  open     INTEGER NOT NULL DEFAULT 1 CHECK (open IN (0, 1)) -- follows jobs.status
) STRICT;
CREATE UNIQUE INDEX job_domains_open ON job_domains (org, domain) WHERE open = 1;
CREATE UNIQUE INDEX job_domains_position ON job_domains (job_id, position);
CREATE INDEX job_domains_domain ON job_domains (domain, open);
CREATE TRIGGER jobs_status AFTER UPDATE OF status ON jobs BEGIN
  UPDATE job_domains SET open = NEW.status = 'open' WHERE job_id = NEW.id;
END;

CREATE TABLE uploads (                      -- files that hold mail
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  token      TEXT NOT NULL UNIQUE,          -- unguessable name in URLs and on disk
  org        TEXT NOT NULL DEFAULT '',
  name       TEXT NOT NULL,                 -- as the user's machine called it; never a path here
  kind       TEXT CHECK (kind IN ('pst', 'mbox', 'tgz', 'zip', 'unknown')),
  size       INTEGER,                       -- null while it is not known
  received   INTEGER NOT NULL DEFAULT 0,
  sha256     TEXT,                          -- hex, when complete
  status     TEXT NOT NULL DEFAULT 'receiving' CHECK (status IN ('receiving', 'complete', 'removed')),
  metadata   TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(metadata)),
  expires_at INTEGER,
  created_by TEXT NOT NULL,
  created_at INTEGER NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;

CREATE TABLE mailboxes (                    -- one source account or file, one destination account
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id       INTEGER NOT NULL REFERENCES jobs (id),
  source_kind  TEXT NOT NULL DEFAULT 'imap' CHECK (source_kind IN ('imap', 'pst', 'mbox', 'tgz')),
  source_host  TEXT NOT NULL DEFAULT '',
  source_port  INTEGER NOT NULL DEFAULT 0 CHECK (source_port BETWEEN 0 AND 65535),
  source_tls   TEXT NOT NULL DEFAULT 'tls' CHECK (source_tls IN ('tls', 'starttls', 'none')),
  source_user  TEXT NOT NULL DEFAULT '',
  source_auth  TEXT NOT NULL DEFAULT 'password',
  source_upload INTEGER REFERENCES uploads (id),
  dest_host    TEXT NOT NULL,
  dest_port    INTEGER NOT NULL CHECK (dest_port BETWEEN 1 AND 65535),
  dest_tls     TEXT NOT NULL DEFAULT 'tls' CHECK (dest_tls IN ('tls', 'starttls', 'none')),
  dest_user    TEXT NOT NULL,
  dest_auth    TEXT NOT NULL DEFAULT 'password',
  dest_account TEXT NOT NULL,               -- lower-case host and user: what at most one run may change at a time
  folders      TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(folders)), -- its own map, includes, excludes
  version      INTEGER NOT NULL DEFAULT 1,
  removed      INTEGER NOT NULL DEFAULT 0 CHECK (removed IN (0, 1)),   -- kept for the evidence; see removals
  pair_after   INTEGER NOT NULL DEFAULT 0,  -- runs up to this id moved another pair of accounts: no evidence for this one
  created_by   TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  updated_at   INTEGER NOT NULL
) STRICT;
CREATE INDEX mailboxes_job ON mailboxes (job_id, id);
CREATE UNIQUE INDEX mailboxes_pair ON mailboxes (job_id, source_kind, source_host, source_user, COALESCE(source_upload, 0), dest_account)
  WHERE removed = 0;

CREATE TABLE credentials (                  -- sealed to the worker's public key; the API can write, never read
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  mailbox_id INTEGER NOT NULL REFERENCES mailboxes (id),
  side       TEXT NOT NULL CHECK (side IN ('source', 'destination')),
  key_id     TEXT NOT NULL,                 -- of the public key it was sealed to
  sealed     TEXT NOT NULL,                 -- base64 of crypto_box_seal
  version    INTEGER NOT NULL DEFAULT 1,    -- ETag
  created_by TEXT NOT NULL,
  updated_at INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX credentials_side ON credentials (mailbox_id, side);

CREATE TABLE workers (                      -- who may claim and report; each has its own ES256 key
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  name       TEXT NOT NULL UNIQUE,
  public_key TEXT NOT NULL,                 -- PEM
  revoked    INTEGER NOT NULL DEFAULT 0 CHECK (revoked IN (0, 1)),
  version    TEXT NOT NULL DEFAULT '',      -- of its program, as it said last
  seen_at    INTEGER,
  created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE run_kinds (                    -- mirrors lib/model.c; a test compares them
  kind          TEXT PRIMARY KEY,
  changes_mail  INTEGER NOT NULL,
  needs_mailbox INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO run_kinds VALUES
  ('preflight', 0, 1), ('discover', 0, 0), ('sync', 1, 1), ('verify', 0, 1), ('recopy', 1, 1), ('dns_read', 0, 0),
  ('dns_apply', 0, 0), ('straggler', 0, 1), ('rollback', 1, 1), ('reseal', 0, 0), ('report', 0, 0);

CREATE TABLE runs (
  id           INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id       INTEGER NOT NULL REFERENCES jobs (id),
  mailbox_id   INTEGER REFERENCES mailboxes (id),
  kind         TEXT NOT NULL REFERENCES run_kinds (kind),
  pass         TEXT CHECK (pass IN ('initial', 'delta', 'final')),
  engine       TEXT NOT NULL CHECK (engine IN ('native', 'reference')),
  changes_mail INTEGER NOT NULL,            -- copied from run_kinds
  dest_account TEXT,                        -- of the mailbox when it was queued
  status       TEXT NOT NULL DEFAULT 'queued' CHECK (status IN
                 ('queued', 'running', 'paused', 'waiting', 'succeeded', 'partial', 'failed', 'cancelled')),
  held         INTEGER NOT NULL DEFAULT 0 CHECK (held IN (0, 1)), -- queued behind another run (queue:true)
  attempt      INTEGER NOT NULL DEFAULT 0,  -- claims so far
  nonce        TEXT,                        -- of the claim that holds it
  worker       TEXT,
  lease_until  INTEGER,                     -- while running, paused or waiting
  not_before   INTEGER NOT NULL DEFAULT 0,  -- queued again after a failure: no run file before this instant
  seq          INTEGER NOT NULL DEFAULT 0,  -- of the last report of this attempt
  options      TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(options)),
  cancel       INTEGER NOT NULL DEFAULT 0,  -- asked for
  pause        INTEGER NOT NULL DEFAULT 0,  -- asked for
  code         TEXT,                        -- stable code of its end, when not succeeded
  message      TEXT,
  result       TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(result)), -- last totals, as reported
  change_seq   INTEGER NOT NULL DEFAULT 0,  -- the order in which statuses changed, over all runs (table counters)
  retry_of     INTEGER REFERENCES runs (id),
  created_by   TEXT NOT NULL,
  created_role TEXT NOT NULL,
  created_at   INTEGER NOT NULL,
  started_at   INTEGER,
  finished_at  INTEGER,
  CHECK (mailbox_id IS NOT NULL OR kind IN ('discover', 'dns_read', 'dns_apply', 'reseal', 'report'))
) STRICT;
CREATE INDEX runs_job ON runs (job_id, id);
CREATE INDEX runs_mailbox ON runs (mailbox_id, id);
CREATE INDEX runs_active ON runs (status, id) WHERE status IN ('queued', 'running', 'paused', 'waiting');
-- at most one active run a mailbox, one mail-changing run a destination account
CREATE UNIQUE INDEX runs_one_a_mailbox ON runs (mailbox_id)
  WHERE held = 0 AND mailbox_id IS NOT NULL AND status IN ('queued', 'running', 'paused', 'waiting');
CREATE UNIQUE INDEX runs_one_an_account ON runs (dest_account)
  WHERE held = 0 AND changes_mail = 1 AND status IN ('queued', 'running', 'paused', 'waiting');

CREATE TABLE counters (                     -- sequences that are not a table's rowid
  name  TEXT PRIMARY KEY,
  value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters VALUES ('change_seq', 0);

-- --- evidence: rows are inserted, never changed or deleted; what came last is what has the highest id ---

CREATE TABLE passes (                       -- a mail-changing run came to its end
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id     INTEGER NOT NULL REFERENCES runs (id),
  attempt    INTEGER NOT NULL,              -- that ended: a run file moved back by hand ends a second time
  mailbox_id INTEGER NOT NULL REFERENCES mailboxes (id),
  kind       TEXT NOT NULL,                 -- the run's kind
  pass       TEXT,
  status     TEXT NOT NULL CHECK (status IN ('succeeded', 'partial', 'failed', 'cancelled')),
  messages   INTEGER NOT NULL DEFAULT 0,    -- that the source held
  copied     INTEGER NOT NULL DEFAULT 0,
  present    INTEGER NOT NULL DEFAULT 0,
  refused    INTEGER NOT NULL DEFAULT 0,
  bytes      INTEGER NOT NULL DEFAULT 0,    -- copied
  at         INTEGER NOT NULL,
  UNIQUE (run_id, attempt)
) STRICT;
CREATE INDEX passes_mailbox ON passes (mailbox_id, id);

CREATE TABLE pass_folders (                 -- what the pass saw at the source: the basis of a later verify
  pass_id     INTEGER NOT NULL REFERENCES passes (id),
  folder      TEXT NOT NULL,
  destination TEXT NOT NULL,
  uidvalidity INTEGER NOT NULL,
  uidnext     INTEGER NOT NULL,
  messages    INTEGER NOT NULL,
  bytes       INTEGER NOT NULL DEFAULT 0,
  PRIMARY KEY (pass_id, folder)
) STRICT, WITHOUT ROWID;

CREATE TABLE verifications (                -- a verify run came to its end
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id     INTEGER NOT NULL REFERENCES runs (id),
  attempt    INTEGER NOT NULL,
  mailbox_id INTEGER NOT NULL REFERENCES mailboxes (id),
  pass_id    INTEGER REFERENCES passes (id),-- the last pass when the verify was claimed
  complete   INTEGER NOT NULL CHECK (complete IN (0, 1)), -- every source folder was listed and read
  deep       INTEGER NOT NULL DEFAULT 0,
  expected   INTEGER NOT NULL,
  found      INTEGER NOT NULL,
  found_weak INTEGER NOT NULL DEFAULT 0,
  missing    INTEGER NOT NULL,              -- expected - found - found_weak
  unexplained INTEGER NOT NULL,             -- of the missing
  late       INTEGER NOT NULL DEFAULT 0,
  excluded   INTEGER NOT NULL DEFAULT 0,
  differing  INTEGER NOT NULL DEFAULT 0,
  extra      INTEGER NOT NULL DEFAULT 0,
  at         INTEGER NOT NULL,
  UNIQUE (run_id, attempt)
) STRICT;
CREATE INDEX verifications_mailbox ON verifications (mailbox_id, id);

CREATE TABLE verification_folders (
  verification_id INTEGER NOT NULL REFERENCES verifications (id),
  folder      TEXT NOT NULL,
  destination TEXT NOT NULL,
  complete    INTEGER NOT NULL,
  expected    INTEGER NOT NULL,
  found       INTEGER NOT NULL,
  found_weak  INTEGER NOT NULL,
  exact       INTEGER NOT NULL,
  canonical   INTEGER NOT NULL,
  decoded     INTEGER NOT NULL,
  summary     INTEGER NOT NULL DEFAULT 0,   -- quick mode: equal header block and size, body not read; counts as found
  header      INTEGER NOT NULL,
  missing     INTEGER NOT NULL,
  late        INTEGER NOT NULL,
  excluded    INTEGER NOT NULL,
  differing   INTEGER NOT NULL,
  extra       INTEGER NOT NULL,
  PRIMARY KEY (verification_id, folder)
) STRICT, WITHOUT ROWID;

CREATE TABLE missing (                      -- each message that a verify did not find
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  verification_id INTEGER NOT NULL REFERENCES verifications (id),
  folder          TEXT NOT NULL,
  uid             INTEGER NOT NULL,
  size            INTEGER NOT NULL,
  date            TEXT NOT NULL DEFAULT '',
  message_id      TEXT NOT NULL DEFAULT '',
  sender          TEXT NOT NULL DEFAULT '',
  subject         TEXT NOT NULL DEFAULT '',
  class           TEXT NOT NULL,
  detail          TEXT NOT NULL DEFAULT ''
) STRICT;
CREATE INDEX missing_verification ON missing (verification_id, id);

CREATE TABLE refusals (                     -- messages that the destination refused: the quarantine
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  mailbox_id INTEGER NOT NULL REFERENCES mailboxes (id),
  run_id     INTEGER NOT NULL REFERENCES runs (id),
  folder     TEXT NOT NULL,
  uid        INTEGER NOT NULL,
  size       INTEGER NOT NULL,
  code       TEXT NOT NULL,
  server     TEXT NOT NULL,                 -- its words
  file       TEXT NOT NULL DEFAULT '',      -- artefact's name
  at         INTEGER NOT NULL
) STRICT;
CREATE INDEX refusals_mailbox ON refusals (mailbox_id, id);

CREATE TABLE removals (                     -- a mailbox was taken out of its job: a fact for the gate
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  mailbox_id INTEGER NOT NULL UNIQUE REFERENCES mailboxes (id),
  job_id     INTEGER NOT NULL REFERENCES jobs (id),
  reason     TEXT NOT NULL DEFAULT '',
  by_sub     TEXT NOT NULL,
  at         INTEGER NOT NULL
) STRICT;
CREATE INDEX removals_job ON removals (job_id);

CREATE TABLE acceptances (                  -- somebody who may do so accepted a fact, in words
  id              INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id          INTEGER NOT NULL REFERENCES jobs (id),
  mailbox_id      INTEGER NOT NULL REFERENCES mailboxes (id),
  what            TEXT NOT NULL CHECK (what IN ('missing', 'weak', 'refusal', 'excluded', 'source.empty', 'source.shrank', 'mailbox.removed')),
  verification_id INTEGER REFERENCES verifications (id), -- whose numbers were accepted; null for mailbox.removed
  count           INTEGER NOT NULL DEFAULT 0,            -- how many it covers
  reason          TEXT NOT NULL,
  by_sub          TEXT NOT NULL,
  by_role         TEXT NOT NULL,
  at              INTEGER NOT NULL
) STRICT;
CREATE INDEX acceptances_mailbox ON acceptances (mailbox_id, id);

CREATE TABLE approvals (                    -- approve, revoke, override: the latest row of a kind speaks
  id         INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id     INTEGER NOT NULL REFERENCES jobs (id),
  kind       TEXT NOT NULL CHECK (kind IN ('approve', 'revoke', 'override')),
  facts      TEXT NOT NULL,                 -- hash of the facts that were before their eyes
  snapshot   TEXT NOT NULL DEFAULT '',      -- those facts, a line each: to say later what has changed
  covers     TEXT NOT NULL DEFAULT '[]' CHECK (json_valid(covers)), -- override: reasons present when given
  mailboxes  INTEGER NOT NULL,              -- how many, as stated
  reason     TEXT NOT NULL DEFAULT '',
  by_sub     TEXT NOT NULL,
  by_name    TEXT NOT NULL,
  by_role    TEXT NOT NULL,
  at         INTEGER NOT NULL,
  expires_at INTEGER                        -- override
) STRICT;
CREATE INDEX approvals_job ON approvals (job_id, id);

CREATE TABLE dns_events (                   -- what the gate must know of DNS: applied (webhook, provider, seen), rolled back
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id   INTEGER NOT NULL REFERENCES jobs (id),
  seq      INTEGER NOT NULL,                -- from counters.change_seq: its place among the runs' ends
  what     TEXT NOT NULL CHECK (what IN ('applied', 'rolled_back')),
  how      TEXT NOT NULL,                   -- webhook, dns_read, dns_apply, rollback
  was_ready INTEGER NOT NULL,               -- the gate said ready_for_dns at that moment
  detail   TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(detail)),
  at       INTEGER NOT NULL
) STRICT;
CREATE INDEX dns_events_job ON dns_events (job_id, id);

-- what a run left behind, kept under artefacts/RUN/
CREATE TABLE artefacts (
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  run_id   INTEGER NOT NULL REFERENCES runs (id),
  name     TEXT NOT NULL,
  size     INTEGER NOT NULL,
  complete INTEGER NOT NULL DEFAULT 0,
  sha256   TEXT,
  at       INTEGER NOT NULL,
  UNIQUE (run_id, name)
) STRICT;

-- --- who ---

CREATE TABLE users (                        -- local accounts, for machines without Desk's log-in
  id            INTEGER PRIMARY KEY AUTOINCREMENT,
  name          TEXT NOT NULL,              -- log-in name, lower case
  display_name  TEXT NOT NULL DEFAULT '',
  role          TEXT NOT NULL CHECK (role IN ('super_admin', 'ops_lead', 'technician', 'gate_reader')),
  password_hash TEXT NOT NULL,              -- argon2id
  org           TEXT NOT NULL DEFAULT '',
  disabled      INTEGER NOT NULL DEFAULT 0 CHECK (disabled IN (0, 1)),
  failures      INTEGER NOT NULL DEFAULT 0, -- log-ins refused in a row
  locked_until  INTEGER,
  version       INTEGER NOT NULL DEFAULT 1,
  created_at    INTEGER NOT NULL,
  updated_at    INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX users_name ON users (name);

CREATE TABLE sessions (                     -- a browser that is signed in
  hash       TEXT PRIMARY KEY,              -- hex SHA-256 of the cookie's value
  user_id    INTEGER NOT NULL REFERENCES users (id),
  created_at INTEGER NOT NULL,
  seen_at    INTEGER NOT NULL,
  expires_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_user ON sessions (user_id);

CREATE TABLE idempotency (                  -- answers to POSTs that carried an Idempotency-Key
  principal  TEXT NOT NULL,
  key        TEXT NOT NULL,
  request    TEXT NOT NULL,                 -- hash of method, path and body
  status     INTEGER NOT NULL,
  body       TEXT NOT NULL,
  location   TEXT,
  at         INTEGER NOT NULL,
  PRIMARY KEY (principal, key)
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (                        -- append-only; each row carries the hash of the one before
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  at       INTEGER NOT NULL,
  actor    TEXT NOT NULL,                   -- iss|sub, worker:NAME, spool, system
  role     TEXT NOT NULL DEFAULT '',
  action   TEXT NOT NULL,                   -- job.create, gate.approve, run.claim ...
  job_id   INTEGER,
  subject  TEXT NOT NULL DEFAULT '',        -- mailbox:7, run:31
  detail   TEXT NOT NULL DEFAULT '{}' CHECK (json_valid(detail)),
  previous TEXT NOT NULL,                   -- hash of the row before, '' for the first
  hash     TEXT NOT NULL
) STRICT;
CREATE INDEX audit_job ON audit (job_id, id);

-- evidence and the audit trail cannot be rewritten by a slip
CREATE TRIGGER passes_keep BEFORE UPDATE ON passes BEGIN SELECT RAISE(ABORT, 'passes are insert-only'); END;
CREATE TRIGGER passes_stay BEFORE DELETE ON passes BEGIN SELECT RAISE(ABORT, 'passes are insert-only'); END;
CREATE TRIGGER verifications_keep BEFORE UPDATE ON verifications BEGIN SELECT RAISE(ABORT, 'verifications are insert-only'); END;
CREATE TRIGGER verifications_stay BEFORE DELETE ON verifications BEGIN SELECT RAISE(ABORT, 'verifications are insert-only'); END;
CREATE TRIGGER approvals_keep BEFORE UPDATE ON approvals BEGIN SELECT RAISE(ABORT, 'approvals are insert-only'); END;
CREATE TRIGGER approvals_stay BEFORE DELETE ON approvals BEGIN SELECT RAISE(ABORT, 'approvals are insert-only'); END;
CREATE TRIGGER acceptances_keep BEFORE UPDATE ON acceptances BEGIN SELECT RAISE(ABORT, 'acceptances are insert-only'); END;
CREATE TRIGGER acceptances_stay BEFORE DELETE ON acceptances BEGIN SELECT RAISE(ABORT, 'acceptances are insert-only'); END;
CREATE TRIGGER removals_keep BEFORE UPDATE ON removals BEGIN SELECT RAISE(ABORT, 'removals are insert-only'); END;
CREATE TRIGGER removals_stay BEFORE DELETE ON removals BEGIN SELECT RAISE(ABORT, 'removals are insert-only'); END;
CREATE TRIGGER audit_keep BEFORE UPDATE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
CREATE TRIGGER audit_stay BEFORE DELETE ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END;
