-- Trials of searches: written once, read back to the bit, the best of each search marked. What training does with them: training.sql.
\set VERBOSITY terse
SELECT xsell_internal.search_signature('{"seed": 42}', 'abc') = encode(sha256('{"seed": 42} abc'), 'hex') AS hashed;
SELECT xsell_internal.record_trial(1, 'cross_sell', 'one', t, clock_timestamp())
FROM (VALUES ('{"member": "xgboost", "number": 0, "parameters": {"eta": 0.05, "max_depth": 4}, "state": "complete", "value": 0.30000000000000004, "step": [4, 108], "intermediate": [0.5, 0.3333333333333333]}'::jsonb),
             ('{"member": "xgboost", "number": 1, "parameters": {"eta": 0.01}, "state": "pruned", "value": 0.1, "step": [4], "intermediate": [0.1]}'),
             ('{"member": "xgboost", "number": 2, "parameters": {"eta": 0.02}, "state": "complete", "value": 0.2, "step": [], "intermediate": []}'),
             ('{"member": "xgboost", "number": 3, "parameters": {"eta": 0.03}, "state": "failed", "value": null, "step": [], "intermediate": []}'),
             ('{"member": "neural_network", "number": 0, "parameters": {"layers": [16]}, "state": "complete", "value": 0.4, "step": [], "intermediate": []}')) v(t);
-- A second run that makes the same trial changes nothing.
SELECT xsell_internal.record_trial(2, 'cross_sell', 'one', '{"member": "xgboost", "number": 2, "parameters": {}, "state": "complete", "value": 9, "step": [], "intermediate": []}', now());
SELECT member, number, run_id, state, value, best, parameters, intermediate_step, intermediate FROM xsell.trial ORDER BY member, number;
-- Every digit survives, whatever the session prints.
SET extra_float_digits = -10;
SELECT xsell_internal.finished_trials('cross_sell', 'one') -> 1 AS first, jsonb_array_length(xsell_internal.finished_trials('cross_sell', 'one')) AS trials;
RESET extra_float_digits;
SELECT xsell_internal.finished_trials('cross_sell', 'two') AS none, xsell_internal.finished_trials('other', 'one') AS of_another;
UPDATE xsell_internal.training_trial SET value = 0;
SELECT xsell_internal.record_trial(1, 'cross_sell', 'one', '{"member": "svm", "number": 9, "parameters": {}, "state": "complete", "value": 1, "step": [], "intermediate": []}', now());
-- A trainer writes them, a reader reads them.
SET ROLE xsell_trainer;
SELECT xsell_internal.record_trial(3, 'cross_sell', 'two', '{"member": "xgboost", "number": 0, "parameters": {}, "state": "complete", "value": 1, "step": [], "intermediate": []}', now());
SET ROLE xsell_reader;
SELECT count(*) FROM xsell.trial;
SELECT xsell_internal.record_trial(3, 'cross_sell', 'two', '{}', now());
RESET ROLE;
