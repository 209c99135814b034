-- progress.db: live counters, synchronous=OFF, disposable. Lost, it is made anew and the next report fills it.
CREATE TABLE IF NOT EXISTS progress (
  run_id  INTEGER PRIMARY KEY,
  attempt INTEGER NOT NULL,
  seq     INTEGER NOT NULL,                 -- of the report
  at      INTEGER NOT NULL,
  totals  TEXT NOT NULL                     -- JSON object, as the worker reported it
) STRICT;
