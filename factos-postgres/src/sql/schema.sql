CREATE SCHEMA factos;

CREATE TABLE factos.meta (
  one        bool PRIMARY KEY DEFAULT true CHECK (one),
  format     int NOT NULL,
  lock_rule  int NOT NULL,
  mode       text NOT NULL,
  log_id     uuid NOT NULL DEFAULT gen_random_uuid(),
  created_at timestamptz NOT NULL DEFAULT now());

CREATE TABLE factos.events (
  position    bigint PRIMARY KEY,
  id          uuid NOT NULL UNIQUE,
  stream      text COLLATE "C",
  revision    bigint,
  type        text COLLATE "C" NOT NULL,
  version     bigint NOT NULL,
  tags        text[] COLLATE "C" NOT NULL,
  metadata    json,
  recorded_at timestamptz NOT NULL,
  payload     bytea NOT NULL,
  CHECK ((stream IS NULL) = (revision IS NULL)));
CREATE UNIQUE INDEX events_stream ON factos.events (stream, revision) WHERE stream IS NOT NULL;
CREATE INDEX events_type ON factos.events (type, position);

CREATE TABLE factos.tags (
  tag      text COLLATE "C" NOT NULL,
  position bigint NOT NULL,
  PRIMARY KEY (tag, position));

-- The tag of an item that the fewest events carry between two positions, as far as a short look tells.
CREATE FUNCTION factos._driver(item_tags text[], low bigint, high bigint) RETURNS text
LANGUAGE plpgsql VOLATILE AS $$
DECLARE best text := item_tags[1]; least int := 256; found_here int;
BEGIN
 FOR i IN 1..cardinality(item_tags) LOOP
  SELECT count(*) INTO found_here FROM (SELECT FROM factos.tags t
    WHERE t.tag = item_tags[i] AND t.position > low AND t.position <= high LIMIT least) seen;
  IF found_here < least THEN least := found_here; best := item_tags[i]; END IF;
  EXIT WHEN least <= 16;
 END LOOP;
 RETURN best;
END $$;

