-- The first pages of several reads in one round trip. Each item is of the read read_of_item, with a stream's name or with
-- an array literal of types and one of tags; each name to lock is of the read read_of_name.
--
-- It waits for nothing, but shortly for the tables: _horizon_of_many tries the locks and gives them back. The first row
-- carries only the horizon, and the id of the event there. Then comes a row without a position for each read that would
-- have to wait for a writer in flight; and then the
-- events of the others, item by item, read in later statements, so that each of these reads is complete up to the horizon.
CREATE FUNCTION factos.read_many(
  reads int, read_of_item int[], item_types text[], item_tags text[], item_streams text[],
  item_low bigint[], item_high bigint[], item_most bigint[],
  read_of_name int[], names text[], exclusive bool[], verified timestamptz)
RETURNS TABLE (
  "position" bigint, id uuid, stream text, revision bigint, type text, version bigint, tags text[], metadata json,
  recorded_at timestamptz, payload bytea, item int)
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_bitmapscan = off SET max_parallel_workers_per_gather = 0 SET lock_timeout = '100ms'
SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
#variable_conflict use_column
DECLARE
  horizon bigint;
  has_to_wait bool[];
  ignored text;
BEGIN
  ignored := factos._check_server(verified);
  ignored := factos._check_isolation();
  SELECT many.horizon, many.has_to_wait INTO horizon, has_to_wait
    FROM factos._horizon_of_many(reads, read_of_name, names, exclusive) many;
  read_many.position := horizon;
  read_many.id := (SELECT e.id FROM factos.events e WHERE e.position = horizon);
  RETURN NEXT;
  read_many.position := NULL;
  read_many.id := NULL;
  FOR read IN 1..reads LOOP
    IF has_to_wait[read] THEN
      read_many.item := read;
      RETURN NEXT;
    END IF;
  END LOOP;
  IF array_position(item_streams, NULL) IS NOT NULL THEN
    -- The items with tags, each along the one of its tags that is rare enough, or as _positions_of_item finds.
    RETURN QUERY
      SELECT e.position, e.id, e.stream, e.revision, e.type, e.version,
        e.tags, e.metadata, e.recorded_at, e.payload, wanted.item
      FROM (
        SELECT asked.place::int AS item, asked.low, least(asked.high, horizon) AS top, asked.most,
          asked.types::text[] AS types, asked.tags::text[] AS tags,
          CASE WHEN asked.types = '{}' AND cardinality(asked.tags::text[]) = 1 THEN (asked.tags::text[])[1]
            ELSE factos._short_tag(asked.types::text[], asked.tags::text[], asked.low, least(asked.high, horizon))
          END AS tag
        FROM unnest(read_of_item, item_types, item_tags, item_streams, item_low, item_high, item_most)
          WITH ORDINALITY asked(read, types, tags, stream, low, high, most, place)
        WHERE NOT has_to_wait[asked.read] AND asked.stream IS NULL
        OFFSET 0) wanted
      CROSS JOIN LATERAL (
        (SELECT e.position, e.id, e.stream, e.revision, e.type, e.version,
          e.tags, e.metadata, e.recorded_at, e.payload
        FROM factos.tags t JOIN factos.events e ON e.position = t.position
        WHERE t.tag = wanted.tag AND t.position > wanted.low AND t.position <= wanted.top
          AND (cardinality(wanted.tags) = 1 OR e.tags @> wanted.tags)
          AND (cardinality(wanted.types) = 0 OR e.type = ANY(wanted.types))
        ORDER BY t.position LIMIT wanted.most)
        UNION ALL
        (SELECT e.position, e.id, e.stream, e.revision, e.type, e.version,
          e.tags, e.metadata, e.recorded_at, e.payload
        FROM unnest(factos._positions_of_item(
          wanted.types, wanted.tags, wanted.low, wanted.top, wanted.most, false)) matching(position)
        CROSS JOIN LATERAL (
          SELECT e.* FROM factos.events e WHERE e.position = matching.position OFFSET 0) e
        WHERE wanted.tag IS NULL)) e;
  END IF;
  IF cardinality(array_remove(item_streams, NULL)) > 0 THEN
    RETURN QUERY
      SELECT e.position, e.id, e.stream, e.revision, e.type, e.version,
        e.tags, e.metadata, e.recorded_at, e.payload, asked.place::int
      FROM unnest(read_of_item, item_streams, item_low, item_high, item_most)
        WITH ORDINALITY asked(read, stream, low, high, most, place)
      CROSS JOIN LATERAL (
        SELECT e.position, e.id, e.stream, e.revision, e.type, e.version,
          e.tags, e.metadata, e.recorded_at, e.payload
        FROM factos.events e
        WHERE e.stream = asked.stream AND NOT has_to_wait[asked.read]
          AND e.position > asked.low AND e.position <= least(asked.high, horizon)
        ORDER BY e.revision LIMIT asked.most) e;
  END IF;
END $$;
