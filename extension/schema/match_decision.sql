-- What people decide about customers: one or not, and what follows from it.

CREATE TRIGGER begin_changes BEFORE INSERT OR UPDATE OR DELETE ON xsell_internal.match_decision
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.begin_changes();
CREATE TRIGGER stamp_decision BEFORE UPDATE OF same, note ON xsell_internal.match_decision
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.stamp_decision();
CREATE TRIGGER log_change AFTER UPDATE OR DELETE ON xsell_internal.match_decision
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.log_change('match', 'org_a,account_a,org_b,account_b', 'same,note');
-- Rows that a restored dump brings are no change by hand; they come with their own time.
CREATE TRIGGER log_new AFTER INSERT ON xsell_internal.match_decision
    FOR EACH ROW WHEN (NEW.decided_at = pg_catalog.now())
    EXECUTE FUNCTION xsell_internal.log_change('match', 'org_a,account_a,org_b,account_b', 'same,note');

-- Runs as the owner: who decides about two accounts need not see all that follows from it.
CREATE FUNCTION xsell_internal.apply_match_decisions() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM xsell_internal.resolve_entities();
END
$$;
COMMENT ON FUNCTION xsell_internal.apply_match_decisions() IS 'Resolves the customers again, after a decision about matches.';

CREATE FUNCTION xsell_internal.decide_matches(org_a text[], account_a text[], org_b text[], account_b text[], same boolean, note text) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    missing record;
    batch bigint;
BEGIN
    IF org_a IS NULL OR cardinality(org_a) <> ANY (ARRAY[cardinality(account_a), cardinality(org_b), cardinality(account_b)])
       OR num_nulls(account_a, org_b, account_b) > 0 THEN
        RAISE EXCEPTION 'each pair needs an org and an account on both sides' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'The four arrays must be of one length.';
    END IF;
    SELECT p.org, p.account INTO missing
    FROM (SELECT * FROM unnest(org_a, account_a) UNION ALL SELECT * FROM unnest(org_b, account_b)) AS p(org, account)
    WHERE NOT EXISTS (SELECT FROM xsell_internal.entity_account k WHERE k.org_id = p.org AND k.account_id = p.account) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'account "%" of org "%" does not exist', COALESCE(missing.account, 'NULL'), COALESCE(missing.org, 'NULL') USING ERRCODE = 'undefined_object',
            HINT = 'SELECT org_id, account_id FROM xsell.entity_account lists those that you may see.';
    ELSIF EXISTS (SELECT FROM unnest(org_a, account_a, org_b, account_b) AS p(oa, aa, ob, ab) WHERE p.oa = p.ob AND p.aa = p.ab) THEN
        RAISE EXCEPTION 'an account is always the same as itself' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO xsell_internal.match_decision AS d (org_a, account_a, org_b, account_b, same, note)
    SELECT DISTINCT CASE WHEN o.up THEN p.oa ELSE p.ob END, CASE WHEN o.up THEN p.aa ELSE p.ab END,
           CASE WHEN o.up THEN p.ob ELSE p.oa END, CASE WHEN o.up THEN p.ab ELSE p.aa END, decide_matches.same, decide_matches.note
    FROM unnest(decide_matches.org_a, decide_matches.account_a, decide_matches.org_b, decide_matches.account_b) AS p(oa, aa, ob, ab)
    CROSS JOIN LATERAL (SELECT (p.oa, p.aa) < (p.ob, p.ab) AS up) o
    ON CONFLICT ON CONSTRAINT match_decision_pkey DO UPDATE SET same = excluded.same, note = excluded.note
    WHERE (d.same, d.note) IS DISTINCT FROM (excluded.same, excluded.note);
    batch := NULLIF(current_setting('xsell_internal.batch', true), '')::bigint;
    IF batch IS NULL THEN
        RETURN NULL;
    END IF;
    PERFORM xsell_internal.apply_match_decisions();
    SELECT p.oa, p.aa, p.ob, p.ab INTO missing
    FROM unnest(org_a, account_a, org_b, account_b) AS p(oa, aa, ob, ab)
    JOIN xsell_internal.entity_account x ON x.org_id = p.oa AND x.account_id = p.aa
    JOIN xsell_internal.entity_account y ON y.org_id = p.ob AND y.account_id = p.ab
    WHERE (x.entity_id = y.entity_id) <> decide_matches.same LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'account "%" of org "%" and account "%" of org "%" cannot become % while other decisions stand',
                missing.aa, missing.oa, missing.ab, missing.ob, CASE WHEN same THEN 'one customer' ELSE 'two customers' END
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  HINT = CASE WHEN same THEN 'Some of their accounts were told apart: SELECT * FROM xsell.match_decision WHERE NOT same; xsell.accept_match changes a decision.'
                              ELSE 'Other decisions join them: SELECT * FROM xsell.match_decision WHERE same; xsell.reject_match changes a decision.' END;
    END IF;
    RETURN batch;
