-- Queries that users store, and the feature sets made of them: versioned, hashed, run as their owner where they can change nothing.

CREATE FUNCTION xsell_internal.run_query(owner name, query text, at timestamptz)
RETURNS SETOF record
LANGUAGE c STABLE PARALLEL UNSAFE ROWS 10000
AS 'MODULE_PATHNAME', 'xsell_run_query';
COMMENT ON FUNCTION xsell_internal.run_query(name, text, timestamptz) IS
'Rows of a stored SELECT whose $1 is a time, run as its owner (NULL: the caller) in a security-restricted, read-only context with nothing but pg_catalog in the search path. Roles that see every org, and the owner''s members, run it as the owner; others run what is stored as themselves, so that row security holds.';

CREATE FUNCTION xsell_internal.query_columns(query text, owner name DEFAULT NULL)
RETURNS TABLE (name text, type regtype, kind text)
LANGUAGE c STABLE PARALLEL UNSAFE ROWS 30
AS 'MODULE_PATHNAME', 'xsell_query_columns';
COMMENT ON FUNCTION xsell_internal.query_columns(text, name) IS
'Columns of a query that run_query would run, without running it: name, type, and what it is as a feature (number, boolean, time, category; NULL: none). Names are looked up with the rights of the owner, as in run_query.';

CREATE FUNCTION xsell_internal.stored_features(owner name, query text, at timestamptz, feature text[], kind text[],
    category_feature text[], category_hash bytea[], category_code integer[])
RETURNS TABLE (entity_id bigint, product_id bigint, as_of timestamptz, x real[])
LANGUAGE c STABLE PARALLEL UNSAFE ROWS 10000
AS 'MODULE_PATHNAME', 'xsell_stored_features';
COMMENT ON FUNCTION xsell_internal.stored_features(name, text, timestamptz, text[], text[], text[], bytea[], integer[]) IS
'Runs the query of a feature set as run_query does and makes an array of each row, categoricals by the dictionary given.';

CREATE FUNCTION xsell_internal.guard_owner() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    query text := to_jsonb(NEW) ->> TG_ARGV[0];
    owner text := to_jsonb(NEW) ->> TG_ARGV[1];
BEGIN
    IF query IS NULL OR TG_OP = 'UPDATE' AND query = to_jsonb(OLD) ->> TG_ARGV[0] AND owner IS NOT DISTINCT FROM to_jsonb(OLD) ->> TG_ARGV[1] THEN
        RETURN NEW;
    END IF;
    -- A dump is restored by a superuser, before the owner may exist.
    IF NOT (SELECT r.rolsuper FROM pg_roles r WHERE r.rolname = CURRENT_USER)
       AND (owner IS NULL OR NOT EXISTS (SELECT FROM pg_roles r WHERE r.rolname = owner AND pg_has_role(r.oid, 'USAGE'))) THEN
        RAISE EXCEPTION 'permission denied to store a query that runs as %', COALESCE('role "' || owner || '"', 'its caller')
            USING ERRCODE = 'insufficient_privilege', HINT = format('Store it as role "%s".', CURRENT_USER);
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION xsell_internal.guard_owner() IS
'Trigger: a stored query belongs to a role that whoever stores it has. Arguments: the column of the query and the column of its owner.';

CREATE TABLE xsell_internal.feature_set (
    name        text NOT NULL,
    version     integer NOT NULL CHECK (version > 0),
    feature     text[] NOT NULL CHECK (pg_catalog.cardinality(feature) > 0),
    definition  text NOT NULL,
    sha256      text NOT NULL,
    kind        text[] CHECK (pg_catalog.cardinality(kind) = pg_catalog.cardinality(feature) AND kind <@ ARRAY['number', 'boolean', 'time', 'category']),
    owner       name,
    description text,
    created_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (name, version),
    -- Without kinds it runs as whoever asks for features: no text that an owner stored may.
    CONSTRAINT kind_of_owned CHECK ((kind IS NULL) = (owner IS NULL))
);
COMMENT ON TABLE xsell_internal.feature_set IS 'Definitions of features: ordered names and the text that computes them. A version never changes.';
COMMENT ON COLUMN xsell_internal.feature_set.definition IS
'The query; $1 is the time it looks from. With kinds it returns entity_id, product_id if pairs are scored, and a column for each feature; without, what xsell.features returns.';
COMMENT ON COLUMN xsell_internal.feature_set.sha256 IS
'Hash (hex) of the definition, the features and the frozen dictionaries, so that training and scoring can be shown to have run the same.';
COMMENT ON COLUMN xsell_internal.feature_set.kind IS 'How each feature becomes a number: number, boolean (0, 1), time (days before $1), category (code in the frozen dictionary).';
COMMENT ON COLUMN xsell_internal.feature_set.owner IS 'The role that the definition runs as; NULL: built in, runs as the caller.';

