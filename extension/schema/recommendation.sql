-- What to offer whom, why and for how much. One refresh in one transaction writes it; a row keeps its identity over refreshes, and what
-- is not recommended any more is expired, never deleted.

CREATE TABLE xsell_internal.recommendation (
    recommendation_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity_id         bigint NOT NULL,
    product_id        bigint NOT NULL,
    org_id            text NOT NULL,
    route             text NOT NULL CHECK (route IN ('same_org', 'cross_org', 'winback')),
    account_id        text,
    product_crm_id    text NOT NULL,
    probability       double precision NOT NULL CHECK (probability BETWEEN 0 AND 1),
    probability_low   double precision,
    probability_high  double precision,
    amount_if_won     numeric,
    expected_revenue  numeric,
    rank              integer NOT NULL,
    confidence_level  text NOT NULL,
    next_action       text NOT NULL,
    reason            text,
    owner_id          text,
    contact_id        text,
    status            text NOT NULL DEFAULT 'new'
                      CHECK (status IN ('new', 'accepted', 'in_progress', 'won', 'lost', 'dismissed', 'expired')),
    status_note       text,
    status_at         timestamptz,
    first_seen        timestamptz NOT NULL,
    last_seen         timestamptz NOT NULL,
    expires_at        timestamptz NOT NULL,
    score_source      text NOT NULL CHECK (score_source IN ('model', 'heuristic', 'rule')),
    model             text,
    version           integer,
    live              boolean NOT NULL DEFAULT true,
    held_out          boolean NOT NULL DEFAULT false,
    assigned_to       text,
    recommendation_type text,
    lookalikes        integer NOT NULL DEFAULT 0,
    UNIQUE (entity_id, product_id, org_id, route)
);
CREATE INDEX ON xsell_internal.recommendation (org_id, owner_id) WHERE live;
CREATE INDEX ON xsell_internal.recommendation (expected_revenue DESC NULLS LAST, probability DESC) WHERE live;
COMMENT ON TABLE xsell_internal.recommendation IS 'Every recommendation ever made. org_id is the selling org; live: recommended by the last refresh and not closed by hand. held_out: kept from everybody, to measure what happens without; assigned_to: owner given by hand, before owner_id.';

-- Who can introduce is another org's knowledge, so it has its own rows under that org's policy.
CREATE TABLE xsell_internal.introduction (
    recommendation_id bigint PRIMARY KEY REFERENCES xsell_internal.recommendation ON DELETE CASCADE,
    org_id            text NOT NULL,
    account_id        text NOT NULL,
    user_id           text,
    contact_id        text
);
COMMENT ON TABLE xsell_internal.introduction IS 'For a cross_org recommendation: the org that serves the entity, its account there, that account''s owner and contact.';

CREATE TABLE xsell_internal.recommendation_reason (
    recommendation_id bigint NOT NULL REFERENCES xsell_internal.recommendation ON DELETE CASCADE,
    position          integer NOT NULL,
    feature           text NOT NULL,
    value             double precision,
    contribution      double precision NOT NULL,
    code              text,
    sentence          text,
    PRIMARY KEY (recommendation_id, position)
);
COMMENT ON TABLE xsell_internal.recommendation_reason IS 'Why: the strongest features. The value is left out where it could tell one org about another.';

-- No foreign key: three look-ups a row would be most of a refresh. The trigger below does what it would.
CREATE TABLE xsell_internal.recommendation_lookalike (
    recommendation_id bigint NOT NULL,
    position          integer NOT NULL,
    entity_id         bigint NOT NULL,
    similarity        real NOT NULL,
    PRIMARY KEY (recommendation_id, position)
);
COMMENT ON TABLE xsell_internal.recommendation_lookalike IS 'The nearest customers that hold what is recommended; seen by those who see the recommendation and the customer.';

CREATE FUNCTION xsell_internal.forget_lookalikes() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM xsell_internal.recommendation_lookalike l USING gone g WHERE l.recommendation_id = g.recommendation_id;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION xsell_internal.forget_lookalikes() IS 'Trigger: lookalikes go with the recommendation.';
CREATE TRIGGER forget_lookalikes AFTER DELETE ON xsell_internal.recommendation REFERENCING OLD TABLE AS gone
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.forget_lookalikes();

