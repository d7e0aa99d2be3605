"""Ranking columns: which score finds more of the true ones.

Weak dependences of ten shapes, at four sizes, for a continuous and for a three-class
target. Each table holds true columns of every shape and useless columns; half of
either are discrete, and columns and target are distorted by increasing maps. Printed
are the area under the ROC curve of the scores and the share of true columns among as
many of the best, means over tables with their standard errors, by shape and by size.
--real does the same for the tables that scikit-learn ships, each with five shuffled
copies of every column as probes, and scores a classifier or regressor on the columns
that SelectKBest keeps. Tables go to benchmarks/results.

    python benchmarks/ranking.py
    python benchmarks/ranking.py --real
    python benchmarks/ranking.py --rows 300 --tables 2 --without paper   # a quick look
"""

import argparse
import time
import warnings

import numpy as np
from _common import PAPER, write_csv
from joblib import Parallel, delayed
from scipy.stats import chatterjeexi, rankdata
from sklearn.datasets import (
    load_breast_cancer,
    load_diabetes,
    load_digits,
    load_iris,
    load_linnerud,
    load_wine,
)
from sklearn.ensemble import ExtraTreesClassifier, ExtraTreesRegressor
from sklearn.feature_selection import (
    SelectKBest,
    f_classif,
    f_regression,
    mutual_info_classif,
    mutual_info_regression,
)
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import KFold, StratifiedKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC, SVR
from tqdm import tqdm

from sklearn_mine import MINEScore

try:
    import dcor
except ImportError:
    dcor = None

# --- Scores: (X, y, whether y holds classes) -> one number for each column -----------


def f_test(X, y, classes):
    return np.nan_to_num((f_classif if classes else f_regression)(X, y)[0])


def nearest_neighbours(k):
    def score(X, y, classes):
        of = mutual_info_classif if classes else mutual_info_regression
        discrete = [len(np.unique(column)) < 10 for column in X.T]
        options = {"discrete_features": discrete, "n_neighbors": min(k, len(y) - 1)}
        return of(X, y, random_state=0, **options)

    return score


def distance_correlation(X, y, classes):
    if classes:
        # Of each class apart: the fast algorithm is for single columns.
        return sum(distance_correlation(X, y == each, False) for each in np.unique(y))
    target = rankdata(y)
    return np.array([dcor.u_distance_correlation_sqr(rankdata(x), target) for x in X.T])


def chatterjee(X, y, classes):
    return np.array([chatterjeexi(x, y).statistic for x in X.T])


def bins(X, y, classes, n_bins=6):
    """Plug-in information of ranks cut into n_bins x n_bins bins, less its bias."""

    def cut(values):
        places = (rankdata(values) - 1) * n_bins // len(values)
        return np.unique(places, return_inverse=True)[1]

    target = np.unique(y, return_inverse=True)[1] if classes else cut(y)
    scores = []
    for column in X.T:
        table = np.zeros((n_bins, target.max() + 1))
        np.add.at(table, (cut(column), target), 1.0)
        expected = np.outer(table.sum(axis=1), table.sum(axis=0)) / len(y)
        full = table > 0
        information = (table[full] * np.log(table[full] / expected[full])).sum()
        n_free = np.prod([(table.sum(axis=axis) > 0).sum() - 1 for axis in (0, 1)])
        scores.append((information - 0.5 * n_free) / len(y))
    return np.array(scores)


def extra_trees(X, y, classes):
    forest = ExtraTreesClassifier if classes else ExtraTreesRegressor
    trees = forest(100, min_samples_leaf=5, n_jobs=1, random_state=0)
    return trees.fit(X, y).feature_importances_


def neural(**params):
    def score(X, y, classes):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return MINEScore(random_state=0, discrete_target=classes, **params)(X, y)[0]

    return score


SCORES = {
    "mine_score": neural(),
    "F test": f_test,
    "mutual_info, 3 neighbours": nearest_neighbours(3),
    "mutual_info, 20 neighbours": nearest_neighbours(20),
    "distance correlation": distance_correlation,
    "Chatterjee's xi": chatterjee,
    "6 x 6 bins on ranks": bins,
    "ExtraTrees importances": extra_trees,
    "paper": neural(**PAPER),
}
if dcor is None:
    del SCORES["distance correlation"]
# The estimator as published takes a minute for the smallest of these tables.
LARGEST = {"paper": 300}

# --- Tables whose true columns are known ---------------------------------------------

