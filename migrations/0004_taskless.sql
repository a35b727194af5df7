-- The Taskless client: whose repositories are served, its requests by UUID, and logins of devices.

-- An owner on GitHub that an organisation speaks for. The client knows it as an organisation, by `id`.
CREATE TABLE owners (
  id           TEXT PRIMARY KEY,
  org_id       TEXT NOT NULL,
  -- Lower case.
  owner        TEXT NOT NULL,
  name         TEXT NOT NULL,
  github_id    INTEGER,
  -- JSON list of names in lower case; NULL: every repository of the owner.
  repositories TEXT,
  created_at   TEXT NOT NULL,
  UNIQUE (org_id, owner)
);

-- The UUID a client knows a generation by, and the repository it was asked for; NULL: for any.
CREATE TABLE taskless_requests (
  id            TEXT PRIMARY KEY,
  org_id        TEXT NOT NULL,
  generation_id TEXT NOT NULL UNIQUE,
  owner_id      TEXT,
  -- "owner/name", lower case.
  repository    TEXT,
  created_at    TEXT NOT NULL
);

-- A device that waits to be let in. org_id is NULL until somebody of an organisation approves; what it will get is
-- written then, and its token is made when it asks for the last time.
CREATE TABLE device_logins (
  device_sha256    TEXT PRIMARY KEY,
  user_code        TEXT NOT NULL UNIQUE,
  status           TEXT NOT NULL DEFAULT 'pending' CHECK (status IN ('pending', 'approved', 'denied', 'spent')),
  repository       TEXT,
  interval_s       INTEGER NOT NULL,
  polled_at        TEXT,
  created_at       TEXT NOT NULL,
  expires_at       TEXT NOT NULL,
  org_id           TEXT,
  token_name       TEXT,
  token_expires_at TEXT
);
CREATE INDEX device_logins_by_end ON device_logins (expires_at);

-- Taskless content hash of check.ts. NULL in rows older than this column until somebody asks, and in sg rules.
ALTER TABLE rules ADD COLUMN check_envelope TEXT;