-- The events of a query between two positions, at most n of them. q_tags NULL is every event; else one
-- array literal of types and one of tags for each item.
CREATE FUNCTION factos._page(q_types text[], q_tags text[], low bigint, high bigint, n bigint, backwards bool)
RETURNS SETOF factos.events
LANGUAGE plpgsql VOLATILE AS $$
DECLARE ty text[]; tg text[]; d text;
BEGIN
 IF q_tags IS NULL THEN
  IF backwards THEN
   RETURN QUERY SELECT e.* FROM factos.events e WHERE e.position > low AND e.position <= high ORDER BY e.position DESC LIMIT n;
  ELSE
   RETURN QUERY SELECT e.* FROM factos.events e WHERE e.position > low AND e.position <= high ORDER BY e.position LIMIT n;
  END IF;
 ELSIF cardinality(q_tags) = 1 AND q_tags[1] <> '{}' AND NOT backwards THEN
  ty := q_types[1]::text[]; tg := q_tags[1]::text[]; d := tg[1];
  IF cardinality(tg) > 1 THEN d := factos._driver(tg, low, high); END IF;
  RETURN QUERY SELECT e.* FROM factos.tags t JOIN factos.events e ON e.position = t.position
   WHERE t.tag = d AND t.position > low AND t.position <= high
     AND (cardinality(tg) = 1 OR e.tags @> tg) AND (cardinality(ty) = 0 OR e.type = ANY(ty)) ORDER BY t.position LIMIT n;
 ELSIF backwards THEN
  RETURN QUERY SELECT e.* FROM factos.events e WHERE e.position = ANY(ARRAY(
   SELECT x.position FROM unnest(q_types, q_tags) q(ty, tg) CROSS JOIN LATERAL (
     (SELECT t.position FROM (SELECT CASE WHEN q.tg = '{}' THEN NULL WHEN cardinality(q.tg::text[]) = 1 THEN (q.tg::text[])[1] ELSE factos._driver(q.tg::text[], low, high) END AS tag OFFSET 0) one
        CROSS JOIN LATERAL (SELECT t.position FROM factos.tags t WHERE t.tag = one.tag AND t.position > low AND t.position <= high
         AND (SELECT f.tags @> q.tg::text[] AND (q.ty = '{}' OR f.type = ANY(q.ty::text[])) FROM factos.events f WHERE f.position = t.position)
         ORDER BY t.position DESC LIMIT n) t)
     UNION ALL
     (SELECT y.position FROM unnest(CASE WHEN q.tg = '{}' THEN q.ty::text[] END) one(type) CROSS JOIN LATERAL (
        SELECT f.position FROM factos.events f WHERE f.type = one.type AND f.position > low AND f.position <= high ORDER BY f.position DESC LIMIT n) y)) x
   GROUP BY x.position ORDER BY x.position DESC LIMIT n)) ORDER BY e.position DESC;
 ELSE
  RETURN QUERY SELECT e.* FROM factos.events e WHERE e.position = ANY(ARRAY(
   SELECT x.position FROM unnest(q_types, q_tags) q(ty, tg) CROSS JOIN LATERAL (
     (SELECT t.position FROM (SELECT CASE WHEN q.tg = '{}' THEN NULL WHEN cardinality(q.tg::text[]) = 1 THEN (q.tg::text[])[1] ELSE factos._driver(q.tg::text[], low, high) END AS tag OFFSET 0) one
        CROSS JOIN LATERAL (SELECT t.position FROM factos.tags t WHERE t.tag = one.tag AND t.position > low AND t.position <= high
         AND (SELECT f.tags @> q.tg::text[] AND (q.ty = '{}' OR f.type = ANY(q.ty::text[])) FROM factos.events f WHERE f.position = t.position)
         ORDER BY t.position LIMIT n) t)
     UNION ALL
     (SELECT y.position FROM unnest(CASE WHEN q.tg = '{}' THEN q.ty::text[] END) one(type) CROSS JOIN LATERAL (
        SELECT f.position FROM factos.events f WHERE f.type = one.type AND f.position > low AND f.position <= high ORDER BY f.position LIMIT n) y)) x
   GROUP BY x.position ORDER BY x.position LIMIT n)) ORDER BY e.position;
 END IF;
END $$;

-- The events of a stream between two positions, beyond the revision that the page before ended with.
CREATE FUNCTION factos._stream_page(name text, low bigint, high bigint, n bigint, backwards bool, beyond bigint)
RETURNS SETOF factos.events
LANGUAGE plpgsql VOLATILE AS $$
BEGIN
 IF backwards THEN
  RETURN QUERY SELECT e.* FROM factos.events e WHERE e.stream = name AND e.revision < coalesce(beyond, 9223372036854775807)
    AND e.position > low AND e.position <= high ORDER BY e.revision DESC LIMIT n;
 ELSE
  RETURN QUERY SELECT e.* FROM factos.events e WHERE e.stream = name AND e.revision > coalesce(beyond, -1)
    AND e.position > low AND e.position <= high ORDER BY e.revision LIMIT n;
 END IF;
END $$;

-- A read's first page in one round trip. The first row carries only a position: how far the log is
-- complete for this query. names NULL asks for that of the whole log.
CREATE FUNCTION factos.read(q_types text[], q_tags text[], stream_name text, low bigint, high bigint, n bigint, backwards bool,
  names text[], excl bool[], settled bigint, wait text) RETURNS SETOF factos.events
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET lock_timeout = '5s' AS $$
DECLARE h bigint; r factos.events; v text; d text; top bigint; ty text[]; tg text[];
BEGIN
 v := factos._guard();
 v := set_config('lock_timeout', wait, true);
 h := factos._horizon(names, excl, settled);
 r.position := h; RETURN NEXT r;
 top := least(h, high);
 IF n = 0 OR low >= top THEN RETURN; END IF;
 IF stream_name IS NOT NULL THEN
  RETURN QUERY SELECT * FROM factos._stream_page(stream_name, low, top, n, backwards, NULL);
 ELSIF cardinality(q_tags) = 1 AND q_tags[1] <> '{}' AND NOT backwards THEN
  -- As in _page, without its second copy of the rows: this is the read that decisions are made on.
  ty := q_types[1]::text[]; tg := q_tags[1]::text[]; d := tg[1];
  IF cardinality(tg) > 1 THEN d := factos._driver(tg, low, top); END IF;
  RETURN QUERY SELECT e.* FROM factos.tags t JOIN factos.events e ON e.position = t.position
   WHERE t.tag = d AND t.position > low AND t.position <= top
     AND (cardinality(tg) = 1 OR e.tags @> tg) AND (cardinality(ty) = 0 OR e.type = ANY(ty)) ORDER BY t.position LIMIT n;
 ELSE
  RETURN QUERY SELECT * FROM factos._page(q_types, q_tags, low, top, n, backwards);
 END IF;
