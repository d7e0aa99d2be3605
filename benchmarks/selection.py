"""Selecting columns: true ones found, false ones taken, and how stable it is.

    python benchmarks/selection.py             # all
    python benchmarks/selection.py tables      # against rivals
    python benchmarks/selection.py stability   # bootstrap draws of a real table

Rivals that choose no number themselves are told the true one. Downstream is the
cross-validated accuracy (R2 for numbers) of a support vector machine on the columns
kept. feature-engine's MRMR and fast-select's take part where they are installed. Tables
go to benchmarks/results.
"""

import argparse
import time
import warnings

import numpy as np
from _common import run_parts, write_csv
from joblib import Parallel, delayed
from sklearn.datasets import (
    load_breast_cancer,
    make_classification,
    make_friedman1,
    make_friedman2,
    make_friedman3,
)
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.feature_selection import (
    SelectFromModel,
    SelectKBest,
    mutual_info_classif,
    mutual_info_regression,
)
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import KBinsDiscretizer, StandardScaler
from sklearn.svm import SVC, SVR

from sklearn_mine import MINEScore, MINESelector

try:
    from feature_engine.selection import MRMR
except ImportError:
    MRMR = None
try:
    import fast_select
except ImportError:
    fast_select = None

# --- Tables: X, y, whether y holds classes, and what of each column is true ----------
# Columns of one label say the same: one of them is to be found. -1 is noise.


def friedman(make, n_columns, seed):
    X, y = make(1000, noise=1.0, random_state=seed)
    n_true = 5 if make is make_friedman1 else 4
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(len(X), n_columns - n_true))
    labels = np.append(np.arange(n_true), np.full(noise.shape[1], -1))
    return np.column_stack([X[:, :n_true], noise]), y, False, labels


def copies(seed, n=1000):
    rng = np.random.default_rng(seed)
    a, b = rng.normal(size=(2, n))
    X = rng.normal(size=(n, 30))
    X[:, 0], X[:, 3] = a, b
    X[:, 1:3] = a[:, None] + 0.1 * rng.normal(size=(n, 2))
    labels = np.append([0, 0, 0, 1], np.full(26, -1))
    return X, 1.5 * a + b + 0.3 * rng.normal(size=n), False, labels


def interaction(seed, n=2000):
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 50))
    labels = np.full(50, -1)
    labels[[4, 9]] = 0, 1
    return X, (X[:, 4] * X[:, 9] > 0).astype(int), True, labels


def madelon(seed):
    """Five informative columns, five sums of them, five repeated ones, 485 of noise."""
    X, y = make_classification(
        1500,
        500,
        n_informative=5,
        n_redundant=5,
        n_repeated=5,
        n_clusters_per_class=4,
        class_sep=1.5,
        shuffle=False,
        random_state=seed,
    )
    # Sums and repeats are no noise, and none of them needs to be taken.
    labels = np.append(np.arange(5), np.full(495, -1))
    labels[5:15] = -2
    return X, y, True, labels


def probes(seed):
    """breast cancer with five shuffled copies of each column."""
    X, y = load_breast_cancer(return_X_y=True)
    rng = np.random.default_rng(seed)
    shuffled = [rng.permutation(X, axis=0) for _ in range(5)]
    labels = np.append(np.arange(30), np.full(150, -1))
    return np.column_stack([X, *shuffled]), y, True, labels


TABLES = {
    "copies": copies,
    "interaction": interaction,
    "friedman1": lambda seed: friedman(make_friedman1, 50, seed),
    "friedman2": lambda seed: friedman(make_friedman2, 50, seed),
    "friedman3": lambda seed: friedman(make_friedman3, 50, seed),
    "madelon-like": madelon,
    "breast cancer and probes": probes,
}

# --- Selectors: (X, y, classes, number of true columns) -> mask ----------------------


def ours(redundancy):
    def select(X, y, classes, n_true):
        score = MINEScore(solver="newton")
        selector = MINESelector(score, redundancy=redundancy, random_state=0)
        return selector.fit(X, y).get_support()

    return select


def k_best(X, y, classes, n_true):
    of = mutual_info_classif if classes else mutual_info_regression
    score = SelectKBest(lambda X, y: of(X, y, random_state=0), k=n_true)
    return score.fit(X, y).get_support()


def forest(X, y, classes, n_true):
    trees = ExtraTreesClassifier if classes else ExtraTreesRegressor
    model = trees(300, n_jobs=1, random_state=0)
    limit = {"threshold": -np.inf, "max_features": n_true}
    return SelectFromModel(model, **limit).fit(X, y).get_support()


def feature_engine(X, y, classes, n_true):
    import pandas as pd

    names = [f"c{j}" for j in range(X.shape[1])]
    selector = MRMR(method="MIQ", max_features=n_true, regression=not classes)
    kept = selector.fit(pd.DataFrame(X, columns=names), pd.Series(y))
    return np.isin(names, kept.get_feature_names_out())


