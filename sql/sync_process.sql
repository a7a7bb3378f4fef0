-- Processes, the queue and what becomes of pages. This session is the worker; others are rows of sync_worker whose lock nobody holds.
\set SHOW_CONTEXT never
\set VERBOSITY terse
\set home :DBNAME
SET client_min_messages = warning;
DROP DATABASE IF EXISTS xsell_process;
CREATE DATABASE xsell_process;
\c xsell_process
\set VERBOSITY terse
CREATE EXTENSION xsell;
INSERT INTO xsell.org (org_id, name, connector) SELECT o, o, 'csv' FROM unnest(ARRAY['north', 'south']) o;
-- Everything below needs no more than the daemon's role.
SET ROLE xsell_sync;
\o /dev/null
SELECT xsell_internal.sync_enter('test', 'here', 1, 'psql');
\o

-- The state machine is a table, and enforced.
SELECT from_state, to_state FROM xsell.sync_state_machine ORDER BY position;
CREATE FUNCTION pg_temp.claim(each integer DEFAULT 9, orgs text[] DEFAULT '{north,south}') RETURNS text LANGUAGE sql AS $$
    SELECT format('%s %s page %s of run %s, attempt %s, at "%s"', c.org_id, c.object, c.number, c.run_id, c.attempt, c.state)
    FROM xsell_internal.sync_claim(orgs, each) c WHERE c.page_id IS NOT NULL
$$;
-- Stores what this session has claimed of an object: ten records, none of them changed.
CREATE FUNCTION pg_temp.store(org text, object text, next_state text, done boolean DEFAULT true, fan_out text[] DEFAULT '{}', total bigint DEFAULT NULL, sweep boolean DEFAULT false)
RETURNS text LANGUAGE sql AS $$
    SELECT format('swept %s, next page %s', s.swept, COALESCE(s.next_number::text || CASE WHEN s.next_page IS NULL THEN ' (left in the queue)' ELSE '' END, 'none'))
    FROM (SELECT p.page_id, p.claim FROM xsell_internal.sync_page p JOIN xsell_internal.sync_run r USING (run_id)
          WHERE p.status = 'claimed' AND p.org_id = store.org AND r.object = store.object ORDER BY p.number LIMIT 1) p,
         LATERAL xsell_internal.sync_commit(p.page_id, p.claim, next_state, done, fan_out, total, NULL, sweep, 10, 0, 0, 0) s
$$;
CREATE FUNCTION pg_temp.fail(org text, fault text, wait float8 DEFAULT 0, counts boolean DEFAULT true, tries integer DEFAULT 3) RETURNS boolean LANGUAGE sql AS $$
    SELECT xsell_internal.sync_fail(p.page_id, p.claim, fault, fault || ' trouble', wait, counts, tries)
    FROM xsell_internal.sync_page p WHERE p.status = 'claimed' AND p.org_id = fail.org ORDER BY p.run_id, p.number LIMIT 1
$$;
CREATE TEMPORARY VIEW runs AS SELECT run_id AS run, parent_id AS parent, org_id AS org, object, kind, state, pages, fetched, total, retries, error FROM xsell.sync_run ORDER BY run_id;
CREATE TEMPORARY VIEW pages AS SELECT run_id AS run, number, status, attempts, told_waits, error FROM xsell.sync_page ORDER BY run_id, number;

-- A process walks through its states; its children in the order of the objects; the state is stored with each page.
SELECT xsell_internal.sync_open('north', '{account,contact}');
UPDATE xsell_internal.sync_run SET state = 'COMPLETED' WHERE run_id = 1;
SELECT * FROM runs;
SELECT pg_temp.claim(each => 1);
SELECT pg_temp.claim(each => 1) AS no_second_page_of_an_org;
SELECT state FROM xsell.sync_run;
SELECT pg_temp.store('north', 'account', 'cursor 1', done => false, total => 30);
SELECT * FROM runs;
SELECT state FROM xsell_internal.sync_state WHERE object = 'account';
SELECT pg_temp.store('north', 'account', 'watermark', total => 30);
SELECT pg_temp.claim();
SELECT pg_temp.store('north', 'contact', 'watermark');
SELECT * FROM runs;
SELECT rate > 0 AS rate, eta FROM xsell.sync_run WHERE run_id = 1;

