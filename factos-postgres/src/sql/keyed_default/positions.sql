-- Takes positions, in ascending order. The caller holds the locks of its append, so every transaction that held a
-- conflicting lock before has lower positions. It first sets a floor mark, a shared advisory lock that lasts until the
-- transaction ends: its number is below the positions, and watermark looks for it.
CREATE FUNCTION factos._take_positions(wanted int) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE
  positions bigint[];
  ignored text;
BEGIN
  ignored := pg_advisory_xact_lock_shared(1178796034, pg_sequence_last_value('factos.position_seq')::bit(32)::int4);
  IF wanted = 1 THEN
    RETURN ARRAY[nextval('factos.position_seq')];
  END IF;
  SELECT array_agg(nextval('factos.position_seq')) INTO positions FROM generate_series(1, wanted);
  RETURN positions;
END $$;
