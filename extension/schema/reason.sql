-- Reasons in words: what is said when a feature raises or lowers a score, by language.

CREATE TABLE xsell_internal.reason_template (
    feature   text NOT NULL,
    direction text NOT NULL CHECK (direction IN ('up', 'down')),
    code      text NOT NULL,
    sentence  text NOT NULL,
    language  text NOT NULL DEFAULT 'en' CHECK (language ~ '^[a-z]{2,3}([-_][A-Za-z0-9]+)*$'),
    built_in  boolean NOT NULL DEFAULT false,
    PRIMARY KEY (feature, direction, language)
);
COMMENT ON TABLE xsell_internal.reason_template IS
'What is said when a feature raises (up) or lowers (down) a score. Placeholders: {value}, {rounded} without decimals, {percent}, {feature}.';
COMMENT ON COLUMN xsell_internal.reason_template.code IS 'A name for the reason that programs can go by: the same in every language.';
COMMENT ON COLUMN xsell_internal.reason_template.language IS 'Language of the sentence, as in de or pt-BR; what a language lacks is said in English (en).';
COMMENT ON COLUMN xsell_internal.reason_template.built_in IS 'Whether it is as the extension brought it; one that was edited is part of a dump.';

CREATE FUNCTION xsell_internal.render_reason(feature text, value real, contribution double precision, language text DEFAULT 'en')
RETURNS TABLE (code text, sentence text, parameters jsonb)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
    SELECT COALESCE(t.code, w.feature || '_' || w.direction),
           pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(
               CASE WHEN t.sentence ~ '\{(value|rounded|percent)\}' AND w.number IS NULL OR t.sentence IS NULL
                    THEN CASE WHEN w.number IS NULL THEN '{feature}' ELSE '{feature} of {value}' END ||
                         CASE w.direction WHEN 'up' THEN ' speaks for it' ELSE ' speaks against it' END
                    ELSE t.sentence END,
               '{feature}', pg_catalog.replace(w.feature, '_', ' ')),
               '{value}', COALESCE(pg_catalog.trim_scale(pg_catalog.round(w.number, 2))::text, '')),
               '{rounded}', COALESCE(pg_catalog.round(w.number)::text, '')),
               '{percent}', COALESCE(pg_catalog.round(w.number * 100)::text || ' %', '')),
           pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object(
               'value', w.number,
               'rounded', CASE WHEN pg_catalog.strpos(t.sentence, '{rounded}') > 0 THEN pg_catalog.round(w.number) END,
               'percent', CASE WHEN pg_catalog.strpos(t.sentence, '{percent}') > 0 THEN pg_catalog.round(w.number * 100) END))
    FROM (SELECT render_reason.feature, CASE WHEN contribution < 0 THEN 'down' ELSE 'up' END AS direction,
                 -- No text and no JSON number can say NaN or infinity.
                 CASE WHEN render_reason.value NOT IN ('NaN', 'Infinity', '-Infinity') THEN render_reason.value::numeric END AS number) w
    LEFT JOIN LATERAL (
        SELECT n.code, n.sentence FROM xsell_internal.reason_template n
        WHERE n.feature = w.feature AND n.direction = w.direction AND n.language IN (render_reason.language, 'en')
        ORDER BY n.language = render_reason.language DESC LIMIT 1) t ON true;
END;
COMMENT ON FUNCTION xsell_internal.render_reason(text, real, double precision, text) IS
'A reason in words, from its template in a language (English where it has none), with the numbers that the sentence tells; a feature without a template is named with its value.';

