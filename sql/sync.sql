-- Staging, comparing and merging; tombstones by sweep, by list and by parent; rates and fields that sources state.
\set SHOW_CONTEXT never
\set home :DBNAME
SET client_min_messages = warning;
DROP DATABASE IF EXISTS xsell_merge;
CREATE DATABASE xsell_merge;
\c xsell_merge
\set VERBOSITY terse
SET client_min_messages = warning;
SET timezone = 'UTC';
SET DateStyle = 'ISO';
CREATE EXTENSION xsell;
INSERT INTO xsell.org (org_id, name, connector, currency) VALUES ('north', 'north', 'csv', 'EUR');
SET ROLE xsell_sync;
\o /dev/null
SELECT xsell_internal.sync_enter('test', 'here', 1, 'psql');
\o
-- Claims the next page of an object, opening its process if need be.
CREATE FUNCTION pg_temp.next(object text, full_reading boolean DEFAULT false, OUT page bigint, OUT claim bigint, OUT run bigint, OUT state text) LANGUAGE plpgsql AS $$
BEGIN
    SELECT c.page_id, c.claim, c.run_id, c.state INTO page, claim, run, state FROM xsell_internal.sync_claim('{north}', 9) c;
    IF page IS NULL THEN
        PERFORM xsell_internal.sync_open('north', ARRAY[object], full_reading);
        SELECT c.page_id, c.claim, c.run_id, c.state INTO page, claim, run, state FROM xsell_internal.sync_claim('{north}', 9) c;
    END IF;
END $$;
-- What the daemon does with the records that differ: stage them, then run the steps.
CREATE FUNCTION pg_temp.merge(object text, run bigint, records jsonb, OUT changed bigint, OUT deleted bigint) LANGUAGE plpgsql AS $$
DECLARE
    s record;
BEGIN
    PERFORM xsell_internal.sync_stage(object);
    EXECUTE format('DELETE FROM pg_temp.%1$I; INSERT INTO pg_temp.%1$I SELECT * FROM jsonb_populate_recordset(NULL::pg_temp.%1$I, %2$L)', 'stage_' || object,
        (SELECT jsonb_agg('{"modified_at": "2026-01-01 00:00+00", "raw": {}, "repaired": false, "content": 1}'::jsonb || r) FROM jsonb_array_elements(records) r));
    FOR s IN SELECT * FROM xsell_internal.sync_merge_sql(object) LOOP
        IF s.step = 'merge' THEN
            EXECUTE s.statement INTO changed, deleted USING 'north', run;
        ELSIF s.step <> 'insert' THEN
            EXECUTE s.statement USING 'north';
        END IF;
    END LOOP;
END $$;

SELECT * FROM pg_temp.next('account') \gset
SELECT * FROM pg_temp.merge('account', :run, '[{"crm_id": "a", "name": "Alpha", "annual_revenue": 100, "content": 1}, {"crm_id": "b", "name": "Beta", "annual_revenue": 100, "currency": "CHF", "content": 2},
    {"crm_id": "c", "name": "Gamma", "repaired": true, "content": 3}]');
SELECT crm_id, name, annual_revenue_base FROM xsell.account ORDER BY 1;
SELECT crm_id, problem, detail FROM xsell.data_quality ORDER BY 1;
SELECT swept, next_number FROM xsell_internal.sync_commit(:page, :claim, 'w', true, '{}', NULL, 3, false, 3, 3, 0, 0);

