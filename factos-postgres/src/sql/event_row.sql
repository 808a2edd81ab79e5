-- What the functions return for an event, whatever other columns somebody adds to the table.
CREATE TYPE factos.event_row AS (
  position bigint, id uuid, stream text, revision bigint, type text, version bigint, tags text[], metadata json,
  recorded_at timestamptz, payload bytea);
