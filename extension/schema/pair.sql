-- Pairs of accounts of two orgs that look alike: which there are, their six similarities, and what they score by: a model of one's own
-- with a real label, or the older platform's weighted sum, said to be one.

CREATE FUNCTION xsell_internal.pair_similarity(same_industry boolean, same_country boolean, log_employees_a double precision, log_employees_b double precision,
    age_days_a double precision, age_days_b double precision, idle_days_a double precision, idle_days_b double precision, shared bigint, apart bigint) RETURNS real[]
LANGUAGE c IMMUTABLE PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_pair_similarity';
COMMENT ON FUNCTION xsell_internal.pair_similarity(boolean, boolean, double precision, double precision, double precision, double precision, double precision,
    double precision, bigint, bigint) IS
'The six similarities of two accounts, each 0 to 1 and 0.5 where NULL makes it unknown, as lookalikes are found by them. shared: products that both bought, apart: that one of them did.';

CREATE FUNCTION xsell_internal.pair_weights() RETURNS double precision[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN '{.3,.25,.2,.15,.05,.05}'::double precision[];
COMMENT ON FUNCTION xsell_internal.pair_weights() IS 'Weights of the six similarities in the score of a pair while no model is deployed: the rule of the older platform, without its noise.';

CREATE FUNCTION xsell_internal.pair_candidates(as_of timestamptz, per_org integer DEFAULT 100)
RETURNS TABLE (org1_id text, account1_id text, entity1_id bigint, org2_id text, account2_id text, entity2_id bigint, x real[])
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000
BEGIN ATOMIC
    WITH firm AS MATERIALIZED (
        SELECT c.org_id, c.crm_id, c.entity_id, c.industry, c.country, c.log_employees, c.created_at
        FROM (SELECT a.org_id, a.crm_id, e.entity_id, NULLIF(pg_catalog.lower(pg_catalog.btrim(a.industry)), '') AS industry,
                     NULLIF(xsell_internal.country_key(a.country), '') AS country, CASE WHEN a.employees > 0 THEN pg_catalog.ln(a.employees::double precision) END AS log_employees,
                     a.created_at, pg_catalog.row_number() OVER (PARTITION BY a.org_id ORDER BY a.annual_revenue_base DESC NULLS LAST, a.crm_id) AS place
              FROM xsell.account a
              JOIN xsell_internal.entity_account e ON e.org_id = a.org_id AND e.account_id = a.crm_id
              WHERE (a.created_at IS NULL OR a.created_at <= $1) AND (a.deleted_at IS NULL OR a.deleted_at > $1)) c
        WHERE c.place <= $2
    ), bought AS MATERIALIZED (
        SELECT p.org_id, p.account_id, p.product_id, pg_catalog.min(p.won_at) AS first_at, pg_catalog.max(p.won_at) AS last_at
        FROM xsell_internal.purchase p JOIN firm f ON f.org_id = p.org_id AND f.crm_id = p.account_id
        WHERE p.won_at <= $1 AND (p.deleted_at IS NULL OR p.deleted_at > $1)
        GROUP BY p.org_id, p.account_id, p.product_id
    ), basket AS (
        SELECT b.org_id, b.account_id, pg_catalog.count(*) AS products, pg_catalog.min(b.first_at) AS first_at, pg_catalog.max(b.last_at) AS last_at
        FROM bought b GROUP BY b.org_id, b.account_id
    ), profile AS MATERIALIZED (
        SELECT f.org_id, f.crm_id, f.entity_id, f.industry, f.country, f.log_employees, COALESCE(b.products, 0) AS products,
               pg_catalog.date_part('epoch', $1 - LEAST(f.created_at, b.first_at)) / 86400 AS age_days,
               pg_catalog.date_part('epoch', $1 - GREATEST(v.last_at, b.last_at)) / 86400 AS idle_days
        FROM firm f
        LEFT JOIN basket b ON b.org_id = f.org_id AND b.account_id = f.crm_id
        LEFT JOIN LATERAL (
            SELECT pg_catalog.max(t.occurred_at) AS last_at FROM xsell.activity t
            WHERE t.org_id = f.org_id AND t.account_id = f.crm_id AND t.occurred_at <= $1 AND (t.created_at IS NULL OR t.created_at <= $1)
              AND (t.deleted_at IS NULL OR t.deleted_at > $1)) v ON true
    ), common AS (
        SELECT a.org_id AS org1, a.account_id AS account1, b.org_id AS org2, b.account_id AS account2, pg_catalog.count(*) AS products
        FROM bought a JOIN bought b ON b.product_id = a.product_id AND b.org_id COLLATE "C" > a.org_id
        GROUP BY a.org_id, a.account_id, b.org_id, b.account_id
    )
    SELECT a.org_id, a.crm_id, a.entity_id, b.org_id, b.crm_id, b.entity_id,
           xsell_internal.pair_similarity(a.industry = b.industry, a.country = b.country, a.log_employees, b.log_employees, a.age_days, b.age_days,
               a.idle_days, b.idle_days, COALESCE(c.products, 0), a.products + b.products - 2 * COALESCE(c.products, 0))
    FROM profile a
    JOIN profile b ON b.org_id COLLATE "C" > a.org_id AND b.entity_id <> a.entity_id
    LEFT JOIN common c ON c.org1 = a.org_id AND c.account1 = a.crm_id AND c.org2 = b.org_id AND c.account2 = b.crm_id;
END;
COMMENT ON FUNCTION xsell_internal.pair_candidates(timestamptz, integer) IS
'Every pair of the highest-revenue accounts of two orgs, by what was known at a time, with the six similarities. Accounts of one customer are no pair.';

-- A model of pairs numbers them by hash: entity_id is the customer of the first account, so that customers stay on one side of a split.
CREATE FUNCTION xsell_internal.pair_number(org1 text, account1 text, org2 text, account2 text) RETURNS bigint
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.hashtextextended(ARRAY[org1, account1, org2, account2]::text, 0);
COMMENT ON FUNCTION xsell_internal.pair_number(text, text, text, text) IS 'The number of a pair as a model of pairs takes it, in the place of a product.';

CREATE FUNCTION xsell_internal.pair_features(as_of timestamptz)
RETURNS TABLE (entity_id bigint, product_id bigint, industry_match real, size_compatibility real, geographic_proximity real,
               product_complementarity real, customer_maturity real, activity_alignment real)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000
BEGIN ATOMIC
    SELECT c.entity1_id, xsell_internal.pair_number(c.org1_id, c.account1_id, c.org2_id, c.account2_id), c.x[1], c.x[2], c.x[3], c.x[4], c.x[5], c.x[6]
    FROM xsell_internal.pair_candidates($1) c;
END;
COMMENT ON FUNCTION xsell_internal.pair_features(timestamptz) IS 'The six similarities of every pair at a time, as a feature set: see xsell.create_pair_model.';

CREATE FUNCTION xsell_internal.pair_labels(as_of timestamptz, horizon interval)
RETURNS TABLE (entity_id bigint, product_id bigint, as_of timestamptz, y integer)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000
BEGIN ATOMIC
    WITH looked AS MATERIALIZED (
        SELECT $1 - n * $2 AS t, c.org1_id, c.account1_id, c.entity1_id, c.org2_id, c.account2_id
        FROM pg_catalog.generate_series(1, 3) n CROSS JOIN LATERAL xsell_internal.pair_candidates($1 - n * $2) c
    ), side AS (
        SELECT l.org1_id AS org_id, l.account1_id AS account_id FROM looked l UNION SELECT l.org2_id, l.account2_id FROM looked l
    ), bought AS MATERIALIZED (
        SELECT p.org_id, p.account_id, p.product_id, pg_catalog.min(p.won_at) AS first_at
        FROM xsell_internal.purchase p JOIN side s ON s.org_id = p.org_id AND s.account_id = p.account_id
        WHERE p.won_at <= $1 GROUP BY p.org_id, p.account_id, p.product_id
    ), followed AS (
        SELECT DISTINCT t.t, b.org_id AS org_b, b.account_id AS account_b, h.org_id AS org_h, h.account_id AS account_h
        FROM (SELECT DISTINCT l.t FROM looked l) t
        JOIN bought b ON b.first_at > t.t AND b.first_at <= t.t + $2
        JOIN bought h ON h.product_id = b.product_id AND h.org_id <> b.org_id AND h.first_at <= t.t
    ), holder AS (
        SELECT t.t, b.org_id, b.account_id FROM (SELECT DISTINCT l.t FROM looked l) t JOIN bought b ON b.first_at <= t.t GROUP BY t.t, b.org_id, b.account_id
    )
    SELECT l.entity1_id, xsell_internal.pair_number(l.org1_id, l.account1_id, l.org2_id, l.account2_id), l.t,
           (f1.t IS NOT NULL OR f2.t IS NOT NULL)::integer
    FROM looked l
    LEFT JOIN holder h1 ON h1.t = l.t AND h1.org_id = l.org1_id AND h1.account_id = l.account1_id
    LEFT JOIN holder h2 ON h2.t = l.t AND h2.org_id = l.org2_id AND h2.account_id = l.account2_id
    LEFT JOIN followed f1 ON f1.t = l.t AND f1.org_b = l.org1_id AND f1.account_b = l.account1_id AND f1.org_h = l.org2_id AND f1.account_h = l.account2_id
    LEFT JOIN followed f2 ON f2.t = l.t AND f2.org_b = l.org2_id AND f2.account_b = l.account2_id AND f2.org_h = l.org1_id AND f2.account_h = l.account1_id
    WHERE h1.t IS NOT NULL OR h2.t IS NOT NULL;
END;
COMMENT ON FUNCTION xsell_internal.pair_labels(timestamptz, interval) IS
'What a model of pairs learns: as of one, two and three horizons before a time, whether one account bought, within the horizon and for the first time, a product that the other had bought before. Pairs of which neither had bought anything are left out.';

CREATE FUNCTION xsell.create_pair_model(horizon interval DEFAULT '180 days') RETURNS text
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF horizon IS NULL OR horizon <= interval '0' THEN
        RAISE EXCEPTION 'horizon must be longer than zero' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    PERFORM xsell.create_feature_set('pair', 'SELECT * FROM xsell_internal.pair_features($1)', 'Six similarities of two accounts');
    PERFORM xsell.create_model('pair', 'pair', format('SELECT * FROM xsell_internal.pair_labels($1, %L)', horizon), horizon,
        'Whether one of two accounts that look alike buys what the other has');
    RETURN $train$CALL xsell.train('pair', NULL, preset => 'classic');$train$;
END
$$;
COMMENT ON FUNCTION xsell.create_pair_model(interval) IS
'Registers the model "pair", which scores pairs of accounts by whether one buys, within the horizon, what the other has. Returns the command that trains it with the older platform''s four members and weights; after xsell.deploy(''pair'', version), xsell.refresh_pairs() scores by it.';

-- The older platform's words.
CREATE FUNCTION xsell_internal.pair_confidence(score double precision, disagreement double precision) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN score > .8 AND disagreement < .1 THEN 'Very High' WHEN score > .7 AND disagreement < .15 THEN 'High' WHEN score > .6 THEN 'Medium' ELSE 'Low' END;
COMMENT ON FUNCTION xsell_internal.pair_confidence(double precision, double precision) IS
'Confidence of a pair by its score and the standard deviation of its members; without members (NULL) at most Medium.';

CREATE FUNCTION xsell_internal.score_pairs(as_of timestamptz, per_org integer)
RETURNS TABLE (org1_id text, account1_id text, org2_id text, account2_id text, x real[], score double precision, score_neural_net double precision,
    score_xgboost double precision, score_random_forest double precision, score_gradient_boost double precision, probability double precision,
    disagreement double precision, version integer)
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF EXISTS (SELECT FROM xsell_internal.deployment d WHERE d.model = 'pair' AND d.role = 'champion') THEN
        RETURN QUERY
        SELECT c.org1_id, c.account1_id, c.org2_id, c.account2_id, c.x, s.raw, s.neural_network, s.xgboost, s.random_forest, s.gradient_boosting,
               s.probability, s.disagreement, s.version
        FROM xsell_internal.pair_candidates(as_of, per_org) c CROSS JOIN LATERAL xsell.score('pair', c.x) s;
    ELSE
        RETURN QUERY
        SELECT c.org1_id, c.account1_id, c.org2_id, c.account2_id, c.x,
               LEAST(1, GREATEST(0, w[1] * c.x[1] + w[2] * c.x[2] + w[3] * c.x[3] + w[4] * c.x[4] + w[5] * c.x[5] + w[6] * c.x[6])),
               NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::float8, NULL::integer
        FROM xsell_internal.pair_candidates(as_of, per_org) c CROSS JOIN xsell_internal.pair_weights() w;
    END IF;
END
$$;
COMMENT ON FUNCTION xsell_internal.score_pairs(timestamptz, integer) IS
'Pairs with their scores: the blend of the members of the deployed model "pair" before calibration, or else the weighted sum of the similarities.';
