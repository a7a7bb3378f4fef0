-- Territories and teams, where the CRM does not say: rows that match accounts by where they are, what they do and whose they are.

CREATE TABLE xsell.territory_map (
    map_id         bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    org_id         text NOT NULL,
    priority       integer NOT NULL DEFAULT 100,
    country        text CHECK (country <> ''),
    state          text CHECK (state <> ''),
    postal_prefix  text CHECK (postal_prefix <> ''),
    industry       text CHECK (industry <> ''),
    employees_from bigint,
    employees_to   bigint,
    owner_id       text,
    territory      text CHECK (territory <> ''),
    team           text CHECK (team <> ''),
    country_key    text GENERATED ALWAYS AS (xsell_internal.country_key(country)) STORED,
    added_at       timestamptz NOT NULL DEFAULT pg_catalog.now(),
    UNIQUE NULLS NOT DISTINCT (org_id, country, state, postal_prefix, industry, employees_from, employees_to, owner_id),
    CHECK (territory IS NOT NULL OR team IS NOT NULL),
    CHECK (employees_from <= employees_to)
);
CREATE INDEX ON xsell.territory_map (org_id, priority, map_id);
COMMENT ON TABLE xsell.territory_map IS
'Territory and team of accounts whose owner has none in the CRM. An account takes them from the first row that it matches, by priority; a column that is NULL matches everything.';
COMMENT ON COLUMN xsell.territory_map.map_id IS 'Number of the row.';
COMMENT ON COLUMN xsell.territory_map.org_id IS 'The org whose accounts are meant.';
COMMENT ON COLUMN xsell.territory_map.priority IS 'The lowest number is looked at first; rows of one priority in the order in which they were added.';
COMMENT ON COLUMN xsell.territory_map.country IS 'Country of the account, by name or by two letters.';
COMMENT ON COLUMN xsell.territory_map.state IS 'State or province of the account, as the CRM spells it; case is ignored.';
COMMENT ON COLUMN xsell.territory_map.postal_prefix IS 'How its postal code starts; spaces and case are ignored.';
COMMENT ON COLUMN xsell.territory_map.industry IS 'Its industry, as the CRM spells it; case is ignored.';
COMMENT ON COLUMN xsell.territory_map.employees_from IS 'It has this many employees or more.';
COMMENT ON COLUMN xsell.territory_map.employees_to IS 'It has this many employees or fewer.';
COMMENT ON COLUMN xsell.territory_map.owner_id IS 'crm_id of its owner.';
COMMENT ON COLUMN xsell.territory_map.territory IS 'The territory; NULL: the row names a team alone.';
COMMENT ON COLUMN xsell.territory_map.team IS 'The team; NULL: the row names a territory alone.';
COMMENT ON COLUMN xsell.territory_map.country_key IS 'The country as it is compared.';
COMMENT ON COLUMN xsell.territory_map.added_at IS 'When the row was written.';
CREATE TRIGGER begin_changes BEFORE INSERT OR UPDATE OR DELETE ON xsell.territory_map
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.begin_changes();
CREATE TRIGGER log_change AFTER UPDATE OR DELETE ON xsell.territory_map FOR EACH ROW EXECUTE FUNCTION xsell_internal.log_change(
    'territory', 'map_id,org_id', 'priority,country,state,postal_prefix,industry,employees_from,employees_to,owner_id,territory,team');
-- Rows that a restored dump brings are no change by hand; they come with their own time.
CREATE TRIGGER log_new AFTER INSERT ON xsell.territory_map FOR EACH ROW WHEN (NEW.added_at = pg_catalog.now()) EXECUTE FUNCTION xsell_internal.log_change(
    'territory', 'map_id,org_id', 'priority,country,state,postal_prefix,industry,employees_from,employees_to,owner_id,territory,team');

CREATE FUNCTION xsell_internal.in_territory(m xsell.territory_map, a xsell.account, owner text) RETURNS boolean
LANGUAGE sql STABLE PARALLEL SAFE
RETURN a.org_id = m.org_id
   AND (m.country_key IS NULL OR xsell_internal.country_key(a.country) = m.country_key)
   AND (m.state IS NULL OR pg_catalog.lower(pg_catalog.btrim(a.state)) = pg_catalog.lower(pg_catalog.btrim(m.state)))
   AND (m.postal_prefix IS NULL OR pg_catalog.starts_with(pg_catalog.upper(pg_catalog.replace(a.postal_code, ' ', '')), pg_catalog.upper(pg_catalog.replace(m.postal_prefix, ' ', ''))))
   AND (m.industry IS NULL OR pg_catalog.lower(pg_catalog.btrim(a.industry)) = pg_catalog.lower(pg_catalog.btrim(m.industry)))
   AND (m.employees_from IS NULL OR a.employees >= m.employees_from)
   AND (m.employees_to IS NULL OR a.employees <= m.employees_to)
   AND (m.owner_id IS NULL OR owner = m.owner_id);
COMMENT ON FUNCTION xsell_internal.in_territory(xsell.territory_map, xsell.account, text) IS
'Whether a row of the map matches an account and who owns it; what the account does not say matches no condition.';

