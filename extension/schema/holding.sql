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
       -- A closed deal without a creation date is known from its end, an open one from ever.
       COALESCE(o.created_at, CASE WHEN c.closed THEN o.closed_at ELSE '-infinity' END) AS known_at
FROM xsell.opportunity o
LEFT JOIN xsell.stage_map m ON m.org_id = o.org_id AND m.pipeline = o.pipeline AND m.stage = o.stage,
LATERAL (SELECT COALESCE(m.closed, CASE WHEN m.stage IS NULL THEN o.is_closed END, false) AS closed) c;
COMMENT ON VIEW xsell_internal.deal IS 'Opportunities with what their stage means and the times that count: known from, closed at.';

CREATE VIEW xsell_internal.purchase_source WITH (security_invoker = true) AS
WITH candidate AS (
    SELECT l.org_id, 'line' AS source, l.crm_id AS record_id, d.account_id, m.product_id, d.opportunity_id, d.closed_at AS won_at,
           NULL::timestamptz AS ends_at, LEAST(l.deleted_at, d.deleted_at) AS deleted_at,
           CASE WHEN l.amount IS NULL THEN xsell.to_base(l.quantity * l.unit_price, l.currency, d.closed_at) ELSE l.amount_base END AS amount_base
    FROM xsell.opportunity_line l
    JOIN xsell_internal.deal d ON d.org_id = l.org_id AND d.opportunity_id = l.opportunity_id AND d.is_purchase
    JOIN xsell_internal.product_map m ON m.org_id = l.org_id AND m.product_crm_id = l.product_id
    UNION ALL
    SELECT a.org_id, 'asset', a.crm_id, a.account_id, m.product_id, NULL, COALESCE(a.purchased_at, a.installed_at, a.created_at),
           a.ends_at, a.deleted_at, a.amount_base
    FROM xsell.asset a
    JOIN xsell_internal.product_map m ON m.org_id = a.org_id AND m.product_crm_id = a.product_id
    UNION ALL
    SELECT d.org_id, 'deal', d.opportunity_id, d.account_id, n.product_id, d.opportunity_id, d.closed_at, NULL, d.deleted_at, d.amount_base
    FROM xsell_internal.deal d
    JOIN xsell_internal.deal_product n ON n.org_id = d.org_id AND n.source = 'deal' AND n.name = d.product_name
    WHERE d.is_purchase
    UNION ALL
    SELECT d.org_id, 'family', d.opportunity_id, d.account_id, n.product_id, d.opportunity_id, d.closed_at, NULL, d.deleted_at, d.amount_base
    FROM xsell_internal.deal d
    JOIN xsell_internal.deal_product n ON n.org_id = d.org_id AND n.source = 'family' AND n.name = d.attributes ->> 'product_family'
    WHERE d.is_purchase
)
SELECT c.org_id, c.source, c.record_id, e.entity_id, c.product_id, c.account_id, c.opportunity_id, c.won_at, c.ends_at, c.deleted_at, c.amount_base
FROM candidate c
JOIN xsell_internal.entity_account e ON e.org_id = c.org_id AND e.account_id = c.account_id
WHERE c.won_at IS NOT NULL AND c.record_id IS NOT NULL;
COMMENT ON VIEW xsell_internal.purchase_source IS 'Every purchase that any source of any org states, before the first source is chosen.';

CREATE FUNCTION xsell_internal.refresh_purchases() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET client_min_messages = error  -- who is not the owner may refresh, not analyze: no reason to warn
AS $$
DECLARE
    touched bigint;
    total bigint := 0;
