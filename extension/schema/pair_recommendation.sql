-- The older platform's view: pairs of accounts of two orgs that look alike, with its columns, thresholds and texts. A pair is stored,
-- so that its status, owner and notes outlive a new score; changes by hand are in xsell.change_history.

CREATE TABLE xsell_internal.pair (
    pair_id              bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org1_id              text NOT NULL,
    account1_id          text NOT NULL,
    org2_id              text NOT NULL,
    account2_id          text NOT NULL,
    score                double precision NOT NULL CHECK (score BETWEEN 0 AND 1),
    score_neural_net     double precision,
    score_xgboost        double precision,
    score_random_forest  double precision,
    score_gradient_boost double precision,
    probability          double precision,
    score_source         text NOT NULL CHECK (score_source IN ('model', 'heuristic')),
    version              integer,
    confidence_level     text NOT NULL,
    recommendation_type  text NOT NULL,
    estimated_value      numeric,
    next_best_action     text NOT NULL,
    rank                 integer,
    similarity           real[] NOT NULL,
    status               text NOT NULL DEFAULT 'new' CHECK (status IN ('new', 'in_progress', 'converted', 'dismissed')),
    assigned_to          text,
    notes                text,
    created_at           timestamptz NOT NULL,
    updated_at           timestamptz NOT NULL,
    actioned_at          timestamptz,
    UNIQUE (org1_id, account1_id, org2_id, account2_id),
    CHECK (org1_id COLLATE "C" < org2_id)
);
COMMENT ON TABLE xsell_internal.pair IS 'Pairs of accounts of two orgs; the lower org first. rank: place among the pairs of the two orgs, NULL where the last refresh did not keep it.';
COMMENT ON COLUMN xsell_internal.pair.similarity IS 'industry_match, size_compatibility, geographic_proximity, product_complementarity, customer_maturity, activity_alignment.';

