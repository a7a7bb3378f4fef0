-- Exclusions: what must not be offered, by which rule, why and until when. The rules are rows; what they find is computed as sets.

CREATE TABLE xsell.exclusion_rule (
    rule           text PRIMARY KEY CHECK (rule ~ '^[a-z][a-z0-9_]{0,62}$'),
    enabled        boolean NOT NULL DEFAULT true,
    period         interval CHECK (period > interval '0'),
    sentence       text NOT NULL,
    description    text,
    attribute      text,
    operator       text CHECK (operator IN ('is_true', 'is_set', 'is_missing', '=', '<>', '<', '<=', '>', '>=', 'one_of', 'contains')),
    value          text,
    product_family text,
    built_in       boolean NOT NULL DEFAULT false,
    CHECK ((attribute IS NULL) = (operator IS NULL)),
    CHECK (operator IN ('is_true', 'is_set', 'is_missing') OR (operator IS NULL) = (value IS NULL)),
    CHECK (operator NOT IN ('<', '<=', '>', '>=') OR value ~ '^-?\d{1,30}(\.\d{1,30})?$')
);
COMMENT ON TABLE xsell.exclusion_rule IS
'Rules that keep products from being offered. Switch one off with enabled; add one''s own by naming an attribute of the account, an operator and a value.';
COMMENT ON COLUMN xsell.exclusion_rule.rule IS 'Name of the rule.';
COMMENT ON COLUMN xsell.exclusion_rule.enabled IS 'False: it excludes nothing. held and open_deal are what cross-selling means and stay on.';
COMMENT ON COLUMN xsell.exclusion_rule.period IS 'For recently_lost: how long a loss counts.';
COMMENT ON COLUMN xsell.exclusion_rule.sentence IS 'Why, in words. Placeholders: {date}, {until}, {note}, {country}, {attribute}, {value}.';
COMMENT ON COLUMN xsell.exclusion_rule.description IS 'What the rule does.';
COMMENT ON COLUMN xsell.exclusion_rule.attribute IS 'For a rule on accounts: a field of the account (type, industry, country, state, source, rating, employees, annual_revenue_base), else a key of its attributes.';
COMMENT ON COLUMN xsell.exclusion_rule.operator IS 'is_true, is_set, is_missing, =, <>, <, <=, >, >= (numbers), one_of (a list with commas) or contains; letters'' case is ignored.';
COMMENT ON COLUMN xsell.exclusion_rule.value IS 'What the attribute is compared with.';
COMMENT ON COLUMN xsell.exclusion_rule.product_family IS 'Bars products of this family only; NULL: every product.';
COMMENT ON COLUMN xsell.exclusion_rule.built_in IS 'Whether it is as the extension brought it; one that was edited is part of a dump.';

INSERT INTO xsell.exclusion_rule (rule, period, sentence, description, attribute, operator) VALUES
    ('held', NULL, 'has it since {date}', 'The customer holds the product.', NULL, NULL),
    ('open_deal', NULL, 'a deal about it is open since {date}', 'An open deal covers customer and product.', NULL, NULL),
    ('recently_lost', '180 days', 'was lost on {date}', 'A deal about the product was lost within the period, or its recommendation was set to lost.', NULL, NULL),
    ('dismissed', NULL, 'dismissed on {date}: {note}', 'A recommendation of the product was dismissed.', NULL, NULL),
    ('won', NULL, 'won on {date}: {note}', 'A recommendation of the product was set to won.', NULL, NULL),
    ('suppressed', NULL, 'suppressed: {note}', 'Suppressed by hand: the product, or every product, for every org or for one.', NULL, NULL),
    ('do_not_contact', NULL, 'must not be contacted', 'The account asks not to be contacted: bars its org. A contact that asks so is only left out itself.', NULL, NULL),
    ('region', NULL, 'is not sold in {country}', 'xsell.product_region: where the product is sold, or is not.', NULL, NULL),
    ('retired', NULL, 'is not sold any more', 'The product is inactive or deleted in the org.', NULL, NULL),
    ('credit_hold', NULL, 'is on credit hold', 'The account''s custom field credit_hold is true: bars its org.', 'credit_hold', 'is_true'),
    ('churn_notice', NULL, 'has given notice', 'The account''s custom field churn_notice is true: bars its org.', 'churn_notice', 'is_true');
