-- Who may do what, over everything that the pieces before this one created. Each role's rights are data below; row security is
-- derived from the key columns of each table, so that a new table is protected by having them.

-- Membership is shared by the cluster, like the roles: granted once, silent when it is there.
DO $$
DECLARE
    wanted record;
BEGIN
    FOR wanted IN SELECT * FROM (VALUES ('xsell_reader', 'xsell_analyst'), ('xsell_reader', 'xsell_trainer'), ('xsell_reader', 'xsell_sync'),
                                        ('xsell_analyst', 'xsell_admin'), ('xsell_trainer', 'xsell_admin'), ('xsell_sync', 'xsell_admin')) AS v(given, member) LOOP
        IF NOT EXISTS (SELECT FROM pg_catalog.pg_auth_members m
                       WHERE m.roleid = wanted.given::pg_catalog.regrole AND m.member = wanted.member::pg_catalog.regrole) THEN
            EXECUTE pg_catalog.format('GRANT %I TO %I', wanted.given, wanted.member);
        END IF;
    END LOOP;
END
$$;

REVOKE ALL ON SCHEMA xsell, xsell_internal FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA xsell, xsell_internal FROM PUBLIC;
REVOKE ALL ON ALL SEQUENCES IN SCHEMA xsell, xsell_internal FROM PUBLIC;
REVOKE ALL ON ALL ROUTINES IN SCHEMA xsell, xsell_internal FROM PUBLIC;

GRANT USAGE ON SCHEMA xsell, xsell_internal TO xsell_reader;
-- Views read with the reader's rights, so the tables beneath are readable too, row by row. Source records are not.
GRANT SELECT ON ALL TABLES IN SCHEMA xsell, xsell_internal TO xsell_reader;
REVOKE ALL ON xsell_internal.sync_token FROM xsell_reader;
REVOKE ALL ON xsell_internal.source_record FROM xsell_reader;
REVOKE ALL ON xsell_internal.stored_world FROM xsell_reader;
GRANT SELECT (org_id, object, deleted) ON xsell_internal.source_record TO xsell_reader;
-- Keys are hashes of names and domains, and belong to no org.
REVOKE ALL ON xsell_internal.match_key FROM xsell_reader;
-- The key is made of the spelling of whichever org came first.
REVOKE ALL ON xsell_internal.canonical_product FROM xsell_reader;
GRANT SELECT (product_id, created_at) ON xsell_internal.canonical_product TO xsell_reader;
-- So may be the values of a dictionary.
REVOKE ALL ON xsell_internal.category, xsell.feature_category FROM xsell_reader;
GRANT SELECT (feature_set, version, feature, code, sha256) ON xsell_internal.category TO xsell_reader;
-- Kept features of a customer sum up what every org knows of it.
REVOKE ALL ON xsell_internal.feature_snapshot, xsell.feature_snapshot FROM xsell_reader;
GRANT SELECT ON xsell_internal.category, xsell.feature_category, xsell_internal.feature_snapshot, xsell.feature_snapshot TO xsell_trainer, xsell_sync;
GRANT ALL ON ALL TABLES IN SCHEMA xsell, xsell_internal TO xsell_admin;
-- Nobody writes the log but its triggers.
REVOKE INSERT, UPDATE, DELETE, TRUNCATE ON xsell_internal.change_log FROM xsell_admin;
-- A trigger would run with the rights of whoever writes next.
REVOKE TRIGGER ON ALL TABLES IN SCHEMA xsell, xsell_internal FROM xsell_admin;
GRANT ALL ON ALL SEQUENCES IN SCHEMA xsell, xsell_internal TO xsell_admin;
-- Health data is read by xsell_health alone, org by org; whoever syncs writes it through sync_asides.
REVOKE ALL ON xsell_internal.health_record FROM xsell_reader, xsell_admin;
GRANT USAGE ON SCHEMA xsell, xsell_internal TO xsell_health;
GRANT SELECT ON xsell_internal.health_record, xsell.org_grant TO xsell_health;

GRANT UPDATE (status, status_note, assigned_to) ON xsell_internal.recommendation TO xsell_analyst;
GRANT UPDATE (status, notes, assigned_to) ON xsell_internal.pair TO xsell_analyst;
GRANT INSERT ON xsell_internal.exposure TO xsell_analyst, xsell_sync;
GRANT INSERT ON xsell_internal.outcome TO xsell_analyst;
GRANT INSERT (entity_id, product_id, org_id, until, note), UPDATE (until, note), DELETE ON xsell_internal.suppression TO xsell_analyst;
-- Decisions: who made one is never the maker's to say.
GRANT INSERT (org_a, account_a, org_b, account_b, same, note), UPDATE (same, note), DELETE ON xsell_internal.match_decision TO xsell_analyst;
GRANT INSERT (org_a, product_a, org_b, product_b, note), UPDATE (note), DELETE ON xsell_internal.product_decision TO xsell_analyst;
GRANT UPDATE (product_id, method) ON xsell_internal.product_map TO xsell_analyst;

