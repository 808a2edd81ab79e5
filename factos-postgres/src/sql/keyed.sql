-- CACHE 1 is what makes positions follow the locks. The first value is not used: last_value is then always
-- below the next position.
CREATE SEQUENCE factos.position_seq AS bigint MINVALUE 0 START 0 CACHE 1;
SELECT nextval('factos.position_seq');

-- Every check relies on one fresh snapshot per statement.
CREATE FUNCTION factos._guard() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
 IF current_setting('transaction_isolation') <> 'read committed' THEN
  RAISE EXCEPTION 'factos: READ COMMITTED required' USING ERRCODE = '25001';
 END IF;
END $$;

-- names: sorted by bytes and distinct, excl the stronger of the modes wanted; NULL is the whole log. Unless patient,
-- nothing is waited for: the result is the places of the names that others hold, NULL if there are none.
CREATE FUNCTION factos._lock(names text[], excl bool[], patient bool) RETURNS int[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE v text; strong bool; key bigint; free bool := true; held int[];
BEGIN
 IF names IS NULL THEN v := pg_advisory_xact_lock(1178796033, 0); RETURN NULL; END IF;
 IF patient THEN v := pg_advisory_xact_lock_shared(1178796033, 0);
 ELSIF NOT pg_try_advisory_xact_lock_shared(1178796033, 0) THEN RETURN ARRAY(SELECT generate_series(1, cardinality(names))); END IF;
 FOR i IN 1..cardinality(names) LOOP
  strong := excl[i]; key := hashtextextended(names[i], 1178796033);
  IF patient AND strong THEN v := pg_advisory_xact_lock(key);
  ELSIF patient THEN v := pg_advisory_xact_lock_shared(key);
  ELSIF strong THEN free := pg_try_advisory_xact_lock(key);
  ELSE free := pg_try_advisory_xact_lock_shared(key); END IF;
  IF NOT free THEN held := held || i; END IF;
 END LOOP;
 RETURN held;
END $$;

-- Whether this transaction holds the lock of a name from here on. As _lock takes it, but the whole log may be locked.
CREATE FUNCTION factos._probe(name text, patient bool) RETURNS bool LANGUAGE plpgsql VOLATILE AS $$
DECLARE v text; key bigint := hashtextextended(name, 1178796033);
BEGIN
 IF patient THEN v := pg_advisory_xact_lock(key); RETURN true; END IF;
 RETURN pg_try_advisory_xact_lock(key);
END $$;

-- Positions are taken after the locks, and below a floor mark that the watermark looks at.
CREATE FUNCTION factos._take(n int) RETURNS bigint[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE r bigint[]; v text;
BEGIN
 v := pg_advisory_xact_lock_shared(1178796034, pg_sequence_last_value('factos.position_seq')::bit(32)::int4);
 IF n = 1 THEN RETURN ARRAY[nextval('factos.position_seq')]; END IF;
 SELECT array_agg(nextval('factos.position_seq')) INTO r FROM generate_series(1, n);
 RETURN r;
END $$;

-- Everything at or below the result is settled. Events are read in a later statement.
CREATE FUNCTION factos.watermark() RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE h bigint; m bigint; v text;
BEGIN
 v := factos._guard();
 IF pg_is_in_recovery() THEN RAISE EXCEPTION 'factos: watermark only on the primary' USING ERRCODE = '25006'; END IF;
 h := pg_sequence_last_value('factos.position_seq');
 -- The last position first, then the marks.
 SELECT min(h + ((k.objid::bigint - h)::bit(32)::int4)) INTO m FROM pg_locks k
  WHERE k.locktype = 'advisory' AND k.classid = 1178796034 AND k.objsubid = 2 AND k.granted
    AND k.database = (SELECT d.oid FROM pg_database d WHERE d.datname = current_database());
 RETURN least(h, m);
END $$;

-- How far the log is complete for what the names cover, once the writers in flight on them are waited out; unless patient,
-- for those of the names that are not in held. Never beyond the last event that is visible: a server that is killed gives
-- out again what its sequence gave to transactions in flight.
CREATE FUNCTION factos._barrier(names text[], excl bool[], patient bool, OUT horizon bigint, OUT held int[])
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
 BEGIN
  held := factos._lock(names, excl, patient);
  horizon := pg_sequence_last_value('factos.position_seq');
  -- The end of the subtransaction gives the locks back; the variables survive.
  RAISE EXCEPTION USING ERRCODE = 'FC001';
 EXCEPTION WHEN SQLSTATE 'FC001' THEN NULL;
 END;
 horizon := least(horizon, coalesce((SELECT e.position FROM factos.events e ORDER BY e.position DESC LIMIT 1), 0));
END $$;

-- How far the log is complete: for what the names cover, by the barrier; for the whole log, by the watermark, which must
-- cover every event that is visible by now. The positions of transactions alternate: what comes to be visible meanwhile may
-- go beyond the last of these, and then the result does as well, so that no batch is cut.
CREATE FUNCTION factos._horizon(names text[], excl bool[], settled bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE h bigint; low bigint := settled; top bigint; beyond bigint; c bigint; reaching xid[]; started timestamptz;
BEGIN
 IF names IS NOT NULL THEN
  SELECT b.horizon INTO h FROM factos._barrier(names, excl, true) b;
  RETURN h;
 END IF;
 top := coalesce((SELECT e.position FROM factos.events e ORDER BY e.position DESC LIMIT 1), 0);
 IF top <= settled THEN RETURN settled; END IF;
 -- A run without a gap from a settled position is settled, and whole if it is all that one look sees.
 IF top - settled <= 256 THEN
  SELECT count(*), max(e.position) INTO c, top FROM factos.events e WHERE e.position > settled;
  IF c = top - settled THEN RETURN top; END IF;
 ELSE
  -- Nothing that is in flight when the last event is looked for has a position at or below low.
  low := factos.watermark();
  top := (SELECT e.position FROM factos.events e ORDER BY e.position DESC LIMIT 1);
 END IF;
 started := clock_timestamp();
 LOOP
  h := factos.watermark();
  IF h >= top THEN
   reaching := ARRAY(SELECT e.xmin FROM factos.events e WHERE e.position > low AND e.position <= top);
   beyond := (SELECT e.position FROM factos.events e WHERE e.position > top AND e.xmin = ANY(reaching) ORDER BY e.position DESC LIMIT 1);
   IF beyond IS NULL THEN RETURN top; END IF;
   top := beyond;
  END IF;
  IF clock_timestamp() > started + current_setting('lock_timeout')::interval AND current_setting('lock_timeout') <> '0' THEN
   RAISE EXCEPTION 'factos: an append in flight holds the watermark back' USING ERRCODE = '55P03';
  END IF;
  PERFORM pg_sleep(0.0005);
 END LOOP;
END $$;

-- For several readers, without waiting: which of them meet a writer in flight, and how far the log is complete for all others.
CREATE FUNCTION factos._horizon_at_once(nreads int, name_of int[], names text[], excl bool[], OUT horizon bigint, OUT waits bool[])
LANGUAGE plpgsql VOLATILE AS $$
DECLARE held int[];
BEGIN
 SELECT b.horizon, b.held INTO horizon, held FROM factos._barrier(names, excl, false) b;
 waits := array_fill(false, ARRAY[nreads]);
 FOR i IN 1..coalesce(cardinality(held), 0) LOOP waits[name_of[held[i]]] := true; END LOOP;
END $$;