END $$;

-- The first pages of several reads in one round trip. it_*: their items, each of the read it_of, with a stream's name or an
-- array literal of types and one of tags; names: those of the read name_of. The first row carries only a position, how
-- far the log is complete; then come a row without one for each read that has to wait for a writer in flight, and the
-- events of the others, item by item.
CREATE FUNCTION factos.read_many(nreads int, it_of int[], it_types text[], it_tags text[], it_streams text[], it_low bigint[],
  it_high bigint[], it_most bigint[], name_of int[], names text[], excl bool[])
RETURNS TABLE ("position" bigint, id uuid, stream text, revision bigint, type text, version bigint, tags text[], metadata json,
  recorded_at timestamptz, payload bytea, item int)
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan AS $$
#variable_conflict use_column
DECLARE h bigint; waits bool[]; v text;
BEGIN
 v := factos._guard();
 SELECT a.horizon, a.waits INTO h, waits FROM factos._horizon_at_once(nreads, name_of, names, excl) a;
 read_many.position := h; RETURN NEXT;
 read_many.position := NULL;
 FOR i IN 1..nreads LOOP
  IF waits[i] THEN read_many.item := i; RETURN NEXT; END IF;
 END LOOP;
 IF array_position(it_streams, NULL) IS NOT NULL THEN
  RETURN QUERY SELECT e.*, i.item FROM (
    SELECT q.o::int AS item, q.low, least(q.high, h) AS top, q.most, q.ty::text[] AS ty, q.tg::text[] AS tg,
      CASE WHEN cardinality(q.tg::text[]) = 1 THEN (q.tg::text[])[1] ELSE factos._driver(q.tg::text[], q.low, least(q.high, h)) END AS tag
    FROM unnest(it_of, it_types, it_tags, it_streams, it_low, it_high, it_most) WITH ORDINALITY q(r, ty, tg, s, low, high, most, o)
    WHERE NOT waits[q.r] AND q.s IS NULL OFFSET 0) i
   CROSS JOIN LATERAL (SELECT e.* FROM factos.tags t JOIN factos.events e ON e.position = t.position
     WHERE t.tag = i.tag AND t.position > i.low AND t.position <= i.top
       AND (cardinality(i.tg) = 1 OR e.tags @> i.tg) AND (cardinality(i.ty) = 0 OR e.type = ANY(i.ty)) ORDER BY t.position LIMIT i.most) e;
 END IF;
 IF cardinality(array_remove(it_streams, NULL)) > 0 THEN
  RETURN QUERY SELECT e.*, q.o::int
   FROM unnest(it_of, it_streams, it_low, it_high, it_most) WITH ORDINALITY q(r, s, low, high, most, o)
   CROSS JOIN LATERAL (SELECT e.* FROM factos.events e WHERE e.stream = q.s AND NOT waits[q.r]
     AND e.position > q.low AND e.position <= least(q.high, h) ORDER BY e.revision LIMIT q.most) e;
 END IF;
END $$;

-- Inserts accepted events at the positions given, and returns their revisions.
CREATE FUNCTION factos._insert(pos bigint[], ids uuid[], streams text[], types text[], versions bigint[], tag_lits text[],
  metas text[], payloads bytea[], at timestamptz) RETURNS bigint[]
