"""Ranking columns: how fast, and with what power.

Speed: mine_score (p-values included) and mutual_info_regression on the same table, both
with n_jobs=2, each warmed up once and then timed in turns; and MINE.fit on two vectors.

Power: columns that depend weakly on the target, in eight shapes, among columns that do
not; the figure is the area under the ROC curve of the scores. Tables are printed and
written to benchmarks/results.

    python benchmarks/ranking.py            # both
    python benchmarks/ranking.py --speed
    python benchmarks/ranking.py --power --seeds 5
    python benchmarks/ranking.py --quick    # small sizes, to see that it runs
"""

import argparse
import time

import numpy as np
from _common import write_csv
from sklearn.feature_selection import f_regression, mutual_info_regression
from sklearn.metrics import roc_auc_score

from sklearn_mine import MINE, mine_score

# --- Speed ---------------------------------------------------------------------------


MEASURES = ("best", "median")


def speed_table(n_rows, n_columns, seed=0):
    """Normal columns; the target is a sum of five of them, one squared, and noise."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n_rows, n_columns))
    y = X[:, :4].sum(axis=1) + X[:, 4] ** 2 + rng.normal(size=n_rows)
    return X, y


def speed(shapes, *, n_jobs, repeats):
    contenders = {
        "mine_score": lambda X, y: mine_score(X, y, random_state=0, n_jobs=n_jobs),
        "mutual_info_regression": lambda X, y: mutual_info_regression(
            X, y, random_state=0, n_jobs=n_jobs
        ),
    }
    rows = []
    print(f"Speed, seconds, n_jobs={n_jobs}, {repeats} calls of each in turns")
    print(f"{'':<26}" + "".join(f"{name:>9}" for name in MEASURES))
    for n_rows, n_columns in shapes:
        X, y = speed_table(n_rows, n_columns)
        wall = {name: [] for name in contenders}
        for score in contenders.values():
            score(X, y)
        # In turns, so that a busy moment of the machine falls on both.
        for _ in range(repeats):
            for name, score in contenders.items():
                start = time.perf_counter()
                score(X, y)
                wall[name].append(time.perf_counter() - start)
        print(f"{n_rows} rows x {n_columns} columns")
        ours, theirs = (
            (min(wall[name]), float(np.median(wall[name]))) for name in contenders
        )
        ratio = tuple(a / b for a, b in zip(ours, theirs, strict=True))
        for name, values in zip(
            (*contenders, "ratio"), (ours, theirs, ratio), strict=True
        ):
            print(f"  {name:<24}" + "".join(f"{value:9.2f}" for value in values))
            row = {"rows": n_rows, "columns": n_columns, "what": name}
            for measure, value in zip(MEASURES, values, strict=True):
                row[measure] = round(value, 3)
            rows.append(row)
    return rows


def fit_speed(n_rows, dim, *, repeats, seed=0):
    """MINE on its defaults, on correlated normal vectors."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n_rows, dim))
    y = 0.6 * x + 0.8 * rng.normal(size=x.shape)
    wall = []
    for _ in range(repeats):
        start = time.perf_counter()
        MINE(random_state=0).fit(x, y)
        wall.append(time.perf_counter() - start)
    values = (min(wall), float(np.median(wall)))
    what = f"MINE.fit {dim} + {dim}"
    print(f"{n_rows} rows; the first fit, which imports torch's parts: {wall[0]:.2f}")
    print(f"  {what:<24}" + "".join(f"{value:9.2f}" for value in values))
    row = dict(zip(MEASURES, (round(value, 3) for value in values), strict=True))
    return [{"rows": n_rows, "columns": 2 * dim, "what": what, **row}]


# --- Power ---------------------------------------------------------------------------

# Each makes a target's signal from a column that is uniform on (-1, 1); it is then
# standardised, and noise is added.
SHAPES = {
    "linear": lambda x: x,
    "parabola": lambda x: x**2,
    "cubic": lambda x: 4 * x**3 - 3 * x,
    "step": lambda x: np.sign(x - 0.3),
    "sine": lambda x: np.sin(2 * np.pi * x),
    "hinge": lambda x: np.maximum(x - 0.4, 0.0),
    "peak": lambda x: np.exp(-((6 * x) ** 2)),
    "spread": None,  # the column sets the target's spread, not its mean
}