CREATE FUNCTION xsell_internal.write_pairs(as_of timestamptz, min_score double precision, per_org integer) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET enable_nestloop = off  -- the table grows within the transaction: statistics lag behind, and a nested loop would be ruinous
SET jit = off
SET client_min_messages = error  -- who is not the owner may refresh, not analyze: no reason to warn
AS $$
DECLARE
    kept bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('xsell.pairs', 0));
    DROP TABLE IF EXISTS pg_temp.xsell_pair;
    CREATE TEMPORARY TABLE xsell_pair ON COMMIT DROP AS
    SELECT s.*, xsell_internal.pair_confidence(s.score, s.disagreement) AS confidence_level,
           CASE WHEN lower(btrim(a.industry)) = lower(btrim(b.industry)) AND btrim(a.industry) <> '' THEN 'Industry Expansion'
                WHEN 'partner' IN (lower(a.type), lower(b.type)) THEN 'Partner Referral' ELSE 'Market Development' END AS recommendation_type,
           round(.1 * (SELECT avg(r) FROM unnest(ARRAY[a.annual_revenue_base, b.annual_revenue_base]) r), 2) AS estimated_value,
           xsell_internal.next_action('pair', s.score, '{.6,.7,.8}') AS next_best_action,
           row_number() OVER (PARTITION BY s.org1_id, s.org2_id ORDER BY s.score DESC, s.account1_id, s.account2_id)::integer AS rank
    FROM xsell_internal.score_pairs(as_of, per_org) s
    JOIN xsell.account a ON a.org_id = s.org1_id AND a.crm_id = s.account1_id
    JOIN xsell.account b ON b.org_id = s.org2_id AND b.crm_id = s.account2_id
    WHERE s.score > min_score;
    GET DIAGNOSTICS kept = ROW_COUNT;
    ANALYZE pg_temp.xsell_pair;

    UPDATE xsell_internal.pair p
    SET score = k.score, score_neural_net = k.score_neural_net, score_xgboost = k.score_xgboost, score_random_forest = k.score_random_forest,
        score_gradient_boost = k.score_gradient_boost, probability = k.probability, version = k.version,
        score_source = CASE WHEN k.version IS NULL THEN 'heuristic' ELSE 'model' END, confidence_level = k.confidence_level,
        recommendation_type = k.recommendation_type, estimated_value = k.estimated_value, next_best_action = k.next_best_action, rank = k.rank,
        similarity = k.x, updated_at = as_of
    FROM pg_temp.xsell_pair k
    WHERE (p.org1_id, p.account1_id, p.org2_id, p.account2_id) = (k.org1_id, k.account1_id, k.org2_id, k.account2_id)
      AND (p.score, p.score_neural_net, p.score_xgboost, p.score_random_forest, p.score_gradient_boost, p.probability, p.version, p.recommendation_type,
           p.estimated_value, p.rank, p.similarity)
          IS DISTINCT FROM (k.score, k.score_neural_net, k.score_xgboost, k.score_random_forest, k.score_gradient_boost, k.probability, k.version,
           k.recommendation_type, k.estimated_value, k.rank, k.x);
    INSERT INTO xsell_internal.pair (org1_id, account1_id, org2_id, account2_id, score, score_neural_net, score_xgboost, score_random_forest,
        score_gradient_boost, probability, score_source, version, confidence_level, recommendation_type, estimated_value, next_best_action, rank,
        similarity, created_at, updated_at)
    SELECT k.org1_id, k.account1_id, k.org2_id, k.account2_id, k.score, k.score_neural_net, k.score_xgboost, k.score_random_forest, k.score_gradient_boost,
           k.probability, CASE WHEN k.version IS NULL THEN 'heuristic' ELSE 'model' END, k.version, k.confidence_level, k.recommendation_type,
           k.estimated_value, k.next_best_action, k.rank, k.x, as_of, as_of
    FROM pg_temp.xsell_pair k
    WHERE NOT EXISTS (SELECT FROM xsell_internal.pair p
                      WHERE (p.org1_id, p.account1_id, p.org2_id, p.account2_id) = (k.org1_id, k.account1_id, k.org2_id, k.account2_id))
    ORDER BY k.org1_id, k.org2_id, k.rank;
    -- What nobody ever touched goes; what somebody did stays, without a rank.
    DELETE FROM xsell_internal.pair p
    WHERE NOT EXISTS (SELECT FROM pg_temp.xsell_pair k WHERE (k.org1_id, k.account1_id, k.org2_id, k.account2_id) = (p.org1_id, p.account1_id, p.org2_id, p.account2_id))
      AND p.status = 'new' AND p.notes IS NULL AND p.assigned_to IS NULL;
    UPDATE xsell_internal.pair p SET rank = NULL, updated_at = as_of
    WHERE p.rank IS NOT NULL
      AND NOT EXISTS (SELECT FROM pg_temp.xsell_pair k WHERE (k.org1_id, k.account1_id, k.org2_id, k.account2_id) = (p.org1_id, p.account1_id, p.org2_id, p.account2_id));
    DROP TABLE pg_temp.xsell_pair;
    ANALYZE xsell_internal.pair;
    RETURN kept;
END
$$;
COMMENT ON FUNCTION xsell_internal.write_pairs(timestamptz, double precision, integer) IS 'Brings the stored pairs in line with their scores at a time; returns how many are kept.';

CREATE FUNCTION xsell.refresh_pairs(min_score double precision DEFAULT 0.5, per_org integer DEFAULT 100) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    kept bigint;
BEGIN
    IF min_score IS NULL OR min_score NOT BETWEEN 0 AND 1 THEN
        RAISE EXCEPTION 'min_score must be between 0 and 1' USING ERRCODE = 'invalid_parameter_value';
    ELSIF per_org IS NULL OR per_org NOT BETWEEN 1 AND 2000 THEN
        RAISE EXCEPTION 'per_org must be between 1 and 2000' USING ERRCODE = 'invalid_parameter_value',
            HINT = 'Every account of one org is compared with every account of each other org.';
    END IF;
    kept := xsell_internal.write_pairs(xsell.clock(), min_score, per_org);
    IF kept = 0 AND EXISTS (SELECT FROM xsell_internal.deployment d WHERE d.model = 'pair' AND d.role = 'champion') THEN
        RAISE NOTICE 'no pair scores above %', min_score
            USING HINT = 'A model that has learnt how rarely one buys what the other has gives low scores: ask for less, such as xsell.refresh_pairs(0.1).';
    END IF;
    RETURN kept;
