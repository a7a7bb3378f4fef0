-- Account scores by formula, and summaries in words. Both are stored, so that a hundred thousand of them are read at once, and made of
-- what one org knows alone: its own activities, deals, contacts and recommendations.

CREATE TABLE xsell_internal.account_score (
    org_id              text NOT NULL,
    account_id          text NOT NULL,
    score_date          date NOT NULL,
    priority_score      integer NOT NULL CHECK (priority_score BETWEEN 0 AND 100),
    budget_likelihood   integer NOT NULL CHECK (budget_likelihood BETWEEN 0 AND 100),
    engagement_score    integer NOT NULL CHECK (engagement_score BETWEEN 0 AND 100),
    last_interaction_at timestamptz,
    interactions_90     bigint NOT NULL,
    open_deals          bigint NOT NULL,
    open_amount         numeric,
    closed_deals        bigint NOT NULL,
    won_deals           bigint NOT NULL,
    spend_365           numeric,
    recommendations     bigint NOT NULL,
    expected_revenue    numeric,
    do_not_contact      boolean NOT NULL,
    top_product         text,
    summary             text NOT NULL,
    PRIMARY KEY (org_id, account_id)
);
COMMENT ON TABLE xsell_internal.account_score IS 'Scores and summary of each live account, by the last xsell.refresh_account_scores().';

