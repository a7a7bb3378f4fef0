-- What hangs on a customer: people and activities that the CRM attached to no account, and the companies above it.

CREATE INDEX ON xsell.contact (email) WHERE email IS NOT NULL;
CREATE INDEX ON xsell.contact (phone) WHERE phone IS NOT NULL;
CREATE INDEX ON xsell.account (domain) WHERE domain IS NOT NULL;
CREATE INDEX ON xsell.account (phone) WHERE phone IS NOT NULL;
CREATE INDEX ON xsell.account (org_id, parent_id) WHERE parent_id IS NOT NULL;

-- Who is behind an address or a number: only where all that is known points to one customer.
CREATE FUNCTION xsell_internal.entity_of_person(wanted_email text, phone_numbers text[]) RETURNS TABLE (entity_id bigint, reason text)
LANGUAGE sql STABLE PARALLEL SAFE ROWS 1
BEGIN ATOMIC
SELECT f.entity_id, f.reason
FROM (SELECT min(e.entity_id) AS entity_id, 'same e-mail address' AS reason, 1 AS place
      FROM xsell.contact c JOIN xsell_internal.entity_account e ON e.org_id = c.org_id AND e.account_id = c.account_id
      WHERE c.email = wanted_email AND c.deleted_at IS NULL
      HAVING count(DISTINCT e.entity_id) = 1
      UNION ALL
      SELECT min(e.entity_id), 'e-mail domain', 2
      FROM xsell.account a JOIN xsell_internal.entity_account e ON e.org_id = a.org_id AND e.account_id = a.crm_id
      WHERE a.domain = ANY (ARRAY[pg_catalog.split_part(wanted_email, '@', 2), pg_catalog.regexp_replace(wanted_email, '^[^@]*@[^.]+[.]', '')]) AND a.deleted_at IS NULL
        AND NOT EXISTS (SELECT FROM xsell_internal.free_mail_domain f WHERE f.domain = a.domain)
      HAVING count(DISTINCT e.entity_id) = 1
      UNION ALL
      SELECT min(p.entity_id), 'same phone', 3
      FROM (SELECT e.entity_id FROM xsell.account a JOIN xsell_internal.entity_account e ON e.org_id = a.org_id AND e.account_id = a.crm_id
            WHERE a.phone = ANY (phone_numbers) AND a.deleted_at IS NULL
            UNION ALL
            SELECT e.entity_id FROM xsell.contact c JOIN xsell_internal.entity_account e ON e.org_id = c.org_id AND e.account_id = c.account_id
            WHERE c.phone = ANY (phone_numbers) AND c.deleted_at IS NULL) p
      HAVING count(DISTINCT p.entity_id) = 1) f
ORDER BY f.place
LIMIT 1;
END;
COMMENT ON FUNCTION xsell_internal.entity_of_person(text, text[]) IS
'The customer behind an e-mail address or telephone numbers: the one of a contact with that address, else of the accounts with its domain (free mail aside), else of that number; none where several could be meant.';

CREATE VIEW xsell.entity_contact WITH (security_invoker = true) AS
SELECT c.org_id, c.crm_id AS contact_id, e.entity_id, 'account' AS reason, c.first_name, c.last_name, c.title, c.email, c.phone
FROM xsell.contact c JOIN xsell_internal.entity_account e ON e.org_id = c.org_id AND e.account_id = c.account_id
WHERE c.deleted_at IS NULL
UNION ALL
SELECT c.org_id, c.crm_id, f.entity_id, f.reason, c.first_name, c.last_name, c.title, c.email, c.phone
FROM xsell.contact c CROSS JOIN LATERAL xsell_internal.entity_of_person(c.email, pg_catalog.array_remove(ARRAY[c.phone, c.mobile], NULL)) f
WHERE c.deleted_at IS NULL
  AND NOT EXISTS (SELECT FROM xsell_internal.entity_account e WHERE e.org_id = c.org_id AND e.account_id = c.account_id);
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
SELECT a.org_id, a.crm_id AS activity_id, f.entity_id, f.reason, a.kind, a.occurred_at
FROM xsell.activity a
CROSS JOIN LATERAL (
    SELECT v.entity_id, v.reason
    FROM (SELECT e.entity_id, 'account' AS reason, 1 AS place FROM xsell_internal.entity_account e WHERE e.org_id = a.org_id AND e.account_id = a.account_id
          UNION ALL
          SELECT e.entity_id, 'opportunity', 2 FROM xsell.opportunity o JOIN xsell_internal.entity_account e ON e.org_id = o.org_id AND e.account_id = o.account_id
          WHERE a.account_id IS NULL AND o.org_id = a.org_id AND o.crm_id = a.opportunity_id
          UNION ALL
          SELECT COALESCE(e.entity_id, f.entity_id), CASE WHEN e.entity_id IS NULL THEN f.reason ELSE 'contact' END, 3
          FROM xsell.contact c LEFT JOIN xsell_internal.entity_account e ON e.org_id = c.org_id AND e.account_id = c.account_id
          LEFT JOIN LATERAL xsell_internal.entity_of_person(c.email, pg_catalog.array_remove(ARRAY[c.phone, c.mobile], NULL)) f ON e.entity_id IS NULL
          WHERE a.account_id IS NULL AND c.org_id = a.org_id AND c.crm_id = a.contact_id
          UNION ALL
          SELECT COALESCE(e.entity_id, f.entity_id), CASE WHEN e.entity_id IS NULL THEN f.reason ELSE 'converted lead' END, 4
          FROM xsell.lead l LEFT JOIN xsell_internal.entity_account e ON e.org_id = l.org_id AND e.account_id = l.converted_account_id
          LEFT JOIN LATERAL xsell_internal.entity_of_person(l.email, pg_catalog.array_remove(ARRAY[l.phone], NULL)) f ON e.entity_id IS NULL
          WHERE a.account_id IS NULL AND l.org_id = a.org_id AND l.crm_id = a.lead_id) v
    WHERE v.entity_id IS NOT NULL ORDER BY v.place LIMIT 1) f
WHERE a.deleted_at IS NULL;
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