CREATE TABLE xsell_internal.recommendation_run (
    run_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    as_of        timestamptz NOT NULL,
    started_at   timestamptz NOT NULL,
    finished_at  timestamptz,
    score_source text,
    model        text,
    version      integer,
    kept         bigint,
    cuts         double precision[],
    kind         text,
    entities     bigint,
    written      bigint
);
COMMENT ON TABLE xsell_internal.recommendation_run IS 'One row per refresh. cuts: the 60th, 70th and 80th percentile of the kept probabilities, which confidence levels and next actions go by. kind: full or incremental, of so many entities (NULL: all).';

CREATE TABLE xsell_internal.suppression (
    suppression_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    entity_id      bigint NOT NULL,
    product_id     bigint,
    org_id         text,
    until          timestamptz,
    note           text,
    created_by     text NOT NULL DEFAULT CURRENT_USER,
    created_at     timestamptz NOT NULL DEFAULT pg_catalog.now(),
    UNIQUE NULLS NOT DISTINCT (entity_id, product_id, org_id)
);
COMMENT ON TABLE xsell_internal.suppression IS 'Pairs that must not be recommended; product_id NULL: nothing may be, org_id NULL: by no org, until NULL: ever.';

-- The older platform cut raw scores at .6, .7 and .8. Calibrated probabilities of rare wins never get there, so the same cuts
-- are made in the ranking of what is recommended; and the width of the interval, which stands for the models' disagreement, is
-- measured by the probability that it is about.
CREATE FUNCTION xsell_internal.confidence_level(probability double precision, half_width double precision, cuts double precision[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN probability > cuts[3] AND half_width < .5 * probability THEN 'Very High'
    WHEN probability > cuts[2] AND half_width < .75 * probability THEN 'High'
    WHEN probability > cuts[1] THEN 'Medium'
    ELSE 'Low'
END;
COMMENT ON FUNCTION xsell_internal.confidence_level(double precision, double precision, double precision[]) IS
'Very High, High, Medium or Low: standing among the recommendations of a run (its cuts) and width of the interval; without an interval at most Medium.';

CREATE FUNCTION xsell_internal.next_action(route text, probability double precision, cuts double precision[]) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE
    WHEN route = 'winback' THEN 'Ask why it ended and offer to return'
    WHEN probability > cuts[3] THEN 'Schedule executive introduction call immediately'
    WHEN probability > cuts[2] THEN 'Prepare joint value proposition and reach out'
    WHEN probability > cuts[1] THEN 'Add to nurture campaign and monitor engagement'
    ELSE 'Review quarterly for status changes'
END;
COMMENT ON FUNCTION xsell_internal.next_action(text, double precision, double precision[]) IS 'What to do next, by the same cuts as the confidence level.';

-- What people read. Names come through joins under the reader's own row security, so an org that may not be seen leaves NULL.

CREATE VIEW xsell.recommendation WITH (security_invoker = true) AS
SELECT r.recommendation_id, r.entity_id, COALESCE(a.name, ia.name) AS entity_name, r.org_id, r.account_id, r.product_id,
       COALESCE(p.name, pg_catalog.regexp_replace(r.product_crm_id, '^(deal|family):', '')) AS product_name, p.family AS product_family,
       r.route, r.probability, r.probability_low, r.probability_high, r.amount_if_won, r.expected_revenue,
       COALESCE((SELECT s.value FROM xsell_internal.setting s WHERE s.name = 'base_currency'), 'EUR') AS currency,  -- base_currency(), planned with the rest
       r.rank, r.confidence_level, r.next_action, r.reason,
       u.name AS owner_name, u.email AS owner_email,
       -- Most have no map: asked once, not for each row.
       COALESCE(NULLIF(u.team, ''), CASE WHEN (SELECT EXISTS (SELECT FROM xsell.territory_map)) THEN (SELECT m.team FROM xsell.territory_map m WHERE m.org_id = r.org_id AND m.team IS NOT NULL
                                       AND xsell_internal.in_territory(m, a, COALESCE(r.assigned_to, r.owner_id)) ORDER BY m.priority, m.map_id LIMIT 1) END) AS team,
       COALESCE(NULLIF(u.territory, ''), CASE WHEN (SELECT EXISTS (SELECT FROM xsell.territory_map)) THEN (SELECT m.territory FROM xsell.territory_map m WHERE m.org_id = r.org_id AND m.territory IS NOT NULL
                                            AND xsell_internal.in_territory(m, a, COALESCE(r.assigned_to, r.owner_id)) ORDER BY m.priority, m.map_id LIMIT 1) END) AS territory,
       iu.name AS introducer_name,
       NULLIF(pg_catalog.concat_ws(' ', c.first_name, c.last_name), '') AS contact_name,
       r.status, r.first_seen, r.last_seen, r.expires_at, r.score_source, r.model, r.version, r.recommendation_type, r.lookalikes
FROM xsell_internal.recommendation r
LEFT JOIN xsell.account a ON a.org_id = r.org_id AND a.crm_id = r.account_id
LEFT JOIN xsell.product p ON p.org_id = r.org_id AND p.crm_id = r.product_crm_id
LEFT JOIN xsell.crm_user u ON u.org_id = r.org_id AND u.crm_id = COALESCE(r.assigned_to, r.owner_id)
LEFT JOIN xsell_internal.introduction i ON i.recommendation_id = r.recommendation_id
LEFT JOIN xsell.account ia ON ia.org_id = i.org_id AND ia.crm_id = i.account_id
LEFT JOIN xsell.crm_user iu ON iu.org_id = i.org_id AND iu.crm_id = i.user_id
LEFT JOIN xsell.contact c ON c.org_id = COALESCE(i.org_id, r.org_id) AND c.crm_id = COALESCE(i.contact_id, r.contact_id)
WHERE r.live AND NOT r.held_out;
COMMENT ON VIEW xsell.recommendation IS 'The work list: what to offer whom, through which org, why and for how much. One row per entity, product, selling org and route.';
COMMENT ON COLUMN xsell.recommendation.recommendation_id IS 'Stays the same over refreshes.';
COMMENT ON COLUMN xsell.recommendation.entity_id IS 'The customer; see xsell.entity.';
COMMENT ON COLUMN xsell.recommendation.entity_name IS 'Its name, from an account that you may see.';
COMMENT ON COLUMN xsell.recommendation.org_id IS 'The org that would sell.';
COMMENT ON COLUMN xsell.recommendation.account_id IS 'The customer''s account in that org; NULL for cross_org.';
COMMENT ON COLUMN xsell.recommendation.product_id IS 'The product, the same over all orgs.';
COMMENT ON COLUMN xsell.recommendation.product_name IS 'Its name in the selling org.';
COMMENT ON COLUMN xsell.recommendation.product_family IS 'Its family in the selling org.';
COMMENT ON COLUMN xsell.recommendation.route IS 'same_org: the selling org knows the customer; cross_org: another org can introduce; winback: had it before.';
COMMENT ON COLUMN xsell.recommendation.probability IS 'Probability of a win within the model''s horizon; see score_source.';
COMMENT ON COLUMN xsell.recommendation.probability_low IS 'Lower end of its interval.';
COMMENT ON COLUMN xsell.recommendation.probability_high IS 'Upper end of its interval.';
COMMENT ON COLUMN xsell.recommendation.amount_if_won IS 'Median won amount of the product in the selling org, pulled towards the org''s median where wins are few.';
COMMENT ON COLUMN xsell.recommendation.expected_revenue IS 'probability x amount_if_won.';
COMMENT ON COLUMN xsell.recommendation.currency IS 'Currency of the amounts: the base currency.';
COMMENT ON COLUMN xsell.recommendation.rank IS '1 is the customer''s best; winback rows are ranked apart.';
COMMENT ON COLUMN xsell.recommendation.confidence_level IS 'Very High, High, Medium or Low: standing among all recommendations, and width of the interval.';
COMMENT ON COLUMN xsell.recommendation.next_action IS 'What to do next.';
COMMENT ON COLUMN xsell.recommendation.reason IS 'The strongest reason in a sentence; more in xsell.recommendation_reason.';
COMMENT ON COLUMN xsell.recommendation.owner_name IS 'Owner of the account in the selling org.';
COMMENT ON COLUMN xsell.recommendation.owner_email IS 'E-mail of the owner.';
COMMENT ON COLUMN xsell.recommendation.team IS 'Team of the owner, else by xsell.territory_map.';
COMMENT ON COLUMN xsell.recommendation.territory IS 'Territory of the owner, else by xsell.territory_map.';
COMMENT ON COLUMN xsell.recommendation.introducer_name IS 'For cross_org: who knows the customer, if you may see that org.';
COMMENT ON COLUMN xsell.recommendation.contact_name IS 'Whom to talk to.';
COMMENT ON COLUMN xsell.recommendation.status IS 'new, accepted, in_progress, ...; set by xsell.set_status.';
COMMENT ON COLUMN xsell.recommendation.first_seen IS 'First refresh that recommended it.';
COMMENT ON COLUMN xsell.recommendation.last_seen IS 'Last refresh that recommended it.';
COMMENT ON COLUMN xsell.recommendation.expires_at IS 'Not to be trusted after this without another refresh.';
COMMENT ON COLUMN xsell.recommendation.score_source IS 'model, heuristic (nothing deployed: ranks by association, lookalikes and demand) or rule (winback).';
COMMENT ON COLUMN xsell.recommendation.model IS 'The model, for score_source model.';
COMMENT ON COLUMN xsell.recommendation.version IS 'Its version.';
COMMENT ON COLUMN xsell.recommendation.recommendation_type IS
'Industry Expansion: the most similar customer that has the product is of the same industry; else Partner Referral where one of the two is a partner, else Market Development. NULL for winback, and without a model.';
COMMENT ON COLUMN xsell.recommendation.lookalikes IS 'How many of the similar customers that have the product are named in xsell.recommendation_lookalike, if you may see them: at most three.';

CREATE VIEW xsell.recommendation_reason WITH (security_invoker = true) AS
SELECT w.recommendation_id, w.position, w.feature, w.value, w.contribution, w.code, w.sentence
FROM xsell_internal.recommendation_reason w
JOIN xsell_internal.recommendation r USING (recommendation_id)
WHERE r.live AND NOT r.held_out;
COMMENT ON VIEW xsell.recommendation_reason IS 'Why each live recommendation was made: its strongest features.';
COMMENT ON COLUMN xsell.recommendation_reason.recommendation_id IS 'The recommendation.';
COMMENT ON COLUMN xsell.recommendation_reason.position IS '1 is the strongest; what speaks for it comes first.';
COMMENT ON COLUMN xsell.recommendation_reason.feature IS 'The feature.';
COMMENT ON COLUMN xsell.recommendation_reason.value IS 'Its value; NULL where it could tell one org about another.';
COMMENT ON COLUMN xsell.recommendation_reason.contribution IS
'What it adds: in log-odds for a model, to the score for the heuristic. Shapley values for the three best of a customer (rank up to 3); for the others what each split on the way through the trees changed, which adds up to the same score.';
COMMENT ON COLUMN xsell.recommendation_reason.code IS 'The kind of reason.';
COMMENT ON COLUMN xsell.recommendation_reason.sentence IS 'The reason in words.';

CREATE VIEW xsell.recommendation_lookalike WITH (security_invoker = true) AS
SELECT l.recommendation_id, l.position, l.entity_id, e.name AS entity_name, l.similarity
FROM xsell_internal.recommendation_lookalike l
JOIN xsell_internal.recommendation r USING (recommendation_id)
LEFT JOIN xsell.entity e ON e.entity_id = l.entity_id
WHERE r.live AND NOT r.held_out;
COMMENT ON VIEW xsell.recommendation_lookalike IS 'The most similar customers that have what is recommended, as far as you may see them; xsell.recommendation.lookalikes counts all.';
COMMENT ON COLUMN xsell.recommendation_lookalike.recommendation_id IS 'The recommendation.';
COMMENT ON COLUMN xsell.recommendation_lookalike.position IS '1 is the most similar.';
COMMENT ON COLUMN xsell.recommendation_lookalike.entity_id IS 'The customer that has the product.';
COMMENT ON COLUMN xsell.recommendation_lookalike.entity_name IS 'Its name, from an account that you may see.';
COMMENT ON COLUMN xsell.recommendation_lookalike.similarity IS 'Mean of the six similarities, 0 to 1.';

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['recommendation', 'recommendation_recommendation_id_seq', 'introduction', 'recommendation_reason', 'recommendation_lookalike', 'recommendation_run',
                                'recommendation_run_run_id_seq', 'suppression', 'suppression_suppression_id_seq'] LOOP
        PERFORM pg_catalog.pg_extension_config_dump(('xsell_internal.' || kept)::pg_catalog.regclass, '');
    END LOOP;
END
$$;
