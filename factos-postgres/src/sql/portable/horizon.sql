-- How far the log is complete. What is visible is complete, so it takes no lock and waits for nothing.
CREATE FUNCTION factos._horizon(names text[], exclusive bool[], settled bigint) RETURNS bigint
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  horizon bigint;
BEGIN
  SELECT position INTO horizon FROM factos.head WHERE one;
  RETURN horizon;
END $$;

-- The same for several reads, none of which has to wait.
CREATE FUNCTION factos._horizon_of_many(
  reads int, read_of_name int[], names text[], exclusive bool[], OUT horizon bigint, OUT has_to_wait bool[])
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  SELECT position INTO horizon FROM factos.head WHERE one;
  has_to_wait := array_fill(false, ARRAY[reads]);
END $$;