INSERT INTO xsell_internal.reason_template (feature, direction, code, sentence) VALUES
    ('association_score', 'up', 'basket_fit', 'goes well with what they already buy'),
    ('association_score', 'down', 'basket_gap', 'is rarely bought together with what they have'),
    ('association_lift_max', 'up', 'basket_lift', 'customers of one of their products buy it {value} times as often as others'),
    ('association_lift_max', 'down', 'basket_no_lift', 'none of their products makes this purchase more likely'),
    ('association_confidence_max', 'up', 'basket_confidence', 'up to {percent} of the buyers of one of their products also have it'),
    ('association_confidence_max', 'down', 'basket_low_confidence', 'few buyers of their products have it'),
    ('lookalike_share', 'up', 'lookalikes_hold', '{percent} of the most similar companies have it'),
    ('lookalike_share', 'down', 'lookalikes_lack', 'only {percent} of the most similar companies have it'),
    ('lookalike_industry', 'up', 'same_industry', 'companies of the same industry have it'),
    ('lookalike_industry', 'down', 'other_industry', 'those who have it are from other industries'),
    ('lookalike_size', 'up', 'same_size', 'companies of their size have it'),
    ('lookalike_size', 'down', 'other_size', 'those who have it differ in size'),
    ('lookalike_geography', 'up', 'same_country', 'companies in the same country have it'),
    ('lookalike_geography', 'down', 'other_country', 'those who have it are in other countries'),
    ('lookalike_complementarity', 'up', 'complements', 'completes a product range that differs from that of its buyers'),
    ('lookalike_complementarity', 'down', 'overlaps', 'their product range already resembles that of its buyers'),
    ('lookalike_maturity', 'up', 'same_maturity', 'customers of similar standing have it'),
    ('lookalike_maturity', 'down', 'other_maturity', 'those who have it have been customers for a different time'),
    ('lookalike_activity', 'up', 'same_activity', 'customers who are about as active have it'),
    ('lookalike_activity', 'down', 'other_activity', 'those who have it are more or less active'),
    ('family_share', 'up', 'knows_family', '{percent} of what they have is of the same product family'),
    ('family_share', 'down', 'new_family', 'little of what they have is of this product family'),
    ('same_org_sells', 'up', 'served_already', 'a team that serves them sells it'),
    ('same_org_sells', 'down', 'not_served_yet', 'no team that serves them sells it'),
    ('ease_score', 'up', 'range_fit', 'completes the range that they have'),
    ('ease_score', 'down', 'range_misfit', 'does not belong to the range that they have'),
    ('ease_recent', 'up', 'recent_fit', 'goes with what they bought lately'),
    ('ease_recent', 'down', 'recent_misfit', 'does not go with what they bought lately'),
    ('ease_recent_z', 'up', 'recent_fit_above', 'goes with what they bought lately better than other products do'),
    ('ease_recent_z', 'down', 'recent_fit_below', 'goes with what they bought lately no better than other products do'),
    ('ease_share', 'up', 'expected_of_range', 'customers with their recent purchases tend to buy it'),
    ('ease_share', 'down', 'unexpected_of_range', 'customers with their recent purchases seldom buy it'),
    ('cosine_recent', 'up', 'bought_together_lately', 'is bought lately by customers of the same products'),
    ('cosine_recent', 'down', 'not_bought_together_lately', 'was not bought lately by customers of the same products'),
    ('demand_recent', 'up', 'demand_lately', 'is in demand lately'),
    ('demand_recent', 'down', 'no_demand_lately', 'is hardly in demand lately'),
    ('affinity_fit', 'up', 'fits_best', 'fits what they have better than most products'),
    ('affinity_fit', 'down', 'fits_less', 'fits what they have no better than most products'),
    ('affinity_rank', 'up', 'among_best_fits', 'is number {rounded} of what fits them'),
    ('affinity_rank', 'down', 'not_among_best_fits', 'is only number {rounded} of what fits them'),
    ('follow_up', 'up', 'usual_next', 'is what customers usually buy next, about as long after their purchases'),
    ('follow_up', 'down', 'not_usual_next', 'is not what customers usually buy next'),
    ('industry_lift', 'up', 'industry_buys', 'their industry buys it more than others do'),
    ('industry_lift', 'down', 'industry_passes', 'their industry buys it no more than others do'),
    ('size_lift', 'up', 'size_buys', 'companies of their headcount buy it more than others do'),
    ('size_lift', 'down', 'size_passes', 'companies of their headcount buy it no more than others do'),
    ('country_lift', 'up', 'country_buys', 'companies of their country buy it more than others do'),
    ('country_lift', 'down', 'country_passes', 'companies of their country buy it no more than others do'),
    ('demand_share', 'up', 'new_buyers', 'finds many new buyers'),
    ('demand_share', 'down', 'few_new_buyers', 'finds few new buyers'),
    ('known_org_sells', 'up', 'seller_knows', 'a team that knows them sells it'),
    ('known_org_sells', 'down', 'seller_unknown', 'no team that knows them sells it'),
    ('lost_days', 'up', 'earlier_talks', 'a deal about it was lost {rounded} days ago, so they have thought of it'),
    ('lost_days', 'down', 'earlier_talks_against', 'a deal about it was lost {rounded} days ago'),
    ('choice_share', 'up', 'likely_next', 'is likely to be their next purchase'),
    ('choice_share', 'down', 'unlikely_next', 'is unlikely to be their next purchase'),
    ('popularity_7', 'up', 'demand_week', '{rounded} customers bought it in the last week'),
    ('popularity_7', 'down', 'no_demand_week', 'hardly anybody bought it in the last week'),
    ('popularity_30', 'up', 'demand_month', '{rounded} customers bought it in the last 30 days'),
    ('popularity_30', 'down', 'no_demand_month', 'hardly anybody bought it in the last 30 days'),
    ('popularity_60', 'up', 'demand_two_months', '{rounded} customers bought it in the last 60 days'),
    ('popularity_60', 'down', 'no_demand_two_months', 'hardly anybody bought it in the last 60 days'),
    ('popularity_all', 'up', 'widely_held', '{rounded} customers have it'),
    ('popularity_all', 'down', 'rarely_held', 'few customers have it'),
    ('product_price_log', 'up', 'price_fits', 'its price suits them'),
    ('product_price_log', 'down', 'price_unusual', 'its price is unlike what sells'),
    ('product_age_days', 'up', 'product_age', 'it has been on offer for {rounded} days'),
    ('product_age_days', 'down', 'product_age_against', 'it has been on offer for {rounded} days'),
    ('revenue_log', 'up', 'revenue', 'companies of their revenue buy it'),
    ('revenue_log', 'down', 'revenue_against', 'companies of their revenue rarely buy it'),
    ('employees_log', 'up', 'headcount', 'companies of their headcount buy it'),
    ('employees_log', 'down', 'headcount_against', 'companies of their headcount rarely buy it'),
    ('is_enterprise', 'up', 'enterprise', 'fits a company of their class'),
    ('is_enterprise', 'down', 'enterprise_against', 'does not fit a company of their class'),
    ('revenue_per_employee', 'up', 'productivity', 'their revenue per employee speaks for it'),
    ('revenue_per_employee', 'down', 'productivity_against', 'their revenue per employee speaks against it'),
    ('recency_days', 'up', 'recent_purchase', 'their last purchase was {rounded} days ago'),
    ('recency_days', 'down', 'old_purchase', 'their last purchase was {rounded} days ago'),
    ('activity_recency', 'up', 'recent_contact', 'there was contact lately'),
    ('activity_recency', 'down', 'no_recent_contact', 'the last contact is long past'),
    ('activities_90', 'up', 'engaged', '{rounded} activities in the last 90 days'),
    ('activities_90', 'down', 'not_engaged', 'only {rounded} activities in the last 90 days'),
    ('purchases_90', 'up', 'buys_often', '{rounded} purchases in the last 90 days'),
    ('purchases_90', 'down', 'buys_rarely', 'only {rounded} purchases in the last 90 days'),
    ('won_amount_log', 'up', 'spends_much', 'they have spent much with us'),
    ('won_amount_log', 'down', 'spends_little', 'they have spent little with us'),
    ('win_rate', 'up', 'wins', '{percent} of their closed deals were won'),
    ('win_rate', 'down', 'losses', 'only {percent} of their closed deals were won'),
    ('open_deals', 'up', 'in_talks', '{rounded} other deals are open with them'),
    ('open_deals', 'down', 'busy', '{rounded} deals are open with them'),
    ('holdings_count', 'up', 'broad_customer', 'they already have {rounded} products'),
    ('holdings_count', 'down', 'narrow_customer', 'they have {rounded} products'),
    ('tenure_days', 'up', 'long_customer', 'known for {rounded} days'),
    ('tenure_days', 'down', 'tenure_against', 'known for {rounded} days'),
    ('orgs_serving', 'up', 'served_by_orgs', '{rounded} of our organisations serve them'),
    ('orgs_serving', 'down', 'served_by_few', '{rounded} of our organisations serve them');

UPDATE xsell_internal.reason_template SET built_in = true;

CREATE FUNCTION xsell_internal.own_reason() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        DELETE FROM xsell_internal.reason_template t
        WHERE t.feature = NEW.feature AND t.direction = NEW.direction AND t.language = NEW.language AND t.built_in;
    END IF;
    NEW.built_in := false;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION xsell_internal.own_reason() IS
'Trigger: what is written is one''s own and takes the place of what is built in, so that a dump keeps it and a restore finds no other in its place.';
CREATE TRIGGER own_reason BEFORE INSERT OR UPDATE ON xsell_internal.reason_template
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.own_reason();

SELECT pg_catalog.pg_extension_config_dump('xsell_internal.reason_template', 'WHERE NOT built_in');
