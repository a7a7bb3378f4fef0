-- A resolution: compare, cluster, and give each cluster its entity.

CREATE FUNCTION xsell_internal.resolve_pairs(everything boolean, weights double precision[]) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF everything THEN
        CREATE TEMPORARY TABLE match_candidate ON COMMIT DROP AS SELECT c.a, c.b FROM xsell_internal.match_candidates() c;
    ELSE
        CREATE TEMPORARY TABLE match_candidate ON COMMIT DROP AS
        SELECT DISTINCT least(k.node, o.node) AS a, greatest(k.node, o.node) AS b
        FROM (SELECT r.node, u.key FROM pg_temp.match_rescore r JOIN xsell_internal.match_account m ON m.node = r.node, unnest(xsell_internal.match_keys(m.profile)) AS u(key)
              WHERE xsell_internal.match_block_size(u.key) BETWEEN 2 AND xsell_internal.match_block_limit(u.key) OFFSET 0) k
        JOIN xsell_internal.match_key o ON o.key = k.key AND o.node <> k.node;
    END IF;
    ANALYZE pg_temp.match_candidate;

    -- The reason is worth its price only where the pair is kept.
    CREATE TEMPORARY TABLE match_scored ON COMMIT DROP AS
    SELECT CASE WHEN p.turned THEN p.b ELSE p.a END AS a, CASE WHEN p.turned THEN p.a ELSE p.b END AS b,
           CASE WHEN p.turned THEN p.org_b ELSE p.org_a END AS org_a, CASE WHEN p.turned THEN p.account_b ELSE p.account_a END AS account_a,
           CASE WHEN p.turned THEN p.org_a ELSE p.org_b END AS org_b, CASE WHEN p.turned THEN p.account_a ELSE p.account_b END AS account_b,
           p.score::real AS score, xsell_internal.match_reason(p.profile_a, p.profile_b) AS reason
    FROM (SELECT c.a, c.b, x.org_id AS org_a, x.account_id AS account_a, y.org_id AS org_b, y.account_id AS account_b, x.profile AS profile_a, y.profile AS profile_b,
                 (x.org_id, x.account_id) > (y.org_id, y.account_id) AS turned, xsell_internal.match_score(x.profile, y.profile, weights) AS score
          FROM pg_temp.match_candidate c
          JOIN xsell_internal.match_account x ON x.node = c.a
          JOIN xsell_internal.match_account y ON y.node = c.b OFFSET 0) p
    WHERE p.score >= 0.1;
    CREATE UNIQUE INDEX ON pg_temp.match_scored (org_a, account_a, org_b, account_b);
    ANALYZE pg_temp.match_scored;

    CREATE TEMPORARY TABLE match_former ON COMMIT DROP AS
    SELECT p.org_a, p.account_a, p.org_b, p.account_b FROM xsell_internal.match_pair p WHERE everything
    UNION
    SELECT p.org_a, p.account_a, p.org_b, p.account_b
    FROM (SELECT m.org_id, m.account_id FROM pg_temp.match_rescore r JOIN xsell_internal.match_account m ON m.node = r.node WHERE NOT everything
          UNION ALL SELECT c.org_id, c.account_id FROM pg_temp.match_changed c WHERE c.gone) s
    CROSS JOIN LATERAL (SELECT l.* FROM xsell_internal.match_pair l WHERE l.org_a = s.org_id AND l.account_a = s.account_id
                        UNION ALL SELECT r.* FROM xsell_internal.match_pair r WHERE r.org_b = s.org_id AND r.account_b = s.account_id) p;
    ANALYZE pg_temp.match_former;
    DELETE FROM xsell_internal.match_pair p USING pg_temp.match_former f
    WHERE (p.org_a, p.account_a, p.org_b, p.account_b) = (f.org_a, f.account_a, f.org_b, f.account_b)
      AND NOT EXISTS (SELECT FROM pg_temp.match_scored s WHERE (s.org_a, s.account_a, s.org_b, s.account_b) = (f.org_a, f.account_a, f.org_b, f.account_b));
    INSERT INTO xsell_internal.match_pair AS t (org_a, account_a, org_b, account_b, score, band, reason)
    SELECT s.org_a, s.account_a, s.org_b, s.account_b, s.score, 'review', s.reason FROM pg_temp.match_scored s ORDER BY 1, 2, 3, 4
    ON CONFLICT (org_a, account_a, org_b, account_b) DO UPDATE SET score = excluded.score, reason = excluded.reason
    WHERE (t.score, t.reason) IS DISTINCT FROM (excluded.score, excluded.reason);