CREATE TRIGGER guard_owner BEFORE INSERT ON xsell_internal.feature_set
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.guard_owner('definition', 'owner');


CREATE TABLE xsell_internal.category (
    feature_set text NOT NULL,
    version     integer NOT NULL,
    feature     text NOT NULL,
    code        integer NOT NULL CHECK (code > 0),
    value       text NOT NULL,
    sha256      bytea NOT NULL,
    PRIMARY KEY (feature_set, version, feature, code),
    FOREIGN KEY (feature_set, version) REFERENCES xsell_internal.feature_set ON DELETE CASCADE
);
COMMENT ON TABLE xsell_internal.category IS
'Frozen dictionaries: the most frequent values of a categorical when its feature set was stored, the most frequent first. Every other value is code 0.';
COMMENT ON COLUMN xsell_internal.category.sha256 IS
'What the value is found by: readers compute features too, but a value may come from rows that they do not see.';

CREATE TABLE xsell_internal.feature_snapshot (
    feature_set text NOT NULL,
    version     integer NOT NULL,
    as_of       timestamptz NOT NULL,
    entity_id   bigint NOT NULL,
    product_id  bigint,
    x           real[] NOT NULL,
    UNIQUE NULLS NOT DISTINCT (feature_set, version, as_of, entity_id, product_id),
    FOREIGN KEY (feature_set, version) REFERENCES xsell_internal.feature_set ON DELETE CASCADE
);
COMMENT ON TABLE xsell_internal.feature_snapshot IS 'Feature rows kept for analysis and drift; training and scoring always compute theirs.';

-- Where a query's columns and their frozen values come from.

CREATE FUNCTION xsell_internal.feature_columns(query text, OUT feature text[], OUT kind text[])
LANGUAGE plpgsql STABLE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    integers constant regtype[] := ARRAY['smallint', 'integer', 'bigint']::regtype[];
    c record;
BEGIN
    feature := '{}';
    kind := '{}';
    FOR c IN SELECT q.name, q.type, q.kind, count(*) OVER (PARTITION BY q.name) AS times
             FROM xsell_internal.query_columns(feature_columns.query) WITH ORDINALITY AS q(name, type, kind, position) ORDER BY q.position LOOP
        IF c.times > 1 THEN
            RAISE EXCEPTION 'the query returns % columns named "%"', c.times, c.name
                USING ERRCODE = 'duplicate_column', HINT = 'Give each column a name of its own: ... AS name.';
        ELSIF c.name = '?column?' THEN
            RAISE EXCEPTION 'a column of the query has no name' USING ERRCODE = 'invalid_parameter_value', HINT = 'Name it: ... AS name.';
        ELSIF c.name = 'as_of' THEN
            RAISE EXCEPTION 'column "as_of" cannot be a feature' USING ERRCODE = 'invalid_parameter_value',
                HINT = 'The query is given that time as $1; leave the column out, or name it otherwise.';
        ELSIF c.name IN ('entity_id', 'product_id') THEN
            IF c.type <> ALL (integers) THEN
                RAISE EXCEPTION 'column "%" of the query is of type %', c.name, c.type USING ERRCODE = 'datatype_mismatch', HINT = 'It must be bigint.';
            END IF;
        ELSIF c.kind IS NULL THEN
            RAISE EXCEPTION 'column "%" of the query is of type %, which cannot be a feature', c.name, c.type USING ERRCODE = 'datatype_mismatch',
                HINT = 'Features are numbers, booleans, dates, timestamps, texts and enums. Cast it (an interval: extract(epoch FROM ...); what has few values: ...::text), or leave it out.';
        ELSE
            feature := feature || c.name;
            kind := kind || c.kind;
        END IF;
    END LOOP;
    IF NOT EXISTS (SELECT FROM xsell_internal.query_columns(feature_columns.query) q WHERE q.name = 'entity_id') THEN
        RAISE EXCEPTION 'the query returns no column "entity_id"' USING ERRCODE = 'undefined_column',
            HINT = 'It says whom a row is about: SELECT ... AS entity_id (bigint), then the features. A column product_id makes rows of pairs.';
    ELSIF cardinality(feature) = 0 THEN
        RAISE EXCEPTION 'the query returns no feature' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Every column besides entity_id and product_id is one.';
    END IF;
