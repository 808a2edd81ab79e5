-- What an append checks before it takes positions. The checks are called after its locks and take none themselves. Their
-- statements see whatever was committed by then: an event that matters is visible, or its writer still waits for a lock
-- and will take a higher position. Each check returns an array with its finding on each request that it refuses, at the
-- place of the request, or NULL if it refuses none.

-- Refuses requests with an id that the log holds already. The finding is the first place in ids of such an id.
CREATE FUNCTION factos._known_ids(request_of_event int[], ids uuid[]) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  known bigint[];
  request int;
  first_place bigint;
BEGIN
  -- Almost always the log holds none of them.
  IF NOT EXISTS (SELECT FROM factos.events e WHERE e.id = ANY(ids)) THEN
    RETURN NULL;
  END IF;
  FOR request, first_place IN
    SELECT request_of_event[event.place], min(event.place)
    FROM unnest(ids) WITH ORDINALITY event(id, place)
    WHERE (SELECT true FROM factos.events e WHERE e.id = event.id LIMIT 1)
    GROUP BY 1
  LOOP
    known[request] := first_place;
  END LOOP;
  RETURN known;
END $$;

-- Refuses requests that expect another revision of a stream than it has. The finding is the stream's revision, -1 if it
-- has no event.
CREATE FUNCTION factos._other_revisions(
  request_of_revision int[], expected_streams text[], expected_revisions bigint[])
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  other bigint[];
  revision bigint;
BEGIN
  FOR i IN 1..cardinality(request_of_revision) LOOP
    revision := coalesce((
      SELECT e.revision FROM factos.events e
      WHERE e.stream = expected_streams[i] ORDER BY e.revision DESC LIMIT 1), -1);
    IF revision <> expected_revisions[i] THEN
      other[request_of_revision[i]] := revision;
    END IF;
  END LOOP;
  RETURN other;
END $$;

-- Refuses requests whose query has an item that an event beyond item_after matches. The finding is the position of one
-- such event. item_types and item_tags hold array literals; an item without types and tags matches every event.
CREATE FUNCTION factos._matches(request_of_item int[], item_types text[], item_tags text[], item_after bigint[])
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  matches bigint[];
  request int;
  match bigint;
  tags text[];
BEGIN
  -- Almost always nothing with the first tag of an item is beyond its position. The last statement takes far longer.
  IF cardinality(item_tags) = 1 AND item_tags[1] <> '{}' THEN
    tags := item_tags[1]::text[];
    SELECT t.position INTO match FROM factos.tags t
      WHERE t.tag = tags[1] AND t.position > item_after[1] ORDER BY t.position LIMIT 1;
    IF match IS NULL THEN
      RETURN NULL;
    END IF;
    IF item_types[1] = '{}' AND cardinality(tags) = 1 THEN
      matches[request_of_item[1]] := match;
      RETURN matches;
    END IF;
  ELSIF NOT EXISTS (
    SELECT FROM unnest(item_tags, item_after) item(tags, after)
    WHERE item.tags = '{}' OR (
      SELECT t.position FROM factos.tags t
      WHERE t.tag = (item.tags::text[])[1] AND t.position > item.after
      ORDER BY t.position LIMIT 1) IS NOT NULL)
  THEN
    RETURN NULL;
  END IF;
  FOR request, match IN
    SELECT item.request, max(matching.position)
    FROM unnest(request_of_item, item_types, item_tags, item_after) item(request, types, tags, after)
    CROSS JOIN LATERAL (
      SELECT CASE
        WHEN item.types = '{}' AND cardinality(item.tags::text[]) = 1 THEN (
          SELECT t.position FROM factos.tags t
          WHERE t.tag = (item.tags::text[])[1] AND t.position > item.after
          ORDER BY t.position LIMIT 1)
        WHEN item.tags <> '{}' THEN (
          -- Few events are beyond a position that was just read: the first of one tag are looked at before any are counted.
          SELECT coalesce((
              SELECT near.position FROM unnest(first.positions) near(position)
              WHERE (SELECT e.tags @> item.tags::text[] AND (item.types = '{}' OR e.type = ANY(item.types::text[]))
                     FROM factos.events e WHERE e.position = near.position)
              LIMIT 1),
            CASE WHEN cardinality(first.positions) = 16 THEN (
              factos._positions_of_item(
                item.types::text[], item.tags::text[], first.positions[16], 9223372036854775807, 1, false))[1] END)
          FROM (
            SELECT ARRAY(
              SELECT t.position FROM factos.tags t
              WHERE t.tag = (item.tags::text[])[1] AND t.position > item.after
              ORDER BY t.position LIMIT 16) AS positions OFFSET 0) first)
        WHEN item.types <> '{}' THEN (
          factos._positions_of_types(item.types::text[], '{}', item.after, 9223372036854775807, 1, false))[1]
        ELSE (
          SELECT e.position FROM factos.events e WHERE e.position > item.after ORDER BY e.position LIMIT 1)
      END AS position) matching
    WHERE matching.position IS NOT NULL
    GROUP BY item.request
  LOOP
    matches[request] := match;
  END LOOP;
  RETURN matches;
END $$;

-- The verdict on each request, as append tells them: first by the findings of the checks, then by the requests that it
-- depends on. The pairs of dependents and depends_on are sorted by dependents, and depends_on is the earlier request, so
-- the verdict on that one is final when a pair is looked at. It takes no lock and looks at no table.
CREATE FUNCTION factos._verdicts(
  requests int, known_ids bigint[], other_revisions bigint[], matches bigint[], dependents int[], depends_on int[],
  OUT verdicts int[], OUT findings bigint[])
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  finding bigint;
BEGIN
  verdicts := array_fill(0, ARRAY[requests]);
  findings := array_fill(NULL::bigint, ARRAY[requests]);
  FOR request IN 1..requests LOOP
    finding := coalesce(known_ids[request], other_revisions[request], matches[request]);
    IF finding IS NOT NULL THEN
      findings[request] := finding;
      verdicts[request] := CASE
        WHEN known_ids[request] IS NOT NULL THEN 1
        WHEN other_revisions[request] IS NOT NULL THEN 4
        ELSE 2
      END;
    END IF;
  END LOOP;
  FOR pair IN 1..coalesce(cardinality(dependents), 0) LOOP
    IF verdicts[dependents[pair]] = 0 AND verdicts[depends_on[pair]] = 0 THEN
      verdicts[dependents[pair]] := 3;
      findings[dependents[pair]] := depends_on[pair];
    END IF;
  END LOOP;
END $$;
