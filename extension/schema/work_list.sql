-- Work lists: what each owner can do next, within capacity, not too much of one customer or of one product family.

CREATE TABLE xsell.work_list_rule (
    rule_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id          text,
    team            text,
    owner_id        text,
    capacity        integer CHECK (capacity >= 0),
    per_account     integer CHECK (per_account >= 1),
    per_family      numeric CHECK (per_family > 0),
    small_share     numeric CHECK (small_share BETWEEN 0 AND 1),
    small_employees bigint CHECK (small_employees >= 0),
    built_in        boolean NOT NULL DEFAULT false,
    UNIQUE NULLS NOT DISTINCT (org_id, team, owner_id),
    CHECK (org_id IS NOT NULL OR (team IS NULL AND owner_id IS NULL)),
    CHECK (team IS NULL OR owner_id IS NULL)
);
COMMENT ON TABLE xsell.work_list_rule IS
'How long a work list is and how mixed: for everybody (org, team and owner NULL), an org, one of its teams or one of its owners. Each value comes from the closest row that states it.';
COMMENT ON COLUMN xsell.work_list_rule.rule_id IS 'Number of the row.';
COMMENT ON COLUMN xsell.work_list_rule.org_id IS 'The org; NULL: every one.';
COMMENT ON COLUMN xsell.work_list_rule.team IS 'A team of that org.';
COMMENT ON COLUMN xsell.work_list_rule.owner_id IS 'crm_id of an owner in that org.';
COMMENT ON COLUMN xsell.work_list_rule.capacity IS 'At most so many rows for an owner.';
COMMENT ON COLUMN xsell.work_list_rule.per_account IS 'At most so many of them for one customer.';
COMMENT ON COLUMN xsell.work_list_rule.per_family IS 'At most so many of one product family; below 1: that share of the capacity, rounded up.';
COMMENT ON COLUMN xsell.work_list_rule.small_share IS 'This share of the capacity, rounded down, goes to the best of the small customers first.';
COMMENT ON COLUMN xsell.work_list_rule.small_employees IS 'A customer is small up to this many employees.';
COMMENT ON COLUMN xsell.work_list_rule.built_in IS 'Whether it is as the extension brought it; one that was edited is part of a dump.';

INSERT INTO xsell.work_list_rule (capacity, per_account, per_family, small_share, small_employees, built_in) VALUES (20, 3, 0.5, 0.1, 49, true);

CREATE FUNCTION xsell_internal.own_work_list_rule() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NEW.org_id IS NULL AND (NEW.capacity IS NULL OR NEW.per_account IS NULL OR NEW.per_family IS NULL OR NEW.small_share IS NULL OR NEW.small_employees IS NULL) THEN
        RAISE EXCEPTION 'the rule for everybody needs every value' USING ERRCODE = 'null_value_not_allowed',
            HINT = 'UPDATE xsell.work_list_rule SET capacity = 30 WHERE org_id IS NULL changes one of them.';
    ELSIF TG_OP = 'INSERT' AND NEW.org_id IS NULL THEN
        DELETE FROM xsell.work_list_rule r WHERE r.org_id IS NULL AND r.built_in;
    END IF;
    NEW.built_in := false;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION xsell_internal.own_work_list_rule() IS 'Trigger: what is written is one''s own, and takes the place of the built-in rule for everybody.';
CREATE TRIGGER own_work_list_rule BEFORE INSERT OR UPDATE ON xsell.work_list_rule
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.own_work_list_rule();

CREATE INDEX recommendation_worked_by ON xsell_internal.recommendation (org_id, COALESCE(assigned_to, owner_id)) WHERE live;

