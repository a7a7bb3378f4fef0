#!/usr/bin/python3
"""Computes again what reference.test has exported into a folder and prints PASS or FAIL lines. Usage: reference.py FOLDER"""
import csv
import json
import struct
import sys
from collections import defaultdict
from pathlib import Path

import numpy
import xgboost
from sklearn import metrics

folder = Path(sys.argv[1])


def table(name):
    with open(folder / f"{name}.csv", newline="") as file:
        return list(csv.DictReader(file))


def artefact(kind):
    return bytes.fromhex((folder / f"{kind}.hex").read_text().strip())


def check(name, difference, limit):
    """difference: the largest, over everything that was compared; nothing compared is a failure."""
    passed = difference is not None and difference <= limit
    print(f"{'PASS' if passed else 'FAIL'} reference: {name} ({difference} of {limit:g})", flush=True)


def largest(differences):
    values = numpy.asarray(list(differences), dtype=float)
    return float(numpy.max(numpy.abs(values))) if values.size and not numpy.isnan(values).any() else None


def sigmoid(margin):
    return 1 / (1 + numpy.exp(-numpy.asarray(margin, dtype=float)))


def logit(p):
    return numpy.log(p) - numpy.log1p(-p)


# Metrics.
ours = {(m["ranker"], m["metric"]): float(m["value"]) for m in table("metrics") if m["value"]}
groups = defaultdict(list)
for row in table("ranked"):
    groups[row["ranker"]].append((int(row["entity"]), row["label"] == "t", float(row["score"])))
theirs = {}
for ranker, rows in groups.items():
    entity, label, score = (numpy.array(column) for column in zip(*rows))
    theirs[ranker, "auc"] = metrics.roc_auc_score(label, score)
    theirs[ranker, "pr_auc"] = metrics.average_precision_score(label, score)
    theirs[ranker, "log_loss"] = metrics.log_loss(label, score, eps=1e-15)
    theirs[ranker, "brier"] = metrics.brier_score_loss(label, score)
    if len(set(score)) == len(score):  # scikit-learn averages over ties, we rank the lower product first
        for k in (5, 10, 20):
            theirs[ranker, f"ndcg@{k}"] = numpy.mean(
                [metrics.ndcg_score([label[entity == e]], [score[entity == e]], k=k) for e in set(entity) if label[entity == e].any()]
            )
for name in ("auc", "pr_auc", "log_loss", "brier", "ndcg@5", "ndcg@10", "ndcg@20"):
    pairs = [(key, value) for key, value in theirs.items() if key[1] == name]
    check(f"{name} is scikit-learn's", largest(ours.get(key, numpy.nan) - value for key, value in pairs), 1e-9)

# Members: trees by XGBoost from the stored artefacts, the network by NumPy from its stored weights.
rows = table("rows")
x = numpy.array([[float(v) for v in row["x"].split(",")] for row in rows], dtype=numpy.float32)
names = json.loads((folder / "features.json").read_text())
boosters, margins = {}, {}
for kind in ("xgboost", "random_forest", "gradient_boosting"):
    boosters[kind] = xgboost.Booster({"nthread": 1})
    boosters[kind].load_model(bytearray(artefact(kind)))
    margins[kind] = boosters[kind].predict(xgboost.DMatrix(x), output_margin=True).astype(float)


def read_network(blob):
    """As network_blob.cpp lays it out: magic, version, flags, counts; centers, scales, indicators; layers."""
    _, version, flags, features, indicators, layers = struct.unpack_from("<IHHIII", blob)
    assert (version, flags) == (1, 0)
    at = 20

    def take(count, kind="<f4"):
        nonlocal at
        values = numpy.frombuffer(blob, kind, count, at)
        at += values.nbytes
        return values

    center, scale, indicator = take(features), take(features), take(indicators, "<u2")
    found = []
    for _ in range(layers):
        inputs, outputs, relu = take(3, "<u4")
        found.append((take(inputs * outputs).reshape(outputs, inputs), take(outputs), relu))
    assert at == len(blob)
    return center, scale, indicator, found


center, scale, indicator, layers = read_network(artefact("neural_network"))
missing = numpy.isnan(x)
standard = numpy.where(missing, 0, (x.astype(float) - center) * scale)
activation = numpy.hstack([standard, missing[:, indicator]])
for weight, bias, relu in layers:
    activation = activation @ weight.astype(float).T + bias
    activation = numpy.maximum(activation, 0) if relu else activation
margins["neural_network"] = activation[:, 0]
check("the network's forward pass is NumPy's", largest(numpy.array([float(row["neural_network"]) for row in rows]) - sigmoid(margins["neural_network"])), 1e-6)
for kind in boosters:
    check(f"{kind} scores as XGBoost does", largest(numpy.array([float(row[kind]) for row in rows]) - sigmoid(margins[kind])), 1e-6)

# Shapley values of each member, and the blend's: additive, and the weighted sum of the members'.
explained = defaultdict(lambda: defaultdict(dict))
weights, bases = {}, defaultdict(dict)
for row in table("explanations"):
    entity = int(row["entity_id"])
    explained[row["member"]][entity][row["feature"]] = float(row["contribution"])
    weights[row["member"]] = float(row["weight"])
    bases[row["member"]][entity] = float(row["base"])
place = {int(row["entity_id"]): i for i, row in enumerate(rows)}
for kind, booster in boosters.items():
    contributions = booster.predict(xgboost.DMatrix(x), pred_contribs=True)
    differences = [
        explained[kind][e][f] - contributions[place[e]][names.index(f)] for e in explained[kind] for f in explained[kind][e]
    ] + [bases[kind][e] - contributions[place[e]][-1] for e in bases[kind]]
    check(f"Shapley values of {kind} are XGBoost's pred_contribs", largest(differences), 1e-4)
for kind in margins:
    check(
        f"explanations of {kind} add up to its margin",
        largest(bases[kind][e] + sum(explained[kind][e].values()) - margins[kind][place[e]] for e in explained[kind]),
        1e-4,
    )
blend, blend_base = defaultdict(dict), {}
for row in table("blend"):
    blend[int(row["entity_id"])][row["feature"]] = float(row["contribution"])
    blend_base[int(row["entity_id"])] = float(row["base"])
check("explanations of the blend add up to its raw score", largest(blend_base[e] + sum(blend[e].values()) - logit(float(rows[place[e]]["raw"])) for e in blend), 1e-4)
check(
    "they are the members' weighted sum",
    largest(blend[e][f] - sum(weights[k] * explained[k][e][f] for k in weights) for e in blend for f in blend[e]),
    1e-4,
)
mixed = sum(weights[k] * margins[k] for k in weights)
shift = numpy.array([logit(float(row["raw"])) for row in rows]) - mixed
check("the raw score is the weighted sum of the members' log-odds, but for a constant", float(shift.max() - shift.min()), 1e-5)
