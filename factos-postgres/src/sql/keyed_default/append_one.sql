-- Appends one event, under no condition or that of a query, and waits for no name: what a client sends that is alone for a
-- moment. For such a request it does what append does, in far less time. The result is
--   0, the position, the revision, and the time of recording in microseconds since 1970
--   1 or 2, and the finding: as a verdict of append
--   -1, and the places of the names that others hold: nothing was done
--
-- The functions that it calls are planned once, for whoever calls them first: its settings are those of append.
CREATE FUNCTION factos.append_one(
  event_id uuid, stream_name text, type_name text, version bigint, tag_literal text, metadata text, payload bytea,
  item_types text[], item_tags text[], item_after bigint[],
  names text[], exclusive bool[], verified timestamptz, is_durable bool)
RETURNS bigint[]
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_bitmapscan = off SET max_parallel_workers_per_gather = 0 SET lock_timeout = '100ms'
SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
  held int[];
  matches bigint[];
  place bigint;
  revision bigint;
  only_tags text[];
  recorded_at timestamptz;
  ignored text;
BEGIN
  IF pg_postmaster_start_time() IS DISTINCT FROM verified
    OR current_setting('transaction_isolation') <> 'read committed'
  THEN
    ignored := factos._check_server(verified);
    ignored := factos._check_isolation();
  END IF;
  -- Whatever the role, the database or the session has as a default.
  IF NOT is_durable OR current_setting('synchronous_commit') IN ('off', 'local') THEN
    ignored := set_config('synchronous_commit', CASE WHEN NOT is_durable THEN 'off' ELSE 'on' END, true);
  END IF;
  held := factos._try_locks(names, exclusive);
  IF held IS NOT NULL THEN
    IF held = ARRAY[0] THEN
      held := ARRAY(SELECT generate_series(1, cardinality(names)));
    END IF;
    RETURN -1::bigint || held::bigint[];
  END IF;
  IF EXISTS (SELECT FROM factos.events e WHERE e.id = event_id) THEN
    RETURN ARRAY[1, 1];
  END IF;
  IF item_tags IS NOT NULL THEN
    matches := factos._matches(array_fill(1, ARRAY[cardinality(item_tags)]), item_types, item_tags, item_after);
    IF matches IS NOT NULL THEN
      RETURN ARRAY[2, matches[1]];
    END IF;
  END IF;
  place := (factos._take_positions(1))[1];
  IF stream_name IS NOT NULL THEN
    SELECT e.revision INTO revision FROM factos.events e
      WHERE e.stream = stream_name ORDER BY e.revision DESC LIMIT 1;
    revision := coalesce(revision, -1) + 1;
  END IF;
  only_tags := tag_literal::text[];
  recorded_at := clock_timestamp();
  INSERT INTO factos.events (
    position, id, stream, revision, type, version, tags, metadata, recorded_at, payload)
  VALUES (
    place, event_id, stream_name, revision, type_name, version, only_tags, metadata::json, recorded_at, payload);
  IF NOT FOUND THEN
    RAISE EXCEPTION 'factos: 0 of 1 events inserted' USING ERRCODE = 'XX000';
  END IF;
  IF cardinality(only_tags) > 0 THEN
    INSERT INTO factos.tags (tag, position) SELECT tag, place FROM unnest(only_tags) tag;
  END IF;
  RETURN ARRAY[0, place, revision, (date_part('epoch', recorded_at) * 1000000)::bigint];
END $$;