UPDATE xsell.exclusion_rule SET built_in = true;

CREATE FUNCTION xsell_internal.own_exclusion_rule() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    known constant text[] := ARRAY['held', 'open_deal', 'recently_lost', 'dismissed', 'won', 'suppressed', 'do_not_contact', 'region', 'retired'];
    operators constant text[] := ARRAY['is_true', 'is_set', 'is_missing', '=', '<>', '<', '<=', '>', '>=', 'one_of', 'contains'];
BEGIN
    IF NEW.rule IN ('held', 'open_deal') AND NOT NEW.enabled THEN
        RAISE EXCEPTION 'rule "%" cannot be switched off', NEW.rule USING ERRCODE = 'invalid_parameter_value',
            HINT = 'What a customer has, or is being sold, is no cross-sell opportunity.';
    ELSIF (NEW.rule = ANY (known)) <> (NEW.attribute IS NULL) THEN
        RAISE EXCEPTION 'rule "%" % an attribute', NEW.rule, CASE WHEN NEW.attribute IS NULL THEN 'needs' ELSE 'does not take' END
            USING ERRCODE = 'invalid_parameter_value',
            HINT = 'A rule of one''s own has a name of its own and tests an attribute of the account: attribute => ''credit_hold'', operator => ''is_true''.';
    ELSIF NEW.rule = 'recently_lost' AND NEW.period IS NULL THEN
        RAISE EXCEPTION 'rule "recently_lost" needs a period' USING ERRCODE = 'null_value_not_allowed', HINT = 'Switch it off with enabled = false instead.';
    ELSIF NEW.attribute IS NOT NULL AND (NEW.operator = ANY (operators)) IS NOT TRUE THEN
        RAISE EXCEPTION 'rule "%" has no operator that is known: "%"', NEW.rule, COALESCE(NEW.operator, 'NULL') USING ERRCODE = 'invalid_parameter_value',
            HINT = format('There are: %s.', array_to_string(operators, ', '));
    ELSIF NEW.operator IN ('<', '<=', '>', '>=') AND (NEW.value ~ '^-?\d{1,30}(\.\d{1,30})?$') IS NOT TRUE THEN
        RAISE EXCEPTION 'rule "%" compares with a number, not with "%"', NEW.rule, COALESCE(NEW.value, 'NULL') USING ERRCODE = 'invalid_parameter_value',
            HINT = 'For text there are =, <>, one_of (a list with commas) and contains.';
    END IF;
    IF TG_OP = 'INSERT' THEN
        DELETE FROM xsell.exclusion_rule r WHERE r.rule = NEW.rule AND r.built_in;
    END IF;
    NEW.built_in := false;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION xsell_internal.own_exclusion_rule() IS
'Trigger: refuses rules that mean nothing. What is written is one''s own and takes the place of what is built in, so that a dump keeps it.';
CREATE TRIGGER own_exclusion_rule BEFORE INSERT OR UPDATE ON xsell.exclusion_rule
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.own_exclusion_rule();

-- A restore would bring it back, and held without its row would let through what customers have.
CREATE FUNCTION xsell_internal.keep_exclusion_rule() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF OLD.built_in AND pg_trigger_depth() = 1 THEN  -- deeper: own_exclusion_rule makes room for what is one's own
        RAISE EXCEPTION 'rule "%" is built in and stays', OLD.rule USING ERRCODE = 'invalid_parameter_value',
            HINT = format('Switch it off: UPDATE xsell.exclusion_rule SET enabled = false WHERE rule = %L.', OLD.rule);
    END IF;
    RETURN OLD;
END
$$;
COMMENT ON FUNCTION xsell_internal.keep_exclusion_rule() IS 'Trigger: what the extension brought is switched off, not deleted.';
CREATE TRIGGER keep_exclusion_rule BEFORE DELETE ON xsell.exclusion_rule
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.keep_exclusion_rule();

