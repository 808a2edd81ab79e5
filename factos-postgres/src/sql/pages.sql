-- The tag of an item that the fewest events above low and up to high carry, as far as a short look tells: no tag is
-- counted beyond the fewest so far, none beyond 256, and 16 are few enough. It takes no lock, and any snapshot will do: the
-- choice decides how fast a query is, not what it finds.
CREATE FUNCTION factos._rarest_tag(tags_of_item text[], low bigint, high bigint) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  rarest text := tags_of_item[1];
  fewest int := 256;
  counted int;
BEGIN
  FOR i IN 1..cardinality(tags_of_item) LOOP
    SELECT count(*) INTO counted FROM (
      SELECT FROM factos.tags t
      WHERE t.tag = tags_of_item[i] AND t.position > low AND t.position <= high
      LIMIT fewest) seen;
    IF counted < fewest THEN
      fewest := counted;
      rarest := tags_of_item[i];
    END IF;
    EXIT WHEN fewest <= 16;
  END LOOP;
  RETURN rarest;
END $$;

-- The events of a query above low and up to high, at most `most` of them. item_types and item_tags hold two array literals
-- for each item of the query; NULL is every event. It takes no lock. Its statement sees what is committed when it begins,
-- so the page is complete if high is not above a horizon that an earlier statement asked for.
CREATE FUNCTION factos._page_of_query(
  item_types text[], item_tags text[], low bigint, high bigint, most bigint, backwards bool)
RETURNS SETOF factos.event_row
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  only_types text[];
  only_tags text[];
  rarest text;
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
    -- One item with tags: along its rarest tag.
    only_types := item_types[1]::text[];
    only_tags := item_tags[1]::text[];
    rarest := only_tags[1];
    IF cardinality(only_tags) > 1 THEN
      rarest := factos._rarest_tag(only_tags, low, high);
    END IF;
    RETURN QUERY
      SELECT e.position, e.id, e.stream, e.revision, e.type, e.version,
        e.tags, e.metadata, e.recorded_at, e.payload
      FROM factos.tags t JOIN factos.events e ON e.position = t.position
      WHERE t.tag = rarest AND t.position > low AND t.position <= high
        AND (cardinality(only_tags) = 1 OR e.tags @> only_tags)
        AND (cardinality(only_types) = 0 OR e.type = ANY(only_types))
      ORDER BY t.position LIMIT most;
  ELSIF backwards THEN
    -- As below, from the other end.
    RETURN QUERY
      SELECT e.position, e.id, e.stream, e.revision, e.type, e.version,
        e.tags, e.metadata, e.recorded_at, e.payload
      FROM factos.events e
      WHERE e.position = ANY(ARRAY(
        SELECT matching.position
        FROM unnest(item_types, item_tags) item(types, tags)
        CROSS JOIN LATERAL (
          (SELECT tagged.position
           FROM (
             SELECT CASE
               WHEN item.tags = '{}' THEN NULL
               WHEN cardinality(item.tags::text[]) = 1 THEN (item.tags::text[])[1]
               ELSE factos._rarest_tag(item.tags::text[], low, high)
             END AS tag OFFSET 0) along
           CROSS JOIN LATERAL (
             SELECT t.position FROM factos.tags t
             WHERE t.tag = along.tag AND t.position > low AND t.position <= high
               AND (SELECT candidate.tags @> item.tags::text[]
                      AND (item.types = '{}' OR candidate.type = ANY(item.types::text[]))
                    FROM factos.events candidate WHERE candidate.position = t.position)
             ORDER BY t.position DESC LIMIT most) tagged)
          UNION ALL
          (SELECT typed.position
           FROM unnest(CASE WHEN item.tags = '{}' THEN item.types::text[] END) along(type)
           CROSS JOIN LATERAL (
             SELECT candidate.position FROM factos.events candidate
             WHERE candidate.type = along.type AND candidate.position > low AND candidate.position <= high
             ORDER BY candidate.position DESC LIMIT most) typed)) matching
        GROUP BY matching.position ORDER BY matching.position DESC LIMIT most))
      ORDER BY e.position DESC;
  ELSE
    -- Any items: those with tags along their rarest tag, those without along each of their types. At most `most` of
    -- each are looked at, and an event counts once although several items may match it.
    RETURN QUERY
      SELECT e.position, e.id, e.stream, e.revision, e.type, e.version,
        e.tags, e.metadata, e.recorded_at, e.payload
      FROM factos.events e
      WHERE e.position = ANY(ARRAY(
        SELECT matching.position
        FROM unnest(item_types, item_tags) item(types, tags)
        CROSS JOIN LATERAL (
          (SELECT tagged.position
           FROM (
             SELECT CASE
               WHEN item.tags = '{}' THEN NULL
               WHEN cardinality(item.tags::text[]) = 1 THEN (item.tags::text[])[1]
               ELSE factos._rarest_tag(item.tags::text[], low, high)
             END AS tag OFFSET 0) along
           CROSS JOIN LATERAL (
             SELECT t.position FROM factos.tags t
             WHERE t.tag = along.tag AND t.position > low AND t.position <= high
               AND (SELECT candidate.tags @> item.tags::text[]
                      AND (item.types = '{}' OR candidate.type = ANY(item.types::text[]))
                    FROM factos.events candidate WHERE candidate.position = t.position)
             ORDER BY t.position LIMIT most) tagged)
          UNION ALL
          (SELECT typed.position
           FROM unnest(CASE WHEN item.tags = '{}' THEN item.types::text[] END) along(type)
           CROSS JOIN LATERAL (
             SELECT candidate.position FROM factos.events candidate
             WHERE candidate.type = along.type AND candidate.position > low AND candidate.position <= high
             ORDER BY candidate.position LIMIT most) typed)) matching
        GROUP BY matching.position ORDER BY matching.position LIMIT most))
      ORDER BY e.position;
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
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET lock_timeout = '5s'
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