DO $$
DECLARE
    -- What people change and take back by hand, and what these functions call.
    by_hand constant text := 'set_status|set_pair_status|dismiss|assign|suppress|unsuppress|undo|undo_batch|take_back|accept_match|reject_match|decide_matches'
        '|merge_entities|split_account|apply_match_decisions|map_product|unmap_product|reject_product_match|apply_product_map';
    item record;
BEGIN
    -- What each writing role writes. Texts that functions run (definitions of features, sync_object) are the admin's alone.
    FOR item IN
        SELECT c.oid::pg_catalog.regclass AS relation, g.role, c.relkind
        FROM (VALUES ('xsell_sync', ARRAY['xsell.org', 'xsell.account', 'xsell.contact', 'xsell.lead', 'xsell.product', 'xsell.opportunity',
                         'xsell.opportunity_line', 'xsell.asset', 'xsell.activity', 'xsell.crm_user', 'xsell.stage_map', 'xsell.currency_rate',
                         'xsell_internal.setting', 'xsell_internal.source_record', 'xsell_internal.sync_state', 'xsell_internal.sync_budget', 'xsell_internal.sync_quota', 'xsell_internal.sync_token', 'xsell_internal.sync_run%', 'xsell_internal.sync_page%', 'xsell_internal.sync_worker%',
                         'xsell_internal.sync_org', 'xsell_internal.sync_error%', 'xsell_internal.sync_alert%', 'xsell_internal.sync_seen', 'xsell_internal.sync_field',
                         'xsell_internal.source_field', 'xsell_internal.source_rate', 'xsell_internal.schema_change%', 'xsell_internal.dead_letter%',
                         'xsell_internal.data_quality', 'xsell_internal.training_run%', 'xsell_internal.drift_check']),
                     ('xsell_trainer', ARRAY['xsell_internal.model_%',
                         'xsell_internal.deployment%', 'xsell_internal.exposure', 'xsell_internal.outcome', 'xsell_internal.training_%', 'xsell_internal.backtest_%', 'xsell_internal.holdout%', 'xsell_internal.calibration_bin', 'xsell_internal.feature_snapshot', 'xsell_internal.drift_check'])) AS g(role, pattern)
        CROSS JOIN pg_catalog.pg_class c
        WHERE c.relnamespace IN ('xsell'::pg_catalog.regnamespace, 'xsell_internal'::pg_catalog.regnamespace) AND c.relkind IN ('r', 'p', 'S')
          AND c.relnamespace::pg_catalog.regnamespace::text || '.' || c.relname LIKE ANY (g.pattern)
        UNION ALL  -- refresh
        SELECT c.oid::pg_catalog.regclass, g.role, c.relkind
        FROM pg_catalog.unnest(ARRAY['xsell_sync', 'xsell_trainer']) AS g(role)
        CROSS JOIN pg_catalog.pg_class c
        WHERE c.relnamespace = 'xsell_internal'::pg_catalog.regnamespace AND c.relkind IN ('r', 'p', 'S')
          AND c.relname ~ '^(entity|match_|canonical_product|product_map|deal_product|purchase|holding|recommendation|introduction|whitespace|pair|account_score|stored_|data_quality$)'
    LOOP
        EXECUTE pg_catalog.format(CASE item.relkind WHEN 'S' THEN 'GRANT USAGE, SELECT ON SEQUENCE %s TO %I'
                                                    ELSE 'GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I' END, item.relation, item.role);
    END LOOP;

    -- Functions that only read are everybody's, under the reader's own rights; each of the others has its role.
    FOR item IN
        SELECT p.oid::pg_catalog.regprocedure AS routine, g.role
        FROM pg_catalog.pg_proc p
        JOIN (VALUES ('xsell_reader', true, '.'),
                     ('xsell_reader', false, '^(score_set|event_features|create_scoring_view|drift|query_rows)$'),
                     ('xsell_analyst', false, '^(' || by_hand || '|log_exposures?|record_outcome)$'),
                     ('xsell_sync', false, '^(sync_|collect_whitespace$|describe_whitespace$|refresh|resolve_|assign_|close_|follow_|write_|whitespace_|take_touched|store_|collect_offers$|log_exposures$|request_training$|next_requested_training$|check_drift$|record_drift$)'),
                     ('xsell_trainer', false, '^(?!sync_|(' || by_hand || ')$|create_feature_set$|drop_feature_set$|create_model$|create_pair_model$|drop_model$)'),
                     ('xsell_admin', false, '.')) AS g(role, reads, pattern)
          ON g.reads = (p.provolatile <> 'v') AND p.proname ~ g.pattern
        WHERE p.pronamespace IN ('xsell'::pg_catalog.regnamespace, 'xsell_internal'::pg_catalog.regnamespace)
          AND p.prorettype NOT IN ('pg_catalog.trigger'::pg_catalog.regtype, 'pg_catalog.event_trigger'::pg_catalog.regtype)
    LOOP
        EXECUTE pg_catalog.format('GRANT EXECUTE ON ROUTINE %s TO %I', item.routine, item.role);
    END LOOP;
