-- What hangs on a customer: people and activities that the CRM attached to no account, and the companies above it.

CREATE INDEX ON xsell.contact (email) WHERE email IS NOT NULL;
CREATE INDEX ON xsell.contact (phone) WHERE phone IS NOT NULL;
CREATE INDEX ON xsell.account (domain) WHERE domain IS NOT NULL;
CREATE INDEX ON xsell.account (phone) WHERE phone IS NOT NULL;
CREATE INDEX ON xsell.account (org_id, parent_id) WHERE parent_id IS NOT NULL;

-- Who is behind an address or a number, each worked out once for all who have it: asked person by person, it costs the square of their number.
CREATE VIEW xsell_internal.email_entity WITH (security_invoker = true) AS
SELECT c.email, pg_catalog.min(e.entity_id) AS low, pg_catalog.max(e.entity_id) AS high
FROM xsell.contact c JOIN xsell_internal.entity_account e ON e.org_id = c.org_id AND e.account_id = c.account_id
WHERE c.email IS NOT NULL AND c.deleted_at IS NULL
GROUP BY c.email;
COMMENT ON VIEW xsell_internal.email_entity IS 'E-mail addresses of people at customers; where low and high differ, several customers could be meant.';

CREATE VIEW xsell_internal.domain_entity WITH (security_invoker = true) AS
SELECT a.domain, pg_catalog.min(e.entity_id) AS low, pg_catalog.max(e.entity_id) AS high
FROM xsell.account a JOIN xsell_internal.entity_account e ON e.org_id = a.org_id AND e.account_id = a.crm_id
WHERE a.domain IS NOT NULL AND a.deleted_at IS NULL AND NOT EXISTS (SELECT FROM xsell_internal.free_mail_domain f WHERE f.domain = a.domain)
GROUP BY a.domain;
COMMENT ON VIEW xsell_internal.domain_entity IS 'Domains of customers, free mail aside; where low and high differ, several customers could be meant.';

CREATE VIEW xsell_internal.phone_entity WITH (security_invoker = true) AS
SELECT p.phone, pg_catalog.min(p.entity_id) AS low, pg_catalog.max(p.entity_id) AS high
FROM (SELECT a.phone, e.entity_id FROM xsell.account a JOIN xsell_internal.entity_account e ON e.org_id = a.org_id AND e.account_id = a.crm_id
      WHERE a.phone IS NOT NULL AND a.deleted_at IS NULL
      UNION ALL
      SELECT c.phone, e.entity_id FROM xsell.contact c JOIN xsell_internal.entity_account e ON e.org_id = c.org_id AND e.account_id = c.account_id
      WHERE c.phone IS NOT NULL AND c.deleted_at IS NULL) p
GROUP BY p.phone;
COMMENT ON VIEW xsell_internal.phone_entity IS 'Telephone numbers of customers and of people there; where low and high differ, several customers could be meant.';

CREATE VIEW xsell_internal.person_entity WITH (security_invoker = true) AS
SELECT p.kind, p.org_id, p.crm_id, f.entity_id, f.reason
FROM (SELECT 'contact' AS kind, c.org_id, c.crm_id, c.account_id, c.email, c.phone, c.mobile FROM xsell.contact c
      UNION ALL
      SELECT 'lead', l.org_id, l.crm_id, l.converted_account_id, l.email, l.phone, NULL FROM xsell.lead l) p
LEFT JOIN xsell_internal.email_entity m ON m.email = p.email
LEFT JOIN xsell_internal.domain_entity d ON d.domain = pg_catalog.split_part(p.email, '@', 2)
LEFT JOIN xsell_internal.domain_entity u ON u.domain = pg_catalog.regexp_replace(p.email, '^[^@]*@[^.]+[.]', '')
LEFT JOIN xsell_internal.phone_entity t ON t.phone = p.phone
LEFT JOIN xsell_internal.phone_entity h ON h.phone = p.mobile
CROSS JOIN LATERAL (
    SELECT CASE WHEN m.low = m.high THEN m.low WHEN LEAST(d.low, u.low) = GREATEST(d.high, u.high) THEN LEAST(d.low, u.low)
                WHEN LEAST(t.low, h.low) = GREATEST(t.high, h.high) THEN LEAST(t.low, h.low) END AS entity_id,
           CASE WHEN m.low = m.high THEN 'same e-mail address' WHEN LEAST(d.low, u.low) = GREATEST(d.high, u.high) THEN 'e-mail domain' ELSE 'same phone' END AS reason) f
