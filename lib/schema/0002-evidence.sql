-- Evidence that needs a place of its own: when a pass ended, which accounts the new server has.

-- a run's change_seq moves on when its file is moved back by hand; what its earlier attempt has proven does not
ALTER TABLE passes ADD COLUMN seq INTEGER NOT NULL DEFAULT 0; -- runs.change_seq when it ended
DROP TRIGGER passes_keep;
UPDATE passes SET seq = (SELECT change_seq FROM runs WHERE runs.id = passes.run_id);
CREATE TRIGGER passes_keep BEFORE UPDATE ON passes BEGIN SELECT RAISE(ABORT, 'passes are insert-only'); END;

-- what the gate asks at every look
CREATE INDEX runs_changing ON runs (job_id, mailbox_id)
  WHERE changes_mail = 1 AND status IN ('queued', 'running', 'paused', 'waiting');

CREATE TABLE account_lists (                -- the accounts of the new server, as somebody listed them; the latest speaks
  id       INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id   INTEGER NOT NULL REFERENCES jobs (id),
  how      TEXT NOT NULL CHECK (how IN ('given', 'server')),
  accounts INTEGER NOT NULL,                -- how many
  by_sub   TEXT NOT NULL,
  at       INTEGER NOT NULL
) STRICT;
CREATE INDEX account_lists_job ON account_lists (job_id, id);

CREATE TABLE account_list_items (
  list_id INTEGER NOT NULL REFERENCES account_lists (id),
  account TEXT NOT NULL,                    -- lower case, domain as A-label
  PRIMARY KEY (list_id, account)
) STRICT, WITHOUT ROWID;

CREATE TABLE account_acceptances (          -- an account that is not moved, and why that is right
  id      INTEGER PRIMARY KEY AUTOINCREMENT,
  job_id  INTEGER NOT NULL REFERENCES jobs (id),
  account TEXT NOT NULL,
  reason  TEXT NOT NULL,
  by_sub  TEXT NOT NULL,
  by_role TEXT NOT NULL,
  at      INTEGER NOT NULL
) STRICT;
CREATE INDEX account_acceptances_job ON account_acceptances (job_id, account);

CREATE TRIGGER account_lists_keep BEFORE UPDATE ON account_lists BEGIN SELECT RAISE(ABORT, 'account lists are insert-only'); END;
CREATE TRIGGER account_lists_stay BEFORE DELETE ON account_lists BEGIN SELECT RAISE(ABORT, 'account lists are insert-only'); END;
CREATE TRIGGER account_acceptances_keep BEFORE UPDATE ON account_acceptances BEGIN SELECT RAISE(ABORT, 'acceptances are insert-only'); END;
CREATE TRIGGER account_acceptances_stay BEFORE DELETE ON account_acceptances BEGIN SELECT RAISE(ABORT, 'acceptances are insert-only'); END;
