-- Deploying. Deployers wait for each other here, so that each sees what the one before left; readers wait for nobody.

CREATE FUNCTION xsell_internal.lock_deployment(model text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_force bigint;
BEGIN
    LOCK TABLE xsell_internal.deployment IN SHARE ROW EXCLUSIVE MODE;
    IF NOT EXISTS (SELECT FROM xsell_internal.model m WHERE m.model = lock_deployment.model) THEN
        RAISE EXCEPTION 'model "%" does not exist', model USING ERRCODE = 'undefined_object',
            HINT = format('Known models: %s.', (SELECT COALESCE(string_agg(quote_ident(m.model), ', ' ORDER BY m.model), 'none') FROM xsell_internal.model m));
    END IF;
    SELECT COALESCE(h.restored_id, h.history_id) INTO in_force FROM xsell_internal.deployment_history h
    WHERE h.model = lock_deployment.model AND h.role = 'champion' ORDER BY h.history_id DESC LIMIT 1;
    RETURN in_force;
END
$$;
COMMENT ON FUNCTION xsell_internal.lock_deployment(text) IS
'Makes other deployers wait until this transaction ends; returns the entry of the history that is in force (NULL: none).';

CREATE FUNCTION xsell_internal.require_ready(model text, version integer) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    found_status text := (SELECT v.status FROM xsell_internal.model_version v
                          WHERE v.model = require_ready.model AND v.version = require_ready.version);
    ready text := (SELECT string_agg(v.version::text, ', ' ORDER BY v.version) FROM xsell_internal.model_version v
                   WHERE v.model = require_ready.model AND v.status = 'ready');
BEGIN
    IF found_status = 'ready' THEN
        RETURN;
    END IF;
    RAISE EXCEPTION USING ERRCODE = CASE WHEN found_status IS NULL THEN 'undefined_object' ELSE 'object_not_in_prerequisite_state' END,
        MESSAGE = format(CASE WHEN found_status IS NULL THEN 'version %s of model "%s" does not exist' ELSE 'version %s of model "%s" is retired' END,
                         COALESCE(version::text, 'NULL'), model),
        HINT = CASE WHEN ready IS NULL THEN format('Train one with CALL xsell.train(%L, version => NULL).', model) ELSE format('Ready versions: %s.', ready) END;
END
$$;
COMMENT ON FUNCTION xsell_internal.require_ready(text, integer) IS 'Raises an error, with the versions to choose from, unless this one can be deployed.';

-- Puts versions live as champion, challenger, challenger_2, ... and nothing else that takes a share.
CREATE FUNCTION xsell_internal.put_live(model text, versions integer[], shares numeric[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    live_role text;
BEGIN
    DELETE FROM xsell_internal.deployment d
    WHERE d.model = put_live.model AND d.role <> 'champion' AND d.share > 0;
    FOR i IN 1 .. cardinality(versions) LOOP
        PERFORM xsell_internal.require_ready(model, versions[i]);
        live_role := CASE i WHEN 1 THEN 'champion' WHEN 2 THEN 'challenger' ELSE 'challenger_' || i - 1 END;
        INSERT INTO xsell_internal.deployment AS d (model, role, version, share) VALUES (model, live_role, versions[i], shares[i])
        ON CONFLICT ON CONSTRAINT deployment_pkey DO UPDATE
        SET version = excluded.version, share = excluded.share, deployed_at = now(), deployed_by = CURRENT_USER;
    END LOOP;
END
$$;
COMMENT ON FUNCTION xsell_internal.put_live(text, integer[], numeric[]) IS 'Writes who scores which share, the champion first; a split that was there ends.';

CREATE FUNCTION xsell.deploy(model text, version integer, role text DEFAULT 'champion') RETURNS SETOF xsell.deployment
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_force bigint := xsell_internal.lock_deployment(model);
BEGIN
    PERFORM xsell_internal.require_ready(model, version);
    IF role IS NULL OR role !~ '^[a-z][a-z0-9_]{0,62}$' THEN
        RAISE EXCEPTION '"%" cannot be a role', role
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Roles are champion, challenger, shadow, or a name of lower case letters, digits and underscores.';
    END IF;
    IF role = 'champion' THEN
        PERFORM xsell_internal.put_live(model, ARRAY[version], ARRAY[1::numeric]);
    ELSIF EXISTS (SELECT FROM xsell_internal.deployment d WHERE d.model = deploy.model AND d.role = deploy.role AND d.share > 0) THEN
        RAISE EXCEPTION '% of model "%" takes part in a split', role, model
            USING ERRCODE = 'object_in_use', HINT = 'Change the split with xsell.split_traffic, or end it by deploying a champion.';
    ELSE
        INSERT INTO xsell_internal.deployment AS d (model, role, version, share) VALUES (model, role, version, 0)
        ON CONFLICT ON CONSTRAINT deployment_pkey DO UPDATE
        SET version = excluded.version, deployed_at = now(), deployed_by = CURRENT_USER;
        in_force := NULL;
    END IF;
    INSERT INTO xsell_internal.deployment_history (model, action, role, versions, shares, previous_id)
    VALUES (model, 'deploy', role, ARRAY[version], ARRAY[(role = 'champion')::integer::numeric], in_force);
    RETURN QUERY SELECT d.* FROM xsell.deployment d WHERE d.model = deploy.model ORDER BY d.share DESC, d.role;
END
$$;
COMMENT ON FUNCTION xsell.deploy(text, integer, text) IS
'Gives a role to a version and returns what is live. As champion it scores every entity from the commit on; other roles take no share until xsell.split_traffic.';

CREATE FUNCTION xsell.rollback(model text, steps integer DEFAULT 1) RETURNS SETOF xsell.deployment
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_force bigint := xsell_internal.lock_deployment(model);
    here xsell_internal.deployment_history;
    earlier xsell_internal.deployment_history;
    walked integer := 0;
BEGIN
    IF steps IS NULL OR steps < 1 THEN
        RAISE EXCEPTION 'steps must be at least 1' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT * INTO here FROM xsell_internal.deployment_history h WHERE h.history_id = in_force;
    WHILE walked < steps LOOP
        SELECT * INTO earlier FROM xsell_internal.deployment_history h WHERE h.history_id = here.previous_id;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'model "%" has no deployment % step(s) back', model, steps USING ERRCODE = 'object_not_in_prerequisite_state',
                DETAIL = format('Its history goes back %s step(s) from here.', walked),
                HINT = 'See xsell.model_version for the versions that xsell.deploy can put live.';
        END IF;
        IF (earlier.versions, earlier.shares) IS DISTINCT FROM (here.versions, here.shares) THEN
            walked := walked + 1;
        END IF;
        here := earlier;
    END LOOP;
    PERFORM xsell_internal.put_live(model, here.versions, here.shares);
    INSERT INTO xsell_internal.deployment_history (model, action, role, versions, shares, previous_id, restored_id)
    VALUES (model, 'rollback', 'champion', here.versions, here.shares, in_force, here.history_id);
    RETURN QUERY SELECT d.* FROM xsell.deployment d WHERE d.model = rollback.model ORDER BY d.share DESC, d.role;
END
$$;
COMMENT ON FUNCTION xsell.rollback(text, integer) IS
'Goes back that many distinct deployments and returns what is live. A second rollback goes further back; it never returns to what was left.';

CREATE FUNCTION xsell.split_traffic(model text, shares jsonb) RETURNS SETOF xsell.deployment
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_force bigint := xsell_internal.lock_deployment(model);
    wrong text;
    split_versions integer[];
    split_shares numeric[];
BEGIN
    IF shares IS NULL OR jsonb_typeof(shares) <> 'object' OR shares = '{}' THEN
        RAISE EXCEPTION 'shares must be an object of versions and their shares'
            USING ERRCODE = 'invalid_parameter_value', HINT = 'For example ''{"6": 0.9, "7": 0.1}''.';
    END IF;
    SELECT p.key INTO wrong FROM jsonb_each(shares) p
    WHERE p.key !~ '^[1-9][0-9]{0,8}$' OR jsonb_typeof(p.value) <> 'number' OR NOT (p.value #>> '{}')::numeric BETWEEN 0.000001 AND 1 LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'share of version "%" is not valid', wrong
            USING ERRCODE = 'invalid_parameter_value', HINT = 'Keys are version numbers, values are shares above 0 and up to 1.';
    END IF;
    SELECT array_agg(p.key::integer ORDER BY p.value::numeric DESC, p.key::integer), array_agg(p.value::numeric ORDER BY p.value::numeric DESC, p.key::integer)
      INTO split_versions, split_shares FROM jsonb_each_text(shares) p;
    IF (SELECT sum(s) FROM unnest(split_shares) s) <> 1 THEN
        RAISE EXCEPTION 'shares add up to %, not 1', (SELECT trim_scale(sum(s)) FROM unnest(split_shares) s) USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM xsell_internal.put_live(model, split_versions, split_shares);
    INSERT INTO xsell_internal.deployment_history (model, action, role, versions, shares, previous_id)
    VALUES (model, 'split', 'champion', split_versions, split_shares, in_force);
    RETURN QUERY SELECT d.* FROM xsell.deployment d WHERE d.model = split_traffic.model ORDER BY d.share DESC, d.role;
END
$$;
COMMENT ON FUNCTION xsell.split_traffic(text, jsonb) IS
'Divides the entities among versions, for example ''{"6": 0.9, "7": 0.1}'', and returns what is live. The largest share is the champion, which alone scores recommendations and xsell.predict; xsell_internal.assigned_version says which version an entity belongs to.';

CREATE FUNCTION xsell_internal.assigned_version(model text, entity bigint) RETURNS integer
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT s.version
    FROM (SELECT d.version, d.role, pg_catalog.sum(d.share) OVER (ORDER BY d.role) AS upto
          FROM xsell_internal.deployment d WHERE d.model = assigned_version.model AND d.share > 0) s
    WHERE (pg_catalog.hashint8extended(entity, pg_catalog.hashtext(assigned_version.model)) & 1048575) < s.upto * 1048576
    ORDER BY s.role LIMIT 1;
END;
COMMENT ON FUNCTION xsell_internal.assigned_version(text, bigint) IS
'The version that scores an entity under the split in force: the same one as long as the shares stay (NULL: nothing is deployed).';
