-- Tokens that are made and revoked, idempotency keys, lineage of generations, and what lists are filtered by.

-- A token is found by the hash of what was presented; the token itself is nowhere.
CREATE TABLE tokens (
  id           TEXT PRIMARY KEY,
  org_id       TEXT NOT NULL,
  name         TEXT NOT NULL,
  sha256       TEXT NOT NULL UNIQUE,
  scopes       TEXT NOT NULL,
  created_at   TEXT NOT NULL,
  expires_at   TEXT,
  last_used_at TEXT,
  revoked_at   TEXT
);
CREATE INDEX tokens_by_org ON tokens (org_id, id DESC);

-- What a key was first used for. target_id moves on only when what it named has died.
CREATE TABLE idempotency_keys (
  org_id       TEXT NOT NULL,
  key          TEXT NOT NULL,
  digest       TEXT NOT NULL,
  target_id    TEXT NOT NULL,
  created_at   TEXT NOT NULL,
  PRIMARY KEY (org_id, key)
);
CREATE INDEX idempotency_keys_by_age ON idempotency_keys (created_at);

ALTER TABLE generations ADD COLUMN retry_of TEXT;
-- Digest of what the retry asked for, so that the same click twice is told from another wish.
ALTER TABLE generations ADD COLUMN retry_sha256 TEXT;
ALTER TABLE generations ADD COLUMN from_attempt INTEGER;
ALTER TABLE generations ADD COLUMN batch_id TEXT;
-- Lower case: the prompt and the name asked for. NULL in rows older than this column.
ALTER TABLE generations ADD COLUMN search_text TEXT;
-- How often the step that is running was tried before; 0 when it is the first time.
ALTER TABLE generations ADD COLUMN step_retries INTEGER NOT NULL DEFAULT 0;

-- One live retry of a generation, however often it is asked for at once.
CREATE UNIQUE INDEX generations_one_live_retry ON generations (retry_of) WHERE retry_of IS NOT NULL AND ended_at IS NULL;
CREATE INDEX generations_by_retry_of ON generations (retry_of) WHERE retry_of IS NOT NULL;
CREATE INDEX generations_by_batch ON generations (batch_id, id DESC) WHERE batch_id IS NOT NULL;
CREATE INDEX generations_by_name ON generations (org_id, name, id DESC);
CREATE INDEX generations_by_model ON generations (org_id, model, id DESC);
CREATE INDEX generations_alive_by_org ON generations (org_id, id DESC) WHERE ended_at IS NULL;

ALTER TABLE rules ADD COLUMN model TEXT;
-- Version of ast-grep that the rule was verified with. NULL in rows older than this column.
ALTER TABLE rules ADD COLUMN engine_version TEXT;
UPDATE rules SET model = (SELECT model FROM generations WHERE generations.id = rules.generation_id);
CREATE INDEX rules_by_name ON rules (org_id, name, id DESC);
CREATE INDEX rules_by_key ON rules (org_id, key_id, id DESC);
CREATE INDEX rules_by_model ON rules (org_id, model, id DESC);
CREATE INDEX rules_by_engine ON rules (org_id, engine_version, id DESC);
CREATE INDEX rules_by_time ON rules (org_id, published_at);
