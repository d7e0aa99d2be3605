"""MINEClassifier and MINERegressor beside scikit-learn's usual models.

    python benchmarks/supervised.py --splits 4

Labels: accuracy and log loss beside a logistic regression of standardised columns.
Numbers: R2 beside RidgeCV and a random forest, and the share of test rows inside 80 %
intervals. Means over random splits. The tables go to benchmarks/results.
"""

import argparse
import time
import warnings

import numpy as np
from _common import RESULTS, write_csv
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_wine,
    make_friedman1,
)
from sklearn.ensemble import RandomForestRegressor
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import accuracy_score, log_loss, r2_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_mine import MINEClassifier, MINERegressor

LABELS = {"wine": load_wine, "breast cancer": load_breast_cancer, "digits": load_digits}
NUMBERS = {
    "diabetes": lambda: load_diabetes(return_X_y=True),
    "friedman1": lambda: make_friedman1(1500, noise=1.0, random_state=0),
}


def labels(load, seed):
    X, y = load(return_X_y=True)
    X, X_test, y, y_test = train_test_split(
        X, y, test_size=0.3, stratify=y, random_state=seed
    )
    start = time.perf_counter()
    model = MINEClassifier(random_state=0).fit(X, y)
    taken = time.perf_counter() - start
    rival = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
    rival.fit(X, y)
    return {
        "accuracy": accuracy_score(y_test, model.predict(X_test)),
        "of logistic regression": rival.score(X_test, y_test),
        "log loss": log_loss(y_test, model.predict_proba(X_test)),
        "its log loss": log_loss(y_test, rival.predict_proba(X_test)),
        "seconds": taken,
    }


def numbers(load, seed):
    X, X_test, y, y_test = train_test_split(*load(), test_size=0.25, random_state=seed)
    start = time.perf_counter()
    model = MINERegressor(random_state=0).fit(X, y)
    taken = time.perf_counter() - start
    low, high = model.predict(X_test, quantiles=[0.1, 0.9]).T
    forest = RandomForestRegressor(random_state=0).fit(X, y)
    return {
        "R2": r2_score(y_test, model.predict(X_test)),
        "of ridge": RidgeCV(np.logspace(-3, 3, 13)).fit(X, y).score(X_test, y_test),
        "of a forest": forest.score(X_test, y_test),
        "inside": np.mean((low <= y_test) & (y_test <= high)),
        "seconds": taken,
    }


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--splits", type=int, default=4)
    args = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    for kind, tables in ((labels, LABELS), (numbers, NUMBERS)):
        rows = []
        for name, load in tables.items():
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                found = [kind(load, seed) for seed in range(args.splits)]
            means = {each: np.mean([row[each] for row in found]) for each in found[0]}
            rows.append({"table": name, **{k: round(v, 4) for k, v in means.items()}})
            text = "   ".join(f"{key} {value:.3f}" for key, value in means.items())
            print(f"{name:<14}{text}", flush=True)
        write_csv(f"supervised_{kind.__name__}.csv", rows)


if __name__ == "__main__":
    main()
