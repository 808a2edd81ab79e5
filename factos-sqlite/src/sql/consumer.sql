CREATE TABLE IF NOT EXISTS factos_consumer_format (
  one        INTEGER PRIMARY KEY DEFAULT 1 CHECK (one = 1),
  format     INTEGER NOT NULL,
  -- That of the lease that was granted last, of whatever partition.
  last_token INTEGER NOT NULL DEFAULT 0) STRICT;

CREATE TABLE IF NOT EXISTS factos_consumer (
  name         TEXT NOT NULL,
  version      INTEGER NOT NULL CHECK (version >= 0),
  state        TEXT NOT NULL CHECK (state IN ('live', 'beside', 'retired')),
  succession   TEXT NOT NULL CHECK (succession IN ('rebuild', 'take-over')),
  -- How many partitions there are to be, and the position that the present ones stop at. One that has none gets as many.
  resize_to    INTEGER CHECK (resize_to > 0),
  resize_until INTEGER CHECK (resize_until > 0),
  PRIMARY KEY (name, version)) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX IF NOT EXISTS factos_consumer_live ON factos_consumer (name) WHERE state = 'live';

-- Times are milliseconds since 1970. A lease has its length beside its beginning: one that begins later than now, as
-- after the clock was set back, has run out.
CREATE TABLE IF NOT EXISTS factos_consumer_partition (
  name       TEXT NOT NULL,
  version    INTEGER NOT NULL,
  number     INTEGER NOT NULL CHECK (number >= 0),
  log_id     TEXT,
  position   INTEGER CHECK (position > 0),
  event_id   BLOB CHECK (length(event_id) = 16),
  owner      TEXT,
  token      INTEGER CHECK (token > 0),
  leased_at  INTEGER,
  leased_for INTEGER CHECK (leased_for >= 0),
  error      TEXT,
  PRIMARY KEY (name, version, number),
  CHECK ((log_id IS NULL) = (position IS NULL) AND (event_id IS NULL) = (position IS NULL)),
  CHECK ((owner IS NULL) = (token IS NULL))) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS factos_consumer_process (
  process   TEXT NOT NULL PRIMARY KEY,
  -- JSON: [[name, version], ...]
  serves    TEXT NOT NULL,
  seen_at   INTEGER NOT NULL,
  alive_for INTEGER NOT NULL CHECK (alive_for >= 0)) STRICT, WITHOUT ROWID;

CREATE TABLE IF NOT EXISTS factos_consumer_parked (
  name         TEXT NOT NULL,
  version      INTEGER NOT NULL,
  position     INTEGER NOT NULL CHECK (position > 0),
  effect       INTEGER NOT NULL CHECK (effect >= 0),
  key          TEXT,
  slot         INTEGER NOT NULL CHECK (slot >= 0),
  attempts     INTEGER NOT NULL CHECK (attempts >= 0),
  reason       TEXT NOT NULL,
  -- NULL: only an administrator has it tried again.
  retry_at     INTEGER,
  -- 1 if an earlier event of its key is parked and not skipped.
  waits        INTEGER NOT NULL CHECK (waits IN (0, 1)),
  skipped      TEXT,
  PRIMARY KEY (name, version, position)) STRICT, WITHOUT ROWID;

-- What is due, when the next one is, and the keys that are blocked.
CREATE INDEX IF NOT EXISTS factos_consumer_parked_first
  ON factos_consumer_parked (name, version, retry_at, slot, key) WHERE skipped IS NULL AND waits = 0;
-- The events of a key, in order.
CREATE INDEX IF NOT EXISTS factos_consumer_parked_key
  ON factos_consumer_parked (name, version, key, position) WHERE skipped IS NULL;
-- All that wait, in order, and how many.
CREATE INDEX IF NOT EXISTS factos_consumer_parked_open
  ON factos_consumer_parked (name, version, position, retry_at, waits, slot) WHERE skipped IS NULL;
-- How many are skipped.
CREATE INDEX IF NOT EXISTS factos_consumer_parked_skipped
  ON factos_consumer_parked (name, version, position) WHERE skipped IS NOT NULL;

INSERT INTO factos_consumer_format (format)
  SELECT 1 WHERE NOT EXISTS (SELECT * FROM factos_consumer_format);
