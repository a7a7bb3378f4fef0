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

-- Whose a recommendation is; empty: nobody's. Not COALESCE: under row security only what is sure to leak nothing, such as CASE, is looked up in an index.
CREATE INDEX recommendation_worked_by ON xsell_internal.recommendation
    (org_id, (CASE WHEN assigned_to IS NOT NULL THEN assigned_to WHEN owner_id IS NOT NULL THEN owner_id ELSE '' END),
     expected_revenue DESC NULLS LAST, probability DESC, recommendation_id) WHERE live AND NOT held_out;
CREATE INDEX recommendation_begun ON xsell_internal.recommendation
    (org_id, (CASE WHEN assigned_to IS NOT NULL THEN assigned_to WHEN owner_id IS NOT NULL THEN owner_id ELSE '' END))
    WHERE live AND NOT held_out AND status IN ('accepted', 'in_progress');

-- Who may have a list, with the limits that hold for each: every user of the CRM, owners of accounts that it does not list as users, and nobody.
CREATE VIEW xsell_internal.work_list_owner WITH (security_invoker = true) AS
SELECT c.org_id, c.owner_id, c.owner_name, c.owner_email, n.capacity, n.per_account,
       CASE WHEN n.per_family < 1 THEN pg_catalog.ceil(n.per_family * n.capacity) ELSE n.per_family END AS per_family,
       pg_catalog.floor(n.small_share * n.capacity) AS small, n.small_employees
FROM (SELECT u.org_id, u.crm_id AS owner_id, u.name AS owner_name, u.email AS owner_email, u.team FROM xsell.crm_user u
      UNION ALL
      SELECT DISTINCT a.org_id, a.owner_id, NULL::text, NULL::text, NULL::text FROM xsell.account a
      WHERE a.owner_id <> '' AND NOT EXISTS (SELECT FROM xsell.crm_user u WHERE u.org_id = a.org_id AND u.crm_id = a.owner_id)
      UNION ALL
      SELECT o.org_id, '', NULL, NULL, NULL FROM xsell.org o) c
CROSS JOIN LATERAL (
    SELECT (pg_catalog.array_agg(l.capacity ORDER BY l.closeness DESC) FILTER (WHERE l.capacity IS NOT NULL))[1] AS capacity,
           (pg_catalog.array_agg(l.per_account ORDER BY l.closeness DESC) FILTER (WHERE l.per_account IS NOT NULL))[1] AS per_account,
           (pg_catalog.array_agg(l.per_family ORDER BY l.closeness DESC) FILTER (WHERE l.per_family IS NOT NULL))[1] AS per_family,
           (pg_catalog.array_agg(l.small_share ORDER BY l.closeness DESC) FILTER (WHERE l.small_share IS NOT NULL))[1] AS small_share,
           (pg_catalog.array_agg(l.small_employees ORDER BY l.closeness DESC) FILTER (WHERE l.small_employees IS NOT NULL))[1] AS small_employees
    FROM (SELECT t.*, (t.org_id IS NOT NULL)::integer + (t.team IS NOT NULL)::integer + 2 * (t.owner_id IS NOT NULL)::integer AS closeness
          FROM xsell.work_list_rule t
          WHERE (t.org_id IS NULL OR t.org_id = c.org_id) AND (t.team IS NULL OR t.team = c.team) AND (t.owner_id IS NULL OR t.owner_id = c.owner_id)) l) n;
COMMENT ON VIEW xsell_internal.work_list_owner IS 'Who may have recommendations (empty: nobody) by org, and the limits of their work lists.';

-- Row by row, the best first: what was begun, then the small customers' share, then the rest. It stops when the list is full, so that
-- a list costs what is on it; and it gives up after so many candidates that are all of a customer or a family that has its share.
CREATE FUNCTION xsell_internal.fill_work_list(org text, owner text, capacity integer, per_account integer, per_family numeric, small numeric, small_employees bigint)
RETURNS TABLE (recommendation_id bigint, "position" integer)
LANGUAGE plpgsql STABLE PARALLEL SAFE ROWS 20
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_generic_plan  -- the indexes above, whoever it is
AS $$
#variable_conflict use_column
DECLARE
    r record;
    chosen bigint[] := '{}';
    customers bigint[] := '{}';
    families text[] := '{}';
    small_only boolean;
    room integer;
