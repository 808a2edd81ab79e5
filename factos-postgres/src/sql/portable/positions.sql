-- The last position. Its row is locked from before the check until the commit, so positions have no gaps and become visible
-- in order.
CREATE TABLE factos.head (
  one      bool PRIMARY KEY DEFAULT true CHECK (one),
  position bigint NOT NULL) WITH (fillfactor = 10);
INSERT INTO factos.head VALUES (true, 0);

-- Takes the next positions. The caller holds the lock of the row.
CREATE FUNCTION factos._take_positions(wanted int) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  last bigint;
BEGIN
  UPDATE factos.head SET position = position + wanted WHERE one RETURNING position INTO last;
  RETURN ARRAY(SELECT generate_series(last - wanted + 1, last));
END $$;