-- Only what is new or different comes back from the comparison; what is older than what is stored is not written.
SELECT * FROM pg_temp.next('account') \gset
SELECT * FROM xsell_internal.sync_check(:page, :claim, '{a,b,c,d}', '{1,22,3,4}');  -- noted: there are doubts about b and c
SELECT * FROM pg_temp.merge('account', :run, '[{"crm_id": "b", "name": "Older", "content": 22, "modified_at": "2025-12-31 00:00+00"}, {"crm_id": "d", "name": "Delta", "content": 4}]');
SELECT * FROM pg_temp.merge('account', :run, '[{"crm_id": "b", "name": "Beta 2", "currency": "CHF", "annual_revenue": 5, "content": 22}, {"crm_id": "d", "name": "Delta", "content": 4}]');
-- A tombstone keeps what was known, and the time of the first one; a record that comes back is live.
SELECT * FROM pg_temp.merge('account', :run, '[{"crm_id": "a", "deleted_at": "2026-02-02 00:00+00", "content": 11}]');
SELECT * FROM pg_temp.merge('account', :run, '[{"crm_id": "a", "deleted_at": "2026-03-03 00:00+00", "content": 12, "merged_into": "b"}]');
SELECT crm_id, name, annual_revenue, deleted_at, merged_into FROM xsell.account ORDER BY 1;
SELECT * FROM pg_temp.merge('account', :run, '[{"crm_id": "a", "name": "Alpha again", "content": 13}]');
SELECT crm_id, name, annual_revenue, deleted_at, merged_into FROM xsell.account WHERE crm_id = 'a';
-- Rejects are forgotten when their record can be stored; those of other records and of files are not.
SELECT xsell_internal.sync_reject('north', 'account', :run, 'c', 'account c', 'too long', '{}'), xsell_internal.sync_reject('north', 'account', :run, 'd', 'account d', 'too long', '{}'),
       xsell_internal.sync_reject('north', 'account', :run, 'd', 'account.csv:7', 'too long', '{}'), xsell_internal.sync_reject('north', 'account', :run, 'x', 'account x', 'too long', '{}');
SELECT different FROM xsell_internal.sync_check(:page, :claim, '{c,d}', '{3,44}');
SELECT crm_id, place FROM xsell.rejected_record ORDER BY 1, 2;
SELECT * FROM pg_temp.merge('account', :run, '[{"crm_id": "d", "name": "Delta 4", "content": 44}]');
SELECT crm_id, place FROM xsell.rejected_record ORDER BY 1, 2;
SELECT swept FROM xsell_internal.sync_commit(:page, :claim, 'w2', true, '{}', NULL, NULL, false, 3, 3, 0, 0);

-- Rates that a source states are used where xsell.currency_rate does not know the currency, whichever way round they are; amounts
-- follow when the reading completes. A configured rate wins.
SELECT * FROM pg_temp.next('account') \gset
SELECT xsell_internal.sync_rates(:page, '{EUR,USD,USD}', '{CHF,EUR,JPY}', '{2026-01-01,2026-01-01,2026-01-01}', '{1.05,1.25,0.01}');
SELECT xsell_internal.sync_rates(:page, '{EUR}', '{CHF}', '{2026-01-01}', '{1.05}') AS the_same_again;
SELECT xsell.to_base(100, c, '2026-06-01') FROM unnest('{EUR,CHF,USD,JPY,GBP}'::text[]) c;
SELECT xsell.to_base(100, 'CHF', '2025-06-01') AS before_its_first_day;
SELECT crm_id, annual_revenue_base FROM xsell.account WHERE crm_id = 'b';
SELECT swept FROM xsell_internal.sync_commit(:page, :claim, 'w3', true, '{}', NULL, NULL, false, 0, 0, 0, 0);
SELECT crm_id, annual_revenue_base FROM xsell.account WHERE crm_id = 'b';
SELECT crm_id, problem FROM xsell.data_quality ORDER BY 1, 2;
INSERT INTO xsell.currency_rate VALUES ('USD', '2026-03-01', 2);
SELECT xsell.to_base(100, 'USD', '2026-06-01'), xsell.to_base(100, 'JPY', '2026-06-01') AS through_it, xsell.to_base(100, 'USD', '2026-02-01') AS not_before;

