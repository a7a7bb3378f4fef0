-- Roll-ups. Millions of rows are added up once by narrow keys, and what comes of it by what people call them.
CREATE VIEW xsell_internal.whitespace_customer_sum WITH (security_invoker = true) AS
SELECT s.entity_id, s.org_id, s.state, s.pairs, s.amount, s.expected_revenue, COALESCE(c.segment, xsell_internal.size_band(ia.employees)) AS segment,
       COALESCE(c.industry, ia.industry) AS industry, c.owner_name, c.owner_email, c.team, c.territory
FROM (SELECT w.entity_id, w.org_id, w.customer_id, w.state, CASE WHEN w.route = 'cross_org' THEN w.recommendation_id END AS introduced,
             pg_catalog.count(*) AS pairs, pg_catalog.sum(w.amount) AS amount, pg_catalog.sum(w.expected_revenue) AS expected_revenue
      FROM xsell_internal.whitespace w GROUP BY 1, 2, 3, 4, 5) s
LEFT JOIN xsell_internal.whitespace_customer c ON c.customer_id = s.customer_id
LEFT JOIN xsell_internal.introduction i ON i.recommendation_id = s.introduced
LEFT JOIN xsell.account ia ON ia.org_id = i.org_id AND ia.crm_id = i.account_id;
COMMENT ON VIEW xsell_internal.whitespace_customer_sum IS 'Whitespace added up by customer, org and state.';

CREATE VIEW xsell_internal.whitespace_product_sum WITH (security_invoker = true) AS
SELECT s.product_id, s.org_id, s.state, s.pairs, s.amount, s.expected_revenue, p.product_name, p.product_family
FROM (SELECT w.product_id, w.org_id, w.state, pg_catalog.count(*) AS pairs, pg_catalog.sum(w.amount) AS amount, pg_catalog.sum(w.expected_revenue) AS expected_revenue
      FROM xsell_internal.whitespace w GROUP BY 1, 2, 3) s
LEFT JOIN xsell_internal.whitespace_product p ON p.product_id = s.product_id AND p.org_id = s.org_id;
COMMENT ON VIEW xsell_internal.whitespace_product_sum IS 'Whitespace added up by product, org and state.';

-- Customers are counted once: grouped before their rows are added up; in a product and org each has one row; of a family they are counted apart.
DO $$
DECLARE
    item record;
    meaning record;
    sums constant text := 'COALESCE(pg_catalog.sum(%1$s) FILTER (WHERE s.state = ''held''), 0)::bigint AS held, COALESCE(pg_catalog.sum(%1$s) FILTER (WHERE s.state = ''open''), 0)::bigint AS open,
        COALESCE(pg_catalog.sum(%1$s) FILTER (WHERE s.state = ''lost''), 0)::bigint AS lost, COALESCE(pg_catalog.sum(%1$s) FILTER (WHERE s.state = ''recommended''), 0)::bigint AS recommended,
        COALESCE(pg_catalog.sum(%1$s) FILTER (WHERE s.state = ''excluded''), 0)::bigint AS excluded, pg_catalog.sum(s.amount) FILTER (WHERE s.state = ''held'') AS held_amount,
        pg_catalog.sum(s.amount) FILTER (WHERE s.state = ''open'') AS open_pipeline, pg_catalog.sum(s.expected_revenue) FILTER (WHERE s.state = ''open'') AS open_expected,
        pg_catalog.sum(s.expected_revenue) FILTER (WHERE s.state = ''recommended'') AS potential,
        pg_catalog.round(COALESCE(pg_catalog.sum(%1$s) FILTER (WHERE s.state = ''held''), 0)::numeric / pg_catalog.sum(%1$s)::numeric, 4) AS penetration';
BEGIN
    FOR item IN SELECT * FROM (VALUES
        ('segment', 'segment', 'size of the customer'), ('industry', 'industry', 'industry of the customer'), ('owner', 'org_id, owner_name, owner_email, team', 'owner'),
        ('territory', 'org_id, territory, team', 'territory and team'), ('org', 'org_id', 'org'), ('family', 'product_family', 'product family'),
        ('product', 'product_id, org_id, product_name, product_family', 'product and org')) AS v(name, keys, text) LOOP
        EXECUTE pg_catalog.format('CREATE VIEW xsell.whitespace_by_%1$s WITH (security_invoker = true) AS SELECT %2$s, %3$s AS customers, ' || pg_catalog.format(sums, 's.pairs') || CASE item.name
            WHEN 'product' THEN ' FROM xsell_internal.whitespace_product_sum s GROUP BY %2$s'
            WHEN 'family' THEN ' FROM (SELECT f.state, f.product_family, f.pairs, f.amount, f.expected_revenue, 0 AS customers FROM xsell_internal.whitespace_product_sum f
                                       UNION ALL
                                       SELECT NULL, d.product_family, NULL, NULL, NULL, pg_catalog.count(*)
                                       FROM (SELECT DISTINCT w.entity_id, p.product_family FROM xsell_internal.whitespace w
                                             LEFT JOIN xsell_internal.whitespace_product p ON p.product_id = w.product_id AND p.org_id = w.org_id) d
                                       GROUP BY d.product_family) s GROUP BY %2$s'
            ELSE ' FROM (SELECT c.state, %2$s, pg_catalog.sum(c.pairs) AS pairs, pg_catalog.sum(c.amount) AS amount, pg_catalog.sum(c.expected_revenue) AS expected_revenue,
                                (pg_catalog.row_number() OVER (PARTITION BY c.entity_id, %2$s) = 1)::integer AS customers
                         FROM xsell_internal.whitespace_customer_sum c GROUP BY c.entity_id, c.state, %2$s) s GROUP BY %2$s' END,
            item.name, item.keys, CASE item.name WHEN 'product' THEN 'pg_catalog.sum(s.pairs)::bigint' ELSE 'pg_catalog.sum(s.customers)::bigint' END);
        EXECUTE pg_catalog.format('COMMENT ON VIEW xsell.whitespace_by_%s IS %L', item.name, 'xsell.whitespace added up by ' || item.text || '; NULL: not known.');
        FOR meaning IN
            SELECT a.attname, c.text FROM pg_catalog.pg_attribute a
            JOIN (VALUES ('segment', 'Size by number of employees.'), ('industry', 'Industry.'), ('org_id', 'The org.'), ('owner_name', 'Name of the owner.'),
                         ('owner_email', 'E-mail of the owner.'), ('team', 'The team.'), ('territory', 'The territory.'), ('product_id', 'The product.'),
                         ('product_name', 'Its name in that org.'), ('product_family', 'Product family.'), ('customers', 'Customers that any row speaks of.'),
                         ('held', 'Pairs held.'), ('open', 'Pairs with an open deal.'), ('lost', 'Pairs lost.'), ('recommended', 'Pairs recommended.'), ('excluded', 'Pairs excluded.'),
                         ('held_amount', 'What was bought, in the base currency.'), ('open_pipeline', 'What the open deals amount to.'),
                         ('open_expected', 'The same by the probability that the CRM has for each.'), ('potential', 'Expected revenue of what is recommended.'),
                         ('penetration', 'Share of the pairs that are held, 0 to 1.')) AS c(attname, text) ON c.attname = a.attname
            WHERE a.attrelid = ('xsell.whitespace_by_' || item.name)::pg_catalog.regclass AND a.attnum > 0
        LOOP
            EXECUTE pg_catalog.format('COMMENT ON COLUMN xsell.whitespace_by_%s.%I IS %L', item.name, meaning.attname, meaning.text);
        END LOOP;
    END LOOP;