END
$$;
COMMENT ON FUNCTION xsell.refresh_pairs(double precision, integer) IS
'Scores the pairs of the accounts with the highest revenue, per_org from each org, and keeps those above min_score; returns how many. Status, owner and notes of a pair survive. Customers are those of the last xsell.refresh().';

-- By hand.

CREATE FUNCTION xsell_internal.stamp_pair() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF (NEW.status, NEW.notes, NEW.assigned_to) IS DISTINCT FROM (OLD.status, OLD.notes, OLD.assigned_to) THEN
        NEW.updated_at := xsell.clock();
        NEW.actioned_at := CASE WHEN NEW.status = 'converted' THEN COALESCE(OLD.actioned_at, xsell.clock()) END;
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION xsell_internal.stamp_pair() IS 'Trigger: when a pair was changed by hand, and when it was converted.';
CREATE TRIGGER begin_changes BEFORE UPDATE OF status, notes, assigned_to ON xsell_internal.pair
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.begin_changes();
CREATE TRIGGER stamp_pair BEFORE UPDATE OF status, notes, assigned_to ON xsell_internal.pair
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.stamp_pair();
CREATE TRIGGER log_change AFTER UPDATE OF status, notes, assigned_to ON xsell_internal.pair
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.log_change('pair', 'pair_id', 'status,notes,assigned_to');

