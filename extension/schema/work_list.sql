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

-- Not COALESCE: under row security only what is sure to leak nothing, such as CASE, is looked up in an index.
CREATE INDEX recommendation_worked_by ON xsell_internal.recommendation
    (org_id, (CASE WHEN assigned_to IS NULL THEN owner_id ELSE assigned_to END), expected_revenue DESC NULLS LAST, probability DESC, recommendation_id) WHERE live AND NOT held_out;
CREATE INDEX recommendation_begun ON xsell_internal.recommendation (org_id, (CASE WHEN assigned_to IS NULL THEN owner_id ELSE assigned_to END))
    WHERE live AND NOT held_out AND status IN ('accepted', 'in_progress');

-- Who has recommendations, with the limits that hold for each.
CREATE VIEW xsell_internal.work_list_owner WITH (security_invoker = true) AS
SELECT c.org_id, c.owner_id, u.name AS owner_name, u.email AS owner_email, n.capacity, n.per_account,
       CASE WHEN n.per_family < 1 THEN pg_catalog.ceil(n.per_family * n.capacity) ELSE n.per_family END AS per_family,
       pg_catalog.floor(n.small_share * n.capacity) AS small, n.small_employees
FROM (SELECT DISTINCT r.org_id, CASE WHEN r.assigned_to IS NULL THEN r.owner_id ELSE r.assigned_to END AS owner_id FROM xsell_internal.recommendation r WHERE r.live AND NOT r.held_out) c
LEFT JOIN xsell.crm_user u ON u.org_id = c.org_id AND u.crm_id = c.owner_id
CROSS JOIN LATERAL (
    SELECT (pg_catalog.array_agg(l.capacity ORDER BY l.closeness DESC) FILTER (WHERE l.capacity IS NOT NULL))[1] AS capacity,
           (pg_catalog.array_agg(l.per_account ORDER BY l.closeness DESC) FILTER (WHERE l.per_account IS NOT NULL))[1] AS per_account,
           (pg_catalog.array_agg(l.per_family ORDER BY l.closeness DESC) FILTER (WHERE l.per_family IS NOT NULL))[1] AS per_family,
           (pg_catalog.array_agg(l.small_share ORDER BY l.closeness DESC) FILTER (WHERE l.small_share IS NOT NULL))[1] AS small_share,
           (pg_catalog.array_agg(l.small_employees ORDER BY l.closeness DESC) FILTER (WHERE l.small_employees IS NOT NULL))[1] AS small_employees
    FROM (SELECT t.*, (t.org_id IS NOT NULL)::integer + (t.team IS NOT NULL)::integer + 2 * (t.owner_id IS NOT NULL)::integer AS closeness
          FROM xsell.work_list_rule t
          WHERE (t.org_id IS NULL OR t.org_id = c.org_id) AND (t.team IS NULL OR t.team = u.team) AND (t.owner_id IS NULL OR t.owner_id = c.owner_id)) l) n;
COMMENT ON VIEW xsell_internal.work_list_owner IS 'Owners of recommendations (NULL: nobody) by org, and the limits of their work lists.';

-- The greedy choice as sets, out of what is begun and the best of each owner, ten for each place: the best of each customer, of those the best of
-- each family, of those the best of the owner. It can only leave a place empty that a choice row by row would fill where a customer's
-- best rows are all of a family that is full.
CREATE VIEW xsell_internal.work_list_choice WITH (security_invoker = true) AS
SELECT k.recommendation_id, k.org_id, k.owner_id, k.owner_name, k.owner_email,
       pg_catalog.row_number() OVER (PARTITION BY k.org_id, k.owner_id, k.owner_name, k.owner_email ORDER BY k.merit)::integer AS position
