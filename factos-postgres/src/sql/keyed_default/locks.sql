-- 1178796033 is the hash seed of the log's names and the class of the lock on the whole log, 1178796034 is the class of
-- its floor marks. Each schema has two numbers of its own.

-- Refuses any other isolation than READ COMMITTED: every check relies on one fresh snapshot per statement. It takes no
-- lock.
CREATE FUNCTION factos._check_isolation() RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF current_setting('transaction_isolation') <> 'read committed' THEN
    RAISE EXCEPTION 'factos: READ COMMITTED required' USING ERRCODE = '25001';
  END IF;
END $$;

-- Locks names until the transaction ends, each exclusively or shared, after a share in the whole log. names are distinct;
-- NULL locks the whole log exclusively, and always waits for it. Unless it may wait, it waits for no name: the result is
-- the places of the names that others hold. NULL means that it holds all: the next statement sees whatever was committed
-- under a lock that conflicts.
--
-- If it may wait, then for one lock at a time and with none of the others: two calls cannot deadlock, and nobody else
-- waits for a name that is locked by a call that waits. Holding the one that it waited for, it tries the others. All this
-- ends with lock_timeout, and what is left of that becomes the lock_timeout of what follows.
CREATE FUNCTION factos._lock(names text[], exclusive bool[], may_wait bool) RETURNS int[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  ends timestamptz;
  held int[];
  ignored text;
BEGIN
  IF names IS NULL THEN
    ignored := pg_advisory_xact_lock(1178796033, 0);
    RETURN NULL;
  END IF;
  IF NOT may_wait THEN
    held := factos._try_locks(names, exclusive);
    IF held = ARRAY[0] THEN
      RETURN ARRAY(SELECT generate_series(1, cardinality(names)));
    END IF;
    RETURN held;
  END IF;
  ends := clock_timestamp() + current_setting('lock_timeout')::interval;
  LOOP
    BEGIN
      IF held IS NOT NULL THEN
        ignored := factos._wait_for(names[held[1]], exclusive[held[1]], ends);
      END IF;
      held := factos._try_locks(names, exclusive);
      IF held IS NULL THEN
        ignored := factos._limit_waits(ends);
        RETURN NULL;
      END IF;
      -- The end of the subtransaction gives back what was locked; the variables survive.
      RAISE EXCEPTION USING ERRCODE = 'FC003';
    EXCEPTION WHEN SQLSTATE 'FC003' THEN
      NULL;
    END;
  END LOOP;
END $$;

-- Tries to lock names as _lock tells, and waits for nothing: the result is the places of the names that others hold, 0 if
-- they hold the whole log, or NULL if it holds all.
CREATE FUNCTION factos._try_locks(names text[], exclusive bool[]) RETURNS int[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  is_free bool;
  held int[];
BEGIN
  IF NOT pg_try_advisory_xact_lock_shared(1178796033, 0) THEN
    RETURN ARRAY[0];
  END IF;
  FOR place IN 1..cardinality(names) LOOP
    is_free := CASE
      WHEN exclusive[place] THEN pg_try_advisory_xact_lock(hashtextextended(names[place], 1178796033))
      ELSE pg_try_advisory_xact_lock_shared(hashtextextended(names[place], 1178796033))
    END;
    IF NOT is_free THEN
      held := held || place;
    END IF;
  END LOOP;
  RETURN held;
END $$;

-- Locks one name, or takes a share in the whole log (NULL), once it is free; the wait ends at this time.
CREATE FUNCTION factos._wait_for(name text, is_exclusive bool, ends timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  ignored text;
BEGIN
  IF clock_timestamp() >= ends THEN
    RAISE EXCEPTION 'factos: a lock was not to be had in time' USING ERRCODE = '55P03';
  END IF;
  ignored := factos._limit_waits(ends);
  IF name IS NULL THEN
    ignored := pg_advisory_xact_lock_shared(1178796033, 0);
  ELSIF is_exclusive THEN
    ignored := pg_advisory_xact_lock(hashtextextended(name, 1178796033));
  ELSE
    ignored := pg_advisory_xact_lock_shared(hashtextextended(name, 1178796033));
  END IF;
END $$;

-- Lets the next wait for a lock end at this time, or almost at once if it is over. It takes no lock.
CREATE FUNCTION factos._limit_waits(ends timestamptz) RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  milliseconds bigint := ceil(extract(epoch FROM ends - clock_timestamp()) * 1000);
  ignored text;
BEGIN
  ignored := set_config('lock_timeout', greatest(milliseconds, 1)::text, true);
END $$;

-- Locks one name exclusively until the transaction ends, as _lock does, and returns whether it holds the lock; if it may
-- wait, it always does. It takes no share in the whole log, so it works while a transaction has locked that.
CREATE FUNCTION factos._probe_lock(name text, may_wait bool) RETURNS bool
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
  key bigint := hashtextextended(name, 1178796033);
  ignored text;
BEGIN
  IF may_wait THEN
    ignored := pg_advisory_xact_lock(key);
    RETURN true;
  END IF;
  RETURN pg_try_advisory_xact_lock(key);
END $$;
