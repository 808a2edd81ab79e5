-- The events of a query above low and up to high, at most `most` of them. item_types and item_tags hold two array literals
-- for each item of the query; NULL is every event. It takes no lock. Each of its statements sees what is committed when it
-- begins, so the page is complete if high is not above a horizon that an earlier statement asked for.
CREATE FUNCTION factos._page_of_query(
  item_types text[], item_tags text[], low bigint, high bigint, most bigint, backwards bool)
RETURNS SETOF factos.event_row
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  only_types text[];
  only_tags text[];
  turn int := 0;
  ahead bigint;
  stretch record;
  along text;
  reach bigint;
  positions bigint[];
  taken bigint;
BEGIN
  IF item_tags IS NULL THEN
    IF backwards THEN
      RETURN QUERY
        SELECT e.position, e.id, e.stream, e.revision, e.type, e.version,
          e.tags, e.metadata, e.recorded_at, e.payload
        FROM factos.events e
        WHERE e.position > low AND e.position <= high
        ORDER BY e.position DESC LIMIT most;
    ELSE
      RETURN QUERY
        SELECT e.position, e.id, e.stream, e.revision, e.type, e.version,
          e.tags, e.metadata, e.recorded_at, e.payload
        FROM factos.events e
        WHERE e.position > low AND e.position <= high
        ORDER BY e.position LIMIT most;
    END IF;
  ELSIF cardinality(item_tags) = 1 AND item_tags[1] <> '{}' AND NOT backwards THEN
    -- One item with tags: along one of them, or along its types, stretch by stretch.
    only_types := item_types[1]::text[];
    only_tags := item_tags[1]::text[];
    -- As long as a quarter of the events of a tag match, one tag is followed without a count of the types, each time as
    -- far as the page is likely to take.
    ahead := CASE WHEN cardinality(only_tags) = 1 THEN 64 ELSE 0 END;
    LOOP
      IF cardinality(only_tags) = 1 AND cardinality(only_types) = 0 THEN
        along := only_tags[1];
        reach := high;
      ELSIF ahead > 0 THEN
        along := only_tags[1];
        SELECT t.position INTO reach FROM factos.tags t
          WHERE t.tag = along AND t.position > low AND t.position <= high
          ORDER BY t.position OFFSET ahead - 1 LIMIT 1;
        reach := coalesce(reach, high);
      ELSE
        stretch := factos._stretch(only_types, only_tags, low, high, turn, false);
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
      EXIT WHEN most <= 0 OR reach >= high;
      low := reach;
      IF ahead > 0 THEN
        ahead := CASE WHEN 4 * taken >= ahead THEN least(most, 65536) * ahead / taken + 64 ELSE 0 END;
      ELSE
        turn := turn + 1;
      END IF;
    END LOOP;
  ELSE
    -- Any items. At most `most` of each are looked at, and an event counts once although several items may match it.
    IF backwards THEN
      positions := ARRAY(
        SELECT matching.position
        FROM unnest(item_types, item_tags) item(types, tags)
        CROSS JOIN LATERAL unnest(factos._positions_of_item(
          item.types::text[], item.tags::text[], low, high, most, true)) matching(position)
        GROUP BY matching.position ORDER BY matching.position DESC LIMIT most);
      RETURN QUERY
        SELECT e.position, e.id, e.stream, e.revision, e.type, e.version,
          e.tags, e.metadata, e.recorded_at, e.payload
        FROM factos.events e WHERE e.position = ANY(positions) ORDER BY e.position DESC;
    ELSE
      positions := ARRAY(
        SELECT matching.position
        FROM unnest(item_types, item_tags) item(types, tags)
        CROSS JOIN LATERAL unnest(factos._positions_of_item(
          item.types::text[], item.tags::text[], low, high, most, false)) matching(position)
        GROUP BY matching.position ORDER BY matching.position LIMIT most);
      RETURN QUERY
        SELECT e.position, e.id, e.stream, e.revision, e.type, e.version,
          e.tags, e.metadata, e.recorded_at, e.payload
        FROM factos.events e WHERE e.position = ANY(positions) ORDER BY e.position;
    END IF;
  END IF;
