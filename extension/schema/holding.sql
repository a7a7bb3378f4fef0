-- Purchases and holdings: which entity bought which product, when, and by which record.

CREATE TABLE xsell_internal.purchase (
    org_id         text NOT NULL,
    source         text NOT NULL CHECK (source IN ('line', 'asset', 'deal', 'family')),
    record_id      text NOT NULL,
    entity_id      bigint NOT NULL,
    product_id     bigint NOT NULL,
    account_id     text NOT NULL,
    opportunity_id text,
    won_at         timestamptz NOT NULL,
    ends_at        timestamptz,
    deleted_at     timestamptz,
    amount_base    numeric,
    PRIMARY KEY (org_id, source, record_id)
);
CREATE INDEX ON xsell_internal.purchase (entity_id, product_id);
-- What begins or ceases to count as time goes by.
CREATE INDEX ON xsell_internal.purchase (won_at);
CREATE INDEX ON xsell_internal.purchase (deleted_at) WHERE deleted_at IS NOT NULL;
COMMENT ON TABLE xsell_internal.purchase IS
'What was bought, per org from the first source that has any row: won lines, assets, the product field of won deals, their product family.';
COMMENT ON COLUMN xsell_internal.purchase.record_id IS 'crm_id of the line, asset or opportunity that says so.';
COMMENT ON COLUMN xsell_internal.purchase.deleted_at IS 'When that record went away; until then it counted.';

CREATE TABLE xsell_internal.holding (
    entity_id   bigint NOT NULL,
    product_id  bigint NOT NULL,
    org_id      text NOT NULL,
    first_at    timestamptz NOT NULL,
    last_at     timestamptz NOT NULL,
    ends_at     timestamptz,
    purchases   bigint NOT NULL,
    amount_base numeric,
    source      text NOT NULL,
    PRIMARY KEY (entity_id, product_id, org_id)
);
COMMENT ON TABLE xsell_internal.holding IS 'What each entity holds now, by selling org.';

-- One meaning of "won" for everything: the stage map decides, the source's own flags where a stage is not in it.
CREATE VIEW xsell_internal.deal WITH (security_invoker = true) AS
SELECT o.org_id, o.crm_id AS opportunity_id, o.account_id, o.product_name, o.attributes, o.amount_base, o.created_at, o.deleted_at,
       c.closed, c.closed AND COALESCE(m.won, o.is_won, false) AS won,
       c.closed AND COALESCE(m.won, o.is_won, false) AND COALESCE(m.is_purchase, m.won, o.is_won, false) AS is_purchase,
       CASE WHEN c.closed THEN COALESCE(o.closed_at, o.created_at) END AS closed_at,
       -- Without a creation date: a closed deal is known from its end, an open one from the earliest date about it, now at the latest.
       COALESCE(o.created_at, CASE WHEN c.closed THEN o.closed_at ELSE LEAST(
           (SELECT pg_catalog.min(l.created_at) FROM xsell.opportunity_line l WHERE l.org_id = o.org_id AND l.opportunity_id = o.crm_id),
           o.closed_at, o.modified_at, xsell.clock()) END) AS known_at
FROM xsell.opportunity o
LEFT JOIN xsell.stage_map m ON m.org_id = o.org_id AND m.pipeline = o.pipeline AND m.stage = o.stage,
LATERAL (SELECT COALESCE(m.closed, CASE WHEN m.stage IS NULL THEN o.is_closed END, false) AS closed) c;
COMMENT ON VIEW xsell_internal.deal IS 'Opportunities with what their stage means and the times that count: known from, closed at.';

