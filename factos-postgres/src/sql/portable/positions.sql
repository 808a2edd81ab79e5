-- Takes the next positions. The caller holds the lock of the row.
CREATE FUNCTION factos._take_positions(wanted int) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  last bigint;
BEGIN
  UPDATE factos.head SET position = position + wanted WHERE one RETURNING position INTO last;
  RETURN ARRAY(SELECT generate_series(last - wanted + 1, last));
END $$;