CREATE TABLE xsell.product_region (
    org_id         text NOT NULL,
    product_crm_id text NOT NULL,
    country        text NOT NULL CHECK (country <> ''),
    allowed        boolean NOT NULL DEFAULT true,
    PRIMARY KEY (org_id, product_crm_id, country)
);
COMMENT ON TABLE xsell.product_region IS 'Where a product is sold: with allowed rows only there, with others not there.';
COMMENT ON COLUMN xsell.product_region.org_id IS 'The org.';
COMMENT ON COLUMN xsell.product_region.product_crm_id IS 'crm_id of its product, as in xsell.product_map.';
COMMENT ON COLUMN xsell.product_region.country IS 'Country, by name or by two letters.';
COMMENT ON COLUMN xsell.product_region.allowed IS 'True: sold there, and nowhere else; false: not sold there.';

CREATE INDEX account_do_not_contact ON xsell.account (org_id, crm_id) WHERE do_not_contact;

CREATE FUNCTION xsell_internal.render_exclusion(sentence text, at timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL, note text DEFAULT NULL) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN pg_catalog.rtrim(pg_catalog.replace(pg_catalog.replace(pg_catalog.replace(sentence,
    '{date}', COALESCE(pg_catalog.to_char(at AT TIME ZONE 'UTC', 'YYYY-MM-DD'), 'an unknown day')),
    '{until}', COALESCE(pg_catalog.to_char(until AT TIME ZONE 'UTC', 'YYYY-MM-DD'), 'further notice')),
    '{note}', COALESCE(note, '')), ' :');
COMMENT ON FUNCTION xsell_internal.render_exclusion(text, timestamptz, timestamptz, text) IS 'A rule''s sentence with its day, end and note.';

CREATE FUNCTION xsell_internal.account_fact(a xsell.account, fact text) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
RETURN CASE fact
    WHEN 'type' THEN a.type WHEN 'industry' THEN a.industry WHEN 'country' THEN a.country WHEN 'state' THEN a.state WHEN 'source' THEN a.source
    WHEN 'rating' THEN a.rating WHEN 'employees' THEN a.employees::text WHEN 'annual_revenue_base' THEN a.annual_revenue_base::text
    ELSE a.attributes ->> fact
END;
COMMENT ON FUNCTION xsell_internal.account_fact(xsell.account, text) IS 'What an account says of itself: one of a few fields, else one of its custom fields.';

CREATE FUNCTION xsell_internal.satisfies(fact text, operator text, value text) RETURNS boolean
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN CASE operator
    WHEN 'is_true' THEN pg_catalog.lower(fact) IN ('true', 't', 'yes', 'y', 'on', '1')
    WHEN 'is_set' THEN fact <> ''
    WHEN 'is_missing' THEN COALESCE(fact, '') = ''
    WHEN '=' THEN pg_catalog.lower(fact) = pg_catalog.lower(value)
    WHEN '<>' THEN pg_catalog.lower(fact) <> pg_catalog.lower(value)
    WHEN 'contains' THEN pg_catalog.strpos(pg_catalog.lower(fact), pg_catalog.lower(value)) > 0
    WHEN 'one_of' THEN pg_catalog.lower(fact) = ANY (pg_catalog.regexp_split_to_array(pg_catalog.lower(pg_catalog.btrim(value)), '\s*,\s*'))
    ELSE CASE WHEN fact ~ '^-?\d{1,30}(\.\d{1,30})?$' AND value ~ '^-?\d{1,30}(\.\d{1,30})?$' THEN
        CASE operator WHEN '<' THEN fact::numeric < value::numeric WHEN '<=' THEN fact::numeric <= value::numeric
                      WHEN '>' THEN fact::numeric > value::numeric WHEN '>=' THEN fact::numeric >= value::numeric END END
END;
COMMENT ON FUNCTION xsell_internal.satisfies(text, text, text) IS 'Whether a fact passes a rule''s test; what is missing passes is_missing alone.';