CREATE FUNCTION xsell_internal.purchase_inputs() RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
BEGIN ATOMIC
    SELECT pg_catalog.concat_ws(':', xsell.base_currency(),
        (SELECT pg_catalog.bit_xor(pg_catalog.hash_record_extended(ROW(m.org_id, m.product_crm_id, m.product_id), 0)) FROM xsell_internal.product_map m),
        (SELECT pg_catalog.bit_xor(pg_catalog.hash_record_extended(ROW(n.org_id, n.source, n.name, n.product_id), 0)) FROM xsell_internal.deal_product n),
        (SELECT pg_catalog.bit_xor(pg_catalog.hash_record_extended(ROW(s.org_id, s.pipeline, s.stage, s.closed, s.won, s.is_purchase), 0)) FROM xsell.stage_map s),
        (SELECT pg_catalog.bit_xor(pg_catalog.hash_record_extended(ROW(r.currency, r.valid_from, r.rate), 0)) FROM xsell.currency_rate r),
        (SELECT pg_catalog.bit_xor(pg_catalog.hash_record_extended(ROW(r.org_id, r.home, r.currency, r.valid_from, r.rate), 0)) FROM xsell_internal.source_rate r),
        (SELECT pg_catalog.bit_xor(pg_catalog.hash_record_extended(ROW(g.org_id, g.currency), 0)) FROM xsell.org g));
END;
COMMENT ON FUNCTION xsell_internal.purchase_inputs() IS
'A fingerprint of what says how records become purchases: the product map, the stages, rates and currencies. Another one means that every purchase may be another.';

CREATE FUNCTION xsell_internal.stated_purchases(only_entities bigint[] DEFAULT NULL)
RETURNS TABLE (org_id text, source text, record_id text, entity_id bigint, product_id bigint, account_id text, opportunity_id text,
               won_at timestamptz, ends_at timestamptz, deleted_at timestamptz, amount_base numeric)
LANGUAGE plpgsql STABLE ROWS 100000
SET search_path = pg_catalog, pg_temp
SET plan_cache_mode = force_custom_plan  -- all entities and a few are planned apart
SET enable_hashjoin = on
SET enable_mergejoin = on
SET jit = off
AS $$
BEGIN
    IF only_entities IS NOT NULL THEN  -- a few of them: from their accounts, through the indexes
        PERFORM set_config('enable_hashjoin', 'off', true), set_config('enable_mergejoin', 'off', true);
    END IF;
    RETURN QUERY
    WITH whose AS MATERIALIZED (
        SELECT e.org_id, e.account_id, e.entity_id FROM xsell_internal.entity_account e
        WHERE only_entities IS NULL OR e.entity_id = ANY (only_entities)
    ), won AS MATERIALIZED (
        SELECT d.org_id, d.opportunity_id, d.account_id, e.entity_id, d.product_name, d.attributes ->> 'product_family' AS product_family,
               d.closed_at, d.deleted_at, d.amount_base
        FROM whose e JOIN xsell_internal.deal d ON d.org_id = e.org_id AND d.account_id = e.account_id
        WHERE d.is_purchase AND d.closed_at IS NOT NULL
    )
    SELECT l.org_id, 'line', l.crm_id, d.entity_id, m.product_id, d.account_id, d.opportunity_id, d.closed_at, NULL::timestamptz, LEAST(l.deleted_at, d.deleted_at),
           CASE WHEN l.amount IS NULL THEN xsell.to_base(l.quantity * l.unit_price, COALESCE(l.currency, g.currency), d.closed_at) ELSE l.amount_base END
    FROM won d
    JOIN xsell.opportunity_line l ON l.org_id = d.org_id AND l.opportunity_id = d.opportunity_id
    JOIN xsell_internal.product_map m ON m.org_id = l.org_id AND m.product_crm_id = l.product_id
    LEFT JOIN xsell.org g ON g.org_id = l.org_id
    UNION ALL
    SELECT a.org_id, 'asset', a.crm_id, e.entity_id, m.product_id, a.account_id, NULL, COALESCE(a.purchased_at, a.installed_at, a.created_at),
           a.ends_at, a.deleted_at, a.amount_base
    FROM whose e
    JOIN xsell.asset a ON a.org_id = e.org_id AND a.account_id = e.account_id
    JOIN xsell_internal.product_map m ON m.org_id = a.org_id AND m.product_crm_id = a.product_id
    WHERE COALESCE(a.purchased_at, a.installed_at, a.created_at) IS NOT NULL
    UNION ALL
    SELECT d.org_id, n.source, d.opportunity_id, d.entity_id, n.product_id, d.account_id, d.opportunity_id, d.closed_at, NULL, d.deleted_at, d.amount_base
    FROM won d
    CROSS JOIN LATERAL (VALUES ('deal', d.product_name), ('family', d.product_family)) AS v(source, name)
    JOIN xsell_internal.deal_product n ON n.org_id = d.org_id AND n.source = v.source AND n.name = v.name;