-- What follows begins where this ended; a full reading from the beginning; a given state where it says.
SELECT xsell_internal.sync_open('north', '{account}');
SELECT pg_temp.claim();
SELECT xsell_internal.sync_open('north', '{account,lead,product}', states => '{"product": "since May"}') AS joined;
SELECT pg_temp.claim();
SELECT pg_temp.claim();
SELECT pg_temp.store('north', 'product', 'p');
SELECT pg_temp.store('north', 'lead', 'l');
SELECT xsell_internal.sync_open('north', '{account}', full_reading => true) AS joined;
SELECT pg_temp.store('north', 'account', 'from an older reading') AS nothing_is_claimed_any_more;
SELECT pg_temp.claim();
SELECT pg_temp.store('north', 'account', 'w2');
SELECT * FROM runs WHERE run > 3;

-- Pages in any order: the reading ends with the last of them, and only then counts its state.
SELECT xsell_internal.sync_open('north', '{activity}');
SELECT pg_temp.claim();
SELECT pg_temp.store('north', 'activity', 'the end', fan_out => '{a,b,c}');
SELECT pg_temp.claim(each => 2), pg_temp.claim(each => 2) AS second, pg_temp.claim(each => 2) AS third;
SELECT state AS not_yet FROM xsell_internal.sync_state WHERE object = 'activity';
SELECT pg_temp.store('north', 'activity', 'a');
SELECT pg_temp.store('north', 'activity', 'b');
SELECT pg_temp.claim();
SELECT pg_temp.store('north', 'activity', 'c');
SELECT state FROM xsell_internal.sync_state WHERE object = 'activity';
SELECT object, state, pages FROM xsell.sync_run ORDER BY run_id DESC LIMIT 2;

-- Orgs take turns: the one that waited longest comes first, and a long reading makes room for an org that nobody reads.
SELECT xsell_internal.sync_open('north', '{account}') IS NOT NULL AS opened;
SELECT pg_temp.claim();
SELECT pg_temp.store('north', 'account', 'n1', done => false);
SELECT xsell_internal.sync_open('south', '{account}') IS NOT NULL AS opened;
SELECT pg_temp.store('north', 'account', 'n2', done => false);
SELECT pg_temp.claim(), pg_temp.claim() AS then;
SELECT pg_temp.store('south', 'account', 's1', done => false);
SELECT pg_temp.store('north', 'account', 'n3');

-- A page goes back to the queue after a failure, waits as told, and fails at last; a wait that the source asked for does not count.
SELECT pg_temp.fail('south', 'transient', wait => 100);
SELECT pg_temp.claim() AS not_yet;
UPDATE xsell_internal.sync_page SET waits_from = now() + interval '1 hour', not_before = now() + interval '2 hours' WHERE status = 'queued';
SELECT pg_temp.claim() AS the_clock_was_set_back;
SELECT pg_temp.fail('south', 'transient', counts => false);
SELECT pg_temp.claim();
SELECT pg_temp.fail('south', 'transient');
SELECT pg_temp.claim();
SELECT pg_temp.fail('south', 'stopped');
SELECT pg_temp.claim();
SELECT pg_temp.fail('south', 'transient');
SELECT * FROM runs WHERE org = 'south';
SELECT * FROM pages WHERE run = (SELECT max(run_id) FROM xsell.sync_run WHERE org_id = 'south');
SELECT page, fault, message FROM xsell.sync_error WHERE org_id = 'south' ORDER BY error_id;
SELECT last_error FROM xsell.sync_run WHERE org_id = 'south';
SELECT xsell_internal.sync_retry('south');
SELECT pg_temp.claim();
SELECT pg_temp.store('south', 'account', 's2');
SELECT * FROM runs WHERE org = 'south';
SELECT xsell_internal.sync_retry(1), xsell_internal.sync_retry('nobody');
SELECT xsell_internal.sync_retry(999);