-- What is no rate is passed over. Rates of a reading that fails are applied by the next one.
SELECT * FROM pg_temp.next('account') \gset
SELECT xsell_internal.sync_rates(:page, '{EUR,EUR,EUR,euro,EUR}', '{AUD,CAD,NZD,SEK,NOK}', '{2026-01-01,2026-01-01,2026-01-01,2026-01-01,2026-01-01}', '{0,NaN,many,1,0.1}');
SELECT currency FROM xsell_internal.source_rate WHERE currency IN ('AUD', 'CAD', 'NZD', 'SEK', 'NOK') ORDER BY 1;
SELECT * FROM pg_temp.merge('account', :run, '[{"crm_id": "krone", "currency": "DKK", "annual_revenue": 100, "content": 1}]');
SELECT crm_id, annual_revenue_base FROM xsell.account WHERE crm_id = 'krone';
SELECT xsell_internal.sync_rates(:page, '{EUR}', '{DKK}', '{2025-01-01}', '{0.13}');
SELECT xsell_internal.sync_fail(:page, :claim, 'object', 'broken', 0, true, 3);
SELECT * FROM pg_temp.next('account') \gset
SELECT swept FROM xsell_internal.sync_commit(:page, :claim, 'w3', true, '{}', NULL, NULL, false, 1, 0, 0, 0);
SELECT crm_id, annual_revenue_base FROM xsell.account WHERE crm_id = 'krone';
SELECT count(*) AS nothing_left_to_apply FROM xsell_internal.sync_run WHERE repriced IS NOT NULL AND state = 'COMPLETED';
DELETE FROM xsell.account WHERE crm_id = 'krone';
DELETE FROM xsell_internal.source_record WHERE crm_id = 'krone';

-- A reading of the whole set, on several pages: what none of them showed is tombstoned at its end, and can come back.
SELECT * FROM pg_temp.next('account', full_reading => true) \gset
SELECT xsell_internal.sync_see(:page, '{a,rejected}', true, '2026-05-05');
SELECT next_page IS NOT NULL AS claimed FROM xsell_internal.sync_commit(:page, :claim, 'half', false, '{}', NULL, NULL, true, 2, 0, 0, 0);
SELECT crm_id FROM xsell_internal.sync_seen ORDER BY 1;
-- It survives a process that failed half way: the next one goes on there.
SELECT xsell_internal.sync_fail(page_id, claim, 'object', 'broken', 0, true, 3) FROM xsell_internal.sync_page WHERE status = 'claimed';
SELECT * FROM pg_temp.next('account') \gset
SELECT :'state' AS state;
SELECT sweeping FROM xsell_internal.sync_check(:page, :claim, '{d}', '{44}');
SELECT xsell_internal.sync_see(:page, '{d}', false, NULL);
SELECT swept FROM xsell_internal.sync_commit(:page, :claim, 'w4', true, '{}', NULL, NULL, true, 1, 0, 0, 0);
SELECT crm_id, deleted_at, (SELECT deleted FROM xsell_internal.source_record r WHERE r.crm_id = a.crm_id) FROM xsell.account a ORDER BY 1;
SELECT count(*) AS forgotten FROM xsell_internal.sync_seen;
SELECT changed, deleted FROM xsell.sync_run ORDER BY run_id DESC LIMIT 1;
SELECT * FROM pg_temp.next('account') \gset
SELECT different FROM xsell_internal.sync_check(:page, :claim, '{a,b,c,d}', '{13,22,3,44}');
SELECT * FROM pg_temp.merge('account', :run, '[{"crm_id": "c", "name": "Gamma", "content": 3}]');
SELECT crm_id, deleted_at FROM xsell.account WHERE crm_id = 'c';
-- A reading that says nothing of the whole set ends without tombstones.
SELECT swept FROM xsell_internal.sync_commit(:page, :claim, 'w5', true, '{}', NULL, NULL, false, 1, 0, 0, 0);
-- Where nothing is stored there is nothing to find missing.
SELECT * FROM pg_temp.next('contact') \gset
SELECT xsell_internal.sync_see(:page, '{x,y}', true, '2026-05-05');
SELECT count(*) AS none FROM xsell_internal.sync_seen;
SELECT * FROM pg_temp.merge('contact', :run, '[{"crm_id": "x"}]');
SELECT swept FROM xsell_internal.sync_commit(:page, :claim, 'w', true, '{}', NULL, NULL, true, 1, 0, 0, 0);