END
$$;
COMMENT ON FUNCTION xsell_internal.stated_purchases(bigint[]) IS
'Every purchase that any source of any org states, before the first source is chosen; of some entities, or of all (NULL).';

CREATE FUNCTION xsell_internal.purchase_sources() RETURNS TABLE (org_id text, source text)
LANGUAGE sql STABLE ROWS 10
BEGIN ATOMIC
    -- From one org to the next through the primary key.
    WITH RECURSIVE found AS (
        (SELECT p.org_id, p.source FROM xsell_internal.purchase p ORDER BY p.org_id, p.source LIMIT 1)
        UNION ALL
        SELECT n.org_id, n.source FROM found f
        CROSS JOIN LATERAL (SELECT p.org_id, p.source FROM xsell_internal.purchase p WHERE p.org_id > f.org_id ORDER BY p.org_id, p.source LIMIT 1) n
    )
    SELECT f.org_id, f.source FROM found f;
END;
COMMENT ON FUNCTION xsell_internal.purchase_sources() IS 'By which source each org''s purchases are stored.';

-- Of each org the first source that has any row. A few entities decide nothing for the others: what their org has already stands.
CREATE FUNCTION xsell_internal.resolve_purchase_sources(only_entities bigint[]) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET client_min_messages = error
AS $$
DECLARE
    ranks CONSTANT text[] := ARRAY['line', 'asset', 'deal', 'family'];
BEGIN
    CREATE TEMPORARY TABLE purchase_choice ON COMMIT DROP AS
    SELECT s.org_id, h.source AS held, ranks[LEAST(array_position(ranks, h.source), min(array_position(ranks, s.source)))] AS source
    FROM (SELECT DISTINCT p.org_id, p.source FROM pg_temp.stated_purchase p) s
    LEFT JOIN xsell_internal.purchase_sources() h ON only_entities IS NOT NULL AND h.org_id = s.org_id
    GROUP BY s.org_id, h.source;
    ANALYZE pg_temp.purchase_choice;
    RETURN EXISTS (SELECT FROM pg_temp.purchase_choice c WHERE c.held <> c.source);
END
$$;
COMMENT ON FUNCTION xsell_internal.resolve_purchase_sources(bigint[]) IS
'The part of refresh_purchases that says which source counts for each org (temporary table purchase_choice); true: an org has a better one now, so that all its purchases are others.';

CREATE FUNCTION xsell_internal.refresh_purchases(full boolean DEFAULT false) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET client_min_messages = error  -- who is not the owner may refresh, not analyze: no reason to warn
AS $$
DECLARE
    only_entities bigint[];
    another boolean;
    written bigint;
    orgs CONSTANT text[] := ARRAY(SELECT s.org_id FROM xsell_internal.purchase_sources() s);