-- An object that cannot be read stops no other; an org that cannot be read stops as a whole; a page stored again clears the alert.
SELECT xsell_internal.sync_open('south', '{account,contact,lead}') IS NOT NULL AS opened;
SELECT pg_temp.claim();
SELECT pg_temp.fail('south', 'object');
SELECT pg_temp.claim(), pg_temp.claim() AS another;
SELECT pg_temp.fail('south', 'org');
SELECT org, object, state, error FROM runs WHERE org = 'south' AND run > (SELECT max(run_id) - 4 FROM xsell.sync_run);
SELECT org_id, object, kind, message, cleared_at FROM xsell.sync_alert ORDER BY alert_id;
SELECT subject, problem, detail FROM xsell.health WHERE problem = 'the source refuses to be read' ORDER BY 1;
SELECT pg_temp.store('south', 'lead', 'a page in hand of a process that has ended');
SELECT xsell_internal.sync_release(page_id, claim) AS given_back FROM xsell_internal.sync_page WHERE status = 'claimed';
SELECT xsell_internal.sync_retry('south');
SELECT object, state FROM runs WHERE org = 'south' AND run > (SELECT max(run_id) - 4 FROM xsell.sync_run);
SELECT pg_temp.claim(), pg_temp.claim() AS second, pg_temp.claim() AS third;
SELECT pg_temp.store('south', 'account', 'a'), pg_temp.store('south', 'contact', 'c'), pg_temp.store('south', 'lead', 'l');
SELECT object, kind, cleared_at IS NOT NULL AS cleared FROM xsell.sync_alert ORDER BY alert_id;
SELECT object, state FROM runs WHERE org = 'south' AND run > (SELECT max(run_id) - 4 FROM xsell.sync_run);

-- A quota that is used up: the org is left alone until then, and a reading opened meanwhile says so at once.
SELECT xsell_internal.sync_open('south', '{account}') IS NOT NULL AS opened;
SELECT pg_temp.claim();
SELECT pg_temp.fail('south', 'quota', wait => 3600);
SELECT xsell_internal.sync_open('south', '{account}') IS NOT NULL AS opened;
SELECT pg_temp.claim() AS nothing;
SELECT state, regexp_replace(error, 'until .* UTC', 'until ... UTC') AS error FROM xsell.sync_run WHERE org_id = 'south' ORDER BY run_id DESC LIMIT 2;
SELECT blocked_until > now() AS blocked, message FROM xsell.sync_source WHERE org_id = 'south';
SELECT xsell_internal.sync_retry('south');
SELECT pg_temp.claim();
SELECT pg_temp.store('south', 'account', 'a');

-- The circuit breaker: opens, lets one page through, opens for longer, gives up.
RESET ROLE;
INSERT INTO xsell_internal.setting VALUES ('sync_breaker_failures', '3'), ('sync_breaker_openings', '2');
SET ROLE xsell_sync;
CREATE TEMPORARY VIEW breaker AS SELECT breaker, failures, round(extract(epoch FROM open_until - now())) AS seconds FROM xsell.sync_source WHERE org_id = 'south';
SELECT xsell_internal.sync_open('south', '{account,contact,lead,product}') IS NOT NULL AS opened;
SELECT count(pg_temp.claim()) FROM generate_series(1, 3);
SELECT pg_temp.fail('south', 'transient'), pg_temp.fail('south', 'transient') AS second, pg_temp.fail('south', 'transient') AS third;
SELECT * FROM breaker;
SELECT pg_temp.claim() AS nothing;
UPDATE xsell_internal.sync_org SET open_from = now() - interval '1 hour', open_until = now() - interval '1 minute' WHERE org_id = 'south';
SELECT pg_temp.claim(), pg_temp.claim() AS one_only;
SELECT * FROM breaker;
SELECT pg_temp.fail('south', 'transient');
SELECT * FROM breaker;
UPDATE xsell_internal.sync_org SET open_from = now() - interval '1 hour', open_until = now() - interval '1 minute' WHERE org_id = 'south';
SELECT pg_temp.claim();
SELECT pg_temp.store('south', 'account', 'a');
SELECT * FROM breaker;
SELECT count(pg_temp.claim()) FROM generate_series(1, 3);
SELECT pg_temp.fail('south', 'transient'), pg_temp.fail('south', 'transient') AS second, pg_temp.fail('south', 'transient') AS third;
UPDATE xsell_internal.sync_org SET openings = 2, open_from = now() - interval '1 hour', open_until = now() - interval '1 minute' WHERE org_id = 'south';
SELECT pg_temp.claim();
SELECT pg_temp.fail('south', 'transient');
SELECT * FROM breaker;
SELECT object, state, error FROM runs WHERE org = 'south' AND run > (SELECT max(run_id) - 5 FROM xsell.sync_run);
SELECT kind FROM xsell.sync_alert WHERE cleared_at IS NULL;

