-- Outcomes: what became of recommendations, and what would have happened without.

CREATE TABLE xsell_internal.holdout (
    holdout_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    since      timestamptz NOT NULL,
    share      double precision NOT NULL CHECK (share BETWEEN 0 AND 0.5),
    seed       bigint NOT NULL,
    set_by     text NOT NULL DEFAULT CURRENT_USER,
    set_at     timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE xsell_internal.holdout IS
'Which share of the customers was held out since when: rows are only added, so that what was made under an earlier setting is still read by it.';

-- By a hash that is the same on every server: a customer stays where it is, and a larger share adds to a smaller one.
CREATE FUNCTION xsell_internal.drawn(entity bigint, share double precision, seed bigint) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN (pg_catalog.hashint8extended(entity, seed) & 1048575) < share * 1048576;
COMMENT ON FUNCTION xsell_internal.drawn(bigint, double precision, bigint) IS 'Whether an entity belongs to a share that a seed draws.';

CREATE FUNCTION xsell_internal.in_holdout(entity bigint) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN COALESCE(xsell_internal.drawn(entity, (SELECT h.share FROM xsell_internal.holdout h ORDER BY h.holdout_id DESC LIMIT 1),
                                     (SELECT h.seed FROM xsell_internal.holdout h ORDER BY h.holdout_id DESC LIMIT 1)), false);
COMMENT ON FUNCTION xsell_internal.in_holdout(bigint) IS 'Whether recommendations of an entity are kept from everybody, to measure what happens without.';

CREATE FUNCTION xsell.set_holdout(share double precision, seed bigint DEFAULT NULL) RETURNS double precision
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    present xsell_internal.holdout;
    wanted bigint;
BEGIN
    IF share IS NULL OR NOT share BETWEEN 0 AND 0.5 THEN
        RAISE EXCEPTION 'share must be from 0 to 0.5' USING ERRCODE = 'invalid_parameter_value',
            HINT = '0.1 keeps the recommendations of one customer in ten back; 0 ends it.';
    END IF;
    LOCK TABLE xsell_internal.holdout IN SHARE ROW EXCLUSIVE MODE;
    SELECT h.* INTO present FROM xsell_internal.holdout h ORDER BY h.holdout_id DESC LIMIT 1;
    wanted := COALESCE(set_holdout.seed, present.seed, 20);
    IF (present.share, present.seed) IS DISTINCT FROM (share, wanted) AND NOT (present.share IS NULL AND share = 0) THEN
        INSERT INTO xsell_internal.holdout (since, share, seed) VALUES (xsell.clock(), share, wanted);
    END IF;
    RETURN share;
END
$$;
COMMENT ON FUNCTION xsell.set_holdout(double precision, bigint) IS
'Keeps the recommendations of a share of the customers (0 to 0.5; at first 0) from everybody, from the next xsell.refresh() on, so that xsell.lift_by_month can tell what the others gain. The same customers stay held out until seed, or the share, says otherwise. Returns the share.';

-- How long a recommendation has to come true.
CREATE FUNCTION xsell_internal.outcome_window() RETURNS interval
LANGUAGE sql STABLE PARALLEL SAFE
RETURN COALESCE((SELECT m.horizon FROM xsell_internal.model m WHERE m.model = 'cross_sell'), interval '180 days');
COMMENT ON FUNCTION xsell_internal.outcome_window() IS 'The horizon of cross_sell: wins of a recommended product count from its first recommendation until so long after it.';

-- In the table too: whoever sells must not learn of them, or the experiment is none. Whoever refreshes and trains sees all.
CREATE POLICY held_back ON xsell_internal.recommendation AS RESTRICTIVE USING (
    NOT held_out OR first_seen <= (SELECT xsell.clock() - xsell_internal.outcome_window())
    OR (SELECT pg_catalog.bool_or(pg_catalog.pg_has_role(r.oid, 'USAGE')) FROM pg_catalog.pg_roles r WHERE r.rolname IN ('xsell_sync', 'xsell_trainer', 'xsell_admin')));

-- Who was held out at first and shown later within the window belongs to neither side.
CREATE FUNCTION xsell_internal.cohort_of(entity bigint, first_seen timestamptz, ends timestamptz) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT CASE WHEN pg_catalog.bool_and(s.held) THEN 'holdout' WHEN (pg_catalog.array_agg(s.held ORDER BY s.holdout_id))[1] THEN 'released' ELSE 'treated' END
    FROM (SELECT h.holdout_id, xsell_internal.drawn(cohort_of.entity, h.share, h.seed) AS held, h.since,
                 pg_catalog.lead(h.since, 1, 'infinity') OVER (ORDER BY h.holdout_id) AS until
          FROM (SELECT 0::bigint AS holdout_id, '-infinity'::timestamptz AS since, 0::double precision AS share, 0::bigint AS seed
                UNION ALL SELECT o.holdout_id, o.since, o.share, o.seed FROM xsell_internal.holdout o) h) s
    WHERE s.since <= LEAST(cohort_of.ends, xsell.clock()) AND s.until > cohort_of.first_seen;
END;
COMMENT ON FUNCTION xsell_internal.cohort_of(bigint, timestamptz, timestamptz) IS
'treated; holdout: kept back all the time; released: kept back at first. By the settings in force from the first recommendation on.';

CREATE VIEW xsell.recommendation_outcome WITH (security_invoker = true) AS
SELECT r.recommendation_id, r.entity_id, r.product_id, r.org_id, r.route, r.first_seen, r.first_seen + w.length AS window_ends, r.status, c.cohort,
       CASE WHEN p.won_at IS NOT NULL THEN p.won_at WHEN r.status = 'won' THEN r.status_at END AS won_at, p.amount AS won_amount,
       (pg_catalog.date_part('epoch', CASE WHEN p.won_at IS NOT NULL THEN p.won_at WHEN r.status = 'won' THEN r.status_at END - r.first_seen) / 86400)::real AS days_to_win,
       CASE WHEN p.won_at IS NOT NULL OR r.status = 'won' THEN 'won' WHEN r.status IN ('lost', 'dismissed') THEN 'lost'
            WHEN r.status = 'expired' OR r.first_seen + w.length <= (SELECT xsell.clock()) THEN 'expired' ELSE 'open' END AS outcome,
       CASE WHEN p.won_at IS NOT NULL THEN 'purchase' WHEN r.status IN ('won', 'lost', 'dismissed', 'expired') THEN 'status' END AS known_from
FROM xsell_internal.recommendation r
CROSS JOIN (SELECT xsell_internal.outcome_window() AS length) w
CROSS JOIN LATERAL (SELECT CASE WHEN EXISTS (SELECT FROM xsell_internal.holdout)
                                THEN xsell_internal.cohort_of(r.entity_id, r.first_seen, r.first_seen + w.length) ELSE 'treated' END AS cohort) c
LEFT JOIN LATERAL (SELECT pg_catalog.min(p.won_at) AS won_at, pg_catalog.sum(p.amount_base) AS amount FROM xsell_internal.purchase p
                   WHERE p.entity_id = r.entity_id AND p.product_id = r.product_id AND p.won_at > r.first_seen AND p.won_at <= r.first_seen + w.length
                     AND p.won_at <= (SELECT xsell.clock()) AND (p.deleted_at IS NULL OR p.deleted_at > (SELECT xsell.clock()))) p ON true
-- A recommendation that is kept back is told of when it cannot be acted upon any more.
WHERE (NOT r.held_out AND c.cohort <> 'holdout') OR r.first_seen + w.length <= (SELECT xsell.clock());
COMMENT ON VIEW xsell.recommendation_outcome IS
'What became of each recommendation: whether the customer bought the product within the horizon after it was first recommended, as far as you may see, or what somebody set by hand. Those held out appear when their window has ended.';
COMMENT ON COLUMN xsell.recommendation_outcome.recommendation_id IS 'The recommendation.';
COMMENT ON COLUMN xsell.recommendation_outcome.entity_id IS 'The customer.';
COMMENT ON COLUMN xsell.recommendation_outcome.product_id IS 'The canonical product.';
COMMENT ON COLUMN xsell.recommendation_outcome.org_id IS 'The selling org.';
COMMENT ON COLUMN xsell.recommendation_outcome.route IS 'same_org, cross_org or winback.';
COMMENT ON COLUMN xsell.recommendation_outcome.first_seen IS 'First refresh that recommended it.';
COMMENT ON COLUMN xsell.recommendation_outcome.window_ends IS 'Until when a purchase counts: the horizon of cross_sell after that.';
COMMENT ON COLUMN xsell.recommendation_outcome.status IS 'Status set by hand.';
COMMENT ON COLUMN xsell.recommendation_outcome.cohort IS 'treated: shown; holdout: kept back, to compare with; released: kept back at first.';
COMMENT ON COLUMN xsell.recommendation_outcome.won_at IS 'First purchase within the window, or when it was set to won.';
COMMENT ON COLUMN xsell.recommendation_outcome.won_amount IS 'What the purchases of the window came to, in the base currency.';
COMMENT ON COLUMN xsell.recommendation_outcome.days_to_win IS 'Days from the first recommendation to the win.';
COMMENT ON COLUMN xsell.recommendation_outcome.outcome IS 'won; lost: set to lost or dismissed; expired: the window ended without a purchase; open.';
COMMENT ON COLUMN xsell.recommendation_outcome.known_from IS 'purchase, or status where only somebody''s word says so.';

-- Chance draws customers, not pairs: the error of a rate is the ratio estimator's, over customers.
CREATE VIEW xsell.lift_by_month WITH (security_invoker = true) AS
WITH customer AS (
    SELECT pg_catalog.date_trunc('month', o.first_seen AT TIME ZONE 'UTC')::date AS month, o.cohort, o.entity_id, pg_catalog.count(*)::double precision AS pairs,
           (pg_catalog.count(*) FILTER (WHERE o.known_from = 'purchase'))::double precision AS wins, pg_catalog.sum(o.won_amount) AS amount
    FROM xsell.recommendation_outcome o
    WHERE o.window_ends <= (SELECT xsell.clock()) AND o.cohort IN ('treated', 'holdout')
    GROUP BY 1, 2, 3
), side AS (
    SELECT c.month, c.cohort, pg_catalog.count(*) AS customers, pg_catalog.sum(c.pairs) AS pairs, pg_catalog.sum(c.wins) AS wins,
           pg_catalog.sum(c.wins) / pg_catalog.sum(c.pairs) AS rate, COALESCE(pg_catalog.sum(c.amount), 0) AS amount,
           -- sum((wins - rate * pairs) ^ 2), written out
           CASE WHEN pg_catalog.count(*) > 1 THEN
               (pg_catalog.sum(c.wins * c.wins) - 2 * pg_catalog.sum(c.wins) / pg_catalog.sum(c.pairs) * pg_catalog.sum(c.wins * c.pairs)
                + (pg_catalog.sum(c.wins) / pg_catalog.sum(c.pairs)) ^ 2 * pg_catalog.sum(c.pairs * c.pairs))
               * pg_catalog.count(*) / (pg_catalog.count(*) - 1) / pg_catalog.sum(c.pairs) ^ 2 END AS variance
    FROM customer c GROUP BY c.month, c.cohort
)
SELECT s.month, s.cohort, s.customers, s.pairs::bigint AS pairs, s.wins::bigint AS wins, s.rate, s.amount,
       s.rate - h.rate AS lift,
       s.rate - h.rate - 1.959964 * pg_catalog.sqrt(GREATEST(s.variance + h.variance, 0)) AS lift_low,
       s.rate - h.rate + 1.959964 * pg_catalog.sqrt(GREATEST(s.variance + h.variance, 0)) AS lift_high,
       pg_catalog.round(s.amount - h.amount * (s.pairs / h.pairs)::numeric, 2) AS incremental_revenue
FROM side s
LEFT JOIN side h ON s.cohort = 'treated' AND h.month = s.month AND h.cohort = 'holdout';
COMMENT ON VIEW xsell.lift_by_month IS
'What recommending brings: how often recommended products were bought within their window, by month of the first recommendation, where they were shown and where they were kept back (xsell.set_holdout). Only windows that have ended, and only purchases count, so that both sides are measured alike.';
COMMENT ON COLUMN xsell.lift_by_month.month IS 'Month of the first recommendation (UTC).';
COMMENT ON COLUMN xsell.lift_by_month.cohort IS 'treated: shown; holdout: kept back.';
COMMENT ON COLUMN xsell.lift_by_month.customers IS 'Customers.';
COMMENT ON COLUMN xsell.lift_by_month.pairs IS 'Recommendations.';
COMMENT ON COLUMN xsell.lift_by_month.wins IS 'Those whose product was bought within the window.';
COMMENT ON COLUMN xsell.lift_by_month.rate IS 'Their share.';
COMMENT ON COLUMN xsell.lift_by_month.amount IS 'What those purchases came to, in the base currency.';
COMMENT ON COLUMN xsell.lift_by_month.lift IS 'Rate of treated less rate of holdout; NULL where nothing was held out.';
COMMENT ON COLUMN xsell.lift_by_month.lift_low IS 'Lower end of its interval (95 %), over customers.';
COMMENT ON COLUMN xsell.lift_by_month.lift_high IS 'Upper end.';
COMMENT ON COLUMN xsell.lift_by_month.incremental_revenue IS 'Amount of treated less what as many recommendations brought in holdout.';

SELECT pg_catalog.pg_extension_config_dump('xsell_internal.holdout', '');
SELECT pg_catalog.pg_extension_config_dump('xsell_internal.holdout_holdout_id_seq', '');
