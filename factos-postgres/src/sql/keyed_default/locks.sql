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

-- Locks names until the transaction ends, each exclusively or shared, after a share in the whole log. names are distinct
-- and sorted by bytes, so that two calls cannot deadlock; NULL locks the whole log exclusively, and always waits for it.
-- Unless it may wait, it waits for no name: the result is the places of the names that others hold. NULL means that it
-- holds all: the next statement sees whatever was committed under a lock that conflicts.
CREATE FUNCTION factos._lock(names text[], exclusive bool[], may_wait bool) RETURNS int[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  key bigint;
  is_exclusive bool;
  is_free bool := true;
  held int[];
  ignored text;
BEGIN
  IF names IS NULL THEN
    ignored := pg_advisory_xact_lock(1178796033, 0);
    RETURN NULL;
  END IF;
  IF may_wait THEN
    ignored := pg_advisory_xact_lock_shared(1178796033, 0);
  ELSIF NOT pg_try_advisory_xact_lock_shared(1178796033, 0) THEN
    RETURN ARRAY(SELECT generate_series(1, cardinality(names)));
  END IF;
  FOR place IN 1..cardinality(names) LOOP
    key := hashtextextended(names[place], 1178796033);
    is_exclusive := exclusive[place];
    IF may_wait AND is_exclusive THEN
      ignored := pg_advisory_xact_lock(key);
    ELSIF may_wait THEN
      ignored := pg_advisory_xact_lock_shared(key);
    ELSIF is_exclusive THEN
      is_free := pg_try_advisory_xact_lock(key);
    ELSE
      is_free := pg_try_advisory_xact_lock_shared(key);
    END IF;
    IF NOT is_free THEN
      held := held || place;
    END IF;
  END LOOP;
  RETURN held;
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
