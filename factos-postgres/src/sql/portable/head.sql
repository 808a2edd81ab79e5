-- The last position. Its row is locked from before the check until the commit, so positions have no gaps and become visible
-- in order.
CREATE TABLE factos.head (
  one      bool PRIMARY KEY DEFAULT true CHECK (one),
  position bigint NOT NULL) WITH (fillfactor = 10);
INSERT INTO factos.head VALUES (true, 0);