END
$$;
COMMENT ON FUNCTION xsell_internal.feature_columns(text) IS 'The features that a query returns and what each is; an error that says what to do where a column cannot be one.';

CREATE FUNCTION xsell_internal.frequent_values(owner name, query text, features text[], kinds text[], at timestamptz)
RETURNS TABLE (feature text, value text, code integer)
LANGUAGE plpgsql STABLE PARALLEL UNSAFE ROWS 100
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    kept constant integer := 254;
    longest constant integer := 1000;
    columns text;
    categories text;
BEGIN
    SELECT string_agg(format('(%L, q.%I::text)', f.feature, f.feature), ', ') INTO categories
    FROM unnest(features, kinds) AS f(feature, kind) WHERE f.kind = 'category';
    IF categories IS NULL THEN
        RETURN;
    END IF;
    SELECT string_agg(format('%I %s', q.name, q.type), ', ' ORDER BY q.position) INTO columns
    FROM xsell_internal.query_columns(frequent_values.query) WITH ORDINALITY AS q(name, type, kind, position);
    RETURN QUERY EXECUTE format(
        'SELECT r.feature, r.value, r.code::integer
         FROM (SELECT c.feature, c.value, row_number() OVER (PARTITION BY c.feature ORDER BY count(*) DESC, c.value COLLATE "C") AS code
               FROM xsell_internal.run_query($1, $2, $3) AS q(%s), LATERAL (VALUES %s) AS c(feature, value)
               WHERE octet_length(c.value) <= $4 GROUP BY c.feature, c.value) r
         WHERE r.code <= $5 ORDER BY 1, 3', columns, categories) USING owner, query, at, longest, kept;
END
$$;
COMMENT ON FUNCTION xsell_internal.frequent_values(name, text, text[], text[], timestamptz) IS
'The 254 most frequent values of each categorical at a time, numbered from 1; ties go by bytes, values longer than 1000 bytes are left out.';

-- What admins call.

CREATE FUNCTION xsell.create_feature_set(name text, query text, description text DEFAULT NULL, refresh boolean DEFAULT false) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    latest xsell_internal.feature_set;
    columns record;
    dictionary jsonb;
    repeated bigint;
BEGIN
    IF name IS NULL OR query IS NULL THEN
        RAISE EXCEPTION 'name and query must not be NULL' USING ERRCODE = 'null_value_not_allowed';
    ELSIF name !~ '^[A-Za-z_][A-Za-z0-9_.-]{0,62}$' THEN
        RAISE EXCEPTION '"%" cannot be the name of a feature set', name USING ERRCODE = 'invalid_name',
            HINT = 'A letter or underscore, then at most 62 letters, digits, underscores, dots and hyphens.';
    ELSIF name = 'cross_sell' THEN
        RAISE EXCEPTION 'feature set "cross_sell" is built in' USING ERRCODE = 'reserved_name', HINT = 'Choose another name.';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('xsell.feature_set ' || name, 0));
    SELECT * INTO columns FROM xsell_internal.feature_columns(query);
    SELECT * INTO latest FROM xsell_internal.feature_set s WHERE s.name = create_feature_set.name ORDER BY s.version DESC LIMIT 1;
    IF latest.definition = query AND latest.owner = CURRENT_USER AND latest.feature = columns.feature AND latest.kind = columns.kind AND NOT refresh THEN
        RETURN latest.version;
    END IF;
    SELECT COALESCE(jsonb_agg(jsonb_build_array(f.feature, f.value, f.code) ORDER BY f.feature COLLATE "C", f.code), '[]') INTO dictionary
    FROM xsell_internal.frequent_values(CURRENT_USER, query, columns.feature, columns.kind, xsell.clock()) f;
    INSERT INTO xsell_internal.feature_set (name, version, feature, definition, sha256, kind, owner, description)
    VALUES (name, COALESCE(latest.version, 0) + 1, columns.feature, query,
            encode(sha256(convert_to(jsonb_build_array(columns.feature, columns.kind, query, dictionary)::text, 'UTF8')), 'hex'),
            columns.kind, CURRENT_USER, description);
    INSERT INTO xsell_internal.category (feature_set, version, feature, code, value, sha256)
    SELECT name, COALESCE(latest.version, 0) + 1, d ->> 0, (d ->> 2)::integer, d ->> 1, sha256(convert_to(d ->> 1, 'UTF8')) FROM jsonb_array_elements(dictionary) AS d;
    SELECT f.entity_id INTO repeated FROM xsell_internal.features_of(name, COALESCE(latest.version, 0) + 1, xsell.clock()) f
    GROUP BY f.entity_id, f.product_id HAVING count(*) > 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the query returns entity % more than once', repeated USING ERRCODE = 'cardinality_violation',
            HINT = 'One row for each entity_id, or for each pair with a product_id.';
    END IF;
    RETURN COALESCE(latest.version, 0) + 1;
