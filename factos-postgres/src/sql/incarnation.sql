-- Which run of which server answers, and whether this log holds the events that a handle was told of. A handle asks once for
-- each run of a server, and passes the start of that run with every later statement, which _check_server compares. It takes
-- no lock.
CREATE FUNCTION factos.incarnation(
  known_positions bigint[], known_ids uuid[], lock_timeout text,
  OUT server timestamptz, OUT is_in_recovery bool, OUT log_id uuid, OUT head bigint, OUT missing bigint)
LANGUAGE plpgsql VOLATILE SET lock_timeout = '5s'
SET search_path = pg_catalog, pg_temp SET row_security = off AS $$
DECLARE
  ignored text;
BEGIN
  ignored := set_config('lock_timeout', lock_timeout, true);
  server := pg_postmaster_start_time();
  is_in_recovery := pg_is_in_recovery();
  log_id := (SELECT meta.log_id FROM factos.meta WHERE meta.one);
  head := coalesce((SELECT e.position FROM factos.events e ORDER BY e.position DESC LIMIT 1), 0);
  missing := (
    SELECT count(*) FROM unnest(known_positions, known_ids) known(position, id)
    WHERE NOT EXISTS (SELECT FROM factos.events e WHERE e.position = known.position AND e.id = known.id));
END $$;

-- Refuses a server, or a run of it, that the handle has not asked for its log: it may be another server behind the same
-- address, with an older log or with other events in it. It takes no lock, and returns true.
CREATE FUNCTION factos._check_server(verified timestamptz) RETURNS bool
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  IF pg_postmaster_start_time() IS DISTINCT FROM verified THEN
    RAISE EXCEPTION 'factos: this run of the server is not verified' USING ERRCODE = 'FC002';
  END IF;
  RETURN true;
END $$;

-- The same for a statement outside of these functions, which policies of row-level security would filter.
CREATE FUNCTION factos._check_plain(verified timestamptz) RETURNS bool
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp AS $$
BEGIN
  IF row_security_active('factos.events'::regclass) THEN
    RAISE EXCEPTION 'factos: row-level security hides events' USING ERRCODE = '42501';
  END IF;
  RETURN factos._check_server(verified);
END $$;
