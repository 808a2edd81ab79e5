-- How an item of a query with tags is looked for: along one of its tags, or along its types, whichever the fewest events
-- have, with the rest compared event by event. Which one that is may differ from one part of the log to the next, and
-- counting all of it would cost what it saves. So it is found stretch by stretch, and each stretch is longer than the one
-- before: all together cost in proportion to the rarest part between low and where the page ends, however long the lists
-- of the other parts are. None of these functions takes a lock, and the snapshots of their statements may differ: the
-- choice decides how fast a query is, not what it finds.

-- The next stretch, from low up or from high down: the tag to look along, or the types where it is NULL, and how far, at
-- most to the other end. It has as many events as turn asks for, counted from 0, or is the last one. No part is counted
-- beyond the shortest so far, and 16 events are few enough.
CREATE FUNCTION factos._stretch(
  types_of_item text[], tags_of_item text[], low bigint, high bigint, turn int, backwards bool,
  OUT tag text, OUT reach bigint)
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  length bigint := 256 << (2 * least(turn, 6));
  fewest bigint := length;
  counted bigint;
  last bigint;
BEGIN
  IF high - low <= 16 THEN
    tag := tags_of_item[1];
    reach := CASE WHEN backwards THEN low ELSE high END;
    RETURN;
  END IF;
  FOR i IN 1..cardinality(tags_of_item) LOOP
    IF backwards THEN
      SELECT count(*), min(seen.position) - 1 INTO counted, last FROM (
        SELECT t.position FROM factos.tags t
        WHERE t.tag = tags_of_item[i] AND t.position > low AND t.position <= high
        ORDER BY t.position DESC LIMIT fewest) seen;
    ELSE
      SELECT count(*), max(seen.position) INTO counted, last FROM (
        SELECT t.position FROM factos.tags t
        WHERE t.tag = tags_of_item[i] AND t.position > low AND t.position <= high
        ORDER BY t.position LIMIT fewest) seen;
    END IF;
    IF counted < fewest THEN
      -- It is over before the stretch of any other, which is the last one then.
      tag := tags_of_item[i];
      reach := CASE WHEN backwards THEN low ELSE high END;
      fewest := counted;
      IF fewest <= 16 THEN
        RETURN;
      END IF;
    ELSIF fewest = length AND (reach IS NULL OR (last < reach) = backwards) THEN
      tag := tags_of_item[i];
      reach := last;
    END IF;
  END LOOP;
  IF cardinality(types_of_item) > 0 THEN
    -- An event that is found by its type costs about twice as much as one that is found by its tag.
    IF backwards THEN
      counted := factos._count_types(types_of_item, reach, high, fewest / 2);
    ELSE
      counted := factos._count_types(types_of_item, low, reach, fewest / 2);
    END IF;
    IF counted < fewest / 2 THEN
      tag := NULL;
      IF fewest = length THEN
        reach := factos._reach_of_types(types_of_item, low, high, length, backwards);
      END IF;
    END IF;
  END IF;
END $$;

-- The statements about types name the index of types by an array of one, and by its order: statistics that do not know a
-- rare type must not lead the planner to walk the log in its place, as they may where it knows that the type is one. Both
-- bounds end the scan of the index, which they would not if rows were compared. For the same reason the functions that call these allow
-- it only plans along an index, in its order. They also let it neither compile statements nor start workers for them, since what
-- it estimates is far too much here: either takes many times as long as to look for the events.

