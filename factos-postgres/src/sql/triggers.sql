-- The log is append-only for everybody, its owner included. To change it all the same, the triggers must be dropped first.
CREATE FUNCTION factos._refuse_change() RETURNS trigger
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
  RAISE EXCEPTION 'factos: % of % is refused, the log is append-only', TG_OP, TG_TABLE_NAME USING ERRCODE = '55000';
END $$;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON factos.events
  FOR EACH STATEMENT EXECUTE FUNCTION factos._refuse_change();
ALTER TABLE factos.events ENABLE ALWAYS TRIGGER append_only;

CREATE TRIGGER append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON factos.tags
  FOR EACH STATEMENT EXECUTE FUNCTION factos._refuse_change();
ALTER TABLE factos.tags ENABLE ALWAYS TRIGGER append_only;

-- Only the format changes, when a log is upgraded.
CREATE TRIGGER append_only BEFORE UPDATE OF one, lock_rule, mode, log_id, created_at OR DELETE OR TRUNCATE ON factos.meta
  FOR EACH STATEMENT EXECUTE FUNCTION factos._refuse_change();
ALTER TABLE factos.meta ENABLE ALWAYS TRIGGER append_only;