BEGIN
    LOCK TABLE xsell_internal.purchase IN SHARE ROW EXCLUSIVE MODE;
    only_entities := xsell_internal.take_touched_entities('purchases', xsell_internal.purchase_inputs(), purchases_only => true);
    -- Most of them: one pass over everything is quicker than as many look-ups.
    IF refresh_purchases."full" OR cardinality(only_entities) > (SELECT 1000 + count(*) / 10 FROM xsell_internal.entity) THEN
        only_entities := NULL;
    END IF;
    LOOP
        DROP TABLE IF EXISTS pg_temp.stated_purchase, pg_temp.purchase_choice, pg_temp.new_purchase;
        -- Statistics after every step: estimates of what a source will yield are too far off to join it any further.
        CREATE TEMPORARY TABLE stated_purchase ON COMMIT DROP AS SELECT s.* FROM xsell_internal.stated_purchases(only_entities) s;
        ANALYZE pg_temp.stated_purchase;
        another := xsell_internal.resolve_purchase_sources(only_entities);
        IF NOT another THEN
            written := xsell_internal.write_purchases(only_entities);
            -- An org whose last row of a source went falls back to the next source.
            another := only_entities IS NOT NULL AND NOT orgs <@ ARRAY(SELECT s.org_id FROM xsell_internal.purchase_sources() s);
        END IF;
        EXIT WHEN NOT another;
        only_entities := NULL;
    END LOOP;
    DROP TABLE pg_temp.stated_purchase, pg_temp.purchase_choice;
    PERFORM xsell_internal.close_mark('purchases');
    RETURN written;
END
$$;
COMMENT ON FUNCTION xsell_internal.refresh_purchases(boolean) IS
'Brings purchase in step with its sources: of the entities that something was written about since the last time, or of all (full; other stages, products or rates; another source). Returns how many rows were written or removed.';

CREATE FUNCTION xsell_internal.write_purchases(only_entities bigint[]) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET enable_seqscan = on
SET plan_cache_mode = force_custom_plan
SET client_min_messages = error
AS $$
DECLARE
    total bigint := 0;
    step bigint;
