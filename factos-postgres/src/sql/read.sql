-- A read's first page in one round trip. The first row carries only the horizon, and the id of the event there: how far
-- the log is complete for this query, by _horizon, which takes and gives back the locks that names and exclusive tell
-- (names NULL is the whole log, which needs none). The events are read in later statements, so all that match up to the
-- horizon are visible to them, and no other can appear there any more. The type of the rows is not that of the table: to
-- look that up, a connection would wait for a lock on the table before lock_timeout is set.
CREATE FUNCTION factos.read(
  item_types text[], item_tags text[], stream_name text, low bigint, high bigint, most bigint, backwards bool,
  names text[], exclusive bool[], settled bigint, lock_timeout text, verified timestamptz)
RETURNS SETOF factos.event_row
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_bitmapscan = off SET max_parallel_workers_per_gather = 0 SET lock_timeout = '5s'
SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
  horizon bigint;
  row_of_horizon factos.event_row;
  top bigint;
  only_types text[];
  only_tags text[];
  turn int := 0;
  ahead bigint;
  stretch record;
  along text;
  reach bigint;
  positions bigint[];
  taken bigint;
  ignored text;
BEGIN
  ignored := factos._check_server(verified);
  ignored := factos._check_isolation();
  ignored := set_config('lock_timeout', lock_timeout, true);
  horizon := factos._horizon(names, exclusive, settled);
  row_of_horizon.position := horizon;
  row_of_horizon.id := (SELECT e.id FROM factos.events e WHERE e.position = horizon);
  RETURN NEXT row_of_horizon;
  top := least(horizon, high);
  IF most = 0 OR low >= top THEN
    RETURN;
  END IF;
  IF stream_name IS NOT NULL THEN
    RETURN QUERY SELECT * FROM factos._page_of_stream(stream_name, low, top, most, backwards, NULL);
  ELSIF cardinality(item_tags) = 1 AND item_tags[1] <> '{}' AND NOT backwards THEN
    -- As in _page_of_query, without its second copy of the rows: this is the read that decisions are made on.
    only_types := item_types[1]::text[];
    only_tags := item_tags[1]::text[];
    -- As long as a quarter of the events of a tag match, one tag is followed without a count of the types, each time as
    -- far as the page is likely to take.
    ahead := CASE WHEN cardinality(only_tags) = 1 THEN 64 ELSE 0 END;
    LOOP
      IF cardinality(only_tags) = 1 AND cardinality(only_types) = 0 THEN
        along := only_tags[1];
        reach := top;
      ELSIF ahead > 0 THEN
        along := only_tags[1];
        SELECT t.position INTO reach FROM factos.tags t
          WHERE t.tag = along AND t.position > low AND t.position <= top
          ORDER BY t.position OFFSET ahead - 1 LIMIT 1;
        reach := coalesce(reach, top);
      ELSE
        stretch := factos._stretch(only_types, only_tags, low, top, turn, false);
        along := stretch.tag;
        reach := stretch.reach;
      END IF;
      IF along IS NOT NULL THEN
        RETURN QUERY
          SELECT e.position, e.id, e.stream, e.revision, e.type, e.version,
            e.tags, e.metadata, e.recorded_at, e.payload
          FROM factos.tags t JOIN factos.events e ON e.position = t.position
          WHERE t.tag = along AND t.position > low AND t.position <= reach
            AND (cardinality(only_tags) = 1 OR e.tags @> only_tags)
            AND (cardinality(only_types) = 0 OR e.type = ANY(only_types))
          ORDER BY t.position LIMIT most;
      ELSE
        positions := factos._positions_of_types(only_types, only_tags, low, reach, most, false);
        RETURN QUERY
          SELECT e.position, e.id, e.stream, e.revision, e.type, e.version,
            e.tags, e.metadata, e.recorded_at, e.payload
          FROM factos.events e WHERE e.position = ANY(positions) ORDER BY e.position;
      END IF;
      GET DIAGNOSTICS taken = ROW_COUNT;
      most := most - taken;
      EXIT WHEN most <= 0 OR reach >= top;
      low := reach;
      IF ahead > 0 THEN
        ahead := CASE WHEN 4 * taken >= ahead THEN least(most, 65536) * ahead / taken + 64 ELSE 0 END;
      ELSE
        turn := turn + 1;
      END IF;
    END LOOP;
  ELSE
    RETURN QUERY SELECT * FROM factos._page_of_query(item_types, item_tags, low, top, most, backwards);
  END IF;
END $$;