-- The greedy choice as sets: the best of each customer, of those the best of each family, of those the best of the owner. It can only
-- leave a place empty that a row by row choice would fill where a customer's best rows are all of a family that is full.
CREATE VIEW xsell_internal.work_list_choice WITH (security_invoker = true) AS
WITH candidate AS (
    SELECT r.recommendation_id, r.entity_id, r.org_id, COALESCE(r.assigned_to, r.owner_id) AS owner_id, COALESCE(p.family, '') AS family, a.employees,
           r.expected_revenue, r.probability, r.status IN ('accepted', 'in_progress') AS begun
    FROM xsell_internal.recommendation r
    LEFT JOIN xsell.product p ON p.org_id = r.org_id AND p.crm_id = r.product_crm_id
    LEFT JOIN xsell.account a ON a.org_id = r.org_id AND a.crm_id = r.account_id
    WHERE r.live AND NOT r.held_out
), owner AS (
    SELECT c.org_id, c.owner_id, n.capacity, n.per_account, CASE WHEN n.per_family < 1 THEN pg_catalog.ceil(n.per_family * n.capacity) ELSE n.per_family END AS per_family,
           pg_catalog.floor(n.small_share * n.capacity) AS small, n.small_employees
    FROM (SELECT DISTINCT w.org_id, w.owner_id FROM candidate w) c
    LEFT JOIN xsell.crm_user u ON u.org_id = c.org_id AND u.crm_id = c.owner_id
    CROSS JOIN LATERAL (
        SELECT (pg_catalog.array_agg(l.capacity ORDER BY l.closeness DESC) FILTER (WHERE l.capacity IS NOT NULL))[1] AS capacity,
               (pg_catalog.array_agg(l.per_account ORDER BY l.closeness DESC) FILTER (WHERE l.per_account IS NOT NULL))[1] AS per_account,
               (pg_catalog.array_agg(l.per_family ORDER BY l.closeness DESC) FILTER (WHERE l.per_family IS NOT NULL))[1] AS per_family,
               (pg_catalog.array_agg(l.small_share ORDER BY l.closeness DESC) FILTER (WHERE l.small_share IS NOT NULL))[1] AS small_share,
               (pg_catalog.array_agg(l.small_employees ORDER BY l.closeness DESC) FILTER (WHERE l.small_employees IS NOT NULL))[1] AS small_employees
        FROM (SELECT t.*, (t.org_id IS NOT NULL)::integer + (t.team IS NOT NULL)::integer + 2 * (t.owner_id IS NOT NULL)::integer AS closeness
              FROM xsell.work_list_rule t
              WHERE (t.org_id IS NULL OR t.org_id = c.org_id) AND (t.team IS NULL OR t.team = u.team) AND (t.owner_id IS NULL OR t.owner_id = c.owner_id)) l) n
), of_account AS (
    SELECT c.*, o.capacity, o.per_account, o.per_family, o.small, c.employees <= o.small_employees AS is_small,
           pg_catalog.row_number() OVER (PARTITION BY c.org_id, c.owner_id, c.entity_id
                                         ORDER BY c.begun DESC, c.expected_revenue DESC NULLS LAST, c.probability DESC, c.recommendation_id) AS account_place
    FROM candidate c JOIN owner o ON o.org_id = c.org_id AND o.owner_id IS NOT DISTINCT FROM c.owner_id
), of_family AS (
    SELECT a.*, pg_catalog.row_number() OVER (PARTITION BY a.org_id, a.owner_id, a.family
                                              ORDER BY a.begun DESC, a.expected_revenue DESC NULLS LAST, a.probability DESC, a.recommendation_id) AS family_place
    FROM of_account a WHERE a.account_place <= a.per_account OR a.begun
), of_size AS (
    SELECT f.*, pg_catalog.row_number() OVER (PARTITION BY f.org_id, f.owner_id, f.is_small
                                              ORDER BY f.begun DESC, f.expected_revenue DESC NULLS LAST, f.probability DESC, f.recommendation_id) AS size_place
    FROM of_family f WHERE f.family_place <= f.per_family OR f.begun OR f.family = ''
), chosen AS (
    SELECT s.*, pg_catalog.row_number() OVER (PARTITION BY s.org_id, s.owner_id
                                              ORDER BY (s.is_small AND s.size_place <= s.small) IS TRUE DESC, s.begun DESC, s.expected_revenue DESC NULLS LAST,
                                                       s.probability DESC, s.recommendation_id) AS place
    FROM of_size s
)
SELECT c.recommendation_id, c.org_id, c.owner_id,
       pg_catalog.row_number() OVER (PARTITION BY c.org_id, c.owner_id
                                     ORDER BY c.begun DESC, c.expected_revenue DESC NULLS LAST, c.probability DESC, c.recommendation_id)::integer AS position