-- Deals by what they are about: their lines, or the product or family that they name. Each part joins the entity, so that a few are looked up.
CREATE VIEW xsell_internal.deal_pair WITH (security_invoker = true) AS
SELECT e.entity_id, m.product_id, d.org_id, d.opportunity_id, d.account_id, d.closed, d.won, d.closed_at, d.known_at, LEAST(d.deleted_at, l.deleted_at) AS deleted_at,
       l.created_at AS named_at, CASE WHEN l.amount IS NULL THEN xsell.to_base(l.quantity * l.unit_price, l.currency, d.closed_at) ELSE l.amount_base END AS amount_base
FROM xsell_internal.entity_account e
JOIN xsell_internal.deal d ON d.org_id = e.org_id AND d.account_id = e.account_id
JOIN xsell.opportunity_line l ON l.org_id = d.org_id AND l.opportunity_id = d.opportunity_id
JOIN xsell_internal.product_map m ON m.org_id = l.org_id AND m.product_crm_id = l.product_id
UNION ALL
SELECT e.entity_id, n.product_id, d.org_id, d.opportunity_id, d.account_id, d.closed, d.won, d.closed_at, d.known_at, d.deleted_at, NULL, d.amount_base
FROM xsell_internal.entity_account e
JOIN xsell_internal.deal d ON d.org_id = e.org_id AND d.account_id = e.account_id
JOIN xsell_internal.deal_product n ON n.org_id = d.org_id AND n.source = 'deal' AND n.name = d.product_name
UNION ALL
SELECT e.entity_id, n.product_id, d.org_id, d.opportunity_id, d.account_id, d.closed, d.won, d.closed_at, d.known_at, d.deleted_at, NULL, d.amount_base
FROM xsell_internal.entity_account e
JOIN xsell_internal.deal d ON d.org_id = e.org_id AND d.account_id = e.account_id
JOIN xsell_internal.deal_product n ON n.org_id = d.org_id AND n.source = 'family' AND n.name = d.attributes ->> 'product_family';
COMMENT ON VIEW xsell_internal.deal_pair IS 'Deals by the customer and the canonical products that they are about.';

