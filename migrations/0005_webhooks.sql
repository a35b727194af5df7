-- Webhooks: where a generation's end is told, what is to be told, how often that was tried, and which secrets sign it.

ALTER TABLE generations ADD COLUMN callback_url TEXT;

-- A secret itself is in no table: it is derived from the deployment's WEBHOOK_SECRET, organisation and id.
CREATE TABLE webhook_secrets (
  id           TEXT PRIMARY KEY,
  org_id       TEXT NOT NULL,
  created_at   TEXT NOT NULL,
  revoked_at   TEXT
);
CREATE INDEX webhook_secrets_by_org ON webhook_secrets (org_id, id DESC);

-- The outbox. A row is made in the transaction that ends its subject, under an id that follows from the subject; url and
-- body never change after that.
CREATE TABLE deliveries (
  id           TEXT PRIMARY KEY,
  org_id       TEXT NOT NULL,
  subject_kind TEXT NOT NULL CHECK (subject_kind IN ('generation', 'batch')),
  subject_id   TEXT NOT NULL,
  event        TEXT NOT NULL,
  url          TEXT NOT NULL,
  body         TEXT NOT NULL,
  status       TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'delivered', 'failed', 'gone', 'refused')),
  -- One Workflow instance works on one round; who asks to deliver again begins the next.
  round        INTEGER NOT NULL DEFAULT 1,
  -- Attempts of this round that have an answer.
  tries        INTEGER NOT NULL DEFAULT 0,
  created_at   TEXT NOT NULL,
  -- When the next attempt is due, or the one that is running began.
  next_at      TEXT NOT NULL,
  ended_at     TEXT
);
CREATE INDEX deliveries_by_subject ON deliveries (subject_id);
CREATE INDEX deliveries_by_org ON deliveries (org_id, id DESC);
CREATE INDEX deliveries_by_status ON deliveries (org_id, status, id DESC);
CREATE INDEX deliveries_due ON deliveries (next_at) WHERE status = 'pending';

CREATE TABLE delivery_attempts (
  delivery_id  TEXT NOT NULL REFERENCES deliveries (id),
  round        INTEGER NOT NULL,
  n            INTEGER NOT NULL,
  org_id       TEXT NOT NULL,
  started_at   TEXT NOT NULL,
  duration_ms  INTEGER,
  -- HTTP status of the answer; NULL while it runs, and where there was none.
  status       INTEGER,
  -- Why there was no answer, one of the codes in docs/spec/webhooks.md.
  problem      TEXT,
  PRIMARY KEY (delivery_id, round, n)
);