LANGUAGE plpgsql VOLATILE AS $$
DECLARE revs bigint[]; tg text[]; n bigint;
BEGIN
 IF cardinality(ids) = 1 THEN
  tg := tag_lits[1]::text[];
  IF streams[1] IS NOT NULL THEN
   SELECT e.revision INTO n FROM factos.events e WHERE e.stream = streams[1] ORDER BY e.revision DESC LIMIT 1;
   n := coalesce(n, -1) + 1;
  END IF;
  INSERT INTO factos.events VALUES (pos[1], ids[1], streams[1], n, types[1], versions[1], tg, metas[1]::json, at, payloads[1]);
  IF cardinality(tg) > 0 THEN INSERT INTO factos.tags SELECT t, pos[1] FROM unnest(tg) t; END IF;
  RETURN ARRAY[n];
 END IF;
 revs := ARRAY(SELECT CASE WHEN u.s IS NOT NULL THEN
    coalesce((SELECT e.revision FROM factos.events e WHERE e.stream = u.s ORDER BY e.revision DESC LIMIT 1), -1)
    + row_number() OVER (PARTITION BY u.s ORDER BY u.o) END
   FROM unnest(streams) WITH ORDINALITY u(s, o) ORDER BY u.o);
 INSERT INTO factos.events SELECT u.p, u.i, u.s, u.r, u.ty, u.v, u.tl::text[], u.m::json, at, u.pl
  FROM unnest(pos, ids, streams, revs, types, versions, tag_lits, metas, payloads) u(p, i, s, r, ty, v, tl, m, pl);
 GET DIAGNOSTICS n = ROW_COUNT;
 IF n <> cardinality(pos) THEN RAISE EXCEPTION 'factos: % of % events inserted', n, cardinality(pos) USING ERRCODE = 'XX000'; END IF;
 INSERT INTO factos.tags SELECT t, u.p FROM unnest(pos, tag_lits) u(p, tl), unnest(u.tl::text[]) t;
 RETURN revs;
END $$;

