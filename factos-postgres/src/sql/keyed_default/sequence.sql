-- CACHE 1 is what makes positions follow the order of the locks: no session keeps positions in reserve. The first value is
-- not used, so that last_value is always below the next position.
CREATE SEQUENCE factos.position_seq AS bigint MINVALUE 0 START 0 CACHE 1;
SELECT nextval('factos.position_seq');
