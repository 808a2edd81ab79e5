-- For people at a SQL prompt: the events with payloads that can be read. The store itself uses none of it, and a log without
-- it is whole.

-- The payload as text, or NULL where it is none: not UTF-8, or with U+0000, which no text of the server holds.
CREATE OR REPLACE FUNCTION factos._text_of(payload bytea) RETURNS text
LANGUAGE plpgsql IMMUTABLE STRICT
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  RETURN convert_from(payload, 'UTF8');
EXCEPTION WHEN character_not_in_repertoire OR untranslatable_character THEN
  RETURN NULL;
END $$;

-- The rows of the view. A function in a view runs with the rights of who asks, on every version of the server, and so do the
-- policies of row-level security: the view shows nobody what a SELECT on the table would not. The planner puts the body in the
-- place of the call, so that indexes are used, but only if no setting stands here; the search_path is therefore the caller's,
-- and no name may be resolved through it.
CREATE OR REPLACE FUNCTION factos._viewed_events()
RETURNS TABLE (
  "position" bigint, id uuid, stream text, revision bigint, type text, version bigint, tags text[], metadata json,
  recorded_at timestamptz, payload text, payload_is_text bool)
LANGUAGE sql STABLE AS $$
  SELECT e.position, e.id, e.stream, e.revision, e.type, e.version, e.tags, coalesce(e.metadata, '{}'::pg_catalog.json),
    e.recorded_at,
    coalesce(factos._text_of(e.payload), pg_catalog.concat(E'\\x', pg_catalog.encode(e.payload, 'hex'))),
    factos._text_of(e.payload) IS NOT NULL
  FROM factos.events e
$$;

-- A result of a function has the default collation, with which the indexes of the table would not be used.
CREATE VIEW factos.event_view AS
  SELECT position, id, stream COLLATE "C" AS stream, revision, type COLLATE "C" AS type, version,
    tags COLLATE "C" AS tags, metadata, recorded_at, payload, payload_is_text
  FROM factos._viewed_events();
GRANT SELECT ON factos.event_view TO PUBLIC;