-- Appends many requests in one call, each with its own verdict: kind NULL accepts all; else for each request
-- 0 accepted, 1 refused for an id of the log (hit: its place in ids), 2 by its query (hit: where an event
-- matches), 3 by the request of this call that dep_on names, 4 by a revision (hit: the stream's, -1 for none).
--
-- it_*: the items of the conditions, types and tags as array literals. rv_*: the expected revisions. dep_*: request
-- dep_req fails if dep_on, an earlier one, is accepted; sorted by dep_req. names: what to lock, sorted by bytes,
-- excl where no other may hold it; NULL for the whole log. Unless patient, nothing is waited for: held are then the places
-- of the names that others hold, and nothing was done.
CREATE FUNCTION factos.append(nreq int, ev_req int[], ids uuid[], streams text[], types text[], versions bigint[], tag_lits text[],
  metas text[], payloads bytea[], it_req int[], it_types text[], it_tags text[], it_after bigint[],
  rv_req int[], rv_stream text[], rv_expected bigint[], dep_req int[], dep_on int[], names text[], excl bool[], patient bool,
  wait text, OUT held int[], OUT kind int[], OUT hit bigint[], OUT pos bigint[], OUT revs bigint[], OUT at timestamptz)
LANGUAGE plpgsql VOLATILE SET plan_cache_mode = force_generic_plan SET lock_timeout = '5s' AS $$
DECLARE l bigint; n int := cardinality(ids); k int[] := array_fill(0, ARRAY[nreq]); all_ok bool := true; keep int[]; m int; v text;
BEGIN
 v := factos._guard();
 v := set_config('lock_timeout', wait, true);
 held := factos._lock(names, excl, patient);
 IF held IS NOT NULL THEN RETURN; END IF;
 hit := array_fill(NULL::bigint, ARRAY[nreq]);
 IF n = 1 THEN
  IF EXISTS (SELECT FROM factos.events e WHERE e.id = ids[1]) THEN k[1] := 1; hit[1] := 1; all_ok := false; END IF;
 ELSE
 FOR m, l IN SELECT ev_req[u.o], min(u.o) FROM unnest(ids) WITH ORDINALITY u(i, o)
   WHERE (SELECT true FROM factos.events e WHERE e.id = u.i LIMIT 1) GROUP BY 1 LOOP
  k[m] := 1; hit[m] := l; all_ok := false;
 END LOOP;
 END IF;
 FOR i IN 1..coalesce(cardinality(rv_req), 0) LOOP
  m := rv_req[i];
  IF k[m] = 0 THEN
   l := coalesce((SELECT e.revision FROM factos.events e WHERE e.stream = rv_stream[i] ORDER BY e.revision DESC LIMIT 1), -1);
   IF l <> rv_expected[i] THEN k[m] := 4; hit[m] := l; all_ok := false; END IF;
  END IF;
 END LOOP;
 IF nreq = 1 AND cardinality(it_req) = 1 AND it_types[1] = '{}' AND cardinality(it_tags[1]::text[]) = 1 THEN
  IF k[1] = 0 THEN
   SELECT t.position INTO l FROM factos.tags t WHERE t.tag = (it_tags[1]::text[])[1] AND t.position > it_after[1] LIMIT 1;
   IF l IS NOT NULL THEN k[1] := 2; hit[1] := l; all_ok := false; END IF;
  END IF;
 ELSIF cardinality(it_req) > 0 THEN
  FOR m, l IN SELECT q.r, max(c.p) FROM unnest(it_req, it_types, it_tags, it_after) q(r, ty, tg, a)
    CROSS JOIN LATERAL (SELECT CASE
      WHEN q.tg <> '{}' THEN (SELECT t.position FROM factos.tags t
        WHERE t.tag = (SELECT CASE WHEN cardinality(q.tg::text[]) = 1 THEN (q.tg::text[])[1]
                       ELSE factos._driver(q.tg::text[], q.a, 9223372036854775807) END) AND t.position > q.a
          AND (SELECT e.tags @> q.tg::text[] AND (q.ty = '{}' OR e.type = ANY(q.ty::text[])) FROM factos.events e WHERE e.position = t.position) LIMIT 1)
      WHEN q.ty <> '{}' THEN (SELECT e.position FROM factos.events e WHERE e.type = ANY(q.ty::text[]) AND e.position > q.a LIMIT 1)
      ELSE (SELECT e.position FROM factos.events e WHERE e.position > q.a LIMIT 1) END AS p) c
    WHERE c.p IS NOT NULL GROUP BY q.r LOOP
   IF k[m] = 0 THEN k[m] := 2; hit[m] := l; all_ok := false; END IF;
  END LOOP;
  FOR i IN 1..coalesce(cardinality(dep_req), 0) LOOP
   m := dep_req[i];
   IF k[m] = 0 AND k[dep_on[i]] = 0 THEN k[m] := 3; hit[m] := dep_on[i]; all_ok := false; END IF;
  END LOOP;
 END IF;
 at := clock_timestamp();
 IF all_ok THEN
  pos := factos._take(n);
  revs := factos._insert(pos, ids, streams, types, versions, tag_lits, metas, payloads, at);
  RETURN;
 END IF;
 kind := k;
 keep := ARRAY(SELECT i FROM generate_series(1, n) i WHERE k[ev_req[i]] = 0);
 IF cardinality(keep) > 0 THEN
  pos := factos._take(cardinality(keep));
  revs := factos._insert(pos, ARRAY(SELECT ids[i] FROM unnest(keep) i), ARRAY(SELECT streams[i] FROM unnest(keep) i), ARRAY(SELECT types[i] FROM unnest(keep) i),
    ARRAY(SELECT versions[i] FROM unnest(keep) i), ARRAY(SELECT tag_lits[i] FROM unnest(keep) i), ARRAY(SELECT metas[i] FROM unnest(keep) i),
    ARRAY(SELECT payloads[i] FROM unnest(keep) i), at);
 END IF;
END $$;
