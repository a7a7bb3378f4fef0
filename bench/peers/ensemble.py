#!/usr/bin/python3
"""The older platform's four models in Python, one job each. Usage: ensemble.py train|score X.f32 Y.f32 EPOCHS [ROWS.f32]

Files hold float32, 32 features a row; missing values become 0, because scikit-learn's trees of this release take none."""
import sys
import warnings

import numpy
import xgboost
from rounds import serve
from sklearn.ensemble import GradientBoostingClassifier, RandomForestClassifier
from sklearn.exceptions import ConvergenceWarning
from sklearn.neural_network import MLPClassifier

warnings.simplefilter("ignore", ConvergenceWarning)  # the epochs are what they are on our side
what, x_file, y_file, epochs = sys.argv[1:5]


def rows(file):
    return numpy.nan_to_num(numpy.fromfile(file, "<f4").reshape(-1, 32))


x, y = rows(x_file), numpy.fromfile(y_file, "<f4").astype(int)
weights = [0.3, 0.3, 0.2, 0.2]


def train():
    models = [
        xgboost.XGBClassifier(n_estimators=100, max_depth=6, learning_rate=0.1, n_jobs=1, random_state=42),
        RandomForestClassifier(n_estimators=100, max_depth=10, min_samples_split=5, min_samples_leaf=2, n_jobs=1, random_state=42),
        GradientBoostingClassifier(n_estimators=100, max_depth=5, learning_rate=0.1, subsample=0.8, random_state=42),
        MLPClassifier((64, 32, 16), max_iter=int(epochs), batch_size=256, n_iter_no_change=int(epochs), random_state=42),
    ]
    return [model.fit(x, y) for model in models]


if what == "train":
    serve(train)
else:
    models, table = train(), rows(sys.argv[5])
    serve(lambda: sum(w * m.predict_proba(table)[:, 1] for w, m in zip(weights, models)))