FROM (SELECT s.*, pg_catalog.row_number() OVER (PARTITION BY s.org_id, s.owner_id, s.owner_name, s.owner_email
                                                ORDER BY NOT s.begun, (s.is_small AND s.size_place <= s.small) IS TRUE DESC, s.merit) AS place
      FROM (SELECT f.*, pg_catalog.row_number() OVER (PARTITION BY f.org_id, f.owner_id, f.owner_name, f.owner_email, f.is_small ORDER BY f.begun, f.merit) AS size_place
            FROM (SELECT a.*, pg_catalog.row_number() OVER (PARTITION BY a.org_id, a.owner_id, a.owner_name, a.owner_email, a.family ORDER BY a.merit) AS family_place
                  FROM (SELECT c.*, pg_catalog.row_number() OVER (PARTITION BY c.org_id, c.owner_id, c.owner_name, c.owner_email, c.entity_id ORDER BY c.merit) AS account_place
                        FROM (SELECT o.*, r.recommendation_id, r.entity_id, r.begun, COALESCE(p.family, '') AS family, y.employees <= o.small_employees AS is_small,
                                     pg_catalog.row_number() OVER (PARTITION BY o.org_id, o.owner_id, o.owner_name, o.owner_email
                                                                   ORDER BY r.begun DESC, r.expected_revenue DESC NULLS LAST, r.probability DESC, r.recommendation_id) AS merit
                              FROM xsell_internal.work_list_owner o
                              CROSS JOIN LATERAL (
                                  SELECT b.recommendation_id, b.entity_id, b.account_id, b.product_crm_id, b.expected_revenue, b.probability, true AS begun
                                  FROM xsell_internal.recommendation b
                                  WHERE b.live AND NOT b.held_out AND b.status IN ('accepted', 'in_progress')
                                    AND b.org_id = o.org_id AND CASE WHEN b.assigned_to IS NULL THEN b.owner_id ELSE b.assigned_to END = o.owner_id
                                  UNION ALL
                                  (SELECT b.recommendation_id, b.entity_id, b.account_id, b.product_crm_id, b.expected_revenue, b.probability, false
                                   FROM xsell_internal.recommendation b
                                   WHERE b.live AND NOT b.held_out AND b.status NOT IN ('accepted', 'in_progress')
                                     AND b.org_id = o.org_id AND CASE WHEN b.assigned_to IS NULL THEN b.owner_id ELSE b.assigned_to END = o.owner_id
                                   ORDER BY b.expected_revenue DESC NULLS LAST, b.probability DESC, b.recommendation_id LIMIT GREATEST(10 * o.capacity, 100))
                                  UNION ALL
                                  (SELECT b.recommendation_id, b.entity_id, b.account_id, b.product_crm_id, b.expected_revenue, b.probability, b.status IN ('accepted', 'in_progress')
                                   FROM xsell_internal.recommendation b
                                   WHERE b.live AND NOT b.held_out AND o.owner_id IS NULL AND b.org_id = o.org_id AND CASE WHEN b.assigned_to IS NULL THEN b.owner_id ELSE b.assigned_to END IS NULL
                                   ORDER BY b.expected_revenue DESC NULLS LAST, b.probability DESC, b.recommendation_id LIMIT GREATEST(10 * o.capacity, 100))) r
                              LEFT JOIN xsell.product p ON p.org_id = o.org_id AND p.crm_id = r.product_crm_id
                              LEFT JOIN xsell.account y ON y.org_id = o.org_id AND y.crm_id = r.account_id) c) a
                  WHERE a.account_place <= a.per_account OR a.begun) f
            WHERE f.family_place <= f.per_family OR f.begun OR f.family = '') s) k
WHERE k.place <= k.capacity;
COMMENT ON VIEW xsell_internal.work_list_choice IS
'Which recommendations are on whose work list, and where. What was begun comes first and is bound by the capacity alone; products without a family are not counted as one.';

CREATE VIEW xsell.work_list WITH (security_invoker = true) AS
SELECT w.position, w.owner_name, w.owner_email, r.team, r.territory, w.org_id, r.recommendation_id, r.entity_id, r.entity_name, r.account_id, r.product_id,
       r.product_name, r.product_family, r.route, r.probability, r.amount_if_won, r.expected_revenue, r.currency, r.confidence_level, r.next_action, r.reason,
       r.introducer_name, r.contact_name, r.status, r.expires_at
FROM xsell_internal.work_list_choice w
CROSS JOIN LATERAL (SELECT * FROM xsell.recommendation n WHERE n.recommendation_id = w.recommendation_id OFFSET 0) r;  -- looked up, not scanned
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