# Each makes a column from the standardised target z, its rank u in (-1, 1), normal
# noise e, a sign s and a hidden normal h, with strength a.
SHAPES = {
    "linear": lambda a, z, u, e, s, h: a * z + e,
    "signs mixed": lambda a, z, u, e, s, h: a * s * z + e,
    "sinusoid": lambda a, z, u, e, s, h: a * np.cos(2 * np.pi * u) + e,
    "variance": lambda a, z, u, e, s, h: np.exp(a * z) * e,
    "circle": lambda a, z, u, e, s, h: a * s * np.sqrt(1 - u**2) + e,
    "step": lambda a, z, u, e, s, h: a * (u > 0.5) + e,
    "product": lambda a, z, u, e, s, h: a * h * z + e,
    "heavy tails": lambda a, z, u, e, s, h: a * z + e / np.abs(h) ** (2 / 3),
    "bump": lambda a, z, u, e, s, h: a * np.exp(-((4 * u) ** 2)) + e,
    "some rows": lambda a, z, u, e, s, h: a * z * (s * h > 0.8) + e,
}
# Strength at 1,000 rows, and how fast it may fall with more: what changes the mean
# counts by its square, what only spreads by its fourth power.
STRENGTH = {
    "linear": (0.09, 0.5),
    "signs mixed": (0.35, 0.25),
    "sinusoid": (0.14, 0.5),
    "variance": (0.07, 0.5),
    "circle": (0.8, 0.25),
    "step": (0.22, 0.5),
    "product": (0.4, 0.25),
    "heavy tails": (0.17, 0.5),
    "bump": (0.3, 0.5),
    "some rows": (0.5, 0.5),
}
DISTORTIONS = (lambda v: v, np.exp, np.cbrt, lambda v: np.sinh(2 * v))
N_LEVELS, N_OF_SHAPE, N_USELESS = 5, 4, 80