BEGIN
    LOCK TABLE xsell_internal.purchase IN SHARE ROW EXCLUSIVE MODE;
    DROP TABLE IF EXISTS pg_temp.stated_purchase, pg_temp.new_purchase;

    -- Statistics after every step: estimates of what a source will yield are too far off to join it any further.
    CREATE TEMPORARY TABLE stated_purchase ON COMMIT DROP AS
    SELECT s.* FROM xsell_internal.purchase_source s;
    ANALYZE pg_temp.stated_purchase;
    CREATE TEMPORARY TABLE new_purchase ON COMMIT DROP AS
    WITH chosen AS (
        SELECT DISTINCT ON (s.org_id) s.org_id, s.source
        FROM (SELECT s.org_id, s.source FROM pg_temp.stated_purchase s GROUP BY s.org_id, s.source) s
        ORDER BY s.org_id, array_position(ARRAY['line', 'asset', 'deal', 'family'], s.source)
    ), ending AS (
        -- Where lines say what was bought, assets still say until when.
        SELECT e.entity_id, m.product_id, a.org_id, max(a.ends_at) AS ends_at
        FROM xsell.asset a
        JOIN xsell_internal.product_map m ON m.org_id = a.org_id AND m.product_crm_id = a.product_id
        JOIN xsell_internal.entity_account e ON e.org_id = a.org_id AND e.account_id = a.account_id
        WHERE a.ends_at IS NOT NULL AND a.deleted_at IS NULL
        GROUP BY e.entity_id, m.product_id, a.org_id
    )
    SELECT s.org_id, s.source, s.record_id, s.entity_id, s.product_id, s.account_id, s.opportunity_id, s.won_at,
           COALESCE(s.ends_at, CASE WHEN s.source <> 'asset' THEN e.ends_at END) AS ends_at, s.deleted_at, s.amount_base,
           o.org_id IS NULL AS is_new,
           (o.entity_id, o.product_id, o.account_id, o.opportunity_id, o.won_at, o.ends_at, o.deleted_at, o.amount_base) IS DISTINCT FROM
           (s.entity_id, s.product_id, s.account_id, s.opportunity_id, s.won_at, COALESCE(s.ends_at, CASE WHEN s.source <> 'asset' THEN e.ends_at END),
            s.deleted_at, s.amount_base) AS differs
    FROM pg_temp.stated_purchase s
    JOIN chosen c USING (org_id, source)
    LEFT JOIN ending e ON e.entity_id = s.entity_id AND e.product_id = s.product_id AND e.org_id = s.org_id
    LEFT JOIN xsell_internal.purchase o ON o.org_id = s.org_id AND o.source = s.source AND o.record_id = s.record_id;
    DROP TABLE pg_temp.stated_purchase;
    ANALYZE pg_temp.new_purchase;

    -- Only what differs is written: a refresh without news leaves no dead rows, and readers are never locked out.
    DELETE FROM xsell_internal.purchase p
    WHERE NOT EXISTS (SELECT FROM pg_temp.new_purchase n WHERE n.org_id = p.org_id AND n.source = p.source AND n.record_id = p.record_id);
    GET DIAGNOSTICS touched = ROW_COUNT;
    total := total + touched;
    UPDATE xsell_internal.purchase p
    SET entity_id = n.entity_id, product_id = n.product_id, account_id = n.account_id, opportunity_id = n.opportunity_id,
        won_at = n.won_at, ends_at = n.ends_at, deleted_at = n.deleted_at, amount_base = n.amount_base
    FROM pg_temp.new_purchase n
    WHERE n.differs AND NOT n.is_new AND p.org_id = n.org_id AND p.source = n.source AND p.record_id = n.record_id;
    GET DIAGNOSTICS touched = ROW_COUNT;
    total := total + touched;
    INSERT INTO xsell_internal.purchase
        (org_id, source, record_id, entity_id, product_id, account_id, opportunity_id, won_at, ends_at, deleted_at, amount_base)
    SELECT n.org_id, n.source, n.record_id, n.entity_id, n.product_id, n.account_id, n.opportunity_id, n.won_at, n.ends_at, n.deleted_at, n.amount_base
    FROM pg_temp.new_purchase n WHERE n.is_new
    ORDER BY n.org_id, n.source, n.record_id;
    GET DIAGNOSTICS touched = ROW_COUNT;
    total := total + touched;
    DROP TABLE pg_temp.new_purchase;
    IF total > 0 THEN
        ANALYZE xsell_internal.purchase;
    END IF;
    RETURN total;
END
$$;
COMMENT ON FUNCTION xsell_internal.refresh_purchases() IS 'Brings purchase in step with its sources; returns how many rows were written or removed.';

CREATE FUNCTION xsell_internal.refresh_holdings() RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
SET jit = off
SET client_min_messages = error
AS $$
DECLARE
    touched bigint;
    total bigint := xsell_internal.refresh_purchases();
BEGIN
    DROP TABLE IF EXISTS pg_temp.new_holding;
    CREATE TEMPORARY TABLE new_holding ON COMMIT DROP AS
    WITH live AS (
        SELECT p.entity_id, p.product_id, p.org_id, min(p.won_at) AS first_at, max(p.won_at) AS last_at, max(p.ends_at) AS ends_at,
               count(*) AS purchases, sum(p.amount_base) AS amount_base, min(p.source) AS source
        FROM xsell_internal.purchase p
        WHERE p.won_at <= xsell.clock() AND (p.deleted_at IS NULL OR p.deleted_at > xsell.clock())
        GROUP BY p.entity_id, p.product_id, p.org_id
    )
    SELECT l.*, o.org_id IS NULL AS is_new,
           (o.first_at, o.last_at, o.ends_at, o.purchases, o.amount_base, o.source) IS DISTINCT FROM
           (l.first_at, l.last_at, l.ends_at, l.purchases, l.amount_base, l.source) AS differs
    FROM live l
    LEFT JOIN xsell_internal.holding o ON o.entity_id = l.entity_id AND o.product_id = l.product_id AND o.org_id = l.org_id;
    ANALYZE pg_temp.new_holding;

    DELETE FROM xsell_internal.holding h
    WHERE NOT EXISTS (SELECT FROM pg_temp.new_holding n WHERE n.entity_id = h.entity_id AND n.product_id = h.product_id AND n.org_id = h.org_id);
    GET DIAGNOSTICS touched = ROW_COUNT;
    total := total + touched;
    UPDATE xsell_internal.holding h
    SET first_at = n.first_at, last_at = n.last_at, ends_at = n.ends_at, purchases = n.purchases, amount_base = n.amount_base, source = n.source
    FROM pg_temp.new_holding n
    WHERE n.differs AND NOT n.is_new AND h.entity_id = n.entity_id AND h.product_id = n.product_id AND h.org_id = n.org_id;
    GET DIAGNOSTICS touched = ROW_COUNT;
    total := total + touched;
    INSERT INTO xsell_internal.holding (entity_id, product_id, org_id, first_at, last_at, ends_at, purchases, amount_base, source)
    SELECT n.entity_id, n.product_id, n.org_id, n.first_at, n.last_at, n.ends_at, n.purchases, n.amount_base, n.source
    FROM pg_temp.new_holding n WHERE n.is_new
    ORDER BY n.entity_id, n.product_id, n.org_id;
    GET DIAGNOSTICS touched = ROW_COUNT;
    total := total + touched;
    DROP TABLE pg_temp.new_holding;
    IF total > 0 THEN
        ANALYZE xsell_internal.holding;
    END IF;
    RETURN total;
END
$$;
COMMENT ON FUNCTION xsell_internal.refresh_holdings() IS
'Brings purchase and holding in step with the CRM tables, the entities and the product map; returns how many rows were written or removed.';

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