CREATE FUNCTION xsell_internal.plural(count bigint, thing text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.to_char(count, 'FM999,999,999,999,990') || ' ' || thing || CASE WHEN count = 1 THEN '' ELSE 's' END;
COMMENT ON FUNCTION xsell_internal.plural(bigint, text) IS 'A number of things in words: 1 deal, 2 deals.';

CREATE FUNCTION xsell_internal.first_words(value text, words integer) RETURNS text
LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
AS 'MODULE_PATHNAME', 'xsell_first_words';
COMMENT ON FUNCTION xsell_internal.first_words(text, integer) IS 'The first words of a text, with dots where more follow.';

-- Every part is looked up by an index, so that one account costs as little as its share of all; the words of all parts add up to 60.
CREATE VIEW xsell_internal.account_text WITH (security_invoker = true) AS
SELECT a.org_id, a.crm_id AS account_id, pg_catalog.concat_ws(' ',
       COALESCE(NULLIF(xsell_internal.first_words(a.name, 8), ''), 'The account')
       || COALESCE(' (' || NULLIF(pg_catalog.concat_ws(', ', NULLIF(xsell_internal.first_words(a.industry, 3), ''), NULLIF(xsell_internal.first_words(a.country, 2), ''),
                   CASE WHEN a.employees > 0 THEN xsell_internal.plural(a.employees, 'employee') END), '') || ').', '.'),
       NULLIF(pg_catalog.regexp_replace(xsell_internal.first_words(a.description, 12), '([^.!?])$', '\1.'), ''),
       'Has ' || h.products || '.', 'Contacts: ' || c.titles || '.', 'Last activity ' || pg_catalog.to_char(v.last_at AT TIME ZONE 'UTC', 'YYYY-MM-DD') || '.',
       CASE WHEN d.deals > 0 THEN xsell_internal.plural(d.deals, 'open deal')
           || COALESCE(' worth ' || pg_catalog.to_char(d.amount, 'FM999,999,999,999,990') || ' ' || (SELECT xsell.base_currency()), '') || '.' END,
       'Offer ' || r.product || '.') AS summary
FROM xsell.account a
LEFT JOIN xsell_internal.entity_account e ON e.org_id = a.org_id AND e.account_id = a.crm_id
LEFT JOIN LATERAL (
    SELECT pg_catalog.string_agg(n.name, ', ' ORDER BY n.place) || CASE WHEN pg_catalog.max(n.held) > 3 THEN ' and ' || pg_catalog.max(n.held) - 3 || ' more' ELSE '' END AS products
    FROM (SELECT xsell_internal.first_words(COALESCE(m.name, 'one'), 3) AS name, pg_catalog.row_number() OVER w AS place, pg_catalog.count(*) OVER () AS held
          FROM xsell_internal.holding o
          LEFT JOIN LATERAL (SELECT pg_catalog.min(p.name) AS name FROM xsell_internal.product_map k JOIN xsell.product p ON p.org_id = k.org_id AND p.crm_id = k.product_crm_id
                             WHERE k.product_id = o.product_id AND k.org_id = o.org_id) m ON true
          WHERE o.entity_id = e.entity_id AND o.org_id = a.org_id AND (o.ends_at IS NULL OR o.ends_at > (SELECT xsell.clock()))
          WINDOW w AS (ORDER BY o.last_at DESC, o.product_id)) n
    WHERE n.place <= 3) h ON true
LEFT JOIN LATERAL (
    SELECT pg_catalog.string_agg(t.title, ', ' ORDER BY t.title) AS titles
    FROM (SELECT DISTINCT xsell_internal.first_words(k.title, 3) AS title FROM xsell.contact k
          WHERE k.org_id = a.org_id AND k.account_id = a.crm_id AND k.deleted_at IS NULL AND k.title ~ '\S' ORDER BY 1 LIMIT 2) t) c ON true
LEFT JOIN LATERAL (
    SELECT GREATEST(pg_catalog.max(t.occurred_at), CASE WHEN a.last_activity_at <= (SELECT xsell.clock()) THEN a.last_activity_at END) AS last_at FROM xsell.activity t
    WHERE t.org_id = a.org_id AND t.account_id = a.crm_id AND t.deleted_at IS NULL AND t.occurred_at <= (SELECT xsell.clock())) v ON true
LEFT JOIN LATERAL (
    SELECT pg_catalog.count(*) AS deals, pg_catalog.sum(o.amount_base) AS amount FROM xsell_internal.deal o
    WHERE o.org_id = a.org_id AND o.account_id = a.crm_id AND NOT o.closed AND o.deleted_at IS NULL) d ON true
LEFT JOIN LATERAL (
    SELECT xsell_internal.first_words(COALESCE(p.name, pg_catalog.regexp_replace(n.product_crm_id, '^(deal|family):', '')), 3) AS product
    FROM xsell_internal.recommendation n
    LEFT JOIN xsell.product p ON p.org_id = n.org_id AND p.crm_id = n.product_crm_id
    WHERE n.entity_id = e.entity_id AND n.org_id = a.org_id AND n.live AND NOT n.held_out
    ORDER BY n.route = 'winback', n.rank, n.product_id LIMIT 1) r ON true
WHERE a.deleted_at IS NULL;
COMMENT ON VIEW xsell_internal.account_text IS 'What an org knows of each of its accounts, in at most 60 words.';

CREATE FUNCTION xsell.account_summary(org text, account text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN COALESCE((SELECT t.summary FROM xsell_internal.account_text t WHERE t.org_id = org AND t.account_id = account), '');
COMMENT ON FUNCTION xsell.account_summary(text, text) IS
'An account in at most 60 words, from its record, holdings, contacts'' titles, last activity, open deals and best recommendation, as they are now; '''' where there is no such account. The stored ones of all: xsell.account_score.';

CREATE FUNCTION xsell_internal.measure_accounts(as_of timestamptz)
RETURNS TABLE (org_id text, account_id text, last_interaction_at timestamptz, interactions_90 bigint, open_deals bigint, open_amount numeric, closed_deals bigint,
    won_deals bigint, spend_365 numeric, recommendations bigint, expected_revenue numeric, top_product text, do_not_contact boolean)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000
BEGIN ATOMIC
    WITH touch AS (
        SELECT v.org_id, v.account_id, pg_catalog.max(v.occurred_at) AS last_at, pg_catalog.count(*) FILTER (WHERE v.occurred_at > $1 - interval '90 days') AS last_90
        FROM (SELECT t.org_id, COALESCE(t.account_id, o.account_id, c.account_id) AS account_id, t.occurred_at
              FROM xsell.activity t
              LEFT JOIN xsell.opportunity o ON t.account_id IS NULL AND o.org_id = t.org_id AND o.crm_id = t.opportunity_id
              LEFT JOIN xsell.contact c ON t.account_id IS NULL AND t.opportunity_id IS NULL AND c.org_id = t.org_id AND c.crm_id = t.contact_id
              WHERE t.occurred_at <= $1 AND t.deleted_at IS NULL
              UNION ALL
              SELECT d.org_id, d.account_id, s.at
              FROM xsell_internal.deal d CROSS JOIN LATERAL (VALUES (d.created_at), (d.closed_at)) AS s(at)
              WHERE d.deleted_at IS NULL AND s.at <= $1) v
        WHERE v.account_id IS NOT NULL
        GROUP BY v.org_id, v.account_id
    ), pipeline AS (
        SELECT d.org_id, d.account_id, pg_catalog.count(*) FILTER (WHERE NOT d.closed) AS open, pg_catalog.sum(d.amount_base) FILTER (WHERE NOT d.closed) AS open_amount,
               pg_catalog.count(*) FILTER (WHERE d.closed) AS closed, pg_catalog.count(*) FILTER (WHERE d.won) AS won
        FROM xsell_internal.deal d WHERE d.deleted_at IS NULL AND d.account_id IS NOT NULL GROUP BY d.org_id, d.account_id
    ), spend AS (
        SELECT p.org_id, p.account_id, pg_catalog.sum(p.amount_base) AS amount
        FROM xsell_internal.purchase p WHERE p.won_at > $1 - interval '365 days' AND p.won_at <= $1 AND p.deleted_at IS NULL GROUP BY p.org_id, p.account_id
    ), offer AS (
        SELECT r.org_id, r.account_id, pg_catalog.count(*) AS recommendations, pg_catalog.sum(r.expected_revenue) AS expected_revenue,
               (pg_catalog.array_agg(COALESCE(p.name, pg_catalog.regexp_replace(r.product_crm_id, '^(deal|family):', '')) ORDER BY r.rank, r.product_id))[1] AS product
        FROM xsell_internal.recommendation r LEFT JOIN xsell.product p ON p.org_id = r.org_id AND p.crm_id = r.product_crm_id
        WHERE r.live AND NOT r.held_out AND r.route = 'same_org' AND r.account_id IS NOT NULL GROUP BY r.org_id, r.account_id
    )
    SELECT a.org_id, a.crm_id, GREATEST(t.last_at, CASE WHEN a.last_activity_at <= $1 THEN a.last_activity_at END), COALESCE(t.last_90, 0),
           COALESCE(d.open, 0), d.open_amount, COALESCE(d.closed, 0), COALESCE(d.won, 0), s.amount, COALESCE(o.recommendations, 0), o.expected_revenue, o.product,
           COALESCE(a.do_not_contact, false)
    FROM xsell.account a
    LEFT JOIN touch t ON t.org_id = a.org_id AND t.account_id = a.crm_id
    LEFT JOIN pipeline d ON d.org_id = a.org_id AND d.account_id = a.crm_id
    LEFT JOIN spend s ON s.org_id = a.org_id AND s.account_id = a.crm_id
    LEFT JOIN offer o ON o.org_id = a.org_id AND o.account_id = a.crm_id
    WHERE a.deleted_at IS NULL;
END;
COMMENT ON FUNCTION xsell_internal.measure_accounts(timestamptz) IS 'What the scores of every live account are computed from. An interaction is an activity, or a deal that was opened or closed.';

CREATE FUNCTION xsell_internal.score_accounts(as_of timestamptz)
RETURNS TABLE (org_id text, account_id text, last_interaction_at timestamptz, interactions_90 bigint, open_deals bigint, open_amount numeric, closed_deals bigint,
    won_deals bigint, spend_365 numeric, recommendations bigint, expected_revenue numeric, top_product text, do_not_contact boolean,
    priority_score integer, budget_likelihood integer, engagement_score integer)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000
BEGIN ATOMIC
    WITH placed AS (
        SELECT m.*,
               COALESCE(1 / (1 + pg_catalog.date_part('epoch', $1 - m.last_interaction_at) / 86400 / 30), 0) AS recency,
               CASE WHEN m.interactions_90 > 0 THEN pg_catalog.cume_dist() OVER (PARTITION BY m.org_id, m.interactions_90 > 0 ORDER BY m.interactions_90) ELSE 0 END AS frequency,
               CASE WHEN m.open_amount > 0 THEN pg_catalog.cume_dist() OVER (PARTITION BY m.org_id, m.open_amount > 0 ORDER BY m.open_amount) ELSE 0 END AS pipeline,
               CASE WHEN m.spend_365 > 0 THEN pg_catalog.cume_dist() OVER (PARTITION BY m.org_id, m.spend_365 > 0 ORDER BY m.spend_365) ELSE 0 END AS spend,
               CASE WHEN m.expected_revenue > 0 THEN pg_catalog.cume_dist() OVER (PARTITION BY m.org_id, m.expected_revenue > 0 ORDER BY m.expected_revenue) ELSE 0 END AS potential,
               pg_catalog.bool_or(m.expected_revenue > 0) OVER o AS any_potential,
               pg_catalog.sum(m.won_deals) OVER o / NULLIF(pg_catalog.sum(m.closed_deals) OVER o, 0) AS org_rate
        FROM xsell_internal.measure_accounts($1) m WINDOW o AS (PARTITION BY m.org_id)
    ), part AS (
        SELECT p.*, .6 * p.recency + .4 * p.frequency AS engagement,
               .4 * p.pipeline + .3 * p.spend + .3 * CASE WHEN p.closed_deals > 0 THEN (p.won_deals + 2 * p.org_rate) / (p.closed_deals + 2) ELSE 0 END AS budget
        FROM placed p
    )
    SELECT p.org_id, p.account_id, p.last_interaction_at, p.interactions_90, p.open_deals, p.open_amount, p.closed_deals, p.won_deals, p.spend_365,
           p.recommendations, p.expected_revenue, p.top_product, p.do_not_contact,
           CASE WHEN p.do_not_contact THEN 0
                ELSE pg_catalog.round(100 * (.3 * p.engagement + .35 * p.budget + .35 * p.potential) / CASE WHEN p.any_potential THEN 1 ELSE .65 END) END::integer,
           pg_catalog.round(100 * p.budget)::integer, pg_catalog.round(100 * p.engagement)::integer
    FROM part p;
END;
COMMENT ON FUNCTION xsell_internal.score_accounts(timestamptz) IS
'Scores of every live account. P(v): share of the org''s accounts with any that have no more than v, 0 for none. engagement = 100 (.6 / (1 + days since the last interaction / 30) + .4 P(interactions in 90 days)); budget = 100 (.4 P(open pipeline) + .3 P(spend in 365 days) + .3 win rate, pulled towards the org''s by two deals; 0 without a closed deal); priority = .3 engagement + .35 budget + 35 P(expected revenue of recommendations), over .65 where the org has none; 0 where the account must not be contacted.';

CREATE FUNCTION xsell.refresh_account_scores() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET client_min_messages = error  -- who is not the owner may refresh, not analyze: no reason to warn
AS $$
DECLARE
    at constant timestamptz := xsell.clock();
    scored bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(hashtextextended('xsell.account_scores', 0));
    DROP TABLE IF EXISTS pg_temp.xsell_measure, pg_temp.xsell_text;
    CREATE TEMPORARY TABLE xsell_measure ON COMMIT DROP AS
    SELECT m.* FROM xsell_internal.score_accounts(at) m;
    CREATE TEMPORARY TABLE xsell_text ON COMMIT DROP AS SELECT t.org_id, t.account_id, t.summary FROM xsell_internal.account_text t;
    ANALYZE pg_temp.xsell_measure;
    ANALYZE pg_temp.xsell_text;
    DELETE FROM xsell_internal.account_score s
    WHERE NOT EXISTS (SELECT FROM pg_temp.xsell_measure m WHERE m.org_id = s.org_id AND m.account_id = s.account_id);
    INSERT INTO xsell_internal.account_score AS s (org_id, account_id, score_date, priority_score, budget_likelihood, engagement_score, last_interaction_at,
        interactions_90, open_deals, open_amount, closed_deals, won_deals, spend_365, recommendations, expected_revenue, do_not_contact, top_product, summary)
    SELECT m.org_id, m.account_id, (at AT TIME ZONE 'UTC')::date, m.priority_score, m.budget_likelihood, m.engagement_score, m.last_interaction_at,
           m.interactions_90, m.open_deals, m.open_amount, m.closed_deals, m.won_deals, m.spend_365, m.recommendations, m.expected_revenue, m.do_not_contact,
           m.top_product, COALESCE(t.summary, '')
    FROM pg_temp.xsell_measure m LEFT JOIN pg_temp.xsell_text t USING (org_id, account_id)
    ON CONFLICT (org_id, account_id) DO UPDATE
    SET score_date = excluded.score_date, priority_score = excluded.priority_score, budget_likelihood = excluded.budget_likelihood,
        engagement_score = excluded.engagement_score, last_interaction_at = excluded.last_interaction_at, interactions_90 = excluded.interactions_90,
        open_deals = excluded.open_deals, open_amount = excluded.open_amount, closed_deals = excluded.closed_deals, won_deals = excluded.won_deals,
        spend_365 = excluded.spend_365, recommendations = excluded.recommendations, expected_revenue = excluded.expected_revenue,
        do_not_contact = excluded.do_not_contact, top_product = excluded.top_product, summary = excluded.summary
    WHERE s IS DISTINCT FROM excluded;
    scored := (SELECT count(*) FROM pg_temp.xsell_measure);
    DROP TABLE pg_temp.xsell_measure, pg_temp.xsell_text;
    ANALYZE xsell_internal.account_score;
    RETURN scored;
END
$$;
COMMENT ON FUNCTION xsell.refresh_account_scores() IS 'Scores and summarises every live account anew, after xsell.refresh(); returns how many. See xsell.account_score.';

-- What people read.

CREATE FUNCTION xsell_internal.tier(priority integer) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE WHEN priority >= 80 THEN 'A' WHEN priority >= 60 THEN 'B' WHEN priority >= 40 THEN 'C' WHEN priority IS NOT NULL THEN 'D' END;
COMMENT ON FUNCTION xsell_internal.tier(integer) IS 'Tier of an account by its priority: A from 80, B from 60, C from 40, else D.';

CREATE VIEW xsell.account_score WITH (security_invoker = true) AS
SELECT s.org_id, s.account_id, a.name AS account_name, s.score_date, s.priority_score, s.budget_likelihood, s.engagement_score,
       t.tier, CASE t.tier WHEN 'A' THEN 'hot' WHEN 'B' THEN 'warm' WHEN 'C' THEN 'nurture' ELSE 'cold' END AS temperature,
       CASE WHEN s.do_not_contact THEN 'Must not be contacted.'
            ELSE pg_catalog.format('Engagement %s: %s. Budget %s: %s. Potential: %s.', s.engagement_score,
                COALESCE('last interaction ' || xsell_internal.plural(s.score_date - (s.last_interaction_at AT TIME ZONE 'UTC')::date, 'day') || ' before, '
                         || s.interactions_90 || ' in 90 days', 'no interaction known'), s.budget_likelihood,
                CASE WHEN s.closed_deals = 0 THEN 'no deal closed yet' ELSE pg_catalog.format('%s of %s won', s.won_deals, xsell_internal.plural(s.closed_deals, 'deal')) END
                || CASE WHEN s.open_deals > 0 THEN ', ' || xsell_internal.plural(s.open_deals, 'open deal') ELSE '' END,
                CASE WHEN s.recommendations = 0 THEN 'nothing recommended' ELSE xsell_internal.plural(s.recommendations, 'recommendation') END) END AS reasoning,
       CASE WHEN s.do_not_contact THEN 'Do not contact'
            WHEN t.tier IN ('A', 'B') THEN CASE WHEN s.open_deals > 0 THEN 'Move the open deal forward' WHEN t.tier = 'A' THEN 'Call this week' ELSE 'Reach out within two weeks' END
                                           || COALESCE(', and offer ' || s.top_product, '')
            WHEN t.tier = 'C' THEN 'Keep in touch monthly' ELSE 'Review quarterly' END AS recommended_action,
       NULLIF(pg_catalog.concat_ws('; ', CASE WHEN s.do_not_contact THEN 'do not contact' END,
           CASE WHEN s.interactions_90 > 0 THEN xsell_internal.plural(s.interactions_90, 'interaction') || ' in 90 days' END,
           CASE WHEN s.open_deals > 0 THEN xsell_internal.plural(s.open_deals, 'open deal') || COALESCE(' worth ' || pg_catalog.to_char(s.open_amount, 'FM999,999,999,999,990'), '') END,
           CASE WHEN s.won_deals > 0 THEN xsell_internal.plural(s.won_deals, 'won deal') END,
           CASE WHEN s.expected_revenue > 0 THEN 'recommendations worth ' || pg_catalog.to_char(s.expected_revenue, 'FM999,999,999,999,990') END), '') AS key_signals,
       s.last_interaction_at AS last_interaction_date, s.interactions_90, s.open_deals, s.open_amount, s.closed_deals, s.won_deals, s.spend_365,
       s.recommendations, s.expected_revenue, (SELECT xsell.base_currency()) AS currency, s.top_product, s.summary,
       u.name AS owner_name, u.email AS owner_email,
       COALESCE(NULLIF(u.territory, ''), (SELECT m.territory FROM xsell.territory_map m WHERE m.org_id = s.org_id AND m.territory IS NOT NULL
                                         AND xsell_internal.in_territory(m, a, a.owner_id) ORDER BY m.priority, m.map_id LIMIT 1)) AS territory
FROM xsell_internal.account_score s
LEFT JOIN xsell.account a ON a.org_id = s.org_id AND a.crm_id = s.account_id
LEFT JOIN xsell.crm_user u ON u.org_id = a.org_id AND u.crm_id = a.owner_id
CROSS JOIN LATERAL xsell_internal.tier(s.priority_score) AS t(tier);
COMMENT ON VIEW xsell.account_score IS 'How much an account is worth an hour of work, by formulas over what its org knows; as of the last xsell.refresh_account_scores().';
COMMENT ON COLUMN xsell.account_score.org_id IS 'The org.';
COMMENT ON COLUMN xsell.account_score.account_id IS 'crm_id of the account.';
COMMENT ON COLUMN xsell.account_score.account_name IS 'Its name.';
COMMENT ON COLUMN xsell.account_score.score_date IS 'The day that the scores are of.';
COMMENT ON COLUMN xsell.account_score.priority_score IS '0 to 100: .3 engagement + .35 budget + .35 potential; 0 where it must not be contacted. Potential is its place in the org by the expected revenue of its recommendations, and left out where the org has none.';
COMMENT ON COLUMN xsell.account_score.budget_likelihood IS '0 to 100: .4 place in the org by open pipeline, .3 by spend in 365 days, .3 win rate pulled towards the orgs by two deals.';
COMMENT ON COLUMN xsell.account_score.engagement_score IS '0 to 100: .6 / (1 + days since the last interaction / 30), .4 place in the org by interactions in 90 days.';
COMMENT ON COLUMN xsell.account_score.tier IS 'A: priority from 80, B: from 60, C: from 40, D: below.';
COMMENT ON COLUMN xsell.account_score.temperature IS 'hot (A), warm (B), nurture (C) or cold (D).';
COMMENT ON COLUMN xsell.account_score.reasoning IS 'What the scores are made of, in words.';
COMMENT ON COLUMN xsell.account_score.recommended_action IS 'What to do.';
COMMENT ON COLUMN xsell.account_score.key_signals IS 'What speaks for it, separated by semicolons.';
COMMENT ON COLUMN xsell.account_score.last_interaction_date IS 'Last activity, or deal opened or closed.';
COMMENT ON COLUMN xsell.account_score.interactions_90 IS 'Interactions in the 90 days before.';
COMMENT ON COLUMN xsell.account_score.open_deals IS 'Open deals.';
COMMENT ON COLUMN xsell.account_score.open_amount IS 'Their amount.';
COMMENT ON COLUMN xsell.account_score.closed_deals IS 'Closed deals.';
COMMENT ON COLUMN xsell.account_score.won_deals IS 'Won deals.';
COMMENT ON COLUMN xsell.account_score.spend_365 IS 'Purchases in the 365 days before.';
COMMENT ON COLUMN xsell.account_score.recommendations IS 'Live recommendations of what the org itself may sell it.';
COMMENT ON COLUMN xsell.account_score.expected_revenue IS 'Their expected revenue.';
COMMENT ON COLUMN xsell.account_score.currency IS 'Currency of the amounts: the base currency.';
COMMENT ON COLUMN xsell.account_score.top_product IS 'The best of them.';
COMMENT ON COLUMN xsell.account_score.summary IS 'The account in at most 60 words; xsell.account_summary() tells it as of now.';
COMMENT ON COLUMN xsell.account_score.owner_name IS 'Owner of the account.';
COMMENT ON COLUMN xsell.account_score.owner_email IS 'E-mail of the owner.';
COMMENT ON COLUMN xsell.account_score.territory IS 'Territory of the owner, else by xsell.territory_map.';

CREATE VIEW xsell.entity_summary WITH (security_invoker = true) AS
SELECT DISTINCT ON (e.entity_id) e.entity_id, a.name AS entity_name, s.org_id, s.account_id, s.summary, s.priority_score, xsell_internal.tier(s.priority_score) AS tier
FROM xsell_internal.account_score s
JOIN xsell_internal.entity_account e ON e.org_id = s.org_id AND e.account_id = s.account_id
LEFT JOIN xsell.account a ON a.org_id = s.org_id AND a.crm_id = s.account_id
ORDER BY e.entity_id, s.priority_score DESC, s.org_id, s.account_id;
COMMENT ON VIEW xsell.entity_summary IS 'Each customer in at most 60 words, as the org says it that you may see and that gives it the highest priority.';
COMMENT ON COLUMN xsell.entity_summary.entity_id IS 'The customer.';
COMMENT ON COLUMN xsell.entity_summary.entity_name IS 'Name of that account.';
COMMENT ON COLUMN xsell.entity_summary.org_id IS 'The org that says so.';
COMMENT ON COLUMN xsell.entity_summary.account_id IS 'Its account there.';
COMMENT ON COLUMN xsell.entity_summary.summary IS 'The summary.';
COMMENT ON COLUMN xsell.entity_summary.priority_score IS 'Its priority there.';
COMMENT ON COLUMN xsell.entity_summary.tier IS 'Its tier there.';

SELECT pg_catalog.pg_extension_config_dump('xsell_internal.account_score', '');