def binned_mrmr(X, y, classes, n_true):
    """fast-select's mRMR, which takes discrete values: five quantiles of each."""
    bins = KBinsDiscretizer(
        5, encode="ordinal", quantile_method="averaged_inverted_cdf"
    )
    if not classes:
        y = bins.fit_transform(y[:, None])[:, 0].astype(int)
    kept = np.zeros(X.shape[1], dtype=bool)
    selector = fast_select.mRMR(n_features_to_select=n_true, backend="cpu")
    selector.fit(bins.fit_transform(X).astype(int), y)
    kept[selector.top_features_[:n_true]] = True
    return kept


SELECTORS = {
    "MINESelector, joint": ours("joint"),
    "MINESelector, mrmr": ours("mrmr"),
    "MINESelector, jmi": ours("jmi"),
    "MINESelector, cmim": ours("cmim"),
    "SelectKBest, mutual_info": k_best,
    "SelectFromModel, extra trees": forest,
}
if MRMR is not None:
    SELECTORS["feature-engine, MRMR"] = feature_engine
if fast_select is not None:
    SELECTORS["fast-select, mRMR"] = binned_mrmr


def downstream(X, y, classes, kept):
    if not kept.any():
        return np.nan
    model = make_pipeline(StandardScaler(), SVC() if classes else SVR(C=10.0))
    if not classes:
        y = (y - y.mean()) / y.std()
    folds = (StratifiedKFold if classes else KFold)(5, shuffle=True, random_state=0)
    return cross_val_score(model, X[:, kept], y, cv=folds).mean()


def judge(table, seed, name):
    X, y, classes, labels = TABLES[table](seed)
    n_true = len(set(labels[labels >= 0].tolist()))
    if table.startswith("breast"):
        n_true = 10
    start = time.perf_counter()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kept = SELECTORS[name](X, y, classes, n_true)
    taken = time.perf_counter() - start
    found = len(set(labels[kept & (labels >= 0)].tolist()))
    return {
        "table": table,
        "selector": name,
        "seed": seed,
        "of": n_true,
        "found": found,
        "superfluous": int(
            (kept & (labels >= 0)).sum() - found + (labels[kept] == -2).sum()
        ),
        "noise": int((labels[kept] == -1).sum()),
        "downstream": round(float(downstream(X, y, classes, kept)), 4),
        "seconds": round(taken, 2),
    }


def tables(args):
    figures = ("of", "found", "superfluous", "noise", "downstream", "seconds")
    print(f"{'':<30}" + "".join(f"{name:>13}" for name in figures))
    rows = []
    for table in TABLES:
        print(table)
        items = [(table, s, name) for name in SELECTORS for s in range(args.seeds)]
        found = Parallel(n_jobs=args.jobs)(delayed(judge)(*item) for item in items)
        for name in SELECTORS:
            some = [row for row in found if row["selector"] == name]
            means = [np.mean([row[figure] for row in some]) for figure in figures]
            line = f"  {name:<28}" + "".join(f"{mean:13.2f}" for mean in means)
            print(line, flush=True)
        rows += found
        write_csv("selection_tables.csv", rows)


def kuncheva(masks):
    """Mean overlap of pairs of selections beyond chance (Kuncheva, 2007)."""
    masks = np.asarray(masks, dtype=float)
    d, k = masks.shape[1], masks.sum(axis=1).mean()
    common = masks @ masks.T
    pairs = common[np.triu_indices(len(masks), 1)]
    return float(np.mean((pairs * d - k**2) / (k * (d - k))))


def draw(seed, name, k=10):
    X, y = load_breast_cancer(return_X_y=True)
    rows = np.random.default_rng(seed).integers(len(X), size=len(X))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if name == "SelectKBest, mutual_info":
            return k_best(X[rows], y[rows], True, k)
        redundancy = None if name.endswith("None") else name.split(", ")[1]
        selector = MINESelector(
            MINEScore(solver="newton"),
            n_features_to_select=k,
            redundancy=redundancy,
            random_state=0,
        )
        return selector.fit(X[rows], y[rows]).get_support()


def stability(args):
    rows = []
    names = [f"MINESelector, {kind}" for kind in (None, "mrmr", "jmi", "cmim", "joint")]
    print("breast cancer, 20 bootstrap draws, 10 of 30 columns: Kuncheva index")
    for name in [*names, "SelectKBest, mutual_info"]:
        masks = Parallel(n_jobs=args.jobs)(delayed(draw)(s, name) for s in range(20))
        rows.append({"selector": name, "Kuncheva index": round(kuncheva(masks), 3)})
        print(f"  {name:<28}{rows[-1]['Kuncheva index']:8.3f}", flush=True)
    write_csv("selection_stability.csv", rows)


PARTS = {"tables": tables, "stability": stability}


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=3, help="draws of each table")
    parser.add_argument("--jobs", type=int, default=2)
    run_parts(parser, PARTS)


if __name__ == "__main__":
    main()