-- Each part is a set of its own. known_by: the org whose records say so, NULL where nobody's in particular; a loss or a dismissal bars
-- every org, and is told to those alone who see the org that knows of it.
CREATE FUNCTION xsell_internal.account_exclusions(as_of timestamptz, only_entities bigint[])
RETURNS TABLE (entity_id bigint, product_id bigint, org_id text, rule text, reason text, until timestamptz, known_by text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10000
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    r xsell.exclusion_rule;
BEGIN
    FOR r IN SELECT * FROM xsell.exclusion_rule t WHERE t.enabled ORDER BY t.rule LOOP
        IF r.rule = 'do_not_contact' THEN
            RETURN QUERY
            SELECT DISTINCT e.entity_id, NULL::bigint, e.org_id, r.rule, xsell_internal.render_exclusion(r.sentence), NULL::timestamptz, e.org_id
            FROM xsell_internal.entity_account e
            JOIN xsell.account a ON a.org_id = e.org_id AND a.crm_id = e.account_id AND a.do_not_contact
            WHERE only_entities IS NULL OR e.entity_id = ANY (only_entities);
        ELSIF r.attribute IS NOT NULL THEN
            RETURN QUERY
            SELECT e.entity_id, f.product_id, e.org_id, r.rule,
                   min(xsell_internal.render_exclusion(replace(replace(r.sentence, '{attribute}', r.attribute), '{value}',
                                                               COALESCE(xsell_internal.account_fact(a, r.attribute), '')))),
                   NULL::timestamptz, e.org_id
            FROM xsell_internal.entity_account e
            JOIN xsell.account a ON a.org_id = e.org_id AND a.crm_id = e.account_id
            LEFT JOIN (SELECT DISTINCT m.org_id, m.product_id
                       FROM xsell_internal.product_map m
                       LEFT JOIN xsell.product p ON p.org_id = m.org_id AND p.crm_id = m.product_crm_id
                       WHERE lower(COALESCE(p.family, CASE WHEN m.product_crm_id LIKE 'family:%' THEN substr(m.product_crm_id, 8) END)) = lower(r.product_family)) f
                ON f.org_id = e.org_id
            WHERE (only_entities IS NULL OR e.entity_id = ANY (only_entities))
              AND (a.deleted_at IS NULL OR a.deleted_at > as_of)
              AND (r.product_family IS NULL OR f.product_id IS NOT NULL)
              AND xsell_internal.satisfies(xsell_internal.account_fact(a, r.attribute), r.operator, r.value)
            GROUP BY e.entity_id, f.product_id, e.org_id;
        END IF;
    END LOOP;
END
$$;
COMMENT ON FUNCTION xsell_internal.account_exclusions(timestamptz, bigint[]) IS 'What accounts say against being offered anything, or a family of products, by their org.';

CREATE FUNCTION xsell_internal.product_exclusions(as_of timestamptz, only_entities bigint[])
RETURNS TABLE (entity_id bigint, product_id bigint, org_id text, rule text, reason text, until timestamptz, known_by text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10000
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    r xsell.exclusion_rule;
BEGIN
    SELECT * INTO r FROM xsell.exclusion_rule t WHERE t.rule = 'retired' AND t.enabled;
    IF FOUND THEN
        RETURN QUERY
        SELECT NULL::bigint, m.product_id, m.org_id, r.rule, xsell_internal.render_exclusion(r.sentence, max(p.deleted_at)), NULL::timestamptz, m.org_id
        FROM xsell_internal.product_map m
        LEFT JOIN xsell.product p ON p.org_id = m.org_id AND p.crm_id = m.product_crm_id
        GROUP BY m.product_id, m.org_id
        HAVING bool_and(p.crm_id IS NOT NULL AND (p.is_active IS FALSE OR COALESCE(p.deleted_at, 'infinity') <= as_of));
    END IF;
    SELECT * INTO r FROM xsell.exclusion_rule t WHERE t.rule = 'region' AND t.enabled;
    IF NOT FOUND OR NOT EXISTS (SELECT FROM xsell.product_region) THEN
        RETURN;
    END IF;
    -- Customers are in few combinations of countries, so that each is judged once; where the selling org knows none, those that others know count.
    RETURN QUERY
    WITH region AS MATERIALIZED (
        SELECT m.product_id, m.org_id, array_agg(DISTINCT xsell_internal.country_key(g.country)) FILTER (WHERE g.allowed) AS only_in,
               COALESCE(array_agg(DISTINCT xsell_internal.country_key(g.country)) FILTER (WHERE NOT g.allowed), '{}') AS not_in
        FROM xsell.product_region g JOIN xsell_internal.product_map m ON m.org_id = g.org_id AND m.product_crm_id = g.product_crm_id
        GROUP BY m.product_id, m.org_id
    ), stated AS MATERIALIZED (
        SELECT e.entity_id, e.org_id, a.country
        FROM xsell_internal.entity_account e
        JOIN xsell.account a ON a.org_id = e.org_id AND a.crm_id = e.account_id AND (a.deleted_at IS NULL OR a.deleted_at > as_of)
        WHERE only_entities IS NULL OR e.entity_id = ANY (only_entities)
    ), spelling AS MATERIALIZED (
        SELECT s.country, NULLIF(xsell_internal.country_key(s.country), '') AS key FROM (SELECT t.country FROM stated t GROUP BY t.country) s
    ), place AS MATERIALIZED (
        SELECT t.entity_id, t.org_id, s.key FROM stated t LEFT JOIN spelling s ON s.country = t.country
    ), own AS MATERIALIZED (
        SELECT p.entity_id, p.org_id, COALESCE(array_agg(p.key ORDER BY p.key) FILTER (WHERE p.key IS NOT NULL), '{}') AS countries
        FROM place p WHERE p.org_id IN (SELECT g.org_id FROM region g) GROUP BY p.entity_id, p.org_id
    ), anywhere AS MATERIALIZED (
        SELECT p.entity_id, COALESCE(array_agg(DISTINCT p.key ORDER BY p.key) FILTER (WHERE p.key IS NOT NULL), '{}') AS countries
        FROM place p GROUP BY p.entity_id
    ), located AS MATERIALIZED (
        SELECT w.entity_id, g.org_id, CASE WHEN o.countries <> '{}' THEN o.countries ELSE w.countries END AS countries, o.countries <> '{}' IS TRUE AS told
        FROM anywhere w CROSS JOIN (SELECT DISTINCT n.org_id FROM region n) g
        LEFT JOIN own o ON o.entity_id = w.entity_id AND o.org_id = g.org_id
    ), barred AS MATERIALIZED (
        SELECT g.product_id, g.org_id, c.countries
        FROM region g JOIN (SELECT DISTINCT l.org_id, l.countries FROM located l) c ON c.org_id = g.org_id
        WHERE (g.only_in IS NOT NULL OR c.countries <> '{}')
          AND NOT EXISTS (SELECT FROM unnest(c.countries) k WHERE k <> ALL (g.not_in) AND (g.only_in IS NULL OR k = ANY (g.only_in)))
    )
    SELECT l.entity_id, b.product_id, b.org_id, r.rule,
           xsell_internal.render_exclusion(replace(r.sentence, '{country}', CASE WHEN l.told THEN upper(array_to_string(l.countries, ', '))
                                                                                 WHEN l.countries = '{}' THEN 'an unknown country' ELSE 'their country' END)),
           NULL::timestamptz, b.org_id
    FROM located l JOIN barred b ON b.org_id = l.org_id AND b.countries = l.countries;
END
$$;
COMMENT ON FUNCTION xsell_internal.product_exclusions(timestamptz, bigint[]) IS
'Products that an org does not sell any more (to any entity: NULL), or not where the customer is. Where no country is known, only products for certain countries are barred.';

CREATE FUNCTION xsell_internal.decided_exclusions(as_of timestamptz, only_entities bigint[])
RETURNS TABLE (entity_id bigint, product_id bigint, org_id text, rule text, reason text, until timestamptz, known_by text)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 10000
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan
SET jit = off
AS $$
#variable_conflict use_column
DECLARE
    r xsell.exclusion_rule;
    since timestamptz;
BEGIN
    RETURN QUERY
    SELECT c.entity_id, c.product_id, NULL::text, t.rule, xsell_internal.render_exclusion(t.sentence, max(c.status_at), NULL, (array_agg(c.status_note ORDER BY c.status_at DESC))[1]),
           NULL::timestamptz, c.org_id
    FROM xsell_internal.recommendation c
    JOIN xsell.exclusion_rule t ON t.rule = c.status AND t.enabled
    WHERE c.status IN ('dismissed', 'won') AND (only_entities IS NULL OR c.entity_id = ANY (only_entities))
    GROUP BY c.entity_id, c.product_id, t.rule, t.sentence, c.org_id;

    RETURN QUERY
    SELECT s.entity_id, s.product_id, s.org_id, t.rule, xsell_internal.render_exclusion(t.sentence, s.created_at, s.until, s.note), s.until, s.org_id
    FROM xsell_internal.suppression s
    JOIN xsell.exclusion_rule t ON t.rule = 'suppressed' AND t.enabled
    WHERE (s.until IS NULL OR s.until > as_of) AND (only_entities IS NULL OR s.entity_id = ANY (only_entities));

    SELECT * INTO r FROM xsell.exclusion_rule t WHERE t.rule = 'recently_lost' AND t.enabled;
    IF NOT FOUND THEN
        RETURN;
    END IF;
    since := as_of - r.period;
    RETURN QUERY
    SELECT n.entity_id, n.product_id, NULL::text, r.rule, xsell_internal.render_exclusion(r.sentence, max(n.lost_at), max(n.lost_at) + r.period), max(n.lost_at) + r.period, n.org_id
    FROM (SELECT d.entity_id, d.product_id, d.org_id, d.closed_at AS lost_at
          FROM xsell_internal.deal_pair d
          WHERE d.closed AND NOT d.won AND d.closed_at > since AND d.closed_at <= as_of AND (d.deleted_at IS NULL OR d.deleted_at > as_of)
            AND (only_entities IS NULL OR d.entity_id = ANY (only_entities))
          UNION ALL
          SELECT c.entity_id, c.product_id, c.org_id, c.status_at FROM xsell_internal.recommendation c
          WHERE c.status = 'lost' AND c.status_at > since AND (only_entities IS NULL OR c.entity_id = ANY (only_entities))) n
    GROUP BY n.entity_id, n.product_id, n.org_id;
END
$$;
COMMENT ON FUNCTION xsell_internal.decided_exclusions(timestamptz, bigint[]) IS 'What customers or people have said no to, or what was done already: dismissed, won, suppressed, lost lately.';

CREATE FUNCTION xsell_internal.exclusions(as_of timestamptz, only_entities bigint[] DEFAULT NULL)
RETURNS TABLE (entity_id bigint, product_id bigint, org_id text, rule text, reason text, until timestamptz, known_by text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000
BEGIN ATOMIC
    SELECT * FROM xsell_internal.account_exclusions(exclusions.as_of, exclusions.only_entities)
    UNION ALL SELECT * FROM xsell_internal.product_exclusions(exclusions.as_of, exclusions.only_entities)
    UNION ALL SELECT * FROM xsell_internal.decided_exclusions(exclusions.as_of, exclusions.only_entities);
END;
COMMENT ON FUNCTION xsell_internal.exclusions(timestamptz, bigint[]) IS
'What is excluded at a time, by rule, and which org''s records say so (NULL: none''s in particular). A NULL entity, product or org stands for every one.';

CREATE FUNCTION xsell_internal.excluded_pairs(as_of timestamptz, only_entities bigint[] DEFAULT NULL)
RETURNS TABLE (entity_id bigint, product_id bigint, org_id text, rule text, reason text, until timestamptz)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 10000
BEGIN ATOMIC
    SELECT x.entity_id, x.product_id, x.org_id, x.rule, x.reason, x.until FROM xsell_internal.exclusions(excluded_pairs.as_of, excluded_pairs.only_entities) x;
END;
COMMENT ON FUNCTION xsell_internal.excluded_pairs(timestamptz, bigint[]) IS
'What is excluded at a time, by rule. A NULL entity, product or org stands for every one; only_entities NULL: of every entity.';

CREATE VIEW xsell.exclusion WITH (security_invoker = true) AS
SELECT x.entity_id,
       (SELECT a.name FROM xsell_internal.entity_account e JOIN xsell.account a ON a.org_id = e.org_id AND a.crm_id = e.account_id
        WHERE e.entity_id = x.entity_id
        ORDER BY a.deleted_at IS NOT NULL, a.name IS NULL, a.domain IS NULL, a.employees DESC NULLS LAST, a.org_id, a.crm_id LIMIT 1) AS entity_name,
       x.product_id,
       (SELECT m.product_name FROM xsell.product_map m WHERE m.product_id = x.product_id
        ORDER BY NOT m.is_active, m.product_name IS NULL, m.product_crm_id ~ '^(deal|family):', m.org_id, m.product_crm_id LIMIT 1) AS product_name,
       x.org_id, x.rule, x.reason, x.until
FROM xsell_internal.exclusions(xsell.clock()) x;
COMMENT ON VIEW xsell.exclusion IS
'What must not be offered now, by which rule, why and until when. What a customer has or is being sold is in xsell.whitespace.';
COMMENT ON COLUMN xsell.exclusion.entity_id IS 'The customer; NULL: every one.';
COMMENT ON COLUMN xsell.exclusion.entity_name IS 'Its name, from an account that you may see.';
COMMENT ON COLUMN xsell.exclusion.product_id IS 'The product; NULL: every one.';
COMMENT ON COLUMN xsell.exclusion.product_name IS 'Its name, from an org that you may see.';
COMMENT ON COLUMN xsell.exclusion.org_id IS 'The org that must not sell; NULL: every one.';
COMMENT ON COLUMN xsell.exclusion.rule IS 'The rule, as in xsell.exclusion_rule.';
COMMENT ON COLUMN xsell.exclusion.reason IS 'Why, in words.';
COMMENT ON COLUMN xsell.exclusion.until IS 'Until when; NULL: as long as nothing changes.';

SELECT pg_catalog.pg_extension_config_dump('xsell.exclusion_rule', 'WHERE NOT built_in');
SELECT pg_catalog.pg_extension_config_dump('xsell.product_region', '');