END
$$;
COMMENT ON FUNCTION xsell_internal.resolve_pairs(boolean, double precision[]) IS 'The part of resolve_entities that compares the accounts of match_rescore with those that share a key, and keeps what looks alike in match_pair.';

-- Whatever a change can move: everything that hangs together with it, or did.
CREATE FUNCTION xsell_internal.resolve_scope(everything boolean) RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    reached integer := 0;
BEGIN
    CREATE TEMPORARY TABLE match_scope (org_id text, account_id text, step integer, PRIMARY KEY (org_id, account_id)) ON COMMIT DROP;
    IF everything THEN
        INSERT INTO pg_temp.match_scope SELECT m.org_id, m.account_id, 0 FROM xsell_internal.match_account m;
        ANALYZE pg_temp.match_scope;
        RETURN;
    END IF;
    INSERT INTO pg_temp.match_scope
    SELECT DISTINCT v.org_id, v.account_id, 0
    FROM (SELECT s.org_id, s.account_id FROM pg_temp.match_seed s
          UNION ALL SELECT m.org_id, m.account_id FROM pg_temp.match_rescore r JOIN xsell_internal.match_account m ON m.node = r.node
          UNION ALL SELECT f.org_a, f.account_a FROM pg_temp.match_former f UNION ALL SELECT f.org_b, f.account_b FROM pg_temp.match_former f
          UNION ALL SELECT c.org_a, c.account_a FROM pg_temp.match_scored c UNION ALL SELECT c.org_b, c.account_b FROM pg_temp.match_scored c
          UNION ALL SELECT t.org_id, t.account_id FROM xsell_internal.entity_account t WHERE t.decided_by <> 'rule') v;
    LOOP
        ANALYZE pg_temp.match_scope;
        INSERT INTO pg_temp.match_scope
        SELECT DISTINCT n.org_id, n.account_id, reached + 1
        FROM pg_temp.match_scope s
        CROSS JOIN LATERAL (
            SELECT p.org_b AS org_id, p.account_b AS account_id FROM xsell_internal.match_pair p
            WHERE p.org_a = s.org_id AND p.account_a = s.account_id AND p.score >= 0.5
            UNION ALL SELECT p.org_a, p.account_a FROM xsell_internal.match_pair p WHERE p.org_b = s.org_id AND p.account_b = s.account_id AND p.score >= 0.5
            UNION ALL SELECT d.org_b, d.account_b FROM xsell_internal.match_decision d WHERE d.org_a = s.org_id AND d.account_a = s.account_id AND d.same
            UNION ALL SELECT d.org_a, d.account_a FROM xsell_internal.match_decision d WHERE d.org_b = s.org_id AND d.account_b = s.account_id AND d.same
            UNION ALL SELECT m.org_id, m.merged_into FROM xsell_internal.match_account m WHERE m.org_id = s.org_id AND m.account_id = s.account_id AND m.merged_into IS NOT NULL
            UNION ALL SELECT m.org_id, m.account_id FROM xsell_internal.match_account m WHERE m.org_id = s.org_id AND m.merged_into = s.account_id
            UNION ALL SELECT o.org_id, o.account_id FROM xsell_internal.entity_account t JOIN xsell_internal.entity_account o ON o.entity_id = t.entity_id
            WHERE t.org_id = s.org_id AND t.account_id = s.account_id) n
        WHERE s.step = reached
        ON CONFLICT DO NOTHING;
        EXIT WHEN NOT FOUND;
        reached := reached + 1;
    END LOOP;