WHERE f.entity_id IS NOT NULL
  AND NOT EXISTS (SELECT FROM xsell_internal.entity_account e WHERE e.org_id = p.org_id AND e.account_id = p.account_id);
COMMENT ON VIEW xsell_internal.person_entity IS
'The customer of contacts and leads that have no account: that of a contact with the same e-mail address, else of the accounts with its domain (free mail aside), else of the number; none where several could be meant.';

CREATE VIEW xsell.entity_contact WITH (security_invoker = true) AS
SELECT c.org_id, c.crm_id AS contact_id, e.entity_id, 'account' AS reason, c.first_name, c.last_name, c.title, c.email, c.phone
FROM xsell.contact c JOIN xsell_internal.entity_account e ON e.org_id = c.org_id AND e.account_id = c.account_id
WHERE c.deleted_at IS NULL
UNION ALL
SELECT c.org_id, c.crm_id, f.entity_id, f.reason, c.first_name, c.last_name, c.title, c.email, c.phone
FROM xsell.contact c JOIN xsell_internal.person_entity f ON f.kind = 'contact' AND f.org_id = c.org_id AND f.crm_id = c.crm_id
WHERE c.deleted_at IS NULL;
COMMENT ON VIEW xsell.entity_contact IS 'People at customers: by the account that the CRM names, else by e-mail address, e-mail domain or phone.';
COMMENT ON COLUMN xsell.entity_contact.org_id IS 'The org of the contact.';
COMMENT ON COLUMN xsell.entity_contact.contact_id IS 'crm_id of the contact.';
COMMENT ON COLUMN xsell.entity_contact.entity_id IS 'The customer.';
COMMENT ON COLUMN xsell.entity_contact.reason IS 'Why: account, same e-mail address, e-mail domain, same phone.';
COMMENT ON COLUMN xsell.entity_contact.first_name IS 'First name.';
COMMENT ON COLUMN xsell.entity_contact.last_name IS 'Last name.';
COMMENT ON COLUMN xsell.entity_contact.title IS 'Job title.';
COMMENT ON COLUMN xsell.entity_contact.email IS 'E-mail address, lower case.';
COMMENT ON COLUMN xsell.entity_contact.phone IS 'Telephone number.';

CREATE VIEW xsell.entity_activity WITH (security_invoker = true) AS
SELECT a.org_id, a.crm_id AS activity_id, COALESCE(ae.entity_id, oe.entity_id, ce.entity_id, cp.entity_id, le.entity_id, lp.entity_id) AS entity_id,
       CASE WHEN ae.entity_id IS NOT NULL THEN 'account' WHEN oe.entity_id IS NOT NULL THEN 'opportunity' WHEN ce.entity_id IS NOT NULL THEN 'contact'
            WHEN cp.entity_id IS NOT NULL THEN cp.reason WHEN le.entity_id IS NOT NULL THEN 'converted lead' ELSE lp.reason END AS reason,
       a.kind, a.occurred_at
FROM xsell.activity a
LEFT JOIN xsell_internal.entity_account ae ON ae.org_id = a.org_id AND ae.account_id = a.account_id
LEFT JOIN (xsell.opportunity o JOIN xsell_internal.entity_account oe ON oe.org_id = o.org_id AND oe.account_id = o.account_id)
       ON a.account_id IS NULL AND o.org_id = a.org_id AND o.crm_id = a.opportunity_id
LEFT JOIN (xsell.contact c JOIN xsell_internal.entity_account ce ON ce.org_id = c.org_id AND ce.account_id = c.account_id)
       ON a.account_id IS NULL AND c.org_id = a.org_id AND c.crm_id = a.contact_id
LEFT JOIN xsell_internal.person_entity cp ON a.account_id IS NULL AND cp.kind = 'contact' AND cp.org_id = a.org_id AND cp.crm_id = a.contact_id
LEFT JOIN (xsell.lead l JOIN xsell_internal.entity_account le ON le.org_id = l.org_id AND le.account_id = l.converted_account_id)
       ON a.account_id IS NULL AND l.org_id = a.org_id AND l.crm_id = a.lead_id
