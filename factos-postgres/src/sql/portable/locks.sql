-- Every check relies on one fresh snapshot per statement, which READ COMMITTED gives. Where the engine knows nothing weaker
-- than SERIALIZABLE, the row of the last position makes every two appends conflict. It takes no lock.
CREATE FUNCTION factos._check_isolation() RETURNS void
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF current_setting('transaction_isolation') NOT IN ('read committed', 'serializable') THEN
    RAISE EXCEPTION 'factos: READ COMMITTED or SERIALIZABLE required' USING ERRCODE = '25001';
  END IF;
END $$;

-- Locks the row of the last position until the transaction ends, whatever the names; it is always waited for. When it
-- returns, every earlier append has ended and is visible to the next statement.
CREATE FUNCTION factos._lock(names text[], exclusive bool[], may_wait bool) RETURNS int[]
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  PERFORM 1 FROM factos.head WHERE one FOR UPDATE;
  RETURN NULL;
END $$;