END
$$;
COMMENT ON FUNCTION xsell_internal.resolve_scope(boolean) IS 'The part of resolve_entities that says in match_scope which accounts are clustered anew.';

CREATE FUNCTION xsell_internal.resolve_clusters() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Numbered by their names, not as they came: so ties fall alike whatever was resolved before.
    CREATE TEMPORARY TABLE match_node ON COMMIT DROP AS
    SELECT row_number() OVER (ORDER BY m.org_id, m.account_id) AS node, m.org_id, m.account_id, m.merged_into, m.profile[1] AS kind,
           e.entity_id AS old_entity, e.decided_by IS NOT NULL AND e.decided_by <> 'rule' AS pinned
    FROM pg_temp.match_scope s
    JOIN xsell_internal.match_account m ON m.org_id = s.org_id AND m.account_id = s.account_id
    LEFT JOIN xsell_internal.entity_account e ON e.org_id = m.org_id AND e.account_id = m.account_id;
    CREATE INDEX ON pg_temp.match_node (org_id, account_id);
    CREATE INDEX ON pg_temp.match_node (node);
    ANALYZE pg_temp.match_node;

    -- bond: 1 the same, -1 not the same, 0 by score.
    CREATE TEMPORARY TABLE match_edge ON COMMIT DROP AS
    SELECT l.node AS left_node, r.node AS right_node, e.score, e.reason, e.bond, l.pinned AS left_pinned, r.pinned AS right_pinned
    FROM (SELECT p.org_a, p.account_a, p.org_b, p.account_b, p.score, p.reason, 0 AS bond
          FROM pg_temp.match_node n JOIN xsell_internal.match_pair p ON p.org_a = n.org_id AND p.account_a = n.account_id
          UNION ALL
          SELECT d.org_a, d.account_a, d.org_b, d.account_b, 1, 'decided by hand', CASE WHEN d.same THEN 1 ELSE -1 END
          FROM pg_temp.match_node n JOIN xsell_internal.match_decision d ON d.org_a = n.org_id AND d.account_a = n.account_id
          UNION ALL
          SELECT n.org_id, n.account_id, n.org_id, n.merged_into, 1, 'merged in the CRM', 2 FROM pg_temp.match_node n WHERE n.merged_into IS NOT NULL) e
    JOIN pg_temp.match_node l ON l.org_id = e.org_a AND l.account_id = e.account_a
    JOIN pg_temp.match_node r ON r.org_id = e.org_b AND r.account_id = e.account_b
    WHERE l.kind = r.kind OR e.bond = 2;
    ANALYZE pg_temp.match_edge;

    -- Accounts with a manual decision hold no cluster together: else the decision would be undone, or spread, through them.
    CREATE TEMPORARY TABLE match_result ON COMMIT DROP AS
    WITH clustered AS MATERIALIZED (
        SELECT c.node, c.cluster
        FROM (SELECT COALESCE(array_agg(e.left_node) FILTER (WHERE e.bond = 0), '{}') AS a, COALESCE(array_agg(e.right_node) FILTER (WHERE e.bond = 0), '{}') AS b,
                     COALESCE(array_agg(e.score::double precision) FILTER (WHERE e.bond = 0), '{}') AS score,
                     COALESCE(array_agg(e.left_node) FILTER (WHERE e.bond > 0), '{}') AS same_a, COALESCE(array_agg(e.right_node) FILTER (WHERE e.bond > 0), '{}') AS same_b,
                     COALESCE(array_agg(e.left_node) FILTER (WHERE e.bond < 0), '{}') AS other_a, COALESCE(array_agg(e.right_node) FILTER (WHERE e.bond < 0), '{}') AS other_b
              FROM pg_temp.match_edge e WHERE NOT e.left_pinned AND NOT e.right_pinned) g,
             xsell_internal.match_clusters(g.a, g.b, g.score, g.same_a, g.same_b, g.other_a, g.other_b) c
    ), best AS (
        SELECT DISTINCT ON (b.node) b.node, b.score, b.reason
        FROM (SELECT v.node, e.score, e.reason, e.bond
              FROM pg_temp.match_edge e
              LEFT JOIN clustered l ON l.node = e.left_node LEFT JOIN clustered r ON r.node = e.right_node
              CROSS JOIN LATERAL (VALUES (e.left_node), (e.right_node)) AS v(node)
              WHERE e.bond >= 0 AND (l.cluster = r.cluster OR e.left_pinned OR e.right_pinned)) b
        ORDER BY b.node, b.score DESC, b.bond DESC, b.reason
    )
    SELECT n.node, COALESCE(c.cluster, n.node) AS component, n.old_entity, NULL::bigint AS entity_id,
           COALESCE(b.score, 1)::real AS confidence, COALESCE(b.reason, 'only account') AS reason
    FROM pg_temp.match_node n LEFT JOIN clustered c USING (node) LEFT JOIN best b USING (node)
    WHERE NOT n.pinned;
    ANALYZE pg_temp.match_result;
