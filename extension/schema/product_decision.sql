-- What people decide about products: which canonical product one is, or that two are not the same.

CREATE TABLE xsell_internal.product_decision (
    org_a      text NOT NULL,
    product_a  text NOT NULL,
    org_b      text NOT NULL,
    product_b  text NOT NULL,
    note       text,
    decided_by text NOT NULL DEFAULT CURRENT_USER,
    decided_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (org_a, product_a, org_b, product_b),
    CHECK ((org_a, product_a) < (org_b, product_b))
);
COMMENT ON TABLE xsell_internal.product_decision IS 'Products of orgs that somebody told apart: the rule never joins them. That two are one is said by the map.';

CREATE TRIGGER begin_changes BEFORE INSERT OR UPDATE OR DELETE ON xsell_internal.product_decision
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.begin_changes();
CREATE TRIGGER stamp_decision BEFORE UPDATE OF note ON xsell_internal.product_decision
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.stamp_decision();
CREATE TRIGGER log_change AFTER UPDATE OR DELETE ON xsell_internal.product_decision
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.log_change('product_match', 'org_a,product_a,org_b,product_b', 'note');
-- Rows that a restored dump brings are no change by hand; they come with their own time.
CREATE TRIGGER log_new AFTER INSERT ON xsell_internal.product_decision
    FOR EACH ROW WHEN (NEW.decided_at = pg_catalog.now())
    EXECUTE FUNCTION xsell_internal.log_change('product_match', 'org_a,product_a,org_b,product_b', 'note');

CREATE FUNCTION xsell_internal.stamp_product() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    -- Else a change by hand could pass for the rule's, which is not logged.
    IF TG_OP = 'UPDATE' AND NEW.method <> 'manual' AND OLD.method <> 'manual' AND NOT has_table_privilege('xsell_internal.canonical_product', 'INSERT') THEN
        RAISE EXCEPTION 'a product that is mapped by hand has method manual' USING ERRCODE = 'insufficient_privilege',
            HINT = 'xsell.map_product maps it.';
    END IF;
    NEW.decided_by := CASE NEW.method WHEN 'manual' THEN xsell_internal.caller() ELSE 'rule' END;
    NEW.decided_at := now();
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION xsell_internal.stamp_product() IS 'Trigger: who maps a product by hand is who decided, and nobody does in the name of the rule.';
CREATE TRIGGER begin_changes BEFORE INSERT OR UPDATE OR DELETE ON xsell_internal.product_map
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.begin_changes();
CREATE TRIGGER stamp_new BEFORE INSERT ON xsell_internal.product_map
    FOR EACH ROW WHEN (NEW.method = 'manual' AND NEW.decided_at = pg_catalog.now()) EXECUTE FUNCTION xsell_internal.stamp_product();
CREATE TRIGGER stamp_changed BEFORE UPDATE OF product_id, method ON xsell_internal.product_map
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.stamp_product();
-- What the rule maps is no change by hand.
CREATE TRIGGER log_change AFTER UPDATE OF product_id, method ON xsell_internal.product_map
    FOR EACH ROW WHEN (OLD.method = 'manual' OR NEW.method = 'manual')
    EXECUTE FUNCTION xsell_internal.log_change('product', 'org_id,product_crm_id', 'product_id,method');
CREATE TRIGGER log_removed AFTER DELETE ON xsell_internal.product_map
    FOR EACH ROW WHEN (OLD.method = 'manual')
    EXECUTE FUNCTION xsell_internal.log_change('product', 'org_id,product_crm_id', 'product_id,method');
CREATE TRIGGER log_new AFTER INSERT ON xsell_internal.product_map
    FOR EACH ROW WHEN (NEW.method = 'manual' AND NEW.decided_at = pg_catalog.now())
    EXECUTE FUNCTION xsell_internal.log_change('product', 'org_id,product_crm_id', 'product_id,method');

