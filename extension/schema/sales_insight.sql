-- Insight figures over recommendations: how many, worth what, found when, and how many of those decided were won. What is not known is
-- NULL, never assumed. Winback is scored by rule and left out.

CREATE VIEW xsell_internal.decided_recommendation WITH (security_invoker = true) AS
SELECT o.recommendation_id, o.org_id, o.entity_id, r.account_id, o.outcome = 'won' AS won,
       COALESCE(o.won_at, CASE WHEN o.status IN ('lost', 'dismissed', 'expired') THEN r.status_at END, o.window_ends) AS decided_at
FROM xsell.recommendation_outcome o JOIN xsell_internal.recommendation r USING (recommendation_id)
WHERE o.outcome <> 'open' AND o.cohort = 'treated' AND o.route <> 'winback';
COMMENT ON VIEW xsell_internal.decided_recommendation IS 'Recommendations that were shown and whose end is known: won, or lost, dismissed or expired without.';

CREATE FUNCTION xsell.insights(days_back integer DEFAULT 30)
RETURNS TABLE (org_id text, recommendations bigint, customers bigint, expected_revenue numeric, average_probability double precision,
    share_above_80 double precision, share_very_high double precision, discovered bigint, decided bigint, won bigint, conversion_rate double precision,
    won_deals bigint, average_deal numeric, currency text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 5
BEGIN ATOMIC
    WITH since AS MATERIALIZED (
        SELECT c.clock AS at, c.clock - pg_catalog.make_interval(days => LEAST(GREATEST(days_back, 1), 36500)) AS t FROM xsell.clock() AS c(clock)
    ), live AS (
        SELECT r.org_id, pg_catalog.count(*) AS recommendations, pg_catalog.count(DISTINCT r.entity_id) AS customers, pg_catalog.sum(r.expected_revenue) AS expected_revenue,
               pg_catalog.avg(r.probability) AS average_probability, pg_catalog.avg((r.probability > .8)::integer)::double precision AS above,
               pg_catalog.avg((r.confidence_level = 'Very High')::integer)::double precision AS very_high
        FROM xsell_internal.recommendation r WHERE r.live AND NOT r.held_out AND r.route <> 'winback' GROUP BY GROUPING SETS ((r.org_id), ())
    ), found AS (
        SELECT r.org_id, pg_catalog.count(*) AS discovered
        FROM xsell_internal.recommendation r, since s WHERE r.first_seen > s.t AND r.first_seen <= s.at AND NOT r.held_out AND r.route <> 'winback'
        GROUP BY GROUPING SETS ((r.org_id), ())
    ), ended AS (
        SELECT d.org_id, pg_catalog.count(*) AS decided, pg_catalog.count(*) FILTER (WHERE d.won) AS won
        FROM xsell_internal.decided_recommendation d, since s WHERE d.decided_at > s.t AND d.decided_at <= s.at GROUP BY GROUPING SETS ((d.org_id), ())
    ), deal AS (
        SELECT d.org_id, pg_catalog.count(*) AS deals, pg_catalog.round(pg_catalog.avg(d.amount_base), 2) AS average
        FROM xsell_internal.deal d, since s WHERE d.won AND d.closed_at > s.t AND d.closed_at <= s.at AND d.deleted_at IS NULL GROUP BY GROUPING SETS ((d.org_id), ())
    )
    SELECT o.org_id, COALESCE(l.recommendations, 0), COALESCE(l.customers, 0), l.expected_revenue, l.average_probability, l.above, l.very_high,
           COALESCE(f.discovered, 0), COALESCE(e.decided, 0), COALESCE(e.won, 0), e.won::double precision / NULLIF(e.decided, 0),
           COALESCE(d.deals, 0), d.average, xsell.base_currency()
    FROM (SELECT g.org_id FROM xsell.org g UNION ALL SELECT NULL) o
    LEFT JOIN live l ON l.org_id IS NOT DISTINCT FROM o.org_id
    LEFT JOIN found f ON f.org_id IS NOT DISTINCT FROM o.org_id
    LEFT JOIN ended e ON e.org_id IS NOT DISTINCT FROM o.org_id
    LEFT JOIN deal d ON d.org_id IS NOT DISTINCT FROM o.org_id
    ORDER BY o.org_id NULLS FIRST;
END;
COMMENT ON FUNCTION xsell.insights(integer) IS
'Figures of the recommendations that are live now, and of what was found, decided and closed in so many days; a row for each org that you may see, and one with org_id NULL for all of them. conversion_rate: won of those decided; NULL where none was. See xsell.insight_summary.';

CREATE VIEW xsell.insight_summary WITH (security_invoker = true) AS
SELECT i.org_id, i.recommendations, i.customers, i.expected_revenue, i.average_probability, i.share_above_80, i.share_very_high, i.discovered, i.decided, i.won,
       i.conversion_rate, i.won_deals, i.average_deal, i.currency
FROM xsell.insights() i;
COMMENT ON VIEW xsell.insight_summary IS 'Recommendations in figures, over the last 30 days; other spans: xsell.insights(days_back). A row for each org that you may see, and one with org_id NULL for all of them.';
COMMENT ON COLUMN xsell.insight_summary.org_id IS 'The selling org; NULL: all that you may see.';
COMMENT ON COLUMN xsell.insight_summary.recommendations IS 'Live recommendations.';
COMMENT ON COLUMN xsell.insight_summary.customers IS 'Customers with at least one.';
COMMENT ON COLUMN xsell.insight_summary.expected_revenue IS 'Sum of their expected revenue.';
COMMENT ON COLUMN xsell.insight_summary.average_probability IS 'Their mean probability.';
COMMENT ON COLUMN xsell.insight_summary.share_above_80 IS 'Share with a probability above .8; calibrated probabilities of rare wins seldom get there: see share_very_high.';
COMMENT ON COLUMN xsell.insight_summary.share_very_high IS 'Share with the confidence level Very High.';
COMMENT ON COLUMN xsell.insight_summary.discovered IS 'First made in the span.';
COMMENT ON COLUMN xsell.insight_summary.decided IS 'Won, lost, dismissed or expired in the span; see xsell.recommendation_outcome.';
COMMENT ON COLUMN xsell.insight_summary.won IS 'Won of those.';
COMMENT ON COLUMN xsell.insight_summary.conversion_rate IS 'won / decided; NULL where none was decided.';
COMMENT ON COLUMN xsell.insight_summary.won_deals IS 'Deals won in the span, recommended or not.';
COMMENT ON COLUMN xsell.insight_summary.average_deal IS 'Their mean amount.';
COMMENT ON COLUMN xsell.insight_summary.currency IS 'Currency of the amounts: the base currency.';

CREATE VIEW xsell.insight_industry WITH (security_invoker = true) AS
SELECT COALESCE(l.org_id, d.org_id) AS org_id, COALESCE(l.industry, d.industry) AS industry, COALESCE(l.recommendations, 0) AS recommendations, COALESCE(l.customers, 0) AS customers,
       l.expected_revenue, l.average_probability, COALESCE(d.decided, 0) AS decided, COALESCE(d.won, 0) AS won, d.won::double precision / NULLIF(d.decided, 0) AS conversion_rate
FROM (SELECT r.org_id, COALESCE(NULLIF(pg_catalog.btrim(a.industry), ''), NULLIF(pg_catalog.btrim(ia.industry), ''), 'unknown') AS industry, pg_catalog.count(*) AS recommendations, pg_catalog.count(DISTINCT r.entity_id) AS customers,
             pg_catalog.sum(r.expected_revenue) AS expected_revenue, pg_catalog.avg(r.probability) AS average_probability
      FROM xsell_internal.recommendation r
      LEFT JOIN xsell.account a ON a.org_id = r.org_id AND a.crm_id = r.account_id
      LEFT JOIN xsell_internal.introduction i ON i.recommendation_id = r.recommendation_id
      LEFT JOIN xsell.account ia ON ia.org_id = i.org_id AND ia.crm_id = i.account_id
      WHERE r.live AND NOT r.held_out AND r.route <> 'winback' GROUP BY 1, 2) l
FULL JOIN (SELECT e.org_id, COALESCE(NULLIF(pg_catalog.btrim(a.industry), ''), 'unknown') AS industry, pg_catalog.count(*) AS decided, pg_catalog.count(*) FILTER (WHERE e.won) AS won
           FROM xsell_internal.decided_recommendation e LEFT JOIN xsell.account a ON a.org_id = e.org_id AND a.crm_id = e.account_id GROUP BY 1, 2) d
  ON d.org_id = l.org_id AND d.industry = l.industry;
COMMENT ON VIEW xsell.insight_industry IS 'Recommendations by selling org and industry of the customer, as an account says it that you may see.';
COMMENT ON COLUMN xsell.insight_industry.org_id IS 'The selling org.';
COMMENT ON COLUMN xsell.insight_industry.industry IS 'The industry; unknown where no account says it.';
COMMENT ON COLUMN xsell.insight_industry.recommendations IS 'Live recommendations.';
COMMENT ON COLUMN xsell.insight_industry.customers IS 'Customers with at least one.';
COMMENT ON COLUMN xsell.insight_industry.expected_revenue IS 'Sum of their expected revenue, in the base currency.';
COMMENT ON COLUMN xsell.insight_industry.average_probability IS 'Their mean probability.';
COMMENT ON COLUMN xsell.insight_industry.decided IS 'Recommendations ever won, lost, dismissed or expired.';
COMMENT ON COLUMN xsell.insight_industry.won IS 'Won of those.';
COMMENT ON COLUMN xsell.insight_industry.conversion_rate IS 'won / decided; NULL where none was decided.';

CREATE VIEW xsell.insight_action WITH (security_invoker = true) AS
SELECT r.org_id, r.next_action, pg_catalog.count(*) AS recommendations, pg_catalog.sum(r.expected_revenue) AS expected_revenue,
       pg_catalog.count(*)::double precision / pg_catalog.sum(pg_catalog.count(*)) OVER (PARTITION BY r.org_id)::double precision AS share
FROM xsell_internal.recommendation r
WHERE r.live AND NOT r.held_out AND r.route <> 'winback'
GROUP BY r.org_id, r.next_action;
COMMENT ON VIEW xsell.insight_action IS 'Live recommendations by what is to be done next.';
COMMENT ON COLUMN xsell.insight_action.org_id IS 'The selling org.';
COMMENT ON COLUMN xsell.insight_action.next_action IS 'What to do next.';
COMMENT ON COLUMN xsell.insight_action.recommendations IS 'How many.';
COMMENT ON COLUMN xsell.insight_action.expected_revenue IS 'Sum of their expected revenue, in the base currency.';
COMMENT ON COLUMN xsell.insight_action.share IS 'Their share of the org''s.';

CREATE FUNCTION xsell.insight_days(days_back integer DEFAULT 30)
RETURNS TABLE (org_id text, day date, discovered bigint, expected_revenue numeric, discovered_7 bigint, decided bigint, won bigint)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 100
BEGIN ATOMIC
    WITH span AS MATERIALIZED (
        SELECT (c.clock AT TIME ZONE 'UTC')::date AS today, LEAST(GREATEST(days_back, 1), 3650) AS days, c.clock AS at FROM xsell.clock() AS c(clock)
    ), found AS (
        SELECT r.org_id, (r.first_seen AT TIME ZONE 'UTC')::date AS day, pg_catalog.count(*) AS discovered, pg_catalog.sum(r.expected_revenue) AS expected_revenue
        FROM xsell_internal.recommendation r, span s
        WHERE r.first_seen <= s.at AND r.first_seen > s.at - pg_catalog.make_interval(days => s.days + 8) AND NOT r.held_out AND r.route <> 'winback' GROUP BY 1, 2
    ), ended AS (
        SELECT d.org_id, (d.decided_at AT TIME ZONE 'UTC')::date AS day, pg_catalog.count(*) AS decided, pg_catalog.count(*) FILTER (WHERE d.won) AS won
        FROM xsell_internal.decided_recommendation d GROUP BY 1, 2
    )
    SELECT q.org_id, q.day, q.discovered, q.expected_revenue, q.discovered_7, q.decided, q.won
    FROM (SELECT o.org_id, n.day::date AS day, COALESCE(f.discovered, 0) AS discovered, f.expected_revenue, COALESCE(e.decided, 0) AS decided, COALESCE(e.won, 0) AS won,
                 pg_catalog.sum(COALESCE(f.discovered, 0)) OVER (PARTITION BY o.org_id ORDER BY n.day ROWS 6 PRECEDING)::bigint AS discovered_7, s.today - s.days AS earliest
          FROM xsell.org o CROSS JOIN span s CROSS JOIN LATERAL pg_catalog.generate_series((s.today - s.days - 6)::timestamp, s.today::timestamp, interval '1 day') AS n(day)
          LEFT JOIN found f ON f.org_id = o.org_id AND f.day = n.day::date
          LEFT JOIN ended e ON e.org_id = o.org_id AND e.day = n.day::date) q
    WHERE q.day > q.earliest
    ORDER BY q.org_id, q.day;
END;
COMMENT ON FUNCTION xsell.insight_days(integer) IS 'Recommendations first made and decided on each of so many days (UTC), today last, without gaps; see xsell.insight_trend.';

CREATE VIEW xsell.insight_trend WITH (security_invoker = true) AS
SELECT d.org_id, d.day, d.discovered, d.expected_revenue, d.discovered_7, d.decided, d.won FROM xsell.insight_days() d;
COMMENT ON VIEW xsell.insight_trend IS 'The last 30 days, one row for each org and day (UTC); other spans: xsell.insight_days(days_back).';
COMMENT ON COLUMN xsell.insight_trend.org_id IS 'The selling org.';
COMMENT ON COLUMN xsell.insight_trend.day IS 'The day.';
COMMENT ON COLUMN xsell.insight_trend.discovered IS 'Recommendations first made on it.';
COMMENT ON COLUMN xsell.insight_trend.expected_revenue IS 'Their expected revenue, as it is now.';
COMMENT ON COLUMN xsell.insight_trend.discovered_7 IS 'First made in the seven days up to it.';
COMMENT ON COLUMN xsell.insight_trend.decided IS 'Recommendations won, lost, dismissed or expired on it.';
COMMENT ON COLUMN xsell.insight_trend.won IS 'Won on it.';

CREATE VIEW xsell.insight_text WITH (security_invoker = true) AS
WITH figure AS MATERIALIZED (
    SELECT i.* FROM xsell.insights() i WHERE i.org_id IS NULL
), industry AS (
    SELECT n.industry, pg_catalog.sum(n.expected_revenue) AS revenue FROM xsell.insight_industry n WHERE n.expected_revenue > 0 GROUP BY n.industry ORDER BY 2 DESC, 1 LIMIT 1
), action AS (
    SELECT n.next_action, pg_catalog.sum(n.recommendations) AS recommendations FROM xsell.insight_action n GROUP BY n.next_action ORDER BY pg_catalog.sum(n.expected_revenue) DESC NULLS LAST, 1 LIMIT 1
), week AS (
    SELECT pg_catalog.sum(t.discovered) FILTER (WHERE t.day > c.today - 7)::bigint AS this, pg_catalog.sum(t.discovered) FILTER (WHERE t.day <= c.today - 7 AND t.day > c.today - 14)::bigint AS last
    FROM xsell.insight_trend t, (SELECT (xsell.clock() AT TIME ZONE 'UTC')::date AS today) c
)
SELECT t.position, t.topic, t.text
FROM (
    SELECT 1 AS position, 'value' AS topic, CASE WHEN f.recommendations = 0 THEN 'Nothing is recommended now.'
        ELSE pg_catalog.format('%s for %s are worth %s %s by expectation.', xsell_internal.plural(f.recommendations, 'recommendation'), xsell_internal.plural(f.customers, 'customer'),
                    pg_catalog.to_char(COALESCE(f.expected_revenue, 0), 'FM999,999,999,999,990'), f.currency) END AS text FROM figure f
    UNION ALL
    SELECT 2, 'industry', pg_catalog.format('%s has the most: %s %% of the expected revenue.', i.industry, pg_catalog.round(100 * i.revenue / NULLIF(f.expected_revenue, 0)))
    FROM figure f, industry i
    UNION ALL
    SELECT 3, 'action', pg_catalog.format('Most of the value waits for "%s": %s.', a.next_action, xsell_internal.plural(a.recommendations::bigint, 'recommendation')) FROM action a
    UNION ALL
    SELECT 4, 'conversion', CASE WHEN f.decided = 0 THEN 'No recommendation was decided in the last 30 days, so that conversion is not known.'
        ELSE pg_catalog.format('%s of %s decided in the last 30 days were won: %s %%.', f.won, f.decided, pg_catalog.round(100.0 * f.won / f.decided)) END FROM figure f
    UNION ALL
    SELECT 5, 'discovery', pg_catalog.format('%s in the last seven days, %s in the seven before.', xsell_internal.plural(w.this, 'new recommendation'), w.last) FROM week w WHERE w.this IS NOT NULL
) t;
COMMENT ON VIEW xsell.insight_text IS 'What the figures say, in sentences.';
COMMENT ON COLUMN xsell.insight_text.position IS 'Its place, from 1.';
COMMENT ON COLUMN xsell.insight_text.topic IS 'value, industry, action, conversion or discovery.';
COMMENT ON COLUMN xsell.insight_text.text IS 'The sentence.';