BEGIN
    FOR r IN SELECT b.recommendation_id, b.entity_id, COALESCE((SELECT p.family FROM xsell.product p WHERE p.org_id = b.org_id AND p.crm_id = b.product_crm_id), '') AS family
             FROM xsell_internal.recommendation b
             WHERE b.live AND NOT b.held_out AND b.status IN ('accepted', 'in_progress') AND b.org_id = fill_work_list.org
               AND CASE WHEN b.assigned_to IS NOT NULL THEN b.assigned_to WHEN b.owner_id IS NOT NULL THEN b.owner_id ELSE '' END = fill_work_list.owner
             ORDER BY b.expected_revenue DESC NULLS LAST, b.probability DESC, b.recommendation_id LIMIT fill_work_list.capacity LOOP
        chosen := chosen || r.recommendation_id;
        customers := customers || r.entity_id;
        families := families || r.family;
    END LOOP;
    FOREACH small_only IN ARRAY ARRAY[true, false] LOOP
        room := least(capacity - cardinality(chosen), CASE WHEN small_only THEN small END);
        CONTINUE WHEN room <= 0;
        FOR r IN SELECT b.recommendation_id, b.entity_id, COALESCE((SELECT p.family FROM xsell.product p WHERE p.org_id = b.org_id AND p.crm_id = b.product_crm_id), '') AS family
                 FROM (SELECT c.recommendation_id, c.entity_id, c.org_id, c.account_id, c.product_crm_id, c.expected_revenue, c.probability
                       FROM xsell_internal.recommendation c
                       WHERE c.live AND NOT c.held_out AND c.status NOT IN ('accepted', 'in_progress') AND c.org_id = fill_work_list.org
                         AND CASE WHEN c.assigned_to IS NOT NULL THEN c.assigned_to WHEN c.owner_id IS NOT NULL THEN c.owner_id ELSE '' END = fill_work_list.owner
                       ORDER BY c.expected_revenue DESC NULLS LAST, c.probability DESC, c.recommendation_id
                       LIMIT greatest(50::bigint * fill_work_list.capacity, 500)) b
                 WHERE CASE WHEN small_only THEN (SELECT y.employees FROM xsell.account y WHERE y.org_id = b.org_id AND y.crm_id = b.account_id)
                                                 <= fill_work_list.small_employees ELSE true END
                 ORDER BY b.expected_revenue DESC NULLS LAST, b.probability DESC, b.recommendation_id LOOP
            CONTINUE WHEN r.recommendation_id = ANY (chosen) OR cardinality(array_positions(customers, r.entity_id)) >= per_account
                       OR (r.family <> '' AND cardinality(array_positions(families, r.family)) >= per_family);
            chosen := chosen || r.recommendation_id;
            customers := customers || r.entity_id;
            families := families || r.family;
            room := room - 1;
            EXIT WHEN room = 0;
        END LOOP;
    END LOOP;
    RETURN QUERY
    SELECT c.recommendation_id, row_number() OVER (ORDER BY c.status IN ('accepted', 'in_progress') DESC, c.expected_revenue DESC NULLS LAST, c.probability DESC, c.recommendation_id)::integer
    FROM xsell_internal.recommendation c WHERE c.recommendation_id = ANY (chosen);
END
$$;
COMMENT ON FUNCTION xsell_internal.fill_work_list(text, text, integer, integer, numeric, numeric, bigint) IS
'The work list of an owner (empty: of nobody) within its limits. What was begun is bound by the capacity alone; products without a family are not counted as one; of 50 candidates for each place, or 500.';

CREATE VIEW xsell.work_list WITH (security_invoker = true) AS
SELECT f.position, w.owner_name, w.owner_email, r.team, r.territory, w.org_id, r.recommendation_id, r.entity_id, r.entity_name, r.account_id, r.product_id,
       r.product_name, r.product_family, r.route, r.probability, r.amount_if_won, r.expected_revenue, r.currency, r.confidence_level, r.next_action, r.reason,
       r.introducer_name, r.contact_name, r.status, r.expires_at
FROM xsell_internal.work_list_owner w
CROSS JOIN LATERAL xsell_internal.fill_work_list(w.org_id, w.owner_id, w.capacity, w.per_account, w.per_family, w.small, w.small_employees) f
CROSS JOIN LATERAL (SELECT * FROM xsell.recommendation n WHERE n.recommendation_id = f.recommendation_id OFFSET 0) r;  -- looked up, not scanned
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
