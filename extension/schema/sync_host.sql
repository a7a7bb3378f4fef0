-- What the workers of all daemons share about a vendor: its rate limits, its daily quotas, and the tokens that it issued.

-- Not logged: after a crash the buckets are full again, which costs a vendor one burst and saves a WAL record per request.
CREATE UNLOGGED TABLE xsell_internal.sync_budget (
    org_id      text NOT NULL,
    name        text NOT NULL,
    tokens      double precision NOT NULL,
    refilled_at timestamptz NOT NULL,
    PRIMARY KEY (org_id, name)
) WITH (fillfactor = 20, autovacuum_vacuum_scale_factor = 0, autovacuum_vacuum_threshold = 500);
COMMENT ON TABLE xsell_internal.sync_budget IS 'Token buckets of the vendors'' rate limits, one per org and limit. Below zero: requests that have been promised but not sent yet.';

CREATE TABLE xsell_internal.sync_quota (
    org_id      text NOT NULL,
    name        text NOT NULL,
    used        double precision NOT NULL,
    limit_value double precision NOT NULL,
    noted_at    timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    PRIMARY KEY (org_id, name)
) WITH (fillfactor = 50);
COMMENT ON TABLE xsell_internal.sync_quota IS 'Quotas that last longer than seconds, as the vendors'' own headers state them.';

CREATE TABLE xsell_internal.sync_token (
    org_id     text PRIMARY KEY,
    key_id     text NOT NULL,
    nonce      bytea NOT NULL,
    sealed     bytea NOT NULL,
    renewed_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp()
);
COMMENT ON TABLE xsell_internal.sync_token IS
'Tokens that vendors issued, sealed with a key that only the daemon''s machine holds (XChaCha20-Poly1305; org and key id are authenticated with them). Closed to readers.';
COMMENT ON COLUMN xsell_internal.sync_token.key_id IS 'Short hash of the key: tells which key opens it, and nothing else about it.';

CREATE FUNCTION xsell_internal.sync_take(org text, name text, cost double precision, per_second double precision, burst double precision,
    longest double precision DEFAULT 30) RETURNS double precision
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    bucket xsell_internal.sync_budget;
    moment timestamptz;
    filled double precision;
    wait double precision;
BEGIN
    IF NOT (per_second > 0 AND per_second <= 1e9 AND burst > 0 AND burst <= 1e9 AND cost >= 0 AND cost <= 1e9) THEN
        RAISE EXCEPTION 'budget "%" of org "%": cost, rate and burst must be numbers above zero', name, org USING ERRCODE = 'invalid_parameter_value';
    END IF;
    SELECT * INTO bucket FROM xsell_internal.sync_budget b WHERE b.org_id = org AND b.name = sync_take.name FOR UPDATE;
    IF NOT FOUND THEN
        INSERT INTO xsell_internal.sync_budget VALUES (org, name, burst, clock_timestamp()) ON CONFLICT DO NOTHING;
        SELECT * INTO STRICT bucket FROM xsell_internal.sync_budget b WHERE b.org_id = org AND b.name = sync_take.name FOR UPDATE;
    END IF;
    -- Read after the row's lock was granted. A clock set back adds nothing, one set forward no more than fills the bucket.
    moment := clock_timestamp();
    filled := LEAST(burst, bucket.tokens + per_second * GREATEST(0, EXTRACT(epoch FROM moment - bucket.refilled_at)::double precision));
    wait := GREATEST(0, (cost - filled) / per_second);
    UPDATE xsell_internal.sync_budget b
    SET tokens = filled - CASE WHEN wait <= longest OR filled >= burst THEN cost ELSE 0 END, refilled_at = moment
    WHERE b.org_id = org AND b.name = sync_take.name;
    RETURN wait;
END
$$;
COMMENT ON FUNCTION xsell_internal.sync_take(text, text, double precision, double precision, double precision, double precision) IS
'Takes tokens from a bucket that holds `burst` and gains `per_second`. Returns the seconds to wait before they may be used. A wait above `longest` takes nothing (unless the bucket is full): ask again then.';

CREATE FUNCTION xsell_internal.sync_note_quota(org text, name text, used double precision, limit_value double precision) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    INSERT INTO xsell_internal.sync_quota AS q (org_id, name, used, limit_value) VALUES (org, name, used, limit_value)
    ON CONFLICT (org_id, name) DO UPDATE SET used = excluded.used, limit_value = excluded.limit_value, noted_at = excluded.noted_at;
END;
COMMENT ON FUNCTION xsell_internal.sync_note_quota(text, text, double precision, double precision) IS
'Keeps what a vendor''s headers say of a quota: how much of it is used, of how much.';

CREATE VIEW xsell.api_quota WITH (security_invoker = true) AS
SELECT org_id, name, used, limit_value, CASE WHEN limit_value > 0 THEN used / limit_value END AS share, noted_at
FROM xsell_internal.sync_quota;
COMMENT ON VIEW xsell.api_quota IS 'How much of their API quotas the orgs have used, as the vendors'' own headers said last.';
COMMENT ON COLUMN xsell.api_quota.org_id IS 'The org.';
COMMENT ON COLUMN xsell.api_quota.name IS 'The quota, in the vendor''s words: daily requests, ...';
COMMENT ON COLUMN xsell.api_quota.used IS 'How much is used, by everybody who uses the org''s API.';
COMMENT ON COLUMN xsell.api_quota.limit_value IS 'How much there is.';
COMMENT ON COLUMN xsell.api_quota.share IS 'used / limit_value: 1 when it is exhausted.';
COMMENT ON COLUMN xsell.api_quota.noted_at IS 'When the vendor said so.';

DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['sync_budget', 'sync_quota', 'sync_token'] LOOP
        PERFORM pg_catalog.pg_extension_config_dump(('xsell_internal.' || kept)::pg_catalog.regclass, '');
    END LOOP;
END
$$;