END
$$;
COMMENT ON FUNCTION xsell_internal.resolve_clusters() IS 'The part of resolve_entities that clusters the accounts of match_scope by their pairs and by what was decided.';

CREATE FUNCTION xsell_internal.assign_entities() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    assigned bigint;
BEGIN
    -- An entity that several clusters claim goes to the largest; a cluster with several entities keeps the lowest.
    WITH claim AS (
        SELECT DISTINCT ON (r.old_entity) r.old_entity, r.component
        FROM pg_temp.match_result r WHERE r.old_entity IS NOT NULL
        GROUP BY r.old_entity, r.component
        ORDER BY r.old_entity, count(*) DESC, r.component
    ), kept AS (
        SELECT c.component, min(c.old_entity) AS entity_id FROM claim c GROUP BY c.component
    )
    UPDATE pg_temp.match_result r SET entity_id = k.entity_id FROM kept k WHERE k.component = r.component;

    -- A new cluster that matches accounts with a manual decision joins their entity.
    WITH joined AS (
        SELECT r.component, min(p.old_entity) AS entity_id
        FROM (SELECT e.left_node AS free_node, e.right_node AS pinned_node FROM pg_temp.match_edge e
              WHERE e.right_pinned AND NOT e.left_pinned AND e.bond >= 0 AND e.score >= 0.5
              UNION ALL SELECT e.right_node, e.left_node FROM pg_temp.match_edge e WHERE e.left_pinned AND NOT e.right_pinned AND e.bond >= 0 AND e.score >= 0.5) e
        JOIN pg_temp.match_result r ON r.node = e.free_node AND r.entity_id IS NULL
        JOIN pg_temp.match_node p ON p.node = e.pinned_node
        WHERE NOT EXISTS (SELECT FROM pg_temp.match_result o WHERE o.component = r.component AND o.old_entity IS NOT NULL)
        GROUP BY r.component
    )
    UPDATE pg_temp.match_result r SET entity_id = j.entity_id FROM joined j WHERE j.component = r.component;

    WITH fresh AS (
        SELECT f.component, nextval('xsell_internal.entity_entity_id_seq') AS entity_id
        FROM (SELECT DISTINCT r.component FROM pg_temp.match_result r WHERE r.entity_id IS NULL ORDER BY r.component) f
    ), made AS (
        INSERT INTO xsell_internal.entity (entity_id) SELECT f.entity_id FROM fresh f
    )
    UPDATE pg_temp.match_result r SET entity_id = f.entity_id FROM fresh f WHERE f.component = r.component;

    INSERT INTO xsell_internal.entity_account AS t (org_id, account_id, entity_id, match_confidence, match_reason)
    SELECT n.org_id, n.account_id, r.entity_id, r.confidence, r.reason
    FROM pg_temp.match_result r JOIN pg_temp.match_node n USING (node)
    ORDER BY n.node
    ON CONFLICT (org_id, account_id) DO UPDATE
    SET entity_id = excluded.entity_id, match_confidence = excluded.match_confidence, match_reason = excluded.match_reason, decided_at = now()
    WHERE t.decided_by = 'rule' AND (t.entity_id, t.match_confidence, t.match_reason)
          IS DISTINCT FROM (excluded.entity_id, excluded.match_confidence, excluded.match_reason);
    GET DIAGNOSTICS assigned = ROW_COUNT;
    RETURN assigned;
