-- Batches: many generations under one id. What the rows say is the truth; a Workflow instance only looks again and again.

CREATE TABLE batches (
  id             TEXT PRIMARY KEY,
  org_id         TEXT NOT NULL,
  mode           TEXT NOT NULL CHECK (mode IN ('regenerate', 'reverify')),
  status         TEXT NOT NULL CHECK (status IN ('running', 'paused', 'done', 'cancelled')),
  -- Why it is paused or how it ended.
  reason_code    TEXT,
  reason_message TEXT,
  name           TEXT,
  -- NULL: each item keeps the model of what it repeats.
  model          TEXT,
  concurrency    INTEGER NOT NULL,
  cost_usd_max   REAL,
  not_before     TEXT,
  -- Minutes of the day, UTC; both or none.
  daily_from     INTEGER,
  daily_to       INTEGER,
  economy        INTEGER NOT NULL DEFAULT 0,
  items          INTEGER NOT NULL,
  -- Which Workflow instance may act for it: `<id>-<instance>`. One that finds a higher number stops.
  instance       INTEGER NOT NULL DEFAULT 1,
  -- When that instance looks next; later than this plus a grace, it is stalled. NULL: there is nothing to look for.
  next_look_at   TEXT,
  -- Until when nothing is begun because the window is shut.
  shut_until     TEXT,
  created_at     TEXT NOT NULL,
  updated_at     TEXT NOT NULL,
  ended_at       TEXT
);
CREATE INDEX batches_by_org ON batches (org_id, id DESC);
CREATE INDEX batches_due ON batches (next_look_at) WHERE next_look_at IS NOT NULL;

-- One row per item, made with the batch and never removed. generation_id is claimed before anything is made under it.
CREATE TABLE batch_items (
  batch_id           TEXT NOT NULL REFERENCES batches (id),
  position           INTEGER NOT NULL,
  org_id             TEXT NOT NULL,
  -- What it repeats; both NULL where the item is a request of its own.
  source_generation  TEXT,
  source_rule        TEXT,
  status             TEXT NOT NULL DEFAULT 'waiting'
    CHECK (status IN ('waiting', 'started', 'signed', 'failed', 'rejected', 'cancelled', 'errored')),
  -- Grows with every retry of the failed.
  round              INTEGER NOT NULL DEFAULT 1,
  generation_id      TEXT UNIQUE,
  -- The generation of the round before.
  last_generation_id TEXT,
  reason_code        TEXT,
  reason_message     TEXT,
  -- Of all its rounds that have ended.
  cost_usd           REAL NOT NULL DEFAULT 0,
  unpriced_calls     INTEGER NOT NULL DEFAULT 0,
  started_at         TEXT,
  ended_at           TEXT,
  PRIMARY KEY (batch_id, position)
);
CREATE UNIQUE INDEX batch_items_once ON batch_items (batch_id, source_generation) WHERE source_generation IS NOT NULL;
CREATE INDEX batch_items_by_status ON batch_items (batch_id, status, position);
CREATE INDEX batch_items_by_end ON batch_items (batch_id, ended_at) WHERE ended_at IS NOT NULL;

-- The rule whose files this generation verifies and signs again; NULL where a model writes one.
ALTER TABLE generations ADD COLUMN reverifies TEXT;
-- 1: the row is made and its instance is not wanted yet. The wake sweep leaves it alone; its batch lets it go.
ALTER TABLE generations ADD COLUMN held INTEGER NOT NULL DEFAULT 0;
CREATE INDEX generations_by_reverifies ON generations (reverifies) WHERE reverifies IS NOT NULL;

-- Version of Node that the rule's check was run with. NULL in rows older than this column.
ALTER TABLE rules ADD COLUMN node_version TEXT;
CREATE INDEX rules_by_node ON rules (org_id, node_version, id DESC);