LEFT JOIN xsell_internal.person_entity lp ON a.account_id IS NULL AND lp.kind = 'lead' AND lp.org_id = a.org_id AND lp.crm_id = a.lead_id
WHERE a.deleted_at IS NULL
  AND COALESCE(ae.entity_id, oe.entity_id, ce.entity_id, cp.entity_id, le.entity_id, lp.entity_id) IS NOT NULL;
COMMENT ON VIEW xsell.entity_activity IS 'Activities of customers: by the account that the CRM names, else by deal, contact or lead, and those by e-mail and phone.';
COMMENT ON COLUMN xsell.entity_activity.org_id IS 'The org of the activity.';
COMMENT ON COLUMN xsell.entity_activity.activity_id IS 'crm_id of the activity.';
COMMENT ON COLUMN xsell.entity_activity.entity_id IS 'The customer.';
COMMENT ON COLUMN xsell.entity_activity.reason IS 'Why: account, opportunity, contact, converted lead, same e-mail address, e-mail domain, same phone.';
COMMENT ON COLUMN xsell.entity_activity.kind IS 'task, call, email, meeting or note.';
COMMENT ON COLUMN xsell.entity_activity.occurred_at IS 'When it took place, or is due.';

CREATE VIEW xsell.entity_hierarchy WITH (security_invoker = true) AS
WITH RECURSIVE parent AS MATERIALIZED (
    -- Where accounts of a customer name several parents, the most often named, then the lowest.
    SELECT DISTINCT ON (p.entity_id) p.entity_id, p.parent_id
    FROM (SELECT e.entity_id, u.entity_id AS parent_id, pg_catalog.count(*) AS named
          FROM xsell.account a
          JOIN xsell_internal.entity_account e ON e.org_id = a.org_id AND e.account_id = a.crm_id
          JOIN xsell_internal.entity_account u ON u.org_id = a.org_id AND u.account_id = a.parent_id
          WHERE a.parent_id IS NOT NULL AND a.deleted_at IS NULL AND u.entity_id <> e.entity_id
          GROUP BY e.entity_id, u.entity_id) p
    ORDER BY p.entity_id, p.named DESC, p.parent_id
), walk AS (
    SELECT p.entity_id, ARRAY[p.entity_id, p.parent_id] AS path, false AS circular FROM parent p
    UNION ALL
    SELECT w.entity_id, w.path || p.parent_id, p.parent_id = ANY (w.path)
    FROM walk w JOIN parent p ON p.entity_id = w.path[pg_catalog.cardinality(w.path)]
    WHERE NOT w.circular
), up AS (
    -- A circle has no top: the lowest customer in it stands for one.
    SELECT DISTINCT ON (w.entity_id) w.entity_id, w.path[2] AS parent_id,
           CASE WHEN w.circular THEN (SELECT pg_catalog.min(m) FROM pg_catalog.unnest(w.path[pg_catalog.array_position(w.path, w.path[pg_catalog.cardinality(w.path)]):]) m)
                ELSE w.path[pg_catalog.cardinality(w.path)] END AS top,
           w.path
    FROM walk w ORDER BY w.entity_id, pg_catalog.cardinality(w.path) DESC
)
SELECT e.entity_id, CASE WHEN u.top <> e.entity_id THEN u.parent_id END AS parent_entity_id, COALESCE(u.top, e.entity_id) AS ultimate_parent_entity_id,
       COALESCE(pg_catalog.array_position(u.path, u.top) - 1, 0) AS depth
FROM (SELECT DISTINCT t.entity_id FROM xsell_internal.entity_account t) e
LEFT JOIN up u ON u.entity_id = e.entity_id;
COMMENT ON VIEW xsell.entity_hierarchy IS 'Which customer belongs to which, as far as the CRMs say so (parent account); every customer has a row.';
COMMENT ON COLUMN xsell.entity_hierarchy.entity_id IS 'The customer.';
COMMENT ON COLUMN xsell.entity_hierarchy.parent_entity_id IS 'The customer above it; NULL: none.';
COMMENT ON COLUMN xsell.entity_hierarchy.ultimate_parent_entity_id IS 'The top of its group; itself where there is nothing above it.';
COMMENT ON COLUMN xsell.entity_hierarchy.depth IS 'Steps to the top, 0 for the top itself.';