END
$$;

CREATE VIEW xsell.whitespace_by_period WITH (security_invoker = true) AS
SELECT c.fiscal_year, c.fiscal_quarter, c.fiscal_quarter_label, c.fiscal_quarter_start, d.org_id, d.product_family,
       pg_catalog.sum(d.wins)::bigint AS wins, pg_catalog.sum(d.won) AS won, pg_catalog.sum(d.open_pipeline) AS open_pipeline,
       pg_catalog.sum(d.open_expected) AS open_expected, pg_catalog.sum(d.potential) AS potential
FROM (SELECT (b.won_at AT TIME ZONE 'UTC')::date AS day, b.org_id, p.product_family, pg_catalog.count(*) AS wins, pg_catalog.sum(b.amount_base) AS won,
             NULL::numeric AS open_pipeline, NULL::numeric AS open_expected, NULL::numeric AS potential
      FROM xsell_internal.purchase b
      LEFT JOIN xsell_internal.whitespace_product p ON p.product_id = b.product_id AND p.org_id = b.org_id
      WHERE b.won_at <= (SELECT xsell.clock()) AND (b.deleted_at IS NULL OR b.deleted_at > (SELECT xsell.clock()))
      GROUP BY 1, 2, 3
      UNION ALL
      SELECT (CASE w.state WHEN 'recommended' THEN (SELECT xsell.clock()) ELSE w.at END AT TIME ZONE 'UTC')::date, w.org_id, p.product_family, 0, NULL, pg_catalog.sum(w.amount) FILTER (WHERE w.state = 'open'),
             pg_catalog.sum(w.expected_revenue) FILTER (WHERE w.state = 'open'), pg_catalog.sum(w.expected_revenue) FILTER (WHERE w.state = 'recommended')
      FROM xsell_internal.whitespace w LEFT JOIN xsell_internal.whitespace_product p ON p.product_id = w.product_id AND p.org_id = w.org_id
      WHERE w.state IN ('open', 'recommended') GROUP BY 1, 2, 3) d
LEFT JOIN xsell.calendar c ON c.day = d.day
GROUP BY c.fiscal_year, c.fiscal_quarter, c.fiscal_quarter_label, c.fiscal_quarter_start, d.org_id, d.product_family;
COMMENT ON VIEW xsell.whitespace_by_period IS
'By fiscal quarter, org and product family: what was won, what is open by its expected closing, and (in the present quarter) what the recommendations are worth. NULL: no day is known.';
COMMENT ON COLUMN xsell.whitespace_by_period.fiscal_year IS 'Fiscal year, as in xsell.calendar.';
COMMENT ON COLUMN xsell.whitespace_by_period.fiscal_quarter IS 'Quarter of the fiscal year, 1 to 4.';
COMMENT ON COLUMN xsell.whitespace_by_period.fiscal_quarter_label IS 'The fiscal quarter, as in FY2024 Q1.';
COMMENT ON COLUMN xsell.whitespace_by_period.fiscal_quarter_start IS 'Its first day.';
COMMENT ON COLUMN xsell.whitespace_by_period.org_id IS 'The org.';
COMMENT ON COLUMN xsell.whitespace_by_period.product_family IS 'Product family.';
COMMENT ON COLUMN xsell.whitespace_by_period.wins IS 'Purchases, by the day they were won.';
COMMENT ON COLUMN xsell.whitespace_by_period.won IS 'What they came to, in the base currency.';
COMMENT ON COLUMN xsell.whitespace_by_period.open_pipeline IS 'Open deals, by the first expected closing of each customer and product.';
COMMENT ON COLUMN xsell.whitespace_by_period.open_expected IS 'The same by the probability that the CRM has for each.';
COMMENT ON COLUMN xsell.whitespace_by_period.potential IS 'Expected revenue of what is recommended now, in the present quarter.';