END
$$;
COMMENT ON FUNCTION xsell_internal.assign_entities() IS
'The part of resolve_entities that gives each cluster its entity: the one it had, else the one of a matching manual decision, else a new one. Returns how many accounts are new or moved.';

CREATE FUNCTION xsell_internal.close_entities() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    UPDATE xsell_internal.entity e SET kind = k.kind, merged_into = NULL
    FROM (SELECT t.entity_id, COALESCE(min(m.profile[1]) FILTER (WHERE m.merged_into IS NULL), min(m.profile[1])) AS kind
          FROM (SELECT DISTINCT n.entity_id FROM (SELECT r.entity_id FROM pg_temp.match_result r UNION ALL SELECT n.old_entity FROM pg_temp.match_node n WHERE n.pinned) n) s
          JOIN xsell_internal.entity_account t ON t.entity_id = s.entity_id
          JOIN xsell_internal.match_account m ON m.org_id = t.org_id AND m.account_id = t.account_id
          GROUP BY t.entity_id) k
    WHERE k.entity_id = e.entity_id AND (e.kind <> k.kind OR e.merged_into IS NOT NULL);

    UPDATE xsell_internal.entity e SET merged_into = m.entity_id
    FROM (SELECT r.old_entity, min(r.entity_id) AS entity_id FROM pg_temp.match_result r
          WHERE r.old_entity IS NOT NULL AND r.entity_id <> r.old_entity GROUP BY r.old_entity) m
    WHERE m.old_entity = e.entity_id
      AND NOT EXISTS (SELECT FROM xsell_internal.entity_account t WHERE t.entity_id = e.entity_id);

    -- A pair is a match when its accounts came together, whatever its score; else it waits for somebody's review.
    UPDATE xsell_internal.match_pair p SET band = b.band
    FROM (SELECT l.org_id AS org_a, l.account_id AS account_a, r.org_id AS org_b, r.account_id AS account_b,
                 CASE WHEN x.entity_id = y.entity_id THEN 'match' ELSE 'review' END AS band
          FROM pg_temp.match_edge e
          JOIN pg_temp.match_node l ON l.node = e.left_node JOIN pg_temp.match_node r ON r.node = e.right_node
          JOIN xsell_internal.entity_account x ON x.org_id = l.org_id AND x.account_id = l.account_id
          JOIN xsell_internal.entity_account y ON y.org_id = r.org_id AND y.account_id = r.account_id
          WHERE e.bond = 0) b
    WHERE (p.org_a, p.account_a, p.org_b, p.account_b) = (b.org_a, b.account_a, b.org_b, b.account_b) AND p.band <> b.band;
END
$$;
COMMENT ON FUNCTION xsell_internal.close_entities() IS 'The part of resolve_entities that marks entities which lost all their accounts to another, and pairs whose accounts came together.';

CREATE FUNCTION xsell_internal.resolve_entities("full" boolean DEFAULT false) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
DECLARE
    current_rules CONSTANT integer := 1;  -- one more whenever profiles, keys or the rule change
    everything boolean := COALESCE("full", false);
    active bigint;
    former xsell_internal.match_state;
    assigned bigint;
