-- The registry: models, immutable versions, what is deployed and what was, training runs, measured quality.

CREATE TABLE xsell_internal.model (
    model       text PRIMARY KEY CHECK (model ~ '^[A-Za-z_][A-Za-z0-9_.-]{0,62}$'),
    feature_set text NOT NULL,
    horizon     interval CHECK (horizon > interval '0'),
    label_query text,
    label_owner name,
    description text,
    created_at  timestamptz NOT NULL DEFAULT pg_catalog.now()
);
COMMENT ON TABLE xsell_internal.model IS 'What is predicted: a name, the features it is computed from, and how far it looks ahead.';
COMMENT ON COLUMN xsell_internal.model.label_query IS
'Where the labels come from: a query that returns entity_id, y and, where they apply, product_id, as_of and weight. NULL: wins of products, as for cross_sell.';
COMMENT ON COLUMN xsell_internal.model.label_owner IS 'The role that the query of labels runs as.';

CREATE TABLE xsell_internal.model_version (
    model               text NOT NULL REFERENCES xsell_internal.model,
    version             integer NOT NULL CHECK (version > 0),
    feature_set         text NOT NULL,
    feature_set_version integer NOT NULL,
    status              text NOT NULL DEFAULT 'ready' CHECK (status IN ('ready', 'retired', 'dropped')),
    algorithm           text NOT NULL,
    parameters          jsonb NOT NULL DEFAULT '{}',
    seed                bigint,
    feature             text[] NOT NULL CHECK (pg_catalog.cardinality(feature) > 0),
    horizon             interval,
    snapshots           timestamptz[],
    rows                bigint,
    positives           bigint,
    library_version     text,
    blob_sha256         text NOT NULL,
    member              text[] NOT NULL DEFAULT '{xgboost}',
    member_weight       double precision[] NOT NULL DEFAULT '{1}',
    blend               text NOT NULL DEFAULT 'log_odds' CHECK (blend IN ('log_odds', 'probability')),
    calibration         text NOT NULL DEFAULT 'platt' CHECK (calibration IN ('platt', 'isotonic')),
    feature_set_sha256  text,
    data_sha256         text,
    training_query      text,
    data_from           timestamptz,
    data_until          timestamptz,
    plan                jsonb NOT NULL DEFAULT '{}',
    run_id              bigint,
    trained_by          text NOT NULL DEFAULT CURRENT_USER,
    trained_at          timestamptz NOT NULL DEFAULT pg_catalog.now(),
    PRIMARY KEY (model, version)
);
COMMENT ON TABLE xsell_internal.model_version IS 'One trained version; nothing but its status ever changes.';
COMMENT ON COLUMN xsell_internal.model_version.feature IS 'Names of the inputs, in the order of x.';
COMMENT ON COLUMN xsell_internal.model_version.snapshots IS 'The as-of times it was trained, selected and calibrated on.';
COMMENT ON COLUMN xsell_internal.model_version.member IS 'The members of the ensemble: xgboost, random_forest, gradient_boosting, neural_network.';
COMMENT ON COLUMN xsell_internal.model_version.member_weight IS 'Their weights in the blend, in the same order.';
COMMENT ON COLUMN xsell_internal.model_version.data_sha256 IS 'Hash (hex) of the training rows in the order of their key: the same rows, seed and library give the same bytes.';
COMMENT ON COLUMN xsell_internal.model_version.training_query IS 'The query that gave the training rows, with its arguments filled in.';
COMMENT ON COLUMN xsell_internal.model_version.data_from IS 'Earliest as-of time among them.';
COMMENT ON COLUMN xsell_internal.model_version.data_until IS 'Latest as-of time among them.';
COMMENT ON COLUMN xsell_internal.model_version.plan IS 'When and how the training looked at the data (xsell_internal.training_plan), so that xsell.reproduce reads the same rows.';
COMMENT ON COLUMN xsell_internal.model_version.blob_sha256 IS 'Hash (hex) of the blob of kind flat: what scoring loads, and the key it is cached by.';