BEGIN
    IF only_entities IS NOT NULL THEN  -- a few of them: through the indexes
        PERFORM set_config('enable_seqscan', 'off', true);
    END IF;
    CREATE TEMPORARY TABLE new_purchase ON COMMIT DROP AS
    WITH ending AS (
        -- Where lines say what was bought, assets still say until when.
        SELECT s.entity_id, s.product_id, s.org_id, max(s.ends_at) AS ends_at
        FROM (SELECT e.entity_id, m.product_id, a.org_id, a.ends_at
              FROM xsell.asset a
              JOIN xsell_internal.product_map m ON m.org_id = a.org_id AND m.product_crm_id = a.product_id
              JOIN xsell_internal.entity_account e ON e.org_id = a.org_id AND e.account_id = a.account_id
              WHERE only_entities IS NULL AND a.ends_at IS NOT NULL AND a.deleted_at IS NULL
              UNION ALL
              SELECT e.entity_id, m.product_id, a.org_id, a.ends_at
              FROM xsell_internal.entity_account e
              CROSS JOIN LATERAL (SELECT a.* FROM xsell.asset a WHERE a.org_id = e.org_id AND a.account_id = e.account_id OFFSET 0) a
              JOIN xsell_internal.product_map m ON m.org_id = a.org_id AND m.product_crm_id = a.product_id
              WHERE e.entity_id = ANY (only_entities) AND a.ends_at IS NOT NULL AND a.deleted_at IS NULL) s
        GROUP BY s.entity_id, s.product_id, s.org_id
    )
    SELECT s.org_id, s.source, s.record_id, s.entity_id, s.product_id, s.account_id, s.opportunity_id, s.won_at,
           COALESCE(s.ends_at, CASE WHEN s.source <> 'asset' THEN e.ends_at END) AS ends_at, s.deleted_at, s.amount_base,
           o.entity_id AS old_entity,
           (o.entity_id, o.product_id, o.account_id, o.opportunity_id, o.won_at, o.ends_at, o.deleted_at, o.amount_base) IS DISTINCT FROM
           (s.entity_id, s.product_id, s.account_id, s.opportunity_id, s.won_at, COALESCE(s.ends_at, CASE WHEN s.source <> 'asset' THEN e.ends_at END),
            s.deleted_at, s.amount_base) AS differs
    FROM pg_temp.stated_purchase s
    JOIN pg_temp.purchase_choice c USING (org_id, source)
    LEFT JOIN ending e ON e.entity_id = s.entity_id AND e.product_id = s.product_id AND e.org_id = s.org_id
    LEFT JOIN xsell_internal.purchase o ON o.org_id = s.org_id AND o.source = s.source AND o.record_id = s.record_id;
    ANALYZE pg_temp.new_purchase;

    -- Only what differs is written: a refresh without news leaves no dead rows, and readers are never locked out.
    WITH gone AS (
        DELETE FROM xsell_internal.purchase p
        WHERE (only_entities IS NULL OR p.entity_id = ANY (only_entities))
          AND NOT EXISTS (SELECT FROM pg_temp.new_purchase n WHERE n.org_id = p.org_id AND n.source = p.source AND n.record_id = p.record_id)
        RETURNING p.entity_id
    ), noted AS (
        INSERT INTO xsell_internal.entity_change (entity_id) SELECT DISTINCT g.entity_id FROM gone g
    )
    SELECT count(*) INTO step FROM gone;
    total := total + step;
    UPDATE xsell_internal.purchase p
    SET entity_id = n.entity_id, product_id = n.product_id, account_id = n.account_id, opportunity_id = n.opportunity_id,
        won_at = n.won_at, ends_at = n.ends_at, deleted_at = n.deleted_at, amount_base = n.amount_base
    FROM pg_temp.new_purchase n
    WHERE n.differs AND n.old_entity IS NOT NULL AND p.org_id = n.org_id AND p.source = n.source AND p.record_id = n.record_id;
    GET DIAGNOSTICS step = ROW_COUNT;
    total := total + step;
    INSERT INTO xsell_internal.purchase
        (org_id, source, record_id, entity_id, product_id, account_id, opportunity_id, won_at, ends_at, deleted_at, amount_base)
    SELECT n.org_id, n.source, n.record_id, n.entity_id, n.product_id, n.account_id, n.opportunity_id, n.won_at, n.ends_at, n.deleted_at, n.amount_base
    FROM pg_temp.new_purchase n WHERE n.old_entity IS NULL
    ORDER BY n.org_id, n.source, n.record_id;
    GET DIAGNOSTICS step = ROW_COUNT;
    total := total + step;
    INSERT INTO xsell_internal.entity_change (entity_id)
    SELECT n.entity_id FROM pg_temp.new_purchase n WHERE n.differs
    UNION SELECT n.old_entity FROM pg_temp.new_purchase n WHERE n.differs AND n.old_entity IS NOT NULL;
    PERFORM xsell_internal.write_unpriced();
    DROP TABLE pg_temp.new_purchase;
    IF total > 1000 + (SELECT c.reltuples / 10 FROM pg_class c WHERE c.oid = 'xsell_internal.purchase'::regclass) THEN
        ANALYZE xsell_internal.purchase;
    END IF;
    RETURN total;
END
$$;
COMMENT ON FUNCTION xsell_internal.write_purchases(bigint[]) IS
'The part of refresh_purchases that compares what is stated (temporary tables stated_purchase and purchase_choice) with what is stored, writes what differs, and notes the entities.';

-- Amounts that a record states are priced, and doubted, as they are stored; those of lines that state a price alone, here.
CREATE FUNCTION xsell_internal.write_unpriced() RETURNS void
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    INSERT INTO xsell_internal.data_quality (org_id, object, crm_id, problem, detail)
    SELECT l.org_id, 'opportunity_line', l.crm_id, 'no exchange rate', COALESCE(l.currency, g.currency)
    FROM (SELECT n.org_id, n.record_id FROM pg_temp.new_purchase n WHERE n.source = 'line' AND n.amount_base IS NULL) n
    JOIN xsell.opportunity_line l ON l.org_id = n.org_id AND l.crm_id = n.record_id
    LEFT JOIN xsell.org g ON g.org_id = l.org_id
    WHERE l.amount IS NULL AND l.quantity * l.unit_price IS NOT NULL
    ON CONFLICT DO NOTHING;
    IF EXISTS (SELECT FROM xsell_internal.data_quality q WHERE q.object = 'opportunity_line' AND q.problem = 'no exchange rate') THEN
        DELETE FROM xsell_internal.data_quality q USING pg_temp.new_purchase n
        WHERE q.object = 'opportunity_line' AND q.problem = 'no exchange rate' AND n.source = 'line' AND n.amount_base IS NOT NULL
          AND q.org_id = n.org_id AND q.crm_id = n.record_id;
    END IF;