END
$$;
-- They say whether orgs that one does not see know a customer or a product: for those whose writing hangs on it.
REVOKE ALL ON FUNCTION xsell_internal.sees_entity(bigint), xsell_internal.sees_product(bigint) FROM xsell_reader;
GRANT EXECUTE ON FUNCTION xsell_internal.sees_entity(bigint), xsell_internal.sees_product(bigint) TO xsell_analyst, xsell_sync, xsell_trainer;

-- Rows. A grant is seen by the members of its role, an org's rows by those who see a grant of it, and what belongs to no single org
-- (an entity, a product, a reason) by those who see something that it stands for; what belongs to an entity and a product, by those who
-- see both. The three service roles see every org.
ALTER TABLE xsell.org_grant ENABLE ROW LEVEL SECURITY;
-- IN, not EXISTS: every policy contains this one, and its estimated cost decides whether a small query is compiled for seconds.
CREATE POLICY visible ON xsell.org_grant USING (role IN (
    SELECT r.rolname::text FROM pg_catalog.pg_roles r WHERE pg_catalog.pg_has_role(r.oid, 'USAGE')));
CREATE POLICY service ON xsell.org_grant TO xsell_sync, xsell_trainer, xsell_admin USING (true);

-- A change is seen by those who see every org that it is about; one that is for all orgs, by those who see the customer.
ALTER TABLE xsell_internal.change_log ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON xsell_internal.change_log FOR SELECT USING (
    orgs <@ ARRAY(SELECT g.org_id FROM xsell.org_grant g)
    AND (orgs <> '{}' OR EXISTS (SELECT FROM xsell_internal.entity_account k WHERE k.entity_id = change_log.entity_id)));
CREATE POLICY service ON xsell_internal.change_log TO xsell_sync, xsell_trainer, xsell_admin USING (true);

-- What is said of two accounts is seen by those who see both.
ALTER TABLE xsell_internal.match_pair ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON xsell_internal.match_pair FOR SELECT USING (
    org_a IN (SELECT g.org_id FROM xsell.org_grant g) AND org_b IN (SELECT g.org_id FROM xsell.org_grant g));
CREATE POLICY service ON xsell_internal.match_pair TO xsell_sync, xsell_trainer, xsell_admin USING (true);
ALTER TABLE xsell_internal.match_decision ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON xsell_internal.match_decision USING (
    org_a IN (SELECT g.org_id FROM xsell.org_grant g) AND org_b IN (SELECT g.org_id FROM xsell.org_grant g));
CREATE POLICY service ON xsell_internal.match_decision TO xsell_sync, xsell_trainer, xsell_admin USING (true);

ALTER TABLE xsell_internal.pair ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON xsell_internal.pair USING (
    org1_id IN (SELECT g.org_id FROM xsell.org_grant g) AND org2_id IN (SELECT g.org_id FROM xsell.org_grant g));
CREATE POLICY service ON xsell_internal.pair TO xsell_sync, xsell_trainer, xsell_admin USING (true);

-- A rule for everybody names no org.
ALTER TABLE xsell.work_list_rule ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON xsell.work_list_rule USING (org_id IS NULL OR org_id IN (SELECT g.org_id FROM xsell.org_grant g));
CREATE POLICY service ON xsell.work_list_rule TO xsell_sync, xsell_trainer, xsell_admin USING (true);

ALTER TABLE xsell_internal.product_decision ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON xsell_internal.product_decision USING (
    org_a IN (SELECT g.org_id FROM xsell.org_grant g) AND org_b IN (SELECT g.org_id FROM xsell.org_grant g));
CREATE POLICY service ON xsell_internal.product_decision TO xsell_sync, xsell_trainer, xsell_admin USING (true);