CREATE TABLE xsell_internal.model_blob (
    model   text NOT NULL,
    version integer NOT NULL,
    kind    text NOT NULL CHECK (kind IN ('flat', 'xgboost', 'random_forest', 'gradient_boosting', 'neural_network')),
    data    bytea NOT NULL,
    PRIMARY KEY (model, version, kind),
    FOREIGN KEY (model, version) REFERENCES xsell_internal.model_version ON DELETE CASCADE
);
ALTER TABLE xsell_internal.model_blob ALTER COLUMN data SET STORAGE EXTERNAL;
COMMENT ON TABLE xsell_internal.model_blob IS 'The bytes of a version: flat is what scoring loads; the others are what each member was trained to be, trees in XGBoost''s own format (UBJSON).';

CREATE TABLE xsell_internal.deployment (
    model       text NOT NULL,
    role        text NOT NULL CHECK (role ~ '^[a-z][a-z0-9_]{0,62}$'),
    version     integer NOT NULL,
    share       numeric NOT NULL DEFAULT 1 CHECK (share >= 0 AND share <= 1),
    deployed_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
    deployed_by text NOT NULL DEFAULT CURRENT_USER,
    PRIMARY KEY (model, role),
    FOREIGN KEY (model, version) REFERENCES xsell_internal.model_version
);
COMMENT ON TABLE xsell_internal.deployment IS 'Which version plays which role now. A change is an ordinary row update: visible at commit, gone on rollback.';
COMMENT ON COLUMN xsell_internal.deployment.share IS 'Part of the entities that this role scores; 0 for roles that only watch (shadow).';

CREATE TABLE xsell_internal.deployment_history (
    history_id  bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model       text NOT NULL,
    action      text NOT NULL CHECK (action IN ('deploy', 'split', 'rollback', 'undeploy')),
    role        text NOT NULL,
    versions    integer[] NOT NULL,
    shares      numeric[] NOT NULL,
    previous_id bigint,
    restored_id bigint,
    changed_at  timestamptz NOT NULL DEFAULT pg_catalog.now(),
    changed_by  text NOT NULL DEFAULT CURRENT_USER
);
CREATE INDEX ON xsell_internal.deployment_history (model, history_id);
COMMENT ON TABLE xsell_internal.deployment_history IS 'Every change of what is deployed; rows are only added.';
COMMENT ON COLUMN xsell_internal.deployment_history.versions IS 'The versions put live, the champion first.';
COMMENT ON COLUMN xsell_internal.deployment_history.previous_id IS 'The deployment that was in force before: what a rollback goes back to.';
COMMENT ON COLUMN xsell_internal.deployment_history.restored_id IS 'For a rollback: the deployment that is in force again.';

CREATE TABLE xsell_internal.training_run (
    run_id       bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    model        text NOT NULL,
    state        text NOT NULL DEFAULT 'queued' CHECK (state IN ('queued', 'running', 'done', 'failed')),
    phase        text,
    round        integer,
    rounds       integer,
    rows         bigint,
    version      integer,
    parameters   jsonb NOT NULL DEFAULT '{}',
    preset       text NOT NULL DEFAULT 'default',
    search       jsonb,
    horizon      interval,
    member       text,
    trial        integer,
    trials       integer,
    percent      real,
    requested_by text NOT NULL DEFAULT CURRENT_USER,
    requested_at timestamptz NOT NULL DEFAULT pg_catalog.clock_timestamp(),
    started_at   timestamptz,
    updated_at   timestamptz,
    finished_at  timestamptz,
    pid          integer,
    sqlstate     text,
    error        text
);
CREATE INDEX ON xsell_internal.training_run (model, run_id);
COMMENT ON TABLE xsell_internal.training_run IS
'One attempt to train. While it runs its session holds the advisory lock (2020828524, run_id), so that a run whose session is gone can be told apart.';