END
$$;
COMMENT ON FUNCTION xsell.create_feature_set(text, text, text, boolean) IS
'Stores a feature set of one''s own: a SELECT whose $1 is the time it looks from, with a column entity_id, product_id if pairs are scored, and a column for each feature. Numbers stay, booleans become 0 and 1, dates and timestamps (UTC) the days before $1, texts and enums a code from a dictionary that is frozen now. Returns its version: the latest one if that is the same text, unless refresh asks for new dictionaries. It is tried as of now; it runs as whoever stored it.';

CREATE FUNCTION xsell.drop_feature_set(name text, version integer DEFAULT NULL) RETURNS integer
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    last integer;
    used text;
    dropped integer;
BEGIN
    IF name = 'cross_sell' THEN
        RAISE EXCEPTION 'feature set "cross_sell" is built in' USING ERRCODE = 'reserved_name';
    END IF;
    PERFORM pg_advisory_xact_lock(hashtextextended('xsell.feature_set ' || name, 0));
    SELECT max(s.version) INTO last FROM xsell_internal.feature_set s WHERE s.name = drop_feature_set.name;
    IF last IS NULL THEN
        RAISE EXCEPTION 'feature set "%" does not exist', name USING ERRCODE = 'undefined_object', HINT = 'xsell.feature_set lists them.';
    END IF;
    SELECT format('version %s of model "%s"', v.version, v.model) INTO used FROM xsell_internal.model_version v
    WHERE v.feature_set = drop_feature_set.name AND v.feature_set_version = COALESCE(drop_feature_set.version, v.feature_set_version)
    ORDER BY v.model, v.version LIMIT 1;
    IF used IS NULL AND COALESCE(version, last) = last THEN
        SELECT format('model "%s"', m.model) INTO used FROM xsell_internal.model m WHERE m.feature_set = drop_feature_set.name ORDER BY m.model LIMIT 1;
    END IF;
    IF used IS NOT NULL THEN
        RAISE EXCEPTION 'feature set "%" is used by %', name, used USING ERRCODE = 'object_in_use', HINT = 'Drop what uses it first.';
    END IF;
    DELETE FROM xsell_internal.feature_set s WHERE s.name = drop_feature_set.name AND s.version = COALESCE(drop_feature_set.version, s.version);
    GET DIAGNOSTICS dropped = ROW_COUNT;
    IF dropped = 0 THEN
        RAISE EXCEPTION 'feature set "%" has no version %', name, version USING ERRCODE = 'undefined_object';
    END IF;
    RETURN dropped;
