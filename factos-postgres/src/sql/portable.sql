-- The last position. Its row is locked from before the check until the commit, so positions have no gaps and
-- become visible in order.
CREATE TABLE factos.head (
  one      bool PRIMARY KEY DEFAULT true CHECK (one),
  position bigint NOT NULL) WITH (fillfactor = 10);
INSERT INTO factos.head VALUES (true, 0);

-- Where the engine knows nothing weaker than SERIALIZABLE, the row makes every two appends conflict.
CREATE FUNCTION factos._guard() RETURNS void LANGUAGE plpgsql VOLATILE AS $$
BEGIN
 IF current_setting('transaction_isolation') NOT IN ('read committed', 'serializable') THEN
  RAISE EXCEPTION 'factos: READ COMMITTED or SERIALIZABLE required' USING ERRCODE = '25001';
 END IF;
END $$;

-- The row is always waited for.
CREATE FUNCTION factos._lock(names text[], excl bool[], patient bool) RETURNS int[] LANGUAGE plpgsql VOLATILE AS $$
BEGIN
 PERFORM 1 FROM factos.head WHERE one FOR UPDATE;
 RETURN NULL;
END $$;

CREATE FUNCTION factos._take(n int) RETURNS bigint[] LANGUAGE plpgsql VOLATILE AS $$
DECLARE h bigint;
BEGIN
 UPDATE factos.head SET position = position + n WHERE one RETURNING position INTO h;
 RETURN ARRAY(SELECT generate_series(h - n + 1, h));
END $$;

-- What is visible is complete.
CREATE FUNCTION factos._horizon(names text[], excl bool[], settled bigint) RETURNS bigint LANGUAGE plpgsql VOLATILE AS $$
DECLARE h bigint;
BEGIN
 SELECT position INTO h FROM factos.head WHERE one;
 RETURN h;
END $$;

CREATE FUNCTION factos._horizon_at_once(nreads int, name_of int[], names text[], excl bool[], OUT horizon bigint, OUT waits bool[])
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
 SELECT position INTO horizon FROM factos.head WHERE one;
 waits := array_fill(false, ARRAY[nreads]);
END $$;