CREATE TABLE xsell_internal.model_metric (
    model   text NOT NULL,
    version integer NOT NULL,
    slice   text NOT NULL,
    metric  text NOT NULL,
    ranker  text NOT NULL,
    value   double precision,
    low     double precision,
    high    double precision,
    PRIMARY KEY (model, version, slice, metric, ranker),
    FOREIGN KEY (model, version) REFERENCES xsell_internal.model_version ON DELETE CASCADE
);
COMMENT ON TABLE xsell_internal.model_metric IS 'Measured quality of a version, beside the baselines on the same data.';

CREATE TABLE xsell_internal.calibration_bin (
    model     text NOT NULL,
    version   integer NOT NULL,
    slice     text NOT NULL,
    bin       integer NOT NULL,
    predicted double precision,
    observed  double precision,
    rows      bigint NOT NULL,
    PRIMARY KEY (model, version, slice, bin),
    FOREIGN KEY (model, version) REFERENCES xsell_internal.model_version ON DELETE CASCADE
);
COMMENT ON TABLE xsell_internal.calibration_bin IS 'Predicted against observed rate, in bins of equal mass.';

INSERT INTO xsell_internal.model (model, feature_set, horizon, description) VALUES
    ('cross_sell', 'cross_sell', interval '180 days', 'Probability that an entity wins a product it does not hold within the horizon');

-- Immutability. Restoring a dump only inserts, so these never stand in its way.

CREATE FUNCTION xsell_internal.require_model(model text) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM xsell_internal.model m WHERE m.model = require_model.model) THEN
        RAISE EXCEPTION 'model "%" does not exist', COALESCE(model, 'NULL') USING ERRCODE = 'undefined_object',
            HINT = format('Known models: %s.', (SELECT COALESCE(string_agg(quote_ident(m.model), ', ' ORDER BY m.model), 'none') FROM xsell_internal.model m));
    END IF;
END
$$;
COMMENT ON FUNCTION xsell_internal.require_model(text) IS 'An error that names the known models, unless this is one.';

CREATE FUNCTION xsell_internal.refuse_change() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    RAISE EXCEPTION '% of % is not allowed', TG_OP, TG_TABLE_NAME
        USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = 'Its rows never change once written.';
END
$$;
COMMENT ON FUNCTION xsell_internal.refuse_change() IS 'Trigger: refuses the command.';

CREATE FUNCTION xsell_internal.guard_version() RETURNS trigger
LANGUAGE plpgsql VOLATILE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
    wanted text := NEW.status;
    holder text;
BEGIN
    NEW.status := OLD.status;
    IF NEW IS DISTINCT FROM OLD THEN
        RAISE EXCEPTION 'version % of model "%" cannot be changed', OLD.version, OLD.model
            USING ERRCODE = 'object_not_in_prerequisite_state',
                  DETAIL = 'Only its status may change.', HINT = 'Train a new version.';
    END IF;
    NEW.status := wanted;
    IF OLD.status = 'dropped' AND wanted <> 'dropped' THEN
        RAISE EXCEPTION 'version % of model "%" was dropped', OLD.version, OLD.model
            USING ERRCODE = 'object_not_in_prerequisite_state', DETAIL = 'Its bytes are gone.', HINT = 'Train a new version.';
    END IF;
    SELECT d.role INTO holder FROM xsell_internal.deployment d WHERE d.model = OLD.model AND d.version = OLD.version LIMIT 1;
    IF wanted <> 'ready' AND holder IS NOT NULL THEN
        RAISE EXCEPTION 'version % of model "%" is deployed as %', OLD.version, OLD.model, holder
            USING ERRCODE = 'object_in_use', HINT = 'Deploy another version in that role first.';
    END IF;
    RETURN NEW;
END
$$;
COMMENT ON FUNCTION xsell_internal.guard_version() IS 'Trigger: a version changes nothing but its status, is not retired while deployed, and does not come back once dropped.';

CREATE TRIGGER guard_version BEFORE UPDATE ON xsell_internal.model_version
    FOR EACH ROW EXECUTE FUNCTION xsell_internal.guard_version();
CREATE TRIGGER refuse_change BEFORE UPDATE ON xsell_internal.model_blob
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.refuse_change();
CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE OR TRUNCATE ON xsell_internal.deployment_history
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.refuse_change();

