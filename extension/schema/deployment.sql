-- Deploying. Deployers wait for each other here, so that each sees what the one before left; readers wait for nobody.

CREATE FUNCTION xsell_internal.lock_deployment(model text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_force bigint;
BEGIN
    LOCK TABLE xsell_internal.deployment IN SHARE ROW EXCLUSIVE MODE;
    PERFORM xsell_internal.require_model(model);
    -- What an earlier model of one's own of that name has deployed is history.
    SELECT COALESCE(h.restored_id, h.history_id) INTO in_force
    FROM xsell_internal.deployment_history h JOIN xsell_internal.model m ON m.model = h.model
    WHERE h.model = lock_deployment.model AND h.role = 'champion' AND (m.label_query IS NULL OR h.changed_at >= m.created_at)
    ORDER BY h.history_id DESC LIMIT 1;
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
        MESSAGE = format(CASE WHEN found_status IS NULL THEN 'version %s of model "%s" does not exist' ELSE 'version %s of model "%s" is %s' END,
                         COALESCE(version::text, 'NULL'), model, found_status),
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
    -- One row of features is scored by whichever arm its entity belongs to.
    IF (SELECT count(DISTINCT (v.feature_set, v.feature_set_version)) FROM xsell_internal.model_version v
        WHERE v.model = put_live.model AND v.version = ANY (versions)) > 1 THEN
        RAISE EXCEPTION 'the versions of a split must take the same features' USING ERRCODE = 'object_not_in_prerequisite_state',
            DETAIL = (SELECT string_agg(format('Version %s takes version %s of feature set "%s".', v.version, v.feature_set_version, v.feature_set), ' ' ORDER BY v.version)
                      FROM xsell_internal.model_version v WHERE v.model = put_live.model AND v.version = ANY (versions)),
            HINT = 'Train the one with the older features anew.';
    END IF;
    DELETE FROM xsell_internal.deployment d
    WHERE d.model = put_live.model AND d.role <> 'champion' AND d.share > 0
      AND d.role NOT IN (SELECT CASE i WHEN 2 THEN 'challenger' ELSE 'challenger_' || i - 1 END FROM generate_series(2, cardinality(versions)) i);
    FOR i IN 1 .. cardinality(versions) LOOP
        PERFORM xsell_internal.require_ready(model, versions[i]);
        live_role := CASE i WHEN 1 THEN 'champion' WHEN 2 THEN 'challenger' ELSE 'challenger_' || i - 1 END;
        INSERT INTO xsell_internal.deployment AS d (model, role, version, share) VALUES (model, live_role, versions[i], shares[i])
        ON CONFLICT ON CONSTRAINT deployment_pkey DO UPDATE
        SET version = excluded.version, share = excluded.share, deployed_at = now(), deployed_by = CURRENT_USER
        WHERE d.share = 1 OR (d.version, d.share) <> (excluded.version, excluded.share);  -- a split repeated begins no new experiment
    END LOOP;
END
$$;
COMMENT ON FUNCTION xsell_internal.put_live(text, integer[], numeric[]) IS 'Writes who scores which share, the champion first; a split that was there ends.';

-- What speaks against a champion-to-be: figures that are worse beyond doubt, that is, whose interval lies wholly on the wrong side of the
-- champion's on the same rows. These are the champion's as measured beside it or, of a training that saw the same times, its own:
-- figures of another time tell how hard that time is to predict as well.
CREATE FUNCTION xsell_internal.promotion_doubts(model text, version integer) RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT DISTINCT ON (n.metric) pg_catalog.format('its %s of %s (%s to %s) is worse than the %s (%s to %s) of version %s, the champion',
                             n.metric, r[1], r[2], r[3], r[4], r[5], r[6], d.version)
    FROM xsell_internal.deployment d
    JOIN xsell_internal.model_version c ON c.model = d.model AND c.version = d.version
    JOIN xsell_internal.model_version v ON v.model = d.model AND v.version = promotion_doubts.version AND v.version <> c.version
        AND v.horizon IS NOT DISTINCT FROM c.horizon
    JOIN xsell_internal.model_metric n ON n.model = v.model AND n.version = v.version AND n.slice = 'validate' AND n.ranker = 'model'
    JOIN xsell_internal.model_metric o ON (o.model, o.slice, o.metric) = (n.model, n.slice, n.metric)
        AND CASE o.ranker WHEN 'champion' THEN o.version = v.version AND d.deployed_at <= v.trained_at
                          WHEN 'model' THEN o.version = c.version AND (c.plan -> 'validate_at', c.plan -> 'at') IS NOT DISTINCT FROM (v.plan -> 'validate_at', v.plan -> 'at')
                          ELSE false END
    CROSS JOIN LATERAL (SELECT pg_catalog.array_agg(pg_catalog.round(u.figure::numeric, 4) ORDER BY u.place) AS r
                        FROM pg_catalog.unnest(ARRAY[n.value, n.low, n.high, o.value, o.low, o.high]) WITH ORDINALITY AS u(figure, place)) f
    WHERE d.model = promotion_doubts.model AND d.role = 'champion'
      AND CASE n.metric WHEN 'log_loss' THEN n.low > o.high WHEN 'auc' THEN n.high < o.low WHEN 'ndcg@10' THEN n.high < o.low ELSE false END
    ORDER BY n.metric, o.ranker;
END;
COMMENT ON FUNCTION xsell_internal.promotion_doubts(text, integer) IS 'Why a version should not become the champion, one reason to a row; none: nothing speaks against it.';

CREATE FUNCTION xsell.deploy(model text, version integer, role text DEFAULT 'champion', force boolean DEFAULT false) RETURNS SETOF xsell.deployment
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    in_force bigint := xsell_internal.lock_deployment(model);
    doubts text;
BEGIN
    PERFORM xsell_internal.require_ready(model, version);
    IF role = 'champion' AND force IS NOT TRUE THEN
        doubts := (SELECT string_agg(d, '; ') FROM xsell_internal.promotion_doubts(model, version) d);
        IF doubts IS NOT NULL THEN
            RAISE EXCEPTION 'version % of model "%" is refused as champion: %', version, model, doubts
                USING ERRCODE = 'object_not_in_prerequisite_state',
                      HINT = format('To deploy it all the same: SELECT xsell.deploy(%L, %s, force => true).', model, version);
        END IF;
    END IF;
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
COMMENT ON FUNCTION xsell.deploy(text, integer, text, boolean) IS
'Gives a role to a version and returns what is live. As champion it scores every entity from the commit on; other roles take no share until xsell.split_traffic. A champion-to-be whose validation is worse than the champion''s on the same rows beyond doubt (disjoint intervals of ndcg@10, auc or log_loss) is refused unless forced.';

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
    IF (SELECT count(*) FROM jsonb_object_keys(shares)) > 8 THEN
        RAISE EXCEPTION 'a split has at most 8 versions' USING ERRCODE = 'program_limit_exceeded';
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
        RAISE EXCEPTION 'shares add up to %, not 1', (SELECT trim_scale(sum(s)) FROM unnest(split_shares) s) USING ERRCODE = 'invalid_parameter_value',
            HINT = 'As in {"1": 0.9, "2": 0.1}: every version with its share.';
    END IF;
    PERFORM xsell_internal.put_live(model, split_versions, split_shares);
    INSERT INTO xsell_internal.deployment_history (model, action, role, versions, shares, previous_id)
    VALUES (model, 'split', 'champion', split_versions, split_shares, in_force);
    RETURN QUERY SELECT d.* FROM xsell.deployment d WHERE d.model = split_traffic.model ORDER BY d.share DESC, d.role;
END
$$;
COMMENT ON FUNCTION xsell.split_traffic(text, jsonb) IS
'Divides the entities among versions, for example ''{"6": 0.9, "7": 0.1}'', and returns what is live. The largest share is the champion, which scores where no entity is named; recommendations, and predict and score with an entity, go by the split. An entity keeps its version as long as the shares stay, and a change of shares between two versions moves no more entities than it must; xsell.experiment compares the versions.';

CREATE FUNCTION xsell_internal.assigned_version(model text, entity bigint) RETURNS integer
LANGUAGE c STABLE STRICT PARALLEL SAFE COST 50
AS 'MODULE_PATHNAME', 'xsell_assigned_version';
COMMENT ON FUNCTION xsell_internal.assigned_version(text, bigint) IS
'The version that scores an entity under the split in force (NULL: nothing is deployed): the versions, in their order, share out the 1048576 values of hashint8extended(entity, hashtext(model)) & 1048575.';

-- Retention.

CREATE FUNCTION xsell_internal.kept_versions(model text, deployments integer DEFAULT 3) RETURNS SETOF integer
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    WITH RECURSIVE walk AS (
        SELECT h.previous_id, h.versions, h.shares, 1 AS place
        FROM xsell_internal.deployment_history h
        WHERE h.history_id = (SELECT COALESCE(l.restored_id, l.history_id) FROM xsell_internal.deployment_history l
                              WHERE l.model = kept_versions.model AND l.role = 'champion' ORDER BY l.history_id DESC LIMIT 1)
        UNION ALL
        SELECT h.previous_id, h.versions, h.shares, w.place + CASE WHEN (h.versions, h.shares) IS DISTINCT FROM (w.versions, w.shares) THEN 1 ELSE 0 END
        FROM walk w JOIN xsell_internal.deployment_history h ON h.history_id = w.previous_id
        WHERE w.place <= kept_versions.deployments
    )
    SELECT d.version FROM xsell_internal.deployment d WHERE d.model = kept_versions.model
    UNION
    SELECT u.version FROM walk w CROSS JOIN LATERAL pg_catalog.unnest(w.versions) AS u(version) WHERE w.place <= kept_versions.deployments;
END;
COMMENT ON FUNCTION xsell_internal.kept_versions(text, integer) IS
'Versions that must not be dropped: whatever plays a role, and what the last distinct deployments put live, the one in force among them, so that xsell.rollback finds it.';

CREATE FUNCTION xsell_internal.require_version(model text, version integer) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM xsell_internal.model_version v WHERE v.model = require_version.model AND v.version = require_version.version) THEN
        RAISE EXCEPTION 'version % of model "%" does not exist', COALESCE(version::text, 'NULL'), model USING ERRCODE = 'undefined_object',
            HINT = 'See xsell.model_version for the versions there are.';
    END IF;
