-- Retention: when the files of a closed job were removed for their age.

ALTER TABLE jobs ADD COLUMN pruned_at INTEGER; -- null: never
-- those whose time comes, the oldest first; a job that was opened again and closed is there again
CREATE INDEX jobs_kept ON jobs (closed_at) WHERE status = 'closed' AND (pruned_at IS NULL OR pruned_at < closed_at);
CREATE INDEX mailboxes_upload ON mailboxes (source_upload) WHERE source_upload IS NOT NULL;