END $$;

-- The events of a stream above low and up to high, beyond the revision that the page before ended with (NULL for a first
-- page), at most `most` of them. It takes no lock, and the page is complete under the same condition as in _page_of_query.
CREATE FUNCTION factos._page_of_stream(
  stream_name text, low bigint, high bigint, most bigint, backwards bool, beyond bigint)
RETURNS SETOF factos.event_row
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF backwards THEN
    RETURN QUERY
      SELECT e.position, e.id, e.stream, e.revision, e.type, e.version,
        e.tags, e.metadata, e.recorded_at, e.payload
      FROM factos.events e
      WHERE e.stream = stream_name AND e.revision < coalesce(beyond, 9223372036854775807)
        AND e.position > low AND e.position <= high
      ORDER BY e.revision DESC LIMIT most;
  ELSE
    RETURN QUERY
      SELECT e.position, e.id, e.stream, e.revision, e.type, e.version,
        e.tags, e.metadata, e.recorded_at, e.payload
      FROM factos.events e
      WHERE e.stream = stream_name AND e.revision > coalesce(beyond, -1)
        AND e.position > low AND e.position <= high
      ORDER BY e.revision LIMIT most;
  END IF;
END $$;

-- A page of a read after its first: of a stream, of a query, or of everything if both are NULL. The page is complete under
-- the same condition as in _page_of_query. Waits for locks on the tables end with lock_timeout.
CREATE FUNCTION factos.page(
  item_types text[], item_tags text[], stream_name text, low bigint, high bigint, most bigint, backwards bool,
  beyond bigint, lock_timeout text, verified timestamptz)
RETURNS SETOF factos.event_row
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_bitmapscan = off SET max_parallel_workers_per_gather = 0 SET lock_timeout = '5s'
SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
  ignored text;
BEGIN
  ignored := factos._check_server(verified);
  ignored := set_config('lock_timeout', lock_timeout, true);
  IF stream_name IS NOT NULL THEN
    RETURN QUERY SELECT * FROM factos._page_of_stream(stream_name, low, high, most, backwards, beyond);
  ELSIF item_tags IS NULL AND NOT backwards THEN
    -- As in _page_of_query, without its second copy of the rows: this is how a log is replayed.
    RETURN QUERY
      SELECT e.position, e.id, e.stream, e.revision, e.type, e.version,
        e.tags, e.metadata, e.recorded_at, e.payload
      FROM factos.events e
      WHERE e.position > low AND e.position <= high
      ORDER BY e.position LIMIT most;
  ELSE
    RETURN QUERY SELECT * FROM factos._page_of_query(item_types, item_tags, low, high, most, backwards);
  END IF;
END $$;

-- The last event that is visible, NULL if there is none. Waits for locks on the table end with lock_timeout.
CREATE FUNCTION factos.last_event(lock_timeout text, verified timestamptz, OUT "position" bigint, OUT id uuid)
LANGUAGE plpgsql VOLATILE SET lock_timeout = '5s'
SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
#variable_conflict use_column
DECLARE
  ignored text;
BEGIN
  ignored := factos._check_server(verified);
  ignored := set_config('lock_timeout', lock_timeout, true);
  SELECT e.position, e.id INTO last_event.position, last_event.id
    FROM factos.events e ORDER BY e.position DESC LIMIT 1;
END $$;

-- The same once there is an event beyond known, or after so many milliseconds. A follower asks so, and sends one statement
-- where it would send one for each look. It sleeps between its looks, each of which sees what is committed by then.
CREATE FUNCTION factos.wait_past(
  known bigint, patience int, pause int, lock_timeout text, verified timestamptz, OUT "position" bigint, OUT id uuid)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
#variable_conflict use_column
DECLARE
  ends timestamptz := clock_timestamp() + patience * interval '1 millisecond';
BEGIN
  LOOP
    SELECT last.position, last.id INTO wait_past.position, wait_past.id
      FROM factos.last_event(lock_timeout, verified) last;
    EXIT WHEN wait_past.position > known OR clock_timestamp() >= ends;
    PERFORM pg_sleep(pause / 1000.0);
  END LOOP;
END $$;