FROM chosen c WHERE c.place <= c.capacity;
COMMENT ON VIEW xsell_internal.work_list_choice IS
'Which recommendations are on whose work list, and where. What was begun comes first; families that are not known are not counted as one.';

CREATE VIEW xsell.work_list WITH (security_invoker = true) AS
SELECT w.position, r.owner_name, r.owner_email, r.team, r.territory, r.org_id, r.recommendation_id, r.entity_id, r.entity_name, r.account_id, r.product_id,
       r.product_name, r.product_family, r.route, r.probability, r.amount_if_won, r.expected_revenue, r.currency, r.confidence_level, r.next_action, r.reason,
       r.introducer_name, r.contact_name, r.status, r.expires_at
FROM xsell_internal.work_list_choice w
JOIN xsell.recommendation r ON r.recommendation_id = w.recommendation_id;
COMMENT ON VIEW xsell.work_list IS
'What each owner can do next: the recommendations of the highest expected revenue within xsell.work_list_rule (how many, how many a customer, how many a product family, how many small customers). Without an owner: what nobody owns yet, by org.';
COMMENT ON COLUMN xsell.work_list.position IS 'Place on the owner''s list; what was begun comes first.';
COMMENT ON COLUMN xsell.work_list.owner_name IS 'Whose list it is; NULL: nobody''s yet.';
COMMENT ON COLUMN xsell.work_list.owner_email IS 'E-mail of the owner.';
COMMENT ON COLUMN xsell.work_list.team IS 'Team of the owner.';
COMMENT ON COLUMN xsell.work_list.territory IS 'Territory of the account or its owner.';
COMMENT ON COLUMN xsell.work_list.org_id IS 'The org that would sell.';
COMMENT ON COLUMN xsell.work_list.recommendation_id IS 'The recommendation; for xsell.set_status and the like.';
COMMENT ON COLUMN xsell.work_list.entity_id IS 'The customer.';
COMMENT ON COLUMN xsell.work_list.entity_name IS 'Its name, from an account that you may see.';
COMMENT ON COLUMN xsell.work_list.account_id IS 'Its account in that org.';
COMMENT ON COLUMN xsell.work_list.product_id IS 'The product.';
COMMENT ON COLUMN xsell.work_list.product_name IS 'Its name in that org.';
COMMENT ON COLUMN xsell.work_list.product_family IS 'Its family in that org.';
COMMENT ON COLUMN xsell.work_list.route IS 'same_org, cross_org or winback.';
COMMENT ON COLUMN xsell.work_list.probability IS 'Probability of a win.';
COMMENT ON COLUMN xsell.work_list.amount_if_won IS 'What a win would bring.';
COMMENT ON COLUMN xsell.work_list.expected_revenue IS 'probability x amount_if_won.';
COMMENT ON COLUMN xsell.work_list.currency IS 'Currency of the amounts.';
COMMENT ON COLUMN xsell.work_list.confidence_level IS 'Very High, High, Medium or Low.';
COMMENT ON COLUMN xsell.work_list.next_action IS 'What to do next.';
COMMENT ON COLUMN xsell.work_list.reason IS 'The strongest reason in a sentence.';
COMMENT ON COLUMN xsell.work_list.introducer_name IS 'For cross_org: who knows the customer, if you may see that org.';
COMMENT ON COLUMN xsell.work_list.contact_name IS 'Whom to talk to.';
COMMENT ON COLUMN xsell.work_list.status IS 'new, accepted or in_progress.';
COMMENT ON COLUMN xsell.work_list.expires_at IS 'Not to be trusted after this without another refresh.';

SELECT pg_catalog.pg_extension_config_dump('xsell.work_list_rule', 'WHERE NOT built_in');
SELECT pg_catalog.pg_extension_config_dump('xsell.work_list_rule_rule_id_seq', '');
