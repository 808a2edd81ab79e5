CREATE SCHEMA factos;

-- What the log says of itself, in one row.
CREATE TABLE factos.meta (
  one        bool PRIMARY KEY DEFAULT true CHECK (one),
  format     int NOT NULL,
  lock_rule  int NOT NULL,
  mode       text NOT NULL,
  log_id     uuid NOT NULL DEFAULT gen_random_uuid(),
  created_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE factos.events (
  position    bigint PRIMARY KEY,
  id          uuid NOT NULL UNIQUE,
  stream      text COLLATE "C",
  revision    bigint,
  type        text COLLATE "C" NOT NULL,
  version     bigint NOT NULL,
  tags        text[] COLLATE "C" NOT NULL,
  metadata    json,
  recorded_at timestamptz NOT NULL,
  payload     bytea NOT NULL,
  CHECK ((stream IS NULL) = (revision IS NULL)));
CREATE UNIQUE INDEX events_stream ON factos.events (stream, revision) WHERE stream IS NOT NULL;
CREATE INDEX events_type ON factos.events (type, position);

-- The tags of the events once more, one row each, so that a tag is found in the order of the log.
CREATE TABLE factos.tags (
  tag      text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  PRIMARY KEY (tag, position));