def power_table(n_rows, n_useless, strength, rng):
    """A target that is the sum of eight weak effects, and useless columns beside."""
    informative = rng.uniform(-1, 1, size=(n_rows, len(SHAPES)))
    y = np.zeros(n_rows)
    spread = np.ones(n_rows)
    for column, shape in zip(informative.T, SHAPES.values(), strict=True):
        if shape is None:
            spread = np.exp(3 * strength * column)
            continue
        signal = shape(column)
        y += strength * (signal - signal.mean()) / signal.std()
    y += spread * rng.normal(size=n_rows)
    # Useless columns have the informative ones' margin.
    useless = rng.uniform(-1, 1, size=(n_rows, n_useless))
    X = np.concatenate([informative, useless], axis=1)
    # Scales as real tables have them: some columns are heavy-tailed.
    X[:, ::2] = np.sinh(4 * X[:, ::2])
    return X, y, np.arange(X.shape[1]) < len(SHAPES)


def binned_score(X, y, n_bins=6):
    """Plug-in mutual information of ranks cut into n_bins x n_bins equal bins."""

    def cut(values):
        return np.argsort(np.argsort(values)) * n_bins // len(values)

    target = cut(y)
    scores = []
    for column in X.T:
        counts = np.bincount(cut(column) * n_bins + target, minlength=n_bins**2)
        joint = counts.reshape(n_bins, n_bins) / len(y)
        product = joint.sum(axis=1, keepdims=True) * joint.sum(axis=0)
        full = joint > 0
        scores.append((joint[full] * np.log(joint[full] / product[full])).sum())
    return np.array(scores)


def power(cases, *, n_useless, n_seeds, n_jobs):
    contenders = {
        "mine_score": lambda X, y: mine_score(X, y, random_state=0, n_jobs=n_jobs)[0],
        "mine_score, -p": lambda X, y: (
            -mine_score(X, y, random_state=0, n_jobs=n_jobs)[1]
        ),
        "mutual_info_regression": lambda X, y: mutual_info_regression(
            X, y, random_state=0, n_jobs=n_jobs
        ),
        "F-test": lambda X, y: f_regression(X, y)[0],
        "6 x 6 bins on ranks": binned_score,
    }
    rows = []
    print(
        f"Power: AUC of {len(SHAPES)} informative columns against {n_useless} useless "
        f"ones, mean over {n_seeds} tables"
    )
    for n_rows, strength in cases:
        areas = {name: [] for name in contenders}
        for seed in range(n_seeds):
            rng = np.random.default_rng([seed, n_rows])
            X, y, informative = power_table(n_rows, n_useless, strength, rng)
            for name, score in contenders.items():
                areas[name].append(roc_auc_score(informative, score(X, y)))
        print(f"{n_rows} rows, each effect {strength} standard deviations of the noise")
        for name, values in areas.items():
            error = np.std(values, ddof=1) / np.sqrt(n_seeds) if n_seeds > 1 else np.nan
            print(f"  {name:<24}{np.mean(values):8.3f}  ± {error:.3f}")
            rows.append(
                {
                    "rows": n_rows,
                    "strength": strength,
                    "method": name,
                    "auc": round(float(np.mean(values)), 4),
                    "std error": round(float(error), 4),
                    "tables": n_seeds,
                }
            )
    return rows


def main():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--speed", action="store_true", help="speed only")
    parser.add_argument("--power", action="store_true", help="power only")
    parser.add_argument("--quick", action="store_true", help="small sizes")
    parser.add_argument("--n-jobs", type=int, default=2)
    parser.add_argument("--repeats", type=int, default=3, help="timed calls of each")
    parser.add_argument("--seeds", type=int, default=4, help="tables for each AUC")
    args = parser.parse_args()
    both = args.speed == args.power
    suffix = "_quick" if args.quick else ""
    if args.speed or both:
        shapes = [(500, 40)] if args.quick else [(1000, 400), (10000, 200)]
        rows = speed(shapes, n_jobs=args.n_jobs, repeats=args.repeats)
        rows += fit_speed(500 if args.quick else 10000, 5, repeats=args.repeats)
        write_csv(f"ranking_speed{suffix}.csv", rows)
        print(f"written: benchmarks/results/ranking_speed{suffix}.csv\n")
    if args.power or both:
        cases = [(300, 0.5)] if args.quick else [(300, 0.5), (1000, 0.28)]
        n_seeds = min(args.seeds, 2) if args.quick else args.seeds
        rows = power(cases, n_useless=100, n_seeds=n_seeds, n_jobs=args.n_jobs)
        write_csv(f"ranking_power{suffix}.csv", rows)
        print(f"written: benchmarks/results/ranking_power{suffix}.csv\n")


if __name__ == "__main__":
    main()