CREATE FUNCTION xsell.set_pair_status(pair_id bigint, status text DEFAULT NULL, notes text DEFAULT NULL, assigned_to text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known constant text[] := ARRAY['new', 'in_progress', 'converted', 'dismissed'];
BEGIN
    IF status <> ALL (known) THEN
        RAISE EXCEPTION 'status "%" is not valid', status USING ERRCODE = 'invalid_parameter_value', HINT = format('Valid are: %s.', array_to_string(known, ', '));
    END IF;
    UPDATE xsell_internal.pair p
    SET status = COALESCE(set_pair_status.status, p.status), notes = CASE WHEN set_pair_status.notes IS NULL THEN p.notes ELSE NULLIF(set_pair_status.notes, '') END,
        assigned_to = CASE WHEN set_pair_status.assigned_to IS NULL THEN p.assigned_to ELSE NULLIF(set_pair_status.assigned_to, '') END
    WHERE p.pair_id = set_pair_status.pair_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'pair % does not exist', COALESCE(pair_id::text, 'NULL') USING ERRCODE = 'undefined_object',
            HINT = 'SELECT id FROM xsell.pair_recommendation lists those that you may see.';
    END IF;
    RETURN (SELECT max(l.change_id) FROM xsell_internal.change_log l WHERE l.action = 'pair' AND l.target = jsonb_build_object('pair_id', set_pair_status.pair_id));
END
$$;
COMMENT ON FUNCTION xsell.set_pair_status(bigint, text, text, text) IS
'Sets status (new, in_progress, converted, dismissed), notes and owner of a pair; what is NULL stays, '''' takes notes or owner away. Returns the latest change of the pair, for xsell.undo.';

-- What people read. A pair is seen by those who see both orgs.

CREATE VIEW xsell.pair_recommendation WITH (security_invoker = true) AS
SELECT p.pair_id AS id, p.account1_id, a.name AS account1_name, o1.name AS account1_org, p.org1_id, a.industry AS org1_industry,
       p.account2_id, b.name AS account2_name, o2.name AS account2_org, p.org2_id, b.industry AS org2_industry,
       p.score, p.score_neural_net, p.score_xgboost, p.score_random_forest, p.score_gradient_boost, p.confidence_level, p.recommendation_type,
       p.estimated_value, p.next_best_action, p.status, p.assigned_to, p.notes, p.created_at, p.updated_at, p.actioned_at,
       pg_catalog.jsonb_build_object('industry_match', p.similarity[1], 'size_compatibility', p.similarity[2], 'geographic_proximity', p.similarity[3],
           'product_complementarity', p.similarity[4], 'customer_maturity', p.similarity[5], 'activity_alignment', p.similarity[6]) AS feature_values,
       p.rank, p.similarity[1] AS industry_match, p.similarity[2] AS size_compatibility, p.similarity[3] AS geographic_proximity,
       p.similarity[4] AS product_complementarity, p.similarity[5] AS customer_maturity, p.similarity[6] AS activity_alignment,
       p.score_source, p.probability, p.version, (SELECT xsell.base_currency()) AS currency
FROM xsell_internal.pair p
LEFT JOIN xsell.account a ON a.org_id = p.org1_id AND a.crm_id = p.account1_id
LEFT JOIN xsell.account b ON b.org_id = p.org2_id AND b.crm_id = p.account2_id
LEFT JOIN xsell.org o1 ON o1.org_id = p.org1_id
LEFT JOIN xsell.org o2 ON o2.org_id = p.org2_id;
COMMENT ON VIEW xsell.pair_recommendation IS
'Pairs of accounts of two orgs that look alike, with the columns of the older platform; written by xsell.refresh_pairs(). What to sell to whom is in xsell.recommendation.';
COMMENT ON COLUMN xsell.pair_recommendation.id IS 'Number of the pair; stays the same over refreshes.';
COMMENT ON COLUMN xsell.pair_recommendation.account1_id IS 'crm_id of the account in the first org.';
COMMENT ON COLUMN xsell.pair_recommendation.account1_name IS 'Its name.';
COMMENT ON COLUMN xsell.pair_recommendation.account1_org IS 'Name of the first org.';
COMMENT ON COLUMN xsell.pair_recommendation.org1_id IS 'The first org: the lower of the two by name.';
COMMENT ON COLUMN xsell.pair_recommendation.org1_industry IS 'Industry of the first account.';
COMMENT ON COLUMN xsell.pair_recommendation.account2_id IS 'crm_id of the account in the second org.';
COMMENT ON COLUMN xsell.pair_recommendation.account2_name IS 'Its name.';
COMMENT ON COLUMN xsell.pair_recommendation.account2_org IS 'Name of the second org.';
COMMENT ON COLUMN xsell.pair_recommendation.org2_id IS 'The second org.';
COMMENT ON COLUMN xsell.pair_recommendation.org2_industry IS 'Industry of the second account.';
COMMENT ON COLUMN xsell.pair_recommendation.score IS '0 to 1: by the model "pair" .3 neural network + .3 XGBoost + .2 random forest + .2 gradient boosting, or else .3 industry_match + .25 size_compatibility + .2 geographic_proximity + .15 product_complementarity + .05 customer_maturity + .05 activity_alignment; see score_source.';
COMMENT ON COLUMN xsell.pair_recommendation.score_neural_net IS 'Score of the neural network; NULL while no model "pair" is deployed.';
COMMENT ON COLUMN xsell.pair_recommendation.score_xgboost IS 'Score of XGBoost; NULL likewise.';
COMMENT ON COLUMN xsell.pair_recommendation.score_random_forest IS 'Score of the random forest; NULL likewise.';
COMMENT ON COLUMN xsell.pair_recommendation.score_gradient_boost IS 'Score of gradient boosting; NULL likewise.';
COMMENT ON COLUMN xsell.pair_recommendation.confidence_level IS 'Very High (score above .8, standard deviation of the four below .1), High (.7, .15), Medium (.6) or Low. Without the four at most Medium.';
COMMENT ON COLUMN xsell.pair_recommendation.recommendation_type IS 'Industry Expansion (same industry), Partner Referral (one of the two is a partner) or Market Development.';
COMMENT ON COLUMN xsell.pair_recommendation.estimated_value IS 'A tenth of the mean yearly revenue of the two, in the base currency; of the one that is known, NULL where neither is. No forecast: that is expected_revenue of xsell.recommendation.';
COMMENT ON COLUMN xsell.pair_recommendation.next_best_action IS 'What to do next, by the score.';
COMMENT ON COLUMN xsell.pair_recommendation.status IS 'new, in_progress, converted or dismissed; set by xsell.set_pair_status.';
COMMENT ON COLUMN xsell.pair_recommendation.assigned_to IS 'Who works on it.';
COMMENT ON COLUMN xsell.pair_recommendation.notes IS 'Notes.';
COMMENT ON COLUMN xsell.pair_recommendation.created_at IS 'First refresh that kept it.';
COMMENT ON COLUMN xsell.pair_recommendation.updated_at IS 'When it last changed.';
COMMENT ON COLUMN xsell.pair_recommendation.actioned_at IS 'When it was converted.';
COMMENT ON COLUMN xsell.pair_recommendation.feature_values IS 'The six similarities as the older platform gave them; also columns of their own.';
COMMENT ON COLUMN xsell.pair_recommendation.rank IS '1 is the highest score between the two orgs; NULL: the last refresh did not keep it, it is here because somebody worked on it.';
COMMENT ON COLUMN xsell.pair_recommendation.industry_match IS '1: same industry, 0: another, 0.5: unknown.';
COMMENT ON COLUMN xsell.pair_recommendation.size_compatibility IS '1 / (1 + |ln of the ratio of employees|); 0.5: unknown.';
COMMENT ON COLUMN xsell.pair_recommendation.geographic_proximity IS '1: same country, 0.3: another, 0.5: unknown.';
COMMENT ON COLUMN xsell.pair_recommendation.product_complementarity IS 'Products that one of the two bought, over all that either did plus one; 0.5: neither bought any.';
COMMENT ON COLUMN xsell.pair_recommendation.customer_maturity IS 'Age as a customer, the younger over the older; 0.5: unknown.';
COMMENT ON COLUMN xsell.pair_recommendation.activity_alignment IS '2 / (2 + days since the last activity of each over 30); 0.5: unknown.';
COMMENT ON COLUMN xsell.pair_recommendation.score_source IS 'model or heuristic: the weighted sum of the six, which has learnt nothing.';
COMMENT ON COLUMN xsell.pair_recommendation.probability IS 'Calibrated probability that one of the two buys what the other has within the horizon of the model; NULL for the heuristic.';
COMMENT ON COLUMN xsell.pair_recommendation.version IS 'Version of the model "pair".';
COMMENT ON COLUMN xsell.pair_recommendation.currency IS 'Currency of the value: the base currency.';

CREATE VIEW xsell.shared_customer WITH (security_invoker = true) AS
SELECT e1.entity_id, e1.org_id AS org1_id, e1.account_id AS account1_id, a.name AS account1_name, e2.org_id AS org2_id, e2.account_id AS account2_id, b.name AS account2_name,
       LEAST(e1.match_confidence, e2.match_confidence) AS match_confidence
FROM xsell_internal.entity_account e1
JOIN xsell_internal.entity_account e2 ON e2.entity_id = e1.entity_id AND e2.org_id COLLATE "C" > e1.org_id
JOIN xsell.account a ON a.org_id = e1.org_id AND a.crm_id = e1.account_id AND a.deleted_at IS NULL
JOIN xsell.account b ON b.org_id = e2.org_id AND b.crm_id = e2.account_id AND b.deleted_at IS NULL;
COMMENT ON VIEW xsell.shared_customer IS 'Customers that two orgs have in common: their accounts are one company, and so no pair of xsell.pair_recommendation.';
COMMENT ON COLUMN xsell.shared_customer.entity_id IS 'The customer.';
COMMENT ON COLUMN xsell.shared_customer.org1_id IS 'One org.';
COMMENT ON COLUMN xsell.shared_customer.account1_id IS 'Its account there.';
COMMENT ON COLUMN xsell.shared_customer.account1_name IS 'Name of that account.';
COMMENT ON COLUMN xsell.shared_customer.org2_id IS 'Another org.';
COMMENT ON COLUMN xsell.shared_customer.account2_id IS 'Its account there.';
COMMENT ON COLUMN xsell.shared_customer.account2_name IS 'Name of that account.';
COMMENT ON COLUMN xsell.shared_customer.match_confidence IS 'How sure it is that the two are one: the lower of both.';

SELECT pg_catalog.pg_extension_config_dump('xsell_internal.pair', '');
SELECT pg_catalog.pg_extension_config_dump('xsell_internal.pair_pair_id_seq', '');