CREATE FUNCTION xsell.map_territory(org text, territory text DEFAULT NULL, team text DEFAULT NULL, country text DEFAULT NULL, state text DEFAULT NULL,
    postal_prefix text DEFAULT NULL, industry text DEFAULT NULL, employees_from bigint DEFAULT NULL, employees_to bigint DEFAULT NULL,
    owner_id text DEFAULT NULL, priority integer DEFAULT 100) RETURNS bigint
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
#variable_conflict use_column
DECLARE
    written bigint;
BEGIN
    IF NOT EXISTS (SELECT FROM xsell.org o WHERE o.org_id = org) THEN
        RAISE EXCEPTION 'org "%" does not exist', COALESCE(org, 'NULL') USING ERRCODE = 'undefined_object',
            HINT = 'SELECT org_id FROM xsell.org lists those that you may see.';
    ELSIF NULLIF(map_territory.territory, '') IS NULL AND NULLIF(map_territory.team, '') IS NULL THEN
        RAISE EXCEPTION 'neither a territory nor a team is named' USING ERRCODE = 'null_value_not_allowed',
            HINT = format('xsell.map_territory(%L, territory => ''North'', country => ''DE'')', org);
    ELSIF map_territory.employees_from > map_territory.employees_to THEN
        RAISE EXCEPTION 'employees_from is above employees_to' USING ERRCODE = 'invalid_parameter_value';
    END IF;
    INSERT INTO xsell.territory_map AS m (org_id, priority, country, state, postal_prefix, industry, employees_from, employees_to, owner_id, territory, team)
    VALUES (org, COALESCE(map_territory.priority, 100), NULLIF(map_territory.country, ''), NULLIF(map_territory.state, ''), NULLIF(map_territory.postal_prefix, ''),
            NULLIF(map_territory.industry, ''), map_territory.employees_from, map_territory.employees_to, NULLIF(map_territory.owner_id, ''),
            NULLIF(map_territory.territory, ''), NULLIF(map_territory.team, ''))
    ON CONFLICT ON CONSTRAINT territory_map_org_id_country_state_postal_prefix_industry_e_key
    DO UPDATE SET territory = excluded.territory, team = excluded.team, priority = excluded.priority
    RETURNING m.map_id INTO written;
    RETURN written;
END
$$;
COMMENT ON FUNCTION xsell.map_territory(text, text, text, text, text, text, text, bigint, bigint, text, integer) IS
'Gives accounts of an org that match every condition given a territory, a team or both, where their owner has none in the CRM; the same conditions again replace what was said; xsell.undo takes it back. Returns the number of the row.';

CREATE FUNCTION xsell.unmap_territory(map_id bigint) RETURNS boolean
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    DELETE FROM xsell.territory_map m WHERE m.map_id = unmap_territory.map_id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'row % of the territory map does not exist', COALESCE(map_id::text, 'NULL') USING ERRCODE = 'undefined_object',
            HINT = 'SELECT map_id, org_id, territory, team FROM xsell.territory_map lists those that you may see.';
    END IF;
    RETURN true;
END
$$;
COMMENT ON FUNCTION xsell.unmap_territory(bigint) IS 'Removes a row of xsell.territory_map.';

CREATE VIEW xsell.account_territory WITH (security_invoker = true) AS
SELECT a.org_id, a.crm_id AS account_id, e.entity_id, a.owner_id, u.name AS owner_name, u.email AS owner_email,
       COALESCE(NULLIF(u.team, ''), (SELECT m.team FROM xsell.territory_map m WHERE m.org_id = a.org_id AND m.team IS NOT NULL AND xsell_internal.in_territory(m, a, a.owner_id)
                                     ORDER BY m.priority, m.map_id LIMIT 1)) AS team,
       COALESCE(NULLIF(u.territory, ''), (SELECT m.territory FROM xsell.territory_map m WHERE m.org_id = a.org_id AND m.territory IS NOT NULL AND xsell_internal.in_territory(m, a, a.owner_id)
                                          ORDER BY m.priority, m.map_id LIMIT 1)) AS territory
FROM xsell.account a
LEFT JOIN xsell_internal.entity_account e ON e.org_id = a.org_id AND e.account_id = a.crm_id
LEFT JOIN xsell.crm_user u ON u.org_id = a.org_id AND u.crm_id = a.owner_id
WHERE a.deleted_at IS NULL;
COMMENT ON VIEW xsell.account_territory IS 'Owner, team and territory of every live account: of its owner in the CRM, else by xsell.territory_map.';
COMMENT ON COLUMN xsell.account_territory.org_id IS 'The org.';
COMMENT ON COLUMN xsell.account_territory.account_id IS 'crm_id of the account.';
COMMENT ON COLUMN xsell.account_territory.entity_id IS 'The customer.';
COMMENT ON COLUMN xsell.account_territory.owner_id IS 'crm_id of the owner.';
COMMENT ON COLUMN xsell.account_territory.owner_name IS 'Name of the owner.';
COMMENT ON COLUMN xsell.account_territory.owner_email IS 'E-mail of the owner.';
COMMENT ON COLUMN xsell.account_territory.team IS 'The team.';
COMMENT ON COLUMN xsell.account_territory.territory IS 'The territory.';

SELECT pg_catalog.pg_extension_config_dump('xsell.territory_map', '');
SELECT pg_catalog.pg_extension_config_dump('xsell.territory_map_map_id_seq', '');