END
$$;
COMMENT ON FUNCTION xsell.drop_feature_set(text, integer) IS
'Drops a version of a feature set, or all of them, with dictionaries and snapshots; refused while a model uses it. Returns the number of versions dropped.';

-- What people read.

CREATE VIEW xsell.feature_set WITH (security_invoker = true) AS
SELECT s.name AS feature_set, s.version, f.position, f.feature, COALESCE(f.kind, 'number') AS kind,
       CASE WHEN f.kind = 'category' THEN (SELECT count(*) FROM xsell_internal.category c
           WHERE c.feature_set = s.name AND c.version = s.version AND c.feature = f.feature) END AS categories,
       s.owner::text AS owner, s.description, s.sha256, s.created_at
FROM xsell_internal.feature_set s, LATERAL ROWS FROM (pg_catalog.unnest(s.feature), pg_catalog.unnest(s.kind)) WITH ORDINALITY AS f(feature, kind, position);
COMMENT ON VIEW xsell.feature_set IS 'Features of every version of every feature set, in the order of x.';
COMMENT ON COLUMN xsell.feature_set.feature_set IS 'The feature set.';
COMMENT ON COLUMN xsell.feature_set.version IS 'Its version, counted from 1.';
COMMENT ON COLUMN xsell.feature_set.position IS 'Place of the feature in x, counted from 1.';
COMMENT ON COLUMN xsell.feature_set.feature IS 'The feature.';
COMMENT ON COLUMN xsell.feature_set.kind IS 'number, boolean (0, 1), time (days before the time looked from) or category (code in the frozen dictionary).';
COMMENT ON COLUMN xsell.feature_set.categories IS 'Values in its dictionary; NULL where it has none.';
COMMENT ON COLUMN xsell.feature_set.owner IS 'The role that the query runs as; NULL: built in, runs as the caller.';
COMMENT ON COLUMN xsell.feature_set.description IS 'What its maker said of it.';
COMMENT ON COLUMN xsell.feature_set.sha256 IS 'Hash of the query, the features and the dictionaries.';
COMMENT ON COLUMN xsell.feature_set.created_at IS 'Since when this version is there.';

CREATE VIEW xsell.feature_category WITH (security_invoker = true) AS
SELECT feature_set, version, feature, code, value FROM xsell_internal.category;
COMMENT ON VIEW xsell.feature_category IS
'Frozen dictionaries of categorical features. A value that is not in it is code 0; NULL is missing. Values are shown to roles that see every org.';
COMMENT ON COLUMN xsell.feature_category.feature_set IS 'The feature set.';
COMMENT ON COLUMN xsell.feature_category.version IS 'Its version.';
COMMENT ON COLUMN xsell.feature_category.feature IS 'The feature.';
COMMENT ON COLUMN xsell.feature_category.code IS 'What stands in x; 1 is the most frequent value.';
COMMENT ON COLUMN xsell.feature_category.value IS 'The value.';

CREATE VIEW xsell.feature_snapshot WITH (security_invoker = true) AS
SELECT n.feature_set, n.version, n.as_of, n.entity_id, n.product_id, f.feature, f.value
FROM xsell_internal.feature_snapshot n
JOIN xsell_internal.feature_set s ON s.name = n.feature_set AND s.version = n.version,
LATERAL ROWS FROM (pg_catalog.unnest(s.feature), pg_catalog.unnest(n.x)) AS f(feature, value);
COMMENT ON VIEW xsell.feature_snapshot IS 'Kept feature rows, a row for each feature: see xsell.snapshot_features.';
COMMENT ON COLUMN xsell.feature_snapshot.feature_set IS 'The feature set.';
COMMENT ON COLUMN xsell.feature_snapshot.version IS 'Its version.';
COMMENT ON COLUMN xsell.feature_snapshot.as_of IS 'The time that the features look from.';
COMMENT ON COLUMN xsell.feature_snapshot.entity_id IS 'Whom the row is about.';
COMMENT ON COLUMN xsell.feature_snapshot.product_id IS 'The product, where rows are of pairs.';
COMMENT ON COLUMN xsell.feature_snapshot.feature IS 'The feature.';
COMMENT ON COLUMN xsell.feature_snapshot.value IS 'Its value; NULL is missing.';

