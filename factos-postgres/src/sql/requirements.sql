-- What a log in schema $1 of mode $2 needs and does not find: tables, the functions $3, indexes, triggers; privileges of
-- this role; and what of this session, this database and these tables stands in the way.
WITH wanted_relations (name, kind, privileges) AS (
  SELECT wanted.* FROM (VALUES
    ('meta', 'r', ARRAY['SELECT']),
    ('events', 'r', ARRAY['SELECT', 'INSERT']),
    ('tags', 'r', ARRAY['SELECT', 'INSERT']),
    ('head', 'r', ARRAY['SELECT', 'UPDATE']),
    ('position_seq', 'S', ARRAY['SELECT', 'USAGE'])) wanted (name, kind, privileges)
  WHERE CASE
    WHEN wanted.name OPERATOR(pg_catalog.=) 'head' THEN $2::pg_catalog.text OPERATOR(pg_catalog.=) 'portable'
    WHEN wanted.name OPERATOR(pg_catalog.=) 'position_seq' THEN $2 OPERATOR(pg_catalog.=) 'keyed'
    ELSE true END),
relations AS (
  SELECT wanted.name, wanted.kind, wanted.privileges, c.oid
  FROM wanted_relations wanted
  LEFT JOIN pg_catalog.pg_namespace n ON n.nspname OPERATOR(pg_catalog.=) $1::pg_catalog.text
  LEFT JOIN pg_catalog.pg_class c ON c.relnamespace OPERATOR(pg_catalog.=) n.oid
    AND c.relname OPERATOR(pg_catalog.=) wanted.name
    AND (c.relkind OPERATOR(pg_catalog.=) wanted.kind::pg_catalog."char"
      OR c.relkind OPERATOR(pg_catalog.=) 'p' AND wanted.kind OPERATOR(pg_catalog.=) 'r')),
functions AS (
  SELECT wanted.name, p.oid
  FROM pg_catalog.unnest($3::pg_catalog.text[]) wanted (name)
  -- In an array, so that each name is looked up by the index: a server with many logs has many functions.
  LEFT JOIN LATERAL pg_catalog.unnest(ARRAY(
    SELECT p.oid FROM pg_catalog.pg_proc p
    WHERE p.proname OPERATOR(pg_catalog.=) wanted.name
      AND p.pronamespace OPERATOR(pg_catalog.=) (
        SELECT n.oid FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) $1))) p (oid) ON true),
indexes AS (
  SELECT r.name, i.indisunique AS is_unique, (
      SELECT pg_catalog.string_agg(a.attname::pg_catalog.text, ', ' ORDER BY k.place)
      FROM pg_catalog.unnest(i.indkey::pg_catalog.int2[]) WITH ORDINALITY k (attribute, place)
      JOIN pg_catalog.pg_attribute a ON a.attrelid OPERATOR(pg_catalog.=) i.indrelid
        AND a.attnum OPERATOR(pg_catalog.=) k.attribute) AS columns
  FROM relations r JOIN pg_catalog.pg_index i ON i.indrelid OPERATOR(pg_catalog.=) r.oid
  WHERE i.indisvalid),
wanted_indexes (name, columns, is_unique) AS (VALUES
  ('events', 'position', true), ('events', 'id', true), ('events', 'stream, revision', true),
  ('events', 'type, position', false), ('tags', 'tag, position', true))
SELECT
  CURRENT_USER::pg_catalog.text AS role,
  pg_catalog.current_setting('server_encoding') AS encoding,
  pg_catalog.current_setting('default_transaction_isolation') AS isolation,
  CASE WHEN pg_catalog.pg_is_in_recovery() THEN 'off'
    ELSE pg_catalog.current_setting('default_transaction_read_only') END AS read_only,
  pg_catalog.pg_is_in_recovery() AS is_standby,
  coalesce(pg_catalog.current_schema()::pg_catalog.text OPERATOR(pg_catalog.=) $1, false) AS in_path,
  ARRAY(
    SELECT pg_catalog.concat(CASE WHEN r.kind OPERATOR(pg_catalog.=) 'S' THEN 'sequence ' ELSE 'table ' END, r.name)
    FROM relations r WHERE r.oid IS NULL
    UNION ALL
    SELECT pg_catalog.concat('function ', f.name) FROM functions f WHERE f.oid IS NULL
    UNION ALL
    SELECT pg_catalog.concat(CASE WHEN w.is_unique THEN 'unique ' END, 'index on ', w.name, ' (', w.columns, ')')
    FROM wanted_indexes w
    WHERE NOT EXISTS (
      SELECT FROM indexes i WHERE i.name OPERATOR(pg_catalog.=) w.name
        AND i.columns OPERATOR(pg_catalog.=) w.columns AND (i.is_unique OR NOT w.is_unique))
    UNION ALL
    SELECT pg_catalog.concat('trigger append_only on ', r.name)
    FROM relations r
    WHERE r.kind OPERATOR(pg_catalog.=) 'r' AND r.oid IS NOT NULL
      AND NOT EXISTS (
        SELECT FROM pg_catalog.pg_trigger t WHERE t.tgrelid OPERATOR(pg_catalog.=) r.oid
          AND t.tgname OPERATOR(pg_catalog.=) 'append_only'
          AND t.tgenabled OPERATOR(pg_catalog.=) ANY ('{O,A}'::pg_catalog."char"[]))) AS missing,
  ARRAY(
    SELECT pg_catalog.concat('USAGE on schema ', $1)
    WHERE NOT EXISTS (
      SELECT FROM pg_catalog.pg_namespace n WHERE n.nspname OPERATOR(pg_catalog.=) $1
        AND pg_catalog.has_schema_privilege(n.oid, 'USAGE'))
    UNION ALL
    SELECT pg_catalog.concat(needed, ' on ', r.name)
    FROM relations r CROSS JOIN LATERAL pg_catalog.unnest(r.privileges) needed
    WHERE r.oid IS NOT NULL AND NOT CASE
      WHEN r.kind OPERATOR(pg_catalog.=) 'S' THEN pg_catalog.has_sequence_privilege(r.oid, needed)
      ELSE pg_catalog.has_table_privilege(r.oid, needed) END
      -- A standby is only read, whatever the role may do.
      AND NOT (needed OPERATOR(pg_catalog.<>) 'SELECT' AND pg_catalog.pg_is_in_recovery())
    UNION ALL
    SELECT pg_catalog.concat('EXECUTE on function ', f.name) FROM functions f
    WHERE f.oid IS NOT NULL AND NOT pg_catalog.has_function_privilege(f.oid, 'EXECUTE')) AS unprivileged,
  ARRAY(
    SELECT r.name FROM relations r
    WHERE r.kind OPERATOR(pg_catalog.=) 'r' AND r.oid IS NOT NULL
      AND pg_catalog.row_security_active(r.oid)) AS policies