END
$$;
COMMENT ON FUNCTION xsell_internal.require_version(text, integer) IS 'Raises an error unless the version exists.';

CREATE FUNCTION xsell.undeploy(model text, role text) RETURNS SETOF xsell.deployment
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    left_version integer;
BEGIN
    PERFORM xsell_internal.lock_deployment(model);
    DELETE FROM xsell_internal.deployment d WHERE d.model = undeploy.model AND d.role = undeploy.role AND d.share = 0
    RETURNING d.version INTO left_version;
    IF NOT FOUND THEN
        RAISE EXCEPTION USING ERRCODE = 'object_not_in_prerequisite_state',
            MESSAGE = CASE WHEN EXISTS (SELECT FROM xsell_internal.deployment d WHERE d.model = undeploy.model AND d.role = undeploy.role)
                           THEN format('%s of model "%s" scores', role, model) ELSE format('no version of model "%s" is deployed as %s', model, COALESCE(role, 'NULL')) END,
            HINT = 'Roles that only watch can be emptied; what scores is replaced by xsell.deploy or xsell.split_traffic. See xsell.deployment.';
    END IF;
    INSERT INTO xsell_internal.deployment_history (model, action, role, versions, shares) VALUES (model, 'undeploy', role, ARRAY[left_version], ARRAY[0::numeric]);
    RETURN QUERY SELECT d.* FROM xsell.deployment d WHERE d.model = undeploy.model ORDER BY d.share DESC, d.role;
