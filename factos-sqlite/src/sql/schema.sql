-- Names that events refer to by number. Kinds: 0 tag, 1 stream, 2 type.
CREATE TABLE term (
    id   INTEGER PRIMARY KEY,
    kind INTEGER NOT NULL,
    name TEXT    NOT NULL,
    UNIQUE (kind, name)
) STRICT;

-- The log. One tag on each line; metadata is a JSON object; times are microseconds since 1970 in UTC.
CREATE TABLE event (
    position    INTEGER PRIMARY KEY,
    id          BLOB    NOT NULL UNIQUE,
    stream      TEXT,
    revision    INTEGER,
    type        INTEGER NOT NULL,
    version     INTEGER NOT NULL,
    tags        TEXT    NOT NULL,
    metadata    TEXT    NOT NULL,
    recorded_at INTEGER NOT NULL,
    payload     BLOB    NOT NULL,
    CHECK ((stream IS NULL) = (revision IS NULL))
) STRICT;

CREATE INDEX event_type ON event (type, position);

-- Which events have a tag or belong to a stream; term is the number of the tag or of the stream.
CREATE TABLE posting (
    term     INTEGER NOT NULL,
    position INTEGER NOT NULL,
    type     INTEGER NOT NULL,
    PRIMARY KEY (term, position)
) STRICT, WITHOUT ROWID;

-- What is known of the log as a whole: log_id, created_at.
CREATE TABLE info (
    key   TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TRIGGER event_no_update BEFORE UPDATE ON event
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER event_no_delete BEFORE DELETE ON event
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER posting_no_update BEFORE UPDATE ON posting
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER posting_no_delete BEFORE DELETE ON posting
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER term_no_update BEFORE UPDATE ON term
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER term_no_delete BEFORE DELETE ON term
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

-- For people: the log with names instead of numbers, and times that can be read.
CREATE VIEW event_view AS
SELECT e.position,
       lower(hex(e.id)) AS id,
       e.stream,
       e.revision,
       t.name AS type,
       e.version,
       replace(e.tags, char(10), ' ') AS tags,
       e.metadata,
       strftime('%Y-%m-%dT%H:%M:%fZ', e.recorded_at / 1000000.0, 'unixepoch') AS recorded_at,
       CAST(e.payload AS TEXT) AS payload
FROM event e JOIN term t ON t.id = e.type;
