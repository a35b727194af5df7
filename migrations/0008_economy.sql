-- First turns that were handed to the Message Batches API: one row per provider batch, made before it is.

CREATE TABLE first_turn_batches (
  batch_id       TEXT NOT NULL,
  n              INTEGER NOT NULL,
  org_id         TEXT NOT NULL,
  requests       INTEGER NOT NULL,
  -- When the calls were reserved in `spend`; the provider batch, if there is one, was made later.
  reserved_at    TEXT NOT NULL,
  -- Set once. NULL: not made, or made and not recorded.
  provider_id    TEXT UNIQUE,
  submitted_at   TEXT,
  -- When to look at it next.
  look_at        TEXT NOT NULL,
  -- Since when the provider cannot be asked about it; NULL: it answered last time.
  failing_since  TEXT,
  -- The provider was asked to end it before its time.
  cancelled_at   TEXT,
  -- Every request of it has a result at the provider; took_ms is from its making to that.
  ended_at       TEXT,
  took_ms        INTEGER,
  -- Nothing more is expected of it, and its generations may go on.
  closed_at      TEXT,
  outcome        TEXT CHECK (outcome IN ('collected', 'refused', 'abandoned')),
  outcome_reason TEXT,
  answered       INTEGER,
  PRIMARY KEY (batch_id, n)
) WITHOUT ROWID;

-- Which provider batch of its batch asks a generation's first turn; 0: none does, it asks by itself. NULL: not decided,
-- or never a matter.
ALTER TABLE generations ADD COLUMN first_turns INTEGER;