-- A suppression is seen by those who see its org and its customer; one that is for every org, changed by those alone who see every org
-- that knows the customer.
ALTER TABLE xsell_internal.suppression ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON xsell_internal.suppression FOR SELECT USING (
    (org_id IS NULL OR org_id IN (SELECT g.org_id FROM xsell.org_grant g))
    AND EXISTS (SELECT FROM xsell_internal.entity_account k WHERE k.entity_id = suppression.entity_id)
    AND (product_id IS NULL OR EXISTS (SELECT FROM xsell_internal.product_map k WHERE k.product_id = suppression.product_id)));
CREATE POLICY made ON xsell_internal.suppression FOR INSERT WITH CHECK (
    CASE WHEN org_id IS NULL THEN xsell_internal.sees_entity(entity_id) ELSE org_id IN (SELECT g.org_id FROM xsell.org_grant g) END
    AND EXISTS (SELECT FROM xsell_internal.entity_account k WHERE k.entity_id = suppression.entity_id)
    AND (product_id IS NULL OR EXISTS (SELECT FROM xsell_internal.product_map k WHERE k.product_id = suppression.product_id)));
CREATE POLICY changed ON xsell_internal.suppression FOR UPDATE USING (org_id IS NOT NULL OR xsell_internal.sees_entity(entity_id));
CREATE POLICY lifted ON xsell_internal.suppression FOR DELETE USING (org_id IS NOT NULL OR xsell_internal.sees_entity(entity_id));
CREATE POLICY service ON xsell_internal.suppression TO xsell_sync, xsell_trainer, xsell_admin USING (true);

-- A product of one's org is mapped to one that one knows.
ALTER TABLE xsell_internal.product_map ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON xsell_internal.product_map USING (org_id IN (SELECT g.org_id FROM xsell.org_grant g))
    WITH CHECK (org_id IN (SELECT g.org_id FROM xsell.org_grant g) AND xsell_internal.sees_product(product_id));
CREATE POLICY service ON xsell_internal.product_map TO xsell_sync, xsell_trainer, xsell_admin USING (true);

-- A lookalike is named to those who may know of the customer too.
ALTER TABLE xsell_internal.recommendation_lookalike ENABLE ROW LEVEL SECURITY;
CREATE POLICY visible ON xsell_internal.recommendation_lookalike FOR SELECT USING (
    EXISTS (SELECT FROM xsell_internal.recommendation k WHERE k.recommendation_id = recommendation_lookalike.recommendation_id)
    AND EXISTS (SELECT FROM xsell_internal.entity_account k WHERE k.entity_id = recommendation_lookalike.entity_id));
CREATE POLICY service ON xsell_internal.recommendation_lookalike TO xsell_sync, xsell_trainer, xsell_admin USING (true);

DO $$
DECLARE
    item record;
BEGIN
    FOR item IN
        SELECT DISTINCT ON (c.oid) c.oid::pg_catalog.regclass AS relation, c.relname, a.attname, k.home,
               k.attname = 'entity_id' AND EXISTS (SELECT FROM pg_catalog.pg_attribute p WHERE p.attrelid = c.oid AND p.attname = 'product_id') AS pairs
        FROM pg_catalog.pg_class c
        JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
        JOIN (VALUES (1, 'org_id', NULL), (2, 'recommendation_id', 'recommendation'), (3, 'entity_id', 'entity_account'),
                     (4, 'product_id', 'product_map')) AS k(place, attname, home) ON k.attname = a.attname
        WHERE c.relnamespace IN ('xsell'::pg_catalog.regnamespace, 'xsell_internal'::pg_catalog.regnamespace) AND c.relkind IN ('r', 'p')
          AND NOT c.relrowsecurity
        ORDER BY c.oid, k.place
    LOOP
        EXECUTE pg_catalog.format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', item.relation);
        EXECUTE pg_catalog.format('CREATE POLICY visible ON %s USING (%s)', item.relation, CASE
            WHEN item.home IS NULL THEN 'org_id IN (SELECT g.org_id FROM xsell.org_grant g)'
            ELSE pg_catalog.format('EXISTS (SELECT FROM xsell_internal.%I k WHERE k.%I = %I.%2$I)', item.home, item.attname, item.relname)
                 || CASE WHEN item.pairs THEN pg_catalog.format(
                        ' AND (product_id IS NULL OR EXISTS (SELECT FROM xsell_internal.product_map k WHERE k.product_id = %I.product_id))', item.relname) ELSE '' END END);
        EXECUTE pg_catalog.format('CREATE POLICY service ON %s TO xsell_sync, xsell_trainer, xsell_admin USING (true)', item.relation);
    END LOOP;
END
$$;