END
$$;
COMMENT ON FUNCTION xsell_internal.write_unpriced() IS
'The part of refresh_purchases that notes lines with a price in a currency without a rate for their day, and strikes out those that have one now.';

CREATE FUNCTION xsell_internal.refresh_holdings(full boolean DEFAULT false) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET plan_cache_mode = force_custom_plan  -- all entities and a few are planned apart
SET client_min_messages = error
AS $$
DECLARE
    present CONSTANT timestamptz := xsell.clock();
    before record;
    step bigint;
    total bigint;
    touched bigint[];
BEGIN
    total := xsell_internal.refresh_purchases(refresh_holdings."full");
    SELECT m.oldest, m.xmin AS own, m.cmin::text::bigint AS command, m.at INTO before
    FROM xsell_internal.entity_change_mark m WHERE m.name = 'holdings';
    INSERT INTO xsell_internal.entity_change_mark AS m (name, oldest, at) VALUES ('holdings', pg_snapshot_xmin(pg_current_snapshot()), present)
    ON CONFLICT (name) DO UPDATE SET oldest = excluded.oldest, at = excluded.at;
    IF NOT refresh_holdings."full" AND xsell_internal.mark_reaches(before.oldest) THEN
        -- Whose purchases changed, and what time has brought, whichever way it went.
        touched := ARRAY(
            SELECT c.entity_id FROM xsell_internal.entity_change c
            WHERE age(c.xmin) <= age(before.oldest::xid) AND (c.xmin <> before.own OR c.cmin::text::bigint >= before.command)
            UNION SELECT p.entity_id FROM xsell_internal.purchase p WHERE p.won_at > LEAST(before.at, present) AND p.won_at <= GREATEST(before.at, present)
            UNION SELECT p.entity_id FROM xsell_internal.purchase p WHERE p.deleted_at > LEAST(before.at, present) AND p.deleted_at <= GREATEST(before.at, present));
    END IF;
    DROP TABLE IF EXISTS pg_temp.new_holding;
    CREATE TEMPORARY TABLE new_holding ON COMMIT DROP AS
    WITH live AS (
        SELECT p.entity_id, p.product_id, p.org_id, min(p.won_at) AS first_at, max(p.won_at) AS last_at, max(p.ends_at) AS ends_at,
               count(*) AS purchases, sum(p.amount_base) AS amount_base, min(p.source) AS source
        FROM xsell_internal.purchase p
        WHERE p.won_at <= present AND (p.deleted_at IS NULL OR p.deleted_at > present) AND (touched IS NULL OR p.entity_id = ANY (touched))
        GROUP BY p.entity_id, p.product_id, p.org_id
    )
    SELECT l.*, o.org_id IS NULL AS is_new,
           (o.first_at, o.last_at, o.ends_at, o.purchases, o.amount_base, o.source) IS DISTINCT FROM
           (l.first_at, l.last_at, l.ends_at, l.purchases, l.amount_base, l.source) AS differs
    FROM live l
    LEFT JOIN xsell_internal.holding o ON o.entity_id = l.entity_id AND o.product_id = l.product_id AND o.org_id = l.org_id;
    ANALYZE pg_temp.new_holding;

    WITH gone AS (
        DELETE FROM xsell_internal.holding h
        WHERE (touched IS NULL OR h.entity_id = ANY (touched))
          AND NOT EXISTS (SELECT FROM pg_temp.new_holding n WHERE n.entity_id = h.entity_id AND n.product_id = h.product_id AND n.org_id = h.org_id)
        RETURNING h.entity_id
    ), noted AS (
        INSERT INTO xsell_internal.entity_change (entity_id) SELECT DISTINCT g.entity_id FROM gone g
    )
    SELECT count(*) INTO step FROM gone;
    total := total + step;
    UPDATE xsell_internal.holding h
    SET first_at = n.first_at, last_at = n.last_at, ends_at = n.ends_at, purchases = n.purchases, amount_base = n.amount_base, source = n.source
    FROM pg_temp.new_holding n
    WHERE n.differs AND NOT n.is_new AND h.entity_id = n.entity_id AND h.product_id = n.product_id AND h.org_id = n.org_id;
    GET DIAGNOSTICS step = ROW_COUNT;
    total := total + step;
    INSERT INTO xsell_internal.holding (entity_id, product_id, org_id, first_at, last_at, ends_at, purchases, amount_base, source)
    SELECT n.entity_id, n.product_id, n.org_id, n.first_at, n.last_at, n.ends_at, n.purchases, n.amount_base, n.source
    FROM pg_temp.new_holding n WHERE n.is_new
    ORDER BY n.entity_id, n.product_id, n.org_id;
    GET DIAGNOSTICS step = ROW_COUNT;
    total := total + step;
    INSERT INTO xsell_internal.entity_change (entity_id) SELECT DISTINCT n.entity_id FROM pg_temp.new_holding n WHERE n.differs;
    DROP TABLE pg_temp.new_holding;
    -- What every reader of changes has seen.
    DELETE FROM xsell_internal.entity_change c
    WHERE age(c.xmin) > (SELECT max(age(m.oldest::xid)) FROM xsell_internal.entity_change_mark m);
    PERFORM xsell_internal.close_mark('holdings');
    IF total > 1000 + (SELECT c.reltuples / 10 FROM pg_class c WHERE c.oid = 'xsell_internal.holding'::regclass) THEN
        ANALYZE xsell_internal.holding;
    END IF;
    RETURN total;
