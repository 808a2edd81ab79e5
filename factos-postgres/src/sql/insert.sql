-- Inserts events at these positions and returns their revisions. The caller took the positions under the locks of its
-- append, which include the streams exclusively, so no other transaction counts revisions in them. It takes no lock
-- itself. When it returns, every event is inserted.
CREATE FUNCTION factos._insert(
  positions bigint[], ids uuid[], streams text[], types text[], versions bigint[], tag_literals text[],
  metadata text[], payloads bytea[], recorded_at timestamptz)
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  revisions bigint[];
  revision bigint;
  only_tags text[];
  inserted bigint;
BEGIN
  IF cardinality(ids) = 1 THEN
    only_tags := tag_literals[1]::text[];
    IF streams[1] IS NOT NULL THEN
      SELECT e.revision INTO revision FROM factos.events e
        WHERE e.stream = streams[1] ORDER BY e.revision DESC LIMIT 1;
      revision := coalesce(revision, -1) + 1;
    END IF;
    INSERT INTO factos.events (
      position, id, stream, revision, type, version, tags, metadata, recorded_at, payload)
    VALUES (
      positions[1], ids[1], streams[1], revision, types[1], versions[1], only_tags, metadata[1]::json, recorded_at,
      payloads[1]);
    IF NOT FOUND THEN
      RAISE EXCEPTION 'factos: 0 of 1 events inserted' USING ERRCODE = 'XX000';
    END IF;
    IF cardinality(only_tags) > 0 THEN
      INSERT INTO factos.tags (tag, position) SELECT tag, positions[1] FROM unnest(only_tags) tag;
    END IF;
    RETURN ARRAY[revision];
  END IF;
  IF cardinality(streams) > 0 THEN
    revisions := ARRAY(
      SELECT CASE WHEN event.stream IS NOT NULL THEN
        coalesce((
          SELECT e.revision FROM factos.events e
          WHERE e.stream = event.stream ORDER BY e.revision DESC LIMIT 1), -1)
        + row_number() OVER (PARTITION BY event.stream ORDER BY event.place)
      END
      FROM unnest(streams) WITH ORDINALITY event(stream, place)
      ORDER BY event.place);
  END IF;
  INSERT INTO factos.events (
    position, id, stream, revision, type, version, tags, metadata, recorded_at, payload)
    SELECT event.position, event.id, event.stream, event.revision, event.type, event.version, event.tags::text[],
      event.metadata::json, recorded_at, event.payload
    FROM unnest(positions, ids, streams, revisions, types, versions, tag_literals, metadata, payloads)
      event(position, id, stream, revision, type, version, tags, metadata, payload);
  GET DIAGNOSTICS inserted = ROW_COUNT;
  IF inserted <> cardinality(positions) THEN
    RAISE EXCEPTION 'factos: % of % events inserted', inserted, cardinality(positions) USING ERRCODE = 'XX000';
  END IF;
  INSERT INTO factos.tags (tag, position)
    SELECT tag, event.position
    FROM unnest(positions, tag_literals) event(position, tags), unnest(event.tags::text[]) tag;
  RETURN revisions;
END $$;

-- As _insert, of the events at these places only.
CREATE FUNCTION factos._insert_some(
  places int[], positions bigint[], ids uuid[], streams text[], types text[], versions bigint[], tag_literals text[],
  metadata text[], payloads bytea[], recorded_at timestamptz)
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RETURN factos._insert(
    positions,
    ARRAY(SELECT ids[place] FROM unnest(places) place),
    ARRAY(SELECT streams[place] FROM unnest(places) place),
    ARRAY(SELECT types[place] FROM unnest(places) place),
    ARRAY(SELECT versions[place] FROM unnest(places) place),
    ARRAY(SELECT tag_literals[place] FROM unnest(places) place),
    ARRAY(SELECT metadata[place] FROM unnest(places) place),
    ARRAY(SELECT payloads[place] FROM unnest(places) place),
    recorded_at);
END $$;
