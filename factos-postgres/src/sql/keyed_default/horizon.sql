-- The watermark: the event of every position at or below it is visible to a later statement, or never will be. It takes
-- no lock. It looks for the last position first and for the floor marks of the transactions in flight afterwards: a
-- position up to the last one was taken under a mark, which is still seen unless its transaction has ended.
CREATE FUNCTION factos.watermark() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
  last bigint;
  lowest_mark bigint;
  ignored text;
BEGIN
  ignored := factos._check_isolation();
  IF pg_is_in_recovery() THEN
    RAISE EXCEPTION 'factos: watermark only on the primary' USING ERRCODE = '25006';
  END IF;
  last := pg_sequence_last_value('factos.position_seq');
  -- A mark holds the low 32 bits of a position: the signed distance from the last one restores it.
  SELECT min(last + ((mark.objid::bigint - last)::bit(32)::int4)) INTO lowest_mark
    FROM pg_locks mark
    WHERE mark.locktype = 'advisory' AND mark.classid = 1178796034 AND mark.objsubid = 2 AND mark.granted
      AND mark.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
  RETURN least(last, lowest_mark);
END $$;

-- How far the log is complete for what the names cover. It locks the names, so that every writer in flight on them has
-- ended, looks for the last position, and gives the locks back. Unless it may wait, the result holds for the names that
-- are not in held. It is the position of a visible event, or 0: a server that was killed gives out again the positions that
-- its sequence had given to transactions in flight.
CREATE FUNCTION factos._barrier(names text[], exclusive bool[], may_wait bool, OUT horizon bigint, OUT held int[])
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  BEGIN
    held := factos._lock(names, exclusive, may_wait);
    horizon := pg_sequence_last_value('factos.position_seq');
    -- The end of the subtransaction gives the locks back; the variables survive.
    RAISE EXCEPTION USING ERRCODE = 'FC001';
  EXCEPTION WHEN SQLSTATE 'FC001' THEN
    NULL;
  END;
  horizon := coalesce((
    SELECT e.position FROM factos.events e WHERE e.position <= horizon ORDER BY e.position DESC LIMIT 1), 0);
END $$;

-- The last event beyond top of a transaction that has inserted one above low and up to top, NULL if there is none. It
-- takes no lock. One snapshot shows all events of a transaction or none. Without nested loops it takes as long as there are
-- events above low: the planner does not know how many transactions these are of.
CREATE FUNCTION factos._end_of_batches(low bigint, top bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE SET enable_nestloop = off AS $$
BEGIN
  RETURN (
    SELECT max(e.position) FROM factos.events e
    WHERE e.position > top AND EXISTS (
      SELECT FROM factos.events reaching
      WHERE reaching.position > low AND reaching.position <= top AND reaching.xmin = e.xmin));
END $$;

-- How far the log is complete: for what the names cover, by _barrier, and for the whole log (names NULL) by the watermark,
-- without a lock. The watermark is waited for until it covers every event that is visible by now, at most for lock_timeout.
-- What is at or below settled is known to be settled. No batch is cut: the positions of batches that are inserted at the
-- same time may alternate, so one that becomes visible meanwhile may reach beyond these events, and then so does the result.
CREATE FUNCTION factos._horizon(names text[], exclusive bool[], settled bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  horizon bigint;
  low bigint := settled;
  top bigint;
  counted bigint;
  beyond bigint;
  started timestamptz;
BEGIN
  IF names IS NOT NULL THEN
    SELECT barrier.horizon INTO horizon FROM factos._barrier(names, exclusive, true) barrier;
    RETURN horizon;
  END IF;
  top := coalesce((SELECT e.position FROM factos.events e ORDER BY e.position DESC LIMIT 1), 0);
  IF top <= settled THEN
    RETURN settled;
  END IF;
  IF top - settled <= 256 THEN
    -- A run without a gap from a settled position is settled. If it is all that one snapshot shows, it cuts no batch.
    SELECT count(*), max(e.position) INTO counted, top FROM factos.events e WHERE e.position > settled;
    IF counted = top - settled THEN
      RETURN top;
    END IF;
  ELSE
    -- Nothing that is in flight when the last event is looked for has a position at or below low.
    low := factos.watermark();
    top := (SELECT e.position FROM factos.events e ORDER BY e.position DESC LIMIT 1);
  END IF;
  started := clock_timestamp();
  LOOP
    horizon := factos.watermark();
    IF horizon >= top THEN
      beyond := factos._end_of_batches(low, top);
      IF beyond IS NULL THEN
        RETURN top;
      END IF;
      top := beyond;
    END IF;
    IF clock_timestamp() > started + current_setting('lock_timeout')::interval
      AND current_setting('lock_timeout') <> '0'
    THEN
      RAISE EXCEPTION 'factos: an append in flight holds the watermark back' USING ERRCODE = '55P03';
    END IF;
    PERFORM pg_sleep(0.0005);
  END LOOP;
END $$;

-- For several reads, which of them would have to wait for a writer in flight, and how far the log is complete for all
-- others. It waits for nothing; _barrier tries the locks and gives them back. Each name is of the read read_of_name.
CREATE FUNCTION factos._horizon_of_many(
  reads int, read_of_name int[], names text[], exclusive bool[], OUT horizon bigint, OUT has_to_wait bool[])
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  held int[];
BEGIN
  SELECT barrier.horizon, barrier.held INTO horizon, held FROM factos._barrier(names, exclusive, false) barrier;
  has_to_wait := array_fill(false, ARRAY[reads]);
  FOR i IN 1..coalesce(cardinality(held), 0) LOOP
    has_to_wait[read_of_name[held[i]]] := true;
  END LOOP;
END $$;
