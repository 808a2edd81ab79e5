-- What format 2 adds: nothing is replaced either. REPLACE deletes the row that is in its way without the trigger of a
-- DELETE, so that is looked for before each insert.
CREATE TRIGGER event_no_replace BEFORE INSERT ON event
WHEN NEW.position <= (SELECT max(position) FROM event) OR EXISTS (SELECT 1 FROM event WHERE id = NEW.id)
BEGIN SELECT RAISE(ABORT, 'the log is append-only: the position or the id is used'); END;

CREATE TRIGGER posting_no_replace BEFORE INSERT ON posting
WHEN EXISTS (SELECT 1 FROM posting WHERE term = NEW.term AND position = NEW.position)
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER term_no_replace BEFORE INSERT ON term
WHEN EXISTS (SELECT 1 FROM term WHERE id = NEW.id) OR EXISTS (SELECT 1 FROM term WHERE kind = NEW.kind AND name = NEW.name)
BEGIN SELECT RAISE(ABORT, 'the log is append-only'); END;

CREATE TRIGGER info_no_replace BEFORE INSERT ON info
WHEN EXISTS (SELECT 1 FROM info WHERE key = NEW.key)
BEGIN SELECT RAISE(ABORT, 'what is known of a log never changes'); END;

CREATE TRIGGER info_no_update BEFORE UPDATE ON info
BEGIN SELECT RAISE(ABORT, 'what is known of a log never changes'); END;

CREATE TRIGGER info_no_delete BEFORE DELETE ON info
BEGIN SELECT RAISE(ABORT, 'what is known of a log never changes'); END;