END
$$;
COMMENT ON FUNCTION xsell_internal.refresh_holdings(boolean) IS
'Brings purchase and holding in step with the CRM tables, the entities, the product map and the time: what changed since the last call, or everything (full). Returns how many rows were written or removed.';

CREATE VIEW xsell.holding WITH (security_invoker = true) AS
SELECT h.entity_id, h.product_id, m.name AS product_name, h.org_id, h.first_at, h.last_at, h.ends_at, h.purchases, h.amount_base, h.source
FROM xsell_internal.holding h
LEFT JOIN xsell.canonical_product m ON m.product_id = h.product_id;
COMMENT ON VIEW xsell.holding IS 'What each customer bought, by product and selling org.';
COMMENT ON COLUMN xsell.holding.entity_id IS 'The customer.';
COMMENT ON COLUMN xsell.holding.product_id IS 'The canonical product.';
COMMENT ON COLUMN xsell.holding.product_name IS 'Its name.';
COMMENT ON COLUMN xsell.holding.org_id IS 'The org that sold it.';
COMMENT ON COLUMN xsell.holding.first_at IS 'First purchase.';
COMMENT ON COLUMN xsell.holding.last_at IS 'Last purchase.';
COMMENT ON COLUMN xsell.holding.ends_at IS 'When use ends or ended, where an asset says so.';
COMMENT ON COLUMN xsell.holding.purchases IS 'How many purchases.';
COMMENT ON COLUMN xsell.holding.amount_base IS 'What they came to, in the base currency.';
COMMENT ON COLUMN xsell.holding.source IS 'Where that is known from: line, asset, deal or family.';

SELECT pg_catalog.pg_extension_config_dump('xsell_internal.purchase', '');
SELECT pg_catalog.pg_extension_config_dump('xsell_internal.holding', '');