-- Events as features.

CREATE FUNCTION xsell_internal.event_window_add(state internal, at timestamptz, value double precision, as_of timestamptz) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_event_window_add';
COMMENT ON FUNCTION xsell_internal.event_window_add(internal, timestamptz, double precision, timestamptz) IS 'Of xsell.event_window: takes an event in.';
CREATE FUNCTION xsell_internal.event_window_combine(state internal, part internal) RETURNS internal
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_event_window_combine';
COMMENT ON FUNCTION xsell_internal.event_window_combine(internal, internal) IS 'Of xsell.event_window: joins two parts.';
CREATE FUNCTION xsell_internal.event_window_serialize(state internal) RETURNS bytea
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_event_window_serialize';
COMMENT ON FUNCTION xsell_internal.event_window_serialize(internal) IS 'Of xsell.event_window: a part on its way to the leader.';
CREATE FUNCTION xsell_internal.event_window_deserialize(state bytea, unused internal) RETURNS internal
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_event_window_deserialize';
COMMENT ON FUNCTION xsell_internal.event_window_deserialize(bytea, internal) IS 'Of xsell.event_window: a part that has arrived.';
CREATE FUNCTION xsell_internal.event_window_final(state internal) RETURNS real[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_event_window_final';
COMMENT ON FUNCTION xsell_internal.event_window_final(internal) IS 'Of xsell.event_window: the values.';

CREATE AGGREGATE xsell.event_window(at timestamptz, value double precision, as_of timestamptz) (
    SFUNC = xsell_internal.event_window_add, STYPE = internal, SSPACE = 96, FINALFUNC = xsell_internal.event_window_final, FINALFUNC_MODIFY = READ_ONLY,
    COMBINEFUNC = xsell_internal.event_window_combine, SERIALFUNC = xsell_internal.event_window_serialize,
    DESERIALFUNC = xsell_internal.event_window_deserialize, PARALLEL = SAFE);
COMMENT ON AGGREGATE xsell.event_window(timestamptz, double precision, timestamptz) IS
'Events seen from a time, in one pass: number and sum of values in the last 30, 90 and 365 days (at > as_of - window), number of all, days since the last, mean days between two, the former over the latter, and the trend: log of the rate of the last 90 days over that of the 275 before, half an event added to both. Events later than as_of, without a time or at infinity do not count; a value that is NULL or not finite adds 0. Without any event counts and sums are 0, the rest NULL. as_of must not differ within a group.';

CREATE FUNCTION xsell.event_window_names() RETURNS text[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_event_window_names';
COMMENT ON FUNCTION xsell.event_window_names() IS 'What the elements of xsell.event_window are.';

CREATE FUNCTION xsell.event_window_columns(x real[])
RETURNS TABLE (count_30 real, sum_30 real, count_90 real, sum_90 real, count_365 real, sum_365 real, count_all real,
    recency_days real, mean_gap_days real, gap_ratio real, trend real)
LANGUAGE sql IMMUTABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
    SELECT x[1], x[2], x[3], x[4], x[5], x[6], x[7], x[8], x[9], x[10], x[11];
END;
COMMENT ON FUNCTION xsell.event_window_columns(real[]) IS
'The elements of xsell.event_window as columns, as a feature set wants them: SELECT w.id AS entity_id, c.* FROM (SELECT id, xsell.event_window(at, amount, $1) AS x FROM ... GROUP BY id) w, xsell.event_window_columns(w.x) c.';

SELECT pg_catalog.pg_extension_config_dump('xsell_internal.feature_set', 'WHERE name <> ''cross_sell''');
SELECT pg_catalog.pg_extension_config_dump('xsell_internal.category', '');
SELECT pg_catalog.pg_extension_config_dump('xsell_internal.feature_snapshot', '');