-- Other sessions and standbys learn of a deployment through the server's own invalidation messages, which are sent at commit.
-- ALWAYS: rows that replication applies count too.
CREATE FUNCTION xsell_internal.deployment_changed() RETURNS trigger
LANGUAGE c VOLATILE
AS 'MODULE_PATHNAME', 'xsell_deployment_changed';
COMMENT ON FUNCTION xsell_internal.deployment_changed() IS 'Trigger: makes every session resolve the deployed version anew.';
CREATE TRIGGER deployment_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON xsell_internal.deployment
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.deployment_changed();
ALTER TABLE xsell_internal.deployment ENABLE ALWAYS TRIGGER deployment_changed;

-- What people read.

CREATE VIEW xsell.model_version WITH (security_invoker = true) AS
SELECT v.model, v.version, v.status,
       (SELECT pg_catalog.string_agg(d.role, ', ' ORDER BY d.role) FROM xsell_internal.deployment d
        WHERE d.model = v.model AND d.version = v.version) AS deployed_as,
       v.algorithm, v.feature_set, v.feature_set_version, pg_catalog.cardinality(v.feature) AS features, v.horizon, v.rows, v.positives,
       v.seed, v.parameters, v.library_version, v.blob_sha256, v.run_id, v.trained_by, v.trained_at,
       v.member, v.member_weight, v.blend, v.calibration, v.feature_set_sha256, v.data_sha256, v.data_from, v.data_until, v.snapshots, v.training_query
FROM xsell_internal.model_version v;
COMMENT ON VIEW xsell.model_version IS 'Trained versions of each model.';
COMMENT ON COLUMN xsell.model_version.model IS 'The model.';
COMMENT ON COLUMN xsell.model_version.version IS 'Its version, counted from 1.';
COMMENT ON COLUMN xsell.model_version.status IS 'ready; retired: not to be deployed; dropped: its bytes are deleted, what is known of it stays.';
COMMENT ON COLUMN xsell.model_version.deployed_as IS 'Roles that it plays now; NULL: none.';
COMMENT ON COLUMN xsell.model_version.algorithm IS 'How it was trained.';
COMMENT ON COLUMN xsell.model_version.feature_set IS 'Features it takes.';
COMMENT ON COLUMN xsell.model_version.feature_set_version IS 'Version of the definition of these features.';
COMMENT ON COLUMN xsell.model_version.features IS 'Number of features.';
COMMENT ON COLUMN xsell.model_version.horizon IS 'How far ahead it predicts.';
COMMENT ON COLUMN xsell.model_version.rows IS 'Rows it was trained on.';
COMMENT ON COLUMN xsell.model_version.positives IS 'Rows among them with a win.';
COMMENT ON COLUMN xsell.model_version.seed IS 'Seed; the same seed, data and library give the same bytes.';
COMMENT ON COLUMN xsell.model_version.parameters IS 'Parameters of the training.';
COMMENT ON COLUMN xsell.model_version.library_version IS 'Library that trained it.';
COMMENT ON COLUMN xsell.model_version.blob_sha256 IS 'Hash of what scoring loads.';
COMMENT ON COLUMN xsell.model_version.run_id IS 'The training run; see xsell.training_run.';
COMMENT ON COLUMN xsell.model_version.trained_by IS 'Who trained it.';
COMMENT ON COLUMN xsell.model_version.trained_at IS 'When.';
COMMENT ON COLUMN xsell.model_version.member IS 'Members of the ensemble: xgboost, random_forest, gradient_boosting, neural_network.';
COMMENT ON COLUMN xsell.model_version.member_weight IS 'Their weights in the blend, in the same order.';
COMMENT ON COLUMN xsell.model_version.blend IS 'What is blended: log_odds, or probability as the classic preset does.';
COMMENT ON COLUMN xsell.model_version.calibration IS 'How the blend becomes a probability: platt or isotonic.';
COMMENT ON COLUMN xsell.model_version.feature_set_sha256 IS 'Hash of the definition of the features that it was trained on.';
COMMENT ON COLUMN xsell.model_version.data_sha256 IS 'Hash of the rows that it was trained on.';
COMMENT ON COLUMN xsell.model_version.data_from IS 'Earliest as-of time of those rows.';
COMMENT ON COLUMN xsell.model_version.data_until IS 'Latest as-of time of those rows.';
COMMENT ON COLUMN xsell.model_version.snapshots IS 'The as-of times that it was trained, selected and calibrated on.';
COMMENT ON COLUMN xsell.model_version.training_query IS 'The query that gave those rows, with its arguments filled in.';