-- What was recommended as the one product is recommended as the other; what nobody may offer as the one, nobody may as the other.
CREATE FUNCTION xsell_internal.follow_products() RETURNS trigger
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM old_product o JOIN new_product n USING (org_id, product_crm_id) WHERE o.product_id <> n.product_id) THEN
        RETURN NULL;
    END IF;
    WITH moved AS MATERIALIZED (
        SELECT r.recommendation_id, r.entity_id, n.product_id, r.org_id, r.route,
               row_number() OVER (PARTITION BY r.entity_id, n.product_id, r.org_id, r.route
                                  ORDER BY xsell_internal.status_rank(r.status) DESC, r.first_seen, r.recommendation_id) AS place
        FROM old_product o
        JOIN new_product n USING (org_id, product_crm_id)
        JOIN xsell_internal.recommendation r ON r.org_id = o.org_id AND r.product_id = o.product_id AND r.product_crm_id = o.product_crm_id
        WHERE n.product_id <> o.product_id
    )
    UPDATE xsell_internal.recommendation r SET product_id = m.product_id
    FROM moved m
    WHERE m.place = 1 AND r.recommendation_id = m.recommendation_id
      AND NOT EXISTS (SELECT FROM xsell_internal.recommendation t
                      WHERE (t.entity_id, t.product_id, t.org_id, t.route) = (m.entity_id, m.product_id, m.org_id, m.route));
    INSERT INTO xsell_internal.suppression (entity_id, product_id, org_id, until, note, created_by, created_at)
    SELECT DISTINCT ON (s.entity_id, n.product_id, s.org_id) s.entity_id, n.product_id, s.org_id, s.until, s.note, s.created_by, s.created_at
    FROM old_product o
    JOIN new_product n USING (org_id, product_crm_id)
    JOIN xsell_internal.suppression s ON s.product_id = o.product_id AND (s.org_id IS NULL OR s.org_id = o.org_id)
    WHERE n.product_id <> o.product_id
    ORDER BY s.entity_id, n.product_id, s.org_id, s.until DESC NULLS FIRST
    ON CONFLICT (entity_id, product_id, org_id) DO NOTHING;
    RETURN NULL;
END
$$;
COMMENT ON FUNCTION xsell_internal.follow_products() IS
'Trigger: when products of an org are mapped elsewhere, recommendations of them go with them, and suppressions hold there too.';
CREATE TRIGGER follow_products AFTER UPDATE ON xsell_internal.product_map
    REFERENCING OLD TABLE AS old_product NEW TABLE AS new_product
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.follow_products();

CREATE FUNCTION xsell_internal.sees_product(product bigint) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
BEGIN ATOMIC
    SELECT COALESCE(pg_catalog.bool_or(m.org_id = ANY (xsell_internal.caller_orgs())), true) FROM xsell_internal.product_map m WHERE m.product_id = product;
END;
COMMENT ON FUNCTION xsell_internal.sees_product(bigint) IS 'Whether an org that the caller may see has a product, or none has.';

-- Runs as the owner: the map is resolved over all orgs.
CREATE FUNCTION xsell_internal.apply_product_map() RETURNS void
LANGUAGE plpgsql VOLATILE SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM xsell_internal.resolve_products();
    RAISE NOTICE 'holdings and recommendations follow with the next refresh: SELECT * FROM xsell.refresh()';
END
$$;
COMMENT ON FUNCTION xsell_internal.apply_product_map() IS 'Resolves the products again, after a decision about them.';

CREATE FUNCTION xsell_internal.require_products(orgs text[], products text[]) RETURNS void
LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    missing record;
BEGIN
    IF orgs IS NULL OR products IS NULL OR cardinality(orgs) <> cardinality(products) THEN
        RAISE EXCEPTION 'each product needs its org' USING ERRCODE = 'invalid_parameter_value', HINT = 'The arrays must be of one length.';
    END IF;
    SELECT p.org, p.product INTO missing FROM unnest(orgs, products) AS p(org, product)
    WHERE NOT EXISTS (SELECT FROM xsell_internal.product_map m WHERE m.org_id = p.org AND m.product_crm_id = p.product) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'product "%" of org "%" does not exist', COALESCE(missing.product, 'NULL'), COALESCE(missing.org, 'NULL') USING ERRCODE = 'undefined_object',
            HINT = 'SELECT org_id, product_crm_id, product_name FROM xsell.product_map lists those that you may see.';
    END IF;
END
$$;
COMMENT ON FUNCTION xsell_internal.require_products(text[], text[]) IS 'An error unless the caller may see all of these products.';

