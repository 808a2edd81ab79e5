-- The row of the last position is never taken away.
CREATE TRIGGER append_only BEFORE DELETE OR TRUNCATE ON factos.head
  FOR EACH STATEMENT EXECUTE FUNCTION factos._refuse_change();
ALTER TABLE factos.head ENABLE ALWAYS TRIGGER append_only;