CREATE VIEW xsell.model_metric WITH (security_invoker = true) AS
SELECT model, version, slice, metric, ranker, value, low, high FROM xsell_internal.model_metric;
COMMENT ON VIEW xsell.model_metric IS 'Measured quality of each version beside the baselines on the same rows.';
COMMENT ON COLUMN xsell.model_metric.model IS 'The model.';
COMMENT ON COLUMN xsell.model_metric.version IS 'Its version.';
COMMENT ON COLUMN xsell.model_metric.slice IS 'The rows it was measured on.';
COMMENT ON COLUMN xsell.model_metric.metric IS 'What was measured: ndcg@10, auc, ece, ...';
COMMENT ON COLUMN xsell.model_metric.ranker IS 'What was ranked by: model, its members, champion (the version deployed then), popularity, association, lookalike.';
COMMENT ON COLUMN xsell.model_metric.value IS 'The value.';
COMMENT ON COLUMN xsell.model_metric.low IS 'Lower end of its interval.';
COMMENT ON COLUMN xsell.model_metric.high IS 'Upper end of its interval.';

CREATE VIEW xsell.calibration_bin WITH (security_invoker = true) AS
SELECT model, version, slice, bin, predicted, observed, rows FROM xsell_internal.calibration_bin;
COMMENT ON VIEW xsell.calibration_bin IS 'Predicted against observed rate, in bins of equal mass: a calibrated version lies on the diagonal.';
COMMENT ON COLUMN xsell.calibration_bin.model IS 'The model.';
COMMENT ON COLUMN xsell.calibration_bin.version IS 'Its version.';
COMMENT ON COLUMN xsell.calibration_bin.slice IS 'The rows it was measured on.';
COMMENT ON COLUMN xsell.calibration_bin.bin IS 'Number of the bin, lowest probabilities first.';
COMMENT ON COLUMN xsell.calibration_bin.predicted IS 'Mean predicted probability.';
COMMENT ON COLUMN xsell.calibration_bin.observed IS 'Share that was won.';
COMMENT ON COLUMN xsell.calibration_bin.rows IS 'Rows in the bin.';

CREATE VIEW xsell.model WITH (security_invoker = true) AS
SELECT m.model, m.feature_set, m.horizon, m.label_query, m.label_owner::text AS label_owner, m.description,
       (SELECT d.version FROM xsell_internal.deployment d WHERE d.model = m.model AND d.role = 'champion') AS champion,
       (SELECT pg_catalog.count(*) FROM xsell_internal.model_version v WHERE v.model = m.model AND v.status = 'ready') AS ready_versions,
       m.created_at
FROM xsell_internal.model m;
COMMENT ON VIEW xsell.model IS 'The models: what is predicted, from which features, and which version of each is live.';
COMMENT ON COLUMN xsell.model.model IS 'The model.';
COMMENT ON COLUMN xsell.model.feature_set IS 'The features that it is computed from; see xsell.feature_set.';
COMMENT ON COLUMN xsell.model.horizon IS 'How far it looks ahead; NULL: its labels have no time.';
COMMENT ON COLUMN xsell.model.label_query IS 'Where its labels come from; NULL: wins of products.';
COMMENT ON COLUMN xsell.model.label_owner IS 'The role that this query runs as.';
COMMENT ON COLUMN xsell.model.description IS 'What its maker said of it.';
COMMENT ON COLUMN xsell.model.champion IS 'The version that scores; NULL: none is deployed.';
COMMENT ON COLUMN xsell.model.ready_versions IS 'Versions that can be deployed.';
COMMENT ON COLUMN xsell.model.created_at IS 'Since when it is there.';