-- Small sources list what lives; children go with the page of their parent.
SELECT xsell_internal.sync_live('north', 'account', '{a,d}', '2026-06-06'), xsell_internal.sync_live('north', 'account', '{a,d}', '2026-07-07') AS again;
SELECT crm_id, deleted_at FROM xsell.account ORDER BY 1;
SELECT * FROM pg_temp.merge('opportunity_line', :run, '[{"crm_id": "1", "opportunity_id": "o"}, {"crm_id": "2", "opportunity_id": "o"}, {"crm_id": "3", "opportunity_id": "p"}]');
SELECT xsell_internal.sync_replace('north', 'opportunity_line', 'opportunity_id', '{o}', '{2}', '2026-06-06');
SELECT crm_id, deleted_at FROM xsell.opportunity_line ORDER BY 1;
SELECT xsell_internal.sync_replace('north', 'opportunity_line', 'amount', '{o}', '{2}', '2026-06-06');

-- What was tombstoned because nobody showed it comes back, however old it is; what its source has deleted does not, nor what is older
-- and live. A time still to come is a clock's fault, and outlives no other.
SELECT * FROM pg_temp.merge('lead', :run, '[{"crm_id": "swept", "content": 1}, {"crm_id": "deleted", "content": 1}, {"crm_id": "live", "content": 1}, {"crm_id": "fast clock", "modified_at": "9999-01-01", "content": 1}]');
SELECT * FROM pg_temp.merge('lead', :run, '[{"crm_id": "deleted", "deleted_at": "2026-01-01", "content": 2}]');
SELECT xsell_internal.sync_live('north', 'lead', '{live,fast clock}', '2026-06-06');
SELECT * FROM pg_temp.merge('lead', :run, '[{"crm_id": "swept", "company": "older", "modified_at": "2020-01-01", "content": 3}, {"crm_id": "deleted", "company": "older", "modified_at": "2020-01-01", "content": 3},
    {"crm_id": "live", "company": "older", "modified_at": "2020-01-01", "content": 3}, {"crm_id": "fast clock", "company": "older", "modified_at": "2020-01-01", "content": 3}]');
SELECT l.crm_id, l.company, l.deleted_at IS NULL AS live, l.modified_at, r.deleted, r.content FROM xsell.lead l JOIN xsell_internal.source_record r USING (org_id, crm_id) WHERE r.object = 'lead' ORDER BY 1;

-- Fields that appear, vanish or change their type. Vanished is what was in every record and is in none of a whole reading.
CREATE FUNCTION pg_temp.read(fetched bigint, pages jsonb) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    p record;
    fields jsonb;
BEGIN
    SELECT * INTO p FROM pg_temp.next('product');
    FOR fields IN SELECT * FROM jsonb_array_elements(pages) LOOP
        PERFORM xsell_internal.sync_fields(p.page, array_agg(f.key), array_agg(f.value ->> 0), array_agg((f.value ->> 1)::boolean)) FROM jsonb_each(fields) f;
    END LOOP;
    PERFORM xsell_internal.sync_commit(p.page, p.claim, 'w', true, '{}', NULL, NULL, false, fetched, 0, 0, 0);
END $$;
CREATE TEMPORARY VIEW drift AS SELECT field, change, old_type, new_type, times FROM xsell.schema_change ORDER BY change_id;
SELECT pg_temp.read(200, '[{"id": ["string", true], "size": ["number", true], "note": ["", false]}, {"id": ["string", true], "size": ["number", true], "late": ["string", true]}]');
SELECT field, type, always FROM xsell_internal.source_field ORDER BY 1;
SELECT * FROM drift;
SELECT pg_temp.read(200, '[{"id": ["number", true], "size": ["", true], "note": ["string", true], "new": ["array", true]}]');
SELECT * FROM drift;
SELECT pg_temp.read(99, '[{"id": ["number", true], "note": ["string", true]}]');
SELECT pg_temp.read(100, '[{"id": ["string", true]}]');
SELECT pg_temp.read(100, '[{"id": ["number", true]}]');
SELECT pg_temp.read(1, '[{"id": ["string", true], "size": ["number", true]}]');
SELECT * FROM drift;
SELECT field, type, always, vanished_at IS NOT NULL AS vanished FROM xsell_internal.source_field ORDER BY 1;
SELECT count(*) AS left_behind FROM xsell_internal.sync_field;
RESET ROLE;
\c :home
DROP DATABASE xsell_merge;