def known_table(n, classes, rng):
    """X, y, and the shape of each column ("" where it is useless)."""
    if classes:
        y = rng.choice(3, size=n, p=[0.3, 0.4, 0.3])
        u = np.array([-0.7, 0.1, 0.8])[y]
        z = np.array([-1.22, -0.1, 1.35])[y]
    else:
        z = rng.normal(size=n)
        u = 2 * rankdata(z) / (n + 1) - 1
        y = np.exp(z)
    names = [name for name in SHAPES for _ in range(N_OF_SHAPE)]
    columns = []
    for j, name in enumerate([*names, *[""] * N_USELESS]):
        e, h = rng.normal(size=(2, n))
        s = rng.choice([-1.0, 1.0], size=n)
        # Useless columns are made in the same ways, from a target in another order.
        shape = name or names[j % len(names)]
        order = slice(None) if name else rng.permutation(n)
        strength, power = STRENGTH[shape]
        strength *= (1000 / n) ** power
        column = SHAPES[shape](strength, z[order], u[order], e, s, h)
        if j % 2:
            levels = np.linspace(0, 1, N_LEVELS + 1)[1:-1]
            column = np.searchsorted(np.quantile(column, levels), column).astype(float)
        else:
            column = column / np.median(np.abs(column))
            column = DISTORTIONS[j // 2 % len(DISTORTIONS)](np.clip(column, -40, 40))
        columns.append(column)
    return np.stack(columns, axis=1), y, np.array([*names, *[""] * N_USELESS])


def judge_known(n, classes, seed, methods):
    """Rows of the result: for each method, the figures of each shape and of all."""
    X, y, shapes = known_table(n, classes, np.random.default_rng([seed, n, classes]))
    useless = shapes == ""
    rows = []
    for method in methods:
        if n > LARGEST.get(method, np.inf):
            continue
        start = time.perf_counter()
        scores = SCORES[method](X, y, classes)
        seconds = time.perf_counter() - start
        for shape in [*SHAPES, "all"]:
            true = ~useless if shape == "all" else shapes == shape
            part = true | useless
            best = np.argsort(-scores[part], kind="stable")[: true.sum()]
            rows.append(
                {
                    "rows": n,
                    "target": "classes" if classes else "continuous",
                    "table": seed,
                    "method": method,
                    "shape": shape,
                    "auc": round(roc_auc_score(true[part], scores[part]), 4),
                    "recall": round(true[part][best].mean(), 4),
                    "seconds": round(seconds, 3),
                }
            )
    return rows


# --- Real tables ---------------------------------------------------------------------

REAL = {
    "breast cancer": (load_breast_cancer, True),
    "diabetes": (load_diabetes, False),
    "digits": (load_digits, True),
    "iris": (load_iris, True),
    "linnerud": (load_linnerud, False),
    "wine": (load_wine, True),
}
N_PROBES = 5


class Ranks:
    """A score for SelectKBest, of a method named in SCORES."""

    def __init__(self, method, classes):
        self.method, self.classes = method, classes

    def __call__(self, X, y):
        return SCORES[self.method](X, y, self.classes)


def judge_real(name, seed, methods):
    """Rows of the result for one draw of the probes."""
    load, classes = REAL[name]
    X, y = load(return_X_y=True)
    y = y if y.ndim == 1 else y[:, 0]
    X = X[:, X.std(axis=0) > 0]
    rng = np.random.default_rng(seed)
    probes = [rng.permutation(column) for column in X.T for _ in range(N_PROBES)]
    real = np.arange(X.shape[1] * (1 + N_PROBES)) < X.shape[1]
    X = np.column_stack([X, *probes])
    splitter = StratifiedKFold if classes else KFold
    folds = splitter(5, shuffle=True, random_state=seed)
    rows = []
    for method in methods:
        scores = SCORES[method](X, y, classes)
        chosen = SelectKBest(Ranks(method, classes), k=max(1, real.sum() // 2))
        model = make_pipeline(chosen, StandardScaler(), SVC() if classes else SVR(C=50))
        rows.append(
            {
                "table": name,
                "draw": seed,
                "method": method,
                "auc": roc_auc_score(real, scores),
                "downstream": cross_val_score(model, X, y, cv=folds).mean(),
            }
        )
    return rows


# --- Tables of results ---------------------------------------------------------------


def means(rows, by, figure):
    """Mean of a figure and its standard error, for each value of `by` and method."""
    cells = {}
    for row in rows:
        cells.setdefault((row[by], row["method"]), []).append(row[figure])
    return {
        key: (np.mean(v), np.std(v, ddof=1) / np.sqrt(len(v)) if len(v) > 1 else np.nan)
        for key, v in cells.items()
    }


def show(rows, by, figure, methods):
    """Print a table of means, a column for each value of `by`."""
    values = list(dict.fromkeys(row[by] for row in rows))
    table = means(rows, by, figure)
    print(f"\n{figure} by {by}, mean ± standard error")
    print(" " * 27 + "".join(f"{value!s:>15}" for value in values))
    for method in methods:
        cells = [table.get((value, method), (np.nan, np.nan)) for value in values]
        line = "".join(
            f"   {mean:6.3f} ± {error:.3f}" if np.isfinite(mean) else f"{'-':>15}"
            for mean, error in cells
        )
        print(f"{method:<27}{line}", flush=True)


def run(judge, items, methods, n_jobs):
    parallel = Parallel(n_jobs=n_jobs, return_as="generator_unordered")
    parts = parallel(delayed(judge)(*each, methods) for each in items)
    return [row for part in tqdm(parts, total=len(items), unit="table") for row in part]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--real", action="store_true", help="scikit-learn's tables")
    parser.add_argument(
        "--rows", type=int, nargs="+", default=[300, 1000, 5000, 20000], help="sizes"
    )
    parser.add_argument("--tables", type=int, default=10, help="of each kind")
    parser.add_argument("--first", type=int, default=0, help="seed of the first table")
    parser.add_argument("--without", nargs="+", default=[], help="methods left out")
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    args = parser.parse_args()
    methods = [name for name in SCORES if name not in args.without]
    seeds = range(args.first, args.first + args.tables)
    if args.real:
        items = [(name, seed) for name in REAL for seed in seeds]
        rows = run(judge_real, items, methods, args.jobs)
        for figure in ("auc", "downstream"):
            show(rows, "table", figure, methods)
        write_csv("ranking_real.csv", rows)
        print("written: benchmarks/results/ranking_real.csv")
        return
    items = [(n, c, seed) for n in args.rows for c in (False, True) for seed in seeds]
    rows = run(judge_known, items, methods, args.jobs)
    every = [row for row in rows if row["shape"] == "all"]
    for figure in ("auc", "recall", "seconds"):
        show(every, "rows", figure, methods)
    show(every, "target", "auc", methods)
    show(rows, "shape", "auc", methods)
    write_csv("ranking_known.csv", rows)
    print("written: benchmarks/results/ranking_known.csv")


if __name__ == "__main__":
    main()
