-- What operating the service needs: durations of steps, deletion.

-- One row for each generation, written when it ends: [[kind of step, ms, which run, started at (ms)], …] as JSON.
CREATE TABLE step_times (
  generation_id  TEXT PRIMARY KEY,
  org_id         TEXT NOT NULL,
  steps          TEXT NOT NULL
);

-- Metrics are of what ended in a window.
CREATE INDEX generations_by_end ON generations (org_id, ended_at) WHERE ended_at IS NOT NULL;

-- Deleting goes in two marks: from the first on nothing of it is shown, at the second nothing of it is left but
-- this row without its texts. A step that was running may write between them.
ALTER TABLE generations ADD COLUMN deleting_at TEXT;
ALTER TABLE generations ADD COLUMN deleted_at TEXT;
CREATE INDEX generations_being_deleted ON generations (deleting_at) WHERE deleting_at IS NOT NULL AND deleted_at IS NULL;
CREATE INDEX generations_to_expire ON generations (ended_at) WHERE ended_at IS NOT NULL AND deleting_at IS NULL AND status <> 'signed';

-- Set when the events of a generation were deleted because of their age.
ALTER TABLE generations ADD COLUMN events_deleted_at TEXT;
CREATE INDEX generations_with_events ON generations (ended_at) WHERE ended_at IS NOT NULL AND events_deleted_at IS NULL;

-- Deletions of whole organisations. The row stays, as the record that it was done.
CREATE TABLE org_deletions (
  org_id         TEXT NOT NULL,
  requested_at   TEXT NOT NULL,
  done_at        TEXT,
  PRIMARY KEY (org_id, requested_at)
);
