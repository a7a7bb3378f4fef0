#!/usr/bin/python3
"""The older platform's way to rank pairs, at its best: six pair features in numpy, the four models on all pairs in one batch, the ten best
of each entity. Prints pairs per second of CPU time; one thread. Usage: recommend.py [ENTITIES]"""
import sys
import time
import warnings

import numpy
import xgboost
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)
entities, candidates = int(sys.argv[1]) if len(sys.argv) > 1 else 1000, 200
random = numpy.random.default_rng(42)
weights = [0.3, 0.3, 0.2, 0.2]


def table(count):
    return {
        "industry": random.integers(0, 20, count), "country": random.integers(0, 10, count),
        "employees": random.lognormal(5, 2, count), "age": random.uniform(1, 2000, count), "idle": random.uniform(0, 400, count),
        "products": random.random((count, 50)) < 0.2,
    }


def features(a, i, b, j):
    shared = (a["products"][i] & b["products"][j]).sum(axis=1)
    either = (a["products"][i] | b["products"][j]).sum(axis=1)
    age, other = a["age"][i], b["age"][j]
    return numpy.column_stack([
        a["industry"][i] == b["industry"][j],
        1 / (1 + numpy.abs(numpy.log(a["employees"][i]) - numpy.log(b["employees"][j]))),
        numpy.where(a["country"][i] == b["country"][j], 1, 0.3),
        (either - shared) / (either + 1),
        numpy.minimum(age, other) / numpy.maximum(age, other),
        2 / (2 + a["idle"][i] / 30 + b["idle"][j] / 30),
    ]).astype("f4")


def train():
    x = random.random((40000, 6)).astype("f4")
    y = x @ numpy.array([0.3, 0.25, 0.2, 0.15, 0.05, 0.05]) + random.normal(0, 0.1, len(x)) > 0.5
    models = [
        xgboost.XGBClassifier(n_estimators=100, max_depth=6, learning_rate=0.1, n_jobs=1, random_state=42),
        RandomForestClassifier(n_estimators=100, max_depth=10, min_samples_split=5, min_samples_leaf=2, n_jobs=1, random_state=42),
        GradientBoostingClassifier(n_estimators=100, max_depth=5, learning_rate=0.1, subsample=0.8, random_state=42),
        MLPClassifier((64, 32, 16), max_iter=10, batch_size=256, random_state=42),
    ]
    return [model.fit(x, y) for model in models]


models, ours, theirs = train(), table(entities), table(20000)
begun = time.process_time()
i = numpy.repeat(numpy.arange(entities), candidates)
j = random.integers(0, 20000, entities * candidates)
x = features(ours, i, theirs, j)
score = sum(w * m.predict_proba(x)[:, 1] for w, m in zip(weights, models)).reshape(entities, candidates)
best = numpy.argpartition(-score, 10, axis=1)[:, :10]
print(entities * candidates / (time.process_time() - begun))