-- The pages of a worker that is gone come back; what it brings afterwards is refused.
SELECT xsell_internal.sync_open('north', '{contact}') IS NOT NULL AS opened;
SELECT pg_temp.claim();
SELECT page_id AS page, claim FROM xsell_internal.sync_page WHERE status = 'claimed' \gset
SELECT xsell_internal.sync_recover() AS mine_is_left_alone;
INSERT INTO xsell_internal.sync_worker (identity, host, pid, application) VALUES ('gone', 'there', 2, 'psql');
UPDATE xsell_internal.sync_page SET worker_id = (SELECT max(worker_id) FROM xsell_internal.sync_worker) WHERE status = 'claimed';
SELECT xsell_internal.sync_recover();
SELECT identity FROM xsell_internal.sync_worker;
SELECT pg_temp.claim();
SELECT * FROM xsell_internal.sync_check(:page, :claim);
SELECT xsell_internal.sync_commit(:page, :claim, '', true, '{}', NULL, NULL, false, 0, 0, 0, 0);
SELECT xsell_internal.sync_fail(:page, :claim, 'transient', '', 0, true, 3), xsell_internal.sync_release(:page, :claim);
SELECT xsell_internal.sync_release(:page, :claim + 1) AS released;
SELECT pg_temp.claim();
-- An unfinished process is taken up by whoever opens next.
SELECT xsell_internal.sync_open('north', '{contact}') = max(run_id) AS joined FROM xsell.sync_run WHERE object IS NULL;
SELECT pg_temp.store('north', 'contact', 'c');
-- A run that nothing of is in the queue has died.
INSERT INTO xsell_internal.sync_run (org_id, object) VALUES ('north', 'lead');
SELECT xsell_internal.sync_open('north', '{}') IS NOT NULL AS opened;
SELECT object, state, error FROM runs ORDER BY run DESC LIMIT 2;
SELECT xsell_internal.sync_open('north', '{nonsense}');

-- A page that takes every worker down with it is given up in the end; others are not.
RESET ROLE;
INSERT INTO xsell_internal.setting VALUES ('sync_lost_limit', '2');
SET ROLE xsell_sync;
SELECT xsell_internal.sync_open('south', '{account,contact}') IS NOT NULL AS opened;
SELECT regexp_replace(pg_temp.claim(orgs => '{south}'), 'run \d+', 'run N');
UPDATE xsell_internal.sync_page SET worker_id = 1000000, lost = lost + 1 WHERE status = 'claimed' AND org_id = 'south';
SELECT xsell_internal.sync_recover();
SELECT regexp_replace(pg_temp.claim(orgs => '{south}'), 'run \d+', 'run N');
SELECT pg_temp.store('south', 'contact', 'c');
SELECT object, state, error FROM runs WHERE org = 'south' ORDER BY run DESC LIMIT 3;
SELECT object, kind, message FROM xsell.sync_alert WHERE cleared_at IS NULL AND object = 'account';
SELECT xsell_internal.sync_retry('south');
SELECT regexp_replace(pg_temp.claim(orgs => '{south}'), 'run \d+', 'run N');
SELECT pg_temp.store('south', 'account', 'a');
RESET ROLE;
DELETE FROM xsell_internal.setting WHERE name = 'sync_lost_limit';
SET ROLE xsell_sync;

-- A reading that is told where to begin brings what it brings; the next one goes on from where ordinary readings had ended.
SELECT xsell_internal.sync_open('north', '{activity}', states => '{"activity": "an hour ago"}') IS NOT NULL AS opened;
SELECT regexp_replace(pg_temp.claim(), 'run \d+', 'run N');
SELECT pg_temp.store('north', 'activity', 'now', fan_out => '{x}'), regexp_replace(pg_temp.claim(), 'run \d+', 'run N') AS then;
SELECT pg_temp.store('north', 'activity', 'x');
SELECT state FROM xsell_internal.sync_state WHERE org_id = 'north' AND object = 'activity';

-- An org that is paused gives out no page from then on, not even the one that follows; nothing is lost.
SELECT xsell_internal.sync_open('north', '{product}') IS NOT NULL AS opened;
SELECT count(pg_temp.claim()) AS claimed;
UPDATE xsell.org SET paused = true WHERE org_id = 'north';
SELECT pg_temp.store('north', 'product', 'p1', done => false);
SELECT count(pg_temp.claim()) AS claimed, xsell_internal.sync_others_starve('south') AS waits_for_a_worker;
UPDATE xsell.org SET paused = false WHERE org_id = 'north';
SELECT regexp_replace(pg_temp.claim(), 'run \d+', 'run N');
SELECT pg_temp.store('north', 'product', 'p2');
SELECT state FROM xsell.sync_run WHERE object IS NULL ORDER BY run_id DESC LIMIT 1;