END
$$;
COMMENT ON FUNCTION xsell_internal.decide_matches(text[], text[], text[], text[], boolean, text) IS
'Writes decisions about pairs of accounts and resolves the customers again; returns the batch. NULL: all were decided so already.';

CREATE FUNCTION xsell.accept_match(org_a text[], account_a text[], org_b text[], account_b text[], note text DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE
RETURN xsell_internal.decide_matches(org_a, account_a, org_b, account_b, true, note);
COMMENT ON FUNCTION xsell.accept_match(text[], text[], text[], text[], text) IS
'Decides of each pair of accounts that both are one customer; see xsell.match_review. Returns the batch, for xsell.undo_batch; NULL: nothing was new.';

CREATE FUNCTION xsell.accept_match(org_a text, account_a text, org_b text, account_b text, note text DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE
RETURN xsell_internal.decide_matches(ARRAY[org_a], ARRAY[account_a], ARRAY[org_b], ARRAY[account_b], true, note);
COMMENT ON FUNCTION xsell.accept_match(text, text, text, text, text) IS
'Decides that two accounts are one customer, and joins their customers. Returns the change, for xsell.undo; NULL: it was decided so already.';

CREATE FUNCTION xsell.reject_match(org_a text[], account_a text[], org_b text[], account_b text[], note text DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE
RETURN xsell_internal.decide_matches(org_a, account_a, org_b, account_b, false, note);
COMMENT ON FUNCTION xsell.reject_match(text[], text[], text[], text[], text) IS
'Decides of each pair of accounts that they are not one customer. Returns the batch, for xsell.undo_batch; NULL: nothing was new.';

CREATE FUNCTION xsell.reject_match(org_a text, account_a text, org_b text, account_b text, note text DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE
RETURN xsell_internal.decide_matches(ARRAY[org_a], ARRAY[account_a], ARRAY[org_b], ARRAY[account_b], false, note);
COMMENT ON FUNCTION xsell.reject_match(text, text, text, text, text) IS
'Decides that two accounts are not one customer, and parts them where they were. Returns the change, for xsell.undo; NULL: it was decided so already.';

CREATE FUNCTION xsell.merge_entities(a bigint, b bigint, note text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    x xsell_internal.entity_account;
    y xsell_internal.entity_account;
BEGIN
    SELECT * INTO x FROM xsell_internal.entity_account k WHERE k.entity_id = a ORDER BY k.org_id, k.account_id LIMIT 1;
    SELECT * INTO y FROM xsell_internal.entity_account k WHERE k.entity_id = b ORDER BY k.org_id, k.account_id LIMIT 1;
    IF x.entity_id IS NULL OR y.entity_id IS NULL THEN
        RAISE EXCEPTION 'entity % does not exist', COALESCE(CASE WHEN x.entity_id IS NULL THEN a ELSE b END::text, 'NULL') USING ERRCODE = 'undefined_object',
            HINT = 'SELECT entity_id, name FROM xsell.entity lists those that you may see.';
    ELSIF a = b THEN
        RAISE EXCEPTION 'an entity cannot be merged with itself' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Name two: xsell.merge_entities(12, 15). SELECT * FROM xsell.entity_account says which accounts are one already.';
    END IF;
    RETURN xsell.accept_match(x.org_id, x.account_id, y.org_id, y.account_id, note);
END
$$;
COMMENT ON FUNCTION xsell.merge_entities(bigint, bigint, text) IS
'Joins two customers: decides that an account of the one is the same as one of the other. What is said of them follows the one that survives. Returns the change, for xsell.undo.';

CREATE FUNCTION xsell.split_account(org text, account text, note text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    entity bigint;
    orgs text[];
    accounts text[];
BEGIN
    SELECT k.entity_id INTO entity FROM xsell_internal.entity_account k WHERE k.org_id = org AND k.account_id = account;
    IF entity IS NULL THEN
        RAISE EXCEPTION 'account "%" of org "%" does not exist', COALESCE(account, 'NULL'), COALESCE(org, 'NULL') USING ERRCODE = 'undefined_object',
            HINT = 'SELECT org_id, account_id FROM xsell.entity_account lists those that you may see.';
    ELSIF NOT xsell_internal.sees_entity(entity) THEN
        RAISE EXCEPTION 'entity % cannot be split by somebody who does not see all of it', entity USING ERRCODE = 'insufficient_privilege',
            HINT = 'Ask somebody who may see every org.';
    END IF;
    SELECT array_agg(k.org_id), array_agg(k.account_id) INTO orgs, accounts
    FROM xsell_internal.entity_account k WHERE k.entity_id = entity AND (k.org_id, k.account_id) <> (org, account);
    IF orgs IS NULL THEN
        RAISE EXCEPTION 'account "%" of org "%" is a customer of its own already', account, org USING ERRCODE = 'object_not_in_prerequisite_state';
    END IF;
    RETURN xsell.reject_match(array_fill(org, ARRAY[cardinality(orgs)]), array_fill(account, ARRAY[cardinality(orgs)]), orgs, accounts, note);
END
$$;
COMMENT ON FUNCTION xsell.split_account(text, text, text) IS
'Takes an account out of its customer: decides that it is not the same as any other account of it. Returns the batch, for xsell.undo_batch.';

-- How far a recommendation has come: where two are found to be one, the further one stays.
CREATE FUNCTION xsell_internal.status_rank(status text) RETURNS integer
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.array_position(ARRAY['new', 'expired', 'accepted', 'in_progress', 'lost', 'dismissed', 'won'], status);
COMMENT ON FUNCTION xsell_internal.status_rank(text) IS 'Order of statuses by what they say: one that somebody set, and closed, outranks new.';

-- Recommendations go with the account that they name (the introducing one, if they name none), when it moves to another entity or comes
-- back from one; what nobody may offer an entity, nobody may offer its parts.
CREATE FUNCTION xsell_internal.follow_accounts() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM old_account o JOIN new_account n USING (org_id, account_id) WHERE o.entity_id <> n.entity_id) THEN
        RETURN NULL;
    END IF;
    WITH moved AS MATERIALIZED (
        SELECT r.recommendation_id, r.product_id, r.org_id, r.route, n.entity_id,
               row_number() OVER (PARTITION BY n.entity_id, r.product_id, r.org_id, r.route
                                  ORDER BY xsell_internal.status_rank(r.status) DESC, r.first_seen, r.recommendation_id) AS place
        FROM old_account o
        JOIN new_account n USING (org_id, account_id)
        JOIN xsell_internal.recommendation r ON r.entity_id = o.entity_id
        LEFT JOIN xsell_internal.introduction i ON i.recommendation_id = r.recommendation_id
        WHERE n.entity_id <> o.entity_id
          AND (n.org_id, n.account_id) = (CASE WHEN r.account_id IS NULL THEN i.org_id ELSE r.org_id END, COALESCE(r.account_id, i.account_id))
          -- Where all of an entity goes to one other, follow_survivors sees to it.
          AND EXISTS (SELECT FROM xsell_internal.entity_account k WHERE k.entity_id = o.entity_id)
    ), followed AS (
        UPDATE xsell_internal.recommendation r SET entity_id = m.entity_id
        FROM moved m
        WHERE m.place = 1 AND r.recommendation_id = m.recommendation_id
          AND NOT EXISTS (SELECT FROM xsell_internal.recommendation t
                          WHERE (t.entity_id, t.product_id, t.org_id, t.route) = (m.entity_id, m.product_id, m.org_id, m.route))
        RETURNING r.recommendation_id, r.entity_id
    )
    UPDATE xsell_internal.change_log l SET entity_id = f.entity_id FROM followed f WHERE f.recommendation_id = l.recommendation_id;
    INSERT INTO xsell_internal.suppression (entity_id, product_id, org_id, until, note, created_by, created_at)
    SELECT DISTINCT ON (m.entity_id, s.product_id, s.org_id) m.entity_id, s.product_id, s.org_id, s.until, s.note, s.created_by, s.created_at
    FROM (SELECT DISTINCT o.entity_id AS whole, n.entity_id FROM old_account o JOIN new_account n USING (org_id, account_id) WHERE o.entity_id <> n.entity_id) m
    JOIN xsell_internal.suppression s ON s.entity_id = m.whole
    WHERE EXISTS (SELECT FROM xsell_internal.entity_account k WHERE k.entity_id = m.whole)
    ORDER BY m.entity_id, s.product_id, s.org_id, s.until DESC NULLS FIRST
    ON CONFLICT (entity_id, product_id, org_id) DO NOTHING;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION xsell_internal.follow_accounts() IS
'Trigger: when accounts leave an entity that lives on, their recommendations go with them, and its suppressions hold for both.';
CREATE TRIGGER follow_accounts AFTER UPDATE ON xsell_internal.entity_account
    REFERENCING OLD TABLE AS old_account NEW TABLE AS new_account
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.follow_accounts();

CREATE INDEX ON xsell_internal.entity (merged_into) WHERE merged_into IS NOT NULL;

CREATE FUNCTION xsell_internal.follow_survivors() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET client_min_messages = warning
AS $$
BEGIN
    DROP TABLE IF EXISTS pg_temp.xsell_survivor, pg_temp.xsell_same;
    -- What was set aside comes back when its account is with a customer that has none of the kind.
    WITH home AS MATERIALIZED (
        SELECT DISTINCT ON (k.entity_id, r.product_id, r.org_id, r.route) r.recommendation_id, r.product_id, r.org_id, r.route, k.entity_id
        FROM xsell_internal.recommendation r
        LEFT JOIN xsell_internal.introduction i ON i.recommendation_id = r.recommendation_id
        JOIN xsell_internal.entity_account k ON k.org_id = CASE WHEN r.account_id IS NULL THEN i.org_id ELSE r.org_id END
                                                AND k.account_id = COALESCE(r.account_id, i.account_id)
        WHERE r.entity_id < 0
        ORDER BY k.entity_id, r.product_id, r.org_id, r.route, xsell_internal.status_rank(r.status) DESC, r.first_seen, r.recommendation_id
    ), followed AS (
        UPDATE xsell_internal.recommendation r SET entity_id = h.entity_id
        FROM home h
        WHERE h.recommendation_id = r.recommendation_id
          AND NOT EXISTS (SELECT FROM xsell_internal.recommendation t
                          WHERE (t.entity_id, t.product_id, t.org_id, t.route) = (h.entity_id, h.product_id, h.org_id, h.route))
        RETURNING r.recommendation_id, r.entity_id
    )
    UPDATE xsell_internal.change_log l SET entity_id = f.entity_id FROM followed f WHERE f.recommendation_id = l.recommendation_id;
    CREATE TEMPORARY TABLE xsell_survivor ON COMMIT DROP AS
    WITH RECURSIVE step AS (
        SELECT e.entity_id, e.merged_into AS survivor FROM xsell_internal.entity e WHERE e.merged_into IS NOT NULL
        UNION  -- ends in a circle too
        SELECT s.entity_id, e.merged_into FROM step s JOIN xsell_internal.entity e ON e.entity_id = s.survivor WHERE e.merged_into IS NOT NULL
    )
    SELECT s.entity_id, s.survivor FROM step s JOIN xsell_internal.entity e ON e.entity_id = s.survivor AND e.merged_into IS NULL
    WHERE s.entity_id <> s.survivor;
    IF NOT EXISTS (SELECT FROM pg_temp.xsell_survivor) THEN
        DROP TABLE pg_temp.xsell_survivor;
        RETURN;
    END IF;
    ANALYZE pg_temp.xsell_survivor;

    -- Of several that become one, the furthest keeps its place. Another is set aside, off the list, with an entity that is none; its history
    -- can be read, and it comes back with its account.
    CREATE TEMPORARY TABLE xsell_same ON COMMIT DROP AS
    WITH absent AS MATERIALIZED (
        SELECT r.recommendation_id, r.entity_id, v.survivor, r.product_id, r.org_id, r.route, r.status, r.first_seen
        FROM pg_temp.xsell_survivor v JOIN xsell_internal.recommendation r ON r.entity_id = v.entity_id
    ), met AS (
        SELECT * FROM absent
        UNION
        SELECT r.recommendation_id, r.entity_id, r.entity_id, r.product_id, r.org_id, r.route, r.status, r.first_seen
        FROM absent a JOIN xsell_internal.recommendation r ON (r.entity_id, r.product_id, r.org_id, r.route) = (a.survivor, a.product_id, a.org_id, a.route)
    )
    SELECT m.recommendation_id, m.entity_id, m.survivor,
           row_number() OVER (PARTITION BY m.survivor, m.product_id, m.org_id, m.route
                              ORDER BY xsell_internal.status_rank(m.status) DESC, m.first_seen, m.recommendation_id) AS place
    FROM met m;
    UPDATE xsell_internal.recommendation r SET entity_id = -r.recommendation_id, live = false
    FROM pg_temp.xsell_same s WHERE s.recommendation_id = r.recommendation_id AND s.place > 1;
    UPDATE xsell_internal.recommendation r SET entity_id = s.survivor
    FROM pg_temp.xsell_same s WHERE s.recommendation_id = r.recommendation_id AND s.place = 1 AND s.entity_id <> s.survivor;

    -- The longer suppression stays.
    UPDATE xsell_internal.suppression d SET entity_id = -d.suppression_id  -- no change by hand
    FROM (SELECT s.suppression_id, row_number() OVER (PARTITION BY COALESCE(v.survivor, s.entity_id), s.product_id, s.org_id
                                                      ORDER BY s.until DESC NULLS FIRST, s.suppression_id) AS place
          FROM xsell_internal.suppression s LEFT JOIN pg_temp.xsell_survivor v USING (entity_id)) o
    WHERE o.suppression_id = d.suppression_id AND o.place > 1;
    DELETE FROM xsell_internal.suppression s WHERE s.entity_id < 0;
    UPDATE xsell_internal.suppression s SET entity_id = v.survivor FROM pg_temp.xsell_survivor v WHERE v.entity_id = s.entity_id;

    -- Models of one's own number their entities as they like. One exposure of a day is enough: the first.
    WITH absent AS MATERIALIZED (
        SELECT x.*, v.survivor, (x.shown_at AT TIME ZONE 'UTC')::date AS day
        FROM pg_temp.xsell_survivor v
        JOIN xsell_internal.exposure x ON x.entity_id = v.entity_id
        JOIN xsell_internal.model m ON m.model = x.model AND m.label_query IS NULL
    )
    DELETE FROM xsell_internal.exposure d
    USING (SELECT s.exposure_id, row_number() OVER (PARTITION BY s.model, s.survivor, s.product_id, s.day ORDER BY s.shown_at, s.exposure_id) AS place
           FROM (SELECT a.exposure_id, a.model, a.survivor, a.product_id, a.day, a.shown_at FROM absent a
                 UNION SELECT x.exposure_id, x.model, x.entity_id, x.product_id, a.day, x.shown_at
                 FROM absent a JOIN xsell_internal.exposure x
                   ON x.model = a.model AND x.entity_id = a.survivor AND x.product_id IS NOT DISTINCT FROM a.product_id
                      AND (x.shown_at AT TIME ZONE 'UTC')::date = a.day) s) o
    WHERE o.exposure_id = d.exposure_id AND o.place > 1;
    UPDATE xsell_internal.exposure x SET entity_id = v.survivor
    FROM pg_temp.xsell_survivor v, xsell_internal.model m WHERE v.entity_id = x.entity_id AND m.model = x.model AND m.label_query IS NULL;
    UPDATE xsell_internal.outcome o SET entity_id = v.survivor
    FROM pg_temp.xsell_survivor v, xsell_internal.model m WHERE v.entity_id = o.entity_id AND m.model = o.model AND m.label_query IS NULL;
    -- What was done to it stays as it was; only where it is found moves.
    UPDATE xsell_internal.change_log l SET entity_id = v.survivor,
        target = l.target || CASE WHEN l.target ? 'entity_id' THEN jsonb_build_object('entity_id', v.survivor) ELSE '{}' END
    FROM pg_temp.xsell_survivor v WHERE v.entity_id = l.entity_id;
    DROP TABLE pg_temp.xsell_survivor, pg_temp.xsell_same;
END
$$;
COMMENT ON FUNCTION xsell_internal.follow_survivors() IS
'Moves what is said of merged entities to those that survive them: recommendations (of two the further one; the other is set aside until their accounts part again), suppressions (the longer), exposures, outcomes and the log.';

-- Erasure takes what was said of an account along; named to come after the decisions about it are gone.
CREATE FUNCTION xsell_internal.forget_changes() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM xsell_internal.change_log l USING gone g
    WHERE l.action = 'match' AND (l.target @> jsonb_build_object('org_a', g.org_id, 'account_a', g.crm_id) OR l.target @> jsonb_build_object('org_b', g.org_id, 'account_b', g.crm_id));
    -- What else names it, and would until the next refresh, or for good.
    DELETE FROM xsell_internal.account_score s USING gone g WHERE s.org_id = g.org_id AND s.account_id = g.crm_id;
    DELETE FROM xsell_internal.whitespace_customer c USING gone g
    JOIN xsell_internal.entity_account e ON e.org_id = g.org_id AND e.account_id = g.crm_id
    WHERE c.entity_id = e.entity_id AND c.org_id = g.org_id AND c.account_id = g.crm_id;
    DELETE FROM xsell_internal.pair p USING gone g WHERE p.org1_id = g.org_id AND p.account1_id = g.crm_id;
    DELETE FROM xsell_internal.pair p USING gone g WHERE p.org2_id = g.org_id AND p.account2_id = g.crm_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION xsell_internal.forget_changes() IS 'Trigger: nothing that is kept names an account that was erased: no decision in the log, no score, no whitespace, no pair.';
CREATE TRIGGER unlog_accounts AFTER DELETE ON xsell.account REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.forget_changes();

CREATE VIEW xsell.match_review WITH (security_invoker = true) AS
SELECT p.org_a, p.account_a, a.name AS name_a, a.domain AS domain_a, a.phone AS phone_a, a.country AS country_a, x.entity_id AS entity_a,
       p.org_b, p.account_b, b.name AS name_b, b.domain AS domain_b, b.phone AS phone_b, b.country AS country_b, y.entity_id AS entity_b,
       p.score, p.reason, p.found_at
FROM xsell_internal.match_pair p
JOIN xsell_internal.entity_account x ON x.org_id = p.org_a AND x.account_id = p.account_a
JOIN xsell_internal.entity_account y ON y.org_id = p.org_b AND y.account_id = p.account_b AND y.entity_id <> x.entity_id
JOIN xsell.account a ON a.org_id = p.org_a AND a.crm_id = p.account_a
JOIN xsell.account b ON b.org_id = p.org_b AND b.crm_id = p.account_b
WHERE p.band = 'review' AND NOT EXISTS (SELECT FROM xsell_internal.match_decision d
    WHERE (d.org_a, d.account_a, d.org_b, d.account_b) = (p.org_a, p.account_a, p.org_b, p.account_b));
COMMENT ON VIEW xsell.match_review IS
'Accounts that may be one customer and that nobody has decided about: xsell.accept_match joins them, xsell.reject_match takes them off this list.';
COMMENT ON COLUMN xsell.match_review.org_a IS 'Org of the one account.';
COMMENT ON COLUMN xsell.match_review.account_a IS 'crm_id of the one account.';
COMMENT ON COLUMN xsell.match_review.name_a IS 'Its name.';
COMMENT ON COLUMN xsell.match_review.domain_a IS 'Its domain.';
COMMENT ON COLUMN xsell.match_review.phone_a IS 'Its phone number.';
COMMENT ON COLUMN xsell.match_review.country_a IS 'Its country.';
COMMENT ON COLUMN xsell.match_review.entity_a IS 'The customer that it belongs to now.';
COMMENT ON COLUMN xsell.match_review.org_b IS 'Org of the other account.';
COMMENT ON COLUMN xsell.match_review.account_b IS 'crm_id of the other account.';
COMMENT ON COLUMN xsell.match_review.name_b IS 'Its name.';
COMMENT ON COLUMN xsell.match_review.domain_b IS 'Its domain.';
COMMENT ON COLUMN xsell.match_review.phone_b IS 'Its phone number.';
COMMENT ON COLUMN xsell.match_review.country_b IS 'Its country.';
COMMENT ON COLUMN xsell.match_review.entity_b IS 'The customer that it belongs to now.';
COMMENT ON COLUMN xsell.match_review.score IS 'How alike they are, 0 to 1.';
COMMENT ON COLUMN xsell.match_review.reason IS 'What speaks for it.';
COMMENT ON COLUMN xsell.match_review.found_at IS 'When the pair was found.';

CREATE VIEW xsell.match_decision WITH (security_invoker = true) AS
SELECT d.org_a, d.account_a, a.name AS name_a, d.org_b, d.account_b, b.name AS name_b, d.same, d.note, d.decided_by, d.decided_at
FROM xsell_internal.match_decision d
LEFT JOIN xsell.account a ON a.org_id = d.org_a AND a.crm_id = d.account_a
LEFT JOIN xsell.account b ON b.org_id = d.org_b AND b.crm_id = d.account_b;
COMMENT ON VIEW xsell.match_decision IS 'What people decided about two accounts; binds every resolution until it is undone.';
COMMENT ON COLUMN xsell.match_decision.org_a IS 'Org of the one account.';
COMMENT ON COLUMN xsell.match_decision.account_a IS 'crm_id of the one account.';
COMMENT ON COLUMN xsell.match_decision.name_a IS 'Its name.';
COMMENT ON COLUMN xsell.match_decision.org_b IS 'Org of the other account.';
COMMENT ON COLUMN xsell.match_decision.account_b IS 'crm_id of the other account.';
COMMENT ON COLUMN xsell.match_decision.name_b IS 'Its name.';
COMMENT ON COLUMN xsell.match_decision.same IS 'One customer (true), or not (false).';
COMMENT ON COLUMN xsell.match_decision.note IS 'Why.';
COMMENT ON COLUMN xsell.match_decision.decided_by IS 'The role that decided.';
COMMENT ON COLUMN xsell.match_decision.decided_at IS 'When.';