BEGIN
    -- Two resolutions at once would give one new customer two entities.
    LOCK TABLE xsell_internal.entity IN SHARE ROW EXCLUSIVE MODE;
    DROP TABLE IF EXISTS pg_temp.match_seed, pg_temp.match_changed, pg_temp.match_key_change, pg_temp.match_block, pg_temp.match_rescore, pg_temp.match_candidate,
        pg_temp.match_scored, pg_temp.match_former, pg_temp.match_scope, pg_temp.match_node, pg_temp.match_edge, pg_temp.match_result;
    SELECT m.version INTO active FROM xsell_internal.match_active m;
    SELECT * INTO former FROM xsell_internal.match_state;
    IF former.rules IS DISTINCT FROM current_rules THEN  -- kept keys are not those that would be made now
        DELETE FROM xsell_internal.match_key;
        UPDATE xsell_internal.match_account SET profile = '{}';
    END IF;

    CREATE TEMPORARY TABLE match_seed ON COMMIT DROP AS
    WITH taken AS (DELETE FROM xsell_internal.match_queue q RETURNING q.org_id, q.account_id)
    SELECT DISTINCT t.org_id, t.account_id FROM taken t;
    everything := everything OR former.rules IS DISTINCT FROM current_rules OR former.matcher IS DISTINCT FROM active
        OR EXISTS (SELECT FROM pg_temp.match_seed s WHERE s.org_id IS NULL)
        OR (SELECT count(*) FROM pg_temp.match_seed) * 4 > (SELECT greatest(c.reltuples, 1000) FROM pg_class c WHERE c.oid = 'xsell_internal.match_account'::regclass);
    IF everything THEN
        TRUNCATE pg_temp.match_seed;
        INSERT INTO pg_temp.match_seed SELECT a.org_id, a.crm_id FROM xsell.account a UNION SELECT m.org_id, m.account_id FROM xsell_internal.match_account m
        UNION SELECT t.org_id, t.account_id FROM xsell_internal.entity_account t;
    END IF;
    IF NOT EXISTS (SELECT FROM pg_temp.match_seed) AND NOT EXISTS (SELECT FROM xsell_internal.entity_account t WHERE t.decided_by <> 'rule') THEN
        DROP TABLE pg_temp.match_seed;
        PERFORM xsell_internal.follow_survivors();
        RETURN 0;
    END IF;
    ANALYZE pg_temp.match_seed;

    PERFORM xsell_internal.resolve_profiles(everything);
    PERFORM xsell_internal.resolve_pairs(everything, xsell_internal.matcher_weights(active));
    -- Only erasure removes an account; what it was resolved to goes with it, once what hung together with it is known.
    PERFORM xsell_internal.resolve_scope(everything);
    DELETE FROM xsell_internal.entity_account t USING pg_temp.match_changed c WHERE c.gone AND t.org_id = c.org_id AND t.account_id = c.account_id;
    DELETE FROM xsell_internal.match_account m USING pg_temp.match_changed c WHERE c.gone AND m.node = c.node;
    PERFORM xsell_internal.resolve_clusters();
    assigned := xsell_internal.assign_entities();
    PERFORM xsell_internal.close_entities();
    UPDATE xsell_internal.match_state s SET rules = current_rules, matcher = active WHERE (s.rules, s.matcher) IS DISTINCT FROM (current_rules, active);
    DROP TABLE pg_temp.match_seed, pg_temp.match_changed, pg_temp.match_key_change, pg_temp.match_block, pg_temp.match_rescore, pg_temp.match_candidate,
        pg_temp.match_scored, pg_temp.match_former, pg_temp.match_scope, pg_temp.match_node, pg_temp.match_edge, pg_temp.match_result;
    PERFORM xsell_internal.follow_survivors();
    RETURN assigned;
END
$$;
COMMENT ON FUNCTION xsell_internal.resolve_entities(boolean) IS
'Clusters accounts into entities: accounts that changed since the last time, with all that hangs together with them; every account if asked to, if most are new, or if the rules are. Entity ids are stable. Returns how many accounts are new or moved.';
