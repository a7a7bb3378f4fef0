-- Search for hyper-parameters: the trials of every search, kept so that a search goes on where an earlier one stopped.

CREATE TABLE xsell_internal.training_trial (
    model             text NOT NULL,
    signature         text NOT NULL,
    member            text NOT NULL CHECK (member IN ('xgboost', 'random_forest', 'gradient_boosting', 'neural_network')),
    number            integer NOT NULL CHECK (number >= 0),
    run_id            bigint NOT NULL,
    parameters        jsonb NOT NULL,
    state             text NOT NULL CHECK (state IN ('complete', 'pruned', 'failed')),
    value             double precision CHECK (value IS NOT NULL OR state = 'failed'),
    intermediate_step integer[] NOT NULL,
    intermediate      double precision[] NOT NULL CHECK (pg_catalog.cardinality(intermediate) = pg_catalog.cardinality(intermediate_step)),
    started_at        timestamptz NOT NULL,
    finished_at       timestamptz NOT NULL,
    PRIMARY KEY (model, signature, member, number)
);
CREATE INDEX ON xsell_internal.training_trial (run_id);
COMMENT ON TABLE xsell_internal.training_trial IS 'One set of hyper-parameters that was tried, written as soon as its value was known; rows never change.';
COMMENT ON COLUMN xsell_internal.training_trial.signature IS
'Hash (hex) of all that decides a search: its seed, folds, pruner, starting parameters and ranges, the library and the rows. Trials of one signature continue each other.';
COMMENT ON COLUMN xsell_internal.training_trial.run_id IS 'The training that made the trial; later ones of the same signature take it over.';
COMMENT ON COLUMN xsell_internal.training_trial.value IS
'Mean over the folds of the weighted log-loss on rows not learned from; of a pruned trial what it reported last; NULL of a failed one.';
COMMENT ON COLUMN xsell_internal.training_trial.intermediate_step IS
'How far it had come at each report: below 108 quarters of eta x rounds (or epochs) within the first fold, then 108, 324, 972, ... for the end of each fold but the last.';
COMMENT ON COLUMN xsell_internal.training_trial.intermediate IS 'What it reported there.';
SELECT pg_catalog.pg_extension_config_dump('xsell_internal.training_trial', '');

CREATE TRIGGER refuse_change BEFORE UPDATE ON xsell_internal.training_trial
    FOR EACH STATEMENT EXECUTE FUNCTION xsell_internal.refuse_change();

CREATE FUNCTION xsell_internal.search_signature(settings text, data_sha256 text) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
RETURN pg_catalog.encode(pg_catalog.sha256(pg_catalog.convert_to(settings || ' ' || data_sha256, 'UTF8')), 'hex');
COMMENT ON FUNCTION xsell_internal.search_signature(text, text) IS 'Hash of a search''s settings and of the rows that it is made on.';

CREATE FUNCTION xsell_internal.record_trial(run bigint, model text, signature text, trial jsonb, started_at timestamptz) RETURNS void
LANGUAGE sql VOLATILE
BEGIN ATOMIC
    -- Two runs of one search may make the same trial; both find the same.
    INSERT INTO xsell_internal.training_trial (model, signature, member, number, run_id, parameters, state, value, intermediate_step, intermediate,
        started_at, finished_at)
    SELECT record_trial.model, record_trial.signature, trial ->> 'member', (trial ->> 'number')::integer, run, trial -> 'parameters', trial ->> 'state',
           (trial ->> 'value')::double precision,
           ARRAY(SELECT e.value::integer FROM pg_catalog.jsonb_array_elements_text(trial -> 'step') WITH ORDINALITY e(value, place) ORDER BY e.place),
           ARRAY(SELECT e.value::double precision FROM pg_catalog.jsonb_array_elements_text(trial -> 'intermediate') WITH ORDINALITY e(value, place) ORDER BY e.place),
           record_trial.started_at, pg_catalog.clock_timestamp()
    ON CONFLICT DO NOTHING;
END;
COMMENT ON FUNCTION xsell_internal.record_trial(bigint, text, text, jsonb, timestamptz) IS
'Writes a finished trial: an object with member, number, parameters, state, value, step and intermediate.';

CREATE FUNCTION xsell_internal.finished_trials(model text, signature text) RETURNS jsonb
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET extra_float_digits = 1  -- every number comes back as it was
AS $$
BEGIN
    RETURN COALESCE((
        SELECT jsonb_agg(jsonb_build_object('member', t.member, 'number', t.number, 'parameters', t.parameters, 'state', t.state, 'value', t.value,
                                            'step', t.intermediate_step, 'intermediate', t.intermediate) ORDER BY t.member, t.number)
        FROM xsell_internal.training_trial t
        WHERE t.model = finished_trials.model AND t.signature = finished_trials.signature), '[]');
END
$$;
COMMENT ON FUNCTION xsell_internal.finished_trials(text, text) IS 'The trials that a search takes over, as record_trial was given them.';

CREATE VIEW xsell.trial WITH (security_invoker = true) AS
SELECT t.run_id, t.model, t.member, t.number, t.state, t.value,
       t.state = 'complete' AND t.number = pg_catalog.first_value(t.number) OVER (PARTITION BY t.model, t.signature, t.member ORDER BY t.state <> 'complete', t.value, t.number) AS best,
       t.parameters, t.intermediate_step, t.intermediate, t.started_at, t.finished_at, t.signature
FROM xsell_internal.training_trial t;
COMMENT ON VIEW xsell.trial IS
'Hyper-parameters that searches have tried and what came of them: CALL xsell.train(''cross_sell'', search => ''{"trials": 30}''). The same search on the same rows takes its earlier trials over and goes on.';
COMMENT ON COLUMN xsell.trial.run_id IS 'The training that made the trial; see xsell.training_run.';
COMMENT ON COLUMN xsell.trial.model IS 'The model.';
COMMENT ON COLUMN xsell.trial.member IS 'The member of the ensemble whose parameters were tried.';
COMMENT ON COLUMN xsell.trial.number IS 'Its place in the search, counted from 0; 0 tried the parameters that the training was given.';
COMMENT ON COLUMN xsell.trial.state IS 'complete; pruned: given up early as worse than others; failed: it had no value.';
COMMENT ON COLUMN xsell.trial.value IS 'Mean over the folds of the weighted log-loss on rows not learned from, less is better; of a pruned trial what it reported last.';
COMMENT ON COLUMN xsell.trial.best IS 'The complete trial of least value in its search: what the member was trained with.';
COMMENT ON COLUMN xsell.trial.parameters IS 'What was tried.';
COMMENT ON COLUMN xsell.trial.intermediate_step IS 'How far it had come at each report: below 108 within the first fold, then the ends of the folds.';
COMMENT ON COLUMN xsell.trial.intermediate IS 'What it reported there.';
COMMENT ON COLUMN xsell.trial.started_at IS 'When it began.';
COMMENT ON COLUMN xsell.trial.finished_at IS 'When it ended.';
COMMENT ON COLUMN xsell.trial.signature IS 'Hash of all that decides the search; trials of one signature continue each other.';
