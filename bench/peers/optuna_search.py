#!/usr/bin/python3
"""Searches XGBoost's hyper-parameters as one does in Python: Optuna's TPE over XGBoost's own API. The task, a JSON file, names the
rows (float32, row by row), the labels, the folds, the space, the point to begin with and the study's seed; so that both sides
search the same space on the same folds. Usage: optuna_search.py TASK; prints the values of the first and of the best trial."""
import json
import sys
import warnings

import numpy as np
import optuna
import xgboost

warnings.simplefilter("ignore")
optuna.logging.set_verbosity(optuna.logging.ERROR)
task = json.load(open(sys.argv[1]))
label = np.fromfile(task["label"], np.float32)
values = np.fromfile(task["values"], np.float32).reshape(len(label), -1)


class Fold:
    def __init__(self, fold):
        train, validate = fold["train"], fold["validate"]
        self.base_rate = float(np.mean(label[train], dtype=np.float64))
        self.train = xgboost.QuantileDMatrix(values[train], label[train], max_bin=254)
        self.validate = xgboost.DMatrix(values[validate], label[validate])
        self.positive = label[validate] > 0

    def loss(self, parameters):
        """The least log-loss on rows not learned from, looked at every fourth round."""
        settings = dict(parameters, base_score=self.base_rate)
        booster = xgboost.Booster(settings, [self.train, self.validate])
        best, best_round, done = np.inf, 0, 0
        while done < task["rounds"] and done - best_round < task["early_stopping"]:
            booster.update(self.train, done)
            done += 1
            if done % 4 == 0 or done == task["rounds"]:
                margin = booster.predict(self.validate, output_margin=True).astype(np.float64)
                loss = np.mean(np.logaddexp(0, margin) - self.positive * margin)
                if loss < best:
                    best, best_round = loss, done
        return best


folds = [Fold(fold) for fold in task["folds"]]
fixed = {"objective": "binary:logistic", "tree_method": "hist", "nthread": 1, "max_bin": 254, "verbosity": 0, "seed": task["xgboost_seed"]}


def objective(trial):
    parameters = dict(fixed)
    for d in task["space"]:
        suggest = trial.suggest_int if d["whole"] else trial.suggest_float
        parameters[d["xgboost_name"]] = suggest(d["name"], d["low"], d["high"], log=d["log"])
    return float(np.mean([fold.loss(parameters) for fold in folds]))


study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=task["seed"]))
study.enqueue_trial(task["first"])
study.optimize(objective, n_trials=task["trials"])
print(repr(study.trials[0].value), repr(study.best_value))
