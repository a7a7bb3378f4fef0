-- What the CRMs said: one table an object, keyed (org_id, crm_id), typed and standardised. Deletes and merges are tombstones
-- (deleted_at, merged_into). No foreign keys: records arrive in any order.

CREATE TABLE xsell.org (
    org_id     text PRIMARY KEY CHECK (org_id ~ '^[A-Za-z0-9_.-]{1,63}$'),
    name       text NOT NULL,
    connector  text NOT NULL,
    currency   text CHECK (currency ~ '^[A-Z]{3}$'),
    paused     boolean NOT NULL DEFAULT false,
    created_at timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE xsell.org IS 'A CRM tenant: a Salesforce org, a HubSpot portal, a folder of CSV exports.';
COMMENT ON COLUMN xsell.org.org_id IS 'Its name in the configuration of xselld.';
COMMENT ON COLUMN xsell.org.name IS 'Name shown to people.';
COMMENT ON COLUMN xsell.org.connector IS 'Connector that keeps it in step: salesforce, hubspot, csv.';
COMMENT ON COLUMN xsell.org.currency IS 'Currency of amounts whose record names none (ISO 4217); NULL means the base currency.';
COMMENT ON COLUMN xsell.org.paused IS 'True: xselld leaves it alone.';
COMMENT ON COLUMN xsell.org.created_at IS 'When xselld first saw it.';

CREATE TABLE xsell.org_grant (
    org_id text NOT NULL,
    role   text NOT NULL,
    PRIMARY KEY (org_id, role)
);
COMMENT ON TABLE xsell.org_grant IS
'Which role may see which org: row security of every table joins it with pg_has_role. INSERT INTO xsell.org_grant VALUES (''emea'', ''kim'').';
COMMENT ON COLUMN xsell.org_grant.org_id IS 'The org.';
COMMENT ON COLUMN xsell.org_grant.role IS 'A role, by name; its members see the org too.';

CREATE TABLE xsell.account (
    org_id           text NOT NULL,
    crm_id           text NOT NULL,
    name             text,
    type             text,
    parent_id        text,
    industry         text,
    website          text,
    domain           text,
    phone            text,
    street           text,
    city             text,
    state            text,
    postal_code      text,
    country          text,
    annual_revenue   numeric,
    currency         text,
    employees        bigint,
    source           text,
    rating           text,
    description      text,
    do_not_contact   boolean,
    owner_id         text,
    last_activity_at timestamptz,
    created_at       timestamptz,
    modified_at      timestamptz NOT NULL,
    deleted_at       timestamptz,
    merged_into      text,
    attributes       jsonb,
    annual_revenue_base numeric,
    synced_at        timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (org_id, crm_id)
);
COMMENT ON TABLE xsell.account IS 'Companies (or persons) as one CRM knows them. The resolved customer is xsell.entity.';

CREATE TABLE xsell.contact (
    org_id         text NOT NULL,
    crm_id         text NOT NULL,
    account_id     text,
    first_name     text,
    last_name      text,
    title          text,
    department     text,
    email          text,
    phone          text,
    mobile         text,
    country        text,
    do_not_contact boolean,
    owner_id       text,
    created_at     timestamptz,
    modified_at    timestamptz NOT NULL,
    deleted_at     timestamptz,
    merged_into    text,
    attributes     jsonb,
    synced_at      timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (org_id, crm_id)
);
CREATE INDEX ON xsell.contact (org_id, account_id);
COMMENT ON TABLE xsell.contact IS 'People at accounts.';

CREATE TABLE xsell.lead (
    org_id                   text NOT NULL,
    crm_id                   text NOT NULL,
    company                  text,
    first_name               text,
    last_name                text,
    title                    text,
    email                    text,
    phone                    text,
    website                  text,
    domain                   text,
    industry                 text,
    country                  text,
    employees                bigint,
    annual_revenue           numeric,
    currency                 text,
    status                   text,
    source                   text,
    owner_id                 text,
    converted_at             timestamptz,
    converted_account_id     text,
    converted_contact_id     text,
    converted_opportunity_id text,
    created_at               timestamptz,
    modified_at              timestamptz NOT NULL,
    deleted_at               timestamptz,
    merged_into              text,
    attributes               jsonb,
    annual_revenue_base      numeric,
    synced_at                timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (org_id, crm_id)
);
COMMENT ON TABLE xsell.lead IS 'People and companies not yet qualified; a converted lead names what it became.';

CREATE TABLE xsell.product (
    org_id      text NOT NULL,
    crm_id      text NOT NULL,
    name        text,
    code        text,
    family      text,
    description text,
    price       numeric,
    currency    text,
    is_active   boolean,
    created_at  timestamptz,
    modified_at timestamptz NOT NULL,
    deleted_at  timestamptz,
    merged_into text,
    attributes  jsonb,
    price_base  numeric,
    synced_at   timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (org_id, crm_id)
);
COMMENT ON TABLE xsell.product IS 'What an org sells. Products of several orgs are mapped together in xsell.product_map.';

CREATE TABLE xsell.opportunity (
    org_id       text NOT NULL,
    crm_id       text NOT NULL,
    account_id   text,
    name         text,
    pipeline     text NOT NULL DEFAULT '',
    stage        text,
    type         text,
    amount       numeric,
    currency     text,
    probability  numeric,
    product_name text,
    source       text,
    is_closed    boolean,
    is_won       boolean,
    closed_at    timestamptz,
    owner_id     text,
    created_at   timestamptz,
    modified_at  timestamptz NOT NULL,
    deleted_at   timestamptz,
    merged_into  text,
    attributes   jsonb,
    amount_base  numeric,
    synced_at    timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (org_id, crm_id)
);
CREATE INDEX ON xsell.opportunity (org_id, account_id);
COMMENT ON TABLE xsell.opportunity IS 'Deals. Whether a stage is closed, won and a purchase is said by xsell.stage_map.';

CREATE TABLE xsell.opportunity_line (
    org_id         text NOT NULL,
    crm_id         text NOT NULL,
    opportunity_id text,
    product_id     text,
    name           text,
    quantity       numeric,
    unit_price     numeric,
    amount         numeric,
    currency       text,
    service_date   timestamptz,
    created_at     timestamptz,
    modified_at    timestamptz NOT NULL,
    deleted_at     timestamptz,
    merged_into    text,
    attributes     jsonb,
    amount_base    numeric,
    synced_at      timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (org_id, crm_id)
);
CREATE INDEX ON xsell.opportunity_line (org_id, opportunity_id);
COMMENT ON TABLE xsell.opportunity_line IS 'Products on deals.';

CREATE TABLE xsell.asset (
    org_id       text NOT NULL,
    crm_id       text NOT NULL,
    account_id   text,
    contact_id   text,
    product_id   text,
    name         text,
    status       text,
    quantity     numeric,
    amount       numeric,
    currency     text,
    purchased_at timestamptz,
    installed_at timestamptz,
    ends_at      timestamptz,
    created_at   timestamptz,
    modified_at  timestamptz NOT NULL,
    deleted_at   timestamptz,
    merged_into  text,
    attributes   jsonb,
    amount_base  numeric,
    synced_at    timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (org_id, crm_id)
);
CREATE INDEX ON xsell.asset (org_id, account_id);
COMMENT ON TABLE xsell.asset IS 'What an account has installed or subscribed to.';

CREATE TABLE xsell.activity (
    org_id         text NOT NULL,
    crm_id         text NOT NULL,
    kind           text,
    account_id     text,
    contact_id     text,
    lead_id        text,
    opportunity_id text,
    subject        text,
    occurred_at    timestamptz,
    duration       numeric,
    direction      text,
    status         text,
    is_closed      boolean,
    owner_id       text,
    created_at     timestamptz,
    modified_at    timestamptz NOT NULL,
    deleted_at     timestamptz,
    merged_into    text,
    attributes     jsonb,
    synced_at      timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (org_id, crm_id)
);
CREATE INDEX ON xsell.activity (org_id, account_id);
CREATE INDEX ON xsell.activity (org_id, opportunity_id) WHERE account_id IS NULL AND opportunity_id IS NOT NULL;
CREATE INDEX ON xsell.activity (org_id, contact_id) WHERE account_id IS NULL AND opportunity_id IS NULL;
COMMENT ON TABLE xsell.activity IS 'Tasks, calls, e-mails, meetings and notes.';

CREATE TABLE xsell.crm_user (
    org_id      text NOT NULL,
    crm_id      text NOT NULL,
    name        text,
    email       text,
    username    text,
    is_active   boolean,
    team        text,
    manager     text,
    territory   text,
    time_zone   text,
    created_at  timestamptz,
    modified_at timestamptz NOT NULL,
    deleted_at  timestamptz,
    merged_into text,
    attributes  jsonb,
    synced_at   timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (org_id, crm_id)
);
COMMENT ON TABLE xsell.crm_user IS 'Sales people and other users of a CRM.';

CREATE TABLE xsell.stage_map (
    org_id      text NOT NULL,
    pipeline    text NOT NULL DEFAULT '',
    stage       text NOT NULL,
    closed      boolean,
    won         boolean,
    is_purchase boolean,
    decided_by  text NOT NULL DEFAULT 'source',
    PRIMARY KEY (org_id, pipeline, stage)
);
COMMENT ON TABLE xsell.stage_map IS
'What a stage of a pipeline means. Filled as stages appear (from the source''s own flags, else by name); edit it freely: a row that you changed is never overwritten.';
COMMENT ON COLUMN xsell.stage_map.org_id IS 'The org.';
COMMENT ON COLUMN xsell.stage_map.pipeline IS 'The pipeline; empty where the CRM has one only.';
COMMENT ON COLUMN xsell.stage_map.stage IS 'The stage, as the CRM spells it.';
COMMENT ON COLUMN xsell.stage_map.closed IS 'The deal is over. NULL: unmapped, xselld check and xsell.health name it; such deals count as open.';
COMMENT ON COLUMN xsell.stage_map.won IS 'The deal was won.';
COMMENT ON COLUMN xsell.stage_map.is_purchase IS 'A win in this stage counts as a purchase.';
COMMENT ON COLUMN xsell.stage_map.decided_by IS 'source (the CRM''s own flags), name (guessed from the spelling) or the role that changed it.';

-- The columns that every CRM table shares, and the meaning of the others, said once.
DO $$
DECLARE
    crm_table text;
    meaning record;
BEGIN
    FOREACH crm_table IN ARRAY ARRAY['account', 'contact', 'lead', 'product', 'opportunity', 'opportunity_line', 'asset', 'activity', 'crm_user'] LOOP
        FOR meaning IN
            SELECT a.attname, c.text
            FROM pg_catalog.pg_attribute a
            JOIN (VALUES
                ('org_id', 'The org that the record comes from.'),
                ('crm_id', 'Its id in that CRM, as text.'),
                ('account_id', 'crm_id of the account, in the same org.'),
                ('contact_id', 'crm_id of the contact, in the same org.'),
                ('lead_id', 'crm_id of the lead, in the same org.'),
                ('opportunity_id', 'crm_id of the opportunity, in the same org.'),
                ('product_id', 'crm_id of the product, in the same org.'),
                ('parent_id', 'crm_id of the parent account, in the same org.'),
                ('owner_id', 'crm_id of the user who owns the record, in the same org.'),
                ('name', 'Name, as the CRM spells it.'),
                ('type', 'Type, as the CRM spells it.'),
                ('industry', 'Industry: one name for the spellings of several CRMs; what is on no list stays as the CRM spells it.'),
                ('website', 'Web site, as the CRM spells it.'),
                ('domain', 'Registrable domain of the web site or e-mail, lower case.'),
                ('phone', 'Telephone number: E.164 where it is valid, else its digits.'),
                ('mobile', 'Mobile number: E.164 where it is valid, else its digits.'),
                ('email', 'E-mail address, lower case.'),
                ('street', 'Street and number.'), ('city', 'City.'), ('state', 'State or province.'),
                ('postal_code', 'Postal code.'), ('country', 'Country: its ISO 3166 code where it was recognised, else as the CRM spells it.'),
                ('annual_revenue', 'Yearly revenue in the record''s currency.'),
                ('annual_revenue_base', 'Yearly revenue in the base currency; NULL where no rate is known.'),
                ('employees', 'Number of employees.'),
                ('currency', 'Currency of the amounts (ISO 4217); NULL: the currency of the org.'),
                ('amount', 'Amount in the record''s currency.'),
                ('amount_base', 'Amount in the base currency at the rate of its date; NULL where no rate is known.'),
                ('price', 'List price in the record''s currency.'),
                ('price_base', 'List price in the base currency; NULL where no rate is known.'),
                ('unit_price', 'Price of one, in the record''s currency.'),
                ('quantity', 'How many.'),
                ('source', 'Where it came from (lead source).'), ('rating', 'Rating, as the CRM spells it.'),
                ('description', 'Description.'), ('do_not_contact', 'True: must not be approached.'),
                ('title', 'Job title.'), ('department', 'Department.'), ('first_name', 'First name.'), ('last_name', 'Last name.'),
                ('company', 'Company, as typed on the lead.'), ('status', 'Status, as the CRM spells it.'),
                ('converted_at', 'When the lead became an account.'), ('converted_account_id', 'The account that it became.'),
                ('converted_contact_id', 'The contact that it became.'), ('converted_opportunity_id', 'The opportunity that it became.'),
                ('code', 'Product code or SKU.'), ('family', 'Product family.'), ('is_active', 'False: retired.'),
                ('pipeline', 'Pipeline; empty where the CRM has one only.'), ('stage', 'Stage; xsell.stage_map says what it means.'),
                ('probability', 'Probability in per cent, as the sales person sees it.'),
                ('product_name', 'The product named on the deal itself, where the CRM keeps no lines.'),
                ('is_closed', 'Closed, by the CRM''s own flag.'), ('is_won', 'Won, by the CRM''s own flag.'),
                ('closed_at', 'When it was closed, or is expected to be while it is open (a day means 00:00 UTC).'),
                ('service_date', 'Date of the service.'),
                ('purchased_at', 'When it was bought.'), ('installed_at', 'When it was installed.'), ('ends_at', 'When use ends or ended.'),
                ('kind', 'task, call, email, meeting or note.'), ('subject', 'Subject.'), ('occurred_at', 'When it took place, or is due.'),
                ('duration', 'Duration in seconds.'), ('direction', 'inbound or outbound.'),
                ('username', 'Login name in the CRM.'), ('team', 'Team.'), ('manager', 'Manager.'), ('territory', 'Territory.'), ('time_zone', 'Time zone.'),
                ('last_activity_at', 'Last activity, as the CRM states it.'),
                ('created_at', 'When the record was created in the CRM.'), ('modified_at', 'When it was last changed in the CRM.'),
                ('deleted_at', 'When it was deleted or merged away in the CRM; NULL: live.'),
                ('merged_into', 'crm_id of the record that it was merged into.'),
                ('attributes', 'Custom fields that the configuration asks for.'),
                ('synced_at', 'When this row was last written here.')) AS c(attname, text) ON c.attname = a.attname
            WHERE a.attrelid = ('xsell.' || crm_table)::pg_catalog.regclass AND a.attnum > 0
        LOOP
            EXECUTE pg_catalog.format('COMMENT ON COLUMN xsell.%I.%I IS %L', crm_table, meaning.attname, meaning.text);
        END LOOP;
    END LOOP;
END
$$;

-- One statement each: the extension's own row cannot be updated twice by one command.
DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['org', 'org_grant', 'account', 'contact', 'lead', 'product', 'opportunity', 'opportunity_line', 'asset', 'activity',
                                'crm_user', 'stage_map'] LOOP
        PERFORM pg_catalog.pg_extension_config_dump(('xsell.' || kept)::pg_catalog.regclass, '');
    END LOOP;
END
$$;