CREATE VIEW xsell.deployment WITH (security_invoker = true) AS
SELECT model, role, version, share, deployed_at, deployed_by FROM xsell_internal.deployment;
COMMENT ON VIEW xsell.deployment IS 'Which version of each model plays which role now.';
COMMENT ON COLUMN xsell.deployment.model IS 'The model.';
COMMENT ON COLUMN xsell.deployment.role IS 'champion scores; challenger takes a share of the entities; others only watch.';
COMMENT ON COLUMN xsell.deployment.version IS 'The version in that role.';
COMMENT ON COLUMN xsell.deployment.share IS 'Part of the entities that this role scores.';
COMMENT ON COLUMN xsell.deployment.deployed_at IS 'Since when.';
COMMENT ON COLUMN xsell.deployment.deployed_by IS 'Who put it there.';

CREATE VIEW xsell.training_run WITH (security_invoker = true) AS
SELECT r.run_id, r.model,
       CASE WHEN r.state = 'running' AND NOT pg_catalog.pg_is_in_recovery() AND NOT EXISTS (
           SELECT FROM pg_catalog.pg_locks l
           WHERE l.locktype = 'advisory' AND l.granted AND l.classid = 2020828524 AND l.objid::bigint = r.run_id AND l.objsubid = 2
             AND l.database = (SELECT d.oid FROM pg_catalog.pg_database d WHERE d.datname = pg_catalog.current_database()))
           THEN 'lost' ELSE r.state END AS state,
       r.phase, r.round, r.rounds, r.rows, r.version, r.requested_by, r.requested_at, r.started_at, r.updated_at, r.finished_at, r.pid,
       r.sqlstate, r.error
FROM xsell_internal.training_run r;
COMMENT ON VIEW xsell.training_run IS 'Training, running and past.';
COMMENT ON COLUMN xsell.training_run.run_id IS 'Number of the run.';
COMMENT ON COLUMN xsell.training_run.model IS 'The model.';
COMMENT ON COLUMN xsell.training_run.state IS 'queued, running, done, failed, or lost: it was running and its session is gone.';
COMMENT ON COLUMN xsell.training_run.phase IS 'What it is doing, or was doing last.';
COMMENT ON COLUMN xsell.training_run.round IS 'Rounds done.';
COMMENT ON COLUMN xsell.training_run.rounds IS 'Rounds at most.';
COMMENT ON COLUMN xsell.training_run.rows IS 'Rows read.';
COMMENT ON COLUMN xsell.training_run.version IS 'The version that came out of it.';
COMMENT ON COLUMN xsell.training_run.requested_by IS 'Who asked for it.';
COMMENT ON COLUMN xsell.training_run.requested_at IS 'When it was asked for.';
COMMENT ON COLUMN xsell.training_run.started_at IS 'Start.';
COMMENT ON COLUMN xsell.training_run.updated_at IS 'Last sign of progress.';
COMMENT ON COLUMN xsell.training_run.finished_at IS 'End.';
COMMENT ON COLUMN xsell.training_run.pid IS 'Server process that ran it.';
COMMENT ON COLUMN xsell.training_run.sqlstate IS 'SQLSTATE of the error that ended it.';
COMMENT ON COLUMN xsell.training_run.error IS 'The error itself.';

SELECT pg_catalog.pg_extension_config_dump('xsell_internal.model', 'WHERE model <> ''cross_sell''');
DO $$
DECLARE
    kept text;
BEGIN
    FOREACH kept IN ARRAY ARRAY['model_version', 'model_blob', 'deployment', 'deployment_history', 'deployment_history_history_id_seq', 'training_run',
                  'training_run_run_id_seq', 'model_metric', 'calibration_bin'] LOOP
        PERFORM pg_catalog.pg_extension_config_dump(('xsell_internal.' || kept)::pg_catalog.regclass, '');
    END LOOP;
END
$$;
