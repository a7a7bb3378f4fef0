#!/usr/bin/python3
"""Scores outside the database, as a script beside it does: COPY out, pandas, XGBoost, COPY in. Usage: client.py MODEL.ubj"""
import io
import sys
import time

import pandas
import psycopg2
import xgboost
from rounds import serve

connection = psycopg2.connect("")
booster = xgboost.Booster({"nthread": 1})
booster.load_model(sys.argv[1])


def score():
    with connection, connection.cursor() as cursor:
        out = io.StringIO()
        cursor.copy_expert("COPY bench_column TO STDOUT (FORMAT csv)", out)
        out.seek(0)
        frame = pandas.read_csv(out, header=None, dtype={0: "int64", **{f: "float32" for f in range(1, 33)}})
        scores = pandas.DataFrame({"id": frame[0], "probability": booster.inplace_predict(frame.iloc[:, 1:].to_numpy())})
        back = io.StringIO()
        scores.to_csv(back, header=False, index=False)
        back.seek(0)
        cursor.execute("TRUNCATE bench_peer_score")
        cursor.copy_expert("COPY bench_peer_score FROM STDIN (FORMAT csv)", back)


serve(score, time.perf_counter)