-- While one object is read from the beginning, the others are not left alone for longer than an hour.
SELECT xsell_internal.sync_open('north', '{crm_user,asset}') AS process \gset
SELECT count(pg_temp.claim()) FROM generate_series(1, 2);
SELECT pg_temp.store('north', 'crm_user', 'u');
SELECT xsell_internal.sync_open('north', '{crm_user,asset}') = :process AS joined;
SELECT count(pg_temp.claim()) AS nothing_new;
UPDATE xsell_internal.sync_run SET finished_at = now() - interval '2 hours' WHERE finished_at IS NOT NULL;
SELECT xsell_internal.sync_open('north', '{crm_user,asset}') = :process AS joined;
SELECT count(pg_temp.claim()) AS again;
SELECT pg_temp.store('north', 'crm_user', 'u2');
SELECT pg_temp.store('north', 'asset', 'a');
SELECT object, kind, state FROM xsell.sync_run WHERE :process IN (run_id, parent_id) ORDER BY run_id;

-- A retried process goes through its states again.
SELECT xsell_internal.sync_open('north', '{asset,crm_user}') AS process \gset
SELECT count(pg_temp.claim()) FROM generate_series(1, 2);
SELECT pg_temp.store('north', 'asset', 'half', done => false);
SELECT pg_temp.fail('north', 'org');
SELECT xsell_internal.sync_release(page_id, claim) FROM xsell_internal.sync_page WHERE status = 'claimed';
SELECT count(*) AS failed, count(done_at) AS with_their_time FROM xsell_internal.sync_page WHERE org_id = 'north' AND status = 'failed';
SELECT xsell_internal.sync_retry('north');
SELECT state FROM xsell.sync_run WHERE run_id = :process;
SELECT count(pg_temp.claim()) FROM generate_series(1, 2);
SELECT pg_temp.store('north', 'asset', 'more', done => false);
SELECT object, state FROM xsell.sync_run WHERE :process IN (run_id, parent_id) ORDER BY run_id;
SELECT pg_temp.store('north', 'asset', 'end'), pg_temp.store('north', 'crm_user', 'end') AS and_the_other;

-- Pruning leaves the last process of each org and the last run of each object.
SELECT xsell_internal.sync_prune('0', '0', '1 day') > 0 AS pruned;
SELECT count(*) AS pages FROM xsell.sync_page;
SELECT count(*) AS errors FROM xsell.sync_error;
UPDATE xsell_internal.sync_run SET finished_at = now() - interval '2 days';
SELECT xsell_internal.sync_prune('0', '0', '1 day') > 0 AS pruned;
SELECT org_id, object, count(*) FROM xsell.sync_run GROUP BY 1, 2 ORDER BY 1, 2;
-- Only the last 100 errors of a process are kept.
\o /dev/null
SELECT xsell_internal.sync_note_error((SELECT max(run_id) FROM xsell_internal.sync_run), i, 'transient', 'e' || i) FROM generate_series(1, 120) i;
\o
SELECT count(*), min(page), max(page) FROM xsell.sync_error;

-- A purge needs no other role, waits for nobody's grant, and leaves nothing of the org. The models that may know it are named, however
-- little of its history is left.
SELECT xsell_internal.sync_open('south', '{account}') IS NOT NULL AS opened;
SELECT count(pg_temp.claim()) AS in_hand;
RESET ROLE;
INSERT INTO xsell.org_grant VALUES ('south', 'xsell_reader');
UPDATE xsell.org SET created_at = '2026-01-01' WHERE org_id = 'south';
INSERT INTO xsell_internal.model_version (model, version, feature_set, feature_set_version, algorithm, feature, blob_sha256, trained_by, trained_at)
VALUES ('cross_sell', 1, 'cross_sell', 1, 'xgboost', '{a}', repeat('0', 64), 'somebody', '2026-02-01');
SET ROLE xsell_sync;
SELECT model, version FROM xsell.org_models('south');
SELECT relation FROM xsell_internal.sync_purge_org('south') ORDER BY 1;
SELECT pg_temp.store('south', 'account', 'late') AS nothing_is_claimed_any_more;
SELECT org_id FROM xsell.org;
RESET ROLE;
\c :home
DROP DATABASE xsell_process;