END
$$;
COMMENT ON FUNCTION xsell.undeploy(text, text) IS 'Empties a role that takes no share, such as shadow, and returns what is live.';

CREATE FUNCTION xsell.retire_version(model text, version integer) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM xsell_internal.lock_deployment(model);
    PERFORM xsell_internal.require_version(model, version);
    UPDATE xsell_internal.model_version v SET status = 'retired'
    WHERE v.model = retire_version.model AND v.version = retire_version.version AND v.status <> 'retired';
END
$$;
COMMENT ON FUNCTION xsell.retire_version(text, integer) IS 'Takes a version out of use: it can neither be deployed nor be rolled back to. Its bytes and figures stay. A deployed version is refused.';

CREATE FUNCTION xsell.drop_version(model text, version integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    holder text;
    freed bigint;
BEGIN
    PERFORM xsell_internal.lock_deployment(model);
    PERFORM xsell_internal.require_version(model, version);
    SELECT string_agg(d.role, ', ' ORDER BY d.role) INTO holder
    FROM xsell_internal.deployment d WHERE d.model = drop_version.model AND d.version = drop_version.version;
    IF holder IS NOT NULL THEN
        RAISE EXCEPTION 'version % of model "%" is deployed as %', version, model, holder
            USING ERRCODE = 'object_in_use', HINT = 'Deploy another version in that role first.';
    ELSIF version IN (SELECT k FROM xsell_internal.kept_versions(model) k) THEN
        RAISE EXCEPTION 'version % of model "%" is one of those that xsell.rollback may go back to', version, model
            USING ERRCODE = 'object_in_use', DETAIL = 'What the last three distinct deployments put live is kept.';
    END IF;
    WITH gone AS (
        DELETE FROM xsell_internal.model_blob b WHERE b.model = drop_version.model AND b.version = drop_version.version RETURNING octet_length(b.data) AS bytes
    ) SELECT COALESCE(sum(g.bytes), 0) INTO freed FROM gone g;
    UPDATE xsell_internal.model_version v SET status = 'dropped' WHERE v.model = drop_version.model AND v.version = drop_version.version;
    RETURN freed;
END
$$;
COMMENT ON FUNCTION xsell.drop_version(text, integer) IS
'Deletes the bytes of a version for good and returns how many; its parameters, hashes and figures stay. What plays a role, or was live in one of the last three distinct deployments, is refused.';

CREATE FUNCTION xsell.prune_versions(model text, keep integer DEFAULT 10) RETURNS TABLE (version integer, bytes bigint)
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF keep IS NULL OR keep < 0 THEN
        RAISE EXCEPTION 'keep must be at least 0' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM xsell_internal.lock_deployment(model);
    FOR version IN
        SELECT v.version FROM xsell_internal.model_version v
        WHERE v.model = prune_versions.model AND v.status <> 'dropped' ORDER BY v.version DESC OFFSET keep
    LOOP
        CONTINUE WHEN version IN (SELECT k FROM xsell_internal.kept_versions(prune_versions.model) k);
        bytes := xsell.drop_version(prune_versions.model, version);
        RETURN NEXT;
    END LOOP;
END
$$;
COMMENT ON FUNCTION xsell.prune_versions(text, integer) IS
'Drops all but the newest versions, as xsell.drop_version does, and returns what it dropped. What plays a role, or was live in one of the last three distinct deployments, stays whatever its age.';
