-- Appends the events of many requests in one call, each request with a verdict of its own. verdicts NULL accepts all; else
-- it holds for each request 0 if it is accepted, or why it is refused, and findings what it is refused for:
--   1  an id that the log holds already: the place in ids
--   2  an event that matches its query: the position
--   3  an earlier request of this call, which is accepted and matches its query: that request
--   4  a stream that is not at the expected revision: the stream's revision, -1 if it has no event
-- positions and revisions are those of the events of accepted requests, in the order of the events.
--
-- Requests, and places in arrays, count from 1. Each event belongs to the request request_of_event, each item of a query to
-- request_of_item, with its types and tags as array literals and the position that it looks beyond, and each expected
-- revision to request_of_revision. dependents and depends_on are pairs, sorted by dependents: the dependent request is
-- refused if the other one, an earlier one, is accepted.
--
-- Unless it is durable, the commit is told before it is flushed. NULL, for a transaction of the caller's, counts as true.
--
-- It locks names, which are distinct and sorted by bytes, each exclusively where exclusive says so; NULL is the whole log.
-- Unless it may wait, it waits for none of them: held then tells the places of the names that others hold, and nothing was
-- done. Waits for anything else then end soon, and all waits end with lock_timeout: a wait that ends raises 55P03.
-- The locks last until the transaction ends. The checks are statements after the locks, so they see whatever was
-- committed under a lock that conflicts, and positions are taken after the checks: when it returns, no event that a
-- condition forbids lies between item_after and the events accepted under it, and none can appear there later.
CREATE FUNCTION factos.append(
  requests int, request_of_event int[], ids uuid[], streams text[], types text[], versions bigint[], tag_literals text[],
  metadata text[], payloads bytea[],
  request_of_item int[], item_types text[], item_tags text[], item_after bigint[],
  request_of_revision int[], expected_streams text[], expected_revisions bigint[],
  dependents int[], depends_on int[],
  names text[], exclusive bool[], may_wait bool, lock_timeout text, verified timestamptz,
  is_durable bool,
  OUT held int[], OUT verdicts int[], OUT findings bigint[], OUT positions bigint[], OUT revisions bigint[],
  OUT recorded_at timestamptz)
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET jit = off
SET enable_seqscan = off SET enable_bitmapscan = off SET max_parallel_workers_per_gather = 0 SET lock_timeout = '5s'
SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
  known_ids bigint[];
  other_revisions bigint[];
  matches bigint[];
  judged record;
  accepted int[];
  ignored text;
BEGIN
  ignored := factos._check_server(verified);
  ignored := factos._check_isolation();
  ignored := set_config('lock_timeout', lock_timeout, true);
  -- Whatever the role, the database or the session has as a default, for as long as the transaction lasts.
  IF NOT is_durable THEN
    ignored := set_config('synchronous_commit', 'off', true);
  ELSIF current_setting('synchronous_commit') IN ('off', 'local') THEN
    ignored := set_config('synchronous_commit', 'on', true);
  END IF;
  held := factos._lock(names, exclusive, may_wait);
  IF held IS NOT NULL THEN
    RETURN;
  END IF;
  IF NOT may_wait THEN
    -- Nor does it wait for long for an id that another transaction has inserted: others may share this call.
    ignored := set_config('lock_timeout', '100ms', true);
  END IF;
  known_ids := factos._known_ids(request_of_event, ids);
  IF cardinality(request_of_revision) > 0 THEN
    other_revisions := factos._other_revisions(request_of_revision, expected_streams, expected_revisions);
  END IF;
  IF cardinality(request_of_item) > 0 THEN
    matches := factos._matches(request_of_item, item_types, item_tags, item_after);
  END IF;
  recorded_at := clock_timestamp();
  IF num_nonnulls(known_ids, other_revisions, matches, dependents) = 0 THEN
    positions := factos._take_positions(cardinality(ids));
    revisions := factos._insert(
      positions, ids, streams, types, versions, tag_literals, metadata, payloads, recorded_at);
    RETURN;
  END IF;
  judged := factos._verdicts(requests, known_ids, other_revisions, matches, dependents, depends_on);
  verdicts := judged.verdicts;
  findings := judged.findings;
  IF 0 = ANY(verdicts) THEN
    accepted := ARRAY(
      SELECT place FROM generate_series(1, cardinality(ids)) place WHERE verdicts[request_of_event[place]] = 0);
    positions := factos._take_positions(cardinality(accepted));
    revisions := factos._insert_some(
      accepted, positions, ids, streams, types, versions, tag_literals, metadata, payloads, recorded_at);
  END IF;
END $$;