-- How many events of these types are above low and up to high, counted up to `most`.
CREATE FUNCTION factos._count_types(types text[], low bigint, high bigint, most bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN (
    SELECT count(*) FROM (
      SELECT FROM unnest(types) along(type)
      CROSS JOIN LATERAL (
        SELECT FROM factos.events e
        WHERE e.type = ANY(ARRAY[along.type]) AND e.position > low AND e.position <= high
        ORDER BY e.type, e.position LIMIT most) typed
      LIMIT most) seen);
END $$;

-- How far the next so many events of these types reach, from low up or from high down: to the other end if there are fewer.
CREATE FUNCTION factos._reach_of_types(types text[], low bigint, high bigint, length bigint, backwards bool)
RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  seen bigint[] := factos._positions_of_types(types, '{}', low, high, length, backwards);
BEGIN
  IF cardinality(seen) < length THEN
    RETURN CASE WHEN backwards THEN low ELSE high END;
  END IF;
  RETURN seen[length] - backwards::int;
END $$;

-- The positions of the first `most` events of these types with all of these tags above low and up to high, from low up or
-- from high down.
CREATE FUNCTION factos._positions_of_types(
  types text[], tags_of_item text[], low bigint, high bigint, most bigint, backwards bool)
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  is_tagged bool := cardinality(tags_of_item) > 0;
BEGIN
  IF backwards THEN
    RETURN ARRAY(
      SELECT typed.position FROM unnest(types) along(type)
      CROSS JOIN LATERAL (
        SELECT e.position FROM factos.events e
        WHERE e.type = ANY(ARRAY[along.type]) AND e.position > low AND e.position <= high
          AND (NOT is_tagged OR (
            SELECT tagged.tags @> tags_of_item FROM factos.events tagged WHERE tagged.position = e.position))
        ORDER BY e.type DESC, e.position DESC LIMIT most) typed
      ORDER BY typed.position DESC LIMIT most);
  END IF;
  RETURN ARRAY(
    SELECT typed.position FROM unnest(types) along(type)
    CROSS JOIN LATERAL (
      SELECT e.position FROM factos.events e
      WHERE e.type = ANY(ARRAY[along.type]) AND e.position > low AND e.position <= high
        AND (NOT is_tagged OR (
          SELECT tagged.tags @> tags_of_item FROM factos.events tagged WHERE tagged.position = e.position))
      ORDER BY e.type, e.position LIMIT most) typed
    ORDER BY typed.position LIMIT most);
END $$;

-- The positions of the first `most` events of an item with types, tags or both, above low and up to high, from low up or
-- from high down.
CREATE FUNCTION factos._positions_of_item(
  types text[], tags_of_item text[], low bigint, high bigint, most bigint, backwards bool)
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  positions bigint[] := '{}';
  is_one_tag bool := cardinality(tags_of_item) = 1 AND cardinality(types) = 0;
  turn int := 0;
  stretch record;
  along text;
  bottom bigint := low;
  top bigint := high;
BEGIN
  IF cardinality(tags_of_item) = 0 THEN
    RETURN factos._positions_of_types(types, '{}', low, high, most, backwards);
  END IF;
  LOOP
    IF is_one_tag THEN
      along := tags_of_item[1];
    ELSE
      stretch := factos._stretch(types, tags_of_item, low, high, turn, backwards);
      along := stretch.tag;
      IF backwards THEN
        bottom := stretch.reach;
      ELSE
        top := stretch.reach;
      END IF;
    END IF;
    IF along IS NULL THEN
      positions := positions || factos._positions_of_types(
        types, tags_of_item, bottom, top, most - cardinality(positions), backwards);
    ELSIF backwards THEN
      positions := positions || ARRAY(
        SELECT t.position FROM factos.tags t
        WHERE t.tag = along AND t.position > bottom AND t.position <= top
          AND (is_one_tag OR (
            SELECT e.tags @> tags_of_item AND (cardinality(types) = 0 OR e.type = ANY(types))
            FROM factos.events e WHERE e.position = t.position))
        ORDER BY t.position DESC LIMIT most - cardinality(positions));
    ELSE
      positions := positions || ARRAY(
        SELECT t.position FROM factos.tags t
        WHERE t.tag = along AND t.position > bottom AND t.position <= top
          AND (is_one_tag OR (
            SELECT e.tags @> tags_of_item AND (cardinality(types) = 0 OR e.type = ANY(types))
            FROM factos.events e WHERE e.position = t.position))
        ORDER BY t.position LIMIT most - cardinality(positions));
    END IF;
    IF cardinality(positions) >= most OR bottom <= low AND top >= high THEN
      RETURN positions;
    END IF;
    IF backwards THEN
      high := bottom;
      top := bottom;
    ELSE
      low := top;
      bottom := top;
    END IF;
    turn := turn + 1;
  END LOOP;
END $$;

-- The tag that a page of an item is read along if it is one for all of the page, NULL if it is not. Most often the first tag
-- is rare enough, and that is seen at once.
CREATE FUNCTION factos._short_tag(types text[], tags_of_item text[], low bigint, high bigint) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  counted int;
  stretch record;
BEGIN
  SELECT count(*) INTO counted FROM (
    SELECT FROM factos.tags t
    WHERE t.tag = tags_of_item[1] AND t.position > low AND t.position <= high
    ORDER BY t.position LIMIT 17) seen;
  IF counted <= 16 THEN
    RETURN tags_of_item[1];
  END IF;
  stretch := factos._stretch(types, tags_of_item, low, high, 0, false);
  RETURN CASE WHEN stretch.reach = high THEN stretch.tag END;
END $$;