CREATE FUNCTION xsell.map_product(orgs text[], product_crm_ids text[], product_id bigint, note text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    batch bigint;
BEGIN
    PERFORM xsell_internal.require_products(orgs, product_crm_ids);
    IF NOT EXISTS (SELECT FROM xsell_internal.product_map m WHERE m.product_id = map_product.product_id) THEN
        RAISE EXCEPTION 'product % does not exist', COALESCE(product_id::text, 'NULL') USING ERRCODE = 'undefined_object',
            HINT = 'SELECT product_id, name FROM xsell.canonical_product lists those that you may see.';
    END IF;
    PERFORM set_config('xsell_internal.note', COALESCE(note, ''), true);
    UPDATE xsell_internal.product_map m SET product_id = map_product.product_id, method = 'manual'
    FROM (SELECT DISTINCT * FROM unnest(orgs, product_crm_ids)) AS p(org, product)
    WHERE m.org_id = p.org AND m.product_crm_id = p.product AND (m.product_id, m.method) IS DISTINCT FROM (map_product.product_id, 'manual');
    PERFORM set_config('xsell_internal.note', '', true);
    batch := xsell_internal.last_batch();
    IF batch IS NOT NULL THEN
        PERFORM xsell_internal.apply_product_map();
    END IF;
    RETURN batch;
END
$$;
COMMENT ON FUNCTION xsell.map_product(text[], text[], bigint, text) IS
'Says which canonical product several products of orgs are; see map_product(text, text, bigint, text). Returns the batch, for xsell.undo_batch; NULL: nothing was new.';

CREATE FUNCTION xsell.map_product(org text, product_crm_id text, product_id bigint, note text DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE
RETURN xsell.map_product(ARRAY[org], ARRAY[product_crm_id], product_id, note);
COMMENT ON FUNCTION xsell.map_product(text, text, bigint, text) IS
'Says which canonical product a product of an org is, whatever the rule says; see xsell.product_review. Returns the change, for xsell.undo; NULL: it was so already.';

CREATE FUNCTION xsell.unmap_product(org text, product_crm_id text, note text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    batch bigint;
BEGIN
    PERFORM xsell_internal.require_products(ARRAY[org], ARRAY[product_crm_id]);
    PERFORM set_config('xsell_internal.note', COALESCE(note, ''), true);
    -- It is what the rule had made it: numbers of products are stable.
    UPDATE xsell_internal.product_map m
    SET method = 'name', product_id = COALESCE((
        SELECT (l.before ->> 'product_id')::bigint FROM xsell_internal.change_log l
        WHERE l.action = 'product' AND l.target = jsonb_build_object('org_id', org, 'product_crm_id', unmap_product.product_crm_id)
          AND l.before ->> 'method' <> 'manual' ORDER BY l.change_id DESC LIMIT 1), m.product_id)
    WHERE m.org_id = org AND m.product_crm_id = unmap_product.product_crm_id AND m.method = 'manual';
    PERFORM set_config('xsell_internal.note', '', true);
    batch := xsell_internal.last_batch();
    IF batch IS NULL THEN
        RAISE EXCEPTION 'product "%" of org "%" is not mapped by hand', product_crm_id, org USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = 'xsell.reject_product_match tells two products apart that the rule joined.';
    END IF;
    PERFORM xsell_internal.apply_product_map();
    RETURN batch;
END
$$;
COMMENT ON FUNCTION xsell.unmap_product(text, text, text) IS 'Leaves a product that was mapped by hand to the rule again. Returns the change, for xsell.undo.';

CREATE FUNCTION xsell.reject_product_match(org_a text[], product_a text[], org_b text[], product_b text[], note text DEFAULT NULL) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    mapped record;
    batch bigint;
BEGIN
    IF cardinality(org_a) IS DISTINCT FROM cardinality(org_b) THEN
        RAISE EXCEPTION 'each pair needs an org and a product on both sides' USING ERRCODE = 'invalid_parameter_value', HINT = 'The four arrays must be of one length.';
    END IF;
    PERFORM xsell_internal.require_products(org_a, product_a), xsell_internal.require_products(org_b, product_b);
    IF EXISTS (SELECT FROM unnest(org_a, product_a, org_b, product_b) AS p(oa, pa, ob, pb) WHERE p.oa = p.ob AND p.pa = p.pb) THEN
        RAISE EXCEPTION 'a product is always the same as itself' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT CASE WHEN x.method = 'manual' THEN p.oa ELSE p.ob END AS org, CASE WHEN x.method = 'manual' THEN p.pa ELSE p.pb END AS product INTO mapped
    FROM unnest(org_a, product_a, org_b, product_b) AS p(oa, pa, ob, pb)
    JOIN xsell_internal.product_map x ON x.org_id = p.oa AND x.product_crm_id = p.pa
    JOIN xsell_internal.product_map y ON y.org_id = p.ob AND y.product_crm_id = p.pb AND y.product_id = x.product_id
    WHERE 'manual' IN (x.method, y.method) LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'the two were mapped together by hand' USING ERRCODE = 'object_not_in_prerequisite_state',
            HINT = format('SELECT xsell.unmap_product(%L, %L) parts them.', mapped.org, mapped.product);
    END IF;
    INSERT INTO xsell_internal.product_decision AS d (org_a, product_a, org_b, product_b, note)
    SELECT DISTINCT CASE WHEN o.up THEN p.oa ELSE p.ob END, CASE WHEN o.up THEN p.pa ELSE p.pb END,
           CASE WHEN o.up THEN p.ob ELSE p.oa END, CASE WHEN o.up THEN p.pb ELSE p.pa END, reject_product_match.note
    FROM unnest(reject_product_match.org_a, reject_product_match.product_a, reject_product_match.org_b, reject_product_match.product_b) AS p(oa, pa, ob, pb)
    CROSS JOIN LATERAL (SELECT (p.oa, p.pa) < (p.ob, p.pb) AS up) o
    ON CONFLICT ON CONSTRAINT product_decision_pkey DO UPDATE SET note = excluded.note WHERE d.note IS DISTINCT FROM excluded.note;
    batch := xsell_internal.last_batch();
    IF batch IS NOT NULL THEN
        PERFORM xsell_internal.apply_product_map();
    END IF;
    RETURN batch;
END
$$;
COMMENT ON FUNCTION xsell.reject_product_match(text[], text[], text[], text[], text) IS
'Decides of each pair of products that they are not the same; see xsell.product_review. Returns the batch, for xsell.undo_batch; NULL: nothing was new.';

CREATE FUNCTION xsell.reject_product_match(org_a text, product_a text, org_b text, product_b text, note text DEFAULT NULL) RETURNS bigint
LANGUAGE sql VOLATILE
RETURN xsell.reject_product_match(ARRAY[org_a], ARRAY[product_a], ARRAY[org_b], ARRAY[product_b], note);
COMMENT ON FUNCTION xsell.reject_product_match(text, text, text, text, text) IS
'Decides that two products of orgs are not the same: the rule never joins them, and parts them where it had. Returns the change, for xsell.undo; NULL: it was decided so already.';

-- Pairs are looked for among products that share a word, or the beginning of a code; words that a hundred share say nothing.
CREATE VIEW xsell.product_review WITH (security_invoker = true) AS
WITH product AS MATERIALIZED (
    SELECT m.org_id, m.product_crm_id, m.product_id, m.product_name, m.code, m.family,
           xsell.normalize_name(m.product_name) AS name_key, NULLIF(xsell_internal.compact_name(m.code), '') AS code_key,
           pg_catalog.regexp_replace(m.product_name, '\D+', ' ', 'g') AS digits
    FROM xsell.product_map m WHERE m.product_crm_id NOT LIKE 'family:%'
), word AS MATERIALIZED (  -- with all that is compared: no join after the pairs are known could be planned as one of all with all
    SELECT w.*, pg_catalog.count(*) OVER (PARTITION BY w.word) AS products
    FROM (SELECT DISTINCT p.*, t.word
          FROM product p
          CROSS JOIN LATERAL (SELECT n.word FROM pg_catalog.string_to_table(p.name_key, ' ') AS n(word) WHERE pg_catalog.length(n.word) > 1
                              UNION ALL SELECT '#' || pg_catalog."left"(p.code_key, 4) WHERE pg_catalog.length(p.code_key) >= 4
                              UNION ALL SELECT '=' || xsell_internal.compact_name(p.product_name)
                              UNION ALL SELECT '=' || p.code_key) AS t(word)
          WHERE t.word IS NOT NULL) w
), decided AS MATERIALIZED (
    SELECT x.product_id AS a, y.product_id AS b
    FROM xsell_internal.product_decision d
    JOIN xsell_internal.product_map x ON x.org_id = d.org_a AND x.product_crm_id = d.product_a
    JOIN xsell_internal.product_map y ON y.org_id = d.org_b AND y.product_crm_id = d.product_b
), pair AS MATERIALIZED (
    SELECT DISTINCT ON (a.org_id, a.product_crm_id, b.org_id, b.product_crm_id)
           a.org_id AS org_a, a.product_crm_id AS product_a, a.product_name AS name_a, a.code AS code_a, a.family AS family_a, a.product_id AS product_id_a,
           a.code_key AS code_key_a, a.digits AS digits_a,
           b.org_id AS org_b, b.product_crm_id AS product_b, b.product_name AS name_b, b.code AS code_b, b.family AS family_b, b.product_id AS product_id_b,
           b.code_key AS code_key_b, b.digits AS digits_b
    FROM word a JOIN word b ON b.word = a.word AND b.org_id > a.org_id AND b.product_id <> a.product_id
    WHERE a.products <= 100 AND b.products <= 100
    ORDER BY a.org_id, a.product_crm_id, b.org_id, b.product_crm_id
), scored AS MATERIALIZED (
    SELECT p.*, xsell.name_similarity(p.name_a, p.name_b) * CASE WHEN p.digits_a = p.digits_b THEN 1 ELSE .85 END AS name_score,
           CASE WHEN p.code_key_a = p.code_key_b THEN .95
                WHEN pg_catalog.length(p.code_key_a) >= 4 AND pg_catalog.length(p.code_key_b) >= 4
                     AND (pg_catalog.starts_with(p.code_key_a, p.code_key_b) OR pg_catalog.starts_with(p.code_key_b, p.code_key_a)) THEN .85
                WHEN p.code_key_a = xsell_internal.compact_name(p.name_b) OR p.code_key_b = xsell_internal.compact_name(p.name_a) THEN .9 END AS code_score,
           xsell_internal.compact_name(p.family_a) = xsell_internal.compact_name(p.family_b) AS one_family
    FROM pair p
    WHERE NOT EXISTS (SELECT FROM decided d WHERE (d.a, d.b) IN ((p.product_id_a, p.product_id_b), (p.product_id_b, p.product_id_a)))
), rated AS (
    SELECT s.*, LEAST(1, GREATEST(s.name_score, s.code_score) + CASE WHEN s.one_family THEN .05 ELSE 0 END)::real AS score FROM scored s
)
SELECT DISTINCT ON (LEAST(r.product_id_a, r.product_id_b), GREATEST(r.product_id_a, r.product_id_b))
       r.org_a, r.product_a, r.name_a, r.code_a, r.family_a, r.product_id_a, r.org_b, r.product_b, r.name_b, r.code_b, r.family_b, r.product_id_b, r.score,
       pg_catalog.concat_ws(', ', CASE WHEN r.code_score = .95 THEN 'same code but for punctuation' WHEN r.code_score = .85 THEN 'one code continues the other'
                                       WHEN r.code_score = .9 THEN 'the code of one is the name of the other' END,
                            CASE WHEN r.name_score >= .99 THEN 'same name' WHEN r.name_score >= .8 THEN 'similar name' END, CASE WHEN r.one_family THEN 'same family' END) AS reason
FROM rated r
WHERE r.score >= .8
ORDER BY LEAST(r.product_id_a, r.product_id_b), GREATEST(r.product_id_a, r.product_id_b), r.score DESC, r.org_a, r.product_a, r.org_b, r.product_b;
COMMENT ON VIEW xsell.product_review IS
'Products of different orgs that may be one and are not mapped together: xsell.map_product(org_b, product_b, product_id_a) joins them, xsell.reject_product_match takes them off this list.';
COMMENT ON COLUMN xsell.product_review.org_a IS 'Org of the one product.';
COMMENT ON COLUMN xsell.product_review.product_a IS 'crm_id of the one product.';
COMMENT ON COLUMN xsell.product_review.name_a IS 'Its name.';
COMMENT ON COLUMN xsell.product_review.code_a IS 'Its code.';
COMMENT ON COLUMN xsell.product_review.family_a IS 'Its family.';
COMMENT ON COLUMN xsell.product_review.product_id_a IS 'The canonical product that it is now.';
COMMENT ON COLUMN xsell.product_review.org_b IS 'Org of the other product.';
COMMENT ON COLUMN xsell.product_review.product_b IS 'crm_id of the other product.';
COMMENT ON COLUMN xsell.product_review.name_b IS 'Its name.';
COMMENT ON COLUMN xsell.product_review.code_b IS 'Its code.';
COMMENT ON COLUMN xsell.product_review.family_b IS 'Its family.';
COMMENT ON COLUMN xsell.product_review.product_id_b IS 'The canonical product that it is now.';
COMMENT ON COLUMN xsell.product_review.score IS 'How alike they are, 0 to 1.';
COMMENT ON COLUMN xsell.product_review.reason IS 'What speaks for it.';

SELECT pg_catalog.pg_extension_config_dump('xsell_internal.product_decision', '');
