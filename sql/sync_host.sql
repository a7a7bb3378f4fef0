-- Rate limits, quotas and sealed tokens that daemons share.
\set SHOW_CONTEXT never
BEGIN;
INSERT INTO xsell.org (org_id, name, connector) VALUES ('host_a', 'A', 'hubspot'), ('host_b', 'B', 'hubspot');
SET LOCAL ROLE xsell_sync;

-- A burst of three, one in ten seconds: the fourth request waits for those, less what the test itself takes.
SELECT xsell_internal.sync_take('host_a', 'search', 1, 0.1, 3) FROM generate_series(1, 3);
SELECT wait > 5 AND wait <= 10 AS waits FROM xsell_internal.sync_take('host_a', 'search', 1, 0.1, 3) wait;
SELECT wait > 15 AND wait <= 20 AS waits_behind_it FROM xsell_internal.sync_take('host_a', 'search', 1, 0.1, 3) wait;
SELECT xsell_internal.sync_take('host_a', 'daily', 1, 0.1, 3) AS another_limit, xsell_internal.sync_take('host_b', 'search', 1, 0.1, 3) AS another_org;

-- Too long a wait is told and takes nothing.
SELECT wait > 50 AS told FROM xsell_internal.sync_take('host_a', 'search', 103, 0.1, 3) wait;
SELECT wait <= 30 AS took_nothing FROM xsell_internal.sync_take('host_a', 'search', 1, 0.1, 3) wait;
SELECT wait > 40 AS told FROM xsell_internal.sync_take('host_b', 'dear', 100, 2, 10) wait;
SELECT tokens < -80 AS a_full_bucket_gives_all_the_same FROM xsell_internal.sync_budget WHERE org_id = 'host_b' AND name = 'dear';

-- A clock that was set back by an hour: nothing is gained, nobody waits for the hour. One set forward: the burst, no more.
UPDATE xsell_internal.sync_budget SET refilled_at = clock_timestamp() + interval '1 hour', tokens = 0 WHERE org_id = 'host_a' AND name = 'search';
SELECT wait > 5 AND wait <= 10 AS waits FROM xsell_internal.sync_take('host_a', 'search', 1, 0.1, 3) wait;
SELECT refilled_at <= clock_timestamp() AS mended FROM xsell_internal.sync_budget WHERE org_id = 'host_a' AND name = 'search';
UPDATE xsell_internal.sync_budget SET refilled_at = clock_timestamp() - interval '1 hour', tokens = -50 WHERE org_id = 'host_a' AND name = 'search';
SELECT xsell_internal.sync_take('host_a', 'search', 3, 0.1, 3);
SELECT wait > 5 AS waits FROM xsell_internal.sync_take('host_a', 'search', 1, 0.1, 3) wait;

SAVEPOINT s;
SELECT xsell_internal.sync_take('host_a', 'search', 1, 0, 3);
ROLLBACK TO s;
SELECT xsell_internal.sync_take('host_a', 'search', 'NaN', 1, 3);
ROLLBACK TO s;
SELECT xsell_internal.sync_take('host_a', 'search', 1, 1, 'Infinity');
ROLLBACK TO s;

SELECT xsell_internal.sync_note_quota('host_a', 'daily requests', 924, 15000);
SELECT xsell_internal.sync_note_quota('host_a', 'daily requests', 1500, 15000);
SELECT xsell_internal.sync_note_quota('host_b', 'nothing', 0, 0);
SELECT org_id, name, used, limit_value, share FROM xsell.api_quota WHERE org_id LIKE 'host\_%' ORDER BY 1, 2;

INSERT INTO xsell_internal.sync_token (org_id, key_id, nonce, sealed) VALUES ('host_a', '0123456789abcdef', '\x00', '\x00');
SELECT count(*) FROM xsell_internal.sync_token WHERE org_id = 'host_a';

-- A reader of one org sees that org's quotas, and no token of anybody.
RESET ROLE;
CREATE ROLE xsell_test_host;
GRANT xsell_reader TO xsell_test_host;
INSERT INTO xsell.org_grant (org_id, role) VALUES ('host_a', 'xsell_test_host');
SET LOCAL ROLE xsell_test_host;
SELECT org_id, name FROM xsell.api_quota ORDER BY 1, 2;
SAVEPOINT s;
SELECT * FROM xsell_internal.sync_token;
ROLLBACK TO s;
SELECT xsell_internal.sync_take('host_a', 'search', 1, 0.1, 3);
ROLLBACK TO s;
ROLLBACK;
