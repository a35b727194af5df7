-- D1 holds the index; bytes live in R2. Every row carries org_id. Times are ISO 8601 UTC text.

CREATE TABLE generations (
  id             TEXT PRIMARY KEY,
  org_id         TEXT NOT NULL,
  status         TEXT NOT NULL CHECK (status IN ('queued', 'running', 'signed', 'failed', 'rejected', 'cancelled', 'errored')),
  reason_code    TEXT,
  reason_message TEXT,
  name           TEXT,
  prompt_excerpt TEXT NOT NULL,
  request_sha256 TEXT NOT NULL,
  model          TEXT NOT NULL,
  cases_total    INTEGER NOT NULL,
  cases_passed   INTEGER NOT NULL DEFAULT 0,
  attempts_max   INTEGER NOT NULL,
  attempt        INTEGER NOT NULL DEFAULT 0,
  step           TEXT NOT NULL DEFAULT 'queued',
  rule_id        TEXT,
  created_at     TEXT NOT NULL,
  updated_at     TEXT NOT NULL,
  ended_at       TEXT
);
CREATE INDEX generations_by_org ON generations (org_id, id DESC);
CREATE INDEX generations_by_status ON generations (org_id, status, id DESC);
CREATE INDEX generations_alive ON generations (status, updated_at) WHERE ended_at IS NULL;

-- One turn of the loop. verdict is NULL until the attempt is judged.
CREATE TABLE attempts (
  generation_id  TEXT NOT NULL REFERENCES generations (id),
  n              INTEGER NOT NULL,
  org_id         TEXT NOT NULL,
  verdict        TEXT CHECK (verdict IN ('accepted', 'rejected', 'inconclusive')),
  summary        TEXT,
  check_lines    INTEGER,
  captures       INTEGER,
  cases_passed   INTEGER,
  sandbox_ms     INTEGER,
  started_at     TEXT NOT NULL,
  ended_at       TEXT,
  PRIMARY KEY (generation_id, n)
);

CREATE TABLE case_results (
  generation_id  TEXT NOT NULL,
  attempt        INTEGER NOT NULL,
  case_index     INTEGER NOT NULL,
  org_id         TEXT NOT NULL,
  name           TEXT NOT NULL,
  kind           TEXT NOT NULL,
  status         TEXT NOT NULL,
  outcome        TEXT NOT NULL,
  message        TEXT,
  duration_ms    INTEGER NOT NULL,
  PRIMARY KEY (generation_id, attempt, case_index)
);

-- A row is reserved before a model is called and settled after, so that no paid call goes unrecorded.
CREATE TABLE spend (
  generation_id      TEXT NOT NULL,
  attempt            INTEGER NOT NULL,
  call               INTEGER NOT NULL,
  org_id             TEXT NOT NULL,
  model              TEXT NOT NULL,
  request_id         TEXT,
  stop_reason        TEXT,
  input_tokens       INTEGER,
  output_tokens      INTEGER,
  cache_write_tokens INTEGER,
  cache_read_tokens  INTEGER,
  cost_usd           REAL,
  duration_ms        INTEGER,
  reserved_at        TEXT NOT NULL,
  settled_at         TEXT,
  PRIMARY KEY (generation_id, attempt, call)
);

CREATE TABLE rules (
  id             TEXT PRIMARY KEY,
  org_id         TEXT NOT NULL,
  generation_id  TEXT NOT NULL UNIQUE REFERENCES generations (id),
  name           TEXT NOT NULL,
  summary        TEXT NOT NULL,
  bundle_sha256  TEXT NOT NULL,
  key_id         TEXT NOT NULL,
  published_at   TEXT NOT NULL
);
CREATE INDEX rules_by_org ON rules (org_id, id DESC);

-- Append-only. key makes an event of a step that ran twice the same event.
CREATE TABLE events (
  seq            INTEGER PRIMARY KEY AUTOINCREMENT,
  generation_id  TEXT NOT NULL,
  org_id         TEXT NOT NULL,
  key            TEXT NOT NULL,
  type           TEXT NOT NULL,
  data           TEXT NOT NULL,
  at             TEXT NOT NULL,
  UNIQUE (generation_id, key)
);
